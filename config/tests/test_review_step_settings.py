"""The limits of the steps of a review, set by the environment (REV-01)."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.settings.environment import REVIEW_STEPS, read
from review.states import ReviewStep


def test_rev_01_every_step_of_a_review_can_be_set():
    assert set(REVIEW_STEPS) == set(ReviewStep.values)


def test_rev_01_working_days_by_step(monkeypatch):
    monkeypatch.setenv("HUIYIN_REVIEW_STEP_DAYS", "check=10, notice=2")
    assert read().review_step_days == {"check": 10, "notice": 2}


@pytest.mark.parametrize("value", ["check", "check=0", "check=400", "check=-1", "lunch=2", "check=ten"])
def test_rev_01_what_is_wrong_is_named(monkeypatch, value):
    monkeypatch.setenv("HUIYIN_REVIEW_STEP_DAYS", value)
    with pytest.raises(ImproperlyConfigured, match="HUIYIN_REVIEW_STEP_DAYS"):
        read()

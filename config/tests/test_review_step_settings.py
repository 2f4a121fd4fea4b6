"""The limits of the steps of a review, set by the environment (REV-01)."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.settings.environment import REVIEW_STEPS, read
from review import step_limits


def test_rev_01_every_step_with_a_limit_can_be_set_within_the_bounds_of_its_page():
    """The receipt is done when the review opens; no setting is accepted that would change nothing."""
    assert {step.value: step_limits.FIXED.get(step, step_limits.MOST) for step in step_limits.STEPS} == REVIEW_STEPS


def test_rev_01_working_days_by_step(monkeypatch):
    monkeypatch.setenv("HUIYIN_REVIEW_STEP_DAYS", "check=10, notice=2")
    assert read().review_step_days == {"check": 10, "notice": 2}


@pytest.mark.parametrize(
    "value",
    [
        "check", "check=0", "check=366", "check=-1", "lunch=2", "check=ten", "check=²", "check=" + "9" * 5000,
        "screening=3", "conclusion=16", "request=1",
    ],
)  # fmt: skip
def test_rev_01_what_is_wrong_is_named(monkeypatch, value):
    monkeypatch.setenv("HUIYIN_REVIEW_STEP_DAYS", value)
    with pytest.raises(ImproperlyConfigured, match="HUIYIN_REVIEW_STEP_DAYS"):
        read()

"""The days between two meetings about a risky case, set by the environment (RISK-06)."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from complaints.risk_meetings import EVERY, FIRST
from config.settings.environment import RISK_GRADES, read


def test_risk_06_every_grade_that_asks_for_meetings_can_be_set():
    assert set(RISK_GRADES) == set(EVERY) == set(FIRST)


def test_risk_06_days_by_grade(monkeypatch):
    monkeypatch.setenv("HUIYIN_RISK_MEETING_DAYS", "high=3, medium=0")
    assert read().risk_meeting_days == {"high": 3, "medium": 0}


@pytest.mark.parametrize("value", ["high", "high=-1", "high=400", "high=12345", "ordinary=3", "high=ten"])
def test_risk_06_what_is_wrong_is_named(monkeypatch, value):
    monkeypatch.setenv("HUIYIN_RISK_MEETING_DAYS", value)
    with pytest.raises(ImproperlyConfigured, match="HUIYIN_RISK_MEETING_DAYS"):
        read()

"""Months and quarters (AN-19): half-open in the office's time, unreadable or future ones refused in words."""

from datetime import UTC, datetime

import pytest

from accounts.errors import InvalidInput
from analytics import periods
from analytics.periods import Period, month_of, parse
from complaints.tests.factories import at


@pytest.mark.parametrize(
    ("code", "start", "end", "previous", "following"),
    [
        ("2026-10", "2026-10-01 00:00", "2026-11-01 00:00", "2026-09", "2026-11"),
        ("2026-12", "2026-12-01 00:00", "2027-01-01 00:00", "2026-11", "2027-01"),
        ("2026-01", "2026-01-01 00:00", "2026-02-01 00:00", "2025-12", "2026-02"),
        ("2026-Q3", "2026-07-01 00:00", "2026-10-01 00:00", "2026-Q2", "2026-Q4"),
        ("2026-Q1", "2026-01-01 00:00", "2026-04-01 00:00", "2025-Q4", "2026-Q2"),
    ],
)
def test_a_period_is_half_open_and_knows_its_neighbours(code, start, end, previous, following):
    period = parse(code)
    assert (period.code, period.start, period.end) == (code, at(start), at(end))
    assert (period.previous.code, period.next.code) == (previous, following)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "2026-13",
        "2026-00",
        "2026-1",
        "2026-Q5",
        "2026-q3",
        "１２",
        "2026-10-01",
        "last",
        "2026-10\n",
        "1999-12",
        "2100-01",
    ],
)
def test_an_unreadable_period_is_refused_by_field(text):
    with pytest.raises(InvalidInput) as refused:
        parse(text)
    assert refused.value.field == "period"


def test_the_moment_before_midnight_belongs_to_the_old_month():
    assert month_of(at("2026-10-31 23:59")).code == "2026-10"
    assert month_of(at("2026-11-01 00:00")).code == "2026-11"
    assert month_of(datetime(2026, 10, 31, 16, 0, tzinfo=UTC)).code == "2026-11"


def test_the_months_of_a_quarter_and_the_twelve_before_it():
    quarter = parse("2026-Q3")
    assert [month.code for month in quarter.last_months(3)] == ["2026-07", "2026-08", "2026-09"]
    assert quarter.last_months(12)[0].code == "2025-10"
    assert [quarter.covers(Period(2026, month)) for month in (6, 7, 9, 10)] == [False, True, True, False]


def test_an_unfinished_month_has_figures_but_no_report():
    """The current month and a future one are refused for a report, each with its reason."""
    now = at("2026-11-21 10:00")
    assert periods.begun("2026-11", at=now).code == "2026-11"
    assert periods.finished("2026-10", at=now).code == "2026-10"
    assert periods.finished("2026-11", at=at("2026-12-01 00:00")).code == "2026-11"
    with pytest.raises(InvalidInput) as unfinished:
        periods.finished("2026-11", at=now)
    assert "2026-12-01" in str(unfinished.value)
    with pytest.raises(InvalidInput):
        periods.begun("2026-12", at=now)

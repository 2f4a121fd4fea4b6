"""The forecast of daily volume: patterns learned, intervals, honesty about short histories (ASG-14, RISK-27, AN-04)."""

import csv
from collections import Counter
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.forecasting import MIN_HISTORY, TooShort, forecast

FIRST = date(2023, 1, 2)  # a Monday


def history(length, mean, seed=1, first=FIRST):
    """Poisson counts whose mean is a number or a function of the day."""
    rng = np.random.default_rng(seed)
    days = [first + timedelta(days=at) for at in range(length)]
    return {day: int(rng.poisson(mean(day) if callable(mean) else mean)) for day in days}


def coming(past, horizon=7, **options):
    return forecast(past, horizon=horizon, **options)


def test_the_days_follow_the_last_day():
    assert [row.day for row in coming(history(40, 3), 3)] == [FIRST + timedelta(days=at) for at in (40, 41, 42)]


@given(counts=st.lists(st.integers(0, 10_000), min_size=MIN_HISTORY, max_size=60), horizon=st.integers(1, 40))
def test_the_interval_holds_median_and_is_in_order(counts, horizon):
    """AN-04: whatever the history, the numbers are finite and in order."""
    past = {FIRST + timedelta(days=at): count for at, count in enumerate(counts)}
    rows = coming(past, horizon)
    assert len(rows) == horizon
    for row in rows:
        assert 0 <= row.low <= row.median <= row.high
        assert 0 < row.expected < float("inf")


def test_a_wider_coverage_gives_a_wider_interval():
    past = history(200, 20)
    for narrow, wide in zip(coming(past, coverage=0.5), coming(past, coverage=0.95), strict=True):
        assert wide.low < narrow.low <= narrow.high < wide.high


def test_asg_14_quiet_weekends_are_learned():
    rows = coming(history(20 * 7, lambda day: 5 if day.weekday() >= 5 else 40))
    assert all(row.expected < 10 for row in rows if row.day.weekday() >= 5)
    assert all(35 < row.expected < 45 for row in rows if row.day.weekday() < 5)


def test_asg_14_holidays_and_make_up_days_are_learned():
    """A holiday on a working day is quiet, a make-up working day on a Sunday is busy."""
    holidays = {FIRST + timedelta(days=at) for at in range(9, 700, 60)}
    made_up = {FIRST + timedelta(days=at) for at in range(13, 700, 56)}

    def kind(day):
        return "holiday" if day in holidays else "make-up" if day in made_up else ""

    def mean(day):
        return {"holiday": 4, "make-up": 40, "": 5 if day.weekday() >= 5 else 40}[kind(day)]

    past = history(600, mean)
    informed = {row.day: row for row in coming(past, 90, day_kind=kind)}
    plain = {row.day: row for row in coming(past, 90)}
    ahead_holidays, ahead_made_up = (sorted(set(chosen) & set(informed)) for chosen in (holidays, made_up))
    assert ahead_holidays
    assert ahead_made_up
    assert all(informed[day].expected < 8 < 30 < plain[day].expected for day in ahead_holidays if day.weekday() < 5)
    assert all(informed[day].expected > 30 > 12 > plain[day].expected for day in ahead_made_up)


def test_a_kind_of_day_never_seen_gets_the_mean():
    rows = coming(history(140, 20), day_kind=lambda day: "holiday" if day > FIRST + timedelta(days=139) else "")
    assert all(15 < row.expected < 25 for row in rows)


def test_an_04_the_season_of_the_year_is_learned():
    past = history(3 * 365, lambda day: 20 + 15 * np.sin(2 * np.pi * day.timetuple().tm_yday / 365))
    spring = coming(past, 100)[-1].expected  # the history ends at the turn of the year, in the rise
    assert 28 < spring < 42


def test_an_04_growth_goes_on_and_fades():
    past = history(500, lambda day: 20 + (day - FIRST).days / 10)
    rows = coming(past, 60)
    assert 65 < rows[0].expected < 78
    assert rows[-1].expected < 90


def test_the_level_of_the_last_weeks_counts():
    past = history(300, 10) | history(60, 30, first=FIRST + timedelta(days=300))
    assert all(22 < row.expected < 36 for row in coming(past))


def test_a_short_history_is_honest():
    """RISK-27: below two weeks none is given; after two the interval is wider than after forty."""
    with pytest.raises(TooShort):
        coming(history(MIN_HISTORY - 1, 10))
    with pytest.raises(TooShort):
        coming({})
    short, long = coming(history(MIN_HISTORY, 100), 1)[0], coming(history(280, 100), 1)[0]
    assert short.high - short.low > long.high - long.low


def test_missing_days_count_as_zero():
    past = history(100, 3)
    assert coming(past) == coming({day: count for day, count in past.items() if count or day in (min(past), max(past))})


def test_silence_is_expected_after_silence():
    assert all(row.expected < 0.2 and row.low == row.median == 0 for row in coming(dict.fromkeys(history(60, 1), 0)))


@pytest.mark.parametrize("options", [{"horizon": 0}, {"coverage": 0}, {"coverage": 1}])
def test_senseless_wishes_are_refused(options):
    with pytest.raises(ValueError):
        coming(history(40, 3), **options)


def test_what_is_no_count_is_refused():
    with pytest.raises(ValueError, match="2023-01-05"):
        coming(history(40, 3) | {date(2023, 1, 5): -1})


@pytest.mark.data
@pytest.mark.parametrize("horizon", [7, 28])
def test_asg_14_better_than_last_week_on_real_counts(shared_data, horizon):
    """At least a tenth less error than the same weekday of the last week known; the interval holds what it says."""
    counts = Counter()
    with (shared_data / "outbreak" / "boston_animal_daily_2013_2016.csv").open(encoding="utf-8") as file:
        for day, *cells in list(csv.reader(file))[1:]:
            counts[date.fromisoformat(day)] = sum(map(int, cells))
    first, length = min(counts), (max(counts) - min(counts)).days + 1
    ours, naive, inside = [], [], []
    for origin in range(400, length - horizon, 56):
        past = {day: counts[day] for day in (first + timedelta(days=at) for at in range(origin))}
        for ahead, row in enumerate(coming(past, horizon)):
            ours.append(abs(counts[row.day] - row.expected))
            naive.append(abs(counts[row.day] - past[first + timedelta(days=origin - 7 + ahead % 7)]))
            inside.append(row.low <= counts[row.day] <= row.high)
    assert sum(ours) <= 0.9 * sum(naive)
    assert 0.75 <= sum(inside) / len(inside) <= 0.95

"""The official Chinese holiday calendar, as exceptions to Monday-Friday (SLA-12).

The days come from the `holidays` package, which follows the yearly notices of the General
Office of the State Council, make-up working days (调休) included. The year after the last
notice has its statutory holidays only and counts as provisional; later years have no data.
Office tables start from here and may override any day.
"""

from __future__ import annotations

from datetime import date
from functools import cache

import holidays

from complaints.calendars import DEFAULT_SLOTS, CalendarMissing, Slot, WorkingCalendar

FIRST_YEAR = 2007
# A notice never reaches further than the year it is about; the search for the last one ends here.
SEARCH_YEARS = 40

MAKEUP_NAME = "调休上班"
MOVED_REST_NAME = "调休放假"
# How the package marks a day off that is paid for with a make-up working day.
MOVED_REST_MARK = "调休"


@cache
def _china() -> holidays.HolidayBase:
    return holidays.country_holidays("CN", language="zh_CN", years=range(FIRST_YEAR, FIRST_YEAR + SEARCH_YEARS))


def _last_notice_year() -> int:
    # Every notice moves at least one weekend day, statute alone moves none.
    return max(day.year for day in _china().weekend_workdays)


def official_years() -> frozenset[int]:
    """Years whose official notice is in the data."""
    return frozenset(range(FIRST_YEAR, _last_notice_year() + 1))


def provisional_years() -> frozenset[int]:
    """The coming year: statutory holidays are known, make-up days are not announced."""
    return frozenset({_last_notice_year() + 1})


def official_exceptions(year: int) -> dict[date, tuple[bool, str]]:
    """Days of `year` that differ from Monday-Friday or carry a holiday's name.

    Each day maps to (is it worked, Chinese name). Raises CalendarMissing outside
    `official_years()` and `provisional_years()`.
    """
    if year not in official_years() | provisional_years():
        raise CalendarMissing(year)
    china = _china()
    holidays_of_year = {
        day: (False, MOVED_REST_NAME if MOVED_REST_MARK in name else name)
        for day, name in china.items()
        if day.year == year
    }
    makeup_days = {day: (True, MAKEUP_NAME) for day in china.weekend_workdays if day.year == year}
    return dict(sorted((holidays_of_year | makeup_days).items()))


def official_calendar(slots: tuple[Slot, ...] = DEFAULT_SLOTS) -> WorkingCalendar:
    """The official calendar of every year with data, without any office's own changes."""
    years = official_years() | provisional_years()
    days = {day: entry for year in years for day, entry in official_exceptions(year).items()}
    return WorkingCalendar(
        exceptions={day: worked for day, (worked, _) in days.items()},
        names={day: name for day, (_, name) in days.items()},
        years=years,
        provisional=provisional_years(),
        slots=slots,
    )

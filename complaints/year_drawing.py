"""Days drawn in weeks: the months of a year with their exceptions (SLA-12)."""

from __future__ import annotations

from calendar import Calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from complaints.calendars import SATURDAY

_WEEKS = Calendar()


@dataclass(frozen=True)
class YearDay:
    """One day of a month: `kind` is "holiday", "makeup", "weekend" or "working"."""

    day: date
    kind: str
    name: str


@dataclass(frozen=True)
class Month:
    """`weeks` hold seven places each; one outside the month is None."""

    weeks: list[list[YearDay | None]]


def months(year: int, exceptions: Mapping[date, tuple[bool, str]]) -> list[Month]:
    """The twelve months; `exceptions` maps a day to (is it worked, name)."""
    return [
        Month(
            [
                [_day(day, exceptions) if day.month == month else None for day in week]
                for week in _WEEKS.monthdatescalendar(year, month)
            ],
        )
        for month in range(1, 13)
    ]


def _day(day: date, exceptions: Mapping[date, tuple[bool, str]]) -> YearDay:
    is_weekend = day.weekday() >= SATURDAY
    is_working, name = exceptions.get(day, (not is_weekend, ""))
    if is_working:
        return YearDay(day, "makeup" if is_weekend else "working", name)
    return YearDay(day, "holiday" if day in exceptions else "weekend", name)

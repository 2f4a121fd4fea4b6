"""Hours from registration to the first reply: by the clock, and without nights, breaks and holidays (AN-10, SLA-02)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import F

from analytics.cells import Cells, Group
from analytics.periods import OFFICE, Period
from analytics.scope import WHOLE, Scope
from analytics.sources import first_replies, spread_of
from complaints import clocks
from complaints.calendars import CalendarMissing


def replied(periods: Sequence[Period], scope: Scope, axes: Sequence[str] = ()) -> Cells:
    """Hours to the first reply in whole periods, by the clock and within the office's hours (SLA-02).

    Gives cases, seconds, median_seconds and p90_seconds by the clock, and the same with "worked_" before the name by
    the office's usual hours, whatever hours the policy of a case has. Replies whose span touches a year without a
    calendar are left out of the latter. Nearest-rank percentiles are read from the sorted lengths, so of the axes
    this source knows only "case". One query per period serves all six figures.
    """
    cells = Cells(tuple(axes))
    hours = Hours()
    for period in periods:
        took = list(_took(period, scope, hours, "complaint"))
        if axes:
            for length, worked, pk in took:
                cells.add(period, (Group(str(pk)),), spreads([length], [] if worked is None else [worked]))
        elif took:
            lengths = sorted(length for length, _worked, _pk in took)
            cells.add(period, (), spreads(lengths, sorted(worked for _l, worked, _pk in took if worked is not None)))
    return cells


def by_department(period: Period) -> dict[int, tuple[list[float], list[float]]]:
    """The lengths themselves, by the clock and by the office's hours, of every department. One query."""
    found: dict[int, tuple[list[float], list[float]]] = {}
    for length, worked, department in _took(period, WHOLE, Hours(), "complaint__lead_department"):
        if department is not None:
            lengths, office = found.setdefault(department, ([], []))
            lengths.append(length)
            if worked is not None:
                office.append(worked)
    return found


def _took(period: Period, scope: Scope, hours: Hours, column: str) -> Iterator[tuple[float, float | None, Any]]:
    """Per first reply its length by the clock, by the office's hours where the calendar knows them, and a column."""
    rows = (
        first_replies()
        .filter(scope.cases("complaint__"), at__gte=period.start, at__lt=period.end)
        .order_by()
        .values_list(F("complaint__registered_at"), "at", column)
    )
    for came, went, value in rows:
        yield (went - came).total_seconds(), hours.between(came, went), value


def spreads(lengths: list[float], worked: list[float]) -> dict[str, float]:
    """The six counters of lengths in ascending order."""
    office = {f"worked_{name}": n for name, n in spread_of(worked).items()} if worked else {}
    return spread_of(lengths) | office


class Hours:
    """Office time between two moments for very many pairs: the days are added up once and then looked up."""

    def __init__(self) -> None:
        self.calendar = clocks.working_calendar()
        self.slots = [(_seconds(start), _seconds(end)) for start, end in self.calendar.slots]
        self.length = self._until(24 * 3600)
        self.spans: dict[tuple[date, date], float | None] = {}

    def between(self, came: datetime, went: datetime) -> float | None:
        """Seconds of office time; None where the calendar does not know a year in between."""
        first, last = came.astimezone(OFFICE), went.astimezone(OFFICE)
        days = self._days(first.date(), last.date())
        if days is None:
            return None
        return max(0.0, days + self._within(last) - self._within(first))

    def _days(self, first: date, last: date) -> float | None:
        """Office time from the morning of one day to the morning of another."""
        pair = (first, last)
        if pair not in self.spans:
            try:
                whole = sum(self.calendar.is_working_day(first + timedelta(days=n)) for n in range((last - first).days))
                self.calendar.is_working_day(last)
                self.spans[pair] = whole * self.length
            except CalendarMissing:
                self.spans[pair] = None
        return self.spans[pair]

    def _within(self, moment: datetime) -> float:
        """Office time gone by since the morning of a day."""
        return self._until(_seconds(moment)) if self.calendar.is_working_day(moment.date()) else 0.0

    def _until(self, clock: float) -> float:
        return sum(max(0.0, min(clock, end) - start) for start, end in self.slots)


def _seconds(clock: datetime | time) -> float:
    """Seconds since midnight."""
    return clock.hour * 3600 + clock.minute * 60 + clock.second + clock.microsecond / 1e6

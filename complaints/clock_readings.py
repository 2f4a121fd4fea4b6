"""Reading a clock at a moment: what is left, how far it has run, whom to warn and when (SLA-13)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from complaints.calendars import ZERO, CalendarMissing, Translate, WorkingCalendar, gettext_noop
from complaints.clock_rules import LadderStep, OffsetKind, Pause, Unit, elapsed, later, running_time
from complaints.clock_texts import HOUR, MINUTE, format_amount

# A chip turns to "soon" below this much, unless the office says otherwise (office_terms): two working days, or hours
# for a clock that counts hours.
SOON_WORKING_DAYS = 2
SOON_HOURS = timedelta(hours=4)

LEFT = gettext_noop("%(amount)s left")
OVER = gettext_noop("%(amount)s over")
STANDING = gettext_noop("Paused")
ON_TIME = gettext_noop("On time")


class State(StrEnum):
    NORMAL = "normal"
    SOON = "soon"
    OVERDUE = "overdue"
    PAUSED = "paused"
    MET = "met"


@dataclass(frozen=True)
class Remaining:
    """What a chip shows: time left, or time over when overdue.

    `total` is office time (plain time for a clock in `hours`); `working_days`, `hours` and
    `minutes` are `total` broken down, rounded down.
    """

    state: State
    working_days: int = 0
    hours: int = 0
    minutes: int = 0
    total: timedelta = ZERO

    def text(self, translate: Translate = str) -> str:
        if self.state is State.PAUSED:
            return translate(STANDING)
        if self.state is State.MET:
            return translate(ON_TIME)
        amount = format_amount(self.working_days, self.hours, self.minutes, translate)
        return translate(OVER if self.state is State.OVERDUE else LEFT) % {"amount": amount}


def remaining(
    now: datetime,
    due: datetime | None,
    calendar: WorkingCalendar,
    unit: Unit,
    *,
    met_at: datetime | None = None,
    soon: timedelta | None = None,
) -> Remaining:
    """The reading of a clock due at `due` (None = paused), finished at `met_at` if at all.

    Done by the deadline is met; done later stays overdue by the time it was late. At the
    deadline itself an unfinished clock is overdue, as a sweep with `due_at <= now` sees it.
    """
    if met_at is not None and (due is None or met_at <= due):
        return Remaining(State.MET)
    if due is None:
        return Remaining(State.PAUSED)
    measure = _measure(unit, calendar)
    now = now if met_at is None else met_at
    if now >= due:
        return _broken_down(State.OVERDUE, measure(due, now), unit, calendar)
    left = measure(now, due)
    if soon is None:
        in_days = unit in (Unit.WORKING_DAYS, Unit.CALENDAR_DAYS)
        soon = calendar.day_length * SOON_WORKING_DAYS if in_days else SOON_HOURS
    return _broken_down(State.SOON if left < soon else State.NORMAL, left, unit, calendar)


def _broken_down(state: State, total: timedelta, unit: Unit, calendar: WorkingCalendar) -> Remaining:
    days, rest = (0, total) if unit == Unit.HOURS else divmod(total, calendar.day_length)
    hours, rest = divmod(rest, HOUR)
    return Remaining(state, days, hours, rest // MINUTE, total)


def _measure(unit: Unit, calendar: WorkingCalendar) -> Callable[[datetime, datetime], timedelta]:
    """A clock in hours runs day and night; all others are shown in office time."""
    return elapsed if unit == Unit.HOURS else calendar.working_time


def elapsed_fraction(
    start: datetime,
    due: datetime,
    now: datetime,
    calendar: WorkingCalendar,
    unit: Unit = Unit.WORKING_DAYS,
    pauses: Iterable[Pause] = (),
) -> float:
    """The share of the clock that has run, 0 to 1, pauses left out."""
    measure = _measure(unit, calendar)
    pauses = list(pauses)
    whole = running_time(start, due, calendar, pauses, measure)
    if not whole:
        return float(now >= due)
    return running_time(start, min(now, due), calendar, pauses, measure) / whole


def working_duration(
    start: datetime, end: datetime, calendar: WorkingCalendar, pauses: Iterable[Pause] = ()
) -> timedelta:
    """Office time from `start` to `end` while the clock was running; zero if `end` is not after `start`."""
    return running_time(start, end, calendar, pauses, calendar.working_time)


def warning_points(
    start: datetime,
    due: datetime,
    calendar: WorkingCalendar,
    ladder: Iterable[LadderStep],
    unit: Unit = Unit.WORKING_DAYS,
) -> list[tuple[datetime, LadderStep]]:
    """When each rung of the ladder falls due, in order (SLA-13).

    A point outside office hours moves to the next opening, since nobody would read the notice;
    a clock in `hours` runs day and night and so do its shares. Points that are not after the
    start are left out: the clock is too short for them. So are those in a year without calendar
    data, which nobody can date (JT-07); the deadline itself keeps its own moment.
    """
    points = []
    for step in ladder:
        try:
            at = _point(start, due, calendar, step, unit)
        except CalendarMissing:
            continue
        if at > start:
            points.append((calendar.local(at if unit == Unit.HOURS else _when_open(at, calendar)), step))
    return sorted(points, key=lambda point: point[0])


def _when_open(at: datetime, calendar: WorkingCalendar) -> datetime:
    try:
        return calendar.working_instant(at)
    except CalendarMissing:
        return at


def _point(start: datetime, due: datetime, calendar: WorkingCalendar, step: LadderStep, unit: Unit) -> datetime:
    match step.offset_kind:
        case OffsetKind.FRACTION if step.value == 1:
            return due
        case OffsetKind.FRACTION if unit == Unit.HOURS:
            return later(start, elapsed(start, due) * step.value)
        case OffsetKind.FRACTION:
            return calendar.add_working_time(start, calendar.working_time(start, due) * step.value)
        case OffsetKind.WORKING_HOURS_BEFORE:
            return calendar.subtract_working_time(due, HOUR * step.value)
        case OffsetKind.WORKING_DAYS_BEFORE:
            return calendar.subtract_working_time(due, calendar.day_length * step.value)
        case OffsetKind.WORKING_HOURS_AFTER:
            return calendar.add_working_time(due, HOUR * step.value)
        case OffsetKind.WORKING_DAYS_AFTER:
            return calendar.add_working_time(due, calendar.day_length * step.value)
    assert_never(step.offset_kind)

"""Why a deadline falls on its day, drawn as the weeks of the calendar from start to end (SLA-12, SLA-13)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from math import ceil
from typing import Any

from django.utils.translation import gettext as _

from complaints import clocks, deadlines
from complaints.calendars import DAY, ZERO, DayKind, WorkingCalendar
from complaints.clock_rules import ClockRule, Pause, Unit, elapsed, running_time, union_of_pauses
from complaints.clock_texts import format_time
from complaints.models import Deadline
from complaints.states import RequestState

# A drawing longer than this helps nobody; the sentence stays.
MAX_WEEKS = 60
_IN_DAYS = (Unit.WORKING_DAYS, Unit.CALENDAR_DAYS)


@dataclass(frozen=True)
class Mark:
    """What a day is, in words; `kind` only sets the look."""

    kind: str
    text: str


@dataclass(frozen=True)
class Cell:
    """One day of the drawing; `marks` is empty outside the clock."""

    day: date
    is_inside: bool
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class Drawing:
    """`due`: the date by today's calendar, None while the clock stands."""

    weeks: list[list[Cell]]
    first: date
    last: date
    due: datetime | None
    is_too_long: bool = False


def draw(deadline: Deadline, calendar: WorkingCalendar, pauses: list[Pause], *, now: datetime) -> Drawing:
    """The weeks from the start of a clock to its date, or to today while it stands.

    Days in which the clock runs carry the number counted up to their close (clocks in days) or the time
    counted in them (clocks in hours). Raises CalendarMissing.
    """
    start = calendar.local(deadline.started_at)
    due = clocks.compute(deadline, calendar, pauses).at
    end = due or max(start, calendar.local(now))
    if deadline.stopped_at:
        end = max(end, calendar.local(deadline.stopped_at))
    first, last = start.date(), end.date()
    monday, sunday = first - DAY * first.weekday(), last + DAY * (6 - last.weekday())
    if (sunday - monday).days >= MAX_WEEKS * 7:
        return Drawing([], first, last, due, is_too_long=True)
    days = _Days(deadline, calendar, union_of_pauses(pauses, start, calendar), start, due)
    return Drawing(_weeks(first, last, days.marks), first, last, due)


def draw_days(first: date, last: date, calendar: WorkingCalendar) -> Drawing:
    """The weeks from a day to another that is so many days later, whatever days they are. Raises CalendarMissing."""
    if (last - first).days >= MAX_WEEKS * 7 or last < first:
        return Drawing([], first, last, None, is_too_long=last > first)

    def marks(day: date) -> Iterator[Mark]:
        if day == first:
            yield Mark("start", _("start"))
        yield from _kind(calendar, day)
        if day > first:
            text = _("day %(count)s of %(amount)s") % {"count": (day - first).days, "amount": (last - first).days}
            yield Mark("counted", text)
        if day == last:
            yield Mark("due", _("due"))

    return Drawing(_weeks(first, last, marks), first, last, None)


def _weeks(first: date, last: date, marks: Callable[[date], Iterable[Mark]]) -> list[list[Cell]]:
    """The weeks around these days, a cell a day; days are asked for in order."""
    monday = first - DAY * first.weekday()
    cells = []
    for number in range((last - monday).days + 7 - last.weekday()):
        day = monday + DAY * number
        cells.append(Cell(day, True, tuple(marks(day))) if first <= day <= last else Cell(day, False))
    return [cells[n : n + 7] for n in range(0, len(cells), 7)]


def _kind(calendar: WorkingCalendar, day: date) -> Iterator[Mark]:
    """What a day is that is no ordinary working day."""
    kind = calendar.kind(day)
    if kind is DayKind.HOLIDAY:
        yield Mark("holiday", calendar.name(day) or _("holiday"))
    elif kind is DayKind.MAKEUP:
        yield Mark("makeup", _("make-up working day"))
    elif kind is DayKind.WEEKEND:
        yield Mark("weekend", _("weekend"))


class _Days:
    """What is to be said of each day of one clock."""

    def __init__(
        self,
        deadline: Deadline,
        calendar: WorkingCalendar,
        pauses: list[Pause],
        start: datetime,
        due: datetime | None,
    ) -> None:
        self.deadline, self.calendar, self.pauses, self.start, self.due = deadline, calendar, pauses, start, due
        self.rule = clocks.rule_of(deadline)
        self.measure = calendar.working_time if self.rule.unit != Unit.HOURS else elapsed
        self.length = calendar.day_length
        if self.rule.unit is Unit.CALENDAR_DAYS:
            self.measure, self.length = elapsed, DAY
        self.budget = self._budget(self.rule) if self.rule.unit in _IN_DAYS else ZERO
        self._counted = 0

    def _budget(self, rule: ClockRule) -> timedelta:
        """The time from the start to the close of the last day, had nothing stopped the clock."""
        due = deadlines.due_at(self.start, replace(rule, roll_forward=False), self.calendar).at
        assert due is not None  # no pause was given
        return self.measure(self.start, due)

    def marks(self, day: date) -> Iterator[Mark]:
        """The day in words; days have to be asked for in order."""
        if day == self.start.date():
            yield Mark("start", _("start %(time)s") % {"time": f"{self.start:%H:%M}"})
        yield from _kind(self.calendar, day)
        yield from self._count(day)
        if any(pause.start.date() <= day and (pause.end is None or day <= pause.end.date()) for pause in self.pauses):
            yield Mark("paused", _("clock stopped"))
        if self.due is not None and day == self.due.date():
            yield Mark("due", _("due %(time)s") % {"time": f"{self.due:%H:%M}"})
        stopped = self.deadline.stopped_at and self.calendar.local(self.deadline.stopped_at)
        if stopped and day == stopped.date():
            yield Mark("stopped", _("ended %(time)s") % {"time": f"{stopped:%H:%M}"})

    def _count(self, day: date) -> Iterator[Mark]:
        if self.due is not None and day > self.due.date():
            return
        if self.rule.unit not in _IN_DAYS:
            spent = self._run(day + DAY, until_midnight=True) - self._run(day, until_midnight=True)
            if spent:
                yield Mark("counted", _("%(time)s counted") % {"time": format_time(spent, _)})
            return
        counted = self.rule.amount - ceil((self.budget - self._run(day)) / self.length)
        counted = max(0, min(counted, self.rule.amount))
        if counted > self._counted:
            self._counted = counted
            text = _("day %(count)s of %(amount)s") % {"count": counted, "amount": self.rule.amount}
            yield Mark("counted", text)
            if counted > self.deadline.amount:
                yield Mark("extension", _("by the extension"))
        elif day == self.start.date():
            yield Mark("plain", _("not counted"))

    def _run(self, day: date, *, until_midnight: bool = False) -> timedelta:
        """What the clock has run by the close of a day, or by the midnight it begins with."""
        at = datetime.combine(day, time(), self.calendar.tz) if until_midnight else self.calendar.closing(day)
        if self.due is not None:
            at = min(at, max(self.due, self.start))
        return running_time(self.start, at, self.calendar, self.pauses, self.measure) if at > self.start else ZERO


def reset_of(deadline: Deadline) -> dict[str, Any] | None:
    """How a new start on new facts made this clock or ended it: the row and both dates; None without one (SLA-13)."""
    key = deadline.milestone if deadline.assignment_id is None else f"{deadline.milestone}:{deadline.assignment_id}"
    for row in deadline.complaint.clock_resets.filter(state=RequestState.APPROVED):
        before, after = row.changes.get(key, ["", ""])
        if before and row.decided_at in (deadline.started_at, deadline.stopped_at):
            return {
                "row": row,
                "began": row.decided_at == deadline.started_at,
                "before": datetime.fromisoformat(before),
                "after": datetime.fromisoformat(after) if after else None,
            }
    return None


def context(deadline: Deadline, *, now: datetime) -> dict[str, Any]:
    """What the page shows beside the sentence. Raises CalendarMissing."""
    complaint = deadline.complaint
    calendar = clocks.working_calendar(complaint.policy.slots)
    drawing = draw(deadline, calendar, clocks.pauses_of(complaint, deadline), now=now)
    return {"drawing": drawing, "differs": drawing.due is not None and drawing.due != deadline.due_at}

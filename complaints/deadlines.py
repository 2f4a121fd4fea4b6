"""When something is due (SLA-01, SLA-12, I13): the front door of the clock engine.

Pure functions of the start, the rule, the calendar and the pauses: the same history gives the
same deadline, on any machine and in any system time zone.

How each unit counts:
- `hours`: round the clock. Pauses do not count.
- `working_hours`: office hours only; a start at night counts from the next opening.
- `working_days`: the n-th working day, at its close of business. Pauses are measured in office
  time and added after that point, so the deadline may then fall inside a day.
- `calendar_days`: the n-th day, at the close of business; a last day that is not a working day
  moves to the next one if the rule rolls forward (Civil Code art. 203). Pauses are measured round
  the clock and added; the deadline is the first close of business that is not earlier.

Pauses may overlap, touch weekends or begin before the start; what counts is their union after
the start. A pause that begins after the deadline changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from complaints import clock_texts as texts
from complaints.calendars import DAY, Translate, WorkingCalendar, gettext_noop
from complaints.clock_readings import (
    Remaining,
    State,
    elapsed_fraction,
    remaining,
    warning_points,
    working_duration,
)
from complaints.clock_rules import (
    Advance,
    ClockRule,
    LadderStep,
    Measure,
    NoticeKind,
    OffsetKind,
    Pause,
    Recipient,
    StartsOn,
    Unit,
    elapsed,
    later,
    union_of_pauses,
)
from complaints.clock_texts import HOUR, ExplainStep, StepKind

__all__ = [
    "ClockRule",
    "Due",
    "ExplainStep",
    "LadderStep",
    "NoticeKind",
    "OffsetKind",
    "Pause",
    "Recipient",
    "Remaining",
    "StartsOn",
    "State",
    "StepKind",
    "Unit",
    "due_at",
    "elapsed_fraction",
    "explain_sentence",
    "remaining",
    "warning_points",
    "working_duration",
]

STARTED = {
    StartsOn.RECEIVED: gettext_noop("Received %(at)s"),
    StartsOn.REGISTERED: gettext_noop("Registered %(at)s"),
    StartsOn.ACCEPTED: gettext_noop("Accepted %(at)s"),
    StartsOn.ASSIGNED: gettext_noop("Assigned %(at)s"),
    StartsOn.RESOLVED: gettext_noop("Resolved %(at)s"),
    StartsOn.REPLIED: gettext_noop("Replied %(at)s"),
    StartsOn.FIRST_RESULT: gettext_noop("First result received %(at)s"),
    StartsOn.REVIEW_REQUESTED: gettext_noop("Review requested %(at)s"),
    StartsOn.NEW_FACTS: gettext_noop("New facts accepted %(at)s"),
    StartsOn.REOPENED: gettext_noop("Reopened %(at)s"),
    StartsOn.REVIEW_OPENED: gettext_noop("Review opened %(at)s"),
    StartsOn.REVIEW_STEP: gettext_noop("Step begun %(at)s"),
}
AMOUNTS = {
    Unit.HOURS: gettext_noop("%(amount)s h, day and night"),
    Unit.WORKING_HOURS: gettext_noop("%(amount)s h of office time"),
    Unit.WORKING_DAYS: gettext_noop("working days to count: %(amount)s"),
    Unit.CALENDAR_DAYS: gettext_noop("calendar days to count: %(amount)s"),
}


@dataclass(frozen=True)
class Due:
    """The deadline `at`, or None while the clock stands with `remaining` still to run.

    `remaining` is office time for working units and plain time for the others. `provisional`:
    the count touches a year whose make-up working days are not announced.
    """

    at: datetime | None
    explain: tuple[ExplainStep, ...]
    provisional: bool = False
    remaining: timedelta | None = None

    @property
    def paused(self) -> bool:
        return self.at is None


def due_at(
    start: datetime,
    rule: ClockRule,
    calendar: WorkingCalendar,
    pauses: Iterable[Pause] = (),
    *,
    starts_on: StartsOn = StartsOn.RECEIVED,
) -> Due:
    """When `rule` runs out for a clock started at `start`.

    Raises CalendarMissing when the count reaches a year the calendar does not hold, ValueError
    for a naive datetime. With the same pauses, all after the start, a later start is never due
    earlier.
    """
    start = calendar.local(start)
    count = _COUNTERS[rule.unit](start, rule, calendar, union_of_pauses(pauses, start, calendar))
    steps = [_step(StepKind.START, start, STARTED[starts_on], at=start), *count.steps]
    if count.at is not None:
        steps.append(_step(StepKind.DUE, count.at, texts.DUE, at=count.at))
    years = sorted(calendar.provisional & count.years)
    steps += [_step(StepKind.PROVISIONAL, date(year, 1, 1), texts.PROVISIONAL, year=year) for year in years]
    return Due(count.at, tuple(steps), provisional=bool(years), remaining=count.left)


def explain_sentence(due: Due, translate: Translate = str) -> str:
    """Why this deadline, in one sentence; pass gettext as `translate` for the reader's language."""
    return texts.sentence(due.explain, translate)


@dataclass(frozen=True)
class _Count:
    """A finished count: the deadline or what is left, and the years the calendar was asked about."""

    at: datetime | None
    left: timedelta | None
    steps: list[ExplainStep]
    years: frozenset[int] = frozenset()


def _count_hours(start: datetime, rule: ClockRule, calendar: WorkingCalendar, pauses: list[Pause]) -> _Count:
    at, left = _run(start, HOUR * rule.amount, pauses, elapsed, later)
    steps = [_amount_step(start, rule), *_pause_steps(pauses, at, left, elapsed)]
    return _Count(at and calendar.local(at), left, steps)


def _count_working_hours(start: datetime, rule: ClockRule, calendar: WorkingCalendar, pauses: list[Pause]) -> _Count:
    opening = calendar.working_instant(start)
    first = start.date()
    steps = [_amount_step(start, rule)]
    if opening != start:
        steps.insert(0, _step(StepKind.AFTER_HOURS, start, texts.AFTER_HOURS, at=opening))
        if start >= calendar.closing(first):
            first += DAY
    at, left = _run(start, HOUR * rule.amount, pauses, calendar.working_time, calendar.add_working_time)
    last = opening.date() if at is None else at.date()
    steps += texts.day_steps(calendar, first, last)
    steps += _pause_steps(pauses, at, left, calendar.working_time)
    return _Count(at, left, steps, _years(start.date(), last))


def _count_working_days(start: datetime, rule: ClockRule, calendar: WorkingCalendar, pauses: list[Pause]) -> _Count:
    starting_day, steps = _starting_day(start, rule, calendar)
    first = starting_day if rule.start_day_counts else starting_day + DAY
    last = calendar.add_working_days(calendar.working_day_on_or_after(first), rule.amount - 1)
    steps += texts.day_steps(calendar, first, last, amount=rule.amount)
    budget = calendar.working_time(start, calendar.closing(last))
    at, left = _run(start, budget, pauses, calendar.working_time, calendar.add_working_time)
    steps += _pause_steps(pauses, at, left, calendar.working_time)
    if at is not None and at.date() > last:
        added = texts.day_steps(calendar, last + DAY, at.date())
        steps += [step for step in added if step.kind is not StepKind.WORKING_DAY]
        last = at.date()
    return _Count(at, left, steps, _years(start.date(), last))


def _count_calendar_days(start: datetime, rule: ClockRule, calendar: WorkingCalendar, pauses: list[Pause]) -> _Count:
    starting_day, steps = _starting_day(start, rule, calendar)
    last = starting_day + DAY * (rule.amount - rule.start_day_counts)
    at, left = _run(start, elapsed(start, calendar.closing(last)), pauses, elapsed, later)
    steps += _pause_steps(pauses, at, left, elapsed)
    if at is None:
        return _Count(None, left, steps)
    last = calendar.local(at).date()
    if at > calendar.closing(last):
        last += DAY
    if not rule.roll_forward:
        return _Count(calendar.closing(last), None, steps)
    working_day = calendar.working_day_on_or_after(last)
    if working_day != last:
        steps.append(_step(StepKind.ROLLED, last, texts.ROLLED, to=working_day))
    return _Count(calendar.closing(working_day), None, steps, _years(last, working_day))


_COUNTERS: dict[Unit, Callable[[datetime, ClockRule, WorkingCalendar, list[Pause]], _Count]] = {
    Unit.HOURS: _count_hours,
    Unit.WORKING_HOURS: _count_working_hours,
    Unit.WORKING_DAYS: _count_working_days,
    Unit.CALENDAR_DAYS: _count_calendar_days,
}


def _run(
    start: datetime, amount: timedelta, pauses: list[Pause], measure: Measure, advance: Advance
) -> tuple[datetime | None, timedelta | None]:
    """When `amount` has run outside the pauses; or None and what is left, at an open pause."""
    for pause in pauses:
        running = measure(start, pause.start)
        if amount <= running:
            break
        amount -= running
        if pause.end is None:
            return None, amount
        start = pause.end
    return advance(start, amount), None


def _starting_day(start: datetime, rule: ClockRule, calendar: WorkingCalendar) -> tuple[date, list[ExplainStep]]:
    """The day that is counted first, or left out, according to the rule."""
    day = start.date()
    steps = []
    if rule.after_hours_next_day and not calendar.is_open(start):
        day = calendar.working_instant(start).date()
    elif rule.start_day_counts and start >= calendar.closing(day):
        # Nothing is left of the day; counting it could set a deadline that is already over.
        day += DAY
    if day != start.date():
        steps.append(_step(StepKind.AFTER_HOURS, day, texts.AFTER_HOURS_NEXT_DAY))
    if rule.start_day_counts:
        steps.append(_step(StepKind.START_DAY_COUNTED, day, texts.START_DAY_COUNTED))
    else:
        steps.append(_step(StepKind.START_DAY_EXCLUDED, day, texts.START_DAY_EXCLUDED))
    return day, [*steps, _amount_step(start, rule)]


def _years(first: date, last: date) -> frozenset[int]:
    return frozenset(range(first.year, last.year + 1))


def _step(kind: StepKind, day: date, message: str, **params: object) -> ExplainStep:
    day = day.date() if isinstance(day, datetime) else day
    return ExplainStep(kind, day, day, message, params)


def _amount_step(start: datetime, rule: ClockRule) -> ExplainStep:
    return _step(StepKind.AMOUNT, start, AMOUNTS[rule.unit], amount=rule.amount)


def _pause_steps(
    pauses: list[Pause], due: datetime | None, left: timedelta | None, measure: Measure
) -> list[ExplainStep]:
    """The pauses that lie before the deadline."""
    steps = []
    for pause in pauses:
        if pause.end is None and due is None:
            steps.append(_step(StepKind.PAUSED, pause.start, texts.PAUSED_OPEN, start=pause.start, time=left))
        elif pause.end is not None and (due is None or pause.end <= due):
            time = measure(pause.start, pause.end)
            params = {"start": pause.start, "end": pause.end, "time": time}
            steps.append(_step(StepKind.PAUSED, pause.start, texts.PAUSED, **params))
    return steps

"""The vocabulary of a clock: rule, pause and warning ladder, and the algebra of pauses (SLA-01, SLA-13)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from math import inf
from typing import TypeVar

from complaints.calendars import ZERO, InvalidSetting, WorkingCalendar, gettext_noop

AMOUNT_NOT_POSITIVE = gettext_noop("%(value)s is no length of time; give a whole number of at least 1.")
CHOICE_UNKNOWN = gettext_noop("%(value)s is not a choice; choose one of: %(choices)s.")
PAUSE_REVERSED = gettext_noop("The pause ends before it starts; give an end after %(start)s.")
VALUE_OUT_OF_RANGE = gettext_noop(
    "%(value)s is out of range; give a share between 0 and 1, or a distance of at least 0."
)

Measure = Callable[[datetime, datetime], timedelta]
Advance = Callable[[datetime, timedelta], datetime]
Choice = TypeVar("Choice", bound=StrEnum)


def known(choices: type[Choice], value: str, field: str) -> Choice:
    """`value` as a member of `choices`. Raises InvalidSetting naming the choices."""
    try:
        return choices(value)
    except ValueError:
        raise InvalidSetting(field, CHOICE_UNKNOWN, value=value, choices=", ".join(choices)) from None


class Unit(StrEnum):
    HOURS = "hours"
    WORKING_HOURS = "working_hours"
    WORKING_DAYS = "working_days"
    CALENDAR_DAYS = "calendar_days"


class StartsOn(StrEnum):
    """The event whose moment starts a clock."""

    RECEIVED = "received"
    REGISTERED = "registered"
    ACCEPTED = "accepted"
    ASSIGNED = "assigned"
    RESOLVED = "resolved"
    REPLIED = "replied"
    FIRST_RESULT = "first_result"
    REVIEW_REQUESTED = "review_requested"
    # Not for a rule: a clock that began anew in the course of a case.
    NEW_FACTS = "new_facts"
    REOPENED = "reopened"
    # Not a clock of the desk: a step of a review.
    REVIEW_OPENED = "review_opened"
    REVIEW_STEP = "review_step"


@dataclass(frozen=True)
class ClockRule:
    """How long, and how it is counted.

    `after_hours_next_day`: a start outside office hours counts as one at the next opening, which
    also moves the starting day. Raises InvalidSetting for a bad amount or unit.
    """

    amount: int
    unit: Unit
    start_day_counts: bool = False
    roll_forward: bool = True
    after_hours_next_day: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.amount, int) or self.amount < 1:
            raise InvalidSetting("amount", AMOUNT_NOT_POSITIVE, value=self.amount)
        object.__setattr__(self, "unit", known(Unit, self.unit, "unit"))

    def extended(self, by: int) -> ClockRule:
        """The same rule with `by` more of its unit, counted from the same start."""
        return replace(self, amount=self.amount + by)


@dataclass(frozen=True)
class Pause:
    """The clock stands from `start` to `end`; an open end means that it is standing now."""

    start: datetime
    end: datetime | None = None

    def __post_init__(self) -> None:
        if self.end is not None and self.end < self.start:
            raise InvalidSetting("end", PAUSE_REVERSED, start=self.start.isoformat())


class OffsetKind(StrEnum):
    """What the value of a ladder step measures."""

    FRACTION = "fraction"
    WORKING_HOURS_BEFORE = "working_hours_before"
    WORKING_DAYS_BEFORE = "working_days_before"
    WORKING_HOURS_AFTER = "working_hours_after"
    WORKING_DAYS_AFTER = "working_days_after"


class Recipient(StrEnum):
    OWNER = "owner"
    DEPARTMENT_HEAD = "department_head"
    COORDINATOR = "coordinator"
    MANAGER = "manager"


class NoticeKind(StrEnum):
    REMINDER = "reminder"
    BREACH = "breach"
    ESCALATION = "escalation"


@dataclass(frozen=True)
class LadderStep:
    """One rung: whom to tell at a share of the clock, or so long before or after the deadline.

    `value` is 0 to 1 for a fraction (1 = the deadline itself), otherwise working hours or
    working days. Raises InvalidSetting outside that range.
    """

    offset_kind: OffsetKind
    value: float
    recipients: tuple[Recipient, ...]
    kind: NoticeKind

    def __post_init__(self) -> None:
        # Rungs come back from storage as plain text; enums make every later comparison exact.
        object.__setattr__(self, "offset_kind", known(OffsetKind, self.offset_kind, "offset_kind"))
        object.__setattr__(self, "kind", known(NoticeKind, self.kind, "kind"))
        recipients = tuple(known(Recipient, recipient, "recipients") for recipient in self.recipients)
        object.__setattr__(self, "recipients", recipients)
        highest = 1 if self.offset_kind is OffsetKind.FRACTION else inf
        if not 0 <= self.value <= highest:
            raise InvalidSetting("value", VALUE_OUT_OF_RANGE, value=self.value)


def elapsed(start: datetime, end: datetime) -> timedelta:
    """Time between two moments, round the clock; zero if `end` is not after `start`."""
    # Through UTC: subtracting two moments of one zone would ignore a change of its clocks.
    return max(ZERO, end.astimezone(UTC) - start.astimezone(UTC))


def later(at: datetime, amount: timedelta) -> datetime:
    """The moment `amount` of plain time after `at`, in UTC."""
    return at.astimezone(UTC) + amount


def union_of_pauses(pauses: Iterable[Pause], start: datetime, calendar: WorkingCalendar) -> list[Pause]:
    """The pauses after `start` in order, overlapping or touching ones joined."""
    joined: list[Pause] = []
    for pause in sorted(pauses, key=lambda pause: pause.start):
        begin = max(start, calendar.local(pause.start))
        end = None if pause.end is None else calendar.local(pause.end)
        if end is not None and end <= begin:
            continue
        if not joined:
            joined.append(Pause(begin, end))
            continue
        before = joined[-1]
        if before.end is None:
            break
        if begin > before.end:
            joined.append(Pause(begin, end))
        else:
            joined[-1] = Pause(before.start, None if end is None else max(end, before.end))
    return joined


def running_time(
    start: datetime, end: datetime, calendar: WorkingCalendar, pauses: Iterable[Pause], measure: Measure
) -> timedelta:
    """What `measure` finds between two moments outside the pauses."""
    paused = sum(
        (
            measure(pause.start, end if pause.end is None else min(end, pause.end))
            for pause in union_of_pauses(pauses, start, calendar)
        ),
        ZERO,
    )
    return measure(start, end) - paused

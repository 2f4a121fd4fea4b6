"""Who had the time of a case: every department its own span, so that the last is not blamed for the first.

A case is cut at every moment at which somebody else took it in hand: given to a department, moved, stopped,
handed in for the check, sent back. Each piece belongs to one owner, so the pieces add up to the whole from
registration to the reply (SLA-02). A supporting department works beside the lead; its time is measured the
same way but is no part of that sum (SLA-04). Pure but for `of_case`.

What counts for whom:
- a department has the case from the moment it is given to it, not from the moment it takes it over;
- while the clock stands or the complainant owes information, the time is nobody's;
- checks, and the decision on a return that was asked for, are the time of the office;
- between a reply and a reopening the case rests.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from accounts.models import Membership
from complaints import clocks, deadlines
from complaints.calendars import ZERO, WorkingCalendar
from complaints.clock_rules import ClockRule, Pause
from complaints.models import Assignment, CaseEvent, Complaint, Contact, Deadline
from complaints.states import (
    ENDED,
    AssignmentRole,
    ContactDirection,
    ContactOutcome,
    DeadlineState,
    Milestone,
    Status,
)

_CHECKS = (Status.QUALITY_CHECK, Status.LEGAL_CHECK)
_RESTING = (Status.REPLIED, *ENDED)
# Handling ends with the reply; what follows is the call-back and the closing.
_ANSWERED = (Status.REPLIED, Status.CLOSED, Status.ARCHIVED)

Move = tuple[datetime, str]


class Owner(StrEnum):
    """Whose a piece of time is."""

    OFFICE = "office"
    DEPARTMENT = "department"
    STOPPED = "stopped"
    RESTING = "resting"


@dataclass(frozen=True)
class Task:
    """What the ledger has to know of an assignment; `key` is its primary key.

    `asked_at` to `decided_at`: a return was being decided. `due_at` is the date of the task's own clock, where
    it has one.
    """

    key: int
    given_at: datetime
    received_at: datetime | None = None
    ended_at: datetime | None = None
    asked_at: datetime | None = None
    decided_at: datetime | None = None
    due_at: datetime | None = None
    is_lead: bool = True

    def has_case(self, at: datetime) -> bool:
        """Whether the task is given at this moment and not over."""
        return self.given_at <= at and (self.ended_at is None or at < self.ended_at)

    def is_disputed(self, at: datetime) -> bool:
        """Whether the office is deciding on the return of the task at this moment."""
        return self.asked_at is not None and self.asked_at <= at and (self.decided_at is None or at < self.decided_at)


@dataclass(frozen=True)
class History:
    """A case from registration to the reply, or to now: its statuses in order, its pauses, its tasks."""

    start: datetime
    end: datetime
    moves: Sequence[Move] = ()
    pauses: Sequence[Pause] = ()
    tasks: Sequence[Task] = ()


@dataclass(frozen=True)
class Piece:
    """From `start` to `end` the case was in one hand; `task` is set when a department's."""

    start: datetime
    end: datetime
    owner: Owner
    task: Task | None = None


@dataclass(frozen=True)
class Share:
    """The part of one department.

    `worked` is office time in which the case was its own, `untaken` the part of it before somebody took it over.
    `due_at` is the date of the own limit (None: no limit), `over` the office time by which it was exceeded.
    `is_done`: the part was handed in, finished or taken away.
    """

    task: Task
    worked: timedelta
    untaken: timedelta
    due_at: datetime | None
    over: timedelta
    is_done: bool

    @property
    def is_late(self) -> bool:
        """Whether the department exceeded its own limit."""
        return bool(self.over)


def divide(history: History) -> list[Piece]:
    """The history in pieces that touch each other and never overlap, in order."""
    moments = [at for at, _status in history.moves]
    moments += [at for pause in history.pauses for at in (pause.start, pause.end) if at]
    for task in history.tasks:
        moments += [at for at in (task.given_at, task.ended_at, task.asked_at, task.decided_at) if at]
    inside = {at for at in moments if history.start < at < history.end}
    cuts = sorted({history.start, history.end} | inside) if history.start < history.end else []
    return [Piece(start, end, *_owner(history, start)) for start, end in pairwise(cuts)]


def _owner(history: History, at: datetime) -> tuple[Owner, Task | None]:
    """Whose the time right after this moment is."""
    status: str = Status.REGISTERED
    for moment, reached in history.moves:
        if moment <= at:
            status = reached
    if status == Status.AWAITING_INFORMATION or any(
        pause.start <= at and (pause.end is None or at < pause.end) for pause in history.pauses
    ):
        return Owner.STOPPED, None
    if status in _RESTING:
        return Owner.RESTING, None
    having = [task for task in history.tasks if task.is_lead and task.has_case(at)]
    task = max(having, key=lambda item: item.given_at, default=None)
    if status in _CHECKS or task is None or task.is_disputed(at):
        return Owner.OFFICE, None
    return Owner.DEPARTMENT, task


def share(history: History, task: Task, calendar: WorkingCalendar, rule: ClockRule | None) -> Share:
    """What one department, lead or supporting, did with its own time (SLA-04).

    `rule` is the limit for handling, counted anew from the moment the task was given; the task's own clock comes
    before it. It is judged when the task was first handed in or ended, so a correction asked for later has no say.
    Raises CalendarMissing.
    """
    handed_in = _handed_in(history, task)
    alone = replace(
        history,
        start=max(history.start, task.given_at),
        end=min(history.end, task.ended_at or history.end),
        tasks=[replace(task, is_lead=True)],
    )
    pieces = divide(alone)
    own = [piece for piece in pieces if piece.owner is Owner.DEPARTMENT]
    taken = task.received_at or alone.end
    due = task.due_at
    if due is None and rule is not None:
        others = [Pause(piece.start, piece.end) for piece in pieces if piece.owner is not Owner.DEPARTMENT]
        due = deadlines.due_at(task.given_at, rule, calendar, [gap for gap in others if gap.start < handed_in]).at
    return Share(
        task,
        worked=_total(own, calendar),
        untaken=sum((calendar.working_time(piece.start, min(piece.end, taken)) for piece in own), ZERO),
        due_at=due,
        over=_over(due, handed_in, calendar) if due is not None and handed_in > due else ZERO,
        is_done=task.ended_at is not None or handed_in < history.end,
    )


def _handed_in(history: History, task: Task) -> datetime:
    """When the department gave its part out of the hand for the first time; the end of the history while it has not."""
    end = min(history.end, task.ended_at or history.end)
    if not task.is_lead:
        return end
    return min(
        (at for at, status in history.moves if status in _CHECKS and task.has_case(at) and at < end), default=end
    )


def _over(due: datetime, done: datetime, calendar: WorkingCalendar) -> timedelta:
    """The office time past a date; a moment past it outside office hours is late all the same."""
    return calendar.working_time(due, done) or timedelta(minutes=1)


def _total(pieces: Sequence[Piece], calendar: WorkingCalendar) -> timedelta:
    return sum((calendar.working_time(piece.start, piece.end) for piece in pieces), ZERO)


@dataclass(frozen=True)
class Ledger:
    """The time of one case. The times of `owners` and of the lead tasks in `leads` add up to `whole`.

    `first_contact` is the first talk with the complainant by the handling side, `first_contact_after` the office
    time from registration to it, pauses left out (SLA-17). `on_time`: the handling limit of the case as a whole
    was kept; None while it runs or without one.
    """

    start: datetime
    end: datetime
    is_over: bool
    whole: timedelta
    owners: dict[Owner, timedelta]
    leads: dict[int, timedelta]
    shares: list[Share]
    first_contact: Contact | None
    first_contact_after: timedelta | None
    on_time: bool | None


def of_case(complaint: Complaint, *, now: datetime) -> Ledger:
    """The ledger of a case whose records were loaded with it; one query more. Raises CalendarMissing."""
    calendar = clocks.working_calendar(complaint.policy.slots)
    clock_rows = list(complaint.deadlines.all())
    history = history_of(
        complaint,
        moves=moves_of(complaint.events.all()),
        pauses=clocks.pauses_of(complaint),
        tasks=[task_of(row, clock_rows) for row in complaint.assignments.all()],
        now=now,
    )
    pieces = divide(history)
    rule = rule_for(clock_rows)
    contact = _first_contact(complaint, history)
    return Ledger(
        start=history.start,
        end=history.end,
        is_over=complaint.status in _RESTING,
        whole=calendar.working_time(history.start, history.end),
        owners={
            owner: _total([piece for piece in pieces if piece.owner is owner], calendar)
            for owner in Owner
            if owner is not Owner.DEPARTMENT
        },
        leads={
            task.key: _total([piece for piece in pieces if piece.task and piece.task.key == task.key], calendar)
            for task in history.tasks
            if task.is_lead
        },
        shares=[share(history, task, calendar, rule) for task in history.tasks],
        first_contact=contact,
        first_contact_after=deadlines.working_duration(history.start, contact.at, calendar, history.pauses)
        if contact
        else None,
        on_time=_on_time(clock_rows),
    )


def history_of(
    complaint: Complaint, *, moves: Sequence[Move], pauses: Sequence[Pause], tasks: Sequence[Task], now: datetime
) -> History:
    """The history of a case up to its last reply, to its end without one, or to `now`."""
    end = now
    if complaint.status in _ANSWERED:
        end = complaint.replied_at or complaint.closed_at or complaint.status_since
    elif complaint.status in ENDED:
        end = complaint.status_since
    return History(complaint.registered_at, max(end, complaint.registered_at), moves, pauses, tasks)


def moves_of(events: Iterable[CaseEvent]) -> list[Move]:
    """The statuses a case went through, from its log, in order."""
    return [(event.at, event.to_status) for event in events if event.version is not None and event.to_status]


def task_of(row: Assignment, clock_rows: Sequence[Deadline]) -> Task:
    """An assignment as the ledger sees it; `clock_rows` are the clocks of its case."""
    own = _own_clock(row, clock_rows)
    return Task(
        key=row.pk,
        given_at=row.assigned_at,
        received_at=row.received_at,
        ended_at=row.ended_at,
        asked_at=row.return_requested_at,
        decided_at=row.adjudicated_at,
        due_at=own.due_at if own else None,
        is_lead=row.role == AssignmentRole.LEAD,
    )


def _own_clock(row: Assignment, clock_rows: Sequence[Deadline]) -> Deadline | None:
    """The clock a task is judged by: its first that counted, so that being late stays; a standing one has no date."""
    own = [clock for clock in clock_rows if clock.assignment_id == row.pk]
    counted = [clock for clock in own if clock.state != DeadlineState.CANCELLED] or own[-1:]
    first = min(counted, key=lambda clock: (clock.started_at, clock.pk), default=None)
    return None if first is None or first.state == DeadlineState.PAUSED else first


def rule_for(clock_rows: Sequence[Deadline]) -> ClockRule | None:
    """The limit for handling as it was when the case was first assigned; later ones are for corrections."""
    first = _handling(clock_rows)
    return clocks.rule_of(first) if first else None


def _handling(clock_rows: Sequence[Deadline]) -> Deadline | None:
    found = [row for row in clock_rows if row.milestone == Milestone.RESOLVE and row.assignment_id is None]
    # One that began anew on new facts is no longer the limit.
    found = [row for row in found if row.state != DeadlineState.CANCELLED] or found
    return min(found, key=lambda row: (row.started_at, row.pk), default=None)


def _on_time(clock_rows: Sequence[Deadline]) -> bool | None:
    first = _handling(clock_rows)
    if first is None or first.state not in (DeadlineState.MET, DeadlineState.MISSED):
        return None
    return first.state == DeadlineState.MET


def _first_contact(complaint: Complaint, history: History) -> Contact | None:
    """The first time a person of a department that had the case reached the complainant (SLA-17). One query."""
    given = min((task.given_at for task in history.tasks), default=None)
    talks = [
        row
        for row in complaint.communications.all()
        if row.direction == ContactDirection.OUT
        and row.outcome == ContactOutcome.REACHED
        and row.by_id is not None
        and given is not None
        and row.at >= given
    ]
    if not talks:
        return None
    rows = list(complaint.assignments.all())
    members = list(
        Membership.objects.filter(
            user__in={row.by_id for row in talks}, department__in={row.department_id for row in rows}
        )
    )
    handlers = {row.handler_id for row in rows}
    for talk in talks:
        if talk.by_id in handlers or any(item.user_id == talk.by_id and item.covers(talk.at) for item in members):
            return talk
    return None

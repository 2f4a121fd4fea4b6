"""Reads over several models: what may be done, what happened, what the clocks say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from complaints import call_backs, clocks, deadlines, events, office_terms, permissions, task_clocks
from complaints.calendars import CalendarMissing, WorkingCalendar
from complaints.models import Assignment, Complaint, Deadline
from complaints.states import MOVES, AssignmentRole, AssignmentState, DeadlineState, Move, RequestState


def available_actions(complaint: Complaint, user: User) -> list[Move]:
    """The actions this person can do on this case now; buttons, API and tests all read this list."""
    moves = [
        move
        for move in MOVES.values()
        if complaint.status in move.sources
        and user.has_perm(move.permission)
        and permissions.can(user, move.action, complaint)
    ]
    return [move for move in moves if _makes_sense(complaint, move.action, user)]


def why_not_now(complaint: Complaint, action: str, user: User) -> str:
    """Why there is nothing to do by an action whose form is opened all the same; '' where there is."""
    if _makes_sense(complaint, action, user):
        return ""
    if action == "request_return":
        tasks = [row for row in complaint.assignments.all() if row.is_current and row.role == AssignmentRole.LEAD]
        if any(row.is_designated for row in tasks):
            return _gettext("The case was designated to your department; it cannot be returned again.")
        if any(row.state == AssignmentState.RETURN_REQUESTED for row in tasks):
            return _gettext("A return of this case is being decided; wait for the decision.")
        return _gettext("The days in which the case could be returned are over; ask the coordinator to move it.")
    return str(_NOTHING_TO_DO.get(action, _("The case as it is now leaves nothing to do here.")))


_NOTHING_TO_DO = {
    "grant_return": _("No return was asked for."),
    "refuse_return": _("No return was asked for."),
    "request_pause": _("A pause was already asked for or is running."),
    "approve_pause": _("No pause was asked for."),
    "resume": _("The clock is not stopped; it needs no restart."),
    "request_extension": _("No limit of this case can be extended now."),
    "approve_extension": _("No extension was asked for."),
    "request_reset": _("A new start of the clocks was already asked for."),
    "approve_reset": _("No new start of the clocks was asked for."),
}


def _makes_sense(complaint: Complaint, action: str, user: User) -> bool:
    """Some actions answer an open request and exist only while it waits."""
    assignments = [row for row in complaint.assignments.all() if row.is_current]
    if action in ("grant_return", "refuse_return"):
        return any(row.state == AssignmentState.RETURN_REQUESTED for row in assignments)
    if action == "request_return":
        return any(row.role == AssignmentRole.LEAD and _may_return(row, complaint) for row in assignments)
    if action == "request_pause":
        return not any(row.state in (RequestState.REQUESTED, RequestState.APPROVED) for row in complaint.pauses.all())
    if action == "approve_pause":
        return any(row.state == RequestState.REQUESTED for row in complaint.pauses.all())
    if action == "resume":
        return any(row.state == RequestState.APPROVED for row in complaint.pauses.all())
    if action == "request_extension":
        return bool(clocks.extendable(complaint))
    if action == "approve_extension":
        return bool(permissions.extensions_asked(complaint))
    if action in ("request_reset", "approve_reset"):
        waits = any(row.state == RequestState.REQUESTED for row in complaint.clock_resets.all())
        return waits == (action == "approve_reset")
    if action in ("receive_task", "finish_supporting"):
        own = [row for row in assignments if row.department_id in user.department_ids and row.ended_at is None]
        tasks = [row for row in own if row.role == AssignmentRole.SUPPORTING]
        return any(row.received_at is None for row in tasks) if action == "receive_task" else bool(tasks)
    if action in ("propose_unreasonable", "decide_unreasonable"):
        waits = any(row.decided_at is None for row in complaint.unreasonable_labels.all())
        return waits if action == "decide_unreasonable" else not waits and not complaint.is_unreasonable
    if action in ("join_incident", "leave_incident"):
        return (complaint.incident_id is None) == (action == "join_incident")
    if action == "rate":
        return call_backs.has_answer(complaint)
    if action == "undo_import":
        return complaint.import_batch_id is not None and events.is_untouched_since_import(complaint)
    return True


def _may_return(task: Assignment, complaint: Complaint) -> bool:
    """Whether a return can still be asked for (ASG-06)."""
    if task.is_designated or task.state == AssignmentState.RETURN_REQUESTED:
        return False
    until = task_clocks.return_until(task, complaint)
    return until is None or timezone.now() <= until


@dataclass(frozen=True)
class ClockReading:
    """One clock for the page: chip state and text, share used, due date and why."""

    deadline: Deadline
    state: str
    text: str
    percent: int
    explanation: str

    @property
    def name(self) -> str:
        """Its milestone, and the department where it belongs to one."""
        return task_clocks.name_of(self.deadline)


def read_clock(
    deadline: Deadline, complaint: Complaint, *, now: datetime, calendar: WorkingCalendar | None = None
) -> ClockReading:
    """What one clock says now, in words ("why this deadline" included)."""
    calendar = calendar or clocks.working_calendar(complaint.policy.slots)
    unit = deadlines.Unit(deadline.unit)
    pauses = clocks.pauses_of(complaint, deadline)
    try:
        if deadline.state in (DeadlineState.MET, DeadlineState.MISSED):
            reading = deadlines.remaining(now, deadline.due_at, calendar, unit, met_at=deadline.stopped_at)
        else:
            reading = deadlines.remaining(
                now,
                None if deadline.state == DeadlineState.PAUSED else deadline.due_at,
                calendar,
                unit,
                soon=soon(calendar, unit),
            )
    except CalendarMissing as error:
        return ClockReading(deadline, "soon", _gettext("Calendar missing"), 0, str(error))
    try:
        fraction = deadlines.elapsed_fraction(
            deadline.started_at, deadline.due_at, deadline.stopped_at or now, calendar, unit, pauses
        )
        why = deadlines.explain_sentence(clocks.compute(deadline, calendar, pauses), _gettext)
    except CalendarMissing as error:
        fraction, why = 0.0, str(error)
    return ClockReading(deadline, str(reading.state), reading.text(_gettext), round(100 * fraction), why)


def soon(calendar: WorkingCalendar, unit: deadlines.Unit = deadlines.Unit.WORKING_DAYS) -> timedelta:
    """With less left than this a clock of this unit is due soon: days and hours the office sets (ASG-13)."""
    if unit in (deadlines.Unit.WORKING_DAYS, deadlines.Unit.CALENDAR_DAYS):
        return calendar.day_length * office_terms.recent("soon")
    return timedelta(hours=office_terms.recent("soon_hours"))


def _gettext(message: str) -> str:
    from django.utils.translation import gettext

    return gettext(message)


def chip(complaint: Complaint, *, now: datetime, calendar: WorkingCalendar) -> tuple[str, str]:
    """State and text of the deadline chip in a list row, from the row's own columns (no query)."""
    if complaint.calendar_missing and complaint.next_due_at is None:
        return "soon", _gettext("Calendar missing")
    if complaint.next_due_at is None:
        return "met", ""
    due = None if complaint.is_paused else complaint.next_due_at
    try:
        reading = deadlines.remaining(now, due, calendar, deadlines.Unit.WORKING_DAYS, soon=soon(calendar))
    except CalendarMissing:
        return "soon", _gettext("Calendar missing")
    return str(reading.state), reading.text(_gettext)


def own_chip(due: datetime, calendar: WorkingCalendar, *, now: datetime) -> tuple[str, str]:
    """State and text of the chip of one limit, as a department's own in a list row (SLA-04)."""
    try:
        reading = deadlines.remaining(now, due, calendar, deadlines.Unit.WORKING_DAYS, soon=soon(calendar))
    except CalendarMissing:
        return "soon", _gettext("Calendar missing")
    return str(reading.state), reading.text(_gettext)

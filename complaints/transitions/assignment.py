"""Which department works on the case, and who in it (ASG-01…08)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput
from accounts.models import Department, User
from complaints import clocks, notify, policy_terms, task_clocks
from complaints.deadlines import StartsOn
from complaints.models import Assignment, Complaint
from complaints.states import AssignmentRole, AssignmentState, Milestone, Status
from complaints.transitions import core, lanes, suggestion


@transaction.atomic
def assign(
    complaint_id: int,
    *,
    by: User,
    department: Department,
    task: str,
    supporting: list[Department] | None = None,
    handler: User | None = None,
    limit: int | None = None,
    version: int | None = None,
    at: datetime | None = None,
) -> Complaint:
    """Hand an accepted case to its lead department, with what is required of it (ASG-01, ASG-03).

    `limit` is how long each department has, in the unit of the policy; else the policy says it (SLA-04).
    Raises IllegalTransition, NotAllowed, InvalidInput. Leaves a message for the department.
    """
    at = core.moment(at)
    complaint = core.begin(complaint_id, "assign", by=by, version=version)
    core.require("task", task, _("Say what the department has to do."))
    given = [_give(complaint, department, AssignmentRole.LEAD, task=task, handler=handler, by=by, at=at)]
    for helper in supporting or []:
        given.append(_give(complaint, helper, AssignmentRole.SUPPORTING, task=task, by=by, at=at))
    _set_lead(complaint, department, handler)
    complaint.coordinator = complaint.coordinator or by
    complaint.save(update_fields=["lead_department", "handler", "coordinator"])
    clocks.stop(complaint, Milestone.ASSIGN, at=at)
    clocks.begin(complaint, StartsOn.ASSIGNED, at=at)
    for row in given:
        task_clocks.start(row, complaint, at=at, limit=limit)
    core.finish(complaint, "assign", by=by, at=at, fields=["lead_department", "handler"], note=department.name)
    return complaint


@transaction.atomic
def reassign(
    complaint_id: int,
    *,
    by: User,
    department: Department,
    reason: str,
    task: str = "",
    designate: bool = False,
    limit: int | None = None,
    version: int | None = None,
    at: datetime | None = None,
) -> Complaint:
    """Move the case to another lead department; the earlier one no longer sees it (ASG-05).

    The new one has its own limit, at most what the case has left; the earlier one is judged by its own (SLA-04).
    """
    at = core.moment(at)
    complaint = core.begin(complaint_id, "reassign", by=by, version=version)
    core.require("reason", reason, _("Give the reason for moving the case."))
    lead = _lead_of(complaint)
    if lead and lead.department_id == department.pk:
        raise InvalidInput("department", _("This department already leads the case."))
    task = task or (lead.task if lead else "")
    if lead:
        _end(lead, AssignmentState.MOVED, at=at)
        task_clocks.end(lead, complaint, at=at, is_done=False)
    helping = Assignment.objects.filter(complaint=complaint, department=department, is_current=True).first()
    if helping:
        task_clocks.end(helping, complaint, at=at, is_done=False)
        _end(helping, AssignmentState.MOVED, at=at)
    given = _give(complaint, department, AssignmentRole.LEAD, task=task, by=by, at=at, designate=designate)
    task_clocks.start(given, complaint, at=at, limit=limit)
    _set_lead(complaint, department, None)
    complaint.save(update_fields=["lead_department", "handler"])
    core.finish(
        complaint, "reassign", by=by, at=at, fields=["lead_department", "handler"], note=f"{department.name}: {reason}"
    )
    if lead:
        _tell_taken_back(complaint, lead)
    return complaint


@transaction.atomic
def add_supporting(
    complaint_id: int,
    *,
    by: User,
    department: Department,
    task: str,
    limit: int | None = None,
    version: int | None = None,
    at: datetime | None = None,
) -> Assignment:
    """Add a supporting department with its own task and its own limit (ASG-08, SLA-04)."""
    at = core.moment(at)
    complaint = core.begin(complaint_id, "add_supporting", by=by, version=version)
    core.require("task", task, _("Say what the department has to do."))
    if Assignment.objects.filter(complaint=complaint, department=department, is_current=True).exists():
        raise InvalidInput("department", _("This department already works on the case."))
    row = _give(complaint, department, AssignmentRole.SUPPORTING, task=task, by=by, at=at)
    task_clocks.start(row, complaint, at=at, limit=limit)
    core.finish(complaint, "add_supporting", by=by, at=at, note=department.name, reference=core.ref(row))
    return row


@transaction.atomic
def start(complaint_id: int, *, by: User, version: int | None = None, at: datetime | None = None) -> Complaint:
    """A handler of the lead department confirms receipt and becomes responsible from here on (ASG-04, ASG-07)."""
    at = core.moment(at)
    complaint = core.begin(complaint_id, "start", by=by, version=version)
    lead = _lead_of(complaint)
    assert lead is not None  # an assigned case has a lead
    if lead.state == AssignmentState.RETURN_REQUESTED:
        raise IllegalTransition(_("A return of this case is being decided; wait for the decision."))
    lead.state, lead.received_at, lead.handler = AssignmentState.WORKING, at, by
    lead.save(update_fields=["state", "received_at", "handler"])
    complaint.handler = by
    complaint.save(update_fields=["handler"])
    core.finish(complaint, "start", by=by, at=at, fields=["handler"])
    return complaint


@transaction.atomic
def hand_over(
    complaint_id: int, *, by: User, handler: User, reason: str, version: int | None = None, at: datetime | None = None
) -> Complaint:
    """Give the case to a colleague of the same department."""
    at = core.moment(at)
    complaint = core.begin(complaint_id, "hand_over", by=by, version=version)
    core.require("reason", reason, _("Give the reason for handing over."))
    lanes.require_first_transfer(complaint, by=by)
    lead = _lead_of(complaint)
    assert lead is not None
    _require_fit(complaint, lead.department_id, handler)
    lead.handler = complaint.handler = handler
    lead.save(update_fields=["handler"])
    complaint.save(update_fields=["handler"])
    core.finish(complaint, "hand_over", by=by, at=at, fields=["handler"], note=reason)
    notify.tell([handler], "handed_over", complaint=complaint, dedupe=f"handed_over:{complaint.pk}:{complaint.version}")
    return complaint


@transaction.atomic
def receive_task(complaint_id: int, *, by: User, version: int | None = None, at: datetime | None = None) -> Complaint:
    """Somebody of a supporting department confirms receipt of its task and is responsible for it (ASG-04, ASG-08)."""
    at = core.moment(at)
    complaint = core.begin(complaint_id, "receive_task", by=by, version=version)
    row = _supporting_of(complaint, by)
    if row is None or row.received_at is not None:
        raise IllegalTransition(_("The task of your department is taken over already."))
    row.state, row.received_at, row.handler = AssignmentState.WORKING, at, by
    row.save(update_fields=["state", "received_at", "handler"])
    core.finish(complaint, "receive_task", by=by, at=at, note=row.department.name, reference=core.ref(row))
    return complaint


@transaction.atomic
def finish_supporting(
    complaint_id: int, *, by: User, result: str, version: int | None = None, at: datetime | None = None
) -> Complaint:
    """A supporting department delivers its part (ASG-08)."""
    at = core.moment(at)
    complaint = core.begin(complaint_id, "finish_supporting", by=by, version=version)
    core.require("result", result, _("Write down the result of your task."))
    row = _supporting_of(complaint, by)
    if row is None:
        raise IllegalTransition(_("The task of your department is already finished."))
    row.state, row.result, row.handler, row.ended_at = AssignmentState.DONE, result, by, at
    row.received_at = row.received_at or at
    row.save(update_fields=["state", "result", "handler", "ended_at", "received_at"])
    task_clocks.end(row, complaint, at=at, is_done=True)
    core.finish(complaint, "finish_supporting", by=by, at=at, note=row.department.name, reference=core.ref(row))
    return complaint


@transaction.atomic
def request_return(
    complaint_id: int, *, by: User, reason: str, version: int | None = None, at: datetime | None = None
) -> Complaint:
    """The department says the case is not theirs; the office decides (ASG-06).

    Not after a designation, and not once the window in working days is over: then only the office moves the case.
    """
    at = core.moment(at)
    complaint = core.begin(complaint_id, "request_return", by=by, version=version)
    core.require("reason", reason, _("Give the reason for returning the case."))
    lead = _lead_of(complaint)
    assert lead is not None
    if lead.is_designated:
        raise IllegalTransition(_("The case was designated to your department; it cannot be returned again."))
    if lead.state == AssignmentState.RETURN_REQUESTED:
        raise IllegalTransition(_("A return of this case is being decided; wait for the decision."))
    until = task_clocks.return_until(lead, complaint)
    if until is not None and at > until:
        raise IllegalTransition(
            _(
                "The case could be returned until %(moment)s, %(days)s working days after the assignment. If it is not "
                "yours, ask the coordinator to move it."
            ),
            moment=f"{timezone.localtime(until):%Y-%m-%d %H:%M}",
            days=policy_terms.return_days(complaint.policy),
        )
    lead.state, lead.return_reason, lead.return_requested_by, lead.return_requested_at = (
        AssignmentState.RETURN_REQUESTED,
        reason[:300],
        by,
        at,
    )
    lead.save(update_fields=["state", "return_reason", "return_requested_by", "return_requested_at"])
    core.finish(complaint, "request_return", by=by, at=at, note=reason, reference=core.ref(lead))
    notify.tell(
        notify.holders_of("complaints.adjudicate_return"),
        "return_requested",
        complaint=complaint,
        dedupe=f"return:{complaint.pk}:{complaint.version}",
    )
    return complaint


@transaction.atomic
def grant_return(
    complaint_id: int, *, by: User, note: str = "", version: int | None = None, at: datetime | None = None
) -> Complaint:
    """The return is justified: the case goes back to be assigned anew (ASG-06)."""
    at = core.moment(at)
    complaint = core.begin(complaint_id, "grant_return", by=by, version=version)
    lead = _returning(complaint)
    _adjudicate(lead, by=by, at=at, note=note)
    _end(lead, AssignmentState.RETURNED, at=at)
    clocks.cancel(complaint, Milestone.TASK, at=at, assignment=lead)
    complaint.lead_department = complaint.handler = None
    complaint.return_rounds += 1
    complaint.save(update_fields=["lead_department", "handler", "return_rounds"])
    core.finish(
        complaint,
        "grant_return",
        by=by,
        at=at,
        target=Status.ACCEPTED,
        fields=["lead_department", "handler", "return_rounds"],
        note=note,
    )
    _tell_taken_back(complaint, lead)
    return complaint


@transaction.atomic
def refuse_return(
    complaint_id: int, *, by: User, note: str, version: int | None = None, at: datetime | None = None
) -> Complaint:
    """The case stays with the department, by designation: no second return (ASG-06).

    The time of the decision is not the department's: its clock goes on with what was left when it asked.
    """
    at = core.moment(at)
    complaint = core.begin(complaint_id, "refuse_return", by=by, version=version)
    core.require("note", note, _("Give the reason for the decision."))
    lead = _returning(complaint)
    _adjudicate(lead, by=by, at=at, note=note)
    lead.state = AssignmentState.WORKING if lead.received_at else AssignmentState.PENDING
    lead.is_designated = True
    lead.save(update_fields=["state", "is_designated"])
    task_clocks.go_on(lead, complaint, asked_at=lead.return_requested_at or at, at=at)
    complaint.return_rounds += 1
    complaint.save(update_fields=["return_rounds"])
    core.finish(complaint, "refuse_return", by=by, at=at, fields=["return_rounds"], note=note)
    notify.tell(_people_of(lead), "return_refused", complaint=complaint, dedupe=f"return_refused:{lead.pk}")
    return complaint


def _lead_of(complaint: Complaint) -> Assignment | None:
    return Assignment.objects.filter(complaint=complaint, role=AssignmentRole.LEAD, is_current=True).first()


def _supporting_of(complaint: Complaint, user: User) -> Assignment | None:
    """The task that a department of the person still has to deliver."""
    return Assignment.objects.filter(
        complaint=complaint,
        role=AssignmentRole.SUPPORTING,
        is_current=True,
        ended_at=None,
        department__in=user.department_ids,
    ).first()


def _returning(complaint: Complaint) -> Assignment:
    lead = _lead_of(complaint)
    if lead is None or lead.state != AssignmentState.RETURN_REQUESTED:
        raise IllegalTransition(_("No return was asked for."))
    return lead


def _adjudicate(lead: Assignment, *, by: User, at: datetime, note: str) -> None:
    lead.adjudicated_by, lead.adjudicated_at, lead.adjudication_note = by, at, note[:300]
    lead.save(update_fields=["adjudicated_by", "adjudicated_at", "adjudication_note"])


def _people_of(task: Assignment) -> list[User]:
    """Who had a task in hand: its handler and who asked to return it; else everybody who could have taken it."""
    known = [user for user in (task.handler, task.return_requested_by) if user]
    return known or list(notify.members_with("complaints.handle_complaint", [task.department_id]))


def _tell_taken_back(complaint: Complaint, task: Assignment) -> None:
    """The department no longer sees the case; whoever worked on it shall not look for it (ASG-05)."""
    notify.tell(_people_of(task), "taken_back", complaint=complaint, dedupe=f"taken_back:{task.pk}", by_email=False)


def _end(row: Assignment, state: AssignmentState, *, at: datetime) -> None:
    row.state, row.ended_at, row.is_current = state, at, False
    row.save(update_fields=["state", "ended_at", "is_current"])


def _set_lead(complaint: Complaint, department: Department, handler: User | None) -> None:
    complaint.lead_department, complaint.handler = department, handler


def _require_fit(complaint: Complaint, department_id: int, handler: User) -> None:
    """Nobody handles a complaint about or from themselves (ASG-12). Raises InvalidInput."""
    if handler.pk in notify.concerned(complaint):
        raise InvalidInput("handler", _("The complaint is about this person or comes from them; choose somebody else."))
    if not notify.members_with("complaints.handle_complaint", [department_id]).filter(pk=handler.pk).exists():
        raise InvalidInput("handler", _("Choose a handler of the lead department."))


def _give(
    complaint: Complaint,
    department: Department,
    role: AssignmentRole,
    *,
    task: str,
    by: User,
    at: datetime,
    handler: User | None = None,
    designate: bool = False,
) -> Assignment:
    if not department.is_active:
        raise InvalidInput("department", _("This department is no longer active."))
    if Assignment.objects.filter(complaint=complaint, department=department, is_current=True).exists():
        raise InvalidInput("supporting", _("This department already works on the case."))
    if handler is not None:
        _require_fit(complaint, department.pk, handler)
    row = Assignment.objects.create(
        complaint=complaint,
        department=department,
        role=role,
        task=task,
        handler=handler,
        assigned_by=by,
        assigned_at=at,
        is_designated=designate,
    )
    if role == AssignmentRole.LEAD:
        suggestion.note_department(complaint, department, by=by, at=at)
    people = [handler] if handler else notify.members_with("complaints.handle_complaint", [department.pk])
    notify.tell(people, "assigned", complaint=complaint, dedupe=f"assigned:{row.pk}")
    return row

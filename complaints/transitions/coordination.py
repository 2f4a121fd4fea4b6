"""Promises, statements of outside parties, meetings and tasks of a case (COO-02, COO-03, COO-07, COO-14, SPG-02).

Whoever handles or coordinates the case begins and settles these records; nothing new begins once the case is
over. Minutes are written by who took part, a task is reported done by who has it. Events name no content.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import TypeVar

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import Department, DepartmentKind, User
from complaints import notify, permissions
from complaints.models import Attachment, CaseTask, Complaint, Meeting, PartyStatement, Promise
from complaints.states import OPEN, MeetingKind, PartyKind, Status, TaskKind
from complaints.timeline_words import NOTE_WORDS
from complaints.transitions import core
from complaints.transitions.intake import check_text

COORDINATE = "complaints.assign_complaint"
HANDLE = "complaints.handle_complaint"
MOST_PARTICIPANTS = 50
# The longest texts, in characters.
SHORT, REASON, TEXT, LONG = 120, 300, 5000, 10_000

# The notes of these events are codes of the kind of record; its content stands in no event.
NOTE_WORDS |= {
    **{key: dict(PartyKind.choices) for key in ("statement_asked", "statement_received", "statement_waived")},
    **{key: dict(MeetingKind.choices) for key in ("meeting_called", "meeting_held", "meeting_cancelled")},
    **{key: dict(TaskKind.choices) for key in ("task_given", "task_dated", "task_done")},
}

_Row = TypeVar("_Row", Promise, PartyStatement, Meeting, CaseTask)


def may_coordinate(user: User, complaint: Complaint) -> bool:
    """Whether the person coordinates the case, or handles it in a department that has it now."""
    if user.has_perm(COORDINATE) or complaint.coordinator_id == user.pk:
        return True
    return user.has_perm(HANDLE) and permissions.holds_case(user, complaint)


def may_finish(user: User, task: CaseTask) -> bool:
    """Whether the person may report this task done: its owner, its department, or who coordinates (COO-02)."""
    if user.has_perm(COORDINATE) or task.complaint.coordinator_id == user.pk:
        return True
    own = task.owner_id == user.pk or task.department_id in user.department_ids
    return own and user.has_perm("complaints.write_note")


def page_url(complaint: Complaint) -> str:
    """The address of the page about the coordination of a case, for notifications."""
    return f"/desk/cases/{complaint.number}/coordination/"


def _begin(complaint_id: int, *, by: User, new: bool = False) -> Complaint:
    """Lock a case this person sees. Raises NotAllowed, IllegalTransition."""
    complaint = core.lock(complaint_id)
    if not Complaint.objects.visible_to(by).filter(pk=complaint.pk).exists():
        raise NotAllowed(_("This case is no longer yours to see."))
    if complaint.status == Status.ARCHIVED:
        raise IllegalTransition(_("The case is archived; nothing can be added."))
    if new and complaint.status not in OPEN:
        raise IllegalTransition(_("The case is over; nothing new can be planned on it."))
    return complaint


def _require_part(complaint: Complaint, by: User) -> None:
    if not may_coordinate(by, complaint):
        raise NotAllowed(_("Only who handles or coordinates the case may do this."))


def _lock(table: type[_Row], pk: int, *, by: User) -> tuple[Complaint, _Row]:
    """Lock the case of a record, then the record."""
    rows: models.Manager[_Row] = table._default_manager
    complaint = _begin(rows.values_list("complaint", flat=True).get(pk=pk), by=by)
    return complaint, rows.select_for_update().get(pk=pk)


def _text(field: str, value: str, *, limit: int) -> str:
    core.require(field, value)
    return check_text(field, value, limit=limit).strip()


def _require_day(field: str, day: date, at: datetime) -> None:
    core.require(field, day, _("Give a definite date."))
    if day < timezone.localdate(at):
        raise InvalidInput(field, _("This date is over; give a day to come."))


# --- Promises (COO-07) --------------------------------------------------------------------------------
@transaction.atomic
def make_promise(complaint_id: int, *, text: str, due_at: datetime, by: User, at: datetime | None = None) -> Promise:
    """Record what the complainant was promised until `due_at`; unkept by then, it raises an alarm (COO-07).

    Raises NotAllowed, IllegalTransition, InvalidInput for a time that has passed.
    """
    at = core.moment(at)
    complaint = _begin(complaint_id, by=by, new=True)
    _require_part(complaint, by)
    core.require("due_at", due_at)
    if due_at <= at:
        raise InvalidInput("due_at", _("This time has passed; give a time to come."))
    row = Promise.objects.create(
        complaint=complaint, text=_text("text", text, limit=TEXT), due_at=due_at, made_by=by, made_at=at
    )
    core.add_event(complaint, "promise_made", by=by, at=at, reference=core.ref(row))
    return row


@transaction.atomic
def keep_promise(promise_id: int, *, by: User, at: datetime | None = None) -> Promise:
    """The promise was kept. Raises NotAllowed, IllegalTransition when it is settled already."""
    at = core.moment(at)
    complaint, row = _open_promise(promise_id, by=by)
    row.kept_at, row.kept_by = at, by
    row.save(update_fields=["kept_at", "kept_by"])
    core.add_event(complaint, "promise_kept", by=by, at=at, reference=core.ref(row))
    return row


@transaction.atomic
def end_promise(promise_id: int, *, reason: str, by: User, at: datetime | None = None) -> Promise:
    """The promise no longer holds, and why. Raises NotAllowed, InvalidInput, IllegalTransition."""
    at = core.moment(at)
    complaint, row = _open_promise(promise_id, by=by)
    row.ended_reason = _text("reason", reason, limit=REASON)
    row.save(update_fields=["ended_reason"])
    core.add_event(complaint, "promise_ended", by=by, at=at, reference=core.ref(row))
    return row


def _open_promise(promise_id: int, *, by: User) -> tuple[Complaint, Promise]:
    complaint, row = _lock(Promise, promise_id, by=by)
    _require_part(complaint, by)
    if row.kept_at is not None or row.ended_reason:
        raise IllegalTransition(_("This promise is settled already."))
    return complaint, row


# --- Statements of outside parties (COO-14) -----------------------------------------------------------
@transaction.atomic
def ask_party(
    complaint_id: int,
    *,
    party_kind: str,
    party: str,
    question: str,
    due_on: date,
    by: User,
    at: datetime | None = None,
) -> PartyStatement:
    """Ask somebody outside for a written statement by a day (COO-14). Raises NotAllowed, IllegalTransition,
    InvalidInput."""
    at = core.moment(at)
    complaint = _begin(complaint_id, by=by, new=True)
    _require_part(complaint, by)
    core.check_codes("party_kind", [party_kind], PartyKind)
    _require_day("due_on", due_on, at)
    row = PartyStatement.objects.create(
        complaint=complaint,
        kind=party_kind,
        party=_text("party", party, limit=SHORT),
        question=_text("question", question, limit=TEXT),
        due_on=due_on,
        asked_by=by,
        asked_at=at,
    )
    core.add_event(complaint, "statement_asked", by=by, at=at, reference=core.ref(row), note=row.kind)
    return row


@transaction.atomic
def receive_statement(
    statement_id: int, *, answer: str, evidence: Attachment | None = None, by: User, at: datetime | None = None
) -> PartyStatement:
    """File what the party stated, where wanted with a file of the case.

    Raises NotAllowed, IllegalTransition, InvalidInput for a file of another case.
    """
    at = core.moment(at)
    complaint, row = _open_statement(statement_id, by=by)
    if evidence is not None and evidence.complaint_id != complaint.pk:  # type: ignore[attr-defined]
        raise InvalidInput("evidence", _("Choose a file of this case."))
    row.answer, row.evidence = _text("answer", answer, limit=LONG), evidence
    row.received_at, row.received_by = at, by
    row.save(update_fields=["answer", "evidence", "received_at", "received_by"])
    core.add_event(complaint, "statement_received", by=by, at=at, reference=core.ref(row), note=row.kind)
    return row


@transaction.atomic
def waive_statement(statement_id: int, *, reason: str, by: User, at: datetime | None = None) -> PartyStatement:
    """Go on without the statement, and say why. Raises NotAllowed, InvalidInput, IllegalTransition."""
    at = core.moment(at)
    complaint, row = _open_statement(statement_id, by=by)
    row.waived_reason = _text("reason", reason, limit=REASON)
    row.save(update_fields=["waived_reason"])
    core.add_event(complaint, "statement_waived", by=by, at=at, reference=core.ref(row), note=row.kind)
    return row


def _open_statement(statement_id: int, *, by: User) -> tuple[Complaint, PartyStatement]:
    complaint, row = _lock(PartyStatement, statement_id, by=by)
    _require_part(complaint, by)
    if row.received_at is not None or row.waived_reason:
        raise IllegalTransition(_("This statement is settled already."))
    return complaint, row


# --- Meetings (COO-02, COO-03) ------------------------------------------------------------------------
@transaction.atomic
def call_meeting(
    complaint_id: int,
    *,
    subject: str,
    planned_at: datetime,
    agenda: str,
    participants: Iterable[User],
    meeting_kind: str = MeetingKind.MEETING,
    place: str = "",
    guests: str = "",
    by: User,
    at: datetime | None = None,
) -> Meeting:
    """Call a meeting, or one of a temporary group, and tell who takes part; whoever calls it does too.

    Raises NotAllowed, IllegalTransition, and InvalidInput for a time that has passed or somebody who cannot open
    the case: those it is about or comes from never can (PI-18, ASG-12).
    """
    at = core.moment(at)
    complaint = _begin(complaint_id, by=by, new=True)
    _require_part(complaint, by)
    core.check_codes("meeting_kind", [meeting_kind], MeetingKind)
    core.require("planned_at", planned_at)
    if planned_at <= at:
        raise InvalidInput("planned_at", _("This time has passed; give a time to come."))
    others = {user.pk: user for user in participants if user.pk != by.pk}
    _require_fit(complaint, list(others.values()))
    row = Meeting.objects.create(
        complaint=complaint,
        kind=meeting_kind,
        title=_text("subject", subject, limit=SHORT),
        planned_at=planned_at,
        place=check_text("place", place, limit=SHORT).strip(),
        agenda=_text("agenda", agenda, limit=TEXT),
        guests=check_text("guests", guests, limit=REASON).strip(),
        called_by=by,
        called_at=at,
    )
    row.participants.set([by, *others.values()])
    core.add_event(complaint, "meeting_called", by=by, at=at, reference=core.ref(row), note=row.kind)
    _tell_meeting(row, "meeting_called", others.values())
    return row


def _require_fit(complaint: Complaint, people: list[User]) -> None:
    """At least one other person, and everybody able to open the case."""
    if not people:
        raise InvalidInput("participants", _("Choose who takes part besides you."))
    if len(people) > MOST_PARTICIPANTS:
        raise InvalidInput("participants", _("Choose at most %(limit)s people."), limit=MOST_PARTICIPANTS)
    for user in people:
        if not Complaint.objects.visible_to(user).filter(pk=complaint.pk).exists():
            raise InvalidInput(
                "participants",
                _(
                    "%(name)s cannot open this case. Add the department as a supporting one first, "
                    "or choose somebody else."
                ),
                name=user.display_name,
            )


def _tell_meeting(row: Meeting, kind: str, people: Iterable[User]) -> None:
    notify.tell(
        people,
        kind,
        complaint=row.complaint,
        dedupe=f"{kind}:{row.pk}",
        url=page_url(row.complaint),
        due=timezone.localtime(row.planned_at).isoformat(timespec="minutes"),
    )


@transaction.atomic
def record_minutes(
    meeting_id: int,
    *,
    minutes: str,
    decisions: str = "",
    held_at: datetime | None = None,
    by: User,
    at: datetime | None = None,
) -> Meeting:
    """Write down what was said and decided, one decision a line; `held_at` empty means as planned (COO-02).

    Raises NotAllowed for whoever did not take part, InvalidInput before the meeting, IllegalTransition when it was
    called off or has minutes.
    """
    at = core.moment(at)
    complaint, row = _lock(Meeting, meeting_id, by=by)
    if not row.participants.filter(pk=by.pk).exists():
        raise NotAllowed(_("Only who took part in the meeting writes its minutes."))
    _require_planned(row)
    held_at = held_at or row.planned_at
    if held_at > at:
        raise InvalidInput("held_at", _("This time is in the future; record the meeting after it was held."))
    row.minutes = _text("minutes", minutes, limit=LONG)
    row.decisions = check_text("decisions", decisions, limit=TEXT).strip()
    row.held_at, row.minutes_by, row.minutes_at = held_at, by, at
    row.save(update_fields=["minutes", "decisions", "held_at", "minutes_by", "minutes_at"])
    core.add_event(complaint, "meeting_held", by=by, at=at, reference=core.ref(row), note=row.kind)
    return row


@transaction.atomic
def cancel_meeting(meeting_id: int, *, reason: str, by: User, at: datetime | None = None) -> Meeting:
    """Call a meeting off with the reason, and tell who would have come.

    Raises NotAllowed, InvalidInput, IllegalTransition.
    """
    at = core.moment(at)
    complaint, row = _lock(Meeting, meeting_id, by=by)
    _require_part(complaint, by)
    _require_planned(row)
    row.cancelled_reason = _text("reason", reason, limit=REASON)
    row.save(update_fields=["cancelled_reason"])
    core.add_event(complaint, "meeting_cancelled", by=by, at=at, reference=core.ref(row), note=row.kind)
    _tell_meeting(row, "meeting_cancelled", row.participants.exclude(pk=by.pk))
    return row


def _require_planned(row: Meeting) -> None:
    if row.minutes_at is not None:
        raise IllegalTransition(_("The minutes of this meeting are written already."))
    if row.cancelled_reason:
        raise IllegalTransition(_("This meeting was called off."))


# --- Tasks (COO-02, SPG-02) ---------------------------------------------------------------------------
@transaction.atomic
def give_task(
    complaint_id: int,
    *,
    what: str,
    department: Department,
    due_on: date,
    owner: User | None = None,
    task_kind: str = TaskKind.OTHER,
    by: User,
    at: datetime | None = None,
) -> CaseTask:
    """Give a department a task on the case, such as a service at the door, with a day and where known a person.

    Raises NotAllowed, IllegalTransition, and InvalidInput for a department without the case or a person outside it.
    """
    at = core.moment(at)
    complaint = _begin(complaint_id, by=by, new=True)
    _require_part(complaint, by)
    core.check_codes("task_kind", [task_kind], TaskKind)
    if task_kind == TaskKind.DECISION:
        raise InvalidInput("task_kind", _("A decision becomes a task from its meeting."))
    return _create_task(complaint, task_kind, what, department, due_on, owner, by=by, at=at)


@transaction.atomic
def task_from_meeting(
    meeting_id: int,
    *,
    what: str,
    department: Department,
    due_on: date,
    owner: User | None = None,
    by: User,
    at: datetime | None = None,
) -> CaseTask:
    """Turn a decision of a meeting into a task; whoever took part may do so too (COO-02).

    Raises as `give_task`, and IllegalTransition before the minutes are written.
    """
    at = core.moment(at)
    complaint_id = Meeting.objects.values_list("complaint", flat=True).get(pk=meeting_id)
    complaint = _begin(complaint_id, by=by, new=True)
    row = Meeting.objects.select_for_update().get(pk=meeting_id)
    if not row.participants.filter(pk=by.pk).exists():
        _require_part(complaint, by)
    if row.minutes_at is None:
        raise IllegalTransition(_("Write the minutes first; then the decisions become tasks."))
    return _create_task(complaint, TaskKind.DECISION, what, department, due_on, owner, meeting=row, by=by, at=at)


def _create_task(
    complaint: Complaint,
    kind: str,
    what: str,
    department: Department,
    due_on: date,
    owner: User | None,
    *,
    meeting: Meeting | None = None,
    by: User,
    at: datetime,
) -> CaseTask:
    _require_day("due_on", due_on, at)
    core.require("department", department, _("Choose a department."))
    if department.kind != DepartmentKind.OFFICE and not _has_case(complaint, department):
        raise InvalidInput("department", _("This department does not have the case; add it as a supporting one first."))
    if owner is not None:
        member = User.objects.filter(pk=owner.pk, memberships__department=department, memberships__until=None)
        sees = Complaint.objects.visible_to(owner).filter(pk=complaint.pk)
        if not member.exists() or not sees.exists():
            raise InvalidInput("owner", _("Choose somebody of this department who can open the case."))
    row = CaseTask.objects.create(
        complaint=complaint,
        meeting=meeting,
        kind=kind,
        what=_text("what", what, limit=TEXT),
        department=department,
        owner=owner,
        due_on=due_on,
        created_by=by,
        created_at=at,
    )
    core.add_event(complaint, "task_given", by=by, at=at, reference=core.ref(row), note=row.kind)
    people = [user for user in task_people(row) if user.pk != by.pk]
    notify.tell(
        people,
        "task_given",
        complaint=complaint,
        dedupe=f"task_given:{row.pk}",
        url=page_url(complaint),
        day=f"{due_on:%m-%d}",
    )
    return row


def _has_case(complaint: Complaint, department: Department) -> bool:
    return complaint.assignments.filter(is_current=True, department=department).exists()


def task_people(task: CaseTask) -> list[User]:
    """Who hears of a task: its owner; without one, who heads the department, or else everybody in it who can."""
    if task.owner is not None:
        return [task.owner]
    units = [task.department.pk]
    return list(notify.heads_of(units)) or list(notify.members_with("complaints.write_note", units))


@transaction.atomic
def finish_task(task_id: int, *, result: str, by: User, at: datetime | None = None) -> CaseTask:
    """Report what was done. Raises NotAllowed, InvalidInput without a result, IllegalTransition when it is done."""
    at = core.moment(at)
    complaint, row = _lock(CaseTask, task_id, by=by)
    if not may_finish(by, row):
        raise NotAllowed(_("Only the owner, the department or the coordinator reports this task done."))
    if row.done_at is not None:
        raise IllegalTransition(_("This task is done already."))
    row.result = _text("result", result, limit=TEXT)
    row.done_at, row.done_by = at, by
    row.save(update_fields=["result", "done_at", "done_by"])
    core.add_event(complaint, "task_done", by=by, at=at, reference=core.ref(row), note=row.kind)
    return row


@transaction.atomic
def set_reply_day(task_id: int, *, due_at: datetime, by: User, at: datetime | None = None) -> CaseTask:
    """Add until when another body expects the reply owed to it, where it had named no day (IN-11).

    From then on the task is due and late like any other. Raises NotAllowed, InvalidInput for a day that is over,
    IllegalTransition when the task has a day or is done.
    """
    at = core.moment(at)
    complaint, row = _lock(CaseTask, task_id, by=by)
    if not may_finish(by, row):
        raise NotAllowed(_("Only the owner, the department or the coordinator gives this task its day."))
    if row.done_at is not None:
        raise IllegalTransition(_("This task is done already."))
    if row.has_day:
        raise IllegalTransition(_("This task has its day already."))
    core.require("due_at", due_at, _("Give a definite date."))
    day = timezone.localdate(due_at)
    _require_day("due_at", day, at)
    row.due_on = day
    row.save(update_fields=["due_on"])
    complaint.referral_due_at = due_at
    complaint.save(update_fields=["referral_due_at"])
    core.add_event(complaint, "task_dated", by=by, at=at, reference=core.ref(row), note=row.kind)
    return row

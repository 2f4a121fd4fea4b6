"""Notes, contacts, evidence, findings, remedies and improvements: records that are only ever added."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import Department, User
from complaints import care, clocks, files, notices, permissions
from complaints import remedies as remedy_rules
from complaints.models import (
    Allegation,
    Assignment,
    Attachment,
    Complaint,
    Contact,
    ImprovementAction,
    InvestigationStep,
    Note,
    Remedy,
    ResponsibilityFinding,
    StoredFile,
)
from complaints.states import (
    Audience,
    Channel,
    ContactDirection,
    ContactOutcome,
    ContactPurpose,
    FindingResult,
    ImprovementState,
    InvestigationKind,
    Milestone,
    NoticeKind,
    RemedyState,
    Status,
)
from complaints.timeline_words import BY_HEAD
from complaints.transitions import core
from complaints.transitions.follow_up_plan import plan_second_contact
from complaints.transitions.intake import check_text
from complaints.transitions.remedies import ask_approval

_ENDED = (Status.ARCHIVED,)
# So many attempts in vain to tell a reply count as telling it.
ATTEMPTS = 3


def _open_for(complaint_id: int, permission: str, *, by: User | None) -> Complaint:
    """Lock the case for an added record; the actor must see it and hold the permission."""
    complaint = core.lock(complaint_id)
    if by is not None:
        if not Complaint.objects.visible_to(by).filter(pk=complaint.pk).exists() or not permissions.may_add(
            by, permission, complaint
        ):
            raise NotAllowed(_("Your role does not allow this."))
        if not by.has_perm("complaints.view_all") and not permissions.holds_case(by, complaint):
            raise NotAllowed(_("The case is not with your department."))
    if complaint.status in _ENDED:
        raise IllegalTransition(_("The case is archived; nothing can be added."))
    return complaint


def _department_of(complaint: Complaint, user: User) -> Department | None:
    row = (
        Assignment.objects.filter(complaint=complaint, is_current=True, department__in=user.department_ids)
        .select_related("department")
        .first()
    )
    return row.department if row else None


@transaction.atomic
def add_note(
    complaint_id: int, *, by: User, text: str, audience: str = Audience.CASE, at: datetime | None = None
) -> Note:
    """Write an internal handling note; it can never be changed (matrix, note)."""
    at = core.moment(at)
    complaint = _open_for(complaint_id, "complaints.write_note", by=by)
    core.require("text", text, _("Write the note."))
    check_text("text", text, limit=10_000)
    note = Note.objects.create(
        complaint=complaint, text=text, at=at, by=by, department=_department_of(complaint, by), audience=audience
    )
    core.add_event(complaint, "note", by=by, at=at, reference=core.ref(note))
    return note


@transaction.atomic
def add_contact(
    complaint_id: int,
    *,
    by: User,
    direction: ContactDirection,
    channel: Channel,
    purpose: ContactPurpose,
    outcome: ContactOutcome = ContactOutcome.REACHED,
    summary: str = "",
    recording_reference: str = "",
    contacted_at: datetime | None = None,
    at: datetime | None = None,
) -> Contact:
    """Record a communication, failed attempts included (COO-05, COO-06).

    That the head of a department that has the case reached the complainant stands in the event (COO-17).
    The first contact that reaches the complainant stops the first-contact clock (SLA-17); telling
    the reply by phone or at the counter stops the reply clock; telling why a complaint is not accepted, or what is
    missing, settles the notice that waits for it (SCR-03). A call-back is no mere communication: it is recorded by
    somebody independent, in complaints/transitions/feedback.py (QUA-08).
    """
    at = core.moment(at)
    contacted_at = contacted_at or at
    complaint = _open_for(complaint_id, "complaints.record_contact", by=by)
    if purpose == ContactPurpose.CALL_BACK:
        raise InvalidInput(
            "purpose",
            _("A call-back is recorded with “Record the call-back”, by somebody who did not handle the case."),
        )
    if contacted_at > at:
        raise InvalidInput("contacted_at", _("This time is in the future; give the time of the contact."))
    _check_order(complaint, direction, purpose, contacted_at)
    if outcome == ContactOutcome.REACHED:
        core.require("summary", summary, _("Write down what was said."))
    check_text("summary", summary, limit=10_000)
    contact = Contact.objects.create(
        complaint=complaint,
        direction=direction,
        channel=channel,
        purpose=purpose,
        outcome=outcome,
        summary=summary,
        recording_reference=recording_reference,
        at=contacted_at,
        by=by,
    )
    reached_out = direction == ContactDirection.OUT and outcome == ContactOutcome.REACHED
    if reached_out:
        _stop_begun(complaint, Milestone.FIRST_CONTACT, at=contacted_at)
        if purpose == ContactPurpose.PROGRESS:
            _stop_begun(complaint, Milestone.PROGRESS, at=contacted_at)
    if direction == ContactDirection.OUT and purpose == ContactPurpose.REPLY:
        _deliver_reply(complaint, outcome, at=contacted_at)
    notices.told(complaint, contact)
    clocks.refresh(complaint)
    note = f"{purpose}: {outcome}"
    if reached_out and _heads(by, complaint):
        note += BY_HEAD
    core.add_event(complaint, "contact", by=by, at=at, reference=core.ref(contact), note=note)
    return contact


def _heads(user: User | None, complaint: Complaint) -> bool:
    """Whether the person heads a department that has the case now (COO-17)."""
    if user is None:
        return False
    units = complaint.assignments.filter(is_current=True).values("department")
    return user.memberships.filter(department__in=units, is_head=True, until=None).exists()


def _check_order(complaint: Complaint, direction: str, purpose: str, contacted_at: datetime) -> None:
    """A contact is not before the complaint, and a reply is given only once it is sent (AT-08, SLA-06).

    A page gives whole minutes. Raises InvalidInput at the field.
    """
    if contacted_at < _minute(complaint.received_at):
        raise InvalidInput(
            "contacted_at",
            _("The complaint came in only on %(moment)s; give the time of the contact."),
            moment=f"{timezone.localtime(complaint.received_at):%Y-%m-%d %H:%M}",
        )
    if direction != ContactDirection.OUT or purpose != ContactPurpose.REPLY:
        return
    sent_at = complaint.replies.filter(sent_at__isnull=False).aggregate(newest=Max("sent_at"))["newest"]
    if sent_at is None and complaint.status == Status.MERGED:  # answered with the case it was merged into
        sent_at = complaint.notices.filter(kind=NoticeKind.REPLY).aggregate(newest=Max("issued_at"))["newest"]
    if sent_at is None:
        raise InvalidInput("purpose", _("No reply has been checked and sent yet; choose another purpose."))
    if contacted_at < _minute(sent_at):
        raise InvalidInput(
            "contacted_at",
            _("The reply was sent only on %(moment)s; give the time it was told."),
            moment=f"{timezone.localtime(sent_at):%Y-%m-%d %H:%M}",
        )


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _stop_begun(complaint: Complaint, milestone: str, *, at: datetime) -> None:
    """Stop a clock of the case that had begun by then: what was said before it does not meet it (SLA-17)."""
    if any(_minute(row.started_at) <= at for row in clocks.running(complaint, milestone)):
        clocks.stop(complaint, milestone, at=at)


def _deliver_reply(complaint: Complaint, outcome: ContactOutcome, *, at: datetime) -> None:
    """A reply is delivered when told, or after three recorded attempts in vain since it was sent."""
    reply = complaint.replies.filter(sent_at__isnull=False, delivered_at=None).order_by("-round").first()
    if reply is None or reply.sent_at is None:
        return
    attempts = Contact.objects.filter(
        complaint=complaint,
        purpose=ContactPurpose.REPLY,
        direction=ContactDirection.OUT,
        at__gte=_minute(reply.sent_at),
    ).count()
    if outcome == ContactOutcome.REACHED or attempts >= ATTEMPTS:
        reply.delivered_at = at
        reply.save(update_fields=["delivered_at"])
        clocks.stop(complaint, Milestone.REPLY, at=at)


@transaction.atomic
def add_attachment(
    complaint_id: int,
    *,
    by: User | None,
    file: StoredFile,
    name: str,
    evidence_kind: str,
    source: str = "",
    at: datetime | None = None,
) -> Attachment:
    """Put a stored file on the case as evidence with its source (ARC-06)."""
    at = core.moment(at)
    complaint = _open_for(complaint_id, "complaints.write_note", by=by)
    row = Attachment.objects.create(
        complaint=complaint,
        file=file,
        name=name,
        evidence_kind=evidence_kind,
        source=source,
        from_complainant=by is None,
        at=at,
        by=by,
    )
    core.add_event(complaint, "attachment", by=by, at=at, reference=core.ref(row), note=file.sha256)
    return row


@transaction.atomic
def add_copy(attachment_id: int, *, by: User, file: StoredFile, at: datetime | None = None) -> Attachment:
    """The copy of a file that departments open while the original stays with the office (AZ-07).

    Its name is made here, since names tell much. Raises NotAllowed, InvalidInput("files").
    """
    at = core.moment(at)
    original = Attachment.objects.get(pk=attachment_id)
    complaint = _open_for(original.complaint_id, "complaints.screen_complaint", by=by)  # type: ignore[arg-type]
    if not by.has_perm("complaints.view_all"):
        raise NotAllowed(_("Your role does not allow this."))
    if original.copy_of_id is not None:
        raise InvalidInput("files", _("This is a copy already."))
    if original.file_id == file.pk:
        raise InvalidInput("files", _("This is the original itself; choose a copy without what tells who complained."))
    number = complaint.attachments.filter(copy_of=None, pk__lte=original.pk).count()
    row = Attachment.objects.create(
        complaint=complaint,
        copy_of=original,
        file=file,
        name=files.clean_name(f"copy-{number}", file.content_type),
        evidence_kind=original.evidence_kind,
        from_complainant=False,
        at=at,
        by=by,
    )
    core.add_event(complaint, "attachment", by=by, at=at, reference=core.ref(row), note=file.sha256)
    return row


@transaction.atomic
def add_investigation_step(
    complaint_id: int,
    *,
    by: User,
    kind: str,
    summary: str,
    evidence: Attachment | None = None,
    at: datetime | None = None,
) -> InvestigationStep:
    """Record what was checked and found (COO-15); a technical inspection comes with its report (COO-16).

    Raises NotAllowed, IllegalTransition, InvalidInput without the report or for a file of another case.
    """
    at = core.moment(at)
    complaint = _open_for(complaint_id, "complaints.write_note", by=by)
    core.require("summary", summary, _("Write down what was checked and found."))
    if kind == InvestigationKind.INSPECTION and evidence is None:
        raise InvalidInput("evidence", _("Attach the report of the technical inspection."))
    if evidence is not None and evidence.complaint_id != complaint.pk:  # type: ignore[attr-defined]
        raise InvalidInput("evidence", _("Choose a file of this case."))
    row = InvestigationStep.objects.create(
        complaint=complaint, kind=kind, summary=summary, evidence=evidence, at=at, by=by
    )
    core.add_event(complaint, "investigation", by=by, at=at, reference=core.ref(row))
    return row


@transaction.atomic
def add_allegation(complaint_id: int, *, by: User, text: str, at: datetime | None = None) -> Allegation:
    """Split one point out of the complaint so that it gets its own finding."""
    at = core.moment(at)
    complaint = _open_for(complaint_id, "complaints.write_note", by=by)
    core.require("text", text)
    row = Allegation.objects.create(complaint=complaint, text=text, order=complaint.allegations.count() + 1)
    core.add_event(complaint, "allegation", by=by, at=at, reference=core.ref(row))
    return row


@transaction.atomic
def set_finding(
    allegation_id: int, *, by: User, finding: FindingResult, reason: str, at: datetime | None = None
) -> Allegation:
    """Record the finding on one allegation (CLS-17)."""
    at = core.moment(at)
    row = Allegation.objects.get(pk=allegation_id)
    complaint = _open_for(row.complaint_id, "complaints.draft_reply", by=by)
    core.require("reason", reason, _("Give the reason for the finding."))
    row.finding, row.finding_reason, row.found_by, row.found_at = finding, reason, by, at
    row.save(update_fields=["finding", "finding_reason", "found_by", "found_at"])
    core.add_event(complaint, "finding", by=by, at=at, reference=core.ref(row), note=str(finding))
    return row


@transaction.atomic
def add_responsibility(
    complaint_id: int,
    *,
    by: User,
    department: Department,
    summary: str,
    post: str = "",
    person: User | None = None,
    at: datetime | None = None,
) -> ResponsibilityFinding:
    """Name the department and post responsible; the person stays inside (CASE-05)."""
    at = core.moment(at)
    complaint = _open_for(complaint_id, "complaints.draft_reply", by=by)
    core.require("summary", summary)
    row = ResponsibilityFinding.objects.create(
        complaint=complaint, department=department, post=post, person=person, summary=summary, at=at, by=by
    )
    core.add_event(complaint, "responsibility", by=by, at=at, reference=core.ref(row))
    return row


@transaction.atomic
def add_remedy(
    complaint_id: int,
    *,
    by: User,
    kind: str,
    description: str,
    amount: Decimal | None = None,
    is_owed: bool = True,
    due_on: date | None = None,
    at: datetime | None = None,
) -> Remedy:
    """Propose what the complainant gets; goodwill apart from what is owed (COO-12, COO-13).

    Money and goodwill wait for the approval of another person; anything else is agreed at once.
    """
    at = core.moment(at)
    complaint = _open_for(complaint_id, "complaints.draft_reply", by=by)
    row = create_remedy(
        complaint,
        by=by,
        at=at,
        kind=kind,
        description=description,
        amount=amount,
        is_owed=is_owed,
        due_on=due_on,
    )
    core.add_event(complaint, "remedy", by=by, at=at, reference=core.ref(row))
    return row


def create_remedy(
    complaint: Complaint,
    *,
    by: User,
    at: datetime,
    kind: str,
    description: str,
    amount: Decimal | None,
    is_owed: bool,
    due_on: date | None,
) -> Remedy:
    """Shared by cases and reviews, under the lock of the case: the same approval for both (COO-12, REV-48).

    The caller writes the event: a reviewer who proposes a remedy has not worked on the case (RI-01).
    """
    core.require("description", description)
    if amount is not None and amount <= 0:
        raise InvalidInput("amount", _("Give an amount above zero, or leave it empty."))
    waits = remedy_rules.needs_approval(kind, amount, is_owed=is_owed)
    row = Remedy.objects.create(
        complaint=complaint,
        state=RemedyState.PROPOSED if waits else RemedyState.APPROVED,
        kind=kind,
        description=description,
        amount=amount,
        is_owed=is_owed,
        due_on=due_on,
        proposed_by=by,
        proposed_at=at,
    )
    if waits:
        ask_approval(complaint, row)
    return row


@transaction.atomic
def add_improvement(
    complaint_id: int,
    *,
    by: User,
    what: str,
    department: Department,
    due_on: date,
    post: str = "",
    owner: User | None = None,
    acceptance_test: str = "",
    at: datetime | None = None,
) -> ImprovementAction:
    """Record an improvement with a definite date and a responsible post (SLA-11)."""
    at = core.moment(at)
    complaint = _open_for(complaint_id, "complaints.draft_reply", by=by)
    row = create_improvement(
        complaint,
        by=by,
        at=at,
        what=what,
        department=department,
        due_on=due_on,
        post=post,
        owner=owner,
        acceptance_test=acceptance_test,
        origin=ImprovementAction.Origin.CASE,
    )
    core.add_event(complaint, "improvement", by=by, at=at, reference=core.ref(row))
    return row


def create_improvement(
    complaint: Complaint, *, by: User, at: datetime, what: str, due_on: date, **fields: Any
) -> ImprovementAction:
    """Shared by cases, reviews and publications: a measure needs words and a day to come."""
    core.require("what", what, _("Say what will be improved."))
    core.require("due_on", due_on, _("Give a definite date."))
    check_text("acceptance_test", fields.get("acceptance_test", ""), limit=core.LONGEST)
    if due_on < timezone.localdate(at):
        raise InvalidInput("due_on", _("This date is over; give a day to come."))
    return ImprovementAction.objects.create(
        complaint=complaint, created_by=by, created_at=at, what=what, due_on=due_on, **fields
    )


@transaction.atomic
def report_improvement(
    improvement_id: int, *, by: User, percent: int, note: str, at: datetime | None = None
) -> ImprovementAction:
    """Report progress; 100 % means done and waiting for somebody else's verification."""
    at = core.moment(at)
    row = ImprovementAction.objects.select_for_update().get(pk=improvement_id)
    if row.state == ImprovementState.VERIFIED:
        raise IllegalTransition(_("This improvement is already verified."))
    if not 0 <= percent <= 100:
        raise InvalidInput("percent", _("Give a number from 0 to 100."))
    responsible = row.department_id in by.department_ids or row.owner_id == by.pk or by.has_perm("complaints.view_all")
    if not responsible or not by.has_perm("complaints.write_note"):
        raise NotAllowed(_("Only the responsible department reports on this improvement."))
    row.percent, row.progress_note = percent, note[:300]
    row.state = ImprovementState.DONE if percent == 100 else ImprovementState.OPEN
    row.done_at, row.done_by = (at, by) if percent == 100 else (None, None)
    row.save(update_fields=["percent", "progress_note", "state", "done_at", "done_by"])
    if row.complaint_id:
        core.add_event(
            core.lock(row.complaint_id),
            "improvement_progress",
            by=by,
            at=at,
            reference=core.ref(row),
            audience=_audience(row),
        )
    return row


@transaction.atomic
def verify_improvement(improvement_id: int, *, by: User, at: datetime | None = None) -> ImprovementAction:
    """Somebody else confirms that the improvement is really there (REV-46, IMP-06)."""
    at = core.moment(at)
    row = ImprovementAction.objects.select_for_update().get(pk=improvement_id)
    if row.state != ImprovementState.DONE:
        raise IllegalTransition(_("Only an improvement reported as done can be verified."))
    if (
        not by.has_perm("complaints.verify_improvement")
        or row.done_by_id == by.pk
        or row.department_id in by.department_ids
    ):
        raise NotAllowed(_("Somebody outside the responsible department verifies this."))
    row.state, row.verified_at, row.verified_by = ImprovementState.VERIFIED, at, by
    row.save(update_fields=["state", "verified_at", "verified_by"])
    if row.complaint_id:
        complaint = core.lock(row.complaint_id)
        core.add_event(
            complaint,
            "improvement_verified",
            by=by,
            at=at,
            reference=core.ref(row),
            audience=_audience(row),
        )
        plan_second_contact(complaint, by=by, at=at, audience=_audience(row))
    return row


def _audience(row: ImprovementAction) -> str:
    """Following up what a review ordered is part of the review, not of the handling it judged."""
    return Audience.REVIEW if row.origin == ImprovementAction.Origin.REVIEW else Audience.CASE


@transaction.atomic
def reveal(
    complaint_id: int, *, by: User, reason: str, fields: list[str], at: datetime | None = None
) -> dict[str, str]:
    """Show identity and contact in clear; the reason and the fields are logged (matrix, ident; AZ-06)."""
    at = core.moment(at)
    complaint = core.lock(complaint_id)
    if not Complaint.objects.visible_to(by).filter(pk=complaint.pk).exists():
        raise NotAllowed(_("This case is no longer yours to see."))
    refused = permissions.reveal_refusal(by, complaint)
    if refused:
        raise NotAllowed(refused)
    if len(reason.strip()) < 4:
        raise InvalidInput("reason", _("Give the reason in at least 4 characters."))
    complainant = complaint.complainant
    values = {"name": complainant.name}
    for point in complainant.contacts.all():
        values[point.kind] = "、".join(filter(None, (values.get(point.kind, ""), point.value)))
    consent = care.standing(complaint)
    values["needs"] = consent.needs if consent else ""
    shown = {key: value for key, value in values.items() if key in fields}
    core.add_event(complaint, "reveal", by=by, at=at, note=f"{', '.join(sorted(shown))}: {reason.strip()}")
    return shown

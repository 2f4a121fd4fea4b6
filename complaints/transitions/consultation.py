"""Reading an archived file: asked for by one person, decided by another, until a date (ARC-04)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import User
from complaints import notify, office_terms
from complaints.models import AppraisalItem, Complaint, Consultation
from complaints.states import Audience, RequestState, Status
from complaints.transitions import core

APPROVE = "complaints.approve_consultation"


@transaction.atomic
def request_consultation(
    complaint_id: int, *, reader: str, purpose: str, by: User, at: datetime | None = None
) -> Consultation:
    """Ask to have an archived file read by somebody for a purpose; whoever decides on it is told (ARC-04).

    Raises NotAllowed, InvalidInput, IllegalTransition for a case that is not archived or with an open request of
    the same person.
    """
    at = core.moment(at)
    complaint = _begin(complaint_id, by=by)
    if AppraisalItem.objects.filter(file__complaint=complaint, destroyed_at__isnull=False).exists():
        raise IllegalTransition(_("This file was destroyed; nothing is left to read."))
    core.require("reader", reader, _("Say who reads the file."))
    core.require("purpose", purpose, _("Say what the file is needed for."))
    if complaint.consultations.filter(requested_by=by, state=RequestState.REQUESTED).exists():
        raise IllegalTransition(_("Your request for this file still waits for a decision."))
    row = Consultation.objects.create(
        complaint=complaint,
        reader=reader.strip()[:120],
        purpose=purpose.strip()[:300],
        requested_by=by,
        requested_at=at,
    )
    # For the office only: to ask for a file is no part in handling the case (RI-01).
    core.add_event(complaint, "consultation_requested", by=by, at=at, reference=core.ref(row), audience=Audience.OFFICE)
    notify.tell(
        [user for user in notify.holders_of(APPROVE) if user.pk != by.pk and _sees(user, complaint)],
        "consultation_requested",
        complaint=complaint,
        dedupe=f"consultation:{row.pk}",
        url=f"/desk/cases/{complaint.number}/file/",
    )
    return row


@transaction.atomic
def decide_consultation(
    consultation_id: int,
    *,
    approve: bool,
    by: User,
    until: date | None = None,
    note: str = "",
    at: datetime | None = None,
) -> Consultation:
    """Let the file be read until a day as far ahead as files are lent, or refuse with a reason (ARC-04).

    Raises NotAllowed for whoever asked, InvalidInput, IllegalTransition when it is decided.
    """
    at = core.moment(at)
    complaint = _begin(Consultation.objects.values_list("complaint", flat=True).get(pk=consultation_id), by=by)
    row = Consultation.objects.select_for_update().get(pk=consultation_id)
    if not by.has_perm(APPROVE):
        raise NotAllowed(_("Your role does not allow this."))
    if row.requested_by_id == by.pk:
        raise NotAllowed(_("You asked for this file; another person decides."))
    if row.state != RequestState.REQUESTED:
        raise IllegalTransition(_("This request is decided: %(state)s."), state=row.get_state_display())
    today = timezone.localdate(at)
    most = office_terms.of("consultation")
    if approve and (until is None or not today <= until <= today + timedelta(days=most)):
        raise InvalidInput("until", _("Give a day within the next %(days)s days."), days=most)
    if not approve:
        core.require("note", note, _("Give the reason."))
    row.state = RequestState.APPROVED if approve else RequestState.REFUSED
    row.until = until if approve else None
    row.decided_by, row.decided_at, row.decision_note = by, at, note.strip()[:300]
    row.save(update_fields=["state", "until", "decided_by", "decided_at", "decision_note"])
    core.add_event(
        complaint,
        "consultation_decided",
        by=by,
        at=at,
        note=str(row.state),
        reference=core.ref(row),
        audience=Audience.OFFICE,
    )
    notify.tell(
        [row.requested_by],
        "consultation_decided",
        complaint=complaint,
        dedupe=f"consultation:{row.pk}:decided",
        url=f"/desk/cases/{complaint.number}/file/",
    )
    return row


@transaction.atomic
def note_export(consultation_id: int, *, by: User, at: datetime | None = None) -> Consultation:
    """Record that the dossier was taken out. Raises NotAllowed and IllegalTransition (`require_open`)."""
    at = core.moment(at)
    complaint = _begin(Consultation.objects.values_list("complaint", flat=True).get(pk=consultation_id), by=by)
    row = Consultation.objects.select_for_update().get(pk=consultation_id)
    row.complaint = complaint
    require_open(row, by=by, at=at)
    row.exported_at = at
    row.save(update_fields=["exported_at"])
    core.add_event(complaint, "dossier_exported", by=by, at=at, reference=core.ref(row), audience=Audience.OFFICE)
    return row


def may_fetch(row: Consultation, user: User, *, at: datetime) -> bool:
    """Whether this person may take out the dossier now: who asked or may decide, while the permission lasts."""
    if row.state != RequestState.APPROVED or row.until is None or row.until < timezone.localdate(at):
        return False
    if row.complaint.is_confidential and not user.has_perm("complaints.view_all"):
        return False
    return row.requested_by_id == user.pk or user.has_perm(APPROVE)


def require_open(row: Consultation, *, by: User, at: datetime) -> None:
    """Raises IllegalTransition without a permission that lasts, NotAllowed for anybody else than who asked."""
    if row.state == RequestState.APPROVED and row.until is not None and row.until < timezone.localdate(at):
        raise IllegalTransition(_("The permission to read this file has run out; ask again."))
    if row.state != RequestState.APPROVED:
        raise IllegalTransition(_("This file may not be read yet."))
    if not may_fetch(row, by, at=at):
        raise NotAllowed(_("Only who asked for this file may take it out."))


def _begin(complaint_id: int, *, by: User) -> Complaint:
    """Lock an archived case the person may see. Raises NotAllowed, IllegalTransition."""
    complaint = core.lock(complaint_id)
    if not by.has_perm("complaints.use_desk") or not _sees(by, complaint):
        raise NotAllowed(_("This case is no longer yours to see."))
    if complaint.status != Status.ARCHIVED:
        raise IllegalTransition(_("Only the file of an archived case is lent; this case is still open to you."))
    return complaint


def _sees(user: User, complaint: Complaint) -> bool:
    return Complaint.objects.visible_to(user).filter(pk=complaint.pk).exists()

"""Making a later call to the complainant, or calling it off (SLA-08, FB-14, FB-15, FB-16)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, NotAllowed
from accounts.models import User
from complaints.models import Complaint, FollowUp
from complaints.states import Channel, ContactDirection, ContactOutcome, ContactPurpose, Status
from complaints.transitions import core
from complaints.transitions.handling import add_contact
from complaints.transitions.intake import check_text

RECORD = "complaints.record_contact"
TEXT = 5000
REASON = 300


@transaction.atomic
def make_follow_up(
    follow_up_id: int,
    *,
    by: User,
    outcome: str,
    summary: str = "",
    experience: str = "",
    recording_reference: str = "",
    at: datetime | None = None,
) -> FollowUp:
    """Record the call: as a communication on the case, and the later experience with it (FB-15).

    An attempt in vain leaves the follow-up open. Nothing can be added to an archived case any more, so there
    the experience alone is kept. Raises NotAllowed, InvalidInput by field, IllegalTransition once it is over.
    """
    at = core.moment(at)
    complaint, row = _begin(follow_up_id, by=by)
    check_text("experience", experience, limit=TEXT)
    check_text("summary", summary, limit=TEXT)
    reached = outcome == ContactOutcome.REACHED
    if complaint.status == Status.ARCHIVED:
        core.require("experience", experience if reached else "", _("Write down what the complainant experienced."))
    else:
        contact = add_contact(
            complaint.pk,
            by=by,
            direction=ContactDirection.OUT,
            channel=Channel.PHONE,
            purpose=ContactPurpose.OTHER,
            outcome=ContactOutcome(outcome),
            summary=summary,
            recording_reference=recording_reference,
            at=at,
        )
        if not reached:
            return row
        row.contact = contact
    row.experience, row.done_at, row.done_by = experience.strip(), at, by
    row.save(update_fields=["contact", "experience", "done_at", "done_by"])
    core.add_event(complaint, "follow_up_done", by=by, at=at, reference=core.ref(row))
    return row


@transaction.atomic
def cancel_follow_up(follow_up_id: int, *, by: User, reason: str, at: datetime | None = None) -> FollowUp:
    """The call is not made, and the record says why.

    Raises NotAllowed, InvalidInput("reason"), IllegalTransition once it is over.
    """
    at = core.moment(at)
    complaint, row = _begin(follow_up_id, by=by)
    core.require("reason", reason, _("Give the reason."))
    check_text("reason", reason, limit=REASON)
    row.cancelled_reason, row.done_by = reason.strip(), by
    row.save(update_fields=["cancelled_reason", "done_by"])
    core.add_event(complaint, "follow_up_cancelled", by=by, at=at, note=row.cancelled_reason, reference=core.ref(row))
    return row


def _begin(follow_up_id: int, *, by: User) -> tuple[Complaint, FollowUp]:
    complaint = core.lock(FollowUp.objects.values_list("complaint", flat=True).get(pk=follow_up_id))
    row = FollowUp.objects.select_for_update().get(pk=follow_up_id)
    if not by.is_active or not by.has_perm(RECORD):
        raise NotAllowed(_("Your role does not allow this."))
    if not Complaint.objects.visible_to(by).filter(pk=complaint.pk).exists():
        raise NotAllowed(_("This case is no longer yours to see."))
    if row.done_at is not None or row.cancelled_reason:
        raise IllegalTransition(_("This call was made or called off already."))
    return complaint, row

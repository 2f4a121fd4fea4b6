"""The notice that there will be no review: what it says, how it looks before it is sent, and the proof that it was
delivered (REV-31, REV-32)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput
from accounts.models import User
from complaints import notices
from complaints.models import Complaint, Notice
from complaints.states import NoticeKind
from review import side
from review.models import ReviewCase
from review.states import ReviewStatus

HOW = 200


def values(
    *, reason: str, within_responsibility: bool, measures_exhausted: bool, demand_reasonable: bool
) -> dict[str, Any]:
    """What the letter is written from: the reason and the answers to the three questions (REV-27…29)."""
    return {
        "reason": reason,
        "answers": {
            "responsibility": within_responsibility,
            "exhausted": measures_exhausted,
            "reasonable": demand_reasonable,
        },
    }


def preview(complaint: Complaint, *, at: datetime, **answers: Any) -> str:
    """The letter as it would be sent now, although nothing is stored."""
    return notices.compose(complaint, NoticeKind.REVIEW_REFUSAL, at=at, **values(**answers))


def notice_of(review: ReviewCase) -> Notice | None:
    """The notice this refusal was told by; None when nobody had applied and nobody was told."""
    if review.status != ReviewStatus.REFUSED or review.screened_at is None:
        return None
    sent = review.complaint.notices.filter(kind=NoticeKind.REVIEW_REFUSAL, issued_at=review.screened_at)
    return sent.select_related("issued_by").last()


@transaction.atomic
def record_delivery(
    review_id: int, *, sent_at: datetime, how: str, by: User, version: int | None = None, at: datetime | None = None
) -> Notice:
    """Record when the notice reached the complainant on the original channel, and what proves it (REV-31).

    Raises NotAllowed, StaleVersion, IllegalTransition when there is no notice or it is recorded already, InvalidInput.
    """
    at = at or timezone.now()
    refused = (ReviewStatus.REFUSED,)
    review, complaint = side.begin(review_id, "deliver_notice", by=by, version=version, statuses=refused, at=at)
    notice = notice_of(review)
    if notice is None:
        raise IllegalTransition(_("Nobody applied for this review, so there is no notice to deliver."))
    if notice.sent_at is not None:
        raise IllegalTransition(_("The delivery is recorded already."))
    how = side.text("how", how, limit=HOW, message=_("Say what proves the delivery."))
    if sent_at is None or sent_at > at:
        raise InvalidInput("sent_at", _("This time lies in the future; record it afterwards."))
    # A page gives whole minutes.
    if sent_at < notice.issued_at.replace(second=0, microsecond=0):
        raise InvalidInput("sent_at", _("The notice was written only later; give the time it was delivered."))
    notice.sent_at = sent_at
    notice.save(update_fields=["sent_at"])
    side.finish(review, complaint, "notice_delivered", by=by, at=at, note=how)
    return notice

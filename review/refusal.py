"""The letters of a review to the complainant: what the refusal says and how it looks before it is sent, and the proof
that this letter or the one with the result was delivered (REV-31, REV-32, REV-45)."""

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
# When there can be a letter to deliver.
DELIVERING = (ReviewStatus.REFUSED, ReviewStatus.RECTIFICATION, ReviewStatus.CLOSED)
# How the policies end the line that names the review by the organisation itself.
OWN_REVIEW = "申请复查"


def other_ways(complaint: Complaint) -> list[str]:
    """The remedies of the policy of the case, without the review by the organisation itself: that one is over."""
    return [line for line in complaint.policy.remedies.get("zh-hans", []) if not line.endswith(OWN_REVIEW)]


def values(
    complaint: Complaint,
    *,
    reason: str,
    within_responsibility: bool,
    measures_exhausted: bool,
    demand_reasonable: bool,
) -> dict[str, Any]:
    """What the letter is written from: the reason, the answers to the three questions (REV-27…29), and what is open."""
    return {
        "reason": reason,
        "remedies": other_ways(complaint),
        "answers": {
            "responsibility": within_responsibility,
            "exhausted": measures_exhausted,
            "reasonable": demand_reasonable,
        },
    }


def preview(complaint: Complaint, *, at: datetime, **answers: Any) -> str:
    """The letter as it would be sent now, although nothing is stored."""
    return notices.compose(complaint, NoticeKind.REVIEW_REFUSAL, at=at, **values(complaint, **answers))


def notice_of(review: ReviewCase) -> Notice | None:
    """The letter this review was refused or answered by; None when nobody was written to."""
    if review.status == ReviewStatus.REFUSED:
        kind, written = NoticeKind.REVIEW_REFUSAL, review.screened_at
    else:
        kind, written = NoticeKind.REVIEW_RESULT, review.notified_at
    if written is None:
        return None
    sent = review.complaint.notices.filter(kind=kind, issued_at=written)
    return sent.select_related("issued_by").last()


@transaction.atomic
def record_delivery(
    review_id: int, *, sent_at: datetime, how: str, by: User, version: int | None = None, at: datetime | None = None
) -> Notice:
    """Record when the letter reached the complainant on the original channel, and what proves it (REV-31, REV-45).

    Raises NotAllowed, StaleVersion, IllegalTransition when there is no notice or it is recorded already, InvalidInput.
    """
    at = at or timezone.now()
    review, complaint = side.begin(review_id, "deliver_notice", by=by, version=version, statuses=DELIVERING, at=at)
    notice = notice_of(review)
    if notice is None:
        raise IllegalTransition(_("Nobody was written to, so there is no notice to deliver."))
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

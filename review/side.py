"""What every record beside the seven steps shares: lock, right, step, version, and one event for the group.

Lock order as in the transitions: case, then review. The events carry the audience "review": a department learns
nothing from the log of its case before the result is final (RI-12).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.models import User
from complaints import transitions as case_transitions
from complaints.models import Complaint
from complaints.states import Audience
from review import independence, permissions
from review.models import ReviewCase


def begin(
    review_id: int, action: str, *, by: User, version: int | None, statuses: Collection[str], at: datetime
) -> tuple[ReviewCase, Complaint]:
    """Lock case and review, look for new conflicts, then check person, version and step.

    Raises NotAllowed, StaleVersion, IllegalTransition.
    """
    complaint_id = ReviewCase.objects.values_list("complaint_id", flat=True).get(pk=review_id)
    complaint = case_transitions.lock(complaint_id)
    review = ReviewCase.objects.select_for_update().get(pk=review_id)
    independence.refresh(review, at=at)
    reason = permissions.refusal(by, action, review, at=at)
    if reason:
        raise NotAllowed(reason)
    if version is not None and version != review.version:
        raise StaleVersion(review.version)
    if not_now(review, statuses):
        raise IllegalTransition(not_now(review, statuses))
    return review, complaint


def not_now(review: ReviewCase, statuses: Collection[str]) -> str:
    """Why this cannot be done at the step the review is at, or ''."""
    if review.status in statuses:
        return ""
    told = _("This is not possible while the review is at “%(status)s”.")
    return str(told % {"status": review.get_status_display()})


def finish(review: ReviewCase, complaint: Complaint, action: str, *, by: User, at: datetime, note: str = "") -> None:
    """One more version of the review and one event; the status stays."""
    review.version += 1
    review.save(update_fields=["version"])
    event(review, complaint, action, by=by, at=at, note=note)


def event(
    review: ReviewCase, complaint: Complaint, action: str, *, by: User | None, at: datetime, note: str = ""
) -> None:
    """An event of the case that only the review group reads."""
    case_transitions.add_event(
        complaint,
        f"review_{action}",
        by=by,
        at=at,
        note=note,
        reference=f"review:{review.number}",
        audience=Audience.REVIEW,
    )


def text(field: str, value: Any, *, limit: int, message: Any = _("Fill this in.")) -> str:
    """A text that says something and fits. Raises InvalidInput naming the field."""
    value = (value or "").strip()
    if not value:
        raise InvalidInput(field, message)
    if len(value) > limit or "\x00" in value:
        raise InvalidInput(field, _("Please shorten this to %(limit)s characters."), limit=limit)
    return value

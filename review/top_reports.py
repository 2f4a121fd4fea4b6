"""The head tells top management what will be put right, and what they decided on it (REV-14)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import User
from complaints import notify
from review.models import ReviewCase, TopReport

SEND = "review.lead_review"
RECEIVE = notify.MANAGEMENT
LONGEST_TEXT = 10_000
MOST_REVIEWS = 50


def final_reviews(user: User) -> QuerySet[ReviewCase]:
    """The reviews a report may be about: their result is final and the sender may see them."""
    return (
        ReviewCase.objects.visible_to(user).filter(finalised_at__isnull=False).select_related("complaint__complainant")
    )


def receivers(sender: User) -> QuerySet[User]:
    """Top management, save the sender."""
    return notify.holders_of(RECEIVE).exclude(pk=sender.pk).order_by("staff_number")


def visible_to(user: User) -> QuerySet[TopReport]:
    """The head sees every report, a manager those addressed to them."""
    rows = TopReport.objects.select_related("to", "by")
    return rows if user.has_perm(SEND) else rows.filter(to=user)


@transaction.atomic
def send(
    *, title: str, text: str, reviews: Iterable[ReviewCase], to: User, by: User, at: datetime | None = None
) -> TopReport:
    """Report a rectification plan to a manager, who is told at once (REV-14).

    Raises NotAllowed, or InvalidInput naming `title`, `text`, `reviews` or `to`; nobody is told about a case that is
    about them.
    """
    if not by.has_perm(SEND):
        raise NotAllowed(_("The head of the review group reports to top management."))
    if not title.strip():
        raise InvalidInput("title", _("Fill this in."))
    if not text.strip():
        raise InvalidInput("text", _("Say what will be put right, by whom and until when."))
    if len(text) > LONGEST_TEXT:
        raise InvalidInput("text", _("Please shorten this to %(limit)s characters."), limit=LONGEST_TEXT)
    if not receivers(by).filter(pk=to.pk).exists():
        raise InvalidInput("to", _("Choose somebody of top management."))
    keys = {review.pk for review in reviews}
    if not 1 <= len(keys) <= MOST_REVIEWS:
        raise InvalidInput("reviews", _("Choose 1 to %(most)s reviews."), most=MOST_REVIEWS)
    found = list(final_reviews(by).filter(pk__in=keys))
    if len(found) != len(keys):
        raise InvalidInput("reviews", _("Choose reviews whose result is final."))
    if any(to.pk in notify.concerned(review.complaint) for review in found):
        raise InvalidInput("to", _("One of these cases is about this person or comes from them."))
    row = TopReport.objects.create(title=title.strip()[:120], text=text.strip(), to=to, by=by, at=at or timezone.now())
    row.reviews.set(found)
    notify.tell([to], "top_report", dedupe=f"top_report:{row.pk}", url=f"/desk/rectification-plans/{row.pk}/")
    return row


@transaction.atomic
def decide(report_id: int, *, decision: str, by: User, at: datetime | None = None) -> TopReport:
    """The manager writes down what they decided; it is said once.

    Raises NotAllowed for anybody but the manager addressed, InvalidInput, IllegalTransition when decided.
    """
    row = TopReport.objects.select_for_update(of=("self",)).select_related("by").get(pk=report_id)
    if row.to_id != by.pk or not by.has_perm(RECEIVE):
        raise NotAllowed(_("The plan was put to somebody else."))
    if row.decided_at is not None:
        raise IllegalTransition(_("You have decided on this plan already."))
    if not decision.strip():
        raise InvalidInput("decision", _("Write your decision."))
    if len(decision) > LONGEST_TEXT:
        raise InvalidInput("decision", _("Please shorten this to %(limit)s characters."), limit=LONGEST_TEXT)
    row.decision, row.decided_at = decision.strip(), at or timezone.now()
    row.save(update_fields=["decision", "decided_at"])
    notify.tell(
        [row.by],
        "top_report_decided",
        dedupe=f"top_report_decided:{row.pk}",
        url=f"/desk/rectification-plans/{row.pk}/",
    )
    return row


def waiting_for(user: User) -> int:
    """Plans put to this manager that wait for a decision."""
    return TopReport.objects.filter(to=user, decided_at=None).count()

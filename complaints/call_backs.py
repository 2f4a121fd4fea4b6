"""Whether the complainant of a case is still to be called about the reply sent last (FB-02, FB-06, FB-12).

A reopened case gets a new reply, and what was said about an earlier one says nothing about it. An important case is
called even where the complainant rated the reply on the page: a rating does not ask whether all of it is solved.
Functions that take a case read the relations of a loaded one without asking again.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from complaints import surveys
from complaints.models import Callback, CaseEvent, Complaint, Reply
from complaints.querysets import ComplaintQuerySet
from complaints.states import SELF_SERVICE, ContactDirection, RatingSource, Status

RECORD = "complaints.record_callback"
# The event on a merged case that was answered together with the primary one (complaints/transitions/matching.py).
WITH_PRIMARY = "replied_with_primary"
# Attempts after which a complainant counts as not reachable and the case may be closed.
ATTEMPTS = 3
# The list of calls, by importance and by the channel the complaint came through: key → name and condition.
_ONLINE = Q(channel__in=[str(channel) for channel in SELF_SERVICE])
VIEWS: dict[str, tuple[Promise, Q]] = {
    "all": (_("All calls"), Q()),
    "important": (_("Important cases"), surveys.IMPORTANT),
    "told": (_("By telephone, letter or counter"), ~_ONLINE),
    "online": (_("Online"), _ONLINE),
}


def answers(complaint: Complaint) -> list[Callback]:
    """What was said about the reply sent last, by the complainant or to a caller."""
    return [row for row in complaint.callbacks.all() if row.satisfaction and _is_about_last(complaint, row)]


def answered_with_primary(complaint: Complaint) -> CaseEvent | None:
    """The event by which the reply to the case this one is merged into answered it too, or None (SCR-09)."""
    if complaint.status != Status.MERGED:
        return None
    found = (row for row in complaint.events.all() if row.kind == WITH_PRIMARY and row.at >= complaint.status_since)
    return max(found, key=lambda row: row.sequence, default=None)


def answered_at(complaint: Complaint) -> datetime | None:
    """When the complainant was answered last, on the case itself or with the one it is merged into."""
    if complaint.status != Status.MERGED:
        return complaint.replied_at
    event = answered_with_primary(complaint)
    return event.at if event else None


def has_answer(complaint: Complaint) -> bool:
    """Whether there is an answer to rate: a merged case has none before the one it is worked on in has."""
    return complaint.status != Status.MERGED or answered_with_primary(complaint) is not None


def own_rating(complaint: Complaint) -> Callback | None:
    """The rating the complainant gave the reply sent last on the page, or None."""
    own = [row for row in answers(complaint) if row.source == RatingSource.COMPLAINANT]
    return max(own, key=lambda row: (row.at, row.pk), default=None)


def is_out_of_reach(complaint: Complaint) -> bool:
    """Whether so many calls were made since the reply that nobody has to try again."""
    return len(_calls(complaint)) >= ATTEMPTS


def is_wanted(complaint: Complaint) -> bool:
    """Whether a call is still to be made: nobody asked yet, or a rating alone stands on an important case."""
    if is_out_of_reach(complaint):
        return False
    if surveys.is_important(complaint):
        return not any(call.is_reached for call in _calls(complaint))
    return not answers(complaint)


def _calls(complaint: Complaint) -> list[Callback]:
    """The calls about the reply sent last, made or in vain. Only a call-back counts, which the handling side cannot
    record; what the complainant told the office unasked came in and is no call."""
    made = {row.pk for row in complaint.communications.all() if row.direction == ContactDirection.OUT}
    return [row for row in complaint.callbacks.all() if row.contact_id in made and _is_about_last(complaint, row)]


def _is_about_last(complaint: Complaint, row: Callback) -> bool:
    answered = answered_at(complaint)
    return answered is None or row.at >= answered


def waiting(user: User) -> ComplaintQuerySet:
    """The answered cases the person sees in which a call is wanted, as `is_wanted` says of one (FB-02, FB-12).

    Each row has `tries`, the calls made since the reply, and `is_told`: whether the complainant has the reply.
    """
    since = Callback.objects.filter(complaint=OuterRef("pk"), at__gte=OuterRef("replied_at")).order_by()
    calls = since.filter(contact__direction=ContactDirection.OUT)
    count = calls.values("complaint").annotate(count=Count("pk")).values("count")
    told = Reply.objects.filter(complaint=OuterRef("pk"), delivered_at__isnull=False)
    asked = Exists(since.exclude(satisfaction=""))
    reached = Exists(calls.filter(is_reached=True))
    return (
        Complaint.objects.visible_to(user)
        .filter(status=Status.REPLIED)
        .annotate(tries=Coalesce(Subquery(count), 0), is_told=Exists(told))
        .filter((surveys.IMPORTANT & ~Q(reached)) | (~surveys.IMPORTANT & ~Q(asked)), tries__lt=ATTEMPTS)
    )

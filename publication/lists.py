"""The lists of the publication desk: publications by status, and closed cases that wait for the decision (PUB-45)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from complaints import keyset
from complaints.models import Complaint
from complaints.states import Status
from publication.models import Publication, PublicationDecision
from publication.states import PublicationStatus

PAGE_SIZE = 50
WAITING = "waiting"
_CHANGED = keyset.Order(segments=(keyset.Segment(Q(), "updated_at", descending=True),), whole=("-updated_at", "-pk"))
# Closed longest ago first: whoever waits longest is answered first.
_CLOSED = keyset.Order(segments=(keyset.Segment(Q(closed_at__isnull=False), "closed_at"),), whole=("closed_at", "pk"))


@dataclass(frozen=True)
class View:
    key: str
    label: str
    count: int
    url: str


def waiting(user: User) -> QuerySet[Complaint]:
    """Closed cases the person sees for which nobody has decided whether to publish."""
    decided = PublicationDecision.objects.filter(complaint=OuterRef("pk"))
    closed = Complaint.objects.visible_to(user).filter(
        status__in=[Status.CLOSED, Status.ARCHIVED], closed_at__isnull=False
    )
    return closed.filter(~Exists(decided))


def views(user: User) -> list[View]:
    """The views with their counts, in two queries."""
    counted = Publication.objects.visible_to(user).values_list("status").order_by().annotate(n=Count("pk"))
    counts = dict(counted)
    found = [View(WAITING, _("To be decided"), waiting(user).count(), f"?view={WAITING}")]
    found += [
        View(value, str(label), counts.get(value, 0), f"?view={value}") for value, label in PublicationStatus.choices
    ]
    return [View("", _("All"), sum(counts.values()), "?"), *found]


def publications(user: User, view: str, *, after: str, before: str) -> keyset.Page:
    found = Publication.objects.visible_to(user).for_list()
    if view in PublicationStatus.values:
        found = found.filter(status=view)
    return keyset.page(found, _CHANGED, size=PAGE_SIZE, after=after, before=before)


def undecided(user: User, *, after: str, before: str) -> keyset.Page:
    found = waiting(user).select_related("lead_department", "category")
    return keyset.page(found, _CLOSED, size=PAGE_SIZE, after=after, before=before)


def address(view: str, **position: str) -> str:
    """The address of a page of a view; '' without a position."""
    if not all(position.values()):
        return ""
    return "?" + urlencode(({"view": view} if view else {}) | position)

"""Whether a solution lasts: who or what came again within 90 days after a case was closed (FB-20)."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery

from analytics.cells import Cells, tally
from analytics.periods import Period
from analytics.scope import Scope
from analytics.sources import WATCH
from complaints import identity
from complaints.models import Callback, Complaint, ContactPoint


def watched(periods: Sequence[Period], scope: Scope, axes: Sequence[str] = ()) -> Cells:
    """Solved cases by the end of the 90 days after their first closing: cases, again."""
    # The plain bounds let the index of first closings serve; the sum below cannot use it.
    rows = solved().filter(first_closed_at__gte=periods[0].start - WATCH, first_closed_at__lt=periods[-1].end - WATCH)
    return tally(
        rows,
        "watched_until",
        periods,
        scope,
        axes,
        "",
        cases=Count("pk"),
        again=Count("pk", filter=Q(same_person=True) | Q(same_place=True)),
    )


def solved() -> QuerySet[Complaint]:
    """Closed cases whose complainant did not last say that it is not solved, with what came again within the watch."""
    said = Callback.objects.filter(
        complaint=OuterRef("pk"), at__lte=OuterRef("first_closed_at"), is_solved__isnull=False
    ).order_by("-at", "-pk")
    hashes = ContactPoint.objects.filter(complainant=OuterRef(OuterRef("complainant"))).exclude(match_hash="")
    person = (
        ContactPoint.objects.filter(
            match_hash__in=hashes.values("match_hash"),
            complainant__complaint__registered_at__gt=OuterRef("first_closed_at"),
            complainant__complaint__registered_at__lte=OuterRef("watched_until"),
        )
        .exclude(complainant=OuterRef("complainant"))
        .exclude(identity.undone_import("complainant__complaint__"))
    )
    place = (
        Complaint.objects.filter(
            outlet=OuterRef("outlet"),
            category=OuterRef("category"),
            registered_at__gt=OuterRef("first_closed_at"),
            registered_at__lte=OuterRef("watched_until"),
        )
        .exclude(outlet="")
        .exclude(identity.undone_import())
    )
    return (
        Complaint.objects.filter(first_closed_at__isnull=False)
        .annotate(watched_until=F("first_closed_at") + WATCH, said=Subquery(said.values("is_solved")[:1]))
        .filter(Q(said=True) | Q(said__isnull=True))
        .annotate(same_person=Exists(person), same_place=Exists(place))
    )

"""How many persons complain again and again, without knowing who they are (AN-17).

Persons are told apart by the keyed hashes of their contact data alone; nothing is decrypted and nobody is listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import Count, Window

from analytics.cells import Cells
from analytics.periods import Period
from analytics.scope import Scope
from complaints import identity
from complaints.models import Complaint, ContactPoint

REPEAT, FREQUENT = 2, 3


def persons(periods: Sequence[Period], scope: Scope, axes: Sequence[str] = ()) -> Cells:
    """Persons with several complaints registered in each whole period: repeat, frequent, frequent_cases.

    One query per period, for the hashes that occur more than once; knows no axes.
    """
    cells = Cells()
    for period in periods:
        cases = Complaint.objects.filter(
            scope.cases(), registered_at__gte=period.start, registered_at__lt=period.end
        ).exclude(identity.undone_import())
        points = (
            ContactPoint.objects.filter(complainant__complaint__in=cases.values("pk")).exclude(match_hash="").order_by()
        )
        shared = points.annotate(alike=Window(Count("pk"), partition_by="match_hash")).filter(alike__gte=2)
        sizes = _sizes(shared.values_list("match_hash", "complainant"))
        frequent = [size for size in sizes if size >= FREQUENT]
        cells.add(period, (), {"repeat": len(sizes), "frequent": len(frequent), "frequent_cases": sum(frequent)})
    return cells


def _sizes(pairs: Iterable[tuple[str, int]]) -> list[int]:
    """How many cases each person has; cases that share a hash, directly or through another case, are one person's."""
    person: dict[int, set[int]] = {}
    first: dict[str, int] = {}
    for value, case in pairs:
        mine = person.setdefault(case, {case})
        other = person[first.setdefault(value, case)]
        if other is not mine:
            small, large = sorted((mine, other), key=len)
            large |= small
            for member in small:
                person[member] = large
    groups = {id(group): len(group) for group in person.values()}
    return [size for size in groups.values() if size >= REPEAT]

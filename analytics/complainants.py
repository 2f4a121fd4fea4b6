"""How many persons complain again and again, without knowing who they are (AN-17).

Persons are told apart by the keyed hashes of their contact data alone; nothing is decrypted and nobody is listed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from django.db.models import F, Min, Window

from analytics.cells import Cells
from analytics.periods import Period
from analytics.scope import Scope
from complaints import identity
from complaints.models import ContactPoint

FREQUENT = 3


def persons(periods: Sequence[Period], scope: Scope, axes: Sequence[str] = ()) -> Cells:
    """Persons with several complaints registered in each whole period: repeat, frequent, frequent_cases.

    One query per period, for the cases that share a hash with an earlier one; knows no axes.
    """
    cells = Cells()
    case = "complainant__complaint__"
    for period in periods:
        points = (
            ContactPoint.objects.filter(
                scope.cases(case),
                ~identity.undone_import(case),
                **{f"{case}registered_at__gte": period.start, f"{case}registered_at__lt": period.end},
            )
            .exclude(match_hash="")
            .order_by()
        )
        # Each case is tied to the first one with the same hash, so the hashes themselves need not be read.
        first = Window(Min("complainant"), partition_by="match_hash")
        ties = points.annotate(first=first).filter(first__lt=F("complainant")).values_list("first", "complainant")
        sizes = _sizes(ties)
        frequent = [size for size in sizes if size >= FREQUENT]
        cells.add(period, (), {"repeat": len(sizes), "frequent": len(frequent), "frequent_cases": sum(frequent)})
    return cells


def _sizes(ties: Iterable[tuple[int, int]]) -> list[int]:
    """How many cases each person with several has; cases tied directly or through another case are one person's."""
    parent: dict[int, int] = {}

    def root(case: int) -> int:
        while (above := parent.setdefault(case, case)) != case:
            # On the way up every second step is cut short.
            parent[case] = case = parent.setdefault(above, above)
        return case

    for one, other in ties:
        parent[root(other)] = root(one)
    return list(Counter(map(root, list(parent))).values())

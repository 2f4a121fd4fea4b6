"""How many persons complain again and again, without knowing who they are (AN-17).

Persons are told apart by the keyed hashes of their contact data alone; nothing is decrypted and nobody is listed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from django.db.models import Count, F, Min, QuerySet, Window

from analytics.cells import Cells
from analytics.periods import Period
from analytics.scope import WHOLE, Scope
from complaints import identity
from complaints.models import ContactPoint

FREQUENT = 3
_CASE = "complainant__complaint__"


def persons(periods: Sequence[Period], scope: Scope, axes: Sequence[str] = ()) -> Cells:
    """Persons with several complaints registered in each whole period: repeat, frequent, frequent_cases.

    One query per period, for the cases that share a hash with an earlier one; knows no axes.
    """
    cells = Cells()
    for period in periods:
        # Each case is tied to the first one with the same hash, so the hashes themselves need not be read.
        first = Window(Min("complainant"), partition_by="match_hash")
        ties = _points(period, scope).annotate(first=first).filter(first__lt=F("complainant"))
        cells.add(period, (), _counted(ties.values_list("first", "complainant")))
    return cells


def shared(period: Period) -> dict[int, list[list[int]]]:
    """Per department its cases that share contact data with another one of the whole month, as [contact, case].

    Contacts and cases are numbered for this purpose alone; nobody is known by them. One query.
    """
    together = Window(Count("pk"), partition_by="match_hash")
    department = f"{_CASE}lead_department"
    rows = _points(period, WHOLE).annotate(together=together).filter(together__gt=1)
    contacts: dict[str, int] = {}
    cases: dict[int, int] = {}
    found: dict[int, list[list[int]]] = {}
    for contact, case, led_by in rows.values_list("match_hash", "complainant", department):
        pair = [contacts.setdefault(contact, len(contacts)), cases.setdefault(case, len(cases))]
        if led_by is not None:
            found.setdefault(led_by, []).append(pair)
    return found


def among(pairs: Iterable[Sequence[int]]) -> dict[str, int]:
    """What `persons` counts, from pairs that `shared` gave for some departments."""
    first: dict[int, int] = {}
    return _counted((first[contact], case) for contact, case in pairs if first.setdefault(contact, case) != case)


def _points(period: Period, scope: Scope) -> QuerySet[ContactPoint]:
    return (
        ContactPoint.objects.filter(
            scope.cases(_CASE),
            ~identity.undone_import(_CASE),
            **{f"{_CASE}registered_at__gte": period.start, f"{_CASE}registered_at__lt": period.end},
        )
        .exclude(match_hash="")
        .order_by()
    )


def _counted(ties: Iterable[tuple[int, int]]) -> dict[str, int]:
    sizes = _sizes(ties)
    frequent = [size for size in sizes if size >= FREQUENT]
    return {"repeat": len(sizes), "frequent": len(frequent), "frequent_cases": sum(frequent)}


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

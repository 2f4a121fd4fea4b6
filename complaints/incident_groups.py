"""Groups of open cases that look like one event: the same text, or the same place and category (SCR-09, IN-32)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from accounts.models import User
from complaints import prints
from complaints.models import Category, Complaint

LEAST = 3
# Only the newest of these are looked at, so that the page costs the same on a bad day.
MOST_CASES = 5000
MOST_COMPARED = 20_000
SHOWN = 30


@dataclass(frozen=True)
class Group:
    """Cases that look like one event, oldest first, and what they share."""

    cases: list[Complaint]
    same_text: bool
    place: str
    category: Category | None

    @property
    def title(self) -> str:
        """A first proposal for the name of the incident."""
        label = self.category.label if self.category else ""
        return " ".join(filter(None, (self.place, label))) or self.cases[0].subject

    @property
    def reason(self) -> str:
        if self.same_text:
            return _("Nearly the same text")
        return _("Same place and category")


def suggested(user: User, *, days: int, at: datetime) -> list[Group]:
    """Groups of at least `LEAST` open cases of the last `days` in no incident, the largest first. Two queries."""
    since = at - timedelta(days=days)
    cases = Complaint.objects.visible_to(user).open().filter(received_at__gt=since, incident=None)
    fields = ("pk", "place", "outlet", "category_id", "print__tokens")
    rows = list(cases.order_by("-received_at").values_list(*fields)[:MOST_CASES])
    by_text, by_place = defaultdict(list), defaultdict(list)
    for pk, place, outlet, category, tokens in rows:
        for word in (tokens or "").split()[: prints.BANDS]:
            by_text[word].append(pk)
        if category is not None and (outlet or place).strip():
            by_place[(outlet or place).strip(), category].append(pk)
    alike = {pk for members in by_text.values() if len(members) > 1 for pk in members}
    spots = {key: members for key, members in by_place.items() if len(members) >= LEAST}
    wanted = alike.union(*spots.values())
    # One query with the category; the narratives are needed only where prints agree.
    found = Complaint.objects.select_related("category").only(
        "number", "subject", "narrative", "place", "outlet", "status", "received_at", "category__name",
        "category__name_en", "category__dimension",
    )  # fmt: skip
    known = {case.pk: case for case in found.filter(pk__in=wanted)} if wanted else {}
    groups = [_group(known, members, same_text=True) for members in _clusters(by_text.values(), known)]
    taken = {frozenset(case.pk for case in group.cases) for group in groups}
    groups += [_group(known, members) for members in spots.values() if frozenset(members) not in taken]
    groups.sort(key=lambda group: (-len(group.cases), -group.cases[-1].received_at.timestamp()))
    return groups[:SHOWN]


def _group(known: dict[int, Complaint], members: Iterable[int], *, same_text: bool = False) -> Group:
    cases = sorted((known[pk] for pk in members), key=lambda case: (case.received_at, case.pk))
    places = {(case.outlet or case.place).strip() for case in cases}
    categories = {case.category_id for case in cases}
    return Group(
        cases=cases,
        same_text=same_text,
        place=places.pop() if len(places) == 1 else "",
        category=cases[0].category if len(categories) == 1 else None,
    )


def _clusters(buckets: Iterable[list[int]], known: dict[int, Complaint]) -> Iterator[list[int]]:
    """Cases joined by nearly the same text, where a case joins through any member; at least `LEAST` each."""
    parent: dict[int, int] = {}
    shingles: dict[int, frozenset[str]] = {}

    def root(pk: int) -> int:
        while parent.setdefault(pk, pk) != pk:
            parent[pk] = pk = parent[parent[pk]]
        return pk

    def text(pk: int) -> frozenset[str]:
        if pk not in shingles:
            shingles[pk] = prints.shingles(known[pk].narrative)
        return shingles[pk]

    compared = 0
    for members in buckets:
        first, *others = members
        for other in others:
            if root(first) == root(other):
                continue
            compared += 1
            if prints.overlap(text(first), text(other)).is_same:
                parent[root(other)] = root(first)
        if compared > MOST_COMPARED:
            break
    clusters = defaultdict(list)
    for pk in parent:
        clusters[root(pk)].append(pk)
    return (members for members in clusters.values() if len(members) >= LEAST)

"""How good the proposals are, measured against what people chose (CLS-14). Constant queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Case, CharField, Count, F, Q, Value, When
from django.db.models.functions import TruncMonth
from django.utils import timezone

from complaints.models import Category, Suggestion, SuggestionOf

MONTHS = 12
# What a proposed department rested on, in the order in which it is looked for.
RULE, MODEL, USUAL = "rule", "model", "usual"

_MADE = Q(category__isnull=False) | Q(department__isnull=False)
_DECIDED = Q(chosen_at__isnull=False)
_TAKEN = Q(category=F("chosen_category")) | Q(department=F("chosen_department"))
_COUNTS = {
    "all": Count("pk"),
    "made": Count("pk", filter=_MADE),
    "decided": Count("pk", filter=_MADE & _DECIDED),
    "taken": Count("pk", filter=_MADE & _DECIDED & _TAKEN),
}


@dataclass(frozen=True)
class Line:
    """Proposals of one month or one category: made, abstained from, decided by people, taken as proposed."""

    label: Any
    made: int
    abstained: int
    decided: int
    taken: int

    @property
    def precision(self) -> float | None:
        """Share of the decided proposals that people took; None before the first decision."""
        return self.taken / self.decided if self.decided else None


def since(now: datetime) -> datetime:
    """The start of the month MONTHS - 1 months before this one."""
    today = timezone.localdate(now)
    month = today.year * 12 + today.month - MONTHS
    return timezone.make_aware(datetime(month // 12, month % 12 + 1, 1))


def by_month(of: SuggestionOf, *, now: datetime) -> list[Line]:
    """The newest month first; months without cases are left out. One query."""
    rows: Any = (
        Suggestion.objects.filter(of=of, at__gte=since(now))
        .order_by()
        .annotate(month=TruncMonth("at"))
        .values("month")
        .annotate(**_COUNTS)
        .order_by("-month")
    )
    return [_line(_month(row["month"]), row) for row in rows]


def _month(start: datetime) -> date:
    return timezone.localdate(start)


@dataclass(frozen=True)
class Grounds:
    """The proposed departments of one month apart by what they rested on: routing rule, model, usual department."""

    label: date
    rule: Line
    model: Line
    usual: Line


def by_ground(*, now: datetime) -> list[Grounds]:
    """The newest month first; months in which no department was proposed are left out. One query."""
    ground = Case(
        When(rule__isnull=False, then=Value(RULE)),
        When(model__isnull=False, then=Value(MODEL)),
        default=Value(USUAL),
        output_field=CharField(),
    )
    rows: Any = (
        Suggestion.objects.filter(of=SuggestionOf.DEPARTMENT, at__gte=since(now), department__isnull=False)
        .order_by()
        .annotate(month=TruncMonth("at"), ground=ground)
        .values("month", "ground")
        .annotate(**_COUNTS)
    )
    found: dict[date, dict[str, Line]] = {}
    for row in rows:
        found.setdefault(_month(row["month"]), {})[row["ground"]] = _line(row["ground"], row)
    none = {ground: Line(ground, 0, 0, 0, 0) for ground in (RULE, MODEL, USUAL)}
    return [Grounds(label=month, **{**none, **found[month]}) for month in sorted(found, reverse=True)]


def by_category(*, now: datetime) -> list[Line]:
    """Proposed categories of the last MONTHS months, the most frequent first. Two queries."""
    rows: Any = (
        Suggestion.objects.filter(of=SuggestionOf.CATEGORY, at__gte=since(now), category__isnull=False)
        .order_by()
        .values("category")
        .annotate(**_COUNTS)
    )
    rows = sorted(rows, key=lambda row: (-row["all"], row["category"]))
    names = Category.objects.in_bulk([row["category"] for row in rows])
    return [_line(names[row["category"]].label, row) for row in rows]


def _line(label: Any, row: dict[str, Any]) -> Line:
    return Line(label, row["made"], row["all"] - row["made"], row["decided"], row["taken"])

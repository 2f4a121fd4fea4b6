"""Counters by period and group, and how a query is grouped into them.

Counters only hold numbers that add up, so a month's cells give the total, and three months give the
quarter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Case, CharField, F, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from analytics.periods import Period
from analytics.scope import Scope, result_of
from complaints.states import (
    Channel,
    CustomerTier,
    EmotionIntensity,
    LateReason,
    Milestone,
    RiskGrade,
    SpecialGroup,
)
from review.states import TriggerKind


@dataclass(frozen=True, order=True)
class Group:
    """One value of an axis; `code` identifies it, `label` is for people."""

    code: str
    label: str = field(default="", compare=False)


@dataclass
class Cells:
    """Counters by period and group."""

    axes: tuple[str, ...] = ()
    counters: dict[tuple[Period, tuple[Group, ...]], Counter] = field(default_factory=dict)

    def add(self, period: Period, groups: tuple[Group, ...], counts: dict) -> None:
        self.counters.setdefault((period, groups), Counter()).update({key: n for key, n in counts.items() if n})

    def total(self, period: Period) -> Counter:
        """Everything of a period; the months of a quarter add up to the quarter."""
        within = self._within(period)
        return sum((counts for (when, _groups), counts in self.counters.items() if when in within), Counter())

    def by(self, axis: str, period: Period) -> dict[Group, Counter]:
        """Everything of a period, per group of one axis."""
        place, within = self.axes.index(axis), self._within(period)
        found: dict[Group, Counter] = {}
        for (when, groups), counts in self.counters.items():
            if when in within:
                found.setdefault(groups[place], Counter()).update(counts)
        return found

    def onto(self, axes: Sequence[str]) -> Cells:
        """The same counts by fewer axes."""
        places = [self.axes.index(axis) for axis in axes]
        found = Cells(tuple(axes))
        for (when, groups), counts in self.counters.items():
            found.add(when, tuple(groups[place] for place in places), counts)
        return found

    def _within(self, period: Period) -> set[Period]:
        return {when for when in {when for when, _groups in self.counters} if period.covers(when)}


Source = Callable[[Sequence[Period], Scope, Sequence[str]], Cells]


# --- Axes ---------------------------------------------------------------------------------------


def _department(code: str | None, name: str | None) -> Group:
    return Group(code or "", name or _("Not assigned yet"))


def _category(code: str | None, name: str | None, name_en: str | None) -> Group:
    label = name_en if name_en and get_language() == "en" else name
    return Group(code or "", label or _("Not classified yet"))


def _legal_type(code: str | None, name: str | None, name_en: str | None) -> Group:
    return _category(code, name, name_en) if code else Group("", _("None"))


def _choice(choices: type) -> Callable[[str | None], Group]:
    def group(value: str | None) -> Group:
        return Group(value or "", str(choices(value).label) if value else _("Not given"))

    return group


def _text(value: str | None) -> Group:
    return Group(value or "", value or _("Not given"))


def _result(status: str, is_valid: bool | None) -> Group:
    found = result_of(status, is_valid)
    return Group(str(found), str(found.label))


def _intensity(value: int) -> Group:
    """0 is calm, not unknown."""
    return Group(str(value), str(EmotionIntensity(value).label))


def _matter(is_soft: bool | None, is_unmet_need: bool) -> Group:
    """Service or function; an unmet special need is no failure of a product and stands apart (CLS-12, CLS-16)."""
    if is_unmet_need:
        return Group("unmet_need", _("Unmet special need"))
    if is_soft is None:
        return Group("", _("Not classified yet"))
    return Group("service", _("About service")) if is_soft else Group("function", _("About function"))


def _person(number: str | None, name: str | None) -> Group:
    return Group(number or "", name or _("Nobody yet"))


def _case(pk: int | None) -> Group:
    return Group(str(pk or ""))


def _care(codes: list[str] | None) -> Group:
    """All special groups of a case as one value, so that nobody is counted twice in a total; see `cells.members`."""
    known = sorted(set(codes or ()) & set(SpecialGroup.values))
    return Group("+".join(known), _(", ").join(str(SpecialGroup(code).label) for code in known) or _("None"))


def members(counts: dict[Group, Counter]) -> dict[Group, Counter]:
    """Counters by combination of special groups as counters by group; a case of two groups counts in both."""
    found: dict[Group, Counter] = {}
    for group, numbers in counts.items():
        for code in group.code.split("+"):
            one = Group(code, str(SpecialGroup(code).label)) if code else group
            found.setdefault(one, Counter()).update(numbers)
    return found


def _top(column: str) -> Callable[[str], Any]:
    """The top level of the category tree, which has two levels."""
    return lambda case: Coalesce(
        F(f"{case}category__parent__{column}"), F(f"{case}category__{column}"), output_field=CharField()
    )


def _top_at_first(column: str) -> Callable[[str], Any]:
    """The same of the category given first; cases brought in from elsewhere have only one."""
    return lambda case: Coalesce(
        F(f"{case}first_category__parent__{column}"),
        F(f"{case}first_category__{column}"),
        F(f"{case}category__parent__{column}"),
        F(f"{case}category__{column}"),
        output_field=CharField(),
    )


@dataclass(frozen=True)
class _Axis:
    """Columns to group by and how a row of them becomes a group; columns may start from the case."""

    columns: tuple[Any, ...]
    group: Callable[..., Group]

    def expressions(self, case: str) -> list[Any]:
        return [column(case) if callable(column) else F(column.replace("case__", case)) for column in self.columns]


AXES: dict[str, _Axis] = {
    "channel": _Axis(("case__channel",), _choice(Channel)),
    "department": _Axis(("case__lead_department__code", "case__lead_department__name"), _department),
    "category": _Axis((_top("code"), _top("name"), _top("name_en")), _category),
    "first_category": _Axis((_top_at_first("code"), _top_at_first("name"), _top_at_first("name_en")), _category),
    "risk": _Axis(("case__risk_grade",), _choice(RiskGrade)),
    "milestone": _Axis(("milestone",), _choice(Milestone)),
    "late_reason": _Axis(("case__late_reason",), _choice(LateReason)),
    "intensity": _Axis(("case__emotion_intensity",), _intensity),
    "matter": _Axis(("case__category__is_soft", "case__is_unmet_need"), _matter),
    "emotion": _Axis(("category__code", "category__name", "category__name_en"), _category),
    "legal_type": _Axis(("case__legal_type__code", "case__legal_type__name", "case__legal_type__name_en"), _legal_type),
    "tier": _Axis(("case__customer_tier",), _choice(CustomerTier)),
    "care": _Axis(("case__special_groups",), _care),
    "product": _Axis(("case__product",), _text),
    "outlet": _Axis(("case__outlet",), _text),
    "place": _Axis(("case__place",), _text),
    "step": _Axis(("case__business_step",), _text),
    "result": _Axis(("case__status", "case__is_valid"), _result),
    "handler": _Axis(("case__handler__staff_number", "case__handler__display_name"), _person),
    "praised_department": _Axis(("department__code", "department__name"), _department),
    "praised_handler": _Axis(("person__staff_number", "person__display_name"), _person),
    # The cases behind a number, each a group of its own.
    "case": _Axis(("case__pk",), _case),
    "trigger": _Axis(("kind",), _choice(TriggerKind)),
}


def tally(
    rows: QuerySet, moment: str, periods: Sequence[Period], scope: Scope, axes: Sequence[str], case: str, **counts: Any
) -> Cells:
    """Group `rows` whose `moment` falls in the periods by period and axes, and count, in one query."""
    cells = Cells(tuple(axes))
    for period, groups, numbers in grouped(rows, moment, periods, scope, axes, case, [], counts):
        cells.add(period, groups, numbers)
    return cells


def grouped(
    rows: QuerySet,
    moment: str,
    periods: Sequence[Period],
    scope: Scope,
    axes: Sequence[str],
    case: str,
    extra: list[str],
    counts: dict[str, Any],
) -> Iterator[tuple[Period, tuple[Group, ...], dict[str, Any]]]:
    """The rows of `tally` with the columns of `extra` among the groups, before they are added up."""
    chosen = [AXES["first_category" if scope.by_first and axis == "category" else axis] for axis in axes]
    columns: dict[str, Any] = {}
    readers: list[tuple[slice, Callable[..., Group]]] = []
    for axis in chosen:
        begin = len(columns)
        columns |= {f"axis{begin + place}": column for place, column in enumerate(axis.expressions(case))}
        readers.append((slice(begin, len(columns)), axis.group))
    # Compared with the boundaries themselves: no time-zone arithmetic in the database, the index serves.
    bucket = Case(*[When(**{f"{moment}__lt": period.end}, then=Value(i)) for i, period in enumerate(periods)])
    window = Q(**{f"{moment}__gte": periods[0].start, f"{moment}__lt": periods[-1].end})
    found = (
        rows.filter(window, scope.cases(case))
        .order_by()
        .annotate(bucket=bucket, **columns)
        .values_list("bucket", *columns, *extra)
        .annotate(**counts)
    )
    names, known = (*extra, *counts), {}
    for at, *row in found:
        groups = []
        for place, (part, group) in enumerate(readers):
            values = row[part]
            # There are many rows and few groups. A list, as of special groups, cannot be looked up.
            key = (place, *(tuple(value) if isinstance(value, list) else value for value in values))
            if key not in known:
                known[key] = group(*values)
            groups.append(known[key])
        yield periods[at], tuple(groups), dict(zip(names, row[len(columns) :], strict=True))

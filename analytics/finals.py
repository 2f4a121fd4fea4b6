"""Figures of closed months: what was counted when the month was closed, whatever happened to the cases since (AN-03).

Kept are the counters the dashboard and the reports are made of, so a closed month shows its final figures in every
table and series it appears in. Only months are closed; a quarter reads its three months where it adds them up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.utils.translation import get_language, override

from accounts.models import Department
from analytics import sources
from analytics.cells import Cells, Group, Source
from analytics.models import ClosedPeriod
from analytics.periods import Period, parse
from analytics.registry import Computed
from analytics.scope import WHOLE, Scope

LANGUAGES = [code for code, _name in settings.LANGUAGES]
# What is kept: by department alone for long series, and by everything a page breaks it down by.
_AXES: dict[Source, tuple[str, ...]] = {
    sources.registered: ("department", "channel", "category", "risk"),
    sources.answered: ("department",),
    sources.clocks_stopped: ("department", "milestone"),
    sources.ratings: ("department",),
    sources.reviews_final: ("department",),
}
_NAMES = {source: getattr(source, "__name__", "") for source in _AXES}


def freeze(period: Period) -> dict[str, Any]:
    """The counters of a month as plain data, with the labels of every language."""
    totals, parts = {}, {}
    labels: dict[str, dict[str, dict[str, str]]] = {}
    for source, axes in _AXES.items():
        for language in LANGUAGES:
            with override(language):
                cells = source([period], WHOLE, axes)
            for _when, groups in cells.counters:
                for axis, group in zip(axes, groups, strict=True):
                    labels.setdefault(axis, {}).setdefault(group.code, {})[language] = group.label
        parts[_NAMES[source]] = _plain(cells, range(len(axes)))
        totals[_NAMES[source]] = _plain(cells, range(1))
    return {"totals": totals, "parts": parts, "labels": labels}


def _plain(cells: Cells, places: Iterable[int]) -> list[list[Any]]:
    """Rows of [codes, counters], added up over the axes left out."""
    kept, rows = list(places), Cells()
    for (when, groups), counts in cells.counters.items():
        rows.add(when, tuple(Group(groups[place].code) for place in kept), counts)
    return [
        [[group.code for group in groups], {_name(key): n for key, n in sorted(counts.items(), key=str)}]
        for (_when, groups), counts in sorted(rows.counters.items(), key=lambda row: row[0][1])
    ]


def _name(key: Any) -> str:
    """The name of a counter as JSON has it; a counter of lengths is named by a pair."""
    return json.dumps(key) if isinstance(key, tuple) else str(key)


def _key(name: str) -> Any:
    return tuple(json.loads(name)) if name.startswith("[") else name


def is_kept(source: Source) -> bool:
    """Whether the counters of a source are kept, so that any departments can be added up from them."""
    return source in _AXES


def applies(scope: Scope) -> bool:
    """Whether final figures answer this scope: everything or some departments, by the final classification."""
    return replace(scope, departments=None, department=(), sees_reviews=True, sees_small_cells=True) == WHOLE


def closed_among(periods: Iterable[Period]) -> set[str]:
    """The codes of those months that are closed."""
    codes = [period.code for period in periods]
    return set(ClosedPeriod.objects.filter(period__in=codes, opened_at=None).values_list("period", flat=True))


class Finals:
    """The final counters of the closed months among some, as far as a scope may read them."""

    def __init__(self, months: Iterable[Period], scope: Scope, *, detailed: Iterable[Period] = ()) -> None:
        """`detailed`: the months that are asked by more than the department. One query, two or three when closed."""
        self.kept: dict[str, dict[str, Any]] = {"totals": {}, "parts": {}}
        self.labels: dict[str, Any] = {}
        self.allowed: set[str] | None = None
        if not applies(scope):
            return
        self._load("totals", months)
        closed = [month for month in detailed if month.code in self.kept["totals"]]
        if closed:
            self._load("parts", closed)
        if self.kept["totals"]:
            self.allowed = _codes(scope)

    def _load(self, kind: str, months: Iterable[Period]) -> None:
        rows = ClosedPeriod.objects.filter(period__in=[month.code for month in months], opened_at=None)
        for code, found, labels in rows.values_list("period", f"figures__cells__{kind}", "figures__cells__labels"):
            self.kept[kind][code], self.labels[code] = found, labels

    def __contains__(self, month: Period) -> bool:
        return month.code in self.kept["totals"]

    def over(self, computed: Computed) -> Computed:
        """The figures computed, with the final counters in place of those of closed months."""
        if not self.kept["totals"]:
            return computed
        return Computed({source: self._of(source, cells) for source, cells in computed.cells.items()})

    def _of(self, source: Source, cells: Cells) -> Cells:
        if source not in _AXES or not set(cells.axes) <= set(_AXES[source]):
            return cells
        kind, axes = ("totals", _AXES[source][:1]) if set(cells.axes) <= {"department"} else ("parts", _AXES[source])
        frozen = self.kept[kind]
        fresh = Cells(cells.axes)
        for (when, groups), counts in cells.counters.items():
            if when.code not in frozen:
                fresh.add(when, groups, counts)
        for code, found in frozen.items():
            self._restore(fresh, parse(code), found.get(_NAMES[source], ()), axes)
        return fresh

    def _restore(
        self, cells: Cells, month: Period, rows: Iterable[tuple[list[str], dict[str, Any]]], axes: Sequence[str]
    ) -> None:
        for codes, counts in rows:
            named = dict(zip(axes, codes, strict=True))
            if self.allowed is None or named["department"] in self.allowed:
                groups = tuple(self._group(month, axis, named[axis]) for axis in cells.axes)
                cells.add(month, groups, {_key(name): n for name, n in counts.items()})

    def _group(self, month: Period, axis: str, code: str) -> Group:
        known = self.labels[month.code].get(axis, {}).get(code, {})
        return Group(code, known.get(get_language() or "") or next(iter(known.values()), code))


def departments_of(scope: Scope) -> frozenset[int] | None:
    """The departments counted; None is all of them and the cases without one."""
    limits = [frozenset(given) for given in (scope.departments, scope.department or None) if given is not None]
    return frozenset.intersection(*limits) if limits else None


def _codes(scope: Scope) -> set[str] | None:
    """The codes of the departments counted; None is all of them and the cases without one."""
    counted = departments_of(scope)
    return None if counted is None else set(Department.objects.filter(pk__in=counted).values_list("code", flat=True))

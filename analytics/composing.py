"""Final figures of several departments, or of the months of a quarter, put together from those kept of each (AN-03).

Counts and rates add up. What does not, such as a median of hours or persons who complained of two departments, is
worked out from what single_parts.py kept for it. A month closed by an older release has none of that: there it is
counted from the cases and named under "recounted", so that the page can say so beside it.

Over the months of a quarter counts and rates add up as well, and what was open is what was open at the end of the last
month. Medians of hours, persons and cases told apart over the quarter, and the most frequent of what is typed by hand
do not follow from those of its months: they are counted anew and named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from analytics import complainants, figures, finals, selectors, single_parts, small_parts
from analytics.cells import Group, Source
from analytics.figures import FIGURES, Figure, Unit, Value
from analytics.registry import ratio
from analytics.suppression import outside as left_open
from complaints.states import LateReason, Milestone

Bundle = dict[str, Any]
# Averages that rest on a known number of cases.
_AVERAGES = (figures.average_hours, figures.average_work_hours)
# Breakdowns that are counted neither from final counters nor under names that differ between departments.
_ADDED: dict[str, Sequence[Figure]] = {
    "late_reason": selectors.BREAKDOWNS["late_reason"],
    "trigger": selectors.BREAKDOWNS["trigger"],
    **{axis: wanted for axis, wanted in selectors.MORE.items() if axis not in selectors.TYPED},
    "recurrence": (figures.recurrence_rate,),
}


@dataclass(frozen=True)
class Kept:
    """What was kept of several departments: their bundles, and what does not add up; None where that is missing."""

    bundles: Sequence[Bundle]
    parts: Sequence[single_parts.Parts] | None

    def value(self, figure: Figure) -> Value | None:
        """The figure of the departments together; None where it is not known."""
        if figure.source in self.counters:
            return figure.read(self.counters[figure.source])
        return _sum(figure, [bundle["figures"].get(figure.key) for bundle in self.bundles])

    @cached_property
    def counters(self) -> Mapping[Source, Counter]:
        return {} if self.parts is None else single_parts.counters(self.parts)


# Counted once each however often they occur in a period, so months with the same one do not add up.
_TOLD_APART = (figures.response_rate, figures.perfunctory, figures.missing_evidence)


@dataclass(frozen=True)
class Months(Kept):
    """What was kept of the months of a quarter, in their order."""

    def value(self, figure: Figure) -> Value | None:
        if figure in _TOLD_APART or any(figure.key in anew_in(bundle) for bundle in self.bundles):
            return None
        if figure is figures.open_at_end:
            return _sum(figure, [self.bundles[-1]["figures"].get(figure.key)])
        return super().value(figure)


def anew_in(bundle: Bundle, part: str = "figures") -> Sequence[str]:
    """What of a final bundle was counted from the cases after all."""
    return bundle.get("recounted", {}).get(part, ())


def composed(counted: Bundle, kept: Kept, before: Kept | None, *, outside: bool, hide: bool) -> Bundle:
    """`counted` with what was `kept` of the departments in place of what was counted anew.

    `before`: the same of the period before, None where it is not closed. `outside`: the result leaves the office;
    `hide`: the figures of the whole may be small cells, too.
    """

    def shown(value: Value) -> dict[str, Any]:
        return (value.outside() if hide else value).to_dict()

    parts = kept.bundles
    entries, anew = dict(counted["figures"]), []
    for key, entry in entries.items():
        figure = FIGURES[key]
        is_apart = isinstance(kept, Months) and figure in _TOLD_APART
        if finals.is_kept(figure.source) and not is_apart:  # the counter was final before
            continue
        value = kept.value(figure)
        if value is None:
            anew.append(key)
            continue
        earlier = None if before is None else before.value(figure)
        previous = (
            entry["previous"]
            if earlier is None
            else shown(small_parts.told(key, earlier) if outside else earlier)["value"]
        )
        entries[key] = {"name": entry["name"], "unit": entry["unit"], **shown(value), "previous": previous}
    breakdowns = dict(counted["breakdowns"])
    for axis, wanted in _ADDED.items():
        if all(axis in part["breakdowns"] for part in parts):
            labels = {row["code"]: row["label"] for row in breakdowns[axis]}
            columns = {figure.key: _groups(figure, axis, parts, labels) for figure in wanted}
            breakdowns[axis] = selectors.table_rows(columns, axis, outside)
    breakdowns["missed"] = _missed(parts, breakdowns["missed"], outside)
    if kept.parts is None:
        left = [axis for axis in selectors.TYPED if breakdowns[axis]]
    else:
        left, everything = [], sum(int(part["figures"]["received"]["value"] or 0) for part in parts)
        for axis in selectors.TYPED:
            columns = {figures.received.key: single_parts.most_frequent(axis, kept.parts, everything)}
            breakdowns[axis] = selectors.table_rows(columns, axis, outside)
    return {
        **counted,
        "figures": entries,
        "breakdowns": breakdowns,
        "recounted": {"figures": anew, "breakdowns": left},
    }


def _sum(figure: Figure, rows: Sequence[dict[str, Any] | None]) -> Value | None:
    """The figure of several departments together; None where it does not add up or one of them does not have it."""
    known = [row for row in rows if row is not None]
    if len(known) < len(rows) or figure.source is complainants.persons:
        return None
    if figure.unit == Unit.CASES:
        return Value(sum(row["value"] or 0 for row in known))
    of = sum(row.get("of") or 0 for row in known)
    if figure.unit == Unit.RATIO:
        return ratio(sum(row.get("part") or 0 for row in known), of)
    if figure in _AVERAGES:
        return Value(sum((row["value"] or 0) * (row.get("of") or 0) for row in known) / of if of else None, of=of)
    return None


def _groups(figure: Figure, axis: str, parts: Sequence[Bundle], labels: dict[str, str]) -> dict[Group, Value]:
    """The figure by the groups of an axis; their names in the active language where it is known."""
    found: dict[Group, list[dict[str, Any]]] = {}
    for part in parts:
        for row in part["breakdowns"][axis]:
            group = Group(row["code"], labels.get(row["code"], row["label"]))
            found.setdefault(group, []).append(row[figure.key])
    return {group: _sum(figure, rows) or Value(None) for group, rows in found.items()}


def _missed(parts: Sequence[Bundle], counted: list[dict[str, Any]], outside: bool) -> list[dict[str, Any]]:
    """Missed limits per milestone and reason."""
    labels = {row["code"]: row["label"] for row in counted}
    found: dict[str, dict[str, Any]] = {}
    sums: dict[str, dict[str, int]] = {}
    for part in parts:
        for row in part["breakdowns"]["missed"]:
            code = row["code"]
            found.setdefault(code, {"code": code, "label": labels.get(code, row["label"])})
            # A database may give the reasons back in an order of its own; which cells are hidden depends on it.
            reasons = sums.setdefault(code, dict.fromkeys(("none", *LateReason.values), 0))
            for reason, value in row.items():
                if reason not in found[code]:
                    reasons[reason] = reasons.get(reason, 0) + int(value["value"] or 0)
    for code, reasons in sums.items():
        column = [Value(n) for n in reasons.values()]
        shown = left_open(column) if outside else column
        found[code] |= {reason: value.to_dict() for reason, value in zip(reasons, shown, strict=True)}
    return [found[step] for step in Milestone if step in found]

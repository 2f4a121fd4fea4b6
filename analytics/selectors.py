"""The bundle of all figures of a period: what the API answers and what a report freezes (AN-02, EX-09)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from analytics import figures, finals, sources, three_rates
from analytics.cells import Group, Source, members
from analytics.figures import FIGURES, SMALL, Computed, Figure, Unit, Value, compute
from analytics.periods import Period
from analytics.scope import Scope
from analytics.suppression import outside as left_open
from analytics.suppression import size
from complaints.states import DissatisfactionReason, LateReason, Milestone

SERIES_MONTHS = 12
SERIES = (
    figures.received,
    figures.on_time_rate,
    figures.average_days,
    figures.satisfaction_rate,
    figures.overturned_rate,
)
HEAT = (
    figures.received,
    figures.overdue_rate,
    figures.average_days,
    figures.dissatisfied_share,
    figures.repeat_rate,
    figures.overturned_rate,
)

# Which figure is broken down by which axis.
BREAKDOWNS: dict[str, tuple[Figure, ...]] = {
    "channel": (figures.received,),
    "category": (figures.received,),
    "risk": (figures.received,),
    "department": HEAT,
    "milestone": (figures.milestone_rate,),
    "late_reason": (figures.late_share,),
    "trigger": (figures.reviews_opened,),
}
# The same, one axis at a time: together there would be nearly as many groups as cases.
MORE: dict[str, tuple[Figure, ...]] = {
    "tier": (figures.received, figures.on_time_rate, figures.satisfaction_rate),
    "care": (figures.received, figures.on_time_rate, figures.satisfaction_rate),
    "matter": (figures.received,),
    "intensity": (figures.received,),
    "emotion": (figures.emotions_noted,),
    "legal_type": (figures.received,),
    "product": (figures.received,),
    "outlet": (figures.received,),
    "place": (figures.received,),
    "result": (figures.received,),
}
# Typed by hand: only the leading values are named, the rest is one group.
_TYPED = ("product", "outlet", "place")
TYPED_SHOWN = 20
OTHERS = "*"
_AXES: dict[Source, Sequence[str]] = {
    sources.registered: ("channel", "category", "department", "risk"),
    sources.answered: ("department",),
    sources.clocks_stopped: ("department", "milestone"),
    sources.ratings: ("department",),
    sources.reviews_final: ("department",),
    sources.closed: ("late_reason",),
    sources.reviews_opened: ("trigger",),
}


def bundle(period: Period, scope: Scope, *, at: datetime, outside: bool) -> dict[str, Any]:
    """All figures of a period with the period before, the months leading to it and the breakdowns, as plain data.

    `outside`: the result leaves the office, so cells that rest on fewer than five cases are left empty.
    Labels are in the active language.
    """
    months, pair = period.last_months(SERIES_MONTHS), [period.previous, period]
    final = finals.Finals([*pair, *months], scope, detailed=pair)
    now = final.over(compute(FIGURES.values(), pair, scope, _AXES))
    back = final.over(compute(SERIES, months, scope))
    totals_outside = outside and scope.is_filtered

    def shown(value: Value, hide: bool) -> dict[str, Any]:
        return (value.outside() if hide else value).to_dict()

    return {
        "period": period.code,
        "label": period.label,
        "from": period.start.isoformat(),
        "until": period.end.isoformat(),
        "is_over": period.is_over(at),
        "computed_at": at.isoformat(),
        "previous": period.previous.code,
        "formula": asdict(three_rates.resolve(scope.formula)),
        "figures": {
            key: {
                "name": str(figure.name),
                "unit": str(figure.unit),
                **shown(now.value(figure, period), totals_outside),
                "previous": shown(now.value(figure, period.previous), totals_outside)["value"],
            }
            for key, figure in FIGURES.items()
        },
        "series": {
            figure.key: [
                [month.code, shown(value, totals_outside)["value"]] for month, value in monthly(back, figure, months)
            ]
            for figure in SERIES
        },
        "breakdowns": {
            **{axis: _breakdown(now, axis, wanted, period, outside) for axis, wanted in BREAKDOWNS.items()},
            **{axis: _more(axis, wanted, period, scope, outside) for axis, wanted in MORE.items()},
            "recurrence": _rows(
                {"recurrence_rate": figures.recurrence_rate.by("department", period, scope)}, "recurrence", outside
            ),
            "dissatisfaction": _dissatisfaction(now, period, outside),
            "missed": _missed(period, scope, outside),
        },
    }


def monthly(found: Computed, figure: Figure, months: list[Period]) -> list[tuple[Period, Value]]:
    """A figure month by month. Months before the first complaint ever counted have no figure rather than 0."""
    values = [(month, found.value(figure, month)) for month in months]
    begun = False
    series = []
    for month, value in values:
        begun = begun or bool(value.value)
        series.append((month, value if begun or figure.unit != Unit.CASES else Value(None)))
    return series


def _breakdown(
    now: Computed, axis: str, wanted: tuple[Figure, ...], period: Period, outside: bool
) -> list[dict[str, Any]]:
    return _rows({figure.key: now.by(figure, axis, period) for figure in wanted}, axis, outside)


def _more(axis: str, wanted: tuple[Figure, ...], period: Period, scope: Scope, outside: bool) -> list[dict[str, Any]]:
    columns = {}
    for figure in wanted:
        counts = figure.source([period], scope, (axis,)).by(axis, period)
        if axis == "care":
            counts = members(counts)
        if axis in _TYPED:
            counts = _leading(counts, figure)
        columns[figure.key] = {group: figure.read(numbers) for group, numbers in counts.items()}
    return _rows(columns, axis, outside)


def _leading(counts: dict[Group, Counter], figure: Figure) -> dict[Group, Counter]:
    """The most frequent values by name; rare ones, which a person could be known by, are put together."""
    sizes = {group: size(figure.read(numbers)) for group, numbers in counts.items()}
    ordered = sorted(counts, key=lambda group: (-sizes[group], group.code))
    named = {group for group in ordered[:TYPED_SHOWN] if sizes[group] >= SMALL or not group.code}
    found: dict[Group, Counter] = {group: counts[group] for group in ordered if group in named}
    for group in ordered:
        if group not in named:
            found.setdefault(Group(OTHERS, _("All others")), Counter()).update(counts[group])
    return found


def _rows(columns: dict[str, dict[Group, Value]], axis: str, outside: bool) -> list[dict[str, Any]]:
    """One row per group, the largest first."""
    # A group belongs in the table when something was counted for it.
    groups: dict[Group, int] = {}
    for values in columns.values():
        for group, value in values.items():
            groups[group] = max(groups.get(group, 0), weight(value))
    first = next(iter(columns.values()))
    ordered = sorted(
        (group for group, cases in groups.items() if cases),
        key=lambda group: (group.code == OTHERS, -weight(first.get(group)), group.code),
    )
    if axis == "late_reason":
        ordered = [group for group in ordered if group.code]
    rows: list[dict[str, Any]] = [{"code": group.code, "label": group.label} for group in ordered]
    for key, values in columns.items():
        nothing = Value(None if FIGURES[key].unit != Unit.CASES else 0)
        column = [values.get(group) or nothing for group in ordered]
        for row, value in zip(rows, left_open(column) if outside else column, strict=True):
            row[key] = value.to_dict()
    return rows


def weight(value: Value | None) -> int:
    """How many cases stand behind a value."""
    return 0 if value is None else size(value)


def _dissatisfaction(now: Computed, period: Period, outside: bool) -> list[dict[str, Any]]:
    """Why complainants were dissatisfied, most frequent first (AN-12)."""
    counts = now.cells[sources.ratings].total(period)
    rows = [
        (reason, Value(counts[f"reason_{reason}"])) for reason in DissatisfactionReason if counts[f"reason_{reason}"]
    ]
    rows.sort(key=lambda row: -int(row[1].value or 0))
    column = [value for _reason, value in rows]
    return [
        {"code": str(reason), "label": str(reason.label), "answers": value.to_dict()}
        for (reason, _value), value in zip(rows, left_open(column) if outside else column, strict=True)
    ]


def _missed(period: Period, scope: Scope, outside: bool) -> list[dict[str, Any]]:
    """Missed limits per milestone and reason for lateness of their cases; "" where none was given (AN-11)."""
    found: dict[str, Counter] = {}
    cells = sources.clocks_stopped([period], scope, ("milestone", "late_reason"))
    for (_period, (milestone, reason)), counts in cells.counters.items():
        found.setdefault(milestone.code, Counter())[reason.code] += counts["missed"]
    rows = []
    reasons = ["", *LateReason.values]
    for step in Milestone:
        counts = found.get(step, Counter())
        if not counts.total():
            continue
        column = [Value(counts[code]) for code in reasons]
        row: dict[str, Any] = {"code": str(step), "label": str(step.label)}
        shown = left_open(column) if outside else column
        rows.append(row | {code or "none": value.to_dict() for code, value in zip(reasons, shown, strict=True)})
    return rows

"""The bundle of all figures of a period: what the API answers and what a report freezes (AN-02, EX-09)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from analytics import figures, finals, recurrence, small_parts, sources, three_rates
from analytics.cells import AXES, Cells, Group, Source, members
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
# The same for the period alone.
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
    "step": (figures.received,),
    "result": (figures.received,),
}
# Axes of the cases registered that are counted in one query; all together would give nearly as many groups as cases.
_TOGETHER = (("tier", "care"), ("matter", "intensity", "legal_type", "result"))
# Typed by hand, with the column: only the leading values are named, the rest is one group.
TYPED = {"product": "product", "outlet": "outlet", "place": "place", "step": "business_step"}
TYPED_SHOWN = 20
OTHERS = "*"
# By what final counters are kept of the limits and answers (finals.py); the other axes are for tables of the period.
_KEPT: dict[Source, Sequence[str]] = {
    sources.clocks_stopped: ("department", "milestone"),
    sources.ratings: ("department",),
}
_AXES: dict[Source, Sequence[str]] = {
    sources.registered: ("channel", "category", "department", "risk"),
    sources.emotions: ("emotion",),
    sources.answered: ("department",),
    sources.clocks_stopped: (*_KEPT[sources.clocks_stopped], "late_reason", "tier", "care"),
    sources.ratings: (*_KEPT[sources.ratings], "tier", "care"),
    sources.reviews_final: ("department",),
    sources.closed: ("late_reason",),
    sources.reviews_opened: ("trigger",),
    recurrence.watched: ("department",),
}


@contextmanager
def _room_to_count() -> Iterator[None]:
    """More memory than usual for the statements within: PostgreSQL then counts there instead of sorting on disk."""
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'")
        yield


@_room_to_count()
def bundle(period: Period, scope: Scope, *, at: datetime, outside: bool) -> dict[str, Any]:
    """All figures of a period with the period before, the months leading to it and the breakdowns, as plain data.

    `outside`: the result leaves the office, so cells that rest on fewer than five cases are left empty.
    Labels are in the active language.
    """
    months, pair = period.last_months(SERIES_MONTHS), [period.previous, period]
    # What is kept of closed months is read month by month, so that a quarter is made of them.
    spans = [*period.previous.last_months(period.months), *period.last_months(period.months)]
    final = finals.Finals([*spans, *months], scope, detailed=spans)
    counted = _counted(pair, spans, scope)
    kept = Computed(counted.cells | {source: counted.cells[source].onto(axes) for source, axes in _KEPT.items()})
    now, back = final.over(kept), final.over(_leading_up(months, counted, spans, scope))
    # A case that was asked in two months of a quarter is one case of the quarter.
    asked = compute((figures.response_rate,), pair, scope) if period.months > 1 else now
    more = _more(period, scope, counted)
    totals_outside = outside and scope.is_filtered

    def shown(value: Value, hide: bool) -> dict[str, Any]:
        return (value.outside() if hide else value).to_dict()

    def alone(figure: Figure, value: Value) -> float | int | None:
        """A value beside which nothing says what it rests on, so it is left empty here."""
        return shown(small_parts.told(figure.key, value) if outside else value, totals_outside)["value"]

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
                **shown(found.value(figure, period), totals_outside),
                "previous": alone(figure, found.value(figure, period.previous)),
            }
            for key, figure in FIGURES.items()
            for found in [asked if figure is figures.response_rate else now]
        },
        "series": {
            figure.key: [[month.code, alone(figure, value)] for month, value in monthly(back, figure, months)]
            for figure in SERIES
        },
        "breakdowns": {
            **{axis: _breakdown(now, axis, wanted, period, outside) for axis, wanted in BREAKDOWNS.items()},
            **{axis: table_rows(more[axis], axis, outside) for axis in MORE},
            "recurrence": table_rows(
                {"recurrence_rate": now.by(figures.recurrence_rate, "department", period)}, "recurrence", outside
            ),
            "dissatisfaction": _dissatisfaction(now, period, outside),
            "missed": _missed(counted.cells[sources.clocks_stopped], period, outside),
        },
    }


def _counted(pair: list[Period], spans: list[Period], scope: Scope) -> Computed:
    """Every source for the two periods, or for their months where closed months are kept of it."""
    by_month = [figure for figure in FIGURES.values() if finals.is_kept(figure.source)]
    rest = [figure for figure in FIGURES.values() if not finals.is_kept(figure.source)]
    return Computed(compute(by_month, spans, scope, _AXES).cells | compute(rest, pair, scope, _AXES).cells)


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
    return table_rows({figure.key: now.by(figure, axis, period) for figure in wanted}, axis, outside)


def _leading_up(months: list[Period], counted: Computed, spans: list[Period], scope: Scope) -> Computed:
    """The months of the series; those that were counted already are not counted again."""
    known = [month for month in months if month in spans]
    found = compute(SERIES, [month for month in months if month not in spans], scope)
    for source, cells in found.cells.items():
        for month in known:
            cells.add(month, (), counted.cells[source].total(month))
    return found


def _more(period: Period, scope: Scope, counted: Computed) -> dict[str, dict[str, dict[Group, Value]]]:
    """Axis of MORE → figure → group → value."""
    of_cases = {
        axis: cells for axes in _TOGETHER for cells in [sources.registered([period], scope, axes)] for axis in axes
    }
    found: dict[str, dict[str, dict[Group, Value]]] = {
        axis: {figures.received.key: _leading(axis, period, scope, counted)} for axis in TYPED
    }
    for axis in MORE.keys() - found.keys():
        found[axis] = {}
        for figure in MORE[axis]:
            cells = of_cases[axis] if figure is figures.received else counted.cells[figure.source]
            counts = cells.by(axis, period)
            shown = members(counts) if axis == "care" else counts
            found[axis][figure.key] = {group: figure.read(numbers) for group, numbers in shown.items()}
    return found


def _leading(axis: str, period: Period, scope: Scope, counted: Computed) -> dict[Group, Value]:
    everything = counted.cells[sources.registered].total(period)["cases"]
    return most_frequent(axis, sources.leading(TYPED[axis], period, scope, most=TYPED_SHOWN), everything)


def most_frequent(axis: str, rows: Sequence[tuple[str, int]], everything: int) -> dict[Group, Value]:
    """The most frequent values by name; rare ones, which a person could be known by, are put together."""
    found = {
        AXES[axis].group(value): Value(cases)
        for value, cases in rows
        if (cases >= SMALL and value != OTHERS) or not value
    }
    rest = everything - sum(int(value.value or 0) for value in found.values())
    if rest > 0:
        found[Group(OTHERS, _("All others"))] = Value(rest)
    return found


def table_rows(columns: dict[str, dict[Group, Value]], axis: str, outside: bool) -> list[dict[str, Any]]:
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


def _missed(clocks: Cells, period: Period, outside: bool) -> list[dict[str, Any]]:
    """Missed limits per milestone and reason for lateness of their cases; "" where none was given (AN-11)."""
    found: dict[str, Counter] = {}
    for (when, (milestone, reason)), counts in clocks.onto(("milestone", "late_reason")).counters.items():
        if period.covers(when):
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

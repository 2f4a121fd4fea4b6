"""The bundle of all figures of a period: what the API answers and what a report freezes (AN-02, EX-09)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from analytics import figures, sources
from analytics.cells import Group, Source
from analytics.figures import FIGURES, Computed, Figure, Unit, Value, compute
from analytics.periods import Period
from analytics.scope import Scope
from complaints.states import DissatisfactionReason

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
    now = compute(FIGURES.values(), [period.previous, period], scope, _AXES)
    months = period.last_months(SERIES_MONTHS)
    back = compute(SERIES, months, scope)
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
            "dissatisfaction": _dissatisfaction(now, period, outside),
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
    """One row per group, the largest first."""
    columns = {figure.key: now.by(figure, axis, period) for figure in wanted}
    # A group belongs in the table when something was counted for it.
    groups: dict[Group, int] = {}
    for values in columns.values():
        for group, value in values.items():
            groups[group] = max(groups.get(group, 0), weight(value))
    first = columns[wanted[0].key]
    ordered = sorted(
        (group for group, size in groups.items() if size), key=lambda group: (-weight(first.get(group)), group.code)
    )
    if axis == "late_reason":
        ordered = [group for group in ordered if group.code]
    rows = []
    for group in ordered:
        shown = {
            key: found.get(group) or Value(None if FIGURES[key].unit != Unit.CASES else 0)
            for key, found in columns.items()
        }
        rows.append(
            {
                "code": group.code,
                "label": group.label,
                **{key: (value.outside() if outside else value).to_dict() for key, value in shown.items()},
            }
        )
    return rows


def weight(value: Value | None) -> int:
    """How many cases stand behind a value."""
    if value is None:
        return 0
    return int(value.of if value.of is not None else value.value or 0)


def _dissatisfaction(now: Computed, period: Period, outside: bool) -> list[dict[str, Any]]:
    """Why complainants were dissatisfied, most frequent first (AN-12)."""
    counts = now.cells[sources.ratings].total(period)
    rows = [
        (reason, Value(counts[f"reason_{reason}"])) for reason in DissatisfactionReason if counts[f"reason_{reason}"]
    ]
    rows.sort(key=lambda row: -int(row[1].value or 0))
    return [
        {"code": str(reason), "label": str(reason.label), "answers": (value.outside() if outside else value).to_dict()}
        for reason, value in rows
    ]

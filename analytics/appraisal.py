"""Quality indicators of departments and staff side by side, as a reference for appraisal (QUA-11, QUA-13, QUA-14).

Volume and speed never stand alone: each line also says what complainants thought, whether the rules were kept and how
risks were handled. Rates that rest on few cases are not shown, and only lines with enough answers are ranked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Count, Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analytics import figures, sources
from analytics.cells import Group
from analytics.facts import written
from analytics.figures import FIGURES, Figure, Unit, Value, compute
from analytics.periods import Period
from analytics.scope import Scope
from analytics.suppression import size
from complaints.models import Deadline
from complaints.states import DeadlineState, Milestone, RiskGrade

# From so many closed cases a line is compared with others; a rate is shown from so many cases.
RANKED_FROM = 10
SHOWN_FROM = 5
RISK_IN_TIME = "risk_in_time"
TASKS_IN_TIME = "tasks_in_time"
# Rates that are no figures of the report.
_OWN: dict[str, Promise] = {
    RISK_IN_TIME: gettext_lazy("On-time rate of high-risk cases"),
    TASKS_IN_TIME: gettext_lazy("On-time rate of the own tasks"),
}
# Whose a task is, as code and name.
_OF_TASK = {
    "department": ("assignment__department__code", "assignment__department__name"),
    "handler": ("assignment__handler__staff_number", "assignment__handler__display_name"),
}

GROUPS: tuple[tuple[Promise, tuple[str, ...]], ...] = (
    (gettext_lazy("Volume and speed"), ("handled", "average_days")),
    (gettext_lazy("Satisfaction"), ("satisfaction_rate", "response_rate", "call_back_rate", "praises")),
    (
        gettext_lazy("Compliance"),
        ("on_time_rate", TASKS_IN_TIME, "late_share", "returns", "reworks", "perfunctory", "missing_evidence"),
    ),
    (gettext_lazy("Risk control"), (RISK_IN_TIME, "reopenings", "overturned_rate", "recurrence_rate")),
)
KEYS = tuple(key for _title, keys in GROUPS for key in keys)
# What lines can be ranked by: quality, not volume or speed.
ORDERS = ("satisfaction_rate", "call_back_rate", "on_time_rate", "late_share", "recurrence_rate")


@dataclass(frozen=True)
class Cell:
    """One indicator of one line; `size` cases stand behind it, `value` is empty where they are too few."""

    figure: str
    name: str
    text: str
    value: float | None
    size: int
    is_few: bool
    is_rate: bool


@dataclass(frozen=True)
class Line:
    """A department or a person; `rank` from 1, None where fewer than RANKED_FROM cases are compared."""

    code: str
    name: str
    rank: int | None
    cells: list[Cell]


def order_of(key: str) -> str:
    return key if key in ORDERS else ORDERS[0]


def name_of(key: str) -> str:
    """What an indicator is called."""
    return str(_OWN[key] if key in _OWN else FIGURES[key].name)


def lines(period: Period, scope: Scope, axis: str, *, by: str) -> list[Line]:
    """One line per department or person with figures, the best first; a fixed number of queries.

    `axis`: department or handler; `by` one of ORDERS. Lines with too few cases come last, by name and without rank.
    """
    columns = _columns(period, scope, axis)
    groups = {group for column in columns.values() for group, value in column.items() if size(value) and group.code}
    rising = FIGURES[by].rising
    ranked = sorted(
        (group for group in groups if size(columns[by].get(group, Value(None))) >= RANKED_FROM),
        key=lambda group: (_worth(columns[by][group]) * (-1 if rising else 1), group.code),
    )
    ranks = _ranks([_worth(columns[by][group]) for group in ranked])
    rest = sorted(groups - set(ranked), key=lambda group: group.label)
    return [
        Line(group.code, group.label, rank, [_cell(key, columns[key].get(group)) for key in KEYS])
        for group, rank in [*zip(ranked, ranks, strict=True), *((group, None) for group in rest)]
    ]


def _columns(period: Period, scope: Scope, axis: str) -> dict[str, dict[Group, Value]]:
    wanted: list[Figure] = [FIGURES[key] for key in KEYS if key not in _OWN]
    found = compute(wanted, [period], scope, {figure.source: (axis,) for figure in wanted})
    columns = {figure.key: found.by(figure, axis, period) for figure in wanted}
    risky = sources.clocks_stopped([period], replace(scope, risk=str(RiskGrade.HIGH)), (axis,)).by(axis, period)
    if not scope.sees_reviews:  # what the review group marked is not for the department concerned (RI-12)
        columns |= {key: dict.fromkeys(columns["handled"], Value(None)) for key in ("perfunctory", "missing_evidence")}
    if scope.risk in ("", RiskGrade.HIGH):
        columns[RISK_IN_TIME] = {group: figures.on_time_rate.read(counts) for group, counts in risky.items()}
    else:
        columns[RISK_IN_TIME] = {}
    columns[TASKS_IN_TIME] = _tasks_in_time(period, scope, axis)
    return columns


def _tasks_in_time(period: Period, scope: Scope, axis: str) -> dict[Group, Value]:
    """The limits of their own that departments kept, lead and supporting alike (SLA-04). One query.

    A task counts for whoever had it, so the last department does not answer for the time of the first.
    """
    rows = Deadline.objects.filter(
        replace(scope, departments=None, department=()).cases("complaint__"),
        milestone=Milestone.TASK,
        state__in=[DeadlineState.MET, DeadlineState.MISSED],
        stopped_at__gte=period.start,
        stopped_at__lt=period.end,
    )
    for wanted in (scope.departments, scope.department or None):
        if wanted is not None:
            rows = rows.filter(assignment__department__in=sorted(wanted))
    kept = Count("pk", filter=Q(state=DeadlineState.MET))
    counted = rows.order_by().values_list(*_OF_TASK[axis]).annotate(kept=kept, of=Count("pk"))
    return {Group(code, name): Value(part / of, part, of) for code, name, part, of in counted if code}


def _worth(value: Value) -> float:
    return value.value or 0.0


def _ranks(values: Sequence[float]) -> list[int]:
    """Equal figures share a rank."""
    return [values.index(value) + 1 for value in values]


def _cell(key: str, value: Value | None) -> Cell:
    unit = Unit.RATIO if key in _OWN else FIGURES[key].unit
    is_rate = unit != Unit.CASES
    value = value or Value(None if is_rate else 0, of=0 if is_rate else None)
    cases = size(value)
    few = is_rate and 0 < cases < SHOWN_FROM
    number = None if few else value.value
    return Cell(key, name_of(key), "" if few else written(number, unit), number, cases, few, is_rate)


def heading(axis: str) -> list[str]:
    """The columns of the file: each rate is followed by the number of cases behind it."""
    names = [_("Rank"), _("Staff number") if axis == "handler" else _("Code"), _("Name")]
    for key in KEYS:
        names.append(name_of(key))
        if key in _OWN or FIGURES[key].unit != Unit.CASES:
            names.append(_("%(name)s: cases") % {"name": name_of(key)})
    return names


def flat(found: Sequence[Line], *, outside: bool) -> Iterator[list[Any]]:
    """The lines of the file. `outside`: it leaves the office, so counts from 1 to 4 are empty as well."""
    for line in found:
        row: list[Any] = ["" if line.rank is None else line.rank, line.code, line.name]
        for cell in line.cells:
            hidden = outside and 0 < cell.size < SHOWN_FROM
            row.append("" if cell.value is None or hidden else cell.value)
            if cell.is_rate:
                row.append("" if hidden else cell.size)
        yield row

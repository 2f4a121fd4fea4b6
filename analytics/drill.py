"""From a number to the cases behind it, as far as the person may see them (AN-33, AZ-03).

A figure is counted once more with the case as a group of its own, so the list cannot differ from the number.
"""

from __future__ import annotations

from accounts.models import User
from analytics import complainants, sources, work_hours
from analytics.cells import Group, Source
from analytics.figures import Figure
from analytics.periods import Period
from analytics.scope import Scope
from analytics.suppression import size
from complaints.models import Complaint
from complaints.querysets import ComplaintQuerySet

# Counted in ways that no single case stands for.
_WITHOUT_CASES: tuple[Source, ...] = (complainants.persons, sources.echo)
# So many keys stand in one query; databases refuse more than some ten thousands.
AT_ONCE = 10_000
# Counted whole, not by groups.
_WITHOUT_GROUPS: tuple[Source, ...] = (sources.open_at_end, work_hours.replied)

# What a case is, whatever is counted of it.
_OF_CASES = {
    "channel", "department", "category", "risk", "tier", "care", "matter", "intensity", "legal_type", "product",
    "outlet", "late_reason", "handler", "result", "place",
    "step",
}  # fmt: skip
_OF_SOURCES: dict[str, Source] = {
    "milestone": sources.clocks_stopped,
    "trigger": sources.reviews_opened,
    "emotion": sources.emotions,
}


def leads_to_cases(figure: Figure, axis: str = "") -> bool:
    """Whether there is a list of cases behind this figure, or behind its groups by an axis."""
    if figure.source in _WITHOUT_CASES:
        return False
    if not axis:
        return True
    return figure.source not in _WITHOUT_GROUPS and (axis in _OF_CASES or _OF_SOURCES.get(axis) is figure.source)


def behind(
    figure: Figure, period: Period, scope: Scope, *, axis: str = "", group: str = "", counted: bool = False
) -> dict[int, int]:
    """Case → how often it stands behind the figure, or behind one group of an axis. One query.

    `counted`: of a rate only the cases above the line, for example those that were late.
    """
    axes = ("case", axis) if axis else ("case",)
    found: dict[int, int] = {}
    for (_period, groups), numbers in figure.source([period], scope, axes).counters.items():
        # Praise may have come without a case.
        if not groups[0].code or (axis and not _is_of(groups[1], group, axis)):
            continue
        value = figure.read(numbers)
        times = value.part or 0 if counted and value.part is not None else size(value)
        if times:
            pk = int(groups[0].code)
            found[pk] = found.get(pk, 0) + times
    return found


def _is_of(found: Group, wanted: str, axis: str) -> bool:
    return wanted in found.code.split("+") if axis == "care" else found.code == wanted


def page_of(found: dict[int, int], user: User, *, after: int | None, rows: int) -> list[Complaint]:
    """The newest of these cases that the person may see, one more than `rows` where there are more."""
    wanted = sorted((pk for pk in found if after is None or pk < after), reverse=True)
    visible: ComplaintQuerySet = Complaint.objects.visible_to(user)
    cases = visible.select_related("lead_department", "category").defer("narrative", "demand").order_by("-pk")
    shown: list[Complaint] = []
    for start in range(0, len(wanted), AT_ONCE):
        some = cases.filter(pk__in=wanted[start : start + AT_ONCE])
        shown.extend(some[: rows + 1 - len(shown)])
        if len(shown) > rows:
            break
    return shown

"""What a figure should be: targets from a month on, for everybody or for one department (AN-02)."""

from __future__ import annotations

import math
from datetime import datetime

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput
from accounts.models import Department, User
from analytics import figures, periods, permissions
from analytics.models import Target
from analytics.periods import Period
from analytics.registry import Figure, Unit
from analytics.scope import Scope

# Figures of the tiles for which more or less is better.
FIGURES = {
    figure.key: figure
    for figure in (figures.on_time_rate, figures.average_days, figures.satisfaction_rate, figures.overturned_rate)
}
NOTE = 200
MOST_DAYS = 3650


def put(
    figure: str,
    *,
    value: float,
    from_month: str,
    by: User,
    department: Department | None = None,
    note: str = "",
    at: datetime | None = None,
) -> Target:
    """Set what a figure should be from a month on: a rate from 0 to 1, or working days.

    An earlier target keeps counting for the months before. Raises NotAllowed, InvalidInput (figure, value, from_month).
    """
    permissions.require(by, permissions.BUILD)
    if figure not in FIGURES:
        raise InvalidInput("figure", _("There is no such figure."))
    most = 1 if FIGURES[figure].unit == Unit.RATIO else MOST_DAYS
    if not math.isfinite(value) or not 0 <= value <= most:
        raise InvalidInput("value", _("Give a rate from 0 to 100, or a number of days."))
    try:
        period = periods.parse(from_month)
    except InvalidInput as error:
        raise InvalidInput("from_month", str(error)) from error
    if period.months != 1:
        raise InvalidInput("from_month", _("Name a month, as 2026-10."))
    return Target.objects.create(
        figure=figure,
        department=department,
        value=value,
        from_month=period.code,
        note=note.strip()[:NOTE],
        at=at or timezone.now(),
        by=by,
    )


def in_force(period: Period, scope: Scope) -> dict[str, Target]:
    """The target of each figure in the last month of a period; a department's own goes before the general one."""
    single = scope.department or tuple(scope.departments or ())
    place = Q(department=None)
    if len(single) == 1:
        place |= Q(department__in=single)
    last = period.last_months(1)[0].code
    rows = Target.objects.filter(place, figure__in=FIGURES, from_month__lte=last)
    found: dict[str, Target] = {}
    for row in sorted(rows, key=lambda row: (row.department_id is not None, row.from_month, row.pk)):
        found[row.figure] = row
    return found


def is_met(figure: Figure, value: float, target: float) -> bool:
    """Whether a value, as written with one decimal, reaches its target."""
    digits = 3 if figure.unit == Unit.RATIO else 1
    value, target = round(value, digits), round(target, digits)
    return value >= target if figure.rising else value <= target

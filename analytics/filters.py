"""What the figures can be narrowed by: these parameters and nothing else (AZ-04)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import QueryDict

from accounts.models import User
from analytics import periods
from analytics.periods import Period
from analytics.permissions import scope_for
from analytics.scope import Scope

NAMES = (
    "period", "department", "channel", "category", "classification",
    "risk", "tier", "legal", "care", "emotion", "product", "outlet", "place", "step", "result", "basically", "base",
)  # fmt: skip


@dataclass(frozen=True)
class Selection:
    """A period and a scope, as asked for in an address."""

    period: Period
    scope: Scope
    department: str


def select(parameters: QueryDict, user: User, *, at: datetime) -> Selection:
    """Read an address; without a period it is the last finished month.

    Raises InvalidInput naming the parameter, NotAllowed.
    """
    asked = {name: parameters.get(name, "").replace("\x00", "") for name in NAMES}
    scope = scope_for(user, **{name: asked[name] for name in NAMES if name != "period"})
    period = periods.begun(asked["period"], at=at) if asked["period"] else periods.month_of(at).previous
    return Selection(period, scope, asked["department"])

"""Whose cases are counted: the viewer's rights and the filters they chose. Leaf: imports no models."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import F, Q, TextField
from django.db.models.functions import Cast
from django.db.models.lookups import Contains

from analytics.states import Result
from complaints.states import OPEN, Status

ANSWERED, REACHED, ASKED = "answered", "reached", "asked"


@dataclass(frozen=True)
class Formula:
    """How the three rates are counted: what is satisfied, and what they are divided by.

    `base`: call-backs that gave an answer, that reached the person, or all that were tried. What is left open is as
    the office has set it (three_rates.py).
    """

    basically: bool | None = None
    base: str = ""


_CLOSED = (Status.CLOSED, Status.ARCHIVED)
_JUDGED: dict[bool | None, Result] = {True: Result.VALID, False: Result.INVALID, None: Result.CLOSED}


def result_of(status: str, is_valid: bool | None) -> Result:
    """What became of a case, from its status and whether the complaint was judged valid."""
    if status in _CLOSED:
        return _JUDGED[is_valid]
    return Result.OPEN if status in OPEN else Result(status)


def _became(result: str, prefix: str) -> Q:
    """The condition that `result_of` gives this result."""
    if result == Result.OPEN:
        return Q(**{f"{prefix}status__in": OPEN})
    for is_valid, name in _JUDGED.items():
        if result == name:
            return Q(**{f"{prefix}status__in": _CLOSED, f"{prefix}is_valid": is_valid})
    return Q(**{f"{prefix}status": result})


@dataclass(frozen=True)
class Scope:
    """`departments` None is the whole organisation; the filters only ever narrow it.

    `sees_reviews`: reviews that are not final yet may be counted. A handling department learns of a
    review only with its result (RI-12), so its scope leaves them out. `by_first`: cases count under the
    category they were given first, not under the one they have now (CLS-15).
    """

    departments: frozenset[int] | None = None
    sees_reviews: bool = True
    sees_small_cells: bool = True
    department: tuple[int, ...] = ()
    channel: str = ""
    category: tuple[int, ...] = ()
    by_first: bool = False
    risk: str = ""
    tier: str = ""
    legal: tuple[int, ...] = ()
    care: str = ""
    emotion: int | None = None
    product: str = ""
    outlet: str = ""
    place: str = ""
    step: str = ""
    result: str = ""
    formula: Formula = field(default_factory=Formula)

    def cases(self, prefix: str = "") -> Q:
        """The condition on cases; `prefix` leads to the case, as "complaint__"."""
        condition = Q()
        if self.departments is not None:
            condition &= Q(**{f"{prefix}lead_department__in": sorted(self.departments)})
        if self.department:
            condition &= Q(**{f"{prefix}lead_department__in": self.department})
        if self.channel:
            condition &= Q(**{f"{prefix}channel": self.channel})
        if self.category and self.by_first:
            unchanged = Q(**{f"{prefix}first_category": None, f"{prefix}category__in": self.category})
            condition &= Q(**{f"{prefix}first_category__in": self.category}) | unchanged
        elif self.category:
            condition &= Q(**{f"{prefix}category__in": self.category})
        same = {
            "risk_grade": self.risk,
            "customer_tier": self.tier,
            "product": self.product,
            "outlet": self.outlet,
            "place": self.place,
            "business_step": self.step,
        }
        condition &= Q(**{f"{prefix}{name}": value for name, value in same.items() if value})
        if self.result:
            condition &= _became(self.result, prefix)
        if self.legal:
            condition &= Q(**{f"{prefix}legal_type__in": self.legal})
        if self.emotion is not None:
            condition &= Q(**{f"{prefix}emotion_intensity": self.emotion})
        if self.care:
            # The list is JSON: its text holds the code in quotation marks in every database.
            condition &= Q(Contains(Cast(F(f"{prefix}special_groups"), TextField()), f'"{self.care}"'))
        return condition

    @property
    def is_filtered(self) -> bool:
        chosen = (self.department, self.channel, self.category, self.risk, self.tier, self.legal, self.care)
        typed = (self.product, self.outlet, self.place, self.step)
        return any((*chosen, *typed, self.result)) or self.emotion is not None


WHOLE = Scope()

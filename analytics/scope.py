"""Whose cases are counted: the viewer's rights and the filters they chose. Leaf: imports no models."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q


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
        return condition

    @property
    def is_filtered(self) -> bool:
        return bool(self.department or self.channel or self.category)


WHOLE = Scope()

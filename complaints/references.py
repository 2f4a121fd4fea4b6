"""The small tables that every row of a list points at: departments, categories, office hours of policies.

Read by their keys from a copy that each process keeps for a minute, so that no list has to join them.
A renamed department shows its new name within that minute; a new row is found at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.cache import caches

from accounts.models import Department
from complaints.models import Category, Complaint, ServicePolicy

CACHE_SECONDS = 60
_KEY = "references"


@dataclass(frozen=True)
class References:
    """Rows by primary key. `slots` are the office hours of a policy, as stored."""

    departments: dict[int, str]
    categories: dict[int, Category]
    slots: dict[int, Any]

    def holds(self, complaint: Complaint) -> bool:
        """Whether everything this case points at is here."""
        return (
            (complaint.lead_department_id is None or complaint.lead_department_id in self.departments)
            and (complaint.category_id is None or complaint.category_id in self.categories)
            and complaint.policy_id in self.slots
        )


def of(complaints: Iterable[Complaint]) -> References:
    """The references of these cases; read again when one of them is not known yet."""
    found: References | None = caches["local"].get(_KEY)
    if found is None or not all(map(found.holds, complaints)):
        found = References(
            departments=dict(Department.objects.order_by().values_list("pk", "name")),
            categories=Category.objects.order_by().only("name", "name_en").in_bulk(),
            slots=dict(ServicePolicy.objects.order_by().values_list("pk", "slots")),
        )
        caches["local"].set(_KEY, found, CACHE_SECONDS)
    return found

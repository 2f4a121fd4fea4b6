"""The small tables that every row and filter of a list points at: categories and departments.

Each process reads them at most once a minute, so that no list has to join them. A renamed department
shows its new name within that minute; a row that points at a new one makes it known at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.core.cache import caches
from django.utils.translation import get_language

from accounts.models import Department, DepartmentKind
from complaints.models import Category, Complaint, Dimension

CACHE_SECONDS = 60
_KEY = "references"


@dataclass(frozen=True)
class Option:
    """A category or department as a filter offers it. `pks` also holds the subcategories."""

    code: str
    name: str
    name_en: str
    pks: tuple[int, ...]
    depth: int = 0

    @property
    def label(self) -> str:
        return self.name_en if self.name_en and get_language() == "en" else self.name


@dataclass(frozen=True)
class References:
    """Departments and categories by primary key, inactive ones too, and what a filter offers of them."""

    departments: dict[int, str]
    categories: dict[int, Option]
    options: dict[str, list[Option]]

    def department(self, complaint: Complaint) -> str:
        """Name of the lead department, '' without one."""
        return self.departments[complaint.lead_department_id] if complaint.lead_department_id else ""

    def category(self, complaint: Complaint) -> str:
        """Name of the category in the active language, '' without one."""
        return self.categories[complaint.category_id].label if complaint.category_id else ""

    def holds(self, complaint: Complaint) -> bool:
        return (complaint.lead_department_id in self.departments or not complaint.lead_department_id) and (
            complaint.category_id in self.categories or not complaint.category_id
        )


def known(needed_by: Iterable[Complaint] = ()) -> References:
    """The references; read again when one of the cases points at something new."""
    found: References | None = caches["local"].get(_KEY)
    if found is None or not all(map(found.holds, needed_by)):
        found = _read()
        caches["local"].set(_KEY, found, CACHE_SECONDS)
    return found


def _read() -> References:
    categories = list(Category.objects.all())
    departments = list(Department.objects.all())
    return References(
        departments={row.pk: row.name for row in departments},
        categories={row.pk: Option(row.code, row.name, row.name_en, (row.pk,)) for row in categories},
        options={
            "category": _tree([row for row in categories if row.is_active and row.dimension == Dimension.CATEGORY]),
            "department": [
                Option(row.code, row.name, "", (row.pk,))
                for row in departments
                if row.is_active and row.kind == DepartmentKind.HANDLING
            ],
        },
    )


def _tree(rows: list[Category]) -> list[Option]:
    children: dict[int | None, list[Category]] = {}
    for row in rows:
        children.setdefault(row.parent_id, []).append(row)
    found = []
    for top in children.get(None, []):
        below = children.get(top.pk, [])
        found.append(Option(top.code, top.name, top.name_en, (top.pk, *(row.pk for row in below))))
        found += [Option(row.code, row.name, row.name_en, (row.pk,), depth=1) for row in below]
    return found

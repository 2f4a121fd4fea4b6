"""What departments are called in English, for the public who read in English.

Results name a department as it was called when they were posted; the English name is looked up by it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from django.core.cache import caches
from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts import security
from accounts.errors import InvalidInput, NotAllowed
from accounts.models import Department, User

EDITORS = ("complaints.edit_reference", "accounts.configure_system")
# Pages remember the names for so many seconds; no longer than a reader may keep a page.
REMEMBERED = 30
_KEY = "english-names-of-departments"
_ENGLISH = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9À-ɏ][A-Za-z0-9À-ɏ &'’(),./-]*")


def english_names() -> dict[str, str]:
    """English name by name, of the departments that have one."""
    found: dict[str, str] | None = caches["local"].get(_KEY)
    if found is None:
        rows = Department.objects.exclude(name_en=None).exclude(name_en="").order_by("pk")
        found = {name: english for name, english in rows.values_list("name", "name_en") if english}
        caches["local"].set(_KEY, found, REMEMBERED)
    return found


def shown(name: str) -> str:
    """The name of a department in the language of the page; as it is where there is no English name."""
    return english_names().get(name, name) if get_language() == "en" else name


def mark(*, in_every_language: bool = False) -> str:
    """Changes when an English name changes; empty where there is none, and for pages that show none."""
    if not (in_every_language or get_language() == "en") or not english_names():
        return ""
    return hashlib.sha256(repr(english_names()).encode()).hexdigest()[:8]


@transaction.atomic
def name_in_english(names: Mapping[int, str], *, by: User) -> int:
    """Set the English names by primary key; an empty one takes it away. Returns how many changed.

    Raises NotAllowed, InvalidInput at `name_<pk>`.
    """
    _permit(by)
    changed = 0
    for row in Department.objects.select_for_update().filter(pk__in=names).order_by("pk"):
        name = names[row.pk].strip()
        _check_english(f"name_{row.pk}", name)
        if (row.name_en or "") != name:
            row.name_en = name or None
            row.save(update_fields=["name_en"])
            security.record("department_named", user=by, subject=row.code, name_en=name)
            changed += 1
    transaction.on_commit(lambda: caches["local"].delete(_KEY))
    return changed


@transaction.atomic
def save(
    department_id: int | None,
    *,
    name: str,
    name_en: str,
    kind: str,
    is_active: bool,
    by: User,
    code: str = "",
    parent: Department | None = None,
) -> Department:
    """Add a department, or change one: its code and its place stay.

    Closed it is offered nowhere; that needs its people and departments to have gone. What it did keeps its name of
    then. Raises NotAllowed, InvalidInput by field.
    """
    _permit(by)
    row = Department.objects.select_for_update().get(pk=department_id) if department_id else None
    if row is None:
        if Department.objects.filter(code__iexact=code).exists():
            raise InvalidInput("code", _("This identifier is taken."))
        row = Department(code=code.lower(), parent=parent)
    if Department.objects.filter(name=name.strip(), is_active=True).exclude(pk=row.pk).exists():
        raise InvalidInput("name", _("Another department is called so."))
    _check_english("name_en", name_en)
    if row.pk and row.is_active and not is_active:
        _check_empty(row)
    before = _plain(row)
    row.name, row.name_en, row.kind, row.is_active = name.strip(), name_en or None, kind, is_active
    if row.pk and _plain(row) == before:
        raise InvalidInput("name", _("Nothing was changed."))
    row.save()
    security.record("department_saved", user=by, subject=row.code, before=before, after=_plain(row))
    transaction.on_commit(lambda: caches["local"].delete(_KEY))
    return row


def _permit(by: User) -> None:
    if not by.is_active or not any(by.has_perm(permission) for permission in EDITORS):
        raise NotAllowed(_("Your role does not allow this."))


def _check_english(field: str, name: str) -> None:
    if name and (len(name) > 80 or not _ENGLISH.fullmatch(name)):
        raise InvalidInput(field, _("Write it in Latin letters, at most 80 characters."))


def _plain(row: Department) -> dict[str, object]:
    return {"name": row.name, "name_en": row.name_en, "kind": str(row.kind), "is_active": row.is_active}


def _check_empty(row: Department) -> None:
    if people := row.memberships.current().filter(user__is_active=True).count():
        raise InvalidInput("is_active", _("%(count)s people belong to it; move them first."), count=people)
    if row.children.filter(is_active=True).exists():
        raise InvalidInput("is_active", _("Other departments belong to it; close them first."))

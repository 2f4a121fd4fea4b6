"""The guard against writing over a colleague's change, for rows that carry no version: a mark of what was read."""

from __future__ import annotations

import hashlib

from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition


def mark(row: Model, *fields: str) -> str:
    """A short mark of these fields as they are now; it changes with any of them."""
    text = "\x1f".join(str(getattr(row, name)) for name in fields)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def check(row: Model, seen: str, *fields: str) -> None:
    """Raises IllegalTransition when somebody changed one of the fields since the mark was made."""
    if mark(row, *fields) != seen:
        raise IllegalTransition(_("Somebody changed this meanwhile. Reload the page and look at it again."))

"""Settings kept as revisions: a change is a new row, the newest counts, and nobody overwrites what they did not see."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput, StaleVersion

NOTE = 200


def why(note: str) -> str:
    """What changed and why, as it is stored. Raises InvalidInput at `note` when it says nothing."""
    if not note.strip():
        raise InvalidInput("note", _("Say what changed and why."))
    return note.strip()[:NOTE]


def following(table: type[models.Model], *, based_on: int) -> int:
    """The number of the next revision, 1 for the first. Raises StaleVersion when the person edited an older one.

    Holds the newest row until the end of the transaction. Who waited for it reads once more: the one before may
    have stored a revision meanwhile.
    """
    rows = table._default_manager.order_by("-revision").values_list("revision", flat=True)
    rows.select_for_update().first()
    newest = rows.first() or 0
    if newest != based_on:
        raise StaleVersion(newest)
    return newest + 1

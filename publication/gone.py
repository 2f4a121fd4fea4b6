"""Addresses that were public, whose rows a restored database does not have (DL-04, PR-06).

A restore leaves a mark without a word for each that the journal names, so that they answer 410 as they did before.
"""

from __future__ import annotations

from datetime import datetime

from publication.models import GoneAddress
from publication.states import GoneKind


def leave(kind: GoneKind, public_id: str, *, at: datetime) -> bool:
    """Mark an address as gone since `at`; False when it is marked already."""
    _row, is_new = GoneAddress.objects.get_or_create(kind=kind, public_id=public_id, defaults={"at": at})
    return is_new


def is_known(kind: GoneKind, public_id: str) -> bool:
    """Whether this address was public once; one query."""
    return GoneAddress.objects.filter(kind=kind, public_id=public_id).exists()

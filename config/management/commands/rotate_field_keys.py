"""Encrypt every stored value anew with the newest key (DL-07).

To replace a key: put the new one first in HUIYIN_FIELD_KEYS, stop the site, run this command with
`--drop-oldest`, take the last key out of HUIYIN_FIELD_KEYS, start the site.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import CommandParser
from django.db import models, transaction

from accounts import crypto
from accounts.crypto import EncryptedTextField
from accounts.management.base import ActionCommand, Failed
from accounts.models import FieldKeySentinel
from complaints import identity
from complaints.models import ContactPoint, OutreachRecipient

CHUNK = 500
# Rows that are found again by a keyed hash of their value.
MATCHED = (ContactPoint, OutreachRecipient)


class Command(ActionCommand):
    help = "Encrypts every stored value anew with the newest key of HUIYIN_FIELD_KEYS, all or nothing."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--drop-oldest",
            action="store_true",
            help="also compute the match hashes without the last key, so that it can be removed",
        )

    def run(self, *, drop_oldest: bool, **options: Any) -> dict[str, Any]:
        keys = list(settings.FIELD_KEYS)
        if drop_oldest and len(keys) < 2:
            raise Failed("HUIYIN_FIELD_KEYS holds one key only; put the new key in front of it first.")
        kept = keys[:-1] if drop_oldest else keys
        counts = {}
        try:
            with transaction.atomic():
                for model, names in _encrypted_models():
                    counts[model._meta.label] = _rotate(model, names, kept)
                with _only(kept):
                    FieldKeySentinel.objects.update(token=crypto.encrypt("huiyin"))
        except ValueError as error:
            raise Failed(
                f"Nothing was changed: {error}. Add the missing key at the end of HUIYIN_FIELD_KEYS."
            ) from error
        return {"rows": sum(counts.values()), "tables": counts}


def _encrypted_models() -> Iterator[tuple[type[models.Model], list[str]]]:
    for model in apps.get_models():
        names = [field.attname for field in model._meta.concrete_fields if isinstance(field, EncryptedTextField)]
        if names:
            yield model, names


def _rotate(model: type[models.Model], names: list[str], kept: list[str]) -> int:
    """Read with every key, write with the kept ones."""
    fields = [*names, "match_hash"] if issubclass(model, MATCHED) else names
    rows = model._default_manager.order_by("pk")  # by pages: a cursor held open would outlive a rollback
    following = rows
    count = 0
    while chunk := list(following[:CHUNK]):
        with _only(kept):
            for row in chunk:
                if isinstance(row, MATCHED):
                    row.match_hash = identity.match_hash(row.kind, row.value)
            model._default_manager.bulk_update(chunk, fields)
        count += len(chunk)
        following = rows.filter(pk__gt=chunk[-1].pk)
    return count


@contextmanager
def _only(keys: list[str]) -> Iterator[None]:
    """Work with these keys alone for a moment; this process does nothing else."""
    every, settings.FIELD_KEYS = settings.FIELD_KEYS, keys
    try:
        yield
    finally:
        settings.FIELD_KEYS = every

"""Contact data at rest: encrypted with rotatable keys, matched through keyed hashes.

`HUIYIN_FIELD_KEYS` lists Fernet keys, newest first: the first one encrypts, all decrypt. The hash
key is derived from the last (oldest) key, so adding a key changes no stored hash; dropping the
oldest one needs `manage.py rotate_field_keys`, which re-encrypts and re-hashes every row.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(text: str) -> str:
    """Encrypt with the newest key; the empty string stays empty."""
    return _fernet(tuple(settings.FIELD_KEYS)).encrypt(text.encode()).decode() if text else ""


def decrypt(token: str) -> str:
    """Decrypt with any of the keys. Raises ValueError when none fits."""
    if not token:
        return ""
    try:
        return _fernet(tuple(settings.FIELD_KEYS)).decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise ValueError("HUIYIN_FIELD_KEYS holds no key that opens this value") from error


def keyed_hash(kind: str, value: str) -> str:
    """HMAC-SHA256 of an already normalised value, for exact matching without reading it."""
    if not value:
        return ""
    mac = _keyed(settings.FIELD_KEYS[-1]).copy()
    mac.update(f"{kind}:{value}".encode())
    return mac.hexdigest()


@lru_cache(maxsize=4)
def _keyed(key: str) -> hmac.HMAC:
    """The hash of nothing yet; a copy of it goes on."""
    return hmac.new(hashlib.sha256(b"huiyin-hash:" + key.encode()).digest(), digestmod=hashlib.sha256)


class EncryptedTextField(models.TextField):
    """Text that is stored encrypted and read in clear; it can be neither filtered nor sorted by."""

    def get_prep_value(self, value):
        value = super().get_prep_value(value)
        return value if value is None else encrypt(value)

    def from_db_value(self, value, expression, connection):
        return value if value is None else decrypt(value)

    def get_lookup(self, lookup_name):
        if lookup_name not in ("isnull",):
            return None
        return super().get_lookup(lookup_name)

"""System checks: demo accounts and wrong keys cannot run in production (AU-06, DL-07)."""

from __future__ import annotations

from django.conf import settings
from django.core.checks import Error, Tags, register
from django.db import DatabaseError, connections


@register(Tags.security, Tags.database)
def production_is_clean(app_configs, databases=None, **kwargs):
    from accounts.models import User

    if not settings.PRODUCTION:
        return []
    errors = []
    if settings.DEBUG:
        errors.append(Error("DEBUG is on in production.", hint="Unset DEBUG.", id="huiyin.E001"))
    if "accounts_user" in connections["default"].introspection.table_names():
        try:
            if User.objects.filter(is_demo=True, is_active=True).exists():
                errors.append(
                    Error(
                        "Demo accounts exist in this database.",
                        hint="Use a database that was never seeded with demo data.",
                        id="huiyin.E002",
                    )
                )
        except DatabaseError:
            return errors
        problem = key_problem()
        if problem:
            errors.append(
                Error(
                    problem, hint="Set HUIYIN_FIELD_KEYS to the keys this database was filled with.", id="huiyin.E003"
                )
            )
    return errors


def key_problem() -> str:
    """Say what is wrong when the configured keys do not open the stored sentinel; else ''."""
    from accounts.crypto import decrypt, encrypt
    from accounts.models import FieldKeySentinel

    sentinel = FieldKeySentinel.objects.first()
    if sentinel is None:
        FieldKeySentinel.objects.create(token=encrypt("huiyin"))
        return ""
    try:
        decrypt(sentinel.token)
    except ValueError:
        return "HUIYIN_FIELD_KEYS does not open the data in this database."
    return ""

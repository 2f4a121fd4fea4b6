"""Errors that a person can act on. Pages show them as messages, the API as 409 or 403."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext_lazy as _


class DomainError(Exception):
    """A rule was broken; `code` is stable for programs, `message` says what and how to mend it."""

    code = "rule"

    def __init__(self, message, code: str | None = None, **params):
        self.code = code or self.code
        self.params = params
        self.message = message % params if params else message
        super().__init__(self.code)

    def __str__(self) -> str:
        return str(self.message)


class IllegalTransition(DomainError):
    """The action does not exist for the state the record is in."""

    code = "illegal_transition"


class StaleVersion(DomainError):
    """Somebody changed the record after the caller had read it."""

    code = "stale_version"

    def __init__(self, current: int):
        super().__init__(
            _(
                "Somebody else changed this record in the meantime. "
                "Reload it (it is now at version %(version)s) and decide again."
            ),
            version=current,
        )


class InvalidInput(DomainError):
    """A value is missing or wrong; `field` names it. The API answers 400 by field."""

    code = "invalid"

    def __init__(self, field: str, message, **params):
        self.field = field
        super().__init__(message, **params)


class NotAllowed(PermissionDenied):
    """The actor may see the record but not do this. Pages and API answer 403 with the reason."""

    code = "not_allowed"

    def __init__(self, message=_("You may not do this.")):
        self.message = message
        super().__init__(str(message))

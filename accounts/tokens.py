"""Tokens of programs that work in somebody's name: kept as a hash, for a limited time (AP-04)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.plumbing import build_bearer_security_scheme_object
from knox.auth import TokenAuthentication as KnoxAuthentication
from knox.crypto import hash_token
from knox.models import AuthToken
from knox.settings import CONSTANTS
from rest_framework.exceptions import AuthenticationFailed

from accounts import takedowns
from accounts.models import User

# How long a token may be used, in days, as its owner chooses.
LIFETIMES = (30, 90, 365)


@transaction.atomic
def issue(user: User, *, days: int) -> str:
    """A new token in place of the one before; it can be read only now. Raises ValueError for another lifetime."""
    if days not in LIFETIMES:
        raise ValueError(days)
    revoke(user)
    _row, token = AuthToken.objects.create(user=user, expiry=timedelta(days=days))
    return token


def keep(user: User, token: str) -> None:
    """Make a token that is known beforehand work, without end: for accounts of tests and trials only."""
    AuthToken.objects.get_or_create(
        digest=hash_token(token), defaults={"user": user, "token_key": token[: CONSTANTS.TOKEN_KEY_LENGTH]}
    )


def revoke(user: User) -> bool:
    """Take the person's token away. False when there was none. A restore does not bring it back (DL-04)."""
    revoked = bool(AuthToken.objects.filter(user=user).delete()[0])
    if revoked:
        takedowns.note(takedowns.What.TOKEN, user.pk, at=timezone.now())
    return revoked


def current(user: User) -> AuthToken | None:
    return AuthToken.objects.filter(user=user).first()


class TokenAuthentication(KnoxAuthentication):
    """The token in the Authorization header; what is no token at all is refused, not an error."""

    def authenticate_credentials(self, token: bytes) -> tuple[User, Any]:
        try:
            if token.isascii():
                return super().authenticate_credentials(token)
        except AuthenticationFailed:
            pass
        raise AuthenticationFailed(_("This token does not exist or has run out; make another on your page."))


class TokenScheme(OpenApiAuthenticationExtension):
    """How the schema of the API describes the token."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return build_bearer_security_scheme_object(header_name="Authorization", token_prefix="Token")  # noqa: S106 - the word before it

"""Sign-ins and failed sign-ins go into the security log (AT-06)."""

from __future__ import annotations

from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from accounts import security
from accounts.models import User


@receiver(user_logged_in, dispatch_uid="accounts.receivers.signed_in")
def signed_in(sender: object, request: HttpRequest | None, user: User, **kwargs: object) -> None:
    security.record("sign_in", user=user, request=request)


@receiver(user_login_failed, dispatch_uid="accounts.receivers.sign_in_failed")
def sign_in_failed(sender: object, request: HttpRequest | None = None, **kwargs: object) -> None:
    # What was typed is not kept: people type passwords into the wrong field.
    security.record("sign_in_failed", request=request)

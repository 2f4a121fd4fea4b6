"""How staff sign in: by staff number, no self-registration."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.shortcuts import resolve_url
from django.utils.translation import gettext_lazy as _


class StaffAdapter(DefaultAccountAdapter):
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": _("The staff number or password is wrong."),
        "too_many_login_attempts": _("Too many wrong attempts. Try again in 5 minutes."),
    }

    def is_open_for_signup(self, request) -> bool:
        return False

    def populate_username(self, request, user) -> None:
        """Staff numbers come from the organisation, never from a name."""

    def get_login_redirect_url(self, request) -> str:
        """To the queue, or to the own profile for whoever has no desk (the administrator)."""
        if request.user.has_perm("complaints.use_desk"):
            return resolve_url(settings.LOGIN_REDIRECT_URL)
        return resolve_url("accounts:profile")


class TwoStepAdapter(DefaultMFAAdapter):
    """The code of the second step, in our words."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("The code is wrong. Enter the newest one."),
    }

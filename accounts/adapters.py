"""How staff sign in: by staff number, no self-registration."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter


class StaffAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request) -> bool:
        return False

    def populate_username(self, request, user) -> None:
        """Staff numbers come from the organisation, never from a name."""

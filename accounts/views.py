"""A person's own page: who I am here, what I may do, my API token, my last sign-ins."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import security, tokens
from accounts.models import SecurityEvent, User
from accounts.roles import ROLE_BY_KEY
from accounts.web import StaffRequest

SIGN_INS_SHOWN = 10


@login_required
def profile(request: StaffRequest) -> HttpResponse:
    """What the system knows about the person who is signed in."""
    return render(request, "accounts/profile.html", _context(request.user))


@login_required
@require_POST
def create_token(request: StaffRequest) -> HttpResponse:
    """Make a token for the API in place of the one before, and show it this once."""
    days = {str(days): days for days in tokens.LIFETIMES}.get(request.POST.get("days", ""))
    if days is None:
        messages.error(request, _("Choose how long the token may be used."))
        return redirect("accounts:profile")
    with transaction.atomic():
        token = tokens.issue(request.user, days=days)
        security.record("token_created", user=request.user, request=request, days=days)
    return render(request, "accounts/profile.html", {**_context(request.user), "new_token": token})


@login_required
@require_POST
def revoke_token(request: StaffRequest) -> HttpResponse:
    """Take the token away: programs that use it are refused from now on."""
    if tokens.revoke(request.user):
        security.record("token_revoked", user=request.user, request=request)
        messages.success(request, _("The token is revoked."))
    return redirect("accounts:profile")


def _context(user: User) -> dict:
    roles = [ROLE_BY_KEY.get(name) for name in user.groups.order_by("name").values_list("name", flat=True)]
    return {
        "person": user,
        "memberships": user.memberships.select_related("department").order_by("-since"),
        "certificates": user.certificates.order_by("-valid_until"),
        "roles": [role.name for role in roles if role],
        "token": tokens.current(user),
        "lifetimes": tokens.LIFETIMES,
        "sign_ins": SecurityEvent.objects.filter(kind="sign_in", user=user).order_by("-at", "-pk")[:SIGN_INS_SHOWN],
    }

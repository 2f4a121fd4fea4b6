"""Write the security log; find out where a request came from."""

from __future__ import annotations

from django.conf import settings

from accounts.models import SecurityEvent


def client_address(request) -> str | None:
    """The client's address: behind N trusted proxies the Nth from the right of X-Forwarded-For (AU-04)."""
    if settings.TRUSTED_PROXIES:
        hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
        if len(hops) >= settings.TRUSTED_PROXIES:
            return hops[-settings.TRUSTED_PROXIES]
    return request.META.get("REMOTE_ADDR") or None


def record(kind: str, *, user=None, request=None, subject: str = "", **detail) -> SecurityEvent:
    """Append one security event. `subject` and `detail` hold ids and codes, never personal data."""
    return SecurityEvent.objects.create(
        kind=kind,
        user=user if user is not None and user.is_authenticated else None,
        address=client_address(request) if request is not None else None,
        subject=subject,
        detail=detail,
    )

"""Liveness without data (AP-12)."""

from django.http import HttpRequest, HttpResponse


def healthz(request: HttpRequest) -> HttpResponse:
    """Say that the process answers; nothing about what it holds."""
    return HttpResponse("ok", content_type="text/plain", headers={"Cache-Control": "no-store"})

"""What the pages of all apps share: the request behind the sign-in, forms that offer rows, files to take away."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django_htmx.middleware import HtmxDetails

from accounts.models import User


class StaffRequest(HttpRequest):
    """The request of a view behind the sign-in; `htmx` is set by the middleware for every request."""

    user: User  # type: ignore[assignment]  # nobody anonymous gets past the sign-in
    htmx: HtmxDetails


def offer(form: forms.Form, name: str, rows: QuerySet[Any]) -> None:
    """Let the field choose among these rows."""
    cast(forms.ModelChoiceField, form.fields[name]).queryset = rows


def attachment(content: bytes, name: str, kind: str) -> HttpResponse:
    """A download that no cache keeps. `name` is plain ASCII of our own making, `kind` its content type."""
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response

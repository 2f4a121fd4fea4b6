"""The security log to read: sign-ins, refusals, who looked at whose data, who changed the rules (AT-06)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.models import SecurityEvent, User
from accounts.web import StaffRequest
from complaints import keyset
from complaints.desk_access import needs
from complaints.filters import DayField, start_of
from complaints.security_words import KINDS

PERMISSION = "accounts.read_security_log"
PAGE_SIZE = 50
# Indexes (at), (kind, at) and (user, at).
_NEWEST_FIRST = keyset.Order((keyset.Segment(Q(), "at", descending=True),))


class LogFilter(forms.Form):
    """Which rows of the log to see."""

    kind = forms.ChoiceField(label=_("Kind of event"), required=False, choices=[("", _("Everything")), *KINDS.items()])
    person = forms.CharField(label=_("Staff number"), required=False, max_length=32)
    since = DayField(label=_("From day"), required=False)
    until = DayField(label=_("To day"), required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("since") and data.get("until") and data["since"] > data["until"]:
            self.add_error("until", _("This day is before the first one."))
        return data


@needs(PERMISSION)
@require_safe
def log(request: StaffRequest) -> HttpResponse:
    """The log, newest first."""
    form = LogFilter(request.GET)
    rows = SecurityEvent.objects.select_related("user")
    if form.is_valid():
        rows = rows.filter(_chosen(form.cleaned_data))
    found = keyset.page(
        rows, _NEWEST_FIRST, size=PAGE_SIZE, after=request.GET.get("after", ""), before=request.GET.get("before", "")
    )
    query = request.GET.copy()
    for name in ("after", "before"):
        query.pop(name, None)
    kept = query.urlencode()
    named = _people(found.rows)
    context = {
        "form": form,
        "lines": [
            (row, KINDS.get(row.kind, row.kind), named.get(row.subject), _facts(row.detail)) for row in found.rows
        ],
        "previous_url": f"?{kept}&before={found.before}" if found.before else "",
        "next_url": f"?{kept}&after={found.after}" if found.after else "",
    }
    return render(request, "complaints/security_log.html", context, status=200 if form.is_valid() else 422)


def _chosen(data: dict[str, Any]) -> Q:
    chosen = Q()
    if data["kind"]:
        chosen &= Q(kind=data["kind"])
    if data["person"]:
        chosen &= Q(user__staff_number__iexact=data["person"].strip())
    if data["since"]:
        chosen &= Q(at__gte=start_of(data["since"]))
    if data["until"]:
        chosen &= Q(at__lt=start_of(data["until"] + timedelta(days=1)))
    return chosen


def _people(rows: list[SecurityEvent]) -> dict[str, User]:
    """Whom the rows are about, by their subjects `user:<id>`; one query."""
    ids = [row.subject[5:] for row in rows if row.subject.startswith("user:")]
    found = User.objects.in_bulk([int(number) for number in ids if number.isdecimal()])
    return {f"user:{pk}": person for pk, person in found.items()}


def _facts(detail: dict[str, Any]) -> str:
    """The codes and identifiers a row holds, on one line."""
    return "; ".join(f"{name}: {_plain(value)}" for name, value in detail.items() if value not in ("", None, [], {}))


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(item)}" for name, item in value.items())
    return str(value)

"""The security log to read: sign-ins, refusals, who looked at whose data, who changed the rules (AT-06)."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.models import SecurityEvent
from accounts.web import StaffRequest
from complaints import keyset
from complaints.desk_access import needs
from complaints.security_words import KINDS

PERMISSION = "accounts.read_security_log"
PAGE_SIZE = 50
# Indexes (at), (kind, at) and (user, at).
_NEWEST_FIRST = keyset.Order((keyset.Segment(Q(), "at", descending=True),))


class LogFilter(forms.Form):
    """Which rows of the log to see."""

    kind = forms.ChoiceField(label=_("Kind of event"), required=False, choices=[("", _("Everything")), *KINDS.items()])
    person = forms.CharField(label=_("Staff number"), required=False, max_length=32)
    since = forms.DateField(
        label=_("From day"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    until = forms.DateField(
        label=_("To day"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

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
    context = {
        "form": form,
        "lines": [(row, KINDS.get(row.kind, row.kind), _facts(row)) for row in found.rows],
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
        chosen &= Q(at__gte=_midnight(data["since"]))
    if data["until"]:
        chosen &= Q(at__lt=_midnight(data["until"] + timedelta(days=1)))
    return chosen


def _midnight(day: Any) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _facts(row: SecurityEvent) -> str:
    """The codes and identifiers a row holds, on one line."""
    return "; ".join(f"{name}: {value}" for name, value in row.detail.items() if value not in ("", None, [], {}))

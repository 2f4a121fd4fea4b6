"""Pages about public opinion and rehearsals of a crisis, for those who work on risk (RISK-20, RISK-21, RISK-26)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.errors import InvalidInput
from accounts.web import StaffRequest
from complaints import keyset, transitions
from complaints.desk_access import needs
from complaints.models import Complaint, Drill, OpinionSignal
from complaints.risk_forms import DrillForm, SignalAnswer, SignalForm, SignalLink
from complaints.transitions.risk import PERMISSION

PAGE_SIZE = 30
# Index signal_seen; drills follow their key, newest record first.
_BY_TIME = keyset.Order((keyset.Segment(Q(), "seen_at", descending=True),))
_NEWEST = keyset.Order((keyset.Segment(Q(), None, descending=True),))


@needs(PERMISSION)
def signals(request: StaffRequest) -> HttpResponse:
    """What was said about us in public, newest first, with how fast we answered."""
    rows = OpinionSignal.objects.select_related("complaint", "responded_by")
    state = request.GET.get("state", "")
    if state == "open":
        rows = rows.filter(responded_at=None)
    found = keyset.page(rows, _BY_TIME, size=PAGE_SIZE, **_place(request))
    about = {row.complaint_id for row in found.rows if row.complaint_id}
    visible = set(Complaint.objects.visible_to(request.user).filter(pk__in=about).values_list("pk", flat=True))
    now = timezone.now()
    query = "state=open&" if state == "open" else ""
    context = {
        "active": "signals",
        "items": [(row, minutes(row, now), row.complaint_id in visible) for row in found.rows],
        "state": state,
        **_links("complaints:signals", found, query),
    }
    return render(request, "complaints/risk/signals.html", context)


def minutes(row: OpinionSignal, now: Any) -> int:
    """Whole minutes from being seen to the response, or until now."""
    return max(0, int(((row.responded_at or now) - row.seen_at).total_seconds() // 60))


@needs(PERMISSION)
def add_signal(request: StaffRequest) -> HttpResponse:
    """Register a signal by hand."""
    form = SignalForm(request.POST if request.method == "POST" else None, user=request.user)

    def write() -> OpinionSignal:
        now = timezone.now()
        values = {**form.cleaned_data, "seen_at": form.cleaned_data["seen_at"] or now}
        return transitions.add_signal(by=request.user, at=now, **values)[0]

    if _written(form, write):
        messages.success(request, _("The signal was registered."))
        return redirect("complaints:signals")
    return _form_page(request, form, _("Register a signal"), "complaints:signals")


@needs(PERMISSION)
def answer_signal(request: StaffRequest, pk: int) -> HttpResponse:
    """Record what was done about a signal."""
    row = get_object_or_404(OpinionSignal, pk=pk)
    form = SignalAnswer(request.POST if request.method == "POST" else None, initial={"response": row.response})
    if _written(form, lambda: transitions.answer_signal(row.pk, by=request.user, **form.cleaned_data)):
        messages.success(request, _("The response was recorded."))
        return redirect("complaints:signals")
    return _form_page(request, form, _("Record the response"), "complaints:signals", about=row.text)


@needs(PERMISSION)
def link_signal(request: StaffRequest, pk: int) -> HttpResponse:
    """Say which case a signal is about."""
    row = get_object_or_404(OpinionSignal, pk=pk)
    form = SignalLink(request.POST if request.method == "POST" else None, user=request.user)
    if _written(form, lambda: transitions.link_signal(row.pk, by=request.user, **form.cleaned_data)):
        messages.success(request, _("The signal is linked to the case; its risk was graded again."))
        return redirect("complaints:signals")
    return _form_page(request, form, _("Link with a case"), "complaints:signals", about=row.text)


@needs(PERMISSION)
def drills(request: StaffRequest) -> HttpResponse:
    """Rehearsals of a crisis, the newest record first."""
    found = keyset.page(Drill.objects.select_related("by"), _NEWEST, size=PAGE_SIZE, **_place(request))
    context = {"active": "signals", "items": found.rows, **_links("complaints:drills", found)}
    return render(request, "complaints/risk/drills.html", context)


@needs(PERMISSION)
def add_drill(request: StaffRequest) -> HttpResponse:
    """Record a rehearsal."""
    form = DrillForm(request.POST if request.method == "POST" else None)
    if _written(form, lambda: transitions.add_drill(by=request.user, **form.cleaned_data)):
        messages.success(request, _("The drill was recorded."))
        return redirect("complaints:drills")
    return _form_page(request, form, _("Record a drill"), "complaints:drills")


def _written(form: forms.Form, write: Any) -> bool:
    """Run the transition of a valid form; a broken rule becomes an error at its field."""
    if not form.is_bound or not form.is_valid():
        return False
    try:
        write()
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
    return not form.errors


def _place(request: StaffRequest) -> dict[str, str]:
    return {"after": request.GET.get("after", ""), "before": request.GET.get("before", "")}


def _links(name: str, found: keyset.Page, query: str = "") -> dict[str, str]:
    here = reverse(name)
    return {
        "previous_url": f"{here}?{query}before={found.before}" if found.before else "",
        "next_url": f"{here}?{query}after={found.after}" if found.after else "",
    }


def _form_page(request: StaffRequest, form: forms.Form, title: str, back: str, about: str = "") -> HttpResponse:
    values = {"active": "signals", "form": form, "title": title, "back": reverse(back), "about": about}
    return render(request, "complaints/risk/form.html", values, status=422 if form.is_bound else 200)

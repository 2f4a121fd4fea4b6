"""Incidents: one event that many complain about; suggested groups become one (SCR-09)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import DomainError, InvalidInput, NotAllowed
from accounts.models import User
from accounts.web import StaffRequest
from complaints import incident_groups, keyset, office_terms, transitions
from complaints.choice_fields import CategoryField, LongText
from complaints.desk_access import needs
from complaints.models import Complaint, Dimension, Incident
from complaints.states import OPEN

PERMISSION = "complaints.merge_complaints"
PAGE_SIZE = 30
MAX_CASES = 200
_NEWEST = keyset.Order(segments=(keyset.Segment(Q(), "opened_at", descending=True),))
_CASES = keyset.Order(segments=(keyset.Segment(Q(), "received_at", descending=True),))


class OpenIncidentForm(forms.Form):
    """An incident from chosen cases, each by its number."""

    title = forms.CharField(
        label=_("Name of the incident"),
        max_length=120,
        error_messages={"required": _("Say in one sentence what happened.")},
    )
    summary = forms.CharField(label=_("What is known"), required=False, max_length=4000, widget=LongText(3))
    category = CategoryField(Dimension.CATEGORY, label=_("Category"), required=False)
    place = forms.CharField(label=_("Place"), required=False, max_length=200)
    cases = forms.ModelMultipleChoiceField(
        Complaint.objects.none(),
        to_field_name="number",
        label=_("Cases"),
        error_messages={
            "required": _("Choose at least one case."),
            "invalid_choice": _("There is no such case."),
        },
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["cases"].queryset = Complaint.objects.visible_to(user)  # type: ignore[attr-defined]

    def offered(self) -> list[Complaint]:
        """The cases named by the address or sent with the form, newest first."""
        named = self["cases"].value() or []
        cases = self.fields["cases"].queryset.filter(number__in=named[:MAX_CASES])  # type: ignore[attr-defined]
        return list(cases.for_list().order_by("-received_at", "-pk"))


class CloseIncidentForm(forms.Form):
    summary = forms.CharField(
        label=_("How it ended"),
        max_length=4000,
        widget=LongText(4),
        error_messages={"required": _("Say how it ended.")},
    )


@needs(PERMISSION)
@require_safe
def incidents(request: StaffRequest) -> HttpResponse:
    """All incidents, newest first, with how many of their cases are still open."""
    still_open = Count("complaints", filter=Q(complaints__status__in=[str(status) for status in OPEN]))
    found = keyset.page(
        Incident.objects.select_related("category").annotate(cases=Count("complaints"), open_cases=still_open),
        _NEWEST,
        size=PAGE_SIZE,
        after=request.GET.get("after", ""),
        before=request.GET.get("before", ""),
    )
    return render(request, "complaints/incidents/list.html", {"incidents": found.rows, **_pages(found)})


@needs(PERMISSION)
@require_safe
def groups(request: StaffRequest) -> HttpResponse:
    """Groups of open cases of the last days that look like one event."""
    days = office_terms.of("alike")
    found = incident_groups.suggested(request.user, days=days, at=timezone.now())
    context = {"groups": found, "days": days, "least": incident_groups.LEAST}
    return render(request, "complaints/incidents/groups.html", context)


@needs(PERMISSION)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: StaffRequest) -> HttpResponse:
    """Open an incident from the chosen cases."""
    if request.method != "POST":
        initial: dict[str, Any] = {
            name: request.GET[name][:200] for name in ("title", "place", "category") if name in request.GET
        }
        initial["cases"] = request.GET.getlist("case")[:MAX_CASES]
        return _new_page(request, OpenIncidentForm(user=request.user, initial=initial))
    form = OpenIncidentForm(request.POST, user=request.user)
    if not form.is_valid():
        return _new_page(request, form, status=422)
    data = form.cleaned_data
    try:
        incident = transitions.open_incident([case.pk for case in data.pop("cases")], by=request.user, **data)
    except NotAllowed:
        raise
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return _new_page(request, form, status=422)
    except DomainError as error:
        form.add_error("cases", str(error))
        return _new_page(request, form, status=409)
    messages.success(request, _("Incident %(number)s opened") % {"number": incident.number})
    return redirect("complaints:incident", incident.number)


@needs(PERMISSION)
@require_safe
def incident(request: StaffRequest, number: str) -> HttpResponse:
    """One incident and the cases in it that the person may see."""
    return _incident_page(request, get_object_or_404(_named(), number=number), CloseIncidentForm())


@needs(PERMISSION)
@require_POST
def close(request: StaffRequest, number: str) -> HttpResponse:
    """Nothing more is added; the cases go on each by itself."""
    row = get_object_or_404(_named(), number=number)
    form = CloseIncidentForm(request.POST)
    if not form.is_valid():
        return _incident_page(request, row, form, status=422)
    try:
        transitions.close_incident(row.pk, by=request.user, **form.cleaned_data)
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return _incident_page(request, row, form, status=422)
    messages.success(request, _("Incident %(number)s closed") % {"number": row.number})
    return redirect("complaints:incident", row.number)


def _named():
    return Incident.objects.select_related("category", "opened_by", "closed_by")


def _new_page(request: StaffRequest, form: OpenIncidentForm, *, status: int = 200) -> HttpResponse:
    chosen = set(form["cases"].value() or [])
    context = {"form": form, "cases": form.offered(), "chosen": chosen}
    return render(request, "complaints/incidents/new.html", context, status=status)


def _incident_page(request: StaffRequest, row: Incident, form: CloseIncidentForm, *, status: int = 200) -> HttpResponse:
    cases = Complaint.objects.visible_to(request.user).filter(incident=row)
    found = keyset.page(
        cases.for_list(),
        _CASES,
        size=PAGE_SIZE,
        after=request.GET.get("after", ""),
        before=request.GET.get("before", ""),
    )
    still_open = Count("pk", filter=Q(status__in=[str(status) for status in OPEN]))
    context = {
        "incident": row,
        "cases": found.rows,
        "form": form,
        **cases.aggregate(total=Count("pk"), open_cases=still_open),
        **_pages(found, row.number),
    }
    return render(request, "complaints/incidents/detail.html", context, status=status)


def _pages(found: keyset.Page, number: str = "") -> dict[str, str]:
    here = reverse("complaints:incident", args=[number]) if number else reverse("complaints:incidents")
    return {
        "previous_url": f"{here}?before={found.before}" if found.before else "",
        "next_url": f"{here}?after={found.after}" if found.after else "",
    }

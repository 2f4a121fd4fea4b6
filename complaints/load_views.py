"""Pages of the load and of the time of a case, and taking the next one (ASG-05, ASG-06, ASG-13, SLA-04)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.errors import DomainError
from accounts.web import StaffRequest
from complaints import case_access, case_records, ledger_page, load, office_terms, queue, queue_rows, transitions
from complaints.calendars import CalendarMissing
from complaints.desk_access import needs
from complaints.models import Complaint

# Who allocates work sees it by person; who reads figures sees departments.
ALLOCATES = ("complaints.assign_complaint", "complaints.lead_department")


@needs(*ALLOCATES, "analytics.view_figures")
@require_safe
def load_page(request: StaffRequest) -> HttpResponse:
    """What every department has on hand now, opened by person."""
    if request.GET.get("view") == "ledger":  # addresses that were kept
        return redirect("analytics:time")
    scope, now = load.may_count(request.user), timezone.now()
    lines = load.departments(scope, now=now)
    load.add_links(lines, request.user)
    context: dict[str, Any] = {"here": "now", "lines": lines, "now": now, "may_open": _allocates(request)}
    soon = {"n": office_terms.recent("soon")}
    context["soon_words"] = ngettext("Due within %(n)s working day", "Due within %(n)s working days", soon["n"]) % soon
    if context["may_open"]:
        opened = request.GET.get("department", "")
        context["opened"] = next((line for line in lines if line.key and opened and line.code == opened), None)
        context["people"] = load.people(context["opened"].key, now=now) if context["opened"] else []
    return render(request, "complaints/load.html", context)


def _allocates(request: StaffRequest) -> bool:
    return any(request.user.has_perm(name) for name in ALLOCATES)


@login_required
@require_safe
def ledger(request: StaffRequest, number: str) -> HttpResponse:
    """Who had the time of one case, for whoever sees the case."""
    complaint = case_access.visible_case(request.user, number)
    case_records.load(complaint)
    context: dict[str, Any] = {"complaint": complaint, "active": "cases"}
    try:
        context |= ledger_page.context(complaint, now=timezone.now())
    except CalendarMissing as error:
        context["missing"] = error.year
    return render(request, "complaints/ledger.html", context)


@needs(load.HANDLE)
@require_POST
def take_next(request: StaffRequest) -> HttpResponse:
    """Take over the case of the own department that is due first and open it."""
    none = _("No case of your department waits to be taken over.")
    return _take(request, transitions.take_next, done=_("You have taken over this case."), none=none)


@needs("complaints.screen_complaint")
@require_POST
def take_next_screening(request: StaffRequest) -> HttpResponse:
    """Take the registered case that is due first, to decide on it, and open it."""
    none = _("No case waits to be screened that nobody has in hand.")
    return _take(request, transitions.take_next_screening, done=_("This case is yours to screen."), none=none)


def _take(request: StaffRequest, rule: Callable[..., Complaint | None], *, done: str, none: str) -> HttpResponse:
    try:
        taken = rule(by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("complaints:queue")
    if taken is None:
        messages.info(request, none)
        return redirect("complaints:queue")
    queue.forget_counts(request.user)
    messages.success(request, done)
    return redirect(queue_rows.case_url(taken.number))

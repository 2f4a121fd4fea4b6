"""Pages of the other systems: the settings, and the records of a case (CASE-06…09)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import security
from accounts.errors import DomainError, IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.web import StaffRequest
from complaints import case_access, case_page, connect, external, keyset, permissions
from complaints.desk_access import needs
from complaints.external_forms import RecordForm, RevealForm, SystemForm
from complaints.models import Complaint, ExternalRecord, ExternalSystem
from complaints.record_views import REVEALS_PER_DAY, REVEALS_PER_HOUR, reveals_since

PAGE_SIZE = 50


# --- Settings -----------------------------------------------------------------------------------------
@needs(external.CONFIGURE)
@require_safe
def systems(request: StaffRequest) -> HttpResponse:
    """The systems whose records are attached to cases; 50 to a page."""
    after = request.GET.get("after", "")
    rows = ExternalSystem.objects.defer("token").select_related("changed_by")
    found, following = keyset.by_key(rows, after, size=PAGE_SIZE, newest_first=False)
    context = {"rows": found, "next": following, "after": after}
    return render(request, "complaints/external/systems.html", context)


@needs(external.CONFIGURE)
@require_http_methods(["GET", "HEAD", "POST"])
def system_edit(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Add or change a system; a stored token is never shown."""
    row = get_object_or_404(ExternalSystem, pk=pk) if pk else None
    form = SystemForm(request.POST if request.method == "POST" else None, system=row)
    status, problem = 200, ""
    if form.is_bound and form.is_valid():
        try:
            external.save_system(pk, by=request.user, **form.cleaned_data)
        except InvalidInput as error:
            form.show(error)
        except StaleVersion:
            status = 409
            problem = _("Somebody else changed this meanwhile. Open the page anew, then change it again.")
        else:
            messages.success(request, _("Saved."))
            return redirect("complaints:external_systems")
    if form.errors:
        status = 422
    context = {"form": form, "row": row, "problem": problem, "has_token": bool(row and row.token)}
    return render(request, "complaints/external/system.html", context, status=status)


# --- The records of a case ----------------------------------------------------------------------------
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def records(request: StaffRequest, number: str) -> HttpResponse:
    """What other systems hold on a case, and attaching one more by its key."""
    complaint = case_access.visible_case(request.user, number)
    if request.method != "POST":
        return _page(request, complaint)
    form = RecordForm(request.POST)
    if not form.is_valid():
        return _page(request, complaint, form=form, status=422)
    try:
        external.attach(complaint.pk, by=request.user, **form.cleaned_data)
    except InvalidInput as error:
        form.show(error)
        return _page(request, complaint, form=form, status=422)
    except NotAllowed as error:
        case_access.refuse(request, complaint, "external", str(error))
    except IllegalTransition as error:
        return _page(request, complaint, form=form, status=409, problem=str(error))
    messages.success(request, _("The record is attached."))
    return redirect("complaints:external_records", complaint.number)


@login_required
@require_POST
def fetch(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    """Ask the other system now; what was known stays when it does not answer."""
    complaint = case_access.visible_case(request.user, number)
    row = case_access.child(complaint.external_records.all(), pk)
    try:
        external.fetch(row.pk, by=request.user)
    except connect.NotAnswered as error:
        return _page(request, complaint, status=502, problem=error.words, failed=row.pk)
    except NotAllowed as error:
        case_access.refuse(request, complaint, "external", str(error))
    except DomainError as error:
        return _page(request, complaint, status=409, problem=str(error))
    messages.success(request, _("The other system answered; its facts are below."))
    return redirect("complaints:external_records", complaint.number)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def reveal(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    """The facts of one record in clear, with the reason in the log (AZ-06)."""
    complaint = case_access.visible_case(request.user, number)
    rows: Any = complaint.external_records.select_related("system")
    row: ExternalRecord = case_access.child(rows, pk)
    refused = permissions.reveal_refusal(request.user, complaint)
    if refused:
        case_access.refuse(request, complaint, "reveal", refused)
    form = RevealForm(request.POST if request.method == "POST" else None)
    facts: dict[str, str] = {}
    status, problem, now = 200, "", timezone.now()
    if form.is_bound and reveals_since(request.user, now - timedelta(hours=1)) >= REVEALS_PER_HOUR:
        status = 429
        problem = _("You looked at %(count)s complainants within an hour; go on later.") % {"count": REVEALS_PER_HOUR}
    elif form.is_bound and form.is_valid():
        try:
            facts = external.reveal(row.pk, by=request.user, reason=form.cleaned_data["reason"], at=now)
        except InvalidInput as error:
            form.show(error)
        if reveals_since(request.user, now - timedelta(days=1)) == REVEALS_PER_DAY + 1:
            security.record(
                "many_reveals", user=request.user, request=request, subject=complaint.number, count=REVEALS_PER_DAY + 1
            )
    if form.errors:
        status = 422
    context = {
        **_about(complaint),
        "row": row,
        "form": form,
        "facts": list(facts.items()),
        "problem": problem,
        "is_shown": bool(form.is_bound and status == 200),
    }
    return render(request, "complaints/external/reveal.html", context, status=status)


def _about(complaint: Complaint) -> dict[str, Any]:
    return {"complaint": complaint, "active": "cases", "badge": case_page.badge(complaint)}


def _page(
    request: StaffRequest,
    complaint: Complaint,
    *,
    form: RecordForm | None = None,
    status: int = 200,
    problem: str = "",
    failed: int = 0,
) -> HttpResponse:
    rows = complaint.external_records.select_related("system", "by")[: external.MOST_RECORDS]
    refusal = external.refusal(request.user, complaint)
    context = {
        **_about(complaint),
        "records": external.shown(rows, complaint, may_add=not refusal),
        "may_reveal": not permissions.reveal_refusal(request.user, complaint),
        "may_add": not refusal and complaint.status != "archived",
        "offers": ExternalSystem.objects.filter(is_active=True).exists(),
        "form": form or RecordForm(),
        "problem": problem,
        "failed": failed,
    }
    return render(request, "complaints/external/records.html", context, status=status)

"""Pages of the archive: the file of one case with who reads it, and the list of files (ARC-01…04, ARC-11, ARC-12)."""

from __future__ import annotations

import tempfile
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Max, Min
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST, require_safe

from accounts import security
from accounts.errors import DomainError, InvalidInput, NotAllowed
from accounts.models import Department
from accounts.web import StaffRequest
from complaints import appraisals, archive, case_access, case_page, dossier, filters, keyset, settings_views
from complaints.archive_forms import ConsultationForm, DecisionForm
from complaints.desk_access import needs
from complaints.models import CaseFile, Complaint, Consultation, RetentionClass
from complaints.states import RequestState, Status
from complaints.transitions import consultation

PAGE_SIZE = 50


# --- The file of a case -------------------------------------------------------------------------
@login_required
@require_safe
def case_file(request: StaffRequest, number: str) -> HttpResponse:
    """Number, class and index of the file, what it lacks, and who asked to read it."""
    return _file_page(request, case_access.visible_case(request.user, number))


def _file_page(
    request: StaffRequest, complaint: Complaint, *, status: int = 200, problem: str = "", **forms: Any
) -> HttpResponse:
    user, now = request.user, timezone.now()
    archived = complaint.status == Status.ARCHIVED
    file = archive.ensure_file(complaint.pk) if archived else None
    index = file.index if file is not None else archive.build_index(complaint)
    found = list(complaint.consultations.select_related("requested_by", "decided_by"))
    decides = user.has_perm(consultation.APPROVE)
    bound: DecisionForm | None = forms.get("decision")
    lines = []
    for row in found:
        row.complaint = complaint
        waits = row.state == RequestState.REQUESTED and decides and row.requested_by_id != user.pk
        form = bound if bound is not None and forms.get("decided") == row.pk else DecisionForm(consultation_id=row.pk)
        lines.append((row, form if waits else None, consultation.may_fetch(row, user, at=now)))
    context = {
        "complaint": complaint,
        "active": "cases",
        "badge": case_page.badge(complaint),
        "file": file,
        "archived": archived,
        "rows": dossier.rows(archive.readable(index, user)),
        "missing": dossier.shown_missing(file)
        if file
        else [(archive.MANDATORY[code], "") for code in _lacks(complaint)],
        "english": get_language() == "en",
        "consultations": lines,
        "form": forms.get("form") or ConsultationForm(),
        "bound": forms.get("form") or bound,
        "problem": problem,
        "today": timezone.localdate(now),
        "destroyed": appraisals.destroyed_item(complaint) if archived else None,
    }
    return render(request, "complaints/archive/file.html", context, status=status)


def _lacks(complaint: Complaint) -> list[str]:
    """Before the closing most of it is still to come, so nothing is called missing."""
    ended = complaint.status in (Status.CLOSED, Status.NOT_ACCEPTED, Status.WITHDRAWN)
    return archive.missing(complaint) if ended else []


@login_required
@require_POST
def consult(request: StaffRequest, number: str) -> HttpResponse:
    """Ask to have the file read."""
    complaint = case_access.visible_case(request.user, number)
    form = ConsultationForm(request.POST)
    if not form.is_valid():
        return _file_page(request, complaint, status=422, form=form)
    try:
        consultation.request_consultation(complaint.pk, by=request.user, **form.cleaned_data)
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return _file_page(request, complaint, status=422, form=form)
    except NotAllowed as error:
        case_access.refuse(request, complaint, "consult", str(error))
    except DomainError as error:
        return _file_page(request, complaint, status=409, form=form, problem=str(error))
    messages.success(request, _("The request is with those who decide on it."))
    return redirect("complaints:case_file", complaint.number)


@login_required
@require_POST
def decide(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    """Agree to a request or refuse it."""
    complaint = case_access.visible_case(request.user, number)
    row = case_access.child(complaint.consultations.all(), pk)
    case_access.require_permission(request, complaint, consultation.APPROVE)
    form = DecisionForm(request.POST, consultation_id=row.pk)
    again: dict[str, Any] = {"decision": form, "decided": row.pk}
    if not form.is_valid():
        return _file_page(request, complaint, status=422, **again)
    try:
        consultation.decide_consultation(row.pk, by=request.user, **form.cleaned_data)
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return _file_page(request, complaint, status=422, **again)
    except NotAllowed as error:
        case_access.refuse(request, complaint, "decide_consultation", str(error))
    except DomainError as error:
        return _file_page(request, complaint, status=409, problem=str(error), **again)
    messages.success(request, _("The decision is recorded."))
    return redirect("complaints:case_file", complaint.number)


@login_required
@require_GET
def take_out(request: StaffRequest, number: str, pk: int) -> HttpResponseBase:
    """The dossier, as long as the permission lasts; each time is a row in the security log and an event (ARC-04)."""
    complaint = case_access.visible_case(request.user, number)
    row: Consultation = case_access.child(complaint.consultations.all(), pk)
    now = timezone.now()
    try:
        consultation.require_open(row, by=request.user, at=now)
        packed = tempfile.TemporaryFile()  # noqa: SIM115  the response closes it
        dossier.write(complaint.pk, packed, at=now)
        consultation.note_export(row.pk, by=request.user, at=now)
    except NotAllowed as error:
        case_access.refuse(request, complaint, "take_out_dossier", str(error))
    except DomainError as error:
        return _file_page(request, complaint, status=409, problem=str(error))
    security.record(
        "dossier_exported", user=request.user, request=request, subject=complaint.number, consultation=row.pk
    )
    packed.seek(0)
    response = FileResponse(
        packed, as_attachment=True, filename=f"{complaint.number}.zip", content_type="application/zip"
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response


# --- The list -----------------------------------------------------------------------------------
@needs("complaints.use_desk")
@require_safe
def files(request: StaffRequest) -> HttpResponse:
    """The files of the cases the person sees, newest first, by type, year, department and class (ARC-02)."""
    years = _years()
    classes = list(RetentionClass.objects.all())
    departments = list(Department.objects.filter(parent__isnull=False))
    types = {option.code: option for option in filters.options()["category"]}
    chosen = {
        "type": _chosen(request, "type", set(types)),
        "year": _chosen(request, "year", {str(year) for year in years}),
        "department": _chosen(request, "department", {row.code for row in departments}),
        "retention": _chosen(request, "retention", {row.code for row in classes}),
    }
    rows = CaseFile.objects.filter(complaint__in=Complaint.objects.visible_to(request.user))
    if chosen["type"]:
        rows = rows.filter(complaint__category__in=types[chosen["type"]].pks)
    if chosen["year"]:
        first = timezone.make_aware(datetime(int(chosen["year"]), 1, 1))
        rows = rows.filter(filed_at__gte=first, filed_at__lt=first.replace(year=first.year + 1))
    if chosen["department"]:
        rows = rows.filter(complaint__lead_department__code=chosen["department"])
    if chosen["retention"]:
        rows = rows.filter(retention__code=chosen["retention"])
    after = request.GET.get("after", "")
    shown = rows.select_related("retention", "complaint__lead_department").defer("index")
    found, following = keyset.by_key(shown, after, size=PAGE_SIZE)
    context = {
        "rows": found,
        "types": types.values(),
        "years": years,
        "departments": departments,
        "classes": classes,
        "chosen": chosen,
        "english": get_language() == "en",
        "next": following,
        "after": after,
        "query": "&".join(f"{key}={value}" for key, value in chosen.items() if value),
    }
    return render(request, "complaints/archive/files.html", context)


def _years() -> list[int]:
    """Every year from the first file to the last one, newest first."""
    ends = CaseFile.objects.aggregate(oldest=Min("filed_at"), newest=Max("filed_at"))
    if ends["oldest"] is None:
        return []
    newest, oldest = timezone.localtime(ends["newest"]).year, timezone.localtime(ends["oldest"]).year
    return list(range(newest, oldest - 1, -1))


def _chosen(request: StaffRequest, name: str, known: set[str]) -> str:
    value = request.GET.get(name, "")
    return value if value in known else ""


@needs(*settings_views.PERMISSIONS)
@require_safe
def retention_classes(request: StaffRequest) -> HttpResponse:
    """How long files are kept, to read (ARC-02)."""
    context = {"classes": RetentionClass.objects.all(), "english": get_language() == "en"}
    return render(request, "complaints/settings/retention.html", context)

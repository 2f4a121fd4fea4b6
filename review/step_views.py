"""Pages inside a review: records and checks, process, the steps in figures; and what departments have to deliver."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import security
from accounts.errors import IllegalTransition, NotAllowed, StaleVersion
from accounts.web import StaffRequest
from complaints import files, keyset, table_files
from complaints.desk_access import needs
from complaints.models import Attachment
from review import checks, clocks, materials, permissions, process_timeline, record_sets, side, step_why
from review.models import MaterialRequest, ReviewCase
from review.states import ReviewStep
from review.step_forms import FORMS, DeliverForm
from review.views import visible_review

PAGE_SIZE = 50
INSIDE = ("review.review_case", "review.view_sample")
# What the permission to act on the review is asked for, by kind of record.
ACTIONS = {
    "material": "request_material",
    "settle": "settle_material",
    "visit": "field_check",
    "outcome": "outcome_check",
}
STATUSES = {
    "material": materials.ASKING,
    "settle": materials.SETTLING,
    "visit": checks.CHECKING,
    "outcome": checks.CHECKING,
}


@needs(*INSIDE)
@require_safe
def records(request: StaffRequest, number: str) -> HttpResponse:
    """The five kinds of records, what departments delivered, talks and visits, the outcome against the evidence."""
    review = visible_review(request, number)
    known = checks.sources(review)
    may = not permissions.refusal(request.user, "record", review)
    context = {
        "review": review,
        "complaint": review.complaint,
        "sets": record_sets.assemble(review.complaint),
        "explained": {row.kind: row for row in review.materials.all()},
        "requests": review.material_requests.select_related("department").prefetch_related("files"),
        "not_yet": materials.not_yet(review),
        "visits": review.field_checks.select_related("by", "evidence"),
        "checked": checks.checked(review, known),
        "missing_check": checks.missing_for_report(review),
        "may": {kind: may and review.status in statuses for kind, statuses in STATUSES.items()},
        "now": timezone.now(),
    }
    return render(request, "review/records.html", context)


@needs(*INSIDE)
@require_http_methods(["GET", "HEAD", "POST"])
def record(request: StaffRequest, number: str, kind: str, pk: int | None = None) -> HttpResponse:
    """The form of one kind of record, and adding or settling it."""
    review = visible_review(request, number)
    if kind not in FORMS or (pk is not None) != (kind == "settle"):
        raise Http404
    row = get_object_or_404(materials.unsettled(review), pk=pk) if pk is not None else None
    refused = permissions.refusal(request.user, ACTIONS[kind], review)
    if refused:
        security.record("refused", user=request.user, request=request, subject=review.number, action=ACTIONS[kind])
        raise NotAllowed(refused)
    data, uploads = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = FORMS[kind](data, uploads, review=review, user=request.user, row=row)
    status, problem = 200, side.not_now(review, STATUSES[kind])
    if kind == "material" and not problem:
        problem = materials.not_yet(review)
    if form.is_bound:
        status, problem = 422, ""
        try:
            if form.is_valid() and form.apply():
                messages.success(request, _("Done: %(action)s") % {"action": form.button})
                return redirect("review:records", number)
        except (StaleVersion, IllegalTransition) as error:
            status, problem = 409, str(error)
            if isinstance(error, StaleVersion):
                again = request.POST.copy()
                again["version"] = str(ReviewCase.objects.values_list("version", flat=True).get(pk=review.pk))
                form = FORMS[kind](again, review=review, user=request.user, row=row)
    context = {
        "review": review,
        "complaint": review.complaint,
        "form": form,
        "row": row,
        "problem": problem,
        "possible": review.status in STATUSES[kind] and not (kind == "material" and materials.not_yet(review)),
    }
    return render(request, "review/record_form.html", context, status=status)


@login_required
@require_safe
def file(request: StaffRequest, number: str, pk: int) -> HttpResponseBase:
    """A file that the review collected itself; originals of the case are not opened here (matrix, orig)."""
    review = visible_review(request, number)
    if pk not in checks.files_of(review):
        raise Http404
    attachment = get_object_or_404(Attachment.objects.select_related("file"), pk=pk, complaint=review.complaint_id)
    try:
        return files.download_response(attachment)
    except FileNotFoundError:
        raise Http404 from None


@login_required
@require_safe
def log(request: StaffRequest, number: str, format: str) -> HttpResponseBase:
    """Every operation logged under the number of the case, as CSV or JSON (REV-17)."""
    review = visible_review(request, number)
    if format not in ("csv", "json"):
        raise Http404
    security.record("review_log_exported", user=request.user, request=request, subject=review.number, format=format)
    name = f"{review.number}-{review.complaint.number}-log"
    if format == "csv":
        columns = record_sets.LOG_COLUMNS
        rows = (
            [" ".join(row[key]) if key == "fields" else row[key] for key in columns]
            for row in record_sets.log_rows(review)
        )
        return table_files.download(name, "csv", columns, rows)
    body = {
        "review": review.number,
        "complaint": review.complaint.number,
        "events": list(record_sets.log_rows(review)),
    }
    response = JsonResponse(body, json_dumps_params={"ensure_ascii": False, "indent": 1})
    response["Content-Disposition"] = f'attachment; filename="{name}.json"'
    return response


@needs(*INSIDE)
@require_safe
def why(request: StaffRequest, number: str, step: str) -> HttpResponse:
    """Why a step is due on its day, as a sentence and on the calendar (SLA-05)."""
    review = visible_review(request, number)
    found = step_why.find(review, step) if step in ReviewStep.values else None
    if found is None:
        raise Http404
    context = {"review": review, "step": found, **step_why.explain(review, step, found, now=timezone.now())}
    return render(request, "review/step_why.html", context)


@needs(*INSIDE)
@require_safe
def process(request: StaffRequest, number: str) -> HttpResponse:
    """The first handling as a process: a drawing, the same as a table, gaps and contradictions (REV-39)."""
    review = visible_review(request, number)
    found = process_timeline.of_review(review)
    context = {
        "review": review,
        "complaint": review.complaint,
        "process": found,
        "drawing": process_timeline.draw(found),
        "gap_days": process_timeline.GAP_DAYS,
    }
    return render(request, "review/process.html", context)


@needs(*INSIDE)
@require_safe
def steps(request: StaffRequest) -> HttpResponse:
    """The steps of all reviews and the deliveries of departments over a year, late ones too (REV-01, REV-16)."""
    now = timezone.now()
    context: dict[str, Any] = {"steps": clocks.figures(now=now), "departments": materials.figures(now=now)}
    return render(request, "review/steps.html", context)


# --- The department that handled first ------------------------------------------------------------------
@needs(*materials.DELIVER)
@require_safe
def material_list(request: StaffRequest) -> HttpResponse:
    """What the own departments have to deliver: number of the case, what, until when; nothing about why."""
    after = request.GET.get("after", "")
    rows = materials.of_departments(request.user).select_related("review__complaint", "department")
    found, following = keyset.by_key(rows, after, size=PAGE_SIZE)
    context = {"rows": found, "next": following, "after": after, "now": timezone.now()}
    return render(request, "review/material_list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def material(request: StaffRequest, pk: int) -> HttpResponse:
    """One request: deliver. There is no other way to answer it."""
    rows = materials.of_departments(request.user).select_related("review__complaint", "department")
    row: MaterialRequest = get_object_or_404(rows, pk=pk)
    form = DeliverForm(request.POST, request.FILES) if request.method == "POST" else DeliverForm()
    status, problem = 200, ""
    if form.is_bound:
        status = 422
        try:
            if form.is_valid() and form.deliver(row, request.user):
                messages.success(request, _("The records are delivered."))
                return redirect("review:material_list")
        except IllegalTransition as error:
            status, problem = 409, str(error)
    context = {"row": row, "form": form, "problem": problem, "is_late": row.due_at < timezone.now()}
    return render(request, "review/material.html", context, status=status)

"""Pages of the report, of what follows the decision, and of the figures of reviews."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import security
from accounts.errors import IllegalTransition, NotAllowed, StaleVersion
from accounts.web import StaffRequest, attachment
from complaints import remedies, table_files
from complaints.desk_access import needs
from complaints.models import Complaint
from review import corrections, extra_remedy, permissions, refusal, report, report_document, review_figures, side
from review.conclusion_forms import CORRECTIONS, DeliveryForm, FurtherRemedyForm, SectionForm
from review.models import ReviewCase
from review.step_forms import SideForm
from review.views import visible_review

INSIDE = ("review.review_case", "review.view_sample")
_Form = TypeVar("_Form", bound=SideForm)


# --- The report ---------------------------------------------------------------------------------------
@needs(*INSIDE)
@require_safe
def report_page(request: StaffRequest, number: str) -> HttpResponse:
    """The seven sections of the report, the comparison side by side, and the revisions (REV-43)."""
    review = visible_review(request, number)
    revision = report.newest(review)
    words = report.texts(review, revision)
    context = {
        "review": review,
        "complaint": review.complaint,
        "revision": revision,
        "sections": [(code, heading, words[code]) for code, heading in report.SECTIONS.items()],
        "compared": report.compared(review),
        "verdict": report_document.verdict(review),
        "revisions": review.report_revisions.select_related("by"),
        "may_write": review.status in report.WRITING and not report.writing_refusal(request.user, review),
    }
    return render(request, "review/report.html", context)


@needs(*INSIDE)
@require_http_methods(["GET", "HEAD", "POST"])
def report_section(request: StaffRequest, number: str, key: str) -> HttpResponse:
    """Edit one section; saving makes the next revision."""
    review = visible_review(request, number)
    if key not in report.SECTIONS:
        raise Http404
    _refuse(request, review, "write_report", report.writing_refusal(request.user, review))
    revision = report.newest(review)
    words = report.texts(review, revision)[key]
    number_now = revision.revision if revision else 0

    def make(data: QueryDict | None) -> SectionForm:
        return SectionForm(data, review=review, user=request.user, section=key, revision=number_now, words=words)

    form, status, problem = _submitted(request, make)
    if status == 302:
        messages.success(request, _("Done: %(action)s") % {"action": form.title})
        return redirect("review:report", number)
    if status == 409 and form.is_bound:
        form = make(_with(request.POST, based_on=number_now))
    drafted = report.draft(review)[key]
    context = {
        "review": review,
        "complaint": review.complaint,
        "form": form,
        "problem": problem,
        "stored": words if problem else "",
        "drafted": "" if drafted == words else drafted,
        "possible": review.status in report.WRITING,
        "has_opinions": bool(review.dossier_hash) and review.opinions.filter(dossier_hash=review.dossier_hash).exists(),
    }
    return render(request, "review/report_section.html", context, status=status)


@needs(*INSIDE)
@require_safe
def report_file(request: StaffRequest, number: str, format: str) -> HttpResponse:
    """The report as DOCX or PDF, for whoever may read the review."""
    review = visible_review(request, number)
    if format not in report_document.TYPES:
        raise Http404
    security.record("review_report_exported", user=request.user, request=request, subject=review.number, format=format)
    content, name = report_document.build(review, format), report_document.file_name(review, format)
    return attachment(content, name, report_document.TYPES[format])


# --- After the decision -------------------------------------------------------------------------------
@needs(*INSIDE)
@require_safe
def result(request: StaffRequest, number: str) -> HttpResponse:
    """Corrections beside the record, further remedies, and the letter with its delivery."""
    review = visible_review(request, number)
    may = not permissions.refusal(request.user, "correct", review)
    notice = refusal.notice_of(review)
    may_deliver = notice is not None and notice.sent_at is None
    context = {
        "review": review,
        "complaint": review.complaint,
        "lines": corrections.lines(review.corrections.select_related("review", "allegation", "by")),
        "fields": [(code, form.field.label) for code, form in CORRECTIONS.items()],
        "may_correct": may and corrections.may_correct(review),
        "remedies": [(row, remedies.standing(row)) for row in review.remedies.select_related("proposed_by")],
        "may_propose": may and review.status in extra_remedy.PROPOSING,
        "notice": notice,
        "may_deliver": may_deliver and not permissions.refusal(request.user, "deliver_notice", review),
    }
    return render(request, "review/result.html", context)


@needs(*INSIDE)
@require_http_methods(["GET", "HEAD", "POST"])
def correct(request: StaffRequest, number: str, kind: str) -> HttpResponse:
    """Append a correction of one field of the record."""
    if kind not in CORRECTIONS:
        raise Http404
    return _side_page(request, number, "correct", CORRECTIONS[kind], corrections.DECIDED)


@needs(*INSIDE)
@require_http_methods(["GET", "HEAD", "POST"])
def propose_remedy(request: StaffRequest, number: str) -> HttpResponse:
    """Propose a further remedy."""
    return _side_page(request, number, "propose_remedy", FurtherRemedyForm, extra_remedy.PROPOSING)


@needs(*INSIDE)
@require_http_methods(["GET", "HEAD", "POST"])
def deliver_notice(request: StaffRequest, number: str) -> HttpResponse:
    """Record that the letter with the refusal or the result was delivered."""
    return _side_page(request, number, "deliver_notice", DeliveryForm, refusal.DELIVERING)


@login_required
@require_safe
def case_corrections(request: StaffRequest, number: str) -> HttpResponse:
    """What reviews put right in the record of a case, for whoever sees the case: results are final by then."""
    complaint = Complaint.objects.visible_to(request.user).filter(number=number).first()
    if complaint is None:
        raise Http404
    lines = corrections.lines(corrections.of_case(complaint))
    return render(request, "review/case_corrections.html", {"complaint": complaint, "lines": lines, "active": "cases"})


def _side_page(
    request: StaffRequest, number: str, action: str, form_class: type[SideForm], statuses: tuple[Any, ...]
) -> HttpResponse:
    review = visible_review(request, number)
    _refuse(request, review, action, permissions.refusal(request.user, action, review))

    def make(data: QueryDict | None) -> SideForm:
        return form_class(data, review=review, user=request.user)

    form, status, problem = _submitted(request, make)
    if status == 302:
        messages.success(request, _("Done: %(action)s") % {"action": form.title})
        return redirect("review:result", number)
    if not form.is_bound:
        problem = side.not_now(review, statuses)
    if status == 409 and form.is_bound:
        version = ReviewCase.objects.values_list("version", flat=True).get(pk=review.pk)
        form = make(_with(request.POST, version=version))
    context = {
        "review": review,
        "complaint": review.complaint,
        "form": form,
        "problem": problem,
        "possible": review.status in statuses,
        "lines": corrections.lines(review.corrections.select_related("review", "allegation", "by")),
    }
    return render(request, "review/result_form.html", context, status=status)


def _submitted(request: HttpRequest, make: Callable[[QueryDict | None], _Form]) -> tuple[_Form, int, str]:
    """The form, the status of the answer (302 when it was done), and why it is not possible now."""
    form = make(request.POST if request.method == "POST" else None)
    if not form.is_bound:
        return form, 200, ""
    try:
        return form, 302 if form.is_valid() and form.apply() else 422, ""
    except (StaleVersion, IllegalTransition) as error:
        return form, 409, str(error)


def _with(data: QueryDict, **changes: int) -> QueryDict:
    """What was sent, with what the person has now been told about."""
    again = data.copy()
    for name, value in changes.items():
        again[name] = str(value)
    return again


def _refuse(request: StaffRequest, review: ReviewCase, action: str, reason: str) -> None:
    """Raises NotAllowed, with one row in the security log, where there is a reason."""
    if reason:
        security.record("refused", user=request.user, request=request, subject=review.number, action=action)
        raise NotAllowed(reason)


# --- Figures ------------------------------------------------------------------------------------------
@needs(*review_figures.SEE)
@require_safe
def figures(request: StaffRequest) -> HttpResponse:
    """The figures of the reviews of twelve months (REV-50)."""
    found = review_figures.compute(now=timezone.now())
    tables = [
        ("month", _("Month"), _("By month"), found.months),
        ("trigger", _("Source of the review"), _("By trigger"), found.triggers),
        ("category", _("Category"), _("By category"), found.categories),
        ("department", _("Department"), _("By department"), found.departments),
    ]
    context = {"figures": found, "tables": tables, "least": review_figures.LEAST}
    return render(request, "review/figures.html", context)


@needs(*review_figures.SEE)
@require_safe
def figures_csv(request: StaffRequest) -> HttpResponse:
    """The same figures as CSV."""
    now = timezone.now()
    security.record("review_figures_exported", user=request.user, request=request)
    rows = review_figures.csv_rows(review_figures.compute(now=now))
    name = f"reviews-{timezone.localdate(now)}"
    return cast(HttpResponse, table_files.download(name, "csv", review_figures.CSV_HEAD, rows))

"""Pages around a report: remarks on its sections, its correction, the Word template reports are written into."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import InvalidInput, NotAllowed
from accounts.web import StaffRequest
from analytics import forms, permissions, remarks, report_templates, transitions
from analytics.models import ReportComment
from analytics.views import card, section_or_404, visible_report
from complaints import notice_templates
from complaints.desk_access import needs
from complaints.models import NoticeTemplate
from complaints.notice_views import word_file
from complaints.transitions import reference


# --- Remarks ----------------------------------------------------------------------------------------
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def remark(request: StaffRequest, pk: int, key: str) -> HttpResponse:
    """Remark on one section, with its text to look at (AN-29)."""
    found = visible_report(request, pk)
    if not permissions.may_remark(request.user, found):
        raise NotAllowed(_("Remarks are made and settled while the report is a draft."))
    section = section_or_404(found, key)
    form = forms.RemarkForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            remarks.add(pk, section=key, text=form.cleaned_data["text"], by=request.user)
        except InvalidInput as error:
            form.add_error("text", str(error))
        else:
            messages.success(request, _("The remark is noted. The report is approved when all remarks are settled."))
            return redirect(f"{reverse('analytics:report', args=[pk])}#section-{key}")
    context = {**card(found, request.user), "form": form, "section": section}
    return render(request, "analytics/remark.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def settle(request: StaffRequest, pk: int) -> HttpResponse:
    """A remark is dealt with."""
    row = get_object_or_404(ReportComment, pk=pk)
    visible_report(request, row.report_id)
    remarks.settle(pk, by=request.user)
    messages.success(request, _("The remark is settled."))
    return redirect(f"{reverse('analytics:report', args=[row.report_id])}#section-{row.section}")


# --- Correction -------------------------------------------------------------------------------------
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def revise(request: StaffRequest, pk: int) -> HttpResponse:
    """Start the next revision with fresh figures, saying why (EX-09)."""
    found = visible_report(request, pk)
    reason = permissions.report_refusal(request.user, "revise", found)
    if reason:
        raise NotAllowed(reason)
    form = forms.ReviseForm(
        request.POST if request.method == "POST" else None, initial={"by_first": str(int(found.by_first))}
    )
    if form.is_valid():
        try:
            new = transitions.revise(
                pk,
                reason=form.cleaned_data["reason"],
                by_first=form.cleaned_data["by_first"] == "1",
                by=request.user,
            )
        except InvalidInput as error:
            form.add_error(error.field, str(error))
        else:
            messages.success(request, _("A new revision is being built. The earlier one stays as it is."))
            return redirect("analytics:report", new.pk)
    context = {**card(found, request.user), "form": form}
    return render(request, "analytics/revise.html", context, status=422 if form.errors else 200)


# --- The Word template ------------------------------------------------------------------------------
@needs(*report_templates.EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def template(request: StaffRequest) -> HttpResponse:
    """The revisions of the organisation's own template; POST uploads a new one (AN-29)."""
    form = forms.TemplateForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
    if form.is_valid():
        upload = form.cleaned_data["document"]
        try:
            # One byte more than allowed tells that there is too much.
            content = upload.read(notice_templates.MAX_BYTES + 1)
            report_templates.upload(content, file_name=upload.name, by=request.user)
        except InvalidInput as error:
            form.add_error("document", str(error))
        else:
            messages.success(request, _("Reports written from now on use the new template."))
            return redirect("analytics:report_template")
    rows = list(report_templates.revisions()[: report_templates.SHOWN])
    context = {
        "form": form,
        "rows": rows,
        "used": next((row for row in rows if row.is_active), None),
        "fields": list(report_templates.FIELDS),
    }
    return render(request, "analytics/report_template.html", context, status=422 if form.errors else 200)


@needs(*report_templates.EDITORS)
@require_safe
def template_file(request: StaffRequest, revision: int) -> HttpResponse:
    """A template to open in Word; 0 is the shipped one."""
    return word_file(_document(revision) or report_templates.shipped(), f"report-template-{revision}.docx")


@needs(*report_templates.EDITORS)
@require_safe
def template_example(request: StaffRequest, revision: int) -> HttpResponse:
    """A template with an example written into it; 0 is the shipped one."""
    try:
        return word_file(report_templates.filled(_document(revision)), f"report-example-{revision}.docx")
    except ValueError as error:  # it was usable when it was uploaded; the program has changed since
        raise Http404 from error


@needs(*report_templates.EDITORS)
@require_POST
def template_use(request: StaffRequest, revision: int) -> HttpResponse:
    """Switch a revision off or on; the newest one that is on is used."""
    row = get_object_or_404(report_templates.revisions(), revision=revision)
    reference.use_notice_template(row.pk, active=request.POST.get("active") == "true", by=request.user)
    messages.success(request, _("Saved."))
    return redirect("analytics:report_template")


def _document(revision: int) -> bytes | None:
    """An uploaded template; None for the shipped one. Raises Http404."""
    if revision == 0:
        return None
    return bytes(get_object_or_404(NoticeTemplate, kind=report_templates.KIND, revision=revision).document)

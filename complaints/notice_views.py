"""Printed notices: the document of a notice on a case, and the organisation's own templates (SCR-10)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import InvalidInput
from accounts.web import StaffRequest, attachment
from complaints import (
    case_access,
    case_page,
    notice_documents,
    notice_stock,
    notice_templates,
    permissions,
    record_views,
    reply_letter,
    transitions,
)
from complaints.desk_access import needs
from complaints.models import Notice, NoticeTemplate
from complaints.reference_forms import NoticeTemplateForm, PrintedNameForm
from complaints.states import NoticeKind
from complaints.transitions.reference import EDITORS

_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def word_file(content: bytes, name: str) -> HttpResponse:
    """A Word document as a download that no cache keeps."""
    return attachment(content, name, _DOCX)


# --- On a case ----------------------------------------------------------------------------------
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def notice(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    """How the notice prints. By POST, with a reason that goes into the record, the document with the full name."""
    row = _printed(request, number, pk)
    refusal = permissions.reveal_refusal(request.user, row.complaint)
    form = PrintedNameForm(request.POST if request.method == "POST" else None)
    if not form.is_bound:
        return _notice_page(request, row, form, refusal)
    if refusal:
        case_access.refuse(request, row.complaint, "reveal", refusal)
    now = timezone.now()
    if record_views.reveals_since(request.user, now - timedelta(hours=1)) >= record_views.REVEALS_PER_HOUR:
        text = _("You looked at %(count)s complainants within an hour; go on later.")
        form.add_error(None, text % {"count": record_views.REVEALS_PER_HOUR})
        return _notice_page(request, row, form, refusal, status=429)
    if not form.is_valid():
        return _notice_page(request, row, form, refusal, status=422)
    try:
        shown = transitions.reveal(
            row.complaint_id, by=request.user, reason=form.cleaned_data["reason"], fields=["name"], at=now
        )
    except InvalidInput as error:
        form.show(error)
        return _notice_page(request, row, form, refusal, status=422)
    return word_file(notice_documents.document(row, salutation=shown["name"]), notice_documents.file_name(row))


@login_required
@require_safe
def notice_document(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    """The document with the name masked, for whoever sees the case."""
    row = _printed(request, number, pk)
    return word_file(notice_documents.document(row), notice_documents.file_name(row))


def _printed(request: StaffRequest, number: str, pk: int) -> Notice:
    """A notice of a case the person sees that has a printed form. Raises Http404."""
    complaint = case_access.visible_case(request.user, number)
    row = case_access.child(complaint.notices.filter(kind__in=notice_templates.PRINTED), pk)
    row.complaint = complaint
    return row


def _notice_page(
    request: StaffRequest, row: Notice, form: PrintedNameForm, refusal: str, *, status: int = 200
) -> HttpResponse:
    context = {
        "complaint": row.complaint,
        "notice": row,
        "blocks": notice_documents.blocks(notice_documents.document(row)),
        "form": None if refusal else form,
        "to_be_sent": row.kind == NoticeKind.REPLY
        and reply_letter.waits_to_be_told(row.complaint) is not None
        and not case_access.record_refusal(request.user, row.complaint, "contact"),
        "active": "cases",
        "badge": case_page.badge(row.complaint),
    }
    return render(request, "complaints/notice.html", context, status=status)


# --- Templates ------------------------------------------------------------------------------------
@needs(*EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def templates(request: StaffRequest, kind: str = "") -> HttpResponse:
    """Every kind of printed notice with its revisions; POST uploads a new one."""
    forms = {name: NoticeTemplateForm(kind=name) for name in notice_templates.PRINTED}
    status = 200
    if request.method == "POST":
        wanted = _kind(kind)
        form = forms[wanted] = NoticeTemplateForm(request.POST, request.FILES, kind=wanted)
        if form.is_valid() and _uploaded(request, form):
            messages.success(request, _("The new template is used from now on."))
            return redirect("complaints:notice_templates")
        status = 422
    kept: dict[str, list[NoticeTemplate]] = {}
    for row in NoticeTemplate.objects.defer("document").select_related("by"):
        kept.setdefault(row.kind, []).append(row)
    sheets: list[dict[str, Any]] = []
    for name, form in forms.items():
        rows = kept.get(name, [])
        sheets.append(
            {
                "kind": name,
                "form": form,
                "rows": rows,
                "used": next((row for row in rows if row.is_active), None),
                "placeholders": notice_templates.PLACEHOLDERS[name],
                "lists": [each for each in notice_templates.LISTS if each in notice_templates.PLACEHOLDERS[name]],
            }
        )
    return render(request, "complaints/settings/notice_templates.html", {"sheets": sheets}, status=status)


def _uploaded(request: StaffRequest, form: NoticeTemplateForm) -> bool:
    upload = form.cleaned_data["document"]
    try:
        # One byte more than allowed tells that there is too much.
        content = upload.read(notice_templates.MAX_BYTES + 1)
        transitions.add_notice_template(form.kind, document=content, file_name=upload.name, by=request.user)
    except InvalidInput as error:
        form.show(error)
    return not form.errors


@needs(*EDITORS)
@require_safe
def template_file(request: StaffRequest, kind: str, revision: int) -> HttpResponse:
    """A template to open in Word; revision 0 is the shipped one."""
    wanted = _kind(kind)
    if revision == 0:
        return word_file(notice_stock.build(wanted), f"{kind.replace('_', '-')}-shipped.docx")
    row = get_object_or_404(NoticeTemplate, kind=wanted, revision=revision)
    return word_file(bytes(row.document), f"{kind.replace('_', '-')}-{revision}.docx")


@needs(*EDITORS)
@require_safe
def template_preview(request: StaffRequest, kind: str) -> HttpResponse:
    """The template in use, filled with the names of its placeholders."""
    wanted = _kind(kind)
    filled = notice_templates.fill(notice_templates.document_for(wanted), notice_templates.sample(wanted))
    context = {"label": wanted.label, "blocks": notice_documents.blocks(filled)}
    return render(request, "complaints/settings/notice_preview.html", context)


@needs(*EDITORS)
@require_POST
def template_use(request: StaffRequest, pk: int) -> HttpResponse:
    """Switch a revision off or on."""
    row = get_object_or_404(NoticeTemplate.objects.defer("document"), pk=pk)
    transitions.use_notice_template(row.pk, active=request.POST.get("active") == "true", by=request.user)
    messages.success(request, _("Saved."))
    return redirect("complaints:notice_templates")


def _kind(value: str) -> NoticeKind:
    """Raises Http404."""
    if value not in notice_templates.PRINTED:
        raise Http404
    return NoticeKind(value)

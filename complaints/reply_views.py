"""Showing a reply as it will be sent, and the templates replies start from (COO-09, COO-10, KB-16)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import InvalidInput, StaleVersion
from accounts.web import StaffRequest
from complaints import (
    case_access,
    case_page,
    keyset,
    permissions,
    remedies,
    reply_letter,
    reply_suggestions,
    reply_templates,
)
from complaints.action_forms_result import SubmitForCheck
from complaints.desk_access import needs
from complaints.models import Reply, ReplyTemplate
from complaints.reply_forms import TemplateForm
from complaints.states import MOVES, SELF_SERVICE, NoticeKind

PAGE_SIZE = 50


@login_required
@require_POST
def preview(request: StaffRequest, number: str) -> HttpResponse:
    """The letter and the answer on the tracking page as they would be sent now; nothing is stored."""
    complaint = case_access.visible_case(request.user, number)
    reason = permissions.refusal(request.user, "submit_for_check", complaint)
    if reason:
        case_access.refuse(request, complaint, "submit_for_check", reason)
    form = SubmitForCheck(request.POST, complaint=complaint, user=request.user)
    form.is_valid()
    now = timezone.now()
    draft = Reply(
        complaint=complaint,
        process=str(form["process"].data or "").strip(),
        result=str(form["result"].data or "").strip(),
        legal_basis=str(form["legal_basis"].data or "").strip(),
    )
    status = 200
    if complaint.status not in MOVES["submit_for_check"].sources:
        status = 409
    elif {"process", "result", "legal_basis"} & form.errors.keys():
        status = 422
    rows = list(complaint.remedies.all())
    context = {
        "complaint": complaint,
        "draft": draft,
        "letter": reply_letter.preview(complaint, draft, at=now),
        "left": reply_templates.placeholders(f"{draft.process}\n{draft.result}"),
        "differences": form.differences,
        "off_record": form.off_record,
        "waiting": remedies.waiting(rows),
        "errors": [str(error) for name in ("process", "result", "legal_basis") for error in form[name].errors],
        "online": complaint.channel in SELF_SERVICE,
        "now": now,
        "active": "cases",
        "badge": case_page.badge(complaint),
    }
    return render(request, "complaints/reply_preview.html", context, status=status)


@login_required
@require_safe
def suggestions(request: StaffRequest, number: str) -> HttpResponse:
    """Texts the reply of this case may start from; the author takes one with a click, or none (KB-05)."""
    complaint = case_access.visible_case(request.user, number)
    reason = permissions.refusal(request.user, "submit_for_check", complaint)
    if reason:
        case_access.refuse(request, complaint, "submit_for_check", reason)
    context = {
        "complaint": complaint,
        "active": "cases",
        "badge": case_page.badge(complaint),
        "proposed": reply_suggestions.for_case(complaint, request.user, at=timezone.now()),
        "possible": complaint.status in MOVES["submit_for_check"].sources,
    }
    return render(request, "complaints/reply_suggestions.html", context)


# --- Templates ------------------------------------------------------------------------------------
@needs(*reply_templates.EDITORS)
@require_safe
def templates(request: StaffRequest) -> HttpResponse:
    """The templates in use, or those switched off and replaced; 50 to a page."""
    is_off = request.GET.get("state") == "off"
    after = request.GET.get("after", "")
    rows = ReplyTemplate.objects.filter(kind=NoticeKind.REPLY, is_active=not is_off).select_related("category")
    found, following = keyset.by_key(rows, after, size=PAGE_SIZE)
    context = {
        "lines": [(row, reply_templates.version_of(row.code), _own(row)) for row in found],
        "is_off": is_off,
        "next": following,
        "after": after,
    }
    return render(request, "complaints/settings/reply_templates.html", context)


def _own(row: ReplyTemplate) -> int:
    """How many places the author has to fill."""
    left = reply_templates.placeholders(f"{row.process}\n{row.result}")
    return len([text for text in left if text[1:-1].strip() not in reply_templates.FILLED])


@needs(*reply_templates.EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """A new template, or the next version of one; the versions before stand below."""
    row = get_object_or_404(ReplyTemplate.objects.select_related("category"), pk=pk) if pk else None
    form = TemplateForm(request.POST if request.method == "POST" else None, template=row)
    status, problem = 200, ""
    if form.is_bound and form.is_valid():
        try:
            if row is None:
                stored = reply_templates.add(by=request.user, **form.cleaned_data)
            else:
                stored = reply_templates.revise(row.pk, by=request.user, **form.cleaned_data)
            messages.success(request, _("Saved: %(name)s") % {"name": stored.name})
            return redirect("complaints:reply_templates")
        except InvalidInput as error:
            form.show(error)
        except StaleVersion:
            status, problem = 409, _("There is a newer version of this template. Open it from the list.")
    if form.errors:
        status = 422
    earlier = [(each, reply_templates.version_of(each.code)) for each in reply_templates.versions(row)] if row else []
    context: dict[str, Any] = {
        "form": form,
        "row": row,
        "version": reply_templates.version_of(row.code) if row else 0,
        "is_newest": not earlier or (row is not None and earlier[0][0].pk == row.pk),
        "versions": earlier,
        "problem": problem,
    }
    return render(request, "complaints/settings/reply_template.html", context, status=status)


@needs(*reply_templates.EDITORS)
@require_POST
def switch(request: StaffRequest, pk: int) -> HttpResponse:
    """Offer a template, or no longer."""
    row = get_object_or_404(ReplyTemplate, pk=pk)
    try:
        reply_templates.switch(row.pk, active=request.POST.get("on") == "yes", by=request.user)
    except StaleVersion:
        messages.error(request, _("There is a newer version of this template. Open it from the list."))
        return redirect("complaints:reply_template", row.pk)
    messages.success(request, _("Saved."))
    return redirect("complaints:reply_templates")

"""The page of one remedy, and the limits up to which each level approves (COO-11, COO-12, COO-13)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.web import StaffRequest
from complaints import case_access, case_page, remedies, transitions
from complaints.desk_access import needs
from complaints.models import AuthorityLimit, Complaint, Remedy
from complaints.remedy_forms import ApproveForm, GiveForm, LimitsForm, RefuseForm, RemedyForm
from complaints.states import RemedyState, Status

REVISIONS_SHOWN = 50
_FORMS: dict[str, type[RemedyForm]] = {"approve": ApproveForm, "refuse": RefuseForm, "give": GiveForm}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def remedy(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    """One remedy with what was proposed, decided and given; whoever may do the next step finds its form."""
    complaint = case_access.visible_case(request.user, number)
    row = _row(complaint, pk)
    step = next((name for name in _FORMS if name in request.POST), "")
    forms = {name: form(request.POST if name == step else None, auto_id=f"{name}_%s") for name, form in _FORMS.items()}
    if request.method != "POST":
        return _remedy_page(request, complaint, row, forms)
    if not step or not forms[step].is_valid():
        return _remedy_page(request, complaint, row, forms, status=422)
    values = forms[step].cleaned_data
    try:
        if step == "approve":
            transitions.approve_remedy(row.pk, by=request.user, **values)
        elif step == "refuse":
            transitions.refuse_remedy(row.pk, by=request.user, **values)
        else:
            transitions.give_remedy(row.pk, by=request.user, **values)
    except NotAllowed as error:
        case_access.refuse(request, complaint, f"remedy_{step}", str(error))
    except InvalidInput as error:
        forms[step].show(error)
        return _remedy_page(request, complaint, row, forms, status=422)
    except IllegalTransition as error:
        return _remedy_page(request, complaint, _row(complaint, pk), forms, status=409, problem=str(error))
    messages.success(request, _("Saved."))
    return redirect("complaints:remedy_page", complaint.number, row.pk)


def _row(complaint: Complaint, pk: int) -> Remedy:
    return case_access.child(complaint.remedies.select_related("proposed_by", "approved_by", "paid_by"), pk)


def _remedy_page(
    request: StaffRequest,
    complaint: Complaint,
    row: Remedy,
    forms: dict[str, RemedyForm],
    *,
    status: int = 200,
    problem: str = "",
) -> HttpResponse:
    line = remedies.line(row, request.user)
    limits = remedies.limits_of(remedies.current())
    is_open = complaint.status != Status.ARCHIVED
    decides = line.state == RemedyState.PROPOSED and is_open
    why_not_approve = remedies.approval_refusal(request.user, complaint, row, limits) if decides else ""
    why_not_give = remedies.give_refusal(request.user, row) if line.state == RemedyState.APPROVED else ""
    context: dict[str, Any] = {
        "complaint": complaint,
        "line": line,
        "forms": forms,
        "active": "cases",
        "badge": case_page.badge(complaint),
        "category_path": case_page.category_path(complaint.category),
        "problem": problem,
        "why_not": why_not_approve or why_not_give,
        "may_approve": decides and not why_not_approve,
        "may_refuse": decides and not remedies.decision_refusal(request.user, complaint, row),
        "may_give": line.state == RemedyState.APPROVED and is_open and not why_not_give,
        "approvers": [remedies.LEVELS[level] for level in remedies.levels_for(row, limits)] if decides else [],
    }
    return render(request, "complaints/remedy.html", context, status=status)


# --- Limits ---------------------------------------------------------------------------------------
@needs(*remedies.EDITORS)
@require_safe
def limits(request: StaffRequest) -> HttpResponse:
    """The limits in force and the revisions before."""
    current = remedies.current()
    context = {
        "current": current,
        "lines": _words(current),
        "revisions": [
            (row, _words(row)) for row in AuthorityLimit.objects.select_related("by")[:REVISIONS_SHOWN]
        ],
    }  # fmt: skip
    return render(request, "complaints/settings/authority.html", context)


def _words(revision: AuthorityLimit) -> list[tuple[Any, int | None]]:
    return [(remedies.LEVELS[level], limit) for level, limit in remedies.limits_of(revision).items()]


@needs(*remedies.EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def edit_limits(request: StaffRequest) -> HttpResponse:
    """Store the limits as the next revision, with the reason."""
    current = remedies.current()
    form = LimitsForm(request.POST if request.method == "POST" else None, revision=current)
    status, problem = 200, ""
    if form.is_bound and form.is_valid():
        try:
            stored = remedies.revise(
                form.limits(), note=form.cleaned_data["note"], based_on=form.cleaned_data["based_on"], by=request.user
            )
            messages.success(request, _("Revision %(number)s counts from now on.") % {"number": stored.revision})
            return redirect("complaints:authority")
        except InvalidInput as error:
            form.show(error)
        except StaleVersion as error:
            status, problem = 409, str(error)
    if form.errors:
        status = 422
    context = {"form": form, "next": current.revision + 1, "levels": list(remedies.LEVELS), "problem": problem}
    return render(request, "complaints/settings/authority_edit.html", context, status=status)

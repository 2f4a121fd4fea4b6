"""Records about the risk of a case: its team, meetings, media plan, settlement, lawsuits, hold, measures."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from accounts.errors import DomainError, NotAllowed
from accounts.web import StaffRequest
from complaints import case_access, case_page
from complaints.risk_forms import FORMS
from complaints.transitions.risk import MEASURES

# Records about another record of the case: the relation it is looked up in.
_ABOUT = {"risk_team_leave": "team", "judgment": "lawsuits", "interim_measure_end": "interim_measures"}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def record(request: StaffRequest, number: str, kind: str, pk: int | None = None) -> HttpResponse:
    """The form of one kind of record about the risk, and adding it."""
    complaint = case_access.visible_case(request.user, number)
    form_class = FORMS[kind]
    if form_class.permission == MEASURES and not request.user.has_perm(MEASURES):
        raise Http404  # that there may be measures is not told either
    case_access.require_permission(request, complaint, form_class.permission)
    row = case_access.child(getattr(complaint, _ABOUT[kind]).all(), pk) if pk is not None else None
    if getattr(row, "person_id", None) == request.user.pk:
        raise Http404
    data = request.POST if request.method == "POST" else None
    form = form_class(data, complaint=complaint, user=request.user, row=row)
    try:
        if not form.in_archive:
            case_access.require_open(complaint)
        if form.is_bound and form.is_valid():
            form.save()
    except NotAllowed as error:
        case_access.refuse(request, complaint, kind, str(error))
    except DomainError as error:
        return case_page.render_record(request, form, status=409, problem=str(error))
    if not form.is_bound or form.errors:
        return case_page.render_record(request, form, status=422 if form.is_bound else 200)
    messages.success(request, str(form.done))
    return redirect("complaints:detail", complaint.number)

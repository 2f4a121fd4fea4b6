"""Records about the risk of a case: its team, meetings, media plan, settlement, lawsuits, hold, measures."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_http_methods

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
    return case_page.take_record(request, form, kind, back="complaints:detail", needs_open=not form.in_archive)

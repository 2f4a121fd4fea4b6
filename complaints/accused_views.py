"""The page on which the office or management says whom a complaint is about (PI-18)."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.errors import DomainError, NotAllowed
from accounts.web import StaffRequest
from complaints import case_access, case_page
from complaints.accused import AccusedForm
from complaints.models import Complaint
from complaints.transitions.accused import may_name


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def accused(request: StaffRequest, number: str) -> HttpResponse:
    """Show and change the persons a complaint is about; whoever names themselves leaves the case."""
    complaint = case_access.visible_case(request.user, number)
    if not may_name(request.user):
        case_access.refuse(request, complaint, "accused", _("Your role does not allow this."))
    form = AccusedForm(request.POST if request.method == "POST" else None, complaint=complaint, user=request.user)
    if not (form.is_bound and form.is_valid()):
        return case_page.render_record(request, form, status=422 if form.is_bound else 200)
    try:
        form.save()
    except NotAllowed as error:
        case_access.refuse(request, complaint, "accused", str(error))
    except DomainError as error:
        return case_page.render_record(request, form, status=409, problem=str(error))
    if form.errors:
        return case_page.render_record(request, form, status=422)
    messages.success(request, str(form.done))
    if Complaint.objects.visible_to(request.user).filter(pk=complaint.pk).exists():
        return redirect("complaints:detail", complaint.number)
    return redirect("complaints:queue")

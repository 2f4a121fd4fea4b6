"""An application for a review that did not come online: by telephone, by letter or at the counter (FB-19)."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.errors import DomainError, InvalidInput, NotAllowed
from accounts.web import StaffRequest
from complaints import case_access, case_page
from complaints.desk_access import needs
from review import transitions
from review.forms import StaffApplicationForm


@needs(transitions.WRITE_DOWN)
@require_http_methods(["GET", "HEAD", "POST"])
def write_down(request: StaffRequest, number: str) -> HttpResponse:
    """Write the application down for the complainant; the review group gets it as if it had come online."""
    complaint = case_access.visible_case(request.user, number)
    form = StaffApplicationForm(request.POST if request.method == "POST" else None)
    problem, status = "", 200
    if form.is_bound and form.is_valid():
        try:
            transitions.apply(complaint.pk, by=request.user, **form.cleaned_data)
            messages.success(request, _("The review group has the application."))
            return redirect("complaints:detail", complaint.number)
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        except NotAllowed as error:
            case_access.refuse(request, complaint, "review_apply", str(error))
        except DomainError as error:
            problem, status = str(error), 409
    context = {
        "complaint": complaint,
        "active": "cases",
        "badge": case_page.badge(complaint),
        "category_path": case_page.category_path(complaint.category),
        "form": form,
        "problem": problem,
        "until": transitions.window(complaint),
    }
    return render(request, "review/write_down.html", context, status=422 if form.errors else status)

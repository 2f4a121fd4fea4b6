"""The picture of a file of a case, to look at it without opening the original (FL-03, FL-10, FL-11)."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.web import StaffRequest
from complaints import case_access, previews


@login_required
@require_safe
def preview(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    """Pixels painted anew, in the browser's window."""
    complaint = case_access.visible_case(request.user, number)
    attachment = case_access.openable_file(request, complaint, pk)
    try:
        picture = previews.render(attachment.file)
    except FileNotFoundError:
        raise Http404 from None
    if picture is None:
        messages.warning(request, _("No preview could be made of “%(name)s”.") % {"name": attachment.name})
        return redirect("complaints:detail", complaint.number)
    return previews.response(picture, "preview.jpg")

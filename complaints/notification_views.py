"""The inbox of a member of staff: unread first, then read, both newest first."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import User
from accounts.web import StaffRequest
from complaints import keyset
from complaints.messages import sentence
from complaints.models import Complaint, Notification

PAGE_SIZE = 30
_UNREAD_FIRST = keyset.Order(
    segments=(
        keyset.Segment(Q(read_at__isnull=True), "created_at", descending=True),
        keyset.Segment(Q(read_at__isnull=False), "created_at", descending=True),
    )
)


@login_required
def notifications(request: StaffRequest) -> HttpResponse:
    """The messages to this person. One about a case the person no longer sees keeps its words but has no link."""
    found = keyset.page(
        request.user.notifications.select_related("complaint"),
        _UNREAD_FIRST,
        size=PAGE_SIZE,
        after=request.GET.get("after", ""),
        before=request.GET.get("before", ""),
    )
    about = {row.complaint_id for row in found.rows if row.complaint_id}
    visible = set(Complaint.objects.visible_to(request.user).filter(pk__in=about).values_list("pk", flat=True))
    absent = _absent(found.rows)
    here = reverse("complaints:notifications")
    context = {
        "items": [
            (
                row,
                sentence(row, absent.get(row.pk, "")),
                bool(row.url) and (row.complaint_id is None or row.complaint_id in visible),
            )
            for row in found.rows
        ],
        "previous_url": f"{here}?before={found.before}" if found.before else "",
        "next_url": f"{here}?after={found.after}" if found.after else "",
        "newest": request.user.notifications.order_by("-created_at").values_list("pk", flat=True).first() or 0,
    }
    return render(request, "complaints/notifications.html", context)


def _absent(rows: Sequence[Notification]) -> dict[int, str]:
    """In whose place messages were sent here: key of the message → name."""
    wanted = {row.pk: row.params["instead_of"] for row in rows if "instead_of" in row.params}
    people = User.objects.in_bulk(wanted.values()) if wanted else {}
    return {pk: people[person].display_name for pk, person in wanted.items() if person in people}


@login_required
@require_POST
def open_notification(request: StaffRequest, pk: int) -> HttpResponse:
    """Mark one message as read and, unless it is only ticked off, go where it leads."""
    row = get_object_or_404(request.user.notifications, pk=pk)
    if row.read_at is None:
        row.read_at = timezone.now()
        row.save(update_fields=["read_at"])
    if "stay" in request.POST or not url_has_allowed_host_and_scheme(row.url, allowed_hosts={request.get_host()}):
        return redirect("complaints:notifications")
    return redirect(row.url)


@login_required
@require_POST
def read_all(request: StaffRequest) -> HttpResponse:
    """Mark every message as read that existed when the page was shown: later ones stay unread."""
    unread = request.user.notifications.filter(read_at=None)
    newest = request.POST.get("newest", "")
    if newest.isdecimal() and len(newest) < 19:
        unread = unread.filter(pk__lte=int(newest))
    unread.update(read_at=timezone.now())
    messages.success(request, _("All messages are marked as read."))
    return redirect("complaints:notifications")

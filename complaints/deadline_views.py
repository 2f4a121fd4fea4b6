"""The page of one clock of a case: why its date is the date (SLA-12)."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.web import StaffRequest
from complaints import case_access, clock_texts, deadline_page, policy_terms, selectors
from complaints.calendars import CalendarMissing
from complaints.models import ClockPause, Deadline


def _within(pause: ClockPause, deadline: Deadline) -> bool:
    """Whether a pause fell into the time of this clock."""
    if pause.started_at is None or (pause.ended_at and pause.ended_at <= deadline.started_at):
        return False
    return deadline.stopped_at is None or pause.started_at < deadline.stopped_at


@login_required
@require_safe
def why(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    """The sentence and the drawing of one clock, for whoever sees the case."""
    now = timezone.now()
    complaint = case_access.visible_case(request.user, number)
    deadline = case_access.child(
        complaint.deadlines.select_related("assignment__department").prefetch_related("extensions"), pk
    )
    deadline.complaint = complaint
    context = {
        "complaint": complaint,
        "active": "cases",
        "deadline": deadline,
        "reading": selectors.read_clock(deadline, complaint, now=now),
        "pauses": [row for row in complaint.pauses.all() if _within(row, deadline)],
        "terms": policy_terms.pauses_in_words(complaint.policy),
        "returns": policy_terms.returns_in_words(complaint.policy) if deadline.assignment else "",
        "reset": deadline_page.reset_of(deadline),
        "weekdays": [_(name) for name in clock_texts.WEEKDAYS],
    }
    try:
        context |= deadline_page.context(deadline, now=now)
    except CalendarMissing as error:
        context["missing"] = error.year
    return render(request, "complaints/deadline.html", context)

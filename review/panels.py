"""The review's boxes on the case page and on the tracking page."""

from __future__ import annotations

from django.utils import timezone

from accounts.models import User
from complaints.models import Complaint
from complaints.panels import Panel, register_case_panel, register_track_panel
from complaints.states import Status
from review import transitions
from review.forms import ApplicationForm
from review.models import ReviewCase
from review.states import ReviewStatus, TriggerKind


@register_case_panel
def case_panel(complaint: Complaint, user: User) -> Panel | None:
    """The review group sees every review of the case; others only results that are final (RI-12)."""
    if user.has_perm("review.review_case") or user.has_perm("review.view_sample"):
        reviews = list(ReviewCase.objects.visible_to(user).filter(complaint=complaint).order_by("-pk"))
        inside = True
    else:
        reviews = list(ReviewCase.objects.filter(complaint=complaint, finalised_at__isnull=False).order_by("-pk"))
        inside = False
    return Panel("review/case_panel.html", {"reviews": reviews, "inside": inside}, order=50) if reviews else None


@register_track_panel
def track_panel(complaint: Complaint) -> Panel | None:
    """The complainant applies here, and reads how far the application is."""
    applied = (
        ReviewCase.objects.filter(complaint=complaint, triggers__kind=TriggerKind.APPLICATION).order_by("-pk").first()
    )
    if applied is not None:
        told = applied.notified_at or applied.status == ReviewStatus.REFUSED
        return Panel("public/track/review_panel.html", {"applied": applied, "told": told}, order=50)
    if complaint.status not in (Status.REPLIED, Status.CLOSED, Status.ARCHIVED, Status.NOT_ACCEPTED):
        return None
    until = transitions.window(complaint)
    if until and timezone.now() > until:
        return None
    return Panel(
        "public/track/review_panel.html", {"until": until, "form": ApplicationForm(auto_id="review_%s")}, order=50
    )

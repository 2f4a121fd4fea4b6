"""What the review adds to the pages of a case: its boxes, and the words for its events in the record."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from complaints.archive import KINDS, Piece, register_contributor
from complaints.models import Complaint
from complaints.panels import Panel, register_case_panel, register_track_panel
from complaints.states import Status
from complaints.timeline_words import NOTE_WORDS, TITLES
from review import alert_rules, alerts, transitions
from review.forms import ApplicationForm
from review.models import Alert, ReviewCase
from review.states import MOVES, Conclusion, MaterialKind, ReviewStatus, TriggerKind

TITLES |= {f"review_{move.action}": move.label for move in MOVES.values()}
TITLES |= {"review_alert_dismissed": _("Early warning dismissed")}
TITLES |= {"review_opened": _("Review opened"), "review_result": _("Result of the review")}
NOTE_WORDS |= {
    "review_opened": dict(TriggerKind.choices),
    "review_explain_gap": dict(MaterialKind.choices),
    "review_finalise": dict(Conclusion.choices),
    "review_result": dict(Conclusion.choices),
}


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


@register_case_panel
def alert_panel(complaint: Complaint, user: User) -> Panel | None:
    """The early warnings of a case for whoever works on risk or reviews; not for the handling department (RI-12)."""
    if not (user.has_perm("review.review_case") or user.has_perm("complaints.manage_risk")):
        return None
    rows = Alert.objects.filter(complaint=complaint).select_related("review")
    lines = [
        (row, alert_rules.RULES[row.rule].name, alerts.explain(row)) for row in rows if row.rule in alert_rules.RULES
    ]
    return Panel("review/alert_panel.html", {"alerts": lines}, order=45) if lines else None


KINDS |= {"review": _("Review")}


@register_contributor
def reviews_of_file(complaint: Complaint) -> list[Piece]:
    """The reviews whose result is final belong in the file of the case (ARC-03, RI-12)."""
    rows = ReviewCase.objects.filter(complaint=complaint, finalised_at__isnull=False).select_related("report_by")
    return [
        Piece("review", f"{row.number} {row.get_conclusion_display()}".strip(), row.finalised_at, row, row.report_by)
        for row in rows
        if row.finalised_at is not None
    ]


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

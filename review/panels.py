"""What the review adds to the pages of a case: its boxes, and the words for its events in the record."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from complaints import destruction
from complaints.archive import KINDS, Piece, register_contributor
from complaints.models import Complaint
from complaints.panels import Panel, register_case_panel, register_track_panel
from complaints.states import RemedyKind, Status
from complaints.timeline_words import NOTE_WORDS, TITLES
from review import alert_rules, alerts, step_why, transitions
from review.forms import ApplicationForm
from review.models import Alert, Correction, ReviewCase
from review.states import (
    MOVES,
    OPEN_REVIEW,
    CheckPlace,
    Conclusion,
    CorrectedField,
    MaterialKind,
    ReviewStatus,
    TriggerKind,
)

TITLES |= {f"review_{move.action}": move.label for move in MOVES.values()}
TITLES |= {
    "review_request_material": _("Original records asked of a department"),
    "review_material_delivered": _("Original records delivered"),
    "review_material_failed": _("Original records not delivered in time"),
    "review_material_accepted": _("Delivered records accepted"),
    "review_material_waived": _("Done without original records"),
    "review_field_check": _("Talk or visit recorded"),
    "review_outcome_check": _("Recorded outcome held against the evidence"),
}
TITLES |= {
    "review_report_written": _("Report written"),
    "review_correction": _("Correction added"),
    "review_corrected": _("Record corrected by a review"),
    "review_remedy": _("Further remedy proposed by the review"),
    "review_remedy_proposed": _("Further remedy proposed by the review"),
    "review_notice_delivered": _("Notice delivered"),
}
TITLES |= {"review_alert_dismissed": _("Early warning dismissed")}
TITLES |= {"review_opened": _("Review opened"), "review_result": _("Result of the review")}
NOTE_WORDS |= {
    "review_opened": dict(TriggerKind.choices),
    "review_explain_gap": dict(MaterialKind.choices),
    "review_field_check": dict(CheckPlace.choices),
    "review_finalise": dict(Conclusion.choices),
    "review_result": dict(Conclusion.choices),
    "review_correction": dict(CorrectedField.choices),
    "review_corrected": dict(CorrectedField.choices),
    "review_remedy": dict(RemedyKind.choices),
    "review_remedy_proposed": dict(RemedyKind.choices),
}


@register_case_panel
def case_panel(complaint: Complaint, user: User) -> Panel | None:
    """The review group sees every review of the case; others only results that are final (RI-12)."""
    inside = user.has_perm("review.review_case") or user.has_perm("review.view_sample")
    rows = ReviewCase.objects.visible_to(user) if inside else ReviewCase.objects.filter(finalised_at__isnull=False)
    corrected = Exists(Correction.objects.filter(review=OuterRef("pk")))
    reviews = list(rows.filter(complaint=complaint).annotate(is_corrected=corrected).order_by("-pk"))
    context = {"reviews": reviews, "inside": inside, "number": complaint.number}
    return Panel("review/case_panel.html", context, order=50) if reviews else None


@register_case_panel
def apply_panel(complaint: Complaint, user: User) -> Panel | None:
    """Where who writes down what complainants say opens the way to a review, after the result (FB-19)."""
    if complaint.status == Status.ARCHIVED or not transitions.has_result(complaint):
        return None
    if not user.has_perm(transitions.WRITE_DOWN):
        return None
    return Panel("review/apply_panel.html", {"number": complaint.number}, order=55)


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

# The proof of a draw names cases by number and weight only.
destruction.register_contents(
    "review",
    stays=(
        "frameentry",
        "alert.facts",
        "reviewconflict",
        "reviewerassignment",
        "reviewtrigger.reasons",
    ),
)


def _in_review(cases: Iterable[int], since: datetime | None) -> set[int]:
    """The cases under review now, or since a moment: their files are not destroyed (ARC-04)."""
    wanted = Q(status__in=[str(status) for status in OPEN_REVIEW])
    if since is not None:
        wanted |= Q(opened_at__gte=since)
    return set(ReviewCase.objects.filter(wanted, complaint__in=cases).values_list("complaint", flat=True))


destruction.register_hindrance("review", _("It is under review"), _in_review)


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
        why = None if told else step_why.for_complainant(applied, now=timezone.now())
        return Panel("public/track/review_panel.html", {"applied": applied, "told": told, "why": why}, order=50)
    if not transitions.has_result(complaint):
        return None
    until = transitions.window(complaint)
    if until and timezone.now() > until:
        return None
    refused = transitions.not_reviewable(complaint)
    if refused:
        return Panel("public/track/review_panel.html", {"refused": refused}, order=50)
    why = transitions.why_window(complaint, now=timezone.now())
    context = {"until": until, "why": why, "form": ApplicationForm(auto_id="review_%s")}
    return Panel("public/track/review_panel.html", context, order=50, is_way_on=True)

"""Enums of a review and the table of its seven steps (REV-01). Leaf."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class ReviewStatus(models.TextChoices):
    REQUESTED = "requested", _("Received")
    SET_UP = "set_up", _("Set up")
    RETRIEVAL = "retrieval", _("Collecting records")
    VERIFICATION = "verification", _("Verifying")
    CONCLUSION = "conclusion", _("Concluding")
    FEEDBACK = "feedback", _("Giving feedback")
    RECTIFICATION = "rectification", _("Rectification")
    CLOSED = "closed", _("Closed")
    REFUSED = "refused", _("No review")


R = ReviewStatus

OPEN_REVIEW = (R.REQUESTED, R.SET_UP, R.RETRIEVAL, R.VERIFICATION, R.CONCLUSION, R.FEEDBACK, R.RECTIFICATION)

# Step of the seven-step bar (1..7) for each status.
STEP = {
    R.REQUESTED: 1,
    R.SET_UP: 2,
    R.RETRIEVAL: 3,
    R.VERIFICATION: 4,
    R.CONCLUSION: 5,
    R.FEEDBACK: 6,
    R.RECTIFICATION: 7,
    R.CLOSED: 8,
    R.REFUSED: 2,
}


@dataclass(frozen=True)
class Move:
    """One action on a review; `target` None keeps the status."""

    action: str
    sources: tuple[ReviewStatus, ...]
    target: ReviewStatus | None
    permission: str
    label: str | Promise


MOVES: dict[str, Move] = {
    move.action: move
    for move in (
        Move("set_up", (R.REQUESTED,), R.SET_UP, "review.review_case", _("Set up the review")),
        Move("refuse", (R.REQUESTED,), R.REFUSED, "review.review_case", _("Refuse with a notice")),
        Move(
            "assign_reviewers",
            (R.SET_UP, R.RETRIEVAL, R.VERIFICATION),
            None,
            "review.lead_review",
            _("Assign reviewers"),
        ),
        Move("collect", (R.SET_UP,), R.RETRIEVAL, "review.review_case", _("Collect the five kinds of records")),
        Move("explain_gap", (R.RETRIEVAL,), None, "review.review_case", _("Explain a missing record")),
        Move("start_verification", (R.RETRIEVAL,), R.VERIFICATION, "review.review_case", _("Start verifying")),
        Move("record_finding", (R.VERIFICATION,), None, "review.review_case", _("Record a finding")),
        Move("submit_report", (R.VERIFICATION,), R.CONCLUSION, "review.review_case", _("Submit the report")),
        Move("give_opinion", (R.CONCLUSION,), None, "review.review_case", _("Give an opinion")),
        Move("return_report", (R.CONCLUSION,), R.VERIFICATION, "review.review_case", _("Return the report")),
        Move("finalise", (R.CONCLUSION,), R.FEEDBACK, "review.review_case", _("Sign the conclusion")),
        Move("notify", (R.FEEDBACK,), R.RECTIFICATION, "review.review_case", _("Tell the complainant")),
        Move(
            "add_rectification",
            (R.CONCLUSION, R.FEEDBACK, R.RECTIFICATION),
            None,
            "review.review_case",
            _("Add a rectification"),
        ),
        Move("close", (R.RECTIFICATION,), R.CLOSED, "review.review_case", _("Close the review")),
    )
}


class TriggerKind(models.TextChoices):
    APPLICATION = "application", _("Application by the complainant")
    ALERT = "alert", _("System alert")
    SAMPLE = "sample", _("Monthly sample")


class AlertState(models.TextChoices):
    RAISED = "raised", _("Waiting")
    IN_REVIEW = "in_review", _("In review")
    DISMISSED = "dismissed", _("Dismissed")


class ApplicationReason(models.TextChoices):
    NOT_SOLVED = "not_solved", _("The core problem is not solved")
    CONTRADICTORY = "contradictory", _("The replies contradict each other")
    FACTS = "facts", _("The facts are wrong")
    UNFAIR = "unfair", _("The handling was not fair")
    OTHER = "other", _("Another reason")


class MaterialKind(models.TextChoices):
    COMPLAINANT = "complainant", _("Records of the complainant")
    HANDLER = "handler", _("Records of the handling side")
    RELATED = "related", _("Statements of related parties")
    SYSTEM_LOG = "system_log", _("System log")
    HISTORY = "history", _("Complaints of the past year")


class Conclusion(models.TextChoices):
    UPHOLD = "uphold", _("Uphold the first handling")
    AMEND = "amend", _("Amend the first handling")
    SET_ASIDE = "set_aside", _("Set the first handling aside")


class Comparison(models.TextChoices):
    SAME = "same", _("Consistent")
    DIFFERENT = "different", _("Not consistent")
    OMITTED = "omitted", _("Omitted")


class Stratum(models.TextChoices):
    """Groups of cases in the draw, heaviest first; a case belongs to the first that fits (REV-23)."""

    FREQUENT = "frequent", _("Frequent complainants")
    HIGH_VALUE = "high_value", _("High-value customers")
    SPECIAL = "special", _("People who need care")
    CROSS_DEPARTMENT = "cross_department", _("Several departments")
    OTHER = "other", _("Others")


class DrawState(models.TextChoices):
    COMMITTED = "committed", _("Committed")
    DRAWN = "drawn", _("Drawn")


def allowed_actions(status: str) -> list[str]:
    """Actions the table knows for a status."""
    return [move.action for move in MOVES.values() if status in move.sources]


class GroupRole(models.TextChoices):
    LEADER = "leader", _("Head of the review group")
    DEPUTY = "deputy", _("Deputy")
    MEMBER = "member", _("Member")


class CertificateKind(models.TextChoices):
    INTERNAL = "internal", _("Certificate of our own for service quality")
    EXTERNAL = "external", _("External training in service management")


class ReviewStep(models.TextChoices):
    """The seven steps of a review (REV-01)."""

    REQUEST = "request", _("Receiving")
    SCREENING = "screening", _("Screening")
    MATERIAL = "material", _("Collecting the material")
    CHECK = "check", _("Checking")
    CONCLUSION = "conclusion", _("Conclusion")
    NOTICE = "notice", _("Telling the complainant")
    RECTIFICATION = "rectification", _("Putting it right")


class CheckPlace(models.TextChoices):
    CONTACT = "contact", _("Talk with the complainant")
    SITE = "site", _("Visit on site")


class CorrectedField(models.TextChoices):
    OUTCOME = "outcome", _("Outcome")
    FINDING = "finding", _("Finding on an allegation")
    SATISFACTION = "satisfaction", _("Satisfaction")
    CLASSIFICATION = "classification", _("Classification")

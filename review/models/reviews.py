"""A second, independent look at one case (REV-01…52)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.crypto import EncryptedTextField
from review.querysets import ReviewQuerySet
from review.states import (
    OPEN_REVIEW,
    ApplicationReason,
    Comparison,
    Conclusion,
    DrawState,
    MaterialKind,
    ReviewStatus,
    Stratum,
    TriggerKind,
)


class ReviewCase(models.Model):
    """The review of one case; it may have several triggers but is one process with its own version."""

    number = models.CharField(max_length=24, unique=True)
    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="+")
    status = models.CharField(max_length=16, choices=ReviewStatus.choices, default=ReviewStatus.REQUESTED)
    version = models.PositiveIntegerField(default=0)
    opened_at = models.DateTimeField()
    # Empty while the working calendar has no data for the year; filled once it has (SLA-12).
    screening_due_at = models.DateTimeField(null=True, blank=True)
    decision_due_at = models.DateTimeField(null=True, blank=True)
    is_priority = models.BooleanField(default=False)
    is_major = models.BooleanField(_("major complaint"), default=False)
    # The three screening questions (REV-27…29)
    within_responsibility = models.BooleanField(null=True)
    measures_exhausted = models.BooleanField(null=True)
    demand_reasonable = models.BooleanField(null=True)
    screening_reason = models.TextField(blank=True)
    screened_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    screened_at = models.DateTimeField(null=True)
    # The report and the conclusion (REV-42, REV-43)
    acceptable_to_user = models.BooleanField(_("could I accept this if I were the complainant?"), null=True)
    conclusion = models.CharField(max_length=12, choices=Conclusion.choices, blank=True)
    report = models.TextField(blank=True)
    remedy = models.TextField(blank=True)
    systemic_cause = models.TextField(blank=True)
    report_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    report_at = models.DateTimeField(null=True)
    finalised_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    finalised_at = models.DateTimeField(null=True)
    dossier_hash = models.CharField(max_length=64, blank=True)
    notified_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    remedies = models.ManyToManyField("complaints.Remedy", related_name="+", blank=True)
    rectifications = models.ManyToManyField("complaints.ImprovementAction", related_name="+", blank=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        permissions = [
            ("review_case", "Can work on reviews"),
            ("lead_review", "Can lead the review group"),
            ("draw_sample", "Can draw the monthly sample"),
            ("view_sample", "Can see the sample and the reviews"),
            ("view_sample_figures", "Can see the figures of the sample"),
        ]
        indexes = [
            models.Index(
                fields=["screening_due_at", "id"],
                name="review_open",
                condition=Q(status__in=[str(s) for s in OPEN_REVIEW]),
            ),
            models.Index(fields=["complaint", "status"], name="review_of_case"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["complaint"],
                condition=Q(status__in=[str(s) for s in OPEN_REVIEW]),
                name="one_open_review_per_case",
            ),
            models.CheckConstraint(
                condition=Q(finalised_by__isnull=True) | ~Q(finalised_by=F("report_by")),
                name="conclusion_signed_by_another",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class ReviewTrigger(models.Model):
    """Why a review started, and when the signal came (REV-24)."""

    review = models.ForeignKey(ReviewCase, models.PROTECT, related_name="triggers")
    kind = models.CharField(max_length=12, choices=TriggerKind.choices)
    reasons = models.JSONField(default=list)
    text = models.TextField(blank=True)
    channel = models.CharField(max_length=12, blank=True)
    draw = models.ForeignKey("review.SampleDraw", models.PROTECT, null=True, related_name="+")
    rule = models.CharField(max_length=40, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return self.kind

    def reason_labels(self) -> list[str]:
        labels = dict(ApplicationReason.choices)
        return [str(labels.get(reason, reason)) for reason in self.reasons]


class ReviewerAssignment(models.Model):
    """A member works on a review. A conflict that appears later voids the row (RI-04)."""

    review = models.ForeignKey(ReviewCase, models.PROTECT, related_name="assignments")
    reviewer = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    assigned_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    is_author = models.BooleanField(_("writes the report"), default=False)
    is_void = models.BooleanField(default=False)
    void_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-is_author", "id"]
        constraints = [
            models.UniqueConstraint(fields=["review", "reviewer"], condition=Q(is_void=False), name="reviewer_once")
        ]

    def __str__(self) -> str:
        return f"{self.review_id}: {self.reviewer_id}"


class ReviewConflict(models.Model):
    """A person who may not judge this review, with the reason, materialised from history.

    Rows are only added: nobody can take a conflict back (guarantees, `unrecuse`).
    """

    review = models.ForeignKey(ReviewCase, models.PROTECT, related_name="conflicts")
    user = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    reason = models.CharField(max_length=40)
    detail = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["review", "user", "reason"], name="conflict_once")]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.reason}"


class DeclaredConflict(models.Model):
    """A person said: I am not impartial about this case. Effective at once, never taken back."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="+")
    user = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    reason = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["complaint", "user"], name="declared_once")]

    def __str__(self) -> str:
        return f"{self.user_id} on {self.complaint_id}"


class Material(models.Model):
    """One of the five kinds of records, with what was found or why it is missing (REV-33…38)."""

    review = models.ForeignKey(ReviewCase, models.PROTECT, related_name="materials")
    kind = models.CharField(max_length=12, choices=MaterialKind.choices)
    count = models.PositiveIntegerField(default=0)
    expected = models.PositiveIntegerField(default=0)
    missing_reason = models.CharField(max_length=300, blank=True)
    collected_at = models.DateTimeField()
    content_hash = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["review", "kind"], name="material_kind_once")]

    def __str__(self) -> str:
        return self.kind


class ReviewFinding(models.Model):
    """One row of the comparison: what the first handling said, what the review found."""

    review = models.ForeignKey(ReviewCase, models.PROTECT, related_name="findings")
    allegation = models.ForeignKey("complaints.Allegation", models.PROTECT, null=True, related_name="+")
    subject = models.CharField(max_length=120)
    original = models.TextField(blank=True)
    found = models.TextField()
    comparison = models.CharField(max_length=10, choices=Comparison.choices)
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.subject


class Opinion(models.Model):
    """A reviewer's verdict, bound to the hash of the dossier; append-only by trigger (RI-10, RI-11)."""

    review = models.ForeignKey(ReviewCase, models.PROTECT, related_name="opinions")
    reviewer = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=12, choices=Conclusion.choices)
    text = models.TextField()
    dossier_hash = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["review", "reviewer", "dossier_hash"], name="one_opinion_per_reviewer")
        ]

    def __str__(self) -> str:
        return f"{self.reviewer_id}: {self.verdict}"


class SampleDraw(models.Model):
    """One verifiable draw per period: commitment first, frame and picks at the draw (REV-22, REV-23)."""

    period = models.CharField(max_length=7, unique=True)
    percent = models.PositiveSmallIntegerField(default=12)
    state = models.CharField(max_length=10, choices=DrawState.choices, default=DrawState.COMMITTED)
    commitment = models.CharField(max_length=64)
    nonce = EncryptedTextField()
    committed_at = models.DateTimeField()
    committed_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    rule_version = models.CharField(max_length=12, default="1")
    weights = models.JSONField(default=dict)
    frame_size = models.PositiveIntegerField(default=0)
    excluded = models.PositiveIntegerField(default=0)
    frame_hash = models.CharField(max_length=64, blank=True)
    seed = models.CharField(max_length=64, blank=True)
    size = models.PositiveIntegerField(default=0)
    drawn_at = models.DateTimeField(null=True)
    drawn_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    verified_at = models.DateTimeField(null=True)
    verified_ok = models.BooleanField(null=True)

    class Meta:
        ordering = ["-period"]
        constraints = [models.CheckConstraint(condition=Q(percent__gte=10, percent__lte=15), name="percent_10_15")]

    def __str__(self) -> str:
        return self.period


class SampleReplacement(models.Model):
    """A drawn case that nobody was free to judge, and the case that took its seat from the same stream (RI-04)."""

    aside = models.OneToOneField("review.FrameEntry", models.PROTECT, related_name="replaced_by")
    entry = models.OneToOneField("review.FrameEntry", models.PROTECT, related_name="replaces")
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=~Q(aside=F("entry")), name="replaced_by_another_case")]

    def __str__(self) -> str:
        return f"{self.aside_id} → {self.entry_id}"


class FrameEntry(models.Model):
    """One closed case in the frozen frame of a draw."""

    draw = models.ForeignKey(SampleDraw, models.PROTECT, related_name="frame")
    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="+")
    number = models.CharField(max_length=24)
    stratum = models.CharField(max_length=24, choices=Stratum.choices)
    weight = models.CharField(max_length=12)
    order = models.PositiveIntegerField(null=True)
    key = models.CharField(max_length=80, blank=True)
    review = models.ForeignKey(ReviewCase, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["draw", "complaint"], name="frame_entry_once")]
        indexes = [models.Index(fields=["draw", "order"], name="picks_in_order", condition=Q(order__isnull=False))]

    def __str__(self) -> str:
        return self.number

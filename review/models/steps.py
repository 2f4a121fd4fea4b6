"""What happens inside a review: requests for material, contacts and visits, the report, corrections (REV-16…47)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from review.states import CheckPlace, CorrectedField, ReviewStep


class StepClock(models.Model):
    """How long one of the seven steps may take in this review; the job tells of the overdue ones once."""

    review = models.ForeignKey("review.ReviewCase", models.PROTECT, related_name="clocks")
    step = models.CharField(max_length=16, choices=ReviewStep.choices)
    started_at = models.DateTimeField()
    due_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["started_at", "id"]
        constraints = [models.UniqueConstraint(fields=["review", "step"], name="one_clock_per_step")]
        indexes = [
            models.Index(
                fields=["due_at"], name="step_overdue", condition=Q(stopped_at__isnull=True, told_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"{self.review_id} {self.step}"


class MaterialRequest(models.Model):
    """The department that handled first must deliver its original records by a date (REV-16)."""

    review = models.ForeignKey("review.ReviewCase", models.PROTECT, related_name="material_requests")
    department = models.ForeignKey("accounts.Department", models.PROTECT, related_name="+")
    what = models.TextField(_("which records"))
    due_at = models.DateTimeField(_("until"))
    requested_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    answer = models.TextField(_("what was delivered"), blank=True)
    delivered_at = models.DateTimeField(null=True)
    delivered_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    files = models.ManyToManyField("complaints.Attachment", related_name="+", blank=True)
    # Not delivered in time: logged by the job, kept for the figures of the department.
    failed_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    waived_reason = models.CharField(_("why it is done without"), max_length=300, blank=True)

    class Meta:
        ordering = ["requested_at", "id"]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="material_outstanding",
                condition=Q(delivered_at__isnull=True, failed_at__isnull=True, waived_reason=""),
            ),
            models.Index(
                fields=["department", "-id"],
                name="material_of_department",
                condition=Q(delivered_at__isnull=True, waived_reason=""),
            ),
        ]

    def __str__(self) -> str:
        return f"material {self.pk}"


class FieldCheck(models.Model):
    """A member talked to the complainant, or looked on site, and what was found (REV-15, REV-41)."""

    review = models.ForeignKey("review.ReviewCase", models.PROTECT, related_name="field_checks")
    place = models.CharField(max_length=8, choices=CheckPlace.choices)
    where = models.CharField(_("where, or by which way"), max_length=200)
    present = models.CharField(_("who was present"), max_length=200, blank=True)
    found = models.TextField(_("what was found"))
    reached = models.BooleanField(_("reached"), default=True)
    evidence = models.ForeignKey("complaints.Attachment", models.PROTECT, null=True, related_name="+")
    done_at = models.DateTimeField(_("when"))
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["done_at", "id"]

    def __str__(self) -> str:
        return f"{self.place} {self.pk}"


class OutcomeCheck(models.Model):
    """The recorded outcome held against the primary evidence; no report without it (REV-40)."""

    review = models.ForeignKey("review.ReviewCase", models.PROTECT, related_name="outcome_checks")
    recorded = models.TextField(_("what the record says"))
    evidence = models.TextField(_("what the evidence says, and where it is"))
    agrees = models.BooleanField(_("record and evidence agree"))
    explanation = models.TextField(_("what follows from it"), blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(agrees=True) | ~Q(explanation=""), name="disagreement_explained")
        ]

    def __str__(self) -> str:
        return f"check {self.pk}"


class ReportRevision(models.Model):
    """The review report in words: sections by code, drafted from the records and edited; the newest counts (REV-43)."""

    review = models.ForeignKey("review.ReviewCase", models.PROTECT, related_name="report_revisions")
    revision = models.PositiveSmallIntegerField()
    sections = models.JSONField(default=dict)
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-revision"]
        constraints = [models.UniqueConstraint(fields=["review", "revision"], name="report_revision_once")]

    def __str__(self) -> str:
        return f"{self.review_id} r{self.revision}"


class Correction(models.Model):
    """What the review puts right in the record of the case, written beside it and never over it (REV-47)."""

    review = models.ForeignKey("review.ReviewCase", models.PROTECT, related_name="corrections")
    field = models.CharField(max_length=16, choices=CorrectedField.choices)
    allegation = models.ForeignKey("complaints.Allegation", models.PROTECT, null=True, related_name="+")
    recorded = models.TextField(_("what the record says"), blank=True)
    corrected = models.TextField(_("what is right"))
    reason = models.TextField(_("reason"))
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return self.field

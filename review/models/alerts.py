"""Early warnings about cases, the thresholds they are raised by, and the durations they compare with (RISK-08…15)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from review.states import AlertState


class AlertStandard(models.Model):
    """One revision of the thresholds of every rule; the newest one counts, the older ones stay as history.

    `rules` maps the code of a rule to its settings: enabled, opens_review and the numbers it asks for.
    """

    revision = models.PositiveIntegerField(unique=True)
    rules = models.JSONField(default=dict)
    note = models.CharField(_("what changed and why"), max_length=200, blank=True)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-revision"]

    def __str__(self) -> str:
        return f"revision {self.revision}"


class DurationBenchmark(models.Model):
    """How long the industry takes for a category, with its source and date (RISK-09). Ended, never changed."""

    category = models.ForeignKey("complaints.Category", models.PROTECT, related_name="+")
    days = models.DecimalField(_("average duration (calendar days)"), max_digits=6, decimal_places=2)
    source = models.CharField(_("source"), max_length=200)
    dated_on = models.DateField(_("date of the figure"))
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["category__name", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(days__gt=0), name="benchmark_positive"),
            models.UniqueConstraint(
                fields=["category"], condition=Q(ended_at__isnull=True), name="one_benchmark_per_category"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.category_id}: {self.days}"


class Alert(models.Model):
    """One rule found something about one case. It waits for a review or for a person's reason against it.

    `level` is 1 at the threshold and grows with it (2 at twice the threshold), so that a case that gets
    worse after a dismissal is raised again. `facts` hold the numbers that explain it, nothing personal.
    """

    rule = models.CharField(max_length=24)
    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="+")
    level = models.PositiveSmallIntegerField(default=1)
    facts = models.JSONField(default=dict)
    standard = models.ForeignKey(AlertStandard, models.PROTECT, related_name="+")
    state = models.CharField(max_length=12, choices=AlertState.choices, default=AlertState.RAISED)
    raised_at = models.DateTimeField()
    review = models.ForeignKey("review.ReviewCase", models.PROTECT, null=True, related_name="alerts")
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["rule", "complaint", "level"], name="alert_once"),
            models.CheckConstraint(condition=~Q(state="dismissed") | ~Q(reason=""), name="dismissed_with_reason"),
            models.CheckConstraint(
                condition=~Q(state="in_review") | Q(review__isnull=False), name="alert_names_its_review"
            ),
        ]
        indexes = [
            models.Index(fields=["state", "-id"], name="alert_by_state"),
            models.Index(fields=["state", "rule", "-id"], name="alert_by_rule"),
            models.Index(fields=["complaint"], name="alert_of_case"),
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.complaint_id}"

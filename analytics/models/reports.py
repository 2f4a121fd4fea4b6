"""Frozen reports, and the outbreaks found in the daily counts. Figures are computed, and stored only in a report."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from analytics.states import Attribution, Edition, OutbreakState, ReportStatus, SeriesKind


class Report(models.Model):
    """A monthly or quarterly report: figures frozen on the row, text editable until approval.

    Unique per period, edition and revision: a second build finds the first one and stops; a
    correction is a new revision (AN-19, AN-29).
    """

    period = models.CharField(max_length=7)
    edition = models.CharField(max_length=12, choices=Edition.choices, default=Edition.DATA)
    revision = models.PositiveSmallIntegerField(default=1)
    by_first = models.BooleanField(_("count by the first classification"), default=False)
    status = models.CharField(max_length=10, choices=ReportStatus.choices, default=ReportStatus.QUEUED)
    version = models.PositiveIntegerField(default=0)
    step = models.PositiveSmallIntegerField(default=0)
    steps = models.PositiveSmallIntegerField(default=0)
    step_label = models.CharField(max_length=80, blank=True)
    snapshot = models.JSONField(default=dict)
    figures = models.JSONField(default=dict)
    inputs_hash = models.CharField(max_length=64, blank=True)
    error = models.CharField(max_length=300, blank=True)
    requested_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    requested_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    built_at = models.DateTimeField(null=True)
    approved_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    released_at = models.DateTimeField(null=True)
    downloads = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-period", "edition", "-revision"]
        permissions = [
            ("view_figures", "Can see figures and released reports"),
            ("build_report", "Can build and edit reports"),
            ("approve_report", "Can approve and release reports"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["period", "edition", "revision"], name="one_report_per_revision"),
            models.CheckConstraint(
                condition=~Q(status="released") | Q(approved_by__isnull=False), name="released_was_approved"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.period} {self.edition} r{self.revision}"


class ReportFile(models.Model):
    """A rendered document of a report; rendering again replaces it."""

    report = models.ForeignKey(Report, models.CASCADE, related_name="files")
    format = models.CharField(max_length=4)
    path = models.CharField(max_length=200)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["report", "format"], name="one_file_per_format")]

    def __str__(self) -> str:
        return f"{self.report_id}.{self.format}"


class OutbreakStandard(models.Model):
    """One revision of the thresholds from which many complaints are an outbreak; the newest counts (RISK-12, RISK-13).

    `limits` maps the fields of analytics.outbreak_standard.Limits to their numbers.
    """

    revision = models.PositiveIntegerField(unique=True)
    limits = models.JSONField(default=dict)
    note = models.CharField(_("what changed and why"), max_length=200, blank=True)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-revision"]

    def __str__(self) -> str:
        return f"revision {self.revision}"


class Outbreak(models.Model):
    """More complaints of one kind than the recent past explains, on one or several days (RISK-13, RISK-14).

    `series` names what was counted; days of the same series that follow each other are one outbreak.
    Settled only with an attribution (RISK-30).
    """

    series = models.CharField(max_length=64)
    kind = models.CharField(max_length=12, choices=SeriesKind.choices)
    category = models.ForeignKey("complaints.Category", models.PROTECT, null=True, related_name="+")
    department = models.ForeignKey("accounts.Department", models.PROTECT, null=True, related_name="+")
    value = models.CharField(max_length=200, blank=True)
    first_day = models.DateField()
    last_day = models.DateField()
    count = models.PositiveIntegerField()
    expected = models.FloatField()
    upper = models.FloatField()
    days = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=OutbreakState.choices, default=OutbreakState.FOUND)
    found_at = models.DateTimeField()
    # Empty where it was found before there were revisions.
    standard = models.ForeignKey(OutbreakStandard, models.PROTECT, null=True, related_name="+")
    attribution = models.CharField(max_length=8, choices=Attribution.choices, blank=True)
    reason = models.TextField(blank=True)
    settled_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    settled_at = models.DateTimeField(null=True)
    incident = models.ForeignKey("complaints.Incident", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-last_day", "-id"]
        indexes = [models.Index(fields=["state", "-last_day", "-id"], name="outbreak_list")]
        constraints = [
            models.UniqueConstraint(fields=["series", "first_day"], name="outbreak_once"),
            models.CheckConstraint(
                condition=~Q(state="attributed") | ~Q(attribution=""), name="outbreak_settled_with_attribution"
            ),
            models.CheckConstraint(condition=~Q(state="dismissed") | ~Q(reason=""), name="outbreak_dismissed_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.first_day}"

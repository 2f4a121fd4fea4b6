"""What figures are held against, how they are stored ahead, and when a period is final (AN)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Target(models.Model):
    """What a figure should be from a month on; the newest one that has begun counts."""

    figure = models.CharField(max_length=40)
    department = models.ForeignKey("accounts.Department", models.PROTECT, null=True, blank=True, related_name="+")
    value = models.FloatField(_("target"))
    from_month = models.CharField(max_length=7)
    note = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["figure", "-from_month", "-id"]

    def __str__(self) -> str:
        return f"{self.figure} {self.value}"


class Annotation(models.Model):
    """An outside event that explains the figures of some days; drawn into the control chart."""

    first_day = models.DateField(_("from"))
    last_day = models.DateField(_("until"))
    text = models.CharField(_("what happened"), max_length=120)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-first_day", "-id"]
        constraints = [models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="annotation_in_order")]

    def __str__(self) -> str:
        return self.text


class ClosedPeriod(models.Model):
    """The figures of a month are final: kept as they were, with their hash; opened again only by a new row."""

    period = models.CharField(max_length=7)
    figures = models.JSONField(default=dict)
    figures_hash = models.CharField(max_length=64)
    closed_at = models.DateTimeField()
    closed_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(null=True)
    opened_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    opened_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-period", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["period"], condition=Q(opened_at__isnull=True), name="period_closed_once"),
            models.CheckConstraint(
                condition=Q(opened_by__isnull=True) | ~Q(opened_reason=""), name="opened_with_reason"
            ),
        ]

    def __str__(self) -> str:
        return self.period


class DayFigure(models.Model):
    """Counts of one day for one combination of channel, category, department and risk, made ahead.

    Sums over rows are the figures of the dashboard; `day` is a day of the time zone of the office. Rows of a
    day are replaced together when a case of that day changes (StaleDay), and reconciled with the cases nightly.
    """

    day = models.DateField()
    channel = models.CharField(max_length=12)
    category = models.ForeignKey("complaints.Category", models.CASCADE, null=True, related_name="+", db_index=False)
    department = models.ForeignKey("accounts.Department", models.CASCADE, null=True, related_name="+", db_index=False)
    risk_grade = models.CharField(max_length=8)
    received = models.PositiveIntegerField(default=0)
    closed = models.PositiveIntegerField(default=0)
    # Counts of cases closed on that day
    on_time = models.PositiveIntegerField(default=0)
    late = models.PositiveIntegerField(default=0)
    repeats = models.PositiveIntegerField(default=0)
    reworked = models.PositiveIntegerField(default=0)
    rated = models.PositiveIntegerField(default=0)
    satisfied = models.PositiveIntegerField(default=0)
    handled_minutes = models.PositiveBigIntegerField(_("sum of working minutes"), default=0)

    class Meta:
        indexes = [
            models.Index(fields=["day"], name="day_figure"),
            models.Index(fields=["department", "day"], name="day_figure_department"),
        ]

    def __str__(self) -> str:
        return str(self.day)


class StaleDay(models.Model):
    """A day whose stored counts no longer hold; the refresh takes these only."""

    day = models.DateField(primary_key=True)
    since = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return str(self.day)


class Tidying(models.Model):
    """What was found unfit for the figures before a period was reported, and who put it right (AN-34)."""

    period = models.CharField(max_length=7)
    kind = models.CharField(max_length=16)
    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="+")
    found_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["period", "kind", "complaint"], name="tidied_once")]
        indexes = [models.Index(fields=["period", "-id"], name="tidying_open", condition=Q(settled_at__isnull=True))]

    def __str__(self) -> str:
        return f"{self.period} {self.kind}"


class ReportComment(models.Model):
    """What somebody remarks on a section of a report before it is approved."""

    report = models.ForeignKey("analytics.Report", models.PROTECT, related_name="comments")
    section = models.CharField(max_length=40, blank=True)
    text = models.TextField(_("remark"))
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"remark {self.pk}"

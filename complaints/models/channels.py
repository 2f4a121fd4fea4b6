"""Proof that no channel loses a complaint: its own counts, its hours, who watches it (IN-02, IN-03, IN-14)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from complaints.states import Channel


class ChannelCount(models.Model):
    """What a channel's own counter says it took in on a day, beside the register's count (IN-14)."""

    channel = models.CharField(max_length=12, choices=Channel.choices)
    day = models.DateField(_("day"))
    count = models.PositiveIntegerField(_("complaints taken in"))
    calls_missed = models.PositiveIntegerField(_("calls not answered"), null=True, blank=True)
    note = models.CharField(_("explanation of a difference"), max_length=300, blank=True)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-day", "channel"]
        constraints = [models.UniqueConstraint(fields=["channel", "day"], name="one_count_a_day")]

    def __str__(self) -> str:
        return f"{self.channel} {self.day}"


class ServiceHours(models.Model):
    """When a channel is open: `weekday` 0 is Monday; on holidays the working calendar decides (IN-02)."""

    channel = models.CharField(max_length=12, choices=Channel.choices)
    weekday = models.PositiveSmallIntegerField(_("weekday"))
    opens = models.TimeField(_("opens"))
    closes = models.TimeField(_("closes"))

    class Meta:
        ordering = ["channel", "weekday", "opens"]
        verbose_name_plural = "service hours"
        constraints = [
            models.CheckConstraint(condition=Q(closes__gt=F("opens")), name="hours_in_order"),
            models.CheckConstraint(condition=Q(weekday__lte=6), name="weekday_known"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.weekday}"


class DutySlot(models.Model):
    """Who watches a channel from when to when (IN-03)."""

    channel = models.CharField(max_length=12, choices=Channel.choices)
    person = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))

    class Meta:
        ordering = ["starts_at", "channel"]
        constraints = [models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="duty_in_order")]
        indexes = [models.Index(fields=["channel", "starts_at"])]

    def __str__(self) -> str:
        return f"{self.channel} {self.starts_at:%Y-%m-%d}"


class ServiceRequest(models.Model):
    """A complaint filed through the Open311 interface: its random public id and the client that may read it."""

    complaint = models.OneToOneField("complaints.Complaint", models.PROTECT, related_name="service_request")
    public_id = models.CharField(max_length=32, unique=True)
    token = models.CharField(max_length=64, unique=True)
    client = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["client", "-created_at", "-id"], name="request_of_client")]

    def __str__(self) -> str:
        return self.public_id

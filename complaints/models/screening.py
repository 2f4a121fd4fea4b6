"""Is it ours, and what is still missing: rules of scope, outstanding items, labels, notice templates (SCR)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from complaints.states import NoticeKind


class AcceptanceRule(models.Model):
    """A rule that a decision on acceptance relies on, for one category or all (SCR-02)."""

    code = models.SlugField(max_length=60, unique=True)
    text = models.CharField(_("rule"), max_length=200)
    in_scope = models.BooleanField(_("ours to handle"), default=True)
    category = models.ForeignKey("complaints.Category", models.PROTECT, null=True, blank=True, related_name="+")
    body = models.ForeignKey("complaints.ExternalBody", models.PROTECT, null=True, blank=True, related_name="+")
    order = models.PositiveSmallIntegerField(default=100)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["order", "id"]

    def __str__(self) -> str:
        return self.text


class OutstandingItem(models.Model):
    """Something the complainant still owes although the case was accepted (IN-37)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="outstanding_items")
    text = models.CharField(_("what is missing"), max_length=200)
    due_on = models.DateField(_("by"), null=True, blank=True)
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    received_at = models.DateTimeField(null=True)
    received_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    waived_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["asked_at", "id"]

    def __str__(self) -> str:
        return f"item {self.pk}"


class UnreasonableLabel(models.Model):
    """Calling a complaint unreasonable takes a reason and a second person (SCR-08)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="unreasonable_labels")
    reason = models.TextField(_("reason"))
    proposed_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    agreed = models.BooleanField(null=True)
    decision_reason = models.CharField(max_length=300, blank=True)
    decided_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["proposed_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")), name="label_second_person"
            ),
            models.UniqueConstraint(
                fields=["complaint"], condition=Q(decided_at__isnull=True), name="one_label_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"label {self.pk}"


class NoticeTemplate(models.Model):
    """An organisation's own DOCX for a kind of notice; the newest active revision is used (SCR-10)."""

    kind = models.CharField(max_length=16, choices=NoticeKind.choices)
    revision = models.PositiveIntegerField()
    document = models.BinaryField()
    file_name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    is_active = models.BooleanField(default=True)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["kind", "-revision"]
        constraints = [models.UniqueConstraint(fields=["kind", "revision"], name="notice_template_revision")]

    def __str__(self) -> str:
        return f"{self.kind} {self.revision}"

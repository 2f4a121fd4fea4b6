"""Second pairs of eyes on key data, audits, law changes, incidents with personal data (COM-04…14)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.crypto import EncryptedTextField
from complaints.states import KeyField, RequestState


class KeyChange(models.Model):
    """Somebody asked to change key data of a case; another person decides (COM-04)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="key_changes")
    field = models.CharField(max_length=16, choices=KeyField.choices)
    old_value = EncryptedTextField(blank=True)
    new_value = EncryptedTextField()
    reason = models.CharField(_("reason"), max_length=300)
    state = models.CharField(max_length=10, choices=RequestState.choices, default=RequestState.REQUESTED)
    requested_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    decided_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-requested_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("requested_by")),
                name="key_change_decided_by_another",
            ),
            models.UniqueConstraint(
                fields=["complaint", "field"], condition=Q(state="requested"), name="one_key_change_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.field} of {self.complaint_id}"


class ComplianceAudit(models.Model):
    """An internal audit of how complaints are handled: a sample, findings, recommendations (COM-08)."""

    title = models.CharField(_("title"), max_length=120)
    period = models.CharField(max_length=7)
    scope = models.TextField(_("what is looked at"))
    seed = models.CharField(max_length=40)
    sample = models.ManyToManyField("complaints.Complaint", related_name="+")
    started_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    conclusion = models.TextField(_("conclusion"), blank=True)
    concluded_at = models.DateTimeField(null=True)
    concluded_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-started_at", "-id"]

    def __str__(self) -> str:
        return self.title


class AuditFinding(models.Model):
    """One finding of an audit with its recommendation, the answer of the department, and the check of it (COM-08)."""

    audit = models.ForeignKey(ComplianceAudit, models.PROTECT, related_name="findings")
    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, null=True, related_name="+")
    finding = models.TextField(_("finding"))
    recommendation = models.TextField(_("recommendation"))
    department = models.ForeignKey("accounts.Department", models.PROTECT, related_name="+")
    due_on = models.DateField(_("due on"))
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    answer = models.TextField(_("what was done"), blank=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    followed_up_at = models.DateTimeField(null=True)
    followed_up_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    is_mended = models.BooleanField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(followed_up_by__isnull=True) | ~Q(followed_up_by=F("answered_by")),
                name="finding_followed_up_by_another",
            )
        ]

    def __str__(self) -> str:
        return f"finding {self.pk}"


class LawChange(models.Model):
    """A law or rule changes: who follows it, since when it holds, which of our rules it touches (COM-12, COM-13)."""

    title = models.CharField(_("title"), max_length=200)
    source = models.CharField(_("where it stands"), max_length=300)
    effective_on = models.DateField(_("in force from"))
    summary = models.TextField(_("what changes"))
    affected = models.TextField(_("which of our rules it touches"), blank=True)
    owner = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    departments = models.ManyToManyField("accounts.Department", related_name="+")
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    done_at = models.DateTimeField(null=True)
    done_note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-effective_on", "-id"]

    def __str__(self) -> str:
        return self.title


class LawReceipt(models.Model):
    """Somebody confirmed having read a law change (COM-13)."""

    change = models.ForeignKey(LawChange, models.PROTECT, related_name="receipts")
    user = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["change", "user"], name="law_read_once")]

    def __str__(self) -> str:
        return f"{self.change_id}: {self.user_id}"


class DataIncident(models.Model):
    """Personal data got where it should not: what happened, what was done, who was told and when (COM-14)."""

    number = models.CharField(max_length=24, unique=True)
    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, null=True, related_name="+")
    what = models.TextField(_("what happened"))
    kinds = models.CharField(_("kinds of data"), max_length=200)
    persons = models.PositiveIntegerField(_("persons concerned"), null=True)
    harm = models.TextField(_("harm that may follow"), blank=True)
    measures = models.TextField(_("what was done at once"), blank=True)
    found_at = models.DateTimeField(_("found at"))
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    reported_to = models.CharField(_("authority it was reported to"), max_length=200, blank=True)
    reported_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(_("persons told at"), null=True)
    not_told_reason = models.CharField(_("why they need not be told"), max_length=300, blank=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    lesson = models.TextField(_("what is done so that it does not happen again"), blank=True)

    class Meta:
        ordering = ["-found_at", "-id"]

    def __str__(self) -> str:
        return self.number

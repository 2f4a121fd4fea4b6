"""The file of a case: its index, how long it is kept, who consulted it (ARC-01…04, ARC-12)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from complaints.states import AppraisalOutcome, AppraisalState, RequestState


class RetentionClass(models.Model):
    """How long files of a kind are kept; 0 years means for ever (ARC-02, ARC-04)."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    name_en = models.CharField(_("English name"), max_length=80, blank=True)
    years = models.PositiveSmallIntegerField(_("years (0: for ever)"))
    basis = models.CharField(_("rule it relies on"), max_length=200, blank=True)
    order = models.PositiveSmallIntegerField(default=100)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["order", "id"]

    def __str__(self) -> str:
        return self.name


class CaseFile(models.Model):
    """The file made when a case is archived: number, class, and the index of everything in it with its hash."""

    complaint = models.OneToOneField("complaints.Complaint", models.PROTECT, related_name="archive_file")
    number = models.CharField(_("file number"), max_length=40, unique=True)
    retention = models.ForeignKey(RetentionClass, models.PROTECT, related_name="+")
    filed_at = models.DateTimeField()
    filed_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    keep_until = models.DateField(_("kept until"), null=True)
    index = models.JSONField(default=list)
    index_hash = models.CharField(max_length=64)
    missing = models.JSONField(default=list)

    class Meta:
        ordering = ["-filed_at", "-id"]
        indexes = [models.Index(fields=["keep_until"], name="file_keep_until", condition=Q(keep_until__isnull=False))]

    def __str__(self) -> str:
        return self.number


class Consultation(models.Model):
    """Somebody asked to read an archived file; another person decided (ARC-04)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="consultations")
    reader = models.CharField(_("who reads it"), max_length=120)
    purpose = models.CharField(_("purpose"), max_length=300)
    state = models.CharField(max_length=10, choices=RequestState.choices, default=RequestState.REQUESTED)
    requested_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    decided_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=300, blank=True)
    until = models.DateField(_("until"), null=True)
    exported_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-requested_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("requested_by")),
                name="consultation_decided_by_another",
            )
        ]

    def __str__(self) -> str:
        return f"consultation {self.pk}"


class Appraisal(models.Model):
    """Files whose time is over, looked at together: keep longer or destroy, approved and carried out by others."""

    number = models.CharField(max_length=24, unique=True)
    state = models.CharField(max_length=12, choices=AppraisalState.choices, default=AppraisalState.OPEN)
    version = models.PositiveIntegerField(default=0)
    opened_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    approved_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    list_hash = models.CharField(max_length=64, blank=True)
    carried_out_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    witness = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    carried_out_at = models.DateTimeField(null=True)
    cancelled_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("opened_by")),
                name="appraisal_approved_by_another",
            ),
            models.CheckConstraint(
                condition=Q(carried_out_by__isnull=True) | (Q(witness__isnull=False) & ~Q(witness=F("carried_out_by"))),
                name="destroyed_by_two",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class AppraisalItem(models.Model):
    """The judgement on one file: what is done with it and why (ARC-04). Stays when the file is destroyed."""

    appraisal = models.ForeignKey(Appraisal, models.PROTECT, related_name="items")
    file = models.ForeignKey(CaseFile, models.PROTECT, related_name="appraisals")
    outcome = models.CharField(max_length=8, choices=AppraisalOutcome.choices, blank=True)
    keep_until = models.DateField(_("kept until"), null=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(null=True)
    destroyed_at = models.DateTimeField(null=True)
    index_hash = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["appraisal", "file"], name="file_appraised_once")]

    def __str__(self) -> str:
        return f"{self.appraisal_id}: {self.file_id}"

"""Facts, allegation, investigation, responsibility, remedy and improvement, kept apart (CASE-04)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from complaints.states import (
    Audience,
    FindingResult,
    ImprovementState,
    InvestigationKind,
    RemedyKind,
    RemedyState,
)


class Note(models.Model):
    """A handling note; append only. A department reads its own notes and those for everybody (S17)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="notes", db_index=False)
    text = models.TextField()
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+", db_index=False)
    department = models.ForeignKey("accounts.Department", models.PROTECT, null=True, related_name="+")
    audience = models.CharField(max_length=8, choices=Audience.choices, default=Audience.CASE)

    class Meta:
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["complaint", "at"])]

    def __str__(self) -> str:
        return f"note {self.pk}"


class Allegation(models.Model):
    """One separable point of the complaint with the finding on it (CLS-17)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="allegations")
    order = models.PositiveSmallIntegerField(default=1)
    text = models.TextField()
    finding = models.CharField(max_length=16, choices=FindingResult.choices, blank=True)
    finding_reason = models.TextField(blank=True)
    found_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    found_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["order", "id"]

    def __str__(self) -> str:
        return f"allegation {self.order}"


class InvestigationStep(models.Model):
    """What was checked, where the evidence is, who did it (COO-14, COO-15)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="investigation_steps")
    kind = models.CharField(max_length=12, choices=InvestigationKind.choices)
    summary = models.TextField()
    evidence = models.ForeignKey("complaints.Attachment", models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return self.kind


class ResponsibilityFinding(models.Model):
    """Who is responsible: department and post; the person stays inside (CASE-05, PUB-06)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="responsibilities")
    department = models.ForeignKey("accounts.Department", models.PROTECT, related_name="+")
    post = models.CharField(max_length=80, blank=True)
    person = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    summary = models.TextField()
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.department_id} {self.post}"


class Remedy(models.Model):
    """What the complainant gets. Goodwill is kept apart from what is owed (COO-12, COO-13)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="remedies")
    kind = models.CharField(max_length=12, choices=RemedyKind.choices)
    description = models.TextField()
    amount = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    is_owed = models.BooleanField(_("owed, not goodwill"), default=True)
    proposed_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    due_on = models.DateField(null=True, blank=True)
    state = models.CharField(max_length=8, choices=RemedyState.choices, default=RemedyState.PROPOSED)
    approved_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=300, blank=True)
    paid_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    payment_reference = models.CharField(_("reference of the payment"), max_length=80, blank=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "remedies"
        constraints = [
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("proposed_by")),
                name="remedy_approved_by_another",
            ),
            models.CheckConstraint(
                condition=Q(paid_by__isnull=True) | (~Q(paid_by=F("proposed_by")) & ~Q(paid_by=F("approved_by"))),
                name="remedy_paid_by_a_third",
            ),
        ]

    def __str__(self) -> str:
        return self.kind


class AuthorityLimit(models.Model):
    """One revision of the amounts up to which each level may approve a remedy; the newest one counts.

    `limits` maps department_head, coordinator and manager to yuan; None is without a limit.
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


class ImprovementAction(models.Model):
    """What will be improved, by whom, until when, and who verified it (one table for all sources)."""

    class Origin(models.TextChoices):
        CASE = "case", _("Case")
        REVIEW = "review", _("Review")
        PUBLICATION = "publication", _("Publication")
        PROBLEM = "problem", _("Problem list")
        INCIDENT = "incident", _("Incident")

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, null=True, related_name="improvements")
    origin = models.CharField(max_length=12, choices=Origin.choices, default=Origin.CASE)
    incident = models.ForeignKey("complaints.Incident", models.PROTECT, null=True, related_name="improvements")
    what = models.TextField(_("measure"))
    department = models.ForeignKey("accounts.Department", models.PROTECT, related_name="+")
    post = models.CharField(_("responsible post"), max_length=80, blank=True)
    owner = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    due_on = models.DateField(_("due on"))
    acceptance_test = models.TextField(_("how it will be verified"), blank=True)
    state = models.CharField(max_length=10, choices=ImprovementState.choices, default=ImprovementState.OPEN)
    percent = models.PositiveSmallIntegerField(default=0)
    progress_note = models.CharField(max_length=300, blank=True)
    created_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    verified_at = models.DateTimeField(null=True)
    verified_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["due_on", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(verified_by__isnull=True) | ~Q(verified_by=F("done_by")),
                name="improvement_verified_by_another",
            ),
            models.CheckConstraint(condition=Q(percent__lte=100), name="improvement_percent"),
        ]

    def __str__(self) -> str:
        return f"improvement {self.pk}"


class CauseExplanation(models.Model):
    """The cause as it was explained to the complainant, kept with the contact in which it was told (COO-18)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="explanations")
    cause = models.TextField(_("cause as explained"))
    contact = models.ForeignKey("complaints.Contact", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"explanation {self.pk}"

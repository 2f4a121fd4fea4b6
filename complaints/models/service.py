"""Service that differs from case to case: the fast lane, special groups, tiers, records of other systems."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.crypto import EncryptedTextField
from complaints.states import CustomerTier, ExternalSystemKind, Lane, LaneReason, NeedOutcome


class LaneRule(models.Model):
    """Cases for which all the conditions that are set hold go through this lane; the first by order wins.

    An empty condition holds always (ASG-09, ASG-11).
    """

    name = models.CharField(_("name"), max_length=120)
    order = models.PositiveSmallIntegerField(default=100)
    lane = models.CharField(_("lane"), max_length=8, choices=Lane.choices)
    category = models.ForeignKey("complaints.Category", models.PROTECT, null=True, blank=True, related_name="+")
    risk_grade = models.CharField(_("risk at least"), max_length=8, blank=True)
    customer_tier = models.CharField(_("customer tier"), max_length=10, choices=CustomerTier.choices, blank=True)
    special_group = models.CharField(_("special group"), max_length=24, blank=True)
    words = models.TextField(_("words"), blank=True)
    senior = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    daily_contact = models.BooleanField(_("told about the progress every working day"), default=False)
    is_active = models.BooleanField(default=True)
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["order", "id"]

    def __str__(self) -> str:
        return self.name


class CaseLane(models.Model):
    """The lane a case goes through now; a case without a row goes the ordinary way (ASG-09…11, SLA-14).

    The lane shortens waits and names one person; it never lengthens or shortens a legal limit (SPG-08).
    """

    complaint = models.OneToOneField("complaints.Complaint", models.PROTECT, primary_key=True, related_name="lane")
    lane = models.CharField(max_length=8, choices=Lane.choices)
    reason = models.CharField(max_length=12, choices=LaneReason.choices)
    rule = models.ForeignKey(LaneRule, models.PROTECT, null=True, related_name="+")
    senior = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    daily_contact = models.BooleanField(default=False)
    note = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    # The working day on which the missing daily contact was last told of.
    reminded_on = models.DateField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["lane", "complaint"], name="lane_now", condition=Q(ended_at__isnull=True)),
            models.Index(
                fields=["reminded_on"], name="lane_daily", condition=Q(ended_at__isnull=True, daily_contact=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.complaint_id} {self.lane}"


class TierService(models.Model):
    """What a customer tier gets beside the ordinary service; used only where the module is on (SPG-07)."""

    tier = models.CharField(max_length=10, choices=CustomerTier.choices, unique=True)
    manager = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    fast_lane = models.BooleanField(_("goes through the fast lane"), default=False)
    promise = models.CharField(_("what this tier is told it gets"), max_length=300, blank=True)
    is_active = models.BooleanField(default=True)
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["tier"]

    def __str__(self) -> str:
        return self.tier


class CareConsent(models.Model):
    """The complainant allowed, or took back, that a special need is noted and shown to handlers (SPG-01)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="care_consents")
    groups = models.JSONField(default=list)
    needs = EncryptedTextField(_("what they need"), blank=True)
    given_how = models.CharField(_("how the consent was given"), max_length=200)
    given_at = models.DateTimeField()
    recorded_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["given_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["complaint"], condition=Q(withdrawn_at__isnull=True), name="one_standing_consent"
            )
        ]

    def __str__(self) -> str:
        return f"consent {self.pk}"


class SpecialNeed(models.Model):
    """An individual need and the solution or alternative found for it instead of a refusal (SPG-05, SPG-06)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="special_needs")
    need = models.TextField(_("the need"))
    outcome = models.CharField(max_length=12, choices=NeedOutcome.choices, blank=True)
    solution = models.TextField(_("what was found for it"), blank=True)
    # The proposal that carries the need to those who make the product.
    proposal = models.ForeignKey("complaints.Proposal", models.PROTECT, null=True, related_name="+")
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["recorded_at", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(outcome="") | ~Q(solution=""), name="need_settled_with_solution")
        ]

    def __str__(self) -> str:
        return f"need {self.pk}"


class ExternalSystem(models.Model):
    """Another system of the organisation whose records are attached to cases by reference (CASE-06…09)."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=12, choices=ExternalSystemKind.choices)
    # Address asked for a record; `{reference}` stands for its key. Empty: only the others write to us.
    lookup_url = models.CharField(_("look-up address"), max_length=300, blank=True)
    token = EncryptedTextField(_("access token"), blank=True)
    # Page of the other system for a person; `{reference}` stands for the key.
    page_url = models.CharField(_("address of the page"), max_length=300, blank=True)
    is_active = models.BooleanField(default=True)
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class ExternalRecord(models.Model):
    """A record of another system that belongs to a case: customer, product, parcel, ticket, recording (CASE-06…09)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="external_records")
    system = models.ForeignKey(ExternalSystem, models.PROTECT, related_name="+")
    reference = models.CharField(_("key in the other system"), max_length=120)
    what = models.CharField(_("what it shows"), max_length=200, blank=True)
    occurred_at = models.DateTimeField(_("when it happened"), null=True)
    # What the other system answered, as given; encrypted because it may name people.
    facts = EncryptedTextField(blank=True)
    fetched_at = models.DateTimeField(null=True)
    sha256 = models.CharField(_("hash of the original"), max_length=64, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["complaint", "system", "reference"], name="external_record_once")
        ]

    def __str__(self) -> str:
        return f"{self.system_id}: {self.pk}"

"""Reaching people before they complain, and what they can look up themselves (RISK-28, RISK-29, IN-38)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.crypto import EncryptedTextField
from complaints.models.people import ContactKind
from complaints.states import LookupKind, OutreachState, OutreachWay, RecipientState


class Outreach(models.Model):
    """One precaution for people who may be affected by a batch, a product or a step of the service.

    Drafted by one person, approved by another; only then recipients are written to or put up to be called.
    """

    number = models.CharField(max_length=24, unique=True)
    title = models.CharField(_("title"), max_length=120)
    reason = models.TextField(_("why people may be affected"))
    product = models.CharField(_("product or service"), max_length=120, blank=True)
    batch = models.CharField(_("batch"), max_length=60, blank=True)
    business_step = models.CharField(_("business step"), max_length=120, blank=True)
    place = models.CharField(_("place"), max_length=200, blank=True)
    way = models.CharField(_("how people are reached"), max_length=8, choices=OutreachWay.choices)
    text = models.TextField(_("what they are told"))
    call_by = models.DateField(_("calls done by"), null=True, blank=True)
    state = models.CharField(max_length=10, choices=OutreachState.choices, default=OutreachState.DRAFT)
    version = models.PositiveIntegerField(default=0)
    drafted_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    drafted_at = models.DateTimeField()
    approved_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    cancelled_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    cancel_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "outreach"
        constraints = [
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("drafted_by")),
                name="outreach_approved_by_another",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "cancelled"]) | Q(approved_by__isnull=False),
                name="outreach_under_way_was_approved",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class OutreachRecipient(models.Model):
    """One person of an outreach, reached once however often they were added."""

    outreach = models.ForeignKey(Outreach, models.PROTECT, related_name="recipients")
    name = EncryptedTextField(blank=True, default="")
    kind = models.CharField(max_length=8, choices=ContactKind.choices)
    value = EncryptedTextField()
    match_hash = models.CharField(max_length=64)
    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=10, choices=RecipientState.choices, default=RecipientState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    at = models.DateTimeField(null=True)
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["outreach", "match_hash"], name="recipient_once")]
        indexes = [models.Index(fields=["outreach", "state", "id"], name="recipient_by_state")]

    def __str__(self) -> str:
        return f"recipient {self.pk}"


class LookupRecord(models.Model):
    """One step of an order, a delivery or an after-sales service, as the organisation's own systems report it.

    The number is kept as a keyed hash; whoever knows it and the last four digits of the phone may read the steps.
    """

    kind = models.CharField(max_length=12, choices=LookupKind.choices)
    reference_hash = models.CharField(max_length=64)
    phone_hash = models.CharField(max_length=64)
    status = models.CharField(_("status"), max_length=80)
    detail = models.CharField(_("detail"), max_length=300, blank=True)
    at = models.DateTimeField(_("when"))
    received_at = models.DateTimeField()
    received_from = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "reference_hash", "at", "status"], name="lookup_step_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

"""Checks before the reply, and what the complainant said after it (QUA-01…05, FB-02…08)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from complaints.states import CheckStage, DissatisfactionReason, RatingSource, Satisfaction


class QualityCheck(models.Model):
    """One quality or legal check of a reply, by a person outside the handling department."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="quality_checks")
    reply = models.ForeignKey("complaints.Reply", models.PROTECT, related_name="checks")
    stage = models.CharField(max_length=8, choices=CheckStage.choices)
    passed = models.BooleanField()
    lawful = models.BooleanField(_("conforms to laws, policies and internal rules"), default=True)
    meets_demand = models.BooleanField(_("meets the reasonable demand"), default=True)
    comment = models.TextField(blank=True)
    standard = models.ForeignKey("complaints.QualityStandard", models.PROTECT, null=True, related_name="+")
    points = models.JSONField(default=dict)
    total = models.DecimalField(max_digits=5, decimal_places=1, null=True)
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.stage} {self.passed}"


class Callback(models.Model):
    """A call-back: due from the reply on, done by someone independent of the handling (QUA-08).

    Satisfaction lives here and nowhere else; it is entered by the complainant or by the caller.
    """

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="callbacks")
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+", db_index=False)
    source = models.CharField(max_length=12, choices=RatingSource.choices)
    contact = models.ForeignKey("complaints.Contact", models.PROTECT, null=True, related_name="+")
    is_reached = models.BooleanField(default=True)
    is_solved = models.BooleanField(null=True)
    satisfaction = models.CharField(max_length=12, choices=Satisfaction.choices, blank=True)
    reason = models.CharField(max_length=16, choices=DissatisfactionReason.choices, blank=True)
    comment = models.TextField(blank=True)
    questions_answered = models.TextField(blank=True)
    process_satisfaction = models.CharField(
        _("satisfaction with the handling"), max_length=12, choices=Satisfaction.choices, blank=True
    )

    class Meta:
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["at"])]
        constraints = [
            models.CheckConstraint(
                condition=~Q(source="caller") | Q(contact__isnull=False), name="caller_rating_has_contact"
            ),
            models.CheckConstraint(
                condition=~Q(satisfaction="dissatisfied") | ~Q(reason=""), name="dissatisfied_has_reason"
            ),
        ]

    def __str__(self) -> str:
        return self.satisfaction or "call-back"

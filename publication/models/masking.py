"""Revisions of the masking profiles: what the public reads in place of a secret."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from publication.states import MaskingState


class MaskingRevision(models.Model):
    """One revision of a profile, proposed by one person and approved by another (PUB-14 to PUB-17, PR-08).

    `rows` holds manner and wording of every type. An approved revision is never changed: what was masked by it names
    it. The shipped one has the number 1, nobody who proposed it and no first day.
    """

    profile = models.CharField(max_length=10, choices=[("standard", _("Standard")), ("strict", _("Strict"))])
    revision = models.PositiveIntegerField()
    rows = models.JSONField()
    state = models.CharField(max_length=10, choices=MaskingState.choices, default=MaskingState.PROPOSED)
    applies_from = models.DateField(_("applies from"), null=True)
    reason = models.CharField(_("what changed and why"), max_length=200, blank=True)
    proposed_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["profile", "-revision"]
        constraints = [
            models.UniqueConstraint(fields=["profile", "revision"], name="masking_revision_once"),
            models.UniqueConstraint(
                fields=["profile"], condition=Q(state="proposed"), name="one_masking_proposal_per_profile"
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")),
                name="masking_decided_by_another",
            ),
            models.CheckConstraint(
                condition=Q(revision=1)
                | Q(proposed_by__isnull=False, applies_from__isnull=False)
                & (~Q(state__in=["approved", "declined"]) | Q(decided_by__isnull=False, decided_at__isnull=False)),
                name="masking_needs_two_persons",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.profile} {self.revision}"

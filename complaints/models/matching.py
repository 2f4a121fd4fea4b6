"""Cases that belong together: links, merges, incidents, and the prints that find near-identical texts (SCR-09)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class LinkKind(models.TextChoices):
    DUPLICATE = "duplicate", _("Same person, same matter")
    SAME_PERSON = "same_person", _("Same person, another matter")
    SAME_MATTER = "same_matter", _("Same matter, another person")


class TextPrint(models.Model):
    """The bands of a case's text: texts that are nearly the same share at least one.

    `tokens` holds one word per band; the full-text index made by migration finds the cases that share any.
    """

    complaint = models.OneToOneField("complaints.Complaint", models.CASCADE, primary_key=True, related_name="print")
    tokens = models.TextField()

    def __str__(self) -> str:
        return f"print {self.pk}"


class CaseLink(models.Model):
    """Two cases belong together; the smaller key is `first`. Ended, never deleted."""

    first = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="links_from")
    second = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="links_to")
    kind = models.CharField(max_length=12, choices=LinkKind.choices)
    reason = models.CharField(max_length=300)
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="link_ordered"),
            models.UniqueConstraint(
                fields=["first", "second"], condition=Q(ended_at__isnull=True), name="one_link_per_pair"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_id}–{self.second_id}"


class Merge(models.Model):
    """`merged` is worked on within `primary`, under its own number; undone, it goes on from where it stood."""

    primary = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="merges")
    merged = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="merged_in")
    status_before = models.CharField(max_length=24)
    reason = models.CharField(max_length=300)
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    undo_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.CheckConstraint(condition=~Q(primary=F("merged")), name="merge_of_two"),
            models.UniqueConstraint(fields=["merged"], condition=Q(undone_at__isnull=True), name="merged_once"),
        ]

    def __str__(self) -> str:
        return f"{self.merged_id} into {self.primary_id}"


class Incident(models.Model):
    """One event that many complain about, from one suggested or chosen group of cases."""

    number = models.CharField(max_length=24, unique=True)
    title = models.CharField(_("title"), max_length=120)
    summary = models.TextField(_("what is known"), blank=True)
    category = models.ForeignKey("complaints.Category", models.PROTECT, null=True, blank=True, related_name="+")
    place = models.CharField(_("place"), max_length=200, blank=True)
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-opened_at", "-id"]

    def __str__(self) -> str:
        return self.number

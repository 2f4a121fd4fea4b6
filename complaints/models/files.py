"""Files: content-addressed, original untouched, served only through a permission check."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.crypto import EncryptedTextField
from complaints.states import EvidenceKind


class ScanState(models.TextChoices):
    """What is known of a file: stored without a scanner, waiting for it, or its answer (FL-09)."""

    UNCHECKED = "unchecked", _("Not looked through")
    WAITING = "waiting", _("Waits for the virus check")
    CLEAN = "clean", _("Clean")
    INFECTED = "infected", _("Virus found")
    # It stays shut: the scanner does not take files of this size, and the office decides what to do.
    TOO_LARGE = "too_large", _("Too large for the virus check")


class StoredFile(models.Model):
    """One content, stored once under its SHA-256; the row exists before the name is taken (FL-07)."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    size = models.PositiveBigIntegerField()
    content_type = models.CharField(max_length=100)
    stored_at = models.DateTimeField()
    scan_state = models.CharField(max_length=9, choices=ScanState.choices, default=ScanState.UNCHECKED)
    scanned_at = models.DateTimeField(null=True)
    scan_found = models.CharField(max_length=120, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["stored_at"], name="file_waiting", condition=Q(scan_state="waiting")),
            models.Index(fields=["stored_at"], name="file_unchecked", condition=Q(scan_state="unchecked")),
        ]

    def __str__(self) -> str:
        return self.sha256[:12]

    @property
    def is_quarantined(self) -> bool:
        """Whether nobody may open it: the scanner has not answered, found something, or cannot take it."""
        return self.scan_state in (ScanState.WAITING, ScanState.INFECTED, ScanState.TOO_LARGE)


class Attachment(models.Model):
    """A file given with a draft or on a case; the original name is data, never a path (FL-08)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, null=True, related_name="attachments")
    draft = models.ForeignKey("complaints.IntakeDraft", models.SET_NULL, null=True, related_name="attachments")
    file = models.ForeignKey(StoredFile, models.PROTECT, related_name="+")
    name = EncryptedTextField()
    # A copy without anything that tells who complained, for departments on a confidential case (AZ-07).
    copy_of = models.ForeignKey("self", models.PROTECT, null=True, related_name="copies")
    evidence_kind = models.CharField(max_length=16, choices=EvidenceKind.choices, default=EvidenceKind.COMPLAINANT)
    source = models.CharField(_("where it comes from"), max_length=120, blank=True)
    from_complainant = models.BooleanField(default=True)
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"attachment {self.pk}"

    @property
    def extension(self) -> str:
        """Upper-case ending for the file badge."""
        tail = self.name.rsplit(".", 1)[-1] if "." in self.name else ""
        return tail.upper()[:4] or "—"

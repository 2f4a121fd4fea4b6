"""Before a case exists: drafts of the public form, idempotency keys, imports, other bodies."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.crypto import EncryptedTextField


class IntakeDraft(models.Model):
    """A public form being filled in. The token lives in the visitor's form, its hash here.

    `complaint` set means it was filed: submitting again shows the same receipt (PI-06).
    """

    token_hash = models.CharField(max_length=64, unique=True)
    answers = EncryptedTextField(default="{}")
    created_at = models.DateTimeField(default=timezone.now)
    complaint = models.OneToOneField("complaints.Complaint", models.PROTECT, null=True, related_name="draft")
    receipt = EncryptedTextField(blank=True, default="")
    cleared_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["created_at"])]

    def __str__(self) -> str:
        return f"draft {self.pk}"


class IdempotencyKey(models.Model):
    """The answer given to a write: the same key and body get it again, another body gets 409."""

    scope = models.CharField(max_length=80)
    key = models.CharField(max_length=120)
    body_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    response = EncryptedTextField(blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "key"], name="idempotency_key_once")]
        indexes = [models.Index(fields=["created_at"])]

    def __str__(self) -> str:
        return self.key


class ImportSource(models.Model):
    """Where files come from and which of their columns is which field, kept for the next file."""

    name = models.CharField(_("name"), max_length=60, unique=True)
    mapping = models.JSONField(default=dict)
    sheet = models.CharField(max_length=80, blank=True)
    channel = models.CharField(max_length=12, blank=True)
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ImportState(models.TextChoices):
    PREVIEW = "preview", _("Checked, not imported")
    RUNNING = "running", _("Being imported")
    DONE = "done", _("Imported")
    FAILED = "failed", _("Failed")
    UNDONE = "undone", _("Undone")


class ImportBatch(models.Model):
    """One imported file; rows are found again by file hash and row number (I2)."""

    file_hash = models.CharField(max_length=64)
    source = models.CharField(max_length=60)
    state = models.CharField(max_length=8, choices=ImportState.choices, default=ImportState.DONE)
    options = models.JSONField(default=dict)
    file = models.ForeignKey("complaints.StoredFile", models.PROTECT, null=True, related_name="+")
    rows = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    duplicates = models.PositiveIntegerField(default=0)
    errors = models.JSONField(default=list)
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name_plural = "import batches"
        indexes = [models.Index(fields=["-at", "-id"], name="import_at")]

    def __str__(self) -> str:
        return f"import {self.pk}"


class ExternalBody(models.Model):
    """Directory of other bodies a complainant can be directed to (SCR-04)."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    responsible_for = models.CharField(_("responsible for"), max_length=200)
    phone = models.CharField(_("phone"), max_length=60, blank=True)
    website = models.URLField(blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "external bodies"

    def __str__(self) -> str:
        return self.name

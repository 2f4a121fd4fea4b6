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


class ImportBatch(models.Model):
    """One imported file; rows are found again by file hash and row number (I2)."""

    file_hash = models.CharField(max_length=64)
    source = models.CharField(max_length=60)
    rows = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    duplicates = models.PositiveIntegerField(default=0)
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "import batches"

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

"""E-mail as a channel: what arrived, what became of it (IN-08)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.crypto import EncryptedTextField


class MailState(models.TextChoices):
    WAITING = "waiting", _("Waits for a clerk")
    COMPLAINT = "complaint", _("Became a complaint")
    JOINED = "joined", _("Joined to its case")
    AUTOMATIC = "automatic", _("Automatic reply")
    BOUNCE = "bounce", _("Could not be delivered")
    LOOP = "loop", _("Our own message")
    DISMISSED = "dismissed", _("Not a complaint")


class Mailbox(models.Model):
    """How far a mailbox has been read. A new `uid_validity` means the server numbered its messages anew."""

    name = models.CharField(max_length=120, unique=True)
    uid_validity = models.BigIntegerField(default=0)
    last_uid = models.BigIntegerField(default=0)
    polled_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name_plural = "mailboxes"

    def __str__(self) -> str:
        return self.name


class InboundMail(models.Model):
    """One message that arrived. `message_key` is a hash of the message's identity: it is taken in once,
    however often the mailbox offers it. The original bytes stay as evidence in `original`."""

    message_key = models.CharField(max_length=64, unique=True)
    mailbox = models.ForeignKey(Mailbox, models.PROTECT, related_name="messages")
    state = models.CharField(max_length=10, choices=MailState.choices, default=MailState.WAITING)
    sender = EncryptedTextField(blank=True, default="")
    subject = EncryptedTextField(blank=True, default="")
    body = EncryptedTextField(blank=True, default="")
    reason = models.CharField(max_length=200, blank=True)
    original = models.ForeignKey("complaints.StoredFile", models.PROTECT, null=True, related_name="+")
    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, null=True, related_name="mails")
    sent_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField(default=timezone.now)
    decided_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-received_at", "-id"]
        indexes = [
            models.Index(fields=["received_at", "id"], name="mail_waiting", condition=Q(state="waiting")),
            models.Index(fields=["-received_at", "-id"], name="mail_received"),
            models.Index(fields=["state", "-received_at", "-id"], name="mail_by_state"),
        ]

    def __str__(self) -> str:
        return f"mail {self.pk}"

"""Everything said between the organisation and the complainant (COO-05, COO-06, FB-01…05)."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from complaints.states import (
    Channel,
    ContactDirection,
    ContactOutcome,
    ContactPurpose,
    MailRhythm,
    NoticeKind,
    QuestionKind,
    ReplyState,
    RequestState,
)


class Contact(models.Model):
    """One communication, failed attempts included. Never edited."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="communications", db_index=False)
    direction = models.CharField(max_length=4, choices=ContactDirection.choices)
    channel = models.CharField(max_length=12, choices=Channel.choices)
    purpose = models.CharField(max_length=16, choices=ContactPurpose.choices)
    outcome = models.CharField(max_length=16, choices=ContactOutcome.choices, default=ContactOutcome.REACHED)
    summary = models.TextField(_("what was said"), blank=True)
    recording_reference = models.CharField(_("recording"), max_length=120, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["complaint", "at"])]

    def __str__(self) -> str:
        return f"{self.purpose} {self.outcome}"


class Question(models.Model):
    """The complainant asked again: a reminder or a question, clearly answered or not (RISK-10, RISK-11)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="questions", db_index=False)
    kind = models.CharField(max_length=12, choices=QuestionKind.choices)
    channel = models.CharField(max_length=12, choices=Channel.choices)
    text = models.TextField()
    at = models.DateTimeField()
    recorded_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+", db_index=False)
    answer = models.TextField(blank=True)
    is_clearly_answered = models.BooleanField(null=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["complaint", "at"])]

    def __str__(self) -> str:
        return self.kind


class SupplementRequest(models.Model):
    """The office asked the complainant for missing information, all of it at once (SCR-06, IN-36)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="supplement_requests")
    items = models.TextField(_("what is missing"))
    due_at = models.DateTimeField(null=True)
    asked_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField()
    answer = models.TextField(blank=True)
    answered_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=RequestState.choices, default=RequestState.REQUESTED)

    class Meta:
        ordering = ["asked_at", "id"]

    def __str__(self) -> str:
        return f"request {self.pk}"

    def is_expired(self, at: datetime) -> bool:
        """Whether the time to answer has passed without an answer."""
        return self.answered_at is None and self.due_at is not None and at >= self.due_at


class Reply(models.Model):
    """The answer to the complainant: process followed and result (FB-04). One row per round."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="replies", db_index=False)
    round = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=10, choices=ReplyState.choices, default=ReplyState.DRAFT)
    process = models.TextField(_("what was done"))
    result = models.TextField(_("result"))
    legal_basis = models.CharField(_("legal basis"), max_length=300, blank=True)
    drafted_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+", db_index=False)
    drafted_at = models.DateTimeField()
    approved_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+", db_index=False)
    sent_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["round", "id"]
        verbose_name_plural = "replies"
        constraints = [
            models.UniqueConstraint(fields=["complaint", "round"], name="one_reply_per_round"),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=models.F("drafted_by")),
                name="reply_approved_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"round {self.round}"


class Notice(models.Model):
    """A notice as it was issued, kept on the file (SCR-10); `sent_at` is the proof of sending."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="notices")
    kind = models.CharField(max_length=16, choices=NoticeKind.choices)
    body = models.TextField()
    channel = models.CharField(max_length=12, choices=Channel.choices)
    issued_at = models.DateTimeField()
    issued_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    sent_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["issued_at", "id"]

    def __str__(self) -> str:
        return self.kind


class Notification(models.Model):
    """What must arrive is a row first; a task delivers it, a sweep finds what was left (I7).

    `dedupe_key` makes a message to one recipient about one thing happen once. Texts are built from
    `kind` and `params` when shown; params hold numbers and codes, never personal data.
    """

    recipient = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, related_name="notifications", db_index=False
    )
    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, null=True, related_name="notifications")
    kind = models.CharField(max_length=40)
    params = models.JSONField(default=dict)
    url = models.CharField(max_length=200, blank=True)
    dedupe_key = models.CharField(max_length=160, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    to_complainant = models.BooleanField(default=False)
    by_email = models.BooleanField(default=False)
    claimed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    failed_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["created_at"],
                name="notification_unsent",
                condition=Q(by_email=True, sent_at__isnull=True, failed_at__isnull=True),
            ),
            models.Index(fields=["recipient", "-created_at"], name="notification_inbox"),
            models.Index(fields=["recipient"], name="notification_unread", condition=Q(read_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.kind

    def is_moot(self) -> bool:
        """Whether the clock this reminds of runs no more: answered, closed or paused since it was written (JT-10)."""
        from complaints.models import Deadline

        clock = self.params.get("deadline")
        return clock is not None and not Deadline.objects.filter(pk=clock, state="running").exists()


class Substitution(models.Model):
    """Somebody is away; messages that press also reach the substitute."""

    user = models.ForeignKey("accounts.User", models.PROTECT, related_name="substitutions")
    substitute = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    since = models.DateTimeField(_("from"))
    until = models.DateTimeField(_("until"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-since", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(until__gt=models.F("since")), name="substitution_in_order"),
            models.CheckConstraint(condition=~Q(substitute=models.F("user")), name="substitute_is_another"),
        ]
        indexes = [models.Index(fields=["user", "until"], name="substitution_of")]

    def __str__(self) -> str:
        return f"{self.user_id} by {self.substitute_id}"


class MailPreference(models.Model):
    """How a member of staff wants messages by e-mail; what presses always comes at once."""

    user = models.OneToOneField("accounts.User", models.CASCADE, primary_key=True, related_name="mail_preference")
    rhythm = models.CharField(max_length=8, choices=MailRhythm.choices, default=MailRhythm.AT_ONCE)
    digest_sent_on = models.DateField(null=True)

    def __str__(self) -> str:
        return self.rhythm


class ReplyTemplate(models.Model):
    """A text to start a reply or notice from; it must be personalised (COO-10)."""

    code = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=16, choices=NoticeKind.choices, default=NoticeKind.REPLY)
    category = models.ForeignKey("complaints.Category", models.PROTECT, null=True, blank=True, related_name="+")
    process = models.TextField(blank=True)
    result = models.TextField(blank=True)
    is_active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name

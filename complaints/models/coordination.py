"""What was promised, asked of others, agreed and set as a task while a case is handled (COO-01…03, COO-07, COO-14)."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from complaints.states import MeetingKind, PartyKind, TaskKind


class Promise(models.Model):
    """Something the complainant was promised until a moment; unkept, it raises an alarm once (COO-07)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="promises")
    text = models.TextField(_("what was promised"))
    due_at = models.DateTimeField(_("until"))
    made_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    kept_at = models.DateTimeField(null=True)
    kept_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    alerted_at = models.DateTimeField(null=True)
    ended_reason = models.CharField(_("why it no longer holds"), max_length=300, blank=True)

    class Meta:
        ordering = ["due_at", "id"]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="promise_unkept",
                condition=Q(kept_at__isnull=True, alerted_at__isnull=True, ended_reason=""),
            )
        ]

    def __str__(self) -> str:
        return f"promise {self.pk}"


class PartyStatement(models.Model):
    """A written statement asked of somebody outside: carrier, supplier, contractor (COO-14)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="party_statements")
    kind = models.CharField(_("kind of party"), max_length=12, choices=PartyKind.choices)
    party = models.CharField(_("name of the party"), max_length=120)
    question = models.TextField(_("what they are asked"))
    due_on = models.DateField(_("answer by"))
    asked_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    answer = models.TextField(_("what they stated"), blank=True)
    evidence = models.ForeignKey("complaints.Attachment", models.PROTECT, null=True, related_name="+")
    received_at = models.DateTimeField(null=True)
    received_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    waived_reason = models.CharField(_("why it is done without"), max_length=300, blank=True)
    alerted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["asked_at", "id"]
        indexes = [
            models.Index(
                fields=["due_on"],
                name="statement_outstanding",
                condition=Q(received_at__isnull=True, alerted_at__isnull=True, waived_reason=""),
            )
        ]

    def __str__(self) -> str:
        return f"statement {self.pk}"


class Meeting(models.Model):
    """A coordination meeting on a case, or a meeting of its temporary coordination group (COO-02, COO-03)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="meetings")
    kind = models.CharField(max_length=8, choices=MeetingKind.choices, default=MeetingKind.MEETING)
    title = models.CharField(_("subject of the meeting"), max_length=120)
    planned_at = models.DateTimeField(_("when"))
    place = models.CharField(_("where"), max_length=120, blank=True)
    agenda = models.TextField(_("agenda"))
    participants = models.ManyToManyField("accounts.User", related_name="+")
    guests = models.CharField(_("other participants"), max_length=300, blank=True)
    called_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    called_at = models.DateTimeField()
    minutes = models.TextField(_("minutes"), blank=True)
    decisions = models.TextField(_("decisions"), blank=True)
    held_at = models.DateTimeField(null=True)
    minutes_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    minutes_at = models.DateTimeField(null=True)
    cancelled_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["planned_at", "id"]

    def __str__(self) -> str:
        return f"meeting {self.pk}"


class CaseTask(models.Model):
    """A task on a case with an owner and a date: decided at a meeting, or a service at the door (COO-02, SPG-02).

    `due_on` is NO_DAY for the reply owed to another body that named no day (IN-11): such a task is listed after all
    others and is never late.
    """

    NO_DAY = date.max

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="tasks")
    meeting = models.ForeignKey(Meeting, models.PROTECT, null=True, related_name="tasks")
    kind = models.CharField(max_length=8, choices=TaskKind.choices, default=TaskKind.OTHER)
    what = models.TextField(_("task"))
    department = models.ForeignKey("accounts.Department", models.PROTECT, related_name="+")
    owner = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    due_on = models.DateField(_("due on"))
    created_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    result = models.TextField(_("what was done"), blank=True)
    alerted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["due_on", "id"]
        indexes = [
            models.Index(
                fields=["due_on"], name="task_overdue", condition=Q(done_at__isnull=True, alerted_at__isnull=True)
            ),
            models.Index(fields=["owner", "due_on"], name="task_of_owner", condition=Q(done_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"task {self.pk}"

    @property
    def has_day(self) -> bool:
        """Whether a day was set until which the task is to be done."""
        return self.due_on != self.NO_DAY

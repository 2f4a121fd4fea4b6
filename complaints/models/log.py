"""The one log of a case, its daily anchors, and the ledger of jobs."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from complaints.states import Audience, Status


class CaseEvent(models.Model):
    """One row of the log of a case: append-only (database triggers), hash-chained (CASE-12, ARC-10).

    `version` is set on transitions and equals the case's version after them. `fields` holds names of
    changed fields; `note` holds reasons given by staff with the case's known identity masked.
    """

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="events", db_index=False)
    sequence = models.PositiveIntegerField()
    at = models.DateTimeField()
    actor = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+", db_index=False)
    kind = models.CharField(max_length=40)
    version = models.PositiveIntegerField(null=True)
    from_status = models.CharField(max_length=24, blank=True, choices=Status.choices)
    to_status = models.CharField(max_length=24, blank=True, choices=Status.choices)
    fields = models.JSONField(default=list)
    note = models.TextField(blank=True)
    reference = models.CharField(max_length=60, blank=True)
    audience = models.CharField(max_length=8, choices=Audience.choices, default=Audience.CASE)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["complaint_id", "sequence"]
        constraints = [
            models.UniqueConstraint(fields=["complaint", "sequence"], name="event_sequence_unique"),
            models.UniqueConstraint(
                fields=["complaint", "version"], condition=Q(version__isnull=False), name="event_version_unique"
            ),
        ]
        indexes = [models.Index(fields=["kind", "at"], name="event_kind_at")]

    def __str__(self) -> str:
        return f"{self.complaint_id}#{self.sequence} {self.kind}"


class LedgerAnchor(models.Model):
    """Daily anchor over all events up to `last_event_id`, also written to a file outside the database."""

    day = models.DateField(unique=True)
    last_event_id = models.BigIntegerField()
    events = models.BigIntegerField()
    head_hash = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        ordering = ["day"]

    def __str__(self) -> str:
        return str(self.day)


class JobRun(models.Model):
    """Ledger of scheduled work: one row per job and period (JT-01, I11)."""

    class State(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    job = models.CharField(max_length=40)
    period = models.CharField(max_length=40)
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=1)
    result = models.JSONField(default=dict)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "period"], name="one_run_per_period")]

    def __str__(self) -> str:
        return f"{self.job} {self.period}"

"""Policies, deadlines, pauses, and the working calendar (SLA-01…13)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from complaints.querysets import DeadlineQuerySet
from complaints.states import Complexity, DeadlineState, Milestone, PauseReason, RequestState


class CalendarYear(models.Model):
    """A year whose working days are known; provisional until the make-up days are announced."""

    year = models.PositiveSmallIntegerField(primary_key=True)
    is_provisional = models.BooleanField(default=False)
    loaded_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.year)


class CalendarDay(models.Model):
    """An exception to Monday–Friday: a holiday, or a make-up working day 调休 (SLA-12)."""

    day = models.DateField(primary_key=True)
    is_working = models.BooleanField()
    name = models.CharField(max_length=60, blank=True)

    class Meta:
        ordering = ["day"]

    def __str__(self) -> str:
        return f"{self.day} {self.name}"


class ServicePolicy(models.Model):
    """A versioned set of time limits, bound to a case at receipt."""

    code = models.SlugField(max_length=60)
    revision = models.PositiveSmallIntegerField(default=1)
    name = models.CharField(max_length=120)
    name_en = models.CharField(max_length=120)
    legal_basis = models.CharField(max_length=300, blank=True)
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True)
    is_government = models.BooleanField(default=False)
    is_default = models.BooleanField(default=False)
    slots = models.JSONField(default=list)
    remedies = models.JSONField(default=dict)
    # When a closed case may be opened again: {"within_days", "unit", "reasons", "clocks", "most"}; empty: by judgement.
    reopening = models.JSONField(default=dict)
    # Pauses and returns (complaints/policy_terms.py); null: the usual.
    return_days = models.PositiveSmallIntegerField(null=True)
    pause_days = models.PositiveSmallIntegerField(null=True)
    pause_reasons = models.JSONField(null=True)

    class Meta:
        ordering = ["code", "revision"]
        constraints = [
            models.UniqueConstraint(fields=["code", "revision"], name="policy_revision_unique"),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("valid_from")),
                name="policy_dates_in_order",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        return self.name_en if get_language() == "en" else self.name


class PolicyRule(models.Model):
    """One time limit of a policy: so many units from a start event to a milestone."""

    policy = models.ForeignKey(ServicePolicy, models.PROTECT, related_name="rules")
    milestone = models.CharField(max_length=20, choices=Milestone.choices)
    complexity = models.CharField(max_length=10, choices=Complexity.choices, blank=True)
    amount = models.PositiveSmallIntegerField()
    unit = models.CharField(max_length=16)
    starts_on = models.CharField(max_length=20)
    start_day_counts = models.BooleanField(default=False)
    roll_forward = models.BooleanField(default=True)
    after_hours_next_day = models.BooleanField(default=False)
    extension_amount = models.PositiveSmallIntegerField(default=0)
    max_extensions = models.PositiveSmallIntegerField(default=0)
    ladder = models.JSONField(default=list)
    # Begins anew when new facts are accepted (ClockReset).
    resets = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["policy", "milestone", "complexity"], name="one_rule_per_milestone"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="rule_amount_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.milestone} {self.amount} {self.unit}"


class OfficeTerms(models.Model):
    """One revision of the days of daily work (complaints/office_terms.py); the newest one counts."""

    revision = models.PositiveIntegerField(unique=True)
    terms = models.JSONField(default=dict)
    note = models.CharField(_("what changed and why"), max_length=200)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-revision"]

    def __str__(self) -> str:
        return f"revision {self.revision}"


class Deadline(models.Model):
    """A materialised clock of a case. The sweep reads `deadline_alert` (next_alert_at of running
    clocks), so it costs what is due, not what exists."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="deadlines", db_index=False)
    assignment = models.ForeignKey("complaints.Assignment", models.PROTECT, null=True, related_name="deadlines")
    milestone = models.CharField(max_length=20, choices=Milestone.choices)
    state = models.CharField(max_length=10, choices=DeadlineState.choices, default=DeadlineState.RUNNING)
    amount = models.PositiveSmallIntegerField()
    unit = models.CharField(max_length=16)
    starts_on = models.CharField(max_length=20)
    start_day_counts = models.BooleanField(default=False)
    roll_forward = models.BooleanField(default=True)
    after_hours_next_day = models.BooleanField(default=False)
    ladder = models.JSONField(default=list)
    extra_amount = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField()
    due_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)
    breached_at = models.DateTimeField(null=True)
    next_alert_at = models.DateTimeField(null=True)
    alerts_sent = models.PositiveSmallIntegerField(default=0)
    is_provisional = models.BooleanField(default=False)

    objects = DeadlineQuerySet.as_manager()

    class Meta:
        ordering = ["started_at", "id"]
        indexes = [
            models.Index(fields=["next_alert_at"], name="deadline_alert", condition=Q(state="running")),
            models.Index(fields=["complaint", "state"], name="deadline_of_case"),
            models.Index(fields=["milestone", "stopped_at"], name="deadline_stopped"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["complaint", "milestone"],
                condition=Q(state__in=["running", "paused"], assignment__isnull=True),
                name="one_clock_per_milestone",
            ),
            models.UniqueConstraint(
                fields=["assignment", "milestone"],
                condition=Q(state__in=["running", "paused"], assignment__isnull=False),
                name="one_clock_per_task",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.milestone} {self.due_at:%F %H:%M}"


class ClockPause(models.Model):
    """Time that does not count: a listed reason, asked for by one person, approved by another."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="pauses")
    reason = models.CharField(max_length=16, choices=PauseReason.choices)
    evidence = models.CharField(_("evidence"), max_length=300, blank=True)
    state = models.CharField(max_length=10, choices=RequestState.choices, default=RequestState.REQUESTED)
    requested_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    requested_at = models.DateTimeField()
    decided_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    max_until = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["requested_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("requested_by")),
                name="pause_approved_by_another",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")), name="pause_ends_after_start"
            ),
            models.UniqueConstraint(
                fields=["complaint"], condition=Q(state__in=["requested", "approved"]), name="one_pause_at_a_time"
            ),
        ]
        indexes = [models.Index(fields=["max_until"], name="pause_running_out", condition=Q(state="approved"))]

    def __str__(self) -> str:
        return self.reason


class Extension(models.Model):
    """A longer limit for one deadline; at most as often as the policy says, never by oneself."""

    deadline = models.ForeignKey(Deadline, models.PROTECT, related_name="extensions")
    reason = models.CharField(max_length=300)
    amount = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=RequestState.choices, default=RequestState.REQUESTED)
    requested_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    decided_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=300, blank=True)
    old_due_at = models.DateTimeField()
    new_due_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["requested_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("requested_by")),
                name="extension_approved_by_another",
            ),
            models.UniqueConstraint(fields=["deadline"], condition=Q(state="requested"), name="one_extension_request"),
        ]

    def __str__(self) -> str:
        return f"+{self.amount}"


class ClockReset(models.Model):
    """New facts came in, so the clocks whose rule allows it begin anew; asked by one, decided by another."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="clock_resets")
    facts = models.TextField(_("new facts"))
    evidence = models.CharField(_("evidence"), max_length=300, blank=True)
    state = models.CharField(max_length=10, choices=RequestState.choices, default=RequestState.REQUESTED)
    requested_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    decided_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=300, blank=True)
    # {milestone: [due before, due after]} as ISO texts, kept to explain the dates.
    changes = models.JSONField(default=dict)

    class Meta:
        ordering = ["requested_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("requested_by")),
                name="reset_decided_by_another",
            ),
            models.UniqueConstraint(fields=["complaint"], condition=Q(state="requested"), name="one_reset_request"),
        ]

    def __str__(self) -> str:
        return f"reset {self.pk}"

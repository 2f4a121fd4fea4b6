"""How good the handling was: the standard, sampled calls, praise, consequences, what people proposed (QUA, FB)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from complaints.states import ConsequenceKind, FollowUpKind, ProposalAbout


class QualityStandard(models.Model):
    """One revision of what handling is measured by; the newest one counts (QUA-01).

    `criteria` is a list of {code, name, name_en, weight}; weights add up to 100, points go from 0 to 100.
    """

    revision = models.PositiveIntegerField(unique=True)
    criteria = models.JSONField(default=list)
    call_criteria = models.JSONField(default=list)
    pass_mark = models.PositiveSmallIntegerField(_("pass mark"), default=70)
    most_rounds = models.PositiveSmallIntegerField(_("rounds of rework before it is escalated"), default=3)
    note = models.CharField(_("what changed and why"), max_length=200, blank=True)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-revision"]
        constraints = [models.CheckConstraint(condition=Q(pass_mark__lte=100), name="pass_mark_of_100")]

    def __str__(self) -> str:
        return f"revision {self.revision}"


class CallSample(models.Model):
    """A telephone conversation picked at random and scored by somebody who took no part (QUA-07)."""

    contact = models.OneToOneField("complaints.Contact", models.PROTECT, related_name="sample")
    period = models.CharField(max_length=7)
    picked_at = models.DateTimeField()
    standard = models.ForeignKey(QualityStandard, models.PROTECT, null=True, related_name="+")
    points = models.JSONField(default=dict)
    total = models.DecimalField(max_digits=5, decimal_places=1, null=True)
    comment = models.TextField(_("remarks"), blank=True)
    scored_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    scored_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-period", "id"]
        indexes = [models.Index(fields=["period", "id"], name="call_sample_period")]

    def __str__(self) -> str:
        return f"call sample {self.pk}"


class Praise(models.Model):
    """Praise from a customer, for a department and maybe a person (QUA-12)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, null=True, related_name="praises")
    department = models.ForeignKey("accounts.Department", models.PROTECT, related_name="+")
    person = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    text = models.TextField(_("what was praised"))
    received_on = models.DateField(_("received on"))
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-received_on", "-id"]

    def __str__(self) -> str:
        return f"praise {self.pk}"


class Consequence(models.Model):
    """What followed for a member of staff; read by few, each reading is logged (QUA-15)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="consequences")
    person = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    kind = models.CharField(_("kind"), max_length=12, choices=ConsequenceKind.choices)
    text = models.TextField(_("what was decided"))
    decided_on = models.DateField(_("decided on"))
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["decided_on", "id"]

    def __str__(self) -> str:
        return f"consequence {self.pk}"


class SurveyRound(models.Model):
    """A random sample of closed cases that are called for a survey (FB-11)."""

    period = models.CharField(max_length=7, unique=True)
    percent = models.PositiveSmallIntegerField(default=10)
    seed = models.CharField(max_length=64)
    frame_size = models.PositiveIntegerField()
    drawn_at = models.DateTimeField()
    drawn_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-period"]

    def __str__(self) -> str:
        return self.period


class SurveyCall(models.Model):
    """One case of a survey and what became of it; the answer itself is a call-back."""

    round = models.ForeignKey(SurveyRound, models.PROTECT, related_name="calls")
    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="+")
    callback = models.OneToOneField("complaints.Callback", models.PROTECT, null=True, related_name="survey")
    tries = models.PositiveSmallIntegerField(default=0)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["round", "complaint"], name="surveyed_once")]

    def __str__(self) -> str:
        return f"survey call {self.pk}"


class FollowUp(models.Model):
    """A later call to the complainant: a week after the rectification, or out of care (SLA-08, FB-14…16)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="follow_ups")
    kind = models.CharField(max_length=16, choices=FollowUpKind.choices)
    due_on = models.DateField(_("due on"))
    planned_at = models.DateTimeField()
    planned_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    contact = models.ForeignKey("complaints.Contact", models.PROTECT, null=True, related_name="+")
    experience = models.TextField(_("later experience"), blank=True)
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    cancelled_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["due_on", "id"]
        indexes = [
            models.Index(
                fields=["due_on", "id"],
                name="follow_up_due",
                condition=Q(done_at__isnull=True, cancelled_reason=""),
            )
        ]

    def __str__(self) -> str:
        return f"follow-up {self.pk}"


class Proposal(models.Model):
    """What somebody proposed to do better, and what became of it (FB-09, FB-10)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="proposals")
    about = models.CharField(_("about"), max_length=8, choices=ProposalAbout.choices)
    text = models.TextField(_("what is proposed"))
    at = models.DateTimeField()
    recorded_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    is_valuable = models.BooleanField(null=True)
    judged_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    judged_at = models.DateTimeField(null=True)
    department = models.ForeignKey("accounts.Department", models.PROTECT, null=True, related_name="+")
    answer = models.TextField(_("what became of it"), blank=True)
    is_adopted = models.BooleanField(null=True)
    answered_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["department", "-id"], name="proposal_open", condition=Q(answered_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"proposal {self.pk}"

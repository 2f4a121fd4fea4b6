"""Who belongs to the review group, when they are on duty, what is planned and told to the top (REV-07…14)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from review.states import CertificateKind, GroupRole


class GroupMember(models.Model):
    """One entry of the register with the three conditions; ended, never deleted (REV-07…10).

    Condition 3 is no figure: it is what the leader wrote about the person (REV-09).
    """

    user = models.ForeignKey("accounts.User", models.PROTECT, related_name="review_memberships")
    role = models.CharField(max_length=8, choices=GroupRole.choices, default=GroupRole.MEMBER)
    version = models.PositiveIntegerField(default=0)
    experience_since = models.DateField(_("front-line service or complaint handling since"))
    experience_note = models.CharField(_("where"), max_length=200, blank=True)
    certificate_kind = models.CharField(_("kind of certificate"), max_length=8, choices=CertificateKind.choices)
    certificate = models.CharField(_("certificate or training"), max_length=120)
    certificate_until = models.DateField(_("valid until"))
    assessment = models.TextField(_("assessment by the leader"), blank=True)
    assessed_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    assessed_at = models.DateTimeField(null=True)
    # The business line the person is lent from; empty for those of the review group itself.
    lent_by = models.ForeignKey("accounts.Department", models.PROTECT, null=True, blank=True, related_name="+")
    entered_at = models.DateTimeField()
    entered_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    warned_on = models.DateField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    ended_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-entered_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(ended_at__isnull=True), name="in_the_group_once"),
            models.UniqueConstraint(
                fields=["role"], condition=Q(ended_at__isnull=True, role="leader"), name="one_leader"
            ),
            models.CheckConstraint(
                condition=Q(assessed_by__isnull=True) | ~Q(assessed_by=F("user")), name="assessed_by_another"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role}"


class DutyTurn(models.Model):
    """A member is on duty from one day to another, both included (REV-11)."""

    member = models.ForeignKey(GroupMember, models.PROTECT, related_name="turns")
    since = models.DateField(_("from"))
    until = models.DateField(_("until"))
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-since", "-id"]
        constraints = [models.CheckConstraint(condition=Q(until__gte=F("since")), name="turn_in_order")]
        indexes = [models.Index(fields=["until", "since"], name="turns_now")]

    def __str__(self) -> str:
        return f"{self.member_id} {self.since}"


class ReviewPlan(models.Model):
    """What the leader plans for a month: one revision, the newest counts (REV-12)."""

    period = models.CharField(max_length=7)
    revision = models.PositiveSmallIntegerField()
    text = models.TextField(_("plan"))
    focus = models.ManyToManyField("complaints.Category", related_name="+", blank=True)
    capacity = models.PositiveSmallIntegerField(_("reviews the group can do"), null=True)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-period", "-revision"]
        constraints = [models.UniqueConstraint(fields=["period", "revision"], name="plan_revision_once")]

    def __str__(self) -> str:
        return f"{self.period} r{self.revision}"


class TopReport(models.Model):
    """The leader tells top management what will be put right, and what they answered (REV-14)."""

    title = models.CharField(_("title"), max_length=120)
    text = models.TextField(_("rectification plan"))
    reviews = models.ManyToManyField("review.ReviewCase", related_name="+", blank=True)
    to = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    decision = models.TextField(_("decision"), blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [models.CheckConstraint(condition=~Q(to=F("by")), name="told_to_another")]

    def __str__(self) -> str:
        return self.title


class MajorStandard(models.Model):
    """One revision of what makes a complaint a major one; the newest counts (REV-51).

    A condition that is empty does not count; any one that holds is enough.
    """

    revision = models.PositiveIntegerField(unique=True)
    risk_grade = models.CharField(_("risk at least"), max_length=8, blank=True)
    amount = models.DecimalField(_("amount from (yuan)"), max_digits=14, decimal_places=2, null=True, blank=True)
    persons = models.PositiveIntegerField(_("persons affected from"), null=True, blank=True)
    media = models.BooleanField(_("the media are involved"), default=True)
    note = models.CharField(_("what changed and why"), max_length=200, blank=True)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-revision"]

    def __str__(self) -> str:
        return f"revision {self.revision}"


class LimitStandard(models.Model):
    """One revision of how many working days the steps of a review may take; the newest counts (REV-01).

    `days` maps a step to its limit; empty, the settings of the installation hold.
    """

    revision = models.PositiveIntegerField(unique=True)
    days = models.JSONField(default=dict)
    note = models.CharField(_("what changed and why"), max_length=200, blank=True)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-revision"]

    def __str__(self) -> str:
        return f"revision {self.revision}"


class WeightStandard(models.Model):
    """One revision of the weights of the draw by stratum; a draw keeps the revision it was committed with (REV-23)."""

    revision = models.PositiveIntegerField(unique=True)
    weights = models.JSONField(default=dict)
    note = models.CharField(_("what changed and why"), max_length=200, blank=True)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-revision"]

    def __str__(self) -> str:
        return f"revision {self.revision}"

"""Risk beyond the grade: the standard behind it, the case team, media, settlement, lawsuit, hold (RISK-03…26)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class RiskStandard(models.Model):
    """One revision of the grading standard as data; the newest active one grades (RISK-03).

    `factors` is a list of {"code", "name", "name_en", "weight", …}; a case's score is the sum of the
    weights of the factors that apply; `medium_from` and `high_from` are scores. `meetings` says by grade how
    many days after the grade the first risk meeting is due and how many lie between two (RISK-06); None in a
    revision stored before it was part of the standard.
    """

    revision = models.PositiveIntegerField(unique=True)
    factors = models.JSONField(default=list)
    medium_from = models.PositiveSmallIntegerField()
    high_from = models.PositiveSmallIntegerField()
    meetings = models.JSONField(null=True)
    note = models.CharField(_("what changed"), max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-revision"]
        constraints = [
            models.CheckConstraint(condition=Q(high_from__gt=F("medium_from")), name="risk_thresholds_in_order"),
            models.UniqueConstraint(fields=["is_active"], condition=Q(is_active=True), name="one_active_standard"),
        ]

    def __str__(self) -> str:
        return f"risk standard {self.revision}"


class TeamRole(models.TextChoices):
    LEGAL = "legal", _("Legal")
    COMPLIANCE = "compliance", _("Compliance")
    PUBLIC_RELATIONS = "public_relations", _("Public relations")
    INFORMATION_SECURITY = "information_security", _("Information security")
    OFFICE = "office", _("Complaints office")


class CaseTeamMember(models.Model):
    """A person of the joint team of a case (RISK-23)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="team")
    user = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    role = models.CharField(max_length=24, choices=TeamRole.choices)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)
    added_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["since", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["complaint", "user"], condition=Q(until__isnull=True), name="in_the_team_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role}"


class RiskMeeting(models.Model):
    """A meeting that judged the risk and agreed how to respond (RISK-06)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="risk_meetings")
    held_at = models.DateTimeField(_("held at"))
    participants = models.CharField(_("participants"), max_length=300)
    strategy = models.TextField(_("how we respond"))
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["held_at", "id"]

    def __str__(self) -> str:
        return f"meeting {self.pk}"


class MediaPlan(models.Model):
    """Who speaks, with which words, through which channel (RISK-22). The newest one counts."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="media_plans")
    spokesperson = models.CharField(_("spokesperson"), max_length=80)
    wording = models.TextField(_("agreed wording"))
    release_channel = models.CharField(_("released through"), max_length=120)
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"media plan {self.pk}"


class SettlementStep(models.Model):
    """One step towards a settlement before a lawsuit (RISK-18)."""

    class Kind(models.TextChoices):
        AUTHORITY = "authority", _("Authority given")
        OFFER = "offer", _("Our offer")
        COUNTER = "counter", _("Their demand")
        AGREED = "agreed", _("Agreed")
        FAILED = "failed", _("No agreement")

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="settlement_steps")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    amount = models.DecimalField(_("amount (yuan)"), max_digits=14, decimal_places=2, null=True, blank=True)
    text = models.TextField(_("what was said"))
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return self.kind


class Lawsuit(models.Model):
    """A complaint that became a lawsuit, with what it cost (RISK-19)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="lawsuits")
    court = models.CharField(_("court"), max_length=120)
    docket = models.CharField(_("docket number"), max_length=80, blank=True)
    filed_on = models.DateField(_("filed on"))
    judgment = models.TextField(_("judgment"), blank=True)
    judged_on = models.DateField(_("judged on"), null=True, blank=True)
    compensation = models.DecimalField(_("compensation"), max_digits=14, decimal_places=2, null=True, blank=True)
    legal_cost = models.DecimalField(_("legal cost"), max_digits=14, decimal_places=2, null=True, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["filed_on", "id"]

    def __str__(self) -> str:
        return self.docket or f"lawsuit {self.pk}"


class LegalHold(models.Model):
    """While a hold stands, nothing of the case is archived, stripped or destroyed."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="holds")
    reason = models.CharField(_("reason"), max_length=300)
    placed_at = models.DateTimeField()
    placed_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    released_at = models.DateTimeField(null=True)
    released_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    release_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["placed_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["complaint"], condition=Q(released_at__isnull=True), name="one_standing_hold"
            )
        ]

    def __str__(self) -> str:
        return f"hold {self.pk}"


class InterimMeasure(models.Model):
    """What was done for the time being about staff involved; few may read it (RISK-24)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="interim_measures")
    person = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    measure = models.CharField(_("measure"), max_length=200)
    from_on = models.DateField(_("from"))
    until_on = models.DateField(_("until"), null=True, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["from_on", "id"]

    def __str__(self) -> str:
        return f"measure {self.pk}"


class OpinionSignal(models.Model):
    """Something said in public about us, what we did about it and how fast (RISK-20, RISK-21)."""

    source = models.CharField(_("source"), max_length=80)
    link = models.URLField(_("link"), max_length=500, blank=True)
    external_key = models.CharField(max_length=120, null=True, blank=True, unique=True, editable=False)
    text = models.TextField(_("what is said"))
    seen_at = models.DateTimeField(_("seen at"))
    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, null=True, related_name="signals")
    incident = models.ForeignKey("complaints.Incident", models.PROTECT, null=True, related_name="signals")
    response = models.TextField(_("what we did"), blank=True)
    responded_at = models.DateTimeField(null=True)
    responded_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-seen_at", "-id"]
        indexes = [models.Index(fields=["-seen_at", "-id"], name="signal_seen")]

    def __str__(self) -> str:
        return f"signal {self.pk}"


class Drill(models.Model):
    """A rehearsal of a crisis (RISK-26)."""

    held_on = models.DateField(_("held on"))
    scenario = models.TextField(_("scenario"))
    participants = models.CharField(_("participants"), max_length=300)
    findings = models.TextField(_("findings"))
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-held_on", "-id"]

    def __str__(self) -> str:
        return f"drill {self.held_on}"

"""The response to an incident: survey, call-outs, bulletins, help at home, recall, after-action (INC-01…20)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.crypto import EncryptedTextField
from complaints.states import BulletinKind, BulletinState, CallOutKind, IncidentKind, RatingSource, Satisfaction


class IncidentResponse(models.Model):
    """The emergency response of one incident, declared on the first complaint (INC-02).

    `next_bulletin_due_at` is when the next bulletin must be out, empty after the closing notice; the job
    reads it. `first_contact_due_at` ends the time in which everybody concerned must hear from us (SLA-10).
    """

    incident = models.OneToOneField("complaints.Incident", models.PROTECT, primary_key=True, related_name="response")
    version = models.PositiveIntegerField(default=0)
    kind = models.CharField(_("kind"), max_length=12, choices=IncidentKind.choices)
    is_high_level = models.BooleanField(_("high-level emergency"), default=False)
    started_at = models.DateTimeField(_("began at"))
    declared_at = models.DateTimeField()
    declared_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    recovered_at = models.DateTimeField(_("service back at"), null=True)
    recovered_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    bulletin_hours = models.PositiveSmallIntegerField(_("hours between bulletins"), default=6)
    next_bulletin_due_at = models.DateTimeField(null=True)
    overdue_told_at = models.DateTimeField(null=True)
    first_contact_due_at = models.DateTimeField()
    first_contact_told_at = models.DateTimeField(null=True)
    first_notice_at = models.DateTimeField(null=True)
    no_advance_notice = models.TextField(_("why no advance notice was possible"), blank=True)
    # What was found on site (INC-03)
    location = models.CharField(_("where exactly"), max_length=300, blank=True)
    cause = models.TextField(_("cause"), blank=True)
    extent = models.TextField(_("extent of the impact"), blank=True)
    households = models.PositiveIntegerField(_("households affected"), null=True)
    surveyed_at = models.DateTimeField(null=True)
    surveyed_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    # After care (INC-13, INC-14)
    after_care = models.TextField(_("what people should do now"), blank=True)
    after_care_contact = models.CharField(_("contact for problems that follow"), max_length=200, blank=True)
    after_care_until = models.DateField(_("after care until"), null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["next_bulletin_due_at"],
                name="bulletin_due",
                condition=Q(next_bulletin_due_at__isnull=False, overdue_told_at__isnull=True),
            ),
            models.Index(
                fields=["first_contact_due_at"],
                name="first_contact_due",
                condition=Q(first_contact_told_at__isnull=True),
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(bulletin_hours__gte=1), name="bulletin_hours_positive"),
            models.CheckConstraint(
                condition=Q(recovered_at__isnull=True) | Q(recovered_at__gte=F("started_at")),
                name="recovered_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"response {self.incident_id}"


class CallOut(models.Model):
    """Somebody, or material, was called out; weekends and holidays included (INC-04, INC-11)."""

    incident = models.ForeignKey("complaints.Incident", models.PROTECT, related_name="call_outs")
    kind = models.CharField(max_length=8, choices=CallOutKind.choices)
    person = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    what = models.CharField(_("who or what"), max_length=200)
    people = models.PositiveSmallIntegerField(_("how many people"), default=1)
    called_at = models.DateTimeField(_("called at"))
    arrived_at = models.DateTimeField(_("there at"), null=True)
    until = models.DateTimeField(_("until"), null=True)
    note = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["called_at", "id"]

    def __str__(self) -> str:
        return f"call-out {self.pk}"


class Bulletin(models.Model):
    """What the people concerned are told, written by one person and released by another (INC-06…09, INC-13)."""

    incident = models.ForeignKey("complaints.Incident", models.PROTECT, related_name="bulletins")
    number = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=8, choices=BulletinKind.choices, default=BulletinKind.PROGRESS)
    state = models.CharField(max_length=10, choices=BulletinState.choices, default=BulletinState.DRAFT)
    version = models.PositiveIntegerField(default=0)
    progress = models.TextField(_("progress"))
    expected_recovery_at = models.DateTimeField(_("service expected back at"), null=True)
    supply = models.TextField(_("where supply is available meanwhile"), blank=True)
    contact = models.CharField(_("whom to turn to"), max_length=200)
    no_advance_notice = models.TextField(_("why no advance notice was possible"), blank=True)
    # Only in the closing notice
    after_care = models.TextField(_("what people should do now"), blank=True)
    due_at = models.DateTimeField(null=True)
    written_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    written_at = models.DateTimeField()
    released_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    released_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    withdrawal_reason = models.CharField(max_length=300, blank=True)
    # Cases whose complainants have been told, counted by the job that tells them.
    told = models.PositiveIntegerField(default=0)
    told_all_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["incident_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["incident", "number"], name="bulletin_number_once"),
            models.CheckConstraint(
                condition=Q(released_by__isnull=True) | ~Q(released_by=F("written_by")),
                name="bulletin_released_by_another",
            ),
        ]
        indexes = [
            models.Index(
                fields=["released_at"],
                name="bulletin_to_tell",
                condition=Q(state="released", told_all_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.incident_id} bulletin {self.number}"


class BulletinReceipt(models.Model):
    """The complainant of one linked case was told a bulletin: exactly once, however often the job runs (INC-08)."""

    bulletin = models.ForeignKey(Bulletin, models.PROTECT, related_name="receipts")
    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bulletin", "complaint"], name="told_once")]

    def __str__(self) -> str:
        return f"{self.bulletin_id}: {self.complaint_id}"


class HomeHelp(models.Model):
    """Somebody needs help at home during the incident; a task for a person at the door (INC-10)."""

    incident = models.ForeignKey("complaints.Incident", models.PROTECT, related_name="home_help")
    name = EncryptedTextField(_("name"))
    phone = EncryptedTextField(_("telephone"), blank=True)
    address = EncryptedTextField(_("address"))
    need = models.CharField(_("what is needed"), max_length=200)
    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, null=True, related_name="+")
    owner = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    due_at = models.DateTimeField(_("until"))
    listed_at = models.DateTimeField()
    listed_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    result = models.CharField(_("what was done"), max_length=300, blank=True)

    class Meta:
        ordering = ["due_at", "id"]

    def __str__(self) -> str:
        return f"help {self.pk}"


class IncidentFeedback(models.Model):
    """What people concerned say afterwards about how the incident was handled (INC-16)."""

    incident = models.ForeignKey("complaints.Incident", models.PROTECT, related_name="feedback")
    source = models.CharField(max_length=12, choices=RatingSource.choices)
    satisfaction = models.CharField(max_length=12, choices=Satisfaction.choices)
    comment = models.TextField(blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return self.satisfaction


class AfterAction(models.Model):
    """What is learned from an incident, one revision; the newest counts (INC-20)."""

    incident = models.ForeignKey("complaints.Incident", models.PROTECT, related_name="after_actions")
    revision = models.PositiveSmallIntegerField()
    initial_response = models.TextField(_("first response"))
    information = models.TextField(_("information"))
    care = models.TextField(_("care for those concerned"))
    recovery = models.TextField(_("recovery"))
    result = models.TextField(_("result"))
    lessons = models.TextField(_("lessons"))
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-revision"]
        constraints = [models.UniqueConstraint(fields=["incident", "revision"], name="after_action_once")]

    def __str__(self) -> str:
        return f"{self.incident_id} r{self.revision}"


class Recall(models.Model):
    """The recall of batches of a product, with a list of the units concerned (INC-17)."""

    incident = models.OneToOneField("complaints.Incident", models.PROTECT, primary_key=True, related_name="recall")
    product = models.CharField(_("product"), max_length=120)
    batches = models.CharField(_("batches"), max_length=300)
    defect = models.TextField(_("defect"))
    remedy = models.TextField(_("what holders get"))
    contact = models.CharField(_("whom to turn to"), max_length=200)
    reported_to = models.CharField(_("reported to"), max_length=200, blank=True)
    reported_on = models.DateField(_("reported on"), null=True)
    started_at = models.DateTimeField()
    started_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    ended_note = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"recall {self.incident_id}"


class RecallUnit(models.Model):
    """One unit of a recall: its holder told, its remedy given (INC-17)."""

    recall = models.ForeignKey(Recall, models.PROTECT, related_name="units")
    serial = models.CharField(_("serial number"), max_length=80)
    batch = models.CharField(_("batch"), max_length=60, blank=True)
    holder = EncryptedTextField(_("holder"), blank=True)
    phone = EncryptedTextField(_("telephone"), blank=True)
    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, null=True, related_name="+")
    told_at = models.DateTimeField(null=True)
    told_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    remedied_at = models.DateTimeField(null=True)
    remedied_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["recall", "serial"], name="recall_unit_once")]

    def __str__(self) -> str:
        return f"unit {self.pk}"

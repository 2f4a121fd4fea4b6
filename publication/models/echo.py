"""What comes back from the public: comments, votes, reports, counts; and what we mend (PUB-20, PUB-34…42)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.crypto import EncryptedTextField
from publication.models.results import PublishedResult, new_public_id
from publication.states import CommentRoute, CommentState, GateAnswer, GoneKind


class Comment(models.Model):
    """What somebody said about a result; shown only after a person and the masking let it pass (PUB-38)."""

    result = models.ForeignKey(PublishedResult, models.PROTECT, related_name="comments")
    public_id = models.CharField(max_length=16, unique=True, default=new_public_id)
    text = EncryptedTextField()
    # What the public reads: the text after masking, set when it is shown.
    shown_text = models.TextField(blank=True)
    state = models.CharField(max_length=8, choices=CommentState.choices, default=CommentState.WAITING)
    at = models.DateTimeField()
    moderated_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    moderated_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200, blank=True)
    answer = models.TextField(_("our answer"), blank=True)
    route = models.CharField(max_length=10, choices=CommentRoute.choices, blank=True)
    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["result", "-id"], name="comments_shown", condition=Q(state="shown")),
            models.Index(fields=["state", "-id"], name="comments_by_state"),
        ]

    def __str__(self) -> str:
        return self.public_id


class ResultDay(models.Model):
    """Views and "helpful" of a result on one day and one way in; counts only, nobody is recognised (PUB-34)."""

    result = models.ForeignKey(PublishedResult, models.CASCADE, related_name="days")
    day = models.DateField()
    channel = models.CharField(max_length=40, blank=True)
    views = models.PositiveIntegerField(default=0)
    helpful = models.PositiveIntegerField(default=0)
    unhelpful = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["result", "day", "channel"], name="result_day_once")]

    def __str__(self) -> str:
        return f"{self.result_id} {self.day}"


class Volunteer(models.Model):
    """A volunteer supervisor (义务监督员), reporting with a code of their own (PUB-39)."""

    code_hash = models.CharField(max_length=64, unique=True)
    name = EncryptedTextField(_("name"))
    phone = EncryptedTextField(_("telephone"), blank=True)
    unit = models.CharField(_("from where"), max_length=120, blank=True)
    since = models.DateField(_("since"))
    until = models.DateField(_("until"), null=True)
    report_every_days = models.PositiveSmallIntegerField(_("reports every so many days"), default=30)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-since", "-id"]

    def __str__(self) -> str:
        return f"volunteer {self.pk}"


class VolunteerReport(models.Model):
    """What a volunteer saw of an improvement, and what we answered (PUB-39)."""

    volunteer = models.ForeignKey(Volunteer, models.PROTECT, related_name="reports")
    result = models.ForeignKey(PublishedResult, models.PROTECT, null=True, related_name="+")
    text = EncryptedTextField(_("what was seen"))
    fulfilled = models.BooleanField(_("the improvement is there"), null=True)
    at = models.DateTimeField()
    answer = models.TextField(_("our answer"), blank=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["-id"], name="volunteer_unanswered", condition=Q(answered_at__isnull=True))]

    def __str__(self) -> str:
        return f"report {self.pk}"


class PublishedReport(models.Model):
    """What the public reads of a volunteer's report about a result, let pass by a person (PUB-38, PUB-39).

    Masked words; the words as they were sent and who sent them stay in `VolunteerReport`.
    """

    report = models.OneToOneField(VolunteerReport, models.PROTECT, related_name="published")
    result = models.ForeignKey(PublishedResult, models.PROTECT, related_name="volunteer_reports")
    public_id = models.CharField(max_length=16, unique=True, default=new_public_id)
    shown_text = models.TextField(blank=True)
    answer = models.TextField(_("our answer"), blank=True)
    fulfilled = models.BooleanField(_("the improvement is there"), null=True)
    # The moment the report came.
    at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=CommentState.choices)
    moderated_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    moderated_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["result", "-id"], name="reports_shown", condition=Q(state="shown"))]

    def __str__(self) -> str:
        return self.public_id


class VagueWord(models.Model):
    """A word that promises nothing, and what to write instead (PUB-10). Editable; shipped ones can be switched off."""

    word = models.CharField(_("word"), max_length=40, unique=True)
    advice = models.CharField(_("what to write instead"), max_length=200)
    asks_date = models.BooleanField(_("asks for a date"), default=False)
    is_active = models.BooleanField(default=True)
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["word"]

    def __str__(self) -> str:
        return self.word


class Gate(models.Model):
    """May this case be published at all: five questions, answered by a person before submission (PUB-44).

    Any answer that forbids, or an open one, stops the submission.
    """

    publication = models.OneToOneField("publication.Publication", models.PROTECT, primary_key=True, related_name="gate")
    consent = models.CharField(max_length=12, choices=GateAnswer.choices, blank=True)
    minors = models.CharField(max_length=12, choices=GateAnswer.choices, blank=True)
    health = models.CharField(max_length=12, choices=GateAnswer.choices, blank=True)
    secrets = models.CharField(max_length=12, choices=GateAnswer.choices, blank=True)
    proceedings = models.CharField(max_length=12, choices=GateAnswer.choices, blank=True)
    note = models.CharField(max_length=300, blank=True)
    # What the record spoke for when it was answered, by question; null for answers from before this was kept.
    suggested = models.JSONField(null=True)
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"gate {self.publication_id}"


class PublishedCorrection(models.Model):
    """A note that a result was corrected, shown with it; the old wording is shown nowhere (PUB-20)."""

    result = models.ForeignKey(PublishedResult, models.CASCADE, related_name="corrections")
    note = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"correction {self.pk}"


class Breach(models.Model):
    """Personal data got out through a publication: found, taken down, what was done (PUB-20)."""

    publication = models.ForeignKey("publication.Publication", models.PROTECT, related_name="breaches")
    kinds = models.CharField(_("kinds of data"), max_length=200)
    what = models.TextField(_("what was to be seen, without repeating it"))
    seen_from = models.DateTimeField(null=True)
    found_at = models.DateTimeField()
    found_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    taken_down_at = models.DateTimeField(null=True)
    views = models.PositiveIntegerField(_("views meanwhile"), default=0)
    persons_told_at = models.DateTimeField(null=True)
    measures = models.TextField(_("what was done"), blank=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-found_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(closed_by__isnull=True) | ~Q(closed_by=F("found_by")), name="breach_closed_by_another"
            )
        ]

    def __str__(self) -> str:
        return f"breach {self.pk}"


class RevisedDocument(models.Model):
    """A manual or rule that was revised because of a published problem (PUB-42)."""

    publication = models.ForeignKey("publication.Publication", models.PROTECT, related_name="revised_documents")
    title = models.CharField(_("document"), max_length=120)
    revision = models.CharField(_("revision"), max_length=40, blank=True)
    revised_on = models.DateField(_("revised on"))
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-revised_on", "-id"]

    def __str__(self) -> str:
        return self.title


class PublishedBulletin(models.Model):
    """What the public reads of an incident: one released bulletin, masked, under the address of its incident.

    Holds no key to cases or people (INC-08).
    """

    incident_public_id = models.CharField(max_length=16, db_index=True)
    bulletin_id = models.PositiveBigIntegerField(unique=True)
    title = models.CharField(max_length=120)
    number = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=8)
    progress = models.TextField()
    expected_recovery_at = models.DateTimeField(null=True)
    supply = models.TextField(blank=True)
    contact = models.CharField(max_length=200)
    no_advance_notice = models.TextField(blank=True)
    after_care = models.TextField(blank=True)
    next_due_at = models.DateTimeField(null=True)
    released_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-released_at", "-id"]
        indexes = [
            models.Index(
                fields=["-released_at", "-id"], name="bulletins_newest", condition=Q(withdrawn_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"{self.incident_public_id} {self.number}"


class GoneAddress(models.Model):
    """An address that was public, of which nothing else is left: after a restore it answers 410, not 404 (DL-04).

    Holds no word of what stood there.
    """

    kind = models.CharField(max_length=10, choices=GoneKind.choices)
    public_id = models.CharField(max_length=16)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "public_id"], name="gone_address_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"

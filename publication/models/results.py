"""Results the public may read: composed, checked by two, passed by legal, posted as a snapshot."""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from publication.querysets import PublicationQuerySet, PublishedResultQuerySet
from publication.states import (
    CheckKind,
    Element,
    NotPublishedReason,
    PublicationStatus,
    SpanDecision,
    StatementStatus,
)


def new_public_id() -> str:
    """A random address that says nothing about the case (PR-07)."""
    return secrets.token_hex(8)


class Publication(models.Model):
    """The publication of one closed case. Texts are what the author wrote; `spans` decide what of
    them is masked; sign-offs name the hash of exactly what would be posted (I8)."""

    number = models.CharField(max_length=24, unique=True)
    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="+")
    status = models.CharField(max_length=16, choices=PublicationStatus.choices, default=PublicationStatus.DRAFT)
    version = models.PositiveIntegerField(default=0)
    title = models.CharField(_("title"), max_length=80)
    summary = models.CharField(_("answer in one sentence"), max_length=240, blank=True)
    subject = models.TextField(_("who complained"), blank=True)
    cause = models.TextField(_("what was complained of"), blank=True)
    investigation = models.TextField(_("how it was investigated"), blank=True)
    responsibility = models.TextField(_("who is responsible"), blank=True)
    result = models.TextField(_("what was done"), blank=True)
    improvement = models.TextField(_("what will improve"), blank=True)
    category = models.ForeignKey("complaints.Category", models.PROTECT, null=True, related_name="+")
    department = models.ForeignKey("accounts.Department", models.PROTECT, null=True, related_name="+")
    improvements = models.ManyToManyField("complaints.ImprovementAction", related_name="+", blank=True)
    # Further closed cases of the same matter that the text answers (PUB-01).
    also_about = models.ManyToManyField("complaints.Complaint", related_name="+", blank=True)
    profile = models.CharField(
        max_length=10, default="standard", choices=[("standard", _("Standard")), ("strict", _("Strict"))]
    )
    # The revision of the profile that it was masked by; null for what was written before there were revisions.
    masking = models.ForeignKey("publication.MaskingRevision", models.PROTECT, null=True, related_name="+")
    publish_at = models.DateTimeField(_("publish at"), null=True, blank=True)
    publish_until = models.DateTimeField(_("publish until"), null=True, blank=True)
    author = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    first_checker = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    first_checked_at = models.DateTimeField(null=True)
    second_checker = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    second_checked_at = models.DateTimeField(null=True)
    masking_reviewer = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    masking_reviewed_at = models.DateTimeField(null=True)
    signed_hash = models.CharField(max_length=64, blank=True)
    posted_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawal_reason = models.CharField(max_length=300, blank=True)

    objects = PublicationQuerySet.as_manager()

    class Meta:
        permissions = [
            ("view_publications", "Sees the publications"),
            ("compose", "Can compose publications"),
            ("first_check", "Can sign the first check"),
            ("second_check", "Can sign the second check"),
            ("review_masking", "Can sign the masking review"),
            ("publish", "Can publish"),
            ("takedown", "Can take publications down"),
            ("moderate", "Can moderate comments and answer volunteers"),
        ]
        indexes = [models.Index(fields=["status", "-updated_at"], name="publication_list")]
        constraints = [
            models.UniqueConstraint(
                fields=["complaint"],
                condition=~Q(status__in=["withdrawn", "abandoned"]),
                name="one_publication_per_case",
            ),
            models.CheckConstraint(
                condition=Q(first_checker__isnull=True) | ~Q(first_checker=F("author")), name="first_checker_not_author"
            ),
            models.CheckConstraint(
                condition=Q(second_checker__isnull=True) | ~Q(second_checker=F("author")),
                name="second_checker_not_author",
            ),
            models.CheckConstraint(
                condition=Q(second_checker__isnull=True) | ~Q(second_checker=F("first_checker")),
                name="two_different_checkers",
            ),
            models.CheckConstraint(
                condition=Q(masking_reviewer__isnull=True) | ~Q(masking_reviewer=F("author")),
                name="masking_not_by_author",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["approved", "posted"])
                | Q(first_checker__isnull=False, second_checker__isnull=False, masking_reviewer__isnull=False)
                & ~Q(signed_hash=""),
                name="approved_needs_all_signatures",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class SignOff(models.Model):
    """History of signatures; append-only. `content_hash` is what was signed (PUB-12, PUB-18)."""

    publication = models.ForeignKey(Publication, models.PROTECT, related_name="sign_offs")
    kind = models.CharField(max_length=12, choices=CheckKind.choices)
    passed = models.BooleanField(default=True)
    content_hash = models.CharField(max_length=64)
    note = models.CharField(max_length=300, blank=True)
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return self.kind


class RedactionSpan(models.Model):
    """A place in one text that may identify somebody; offsets are code points of that text."""

    publication = models.ForeignKey(Publication, models.CASCADE, related_name="spans")
    field = models.CharField(max_length=16)
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    type = models.CharField(max_length=20)
    source = models.CharField(max_length=12)
    confidence = models.FloatField(default=1)
    replacement = models.CharField(max_length=200)
    decision = models.CharField(max_length=10, choices=SpanDecision.choices, default=SpanDecision.PENDING)
    reason = models.CharField(max_length=200, blank=True)
    decided_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["field", "start"]
        constraints = [models.CheckConstraint(condition=Q(end__gt=F("start")), name="span_not_empty")]

    def __str__(self) -> str:
        return f"{self.field}[{self.start}:{self.end}]"


class FigureEvidence(models.Model):
    """A figure in the text and the record that proves it (PUB-13)."""

    publication = models.ForeignKey(Publication, models.CASCADE, related_name="figures")
    field = models.CharField(max_length=16, choices=Element.choices)
    figure = models.CharField(max_length=60)
    evidence = models.CharField(_("record that proves it"), max_length=200)
    linked_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    linked_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["publication", "field", "figure"], name="figure_once")]

    def __str__(self) -> str:
        return self.figure


class PublicationDecision(models.Model):
    """Publish or not: asked for every closed case, with a coded reason when not (PUB-44, PUB-45)."""

    complaint = models.OneToOneField("complaints.Complaint", models.PROTECT, related_name="+")
    publish = models.BooleanField()
    reason = models.CharField(max_length=16, choices=NotPublishedReason.choices, blank=True)
    note = models.CharField(max_length=300, blank=True)
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(publish=True) | ~Q(reason=""), name="not_published_has_reason")
        ]

    def __str__(self) -> str:
        return f"{self.complaint_id}: {self.publish}"


class PublishedResult(models.Model):
    """What the public reads, and nothing else: redacted text under a random address.

    Holds no key to the case; `publication_number` is the public reference of the notice.
    """

    public_id = models.CharField(max_length=16, unique=True, default=new_public_id)
    publication_number = models.CharField(max_length=24, db_index=True)
    title = models.CharField(max_length=80)
    summary = models.CharField(max_length=240, blank=True)
    subject = models.TextField()
    cause = models.TextField()
    investigation = models.TextField()
    responsibility = models.TextField()
    result = models.TextField()
    improvement = models.TextField()
    improvements = models.JSONField(default=list)
    # Complaints of the category before and after, once months are over (publication/effects.py: of_public).
    effect = models.JSONField(null=True)
    category_code = models.CharField(max_length=60)
    category = models.CharField(max_length=80)
    category_en = models.CharField(max_length=80, blank=True)
    department_code = models.CharField(max_length=40)
    department = models.CharField(max_length=80)
    signatures = models.JSONField(default=list)
    published_at = models.DateTimeField()
    published_until = models.DateTimeField(null=True)
    updated_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    content_hash = models.CharField(max_length=64)
    engine_version = models.CharField(max_length=20)
    # Profile and revision of the masking; null for what was posted before there were revisions.
    masking = models.JSONField(null=True)

    objects = PublishedResultQuerySet.as_manager()

    class Meta:
        ordering = ["-published_at", "-id"]
        indexes = [
            models.Index(
                fields=["-published_at", "-id"], name="results_newest", condition=Q(withdrawn_at__isnull=True)
            ),
            models.Index(fields=["category_code", "-published_at"], name="results_category"),
            models.Index(fields=["department_code", "-published_at"], name="results_department"),
            # What `results.stamp_of_all` asks at every request for the list, without touching the texts.
            models.Index(
                fields=["updated_at", "published_at", "published_until", "withdrawn_at"], name="results_state"
            ),
        ]

    def __str__(self) -> str:
        return self.publication_number


class PublishedSearch(models.Model):
    """Search tokens of a published result, made from the snapshot only."""

    result = models.OneToOneField(PublishedResult, models.CASCADE, primary_key=True, related_name="search")
    tokens = models.TextField()

    def __str__(self) -> str:
        return f"search {self.pk}"


class Statement(models.Model):
    """An official statement on a matter the public talks about: facts, apology, cause, remedy (RISK-25).

    Drafted by one person, checked by another, passed by legal as a third; `signed_hash` names the exact text.
    """

    public_id = models.CharField(max_length=16, unique=True, default=new_public_id)
    complaints = models.ManyToManyField("complaints.Complaint", related_name="+")
    status = models.CharField(max_length=10, choices=StatementStatus.choices, default=StatementStatus.DRAFT)
    version = models.PositiveIntegerField(default=0)
    title = models.CharField(_("title"), max_length=80)
    facts = models.TextField(_("what happened"))
    apology = models.TextField(_("apology"))
    cause = models.TextField(_("cause"))
    remedy = models.TextField(_("what we do about it"))
    contact = models.CharField(_("whom to turn to"), max_length=200)
    channels = models.CharField(_("also released through"), max_length=200, blank=True)
    author = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    checker = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    checked_at = models.DateTimeField(null=True)
    legal = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    legal_at = models.DateTimeField(null=True)
    signed_hash = models.CharField(max_length=64, blank=True)
    posted_at = models.DateTimeField(null=True)
    posted_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    withdrawal_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["-posted_at", "-id"], name="statement_posted", condition=Q(status="posted")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(checker__isnull=True) | ~Q(checker=F("author")), name="statement_checked_by_another"
            ),
            models.CheckConstraint(
                condition=Q(legal__isnull=True) | (~Q(legal=F("author")) & ~Q(legal=F("checker"))),
                name="statement_passed_by_a_third",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["approved", "posted"])
                | Q(checker__isnull=False, legal__isnull=False) & ~Q(signed_hash=""),
                name="statement_needs_both_signatures",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

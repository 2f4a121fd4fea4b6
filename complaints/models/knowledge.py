"""Knowledge the office shares, what people read of it, and what they were trained in (KB-01…16)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from complaints.states import ArticleKind, ArticleState, TrainingKind


class Article(models.Model):
    """A piece of knowledge with an owner and an end of validity; its text is the newest revision (KB-02)."""

    number = models.CharField(max_length=24, unique=True)
    kind = models.CharField(_("kind"), max_length=12, choices=ArticleKind.choices, default=ArticleKind.GUIDE)
    state = models.CharField(max_length=10, choices=ArticleState.choices, default=ArticleState.DRAFT)
    title = models.CharField(_("title"), max_length=120)
    body = models.TextField(_("text"))
    category = models.ForeignKey("complaints.Category", models.PROTECT, null=True, blank=True, related_name="+")
    product = models.CharField(_("product or service"), max_length=120, blank=True)
    words = models.CharField(_("words people use for it"), max_length=300, blank=True)
    owner = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    valid_until = models.DateField(_("valid until"))
    review_months = models.PositiveSmallIntegerField(_("looked at again every so many months"), default=12)
    is_public = models.BooleanField(_("shown to the public"), default=False)
    needs_receipt = models.BooleanField(_("everybody confirms having read it"), default=False)
    broadcast_until = models.DateTimeField(_("shown to all clerks until"), null=True, blank=True)
    revision = models.PositiveIntegerField(default=1)
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    published_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    published_at = models.DateTimeField(null=True)
    reminded_on = models.DateField(null=True)
    related = models.ManyToManyField("self", blank=True)

    class Meta:
        ordering = ["-changed_at", "-id"]
        indexes = [
            models.Index(fields=["state", "kind", "-id"], name="article_list"),
            models.Index(fields=["valid_until"], name="article_valid", condition=Q(state="published")),
            models.Index(fields=["broadcast_until"], name="article_broadcast", condition=Q(state="published")),
        ]

    def __str__(self) -> str:
        return self.number


class ArticleRevision(models.Model):
    """The text of an article as it was from a moment on."""

    article = models.ForeignKey(Article, models.PROTECT, related_name="revisions")
    revision = models.PositiveIntegerField()
    title = models.CharField(max_length=120)
    body = models.TextField()
    note = models.CharField(_("what changed and why"), max_length=200, blank=True)
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-revision"]
        constraints = [models.UniqueConstraint(fields=["article", "revision"], name="article_revision_once")]

    def __str__(self) -> str:
        return f"{self.article_id} r{self.revision}"


class ArticleReceipt(models.Model):
    """Somebody confirmed having read a revision (KB-12)."""

    article = models.ForeignKey(Article, models.PROTECT, related_name="receipts")
    revision = models.PositiveIntegerField()
    user = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [models.UniqueConstraint(fields=["article", "revision", "user"], name="article_read_once")]

    def __str__(self) -> str:
        return f"{self.article_id} {self.user_id}"


class Training(models.Model):
    """A course, exercise or examination (KB-09…12, KB-14)."""

    kind = models.CharField(_("kind"), max_length=12, choices=TrainingKind.choices)
    title = models.CharField(_("title"), max_length=120)
    held_on = models.DateField(_("held on"))
    hours = models.DecimalField(_("hours"), max_digits=5, decimal_places=1)
    trainer = models.CharField(_("trainer"), max_length=80, blank=True)
    content = models.TextField(_("content"), blank=True)
    article = models.ForeignKey(Article, models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-held_on", "-id"]

    def __str__(self) -> str:
        return f"training {self.pk}"


class TrainingAttendance(models.Model):
    """Who took part, and how an examination went."""

    training = models.ForeignKey(Training, models.PROTECT, related_name="attendances")
    user = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    score = models.PositiveSmallIntegerField(_("points of 100"), null=True, blank=True)
    has_passed = models.BooleanField(_("passed"), null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["training", "user"], name="attends_once"),
            models.CheckConstraint(condition=Q(score__isnull=True) | Q(score__lte=100), name="score_of_100"),
        ]

    def __str__(self) -> str:
        return f"{self.training_id} {self.user_id}"


class SelfServiceDay(models.Model):
    """Answers given without a person on one day, by source; counted apart from cases (SLA-16)."""

    day = models.DateField()
    source = models.CharField(max_length=12)
    asked = models.PositiveIntegerField(default=0)
    answered = models.PositiveIntegerField(default=0)
    milliseconds = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "source"], name="self_service_day_once")]

    def __str__(self) -> str:
        return f"{self.day} {self.source}"

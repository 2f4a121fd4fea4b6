"""Where a result is shown, for how long, with which proof, and how often it was seen (PUB-23…31, PUB-34)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from publication.states import AudienceGroup, ChannelKind


class Channel(models.Model):
    """A way to the public this office uses: website, notice board, WeChat, a hospital's app (PUB-23)."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    name_en = models.CharField(_("English name"), max_length=80, blank=True)
    kind = models.CharField(_("kind"), max_length=12, choices=ChannelKind.choices)
    audience = models.CharField(_("for whom"), max_length=12, choices=AudienceGroup.choices, blank=True)
    place = models.CharField(_("where, or address"), max_length=200, blank=True)
    days = models.PositiveSmallIntegerField(_("days it stays there"), default=30)
    order = models.PositiveSmallIntegerField(default=100)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["order", "id"]

    def __str__(self) -> str:
        return self.name


class ChannelMapping(models.Model):
    """Results of a category also go to this vertical channel (PUB-27)."""

    category = models.ForeignKey("complaints.Category", models.PROTECT, related_name="+")
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="mappings")
    note = models.CharField(_("why"), max_length=200, blank=True)
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["category__name", "id"]
        constraints = [models.UniqueConstraint(fields=["category", "channel"], name="mapping_once")]

    def __str__(self) -> str:
        return f"{self.category_id} → {self.channel_id}"


class Posting(models.Model):
    """One posting of a publication on one channel: planned, up with proof, taken down (PUB-24, PUB-30)."""

    publication = models.ForeignKey("publication.Publication", models.PROTECT, related_name="postings")
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="+")
    place = models.CharField(_("where exactly"), max_length=200, blank=True)
    link = models.URLField(_("link"), max_length=500, blank=True)
    script = models.TextField(_("script of the film"), blank=True)
    planned_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    planned_at = models.DateTimeField()
    up_on = models.DateField(_("up from"), null=True)
    until = models.DateField(_("until"), null=True)
    up_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    # Photograph that proves the posting, re-rendered without metadata.
    proof = models.ForeignKey("complaints.StoredFile", models.PROTECT, null=True, related_name="+")
    # The text that was up, so that a later change of the result shows which postings are out of date.
    content_hash = models.CharField(max_length=64, blank=True)
    down_on = models.DateField(null=True)
    down_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    told_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(down_on__isnull=True) | Q(up_on__isnull=False, down_on__gte=F("up_on")),
                name="posting_down_after_up",
            )
        ]
        indexes = [
            models.Index(
                fields=["until"], name="posting_to_take_down", condition=Q(up_on__isnull=False, down_on__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"{self.publication_id} on {self.channel_id}"


class PostingCount(models.Model):
    """Views, reads, comments and enquiries of one posting on one day, entered or counted; nothing personal (PUB-34)."""

    posting = models.ForeignKey(Posting, models.PROTECT, related_name="counts")
    day = models.DateField()
    views = models.PositiveIntegerField(_("views"), default=0)
    comments = models.PositiveIntegerField(_("comments"), default=0)
    enquiries = models.PositiveIntegerField(_("enquiries"), default=0)
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["day", "id"]
        constraints = [models.UniqueConstraint(fields=["posting", "day"], name="posting_day_once")]

    def __str__(self) -> str:
        return f"{self.posting_id} {self.day}"

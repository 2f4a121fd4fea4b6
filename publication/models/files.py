"""Attachments of a publication, published only as re-rendered copies (PUB-21)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from publication.models.results import PublishedResult, new_public_id
from publication.states import RenderState


class PublicationFile(models.Model):
    """An attachment of the case chosen for publication, the boxes drawn over it, and its rendered copy.

    `boxes` is a list of {page, x, y, width, height} in fractions of the page. Any change of them renders anew.
    """

    publication = models.ForeignKey("publication.Publication", models.PROTECT, related_name="files")
    source = models.ForeignKey("complaints.Attachment", models.PROTECT, related_name="+")
    title = models.CharField(_("title"), max_length=80)
    description = models.CharField(_("what it shows"), max_length=200)
    position = models.PositiveSmallIntegerField(default=1)
    boxes = models.JSONField(default=list)
    state = models.CharField(max_length=12, choices=RenderState.choices, default=RenderState.WAITING)
    problem = models.CharField(max_length=200, blank=True)
    pages = models.PositiveSmallIntegerField(default=0)
    rendered = models.ForeignKey("complaints.StoredFile", models.PROTECT, null=True, related_name="+")
    rendered_at = models.DateTimeField(null=True)
    # Nobody publishes a picture that a second person has not looked at.
    added_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    added_at = models.DateTimeField()
    looked_at_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    looked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["publication", "source"], name="file_published_once"),
            models.CheckConstraint(
                condition=Q(looked_at_by__isnull=True) | ~Q(looked_at_by=F("added_by")), name="picture_seen_by_another"
            ),
        ]

    def __str__(self) -> str:
        return f"file {self.pk}"


class PublishedFile(models.Model):
    """The rendered copy the public may load, under a random address; holds no key to the original."""

    result = models.ForeignKey(PublishedResult, models.CASCADE, related_name="files")
    public_id = models.CharField(max_length=16, unique=True, default=new_public_id)
    position = models.PositiveSmallIntegerField(default=1)
    title = models.CharField(max_length=80)
    description = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    content_type = models.CharField(max_length=40)
    pages = models.PositiveSmallIntegerField(default=1)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.public_id

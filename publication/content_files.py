"""What the attachments of a publication are to its text: part of its hash, of its search for leaks, of what is missing.

Reads only; `publication.attachments` writes.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from complaints.models import Attachment, ScanState
from publication.models import Publication, PublicationFile
from publication.states import RenderState

MOST_FILES = 8


def data_of(publication: Publication) -> list[dict[str, Any]]:
    """What the public would get of each attachment; part of what is signed (PUB-21, PR-02)."""
    return [
        {
            "sha256": row.rendered_id or "",
            "title": row.title,
            "description": row.description,
            "pages": row.pages,
        }
        for row in publication.files.all()
    ]


def problems(publication: Publication) -> list[tuple[PublicationFile, str]]:
    """The attachments that cannot be published as they are, each with why."""
    found = []
    for row in publication.files.all():
        if row.state == RenderState.WAITING:
            found.append((row, _("“%(title)s”: its copy is still being made.") % {"title": row.title}))
        elif row.state == RenderState.IMPOSSIBLE:
            words = _("“%(title)s” cannot be published: %(why)s") % {"title": row.title, "why": _(row.problem)}
            found.append((row, words))
        elif row.problem:
            found.append((row, _("“%(title)s”: %(why)s") % {"title": row.title, "why": _(row.problem)}))
    return found


def unseen(publication: Publication) -> list[PublicationFile]:
    """The attachments whose copy no second person has looked at as it is now."""
    return [row for row in publication.files.all() if row.looked_at_by_id is None]


def choosable(publication: Publication) -> list[Attachment]:
    """The files of the case that may be chosen: clean, not chosen yet, and never a confidential original (AZ-07)."""
    complaint = publication.complaint
    taken = {row.source_id for row in publication.files.all()}
    rows = complaint.attachments.select_related("file").exclude(pk__in=taken)
    return [row for row in rows if not why_not(row, confidential=complaint.is_confidential)]


def why_not(source: Attachment, *, confidential: bool) -> str:
    """Why an attachment of the case may not be published at all; '' when it may."""
    if source.file.is_quarantined or source.file.scan_state == ScanState.INFECTED:
        return _("The file did not pass the virus check.")
    if confidential and source.from_complainant and source.copy_of_id is None:
        return _("The complainant asked for confidence: only a copy made for departments can be published.")
    return ""

"""Every write on the attachments of a publication (PUB-21). Lock order: case, publication, file.

Whatever changes what the public would get voids the signatures, because it goes through `transitions.edit`; a copy is
made outside any transaction and kept only when the boxes it was made with are still the boxes drawn.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import after_commit
from accounts.errors import DomainError, InvalidInput
from accounts.models import User
from complaints import files
from complaints.models import Attachment, ScanState
from publication import boxes, content, content_files, findings, masking, rendering, tasks, transitions
from publication.models import Publication, PublicationFile
from publication.redaction import leaks
from publication.rendering import Box
from publication.states import RenderState

logger = logging.getLogger("huiyin.files")

MOST_BOXES = 200
_MOST_CHARACTERS = {"title": 80, "description": 200}
# A copy that was asked for this long ago and is not there: its task was lost.
PATIENCE = timedelta(minutes=5)


@transaction.atomic
def add(
    publication_id: int,
    *,
    by: User,
    source_id: int,
    title: str,
    description: str,
    version: int | None = None,
    at: datetime | None = None,
) -> PublicationFile:
    """Choose a file of the case; its copy is made at once, without boxes (PUB-21).

    The words are masked like any text. Raises InvalidInput at `source`, `title` or `description`.
    """
    at = at or timezone.now()
    publication = transitions.edit(publication_id, by=by, version=version, at=at)
    source = publication.complaint.attachments.select_related("file").filter(pk=source_id).first()
    if source is None:
        raise InvalidInput("source", _("Choose a file of the case."))
    _refuse_source(source, publication)
    rows = list(publication.files.all())
    if any(row.source_id == source.pk for row in rows):
        raise InvalidInput("source", _("This file is chosen already."))
    if len(rows) >= content_files.MOST_FILES:
        raise InvalidInput("source", _("At most %(limit)s files can be published."), limit=content_files.MOST_FILES)
    row = PublicationFile.objects.create(
        publication=publication,
        source=source,
        title=_masked("title", title, publication),
        description=_masked("description", description, publication),
        position=max((each.position for each in rows), default=0) + 1,
        added_by=by,
        added_at=at,
    )
    after_commit.enqueue(tasks.render_file, file_id=row.pk)
    return row


def _refuse_source(source: Attachment, publication: Publication) -> None:
    unchecked = settings.SCANNER and source.file.scan_state != ScanState.CLEAN
    if unchecked:
        raise InvalidInput("source", _("The file did not pass the virus check."))
    reason = content_files.why_not(source, confidential=publication.complaint.is_confidential)
    if reason:
        raise InvalidInput("source", reason)


def _masked(name: str, text: str, publication: Publication) -> str:
    """The words with everything masked that is surely private. Raises InvalidInput."""
    text = " ".join(text.split())
    limit = _MOST_CHARACTERS[name]
    if not text or "\x00" in text:
        raise InvalidInput(name, _("Write what readers see in place of the file."))
    known = content.known_of(publication)
    for span in reversed(content.suggest(text, known, masking.rows_for(publication))):
        if span.source in ("identity", "pattern") or span.confidence >= transitions.SURE:
            text = text[: span.start] + span.replacement + text[span.end :]
    if len(text) > limit:
        raise InvalidInput(name, _("Please shorten this to %(limit)s characters."), limit=limit)
    left = leaks(text, known)
    if left:
        message = _("The text still shows something that identifies a person (%(kind)s). Mask it first.")
        raise InvalidInput(name, message, kind=findings.label(left[0].type))
    return text


def _one(publication: Publication, file_id: int) -> PublicationFile:
    row = publication.files.select_for_update().select_related("source__file").filter(pk=file_id).first()
    if row is None:
        raise InvalidInput("file", _("This file is no longer chosen."))
    return row


@transaction.atomic
def describe(
    publication_id: int,
    *,
    by: User,
    file_id: int,
    title: str,
    description: str,
    version: int | None = None,
    at: datetime | None = None,
) -> PublicationFile:
    """Change the words shown with the file. The copy stays, but whoever looked at it looks again."""
    publication = transitions.edit(publication_id, by=by, version=version, at=at)
    row = _one(publication, file_id)
    row.title = _masked("title", title, publication)
    row.description = _masked("description", description, publication)
    row.looked_at_by, row.looked_at = None, None
    row.save(update_fields=["title", "description", "looked_at_by", "looked_at"])
    return row


@transaction.atomic
def draw(
    publication_id: int,
    *,
    by: User,
    file_id: int,
    page: int,
    boxes: list[dict[str, float]],
    version: int | None = None,
    at: datetime | None = None,
) -> PublicationFile:
    """Replace the boxes of one page, in fractions of it; the copy is made anew (PUB-21, PR-02)."""
    publication = transitions.edit(publication_id, by=by, version=version, at=at)
    row = _one(publication, file_id)
    if not 1 <= page <= max(row.pages, 1):
        raise InvalidInput("page", _("The document has no such page."))
    kept = [box for box in row.boxes if box["page"] != page] + [_box(page, box) for box in boxes]
    if len(kept) > MOST_BOXES:
        raise InvalidInput("boxes", _("At most %(limit)s boxes can be drawn on one file."), limit=MOST_BOXES)
    row.boxes = sorted(kept, key=lambda box: (box["page"], box["y"], box["x"]))
    _ask_again(row)
    return row


def _box(page: int, box: dict[str, float]) -> Box:
    """A box that lies on its page. Raises InvalidInput."""
    left, top, wide, high = (box[name] for name in ("x", "y", "width", "height"))
    if not (0 <= left < 1 and 0 <= top < 1 and 0 < wide <= 1 and 0 < high <= 1):
        raise InvalidInput("boxes", _("A box lies outside the page; distances go from 0 to 100 percent."))
    return {
        "page": page,
        "x": round(left, 4),
        "y": round(top, 4),
        "width": round(min(wide, 1 - left), 4),
        "height": round(min(high, 1 - top), 4),
    }


def _ask_again(row: PublicationFile) -> None:
    row.state, row.problem, row.rendered, row.rendered_at = RenderState.WAITING, "", None, None
    row.looked_at_by, row.looked_at = None, None
    row.save()
    after_commit.enqueue(tasks.render_file, file_id=row.pk)


@transaction.atomic
def remove(
    publication_id: int, *, by: User, file_id: int, version: int | None = None, at: datetime | None = None
) -> None:
    """Leave a file out again."""
    publication = transitions.edit(publication_id, by=by, version=version, at=at)
    _one(publication, file_id).delete()


# --- Copies ---------------------------------------------------------------------------------------
def render(file_id: int, *, at: datetime | None = None) -> bool:
    """Make the copy of one file, or record why there is none. Safe to run twice, late or beside itself.

    False when there was nothing to do, or the boxes were changed meanwhile (another task makes that copy).
    """
    at = at or timezone.now()
    row = (
        PublicationFile.objects.select_related("source__file", "publication__complaint__complainant")
        .filter(pk=file_id, state=RenderState.WAITING)
        .first()
    )
    if row is None:
        return False
    copy, problem = None, ""
    try:
        copy = rendering.copy(row.source.file, row.boxes)
        problem = boxes.SHOWS if _shows_somebody(row, copy.pages) else ""
    except rendering.Impossible as error:
        copy, problem = None, str(error)
    except FileNotFoundError:
        copy, problem = None, rendering.UNREADABLE
    except files.Quarantined:
        return False  # it is tried again
    return _keep(row, copy, problem, at=at)


def _shows_somebody(row: PublicationFile, pages: int) -> bool:
    """Whether the text under the copy, which only the original has, names somebody where no box lies (PUB-19)."""
    return any(
        boxes.shows_somebody(row.publication, page, rendering.words(row.source.file, page), row.boxes)
        for page in range(1, pages + 1)
    )


@transaction.atomic
def _keep(made_from: PublicationFile, copy: rendering.Copy | None, problem: str, *, at: datetime) -> bool:
    row = PublicationFile.objects.select_for_update().filter(pk=made_from.pk, state=RenderState.WAITING).first()
    if row is None or row.boxes != made_from.boxes:
        return False
    if copy is None:
        row.state, row.problem, row.pages = RenderState.IMPOSSIBLE, problem, 0
    else:
        upload = SimpleUploadedFile("copy", copy.content)
        row.rendered = files.store(upload, at=at, kind=copy.content_type)
        row.state, row.problem, row.pages = RenderState.READY, problem, copy.pages
    row.rendered_at = at
    row.save()
    return True


def render_waiting(*, now: datetime | None = None) -> dict[str, Any]:
    """Make the copies whose task was lost. Safe to run twice."""
    now = now or timezone.now()
    late = PublicationFile.objects.filter(state=RenderState.WAITING, publication__updated_at__lt=now - PATIENCE)
    done = 0
    for pk in late.values_list("pk", flat=True):
        try:
            done += render(pk, at=now)
        except DomainError as error:
            logger.warning("copy could not be kept", extra={"file": pk, "code": error.code})
    return {"rendered": done}

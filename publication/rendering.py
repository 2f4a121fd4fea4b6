"""Copies of attachments as pictures of their pages, made by a confined program (PUB-21, PR-05, FL-10).

The original is read there only. Pictures go through complaints.previews first, which keeps their pixels and nothing
else; of a PDF every page is painted and the pages are bound again, without text, links, forms and data about itself.
"""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from django.utils.translation import gettext_noop

from complaints import confined, files, previews
from complaints.models import StoredFile

logger = logging.getLogger("huiyin.files")

PDF = "application/pdf"
JPEG = previews.CONTENT_TYPE
KINDS = (*previews.KINDS, PDF)
# What one attachment may be, and what making its copy may cost.
MOST_PAGES = 20
MOST_BYTES = 30 * 1024 * 1024
SECONDS = 60
MEGABYTES = 1024
# What the program answers instead of a copy with words missing (page_worker.NO_FONT).
_LOST = b"no font"
_WORKER = [sys.executable, "-I", str(Path(__file__).with_name("page_worker.py"))]

# Why no copy can be made; kept with the file and shown in the language of the reader.
NOT_A_KIND = gettext_noop("Only photos and PDF files can be published. Add the document to the case as a PDF.")
TOO_LARGE = gettext_noop("The file is larger than 30 MB. Add a smaller copy of it to the case.")
TOO_LONG = gettext_noop("The document has more than 20 pages. Add the pages that matter as a PDF of their own.")
NO_FONT = gettext_noop(
    "The document does not bring its fonts, so words would be missing. Save it with its fonts embedded, or scan it."
)
UNREADABLE = gettext_noop("The file is damaged, locked with a password or asks for too much memory or time.")

Box = dict[str, Any]


class Impossible(Exception):
    """No copy of this file can be made; the text says why, in English, to be translated when it is shown."""


@dataclass(frozen=True)
class Copy:
    """A rendered copy: its bytes, their type and how many pages they show."""

    content: bytes
    content_type: str
    pages: int


@dataclass(frozen=True)
class Character:
    """A character of a PDF page and where it stands, in fractions of the page from its upper left corner."""

    character: str
    x: float
    y: float
    width: float
    height: float


def copy(stored: StoredFile, boxes: list[Box]) -> Copy:
    """The whole file with the boxes burned into its pixels. The same file and boxes give the same bytes.

    Raises Impossible, FileNotFoundError, and Quarantined before the file passed the virus check.
    """
    number = pages(stored)
    if stored.content_type == PDF:
        with files.open_file(stored) as original:
            made = _run(stored, original, "copy", json.dumps(boxes))
        if made == _LOST:
            raise Impossible(NO_FONT)
        return Copy(made, PDF, number)
    with TemporaryFile() as clean:
        clean.write(_picture(stored))
        clean.seek(0)
        return Copy(_run(stored, clean, "picture", json.dumps(boxes)), JPEG, number)


def pages(stored: StoredFile) -> int:
    """How many pages the file has; a picture has one. Raises like `copy`."""
    files.require_released(stored)
    if stored.content_type not in KINDS:
        raise Impossible(NOT_A_KIND)
    if stored.size > MOST_BYTES:
        raise Impossible(TOO_LARGE)
    if stored.content_type != PDF:
        return 1
    with files.open_file(stored) as original:
        number = json.loads(_run(stored, original, "pages"))
    if number > MOST_PAGES:
        raise Impossible(TOO_LONG)
    return number


def page(stored: StoredFile, number: int) -> bytes:
    """A JPEG of one page, counted from 1, to draw boxes on or to look at. Raises like `copy`."""
    files.require_released(stored)
    if stored.content_type != PDF:
        return _picture(stored)
    with files.open_file(stored) as original:
        return _run(stored, original, "page", str(number))


def words(stored: StoredFile, number: int) -> list[Character]:
    """The text of one page of a PDF, character by character; nothing for a picture. Raises like `copy`."""
    files.require_released(stored)
    if stored.content_type != PDF:
        return []
    with files.open_file(stored) as original:
        return [Character(*row) for row in json.loads(_run(stored, original, "words", str(number)))]


def told_by(content: bytes) -> list[str]:
    """What a PDF says about itself and the text on its pages, for the scan before posting. Raises Impossible."""
    with TemporaryFile() as source:
        source.write(content)
        return json.loads(_asked(source, "told"))


def _asked(source: BinaryIO, *wanted: str) -> bytes:
    source.seek(0)
    try:
        return confined.run([*_WORKER, *wanted], source, seconds=SECONDS, megabytes=MEGABYTES)
    except confined.Failed as error:
        raise Impossible(UNREADABLE) from error


def _run(stored: StoredFile, source: BinaryIO, *wanted: str) -> bytes:
    try:
        return _asked(source, *wanted)
    except Impossible as error:
        logger.warning("no copy", extra={"file": stored.sha256[:12], "reason": str(error.__cause__)})
        raise


def _picture(stored: StoredFile) -> bytes:
    clean = previews.render(stored)
    if clean is None:
        raise Impossible(UNREADABLE)
    return clean

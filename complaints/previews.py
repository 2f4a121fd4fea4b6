"""What staff may look at without opening an original: pixels painted anew (FL-03, FL-11)."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import BinaryIO

from django.http import HttpResponse

from complaints import confined, files
from complaints.models import StoredFile

logger = logging.getLogger("huiyin.files")

KINDS = ("image/jpeg", "image/png", "image/gif", "image/webp")
CONTENT_TYPE = "image/jpeg"
SECONDS = 15
MEGABYTES = 768
_WORKER = [sys.executable, "-I", str(Path(__file__).with_name("pixel_worker.py"))]


def has_preview(stored: StoredFile) -> bool:
    """Whether the kind of file can be shown at all."""
    return stored.content_type in KINDS


def render(stored: StoredFile) -> bytes | None:
    """A JPEG of the picture with nothing else of the file in it; None when it cannot be made.

    Raises FileNotFoundError when the original is gone, Quarantined before it passed the virus check.
    """
    files.require_released(stored)
    if not has_preview(stored):
        return None
    with files.open_file(stored) as original:
        try:
            return paint(original)
        except confined.Failed as error:
            logger.warning("no preview", extra={"file": stored.sha256[:12], "reason": str(error)})
            return None


def paint(original: BinaryIO) -> bytes:
    """A JPEG of the pixels of a picture in an open file on disk. Raises confined.Failed."""
    return confined.run(_WORKER, original, seconds=SECONDS, megabytes=MEGABYTES)


def response(picture: bytes, name: str) -> HttpResponse:
    """A painted picture for the browser's window; it runs nothing and stays in no cache."""
    answer = HttpResponse(picture, content_type=CONTENT_TYPE)
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer["Content-Disposition"] = f'inline; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    return answer

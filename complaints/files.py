"""Originals of attachments: checked, stored once under their SHA-256, never changed (IN-23, FL-01…08, I14).

A file is written beside its place and flushed to disk, then its row is committed, then it is moved
into place. Whatever a crash leaves behind, `sweep` finishes or reports; until then `open_file`
reads the copy that waits.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, cast

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import ProtectedError
from django.http import FileResponse
from django.utils.translation import gettext_lazy as _

from accounts import after_commit
from accounts.errors import DomainError, InvalidInput
from complaints import file_types, tasks
from complaints.models import Attachment, InboundMail, ScanState, StoredFile

STALE = timedelta(hours=1)
MAX_NAME = 120
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Quarantined(DomainError):
    """The file waits for the virus check, or a virus was found in it."""

    code = "quarantined"


class StorageFull(DomainError):
    """There is no room left for the file; nothing was stored."""

    code = "storage_full"


def check(uploaded: UploadedFile) -> str:
    """The content type of an upload, judged by its content; the client's word is not asked.

    Raises InvalidInput("files", …) naming the file: empty, too large, not a kind we take, or a bomb.
    """
    name = clean_name(uploaded.name or "")
    if not uploaded.size:
        raise InvalidInput("files", _("“%(name)s” is empty; choose another file."), name=name)
    if uploaded.size > settings.ATTACHMENT_MAX_BYTES:
        raise too_large(name)
    try:
        kind = file_types.sniff(cast(BinaryIO, uploaded.file))
    except file_types.TooComplex:
        raise InvalidInput(
            "files", _("“%(name)s” unpacks into more than we can take; send a smaller copy."), name=name
        ) from None
    if kind is None:
        message = _(
            "“%(name)s” is not a kind of file we take. Send photos, videos, recordings, PDF, DOCX, XLSX or PPTX."
        )
        raise InvalidInput("files", message, name=name)
    return kind


def too_large(name: str) -> InvalidInput:
    """The refusal of a file above the limit."""
    limit = settings.ATTACHMENT_MAX_BYTES // (1024 * 1024)
    return InvalidInput(
        "files", _("“%(name)s” is larger than %(limit)s MB; choose a smaller one."), name=name, limit=limit
    )


def too_many(name: str) -> InvalidInput:
    """The refusal of a file beyond the number allowed."""
    message = _("“%(name)s” was not added: at most %(limit)s files.")
    return InvalidInput("files", message, name=name, limit=settings.ATTACHMENT_MAX_COUNT)


def clean_name(name: str, content_type: str = "") -> str:
    """A name fit to be shown and offered for download: no path, no control or reversing characters.

    With a content type the ending is made to tell the truth: "photo.exe" with a JPEG inside becomes
    "photo.exe.jpg" (FL-02, FL-08).
    """
    name = re.split(r"[/\\]", name)[-1]
    name = "".join(char for char in name if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
    name = name.strip(" .") or "file"
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending) > 8:
        stem, ending = name, ""
    known = file_types.ENDINGS.get(content_type, ())
    if known and ending.lower() not in known:
        stem, ending = name, known[0]
    stem = stem[: MAX_NAME - len(ending) - 1].rstrip(" .") or "file"
    return f"{stem}.{ending}" if ending else stem


def store(uploaded: UploadedFile, *, at: datetime, kind: str = "") -> StoredFile:
    """Check and keep an upload; the same content is kept once.

    `kind` is the content type of what is kept as it came, without a check: e-mails that arrived.
    Inside a transaction the file takes its place after the commit, so a rollback leaves nothing.
    Raises InvalidInput and StorageFull.
    """
    kind = kind or check(uploaded)
    waiting, digest, size = _write(uploaded)
    state = ScanState.WAITING if settings.SCANNER else ScanState.UNCHECKED
    stored, created = StoredFile.objects.get_or_create(
        sha256=digest, defaults={"size": size, "content_type": kind, "stored_at": at, "scan_state": state}
    )
    transaction.on_commit(lambda: _move(waiting, digest), robust=True)
    if created and state == ScanState.WAITING:
        after_commit.enqueue(tasks.scan_files)
    return stored


def _write(uploaded: UploadedFile) -> tuple[Path, str, int]:
    """Copy an upload into the waiting folder: its path there, its SHA-256 and its size."""
    folder = _waiting_folder()
    partial = folder / f"{secrets.token_hex(16)}.part"
    digest, size = hashlib.sha256(), 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            for chunk in uploaded.chunks():
                digest.update(chunk)
                size += len(chunk)
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        waiting = folder / f"{digest.hexdigest()}.{secrets.token_hex(8)}"
        partial.rename(waiting)
    except OSError as error:
        partial.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(
                _("There is no room for files at the moment. Your text is kept; go on without the files or try later.")
            ) from error
        raise
    uploaded.seek(0)
    return waiting, digest.hexdigest(), size


def _move(waiting: Path, digest: str) -> None:
    """Give a waiting file its place, or drop it when its content is there already."""
    place = path_of(digest)
    if place.exists():
        waiting.unlink(missing_ok=True)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    waiting.rename(place)
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def root() -> Path:
    """The folder of stored files (HUIYIN_STORAGE_URL, else in the data folder)."""
    return settings.STORAGE_DIR or Path(settings.DATA_DIR) / "files"


def _waiting_folder() -> Path:
    return root() / "tmp"


def path_of(digest: str) -> Path:
    """Where the content with this SHA-256 lies."""
    return root() / digest[:2] / digest[2:4] / digest


def require_released(stored: StoredFile) -> None:
    """Raises Quarantined for a file that nobody may open now (FL-09)."""
    if stored.scan_state == ScanState.INFECTED:
        raise Quarantined(_("A virus was found in this file; nobody can open it."))
    if stored.scan_state == ScanState.TOO_LARGE:
        raise Quarantined(_("This file is too large for the virus check; ask for it in smaller parts."))
    if stored.is_quarantined:
        raise Quarantined(_("This file still waits for the virus check. Try again in a few minutes."))


def open_file(stored: StoredFile) -> BinaryIO:
    """The content of a stored file. Raises FileNotFoundError when it is gone (the sweep reports it)."""
    try:
        return path_of(stored.sha256).open("rb")
    except FileNotFoundError:
        for waiting in _waiting_folder().glob(f"{stored.sha256}.*"):
            return waiting.open("rb")
        raise


def download_response(attachment: Attachment) -> FileResponse:
    """The original as a download that no browser opens in place (FL-01…03). The caller checked the right to it.

    Raises Quarantined and FileNotFoundError.
    """
    require_released(attachment.file)
    name = clean_name(attachment.name, attachment.file.content_type)
    response = FileResponse(
        open_file(attachment.file), as_attachment=True, filename=name, content_type="application/octet-stream"
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "no-store"
    return response


# --- Housekeeping -----------------------------------------------------------------------------
@dataclass
class Sweep:
    """What one sweep found and did. The two lists are alarms: somebody has to look."""

    rows_without_files: list[str] = field(default_factory=list)
    files_without_rows: list[str] = field(default_factory=list)
    finished: int = 0
    waiting_removed: int = 0
    abandoned_removed: int = 0


def sweep(now: datetime) -> Sweep:
    """Finish what a crash interrupted, remove what was never filed, report what does not fit (FL-07, I14).

    Files of drafts that were never filed go with their draft. A file without a row is reported and
    left alone: after a restore of the database it may be the only copy.
    """
    result = Sweep()
    result.abandoned_removed = _remove_abandoned(now)
    known = set(StoredFile.objects.values_list("sha256", flat=True))
    present = {path.name for path in _stored_paths()}
    for digest in sorted(known - present):
        waiting = next((path for path in _waiting_folder().glob(f"{digest}.*") if _digest(path) == digest), None)
        if waiting:
            _move(waiting, digest)
            result.finished += 1
        else:
            result.rows_without_files.append(digest)
    # Read again: an upload may have been stored since.
    unknown = present - known
    unknown -= set(StoredFile.objects.filter(sha256__in=unknown).values_list("sha256", flat=True))
    result.files_without_rows = sorted(unknown)
    for path in _waiting_folder().glob("*"):
        if datetime.fromtimestamp(path.stat().st_mtime, UTC) < now - STALE:
            path.unlink(missing_ok=True)
            result.waiting_removed += 1
    return result


def _stored_paths() -> Iterator[Path]:
    return (path for path in root().glob("??/??/*") if _SHA256.fullmatch(path.name))


def _digest(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _remove_abandoned(now: datetime) -> int:
    """Attachments whose draft is gone, and contents that nothing refers to any more."""
    Attachment.objects.filter(complaint=None, draft=None, at__lt=now - STALE).delete()
    used = Attachment.objects.values("file")
    mails = InboundMail.objects.exclude(original=None).values("original")
    removed = 0
    for stored in StoredFile.objects.filter(stored_at__lt=now - STALE).exclude(pk__in=used).exclude(pk__in=mails):
        place = path_of(stored.sha256)
        try:
            stored.delete()
        except ProtectedError:
            continue  # an app above refers to it
        place.unlink(missing_ok=True)
        removed += 1
    return removed

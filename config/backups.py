"""A backup: one file with the database and every stored file it names, as of one moment (DL-03, DL-04).

A gzipped tar: `manifest.json` first, then the members it lists with size and SHA-256. Stored files are never
changed, so collecting them after the copy of the database is safe; one that was removed meanwhile ends the backup.
The keys are not in it, only fingerprints of them.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import secrets
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.db import connection

from accounts import people, takedowns
from analytics import building
from complaints import appraisals, events, files
from complaints.models import StoredFile
from config import dumps
from publication import bulletins, results
from publication.models import Comment, PublishedBulletin, PublishedReport, PublishedResult, Statement
from publication.states import CommentState, StatementStatus

FORMAT = 1
MANIFEST, DATABASE, JOURNAL = "manifest.json", "database", "takedowns.jsonl"
_CHUNK = 1024 * 1024


class BackupFailed(Exception):
    """No backup was made; says why in one line."""


@dataclass(frozen=True)
class Member:
    """A file of the backup: its name there, what it must be, and how it is opened."""

    name: str
    size: int
    sha256: str
    open: Callable[[], BinaryIO]


def fingerprint(key: str) -> str:
    """Tells keys apart and says nothing about them: they are random."""
    return hashlib.sha256(f"huiyin-key:{key}".encode()).hexdigest()[:16]


def write(target: Path) -> dict[str, Any]:
    """Write the backup; `target` appears whole, readable by its owner only, or not at all. Returns its manifest
    without the list of members. Raises BackupFailed and OSError."""
    if target.exists():
        raise BackupFailed(f"{target} exists already; give another name.")
    complete_journal()
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        try:
            with dumps.snapshot(work / DATABASE) as snapshot:
                members = list(_members(snapshot))
                manifest = _manifest(snapshot, members)
        except dumps.DumpFailed as error:
            raise BackupFailed(str(error)) from error
        part = work / secrets.token_hex(8)
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            _pack(out, manifest, members)
            out.flush()
            os.fsync(out.fileno())
        part.rename(target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return {name: value for name, value in manifest.items() if name != "members"} | {"files": len(members)}


def complete_journal() -> None:
    """Note take-downs that the database knows and the journal does not, and make the journal where there is none."""
    there = set(takedowns.read().entries)
    known = {(entry.what, entry.key) for entry in there}
    results_down = PublishedResult.objects.exclude(withdrawn_at=None).order_by("withdrawn_at", "pk")
    found = [
        takedowns.Entry(takedowns.What.RESULT, key, at, number)
        for key, at, number in results_down.values_list("public_id", "withdrawn_at", "publication_number")
        if at
    ]
    statements_down = Statement.objects.filter(status=StatementStatus.WITHDRAWN).exclude(withdrawn_at=None)
    found += [
        takedowns.Entry(takedowns.What.STATEMENT, key, at)
        for key, at in statements_down.values_list("public_id", "withdrawn_at")
        if at
    ]
    bulletins_down = PublishedBulletin.objects.exclude(withdrawn_at=None).order_by("withdrawn_at", "pk")
    found += [
        takedowns.Entry(takedowns.What.BULLETIN, bulletins.key_of(incident, number), at)
        for incident, number, at in bulletins_down.values_list("incident_public_id", "number", "withdrawn_at")
        if at
    ]
    # These can be shown again and hidden a second time, as access is given and taken again: there the moment counts.
    again = {takedowns.What.COMMENT: Comment, takedowns.What.REPORT: PublishedReport}
    for what, model in again.items():
        hidden = model._default_manager.filter(state=CommentState.HIDDEN).exclude(moderated_at=None)
        found += [
            takedowns.Entry(what, key, at)
            for key, at in hidden.order_by("moderated_at", "pk").values_list("public_id", "moderated_at")
            if at
        ]
    found += [
        takedowns.Entry(takedowns.What.DESTROYED, key, at)
        for key, at in appraisals.destroyed().values_list("file__complaint__number", "destroyed_at")
        if at
    ]
    found += people.taken_away()
    repeated = {*again, takedowns.What.ACCESS}
    takedowns.append(
        entry
        for entry in found
        if (entry not in there if entry.what in repeated else (entry.what, entry.key) not in known)
    )


def _members(snapshot: dumps.Snapshot) -> Iterator[Member]:
    """Everything beside the manifest, the database first. Missing files are found when they are read."""
    yield _from_path(DATABASE, snapshot.file)
    content = takedowns.path().read_bytes()
    yield _from_bytes(JOURNAL, content)
    for (day,) in snapshot.fetch("SELECT day FROM complaints_ledgeranchor ORDER BY day"):
        path = events.anchor_folder() / f"{day}.json"
        if path.exists():
            yield _from_bytes(f"anchors/{path.name}", path.read_bytes())
    for sha256, size in snapshot.fetch("SELECT sha256, size FROM complaints_storedfile ORDER BY sha256"):
        yield Member(f"files/{sha256}", size, sha256, partial(files.open_file, StoredFile(sha256=sha256)))
    for path, size, sha256 in snapshot.fetch("SELECT path, size, sha256 FROM analytics_reportfile ORDER BY path"):
        yield Member(f"reports/{path}", size, sha256, partial((building.folder() / path).open, "rb"))


def _from_path(name: str, path: Path) -> Member:
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return Member(name, path.stat().st_size, digest, lambda: path.open("rb"))


def _from_bytes(name: str, content: bytes) -> Member:
    return Member(name, len(content), hashlib.sha256(content).hexdigest(), lambda: io.BytesIO(content))


def _manifest(snapshot: dumps.Snapshot, members: list[Member]) -> dict[str, Any]:
    migrations = snapshot.fetch("SELECT app, name FROM django_migrations ORDER BY app, name")
    return {
        "format": FORMAT,
        "release": results.release(),
        "moment": snapshot.at.isoformat(),
        "database": connection.vendor,
        "tools": snapshot.tools,
        "keys": [fingerprint(key) for key in settings.FIELD_KEYS],
        "migrations": [f"{app}.{name}" for app, name in migrations],
        "rows": dumps.count(snapshot.fetch),
        "members": [{"name": row.name, "size": row.size, "sha256": row.sha256} for row in members],
    }


def _pack(out: BinaryIO, manifest: dict[str, Any], members: list[Member]) -> None:
    moment = datetime.fromisoformat(manifest["moment"]).timestamp()
    with (
        gzip.GzipFile(filename="", mode="wb", compresslevel=3, fileobj=out) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        text = json.dumps(manifest, ensure_ascii=False, indent=1).encode()
        archive.addfile(_info(MANIFEST, len(text), moment), io.BytesIO(text))
        for member in members:
            try:
                with member.open() as content:
                    checked = Hashing(content)
                    archive.addfile(_info(member.name, member.size, moment), checked)
                    checked.read(_CHUNK)  # one byte more than the database says is a change too
            except FileNotFoundError as error:
                raise BackupFailed(f"{member.name} is gone; run manage.py restore_check, then backup again.") from error
            except OSError as error:
                if error.errno is None:  # tarfile: it ended early
                    raise BackupFailed(f"{member.name} was changed; run manage.py restore_check.") from error
                raise
            if (checked.size, checked.digest.hexdigest()) != (member.size, member.sha256):
                raise BackupFailed(f"{member.name} was changed; run manage.py restore_check.")


def _info(name: str, size: int, moment: float) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, moment
    return info


class Hashing:
    """A file that is hashed while it is read."""

    def __init__(self, content: Any) -> None:
        self.content, self.digest, self.size = content, hashlib.sha256(), 0

    def read(self, size: int = -1) -> bytes:
        chunk: bytes = self.content.read(size)
        self.digest.update(chunk)
        self.size += len(chunk)
        return chunk

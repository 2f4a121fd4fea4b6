"""Bringing a backup back, and then again everything that was taken down or erased after it (DL-03, DL-04, I8).

All of the backup is read and checked before anything is changed. While it is put back a mark in the data folder
keeps the site from starting; it goes when the take-downs stand again.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone
from knox.models import AuthToken

from accounts import people, security, takedowns
from accounts.takedowns import Entry, What
from analytics import building
from complaints import appraisals, events, files, jobs
from complaints.models import Complaint, NumberCounter
from config import backups, dumps
from config.startup import UNFINISHED
from publication import bulletins, comments, statements, transitions
from publication import jobs as publication_jobs
from publication.models import Comment, PublishedReport

# How far numbers jump when nobody knows which ones were given after the backup.
GAP = 1000
_MAX_MANIFEST = 64 * 1024 * 1024
_NAME = re.compile(
    r"manifest\.json|database|takedowns\.jsonl|files/[0-9a-f]{64}|anchors/\d{4}-\d\d-\d\d\.json"
    r"|reports/[\w-]+/[\w.-]+",
    re.ASCII,
)
_SCOPE = re.compile(r"(?P<prefix>.+)-(?P<stamp>20\d{4}(\d\d)?)", re.ASCII)


class RestoreRefused(Exception):
    """Nothing was changed; says why and how to mend it."""


class RestoreBroke(Exception):
    """The database was replaced and is not as the backup says; the site does not start."""


@dataclass
class Unpacked:
    """A backup that was read to its end and found whole. `folder` holds its members by their names."""

    folder: Path
    manifest: dict[str, Any]
    stored: Path

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.manifest["moment"])


@dataclass
class Before:
    """What the database that is replaced knew: numbers given and cases registered. No counters: nothing is known."""

    counters: dict[str, int] = field(default_factory=dict)
    late_cases: list[str] = field(default_factory=list)


def restore(source: Path, *, overwrite: bool) -> dict[str, Any]:
    """Put a backup back; returns what came of it. Raises RestoreRefused while nothing was changed, RestoreBroke or
    anything else when it broke off: the site does not start then until a restore goes through."""
    mark = Path(settings.DATA_DIR, UNFINISHED)
    _refuse_occupied(overwrite=overwrite or mark.exists())
    with unpacked(source) as backup:
        older = _refuse_unfit(backup.manifest)
        was_marked = mark.exists()
        journal = _journal(backup, broke_off=was_marked)
        # After one that broke off the first database is gone; what it knew stands in the mark.
        before = Before(**json.loads(mark.read_text(encoding="utf-8"))) if was_marked else _before(backup.moment)
        _place_files(backup)
        _write_mark(mark, before)
        try:
            dumps.put_back(
                backup.folder / backups.DATABASE, folder=backup.folder, tools=backup.manifest.get("tools", 0)
            )
        except dumps.DumpFailed as error:
            if not was_marked:
                mark.unlink()
            raise RestoreRefused(str(error)) from error
        _compare(backup.manifest)
        if older:
            call_command("migrate", verbosity=0, interactive=False)
        _place_documents(backup)
        applied = replay(journal.entries)
        erased_until = max([timezone.now(), *(row.at for row in journal.entries if row.what == What.PURGE)])
        jobs.purge(now=erased_until)
        publication_jobs.purge_echo(now=erased_until)
        lost = _keep_numbers(before)
        moment = backup.manifest["moment"]
        security.record("backup_restored", subject=moment, lost=len(lost or ()), applied=applied)
        mark.unlink()
        return {
            "moment": moment,
            "rows": sum(backup.manifest["rows"].values()),
            "files": len(backup.manifest["members"]),
            "migrated": older,
            "journal": "read" if journal.is_there else "missing",
            "journal_damaged": journal.damaged,
            "applied": applied,
            "lost": lost,
        }


# --- Looking before anything is changed -----------------------------------------------------------
def _refuse_occupied(*, overwrite: bool) -> None:
    """A database with cases, or one that cannot be read, is replaced only when somebody says so."""
    if overwrite:
        return
    try:
        known = Complaint._meta.db_table in connection.introspection.table_names()
        count = Complaint.objects.count() if known else 0
    except DatabaseError as error:
        if connection.vendor == "postgresql" and connection.connection is None:
            raise
        raise RestoreRefused(f"The present database cannot be read ({error}); add --overwrite to replace it.") from None
    if count:
        raise RestoreRefused(f"The present database holds {count} cases; add --overwrite to replace all of it.")


@contextmanager
def unpacked(source: Path) -> Iterator[Unpacked]:
    """Read the backup to its end into folders beside the data. Raises RestoreRefused for anything that is not as
    the manifest says."""
    files.root().mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".restore-", dir=settings.DATA_DIR))
    stored = Path(tempfile.mkdtemp(prefix=".restore-", dir=files.root()))
    try:
        try:
            with gzip.open(source) as packed, tarfile.open(fileobj=packed, mode="r|") as archive:
                manifest = _unpack(archive, folder, stored)
                while packed.read(1024 * 1024):
                    pass  # the checksum of the whole stands at its end
        except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError) as error:
            raise RestoreRefused(f"{source} is damaged or no backup ({error}); take another.") from error
        yield Unpacked(folder, manifest, stored)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(stored, ignore_errors=True)


def _unpack(archive: tarfile.TarFile, folder: Path, stored: Path) -> dict[str, Any]:
    manifest: dict[str, Any] | None = None
    expected: dict[str, dict[str, Any]] = {}
    for info in archive:
        content = archive.extractfile(info) if info.isfile() and _NAME.fullmatch(info.name) else None
        if content is None:
            raise RestoreRefused(f"The backup holds something that does not belong there: {info.name}.")
        if manifest is None:
            manifest = _read_manifest(info, content)
            expected = {row["name"]: row for row in manifest["members"]}
            continue
        row = expected.pop(info.name, None)
        if row is None:
            raise RestoreRefused(f"The backup holds something its manifest does not name: {info.name}.")
        if _copy(content, _staged(info.name, folder, stored)) != (row["size"], row["sha256"]):
            raise RestoreRefused(f"The backup is damaged at {info.name}; take another.")
    if manifest is None or expected:
        raise RestoreRefused(f"The backup is not complete: {next(iter(expected), backups.MANIFEST)} is missing.")
    return manifest


def _read_manifest(info: tarfile.TarInfo, content: IO[bytes]) -> dict[str, Any]:
    if info.name != backups.MANIFEST or info.size > _MAX_MANIFEST:
        raise RestoreRefused("This is no backup of Huiyin: its manifest is missing.")
    try:
        manifest = json.loads(content.read())
        names = {row["name"] for row in manifest["members"]}
        known = manifest["format"] == backups.FORMAT and names >= {backups.DATABASE, backups.JOURNAL}
        manifest["moment"], manifest["keys"], manifest["migrations"], manifest["rows"], manifest["database"]
    except (ValueError, KeyError, TypeError) as error:
        raise RestoreRefused("The manifest of this backup cannot be read; take another.") from error
    if not known:
        raise RestoreRefused(f"This backup has format {manifest['format']}; restore it with the release that made it.")
    return manifest


def _staged(name: str, folder: Path, stored: Path) -> Path:
    """Where a member waits. Names were checked: one folder deep for files and anchors, two for reports."""
    if name.startswith("files/"):
        return stored / name.removeprefix("files/")
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def _copy(content: IO[bytes], place: Path) -> tuple[int, str]:
    checked = backups.Hashing(content)
    with open(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        while chunk := checked.read(1024 * 1024):
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    return checked.size, checked.digest.hexdigest()


def _refuse_unfit(manifest: dict[str, Any]) -> bool:
    """Refuse a backup of another kind of database, of a newer release or with other keys; True for an older one."""
    if manifest["database"] != connection.vendor:
        raise RestoreRefused(
            f"This backup is of {manifest['database']}, DATABASE_URL names {connection.vendor}; set it accordingly."
        )
    configured = [backups.fingerprint(key) for key in settings.FIELD_KEYS]
    missing = [key for key in manifest["keys"] if key not in configured]
    if missing:
        raise RestoreRefused(
            f"This backup was made with other keys; add the key with the fingerprint {missing[0]} to HUIYIN_FIELD_KEYS."
        )
    if configured[-1:] != manifest["keys"][-1:]:
        raise RestoreRefused(
            f"The last of HUIYIN_FIELD_KEYS must be the key with the fingerprint {manifest['keys'][-1]}, as it was."
        )
    known = MigrationLoader(None).disk_migrations
    here = {f"{app}.{name}" for app, name in known}
    replaced = {f"{app}.{name}" for migration in known.values() for app, name in migration.replaces}
    newer = [name for name in manifest["migrations"] if name not in here | replaced]
    if newer:
        raise RestoreRefused(f"This backup was made by a newer release (migration {newer[0]}); install that one first.")
    return bool(here.difference(manifest["migrations"]))


def _journal(backup: Unpacked, *, broke_off: bool) -> takedowns.Journal:
    """The journal with what the present database and the backup know beside it; what lacked is added to the file."""
    here = takedowns.read()
    if not broke_off:
        try:
            with transaction.atomic():
                backups.complete_journal()
        except DatabaseError:
            pass  # an empty or broken database knows of none
    kept = takedowns.parse((backup.folder / backups.JOURNAL).read_bytes())
    known = set(takedowns.read().entries)
    takedowns.append(entry for entry in kept.entries if entry not in known)
    now = takedowns.read()
    return takedowns.Journal(here.is_there, now.entries, now.damaged)


def _before(moment: datetime) -> Before:
    """What must outlive the present database."""
    try:
        with transaction.atomic():
            counters = dict(NumberCounter.objects.values_list("scope", "last"))
            late = Complaint.objects.filter(registered_at__gte=moment - timedelta(days=1))
            return Before(counters, list(late.order_by("pk").values_list("number", flat=True)))
    except DatabaseError:
        return Before()


def _write_mark(mark: Path, before: Before) -> None:
    part = mark.with_suffix(".part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        json.dump(asdict(before), out)
        out.flush()
        os.fsync(out.fileno())
    os.replace(part, mark)


# --- Putting it back ------------------------------------------------------------------------------
def _place_files(backup: Unpacked) -> None:
    """Stored files lie under their SHA-256, so putting them there harms nothing that is there."""
    for path in backup.stored.iterdir():
        place = files.path_of(path.name)
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, place)


def _compare(manifest: dict[str, Any]) -> None:
    found = dumps.count(dumps.live)
    wrong = next((name for name, rows in manifest["rows"].items() if found.get(name) != rows), None)
    if wrong:
        raise RestoreBroke(f"table {wrong} has {found.get(wrong)} rows, the backup had {manifest['rows'][wrong]}")


def _place_documents(backup: Unpacked) -> None:
    """Reports to their places; anchors instead of those that are there, which are kept aside as evidence."""
    for path in (backup.folder / "reports").glob("*/*"):
        place = building.folder() / path.relative_to(backup.folder / "reports")
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, place)
    folder = events.anchor_folder()
    folder.mkdir(parents=True, exist_ok=True)
    present = list(folder.glob("*.json"))
    if present:
        aside = folder / f"before-restore-{timezone.localtime():%Y%m%d-%H%M%S}"
        aside.mkdir()
        for path in present:
            os.replace(path, aside / path.name)
    for path in (backup.folder / "anchors").glob("*.json"):
        os.replace(path, folder / path.name)


def replay(entries: tuple[Entry, ...]) -> int:
    """Do again what the journal says, by the ordinary rules; returns how much there was to do. Harmless twice."""
    return sum(_again(entry) for entry in entries)


def _again(entry: Entry) -> bool:
    if entry.what == What.RESULT:
        return transitions.keep_down(entry.key, number=entry.number, at=entry.at)
    if entry.what == What.STATEMENT:
        return statements.keep_down(entry.key, at=entry.at)
    if entry.what == What.BULLETIN:
        return bulletins.keep_down(entry.key, at=entry.at)
    if entry.what == What.COMMENT:
        return comments.keep_hidden(Comment, entry.key, at=entry.at)
    if entry.what == What.REPORT:
        return comments.keep_hidden(PublishedReport, entry.key, at=entry.at)
    if entry.what == What.TOKEN:
        return bool(AuthToken.objects.filter(user=entry.key, created__lte=entry.at).delete()[0])
    if entry.what == What.DESTROYED:
        return appraisals.keep_destroyed(entry.key, at=entry.at)
    if entry.what == What.ACCESS:
        return people.take_away_again(entry)
    return False  # purges are done together


def _keep_numbers(before: Before) -> list[str] | None:
    """Give no number a second time (FI-X). Returns the cases that are lost; None when nobody knows them."""
    if not before.counters:
        _jump()
        return None
    for scope, last in before.counters.items():
        NumberCounter.objects.get_or_create(scope=scope)
        NumberCounter.objects.filter(scope=scope, last__lt=last).update(last=last)
    there = set(Complaint.objects.filter(number__in=before.late_cases).values_list("number", flat=True))
    return [number for number in before.late_cases if number not in there]


def _jump() -> None:
    """Leave room in the scopes of today and this month for what may have been given since the backup."""
    today = timezone.localdate()
    for scope in NumberCounter.objects.values_list("scope", flat=True):
        found = _SCOPE.fullmatch(scope)
        if found:
            stamp = f"{today:%Y%m%d}" if len(found["stamp"]) == 8 else f"{today:%Y%m}"
            name = f"{found['prefix']}-{stamp}"
            counter, _made = NumberCounter.objects.get_or_create(scope=name)
            if counter.last < GAP:
                NumberCounter.objects.filter(pk=counter.pk).update(last=counter.last + GAP)

"""Proof that an installation is whole: files, log, take-downs, keys (DL-03, DL-04, I8, I14)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models
from knox.models import AuthToken

from accounts import people, takedowns
from accounts.checks import key_problem
from accounts.crypto import EncryptedTextField
from accounts.takedowns import Entry, What
from analytics import building
from analytics.models import ReportFile
from complaints import events, files
from complaints.models import Complaint, IntakeDraft, StoredFile
from config import dumps
from config.startup import UNFINISHED
from publication import bulletins, comments
from publication.models import Comment, Publication, PublishedReport, PublishedResult, Statement
from publication.states import PublicationStatus, StatementStatus

# So many of the oldest and of the newest rows of each table are opened with the keys.
SAMPLE = 50
# What the restored site may not have: shown, or one click away from it.
_SHOWN = (PublicationStatus.POSTED, PublicationStatus.APPROVED)
_STATED = (StatementStatus.POSTED, StatementStatus.APPROVED)


class Wrong(Exception):
    """The first thing that is not as it must be."""


def check() -> dict[str, Any]:
    """Look at everything; returns how much was looked at. Raises Wrong naming the first fault."""
    if Path(settings.DATA_DIR, UNFINISHED).exists():
        raise Wrong("a restore did not finish; run manage.py restore again")
    return {name: work() for name, work in _WORK.items()}


def _keys() -> int:
    """Values of every encrypted column open with the configured keys."""
    problem = key_problem()
    if problem:
        raise Wrong(problem.rstrip("."))
    opened = 0
    for model in apps.get_models():
        if not any(isinstance(column, EncryptedTextField) for column in model._meta.concrete_fields):
            continue
        for order in ("pk", "-pk"):
            for key in model._default_manager.order_by(order).values_list("pk", flat=True)[:SAMPLE]:
                opened += _open(model, key)
    return opened


def _open(model: type[models.Model], key: Any) -> int:
    try:
        return int(model._default_manager.filter(pk=key).first() is not None)
    except ValueError as error:
        raise Wrong(f"{model._meta.label} {key} cannot be read with HUIYIN_FIELD_KEYS") from error


def _files() -> int:
    """Every stored file is there with its SHA-256 and size, and so is every document of a report."""
    checked = 0
    for stored in StoredFile.objects.order_by("pk").iterator(chunk_size=500):
        _compare(f"files/{stored.sha256}", partial(files.open_file, stored), stored.size, stored.sha256)
        checked += 1
    for document in ReportFile.objects.order_by("pk").iterator(chunk_size=500):
        _compare(
            f"reports/{document.path}",
            partial((building.folder() / document.path).open, "rb"),
            document.size,
            document.sha256,
        )
        checked += 1
    return checked


def _compare(name: str, opened: Callable[[], Any], size: int, sha256: str) -> None:
    try:
        with opened() as content:
            digest, found = hashlib.file_digest(content, "sha256").hexdigest(), content.tell()
    except FileNotFoundError:
        raise Wrong(f"{name} is missing; take it from a backup") from None
    if (found, digest) != (size, sha256):
        raise Wrong(f"{name} was changed; take it from a backup")


def _ledger() -> int:
    checked, problem = events.verify()
    if problem:
        raise Wrong(f"the ledger is broken at {problem.row}: {problem.what}")
    return checked


def _takedowns() -> int:
    """Nothing is served that its own record or the journal says was taken down or erased."""
    down = Publication.objects.filter(status=PublicationStatus.WITHDRAWN).values("number")
    served = PublishedResult.objects.filter(publication_number__in=down, withdrawn_at=None).first()
    if served:
        raise Wrong(f"result {served.public_id} was taken down and is visible")
    entries = takedowns.read().entries
    for entry in entries:
        if _is_back(entry):
            raise Wrong(f"{entry.what} {entry.key} was taken down on {entry.at:%Y-%m-%d} and is back")
    until = max((entry.at for entry in entries if entry.what == What.PURGE), default=None)
    if until and IntakeDraft.objects.filter(complaint=None, created_at__lt=until - timedelta(days=2)).exists():
        raise Wrong(f"drafts that were erased on {until:%Y-%m-%d} are back; run manage.py run_job purge_expired")
    return len(entries)


def _is_back(entry: Entry) -> bool:
    if entry.what == What.RESULT:
        posted = PublishedResult.objects.filter(public_id=entry.key, withdrawn_at=None)
        # What was checked or posted after the take-down is another text.
        again = Publication.objects.filter(number=entry.number, status__in=_SHOWN, updated_at__lte=entry.at)
        return posted.exists() or again.exists()
    if entry.what == What.STATEMENT:
        return Statement.objects.filter(public_id=entry.key, status__in=_STATED).exists()
    if entry.what == What.BULLETIN:
        return bulletins.is_back(entry.key, at=entry.at)
    if entry.what == What.COMMENT:
        return comments.standing(Comment, entry.key, at=entry.at).exists()
    if entry.what == What.REPORT:
        return comments.standing(PublishedReport, entry.key, at=entry.at).exists()
    if entry.what == What.DESTROYED:
        return Complaint.objects.filter(number=entry.key).exclude(narrative="").exists()
    if entry.what == What.TOKEN:
        return AuthToken.objects.filter(user=entry.key, created__lte=entry.at).exists()
    if entry.what == What.ACCESS:
        return people.is_back(entry)
    return False


def compare_rows(rows: dict[str, int]) -> None:
    """That no row of the tables that only grow is missing since a backup. Raises Wrong."""
    found = dumps.count(dumps.live)
    for name in ("complaints_complaint", "complaints_caseevent", "complaints_ledgeranchor", "publication_signoff"):
        if found.get(name, 0) < rows.get(name, 0):
            raise Wrong(f"table {name} has {found.get(name, 0)} rows, the backup had {rows[name]}")


_WORK: dict[str, Callable[[], int]] = {"keys": _keys, "takedowns": _takedowns, "files": _files, "ledger": _ledger}

"""What the virus scanner said of a file, kept on the file and on every case that has it (FL-09)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction

from complaints import notify
from complaints.models import Attachment, Complaint, ScanState, StoredFile
from complaints.transitions import core


@transaction.atomic
def keep_verdict(stored: StoredFile, *, found: str, at: datetime) -> bool:
    """Keep what the scanner said; of an infected file every case that has it hears. False when it was known."""
    if not _keep(stored, ScanState.INFECTED if found else ScanState.CLEAN, found=found, at=at):
        return False
    if found:
        for complaint, attachment in _cases(stored):
            core.add_event(complaint, "file_infected", by=None, at=at, reference=core.ref(attachment))
            _tell(complaint, "file_infected", attachment)
    return True


@transaction.atomic
def keep_too_large(stored: StoredFile, *, at: datetime) -> bool:
    """The scanner does not take files of this size: it stays shut, and every case that has it hears of it."""
    if not _keep(stored, ScanState.TOO_LARGE, at=at):
        return False
    for complaint, attachment in _cases(stored):
        core.add_event(complaint, "file_too_large", by=None, at=at, reference=core.ref(attachment))
        _tell(complaint, "file_too_large", attachment)
    return True


def _keep(stored: StoredFile, state: ScanState, *, at: datetime, found: str = "") -> bool:
    """Whether this answer is the first of its kind about the file."""
    known = (ScanState.CLEAN, ScanState.INFECTED)
    rows = StoredFile.objects.filter(pk=stored.pk, scan_state=stored.scan_state).exclude(scan_state__in=known)
    changed = rows.update(scan_state=state, scanned_at=at, scan_found=found[:120])
    return bool(changed) and state != stored.scan_state


def _cases(stored: StoredFile) -> Iterator[tuple[Complaint, Attachment]]:
    """Every case that has the file, its row locked."""
    for attachment in Attachment.objects.filter(file=stored).exclude(complaint=None).order_by("complaint_id"):
        yield core.lock(attachment.complaint_id), attachment  # type: ignore[arg-type]  # excluded above


def _tell(complaint: Complaint, kind: str, attachment: Attachment) -> None:
    notify.tell(notify.keepers(complaint), kind, complaint=complaint, dedupe=f"{kind}:{attachment.pk}")

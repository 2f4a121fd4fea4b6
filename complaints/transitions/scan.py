"""What the virus scanner said of a file, kept on the file and on every case that has it (FL-09)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from complaints import notify
from complaints.models import Attachment, ScanState, StoredFile
from complaints.transitions import core


@transaction.atomic
def keep_verdict(stored: StoredFile, *, found: str, at: datetime) -> bool:
    """Keep what the scanner said; of an infected file every case that has it hears. False when it was known."""
    state = ScanState.INFECTED if found else ScanState.CLEAN
    open_states = (ScanState.WAITING, ScanState.UNCHECKED)
    rows = StoredFile.objects.filter(pk=stored.pk, scan_state__in=open_states)
    if not rows.update(scan_state=state, scanned_at=at, scan_found=found[:120]):
        return False
    if found:
        for attachment in Attachment.objects.filter(file=stored).exclude(complaint=None).order_by("complaint_id"):
            complaint = core.lock(attachment.complaint_id)  # type: ignore[arg-type]  # excluded above
            core.add_event(complaint, "file_infected", by=None, at=at, reference=core.ref(attachment))
            dedupe = f"file_infected:{attachment.pk}"
            notify.tell(notify.keepers(complaint), "file_infected", complaint=complaint, dedupe=dedupe)
    return True

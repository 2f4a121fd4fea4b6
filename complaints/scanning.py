"""Where a malware scanner is configured, no stored file is handed out before it was looked through (FL-09).

Intake never waits for the scanner. A file that came in stays in quarantine until the scanner has answered;
the office is told when answers stay away, and whoever has the case when something was found.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from complaints import clamd, files, notify
from complaints.models import ScanState, StoredFile
from complaints.transitions.scan import keep_too_large, keep_verdict

logger = logging.getLogger("huiyin.files")

# How long a file may wait before the office hears of it, and how often it hears while nothing changes.
PATIENCE = timedelta(minutes=10)
# When a file that was too large is tried again.
AGAIN = timedelta(days=1)
# The most files one run takes; the next one goes on.
BATCH = 500


def scan_waiting(*, now: datetime | None = None) -> dict[str, int | bool]:
    """Look through what came in, oldest first, then through what was stored before there was a scanner.

    Safe to run twice, late or beside itself: a verdict is kept once. Returns counts, {"configured": False} without
    a scanner, "reachable": False when it did not answer.
    """
    if not settings.SCANNER:
        return {"configured": False}
    now = now or timezone.now()
    clean = infected = 0
    reachable = True
    for stored in _waiting(now):
        try:
            with files.open_file(stored) as content:
                found = clamd.scan(settings.SCANNER, content)
        except FileNotFoundError:
            continue  # the sweep of the files reports it
        except clamd.TooLarge:
            logger.warning("file too large for the scanner", extra={"file": stored.sha256[:12], "size": stored.size})
            keep_too_large(stored, at=now)
            continue
        except clamd.Unreachable as error:
            logger.warning("scanner does not answer", extra={"reason": str(error)})
            reachable = False
            break
        keep_verdict(stored, found=found, at=now)
        clean, infected = clean + (not found), infected + bool(found)
    _warn(now)
    return {"clean": clean, "infected": infected, "reachable": reachable}


def _waiting(now: datetime) -> Iterable[StoredFile]:
    """The next files: new, then old, then what was too large a day ago: the limit may have been raised since."""
    fresh = list(StoredFile.objects.filter(scan_state=ScanState.WAITING).order_by("stored_at")[:BATCH])
    room = BATCH - len(fresh)
    fresh += StoredFile.objects.filter(scan_state=ScanState.UNCHECKED).order_by("stored_at")[:room]
    refused = StoredFile.objects.filter(scan_state=ScanState.TOO_LARGE, scanned_at__lt=now - AGAIN)
    return fresh + list(refused.order_by("scanned_at")[: BATCH - len(fresh)])


def _warn(now: datetime) -> None:
    """Tell the office, once a day, that files have been waiting too long."""
    late = StoredFile.objects.filter(scan_state=ScanState.WAITING, stored_at__lt=now - PATIENCE).count()
    if not late:
        return
    people = notify.holders_of(notify.SCREENING) | notify.holders_of("accounts.configure_system")
    day = timezone.localdate(now).isoformat()
    notify.tell(people.distinct(), "scanner_silent", dedupe=f"scanner_silent:{day}", url="/desk/", count=late)

"""The log of a case: append, chain, verify (CASE-12, ARC-10, COM-02, AT-02…04).

Each row's hash covers its own content and the hash of the case's previous row. A daily anchor
covers every row of the table in order and is also written to a file outside the database, so a
changed, removed or cut row shows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from accounts.models import User
from complaints.models import CaseEvent, Complaint, LedgerAnchor
from complaints.states import Audience

_canonical = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def event_hash(event: CaseEvent) -> str:
    """SHA-256 over the row's content and the previous row's hash, as canonical JSON."""
    content = [
        event.complaint_id,
        event.sequence,
        event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        event.actor_id,
        event.kind,
        event.version,
        event.from_status,
        event.to_status,
        event.fields,
        event.note,
        event.reference,
        event.audience,
        event.previous_hash,
    ]
    return hashlib.sha256(_canonical(content).encode()).hexdigest()


def append(
    complaint: Complaint,
    kind: str,
    *,
    by: User | None,
    at: datetime,
    version: int | None = None,
    from_status: str = "",
    to_status: str = "",
    fields: Iterable[str] = (),
    note: str = "",
    reference: str = "",
    audience: str = Audience.CASE,
) -> CaseEvent:
    """Append one row. The caller holds the row lock of the case, so the chain cannot fork (AT-04)."""
    last = CaseEvent.objects.filter(complaint=complaint).order_by("-sequence").only("sequence", "hash").first()
    event = CaseEvent(
        complaint=complaint,
        sequence=last.sequence + 1 if last else 1,
        at=at,
        actor=by,
        kind=kind,
        version=version,
        from_status=from_status,
        to_status=to_status,
        fields=sorted(fields),
        note=note,
        reference=reference,
        audience=audience,
        previous_hash=last.hash if last else "",
    )
    event.hash = event_hash(event)
    event.save(force_insert=True)
    return event


@dataclass(frozen=True)
class Problem:
    """The first bad place found in the ledger."""

    row: str
    what: str


def verify(numbers: Iterable[str] | None = None) -> tuple[int, Problem | None]:
    """Check every chain, every case's state against its last transition, and every anchor.

    Returns the number of rows checked and the first problem, or None. `numbers` limits the check to
    some cases (anchors are then left out).
    """
    cases = Complaint.objects.all() if numbers is None else Complaint.objects.filter(number__in=numbers)
    checked = 0
    rows = CaseEvent.objects.order_by("complaint_id", "sequence")
    if numbers is not None:
        rows = rows.filter(complaint__in=cases)
    states = cases.order_by("pk").values_list("pk", "number", "status", "version").iterator(chunk_size=2000)
    chains = _chains(rows.iterator(chunk_size=2000))
    pending = next(chains, None)
    for pk, number, status, version in states:
        if pending is None or pending[0] != pk:
            return checked, Problem(number, "the case has no log")
        count, head, problem = _check_chain(number, pending[1])
        checked += count
        if problem:
            return checked, problem
        if head != (status, version):
            return checked, Problem(number, f"the case says {status} v{version}, its log says {head[0]} v{head[1]}")
        pending = next(chains, None)
    if pending is not None:
        return checked, Problem(f"case {pending[0]}", "a log without a case")
    if numbers is None:
        problem = _check_anchors()
        if problem:
            return checked, problem
    return checked, None


def _chains(rows: Iterable[CaseEvent]) -> Iterator[tuple[int, list[CaseEvent]]]:
    chain: list[CaseEvent] = []
    for row in rows:
        if chain and chain[0].complaint_id != row.complaint_id:
            yield chain[0].complaint_id, chain
            chain = []
        chain.append(row)
    if chain:
        yield chain[0].complaint_id, chain


def _check_chain(number: str, chain: list[CaseEvent]) -> tuple[int, tuple[str, int], Problem | None]:
    previous, status, version = "", "", 0
    for index, row in enumerate(chain, start=1):
        place = f"{number} #{row.sequence}"
        if row.sequence != index:
            return index, (status, version), Problem(place, f"row {index} is missing")
        if row.previous_hash != previous:
            return index, (status, version), Problem(place, "does not follow the row before it")
        if row.hash != event_hash(row):
            return index, (status, version), Problem(place, "was changed")
        if row.version is not None:
            if row.version != version + 1:
                return index, (status, version), Problem(place, f"transition {version + 1} is missing")
            version, status = row.version, row.to_status
        previous = row.hash
    return len(chain), (status, version), None


def _fold(head: str, hashes: Iterable[str]) -> tuple[str, int]:
    count = 0
    for value in hashes:
        head = hashlib.sha256(f"{head}{value}".encode()).hexdigest()
        count += 1
    return head, count


def anchor(*, day: date, at: datetime | None = None) -> LedgerAnchor:
    """Anchor every event stored so far under `day` (once per day), in the database and in a file."""
    existing = LedgerAnchor.objects.filter(day=day).first()
    return existing or _anchor_until(_last_settled(), day=day, at=at or timezone.now())


@transaction.atomic
def _last_settled() -> int:
    """The newest event below which no other can still appear.

    On PostgreSQL a transaction may take an id and commit after one that took a later id. The lock waits
    for those under way and is given back at once, so an anchor never covers a gap that fills later.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {CaseEvent._meta.db_table} IN SHARE MODE")
    return CaseEvent.objects.aggregate(end=Max("pk"))["end"] or 0


@transaction.atomic
def _anchor_until(newest: int, *, day: date, at: datetime) -> LedgerAnchor:
    last = LedgerAnchor.objects.order_by("-last_event_id").first()
    start, head, events = (last.last_event_id, last.head_hash, last.events) if last else (0, "", 0)
    end = max(start, newest)
    head, count = _fold(head, _hashes(start, end))
    made = LedgerAnchor.objects.create(day=day, last_event_id=end, events=events + count, head_hash=head, at=at)
    folder = anchor_folder()
    folder.mkdir(parents=True, exist_ok=True)
    record = {"day": day.isoformat(), "last_event_id": end, "events": made.events, "head_hash": head}
    (folder / f"{day.isoformat()}.json").write_text(json.dumps(record), encoding="utf-8")
    return made


def anchor_folder() -> Path:
    """Where the anchors are kept outside the database; copy it off the host (docs/operations.md)."""
    return Path(settings.DATA_DIR) / "anchors"


def _hashes(after: int, until: int) -> Iterator[str]:
    rows = CaseEvent.objects.filter(pk__gt=after, pk__lte=until).order_by("pk")
    return rows.values_list("hash", flat=True).iterator(chunk_size=5000)


def _check_anchors() -> Problem | None:
    start, head, events = 0, "", 0
    for row in LedgerAnchor.objects.order_by("last_event_id", "day"):
        head, count = _fold(head, _hashes(start, row.last_event_id))
        start, events = row.last_event_id, events + count
        if (head, events) != (row.head_hash, row.events):
            return Problem(f"anchor {row.day}", f"covers {row.events} rows, {events} match it")
        path = anchor_folder() / f"{row.day.isoformat()}.json"
        if path.exists() and json.loads(path.read_text(encoding="utf-8"))["head_hash"] != row.head_hash:
            return Problem(f"anchor {row.day}", "differs from its file outside the database")
    for path in sorted(anchor_folder().glob("*.json")):
        if not LedgerAnchor.objects.filter(day=path.stem).exists():
            return Problem(f"anchor {path.stem}", "is in its file but not in the database")
    return None


def is_untouched_since_import(complaint: Complaint) -> bool:
    """Whether the import is the last thing that happened to the case; what clocks did does not count (IN-14)."""
    happened = (event for event in complaint.events.all() if event.kind not in ("overdue", "calendar_corrected"))
    newest = max(happened, key=lambda event: event.sequence, default=None)
    return newest is not None and newest.kind == "import"

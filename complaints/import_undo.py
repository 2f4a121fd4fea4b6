"""Take a whole import back: every case of it leaves the work, its number and record stay (IN-14, EX-07).

For each case this is what the transition `undo_import` does, a thousand cases at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import ngettext

from accounts.errors import IllegalTransition
from accounts.models import User
from complaints import bulk, identity
from complaints.models import CaseEvent, Complaint, Deadline, ImportBatch
from complaints.querysets import ComplaintQuerySet
from complaints.states import DeadlineState, Status

CHUNK = 1000
# What the import itself and the sweep of the deadlines leave behind, and what the first grading does by rule.
# Anything else is somebody's work.
_OWN = ("register", "close", "import", "overdue")
_BY_RULE = ("risk_regraded", "risk_alerted", "lane_set")
_FIELDS = ("external_key", "is_valid", "closed_at")


def touched(batch: ImportBatch) -> ComplaintQuerySet:
    """The cases of a batch to which something happened since."""
    own = Q(kind__in=_OWN) | Q(kind__in=_BY_RULE, actor=None)
    work = CaseEvent.objects.filter(complaint=OuterRef("pk")).exclude(own)
    return Complaint.objects.filter(Exists(work), import_batch=batch)


def refuse_touched(batch: ImportBatch) -> None:
    """Raises IllegalTransition with how many cases were worked on since the import."""
    count = touched(batch).count()
    if count:
        raise IllegalTransition(
            ngettext(
                "%(count)s case of this import has been worked on since; it can no longer be undone as a whole.",
                "%(count)s cases of this import have been worked on since; it can no longer be undone as a whole.",
                count,
            ),
            count=count,
        )


def undo(batch: ImportBatch, *, reason: str, by: User, at: datetime, progress: Callable[[int], None]) -> int:
    """Undo every case of a batch; the caller holds the transaction. Returns how many.

    Raises IllegalTransition when a case was worked on, also while this runs.
    """
    note = identity.scrub(reason, None)
    done = last = 0
    while True:
        cases = list(
            Complaint.objects.select_for_update()
            .filter(import_batch=batch, pk__gt=last)
            .order_by("pk")
            .values_list("pk", "status", "version")[:CHUNK]
        )
        if not cases:
            break
        last = cases[-1][0]
        _undo(batch, cases, note=note, by=by, at=at)
        done += len(cases)
        progress(done)
    return done


def _undo(batch: ImportBatch, cases: list[tuple[int, str, int]], *, note: str, by: User, at: datetime) -> None:
    keys = [pk for pk, _status, _version in cases]
    events = CaseEvent.objects.filter(complaint__in=keys).order_by("complaint_id", "sequence")
    heads: dict[int, tuple[int, str]] = {}
    for pk, sequence, head, kind in events.values_list("complaint_id", "sequence", "hash", "kind"):
        heads[pk] = (sequence, head)
        if kind not in _OWN:
            refuse_touched(batch)
    running = Deadline.objects.filter(complaint__in=keys, state__in=[DeadlineState.RUNNING, DeadlineState.PAUSED])
    running.update(state=DeadlineState.CANCELLED, stopped_at=at, next_alert_at=None)
    Complaint.objects.filter(pk__in=keys).update(
        external_key=None,
        is_valid=False,
        closed_at=at,
        first_closed_at=None,
        status=Status.WITHDRAWN,
        status_since=at,
        version=F("version") + 1,
        next_due_at=None,
        is_paused=False,
    )
    log = bulk.Batch()
    for pk, status, version in cases:
        sequence, head = heads[pk]
        chain = bulk.Chain(log[CaseEvent], pk, sequence=sequence, head=head, version=version, status=status)
        chain.move("undo_import", to=Status.WITHDRAWN, at=at, by=by.pk, fields=_FIELDS, note=note)
    log.store()

"""Whether the time of this machine can be believed (JT-04, FI-H).

While a machine runs, a second clock counts from its start and cannot be set. Where the two have come apart by more
than a day, somebody or something has set the time; an outage, however long, does not do that.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.utils import timezone

from complaints.models import CaseEvent, JobRun

# Rows of the ledger of jobs that keep when a machine was started, one for each start.
JOB = "machine_clock"
MOST = timedelta(days=1)
# After a start there is nothing to compare with but what was stored last. Time does not go back before that; so long
# without anything is an accident of the clock, or an outage somebody confirms by hand.
LONGEST_OUTAGE = timedelta(days=35)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def last_run() -> datetime | None:
    """When a job last ran."""
    runs = JobRun.objects.exclude(job=JOB).order_by("-pk")
    return runs.values_list("started_at", flat=True).first()


def last_known() -> datetime | None:
    """The latest moment that was stored: the start of a job, or the newest entry in the record of a case."""
    entry = CaseEvent.objects.order_by("-pk").values_list("at", flat=True).first()
    return max(filter(None, (last_run(), entry)), default=None)


def is_credible(now: datetime) -> bool:
    """Whether `now`, the time of this machine, goes on from what was known before. At most four queries, one write."""
    name, began = _start(now)
    known = JobRun.objects.filter(job=JOB, period=name).first() if name else None
    if known is not None:
        return abs(began - known.started_at) <= MOST
    last = last_known()
    if last is not None and now < last - MOST:
        return False
    # Before the first job the record may hold nothing but imported cases, which are old.
    if last is not None and now > last + LONGEST_OUTAGE and last_run() is not None:
        return False
    _keep(name, began, now)
    return True


def confirm(now: datetime) -> None:
    """Somebody gave a job this moment by hand: where it is the time of this machine, that time is right."""
    present = timezone.now()
    if abs(present - now) <= MOST:
        _keep(*_start(present), present)


def _keep(name: str, began: datetime, now: datetime) -> None:
    if name:
        values = {"state": JobRun.State.DONE, "started_at": began, "finished_at": now}
        JobRun.objects.update_or_create(job=JOB, period=name, defaults=values)


def _start(now: datetime) -> tuple[str, datetime]:
    """The start of this machine: its name, '' where it has none, and when it was by the time `now`."""
    try:
        name = _BOOT_ID.read_text().strip()
        running = time.clock_gettime(time.CLOCK_BOOTTIME)
    except (OSError, AttributeError):
        return "", now
    return name, now.astimezone(UTC) - timedelta(seconds=running)

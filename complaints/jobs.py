"""Scheduled work: idempotent, safe to run twice, late or on two workers (JT-01…05, I11)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import security, takedowns
from accounts.errors import IllegalTransition, InvalidInput
from complaints import (
    chat,
    events,
    files,
    import_jobs,
    information_requests,
    lookup,
    machine_clock,
    notify,
    outgoing,
    reminders,
)
from complaints.models import ClockPause, Complaint, IdempotencyKey, IntakeDraft, JobRun, Notification
from complaints.states import RequestState, Status
from complaints.transitions import clock, screening

logger = logging.getLogger("huiyin.jobs")

# A run that has not finished after this long is taken over by the next one.
LEASE = timedelta(minutes=30)
BATCH = 500
MAX_ATTEMPTS = 5
# A task has at most a quarter of an hour: after this long nobody sends what was claimed.
CLAIM = timedelta(minutes=20)


def present(job: str) -> datetime:
    """The time of this machine, for a job that marks what is late or removes what is old (JT-04).

    Raises InvalidInput, and tells the administrators once a day, when it was set by more than a day
    (complaints/machine_clock.py): whoever knows that it is right starts a job by hand with that time.
    """
    now = timezone.now()
    if machine_clock.is_credible(now):
        return now
    last = machine_clock.last_known() or now
    # A run of the ledger goes forward only.
    job_by_hand = "check_ledger" if now > last else "sweep_deadlines"
    told = notify.tell(
        notify.holders_of("accounts.configure_system"), "clock_jump", dedupe=f"clock:{timezone.localdate(now)}"
    )
    if told:
        security.record("clock_jump", subject=job, now=now.isoformat(), last=last.isoformat())
    raise InvalidInput(
        "now",
        _(
            "The clock of this machine is far from %(last)s, the latest moment on record. Check it; if it is right: "
            "%(command)s"
        ),
        last=f"{timezone.localtime(last):%Y-%m-%d %H:%M}",
        command=f"manage.py run_job {job_by_hand} --now {timezone.localtime(now).isoformat(timespec='minutes')}",
    )


def _moment(job: str, now: datetime | None) -> datetime:
    """The moment a job works for: given by hand, which says that it is right, or the time of this machine."""
    if now is None:
        return present(job)
    machine_clock.confirm(now)
    return now


def run_once(job: str, period: str, work: Callable[[], dict[str, Any]], *, now: datetime) -> dict[str, Any]:
    """Run `work` once for a period and keep its result; a second run returns the first one's result.

    A failed or abandoned run is repeated. Raises whatever `work` raises, after noting it.
    """
    try:
        with transaction.atomic():
            run = JobRun.objects.create(job=job, period=period, started_at=now)
    except IntegrityError:
        run = JobRun.objects.get(job=job, period=period)
        if run.state == JobRun.State.DONE:
            return run.result
        taken = JobRun.objects.filter(pk=run.pk, started_at=run.started_at).exclude(state=JobRun.State.DONE)
        if run.state == JobRun.State.RUNNING and run.started_at > now - LEASE:
            return {"running": True}
        if not taken.update(state=JobRun.State.RUNNING, started_at=now, attempts=F("attempts") + 1):
            return {"running": True}
    try:
        result = work()
    except Exception as error:
        JobRun.objects.filter(pk=run.pk).update(
            state=JobRun.State.FAILED, error=type(error).__name__, finished_at=timezone.now()
        )
        logger.exception("job failed", extra={"job": job, "period": period})
        raise
    JobRun.objects.filter(pk=run.pk).update(
        state=JobRun.State.DONE,
        result=json.loads(json.dumps(result, default=str)),
        error="",
        finished_at=timezone.now(),
    )
    return result


# --- Deadlines ------------------------------------------------------------------------------


def sweep_deadlines(*, now: datetime | None = None) -> dict[str, int]:
    """Remind, record breaches and escalate whatever is due; end pauses that have run out (complaints/reminders.py).

    Clocks that could not be settled are counted, and make the run one that found a fault.
    """
    now = _moment("sweep_deadlines", now)
    done = reminders.send_due(now=now)
    over = ClockPause.objects.filter(state=RequestState.APPROVED, max_until__lte=now)
    resumed = sum(_end_pause(pk, now=now) for pk in over.values_list("complaint_id", flat=True))
    return {**done, "resumed": resumed, **({"ok": False} if done["failed"] else {})}


def _end_pause(complaint_id: int, *, now: datetime) -> int:
    complaint = Complaint.objects.get(pk=complaint_id)
    if complaint.status == Status.AWAITING_INFORMATION:
        return int(screening.go_on(complaint_id, at=now))
    try:
        clock.resume(complaint_id, by=None, at=now)
    except IllegalTransition:
        return 0  # another sweep or a person was faster
    return 1


# --- Delivery -------------------------------------------------------------------------------


def deliver_notifications(*, now: datetime | None = None) -> dict[str, int]:
    """Mail what waits. A row is claimed before it is sent, so that two workers send it once (I7).

    What a worker had claimed when it died is sent again after `CLAIM`, under the same Message-ID in case it had
    gone out (FI-A). A reminder of a clock that has stopped meanwhile is not mailed (JT-10).
    """
    now = now or timezone.now()
    sent = failed = 0
    unsent = Notification.objects.filter(by_email=True, sent_at=None, failed_at=None)
    free = unsent.filter(Q(claimed_at=None) | Q(claimed_at__lt=now - CLAIM))
    free.filter(attempts__gte=MAX_ATTEMPTS).update(failed_at=now)
    for pk in list(free.order_by("created_at").values_list("pk", flat=True)[:BATCH]):
        if not free.filter(pk=pk).update(claimed_at=now, attempts=F("attempts") + 1):
            continue
        claimed = Notification.objects.filter(pk=pk)
        row = claimed.select_related("recipient", "complaint__complainant").get()
        if row.is_moot():
            claimed.update(by_email=False, claimed_at=None)
            continue
        try:
            sent += outgoing.send(row)
        except OSError:  # SMTP errors and refused connections
            logger.warning("mail not sent", extra={"notification": pk})
            claimed.update(claimed_at=None, failed_at=now if row.attempts >= MAX_ATTEMPTS else None)
            failed += 1
            continue
        claimed.update(sent_at=now, claimed_at=None)
    return {"sent": sent, "failed": failed}


# --- Questions to complainants ---------------------------------------------------------------


def tell_expired_requests(*, now: datetime | None = None) -> dict[str, int]:
    """Every morning: whose time to answer is over without an answer (SCR-06)."""
    return {"told": information_requests.tell_expired(now=now or timezone.now())}


# --- Ledger and housekeeping ------------------------------------------------------------------


def check_ledger(*, now: datetime | None = None) -> dict[str, Any]:
    """Once a day: anchor what happened until now under yesterday's date, then verify everything (AT-10)."""
    now = _moment("check_ledger", now)
    day = timezone.localdate(now) - timedelta(days=1)

    def work() -> dict[str, Any]:
        events.anchor(day=day, at=now)
        checked, problem = events.verify()
        if problem:
            notify.tell(
                notify.holders_of("complaints.verify_ledger"),
                "ledger_broken",
                dedupe=f"ledger:{day}",
                row=problem.row,
                what=problem.what,
            )
        return {"ok": problem is None, "checked": checked, "row": problem.row if problem else ""}

    return run_once("check_ledger", day.isoformat(), work, now=now)


def purge_expired(*, now: datetime | None = None) -> dict[str, int]:
    """Once a day: remove what was kept long enough, unless the machine's time cannot be believed (JT-04)."""
    return purge(now=_moment("purge_expired", now))


def purge(*, now: datetime) -> dict[str, int]:
    """Remove drafts never filed after 2 days, kept API answers after 7, files to import after 1, settled chat
    messages after 90 and steps of orders and deliveries after 365; sweep the files.

    Files and rows that do not belong together are an alarm for the administrators (FL-07, I14).
    """
    drafts, _rows = IntakeDraft.objects.filter(complaint=None, created_at__lt=now - timedelta(days=2)).delete()
    receipts = IntakeDraft.objects.filter(created_at__lt=now - timedelta(days=2), cleared_at=None).update(
        receipt="", answers="{}", cleared_at=now
    )
    keys, _rows = IdempotencyKey.objects.filter(created_at__lt=now - timedelta(days=7)).delete()
    imports = import_jobs.purge(now=now)
    steps = lookup.purge(now=now)
    chats = chat.purge(now=now)
    swept = files.sweep(now)
    lost, strays = len(swept.rows_without_files), len(swept.files_without_rows)
    if lost or strays:
        people = notify.holders_of("accounts.configure_system")
        notify.tell(people, "files_do_not_match", dedupe=f"files:{timezone.localdate(now)}", lost=lost, strays=strays)
    removed = drafts + keys + imports + steps + chats
    if removed or receipts or swept.abandoned_removed:
        takedowns.note(takedowns.What.PURGE, now.isoformat(), at=now)
    return {"removed": removed, "cleared": receipts, "lost": lost, "strays": strays}

"""Scheduled work: idempotent, safe to run twice, late or on two workers (JT-01…05, I11)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from complaints import chat, clocks, events, files, import_jobs, information_requests, lookup, notify, outgoing
from complaints.deadlines import LadderStep, Recipient
from complaints.models import ClockPause, Complaint, Deadline, IdempotencyKey, IntakeDraft, JobRun, Notification
from complaints.states import DeadlineState, RequestState, Status
from complaints.transitions import clock, core

logger = logging.getLogger("huiyin.jobs")

# A run that has not finished after this long is taken over by the next one.
LEASE = timedelta(minutes=30)
BATCH = 500
MAX_ATTEMPTS = 5


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
    """Remind, record breaches and escalate whatever is due; end pauses that have run out.

    Reads only clocks that are due (index deadline_alert). Each is claimed by a conditional update,
    so two workers never send the same step twice.
    """
    now = now or timezone.now()
    alerts = 0
    while True:
        due = list(Deadline.objects.alert_due(at=now).order_by("next_alert_at").values_list("pk", flat=True)[:BATCH])
        for pk in due:
            alerts += _alert(pk, now=now)
        if len(due) < BATCH:
            break
    resumed = 0
    for complaint_id in ClockPause.objects.filter(state=RequestState.APPROVED, max_until__lte=now).values_list(
        "complaint_id", flat=True
    ):
        resumed += _end_pause(complaint_id, now=now)
    return {"alerts": alerts, "resumed": resumed}


def _end_pause(complaint_id: int, *, now: datetime) -> int:
    complaint = Complaint.objects.get(pk=complaint_id)
    if complaint.status == Status.AWAITING_INFORMATION:
        return 0
    clock.resume(complaint_id, by=None, at=now)
    return 1


@transaction.atomic
def _alert(deadline_id: int, *, now: datetime) -> int:
    """Send every step of one clock that is due; a long outage sends only the last of each kind.

    Outside office hours nothing is sent, a breach is recorded all the same.
    """
    deadline = Deadline.objects.select_related("complaint__policy", "complaint__complainant").get(pk=deadline_id)
    if deadline.state != DeadlineState.RUNNING or deadline.next_alert_at is None or deadline.next_alert_at > now:
        return 0
    complaint = core.lock(deadline.complaint_id)
    calendar = clocks.working_calendar(complaint.policy.slots)
    points = clocks.alert_points(deadline, calendar)
    due = [index for index, (at, _step) in enumerate(points) if at <= now]
    sent = deadline.alerts_sent
    last = max(due, default=sent - 1)
    upcoming = points[last + 1][0] if last + 1 < len(points) else None
    held = clocks.held_until(deadline, complaint, calendar, points[last][0], now=now) if last >= sent else None
    if held:
        # The steps stay unsent; a breach before the office opens is still recorded at its time.
        upcoming, last = min(held, deadline.due_at) if now < deadline.due_at else held, sent - 1
    won = Deadline.objects.filter(
        pk=deadline.pk, alerts_sent=sent, state=DeadlineState.RUNNING, next_alert_at=deadline.next_alert_at
    ).update(alerts_sent=last + 1, next_alert_at=upcoming.astimezone(UTC) if upcoming else None)
    if not won:
        return 0
    if now > deadline.due_at and deadline.breached_at is None:
        Deadline.objects.filter(pk=deadline.pk).update(breached_at=deadline.due_at)
        Complaint.objects.filter(pk=complaint.pk).update(is_overdue=True)
        core.add_event(complaint, "overdue", by=None, at=now, note=deadline.milestone, reference=core.ref(deadline))
    if held:
        return 0
    steps: dict[str, tuple[int, LadderStep]] = {}
    for index in due[sent:]:
        steps[points[index][1].kind] = (index, points[index][1])
    for index, step in steps.values():
        notify.tell(
            _recipients(deadline, step),
            str(step.kind),
            complaint=complaint,
            dedupe=f"deadline:{deadline.pk}:{index}:{deadline.due_at:%Y%m%d%H%M}",
            milestone=deadline.milestone,
            due=timezone.localtime(deadline.due_at).isoformat(timespec="minutes"),
        )
    return len(steps)


def _recipients(deadline: Deadline, step: LadderStep) -> list[User]:
    complaint = deadline.complaint
    people: list[User] = []
    for role in step.recipients:
        if role == Recipient.OWNER:
            owner = (
                complaint.handler
                if complaint.status in (Status.ASSIGNED, Status.IN_PROGRESS)
                else complaint.coordinator
            )
            people += (
                [owner]
                if owner
                else list(
                    notify.members_with(
                        "complaints.handle_complaint",
                        [complaint.lead_department_id] if complaint.lead_department_id else [],
                    )
                )
            )
        elif role == Recipient.DEPARTMENT_HEAD:
            people += list(notify.heads_of([complaint.lead_department_id] if complaint.lead_department_id else []))
        elif role == Recipient.COORDINATOR:
            people += (
                [complaint.coordinator]
                if complaint.coordinator
                else list(notify.holders_of("complaints.adjudicate_return"))
            )
        else:
            people += list(notify.holders_of("analytics.approve_report"))
    return people


# --- Delivery -------------------------------------------------------------------------------


def deliver_notifications(*, now: datetime | None = None) -> dict[str, int]:
    """Mail what waits. A row is claimed before it is sent, so an effect happens at most once (I7)."""
    now = now or timezone.now()
    sent = failed = 0
    waiting = Notification.objects.filter(by_email=True, sent_at=None, failed_at=None, attempts__lt=MAX_ATTEMPTS)
    for pk in list(waiting.order_by("created_at").values_list("pk", flat=True)[:BATCH]):
        claimed = Notification.objects.filter(pk=pk, sent_at=None).update(sent_at=now, attempts=F("attempts") + 1)
        if not claimed:
            continue
        try:
            delivered = outgoing.send(
                Notification.objects.select_related("recipient", "complaint__complainant").get(pk=pk)
            )
        except OSError:  # SMTP errors and refused connections
            logger.warning("mail not sent", extra={"notification": pk})
            row = Notification.objects.get(pk=pk)
            Notification.objects.filter(pk=pk).update(
                sent_at=None, failed_at=now if row.attempts >= MAX_ATTEMPTS else None
            )
            failed += 1
            continue
        sent += delivered
    return {"sent": sent, "failed": failed}


# --- Questions to complainants ---------------------------------------------------------------


def tell_expired_requests(*, now: datetime | None = None) -> dict[str, int]:
    """Every morning: whose time to answer is over without an answer (SCR-06)."""
    return {"told": information_requests.tell_expired(now=now or timezone.now())}


# --- Ledger and housekeeping ------------------------------------------------------------------


def check_ledger(*, now: datetime | None = None) -> dict[str, Any]:
    """Once a day: anchor what happened until now under yesterday's date, then verify everything (AT-10)."""
    now = now or timezone.now()
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
    """Remove drafts never filed after 2 days, kept API answers after 7, files to import after 1, settled chat
    messages after 90 and steps of orders and deliveries after 365; sweep the files.

    Files and rows that do not belong together are an alarm for the administrators (FL-07, I14).
    """
    now = now or timezone.now()
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
    return {"removed": drafts + keys + imports + steps + chats, "cleared": receipts, "lost": lost, "strays": strays}

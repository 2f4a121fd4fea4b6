"""After a change of the working calendar: compute the running clocks again; warn while a year is missing (SLA-12)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from complaints import clocks, notify
from complaints.calendar_editing import missing_years
from complaints.calendars import CalendarMissing, WorkingCalendar
from complaints.clock_rules import StartsOn
from complaints.models import CalendarYear, Complaint, Deadline, JobRun, PolicyRule
from complaints.states import OPEN, DeadlineState, Milestone
from complaints.transitions import core

logger = logging.getLogger("huiyin.jobs")

BATCH = 500
# A year still provisional in its last month before it begins: the make-up days have been announced by then.
CONFIRM_FROM_MONTH = 12
# What of a case shows that a limit is still waited for. Of the other limits nobody can tell afterwards.
_WAITS: dict[str, Callable[[Complaint], bool]] = {
    Milestone.DECIDE_ACCEPTANCE: lambda case: case.accepted_at is None,
    Milestone.ASSIGN: lambda case: case.lead_department_id is None,
    Milestone.RESOLVE: lambda case: case.resolved_at is None and case.replied_at is None,
    Milestone.REPLY: lambda case: case.replied_at is None,
    Milestone.CALL_BACK: lambda case: case.first_closed_at is None and not case.callbacks.exists(),
}


# --- Compute the clocks again -----------------------------------------------------------------
def work(run_id: int) -> None:
    """Do what a change of the calendar asked for. A second call finds the run done, or every clock right."""
    run = JobRun.objects.get(pk=run_id)
    if run.state != JobRun.State.RUNNING:
        return
    clocks.forget_calendar()  # this process may hold the table as it was
    running = Deadline.objects.filter(state=DeadlineState.RUNNING)
    without = Complaint.objects.filter(calendar_missing=True, status__in=[str(status) for status in OPEN])
    total, step, corrected = running.count() + without.count(), 0, 0
    try:
        for looked_at, cases in _outdated():
            corrected += sum(correct(pk, at=timezone.now()) for pk in cases)
            step += looked_at
            JobRun.objects.filter(pk=run_id).update(result={"step": step, "of": total})
        for pk in list(without.order_by("pk").values_list("pk", flat=True)):
            corrected += correct(pk, at=timezone.now())
    except Exception as error:
        _end(run, JobRun.State.FAILED, error=type(error).__name__)
        logger.exception("recalculation failed", extra={"run": run_id})
        raise
    _end(run, JobRun.State.DONE, result={"step": total, "of": total, "corrected": corrected})


def _end(run: JobRun, state: str, **values: Any) -> None:
    JobRun.objects.filter(pk=run.pk).update(state=state, finished_at=timezone.now(), **values)


def _outdated() -> Iterator[tuple[int, list[int]]]:
    """In batches: how many running clocks were looked at, and the cases of which one says something else now."""
    last = 0
    calendars: dict[int, WorkingCalendar] = {}
    while True:
        rows = Deadline.objects.filter(state=DeadlineState.RUNNING, pk__gt=last).order_by("pk")
        found = list(rows.select_related("complaint__policy").prefetch_related("complaint__pauses")[:BATCH])
        if not found:
            return
        for row in found:
            policy = row.complaint.policy
            calendars.setdefault(policy.pk, clocks.working_calendar(policy.slots))
        changed = [row.complaint_id for row in found if _is_outdated(row, calendars[row.complaint.policy_id])]
        yield len(found), list(dict.fromkeys(changed))
        last = found[-1].pk


def _is_outdated(deadline: Deadline, calendar: WorkingCalendar) -> bool:
    try:
        due = clocks.compute(deadline, calendar, clocks.pauses_of(deadline.complaint))
    except CalendarMissing:
        return not deadline.complaint.calendar_missing
    return (due.at, due.provisional) != (deadline.due_at, deadline.is_provisional)


@transaction.atomic
def correct(complaint_id: int, *, at: datetime) -> int:
    """Set the running clocks of a case by the calendar of today; start those that had no calendar to start on.

    Standing clocks get their date when they run on. Each date that moved is an event of the case; a limit
    recorded as missed is so no longer when its date now lies ahead. Returns how many clocks changed.
    """
    complaint = core.lock(complaint_id)
    missing, changed = False, 0
    for deadline in clocks.running(complaint):
        if deadline.state != DeadlineState.RUNNING:
            continue
        before = deadline.due_at, deadline.is_provisional
        try:
            clocks.set_due(deadline, complaint)
        except CalendarMissing:
            missing = True
            continue
        if (deadline.due_at, deadline.is_provisional) == before:
            continue
        changed += 1
        _forgive(deadline, complaint, at=at)
        if deadline.due_at != before[0]:
            _log(complaint, deadline, at=at)
    complaint.calendar_missing = missing
    complaint.save(update_fields=["calendar_missing"])
    if complaint.status in OPEN:
        changed += _start_missing(complaint, at=at)
    clocks.refresh(complaint)
    return changed


def _log(complaint: Complaint, deadline: Deadline, *, at: datetime) -> None:
    core.add_event(
        complaint, "calendar_corrected", by=None, at=at, note=deadline.milestone, reference=core.ref(deadline)
    )


def _forgive(deadline: Deadline, complaint: Complaint, *, at: datetime) -> None:
    """A breach that the wrong calendar made is none; the reminders of the new date are sent when they come."""
    if deadline.breached_at is None or deadline.due_at <= at:
        return
    calendar = clocks.working_calendar(complaint.policy.slots)
    deadline.breached_at = None
    deadline.alerts_sent = sum(point <= at for point, _step in clocks.alert_points(deadline, calendar))
    deadline.next_alert_at = clocks.next_alert(deadline, calendar)
    deadline.save(update_fields=["breached_at", "alerts_sent", "next_alert_at"])
    if not complaint.deadlines.exclude(breached_at=None).exists():
        complaint.is_overdue = False
        complaint.save(update_fields=["is_overdue"])


def _start_missing(complaint: Complaint, *, at: datetime) -> int:
    """Start the clocks that are waited for and were never kept, as the transitions would have."""
    kept = set(complaint.deadlines.values_list("milestone", flat=True))
    started = 0
    for rule in _rules(complaint):
        start = _moment_of(complaint, rule.starts_on)
        if rule.milestone in kept or start is None or not _WAITS.get(rule.milestone, _never)(complaint):
            continue
        deadline = clocks.start(complaint, rule, at=start)  # marks the case again where the calendar ends
        if deadline is None:
            continue
        started += 1
        clocks.set_due(deadline, complaint)
        _log(complaint, deadline, at=at)
    return started


def _never(_case: Complaint) -> bool:
    return False


def _rules(complaint: Complaint) -> list[PolicyRule]:
    """The rule of each milestone for this case."""
    found: dict[str, PolicyRule] = {}
    for rule in complaint.policy.rules.all():
        if rule.complexity == complaint.complexity or (not rule.complexity and rule.milestone not in found):
            found[rule.milestone] = rule
    return list(found.values())


def _moment_of(complaint: Complaint, event: str) -> datetime | None:
    if event == StartsOn.ASSIGNED:
        first = complaint.assignments.order_by("assigned_at").first()
        return first.assigned_at if first else None
    columns = {
        StartsOn.RECEIVED: complaint.received_at,
        StartsOn.REGISTERED: complaint.registered_at,
        StartsOn.ACCEPTED: complaint.accepted_at,
        StartsOn.RESOLVED: complaint.resolved_at,
        StartsOn.REPLIED: complaint.replied_at,
        StartsOn.FIRST_RESULT: complaint.replied_at,
    }
    return columns.get(StartsOn(event))


# --- Watch over the years -----------------------------------------------------------------------
def watch_calendar(*, now: datetime | None = None) -> dict[str, Any]:
    """Warn the administrators and coordinators once a week of a year without calendar.

    This year at any time; the next one from October on, and in December also while it is provisional.
    """
    now = now or timezone.now()
    today = timezone.localdate(now)
    missing = missing_years(today)
    provisional = []
    if today.month >= CONFIRM_FROM_MONTH:
        rows = CalendarYear.objects.filter(year=today.year + 1, is_provisional=True)
        provisional = list(rows.values_list("year", flat=True))
    week = "{}-W{:02d}".format(*today.isocalendar()[:2])
    told = 0
    for kind, years in (("calendar_missing", missing), ("calendar_provisional", provisional)):
        for year in years:
            people = [
                *notify.holders_of("accounts.configure_system"),
                *notify.holders_of("complaints.adjudicate_return"),
            ]
            told += notify.tell(
                people, kind, dedupe=f"{kind}:{year}:{week}", url=f"/desk/settings/calendar/{year}/", year=str(year)
            )
    return {"missing": missing, "provisional": provisional, "told": told}

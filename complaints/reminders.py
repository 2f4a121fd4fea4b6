"""The sweep over running clocks: remind, record breaches, escalate, each step once (SLA-13, JT-01, JT-03, JT-15).

What is due is read once, from the index `deadline_alert`. It is then settled in batches, each in one transaction:
the cases are locked, what was found is read again under the lock, and the messages are written together with the
mark that they were. A worker that dies takes its whole batch back. Cases that somebody else holds at that moment
are left to the next sweep, so two sweeps share the work and nobody waits for anybody.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from complaints import bulk, clocks, notify
from complaints.calendars import WorkingCalendar
from complaints.deadlines import LadderStep, Recipient
from complaints.models import Assignment, CaseEvent, Complaint, Deadline, ServicePolicy
from complaints.states import DeadlineState, Status
from complaints.transitions import core

logger = logging.getLogger("huiyin.jobs")

# Cases are held as long as a batch takes, some tenths of a second.
BATCH = 250
# Keys read at once; what is due beyond it is read when these are settled.
MOST = 20_000

HANDLE = "complaints.handle_complaint"
ADJUDICATE = "complaints.adjudicate_return"

# Of a case; reading its hundred columns would take longer than all the rest.
_NEEDED = (
    "number", "status", "complexity", "lead_department", "handler", "coordinator", "policy", "complainant__staff_user"
)  # fmt: skip

Key = tuple[int, int]  # clock, case


def send_due(*, now: datetime) -> dict[str, int]:
    """Send every step of a ladder that is due. Returns how many, and how many clocks could not be settled.

    A clock that fails is logged and holds up no other; the next sweep tries it again (JT-12).
    """
    alerts = failed = 0
    while True:
        due = Deadline.objects.alert_due(at=now).order_by("next_alert_at")
        keys = list(due.values_list("pk", "complaint_id")[:MOST])
        settled = 0
        for first in range(0, len(keys), BATCH):
            done = _settle_or_sort_out(keys[first : first + BATCH], now=now)
            settled, alerts, failed = settled + done.settled, alerts + done.alerts, failed + done.failed
        if len(keys) < MOST or not settled:
            return {"alerts": alerts, "failed": failed}


@dataclass
class _Done:
    settled: int = 0
    alerts: int = 0
    failed: int = 0


def _settle_or_sort_out(keys: list[Key], *, now: datetime) -> _Done:
    """Settle a batch; where one clock spoils it, settle them one by one."""
    try:
        return _settle(keys, now=now)
    except (OperationalError, InterfaceError):
        raise  # the database, not a clock
    except Exception:
        if len(keys) == 1:
            logger.exception("clock not settled", extra={"deadline": keys[0][0]})
            return _Done(failed=1)
    done = [_settle_or_sort_out([key], now=now) for key in keys]
    return _Done(*(sum(getattr(one, name) for one in done) for name in ("settled", "alerts", "failed")))


@transaction.atomic
def _settle(keys: list[Key], *, now: datetime) -> _Done:
    cases = _lock({complaint for _clock, complaint in keys})
    # Read again under the lock, by key: what was stopped, paused or sent since then is due no more.
    found = Deadline.objects.filter(pk__in=[clock for clock, complaint in keys if complaint in cases])
    rows = [row for row in found.select_for_update(skip_locked=True).order_by("pk") if _is_due(row, now=now)]
    policies = ServicePolicy.objects.in_bulk({case.policy_id for case in cases.values()})
    calendars = {pk: clocks.working_calendar(policy.slots) for pk, policy in policies.items()}
    people = _People(cases.values())
    tasks = Assignment.objects.in_bulk([row.assignment_id for row in rows if row.assignment_id])
    moved: dict[tuple[int, datetime | None], list[int]] = defaultdict(list)
    late, messages = [], []
    for row in rows:
        complaint = cases[row.complaint_id]
        turn = _turn(row, complaint, calendars[complaint.policy_id], now=now)
        moved[turn.alerts_sent, turn.next_alert_at].append(row.pk)
        task = tasks.get(row.assignment_id) if row.assignment_id else None
        for index, step in turn.steps:
            told = people.of_task(task, step) if task else people.of(complaint, step)
            messages.append(_message(row, complaint, index, step, told))
        if now > row.due_at and row.breached_at is None:
            late.append(row)
    for (alerts_sent, next_alert_at), clocks_of_it in moved.items():
        Deadline.objects.filter(pk__in=clocks_of_it).update(alerts_sent=alerts_sent, next_alert_at=next_alert_at)
    _record_breaches(late, now=now)
    notify.tell_all(messages)
    return _Done(settled=len(rows), alerts=len(messages))


def _is_due(deadline: Deadline, *, now: datetime) -> bool:
    at = deadline.next_alert_at
    return deadline.state == DeadlineState.RUNNING and at is not None and at <= now


def _lock(keys: Iterable[int]) -> dict[int, Complaint]:
    """The cases with their rows locked until the end of the transaction, save those that somebody holds."""
    free = Complaint.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk__in=keys).order_by("pk")
    return {row.pk: row for row in free.select_related("complainant").only(*_NEEDED)}


@dataclass
class _Turn:
    """What one clock does now: the steps to send, by their place in the ladder, and when it is due next."""

    steps: list[tuple[int, LadderStep]]
    alerts_sent: int
    next_alert_at: datetime | None


def _turn(deadline: Deadline, complaint: Complaint, calendar: WorkingCalendar, *, now: datetime) -> _Turn:
    """What is due of a clock; a long outage sends only the last step of each kind.

    Outside office hours nothing is sent, a breach is recorded all the same.
    """
    points = clocks.alert_points(deadline, calendar)
    due = [index for index, (at, _step) in enumerate(points) if at <= now]
    sent = deadline.alerts_sent
    last = max([sent - 1, *due])
    upcoming = points[last + 1][0] if last + 1 < len(points) else None
    held = clocks.held_until(deadline, complaint, calendar, points[last][0], now=now) if last >= sent else None
    if held:
        # The steps stay unsent; a breach before the office opens is still recorded at its time.
        upcoming, last = min(held, deadline.due_at) if now < deadline.due_at else held, sent - 1
    new = [index for index in due if sent <= index <= last]
    steps = {points[index][1].kind: (index, points[index][1]) for index in new}
    return _Turn(list(steps.values()), last + 1, upcoming.astimezone(UTC) if upcoming else None)


def _record_breaches(late: list[Deadline], *, now: datetime) -> None:
    """Mark the clocks and their cases and append one event for each; all are locked by the caller."""
    if not late:
        return
    cases = {deadline.complaint_id for deadline in late}
    Deadline.objects.filter(pk__in=[deadline.pk for deadline in late]).update(breached_at=F("due_at"))
    Complaint.objects.filter(pk__in=cases).update(is_overdue=True)
    log = bulk.Rows(CaseEvent)
    stored = CaseEvent.objects.filter(complaint__in=cases).order_by("complaint_id", "sequence")
    heads = {pk: (sequence, head) for pk, sequence, head in stored.values_list("complaint_id", "sequence", "hash")}
    chains: dict[int, bulk.Chain] = {}
    for deadline in late:
        pk = deadline.complaint_id
        if pk not in chains:
            sequence, head = heads.get(pk, (0, ""))
            chains[pk] = bulk.Chain(log, pk, sequence=sequence, head=head)
        chains[pk].add("overdue", at=now, by=None, note=deadline.milestone, reference=core.ref(deadline))
    with connection.cursor() as cursor:
        log.store(cursor)


def _message(
    deadline: Deadline, complaint: Complaint, index: int, step: LadderStep, people: list[User]
) -> notify.Message:
    return notify.Message(
        people,
        str(step.kind),
        complaint=complaint,
        dedupe=f"deadline:{deadline.pk}:{index}:{deadline.due_at:%Y%m%d%H%M}",
        params={
            "deadline": deadline.pk,
            "milestone": deadline.milestone,
            "due": timezone.localtime(deadline.due_at).isoformat(timespec="minutes"),
        },
    )


class _People:
    """Whom a step of a ladder tells; people, roles and departments are looked up once for a batch."""

    def __init__(self, cases: Iterable[Complaint]) -> None:
        self._users = User.objects.in_bulk(
            {pk for case in cases for pk in (case.handler_id, case.coordinator_id) if pk}
        )
        self._holders = cache(lambda permission: list(notify.holders_of(permission)))
        self._heads = cache(lambda department: list(notify.heads_of([department])))
        self._members = cache(lambda department: list(notify.members_with(HANDLE, [department])))

    def of(self, complaint: Complaint, step: LadderStep) -> list[User]:
        return [user for role in step.recipients for user in self._in_role(complaint, role)]

    def of_task(self, task: Assignment, step: LadderStep) -> list[User]:
        """The clock of a department tells nobody but its own people (SLA-04)."""
        found: list[User] = []
        if Recipient.OWNER in step.recipients:
            handler = self._users.get(task.handler_id or 0)
            found += [handler] if handler else self._members(task.department_id)
        if Recipient.DEPARTMENT_HEAD in step.recipients:
            found += self._heads(task.department_id)
        return found

    def _in_role(self, complaint: Complaint, role: Recipient) -> list[User]:
        department, coordinator = complaint.lead_department_id, complaint.coordinator_id
        if role == Recipient.OWNER:
            is_handled = complaint.status in (Status.ASSIGNED, Status.IN_PROGRESS)
            owner = complaint.handler_id if is_handled else coordinator
            return [self._users[owner]] if owner else self._members(department) if department else []
        if role == Recipient.DEPARTMENT_HEAD:
            return self._heads(department) if department else []
        if role == Recipient.COORDINATOR:
            return [self._users[coordinator]] if coordinator else self._holders(ADJUDICATE)
        return self._holders(notify.MANAGEMENT)

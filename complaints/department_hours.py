"""How long the departments had their cases in a period, each judged by its own time (SLA-02, SLA-04)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import QuerySet

from accounts import after_commit
from complaints import clocks, tasks, time_ledger
from complaints.calendars import ZERO, CalendarMissing
from complaints.clock_rules import Pause
from complaints.models import Assignment, CaseEvent, ClockPause, Complaint, Deadline
from complaints.states import AssignmentRole, AssignmentState, Milestone, RequestState

CACHE_SECONDS = 3600
# So many tasks take some seconds.
IN_REQUEST = 5_000
# After this long a worker that was asked is taken for dead.
ASKED_SECONDS = 900
CHUNK = 1000
# Every way a task ends; found through the log, whose index on kind and time spares a look at all tasks.
_ENDINGS = ("close", "reassign", "grant_return", "finish_supporting")

_COUNTS = ("lead", "supporting", "returned", "limited", "in_time")
_TIMES = ("worked", "untaken")


@dataclass
class Hours:
    """The tasks of one department that ended in a period; a time is office time.

    `limited` of them had a limit, `in_time` kept it. `returned`: given back with the consent of the office.
    """

    department: int
    lead: int = 0
    supporting: int = 0
    returned: int = 0
    limited: int = 0
    in_time: int = 0
    worked: timedelta = ZERO
    untaken: timedelta = ZERO

    def __add__(self, other: Hours) -> Hours:
        """The same department over both periods."""
        sums: dict[str, Any] = {name: getattr(self, name) + getattr(other, name) for name in (*_COUNTS, *_TIMES)}
        return Hours(self.department, **sums)

    def to_dict(self) -> dict[str, Any]:
        """As plain data, times in seconds."""
        return {name: getattr(self, name) for name in _COUNTS} | {
            name: getattr(self, name).total_seconds() for name in _TIMES
        }

    @classmethod
    def from_dict(cls, department: int, row: Mapping[str, Any]) -> Hours:
        values: dict[str, Any] = {name: row[name] for name in _COUNTS}
        return cls(department, **values | {name: timedelta(seconds=row[name]) for name in _TIMES})

    @property
    def tasks(self) -> int:
        return self.lead + self.supporting

    @property
    def average(self) -> timedelta:
        """Office time for one task."""
        return self.worked / self.tasks if self.tasks else ZERO

    @property
    def percent_in_time(self) -> int | None:
        """Rounded down, so 100 means every task with a limit; None when no task had one."""
        return 100 * self.in_time // self.limited if self.limited else None


def kept(period_start: datetime, period_end: datetime) -> dict[int, Hours] | None:
    """`department_hours`, worked out once an hour for everybody.

    More than `IN_REQUEST` tasks are left to a worker: None until it is done.
    """
    key = _key(period_start, period_end)
    found: dict[int, Hours] | None = cache.get(key)
    if found is not None:
        return found
    if len(_ended(period_start, period_end)[: IN_REQUEST + 1]) <= IN_REQUEST:
        return work_out(period_start, period_end)
    if cache.add(f"{key}:asked", True, ASKED_SECONDS):
        after_commit.enqueue(tasks.work_out_hours, start=period_start.isoformat(), end=period_end.isoformat())
    return None


def work_out(period_start: datetime, period_end: datetime) -> dict[int, Hours]:
    """Measure the tasks of a period and keep what was found for an hour."""
    found = department_hours(period_start, period_end)
    cache.set(_key(period_start, period_end), found, CACHE_SECONDS)
    return found


def department_hours(period_start: datetime, period_end: datetime) -> dict[int, Hours]:
    """Per department the tasks that ended in [start, end), lead and supporting alike.

    Every task is measured exactly, in chunks. A task in a year without calendar data is left out.
    """
    found: dict[int, Hours] = {}
    keys = list(_ended(period_start, period_end))
    for begin in range(0, len(keys), CHUNK):
        for row, share in _shares(keys[begin : begin + CHUNK], now=period_end):
            hours = found.setdefault(row.department_id, Hours(row.department_id))
            hours.lead += row.role == AssignmentRole.LEAD
            hours.supporting += row.role != AssignmentRole.LEAD
            hours.returned += row.state == AssignmentState.RETURNED
            hours.limited += share.due_at is not None
            hours.in_time += share.due_at is not None and not share.is_late
            hours.worked += share.worked
            hours.untaken += share.untaken
    return found


def _key(period_start: datetime, period_end: datetime) -> str:
    return f"department-hours:{period_start:%Y%m%d}:{period_end:%Y%m%d}"


def _ended(period_start: datetime, period_end: datetime) -> QuerySet[Assignment, int]:
    """The keys of the tasks that ended in [start, end)."""
    events = CaseEvent.objects.filter(kind__in=_ENDINGS, at__gte=period_start, at__lt=period_end)
    ended = Assignment.objects.filter(
        complaint__in=events.values("complaint"), ended_at__gte=period_start, ended_at__lt=period_end
    )
    return ended.order_by("pk").values_list("pk", flat=True)


def _shares(keys: list[int], *, now: datetime) -> Iterator[tuple[Assignment, time_ledger.Share]]:
    """The share of each of these tasks. Four queries."""
    rows = list(Assignment.objects.filter(pk__in=keys).select_related("complaint__policy"))
    cases = {row.complaint_id for row in rows}
    moves = _moves(cases)
    pauses = _pauses(cases)
    clock_rows: dict[int, list[Deadline]] = defaultdict(list)
    for clock in Deadline.objects.filter(complaint__in=cases, milestone__in=[Milestone.RESOLVE, Milestone.TASK]):
        clock_rows[clock.complaint_id].append(clock)
    for row in rows:
        complaint: Complaint = row.complaint
        own_clocks = clock_rows[complaint.pk]
        task = time_ledger.task_of(row, own_clocks)
        history = time_ledger.history_of(
            complaint, moves=moves[complaint.pk], pauses=pauses[complaint.pk], tasks=[task], now=now
        )
        calendar = clocks.working_calendar(complaint.policy.slots)
        try:
            yield row, time_ledger.share(history, task, calendar, time_ledger.rule_for(own_clocks))
        except CalendarMissing:
            continue


def _moves(cases: set[int]) -> dict[int, list[time_ledger.Move]]:
    found: dict[int, list[time_ledger.Move]] = defaultdict(list)
    rows = CaseEvent.objects.filter(complaint__in=cases, version__isnull=False).exclude(to_status="")
    for case, at, status in rows.order_by("complaint", "sequence").values_list("complaint", "at", "to_status"):
        found[case].append((at, status))
    return found


def _pauses(cases: set[int]) -> dict[int, list[Pause]]:
    found: dict[int, list[Pause]] = defaultdict(list)
    rows = ClockPause.objects.filter(complaint__in=cases, started_at__isnull=False).exclude(state=RequestState.REFUSED)
    for case, start, end in rows.values_list("complaint", "started_at", "ended_at"):
        assert start is not None  # the query asked for it
        found[case].append(Pause(start, end))
    return found

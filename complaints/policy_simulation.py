"""What another revision of a policy would have meant for the newest cases (SLA-01). Nothing is stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from statistics import median

from django.db.models import Count, Q, QuerySet

from complaints import clocks, deadlines
from complaints.calendars import SHANGHAI, CalendarMissing, WorkingCalendar
from complaints.clock_rules import Pause, StartsOn, Unit
from complaints.models import Assignment, ClockPause, Complaint, Deadline
from complaints.profiles import Profile, ProfileRule
from complaints.states import ENDED, AssignmentRole, AssignmentState, DeadlineState, Milestone, RequestState

CASES = 1000
MILESTONES = (Milestone.DECIDE_ACCEPTANCE, Milestone.RESOLVE, Milestone.REPLY)
# A task that was taken away lost its meaning, as its clock did.
_TAKEN_AWAY = (AssignmentState.RETURNED, AssignmentState.MOVED)
# What of the case says that a milestone was reached, where no clock was kept for it.
_REACHED = {
    Milestone.DECIDE_ACCEPTANCE: "accepted_at",
    Milestone.RESOLVE: "resolved_at",
    Milestone.REPLY: "replied_at",
}
_EVENTS = {
    StartsOn.RECEIVED: "received_at",
    StartsOn.REGISTERED: "registered_at",
    StartsOn.ACCEPTED: "accepted_at",
    StartsOn.RESOLVED: "resolved_at",
    StartsOn.REPLIED: "replied_at",
    StartsOn.FIRST_RESULT: "replied_at",
}
_COLUMNS = ("number", "status", "complexity", *dict.fromkeys(_EVENTS.values()))
_BY_DAY = (Unit.WORKING_DAYS, Unit.CALENDAR_DAYS)


@dataclass(frozen=True)
class Change:
    """A case, or the task of a department on it, that would be late by one revision and in time by the other."""

    complaint_id: int
    number: str
    milestone: Milestone
    before: date
    after: date
    is_late_after: bool
    department: str = ""


@dataclass
class Line:
    """One milestone under both revisions: how many of the cases were in time, and how the date would move.

    That of departments counts their tasks, lead and supporting alike (SLA-04). `shifts` are working days: negative
    where the new date is earlier.
    """

    milestone: Milestone
    before: int = 0
    before_in_time: int = 0
    after: int = 0
    after_in_time: int = 0
    shifts: list[int] = field(default_factory=list)

    @property
    def earlier(self) -> int:
        return sum(shift < 0 for shift in self.shifts)

    @property
    def later(self) -> int:
        return sum(shift > 0 for shift in self.shifts)

    @property
    def shift(self) -> float:
        """Median of the moves in working days."""
        return median(self.shifts) if self.shifts else 0


@dataclass(frozen=True)
class Simulation:
    """`own`: the cases were bound to this policy; else the newest of all, since it has none yet.

    `uncounted`: clocks that reach a year without calendar. `changes` is never cut.
    """

    cases: int
    own: bool
    lines: list[Line]
    changes: list[Change]
    uncounted: int


def simulate(old: Profile, new: Profile, *, now: datetime, cases: int = CASES) -> Simulation:
    """Count the newest cases, closed or open, by both revisions with their real pauses and real ends.

    An extension that was granted counts with the length each revision gives it. A clock still running
    counts as in time until its date is over; a standing one counts as in time. A task has the limit of the revision,
    also where a person gave it another one, within that of its case. Five queries.
    """
    found = list(_newest(Complaint.objects.filter(policy__code=new.code), cases))
    own = bool(found)
    found = found or list(_newest(Complaint.objects.all(), cases))
    history = _History(found)
    before, after = _Revision(old), _Revision(new)
    lines, changes = [], []
    for milestone in MILESTONES:
        line = Line(milestone)
        for case in found:
            stopped = history.end(case, milestone, now=now)
            if stopped is None:
                continue
            dates = [revision.due(history, case, milestone) for revision in (before, after)]
            changes += _enter(line, case, dates, stopped, after.calendar)
        lines.append(line)
    line = Line(Milestone.TASK)
    for case in found:
        for task in history.tasks[case.pk]:
            stopped = history.end_of_task(task, case, now=now)
            if stopped is None:
                continue
            dates = [revision.due_of_task(history, case, task) for revision in (before, after)]
            changes += _enter(line, case, dates, stopped, after.calendar, department=task.department.name)
    lines.append(line)
    return Simulation(len(found), own, lines, changes, before.uncounted + after.uncounted)


def _newest(cases: QuerySet[Complaint], number: int) -> QuerySet[Complaint]:
    return cases.order_by("-received_at", "-pk").only(*_COLUMNS)[:number]


# No limit applies, or the clock stands and has no date.
_NO_LIMIT, _STANDS = "no limit", "stands"
_Date = datetime | str


def _enter(
    line: Line,
    case: Complaint,
    dates: list[_Date],
    stopped: datetime,
    calendar: WorkingCalendar,
    *,
    department: str = "",
) -> list[Change]:
    """Count one case into the line; the change, if it would change sides."""
    before, after = dates
    in_time = [isinstance(due, str) or stopped <= due for due in dates]
    if before != _NO_LIMIT:
        line.before += 1
        line.before_in_time += in_time[0]
    if after != _NO_LIMIT:
        line.after += 1
        line.after_in_time += in_time[1]
    if isinstance(before, str) or isinstance(after, str):
        return []
    first, second = before.date(), after.date()
    try:
        days = calendar.working_days_between(min(first, second), max(first, second))
    except CalendarMissing:  # a date that does not roll forward may lie in a year without calendar
        return []
    line.shifts.append(-days if second < first else days)
    if in_time[0] == in_time[1]:
        return []
    return [Change(case.pk, case.number, line.milestone, first, second, not in_time[1], department)]


class _History:
    """When the clocks of the cases really started, stood and stopped."""

    def __init__(self, cases: Iterable[Complaint]) -> None:
        keys = [case.pk for case in cases]
        self.clocks: dict[tuple[int, str], list[Deadline]] = defaultdict(list)
        self._of_tasks: dict[int, list[Deadline]] = defaultdict(list)
        rows = Deadline.objects.filter(complaint__in=keys, milestone__in=[*MILESTONES, Milestone.TASK])
        granted = Count("extensions", filter=Q(extensions__state=RequestState.APPROVED))
        for row in rows.annotate(granted=granted).order_by("started_at", "pk"):
            if row.assignment_id is None:
                self.clocks[row.complaint_id, row.milestone].append(row)
            else:
                self._of_tasks[row.assignment_id].append(row)
        self.pauses: dict[int, list[Pause]] = defaultdict(list)
        for pause in ClockPause.objects.filter(complaint__in=keys).exclude(state=RequestState.REFUSED):
            if pause.started_at:
                self.pauses[pause.complaint_id].append(Pause(pause.started_at, pause.ended_at))
        self.tasks: dict[int, list[Assignment]] = defaultdict(list)
        self.assigned: dict[int, datetime] = {}
        given = Assignment.objects.filter(complaint__in=keys).select_related("department")
        for task in given.order_by("assigned_at", "pk"):
            self.tasks[task.complaint_id].append(task)
            self.assigned.setdefault(task.complaint_id, task.assigned_at)

    def clock(self, case: Complaint, milestone: str) -> Deadline | None:
        """The first clock of the milestone: later ones are time given for rework."""
        kept = [row for row in self.clocks.get((case.pk, milestone), ()) if row.state != DeadlineState.CANCELLED]
        return kept[0] if kept else None

    def end(self, case: Complaint, milestone: Milestone, *, now: datetime) -> datetime | None:
        """When the milestone was reached, `now` while it is waited for; None when it lost its meaning."""
        clock = self.clock(case, milestone)
        if clock is not None:
            return clock.stopped_at or now
        reached = getattr(case, _REACHED[milestone])
        if reached or (case.pk, str(milestone)) in self.clocks or case.status in ENDED:
            return reached
        return now

    def end_of_task(self, task: Assignment, case: Complaint, *, now: datetime) -> datetime | None:
        """When a department had done its part, `now` while it is waited for; None when the task was taken away."""
        kept = [row for row in self._of_tasks[task.pk] if row.state != DeadlineState.CANCELLED]
        if kept:
            return kept[0].stopped_at or now  # later ones are time given for rework
        if self._of_tasks[task.pk] or task.state in _TAKEN_AWAY:
            return None
        return task.ended_at or case.resolved_at or (None if case.status in ENDED else now)

    def pauses_of_task(self, task: Assignment) -> list[Pause]:
        """The pauses of its case, and the time of the decision on a return, which is the office's."""
        own = list(self.pauses.get(task.complaint_id, []))
        if task.return_requested_at and task.adjudicated_at:
            own.append(Pause(task.return_requested_at, task.adjudicated_at))
        return own

    def start(self, case: Complaint, milestone: str, event: StartsOn) -> datetime | None:
        clock = self.clock(case, milestone)
        if clock is not None and clock.starts_on == event:
            return clock.started_at
        return self.assigned.get(case.pk) if event is StartsOn.ASSIGNED else getattr(case, _EVENTS.get(event, ""), None)


class _Revision:
    """The dates by one revision, each starting day counted once."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.calendar = clocks.working_calendar([[str(start), str(end)] for start, end in profile.slots])
        self.uncounted = 0
        self._known: dict[tuple[ProfileRule, int, date], _Date] = {}

    def due(self, history: _History, case: Complaint, milestone: Milestone) -> _Date:
        rule = self.profile.rule_for(milestone, case.complexity)
        start = history.start(case, milestone, rule.starts_on) if rule else None
        if rule is None or start is None:
            return _NO_LIMIT
        clock = history.clock(case, milestone)
        extra = rule.extension_amount * min(getattr(clock, "granted", 0), rule.max_extensions)
        return self._count(rule, extra, start, history.pauses.get(case.pk, []))

    def due_of_task(self, history: _History, case: Complaint, task: Assignment) -> _Date:
        """The limit of a department: its own, no later than that of the case, but at least one unit."""
        rule = self.profile.rule_for(Milestone.TASK, case.complexity)
        if rule is None:
            return _NO_LIMIT
        whole = self.profile.rule_for(Milestone.RESOLVE, case.complexity)
        granted = getattr(history.clock(case, Milestone.RESOLVE), "granted", 0)
        follows = whole is not None and task.role == AssignmentRole.LEAD and whole.unit == rule.unit
        extra = whole.extension_amount * min(granted, whole.max_extensions) if whole and follows else 0
        pauses = history.pauses_of_task(task)
        due = self._count(rule, extra, task.assigned_at, pauses)
        until = self.due(history, case, Milestone.RESOLVE)
        if isinstance(due, str) or isinstance(until, str) or due <= until:
            return due
        least = self._count(replace(rule, amount=1), 0, task.assigned_at, pauses)
        return until if isinstance(least, str) else max(until, least)

    def _count(self, rule: ProfileRule, extra: int, start: datetime, pauses: list[Pause]) -> _Date:
        key = (rule, extra, start.astimezone(SHANGHAI).date())
        # Without pauses a limit in days depends on the day it starts alone, unless the hour decides that day.
        plain = not pauses and rule.unit in _BY_DAY and not rule.after_hours_next_day and not rule.start_day_counts
        if plain and key in self._known:
            return self._known[key]
        counted = rule.clock().extended(extra) if extra else rule.clock()
        try:
            found: _Date = deadlines.due_at(start, counted, self.calendar, pauses).at or _STANDS
        except CalendarMissing:
            self.uncounted += 1
            return _NO_LIMIT
        if plain:
            self._known[key] = found
        return found

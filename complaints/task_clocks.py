"""The own clock of every department on a case, lead and supporting alike (SLA-04).

It begins when the task is given and ends when the department gives its part out of the hand, so each department is
measured by its own days. It never ends after the handling limit of the case; who gets the case when less than one
unit of that limit is left has one unit all the same, since a clock needs a length.
"""

from __future__ import annotations

from copy import copy
from dataclasses import asdict, replace
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput
from complaints import clocks, deadlines, policy_terms
from complaints.calendars import CalendarMissing, WorkingCalendar
from complaints.clock_rules import ClockRule, Pause, StartsOn, Unit
from complaints.models import Assignment, Complaint, Deadline, PolicyRule
from complaints.profiles import TASK_LADDER
from complaints.states import AssignmentRole, DeadlineState, Milestone

# Beyond it a limit given by a person is a slip of the pen.
MOST_UNITS = 999
_IN_DAYS = (Unit.WORKING_DAYS, Unit.CALENDAR_DAYS)


def name_of(deadline: Deadline) -> str:
    """What a clock is called: its milestone, and whose it is where it belongs to one department."""
    label = str(deadline.get_milestone_display())
    return label if deadline.assignment is None else f"{label} · {deadline.assignment.department.name}"


def start(task: Assignment, complaint: Complaint, *, at: datetime, limit: int | None = None) -> Deadline | None:
    """Start the clock of a task just given: `limit` units of the policy's rule, else its own number (SLA-04).

    Without a rule a `limit` counts working days, and without both there is no clock. Raises InvalidInput("limit")
    for a limit below one or beyond that of the case.
    """
    if limit is not None and not 1 <= limit <= MOST_UNITS:
        raise InvalidInput("limit", _("Give 1 to %(most)s."), most=MOST_UNITS)
    rule = clocks.rule_for(complaint, Milestone.TASK)
    if rule is None:
        if limit is None:
            return None
        rule = _own_rule(complaint, limit)
    wanted = limit or rule.amount
    try:
        fitting = _within_case(complaint, rule, wanted, at=at)
    except CalendarMissing:
        return clocks.start(complaint, rule, at=at, assignment=task, amount=wanted)  # marks the case
    if limit is not None and fitting.amount < limit:
        raise InvalidInput(
            "limit", _("The limit of the case itself leaves at most %(most)s; give no more."), most=fitting.amount
        )
    return clocks.start(complaint, fitting, at=at, assignment=task)


def end(task: Assignment, complaint: Complaint, *, at: datetime, is_done: bool) -> None:
    """End the clock of a task: met or done late when the part is done; taken away, it is only kept as late."""
    for row in _running(task, complaint):
        late = row.breached_at is not None or (row.state == DeadlineState.RUNNING and at > row.due_at)
        if is_done or late:
            clocks.stop(complaint, Milestone.TASK, at=at, assignment=task)
        else:
            clocks.cancel(complaint, Milestone.TASK, at=at, assignment=task)


def go_on(task: Assignment, complaint: Complaint, *, asked_at: datetime, at: datetime) -> None:
    """After a refused return: what was left when it was asked for, counted from the decision on.

    The time of the decision is the office's. A clock that was over before, or stands still, stays as it is.
    """
    for row in _running(task, complaint):
        if row.state != DeadlineState.RUNNING or asked_at > row.due_at:
            continue
        rule = _rule_like(row, complaint)
        calendar = clocks.working_calendar(complaint.policy.slots)
        try:
            left = _most(rule, rule.amount + row.extra_amount, start=asked_at, end=row.due_at, calendar=calendar)
            fitting = _within_case(complaint, rule, max(1, left), at=at)
        except CalendarMissing:
            continue
        clocks.cancel(complaint, Milestone.TASK, at=at, assignment=task)
        clocks.start(complaint, fitting, at=at, assignment=task)


def return_until(task: Assignment, complaint: Complaint) -> datetime | None:
    """Until when, by the policy of the case, the department may ask to return it (ASG-06).

    None where the calendar ends before.
    """
    calendar = clocks.working_calendar(complaint.policy.slots)
    window = ClockRule(policy_terms.return_days(complaint.policy), Unit.WORKING_DAYS)
    try:
        return deadlines.due_at(task.assigned_at, window, calendar).at
    except CalendarMissing:
        return None


def begin_anew(row: Deadline, complaint: Complaint, *, at: datetime) -> Deadline | None:
    """A new clock for the same task with the whole limit again, from the acceptance of new facts on."""
    rule = _rule_like(row, complaint)
    rule.starts_on = StartsOn.NEW_FACTS.value
    task = row.assignment
    assert task is not None  # only clocks of tasks are begun anew here
    try:
        rule = _within_case(complaint, rule, rule.amount, at=at)
    except CalendarMissing:
        pass  # the start marks the case
    return clocks.start(complaint, rule, at=at, assignment=task)


def extend_lead(complaint: Complaint, limit: Deadline, *, amount: int, at: datetime) -> None:
    """More time for the handling is more time for the lead department, where both count the same unit.

    It stays within the limit of the case, since both grow by the same and the task began within it.
    """
    lead = AssignmentRole.LEAD
    for row in clocks.running(complaint, Milestone.TASK):
        task = row.assignment
        if task is None or task.role != lead or row.unit != limit.unit or row.state != DeadlineState.RUNNING:
            continue
        row.extra_amount += amount
        clocks.set_due(row, complaint, at=at)


def follow_complexity(row: Deadline, complaint: Complaint) -> None:
    """After another complexity: the limit the policy has for it, from the same start and within that of the case.

    A limit that a person gave with the task stays as far as the case still leaves it.
    """
    limits = complaint.policy.rules.filter(milestone=Milestone.TASK).values_list("amount", "unit")
    of_policy = clocks.rule_for(complaint, Milestone.TASK) if (row.amount, row.unit) in limits else None
    rule = of_policy or _rule_like(row, complaint)
    try:
        fitting = _within_case(complaint, rule, rule.amount, at=row.started_at)
    except CalendarMissing:
        fitting = rule
    row.amount, row.unit, row.ladder = fitting.amount, fitting.unit, fitting.ladder
    row.start_day_counts = fitting.start_day_counts
    row.save(update_fields=["amount", "unit", "ladder", "start_day_counts"])
    clocks.run_on(row, complaint)


def units_left(row: Deadline, complaint: Complaint, *, at: datetime) -> int:
    """How many whole units of a clock were left at a moment. Raises CalendarMissing."""
    calendar = clocks.working_calendar(complaint.policy.slots)
    rule = _rule_like(row, complaint)
    return _most(rule, row.amount + row.extra_amount, start=at, end=row.due_at, calendar=calendar)


def _running(task: Assignment, complaint: Complaint) -> list[Deadline]:
    return [row for row in clocks.running(complaint, Milestone.TASK) if row.assignment_id == task.pk]


def _own_rule(complaint: Complaint, limit: int) -> PolicyRule:
    return PolicyRule(
        policy=complaint.policy,
        milestone=Milestone.TASK,
        amount=limit,
        unit=Unit.WORKING_DAYS.value,
        starts_on=StartsOn.ASSIGNED.value,
        ladder=[asdict(step) for step in TASK_LADDER],
    )


def _rule_like(row: Deadline, complaint: Complaint) -> PolicyRule:
    """The rule a clock was started by, as the clock keeps it."""
    names = ("amount", "unit", "starts_on", "start_day_counts", "roll_forward", "after_hours_next_day", "ladder")
    return PolicyRule(policy=complaint.policy, milestone=row.milestone, **{name: getattr(row, name) for name in names})


def _within_case(complaint: Complaint, rule: PolicyRule, wanted: int, *, at: datetime) -> PolicyRule:
    """The rule with as many of the wanted units as the limit of the case leaves, at least one.

    On the last day the starting day is counted, so that the department has the rest of it.
    """
    fitting = copy(rule)
    fitting.amount = wanted
    until = _case_limit(complaint, at=at)
    if until is None:
        return fitting
    calendar = clocks.working_calendar(complaint.policy.slots)
    fitting.amount = _most(rule, wanted, start=at, end=until, calendar=calendar)
    if fitting.amount:
        return fitting
    fitting.amount = 1
    if rule.unit in _IN_DAYS:
        today = replace(_clock(fitting, 1), start_day_counts=True)
        due = deadlines.due_at(at, today, calendar).at
        fitting.start_day_counts = due is not None and at < due <= until
    return fitting


def _case_limit(complaint: Complaint, *, at: datetime) -> datetime | None:
    """When the handling of the case has to be done; for a clock that stands, if it ran on now."""
    row = next((row for row in clocks.running(complaint, Milestone.RESOLVE) if row.assignment_id is None), None)
    if row is None or row.state == DeadlineState.RUNNING:
        return row.due_at if row else None
    pauses = [Pause(pause.start, pause.end or max(at, pause.start)) for pause in clocks.pauses_of(complaint)]
    return clocks.compute(row, clocks.working_calendar(complaint.policy.slots), pauses).at


def _most(rule: PolicyRule, wanted: int, *, start: datetime, end: datetime, calendar: WorkingCalendar) -> int:
    """The largest number of units up to `wanted` that ends by `end`; 0 when not even one does."""

    def ends_by(amount: int) -> bool:
        due = deadlines.due_at(start, _clock(rule, amount), calendar).at
        return due is not None and due <= end

    if ends_by(wanted):
        return wanted
    low, high = 0, wanted
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if ends_by(middle) else (low, middle)
    return low


def _clock(rule: PolicyRule, amount: int) -> ClockRule:
    return ClockRule(amount, Unit(rule.unit), rule.start_day_counts, rule.roll_forward, rule.after_hours_next_day)

"""How much each department and each person has on hand, for balanced allocation (ASG-06, ASG-13).

Everything is counted from the partial indexes of open cases and of current tasks, in a few grouped queries
whatever the number of cases. Numbers are those of the queue: each that a filter of the queue can show leads to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Q
from django.db.models.functions import TruncDate
from django.urls import reverse

from accounts.models import Department, User
from complaints import clocks, notify, references, selectors
from complaints.calendars import CalendarMissing, WorkingCalendar
from complaints.models import Assignment, Complaint
from complaints.querysets import ComplaintQuerySet
from complaints.states import OPEN, AssignmentRole, AssignmentState, Status

HANDLE = "complaints.handle_complaint"
# Whose rights over cases let a number lead to the list behind it.
_SEES_CASES = ("complaints.view_all", "complaints.view_department", "complaints.view_managed")


@dataclass
class Line:
    """What one department or one person has on hand now; `soon` and `age` (working days) are None without a
    calendar. `supporting` and `returns` (returns that wait for a decision) are counted for departments only."""

    key: int | None
    name: str = ""
    open: int = 0
    overdue: int = 0
    soon: int | None = 0
    waiting: int = 0
    supporting: int = 0
    returns: int = 0
    age: float | None = None
    code: str = ""
    links: dict[str, str] = field(default_factory=dict)


def may_count(user: User) -> frozenset[int] | None:
    """The departments whose work this person may count, None for the whole organisation.

    A department counts its own, a manager the departments managed; the same rule as for the figures.
    """
    if user.has_perm("complaints.view_all"):
        return None
    if user.has_perm("complaints.view_managed"):
        managed = list(Department.objects.filter(pk__in=user.department_ids))
        if any(department.parent_id is None for department in managed):
            return None
        return frozenset(Department.objects.within([row.path for row in managed]).values_list("pk", flat=True))
    return frozenset(user.department_ids) if user.has_perm("complaints.view_department") else None


def departments(scope: frozenset[int] | None, *, now: datetime) -> list[Line]:
    """One line per department of the scope, the fullest first; those without a case too. Two queries.

    The line without a key holds what no department has yet; only the whole organisation shows it.
    """
    cases = Complaint.objects.open()
    tasks = Assignment.objects.filter(is_current=True, complaint__status__in=[str(status) for status in OPEN])
    if scope is not None:
        cases, tasks = cases.filter(lead_department__in=scope), tasks.filter(department__in=scope)
    lines = _counted(cases, "lead_department", now=now)
    known = references.known()
    active = {pk: option.code for option in known.options["department"] for pk in option.pks}
    for pk in active:
        if scope is None or pk in scope:
            lines.setdefault(pk, Line(pk))
    rows = tasks.order_by().values("department").annotate(
        supporting=Count("pk", filter=Q(role=AssignmentRole.SUPPORTING, ended_at=None)),
        returns=Count("pk", filter=Q(state=AssignmentState.RETURN_REQUESTED)),
    )  # fmt: skip
    for row in rows:
        line = lines.setdefault(row["department"], Line(row["department"]))
        line.supporting, line.returns = row["supporting"], row["returns"]
    for line in lines.values():
        if line.key is not None:
            line.name, line.code = known.departments.get(line.key, ""), active.get(line.key, "")
    return _fullest_first(lines.values())


def people(department: int, *, now: datetime) -> list[Line]:
    """One line per person who handles cases of the department, the fullest first; the free ones too. Two queries.

    The line without a key holds the cases nobody took over yet.
    """
    lines = _counted(Complaint.objects.open().filter(lead_department=department), "handler", now=now)
    members = notify.members_with(HANDLE, [department]).values("pk")
    busy = [key for key in lines if key is not None]
    for pk, name in User.objects.filter(Q(pk__in=members) | Q(pk__in=busy)).values_list("pk", "display_name"):
        lines.setdefault(pk, Line(pk)).name = name
    return _fullest_first(lines.values())


def add_links(lines: Iterable[Line], user: User) -> None:
    """Let each number that a filter of the queue can show lead there, for whoever sees cases."""
    if not any(user.has_perm(name) for name in _SEES_CASES):
        return
    for line in lines:
        if line.code:
            line.links = {
                "open": _queue(view="all", department=line.code, status=[str(status) for status in OPEN]),
                "overdue": _queue(view="overdue", department=line.code),
                "soon": _queue(view="soon", department=line.code),
                "waiting": _queue(view="all", department=line.code, status=[str(Status.ASSIGNED)]),
            }


def _queue(**parameters: Any) -> str:
    return f"{reverse('complaints:queue')}?{urlencode(parameters, doseq=True)}"


def _fullest_first(lines: Iterable[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: (-line.open, -line.overdue, line.name))


def _counted(cases: ComplaintQuerySet, by: str, *, now: datetime) -> dict[int | None, Line]:
    """The numbers of the open cases by a column of theirs, from one query that also groups by day of registration."""
    calendar = clocks.working_calendar()
    try:
        limit = calendar.add_working_time(now, selectors.soon(calendar))
    except CalendarMissing:
        limit = None
    runs = Q(is_paused=False)
    rows: Any = (
        cases.order_by()
        .values(by, day=TruncDate("registered_at"))
        .annotate(
            number=Count("pk"),
            late=Count("pk", filter=runs & Q(next_due_at__lte=now)),
            near=Count("pk", filter=runs & Q(next_due_at__gt=now, next_due_at__lte=limit or now)),
            untaken=Count("pk", filter=Q(status=Status.ASSIGNED)),
        )
    )
    lines: dict[int | None, Line] = {}
    days: dict[int | None, dict[date, int]] = defaultdict(dict)
    for row in rows:
        line = lines.setdefault(row[by], Line(row[by]))
        line.open += row["number"]
        line.overdue += row["late"]
        line.soon = None if limit is None or line.soon is None else line.soon + row["near"]
        line.waiting += row["untaken"]
        days[row[by]][row["day"]] = row["number"]
    ages = _Ages(calendar, calendar.local(now).date())
    for key, line in lines.items():
        line.age = ages.average(days[key])
    return lines


class _Ages:
    """Working days from a day of registration to today, each day looked up once."""

    def __init__(self, calendar: WorkingCalendar, today: date) -> None:
        self._calendar, self._today = calendar, today
        self._known: dict[date, int | None] = {}

    def average(self, days: dict[date, int]) -> float | None:
        """Over cases counted by day; None where the calendar lacks a year."""
        total = 0
        for day, number in days.items():
            age = self._of(day)
            if age is None:
                return None
            total += age * number
        return total / sum(days.values())

    def _of(self, day: date) -> int | None:
        if day not in self._known:
            try:
                self._known[day] = self._calendar.working_days_between(day, self._today)
            except CalendarMissing:
                self._known[day] = None
        return self._known[day]

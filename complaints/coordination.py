"""The coordination of a case as one person reads it, the tasks of a person, and the alarms (COO-01…08, COO-20).

Works on a case loaded by case_records.load. The writes stand in complaints.transitions.coordination.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet, prefetch_related_objects
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from complaints import notify, timeline
from complaints.models import Assignment, CaseTask, Complaint, Contact, Meeting, PartyStatement, Promise
from complaints.states import OPEN, QuestionKind, Status
from complaints.transitions import coordination as rules

RELATIONS = ("promises", "party_statements", "meetings", "tasks")
BATCH = 500

# Who wrote a record, when it began, and when it was over: None while it lives on. Where only the reason of the end
# was kept, the record counts as over at once.
_LIVES: dict[type[Any], Callable[[Any], tuple[int, datetime, datetime | None]]] = {
    Promise: lambda row: (row.made_by_id, row.made_at, row.kept_at or (row.made_at if row.ended_reason else None)),
    PartyStatement: lambda row: (
        row.asked_by_id,
        row.asked_at,
        row.received_at or (row.asked_at if row.waived_reason else None),
    ),
    Meeting: lambda row: (
        row.called_by_id,
        row.called_at,
        row.minutes_at or (row.called_at if row.cancelled_reason else None),
    ),
    CaseTask: lambda row: (row.created_by_id, row.created_at, row.done_at),
}


# --- Who reads what -----------------------------------------------------------------------------------
def readable(complaint: Complaint, user: User) -> dict[str, list[Any]]:
    """The records of a loaded case that this person reads, by relation; runs no query of its own.

    As with notes (S17): only with the permission to read notes; a department reads what was alive while it had
    the case, and its members what they wrote.
    """
    if not user.has_perm("complaints.view_notes"):
        return {name: [] for name in RELATIONS}
    sees_all = user.has_perm("complaints.view_all")
    own = [] if sees_all else [row for row in complaint.assignments.all() if row.department_id in user.department_ids]
    return {
        name: [row for row in getattr(complaint, name).all() if not own or _reads(row, own, user)] for name in RELATIONS
    }


def _reads(row: Any, own: list[Assignment], user: User) -> bool:
    author, begin, end = _LIVES[type(row)](row)
    return author == user.pk or any(
        (end is None or task.assigned_at <= end)
        and (task.is_current or task.ended_at is None or begin <= task.ended_at)
        for task in own
    )


# --- States -------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Line:
    """A record with its state in words, the tone of the tag, and what this person may do with it."""

    row: Any
    state: str
    tone: str
    is_open: bool
    may: bool = False
    # Of a meeting: each decision, and whether a task says the same.
    decisions: list[tuple[str, bool]] = field(default_factory=list)
    takes_part: bool = False

    @property
    def is_late(self) -> bool:
        return self.tone == "bad"


def promise_line(row: Promise, *, now: datetime, may: bool = False) -> Line:
    """A promise and whether it was kept in time (COO-07)."""
    if row.kept_at is not None:
        late = row.kept_at > row.due_at
        return Line(row, _("Kept late") if late else _("Kept in time"), "warn" if late else "ok", False)
    if row.ended_reason:
        return Line(row, _("No longer holds"), "", False)
    if row.due_at <= now:
        return Line(row, _("Not kept in time"), "bad", True, may)
    return Line(row, _("To be kept"), "info", True, may)


def statement_line(row: PartyStatement, *, now: datetime, may: bool = False) -> Line:
    """A statement asked of somebody outside and whether it came (COO-14)."""
    if row.received_at is not None:
        return Line(row, _("Statement received"), "ok", False)
    if row.waived_reason:
        return Line(row, _("Done without"), "", False)
    if row.due_on < timezone.localdate(now):
        return Line(row, _("Answer overdue"), "bad", True, may)
    return Line(row, _("Waits for the answer"), "info", True, may)


def meeting_line(
    row: Meeting, *, now: datetime, may: bool = False, takes_part: bool = False, tasks: Iterable[CaseTask] = ()
) -> Line:
    """A meeting: planned, held or called off, and its decisions one by one, with those that are tasks now (COO-02)."""
    given = {" ".join(task.what.split()) for task in tasks if task.meeting_id == row.pk}
    decisions = [(line.strip(), " ".join(line.split()) in given) for line in row.decisions.splitlines() if line.strip()]
    if row.minutes_at is not None:
        return Line(row, _("Meeting held"), "ok", False, may, decisions, takes_part)
    if row.cancelled_reason:
        return Line(row, _("Called off"), "", False)
    if row.planned_at <= now:
        return Line(row, _("Minutes are missing"), "warn", True, may, takes_part=takes_part)
    return Line(row, _("Meeting planned"), "info", True, may, takes_part=takes_part)


def task_line(row: CaseTask, *, now: datetime, may: bool = False) -> Line:
    """A task and whether it was done in time (COO-02)."""
    if row.done_at is not None:
        return Line(row, _("Task done"), "ok", False)
    if row.due_on < timezone.localdate(now):
        return Line(row, _("Task overdue"), "bad", True, may)
    return Line(row, _("To do"), "info", True, may)


_LINES: dict[str, Callable[..., Line]] = {
    "promises": promise_line,
    "party_statements": statement_line,
    "meetings": meeting_line,
    "tasks": task_line,
}


@dataclass(frozen=True)
class Summary:
    """What the case page says beside the link: how much is open, and how much of it is late."""

    open: dict[str, int]
    late: int
    total: int

    @property
    def is_empty(self) -> bool:
        return not self.total


def summary(complaint: Complaint, user: User, *, now: datetime) -> Summary:
    """The numbers of a loaded case for this person; runs no query of its own."""
    lines = {name: [_LINES[name](row, now=now) for row in rows] for name, rows in readable(complaint, user).items()}
    return Summary(
        open={name: sum(line.is_open for line in found) for name, found in lines.items()},
        late=sum(line.is_late for found in lines.values() for line in found),
        total=sum(map(len, lines.values())),
    )


# --- The page of a case -------------------------------------------------------------------------------
def page(complaint: Complaint, user: User, *, now: datetime) -> dict[str, Any]:
    """Everything the page shows of a loaded case. One query: who takes part in the meetings."""
    found = readable(complaint, user)
    # Nothing can be settled in the archive.
    may = complaint.status != Status.ARCHIVED and rules.may_coordinate(user, complaint)
    is_open = complaint.status in OPEN
    prefetch_related_objects(found["meetings"], "participants")
    finishes = complaint.status != Status.ARCHIVED
    return {
        "promises": [promise_line(row, now=now, may=may) for row in found["promises"]],
        "statements": [statement_line(row, now=now, may=may) for row in found["party_statements"]],
        "meetings": [
            meeting_line(row, now=now, may=may, takes_part=finishes and _takes_part(row, user), tasks=found["tasks"])
            for row in found["meetings"]
        ],
        "tasks": [task_line(row, now=now, may=finishes and rules.may_finish(user, row)) for row in found["tasks"]],
        "may_plan": may and is_open,
        "is_open": is_open,
        "may_log": is_open and may_log_contact(user, complaint),
        "reads": user.has_perm("complaints.view_notes"),
        "explanations": list(complaint.explanations.all()),
        "may_explain": may,
        "head_contacts": _by_head(complaint),
        "may_ask_head": may and is_open and complaint.lead_department_id is not None,
        "reminders": [row for row in complaint.questions.all() if row.kind == QuestionKind.REMINDER],
        "returns": returns(complaint),
    }


def _by_head(complaint: Complaint) -> list[Contact]:
    """The contacts in which the head of the department reached the complainant in person (COO-17)."""
    heads = timeline.by_head(complaint)
    return [row for row in complaint.communications.all() if f"contact:{row.pk}" in heads]


def _takes_part(row: Meeting, user: User) -> bool:
    return any(person.pk == user.pk for person in row.participants.all())


def returns(complaint: Complaint) -> list[Assignment]:
    """The departments that would not have the case, with reason and decision, oldest first (COO-20)."""
    asked = [(row.return_requested_at, row.pk, row) for row in complaint.assignments.all() if row.return_requested_at]
    return [row for _at, _pk, row in sorted(asked)]


def may_log_contact(user: User, complaint: Complaint) -> bool:
    """Whether the office may note a contact with a department that has the case (COO-01)."""
    has_task = any(row.is_current for row in complaint.assignments.all())
    return has_task and user.has_perm("complaints.view_all") and user.has_perm("complaints.write_note")


def candidates(complaint: Complaint) -> QuerySet[User]:
    """Who may be called to a meeting: whose role and department open the case, and who reads notes.

    Whom the case is about or comes from is never among them (PI-18); the rule checks each person chosen again.
    """
    units = list(complaint.assignments.filter(is_current=True).values_list("department", flat=True))
    seeing = Q(pk__in=notify.holders_of("complaints.view_all").values("pk"))
    seeing |= Q(pk__in=notify.members_with("complaints.view_department", units).values("pk"))
    seeing |= Q(pk__in=notify.holders_of("complaints.view_managed").values("pk"))
    seeing |= Q(pk__in=complaint.team.filter(until=None).values("user"))
    readers = notify.holders_of("complaints.view_notes").filter(seeing)
    return readers.exclude(pk__in=notify.concerned(complaint)).order_by("display_name", "pk")


# --- The tasks of a person ----------------------------------------------------------------------------
def may_see_all_tasks(user: User) -> bool:
    """Whoever follows every case sees every task: nothing is late without someone knowing (COO-01)."""
    return user.has_perm("complaints.view_all")


def tasks_of(user: User, *, view: str) -> QuerySet[CaseTask]:
    """Open tasks of cases the person sees, the next due first: the own ones ("mine"), those of the person's
    departments ("department"), or every one ("all") for whoever may see them all."""
    own = Q(owner=user) if view == "mine" else Q(department__in=user.department_ids)
    if view == "all" and may_see_all_tasks(user):
        own = Q()
    rows = CaseTask.objects.filter(own, done_at=None, complaint__in=Complaint.objects.visible_to(user).values("pk"))
    rows = rows.exclude(complaint__status=Status.ARCHIVED)
    return rows.select_related("complaint", "department", "owner").order_by("due_on", "pk")


# --- Alarms -------------------------------------------------------------------------------------------
def watch_coordination(*, now: datetime | None = None) -> dict[str, int]:
    """Tell once of every promise not kept, statement not received and task not done in time (COO-02, 07, 14).

    Quiet for cases that are over; when such a case is reopened, what is late is told then. Each record is claimed by
    a conditional update, so two workers never tell of the same one.
    """
    now = now or timezone.now()
    today = timezone.localdate(now)
    return {
        "promises": _alarm(Promise, Q(due_at__lte=now, kept_at=None, ended_reason=""), _tell_promise, now=now),
        "statements": _alarm(
            PartyStatement, Q(due_on__lt=today, received_at=None, waived_reason=""), _tell_statement, now=now
        ),
        "tasks": _alarm(CaseTask, Q(due_on__lt=today, done_at=None), _tell_task, now=now),
    }


def _alarm(table: type[Any], late: Q, tell: Callable[[Any], None], *, now: datetime) -> int:
    told = 0
    late &= Q(alerted_at=None)
    waiting = table.objects.filter(late, complaint__status__in=[str(status) for status in OPEN]).order_by("pk")
    while keys := list(waiting.values_list("pk", flat=True)[:BATCH]):
        for pk in keys:
            with transaction.atomic():
                if table.objects.filter(late, pk=pk).update(alerted_at=now):
                    tell(table.objects.select_related("complaint__complainant").get(pk=pk))
                    told += 1
    return told


def _tell_promise(row: Promise) -> None:
    due = timezone.localtime(row.due_at).isoformat(timespec="minutes")
    _tell(notify.keepers(row.complaint), "promise_due", row, due=due)


def _tell_statement(row: PartyStatement) -> None:
    _tell(notify.keepers(row.complaint), "statement_overdue", row, day=f"{row.due_on:%m-%d}")


def _tell_task(row: CaseTask) -> None:
    people = [*rules.task_people(row), *filter(None, [row.complaint.coordinator])]
    _tell(people, "task_overdue", row, day=f"{row.due_on:%m-%d}")


def _tell(people: Iterable[User], kind: str, row: Any, **params: Any) -> None:
    notify.tell(
        people,
        kind,
        complaint=row.complaint,
        dedupe=f"{kind}:{row.pk}",
        url=rules.page_url(row.complaint),
        **params,
    )

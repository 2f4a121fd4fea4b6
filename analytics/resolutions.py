"""What was decided on a released report or at a meeting, who does it, and what came of it (AN-30, IMP-10)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import Department, User
from analytics import permissions, problems
from analytics.models import Report, Resolution, TransferMeeting
from analytics.problem_rules import required
from analytics.states import ReportStatus
from complaints import notify

# Whoever works at the desk may be asked to carry something out.
READ = "complaints.use_desk"
TEXT, RESULT = 2000, 2000
URL = "/desk/problems/resolutions/"


@transaction.atomic
def decide(
    *,
    text: str,
    due_on: date,
    by: User,
    report: Report | None = None,
    meeting: TransferMeeting | None = None,
    department: Department | None = None,
    owner: User | None = None,
    at: datetime | None = None,
) -> Resolution:
    """Record a decision on a report (management) or of a meeting (whoever keeps the problem list).

    A person, a department or both carry it out and are told. Raises NotAllowed, IllegalTransition for a report that
    is not released or a meeting without minutes, InvalidInput naming `text`, `due_on` or `owner`.
    """
    at = at or timezone.now()
    if report is not None:
        permissions.require(by, permissions.APPROVE)
        if Report.objects.select_for_update().get(pk=report.pk).status != ReportStatus.RELEASED:
            raise IllegalTransition(_("Decisions are recorded on a released report."))
    elif meeting is not None:
        permissions.require(by, problems.MANAGE)
        if TransferMeeting.objects.select_for_update().get(pk=meeting.pk).held_at is None:
            raise IllegalTransition(_("Write the minutes first."))
    text = required("text", text, TEXT, _("Say what was decided."))
    if due_on < timezone.localdate(at):
        raise InvalidInput("due_on", _("This date lies in the past."))
    if owner is None and department is None:
        raise InvalidInput("owner", _("Name a person or a department that carries it out."))
    row = Resolution.objects.create(
        report=report, meeting=meeting, text=text, department=department, owner=owner, due_on=due_on, at=at, by=by
    )
    _tell(row, "resolution_given")
    return row


def may_finish(user: User, row: Resolution, headed: Collection[int] | None = None) -> bool:
    """Who is to carry it out, the heads of the department, and whoever decides on such things.

    `headed`: the departments the person heads, for whoever asks about many rows.
    """
    if user.pk == row.owner_id or user.has_perm(permissions.APPROVE) or user.has_perm(problems.MANAGE):
        return user.is_active
    return user.is_active and row.department_id in (user.headed_department_ids() if headed is None else headed)


@transaction.atomic
def finish(row_id: int, *, result: str, by: User, at: datetime | None = None) -> Resolution:
    """Report it as done and say what was done. Raises NotAllowed, IllegalTransition when it is, InvalidInput."""
    row = Resolution.objects.select_for_update().get(pk=row_id)
    if not may_finish(by, row):
        raise NotAllowed(_("Whoever carries it out reports it as done."))
    if row.done_at is not None:
        raise IllegalTransition(_("This is done already."))
    row.result = required("result", result, RESULT, _("Say what was done."))
    row.done_at, row.done_by = at or timezone.now(), by
    row.save(update_fields=["result", "done_at", "done_by"])
    return row


def visible_to(user: User) -> QuerySet[Resolution]:
    """All of them for management and whoever keeps the problem list; for others what they or their department do."""
    if user.has_perm(permissions.APPROVE) or user.has_perm(problems.MANAGE):
        return Resolution.objects.all()
    return Resolution.objects.filter(Q(owner=user) | Q(department__in=user.department_ids))


def for_list(rows: QuerySet[Resolution]) -> QuerySet[Resolution]:
    """Everything a row shows, in one query; the figures of the report stay in the database."""
    named = rows.select_related("report", "meeting", "department", "owner", "by", "done_by")
    return named.defer("report__figures", "report__snapshot", "meeting__pack")


def remind(*, now: datetime) -> int:
    """Tell, once, of what is not done by its date: who carries it out, and who decided it."""
    late = Resolution.objects.filter(done_at__isnull=True, told_at__isnull=True, due_on__lt=timezone.localdate(now))
    told = 0
    for key in late.values_list("pk", flat=True):
        with transaction.atomic():
            row = Resolution.objects.select_for_update(of=("self",)).select_related("by").get(pk=key)
            if row.done_at is None and row.told_at is None:
                told += _tell(row, "resolution_late", row.by)
                row.told_at = now
                row.save(update_fields=["told_at"])
    return told


def _tell(row: Resolution, kind: str, *more: User) -> int:
    people = [row.owner] if row.owner else list(notify.heads_of([row.department_id or 0]))
    return notify.tell([*people, *more], kind, dedupe=f"{kind}:{row.pk}", url=page_url(row), day=row.due_on.isoformat())


def page_url(row: Resolution) -> str:
    """Where the decision stands on the desk."""
    return f"{URL}{row.pk}/"

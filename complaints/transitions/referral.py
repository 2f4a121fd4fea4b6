"""A complaint that another body passed on: the reply owed to that body (IN-11)."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext

from accounts.models import Department, DepartmentKind, User
from complaints.models import CaseTask, Complaint
from complaints.states import TaskKind
from complaints.transitions import core


def owe_reply(complaint: Complaint, *, by: User | None, at: datetime) -> CaseTask | None:
    """Make the reply to the referring body a task of the complaints office, due on the day that body set.

    It stands among the office's tasks from the first day, raises the alarm of every task that is late, and is
    reported done with what was replied. Where the body set no day the task has none until somebody adds it
    (coordination.set_reply_day). Called inside the registration; None where nobody signs.
    """
    if by is None or not complaint.referring_body:
        return None
    due_at = complaint.referral_due_at
    offices = Department.objects.active().filter(kind=DepartmentKind.OFFICE).order_by("pk")
    office = offices.filter(pk__in=by.department_ids).first() or offices.first()
    if office is None:
        return None
    with translation.override(settings.LANGUAGE_CODE):
        what = gettext("Reply to %(body)s, which passed this complaint on under its number %(number)s") % {
            "body": complaint.referring_body,
            "number": complaint.channel_reference or "-",
        }
    row = CaseTask.objects.create(
        complaint=complaint,
        kind=TaskKind.OTHER,
        what=what,
        department=office,
        due_on=timezone.localdate(due_at) if due_at else CaseTask.NO_DAY,
        created_by=by,
        created_at=at,
    )
    core.add_event(complaint, "task_given", by=by, at=at, reference=core.ref(row), note=row.kind)
    return row

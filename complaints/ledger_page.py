"""The time ledger of a case in words (SLA-02, SLA-04, SLA-17)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from complaints import time_ledger
from complaints.calendars import ZERO
from complaints.clock_texts import format_time
from complaints.models import Assignment, Complaint
from complaints.time_ledger import Owner


@dataclass(frozen=True)
class Line:
    """One owner of time: office hours in words, `percent` of the whole, and for a department its task and share.

    `result` says whether the own limit was kept, `tone` colours it.
    """

    name: str
    time: str
    percent: int
    row: Assignment | None = None
    share: time_ledger.Share | None = None
    untaken: str = ""
    result: str = ""
    tone: str = ""


def context(complaint: Complaint, *, now: datetime) -> dict[str, Any]:
    """What the page shows. Raises CalendarMissing."""
    found = time_ledger.of_case(complaint, now=now)
    rows = {row.pk: row for row in complaint.assignments.all()}
    shares = {share.task.key: share for share in found.shares}
    leads = [_task(rows[key], shares[key], time, found.whole) for key, time in found.leads.items()]
    others = {
        Owner.OFFICE: _("Complaints office: registration, screening, assignment, checks"),
        Owner.STOPPED: _("Nobody: the clock stood still or the complainant was asked"),
        Owner.RESTING: _("Nobody: answered or ended, until it was taken up again"),
    }
    return {
        "ledger": found,
        "whole": format_time(found.whole, _),
        "departments": _written(sum(found.leads.values(), ZERO)),
        "lines": [
            *leads,
            *(
                _line(name, found.owners[owner], found.whole)
                for owner, name in others.items()
                if owner is not Owner.RESTING or found.owners[owner]
            ),
        ],
        "supporting": [
            _task(rows[share.task.key], share, share.worked, found.whole)
            for share in found.shares
            if not share.task.is_lead
        ],
        "contact_after": _written(found.first_contact_after),
    }


def _written(time: timedelta | None) -> str:
    """A time in words; a dash for none."""
    return format_time(time, _) if time else "—"


def _line(name: str, time: timedelta, whole: timedelta, **values: Any) -> Line:
    return Line(name, _written(time), round(100 * (time / whole)) if whole else 0, **values)


def _task(row: Assignment, share: time_ledger.Share, time: timedelta, whole: timedelta) -> Line:
    if share.due_at is None:
        result, tone = _("no limit"), ""
    elif share.is_late:
        result, tone = _("%(time)s over") % {"time": format_time(share.over, _)}, "bad"
    else:
        result, tone = (_("kept"), "ok") if share.is_done else (_("within the limit"), "info")
    return _line(
        row.department.name,
        time,
        whole,
        row=row,
        share=share,
        untaken=format_time(share.untaken, _) if share.untaken else "",
        result=result,
        tone=tone,
    )

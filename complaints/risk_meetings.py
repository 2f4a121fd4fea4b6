"""The regular meetings about a risky case: until when the next one is to be held, and who is reminded (RISK-06).

How soon and how often is data of the risk standard in force, by grade.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from complaints import notify, risk, risk_standards
from complaints.models import Complaint
from complaints.states import OPEN, RiskGrade

BATCH = 500


@dataclass(frozen=True)
class Next:
    """The day until which a meeting is to be held, and when one was called for that has not been held yet."""

    day: date
    # The day it is counted from, and why it is this day, as a sentence (RISK-06).
    since: date
    why: str
    called_for: datetime | None
    is_late: bool


def following(
    complaint: Complaint, *, now: datetime, meetings: Mapping[str, risk_standards.Meetings] | None = None
) -> Next | None:
    """When the next meeting of an open case is to be held; None where the standard asks for none (RISK-06).

    Counted from the last meeting since the case has had its grade, else from the grade. A meeting that is called
    keeps it from being late. Reads the grades, risk meetings and meetings loaded with the case; `meetings` are those
    of the standard in force.
    """
    if complaint.risk_grade == RiskGrade.ORDINARY or not complaint.is_open:
        return None
    days = (meetings or risk_standards.meetings_for(complaint))[complaint.risk_grade]
    graded = _graded_at(complaint)
    held = [row.held_at for row in complaint.risk_meetings.all() if row.held_at >= graded]
    begin = max(held, default=graded)
    wait = days.every if held else days.first or days.every
    if not wait:
        return None
    day = timezone.localdate(begin) + timedelta(days=wait)
    planned = [
        row.planned_at
        for row in complaint.meetings.all()
        if row.planned_at > now and row.minutes_at is None and not row.cancelled_reason
    ]
    called_for = min(planned, default=None)
    words = (
        _("%(days)s day(s) after the meeting of %(day)s: the interval for this grade.")
        if held
        else _("%(days)s day(s) after the case was graded on %(day)s: the time for the first meeting of this grade.")
    )
    since = timezone.localdate(begin)
    why = words % {"days": wait, "day": since.isoformat()}
    return Next(day, since, why, called_for, is_late=called_for is None and timezone.localdate(now) > day)


def _graded_at(complaint: Complaint) -> datetime:
    """Since when the case has had its present grade or a higher one."""
    since = complaint.received_at
    rows = sorted(complaint.risk_assessments.all(), key=lambda row: (row.at, row.pk))
    for row in reversed(rows):
        if risk.rank(row.grade) < risk.rank(complaint.risk_grade):
            break
        since = row.at
    return since


def remind(*, now: datetime | None = None) -> dict[str, int]:
    """Tell coordinator and joint team of open cases whose risk meeting is due and not called, again after each week.

    Where a case has neither, everybody who screens is told. Safe to run twice, beside itself and after a crash:
    each reminder has its key.
    """
    now = now or timezone.now()
    today = timezone.localdate(now)
    others = list(notify.holders_of(notify.SCREENING))
    meetings = risk_standards.meetings(risk_standards.active())
    told = 0
    for batch in _batches([grade for grade, days in meetings.items() if days.first or days.every]):
        found = [(case, following(case, now=now, meetings=meetings)) for case in batch]
        told += notify.tell_all(
            [
                notify.Message(
                    _people(case) or others,
                    "risk_meeting_due",
                    f"risk_meeting_due:{case.pk}:{step.day}:{(today - step.day).days // 7}",
                    complaint=case,
                    params={"day": f"{step.day:%m-%d}"},
                )
                for case, step in found
                if step and step.called_for is None and today >= step.day
            ]
        )
    return {"told": told}


def _batches(grades: list[str]) -> Iterator[list[Complaint]]:
    rows = Complaint.objects.filter(status__in=[str(status) for status in OPEN], risk_grade__in=grades)
    rows = rows.select_related("complainant", "coordinator").order_by("pk")
    rows = rows.prefetch_related("risk_assessments", "risk_meetings", "meetings", "team__user")
    last = 0
    while batch := list(rows.filter(pk__gt=last)[:BATCH]):
        yield batch
        last = batch[-1].pk


def _people(complaint: Complaint) -> list[User]:
    team = [row.user for row in complaint.team.all() if row.until is None]
    return [user for user in (complaint.coordinator, *team) if user and user.is_active]

"""What was asked for and waits for a decision: who decides is reminded each working day (SLA-13, ASG-06, COO-12).

Pauses, extensions and new starts of the clocks, returns of a department, remedies, complaints that somebody proposes
to call unreasonable (SCR-08), archived files that somebody asks to read (ARC-04); and once a week what complainants
proposed (FB-10). After how many days is data (complaints/office_terms.py). Told in office hours, once a day however
often this runs, and never after the decision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from complaints import clocks, notify, office_terms, remedies
from complaints.calendars import CalendarMissing, WorkingCalendar
from complaints.models import (
    Assignment,
    ClockPause,
    ClockReset,
    Complaint,
    Consultation,
    Extension,
    Proposal,
    Remedy,
    UnreasonableLabel,
)
from complaints.states import MOVES, AssignmentState, RemedyState, RequestState, Status
from complaints.transitions import consultation, core
from complaints.transitions import remedies as remedy_rules

CLOCKS = "complaints.approve_clock"
RETURNS = "complaints.adjudicate_return"
SCREENS = "complaints.screen_complaint"


@dataclass(frozen=True)
class _Source:
    """One kind of request: which rows wait, where their case, time and person stand, and who decides."""

    kind: str
    waiting: Callable[[], QuerySet[Any]]
    case: str
    asked_at: str
    asked_by: str
    deciders: Callable[[Complaint, Any, bool], list[User]]
    # Where it is decided; the case itself where nothing is given.
    page: Callable[[Complaint, Any], str] = lambda _complaint, _row: ""


def remind_requests(*, now: datetime | None = None) -> dict[str, int]:
    """Tell who decides of every request of an earlier day that still waits. Returns how many messages are new.

    Quiet outside office hours and in a year without calendar.
    """
    now = now or timezone.now()
    calendar = clocks.working_calendar()
    try:
        if not calendar.is_open(now):
            return {"told": 0}
        terms = office_terms.all_of(office_terms.current())
        told = sum(
            _remind(source, pk, calendar, alone_days=terms["request_alone"], now=now)
            for source in _SOURCES
            for pk in _before_today(source, now=now).values_list("pk", flat=True)
        )
        return {"told": told + _remind_proposals(calendar, days=terms["proposal"], now=now)}
    except CalendarMissing:
        return {"told": 0}


def _before_today(source: _Source, *, now: datetime) -> QuerySet[Any]:
    today = timezone.make_aware(datetime.combine(timezone.localdate(now), time()))
    return source.waiting().filter(**{f"{source.asked_at}__lt": today}).order_by("pk")


@transaction.atomic
def _remind(source: _Source, pk: int, calendar: WorkingCalendar, *, alone_days: int, now: datetime) -> int:
    """One reminder; read again under the lock of the case, since it may have been decided meanwhile."""
    rows = source.waiting().filter(pk=pk)
    complaint_id = rows.values_list(source.case, flat=True).first()
    if complaint_id is None:
        return 0
    complaint = core.lock(complaint_id)
    row = rows.first()
    if row is None:
        return 0
    today, asked = timezone.localdate(now), timezone.localdate(getattr(row, source.asked_at))
    alone = calendar.working_days_between(asked, today) <= alone_days
    asker = getattr(row, f"{source.asked_by}_id")
    return notify.tell(
        [user for user in source.deciders(complaint, row, alone) if user.pk != asker],
        source.kind,
        complaint=complaint,
        url=source.page(complaint, row),
        dedupe=f"{source.kind}:{core.ref(row)}:{today}",
        day=f"{asked:%m-%d}",
    )


def _holders(permission: str) -> Callable[[Complaint, Any, bool], list[User]]:
    """First the coordinator of the case, where that person may decide, or the coordinators; later all who may."""

    def found(complaint: Complaint, row: Any, alone: bool) -> list[User]:
        own = complaint.coordinator
        if alone and own is not None and own.is_active and own.has_perm(permission) and not _asked(row, own):
            return [own]
        everybody = notify.holders_of(permission)
        office = everybody.filter(pk__in=notify.holders_of(RETURNS).values("pk")) if alone else everybody
        return [user for user in office if not _asked(row, user)] or list(everybody)

    return found


def _asked(row: Any, user: User) -> bool:
    return user.pk in {
        getattr(row, f"{name}_id", None) for name in ("requested_by", "return_requested_by", "proposed_by")
    }


def _seeing(complaint: Complaint, row: Any, alone: bool) -> list[User]:
    """Who lends archived files and sees this case; a confidential one is not told of to anybody else."""
    found = _holders(consultation.APPROVE)(complaint, row, alone)
    return [user for user in found if Complaint.objects.visible_to(user).filter(pk=complaint.pk).exists()]


def _remedies() -> QuerySet[Remedy]:
    proposed = Remedy.objects.filter(state=RemedyState.PROPOSED, done_at=None)
    return proposed.exclude(complaint__status=Status.ARCHIVED)


def _approvers(complaint: Complaint, remedy: Remedy, alone: bool) -> list[User]:
    """Nobody for a row that needs no approval."""
    return remedy_rules.approvers(complaint, remedy) if remedies.standing(remedy) == RemedyState.PROPOSED else []


def _clock_source(table: type[Any], case: str, action: str) -> _Source:
    """What was asked for stays on record when a case goes on or ends without it; then nobody can decide any more."""
    decidable = {f"{case}__status__in": MOVES[action].sources}
    return _Source(
        "clock_request_waits",
        lambda: table.objects.filter(state=RequestState.REQUESTED, **decidable),
        case,
        "requested_at",
        "requested_by",
        _holders(CLOCKS),
    )


_SOURCES = (
    _clock_source(ClockPause, "complaint", "approve_pause"),
    _clock_source(Extension, "deadline__complaint", "approve_extension"),
    _clock_source(ClockReset, "complaint", "approve_reset"),
    _Source(
        "return_waits",
        lambda: Assignment.objects.filter(
            is_current=True,
            state=AssignmentState.RETURN_REQUESTED,
            complaint__status__in=MOVES["grant_return"].sources,
        ),
        "complaint",
        "return_requested_at",
        "return_requested_by",
        _holders(RETURNS),
    ),
    _Source(
        "remedy_waits",
        _remedies,
        "complaint",
        "proposed_at",
        "proposed_by",
        _approvers,
        lambda complaint, row: f"/desk/cases/{complaint.number}/remedies/{row.pk}/",
    ),
    _Source(
        "second_look_waits",
        lambda: UnreasonableLabel.objects.filter(
            decided_at=None, complaint__status__in=MOVES["decide_unreasonable"].sources
        ),
        "complaint",
        "proposed_at",
        "proposed_by",
        _holders(SCREENS),
    ),
    _Source(
        "consultation_waits",
        lambda: Consultation.objects.filter(state=RequestState.REQUESTED, complaint__status=Status.ARCHIVED),
        "complaint",
        "requested_at",
        "requested_by",
        _seeing,
        lambda complaint, _row: f"/desk/cases/{complaint.number}/file/",
    ),
)


# --- Proposals of complainants --------------------------------------------------------------------
def _remind_proposals(calendar: WorkingCalendar, *, days: int, now: datetime) -> int:
    """Once a week: the heads of a department whose answer is out, and who judges proposals nobody judged (FB-10)."""
    today = timezone.localdate(now)
    until = _working_days_before(calendar, today, days)
    week = "{}-{}".format(*today.isocalendar()[:2])
    told = 0
    routed = Proposal.objects.filter(is_valuable=True, answered_at=None, judged_at__date__lte=until)
    for row in routed.order_by("pk"):
        told += notify.tell(
            notify.heads_of([row.department_id] if row.department_id else []),
            "proposal_waits",
            url=f"/desk/proposals/{row.pk}/",
            dedupe=f"proposal_waits:{row.pk}:{week}",
            by_email=False,
        )
    count = Proposal.objects.filter(is_valuable=None, at__date__lte=until).count()
    if count:
        told += notify.tell(
            notify.holders_of(RETURNS),
            "proposals_to_judge",
            url="/desk/proposals/",
            dedupe=f"proposals_to_judge:{week}",
            by_email=False,
            count=count,
        )
    return told


def _working_days_before(calendar: WorkingCalendar, day: date, count: int) -> date:
    """The day that lies so many working days back."""
    earlier = day
    while calendar.working_days_between(earlier, day) < count:
        earlier = earlier.fromordinal(earlier.toordinal() - 1)
    return earlier

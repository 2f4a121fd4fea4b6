"""Until when a complainant is asked to answer, and what happens when nothing came (SCR-06, IN-36)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.models import User
from complaints import clocks, notify, office_terms
from complaints.calendars import CalendarMissing
from complaints.models import ClockPause, Complaint, SupplementRequest
from complaints.states import Status


def usual_day(complaint: Complaint, *, now: datetime) -> date | None:
    """The day offered to the officer; None when the calendar lacks that year."""
    terms, today = office_terms.all_of(office_terms.current()), timezone.localdate(now)
    try:
        day = clocks.working_calendar(complaint.policy.slots).add_working_days(today, terms["information"])
    except CalendarMissing:
        return None
    return min(day, today + timedelta(days=terms["information_most"] - 1))


def end_of(day: date) -> datetime:
    """The last second of a day here: an answer of that day is in time."""
    return timezone.make_aware(datetime.combine(day, time(23, 59, 59)))


def tell_expired(*, now: datetime) -> int:
    """Tell who looks after the case, once, that the time to answer is over. Returns how many were told.

    A request without a day that stopped the clocks is told of where they run on again (screening.go_on); one that
    never stopped them, by the policy of its case, after the same time here (SLA-13).
    """
    told = 0
    stopped = ClockPause.objects.filter(complaint=OuterRef("complaint"), started_at=OuterRef("asked_at"))
    wait = timedelta(days=office_terms.of("information_wait"))
    without_day = Q(due_at=None, asked_at__lte=now - wait) & ~Exists(stopped)
    waiting = SupplementRequest.objects.filter(answered_at=None, complaint__status=Status.AWAITING_INFORMATION)
    expired = waiting.filter(Q(due_at__lte=now) | without_day)
    for request in expired.select_related("complaint__coordinator", "complaint__complainant", "asked_by"):
        told += notify.tell(
            _in_charge(request),
            "supplement_expired",
            complaint=request.complaint,
            dedupe=f"supplement_expired:{request.pk}",
            by_email=False,
        )
    return told


def _in_charge(request: SupplementRequest) -> list[User]:
    """The coordinator of the case, else who asked, else everybody who screens."""
    person = request.complaint.coordinator or request.asked_by
    return [person] if person and person.is_active else list(notify.holders_of("complaints.screen_complaint"))

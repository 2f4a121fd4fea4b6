"""Daily contact: whose case was promised news every working day, and got none (SLA-14)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from complaints import clocks, notify
from complaints.calendars import CalendarMissing
from complaints.models import CaseLane, Contact
from complaints.states import OPEN, ContactDirection

BATCH = 500


def remind_daily_contact(*, now: datetime | None = None) -> dict[str, int]:
    """Each working day: tell the senior person of a case that nobody rang or wrote since the last working day began.

    Told once a day however often this runs; a lane that began since then is not late yet. Other days and years
    without a calendar: nothing.
    """
    now = now or timezone.now()
    today = timezone.localdate(now)
    calendar = clocks.working_calendar()
    try:
        if not calendar.is_working_day(today):
            return {"told": 0}
        day = today - timedelta(days=1)
        while not calendar.is_working_day(day):
            day -= timedelta(days=1)
        since = calendar.opening(day)
    except CalendarMissing:
        return {"told": 0}
    rows = CaseLane.objects.filter(
        Q(reminded_on=None) | Q(reminded_on__lt=today),
        ended_at=None,
        daily_contact=True,
        at__lt=since,
        complaint__status__in=[str(status) for status in OPEN],
    )
    contacted = Contact.objects.filter(direction=ContactDirection.OUT, at__gte=since, at__lte=now)
    late = rows.exclude(complaint__in=contacted.values("complaint")).order_by("pk")
    told = sum(_tell(pk, now=now) for pk in late.values_list("pk", flat=True)[:BATCH])
    return {"told": told}


@transaction.atomic
def _tell(pk: int, *, now: datetime) -> int:
    today = timezone.localdate(now)
    row = CaseLane.objects.select_for_update(of=("self",)).select_related("complaint__complainant", "senior").get(pk=pk)
    if row.ended_at is not None or row.reminded_on == today:
        return 0
    row.reminded_on = today
    row.save(update_fields=["reminded_on"])
    people = [row.senior] if row.senior else notify.keepers(row.complaint)
    return notify.tell(people, "daily_contact", complaint=row.complaint, dedupe=f"daily_contact:{row.pk}:{today}")

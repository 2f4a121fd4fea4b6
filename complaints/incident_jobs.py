"""Alarms of the response to incidents: the next bulletin, the first contact (INC-06, SLA-09, SLA-10)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from complaints import incidents, notify, office_terms
from complaints.models import IncidentResponse


def remind_bulletins(*, now: datetime | None = None) -> dict[str, int]:
    """Tell, once each, that a bulletin or the first contact is near its time or over it.

    A bulletin: as long before as the office says and when it is due. The first contact: as long before its end as the
    office says and at its end, where somebody was not reached. Safe to run twice or beside itself.
    """
    now = now or timezone.now()
    terms = office_terms.all_of(office_terms.current())
    people = list((notify.holders_of(incidents.MANAGE) | notify.holders_of(incidents.RELEASE)).distinct())
    open_ones = IncidentResponse.objects.filter(incident__closed_at=None).select_related("incident").order_by("pk")
    near = overdue = contacts = 0
    soon = now + incidents.near("bulletin_near", terms)
    waiting = open_ones.filter(overdue_told_at=None, next_bulletin_due_at__lte=soon)
    for row in waiting:
        due = row.next_bulletin_due_at
        if due is not None and due > now:
            near += bool(_tell(row, "bulletin_near", due, people))
        elif due is not None:
            overdue += _tell_overdue(row, due, people, now=now)
    soon = now + incidents.near("contact_near", terms)
    late = open_ones.filter(first_contact_told_at=None, first_contact_due_at__lte=soon)
    for row in late:
        contacts += _tell_contact(row, people, now=now)
    return {"near": near, "overdue": overdue, "first_contact": contacts}


def _tell_overdue(row: IncidentResponse, due: datetime, people: list[User], *, now: datetime) -> int:
    """Claimed by a conditional update on the time it was due, so a bulletin released meanwhile is not told of."""
    with transaction.atomic():
        mine = IncidentResponse.objects.filter(pk=row.pk, overdue_told_at=None, next_bulletin_due_at=due)
        if not mine.update(overdue_told_at=now):
            return 0
        _tell(row, "bulletin_overdue", due, people)
    return 1


def _tell_contact(row: IncidentResponse, people: list[User], *, now: datetime) -> int:
    missing = incidents.not_reached(row.incident).count()
    due = row.first_contact_due_at
    if due > now:
        return bool(missing and _tell(row, "first_contact_near", due, people, count=missing))
    with transaction.atomic():
        if not IncidentResponse.objects.filter(pk=row.pk, first_contact_told_at=None).update(first_contact_told_at=now):
            return 0
        return bool(missing and _tell(row, "first_contact_over", due, people, count=missing))


def _tell(row: IncidentResponse, kind: str, due: datetime, people: list[User], **params: Any) -> int:
    moment = timezone.localtime(due)
    return notify.tell(
        people,
        kind,
        dedupe=f"{kind}:{row.pk}:{int(moment.timestamp())}",
        url=incidents.page_url(row.incident.number),
        incident=row.incident.number,
        due=moment.isoformat(timespec="minutes"),
        **params,
    )

"""Each month a few telephone conversations are picked at random and scored (QUA-07)."""

from __future__ import annotations

import math
from datetime import datetime
from secrets import SystemRandom
from typing import Any

from django.db import transaction
from django.db.models import Avg, Count, QuerySet
from django.utils import timezone

from accounts.models import User
from complaints.models import CallSample, Complaint, Contact, JobRun
from complaints.months import bounds, month_before
from complaints.states import Channel, ContactOutcome

JOB = "sample_calls"
# So many percent of a month's calls, within these bounds.
PERCENT, LEAST, MOST = 2, 5, 100


def size_of(calls: int) -> int:
    """How many of so many calls are scored: 2 %, at least 5 and at most 100, never more than there are."""
    return min(calls, max(LEAST, min(MOST, math.ceil(calls * PERCENT / 100))))


@transaction.atomic
def sample_calls(*, now: datetime | None = None) -> dict[str, Any]:
    """Pick the calls of the month before `now`. The first run of a month picks; later ones find it done."""
    now = now or timezone.now()
    period = month_before(now)
    run, _is_new = JobRun.objects.get_or_create(job=JOB, period=period, defaults={"started_at": now})
    run = JobRun.objects.select_for_update().get(pk=run.pk)
    if run.state == JobRun.State.DONE:
        return {"period": period, "picked": 0}
    start, end = bounds(period)
    calls = Contact.objects.filter(
        channel=Channel.PHONE, outcome=ContactOutcome.REACHED, at__gte=start, at__lt=end
    ).exclude(by=None)
    frame = list(calls.filter(sample=None).order_by("pk").values_list("pk", flat=True))
    picked = SystemRandom().sample(frame, size_of(len(frame)))
    CallSample.objects.bulk_create(CallSample(contact_id=pk, period=period, picked_at=now) for pk in sorted(picked))
    run.state, run.finished_at, run.result = JobRun.State.DONE, now, {"calls": len(frame), "picked": len(picked)}
    run.save(update_fields=["state", "finished_at", "result"])
    return {"period": period, "picked": len(picked)}


def visible_to(user: User) -> QuerySet[CallSample]:
    """The sampled calls of cases the person sees."""
    return CallSample.objects.filter(contact__complaint__in=Complaint.objects.visible_to(user)).select_related(
        "contact__complaint", "contact__by", "scored_by", "standard"
    )


def by_period() -> list[dict[str, Any]]:
    """Each period, newest first: calls picked, calls scored, mean of the totals. One query."""
    rows = CallSample.objects.order_by("-period").values("period")
    found = rows.annotate(picked=Count("pk"), scored=Count("scored_at"), mean=Avg("total"))[:24]
    return [dict(row) for row in found]

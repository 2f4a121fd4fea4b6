"""The hourly look at what is overdue inside the reviews, and at reviews that wait for the working calendar."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from review import clocks, materials


def watch(*, now: datetime | None = None) -> dict[str, int]:
    """Date the reviews that had no calendar (SLA-12); tell, once each, of overdue steps (REV-01), and log records not
    delivered in time (REV-16).

    Returns how many of each. Safe to run twice or beside itself.
    """
    now = now or timezone.now()
    dated = clocks.catch_up(now=now)
    return {"dated": dated, "steps": clocks.watch(now=now), "materials": materials.watch(now=now)}

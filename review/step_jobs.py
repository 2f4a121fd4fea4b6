"""The hourly look at what is overdue inside the reviews."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from review import clocks, materials


def watch(*, now: datetime | None = None) -> dict[str, int]:
    """Tell, once each, of overdue steps (REV-01), and log records not delivered in time (REV-16).

    Returns how many of each. Safe to run twice or beside itself.
    """
    now = now or timezone.now()
    return {"steps": clocks.watch(now=now), "materials": materials.watch(now=now)}

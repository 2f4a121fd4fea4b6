"""The daily round over what was asked of others: suppliers, departments upstream, who carries out resolutions."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from analytics import resolutions, suppliers, upstream


def watch(*, now: datetime | None = None) -> dict[str, int]:
    """Remind of what is beyond its date; each thing is told once (IMP-10, IMP-11, IMP-12, AN-30)."""
    now = now or timezone.now()
    return {"told": suppliers.remind(now=now) + upstream.remind(now=now) + resolutions.remind(now=now)}

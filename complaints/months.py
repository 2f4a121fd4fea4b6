"""Calendar months of the office, written 2026-10."""

from __future__ import annotations

import re
from datetime import datetime

from django.utils import timezone

_MONTH = re.compile(r"(20\d{2})-(0[1-9]|1[0-2])", re.ASCII)


def month_before(moment: datetime) -> str:
    """The month before the one `moment` lies in."""
    day = timezone.localdate(moment)
    months = day.year * 12 + day.month - 2
    return f"{months // 12}-{months % 12 + 1:02}"


def is_month(period: str) -> bool:
    return _MONTH.fullmatch(period) is not None


def bounds(period: str) -> tuple[datetime, datetime]:
    """Start and end of a month, half-open, in the office's time zone."""
    year, month = (int(part) for part in period.split("-"))
    following = year * 12 + month
    return (
        timezone.make_aware(datetime(year, month, 1)),
        timezone.make_aware(datetime(following // 12, following % 12 + 1, 1)),
    )

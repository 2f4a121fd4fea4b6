"""The cases behind a number as a file, masked: what was chosen from lists, moments and counts (AN-32).

Nothing that anybody wrote is in it, so no name, contact, address or text; a typed product or outlet is named only where
five or more cases of the file have it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from analytics import drill
from analytics.registry import SMALL
from analytics.scope import result_of
from complaints.models import Complaint
from complaints.states import Channel, CustomerTier, EmotionIntensity, LateReason, RiskGrade, Status

_MOMENTS = ("received_at", "registered_at", "accepted_at", "replied_at", "first_closed_at")
_TYPED = ("product", "outlet")
_COLUMNS = (
    "pk", "number", "status", "is_valid", "channel", "category__code", "category__name", "lead_department__name",
    "risk_grade", "legal_type__name", "customer_tier", "emotion_intensity", "is_repeat", "rework_rounds",
    "return_rounds", "late_reason", *_TYPED, *_MOMENTS,
)  # fmt: skip


def heading() -> list[str]:
    """The columns of the file."""
    return [
        _("Case"), _("Counts"), _("Status"), _("Result"), _("Channel"), _("Code"), _("Category"), _("Department"),
        _("Risk"), _("Legal risk"), _("Customer tier"), _("Intensity of emotion"), _("Repeat complaint"),
        _("Returned for rework"), _("Sent back by departments"), _("Reason for lateness"), _("Product or service"),
        _("Outlet or counter"), _("Received"), _("Registered"), _("Accepted"), _("Replied"), _("Closed"),
    ]  # fmt: skip


def rows(found: dict[int, int], user: User) -> Iterator[list[Any]]:
    """One line per case that the person may see, the newest first; `found` says how often each counts."""
    wanted = sorted(found, reverse=True)
    parts = [wanted[start : start + drill.AT_ONCE] for start in range(0, len(wanted), drill.AT_ONCE)]
    named = _named(_visible(user).filter(pk__in=some) for some in parts)
    for some in parts:
        for row in _visible(user).filter(pk__in=some).order_by("-pk").values(*_COLUMNS).iterator():
            yield _line(row, found[row["pk"]], named)


def _visible(user: User) -> QuerySet[Complaint]:
    cases: QuerySet[Complaint] = Complaint.objects.visible_to(user)
    return cases


def _named(parts: Iterable[QuerySet[Complaint]]) -> dict[str, set[str]]:
    """The typed values that enough cases have to be named."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in _TYPED}
    for cases in parts:
        for values in cases.order_by().values_list(*_TYPED):
            for name, value in zip(_TYPED, values, strict=True):
                counts[name][value] += 1
    return {name: {value for value, n in counted.items() if n >= SMALL} for name, counted in counts.items()}


def _line(row: dict[str, Any], times: int, named: dict[str, set[str]]) -> list[Any]:
    typed = [
        value if not value or value in named[name] else _("All others") for name in _TYPED for value in [row[name]]
    ]
    return [
        row["number"],
        times,
        str(Status(row["status"]).label),
        str(result_of(row["status"], row["is_valid"]).label),
        str(Channel(row["channel"]).label),
        row["category__code"] or "",
        row["category__name"] or "",
        row["lead_department__name"] or "",
        str(RiskGrade(row["risk_grade"]).label),
        row["legal_type__name"] or "",
        str(CustomerTier(row["customer_tier"]).label) if row["customer_tier"] else "",
        str(EmotionIntensity(row["emotion_intensity"]).label),
        int(row["is_repeat"]),
        row["rework_rounds"],
        row["return_rounds"],
        str(LateReason(row["late_reason"]).label) if row["late_reason"] else "",
        *typed,
        *(_moment(row[name]) for name in _MOMENTS),
    ]


def _moment(at: datetime | None) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}" if at else ""

"""What a customer tier gets beside the ordinary service, where an organisation offers that at all (SPG-07, SPG-08).

Off until a tier is switched on under settings, and never for a government policy: before an authority everybody
is the same. A tier names a manager and may open the fast lane; it changes no limit.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput, NotAllowed, StaleVersion
from accounts.models import User
from complaints.models import Complaint, Deadline, ServicePolicy, TierService
from complaints.states import CustomerTier, Milestone

EDITORS = ("complaints.edit_reference",)
# How far the figure looks before and after a tier was switched on, and how many contacts it reads at most.
WINDOW = timedelta(days=90)
MOST_READ = 20_000
OFFERED = (CustomerTier.HIGH_VALUE, CustomerTier.VIP)


def service_of(complaint: Complaint) -> TierService | None:
    """What the customer's tier gets on this case; None where the module is off or the policy is a government's."""
    if complaint.customer_tier not in OFFERED or complaint.policy.is_government:
        return None
    found = TierService.objects.filter(tier=complaint.customer_tier, is_active=True).select_related("manager").first()
    return found


def is_allowed() -> bool:
    """Whether tiers can be offered here: not where the policy new cases are bound to is a government's (SPG-08)."""
    return not ServicePolicy.objects.filter(is_default=True, is_government=True).exists()


@transaction.atomic
def save(
    tier: str,
    *,
    by: User,
    manager: User | None,
    fast_lane: bool,
    promise: str,
    is_active: bool,
    seen: str = "",
    at: datetime,
) -> TierService:
    """Say what a tier gets. `seen` is the moment of the last change the person saw, "" for none.

    Raises NotAllowed, InvalidInput by field, StaleVersion when somebody else changed it since.
    """
    if not by.is_active or not any(by.has_perm(name) for name in EDITORS):
        raise NotAllowed(_("Your role does not change these rules."))
    if tier not in OFFERED:
        raise InvalidInput("tier", _("Choose one."))
    if is_active and not is_allowed():
        raise InvalidInput("is_active", _("A government policy treats everybody the same; tiers stay off."))
    if is_active and not promise.strip():
        raise InvalidInput("promise", _("Say in words everybody may read what this tier gets."))
    row = TierService.objects.select_for_update().filter(tier=tier).first()
    if seen != stamp(row):
        raise StaleVersion(0)
    row = row or TierService(tier=tier)
    row.manager, row.fast_lane, row.promise, row.is_active = manager, fast_lane, promise.strip(), is_active
    row.changed_at, row.changed_by = at, by
    row.save()
    return row


def stamp(row: TierService | None) -> str:
    """Changes with every change of a tier."""
    return row.changed_at.isoformat() if row else ""


# --- The figure ---------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Wait:
    """Median hours from the start of the clock to the first contact, and how many contacts stand behind it."""

    label: str
    before: float | None
    before_count: int
    after: float | None
    after_count: int


def waits(*, since: datetime, now: datetime) -> list[Wait]:
    """Waiting for the first contact by tier, 90 days before `since` and the days after it (SPG-08). One query.

    Ordinary customers stand first: they are the ones who must not wait longer.
    """
    rows = Deadline.objects.filter(
        milestone=Milestone.FIRST_CONTACT,
        stopped_at__gte=since - WINDOW,
        stopped_at__lt=min(now, since + WINDOW),
    ).order_by("-stopped_at")
    found: dict[tuple[str, bool], list[float]] = defaultdict(list)
    values = rows.values_list("complaint__customer_tier", "started_at", "stopped_at")
    for tier, started, stopped in values[:MOST_READ]:
        if stopped is None:
            continue
        tier = tier if tier in OFFERED else CustomerTier.ORDINARY
        found[str(tier), stopped >= since].append((stopped - started) / timedelta(hours=1))
    return [
        Wait(
            str(tier.label),
            _median(found[str(tier), False]),
            len(found[str(tier), False]),
            _median(found[str(tier), True]),
            len(found[str(tier), True]),
        )
        for tier in CustomerTier
    ]


def _median(hours: list[float]) -> float | None:
    return round(median(hours), 1) if hours else None


def page(*, now: datetime) -> dict[str, Any]:
    """What the page about tiers shows: each tier that can be offered, and the waiting times of everybody."""
    rows = {row.tier: row for row in TierService.objects.select_related("manager", "changed_by")}
    active = [row for row in rows.values() if row.is_active]
    since = min((row.changed_at for row in active), default=None)
    return {
        "lines": [(tier.value, tier.label, rows.get(tier.value)) for tier in OFFERED],
        "is_allowed": is_allowed(),
        "since": since,
        "waits": waits(since=since, now=now) if since else [],
    }

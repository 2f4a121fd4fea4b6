"""Limits on what one address or contact may do in a while, counted in the cache (PI-02, PI-10).

No third party is asked and no person is shut out for good: a full budget empties by itself, and a
wait after wrong tries is at most a minute. Two requests at the same moment may count as one; the
limits are wide enough for that. Keys are hashes, so the cache holds no address and no number.
"""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache
from django.http import HttpRequest

from accounts import security
from accounts.crypto import keyed_hash

HOUR = 3600
DAY = 24 * HOUR
# The longest a person waits after a wrong try, in seconds.
LONGEST_WAIT = 60


@dataclass(frozen=True)
class Limit:
    """At most `amount` (times or bytes) in a window of `seconds`."""

    name: str
    amount: int
    seconds: int


FILED_BY_ADDRESS = Limit("filed-address", 300, HOUR)
FILED_BY_CONTACT = Limit("filed-contact", 100, DAY)
BEGUN_BY_ADDRESS = Limit("begun-address", 600, HOUR)
SAID_ON_CASE = Limit("said-case", 60, DAY)
SENT_BY_ADDRESS = Limit("sent-address", 2 * 1024**3, HOUR)


def address_of(request: HttpRequest) -> str:
    """Who counts as one address: an IPv4 address, or the /64 network that one IPv6 household has."""
    address = security.client_address(request) or ""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return address if parsed.version == 4 else str(ipaddress.ip_network(f"{address}/64", strict=False))


def spend(limit: Limit, who: str, *, at: datetime, cost: int = 1) -> bool:
    """Count `cost` against the budget of `who`; False, counting nothing, when it would go over."""
    key = _key(f"{limit.name}:{int(at.timestamp()) // limit.seconds}", who)
    used = cache.get(key, 0) + cost
    if used > limit.amount:
        return False
    cache.set(key, used, limit.seconds)
    return True


def spend_filing(address: str, contact: str, *, at: datetime) -> bool:
    """Count a complaint against the budgets of its sender and of the contact it names (PI-10)."""
    return spend(FILED_BY_ADDRESS, address, at=at) and spend(FILED_BY_CONTACT, contact, at=at)


def is_spent(limit: Limit, who: str, *, at: datetime) -> bool:
    """Whether nothing is left of the budget of `who` in this window."""
    return cache.get(_key(f"{limit.name}:{int(at.timestamp()) // limit.seconds}", who), 0) >= limit.amount


def wait(name: str, who: str, *, at: datetime) -> int:
    """Seconds that `who` still has to wait before the next try; 0 when free."""
    _count, until = cache.get(_key(name, who), (0, 0.0))
    return max(0, math.ceil(round(until - at.timestamp(), 3)))


def failed(name: str, who: str, *, free: int, at: datetime) -> int:
    """Note a wrong try and return how many there were. After `free` tries each wait is twice the last."""
    key = _key(name, who)
    count = cache.get(key, (0, 0.0))[0] + 1
    pause = min(2 ** (count - free - 1), LONGEST_WAIT) if count > free else 0
    cache.set(key, (count, at.timestamp() + pause), HOUR)
    return count


def forgive(name: str, who: str) -> None:
    """Forget the wrong tries of `who` after a right one."""
    cache.delete(_key(name, who))


def _key(name: str, who: str) -> str:
    return f"throttle:{name}:{keyed_hash('throttle', who or 'unknown')}"

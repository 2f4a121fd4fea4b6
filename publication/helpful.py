"""How often a result is read and found helpful, counted without recognising anybody (PUB-34).

Reading: the page is the same for everybody and sets no cookie, so what is counted is pages sent, robots roughly
left out; whoever has the page already, or gets it from a cache on the way, is not counted. The figure is a lower
bound. Each process collects for half a minute at busy times and writes once; what a process had collected when it
was stopped is lost.

Helpful or not: one answer per result, address and day. The address is kept nowhere but as a keyed hash in the cache,
until midnight, and never beside the result.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections import Counter
from datetime import date, datetime, timedelta

from django.core.cache import cache
from django.db import DatabaseError, transaction
from django.db.models import F
from django.utils import timezone

from accounts.crypto import keyed_hash
from publication.models import Channel, PublishedResult, ResultDay

logger = logging.getLogger("huiyin.publication")

WRITE_EVERY = 30
MOST_KEYS = 2000
_CHANNEL = re.compile(r"[\w-]{1,40}", re.ASCII)
_ROBOT = re.compile(
    r"bot|crawl|spider|slurp|archiver|monitor|preview|headless|curl|wget|python|java/|go-http|httpclient|okhttp|scrapy",
    re.IGNORECASE,
)
Key = tuple[int, date, str]


class _Collected:
    """Views of this process that are not written yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[Key] = Counter()
        self._written = float("-inf")

    def add(self, key: Key) -> bool:
        """Count one; True when it is time to write."""
        with self._lock:
            # Strangers can invent channels; they cannot fill the memory with them.
            if key in self._counts or len(self._counts) < MOST_KEYS:
                self._counts[key] += 1
            return time.monotonic() - self._written >= WRITE_EVERY

    def take(self) -> Counter[Key]:
        with self._lock:
            found, self._counts = self._counts, Counter()
            self._written = time.monotonic()
            return found


_collected = _Collected()


def note_view(result_id: int, *, channel: str, agent: str, at: datetime) -> None:
    """Count that a page of a result was sent; `channel` is the code in the address of a QR code, or ""."""
    if not agent or _ROBOT.search(agent):
        return
    channel = channel if _CHANNEL.fullmatch(channel) else ""
    if _collected.add((result_id, timezone.localdate(at), channel)):
        write_views()


def write_views() -> int:
    """Write what this process has collected and return how many views that were.

    A database that does not take it makes no page fail; these views are not counted then.
    """
    counts = _collected.take()
    try:
        return _write(counts) if counts else 0
    except DatabaseError as error:
        logger.warning("views not counted", extra={"code": type(error).__name__})
        return 0


@transaction.atomic
def _write(counts: Counter[Key]) -> int:
    results = set(PublishedResult.objects.filter(pk__in={key[0] for key in counts}).values_list("pk", flat=True))
    codes = {key[2] for key in counts} - {""}
    channels = set(Channel.objects.filter(code__in=codes).order_by().values_list("code", flat=True)) if codes else set()
    merged: Counter[Key] = Counter()
    for (result_id, day, channel), number in counts.items():
        if result_id in results:
            merged[result_id, day, channel if channel in channels else ""] += number
    for (result_id, day, channel), number in sorted(merged.items()):
        _add(result_id, day, channel, views=number)
    return sum(merged.values())


def _add(result_id: int, day: date, channel: str, **numbers: int) -> None:
    row, _made = ResultDay.objects.get_or_create(result_id=result_id, day=day, channel=channel)
    ResultDay.objects.filter(pk=row.pk).update(**{name: F(name) + number for name, number in numbers.items()})


def vote(result: PublishedResult, *, is_helpful: bool, address: str, at: datetime) -> bool:
    """Count one answer; False, counting nothing, when this address answered for this result today."""
    today = timezone.localdate(at)
    midnight = timezone.make_aware(datetime.combine(today + timedelta(days=1), datetime.min.time()))
    seen = keyed_hash("helpful", f"{result.pk}|{today}|{address or 'unknown'}")
    if not cache.add(f"helpful:{seen}", True, max(1, int((midnight - at).total_seconds()))):
        return False
    with transaction.atomic():
        _add(result.pk, today, "", **{"helpful" if is_helpful else "unhelpful": 1})
    return True

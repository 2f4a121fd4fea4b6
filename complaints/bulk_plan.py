"""What the benchmark cases are made from: who works on them, how many a day, and who complains."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property

from django.utils import timezone

from accounts.crypto import encrypt
from complaints import bulk_texts, identity
from complaints.models.people import ContactKind

CHUNK = 1000
YEARS = 3


@dataclass(frozen=True)
class Desk:
    """Who works on the cases: primary keys only, so that it can be handed to another process."""

    intake: tuple[int, ...]
    coordinators: tuple[int, ...]
    checkers: tuple[int, ...]
    departments: tuple[int, ...]
    handlers: dict[int, tuple[int, ...]]
    categories: dict[str, int]


@dataclass
class Plan:
    """How many cases, over which days, with which numbers."""

    complaints: int
    seed: int
    now: datetime
    desk: Desk
    first_numbers: dict[date, int] = field(default_factory=dict)

    @cached_property
    def days(self) -> list[date]:
        last = timezone.localdate(self.now) - timedelta(days=1)
        return [last - timedelta(days=back) for back in range(365 * YEARS - 1, -1, -1)]

    def day_of(self, index: int) -> date:
        return self.days[index * len(self.days) // self.complaints]

    def position(self, index: int) -> int:
        """How many cases of the same day come before this one."""
        place = index * len(self.days) // self.complaints
        return index + (-place * self.complaints // len(self.days))

    def per_day(self) -> dict[date, int]:
        counts: dict[date, int] = {}
        for index in range(self.complaints):
            day = self.day_of(index)
            counts[day] = counts.get(day, 0) + 1
        return counts

    def chunks(self) -> Iterator[tuple[int, int]]:
        """(first, end) of every chunk."""
        for first in range(0, self.complaints, CHUNK):
            yield first, min(first + CHUNK, self.complaints)


class People:
    """Invented complainants, encrypted once each: many complain more than once."""

    def __init__(self, plan: Plan) -> None:
        self.size = max(20, min(300_000, plan.complaints // 3))
        self.seed = plan.seed
        self._known: dict[int, tuple[str, str, str]] = {}

    def pick(self, rng: random.Random) -> tuple[str, str, str]:
        """(encrypted name, encrypted phone, hash of the phone)."""
        # One complaint in five comes from the few who complain often: the first of them have hundreds in a million.
        share = rng.random() ** 2 if rng.random() < 0.2 else rng.random()
        index = int(share * self.size)
        if index not in self._known:
            name, phone = bulk_texts.person(random.Random(f"{self.seed}:{index}"))  # noqa: S311
            self._known[index] = (encrypt(name), encrypt(phone), identity.match_hash(ContactKind.PHONE, phone))
        return self._known[index]

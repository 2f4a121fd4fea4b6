"""The working calendar: which moments count as office time (SLA-12).

Monday to Friday, corrected by a table of exceptions: a holiday, or a make-up working day
(调休). A year without data raises CalendarMissing; nothing is ever guessed. Pure: no models,
no settings, no system time zone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from types import MappingProxyType
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
SATURDAY = 5
DAY = timedelta(days=1)
ZERO = timedelta(0)

Slot = tuple[time, time]
Translate = Callable[[str], str]

DEFAULT_SLOTS: tuple[Slot, ...] = ((time(8, 30), time(12, 0)), (time(13, 30), time(17, 30)))


def gettext_noop(message: str) -> str:
    """Mark a message for the catalogue.

    Django's own marker needs configured settings, and this module must work without any.
    """
    return message


SLOTS_EMPTY = gettext_noop("There are no working hours; give at least one slot such as 08:30-12:00.")
SLOT_REVERSED = gettext_noop("The slot %(slot)s ends before it starts; give the earlier time first.")
SLOTS_OVERLAP = gettext_noop(
    "The slots %(slot)s and %(next)s overlap or are out of order; separate them, earliest first."
)
SLOT_ZONED = gettext_noop("The slot %(slot)s carries a time zone; give plain times of day.")


class CalendarMissing(LookupError):
    """The working calendar holds nothing for a year; the case is marked and an alarm raised."""

    def __init__(self, year: int) -> None:
        self.year = year
        super().__init__(f"The working calendar has no data for {year}; load the holidays of {year} and try again.")

    def __reduce__(self) -> tuple[type[CalendarMissing], tuple[int]]:
        return type(self), (self.year,)


class InvalidSetting(ValueError):
    """A calendar, rule or profile value that cannot be used: `field` and a sentence with the mend."""

    def __init__(self, field: str, message: str, **params: object) -> None:
        self.field = field
        self.message = message
        self.params = params
        super().__init__(f"{field}: {self.text()}")

    def text(self, translate: Translate = str) -> str:
        return translate(self.message) % self.params


class DayKind(StrEnum):
    WORKING = "working"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    MAKEUP = "makeup"


def check_slots(slots: Sequence[Slot], field: str = "slots") -> None:
    """Refuse working hours that are empty, reversed, overlapping or out of order (InvalidSetting)."""
    if not slots:
        raise InvalidSetting(field, SLOTS_EMPTY)
    for start, end in slots:
        if start.tzinfo or end.tzinfo:
            raise InvalidSetting(field, SLOT_ZONED, slot=_slot_text((start, end)))
        if end <= start:
            raise InvalidSetting(field, SLOT_REVERSED, slot=_slot_text((start, end)))
    for earlier, later in pairwise(slots):
        if later[0] < earlier[1]:
            raise InvalidSetting(field, SLOTS_OVERLAP, slot=_slot_text(earlier), next=_slot_text(later))


def _slot_text(slot: Slot) -> str:
    return f"{slot[0]:%H:%M}-{slot[1]:%H:%M}"


def _since_midnight(moment: time) -> timedelta:
    return timedelta(hours=moment.hour, minutes=moment.minute, seconds=moment.second, microseconds=moment.microsecond)


@dataclass(frozen=True)
class WorkingCalendar:
    """Working days and hours of one office.

    `exceptions` maps a day to True (make-up working day) or False (holiday); all other days of
    a year in `years` follow Monday to Friday. `provisional` years hold the statutory holidays
    only: their make-up days are not announced yet. `slots` are the office hours of a working
    day in wall-clock time of `tz`.
    """

    exceptions: Mapping[date, bool]
    years: frozenset[int]
    provisional: frozenset[int] = frozenset()
    names: Mapping[date, str] = field(default_factory=lambda: MappingProxyType({}))
    slots: tuple[Slot, ...] = DEFAULT_SLOTS
    tz: ZoneInfo = SHANGHAI

    def __post_init__(self) -> None:
        check_slots(self.slots)

    # Days

    def is_working_day(self, day: date) -> bool:
        """Raises CalendarMissing when the year has no data."""
        if day.year not in self.years:
            raise CalendarMissing(day.year)
        return self.exceptions.get(day, day.weekday() < SATURDAY)

    def kind(self, day: date) -> DayKind:
        weekend = day.weekday() >= SATURDAY
        if self.is_working_day(day):
            return DayKind.MAKEUP if weekend else DayKind.WORKING
        return DayKind.HOLIDAY if day in self.exceptions else DayKind.WEEKEND

    def name(self, day: date) -> str:
        """The holiday's name, or an empty string."""
        return self.names.get(day, "")

    def working_day_on_or_after(self, day: date) -> date:
        while not self.is_working_day(day):
            day += DAY
        return day

    def next_working_day(self, day: date) -> date:
        """The first working day strictly after `day`."""
        return self.working_day_on_or_after(day + DAY)

    def add_working_days(self, day: date, count: int) -> date:
        """The `count`-th working day after `day`; `day` itself is not counted."""
        for _ in range(count):
            day = self.next_working_day(day)
        return day

    def working_days_between(self, first: date, last: date) -> int:
        """How many working days lie after `first`, up to and including `last`."""
        return sum(self.is_working_day(first + DAY * n) for n in range(1, (last - first).days + 1))

    def provisional_between(self, first: date, last: date) -> bool:
        """Whether a day from `first` to `last` lies in a year whose make-up days are not announced."""
        return any(year in self.provisional for year in range(first.year, last.year + 1))

    # Moments

    def local(self, at: datetime) -> datetime:
        """`at` in the office's time zone. Raises ValueError for a naive datetime."""
        if at.utcoffset() is None:
            raise ValueError(f"{at.isoformat()} has no time zone; add one, such as {at.isoformat()}+08:00.")
        return at.astimezone(self.tz)

    def opening(self, day: date) -> datetime:
        return datetime.combine(day, self.slots[0][0], self.tz)

    def closing(self, day: date) -> datetime:
        """The close of business of `day`, when a deadline counted in days falls."""
        return datetime.combine(day, self.slots[-1][1], self.tz)

    def is_open(self, at: datetime) -> bool:
        """Whether the office works at this moment; opening and closing both belong to the slot."""
        day, clock = self._split(at)
        return self.is_working_day(day) and any(start <= clock <= end for start, end in self._offsets)

    def working_instant(self, at: datetime) -> datetime:
        """`at` itself while the office is open, otherwise the next opening of a slot."""
        if self.is_open(at):
            return self.local(at)
        day, clock = self._split(at)
        if self.is_working_day(day):
            for start, _ in self._offsets:
                if clock < start:
                    return self._moment(day, start)
        return self.opening(self.next_working_day(day))

    # Working time

    @cached_property
    def _offsets(self) -> tuple[tuple[timedelta, timedelta], ...]:
        return tuple((_since_midnight(start), _since_midnight(end)) for start, end in self.slots)

    @cached_property
    def day_length(self) -> timedelta:
        """The working time of one full working day."""
        return self._worked_by(DAY)

    def working_time(self, start: datetime, end: datetime) -> timedelta:
        """Office time between two moments; zero when `end` is not after `start`."""
        if end <= start:
            return ZERO
        (first, start_clock), (last, end_clock) = self._split(start), self._split(end)
        whole_days = self.working_days_between(first, last)
        before_start = self._worked_by(start_clock) if self.is_working_day(first) else ZERO
        first_day = self.day_length if self.is_working_day(first) else ZERO
        after_end = self.day_length - self._worked_by(end_clock) if self.is_working_day(last) else ZERO
        return first_day - before_start + self.day_length * whole_days - after_end

    def add_working_time(self, at: datetime, amount: timedelta) -> datetime:
        """The earliest moment by which `amount` of office time has passed since `at`."""
        if amount < ZERO:
            raise ValueError("Working time to add is negative; use subtract_working_time.")
        if not amount:
            return self.working_instant(at)
        day, clock = self._split(at)
        if self.is_working_day(day):
            amount += self._worked_by(clock)
        while True:
            if self.is_working_day(day):
                if amount <= self.day_length:
                    return self._moment(day, self._clock_at(amount))
                amount -= self.day_length
            day += DAY

    def subtract_working_time(self, at: datetime, amount: timedelta) -> datetime:
        """The latest moment from which `amount` of office time passes until `at`."""
        if amount < ZERO:
            raise ValueError("Working time to subtract is negative; use add_working_time.")
        if not amount:
            return self.local(at)
        day, clock = self._split(at)
        if self.is_working_day(day):
            amount += self.day_length - self._worked_by(clock)
        while True:
            if self.is_working_day(day):
                if amount <= self.day_length:
                    return self._moment(day, self._clock_at(self.day_length - amount, latest=True))
                amount -= self.day_length
            day -= DAY

    def _split(self, at: datetime) -> tuple[date, timedelta]:
        """The local date and the wall-clock time since midnight."""
        local = self.local(at)
        return local.date(), _since_midnight(local.time())

    def _moment(self, day: date, clock: timedelta) -> datetime:
        return datetime.combine(day, (datetime.min + clock).time(), self.tz)

    def _worked_by(self, clock: timedelta) -> timedelta:
        """Office time of a working day gone by at `clock`."""
        return sum((max(ZERO, min(clock, end) - start) for start, end in self._offsets), ZERO)

    def _clock_at(self, worked: timedelta, *, latest: bool = False) -> timedelta:
        """The clock time at which `worked` has gone by: before the break, or after it if `latest`."""
        for start, end in self._offsets:
            length = end - start
            if worked < length or (worked == length and not latest):
                return start + worked
            worked -= length
        return self._offsets[-1][1]

"""Months and quarters of the office's calendar (AN-19). Pure: no tables.

A period is half-open, start <= t < end, in the office's time zone: a complaint registered at 00:00
of the first belongs to the new month and to no other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.dates import MONTHS, MONTHS_3
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.errors import InvalidInput

OFFICE = ZoneInfo("Asia/Shanghai")
FIRST_YEAR, LAST_YEAR = 2000, 2099
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)
_QUARTER = re.compile(r"(\d{4})-Q([1-4])", re.ASCII)


def _english() -> bool:
    """English writes months by name, Chinese by number."""
    return (get_language() or "").startswith("en")


@dataclass(frozen=True, order=True)
class Period:
    """`months` whole months from the first of a month; 1 is a month, 3 a quarter."""

    year: int
    month: int
    months: int = 1

    @property
    def code(self) -> str:
        """2026-10 or 2026-Q3."""
        return f"{self.year}-Q{(self.month + 2) // 3}" if self.months == 3 else f"{self.year}-{self.month:02}"

    @property
    def start(self) -> datetime:
        return datetime(self.year, self.month, 1, tzinfo=OFFICE)

    @property
    def end(self) -> datetime:
        return self.next.start

    @property
    def next(self) -> Period:
        return self._shifted(self.months)

    @property
    def previous(self) -> Period:
        return self._shifted(-self.months)

    @property
    def label(self) -> str:
        """2026 年 10 月, 2026 年第 3 季度 / October 2026, 2026, quarter 3."""
        if self.months == 3:
            return _("%(year)s, quarter %(number)s") % {"year": self.year, "number": (self.month + 2) // 3}
        if _english():
            return f"{MONTHS[self.month]} {self.year}"
        return _("%(year)s, month %(number)s") % {"year": self.year, "number": self.month}

    @property
    def short_label(self) -> str:
        """10 月 / Oct, for axes and comparisons."""
        if self.months == 3:
            return _("Q%(number)s") % {"number": (self.month + 2) // 3}
        if _english():
            return str(MONTHS_3[self.month]).capitalize()
        return _("M%(number)s") % {"number": self.month}

    def covers(self, other: Period) -> bool:
        return self.start <= other.start and other.end <= self.end

    def is_over(self, at: datetime) -> bool:
        return at >= self.end

    def has_begun(self, at: datetime) -> bool:
        return at >= self.start

    def last_months(self, count: int) -> list[Period]:
        """The `count` months up to and including the last month of this period, oldest first."""
        last = Period(self.year, self.month)._shifted(self.months - 1)
        return [last._shifted(-back) for back in range(count - 1, -1, -1)]

    def _shifted(self, months: int) -> Period:
        index = self.year * 12 + self.month - 1 + months
        return Period(index // 12, index % 12 + 1, self.months)


def parse(text: str) -> Period:
    """Read "2026-10" or "2026-Q3". Raises InvalidInput("period") saying what is expected."""
    if found := _MONTH.fullmatch(text):
        period = Period(int(found[1]), int(found[2]))
    elif found := _QUARTER.fullmatch(text):
        period = Period(int(found[1]), int(found[2]) * 3 - 2, 3)
    else:
        raise InvalidInput(
            "period", _("“%(text)s” is no period; write a month as 2026-10 or a quarter as 2026-Q3."), text=text[:20]
        )
    if not FIRST_YEAR <= period.year <= LAST_YEAR:
        raise InvalidInput(
            "period", _("The year must lie between %(first)s and %(last)s."), first=FIRST_YEAR, last=LAST_YEAR
        )
    return period


def month_of(at: datetime) -> Period:
    """The month in which a moment falls in the office."""
    local = at.astimezone(OFFICE)
    return Period(local.year, local.month)


def begun(text: str, *, at: datetime) -> Period:
    """A period that can have figures. Raises InvalidInput when it lies in the future."""
    period = parse(text)
    if not period.has_begun(at):
        raise InvalidInput("period", _("%(period)s has not begun yet."), period=period.label)
    return period


def finished(text: str, *, at: datetime) -> Period:
    """A period that can be reported: it is over. Raises InvalidInput otherwise."""
    period = begun(text, at=at)
    if not period.is_over(at):
        raise InvalidInput(
            "period",
            _("%(period)s is not over yet; it can be reported from %(day)s."),
            period=period.label,
            day=f"{period.end:%Y-%m-%d}",
        )
    return period

"""One simple chart of a result: two figures, before and after, as bars (PUB-22).

The chart is a line of the text, so that it is masked, signed and hashed with it and reads as words where no picture
can be: feeds, open data, screen readers. The picture is made of the numbers of that line and of nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils.html import format_html
from django.utils.safestring import SafeString

_LINE = re.compile(
    r"^对比图：(?P<caption>[^｜\n]{1,40})｜整改前 (?P<before>\d[\d,]*(?:\.\d+)?) ?(?P<unit>[^\d｜\n\s]{1,4})"
    r"｜整改后 (?P<after>\d[\d,]*(?:\.\d+)?) ?(?P=unit)$"
)
_FIGURE = re.compile(r"(?P<number>\d[\d,]*(?:\.\d+)?)\s*(?P<unit>[^\d\s]{1,4})")
_WIDTH = 260  # of the longer bar, in the units of the view box
# Of the upright bars: their width, from one to the next, the room around the day, the tallest, where they stand, and
# how wide the picture is at least.
BAR, STEP, GAP, TALLEST, BASE, NARROWEST = 40, 60, 14, 150, 214, 360


@dataclass(frozen=True)
class Chart:
    """What the bars say; numbers as they stand in the text."""

    caption: str
    before: str
    after: str
    unit: str
    labels: tuple[str, str] = ("整改前", "整改后")

    @property
    def line(self) -> str:
        """The line of the text this chart is."""
        return f"对比图：{self.caption}｜整改前 {self.before} {self.unit}｜整改后 {self.after} {self.unit}"

    @property
    def figures(self) -> tuple[str, str]:
        """The two figures as the text writes them."""
        return f"{self.before} {self.unit}", f"{self.after} {self.unit}"

    @property
    def words(self) -> str:
        """What the bars say, for who does not see them."""
        first, second = self.labels
        return f"{first} {self.before} {self.unit}，{second} {self.after} {self.unit}"

    @property
    def svg(self) -> SafeString:
        """Two bars with their numbers; a screen reader skips them and reads the words beside them."""
        first, second = value(self.before), value(self.after)
        most = max(first, second) or Decimal(1)
        rows = [
            format_html(
                '<text x="0" y="{}" class="chart-label">{}</text><rect x="70" y="{}" width="{}" height="22" rx="3" '
                'class="{}"/><text x="{}" y="{}" class="chart-value">{} {}</text>',
                y + 16,
                label,
                y,
                width,
                cls,
                78 + width,
                y + 16,
                number,
                self.unit,
            )
            for y, label, number, width, cls in (
                (4, self.labels[0], self.before, max(2, round(_WIDTH * first / most)), "chart-before"),
                (38, self.labels[1], self.after, max(2, round(_WIDTH * second / most)), "chart-after"),
            )
        ]
        return format_html(
            '<svg class="result-chart" viewBox="0 0 430 66" width="430" fill="currentColor" aria-hidden="true">'
            "{}{}</svg>",
            *rows,
        )


@dataclass(frozen=True)
class Bar:
    """One month as a bar: the day it begins, its number, and where it stands in the picture."""

    start: date
    count: int
    is_after: bool
    x: int
    y: int
    height: int

    @property
    def middle(self) -> int:
        return self.x + BAR // 2


@dataclass(frozen=True)
class Months:
    """Months before and after the one of publication as upright bars (PUB-36); the places are units of the view box.

    `line` is where that month lies between the two.
    """

    bars: list[Bar]
    width: int
    line: int

    @classmethod
    def of(cls, months: Sequence[tuple[date, int, bool]]) -> Months:
        """From (start, number, is after), oldest first, of which at least one lies after."""
        most = max(1, *(count for _start, count, _after in months))
        first = next(index for index, (_start, _count, after) in enumerate(months) if after)
        bars = []
        for index, (start, count, after) in enumerate(months):
            height = max(2, round(TALLEST * count / most))
            # The month itself stands between two bars and needs room.
            x = index * STEP + (GAP if after else 0)
            bars.append(Bar(start, count, after, x, BASE - height, height))
        line = bars[first].x - (STEP - BAR + GAP) // 2
        return cls(bars, max(NARROWEST, bars[-1].x + STEP), line)

    @property
    def is_late(self) -> bool:
        """Whether the day lies in the right half: its words stand to the left of it then."""
        return 2 * self.line > self.width


def value(number: str) -> Decimal:
    return Decimal(number.replace(",", ""))


def parse(line: str) -> Chart | None:
    """The chart a line of text is, or None."""
    match = _LINE.match(line.strip())
    if match is None:
        return None
    return Chart(match["caption"], match["before"], match["after"], match["unit"])


def of_text(text: str) -> Chart | None:
    """The first chart of a text."""
    return next((found for found in map(parse, text.splitlines()) if found), None)


def without(text: str) -> str:
    """The text without the lines that are charts."""
    return "\n".join(line for line in text.splitlines() if parse(line) is None)


def split(figure: str) -> tuple[str, str] | None:
    """Number and unit of a figure such as "30 小时"; None when it is not that simple."""
    match = _FIGURE.fullmatch(figure.strip())
    return (match["number"], match["unit"]) if match else None

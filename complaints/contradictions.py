"""Where a new reply says something else than an earlier one: a plain comparison anybody can follow (COO-09).

Compared are numbers with a unit, dates, and the words of the finding and of responsibility. A number or date
counts as a difference only when each text holds one of the same kind that the other lacks; adding a fact is no
contradiction. It is a hint for the author, not a judgement, and it does not read numbers written in characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext_lazy as _

# Unit as written → unit compared, and how many of it.
_UNITS: dict[str, tuple[str, int]] = {
    "万元": ("元", 10_000),
    "元": ("元", 1),
    "个工作日": ("个工作日", 1),
    "工作日": ("个工作日", 1),
    "天": ("天", 1),
    "吨": ("吨", 1),
    "%": ("%", 1),
    "％": ("%", 1),
}
_NUMBER = re.compile(r"(\d[\d,，]{0,20}(?:\.\d{1,6})?)\s*(" + "|".join(_UNITS) + ")")
_DATES = (
    re.compile(r"(?:(\d{4})\s*年\s*)?(\d{1,2})\s*月\s*(\d{1,2})\s*[日号]"),
    re.compile(r"(\d{4})[-./](\d{1,2})[-./](\d{1,2})(?!\d)"),
)
_FINDING = re.compile("不属实|部分属实|基本属实|属实")
_RESPONSIBLE = re.compile(
    "(不承担|不负|没有|无|不存在)?(?:承担|负有|应负|有|负)?(?:任何|管理|全部|主要|次要|赔偿)?"
    "(?:责任(?!部门|单位|岗位|人|心|书)|过错)"
)
_LABELS: dict[str, Any] = {
    "元": _("Amount in yuan"),
    "个工作日": _("Working days"),
    "天": _("Days"),
    "吨": _("Tonnes"),
    "%": _("Percentage"),
    "date": _("Date"),
    "finding": _("Finding"),
    "responsibility": _("Responsibility"),
}


@dataclass(frozen=True)
class Difference:
    """What the earlier and the new text say about one kind of fact, as they put it."""

    label: Any
    before: str
    now: str


def compare(before: str, now: str) -> list[Difference]:
    """The differences between an earlier text and a new one, in a fixed order."""
    return [*_numbers(before, now), *_dates(before, now), *_words(before, now)]


def _numbers(before: str, now: str) -> Iterator[Difference]:
    earlier, newer = _amounts(before), _amounts(now)
    for unit in ("元", "个工作日", "天", "吨", "%"):
        only_before = _lacking(earlier.get(unit, {}), newer.get(unit, {}))
        only_now = _lacking(newer.get(unit, {}), earlier.get(unit, {}))
        if only_before and only_now:
            yield Difference(_LABELS[unit], "、".join(only_before), "、".join(only_now))


def _lacking(one: dict[Decimal, str], other: dict[Decimal, str]) -> list[str]:
    return [text for value, text in one.items() if value not in other]


def _amounts(text: str) -> dict[str, dict[Decimal, str]]:
    """Unit → number → how it is written."""
    found: dict[str, dict[Decimal, str]] = {}
    for match in _NUMBER.finditer(text):
        unit, factor = _UNITS[match.group(2)]
        try:
            number = Decimal(match.group(1).replace(",", "").replace("，", "")) * factor
        except InvalidOperation:
            continue
        found.setdefault(unit, {}).setdefault(number, match.group())
    return found


def _dates(before: str, now: str) -> Iterator[Difference]:
    earlier, newer = _days(before), _days(now)
    only_before = [text for day, text in earlier if not any(_same_day(day, other) for other, _text in newer)]
    only_now = [text for day, text in newer if not any(_same_day(day, other) for other, _text in earlier)]
    if only_before and only_now:
        yield Difference(_LABELS["date"], _joined(only_before), _joined(only_now))


def _days(text: str) -> list[tuple[tuple[str, int, int], str]]:
    """(year or "", month, day) and how it is written."""
    return [
        ((match.group(1) or "", int(match.group(2)), int(match.group(3))), match.group())
        for pattern in _DATES
        for match in pattern.finditer(text)
    ]


def _same_day(one: tuple[str, int, int], other: tuple[str, int, int]) -> bool:
    """The same month and day; a year left out fits every year."""
    return one[1:] == other[1:] and (one[0] == other[0] or not one[0] or not other[0])


def _words(before: str, now: str) -> Iterator[Difference]:
    earlier, newer = _FINDING.findall(before), _FINDING.findall(now)
    if earlier and newer and set(earlier) != set(newer):
        yield Difference(_LABELS["finding"], _joined(earlier), _joined(newer))
    denied, denies = _denials(before), _denials(now)
    if denied and denies and set(denied) != set(denies):
        yield Difference(_LABELS["responsibility"], _joined(list(denied.values())), _joined(list(denies.values())))


def _denials(text: str) -> dict[bool, str]:
    """Whether responsibility is denied → the words that say so or name it."""
    found: dict[bool, str] = {}
    for match in _RESPONSIBLE.finditer(text):
        found.setdefault(bool(match.group(1)), match.group())
    return found


def _joined(texts: list[str]) -> str:
    return "、".join(dict.fromkeys(texts))

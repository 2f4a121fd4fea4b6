"""How dates, sizes and numbers are written, in Chinese and English.

Dates are always concrete (11月23日 周一 17:30, Mon 23 Nov 17:30). The year is written only
when it is not the current one. Datetimes are turned into local time first; a missing value
gives an empty string.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django.utils import timezone
from django.utils.translation import get_language

Moment = datetime | date | None

_WEEKDAYS_ZH = "一二三四五六日"
_WEEKDAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _chinese() -> bool:
    return (get_language() or "zh-hans").startswith("zh")


def _local(value: datetime | date) -> datetime | date:
    if isinstance(value, datetime) and timezone.is_aware(value):
        return timezone.localtime(value)
    return value


def _today(now: datetime | None) -> date:
    return timezone.localtime(now or timezone.now()).date()


def _day(value: datetime | date) -> date:
    return value.date() if isinstance(value, datetime) else value


def _hour(value: datetime | date) -> str:
    return f" {value:%H:%M}" if isinstance(value, datetime) else ""


def zh_date(value: Moment, now: datetime | None = None) -> str:
    """11月23日 周一 / Mon 23 Nov."""
    if value is None:
        return ""
    day = _day(_local(value))
    other_year = day.year != _today(now).year
    if _chinese():
        year = f"{day.year}年" if other_year else ""
        return f"{year}{day.month}月{day.day}日 周{_WEEKDAYS_ZH[day.weekday()]}"
    year = f" {day.year}" if other_year else ""
    return f"{_WEEKDAYS_EN[day.weekday()]} {day.day} {_MONTHS_EN[day.month - 1]}{year}"


def zh_datetime(value: Moment, now: datetime | None = None) -> str:
    """11月23日 周一 17:30 / Mon 23 Nov 17:30; a plain date has no hour."""
    if value is None:
        return ""
    return zh_date(value, now) + _hour(_local(value))


def short_date(value: Moment, now: datetime | None = None) -> str:
    """11-16, for tables; 2025-11-16 in another year."""
    if value is None:
        return ""
    day = _day(_local(value))
    return f"{day:%m-%d}" if day.year == _today(now).year else f"{day:%Y-%m-%d}"


def short_datetime(value: Moment, now: datetime | None = None) -> str:
    """11-16 09:12, for tables."""
    if value is None:
        return ""
    return short_date(value, now) + _hour(_local(value))


def hour(value: Moment) -> str:
    """09:12."""
    return "" if value is None else _hour(_local(value)).strip()


def ago(value: Moment, now: datetime | None = None) -> str:
    """今天 11:02, 昨天 10:15, then 11-19 10:15 / today 11:02, yesterday 10:15."""
    if value is None:
        return ""
    local = _local(value)
    distance = _today(now) - _day(local)
    names = {timedelta(0): ("今天", "today"), timedelta(days=1): ("昨天", "yesterday")}
    if distance in names:
        return names[distance][0 if _chinese() else 1] + _hour(local)
    return short_datetime(value, now)


def public_date(value: Moment, now: datetime | None = None) -> str:
    """11 月 24 日（周二）, as running text for the public / Tue 24 Nov."""
    if value is None:
        return ""
    if not _chinese():
        return zh_date(value, now)
    day = _day(_local(value))
    year = "" if day.year == _today(now).year else f"{day.year} 年 "
    return f"{year}{day.month} 月 {day.day} 日（周{_WEEKDAYS_ZH[day.weekday()]}）"


def public_datetime(value: Moment, now: datetime | None = None) -> str:
    """11 月 24 日（周二）17:30 / Tue 24 Nov 17:30."""
    if value is None:
        return ""
    text = _hour(_local(value))
    return public_date(value, now) + (text.strip() if _chinese() else text)


def full_date(value: Moment) -> str:
    """2026 年 11 月 25 日 / 25 November 2026, for documents."""
    if value is None:
        return ""
    day = _day(_local(value))
    if _chinese():
        return f"{day.year} 年 {day.month} 月 {day.day} 日"
    return f"{day.day} {day.strftime('%B')} {day.year}"


def machine(value: Moment) -> str:
    """ISO 8601 for the datetime attribute of <time>."""
    return "" if value is None else _local(value).isoformat()


def filesize(size: int | None) -> str:
    """1.8 MB; steps of 1024 bytes."""
    if size is None:
        return ""
    if size < 1024:
        return f"{size} B"
    amount = float(size)
    for unit in ("KB", "MB", "GB"):
        amount /= 1024
        if amount < 1024 or unit == "GB":
            break
    digits = 0 if amount >= 100 or unit == "KB" else 1
    return f"{amount:.{digits}f}".removesuffix(".0") + f" {unit}"


def percent(ratio: float | Decimal | None, digits: int = 1) -> str:
    """0.964 → 96.4%; a missing ratio is a dash. Halves round up, as on paper."""
    if ratio is None:
        return "—"
    step = Decimal(1).scaleb(-int(digits))
    return f"{(Decimal(str(ratio)) * 100).quantize(step, rounding=ROUND_HALF_UP)}%"


def money(amount: Decimal | None) -> str:
    """6840.00 → 6,840 and 6840.5 → 6,840.50: cents only where there are any."""
    if amount is None:
        return "—"
    return f"{amount:,.0f}" if amount == amount.to_integral_value() else f"{amount:,.2f}"


def month(period: str) -> str:
    """The month 2026-10 as 2026 年 10 月 / October 2026."""
    day = datetime.strptime(period, "%Y-%m")
    return f"{day.year} 年 {day.month} 月" if _chinese() else f"{day:%B} {day.year}"


def short_month(value: date) -> str:
    """6月 / Jun, below the bars of a chart."""
    return f"{value.month}月" if _chinese() else _MONTHS_EN[value.month - 1]


def thousands(number: int | float | Decimal | None) -> str:
    """1284306 → 1,284,306; a missing number is a dash."""
    return "—" if number is None else f"{number:,}"

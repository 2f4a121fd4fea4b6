"""The one case of the walk: what its complainant wrote and what is known of it so far."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from e2e.people import Office

NAME = "赵清禾"
PHONE = "13912345678"
SUBJECT = "柳桥路停水没有通知"
REPLY = "调取抢修单，核对停水时间，核实没有通知。"
RESULT = "停水由水管爆裂引起，已修复；赔偿买水费用 120 元，七个工作日内到账。"


@dataclass
class Story:
    """Filled step by step from what the pages show."""

    office: Office
    number: str = ""
    code: str = ""
    review: str = ""
    notice: str = ""
    address: str = ""


def day(offset: int) -> str:
    """A day as the fields take it, counted from today in the office's time zone."""
    return f"{datetime.now(ZoneInfo('Asia/Shanghai')) + timedelta(days=offset):%Y-%m-%d}"


def last_month() -> str:
    """The month before this one, as 2026-10."""
    return f"{datetime.now(ZoneInfo('Asia/Shanghai')).replace(day=1) - timedelta(days=1):%Y-%m}"

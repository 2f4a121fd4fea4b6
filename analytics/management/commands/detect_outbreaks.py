"""Conspicuous days in daily counts: CSV in, flagged days with their expected range out (RISK-13)."""

from __future__ import annotations

import csv
import io
import re
import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts.management.base import ActionCommand, Failed
from analytics import detection

HEADER = ["date", "series", "count"]
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_COUNT = re.compile(r"[0-9]{1,9}")

History = dict[date, int]


class Command(ActionCommand):
    help = (
        "Reads CSV with the columns date,series,count on standard input and names the days on which a series was "
        "conspicuously high, each judged by the days before it. Days without a row count as zero."
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--input", type=Path, metavar="FILE", help="read this file instead of standard input")

    def run(self, *, input: Path | None, **options: Any) -> dict[str, Any]:
        series = read(_text(input))
        try:
            flags = detection.flags(series)
        except ValueError as error:
            raise Failed(f"{error}; correct the dates, or give fewer years.") from error
        return {
            "flags": [_row(flag) for flag in flags],
            "series": len(series),
            "days": len({day for history in series.values() for day in history}),
            "too_short": detection.too_short(series),
        }

    def show(self, result: dict[str, Any]) -> None:
        for flag in result["flags"]:
            ordinary = f"{flag['lower']}-{flag['upper']}"
            self.stdout.write(
                f"{flag['date']}  {flag['count']:>6}  ordinary {ordinary:<9}  expected {flag['expected']:<8}"
                f"  p {flag['p']:<8.2g}  {flag['series']}"
            )
        self.stdout.write(f"{len(result['flags'])} flagged days; {result['series']} series, {result['days']} days.")
        if result["too_short"]:
            self.stdout.write(
                f"Not judged, for fewer than {detection.MIN_HISTORY + 1} days of history: "
                f"{', '.join(result['too_short'])}."
            )


def read(text: str) -> dict[str, History]:
    """Counts per series and day. Raises Failed naming the row, counted as lines of the file, and the mend."""
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    series: dict[str, History] = {}
    headed = False
    try:
        for cells in rows:
            cells = [cell.strip() for cell in cells]
            if not any(cells):
                continue
            if not headed:
                if cells != HEADER:
                    raise _wrong(rows.line_num, "the header is not date,series,count; make it the first line")
                headed = True
                continue
            day, name, count = _values(rows.line_num, cells)
            history = series.setdefault(name, {})
            if day in history:
                raise _wrong(rows.line_num, f"{name!r} has {day} twice; add the counts up in one row")
            history[day] = count
    except csv.Error as error:
        raise _wrong(rows.line_num, f"not valid CSV ({error}); save the table as CSV again") from error
    if not series:
        raise Failed("There are no rows; give CSV with the header date,series,count and one row per day and series.")
    return series


def _values(row: int, cells: list[str]) -> tuple[date, str, int]:
    if len(cells) != len(HEADER):
        raise _wrong(row, f"{len(cells)} cells instead of 3; quote a series that contains a comma")
    day, name, count = cells
    if not name:
        raise _wrong(row, "the series is empty; name it")
    if not _COUNT.fullmatch(count):
        raise _wrong(row, f"the count {count!r} is not a whole number from 0 on; correct it")
    return _date(row, day), name, int(count)


def _date(row: int, text: str) -> date:
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise _wrong(row, f"{text!r} is not a date; write it like 2026-11-16")


def _wrong(row: int, what: str) -> Failed:
    return Failed(f"row {row}: {what}.")


def _text(path: Path | None) -> str:
    try:
        data = path.read_bytes() if path else sys.stdin.buffer.read()
    except OSError as error:
        raise Failed(f"{path} cannot be read: {error.strerror}. Check the name and the rights.") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _wrong(data.count(b"\n", 0, error.start) + 1, "not UTF-8; save the file as UTF-8") from error


def _row(flag: detection.Flag) -> dict[str, Any]:
    values = asdict(flag)
    return {
        "date": values.pop("day").isoformat(),
        "series": values.pop("series"),
        **values,
        "expected": round(flag.expected, 2),
        "earlier": [
            {"date": day.isoformat(), "count": count, "expected": round(expected, 2)}
            for day, count, expected in flag.earlier
        ],
    }

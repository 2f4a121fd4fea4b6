"""Log lines: one JSON object each, with ids but without what people wrote.

An exception is logged as its type and the places it passed through (file:line), never with
its message or values, because those may hold complaint text, names or numbers.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path

request_id: ContextVar[str] = ContextVar("request_id", default="-")

_ROOT = Path(__file__).resolve().parent.parent
# C1 controls, DEL, line separators and the marks that reorder text. JSON itself escapes the C0 controls
# (line breaks, ANSI escapes).
_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


class RequestIdFilter(logging.Filter):
    """Puts the id of the current request on every record ("-" outside a request)."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


class JsonFormatter(logging.Formatter):
    """One line per record: at, level, logger, message, request_id and, for exceptions, type and places."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": getattr(record, "request_id", request_id.get()),
        }
        if record.exc_info and record.exc_info[1] is not None:
            entry["exception"] = _chain(record.exc_info[1])
        return _UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", json.dumps(entry, ensure_ascii=False))


def _chain(error: BaseException) -> list[dict[str, object]]:
    """The exception and what caused it, newest first."""
    chain: list[dict[str, object]] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        places = [f"{_short(frame.filename)}:{frame.lineno}" for frame in traceback.extract_tb(current.__traceback__)]
        chain.append({"type": f"{type(current).__module__}.{type(current).__qualname__}", "at": places})
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return chain


def _short(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(_ROOT)) if path.is_relative_to(_ROOT) else "/".join(path.parts[-3:])

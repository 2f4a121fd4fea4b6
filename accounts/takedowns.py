"""What must stay gone: a small journal outside the database of what was taken down or erased (DL-04, I8).

A database that is restored from a backup does not know what happened after it. This file does: `restore` reads
it and takes down again. One JSON object a line, only ever added to; ids and moments, nothing personal.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from django.conf import settings
from django.db import transaction


class What(StrEnum):
    """What happened; `key` names it: public id, public id, public id of the incident and number of the bulletin,
    public id of the comment, that of a volunteer's report, how far the job went, number of the case, key of the
    person, key of the person (`number` says what of their access was taken away)."""

    RESULT = "result"
    STATEMENT = "statement"
    BULLETIN = "bulletin"
    COMMENT = "comment"
    REPORT = "report"
    PURGE = "purge"
    DESTROYED = "destroyed"
    TOKEN = "token"  # noqa: S105 - the word, not a token
    ACCESS = "access"


@dataclass(frozen=True)
class Entry:
    """One line. `number` is the public number of a notice, by which its draft is found again."""

    what: What
    key: str
    at: datetime
    number: str = ""

    def line(self) -> str:
        values = {"at": self.at.astimezone(UTC).isoformat(), "what": self.what.value, "key": self.key}
        return json.dumps(values | ({"number": self.number} if self.number else {}), sort_keys=True) + "\n"


@dataclass(frozen=True)
class Journal:
    """What the file holds. `damaged` counts lines that cannot be read: a crash may cut the last one."""

    is_there: bool
    entries: tuple[Entry, ...] = ()
    damaged: int = 0


def path() -> Path:
    return Path(settings.DATA_DIR) / "takedowns.jsonl"


def note(what: What, key: object, *, at: datetime, number: str = "") -> None:
    """Write a line once the current transaction has committed. A file that cannot be written is logged and does not
    undo the take-down; `backup` and `restore` add what is missing from the database."""
    entry = Entry(what, str(key), at, number)
    transaction.on_commit(lambda: append([entry]), robust=True)


def append(entries: Iterable[Entry]) -> None:
    """Add lines and flush them to the disk; makes the file where there is none."""
    text = "".join(entry.line() for entry in entries)
    with open(os.open(path(), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "ab+") as out:
        if out.seek(0, os.SEEK_END):
            out.seek(-1, os.SEEK_END)
            text = text if out.read(1) == b"\n" else "\n" + text
        out.write(text.encode())
        out.flush()
        os.fsync(out.fileno())


def read() -> Journal:
    """The journal of this installation."""
    try:
        return parse(path().read_bytes())
    except FileNotFoundError:
        return Journal(is_there=False)


def parse(content: bytes) -> Journal:
    entries, damaged = [], 0
    for line in content.splitlines():
        try:
            values = json.loads(line)
            moment = datetime.fromisoformat(values["at"])
            entries.append(Entry(What(values["what"]), str(values["key"]), moment, values.get("number", "")))
        except (ValueError, KeyError, TypeError):
            damaged += bool(line.strip())
    return Journal(True, tuple(entries), damaged)

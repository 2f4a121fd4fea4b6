"""Processes as the machine lists them."""

from __future__ import annotations

import contextlib
from pathlib import Path


def children(process: int | str = "self") -> set[int]:
    """The processes that any thread of this one (or of another, by its number) started and that still run."""
    found: set[int] = set()
    for thread in Path(f"/proc/{process}/task").glob("*/children"):
        # A thread may end between being listed and being read; its processes then stand with another thread.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found.update(int(pid) for pid in thread.read_text().split())
    return found

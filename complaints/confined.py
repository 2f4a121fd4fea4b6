"""Programs that read what strangers sent run apart from the application (FL-10).

A confined program gets the file on its standard input and answers on its standard output. The shell
that becomes the program sets the limits first: address space, processor time, no core, no file written.
Its environment is empty, so it knows no key and no password, and it is killed when it takes too long,
stopped or not.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Sequence
from typing import BinaryIO

# How many may run at once in one process of ours, and how much one may answer, in bytes.
AT_ONCE = 2
MOST_OUTPUT = 8 * 1024 * 1024
_LIMITS = 'ulimit -c 0 && ulimit -f 0 && ulimit -v "$1" && ulimit -t "$2" && shift 2 && exec "$@"'
_slots = threading.BoundedSemaphore(AT_ONCE)


class Failed(Exception):
    """The program refused, broke a limit or took too long; there is no answer."""


def run(program: Sequence[str], source: BinaryIO, *, seconds: int, megabytes: int) -> bytes:
    """What `program` answers to `source`, an open file, within the limits. Raises Failed."""
    if not _slots.acquire(timeout=seconds):
        raise Failed("no free place")
    try:
        return _run(program, source, seconds=seconds, megabytes=megabytes)
    finally:
        _slots.release()


def _run(program: Sequence[str], source: BinaryIO, *, seconds: int, megabytes: int) -> bytes:
    command = ["/bin/sh", "-c", _LIMITS, "sh", str(megabytes * 1024), str(seconds), *program]
    with subprocess.Popen(  # noqa: S603 — a fixed program; what strangers sent is its input
        command, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, cwd="/"
    ) as process:
        assert process.stdout is not None
        killer = threading.Timer(seconds, process.kill)
        killer.start()
        try:
            output = process.stdout.read(MOST_OUTPUT + 1)
            if len(output) > MOST_OUTPUT:
                raise Failed("too much output")
            process.wait()
        finally:
            killer.cancel()
            process.kill()
    if process.returncode != 0 or not output:
        raise Failed(f"ended with {process.returncode}")
    return output

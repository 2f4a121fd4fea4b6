"""Name the category of texts: JSON lines in, JSON lines out (CLS-14)."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from argparse import ArgumentParser
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError, connections

from complaints import classifier, suggestions
from complaints.text_features import CHUNK

# Workers read the model they were forked with; it is set once, before they start.
_model: classifier.Model | None = None
MOST_WORKERS = 4


class Command(BaseCommand):
    help = (
        "Reads JSON lines {id, text} on standard input and writes {id, category, confidence, top, reasons, abstains} "
        "for each; stops at the first bad line."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="JSON lines in and out (the only form there is)")

    def handle(self, *args: Any, **options: Any) -> None:
        global _model
        _model = _active()
        read = _documents()
        first, problem = _piece(read)
        if len(first) < CHUNK:
            _write(_classify(first))
            if problem is not None:
                raise problem
            return
        connections.close_all()
        workers = min(MOST_WORKERS, len(os.sched_getaffinity(0)))
        with multiprocessing.get_context("fork").Pool(workers) as pool:
            running = deque([pool.apply_async(_classify, (first,))])
            while running:
                # A few pieces ahead of the oldest one: the workers never wait, and memory stays small.
                while problem is None and len(running) < 2 * workers:
                    piece, problem = _piece(read)
                    if not piece:
                        break
                    running.append(pool.apply_async(_classify, (piece,)))
                _write(running.popleft().get())
        if problem is not None:
            raise problem


def _active() -> classifier.Model:
    try:
        active = suggestions.active_model()
    except classifier.DamagedModel as error:
        raise CommandError(str(error)) from error
    except (OperationalError, ProgrammingError) as error:
        raise CommandError(f"The database refused: {error}. Check DATABASE_URL and run manage.py migrate.") from error
    if active is None:
        raise CommandError("There is no category model yet; run manage.py train_classifier first.")
    return active[1]


def _piece(read: Iterator[tuple[Any, str]]) -> tuple[list[tuple[Any, str]], CommandError | None]:
    """The next documents, and what stopped the reading before them."""
    piece: list[tuple[Any, str]] = []
    try:
        for document in islice(read, CHUNK):
            piece.append(document)
    except CommandError as problem:
        return piece, problem
    return piece, None


def _documents() -> Iterator[tuple[Any, str]]:
    # Bytes, so that neither the terminal's encoding nor a lone surrogate in a text can stop the run.
    for number, line in enumerate(sys.stdin.buffer, start=1):
        if line.strip():
            yield _read(number, line)


def _read(number: int, line: bytes) -> tuple[Any, str]:
    """Id and text of one input line. Raises CommandError naming the line and the field."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError) as problem:
        raise CommandError(f"line {number}: not valid JSON ({problem})") from None
    if not isinstance(document, dict):
        raise CommandError(f"line {number}: expected an object with id and text")
    for field in ("id", "text"):
        if field not in document:
            raise CommandError(f"line {number}: {field}: missing")
    if isinstance(document["id"], (dict, list)):
        raise CommandError(f"line {number}: id: expected a string or number")
    if not isinstance(document["text"], str):
        raise CommandError(f"line {number}: text: expected a string")
    return document["id"], document["text"]


def _classify(documents: list[tuple[Any, str]]) -> bytes:
    """The output lines for some documents."""
    assert _model is not None
    lines = []
    for (name, _text), found in zip(documents, _model.predict([text for _id, text in documents]), strict=True):
        answer = {
            "id": name,
            "category": found.label,
            "confidence": found.confidence,
            "top": found.top,
            "reasons": found.reasons,
            "abstains": found.confidence < _model.threshold,
        }
        lines.append(json.dumps(answer, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")
    return b"".join(lines)


def _write(lines: bytes) -> None:
    sys.stdout.buffer.write(lines)
    sys.stdout.buffer.flush()

"""Mask texts from the command line: JSON lines in, JSON lines out (PUB-14 to PUB-19)."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from publication import masking
from publication.redaction import PROFILES, Known, redact

_FIELDS = frozenset({"id", "text", "known"})


class Command(BaseCommand):
    """``redact --json``: one result line per input line; stops at the first bad line."""

    help = (
        "Read JSON lines {id, text, known} on standard input and write {id, spans, output, verdict, reasons} "
        "for each; offsets are code points of the input text."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="JSON lines in and out (the only form there is)")
        parser.add_argument(
            "--profile", choices=sorted(PROFILES), default="standard", help="masking profile, in its revision in force"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        rows = masking.rows_reachable(options["profile"])
        # Bytes, so that neither the terminal's encoding nor a lone surrogate in a text can stop the run.
        for number, line in enumerate(sys.stdin.buffer, start=1):
            if line.strip():
                name, text, known = _read(number, line)
                result = redact(text, known, rows)
                self._print(
                    {
                        "id": name,
                        "spans": [[span.start, span.end, span.type] for span in result.spans],
                        "output": result.output,
                        "verdict": result.verdict,
                        "reasons": result.reasons,
                    }
                )

    def _print(self, document: dict[str, Any]) -> None:
        try:
            line = json.dumps(document, ensure_ascii=False)
            line.encode()
        except UnicodeEncodeError:
            line = json.dumps(document)
        try:
            sys.stdout.buffer.write(line.encode() + b"\n")
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            # What is still buffered goes nowhere, so that the interpreter does not complain once more at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise CommandError("the output was closed before the last line; read all of it") from None


def _read(number: int, line: bytes) -> tuple[Any, str, Known]:
    """The fields of one input line. Raises CommandError naming the line and the field."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError) as problem:
        raise CommandError(f"line {number}: not valid JSON ({problem})") from None
    if not isinstance(document, dict):
        raise CommandError(f"line {number}: expected an object with id and text")
    for field in sorted(document.keys() - _FIELDS):
        raise CommandError(f"line {number}: {field}: unknown field, expected id, text, known")
    for field in ("id", "text"):
        if field not in document:
            raise CommandError(f"line {number}: {field}: missing")
    if isinstance(document["id"], (dict, list)):
        raise CommandError(f"line {number}: id: expected a string or number")
    if not isinstance(document["text"], str):
        raise CommandError(f"line {number}: text: expected a string")
    known = document.get("known") or {}
    if not isinstance(known, dict):
        raise CommandError(f"line {number}: known: expected an object")
    try:
        return document["id"], document["text"], Known.from_mapping(known)
    except ValueError as problem:
        raise CommandError(f"line {number}: {problem}") from None

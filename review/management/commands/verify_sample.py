"""Repeat a draw from its document alone (REV-23); needs no database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import translation

from accounts.management.base import ActionCommand, Failed
from review import sampling


class Command(ActionCommand):
    help = "Repeats a draw from the document written by export_sample and compares the picks."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--result", default="", metavar="HASH", help="hash of the result on the public page")

    def run(self, *, file: Path, result: str = "", **options: Any) -> dict[str, Any]:
        try:
            document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise Failed(f"{file} cannot be read: {error.strerror}. Give the file written by export_sample.") from error
        except ValueError as error:
            raise Failed(f"{file} is not a draw document: it is not JSON. Export the draw again.") from error
        # One line, one language: what a command says around the reason is not translated.
        with translation.override("en"):
            checked = sampling.verify(document, result=result)
            problems = [str(problem) for problem in checked.problems]
        found = {"ok": checked.ok, "problems": problems}
        if not checked.ok:
            raise Failed(f"The draw cannot be repeated: {problems[0]}", found)
        return {
            **found,
            "period": document["period"],
            "frame": len(document["frame"]),
            "picks": len(document["picks"]),
        }

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(f"{result['period']}: {result['picks']} of {result['frame']} cases, drawn as documented")

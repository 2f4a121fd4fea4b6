"""Prove that database, files, log, take-downs and keys fit together (DL-03, DL-04)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts.management.base import ActionCommand, Failed
from config import restore_checks, restoring


class Command(ActionCommand):
    help = "Checks stored files, ledger, take-downs and keys, after a restore or at any time; names the first fault."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--backup", metavar="FILE", type=Path, help="also look that no row of this backup is missing"
        )

    def run(self, *, backup: Path | None, **options: Any) -> dict[str, Any]:
        try:
            checked = restore_checks.check()
            if backup:
                with restoring.unpacked(backup) as known:
                    restore_checks.compare_rows(known.manifest["rows"])
        except restore_checks.Wrong as error:
            raise Failed(f"Not whole: {error}.", {"ok": False, "what": str(error)}) from error
        except restoring.RestoreRefused as error:
            raise Failed(str(error), {"ok": False, "what": str(error)}) from error
        except FileNotFoundError as error:
            raise Failed(f"There is no {error.filename}; give the file that manage.py backup wrote.") from error
        return {"ok": True, **checked}

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(
            f"Whole: {result['files']} files, {result['ledger']} rows of the log, {result['takedowns']} take-downs, "
            f"{result['keys']} values opened"
        )

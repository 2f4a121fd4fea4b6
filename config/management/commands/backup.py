"""Database and files in one file, as of one moment (DL-03)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts import security
from accounts.management.base import ActionCommand, Failed
from config import backups


class Command(ActionCommand):
    help = "Writes database and stored files, as of one moment, into one file. The keys are not in it; keep them apart."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="a file that does not exist yet")

    def run(self, *, file: Path, **options: Any) -> dict[str, Any]:
        target = file.absolute()
        try:
            made = backups.write(target)
        except backups.BackupFailed as error:
            raise Failed(str(error)) from error
        except OSError as error:
            raise Failed(f"{file} cannot be written: {error.strerror or error}.") from error
        security.record("backup_made", subject=made["moment"], files=made["files"])
        rows = made.pop("rows")
        return {
            "file": str(file),
            "bytes": target.stat().st_size,
            **{name: made[name] for name in ("moment", "database", "release", "files")},
            "cases": rows["complaints_complaint"],
            "rows": sum(rows.values()),
            "key": made["keys"][0],
        }

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(
            f"{result['file']}: {result['cases']} cases, {result['files']} files, {result['bytes']} bytes, "
            f"as of {result['moment']}; key {result['key']}"
        )

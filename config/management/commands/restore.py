"""Bring a backup back; what was taken down or erased after it stays so (DL-04)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts.management.base import ActionCommand, Failed
from config import restoring


class Command(ActionCommand):
    help = "Checks a backup and puts it in the place of database and files. Stop web, worker and beat first."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="a file written by manage.py backup")
        parser.add_argument("--overwrite", action="store_true", help="replace a database that has cases")

    def run(self, *, file: Path, overwrite: bool, **options: Any) -> dict[str, Any]:
        try:
            result = restoring.restore(file, overwrite=overwrite)
        except restoring.RestoreRefused as error:
            raise Failed(f"Nothing was restored. {error}") from error
        except FileNotFoundError as error:
            raise Failed(f"There is no {error.filename}; give the file that manage.py backup wrote.") from error
        except restoring.RestoreBroke as error:
            raise Failed(f"The restore broke off: {error}. The site does not start; restore again.") from error
        except OSError as error:
            raise Failed(f"The restore broke off: {error.strerror or error}. Mend it and restore again.") from error
        if result["journal"] == "missing":
            self.stderr.write(
                "The journal of take-downs (takedowns.jsonl) was missing: what was taken down after the backup may be "
                "public again. Look through the published results before you open the site."
            )
        if result["journal_damaged"]:
            self.stderr.write(f"{result['journal_damaged']} lines of takedowns.jsonl cannot be read; look at them.")
        return result

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(
            f"Restored as of {result['moment']}: {result['rows']} rows, {result['files']} files; "
            f"{result['applied']} take-downs repeated. Now run manage.py restore_check."
        )
        if result["lost"] is None:
            self.stdout.write("Cases received after the backup are not known; their numbers are not given again.")
        elif result["lost"]:
            self.stdout.write(f"Lost, received after the backup: {', '.join(result['lost'])}")

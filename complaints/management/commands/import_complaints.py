"""Import complaints from CSV or XLSX (IN-13, FI-N)."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from tqdm import tqdm

from accounts.management.base import ActionCommand, Failed
from accounts.models import User
from complaints import imports
from complaints.import_rows import FIELDS
from complaints.states import Channel

SHOWN = 20


def mapping(text: str) -> tuple[str, str]:
    column, equals, field = text.rpartition("=")
    if not equals or field not in FIELDS:
        raise ArgumentTypeError(f"{text!r} is not COLUMN=FIELD with one of the fields {', '.join(FIELDS)}")
    return column, field


class Command(ActionCommand):
    help = "Imports complaints from a CSV or XLSX file, all or nothing; the same file again creates nothing."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="CSV (UTF-8, UTF-16, GB18030) or XLSX")
        parser.add_argument("--sheet", default="", help="sheet of an XLSX file; the first one when not given")
        parser.add_argument(
            "--map",
            nargs="+",
            action="extend",
            type=mapping,
            default=[],
            metavar="COLUMN=FIELD",
            help=f"fields: {', '.join(FIELDS)}",
        )
        parser.add_argument(
            "--channel", choices=Channel.values, default=str(Channel.GOVERNMENT), help="for rows that do not say"
        )
        parser.add_argument("--dry-run", action="store_true", help="check everything, store nothing")
        parser.add_argument("--by", metavar="STAFFNO", default="", help="staff number of the person importing")

    def run(self, *, file: Path, sheet: str, channel: str, dry_run: bool, by: str, **options: Any) -> dict[str, Any]:
        user = User.objects.filter(staff_number__iexact=by, is_active=True).first() if by else None
        if by and user is None:
            raise Failed(f"There is no active account {by}; give the staff number of the person importing.")
        with tqdm(total=100, unit=" %", disable=not sys.stderr.isatty(), leave=False) as bar:

            def show(rows: int, part: float) -> None:
                bar.set_description(f"row {rows}", refresh=False)
                bar.update(round(100 * part) - bar.n)

            report = imports.run(
                file,
                by=user,
                sheet=sheet,
                columns=dict(options["map"]),
                channel=channel,
                dry_run=dry_run,
                progress=show,
            )
        result = {**asdict(report), "dry_run": dry_run}
        for name in ("new_rows", "first", "categories_new"):
            del result[name]
        if report.errors:
            if not options["json"]:
                for error in report.errors[:SHOWN]:
                    self.stdout.write(f"{error['row']}\t{error['field']}\t{error['message']}")
            first = report.errors[0]
            count = len(report.errors) + report.more_errors
            raise Failed(
                f"Nothing was imported, {count} faults; row {first['row']}, {first['field']}: {first['message']}",
                result,
            )
        return result

    def show(self, result: dict[str, Any]) -> None:
        done = f"{result['new']} would be created (dry run)" if result["dry_run"] else f"{result['created']} created"
        self.stdout.write(f"{result['rows']} rows: {done}, {result['duplicates']} already there")
        if result["categories_created"]:
            self.stdout.write(f"new categories, hidden from the public: {', '.join(result['categories_created'])}")
        if result["without_date"]:
            self.stdout.write(f"{result['without_date']} rows without a date count as received now")

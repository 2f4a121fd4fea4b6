"""build_report PERIOD: write the report of a month or quarter into a folder, without a worker (AN-19)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.errors import DomainError
from analytics import building, periods, reporting
from analytics.models import Report
from analytics.states import Edition
from complaints.calendars import CalendarMissing


class Command(BaseCommand):
    help = (
        "Write the report of a finished month (2026-10) or quarter (2026-Q3) as DOCX, XLSX and PDF. A report built "
        "before is "
        "printed as it stands, with its frozen figures; otherwise the figures are computed now and nothing is stored."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("period", metavar="PERIOD", help="2026-10 or 2026-Q3")
        parser.add_argument("--edition", choices=Edition.values, default=Edition.DATA)
        parser.add_argument(
            "--format", default=",".join(building.FORMATS), help="comma-separated: docx,xlsx,pdf (default: all)"
        )
        parser.add_argument(
            "--by-first", action="store_true", help="count cases under the category they were given first"
        )
        parser.add_argument("--out", required=True, metavar="DIR", help="folder to write into; made when missing")

    def handle(self, *args: Any, **options: Any) -> None:
        formats = [name.strip() for name in options["format"].split(",") if name.strip()]
        unknown = [name for name in formats if name not in building.FORMATS]
        if unknown or not formats:
            raise CommandError(
                f"--format: unknown {', '.join(unknown) or 'empty list'}; use docx, xlsx or pdf.", returncode=2
            )
        try:
            period = periods.parse(options["period"])
        except DomainError as error:
            raise CommandError(str(error), returncode=2) from error
        try:
            periods.finished(period.code, at=timezone.now())
            report = self._report(period, options["edition"], by_first=options["by_first"])
            for path in self._write(report, formats, Path(options["out"])):
                self.stdout.write(str(path))
        except (DomainError, CalendarMissing, OSError) as error:
            raise CommandError(str(error)) from error

    def _report(self, period: periods.Period, edition: str, *, by_first: bool) -> Report:
        """The latest built revision, or one that is computed now and not saved."""
        built = Report.objects.filter(period=period.code, edition=edition, by_first=by_first, built_at__isnull=False)
        report = built.select_related("approved_by").order_by("-revision").first()
        if report is None:
            report = Report(
                period=period.code, edition=edition, by_first=by_first, requested_at=timezone.now(), status="draft"
            )
            report.figures = reporting.freeze(period, at=timezone.now(), by_first=by_first)
            report.snapshot = reporting.draft(report).to_dict()
        return report

    def _write(self, report: Report, formats: list[str], folder: Path) -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        snapshot = reporting.printed(report)
        written = []
        for name in formats:
            target = folder / f"{report.period}-{report.edition}-r{report.revision}.{name}"
            part = target.with_name(f".{target.name}.part")
            try:
                building.renderer(name)(snapshot, part)
                os.replace(part, target)
            finally:
                part.unlink(missing_ok=True)
            written.append(target)
        return written

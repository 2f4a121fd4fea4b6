"""Builds a report step by step, so that a killed worker's successor goes on where it stopped (JT-03).

Steps: one per section of the text, then one per document. The figures are frozen before the first
step and never computed again for the same revision. Runs in a Celery child or a command, outside a
transaction: the renderer of the PDF starts threads and must never run in a web process.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from importlib import import_module
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from analytics import report_templates, reporting, transitions
from analytics.documents.snapshot import ReportSnapshot
from analytics.documents.steps import TemplateUnfit
from analytics.models import Report, ReportFile
from analytics.periods import parse
from complaints.calendars import CalendarMissing

logger = logging.getLogger("huiyin.jobs")
FORMATS = ("docx", "xlsx", "pdf")

# A document is written in seconds; what is half written so long afterwards was left by a worker that was killed.
HALF_WRITTEN = 3600


class TakenOver(Exception):
    """Another worker has this build now; stop without a word."""


def renderer(format: str) -> Callable[[ReportSnapshot, Path], None]:
    """The function that writes a document. Loaded here and not at import: web processes never need it."""
    render = getattr(import_module(f"analytics.documents.{format}"), f"render_{format}")
    return partial(render, template=report_templates.in_use()) if format == "docx" else render


def build(report_id: int) -> bool:
    """Build a report that waits or was left by its worker; False when there is nothing to do here.

    Raises what went wrong unexpectedly, after the report shows it as failed.
    """
    at = timezone.now()
    if not transitions.claim(report_id, at=at):
        return False
    run = _Run(report_id, claimed_at=at)
    try:
        run.freeze()
        run.write_sections()
        for format in FORMATS:
            run.write_file(format)
    except TakenOver:
        return False
    except (CalendarMissing, OSError, ValueError) as error:
        code = _code(error)
        logger.warning("report not built", extra={"report": report_id, "reason": code})
        transitions.fail(report_id, claimed_at=run.claimed_at, at=timezone.now(), error=code)
        return False
    except DatabaseError:
        raise  # the row stays "being built"; the sweep finds it again
    except Exception:
        transitions.fail(report_id, claimed_at=run.claimed_at, at=timezone.now(), error="unexpected")
        raise
    return transitions.finish(report_id, claimed_at=run.claimed_at, at=timezone.now())


def _code(error: Exception) -> str:
    """Under which of transitions.ERRORS it is shown."""
    known = ((CalendarMissing, "calendar"), (OSError, "storage"), (TemplateUnfit, "template"))
    return next((code for kind, code in known if isinstance(error, kind)), "content")


class _Run:
    """One worker's hold on one report."""

    def __init__(self, report_id: int, *, claimed_at: datetime) -> None:
        self.report = Report.objects.get(pk=report_id)
        self.claimed_at = claimed_at

    def save(self, **fields: object) -> None:
        """Keep a finished step. Raises TakenOver when the build is no longer ours."""
        at = timezone.now()
        if not transitions.advance(self.report.pk, claimed_at=self.claimed_at, at=at, **fields):
            raise TakenOver
        self.claimed_at = at
        for name, value in fields.items():
            setattr(self.report, name, value)

    def freeze(self) -> None:
        if not self.report.figures:
            figures = reporting.freeze(parse(self.report.period), at=timezone.now(), by_first=self.report.by_first)
            self.save(figures=figures, inputs_hash=reporting.fingerprint(figures))

    def write_sections(self) -> None:
        """Draft section by section; sections already kept are not touched."""
        drafted = reporting.draft(self.report)
        ReportSnapshot.from_dict(drafted.to_dict())  # unfit data is refused here, before anything is printed
        whole = drafted.to_dict()
        kept = list(self.report.snapshot.get("sections", ()))
        asked = {name: value for name, value in self.report.snapshot.items() if name == reporting.REASON}
        steps = len(whole["sections"]) + len(FORMATS)
        for number, section in enumerate(whole["sections"][len(kept) :], start=len(kept) + 1):
            kept.append(section)
            self.save(
                snapshot={**whole, **asked, "sections": list(kept)},
                step=number,
                steps=steps,
                step_label=section["heading"][:80],
            )

    def write_file(self, format: str) -> None:
        """One document; a document of this very version is not written again."""
        step = len(self.report.snapshot["sections"]) + FORMATS.index(format) + 1
        with override(reporting.LANGUAGE):
            self.save(
                step=max(self.report.step, step - 1), step_label=_("Writing %(format)s") % {"format": format.upper()}
            )
        write(self.report, format)
        self.save(step=max(self.report.step, step))


def render(report_id: int) -> int:
    """Write the documents of the present version that are not there yet; returns how many were written."""
    report = Report.objects.select_related("approved_by").get(pk=report_id)
    if report.built_at is None:
        return 0
    return sum(write(report, format) for format in FORMATS)


def folder() -> Path:
    return Path(settings.DATA_DIR) / "reports"


def path_of(report: Report, format: str) -> str:
    """Where a document of this version lies below `folder()`: period, edition, revision and version, nothing else."""
    return f"{report.period}/{report.period}-{report.edition}-r{report.revision}-v{report.version}.{format}"


def current_files(report: Report, files: Iterable[ReportFile]) -> dict[str, ReportFile]:
    """The documents that say what the report says now."""
    return {row.format: row for row in files if row.path == path_of(report, row.format)}


def write(report: Report, format: str) -> bool:
    """Write one document and record it; False when it is there already. Appears whole or not at all."""
    path = path_of(report, format)
    target = folder() / path
    if target.exists() and ReportFile.objects.filter(report=report, format=format, path=path).exists():
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(f".{os.getpid()}.part")
    try:
        renderer(format)(reporting.printed(report), part)
        with part.open("rb") as handle:
            os.fsync(handle.fileno())
        size, digest = part.stat().st_size, hashlib.sha256(part.read_bytes()).hexdigest()
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    stale = transitions.store_file(
        report.pk, version=report.version, format=format, path=path, size=size, sha256=digest, at=timezone.now()
    )
    if stale:
        (folder() / stale).unlink(missing_ok=True)
    _drop_half_written(target.parent)
    return True


def _drop_half_written(place: Path) -> None:
    """Remove what killed workers left; nothing was ever published from it."""
    for part in place.glob("*.part"):
        if time.time() - part.stat().st_mtime > HALF_WRITTEN:
            part.unlink(missing_ok=True)

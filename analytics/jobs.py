"""Scheduled work on reports: idempotent, safe to run twice, late or on two workers (JT-01, JT-03)."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import Q
from django.utils import timezone

from accounts import after_commit
from analytics import aggregates, building, closing_job, outbreaks, periods, tasks, tidying, transitions
from analytics.models import Report
from analytics.states import Edition, ReportStatus
from complaints import jobs

# A report asked for so long ago should have been claimed: its message was lost.
WAIT = timedelta(minutes=1)


def build_due_reports(*, now: datetime | None = None) -> dict[str, Any]:
    """Ask for every edition of the month that is over and, after a quarter, of the quarter (AN-19, FB-17)."""
    now = now or timezone.now()
    month = periods.month_of(now).previous
    due = [month]
    if month.month % 3 == 0:
        due.append(periods.Period(month.year, month.month - 2, 3))
    return {
        period.code: jobs.run_once("build_report", period.code, partial(request_all, period, now=now), now=now)
        for period in due
        if transitions.has_cases(period)
    }


def request_all(period: periods.Period, *, now: datetime) -> dict[str, Any]:
    return {
        edition: transitions.request_report(period.code, edition=edition, by=None, at=now).pk
        for edition in Edition.values
    }


def sweep_reports(*, now: datetime | None = None) -> dict[str, int]:
    """Find builds and closings whose message was lost or whose worker died, and documents not yet written."""
    now = now or timezone.now()
    left = Q(status=ReportStatus.QUEUED, requested_at__lt=now - WAIT) | Q(
        status=ReportStatus.BUILDING, claimed_at__lt=now - transitions.LEASE
    )
    waiting = list(Report.objects.filter(left).values_list("pk", flat=True))
    for pk in waiting:
        after_commit.enqueue(tasks.build_report, report_id=pk)
    built = Report.objects.filter(built_at__isnull=False).exclude(
        status__in=[ReportStatus.QUEUED, ReportStatus.BUILDING]
    )
    unwritten = [
        report.pk
        for report in built.defer("figures", "snapshot").prefetch_related("files")
        if len(building.current_files(report, report.files.all())) < len(building.FORMATS)
    ]
    for pk in unwritten:
        after_commit.enqueue(tasks.render_report, report_id=pk)
    months = closing_job.left(now=now)
    for period in months:
        after_commit.enqueue(tasks.close_month, period=period)
    return {"builds": len(waiting), "documents": len(unwritten), "closings": len(months)}


def refresh_figures(*, now: datetime | None = None) -> dict[str, int]:
    """Count the days of changed cases anew for the dashboard (AN-03)."""
    return aggregates.refresh(now=now)


def reconcile_figures(*, now: datetime | None = None) -> dict[str, int]:
    """Compare the stored counts with the cases and mend what differs (AN-03)."""
    return aggregates.reconcile(now=now)


def tidy_records(*, now: datetime | None = None) -> dict[str, Any]:
    """Look for records that would make the figures of the month that is over wrong (AN-34)."""
    return tidying.tidy_due(now=now)


def detect_outbreaks(*, now: datetime | None = None) -> dict[str, Any]:
    """Look for outbreaks in the daily counts up to now (RISK-13)."""
    return outbreaks.detect(now=now)

"""Worker entry points of the analytics app."""

from __future__ import annotations

import logging

from celery import shared_task

logger = logging.getLogger("huiyin.jobs")


@shared_task(name="analytics.build_report")
def build_report(report_id: int) -> bool:
    """Build one report; a second worker finds it claimed and stops."""
    from analytics import building  # leaf

    return building.build(report_id)


@shared_task(name="analytics.render_report")
def render_report(report_id: int) -> int:
    """Write the documents of a report anew after its text or state changed."""
    from analytics import building  # leaf

    return building.render(report_id)


@shared_task(name="analytics.sweep_reports")
def sweep_reports() -> int:
    """Find builds and documents that were left."""
    from analytics import jobs  # leaf

    found = jobs.sweep_reports()
    if found["builds"]:
        logger.info("found reports that were left", extra=found)
    return found["builds"]


@shared_task(name="analytics.close_month")
def close_month(period: str) -> bool:
    """Close one month; a second worker finds it taken and stops."""
    from analytics import closing_job  # leaf

    return closing_job.work(period)


@shared_task(name="analytics.build_due_reports")
def build_due_reports() -> int:
    """Ask for the reports of the month that is over."""
    from analytics import jobs  # leaf

    return len(jobs.build_due_reports())


@shared_task(name="analytics.watch_problems")
def watch_problems() -> int:
    """Remind of improvement projects and bring the ranks of the problem list up to date."""
    from analytics import projects  # leaf

    return projects.watch()["told"]


@shared_task(name="analytics.watch_follow_up")
def watch_follow_up() -> int:
    """Remind of suppliers, departments and resolutions beyond their date."""
    from analytics import follow_up  # leaf

    return follow_up.watch()["told"]


@shared_task(name="analytics.detect_outbreaks")
def detect_outbreaks() -> int:
    """Look for outbreaks."""
    from analytics import jobs  # leaf

    found = jobs.detect_outbreaks()
    if found["outbreaks"]:
        logger.info("found outbreaks", extra=found)
    return int(found["outbreaks"])


@shared_task(name="analytics.refresh_figures")
def refresh_figures() -> int:
    """Count the days of changed cases anew."""
    from analytics import jobs  # leaf

    return jobs.refresh_figures()["days"]


@shared_task(name="analytics.reconcile_figures")
def reconcile_figures() -> int:
    """Compare the stored counts with the cases."""
    from analytics import jobs  # leaf

    return jobs.reconcile_figures()["days"]


@shared_task(name="analytics.tidy_records")
def tidy_records() -> int:
    """Look for records unfit for the figures."""
    from analytics import jobs  # leaf

    found = jobs.tidy_records()
    if found.get("found"):
        logger.info("found records to tidy", extra={"records": found["found"]})
    return int(found.get("found", 0))

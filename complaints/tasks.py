"""Worker entry points of the complaints app: fetch ids, call one function, log counts."""

from __future__ import annotations

import logging
from smtplib import SMTPException

from celery import shared_task

logger = logging.getLogger("huiyin.jobs")


@shared_task(
    name="complaints.deliver_notifications",
    autoretry_for=(SMTPException, ConnectionError),
    retry_backoff=True,
    max_retries=5,
)
def deliver_notifications() -> int:
    """Send the mails that wait; safe to run twice or beside itself."""
    from complaints import jobs  # leaf

    return jobs.deliver_notifications()["sent"]


@shared_task(name="complaints.sweep_deadlines")
def sweep_deadlines() -> int:
    """Remind, record breaches and escalate whatever is due now."""
    from complaints import jobs  # leaf

    result = jobs.sweep_deadlines()
    if result["alerts"]:
        logger.info("swept deadlines", extra={"alerts": result["alerts"]})
    return result["alerts"]


@shared_task(name="complaints.check_ledger")
def check_ledger() -> bool:
    """Anchor yesterday's events and verify the whole ledger."""
    from complaints import jobs  # leaf

    return jobs.check_ledger()["ok"]


@shared_task(name="complaints.purge_expired")
def purge_expired() -> int:
    """Remove drafts that were never filed and answers kept for retries."""
    from complaints import jobs  # leaf

    return jobs.purge_expired()["removed"]

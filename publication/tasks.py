"""Worker entry points of the publication app."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="publication.publish_due")
def publish_due() -> int:
    """Post the approved publications whose time has come."""
    from publication import jobs  # leaf

    return jobs.publish_due()["posted"]

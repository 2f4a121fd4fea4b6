"""Worker entry points of the review app."""

from __future__ import annotations

import logging

from celery import shared_task

logger = logging.getLogger("huiyin.jobs")


@shared_task(name="review.draw_sample")
def draw_sample() -> int:
    """Commit the current month and draw the months that are over."""
    from django.utils import timezone  # leaf

    from review import draws

    result = draws.keep_up(now=timezone.now())
    if result["drawn"]:
        logger.info("drew samples", extra={"periods": len(result["drawn"])})
    return len(result["drawn"])


@shared_task(name="review.evaluate_alerts")
def evaluate_alerts() -> int:
    """Raise what the alert rules find."""
    from review import alerts  # leaf

    result = alerts.evaluate()
    raised = sum(result["raised"].values())
    if raised or result["in_review"]:
        logger.info("raised alerts", extra={"alerts": raised, "in_review": result["in_review"]})
    return raised

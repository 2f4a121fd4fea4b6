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
    if "short_of_members" in result:
        logger.warning("too few members are free", extra={"reviews": result["short_of_members"]})
    return len(result["drawn"])


@shared_task(name="review.open_reviews")
def open_reviews(draw_id: int) -> int:
    """Open the reviews that a large draw left to a worker."""
    from review import draws  # leaf
    from review.models import SampleDraw

    return draws.open_reviews(SampleDraw.objects.get(pk=draw_id))


@shared_task(name="review.watch_group")
def watch_group() -> int:
    """Tell of certificates that run out."""
    from review import group  # leaf

    return group.watch()["told"]


@shared_task(name="review.evaluate_alerts")
def evaluate_alerts() -> int:
    """Raise what the alert rules find."""
    from review import alerts  # leaf

    result = alerts.evaluate()
    raised = sum(result["raised"].values())
    if raised or result["in_review"]:
        logger.info("raised alerts", extra={"alerts": raised, "in_review": result["in_review"]})
    return raised


@shared_task(name="review.watch_reviews")
def watch_reviews() -> int:
    """Date reviews that had no calendar, tell of overdue steps, log what departments did not deliver."""
    from review import step_jobs  # leaf

    return sum(step_jobs.watch().values())

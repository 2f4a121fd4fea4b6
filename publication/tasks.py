"""Worker entry points of the publication app."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="publication.publish_due")
def publish_due() -> int:
    """Post the approved publications whose time has come."""
    from publication import jobs  # leaf

    return jobs.publish_due()["posted"]


@shared_task(name="publication.render_file")
def render_file(file_id: int) -> bool:
    """Make the copy of one attachment; a second run finds it made."""
    from publication import attachments  # leaf

    return attachments.render(file_id)


@shared_task(name="publication.render_waiting")
def render_waiting() -> int:
    """Make the copies whose task was lost."""
    from publication import attachments  # leaf

    return attachments.render_waiting()["rendered"]


@shared_task(name="publication.remind_undecided")
def remind_undecided() -> int:
    """Tell, once a week, of closed cases that wait for the decision to publish."""
    from publication import jobs  # leaf

    return jobs.remind_undecided()["told"]


@shared_task(name="publication.watch_fulfilment")
def watch_fulfilment() -> int:
    """Tell of published improvements that are overdue, and of pages that lag behind them."""
    from publication import effects  # leaf

    return effects.watch_fulfilment()["told"]


@shared_task(name="publication.tell_lessons")
def tell_lessons() -> int:
    """Tell the front line of the results of its work that were published this week."""
    from publication import lessons  # leaf

    return lessons.tell_weekly()["told"]


@shared_task(name="publication.purge_echo")
def purge_echo() -> int:
    """Erase words of comments, names and reports of volunteers that were kept long enough."""
    from publication import jobs  # leaf

    return sum(jobs.purge_echo().values())


@shared_task(name="publication.publish_bulletin")
def publish_bulletin(bulletin_id: int) -> bool:
    """Scan and publish one released bulletin; a second run finds it published."""
    from publication import bulletins  # leaf

    return bulletins.publish(bulletin_id) is not None


@shared_task(name="publication.tell_bulletin")
def tell_bulletin(bulletin_id: int) -> int:
    """Tell the complainants of the incident a bulletin; a second run goes on where the first one stopped."""
    from publication import bulletins  # leaf

    return bulletins.tell(bulletin_id)["told"]


@shared_task(name="publication.sweep_bulletins")
def sweep_bulletins() -> int:
    """Find bulletins that were not published, taken down or told."""
    from publication import bulletins  # leaf

    return sum(bulletins.sweep_bulletins().values())

"""Scheduled work of publications: post what is approved and due, remind, erase what was kept long enough."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from accounts.errors import DomainError
from accounts.models import User
from complaints import notify
from complaints.jobs import present
from publication import comments, lists, observations, postings, transitions, volunteers
from publication.models import Publication
from publication.states import PublicationStatus

logger = logging.getLogger("huiyin.jobs")

_UNSIGNED = (
    PublicationStatus.DRAFT,
    PublicationStatus.FIRST_CHECK,
    PublicationStatus.SECOND_CHECK,
    PublicationStatus.MASKING_REVIEW,
)
# A time that passed longer ago is no news to anybody.
_LOOK_BACK = timedelta(days=7)


def publish_due(*, now: datetime | None = None) -> dict[str, Any]:
    """Post every approved publication whose time has come; one that is refused does not stop the rest.

    Who publishes is told of it once, without the reason: the page says it to whoever may read it; so is, with the
    author, what was changed after its signatures and waits for them again when its time comes. A result whose term is
    over leaves the public pages by itself; who has to take its postings down is told here.
    """
    now = now or timezone.now()
    posted = refused = 0
    due = Publication.objects.filter(status=PublicationStatus.APPROVED, publish_at__lte=now)
    for pk, number, publish_at in due.order_by("publish_at").values_list("pk", "number", "publish_at"):
        try:
            transitions.publish(pk, by=None, at=now)
            posted += 1
        except DomainError as error:
            logger.warning("scheduled posting refused", extra={"publication": number, "code": error.code})
            refused += 1
            _tell_not_posted(notify.holders_of("publication.publish"), pk, number, publish_at)
    missed = Publication.objects.filter(status__in=_UNSIGNED, publish_at__lte=now, publish_at__gt=now - _LOOK_BACK)
    for row in missed.select_related("author").order_by("publish_at"):
        people = {person.pk: person for person in (*notify.holders_of("publication.publish"), row.author)}
        _tell_not_posted(people.values(), row.pk, row.number, row.publish_at)
    return {"posted": posted, "refused": refused, "hanging": postings.tell_hanging(now=now)}


def _tell_not_posted(people: Iterable[User], pk: int, number: str, publish_at: datetime | None) -> None:
    notify.tell(
        people,
        "posting_refused",
        dedupe=f"posting_refused:{pk}:{publish_at}",
        url=f"/desk/publications/{number}/",
        publication=number,
    )


def remind_undecided(*, now: datetime | None = None) -> dict[str, int]:
    """Once a week: tell everybody who composes how many closed cases wait for "publish or not" (PUB-45)."""
    now = now or timezone.now()
    year, week, _day = timezone.localdate(now).isocalendar()
    told = 0
    for person in notify.holders_of("publication.compose"):
        count = lists.waiting(person).count()
        if count:
            told += notify.tell(
                [person],
                "publish_or_not",
                dedupe=f"publish_or_not:{year}-{week:02}",
                url="/desk/publications/?view=waiting",
                count=count,
            )
    return {"told": told}


def purge_echo(*, now: datetime | None = None) -> dict[str, int]:
    """Erase the words of comments, and names and reports of volunteers, that were kept long enough (PUB-38, PUB-39).

    Refuses when the machine's time cannot be believed (JT-04).
    """
    now = now or present("purge_echo")
    shown = observations.purge(now=now)
    return {"comments": comments.purge(now=now), "volunteers": volunteers.purge(now=now) + shown}

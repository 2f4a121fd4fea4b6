"""Scheduled work of publications: post what is approved and due."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.errors import DomainError
from publication import transitions
from publication.models import Publication
from publication.states import PublicationStatus

logger = logging.getLogger("huiyin.jobs")


def publish_due(*, now: datetime | None = None) -> dict[str, Any]:
    """Post every approved publication whose time has come; one that is refused does not stop the rest."""
    now = now or timezone.now()
    posted = refused = 0
    due = Publication.objects.filter(status=PublicationStatus.APPROVED, publish_at__lte=now)
    for pk, number in due.order_by("publish_at").values_list("pk", "number"):
        try:
            transitions.publish(pk, by=None, at=now)
            posted += 1
        except DomainError as error:
            logger.warning("scheduled posting refused", extra={"publication": number, "code": error.code})
            refused += 1
    return {"posted": posted, "refused": refused}

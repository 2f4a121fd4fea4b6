"""Outside events that explain figures: a campaign, a new product, a cold spell (AN-07)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput
from accounts.models import User
from analytics import permissions
from analytics.models import Annotation
from analytics.periods import OFFICE, Period

TEXT = 120
LONGEST = 366  # days


def add(*, first_day: date, last_day: date, text: str, by: User, at: datetime | None = None) -> Annotation:
    """Write down an outside event. Raises NotAllowed, InvalidInput (text, last_day)."""
    permissions.require(by, permissions.BUILD)
    if not text.strip():
        raise InvalidInput("text", _("Say what happened."))
    if last_day < first_day:
        raise InvalidInput("last_day", _("The last day must not lie before the first one."))
    if (last_day - first_day).days >= LONGEST:
        raise InvalidInput("last_day", _("An event lasts at most a year."))
    return Annotation.objects.create(
        first_day=first_day, last_day=last_day, text=text.strip()[:TEXT], at=at or timezone.now(), by=by
    )


@transaction.atomic
def end(pk: int, *, by: User, at: datetime | None = None) -> Annotation:
    """Take an event off the charts; the row stays. Raises NotAllowed, IllegalTransition."""
    permissions.require(by, permissions.BUILD)
    row = Annotation.objects.select_for_update().get(pk=pk)
    if row.ended_at is not None:
        raise IllegalTransition(_("This event was taken off the charts already."))
    row.ended_at = at or timezone.now()
    row.save(update_fields=["ended_at"])
    return row


def between(months: Sequence[Period]) -> list[tuple[Period, str]]:
    """The events of consecutive months, each with the first of these months it touches."""
    first, end = months[0].start.astimezone(OFFICE).date(), months[-1].end.astimezone(OFFICE).date()
    rows = Annotation.objects.filter(ended_at=None, first_day__lt=end, last_day__gte=first).order_by("first_day", "pk")
    found = []
    for row in rows:
        day = max(row.first_day, first)
        month = next(month for month in months if day < month.end.astimezone(OFFICE).date())
        found.append((month, row.text))
    return found

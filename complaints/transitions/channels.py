"""Keep what proves that no channel loses a complaint: own counts, service hours, who watches (IN-02, IN-03, IN-14)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.errors import InvalidInput, NotAllowed
from accounts.models import User
from complaints import office_terms
from complaints.models import ChannelCount, DutySlot, ServiceHours
from complaints.states import Channel
from complaints.transitions import core

PERMISSION = "complaints.screen_complaint"


@transaction.atomic
def set_count(
    *,
    channel: str,
    day: date,
    count: int,
    calls_missed: int | None = None,
    note: str = "",
    by: User,
    at: datetime | None = None,
) -> ChannelCount:
    """Enter what the channel's own counter says of a day; a later entry for the day replaces it.

    Raises InvalidInput for a day to come or an unknown channel, NotAllowed.
    """
    at = core.moment(at)
    _may(by, channel)
    if day > timezone.localdate(at):
        raise InvalidInput("day", _("This day is in the future; give a day that is over or today."))
    row, _made = ChannelCount.objects.update_or_create(
        channel=channel,
        day=day,
        defaults={"count": count, "calls_missed": calls_missed, "note": note[:300], "at": at, "by": by},
    )
    return row


@transaction.atomic
def add_hours(*, channel: str, weekdays: Iterable[int], opens: time, closes: time, by: User) -> list[ServiceHours]:
    """Say when a channel is open on some weekdays (0 is Monday). Raises InvalidInput when hours overlap."""
    _may(by, channel)
    if closes <= opens:
        raise InvalidInput("closes", _("The end is before the beginning; correct one of them."))
    weekdays = sorted(set(weekdays))
    known = ServiceHours.objects.filter(channel=channel, weekday__in=weekdays, opens__lt=closes, closes__gt=opens)
    if known.exists():
        raise InvalidInput("opens", _("These hours overlap with others of the channel; remove those first."))
    return ServiceHours.objects.bulk_create(
        ServiceHours(channel=channel, weekday=weekday, opens=opens, closes=closes) for weekday in weekdays
    )


def remove_hours(pk: int, *, by: User) -> bool:
    """Remove hours; False when they were gone already."""
    _may(by)
    return bool(ServiceHours.objects.filter(pk=pk).delete()[0])


@transaction.atomic
def add_duty(*, channel: str, person: User, starts_at: datetime, ends_at: datetime, by: User) -> DutySlot:
    """Let a person watch a channel for some hours. Raises InvalidInput, NotAllowed."""
    _may(by, channel)
    if ends_at <= starts_at:
        raise InvalidInput("ends_at", _("The end is before the beginning; correct one of them."))
    most = office_terms.of("duty")
    if ends_at - starts_at > timedelta(days=most):
        words = ngettext(
            "One turn lasts at most %(days)s day; enter several turns.",
            "One turn lasts at most %(days)s days; enter several turns.",
            most,
        )
        raise InvalidInput("ends_at", words, days=most)
    overlapping = DutySlot.objects.filter(
        channel=channel, person=person, starts_at__lt=ends_at, ends_at__gt=starts_at
    ).exists()
    if overlapping:
        raise InvalidInput("starts_at", _("This person already watches this channel at that time."))
    return DutySlot.objects.create(channel=channel, person=person, starts_at=starts_at, ends_at=ends_at)


def remove_duty(pk: int, *, by: User) -> bool:
    """Take a turn off the roster; False when it was gone already."""
    _may(by)
    return bool(DutySlot.objects.filter(pk=pk).delete()[0])


def _may(by: User, channel: str | None = None) -> None:
    if not by.has_perm(PERMISSION):
        raise NotAllowed(_("Your role does not keep the records of the channels."))
    if channel is not None and channel not in Channel.values:
        raise InvalidInput("channel", _("“%(value)s” is not one of the choices."), value=channel)

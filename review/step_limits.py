"""How many working days the steps of a review may take, edited as revisions (REV-01).

The limits are kept with the thresholds of the alerts: both are standards by which the review group is told that
something takes too long, and they share one history. Until somebody edits them the settings of the installation hold.
Screening and conclusion follow the service policy of the case, and the receipt is done when the review opens; so these
three are not edited here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput, NotAllowed
from accounts.models import User
from complaints import clocks, deadlines, revisions
from complaints.calendars import CalendarMissing
from review import alert_standard
from review.models import AlertStandard, StepClock
from review.states import ReviewStep

EDIT = "review.lead_review"
# Beside the codes of the alert rules in the stored revision.
KEY = alert_standard.STEP_LIMITS
DAYS: dict[str, int] = {
    ReviewStep.REQUEST: 1,
    ReviewStep.SCREENING: 2,
    ReviewStep.MATERIAL: 5,
    ReviewStep.CHECK: 7,
    ReviewStep.CONCLUSION: 3,
    ReviewStep.NOTICE: 3,
    ReviewStep.RECTIFICATION: 30,
}
EDITED = (ReviewStep.MATERIAL, ReviewStep.CHECK, ReviewStep.NOTICE, ReviewStep.RECTIFICATION)
LEAST, MOST = 1, 365
LOOKED_AT, LOOK_BACK = 500, timedelta(days=365)


def limits_of(standard: AlertStandard | None) -> dict[str, int]:
    """Working days by step: as edited in this revision, else by the settings, else the house's."""
    edited = standard.rules.get(KEY, {}) if standard else {}
    return {
        str(step): int(edited.get(step, settings.REVIEW_STEP_DAYS.get(str(step), days))) for step, days in DAYS.items()
    }


def current() -> dict[str, int]:
    """The limits in force. One query."""
    return limits_of(AlertStandard.objects.order_by("-revision").first())


def check(limits: Mapping[str, int]) -> None:
    """Raises InvalidInput naming the step whose limit is out of bounds."""
    for step in EDITED:
        days = limits.get(step)
        if type(days) is not int or not LEAST <= days <= MOST:
            raise InvalidInput(str(step), _("Give a whole number from %(least)s to %(most)s."), least=LEAST, most=MOST)


@transaction.atomic
def revise(
    limits: Mapping[str, int], *, note: str, based_on: int, by: User, at: datetime | None = None
) -> AlertStandard:
    """Store the next revision; clocks that run keep their date, a step that begins takes the new limit.

    `based_on` is the revision the person edited. Raises NotAllowed, InvalidInput by field, StaleVersion.
    """
    if not by.has_perm(EDIT):
        raise NotAllowed(_("Your role does not allow this."))
    note = revisions.why(note)
    check(limits)
    alert_standard.current()  # stores the shipped one as the first
    number = revisions.following(AlertStandard, based_on=based_on)
    rules = AlertStandard.objects.get(revision=based_on).rules
    kept = {str(step): limits[step] for step in EDITED}
    return AlertStandard.objects.create(
        revision=number, rules={**rules, KEY: kept}, note=note, by=by, at=at or timezone.now()
    )


@dataclass(frozen=True)
class Effect:
    """Of the newest steps of a year: how many were looked at, late by their own date, late by the new limit."""

    label: str
    looked_at: int
    late: int
    late_then: int


def preview(limits: Mapping[str, int], *, now: datetime) -> list[Effect]:
    """What the limits would have made late among the newest 500 of each step in the last 365 days. Stores nothing."""
    check(limits)
    calendar = clocks.working_calendar()
    found = []
    for step in EDITED:
        rule = deadlines.ClockRule(limits[step], deadlines.Unit.WORKING_DAYS)
        rows = list(
            StepClock.objects.filter(step=step, started_at__gte=now - LOOK_BACK)
            .order_by("-pk")
            .values_list("started_at", "due_at", "stopped_at")[:LOOKED_AT]
        )
        late = late_then = 0
        for started_at, due_at, stopped_at in rows:
            end = stopped_at or now
            late += end > due_at
            try:
                due = deadlines.due_at(started_at, rule, calendar).at
            except CalendarMissing:
                continue
            late_then += due is not None and end > due
        found.append(Effect(str(step.label), len(rows), late, late_then))
    return found


def history() -> list[tuple[AlertStandard, dict[str, int]]]:
    """The revisions that changed a limit, newest first, each with its limits."""
    rows = list(AlertStandard.objects.select_related("by").order_by("revision"))
    found, before = [], limits_of(None)
    for row in rows:
        limits = limits_of(row)
        if limits != before:
            found.append((row, limits))
        before = limits
    return found[::-1]

"""How many working days the steps of a review may take, edited as revisions (REV-01).

Until somebody edits them the settings of the installation hold. Screening and conclusion follow the service policy of
the case; a stricter limit may stand beside it, and the earlier date holds. The receipt is done when the review opens
and is not edited.
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
from complaints.models import Complaint
from complaints.states import Milestone
from review.models import LimitStandard, ReviewCase, StepClock
from review.states import ReviewStep, TriggerKind

EDIT = "review.lead_review"
DAYS: dict[str, int] = {
    ReviewStep.REQUEST: 1,
    ReviewStep.MATERIAL: 5,
    ReviewStep.CHECK: 7,
    ReviewStep.NOTICE: 3,
    ReviewStep.RECTIFICATION: 30,
}
EDITED = (ReviewStep.MATERIAL, ReviewStep.CHECK, ReviewStep.NOTICE, ReviewStep.RECTIFICATION)
LEAST, MOST = 1, 365
# The steps with a milestone of the service policy, and the working days that are fixed for them: from the start signal
# to the screening (REV-26), from the application to the decision. The head may set fewer and never more.
MILESTONES = {
    ReviewStep.SCREENING: Milestone.REVIEW_SCREENING,
    ReviewStep.CONCLUSION: Milestone.REVIEW_DECISION,
}
FIXED: dict[str, int] = {ReviewStep.SCREENING: 2, ReviewStep.CONCLUSION: 15}
STEPS = tuple(step for step in ReviewStep if step in EDITED or step in MILESTONES)
LOOKED_AT, LOOK_BACK = 500, timedelta(days=365)


def own_of(standard: LimitStandard | None) -> dict[str, int | None]:
    """Working days by step as this revision sets them, else as the settings do, else the house's; None where only the
    service policy of the case counts."""
    told = (standard.days if standard else None) or settings.REVIEW_STEP_DAYS
    own: dict[str, int | None] = {str(step): told.get(str(step)) for step in MILESTONES}
    return own | {str(step): told.get(str(step), days) for step, days in DAYS.items()}


def limits_of(standard: LimitStandard | None) -> dict[str, int]:
    """Working days by step; what is fixed where only the service policy of the case counts."""
    return {step: days or FIXED[step] for step, days in own_of(standard).items()}


def newest() -> LimitStandard | None:
    """The revision in force, or None while nobody has edited anything. One query."""
    return LimitStandard.objects.order_by("-revision").first()


def stored() -> LimitStandard:
    """The revision in force; the first one, which leaves everything to the settings, is stored at the first call."""
    return newest() or LimitStandard.objects.get_or_create(revision=1)[0]


def current() -> dict[str, int]:
    """The limits in force. One query."""
    return limits_of(newest())


def asked_at(review: ReviewCase) -> datetime:
    """When the complainant applied, else the start signal: the time for the decision counts from here."""
    applied = [trigger.at for trigger in review.triggers.all() if trigger.kind == TriggerKind.APPLICATION]
    return min(applied, default=review.opened_at)


def date_of(
    complaint: Complaint, step: ReviewStep, own: Mapping[str, int | None], *, since: datetime
) -> datetime | None:
    """By when a step with a milestone is due: the earlier of the policy's date and the limit beside it (REV-26).

    A screening never takes longer than is fixed, whatever the policy says. None where the calendar has no data for the
    year: no date is guessed, and the review says so until the year is there (SLA-12).
    """
    by_policy = clocks.date_of(complaint, MILESTONES[step], since=since)
    days = own[step] or (FIXED[step] if by_policy is None or step == ReviewStep.SCREENING else None)
    dates = [by_policy] if by_policy else []
    if days is not None:
        rule = deadlines.ClockRule(days, deadlines.Unit.WORKING_DAYS)
        try:
            beside = deadlines.due_at(since, rule, clocks.working_calendar(complaint.policy.slots)).at
        except CalendarMissing:
            beside = None
        dates += [beside] if beside else []
    return min(dates, default=None)


def check(limits: Mapping[str, int | None]) -> None:
    """Raises InvalidInput naming the step whose limit is out of bounds."""
    for step in STEPS:
        days, most = limits.get(step), FIXED.get(step, MOST)
        if step in MILESTONES and days is None:
            continue
        if type(days) is not int or not LEAST <= days <= most:
            raise InvalidInput(str(step), _("Give a whole number from %(least)s to %(most)s."), least=LEAST, most=most)


@transaction.atomic
def revise(
    limits: Mapping[str, int | None], *, note: str, based_on: int, by: User, at: datetime | None = None
) -> LimitStandard:
    """Store the next revision; clocks that run keep their date, a step that begins takes the new limit.

    `based_on` is the revision the person edited. Raises NotAllowed, InvalidInput by field, StaleVersion.
    """
    if not by.has_perm(EDIT):
        raise NotAllowed(_("Your role does not allow this."))
    note = revisions.why(note)
    check(limits)
    stored()
    return LimitStandard.objects.create(
        revision=revisions.following(LimitStandard, based_on=based_on),
        days={str(step): limits[step] for step in STEPS if limits.get(step) is not None},
        note=note,
        by=by,
        at=at or timezone.now(),
    )


@dataclass(frozen=True)
class Effect:
    """Of the newest steps of a year: how many were looked at, late by their own date, late by the new limit."""

    label: str
    looked_at: int
    late: int
    late_then: int


def preview(limits: Mapping[str, int | None], *, now: datetime) -> list[Effect]:
    """What the limits would have made late among the newest 500 of each step in the last 365 days. Stores nothing."""
    check(limits)
    own = {str(step): limits.get(step) for step in STEPS}
    found = []
    for step in STEPS:
        rows = StepClock.objects.filter(step=step, started_at__gte=now - LOOK_BACK).order_by("-pk")
        rows = rows.select_related("review__complaint__policy").prefetch_related(
            "review__triggers", "review__complaint__policy__rules"
        )[:LOOKED_AT]
        ends = [(row.stopped_at or now, row.due_at, _due_then(row, own)) for row in rows]
        late = sum(end > due for end, due, _then in ends)
        late_then = sum(then is not None and end > then for end, _due, then in ends)
        found.append(Effect(str(step.label), len(ends), late, late_then))
    return found


def _due_then(row: StepClock, own: Mapping[str, int | None]) -> datetime | None:
    """When the step would have been due by these limits; None where the calendar has no data."""
    step, complaint = ReviewStep(row.step), row.review.complaint
    if step in MILESTONES:
        since = row.review.opened_at if step == ReviewStep.SCREENING else asked_at(row.review)
        return date_of(complaint, step, own, since=since)
    rule = deadlines.ClockRule(own[step] or LEAST, deadlines.Unit.WORKING_DAYS)
    try:
        return deadlines.due_at(row.started_at, rule, clocks.working_calendar(complaint.policy.slots)).at
    except CalendarMissing:
        return None


def history() -> list[tuple[LimitStandard, dict[str, int | None]]]:
    """The revisions, newest first, each with the limits it sets."""
    return [(row, own_of(row)) for row in LimitStandard.objects.select_related("by")]

"""Why a step of a review is due on its day: the rule its date follows, in words and on the calendar (SLA-05, REV-01).

A clock of a step keeps its date and no rule. The rule is found again among those that may have given it: the service
policy of the case, the limits as they stood when the step began, and what is fixed. Where none gives the date, because
a calendar was corrected or a limit changed since, the page says so and draws nothing: nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from complaints import clock_texts, clocks, deadline_page, deadlines, why_date
from complaints.calendars import CalendarMissing
from complaints.clock_rules import StartsOn, Unit
from complaints.models import Deadline
from review import step_limits
from review.models import LimitStandard, ReviewCase, StepClock
from review.states import ReviewStatus, ReviewStep

# A step the review returned to begins anew with some event of the case; no more of them are tried.
MOST_MOMENTS = 200


@dataclass(frozen=True)
class Rule:
    """What may have given a date: whose rule it is, in words, and the limit counted from a moment."""

    source: str
    clock: Deadline


@dataclass(frozen=True)
class Step:
    """One step with its date; `ended_at` is None while it runs or has not begun."""

    label: str
    due_at: datetime
    began_at: datetime
    ended_at: datetime | None
    has_begun: bool


def find(review: ReviewCase, step: str) -> Step | None:
    """The step with its date; None where it has none yet."""
    row = StepClock.objects.filter(review=review, step=step).first()
    if row is not None:
        return Step(str(ReviewStep(step).label), row.due_at, row.started_at, row.stopped_at, True)
    if step == ReviewStep.CONCLUSION and review.decision_due_at:
        asked = step_limits.asked_at(review)
        return Step(str(ReviewStep.CONCLUSION.label), review.decision_due_at, asked, None, False)
    return None


def explain(review: ReviewCase, step: str, found: Step, *, now: datetime) -> dict[str, Any]:
    """What the page shows: the sentence, whose rule it is and the drawing; or the year that has no calendar."""
    calendar = clocks.working_calendar(review.complaint.policy.slots)
    try:
        for rule in _rules(review, ReviewStep(step), found):
            due = clocks.compute(rule.clock, calendar, [])
            if due.at == found.due_at:
                return {
                    "source": rule.source,
                    "sentence": deadlines.explain_sentence(due, _),
                    "drawing": deadline_page.draw(rule.clock, calendar, [], now=now),
                    "weekdays": [_(name) for name in clock_texts.WEEKDAYS],
                }
    except CalendarMissing as error:
        return {"missing": error.year}
    return {}


def for_complainant(review: ReviewCase, *, now: datetime) -> why_date.Why | None:
    """Why the date the applicant reads is the date: of the screening before it is done, of the result after it.

    Counted from the application alone. What another start gives, of a review that was open already or of a step it
    returned to, is not told outside (PI-12, PI-13); nor is whose limit it is.
    """
    asked = step_limits.asked_at(review)
    if review.status == ReviewStatus.REQUESTED:
        due_at, step = review.screening_due_at, ReviewStep.SCREENING
    else:
        due_at, step = review.decision_due_at, ReviewStep.CONCLUSION
    if due_at is None:
        return None
    found = Step(str(step.label), due_at, asked, None, True)
    for rule in _limits(review, step, found, asked, StartsOn.REVIEW_REQUESTED):
        why = why_date.of_clock(rule.clock, review.complaint, due_at=due_at, now=now)
        if why is not None:
            return why
    return None


def _rules(review: ReviewCase, step: ReviewStep, found: Step) -> Iterator[Rule]:
    """Every rule that may have given the date, the nearest first."""
    for since, starts_on in _begins(review, step, found):
        yield from _limits(review, step, found, since, starts_on)


def _limits(review: ReviewCase, step: ReviewStep, found: Step, since: datetime, starts_on: StartsOn) -> Iterator[Rule]:
    """The limits of a step, counted from one moment."""
    if step in step_limits.MILESTONES:
        rule = clocks.rule_for(review.complaint, step_limits.MILESTONES[step])
        if rule is not None:
            names = ("amount", "unit", "start_day_counts", "roll_forward", "after_hours_next_day")
            values = {name: getattr(rule, name) for name in names}
            yield Rule(_("the service policy of the case"), _clock(found, since, starts_on, **values))
    for days, source in _days(step, since):
        yield Rule(source, _clock(found, since, starts_on, amount=days, unit=Unit.WORKING_DAYS.value))


def _days(step: ReviewStep, since: datetime) -> Iterator[tuple[int, str]]:
    standard = LimitStandard.objects.filter(at__lte=since).order_by("-revision").first()
    days = step_limits.own_of(standard).get(step)
    if days:
        yield days, _("the limits of the steps, set by the head of review")
    if step in step_limits.FIXED:
        yield step_limits.FIXED[step], _("what is fixed for this step")


def _begins(review: ReviewCase, step: ReviewStep, found: Step) -> Iterator[tuple[datetime, StartsOn]]:
    """The moments the time may be counted from: of the whole review, of the step, and of its return to the step."""
    if step == ReviewStep.SCREENING:
        yield review.opened_at, StartsOn.REVIEW_OPENED
    elif step == ReviewStep.CONCLUSION:
        yield step_limits.asked_at(review), StartsOn.REVIEW_REQUESTED
    yield found.began_at, StartsOn.REVIEW_STEP
    later = review.complaint.events.filter(at__gt=found.began_at, at__lt=found.due_at).order_by("-sequence")
    for at in dict.fromkeys(later.values_list("at", flat=True)[:MOST_MOMENTS]):
        yield at, StartsOn.REVIEW_STEP


def _clock(found: Step, since: datetime, starts_on: StartsOn, **values: Any) -> Deadline:
    """A clock for the calendar, never stored."""
    usual = {"start_day_counts": False, "roll_forward": True, "after_hours_next_day": False}
    return Deadline(started_at=since, starts_on=starts_on.value, stopped_at=found.ended_at, **{**usual, **values})

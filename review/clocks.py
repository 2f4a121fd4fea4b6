"""The seven steps of a review with their own clocks, and what became of them (REV-01).

A clock begins when its step begins and stops when the next one does; a step the review returns to runs on with a new
date. Screening and decision follow the policy of the case and a stricter limit beside it; the others count working
days (review/step_limits.py). A year without calendar starts no clock: a date is never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q
from django.utils import timezone

from accounts.models import User
from complaints import clocks, deadlines, notify
from complaints import transitions as case_transitions
from complaints.calendars import CalendarMissing
from complaints.models import Complaint
from review import independence, step_limits
from review.models import ReviewCase, StepClock
from review.states import ReviewStatus, ReviewStep

# The step a review is at. Received means: waits for the screening; the receipt itself was done when it opened.
STEP_OF = {
    ReviewStatus.REQUESTED: ReviewStep.SCREENING,
    ReviewStatus.SET_UP: ReviewStep.MATERIAL,
    ReviewStatus.RETRIEVAL: ReviewStep.MATERIAL,
    ReviewStatus.VERIFICATION: ReviewStep.CHECK,
    ReviewStatus.CONCLUSION: ReviewStep.CONCLUSION,
    ReviewStatus.FEEDBACK: ReviewStep.NOTICE,
    ReviewStatus.RECTIFICATION: ReviewStep.RECTIFICATION,
}
FIGURES_OVER = timedelta(days=365)
TOLD_PER_RUN = 500


def follow(review: ReviewCase, complaint: Complaint, *, at: datetime) -> None:
    """Stop the clocks of steps that are over and start that of the step the review is at.

    Called by every transition under its lock; a second call changes nothing.
    """
    known = {row.step: row for row in review.clocks.all()}
    if ReviewStep.REQUEST not in known and review.status == ReviewStatus.REQUESTED:
        _start(review, complaint, ReviewStep.REQUEST, at=review.opened_at, stopped_at=at)
    current = STEP_OF.get(ReviewStatus(review.status))
    for step, row in known.items():
        if row.stopped_at is None and step != current:
            row.stopped_at = at
            row.save(update_fields=["stopped_at"])
    if current is None:
        return
    if current not in known:
        _start(review, complaint, current, at=at)
    elif known[current].stopped_at is not None:
        row = known[current]
        row.stopped_at, row.told_at, row.due_at = None, None, _due(review, complaint, current, at=at) or row.due_at
        row.save(update_fields=["stopped_at", "told_at", "due_at"])


def _start(
    review: ReviewCase, complaint: Complaint, step: str, *, at: datetime, stopped_at: datetime | None = None
) -> None:
    due = _due(review, complaint, step, at=at)
    if due is not None:
        StepClock.objects.create(review=review, step=step, started_at=at, due_at=due, stopped_at=stopped_at)


def _due(review: ReviewCase, complaint: Complaint, step: str, *, at: datetime) -> datetime | None:
    own = {ReviewStep.SCREENING: review.screening_due_at, ReviewStep.CONCLUSION: review.decision_due_at}
    if step in own:
        return own[ReviewStep(step)]
    rule = deadlines.ClockRule(step_limits.current()[step], deadlines.Unit.WORKING_DAYS)
    try:
        return deadlines.due_at(at, rule, clocks.working_calendar(complaint.policy.slots)).at
    except CalendarMissing:
        return None


def catch_up(*, now: datetime) -> int:
    """Date the reviews that found no calendar for the year, now that it is there (SLA-12). Returns how many.

    The dates count from when they would have. Safe to run twice or beside itself: each review is looked at again under
    its lock.
    """
    running = StepClock.objects.filter(review=OuterRef("pk"), stopped_at=None)
    undated = ReviewCase.objects.open().exclude(Exists(running)).order_by("pk")
    return sum(_date(pk, complaint_id, at=now) for pk, complaint_id in undated.values_list("pk", "complaint_id"))


@transaction.atomic
def _date(review_id: int, complaint_id: int, *, at: datetime) -> bool:
    complaint = case_transitions.lock(complaint_id)
    review = ReviewCase.objects.select_for_update().get(pk=review_id)
    step = STEP_OF.get(ReviewStatus(review.status))
    if step is None or review.clocks.filter(stopped_at=None).exists():
        return False
    own = step_limits.own_of(step_limits.newest())
    if review.screening_due_at is None:
        review.screening_due_at = step_limits.date_of(complaint, ReviewStep.SCREENING, own, since=review.opened_at)
    if review.decision_due_at is None and review.screened_at:
        since = step_limits.asked_at(review)
        review.decision_due_at = step_limits.date_of(complaint, ReviewStep.CONCLUSION, own, since=since)
    review.save(update_fields=["screening_due_at", "decision_due_at"])
    follow(review, complaint, at=_begun(review).get(step) or at)
    return review.clocks.filter(stopped_at=None).exists()


def _begun(review: ReviewCase) -> dict[ReviewStep, datetime | None]:
    """When each step began, where the review itself tells."""
    return {
        ReviewStep.SCREENING: review.opened_at,
        ReviewStep.MATERIAL: review.screened_at,
        ReviewStep.CONCLUSION: review.report_at,
        ReviewStep.NOTICE: review.finalised_at,
        ReviewStep.RECTIFICATION: review.notified_at,
    }


# --- Reading ------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Line:
    """One step for the page: its clock where it has begun, and whether it was or is late.

    `planned` is the date of a step that has not begun where the review has one already, else `days` tells its length.
    """

    step: str
    label: str
    days: int
    planned: datetime | None
    clock: StepClock | None
    is_current: bool
    is_late: bool


def lines(review: ReviewCase, *, now: datetime) -> list[Line]:
    """The seven steps in order. Two queries."""
    limits = step_limits.current()
    known = {row.step: row for row in review.clocks.all()}
    current = STEP_OF.get(ReviewStatus(review.status))
    return [
        Line(
            step=str(step.value),
            label=str(step.label),
            days=limits[step],
            planned=review.decision_due_at if step == ReviewStep.CONCLUSION else None,
            clock=known.get(step),
            is_current=step == current,
            is_late=step in known and is_late(known[step], now=now),
        )
        for step in ReviewStep
    ]


def is_late(row: StepClock, *, now: datetime) -> bool:
    """Whether the step ended, or still runs, after its date."""
    return (row.stopped_at or now) > row.due_at


def runs_late(*, now: datetime) -> Exists:
    """For a list: whether the step a review is at is late, though the review as a whole may be in time."""
    return Exists(StepClock.objects.filter(review=OuterRef("pk"), stopped_at=None, due_at__lt=now))


@dataclass(frozen=True)
class StepFigure:
    """How one step did in the last 365 days: begun, running, running late, ended, ended late (numbers of reviews)."""

    label: str
    begun: int
    running: int
    overdue: int
    ended: int
    ended_late: int


def figures(*, now: datetime) -> list[StepFigure]:
    """The seven steps over the last 365 days, in one query."""
    ended = Q(stopped_at__isnull=False)
    rows: dict[str, dict[str, Any]] = {
        row["step"]: dict(row)
        for row in StepClock.objects.filter(started_at__gte=now - FIGURES_OVER)
        .order_by()
        .values("step")
        .annotate(
            begun=Count("pk"),
            running=Count("pk", filter=~ended),
            overdue=Count("pk", filter=~ended & Q(due_at__lt=now)),
            ended=Count("pk", filter=ended),
            ended_late=Count("pk", filter=ended & Q(stopped_at__gt=F("due_at"))),
        )
    }
    names = ("begun", "running", "overdue", "ended", "ended_late")
    return [
        StepFigure(str(step.label), **{name: rows.get(step.value, {}).get(name, 0) for name in names})
        for step in ReviewStep
    ]


# --- Telling ------------------------------------------------------------------------------------------
def people(review: ReviewCase, *, at: datetime) -> list[User]:
    """Who hears of a review: its members, and who leads it."""
    found = [row.reviewer for row in review.assignments.filter(is_void=False).select_related("reviewer")]
    head = independence.acting_head(review, at=at)
    return [*found, *([head] if head else [])]


def watch(*, now: datetime) -> int:
    """Tell the members and the head, once, of each step that is overdue. Returns how many steps.

    Safe to run twice or beside itself: each clock is claimed by a conditional update.
    """
    overdue = StepClock.objects.filter(stopped_at__isnull=True, told_at__isnull=True, due_at__lt=now)
    told = 0
    for row in overdue.select_related("review__complaint").order_by("due_at")[:TOLD_PER_RUN]:
        with transaction.atomic():
            if not overdue.filter(pk=row.pk).update(told_at=now):
                continue
            _tell_late(row, people(row.review, at=now))
            told += 1
    return told


def _tell_late(row: StepClock, recipients: Iterable[User]) -> None:
    notify.tell(
        recipients,
        "review_step_late",
        dedupe=f"review_step:{row.pk}:{row.due_at:%Y%m%d%H%M}",
        url=f"/desk/reviews/{row.review.number}/",
        review=row.review.number,
        due=timezone.localtime(row.due_at).isoformat(timespec="minutes"),
    )

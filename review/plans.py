"""What the head plans for a month, beside what is coming (REV-12)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.models import User
from complaints.models import Category, Complaint
from review import sampling
from review.models import ReviewCase, ReviewPlan, SampleDraw
from review.states import DrawState, TriggerKind

EDIT = "review.lead_review"
DEFAULT_PERCENT = 12
MOST_REVIEWS = 10_000
LONGEST_TEXT = 5000
# Months whose average stands for one that is not over.
AVERAGE_OF = 3


def month_before(period: str, back: int = 1) -> str:
    """The month so many months before, as 2026-10."""
    year, month = (int(part) for part in period.split("-"))
    count = year * 12 + month - 1 - back
    return f"{count // 12:04d}-{count % 12 + 1:02d}"


def this_month(at: datetime) -> str:
    return timezone.localdate(at).strftime("%Y-%m")


def newest(period: str) -> ReviewPlan | None:
    """The plan that counts for a month."""
    return ReviewPlan.objects.filter(period=period).select_related("by").order_by("-revision").first()


@transaction.atomic
def save(
    period: str,
    *,
    text: str,
    focus: Iterable[Category],
    capacity: int | None,
    based_on: int,
    by: User,
    at: datetime | None = None,
) -> ReviewPlan:
    """Store the plan of a month, or its next revision.

    `based_on` is the revision the person edited, 0 for none. Raises NotAllowed, InvalidInput by field,
    StaleVersion, and IllegalTransition for a month that is over.
    """
    at = at or timezone.now()
    if not by.has_perm(EDIT):
        raise NotAllowed(_("The head of the review group plans the reviews."))
    if period < this_month(at):
        raise IllegalTransition(_("This month is over; its plan stays as it is."))
    if not text.strip():
        raise InvalidInput("text", _("Write the plan."))
    if len(text) > LONGEST_TEXT:
        raise InvalidInput("text", _("Please shorten this to %(limit)s characters."), limit=LONGEST_TEXT)
    if capacity is not None and not 0 <= capacity <= MOST_REVIEWS:
        raise InvalidInput("capacity", _("Give a number from 0 to %(most)s."), most=MOST_REVIEWS)
    # Two who write the first plan of a month at once meet at the unique constraint.
    before = ReviewPlan.objects.select_for_update().filter(period=period).order_by("-revision").first()
    revision = before.revision if before else 0
    if revision != based_on:
        raise StaleVersion(revision)
    try:
        with transaction.atomic():
            row = ReviewPlan.objects.create(
                period=period, revision=revision + 1, text=text.strip(), capacity=capacity, at=at, by=by
            )
    except IntegrityError as error:
        raise StaleVersion(revision + 1) from error
    row.focus.set(focus)
    return row


@dataclass(frozen=True)
class Outlook:
    """The work of a month in reviews: open ones, the sample still to be drawn, and what else usually comes."""

    open: int
    sample: int
    other: int

    @property
    def total(self) -> int:
        return self.open + self.sample + self.other


def outlook(period: str, *, at: datetime) -> Outlook:
    """What comes in a month. The sample drawn in it is of the cases closed in the month before (REV-22)."""
    start, end = sampling.period_bounds(period)
    drawn_from = SampleDraw.objects.filter(period=month_before(period)).first()
    if drawn_from and drawn_from.state == DrawState.DRAWN:
        sample = 0  # its reviews are open or done already
    else:
        percent = drawn_from.percent if drawn_from else DEFAULT_PERCENT
        sample = sampling.sample_size(_closed_in(month_before(period), at=at), percent=percent)
    since, until = sampling.period_bounds(month_before(this_month(at), AVERAGE_OF))[0], _month_start(at)
    came = ReviewCase.objects.filter(opened_at__gte=since, opened_at__lt=until).exclude(
        triggers__kind=TriggerKind.SAMPLE
    )
    usual = came.count() / AVERAGE_OF
    # Of the running month only what is left of it is still to come.
    left = min(1.0, max(0.0, (end - max(at, start)) / (end - start)))
    return Outlook(ReviewCase.objects.open().count(), sample, round(usual * left))


def _month_start(at: datetime) -> datetime:
    return sampling.period_bounds(this_month(at))[0]


def _closed_in(period: str, *, at: datetime) -> int:
    """Cases closed in a month; of one that is not over, the average of the last three."""
    start, end = sampling.period_bounds(period)
    if end > at:
        start, end = sampling.period_bounds(month_before(this_month(at), AVERAGE_OF))[0], _month_start(at)
        return round(Complaint.objects.closed_in(start, end).count() / AVERAGE_OF)
    return Complaint.objects.closed_in(start, end).count()


def finished_in(period: str) -> int:
    """Reviews whose conclusion was signed in the month."""
    start, end = sampling.period_bounds(period)
    return ReviewCase.objects.filter(finalised_at__gte=start, finalised_at__lt=end).count()


def focus_counts(plan: ReviewPlan) -> list[tuple[Category, int]]:
    """The focus categories with the open reviews of each, those of what is below a group included."""
    rows = list(plan.focus.all())
    open_ = ReviewCase.objects.open().values_list("complaint__category", "complaint__category__parent")
    counts = {row.pk: 0 for row in rows}
    for own, parent, count in open_.order_by().annotate(count=Count("pk")):
        for key in {own, parent} & counts.keys():
            counts[key] += count
    return [(row, counts[row.pk]) for row in rows]


def shown_months(at: datetime) -> list[str]:
    """The months offered beside a plan: two back, this one, two ahead."""
    return [month_before(this_month(at), back) for back in (2, 1, 0, -1, -2)]

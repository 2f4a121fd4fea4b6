"""What the pages of the review group show."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import User
from complaints import clocks, keyset
from complaints.selectors import own_chip
from complaints.states import ImprovementState
from review import group, independence, permissions, sampling, weights
from review.models import FrameEntry, ReviewCase, SampleDraw
from review.querysets import handled_by
from review.states import OPEN_REVIEW, STEP, Comparison, MaterialKind, ReviewStatus, ReviewStep, Stratum

STEP_NAMES = [
    ReviewStatus.REQUESTED,
    ReviewStatus.SET_UP,
    ReviewStatus.RETRIEVAL,
    ReviewStatus.VERIFICATION,
    ReviewStatus.CONCLUSION,
    ReviewStatus.FEEDBACK,
    ReviewStatus.RECTIFICATION,
]


# While these last a review has a date, unless the working calendar has no data for the year.
DATED = set(OPEN_REVIEW) - {ReviewStatus.RECTIFICATION}


def due_of(review: ReviewCase) -> datetime | None:
    """The date that counts at the present step."""
    if review.status not in DATED:
        return None
    return review.screening_due_at if review.status == ReviewStatus.REQUESTED else review.decision_due_at


def chip(review: ReviewCase, *, now: datetime) -> tuple[str, str]:
    """State and words of the deadline chip."""
    due = due_of(review)
    if due is None and review.status in DATED:
        return "soon", gettext("Calendar missing")
    if due is None:
        return "met", ""
    return own_chip(due, clocks.working_calendar(), now=now)


def steps(review: ReviewCase) -> list[tuple[str, str]]:
    """The seven steps with what is known about each."""
    short = {
        ReviewStatus.REQUESTED: review.opened_at,
        ReviewStatus.SET_UP: review.screened_at,
        ReviewStatus.CONCLUSION: review.report_at,
        ReviewStatus.FEEDBACK: review.finalised_at,
        ReviewStatus.RECTIFICATION: review.notified_at,
    }
    collected = review.materials.order_by("collected_at").values_list("collected_at", flat=True).first()
    short[ReviewStatus.RETRIEVAL] = collected
    begun = {row.step: row.started_at for row in review.clocks.all()}
    short[ReviewStatus.VERIFICATION] = begun.get(ReviewStep.CHECK)
    names = []
    for status in STEP_NAMES:
        moment = short.get(status)
        names.append((str(status.label), timezone.localtime(moment).strftime("%m-%d %H:%M") if moment else ""))
    return names


def step_number(review: ReviewCase) -> int:
    return STEP[ReviewStatus(review.status)]


@dataclass(frozen=True)
class Person:
    """One line of the independence check."""

    user: User
    assigned: bool
    author: bool
    reasons: list[str]


def independence_list(review: ReviewCase) -> list[Person]:
    """Everybody of the group with the reasons that keep them out; assigned people first."""
    reasons: dict[int, list[str]] = {}
    for row in review.conflicts.all():
        text = reason_text(row.reason)
        reasons.setdefault(row.user_id, []).append(
            f"{text} · {row.detail}" if row.detail and row.reason.startswith("department") else text
        )
    assigned = {row.reviewer_id: row for row in review.assignments.all() if not row.is_void}
    day = timezone.localdate()
    register = {row.user_id: row for row in group.entries(day=day)}
    for user in independence.candidates() if register else ():
        missing = group.why_not(register.get(user.pk), day=day)
        if missing:
            reasons.setdefault(user.pk, []).append(missing)
    people = [
        Person(user, user.pk in assigned, user.pk in assigned and assigned[user.pk].is_author, reasons.get(user.pk, []))
        for user in independence.candidates()
    ]
    return sorted(people, key=lambda person: (not person.assigned, bool(person.reasons), person.user.staff_number))


def reason_text(code: str) -> str:
    """The reason of a conflict in words."""
    return {
        "took_part": gettext("took part in handling this case"),
        "stood_in": gettext("stood in for somebody who took part in it"),
        "accused": gettext("is named in the complaint"),
        "complainant": gettext("filed the complaint"),
        "declared": gettext("declared not to be impartial"),
        "department_now": gettext("belongs to a department that handled it"),
        "department_then": gettext("belonged at that time to a department that handled it"),
    }.get(code, code)


def judged(review: ReviewCase) -> list[tuple[Comparison, int]]:
    """How many points the review judged each way, the differences first; ways without a point are left out (REV-41)."""
    counts = Counter(review.findings.values_list("comparison", flat=True))
    order = (Comparison.DIFFERENT, Comparison.OMITTED, Comparison.SAME)
    return [(way, counts[way]) for way in order if counts[way]]


def set_sizes(review: ReviewCase) -> tuple[int, int] | None:
    """How many records are there, and how many there should be; None before they are collected (REV-38)."""
    rows = list(review.materials.all())
    return (sum(row.count for row in rows), sum(max(row.count, row.expected) for row in rows)) if rows else None


def materials(review: ReviewCase) -> list:
    """The five kinds in order, collected or not."""
    known = {row.kind: row for row in review.materials.all()}
    return [(kind, known.get(kind.value)) for kind in MaterialKind]


def lists(user: User) -> QuerySet[ReviewCase]:
    return ReviewCase.objects.visible_to(user).for_list()


def by_priority(rows: QuerySet[ReviewCase], after: str, *, size: int) -> tuple[list[ReviewCase], str]:
    """The `size` rows that follow a place such as 1-17 (priority and key), and the place the next page begins behind.

    Those applied for come first, the older ones before the newer (REV-03).
    """
    mark, _dash, number = after.partition("-")
    key = keyset.key_of(number)
    if key is not None and mark in ("0", "1"):
        same = Q(is_priority=mark == "1", pk__gt=key)
        rows = rows.filter(same | Q(is_priority=False) if mark == "1" else same)
    found = list(rows.order_by("-is_priority", "pk")[: size + 1])
    last = found[size - 1] if len(found) > size else None
    return found[:size], f"{int(last.is_priority)}-{last.pk}" if last else ""


def counts(user: User) -> dict[str, int]:
    """Numbers for the tabs, in one query."""
    visible = ReviewCase.objects.visible_to(user)
    return ReviewCase.objects.filter(pk__in=visible.values("pk")).aggregate(
        open=Count("pk", filter=~Q(status__in=["closed", "refused"])),
        screening=Count("pk", filter=Q(status="requested")),
        concluding=Count("pk", filter=Q(status="conclusion")),
        closed=Count("pk", filter=Q(status__in=["closed", "refused"])),
    )


def mine_to_do(review: ReviewCase, user: User) -> list:
    return permissions.available_actions(review, user)


@dataclass(frozen=True)
class StratumLine:
    """One stratum of a draw for the table."""

    label: str
    rule: str
    frame: int
    weight: str
    expected: str
    drawn: int
    percent: str
    bar: int


def strata(draw: SampleDraw) -> list[StratumLine]:
    """Population, weight, expected and drawn per stratum."""
    frame = [sampling.FrameEntry(*row) for row in draw.frame.values_list("number", "stratum", "weight")]
    seated = draw.frame.filter(order__isnull=False, replaced_by=None).order_by("order")
    picked = seated.values_list("order", "number", "stratum", "key")
    picks = [sampling.Pick(order, number, stratum, key) for order, number, stratum, key in picked if order is not None]
    rows = sampling.strata_table(frame, picks)
    # The longest bar is full from a quarter on; below that a quarter is.
    full = max([0.25, *(row.share for row in rows)])
    return [
        StratumLine(
            str(Stratum(row.stratum).label),
            weights.rule_of(row.stratum),
            row.frame,
            str(row.weight),
            f"{row.expected:.1f}",
            row.drawn,
            f"{row.share * 100:.1f}",
            round(100 * row.share / full),
        )
        for row in rows
    ]


def picks(draw: SampleDraw, user: User, *, show: str = "all") -> QuerySet[FrameEntry]:
    """The drawn cases in order; cases the user is in conflict with, stored or by a move since, are left out (S16).

    A case appears with its review: only then is it known who is in conflict with it.
    """
    rows = (
        draw.frame.filter(order__isnull=False, review__isnull=False)
        .exclude(review__conflicts__user=user)
        .exclude(handled_by(user))
        .select_related("review", "complaint", "replaced_by__entry")
        .order_by("order")
    )
    if show == "open":
        rows = rows.exclude(review__status__in=["closed", "refused"])
    elif show == "changed":
        rows = rows.filter(review__conclusion__in=["amend", "set_aside"])
    return rows.prefetch_related("review__assignments__reviewer")


def progress(draw: SampleDraw) -> tuple[int, int]:
    """(finished, drawn)."""
    row = draw.frame.filter(order__isnull=False, replaced_by=None).aggregate(
        done=Count("pk", filter=Q(review__finalised_at__isnull=False) | Q(review__status="refused")), all=Count("pk")
    )
    return row["done"], row["all"]


def unopened(draw: SampleDraw) -> int:
    """Of how many drawn cases a worker has still to open the review."""
    return draw.frame.filter(order__isnull=False, review=None).count()


def seats_to_give(draw: SampleDraw) -> list[int]:
    """Places in the order of the draw whose case too few members are free to judge (RI-06).

    Places and not cases: whoever gives the seat on may be in conflict and sees nothing of the case.
    """
    rows = draw.frame.filter(order__isnull=False, replaced_by=None, review__in=independence.short_of_members())
    return [order for order in rows.order_by("order").values_list("order", flat=True) if order]


@dataclass(frozen=True)
class WeakSpot:
    """A weak spot of the service that a decided review named and nobody has put right yet (REV-49)."""

    number: str
    complaint_id: int
    category_id: int | None
    department_id: int | None
    text: str
    date: date


def weak_spots(since: datetime) -> list[WeakSpot]:
    """The systemic causes named by reviews decided since then, oldest first, in one query (REV-49).

    One is no longer open once the review has rectifications and all of them are verified.
    """
    rows = ReviewCase.objects.filter(finalised_at__gte=since).exclude(systemic_cause="")
    rows = rows.annotate(
        measures=Count("rectifications"),
        verified=Count("rectifications", filter=Q(rectifications__state=ImprovementState.VERIFIED)),
    ).exclude(measures__gt=0, measures=F("verified"))
    return [
        WeakSpot(
            row.number,
            row.complaint_id,
            row.complaint.category_id,
            row.complaint.lead_department_id,
            row.systemic_cause,
            timezone.localdate(row.finalised_at),
        )
        for row in rows.select_related("complaint").order_by("finalised_at", "pk")
    ]

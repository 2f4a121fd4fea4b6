"""The monthly draw: commit before the period ends, draw once after it, keep everything to repeat it.

The arithmetic is in sampling.py; here the frame is frozen and the picks become reviews (REV-22, REV-23).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import after_commit
from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import User
from complaints import notify
from complaints.models import Assignment, Complaint, ContactPoint
from complaints.states import CustomerTier
from review import independence, sampling, tasks, transitions
from review import weights as standards
from review.models import FrameEntry, ReviewCase, ReviewTrigger, SampleDraw, SampleReplacement
from review.states import OPEN_REVIEW, DrawState, Stratum

BATCH = 2000
OPENED_AT_ONCE = 100


@transaction.atomic
def commit(period: str, *, by: User | None, percent: int = 12, at: datetime | None = None) -> SampleDraw:
    """Fix percent, weights and a secret nonce before the period ends; its hash is public (RI-09, RI-15).

    Committing again returns the first commitment: nothing can be exchanged.
    """
    at = at or timezone.now()
    if by is not None and not by.has_perm("review.draw_sample"):
        raise NotAllowed(_("The head of the review group commits the draw."))
    existing = SampleDraw.objects.filter(period=period).first()
    if existing:
        return existing
    try:
        sampling.check_committed(at, period=period)
    except ValueError as error:
        raise InvalidInput("period", str(error)) from error
    try:
        sampling.sample_size(100, percent=percent)
    except ValueError as error:
        raise InvalidInput("percent", str(error)) from error
    nonce = sampling.new_nonce()
    standard = standards.current()
    # Where somebody else commits at the same moment, theirs stands.
    row, _created = SampleDraw.objects.get_or_create(
        period=period,
        defaults={
            "percent": percent,
            "commitment": sampling.commitment(nonce),
            "nonce": nonce,
            "committed_at": at,
            "committed_by": by,
            "rule_version": str(standard.revision),
            "weights": standards.as_text(standards.weights_of(standard)),
        },
    )
    return row


def draw(period: str, *, by: User | None, at: datetime | None = None) -> SampleDraw:
    """Freeze the frame, draw once, open a review for every pick. A second call returns the first draw (RI-07).

    Of a large draw the first reviews are opened at once and the others by a worker.
    """
    row = _freeze(period, by=by, at=at or timezone.now())
    if open_reviews(row, limit=OPENED_AT_ONCE):
        after_commit.enqueue(tasks.open_reviews, draw_id=row.pk)
    return row


@transaction.atomic
def _freeze(period: str, *, by: User | None, at: datetime) -> SampleDraw:
    if by is not None and not by.has_perm("review.draw_sample"):
        raise NotAllowed(_("The head of the review group confirms the draw."))
    try:
        start, end = sampling.period_bounds(period)
    except ValueError as error:
        raise InvalidInput("period", str(error)) from error
    row = SampleDraw.objects.select_for_update().filter(period=period).first()
    if row is None:
        raise IllegalTransition(
            _("No commitment was made before the end of %(period)s, so it cannot be drawn."), period=period
        )
    if row.state == DrawState.DRAWN:
        return row
    if at < end:
        raise IllegalTransition(
            _("The period is not over yet; draw after %(date)s."), date=timezone.localtime(end).strftime("%Y-%m-%d")
        )
    cases, excluded = frame(start, end, weights=row.weights)
    entries = [sampling.FrameEntry(number, stratum, row.weights[stratum]) for number, stratum in cases.values()]
    row.frame_hash = sampling.frame_hash(entries)
    seed = sampling.seed(row.frame_hash, period, row.nonce)
    picks = sampling.draw(entries, percent=row.percent, seed=seed)
    row.seed, row.state = seed.hex(), DrawState.DRAWN
    row.frame_size, row.excluded, row.size, row.drawn_at, row.drawn_by = len(entries), excluded, len(picks), at, by
    row.save()
    picked = {pick.number: pick for pick in picks}
    FrameEntry.objects.bulk_create(
        (
            FrameEntry(
                draw=row,
                complaint_id=pk,
                number=number,
                stratum=stratum,
                weight=row.weights[stratum],
                order=picked[number].order if number in picked else None,
                key=picked[number].key_text if number in picked else "",
            )
            for pk, (number, stratum) in cases.items()
        ),
        batch_size=BATCH,
    )
    notify.tell(
        notify.holders_of("review.draw_sample"),
        "sample_drawn",
        dedupe=f"sample:{period}",
        url="/desk/sampling/",
        period=period,
        size=len(picks),
    )
    return row


def open_reviews(row: SampleDraw, *, limit: int | None = None) -> int:
    """Open the reviews of picks that have none yet, in the order of the draw; returns how many are left.

    Each is a transaction of its own, so a draw of thousands holds nobody up and goes on where it was interrupted.
    """
    assert row.drawn_at is not None
    waiting = row.frame.filter(order__isnull=False, review=None).order_by("order")
    for pk in list(waiting.values_list("pk", flat=True)[:limit]):
        with transaction.atomic():
            entry = FrameEntry.objects.select_for_update().filter(pk=pk, review=None).first()
            if entry:
                entry.review = transitions.open_for_sample(entry.complaint_id, draw=row, at=row.drawn_at)
                entry.save(update_fields=["review"])
    return waiting.count()


@transaction.atomic
def replace(period: str, order: int, *, by: User, at: datetime | None = None) -> FrameEntry:
    """Give the seat of a drawn case that nobody is free to judge to the next case of the stream (RI-04, RI-06).

    Neither case is anyone's choice: the one must be short of free members, the other follows from the seed.
    Raises IllegalTransition where enough members are free, the seat was given already or no case is left.
    """
    at = at or timezone.now()
    if not by.has_perm("review.draw_sample"):
        raise NotAllowed(_("The head of the review group confirms the draw."))
    row = SampleDraw.objects.select_for_update().filter(period=period, state=DrawState.DRAWN).first()
    aside = row and row.frame.select_related("review").filter(order=order).first()
    if row is None or not aside or aside.review is None:
        raise IllegalTransition(_("No case was drawn for this seat."))
    if SampleReplacement.objects.filter(aside=aside).exists():
        raise IllegalTransition(_("This seat was given to another case already."))
    independence.refresh(aside.review, at=at)
    if not independence.short_of_members().filter(pk=aside.review.pk).exists():
        raise IllegalTransition(_("Enough members are free to judge this case; it keeps its seat."))
    rows = list(row.frame.order_by("number"))
    earlier = SampleReplacement.objects.filter(aside__draw=row).values_list("aside__number", flat=True)
    pick = sampling.replacement(
        [sampling.FrameEntry(entry.number, entry.stratum, entry.weight) for entry in rows],
        _picks(rows),
        aside.number,
        seed=bytes.fromhex(row.seed),
        earlier=list(earlier),
    )
    if pick is None:
        raise IllegalTransition(_("Every case of the month was drawn already; the seat stays empty."))
    entry = next(entry for entry in rows if entry.number == pick.number)
    transitions.set_aside(aside.review, by=by, at=at)
    entry.order, entry.key = pick.order, pick.key_text
    entry.review = transitions.open_for_sample(entry.complaint_id, draw=row, at=at)
    entry.save(update_fields=["order", "key", "review"])
    SampleReplacement.objects.create(aside=aside, entry=entry, by=by, at=at)
    return entry


def _picks(rows: Iterable[FrameEntry]) -> list[sampling.Pick]:
    drawn = (
        sampling.Pick(entry.order, entry.number, entry.stratum, entry.key) for entry in rows if entry.order is not None
    )
    return sorted(drawn)


def frame(start: datetime, end: datetime, *, weights: dict[str, Any]) -> tuple[dict[int, tuple[str, str]], int]:
    """Cases first closed in the period and not under review → (number, stratum), and how many were left out.

    A judgement on validity does not count here: it can be given after the closing, and nobody may take a case
    out of the frame (RI-08).
    """
    closed = Complaint.objects.closed_in(start, end)
    under_review = set(
        ReviewCase.objects.filter(
            status__in=[str(s) for s in OPEN_REVIEW], opened_at__lt=end, complaint__in=closed
        ).values_list("complaint_id", flat=True)
    )
    rows = closed.order_by("number").values_list(
        "pk", "number", "complainant_id", "complainant__needs_care", "customer_tier"
    )
    frequent = _frequent(closed, end)
    cross = set(
        Assignment.objects.filter(complaint__in=closed, role="supporting")
        .values_list("complaint_id", flat=True)
        .distinct()
    )
    cases: dict[int, tuple[str, str]] = {}
    for pk, number, complainant, care, tier in rows.iterator(chunk_size=BATCH):
        if pk in under_review:
            continue
        fits = {
            Stratum.FREQUENT: complainant in frequent,
            Stratum.HIGH_VALUE: tier in (CustomerTier.HIGH_VALUE, CustomerTier.VIP),
            Stratum.SPECIAL: bool(care),
            Stratum.CROSS_DEPARTMENT: pk in cross,
        }
        # A draw committed before a stratum existed has no weight for it.
        stratum = next((str(name) for name, holds in fits.items() if holds and name in weights), str(Stratum.OTHER))
        cases[pk] = (number, stratum)
    return cases, len(under_review)


def _frequent(closed, end: datetime) -> set[int]:
    """Complainants of these cases who complained at least three times in the year before the period's end."""
    since = end - timedelta(days=365)
    hashes = ContactPoint.objects.filter(complainant__complaint__in=closed).exclude(match_hash="").values("match_hash")
    rows = (
        ContactPoint.objects.filter(
            match_hash__in=hashes,
            complainant__complaint__received_at__gte=since,
            complainant__complaint__received_at__lt=end,
        )
        .values_list("match_hash", "complainant_id")
        .distinct()
    )
    pairs = list(rows)
    times = Counter(match_hash for match_hash, _complainant in pairs)
    return {complainant for match_hash, complainant in pairs if times[match_hash] >= standards.FREQUENT_FROM}


def document(row: SampleDraw) -> dict[str, Any]:
    """The draw as a self-contained document that anyone can repeat. Raises IllegalTransition before the draw."""
    if row.state != DrawState.DRAWN:
        raise IllegalTransition(_("This period has not been drawn yet."))
    rows = list(row.frame.only("number", "stratum", "weight", "order", "key").order_by("number"))
    entries = [sampling.FrameEntry(entry.number, entry.stratum, entry.weight) for entry in rows]
    picks = _picks(rows)
    asides = SampleReplacement.objects.filter(aside__draw=row).values_list("aside__number", flat=True)
    # A seat whose record is gone is written without its case, so that the document does not verify.
    nobody = sampling.Pick(0, "", "", "")
    given = [(aside or "", pick or nobody) for aside, pick in zip_longest(asides, picks[row.size :])]
    assert row.drawn_at is not None
    return sampling.document(
        period=row.period,
        percent=row.percent,
        commitment=row.commitment,
        committed_at=row.committed_at,
        nonce=row.nonce,
        drawn_at=row.drawn_at,
        rule_version=row.rule_version,
        weights=row.weights,
        entries=entries,
        picks=picks[: row.size],
        frame_hash=row.frame_hash,
        seed_hex=row.seed,
        replacements=given,
    )


@transaction.atomic
def verify(row: SampleDraw, *, at: datetime | None = None) -> sampling.Verification:
    """Repeat the draw from its document, hold it against the reviews it opened, and keep the result."""
    written = document(row)
    result = sampling.verify(written)
    named = {pick["number"] for pick in [*written["picks"], *written.get("replacements", [])]}
    opened = ReviewTrigger.objects.filter(draw=row).values_list("review__complaint__number", flat=True)
    missing = sorted(set(opened) - named)
    if missing:
        told = _("%(count)s reviews were opened by this draw for cases that the document does not name.")
        result.problems.append(str(told) % {"count": len(missing)})
    SampleDraw.objects.filter(pk=row.pk).update(verified_at=at or timezone.now(), verified_ok=result.ok)
    return result


def previous_period(now: datetime) -> str:
    """The month before the one `now` is in, as 2026-10."""
    first = timezone.localdate(now).replace(day=1)
    return (first - timedelta(days=1)).strftime("%Y-%m")


def keep_up(*, now: datetime) -> dict[str, Any]:
    """Daily: commit the current month in time, and draw every committed month that is over, in order (JT-02).

    Opens what reviews an interrupted draw has left.
    Names the open reviews that too few members are free to judge, until somebody sees to it (RI-06).
    """
    current = timezone.localdate(now).strftime("%Y-%m")
    commit(current, by=None, at=now)
    drawn = []
    for row in SampleDraw.objects.filter(state=DrawState.COMMITTED, period__lt=current).order_by("period"):
        draw(row.period, by=None, at=now)
        drawn.append(row.period)
    for row in SampleDraw.objects.filter(frame__order__isnull=False, frame__review=None).distinct():
        open_reviews(row)
    short = list(independence.short_of_members().values_list("number", flat=True))
    for number in short:
        # Without its number: the head may be the one in conflict (RI-05).
        notify.tell(
            notify.holders_of("review.lead_review"),
            "review_short",
            dedupe=f"review_short:{number}",
            url="/desk/reviews/",
        )
    return {"drawn": drawn, "short_of_members": short} if short else {"drawn": drawn}

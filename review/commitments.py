"""What the public may read of the monthly draws, and from when on (RI-09, RI-12, RI-15).

The commitment is public at once. With the seed or the secret number a department could work out which of its cases were
drawn, and with the hash of the list which of them were left out; so these follow when every review of the draw has its
result. From the draw until then a fingerprint of the seed binds all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.core.cache import cache
from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from accounts.models import Membership, User
from review import sampling
from review.models import FrameEntry, GroupMember, SampleDraw
from review.states import ReviewStatus

KEPT_SECONDS = 86_400


@dataclass(frozen=True)
class Proof:
    """One draw for the public; `fingerprint` is '' before the draw, `nonce` and `result` '' until every review has its
    result."""

    draw: SampleDraw
    fingerprint: str
    nonce: str
    result: str

    @property
    def is_open(self) -> bool:
        """Whether everything is public that the draw follows from, save the numbers of the cases."""
        return bool(self.nonce)


def public(rows: Sequence[SampleDraw]) -> list[Proof]:
    """The proofs of these draws in their order; three queries for any number, four while a result is new."""
    drawn = {row.pk for row in rows if row.drawn_at is not None}
    settled = drawn - set(_waiting(drawn).values_list("draw", flat=True).distinct())
    nonces = dict(SampleDraw.objects.filter(pk__in=settled).values_list("pk", "nonce"))
    results = _results([row for row in rows if row.pk in nonces])
    return [
        Proof(
            row,
            sampling.fingerprint(row.seed) if row.seed else "",
            nonces.get(row.pk, ""),
            results.get(row.pk, ""),
        )
        for row in rows
    ]


def _results(rows: Sequence[SampleDraw]) -> dict[int, str]:
    """The hash of each result. It no longer changes, and a month has thousands of picks: it is kept for a day."""
    names = {f"sample_result:{row.pk}:{row.seed}": row for row in rows}
    kept = cache.get_many(names)
    fresh = {row.pk: row for name, row in names.items() if name not in kept}
    picks: dict[int, list[sampling.Pick]] = {pk: [] for pk in fresh}
    seats = FrameEntry.objects.filter(draw__in=fresh, order__isnull=False, replaced_by=None) if fresh else ()
    for entry in seats:
        picks[entry.draw_id].append(sampling.Pick(entry.order or 0, entry.number, entry.stratum, entry.key))
    made = {pk: sampling.result_hash(row.seed, picks[pk]) for pk, row in fresh.items()}
    if made:
        cache.set_many({name: made[row.pk] for name, row in names.items() if row.pk in made}, KEPT_SECONDS)
    return made | {names[name].pk: str(value) for name, value in kept.items()}


def _waiting(draws: Iterable[int]) -> QuerySet[FrameEntry]:
    """The drawn cases whose review has no result yet."""
    return FrameEntry.objects.filter(draw__in=draws, order__isnull=False, review__finalised_at__isnull=True).exclude(
        review__status=ReviewStatus.REFUSED
    )


def document_refusal(user: User, row: SampleDraw) -> str:
    """Why this person does not take the document of a draw now, or '' (RI-12).

    It names every drawn case. So while reviews of the draw run, nobody takes it who belongs to a department that
    handles complaints, or is lent by one; this says nothing about which cases were drawn.
    """
    inside = Membership.objects.filter(user=user, department__kind="handling")
    inside = inside.filter(Q(until=None) | Q(until__gt=sampling.period_bounds(row.period)[0]))
    lent = GroupMember.objects.filter(user=user, ended_at=None, lent_by__isnull=False)
    if not (inside.exists() or lent.exists()) or not _waiting([row.pk]).exists():
        return ""
    return gettext(
        "The document names the drawn cases. Whoever belongs to a handling department, or is lent by one, takes it "
        "once all of them have their result."
    )

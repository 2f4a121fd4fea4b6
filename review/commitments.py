"""What the public may read of the monthly draws, and from when on (RI-09, RI-12, RI-15).

The commitment is public at once. With the seed or the secret number a department could work out which of its cases were
drawn, and with the hash of the list which of them were left out; so these follow when every review of the draw has its
result. From the draw until then a fingerprint of the seed binds all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from review import sampling
from review.models import FrameEntry, SampleDraw
from review.states import ReviewStatus


@dataclass(frozen=True)
class Proof:
    """One draw for the public; `fingerprint` is '' before the draw, `nonce` '' until every review has its result."""

    draw: SampleDraw
    fingerprint: str
    nonce: str

    @property
    def is_open(self) -> bool:
        """Whether everything is public that the draw follows from, save the numbers of the cases."""
        return bool(self.nonce)


def public(rows: Sequence[SampleDraw]) -> list[Proof]:
    """The proofs of these draws in their order; two queries for any number."""
    drawn = {row.pk for row in rows if row.drawn_at is not None}
    waiting = (
        FrameEntry.objects.filter(draw__in=drawn, order__isnull=False, review__finalised_at__isnull=True)
        .exclude(review__status=ReviewStatus.REFUSED)
        .values_list("draw", flat=True)
        .distinct()
    )
    settled = drawn - set(waiting)
    nonces = dict(SampleDraw.objects.filter(pk__in=settled).values_list("pk", "nonce"))
    return [Proof(row, sampling.fingerprint(row.seed) if row.seed else "", nonces.get(row.pk, "")) for row in rows]

"""The weights of the strata of the monthly draw, kept as revisions (REV-23).

A draw takes the weights in force when it is committed and keeps them; a later revision does not touch it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput, NotAllowed
from accounts.models import User
from complaints import revisions
from review import sampling
from review.models import SampleDraw, WeightStandard
from review.states import DrawState, Stratum

EDIT = "review.lead_review"
SHIPPED: dict[str, Decimal] = {
    Stratum.FREQUENT: Decimal(2),
    Stratum.HIGH_VALUE: Decimal(2),
    Stratum.SPECIAL: Decimal("1.5"),
    Stratum.CROSS_DEPARTMENT: Decimal("1.5"),
    Stratum.OTHER: Decimal(1),
}
FREQUENT_FROM = 3
# What puts a case into a stratum, in words, for the pages of the draw and of the weights; the draw goes by it
# (`draws.frame`).
RULES: dict[str, Promise | str] = {
    Stratum.FREQUENT: _("complained %(count)s times or more within a year"),
    Stratum.HIGH_VALUE: _("high-value or VIP customer"),
    Stratum.SPECIAL: _("the help the complainant needs is on record"),
    Stratum.CROSS_DEPARTMENT: _("supporting departments took part"),
    Stratum.OTHER: "",
}
LEAST, MOST = Decimal("0.1"), Decimal(10)


def rule_of(stratum: str) -> str:
    """What puts a case into the stratum, in words; '' for the others."""
    return str(RULES[stratum]) % {"count": FREQUENT_FROM}


def as_text(weights: Mapping[str, Decimal]) -> dict[str, str]:
    """The weights as the document of a draw writes them: plain decimals without needless zeros."""
    return {str(stratum): f"{weight.normalize():f}" for stratum, weight in weights.items()}


def current() -> WeightStandard:
    """The revision in force; the shipped one is stored at the first call."""
    newest = WeightStandard.objects.order_by("-revision").first()
    if newest is None:
        newest, _created = WeightStandard.objects.get_or_create(revision=1, defaults={"weights": as_text(SHIPPED)})
    return newest


def weights_of(standard: WeightStandard) -> dict[str, Decimal]:
    """The weight of every stratum; a stratum the revision does not know has the shipped one."""
    return {str(stratum): Decimal(standard.weights.get(stratum, shipped)) for stratum, shipped in SHIPPED.items()}


def check(weights: Mapping[str, Decimal]) -> None:
    """Raises InvalidInput naming the stratum whose weight is out of bounds; others must not weigh more than one
    that is to be looked at first."""
    for stratum in Stratum.values:
        weight = weights.get(stratum)
        if weight is None or not LEAST <= weight <= MOST or weight != round(weight, 3):
            raise InvalidInput(
                stratum, _("Give a weight from %(least)s to %(most)s."), least=f"{LEAST}", most=f"{MOST}"
            )
        if weight < weights.get(Stratum.OTHER, LEAST):
            raise InvalidInput(stratum, _("This group must not weigh less than the others."))


def preview(weights: Mapping[str, Decimal]) -> list[tuple[str, int, float]]:
    """By stratum the cases in the frame of the newest draw and how many these weights lead one to expect in it.

    Empty when nothing was drawn yet. Stores nothing.
    """
    check(weights)
    newest = SampleDraw.objects.filter(state=DrawState.DRAWN).order_by("-period").first()
    if newest is None:
        return []
    counts = Counter(newest.frame.values_list("stratum", flat=True))
    texts = as_text(weights)
    entries = [
        sampling.FrameEntry(f"{stratum}-{n}", stratum, texts[stratum])
        for stratum, count in counts.items()
        for n in range(count)
    ]
    picks = [sampling.Pick(n, "", entries[0].stratum, "") for n in range(newest.size)]
    return [(row.stratum, row.frame, row.expected) for row in sampling.strata_table(entries, picks)] if entries else []


@transaction.atomic
def revise(
    weights: Mapping[str, Decimal], *, note: str, based_on: int, by: User, at: datetime | None = None
) -> WeightStandard:
    """Store the next revision; draws that are committed keep theirs.

    `based_on` is the revision the person edited. Raises NotAllowed, InvalidInput by field, StaleVersion.
    """
    if not by.has_perm(EDIT):
        raise NotAllowed(_("Your role does not allow this."))
    note = revisions.why(note)
    check(weights)
    current()  # stores the shipped one as the first
    return WeightStandard.objects.create(
        revision=revisions.following(WeightStandard, based_on=based_on),
        weights=as_text(weights),
        note=note,
        at=at or timezone.now(),
        by=by,
    )

"""From how many complaints on it is an outbreak: thresholds of the office, kept as revisions (RISK-12…14).

How the ordinary is worked out is the method of detection.py. What an office wants to hear of is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput, NotAllowed
from accounts.models import User
from analytics import detection
from analytics.models import OutbreakStandard
from complaints import revisions

# Whoever edits the standard of the risk grades.
EDITORS = ("complaints.edit_reference", "accounts.configure_system")


@dataclass(frozen=True)
class Limits:
    """One set of thresholds. `chance` and `false_share` are percentages; everything else counts complaints or days."""

    chance: str
    false_share: int
    least: int
    place_from: int
    batch_from: int
    new_days: int

    @property
    def alpha(self) -> float:
        """How probable a day may be at most, without an outbreak, to stand out."""
        return float(self.chance) / 100

    @property
    def new_for(self) -> timedelta:
        """How long a product is new to the register."""
        return timedelta(days=self.new_days)


@dataclass(frozen=True)
class Threshold:
    """What a threshold is called, what it does, and between which numbers it lies."""

    label: Promise
    help: Promise
    least: Decimal
    most: Decimal
    places: int = 0


THRESHOLDS: dict[str, Threshold] = {
    "least": Threshold(
        _("Complaints within three days from which it is an outbreak"),
        _("Fewer are no outbreak, however rare they are."),
        Decimal(2),
        Decimal(1000),
    ),
    "place_from": Threshold(
        _("Complaints within three days from which a place is looked at"),
        _("Thousands of places have a complaint now and then."),
        Decimal(2),
        Decimal(1000),
    ),
    "batch_from": Threshold(
        _("Complaints within a week about one batch or a new product"),
        _("A batch has no past to compare with, so the number alone decides."),
        Decimal(2),
        Decimal(1000),
    ),
    "new_days": Threshold(
        _("Days for which a product is new"),
        _("From the first complaint about it."),
        Decimal(1),
        Decimal(365),
    ),
    "chance": Threshold(
        _("Ordinary days that may stand out by chance, in percent"),
        _(
            "More finds more outbreaks and raises more false alarms; with 2.2 each kind of complaint has about one "
            "false alarm a month."
        ),
        Decimal("0.1"),
        Decimal(5),
        places=1,
    ),
    "false_share": Threshold(
        _("False alarms among what stands out on one day, in percent"),
        _("Where very many kinds of complaints are watched, each of them must stand out more clearly."),
        Decimal(1),
        Decimal(50),
    ),
}
SHIPPED = Limits(
    chance=f"{100 * detection.ALPHA:.1f}",
    false_share=round(100 * detection.FALSE_SHARE),
    least=5,
    place_from=3,
    batch_from=5,
    new_days=90,
)


def current() -> OutbreakStandard:
    """The revision in force; the shipped one is stored at the first call."""
    newest = OutbreakStandard.objects.order_by("-revision").first()
    if newest is None:
        newest, _created = OutbreakStandard.objects.get_or_create(revision=1, defaults={"limits": asdict(SHIPPED)})
    return newest


def limits_of(standard: OutbreakStandard) -> Limits:
    """The thresholds of a revision."""
    return Limits(**asdict(SHIPPED) | standard.limits)


def checked(values: Mapping[str, Any]) -> Limits:
    """These numbers as thresholds. Raises InvalidInput naming the first that is none or lies out of its bounds."""
    found: dict[str, Any] = {}
    for key, threshold in THRESHOLDS.items():
        try:
            number = Decimal(str(values.get(key)))
            fits = threshold.least <= number <= threshold.most and number == round(number, threshold.places)
        except InvalidOperation:
            fits = False
        if not fits:
            raise InvalidInput(
                key, _("Give a number from %(least)s to %(most)s."), least=threshold.least, most=threshold.most
            )
        found[key] = f"{number:.{threshold.places}f}" if threshold.places else int(number)
    if found["place_from"] > found["least"]:
        raise InvalidInput("place_from", _("A place would be looked at only when it is an outbreak already."))
    return Limits(**found)


@transaction.atomic
def revise(limits: Limits, *, note: str, based_on: int, by: User, at: datetime | None = None) -> OutbreakStandard:
    """Store the next revision. Outbreaks that were found stay as they are, with the revision they were found by.

    `based_on` is the revision the person edited. Raises NotAllowed, InvalidInput by field, StaleVersion.
    """
    if not any(by.has_perm(name) for name in EDITORS):
        raise NotAllowed(_("Your role does not allow this."))
    note = revisions.why(note)
    limits = checked(asdict(limits))
    current()  # stores the shipped one as the first
    number = revisions.following(OutbreakStandard, based_on=based_on)
    return OutbreakStandard.objects.create(
        revision=number, limits=asdict(limits), note=note, by=by, at=at or timezone.now()
    )

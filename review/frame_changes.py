"""What changed in the register after the frame of a draw was frozen (RI-08).

The frozen list stays what it is; whoever doubts it sees here which cases would be counted otherwise today.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from review import draws, sampling
from review.models import ReviewCase, SampleDraw
from review.states import Stratum


@dataclass(frozen=True)
class Change:
    """One case that the register counts otherwise than the frozen list; the strata are empty where it is not listed."""

    number: str
    kind: str
    text: str | Promise
    frozen: str
    today: str


def late_changes(row: SampleDraw) -> list[Change]:
    """The differences, by case number: added since, no longer found, or in another stratum.

    The register is read in a constant number of queries; a month of 100,000 cases takes some seconds.
    """
    start, end = sampling.period_bounds(row.period)
    today = dict(draws.frame(start, end, weights=row.weights)[0].values())
    frozen = dict(row.frame.values_list("number", "stratum"))
    # A review that was open at the draw kept its case out, and is over by now.
    left_out = set(
        ReviewCase.objects.filter(complaint__number__in=today.keys() - frozen.keys(), opened_at__lt=end).values_list(
            "complaint__number", flat=True
        )
    )
    found = [
        Change(
            number,
            "added",
            _("closed in the month by the register of today, but not on the list"),
            "",
            _name(today[number]),
        )
        for number in today.keys() - frozen.keys() - left_out
    ]
    found += [
        Change(
            number,
            "gone",
            _("on the list, but no longer closed in the month by the register"),
            _name(frozen[number]),
            "",
        )
        for number in frozen.keys() - today.keys()
    ]
    found += [
        Change(number, "stratum", _("in another stratum"), _name(frozen[number]), _name(today[number]))
        for number in frozen.keys() & today.keys()
        if frozen[number] != today[number]
    ]
    return sorted(found, key=lambda change: change.number)


def _name(stratum: str) -> str:
    return str(Stratum(stratum).label)

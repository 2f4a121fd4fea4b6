"""Figures for the satisfaction star and the service star; who gets one is decided by people (KB-17)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from analytics import sources
from analytics.cells import Group
from analytics.periods import Period
from analytics.scope import Scope

MOST_ANSWERS = 1000


@dataclass(frozen=True)
class Rules:
    """What a candidate needs: so many answers, percent of them satisfied or basically satisfied, praises.

    Whoever missed a limit, or whose reply was marked as perfunctory, is no candidate for either star.
    """

    answers: int = 10
    satisfied: int = 95
    praises: int = 1


@dataclass(frozen=True)
class Candidate:
    """A member of staff with the figures that count."""

    number: str
    name: str
    answers: int
    satisfied: int
    praises: int
    closed: int

    @property
    def percent(self) -> float:
        """Satisfied or basically satisfied answers in percent."""
        return 100 * self.satisfied / self.answers if self.answers else 0.0


@dataclass(frozen=True)
class Result:
    """Candidates for both stars, the best first, and how many people were looked at."""

    satisfaction: list[Candidate]
    service: list[Candidate]
    people: int


def candidates(period: Period, scope: Scope, rules: Rules) -> Result:
    """Who meets the rules, by handler of the cases. Five queries.

    The satisfaction star asks for answers and their share; the service star for praise, with at least as good answers
    where there are any.
    """
    read = {
        name: source([period], scope, ("handler",)).by("handler", period)
        for name, source in (
            ("ratings", sources.ratings),
            ("clocks", sources.clocks_stopped),
            ("closed", sources.closed),
            ("praise", sources.praise),
            ("marks", sources.marks),
        )
    }
    people = {group for counts in read.values() for group in counts if group.code}
    clean = [
        _candidate(group, {name: counts.get(group, Counter()) for name, counts in read.items()})
        for group in people
        if not read["clocks"].get(group, Counter())["missed"] and not read["marks"].get(group, Counter())["perfunctory"]
    ]
    good = [row for row in clean if row.satisfied * 100 >= rules.satisfied * row.answers]
    satisfaction = [row for row in good if row.answers >= rules.answers]
    service = [row for row in good if row.praises and row.praises >= rules.praises]
    return Result(
        sorted(satisfaction, key=lambda row: (-row.percent, -row.answers, row.number)),
        sorted(service, key=lambda row: (-row.praises, -row.percent, row.number)),
        len(people),
    )


def _candidate(group: Group, counts: dict[str, Counter]) -> Candidate:
    ratings = counts["ratings"]
    return Candidate(
        group.code,
        group.label,
        ratings["satisfied"] + ratings["basically"] + ratings["dissatisfied"],
        ratings["satisfied"] + ratings["basically"],
        counts["praise"]["praises"],
        counts["closed"]["cases"],
    )

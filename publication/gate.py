"""May this case be published at all: five questions that a person answers before the first check (PUB-44).

Every signature and the posting ask again whether the answers still hold: facts may be recorded meanwhile (PR-16).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.models import Complaint, Lawsuit, LegalHold
from complaints.states import SpecialGroup
from publication.models import Gate, Publication
from publication.states import GateAnswer

QUESTIONS: dict[str, Promise] = {
    "consent": gettext_lazy("Does the complainant agree?"),
    "minors": gettext_lazy("Does it tell of minors?"),
    "health": gettext_lazy("Does it tell of anybody's health?"),
    "secrets": gettext_lazy("Does it hold secrets: of the state, of business, of private life?"),
    "proceedings": gettext_lazy("Are proceedings pending?"),
}
STRICT = "strict"
_CARE = (SpecialGroup.DISABLED, SpecialGroup.REDUCED_MOBILITY)
# The mildest first.
_ORDER = ("", GateAnswer.CLEAR, GateAnswer.MASKED, GateAnswer.FORBIDS)


@dataclass
class Suggestion:
    """What the facts of the cases speak for; "" when they say nothing and a person has to know."""

    answer: str = ""
    facts: list[str] = field(default_factory=list)

    def add(self, answer: GateAnswer, fact: str) -> None:
        """One more fact; the strictest answer stands."""
        if _ORDER.index(answer) > _ORDER.index(self.answer):
            self.answer = answer
        self.facts.append(fact)


def cases_of(publication: Publication) -> list[Complaint]:
    """Every case the publication answers, the first one first."""
    return [publication.complaint, *publication.also_about.select_related("complainant").order_by("pk")]


def suggestions(publication: Publication) -> dict[str, Suggestion]:
    """An answer to each question from the facts of all its cases, for a person to confirm."""
    cases = cases_of(publication)
    found = {name: Suggestion() for name in QUESTIONS}
    for case in cases:
        _from_case(case, found)
    if Lawsuit.objects.filter(complaint__in=cases, judged_on=None).exists():
        found["proceedings"].add(GateAnswer.FORBIDS, _("a lawsuit without judgment"))
    if LegalHold.objects.filter(complaint__in=cases, released_at=None).exists():
        found["proceedings"].add(GateAnswer.FORBIDS, _("a hold of the legal department stands"))
    for name in ("minors", "health", "proceedings"):
        if not found[name].facts:
            found[name].add(GateAnswer.CLEAR, _("nothing in the record speaks for it"))
    return found


def _from_case(case: Complaint, found: dict[str, Suggestion]) -> None:
    groups = set(case.special_groups)
    if case.is_confidential:
        found["consent"].add(GateAnswer.MASKED, _("the identity is withheld from the departments"))
        found["secrets"].add(GateAnswer.MASKED, _("the identity is withheld from the departments"))
    if case.has_privacy_leak:
        found["secrets"].add(GateAnswer.MASKED, _("personal data leaked in this matter"))
    if case.involves_minors or SpecialGroup.MINOR in groups:
        found["minors"].add(GateAnswer.MASKED, _("minors are involved"))
    if case.has_injury:
        found["health"].add(GateAnswer.MASKED, _("somebody was injured"))
    if groups & set(_CARE):
        found["health"].add(GateAnswer.MASKED, _("the complainant needs special care"))


def is_milder(answer: str, suggested: str) -> bool:
    """Whether a person answers less strictly than the facts speak for."""
    return _ORDER.index(answer) < _ORDER.index(suggested)


def of(publication: Publication) -> Gate | None:
    return Gate.objects.filter(publication=publication).select_related("by").first()


def problem(publication: Publication) -> str:
    """Why the publication may be neither submitted, signed nor posted; "" when the gate is open."""
    row = of(publication)
    answers = [getattr(row, name) for name in QUESTIONS] if row else []
    if row is None or "" in answers:
        return _("The five questions before publication are not all answered.")
    if GateAnswer.FORBIDS in answers:
        return _("An answer forbids publication. Give the draft up and say why it is not published.")
    if GateAnswer.MASKED in answers and publication.profile != STRICT:
        return _("Details have to be left out: choose the strict masking first.")
    cases = cases_of(publication)
    if Lawsuit.objects.filter(complaint__in=cases, judged_on=None, at__gt=row.at).exists():
        return _("A lawsuit was recorded after the questions were answered; answer them again.")
    if LegalHold.objects.filter(complaint__in=cases, released_at=None, placed_at__gt=row.at).exists():
        return _("The legal department placed a hold after the questions were answered; answer them again.")
    found = suggestions(publication)
    stricter = [
        label
        for name, label in QUESTIONS.items()
        if is_milder(getattr(row, name), found[name].answer) and not _was_known(row, name, found[name].answer)
    ]
    if stricter:
        told = _("The record speaks for a stricter answer now (%(which)s); answer the questions again.")
        return told % {"which": stricter[0]}
    return ""


def _was_known(row: Gate, name: str, suggested: str) -> bool:
    """Whether the milder answer was given, and explained, against a record that spoke for no less than now."""
    if row.suggested is None:  # answered before this was kept: a milder answer always had its reason
        return bool(row.note)
    return bool(row.note) and not is_milder(row.suggested.get(name, ""), suggested)

"""Root-cause workshops: who took part, the chain of whys, the fishbone, and what follows (IMP-03, IMP-08, IMP-09)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import TypedDict, Unpack

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, StaleVersion
from accounts.models import User
from analytics import problem_rules
from analytics.models import CauseAnalysis, Problem
from analytics.problems import UNSETTLED
from analytics.states import CauseCode

# The bones in the order they are drawn: three above the spine, three below.
BONES = {
    "people": _("People and skills"),
    "method": _("Method"),
    "machine": _("Equipment and systems"),
    "material": _("Material and information"),
    "environment": _("Surroundings"),
    "measure": _("Measuring and checking"),
}
WHYS, CAUSES = 7, 6
WHY_LENGTH, CAUSE_LENGTH, GUESTS, CONCLUSION = 300, 120, 300, 4000


class Findings(TypedDict):
    """What a workshop found.

    `whys`: 1 to 7 answers, each to the question why the one before happened. `fishbone`: up to 6 causes for each key
    of `BONES`.
    """

    held_on: date
    participants: Iterable[User]
    guests: str
    whys: Sequence[str]
    fishbone: Mapping[str, Sequence[str]]
    root_cause: str
    conclusion: str


@transaction.atomic
def record(problem_id: int, *, by: User, at: datetime | None = None, **findings: Unpack[Findings]) -> CauseAnalysis:
    """Keep what a workshop found about a problem that is not settled.

    Raises NotAllowed, IllegalTransition, InvalidInput naming `held_on`, `participants`, `why_<n>`,
    `bone_<key>`, `root_cause` or `conclusion`.
    """
    problem_rules.require_manager(by)
    problem = problem_rules.lock(problem_id)
    if problem.state not in UNSETTLED:
        raise IllegalTransition(_("This problem is closed: %(state)s."), state=problem.get_state_display())
    analysis = CauseAnalysis(problem=problem, at=at or timezone.now(), by=by)
    return _write(analysis, findings)


@transaction.atomic
def revise(analysis_id: int, *, version: int, by: User, **findings: Unpack[Findings]) -> CauseAnalysis:
    """Change what a workshop found. Raises as `record` does, and StaleVersion."""
    problem_rules.require_manager(by)
    problem_rules.lock(CauseAnalysis.objects.values_list("problem", flat=True).get(pk=analysis_id))
    analysis = CauseAnalysis.objects.select_for_update(of=("self",)).select_related("problem").get(pk=analysis_id)
    if analysis.version != version:
        raise StaleVersion(analysis.version)
    analysis.version += 1
    return _write(analysis, findings)


def _write(analysis: CauseAnalysis, findings: Findings) -> CauseAnalysis:
    people, guests = list(findings["participants"]), findings["guests"].strip()
    held_on, root_cause = findings["held_on"], findings["root_cause"]
    if held_on > timezone.localdate():
        raise InvalidInput("held_on", _("This date lies in the future."))
    if not people and not guests:
        raise InvalidInput("participants", _("Say who took part."))
    if root_cause not in CauseCode.values:
        raise InvalidInput("root_cause", _("Choose the root cause."))
    analysis.held_on, analysis.guests, analysis.root_cause = held_on, guests[:GUESTS], root_cause
    analysis.whys = _chain(findings["whys"])
    analysis.fishbone = _bones(findings["fishbone"])
    analysis.conclusion = problem_rules.required(
        "conclusion", findings["conclusion"], CONCLUSION, _("Say what follows from the analysis.")
    )
    analysis.save()
    analysis.participants.set(people)
    _carry(analysis.problem)
    return analysis


def _chain(whys: Sequence[str]) -> list[str]:
    texts = [text.strip() for text in whys]
    while texts and not texts[-1]:
        texts.pop()
    if not texts:
        raise InvalidInput("why_1", _("Ask at least once why it happened."))
    if len(texts) > WHYS:
        raise InvalidInput(f"why_{WHYS}", _("At most %(most)s whys."), most=WHYS)
    for place, text in enumerate(texts, 1):
        # A chain with a hole explains nothing.
        problem_rules.required(f"why_{place}", text, WHY_LENGTH, _("Answer this why before the next one."))
    return texts


def _bones(fishbone: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    found = {}
    for bone, causes in fishbone.items():
        if bone not in BONES:
            raise InvalidInput(f"bone_{bone}", _("There is no such bone."))
        texts = [" ".join(cause.split()) for cause in causes if cause.strip()]
        if len(texts) > CAUSES:
            raise InvalidInput(f"bone_{bone}", _("At most %(most)s causes, one a line."), most=CAUSES)
        if any(len(text) > CAUSE_LENGTH for text in texts):
            raise InvalidInput(f"bone_{bone}", _("At most %(most)s characters."), most=CAUSE_LENGTH)
        if texts:
            found[bone] = texts
    return found


def _carry(problem: Problem) -> None:
    """The problem shows the root causes of its analyses and counts as analysed."""
    problem.causes = sorted(set(problem.analyses.values_list("root_cause", flat=True)))
    problem.save(update_fields=["causes"])
    problem_rules.follow(problem)

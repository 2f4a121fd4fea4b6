"""What handling is measured by: criteria with weights, the pass mark, the rounds of rework (QUA-01, QUA-02, QUA-06).

Points go from 0 to 100 for each criterion; the total is their mean by weight, so it goes from 0 to 100 too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput, NotAllowed
from accounts.models import User
from complaints import revisions
from complaints.models import QualityStandard

CHECK = "complaints.check_quality"
EDITORS = ("complaints.edit_reference", "accounts.configure_system")
MOST = 100
MOST_CRITERIA = 20
MOST_ROUNDS = 20

Criterion = dict[str, Any]

# Code, name, English name, weight.
_CRITERIA = (
    ("lawful", "符合法律法规和制度", "Conforms to laws and rules", 25),
    ("demand", "满足合理诉求", "Meets the reasonable demand", 25),
    ("investigation", "调查完整", "Complete investigation", 20),
    ("clear", "答复清楚", "Clear reply", 15),
    ("timely", "办理及时", "In time", 15),
)
_CALL_CRITERIA = (
    ("opening", "开场和身份说明", "Opening, says who is calling", 15),
    ("listening", "倾听，问清诉求", "Listens and finds out the demand", 25),
    ("correct", "内容准确，不随意承诺", "Says what is correct, no empty promise", 25),
    ("manner", "用语文明，控制情绪", "Polite, keeps calm", 20),
    ("closing", "说明下一步和时限", "Says what happens next, and when", 15),
)
DEFAULT_PASS_MARK = 70
DEFAULT_ROUNDS = 3


def _shipped(rows: Sequence[tuple[str, str, str, int]]) -> list[Criterion]:
    return [{"code": code, "name": name, "name_en": name_en, "weight": weight} for code, name, name_en, weight in rows]


def load_quality(using: str = "default") -> None:
    """Add the shipped standard where none is stored (QUA-01)."""
    QualityStandard.objects.using(using).get_or_create(
        revision=1,
        defaults={
            "criteria": _shipped(_CRITERIA),
            "call_criteria": _shipped(_CALL_CRITERIA),
            "pass_mark": DEFAULT_PASS_MARK,
            "most_rounds": DEFAULT_ROUNDS,
        },
    )


def current() -> QualityStandard:
    """The revision in force: the newest. Raises QualityStandard.DoesNotExist where nothing was loaded."""
    return QualityStandard.objects.select_related("by").latest("revision")


def label(criterion: Criterion) -> str:
    """The name of a criterion in the active language."""
    if (get_language() or "").startswith("en") and criterion.get("name_en"):
        return criterion["name_en"]
    return criterion["name"]


def in_use(criteria: Sequence[Criterion]) -> list[Criterion]:
    """The criteria that count: those with a weight."""
    return [criterion for criterion in criteria if criterion["weight"]]


def total(criteria: Sequence[Criterion], points: Mapping[str, int]) -> Decimal:
    """The mean of the points by weight, with one decimal.

    Raises InvalidInput("points_<code>") for a criterion without 0 to 100 points, and "points" for an unknown one.
    """
    counted = in_use(criteria)
    if set(points) - {criterion["code"] for criterion in counted}:
        raise InvalidInput("points", _("The standard has changed; open the form again."))
    added = 0
    for criterion in counted:
        given = points.get(criterion["code"])
        if given is None or not 0 <= given <= MOST:
            raise InvalidInput(f"points_{criterion['code']}", _("Give 0 to 100 points."))
        added += given * criterion["weight"]
    weights = sum(criterion["weight"] for criterion in counted)
    return (Decimal(added) / weights).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)


def lowest(criteria: Sequence[Criterion], points: Mapping[str, int]) -> str:
    """The code of the criterion that costs the total most."""
    counted = in_use(criteria)
    return max(counted, key=lambda criterion: (MOST - points[criterion["code"]]) * criterion["weight"])["code"]


@transaction.atomic
def revise(
    *,
    criteria: list[Criterion],
    call_criteria: list[Criterion],
    pass_mark: int,
    most_rounds: int,
    note: str,
    based_on: int,
    by: User,
    at: datetime | None = None,
) -> QualityStandard:
    """Store the next revision; checks already made keep the revision they were made by (QUA-01).

    `based_on` is the revision the person edited. Raises NotAllowed, InvalidInput by field, StaleVersion.
    """
    if not by.is_active or not any(by.has_perm(name) for name in EDITORS):
        raise NotAllowed(_("Your role does not allow this."))
    note = revisions.why(note)
    check(criteria, "weight")
    check(call_criteria, "call")
    if not 0 <= pass_mark <= MOST:
        raise InvalidInput("pass_mark", _("Give a number from 0 to 100."))
    if not 1 <= most_rounds <= MOST_ROUNDS:
        raise InvalidInput("most_rounds", _("Give a number from 1 to %(most)s."), most=MOST_ROUNDS)
    return QualityStandard.objects.create(
        revision=revisions.following(QualityStandard, based_on=based_on),
        criteria=criteria,
        call_criteria=call_criteria,
        pass_mark=pass_mark,
        most_rounds=most_rounds,
        note=note,
        at=at or timezone.now(),
        by=by,
    )


def check(criteria: Sequence[Criterion], prefix: str) -> None:
    """Raises InvalidInput at `<prefix>_<code>` of the first criterion that is wrong, or whose weights miss 100,
    and at `name_<prefix>_<code>` of a name that stands twice."""
    if len(criteria) > MOST_CRITERIA:
        raise InvalidInput(f"{prefix}_{criteria[-1]['code']}", _("There are too many criteria."))
    names: set[str] = set()
    for criterion in criteria:
        if criterion["name"] in names:
            raise InvalidInput(f"name_{prefix}_{criterion['code']}", _("Another criterion is called the same."))
        names.add(criterion["name"])
    for criterion in criteria:
        if not 0 <= criterion["weight"] <= MOST:
            raise InvalidInput(f"{prefix}_{criterion['code']}", _("Give a number from 0 to 100."))
    added = sum(criterion["weight"] for criterion in criteria)
    if added != MOST:
        first = criteria[0]["code"] if criteria else ""
        raise InvalidInput(
            f"{prefix}_{first}", _("The weights have to add up to 100; now they are %(sum)s."), sum=added
        )

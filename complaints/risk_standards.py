"""The stored revisions of the grading standard: the one in force, a new one, what it would change (RISK-03, 06)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput, NotAllowed
from accounts.models import User
from complaints import revisions, risk, risk_default
from complaints.models import Category, Complaint, Dimension, OpinionSignal, Question, RiskStandard
from complaints.states import Threat

PREVIEW_CASES = 1000
EDITORS = ("complaints.edit_reference", "accounts.configure_system")
# Kinds that compare with a number.
NUMERIC = ("amount_from", "persons_from", "emotion_from", "signal_from")
# A year; beyond it a figure is a slip of the pen.
MOST_DAYS = 365
_TOLD = ("subject", "narrative", "demand", "true_need", "consequential_loss")


def load_standard(using: str = "default") -> None:
    """Add the shipped standard where none is stored."""
    RiskStandard.objects.using(using).get_or_create(
        revision=1,
        defaults={
            "factors": risk_default.FACTORS,
            "medium_from": risk_default.MEDIUM_FROM,
            "high_from": risk_default.HIGH_FROM,
            "meetings": risk_default.MEETINGS,
            "is_active": not RiskStandard.objects.using(using).filter(is_active=True).exists(),
        },
    )


def active() -> RiskStandard | None:
    """The revision that grades now."""
    return RiskStandard.objects.filter(is_active=True).first()


@dataclass(frozen=True)
class Meetings:
    """How soon a risk meeting follows the grade, and how many days later the next; 0: as needed (RISK-06)."""

    first: int
    every: int


def meetings(standard: RiskStandard | None) -> dict[str, Meetings]:
    """The risk meetings a revision asks for, by grade; one that names none has the shipped ones."""
    return _meetings(standard.meetings if standard else None)


def _meetings(stored: Mapping[str, Mapping[str, int]] | None) -> dict[str, Meetings]:
    return {grade: Meetings(**days) for grade, days in (stored or risk_default.MEETINGS).items()}


def with_meetings(cases: QuerySet[Complaint]) -> QuerySet[Complaint]:
    """The cases with the risk meetings of the standard in force beside them, for `meetings_for`: no query more."""
    stored = RiskStandard.objects.filter(is_active=True).values("meetings")[:1]
    return cases.annotate(meeting_days=Subquery(stored))


def meetings_for(complaint: Complaint) -> dict[str, Meetings]:
    """The risk meetings the standard in force asks for, by grade. No query on a case that came `with_meetings`."""
    loaded = complaint.__dict__
    return _meetings(loaded["meeting_days"]) if "meeting_days" in loaded else meetings(active())


# --- Facts of stored cases ------------------------------------------------------------------------
def facts_of(complaints: Sequence[Complaint]) -> list[risk.Facts]:
    """What a standard may ask for, of each case in order. Four queries, however many cases."""
    keys = [complaint.pk for complaint in complaints]
    questions = _grouped(Question.objects.filter(complaint__in=keys).order_by("pk").values_list("complaint", "text"))
    signals = Counter(OpinionSignal.objects.filter(complaint__in=keys).values_list("complaint", flat=True))
    emotions = _grouped(
        Complaint.emotions.through.objects.filter(complaint__in=keys).values_list("complaint", "category")
    )
    wanted = {pk for complaint in complaints for pk in _categories(complaint)} | {
        pk for found in emotions.values() for pk in found
    }
    chosen = _chosen(wanted)
    return [
        _facts(
            complaint,
            questions.get(complaint.pk, []),
            signals[complaint.pk],
            [row for pk in [*_categories(complaint), *emotions.get(complaint.pk, [])] for row in chosen[pk]],
        )
        for complaint in complaints
    ]


def facts_told(complaint: Complaint) -> risk.Facts:
    """The facts of a case that was registered just now: nothing can have been added yet. At most one query."""
    keys = _categories(complaint)
    chosen = _chosen(keys) if keys else {}
    return _facts(complaint, [], 0, [row for pk in keys for row in chosen[pk]])


def _facts(complaint: Complaint, asked: list[str], signals: int, chosen: Iterable[risk.Chosen]) -> risk.Facts:
    return risk.Facts(
        text="\n".join(filter(None, [*(getattr(complaint, name) for name in _TOLD), *asked])),
        amount=complaint.amount,
        persons_affected=complaint.persons_affected,
        emotion_intensity=complaint.emotion_intensity,
        threats=tuple(complaint.threats),
        flags=frozenset(name for name in risk.FLAGS if getattr(complaint, name)),
        chosen=tuple(dict.fromkeys(chosen)),
        is_repeat=complaint.is_repeat,
        signals=signals,
    )


def _categories(complaint: Complaint) -> list[int]:
    keys = (complaint.category_id, complaint.nature_id, complaint.kind_id, complaint.legal_type_id)
    return [pk for pk in keys if pk]


def _chosen(keys: Iterable[int]) -> dict[int, list[risk.Chosen]]:
    """Each category with its parents, so that a factor may name the parent of a group."""
    prefixes = ("", "parent__", "parent__parent__")
    columns = [f"{prefix}{name}" for prefix in prefixes for name in ("code", "name", "name_en")]
    found = {}
    for pk, dimension, *cells in Category.objects.filter(pk__in=set(keys)).values_list("pk", "dimension", *columns):
        triples = [cells[n : n + 3] for n in range(0, len(cells), 3)]
        found[pk] = [risk.Chosen(dimension, *triple) for triple in triples if triple[0]]
    return found


def _grouped(pairs: Iterable[tuple[int, Any]]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


# --- A new revision ---------------------------------------------------------------------------------
@dataclass(frozen=True)
class Preview:
    """How many of the newest cases have each grade: by the new revision, by the one in force, as they stand."""

    cases: int
    new: dict[str, int]
    active: dict[str, int]
    standing: dict[str, int]


def preview(candidate: RiskStandard, *, cases: int = PREVIEW_CASES) -> Preview:
    """Grade the newest cases by `candidate`, which need not be stored. Six queries."""
    newest = Complaint.objects.order_by("-received_at", "-pk").only(
        *_TOLD, *risk.FLAGS, "amount", "persons_affected", "emotion_intensity", "threats", "is_repeat", "risk_grade",
        "category", "nature", "kind", "legal_type",
    )[:cases]  # fmt: skip
    rows = list(newest)
    facts, current = facts_of(rows), active()
    return Preview(
        cases=len(rows),
        new=_count(risk.assess(row, candidate).grade for row in facts),
        active=_count(risk.assess(row, current).grade for row in facts if current),
        standing=_count(row.risk_grade for row in rows),
    )


def _count(grades: Iterable[str]) -> dict[str, int]:
    number = Counter(str(grade) for grade in grades)
    return {str(grade): number[str(grade)] for grade in risk.GRADES}


@transaction.atomic
def revise(
    *,
    factors: Any,
    medium_from: int,
    high_from: int,
    meetings: Mapping[str, Mapping[str, int]],
    note: str,
    based_on: int,
    by: User,
    at: datetime,
) -> RiskStandard:
    """Store the next revision and grade by it from now on. Cases keep the assessment they have.

    The days between risk meetings hold for every open case at once.

    `based_on` is the revision the person edited. Raises NotAllowed, InvalidInput by field, StaleVersion.
    """
    if not any(by.has_perm(name) for name in EDITORS):
        raise NotAllowed(_("Your role does not allow this."))
    note = revisions.why(note)
    check(factors, medium_from, high_from)
    check_meetings(meetings)
    number = revisions.following(RiskStandard, based_on=based_on)
    RiskStandard.objects.filter(is_active=True).update(is_active=False)
    return RiskStandard.objects.create(
        revision=number,
        factors=factors,
        medium_from=medium_from,
        high_from=high_from,
        meetings=meetings,
        note=note,
        at=at,
        by=by,
    )


def check(factors: Any, medium_from: int, high_from: int) -> None:
    """Raises InvalidInput naming the field (`weight_<code>`, `value_<code>`, …) of the first thing that is wrong."""
    if not 1 <= medium_from < high_from:
        raise InvalidInput("high_from", _("High risk must begin above medium risk, and both above zero."))
    codes = [factor["code"] for factor in factors]
    if len(set(codes)) != len(codes):
        raise InvalidInput("factors", _("Two factors carry the same code."))
    for factor in factors:
        _check_factor(factor)


def check_meetings(meetings: Mapping[str, Mapping[str, int]]) -> None:
    """Raises InvalidInput naming the field (`first_<grade>`, `every_<grade>`) of the first thing that is wrong."""
    if set(meetings) != set(risk_default.MEETINGS):
        raise InvalidInput("meetings", _("Say for medium and for high risk when the risk meetings are due."))
    for grade, days in meetings.items():
        for part in ("first", "every"):
            if not 0 <= days[part] <= MOST_DAYS:
                raise InvalidInput(f"{part}_{grade}", _("Give 0 to %(most)s days."), most=MOST_DAYS)
        if 0 < days["every"] < days["first"]:
            raise InvalidInput(f"first_{grade}", _("The first meeting cannot wait longer than the ones after it."))


def _check_factor(factor: dict[str, Any]) -> None:
    code, kind = factor["code"], factor["kind"]
    if kind not in risk.KINDS:
        raise InvalidInput(f"weight_{code}", _("This kind of factor is not known."))
    if not 0 <= factor["weight"] <= risk.MAX_WEIGHT:
        raise InvalidInput(f"weight_{code}", _("Give 0 to %(most)s points."), most=risk.MAX_WEIGHT)
    if kind in NUMERIC and not factor["value"] >= 1:
        raise InvalidInput(f"value_{code}", _("Give a number from 1."))
    if kind == "words" and factor["weight"] and not factor["words"]:
        raise InvalidInput(f"words_{code}", _("Give at least one word, or 0 points."))
    if kind == "flag" and factor["value"] not in risk.FLAGS:
        raise InvalidInput(f"weight_{code}", _("This kind of factor is not known."))
    if kind == "threat" and set(factor["values"]) - set(Threat.values):
        raise InvalidInput(f"weight_{code}", _("This kind of factor is not known."))
    if kind == "category":
        _check_codes(code, factor["values"])


def _check_codes(code: str, values: Sequence[str]) -> None:
    whole = {f"{dimension}:*" for dimension in Dimension.values}
    single = [value for value in values if value not in whole]
    known = set(Category.objects.filter(code__in=single).values_list("code", flat=True))
    for value in single:
        if value not in known:
            raise InvalidInput(f"values_{code}", _("There is no category “%(code)s”."), code=value)

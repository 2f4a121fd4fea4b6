"""The risk of a case as a sum of points, each with what caused it (RISK-01, RISK-02, RISK-04). Pure: reads no table.

A standard is data: thresholds and a list of factors. A factor is a dict with

    code, name, name_en   what it is called
    weight                points it adds when it applies, 0 to 100; 0 switches it off
    kind                  one of KINDS, which says when it applies
    value or values       what the kind compares with
    words                 phrases that make the factor apply as well when the text says one of them

A factor adds its points once, whether the recorded facts, the text or both speak for it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any, Protocol

from complaints.states import RiskGrade

Factor = Mapping[str, Any]
# (text, factor) → the phrases of the text that speak for the factor
Reader = Callable[[str, Factor], Sequence[str]]

GRADES = list(RiskGrade)
MAX_WEIGHT = 100
# The recorded facts a factor of the kind "flag" can ask for.
FLAGS = ("has_injury", "has_damage", "involves_minors", "has_privacy_leak", "is_unmet_need", "is_unreasonable")


@dataclass(frozen=True)
class Chosen:
    """A value of a dimension the case was given: its own code and names, or those of a parent."""

    dimension: str
    code: str
    name: str
    name_en: str = ""


@dataclass(frozen=True)
class Facts:
    """What is known of a case, as far as a standard can ask for it."""

    text: str = ""
    amount: Decimal | None = None
    persons_affected: int = 1
    emotion_intensity: int = 0
    threats: tuple[str, ...] = ()
    flags: frozenset[str] = frozenset()
    chosen: tuple[Chosen, ...] = ()
    is_repeat: bool = False
    signals: int = 0


class Standard(Protocol):
    """The columns of RiskStandard that grade."""

    factors: Any
    medium_from: Any
    high_from: Any


@dataclass(frozen=True)
class Result:
    """Score, grade and the factors that apply, ready to be stored with the assessment."""

    score: int
    grade: RiskGrade
    factors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def codes(self) -> list[tuple[str, int]]:
        return [(row["code"], row["points"]) for row in self.factors]


def assess(facts: Facts, standard: Standard, *, reader: Reader | None = None) -> Result:
    """Grade the facts by a standard. `reader` finds phrases in the text; without one the registered reader does."""
    read = reader or _readers[-1]
    text = plain(facts.text)
    applying = []
    for factor in standard.factors:
        if not factor["weight"]:
            continue
        because = KINDS[factor["kind"]](factor, facts)
        words = list(read(text, factor)) if factor.get("words") or factor["kind"] == "words" else []
        if because or words:
            applying.append(
                {
                    "code": factor["code"],
                    "name": factor["name"],
                    "name_en": factor.get("name_en", ""),
                    "kind": factor["kind"],
                    "points": factor["weight"],
                    "because": because,
                    "words": words,
                }
            )
    score = sum(row["points"] for row in applying)
    return Result(score, grade_of(score, standard), applying)


def grade_of(score: int, standard: Standard) -> RiskGrade:
    """A score that reaches a threshold has the grade of the threshold."""
    if score >= standard.high_from:
        return RiskGrade.HIGH
    return RiskGrade.MEDIUM if score >= standard.medium_from else RiskGrade.ORDINARY


def rank(grade: str) -> int:
    """0 for ordinary, 1 for medium, 2 for high."""
    return GRADES.index(RiskGrade(grade))


# --- Kinds: what of the facts makes a factor apply, [] when nothing does ------------------------
def _amount(factor: Factor, facts: Facts) -> list[Any]:
    reached = facts.amount is not None and facts.amount >= Decimal(str(factor["value"]))
    return [str(facts.amount)] if reached else []


def _persons(factor: Factor, facts: Facts) -> list[Any]:
    return [facts.persons_affected] if facts.persons_affected >= factor["value"] else []


def _emotion(factor: Factor, facts: Facts) -> list[Any]:
    return [facts.emotion_intensity] if facts.emotion_intensity >= factor["value"] else []


def _flag(factor: Factor, facts: Facts) -> list[Any]:
    return [factor["value"]] if factor["value"] in facts.flags else []


def _threat(factor: Factor, facts: Facts) -> list[Any]:
    return [code for code in factor["values"] if code in facts.threats]


def _category(factor: Factor, facts: Facts) -> list[Any]:
    """Values of any dimension by code; "legal:*" stands for every value of the dimension "legal"."""
    wanted = set(factor["values"])
    return [
        {"name": row.name, "name_en": row.name_en}
        for row in facts.chosen
        if row.code in wanted or f"{row.dimension}:*" in wanted
    ]


def _repeat(factor: Factor, facts: Facts) -> list[Any]:
    return ["is_repeat"] if facts.is_repeat else []


def _signal(factor: Factor, facts: Facts) -> list[Any]:
    return [facts.signals] if facts.signals >= factor["value"] else []


def _words(factor: Factor, facts: Facts) -> list[Any]:
    return []  # only the text decides


KINDS: dict[str, Callable[[Factor, Facts], list[Any]]] = {
    "amount_from": _amount,
    "persons_from": _persons,
    "emotion_from": _emotion,
    "signal_from": _signal,
    "flag": _flag,
    "threat": _threat,
    "words": _words,
    "category": _category,
    "repeat": _repeat,
}


# --- Reading the text -----------------------------------------------------------------------------
# What may stand between a negation and the word it negates: 没有任何人员受伤, 未造成人员伤亡, 不想起诉.
_NEGATED = re.compile(
    r"(?:没有|没|无|未|并未|不会|不想|不打算|不要)"
    r"(?:任何|人员|有人|人|造成|发生|出现|导致|引起|想|要|打算){0,3}$"
    r"|\b(?:no|not|nobody|never|without|no one|wasn't|isn't|weren't|won't|don't|didn't)"
    r"(?: (?:was|were|is|be|been|being|got|want|going|to|any|anyone)){0,3} $"
)
_LOOK_BACK = 40


def plain(text: str) -> str:
    """Full-width letters, capitals and runs of spaces made alike."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).casefold()


def find_words(text: str, factor: Factor) -> list[str]:
    """The words of the factor that the text says without denying them. `text` went through `plain`."""
    return [word for word in factor.get("words", ()) if _says(text, _plain_word(word))]


@lru_cache(maxsize=4096)
def _plain_word(word: str) -> str:
    return plain(word).strip()


def _says(text: str, word: str) -> bool:
    if not word or word not in text:
        return False
    pattern = rf"\b{re.escape(word)}\b" if word.isascii() else re.escape(word)
    return any(
        not _NEGATED.search(text, max(0, hit.start() - _LOOK_BACK), hit.start()) for hit in re.finditer(pattern, text)
    )


_readers: list[Reader] = [find_words]


def use_reader(reader: Reader) -> None:
    """Let another engine read the texts, for example a model of the organisation's own (RISK-04).

    Called in `AppConfig.ready()`; the phrases it returns are stored and shown with the assessment.
    """
    _readers.append(reader)

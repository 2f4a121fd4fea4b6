"""How easily people read a result: long sentences, office language, nested clauses, bare numbers, summary (PUB-32).

Advice only: nothing here stops a submission. Pure: no database.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from publication import wording
from publication.states import ELEMENTS

# Characters a sentence may have without cost; clauses likewise.
LONG, CLAUSES = 40, 4
SUMMARY = 60
SHOWN = 5
_SENTENCE = re.compile(r"[^。！？；;!?\n]+[。！？；;!?]?")
# A number with nothing behind it that says what is counted. Dates, times, decimals and numbers of laws have it.
_BARE = re.compile(r"(?<![\d.:：〔\-A-Za-z])\d[\d,.]*(?=\s*(?:[，。；、）)]|$))")


@dataclass(frozen=True)
class Costly:
    """A sentence that is hard to read: in which text, the points it costs, and why."""

    field: str
    sentence: str
    points: int
    reasons: list[str]


@dataclass(frozen=True)
class Reading:
    """`score` from 0 (nobody reads this) to 100 (plain); `costly` are the worst sentences, worst first.

    `jargon` is the share of sentences with office language, in whole percent.
    """

    score: int
    sentences: int
    jargon: int
    summary: str
    costly: list[Costly]


def read(texts: Mapping[str, str]) -> Reading:
    """Judge the texts of a publication. `texts` has the names of the elements and `summary`.

    The score is 100 less four points for each point the average sentence costs, and less what the summary costs.
    """
    found = [_cost(name, sentence) for name in ELEMENTS for sentence in sentences(texts.get(name, ""))]
    summary, price = _summary(texts.get("summary", ""))
    average = sum(row.points for row in found) / len(found) if found else 0
    with_jargon = sum(any(word in row.sentence for word in wording.JARGON) for row in found)
    return Reading(
        score=max(0, min(100, round(100 - 4 * average - price))),
        sentences=len(found),
        jargon=round(100 * with_jargon / len(found)) if found else 0,
        summary=summary,
        costly=sorted((row for row in found if row.points), key=lambda row: -row.points)[:SHOWN],
    )


def sentences(text: str) -> list[str]:
    """The sentences of a text; a line ends a sentence."""
    return [part.strip() for part in _SENTENCE.findall(text) if len(part.strip()) > 1]


def _cost(name: str, sentence: str) -> Costly:
    points, reasons = 0, []
    if len(sentence) > LONG:
        points += min(15, (len(sentence) - LONG) // 4 + 1)
        reasons.append(_("%(n)s characters; make two sentences of it") % {"n": len(sentence)})
    for word, plain in wording.JARGON.items():
        if word in sentence:
            points += 3
            reasons.append(_("office language “%(word)s”: %(plain)s") % {"word": word, "plain": plain})
    for word in wording.PASSIVE:
        if word in sentence:
            points += 3
            reasons.append(_("“%(word)s”: say who did it") % {"word": word})
    nested = max(sentence.count("，"), sentence.count("的"))
    if nested > CLAUSES:
        points += 2 * (nested - CLAUSES)
        reasons.append(_("nested: %(n)s clauses in one sentence") % {"n": nested})
    bare = _BARE.findall(sentence)
    if bare:
        points += 2 * len(bare)
        reasons.append(_("“%(number)s” has no unit") % {"number": bare[0]})
    return Costly(name, sentence, points, reasons)


def _summary(text: str) -> tuple[str, int]:
    """What is wrong with the summary, and what it costs."""
    if not text.strip():
        return _("There is no answer in one sentence; the public reads it first."), 10
    if len(text) > SUMMARY:
        return _("The answer in one sentence is long (%(n)s characters).") % {"n": len(text)}, 5
    return "", 0

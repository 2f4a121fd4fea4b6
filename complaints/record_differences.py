"""Where a reply says something else than is recorded on the case: findings and remedies decided (COO-09).

It reads the statements of complaints/contradictions.py and holds them against the allegations that have a finding and
the remedies that were approved, given or refused. As there, it rather overlooks something than cries wolf: a verdict
counts only when it is the author's own and plainly about an allegation or about all of them, an amount only when the
sentence grants it. Words for a verdict are a short list; whoever writes otherwise is not warned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from complaints import contradictions, remedies
from complaints.models import Allegation, Complaint, Remedy
from complaints.states import FindingResult, RemedyKind, RemedyState

# --- Verdicts -----------------------------------------------------------------------------------------
_UPHELD, _PARTLY, _DENIED = "属实", "部分属实", "不属实"
_GENERIC_WORDS = "投诉|来信|来电|诉求|举报|事项|内容|上述|以上|全部|信访|各项|所述|以下|如下|答复|回复|关于|针对"
_GENERIC = re.compile(rf"{_GENERIC_WORDS}|[一二三四五六七八九两几\d]+[项点个条件]")
_GENERIC_PAIRS = frozenset(_GENERIC_WORDS.split("|"))
_REPORTED = "反映|投诉|举报|来信|来电|所述"
_OF_COMPLAINANT = re.compile(_REPORTED)
_ALL = re.compile("均|都|全部|各项")
# Somebody else's words, a condition, or what an earlier answer said: no verdict of the author.
_NO_DENIAL = re.compile("强制|涉嫌|要求|如|若|凡|规定|可以|应当|称|认为|有误|更正|此前|之前|原答复")
_HEARSAY = re.compile("称|认为|辩|表示|陈述|主张|如|若|是否|凡|此前|之前|原答复|上次|曾|有误|更正|改为")
# Other words for the same, only next to what the complainant reported.
_OTHER_WORDS = (
    (re.compile(rf"(?:{_REPORTED})[^，,。；;]{{0,30}}?(查无此事|(?:缺乏|没有|无)事实依据)"), _DENIED),
    (re.compile(rf"(?:{_REPORTED})的?(?:问题|情况|内容)(与事实不符|不存在)"), _DENIED),
    (re.compile(r"(?:投诉|举报|反映|来信)(?:的?(?:问题|情况|事项))?(不成立)"), _DENIED),
    (re.compile(rf"((?:未发现|不存在)(?:您|你|来信人|投诉人)?所?(?:{_REPORTED})的?)"), _DENIED),
    (re.compile(rf"(?:{_REPORTED})[^，,。；;]{{0,30}}?(确有其事|确实存在)"), _UPHELD),
    (re.compile(r"(?:投诉|举报|反映|来信)(?:的?(?:问题|情况|事项))?(成立)"), _UPHELD),
)

# --- Remedies -----------------------------------------------------------------------------------------
_MONEY_WORDS = {
    RemedyKind.REFUND: re.compile("退还|退款|退费|返还|退回"),
    RemedyKind.COMPENSATION: re.compile("补偿|赔偿|赔付"),
}
_REMEDY_WORDS = {
    **_MONEY_WORDS,
    RemedyKind.REPLACEMENT: re.compile("更换|退货"),
    RemedyKind.REPAIR: re.compile("维修|修复"),
    RemedyKind.APOLOGY: re.compile("道歉|致歉"),
}
# An amount for each of several, a limit, what somebody asked for, and what is not given.
_NO_GRANT = re.compile(
    "每|最高|最低|上限|以上|以下|不低于|不超过|不足|至少|其中|标准|规定|》|坚持|要求|申请|希望|不予|不再|不能|无法|拒绝|不同意"
)


# How much of an allegation is quoted.
_SHOWN = 80


@dataclass(frozen=True)
class RecordDifference:
    """What is recorded and what the text says of the same: the words, where they stand, the sentence."""

    label: Any
    recorded: Any
    source: Any
    now: str
    now_sentence: str


def of(complaint: Complaint, text: str) -> list[RecordDifference]:
    """What the text says otherwise than the findings and the remedies decided, in the order of the record."""
    said = contradictions.statements(text)
    found = [row for row in complaint.allegations.all() if row.finding]
    return [
        *_findings(found, _verdicts(said, text)),
        *_amounts(list(complaint.remedies.all()), said),
        *_denials(remedies.agreed(complaint.remedies.all()), said),
    ]


# --- Findings -----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Verdict:
    """A finding the text names. `about` is empty for one on everything; `is_reported`: on what the complainant said."""

    value: str
    text: str
    sentence: str
    about: frozenset[str]
    is_reported: bool
    is_all: bool


def _verdicts(said: Iterable[contradictions.Statement], text: str) -> list[_Verdict]:
    found = []
    for row in said:
        if row.kind != "finding" or _HEARSAY.search(row.clause) or f"{row.text}的" in row.clause:
            continue
        value = {"基本属实": _UPHELD}.get(row.value, row.value)
        found.append(_verdict(value, row.text, row.clause, row.sentence, inherited=row.subject))
    for clause, sentence in contradictions.clauses(text):
        for pattern, value in _OTHER_WORDS:
            match = pattern.search(clause)
            if match and not _HEARSAY.search(clause) and not clause[match.end() :].startswith("的"):
                found.append(_verdict(value, match.group(1), clause, sentence, inherited=frozenset()))
    return found


def _verdict(value: str, word: str, clause: str, sentence: str, *, inherited: frozenset[str]) -> _Verdict:
    lead = clause[: clause.find(word)]
    about = contradictions.subject_of(_GENERIC.sub(" ", lead))
    if not contradictions.subject_of(lead):  # "About the meter: it is founded."
        about = inherited - _GENERIC_PAIRS
    return _Verdict(value, word, sentence, about, bool(_OF_COMPLAINANT.search(clause)), bool(_ALL.search(lead)))


def _findings(found: Sequence[Allegation], verdicts: Sequence[_Verdict]) -> Iterator[RecordDifference]:
    targets = [(verdict, _meant(verdict, found, is_alone=len(verdicts) == 1)) for verdict in verdicts]
    for row in found:
        spoken = [(verdict, meant) for verdict, meant in targets if row in meant]
        if not spoken or any(not _contradicts(verdict, row, meant) for verdict, meant in spoken):
            continue
        # One verdict on several contradicts them only where it contradicts each, or says that it holds for each.
        verdict = next(
            (
                one
                for one, meant in spoken
                if one.is_all or all(_contradicts(one, other, meant) for other in meant)
            ),
            None,
        )  # fmt: skip
        if verdict is not None:
            text = row.text if len(row.text) <= _SHOWN else row.text[:_SHOWN] + "…"
            source = _("Allegation %(number)s: %(text)s") % {"number": row.order, "text": text}
            yield RecordDifference(
                contradictions.label_of("finding"), row.get_finding_display(), source, verdict.text, verdict.sentence
            )


def _meant(verdict: _Verdict, found: Sequence[Allegation], *, is_alone: bool) -> list[Allegation]:
    """The allegations the verdict is about."""
    if verdict.about:
        shares = {row: len(verdict.about & contradictions.subject_of(row.text)) for row in found}
        near = [row for row in found if 2 * shares[row] >= len(verdict.about)]
        best = max((shares[row] for row in near), default=0)
        if near:
            return [row for row in near if shares[row] == best]
        return list(found) if is_alone and len(found) == 1 and verdict.is_reported else []
    return list(found) if is_alone else []


def _contradicts(verdict: _Verdict, row: Allegation, meant: Sequence[Allegation]) -> bool:
    """Whether verdict and finding exclude each other: so and not so; of a whole complaint also partly so."""
    is_denied = row.finding == FindingResult.UNSUBSTANTIATED
    if is_denied or verdict.value == _DENIED:
        return is_denied != (verdict.value == _DENIED)
    is_whole = len(meant) == 1 and (not verdict.about or verdict.is_reported)
    return is_whole and (verdict.value == _PARTLY) != (row.finding == FindingResult.PARTLY)


# --- Remedies -----------------------------------------------------------------------------------------
def _amounts(rows: Sequence[Remedy], said: Sequence[contradictions.Statement]) -> Iterator[RecordDifference]:
    agreed = remedies.agreed(rows)
    allowed = _possible(row.amount for row in rows if row.amount and remedies.standing(row) != RemedyState.REFUSED)
    for kind, words in _MONEY_WORDS.items():
        granted = [
            row
            for row in said
            if row.kind == "元"
            and words.search(row.clause)
            and not _NO_GRANT.search(row.clause)
            and not _HEARSAY.search(row.clause)
        ]
        if not granted or any(row.value in allowed for row in granted):
            continue
        decided = [row for row in agreed if row.kind == kind and row.amount]
        refused = [
            row
            for row in rows
            if row.kind == kind
            and remedies.standing(row) == RemedyState.REFUSED
            and any(row.amount == said_of.value for said_of in granted)
        ]
        for row in decided or refused:
            yield RecordDifference(
                contradictions.label_of("元"), _money(row), _named(row), granted[0].text, granted[0].sentence
            )


def _possible(amounts: Iterable[Decimal | None]) -> set[Decimal]:
    """Each amount, and what any of them make together; many remedies of one case count only singly and in all."""
    each = [amount for amount in amounts if amount]
    if len(each) > 8:
        return {*each, sum(each, Decimal(0))}
    sums = {Decimal(0)}
    for amount in each:
        sums |= {one + amount for one in sums}
    return sums - {Decimal(0)}


def _denials(agreed: Sequence[Remedy], said: Sequence[contradictions.Statement]) -> Iterator[RecordDifference]:
    for kind, words in _REMEDY_WORDS.items():
        rows = [row for row in agreed if row.kind == kind]
        spoken = [row for row in said if isinstance(row.value, bool) and words.fullmatch(row.kind)]
        denied = [row for row in spoken if not row.value and not row.is_not_yet and not _NO_DENIAL.search(row.clause)]
        if rows and denied and not any(row.value for row in spoken):
            yield RecordDifference(
                contradictions.label_of(""), _money(rows[0]), _named(rows[0]), denied[0].text, denied[0].sentence
            )


def _money(row: Remedy) -> Any:
    if row.amount is None:
        return row.get_kind_display()
    return _("%(kind)s, %(amount)s yuan") % {"kind": row.get_kind_display(), "amount": f"{row.amount.normalize():f}"}


def _named(row: Remedy) -> Any:
    return _("Remedy: %(text)s (%(state)s)") % {
        "text": row.description, "state": RemedyState(remedies.standing(row)).label
    }  # fmt: skip

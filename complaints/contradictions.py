"""Where a new reply says something else than earlier ones: a plain comparison anybody can follow (COO-09).

A text is read clause by clause as a list of statements: a number with its unit, a date, a finding, who is
responsible, something done, granted or found and something denied. Two statements contradict each other only when
they are of one kind, about the same subject and not equal; each then stands beside the other with its whole
sentence. Subjects are compared by the characters beside the number or the word, so that a refund and a fee of
different amounts are no contradiction, and neither is a fact added, a second visit, or an earlier figure that the new
text names in order to correct it. What was not done yet and now is, is progress. It rather overlooks something than
cries wolf: who writes replies all day stops reading a warning that is often wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from itertools import zip_longest
from typing import Any

from django.utils.translation import gettext_lazy as _

# A reply is refused above this length; statements read of one text: a letter has a few dozen, and the comparison
# is pairwise; how much of a very long sentence is shown.
_LONGEST = 20_000
_MOST = 200
_SHOWN = 160

# --- Numbers and dates --------------------------------------------------------------------------------
# Unit as written → unit compared, and how many of it.
_UNITS: dict[str, tuple[str, int]] = {
    "亿元": ("元", 100_000_000),
    "万元": ("元", 10_000),
    "元": ("元", 1),
    "个工作日": ("个工作日", 1),
    "工作日": ("个工作日", 1),
    "个月": ("个月", 1),
    "天": ("天", 1),
    "小时": ("小时", 1),
    "吨": ("吨", 1),
    "立方米": ("立方米", 1),
    "平方米": ("平方米", 1),
    "公里": ("公里", 1),
    "户": ("户", 1),
    "分贝": ("分贝", 1),
    "%": ("%", 1),
    "％": ("%", 1),
}
_LABELS: dict[str, Any] = {
    "元": _("Amount in yuan"),
    "个工作日": _("Working days"),
    "个月": _("Time in months"),
    "天": _("Days"),
    "小时": _("Time in hours"),
    "吨": _("Tonnes"),
    "立方米": _("Cubic metres"),
    "平方米": _("Square metres"),
    "公里": _("Kilometres"),
    "户": _("Households"),
    "分贝": _("Decibels"),
    "%": _("Percentage"),
    "date": _("Date"),
    "finding": _("Finding"),
    "responsibility": _("Responsibility"),
}
_CHARACTERS = {
    **{char: value for value, char in enumerate("零一二三四五六七八九")},
    **{char: value for value, char in enumerate("〇壹贰叁肆伍陆柒捌玖")},
    "两": 2,
}
_STEPS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_NUMERALS = "".join([*_CHARACTERS, *_STEPS, "万"])
_NUMBER = re.compile(
    rf"((?<![\d,，.])\d[\d,，]{{0,20}}(?:\.\d{{1,6}})?|(?<![{_NUMERALS}])[{_NUMERALS}]{{1,12}})\s{{0,2}}("
    + "|".join(re.escape(unit) for unit in _UNITS)
    + ")"
)
_DATES = (
    re.compile(r"(?:(\d{4})\s*年\s*)?(\d{1,2})\s*月\s*(\d{1,2})\s*[日号]"),
    re.compile(r"(\d{4})[-./](\d{1,2})[-./](\d{1,2})(?!\d)"),
)
_UNTIL = re.compile(r"\s*(?:之?前|以前|截止|为止|之?内)")
_TOTAL = re.compile("共计|合计|总计|总额|共")
_AGAIN = re.compile("再次|再度|又|另|复核|复查|回访|第[二三四五]次")

# --- Words --------------------------------------------------------------------------------------------
_UNDECIDED = "(?<!是否)(?<!如)(?<!若)(?<!如果)"
_FINDING = re.compile(_UNDECIDED + "(不完全属实|部分属实|基本属实|不属实|属实|失实|查无实据)")
_FINDINGS = {"失实": "不属实", "查无实据": "不属实", "不完全属实": "部分属实"}
_RESPONSIBLE = re.compile(
    _UNDECIDED + "(不承担|不负|没有|无|不存在)?(?:承担|负有|应负|有|负)?(?:任何|管理|全部|主要|次要|赔偿)?"
    "(?:责任(?!部门|单位|岗位|人|心|书)|过错)"
)
# What is found to be so, and what is done or granted.
_STATES = "存在|违反|违规|违法|符合|超标|达标|收取|收到"
_ACTS = (
    "退还|退款|退费|退货|补偿|赔偿|赔付|减免|更换|维修|修复|整改|拆除|处罚|立案|受理|支持|同意|采纳|安装|开通|恢复|"
    "提供|办理|公开|召回|道歉|致歉"
)
_REFUSED = "不再|不予|不能|不会|不应|不可|无法|无需|无须|拒绝|不"
_NOT_YET = "尚未|暂未|暂不|还未|还没有|还没|并未|从未|未能|未予|未|没有|没"
_SAID = re.compile(
    f"{_UNDECIDED}({_REFUSED}|{_NOT_YET})?(?:予以|给予|进行|继续|为您|向您|对其|按规定)?({_STATES}|{_ACTS})"
)
_IS_STATE = re.compile(_STATES)
# After these the words are the complainant's, a condition, or the name of a thing: no statement of the author.
_QUOTED = re.compile(
    "反映|要求|诉求|投诉|申请|希望|咨询|建议|质疑|询问|来信|举报|认为|如果|如您|若|一旦|凡|应当|规定|》"
)
_DONE = re.compile("已|完成|完毕|了")

# --- Subjects -----------------------------------------------------------------------------------------
_FILLERS = re.compile(
    "经核实|经核查|经查实|经调查|经查|核实|查明|我们|我方|我司|我公司|我局|我单位|我街道|本单位|您好|您|贵方|已经|目前|现场|"
    "一次性|共计|合计|总计|人民币|大约|左右|问题|情况|反映|所述|此前|之前|以前|以后|之后|以内|之内|现|将|已|于|在|内|前|后|"
    "约|共|的|了|为|是|并|均|再|拟|予以|给予|其|该|与|和|由|向|对|至|到|起|从"
)
_HAN = re.compile(r"[一-鿿]+|[a-z]{2,}")
_SENTENCE = re.compile(r"[^。！？!?；;\n]+[。！？!?；;]?")
_CLAUSE = re.compile(r"[,，](?!\d{3}(?!\d))|[:：（）()]")


@dataclass(frozen=True)
class Difference:
    """What the earlier and the new text say about one thing: the words, and the sentences they stand in."""

    label: Any
    before: str
    now: str
    before_sentence: str
    now_sentence: str


@dataclass(frozen=True)
class Statement:
    """One thing a text says: of what kind, its value, the words, what it is about, and where it stands."""

    kind: str
    value: Any
    text: str
    subject: frozenset[str]
    sentence: str
    clause: str
    is_not_yet: bool = False


def compare(before: str, now: str) -> list[Difference]:
    """The differences between an earlier text and a new one, in the order of the earlier one."""
    return [found for _position, found in compare_all([before], now)]


def compare_all(texts: Sequence[str], now: str) -> list[tuple[int, Difference]]:
    """The differences to several earlier texts, oldest first, each with the position of its text.

    Where a later one of them spoke about the same thing, it counts and the older one does not.
    """
    read = [statements(text) for text in texts]
    newer = statements(now)
    found: list[tuple[int, Difference]] = []
    for position in reversed(range(len(texts))):
        later = [row for said in read[position + 1 :] for row in said]
        standing = [row for row in read[position] if not any(True for _row in _about(row, read[position], later))]
        found.extend((position, item) for item in _differences(standing, read[position], newer))
    return found


def _differences(
    standing: Iterable[Statement], earlier: Sequence[Statement], newer: Sequence[Statement]
) -> Iterator[Difference]:
    shown: set[tuple[str, str, str]] = set()
    for row in standing:
        if _is_named(row, newer):
            continue
        spoken = list(_about(row, earlier, newer))
        if not spoken or any(_agrees(row, other) for other in spoken):
            continue
        said_before = [other for other in earlier if other.kind == row.kind]
        other = next((one for one in spoken if not any(_same(old, one) for old in said_before)), None)
        # A word has only two sides; a number said before of another thing does not contradict this one.
        other = other or (spoken[0] if _is_word(row) else None)
        if other and (key := (row.kind, row.text, other.text)) not in shown:
            shown.add(key)
            yield Difference(label_of(row.kind), row.text, other.text, row.sentence, other.sentence)


def label_of(kind: str) -> Any:
    """What a kind of statement is called."""
    return _LABELS.get(kind) or _("Affirmed or denied")


def _is_named(row: Statement, newer: Iterable[Statement]) -> bool:
    """Whether the new text names the earlier number or date itself, be it to correct it."""
    return not _is_word(row) and any(_same(row, other) for other in newer)


def _is_word(row: Statement) -> bool:
    return isinstance(row.value, bool) or row.kind == "finding"


def _same(one: Statement, other: Statement) -> bool:
    if one.kind != other.kind:
        return False
    return _same_day(one.value, other.value) if one.kind == "date" else one.value == other.value


def _agrees(row: Statement, other: Statement) -> bool:
    """Whether the later statement leaves the earlier one standing."""
    if _same(row, other):
        return True
    if not isinstance(row.value, bool) or row.kind == "responsibility" or _IS_STATE.fullmatch(row.kind):
        return False
    if row.is_not_yet:
        return True
    return other.is_not_yet and not _DONE.search(row.clause)


def _same_day(one: tuple[str, int, int], other: tuple[str, int, int]) -> bool:
    """The same month and day; a year left out fits every year."""
    return one[1:] == other[1:] and (one[0] == other[0] or not one[0] or not other[0])


def _about(row: Statement, own: Sequence[Statement], others: Iterable[Statement]) -> Iterator[Statement]:
    """The statements of another text that are of the same kind and about the same subject."""
    same_kind = [other for other in others if other.kind == row.kind]
    for other in same_kind:
        if row.kind == "date" and _AGAIN.search(other.clause):
            continue
        if row.subject and other.subject:
            if 2 * len(row.subject & other.subject) >= min(len(row.subject), len(other.subject)):
                yield other
        elif not row.subject and not other.subject:
            yield other
        # "The complaint is founded" speaks about everything, as long as it is all that is said.
        elif _is_word(row) and row.kind != "responsibility":
            alone = same_kind if not other.subject else [one for one in own if one.kind == row.kind]
            if len(alone) == 1:
                yield other


# --- Reading a text -----------------------------------------------------------------------------------
def clauses(text: str) -> Iterator[tuple[str, str]]:
    """Every clause of a text, each with its sentence, a long one shortened around the clause."""
    for match in _SENTENCE.finditer(text[:_LONGEST]):
        sentence = match.group().strip()
        for clause in _CLAUSE.split(sentence):
            yield clause, _shortened(sentence, clause)


def statements(text: str) -> list[Statement]:
    """What a text says, in its order, up to a number no letter reaches."""
    found: list[Statement] = []
    for match in _SENTENCE.finditer(text[:_LONGEST]):
        sentence = match.group().strip()
        subject: frozenset[str] = frozenset()
        clauses = _CLAUSE.split(sentence)
        for clause, following in zip_longest(clauses, clauses[1:], fillvalue=""):
            read = list(_read(clause, following, _shortened(sentence, clause)))
            if not read:
                # "About the meter: it is founded." The subject stands in the clause before.
                subject = subject_of(clause) or subject
            found.extend(
                replace(row, subject=subject) if row.kind == "finding" and not row.subject else row for row in read
            )
            if len(found) >= _MOST:
                return found[:_MOST]
    return found


def _read(clause: str, following: str, sentence: str) -> Iterator[Statement]:
    yield from _quantities(clause, following, sentence)
    quoted = _QUOTED.search(clause)
    for match in _FINDING.finditer(clause):
        word = match.group(1)
        subject = subject_of(clause[: match.start()])
        yield Statement("finding", _FINDINGS.get(word, word), word, subject, sentence, clause)
    for match in _RESPONSIBLE.finditer(clause):
        subject = subject_of(clause[: match.start()])
        yield Statement("responsibility", not match.group(1), match.group(), subject, sentence, clause)
    for match in _SAID.finditer(clause):
        if quoted and quoted.start() < match.start():
            return
        rest = clause[: match.start()] + " " + clause[match.end() :]
        denied = match.group(1) or ""
        yield Statement(
            match.group(2), not denied, match.group(), subject_of(rest), sentence, clause,
            is_not_yet=bool(re.fullmatch(_NOT_YET, denied)),
        )  # fmt: skip
        if match.group(2) == "存在":
            return  # what exists or does not exist is the object, no statement of its own


def _quantities(clause: str, following: str, sentence: str) -> Iterator[Statement]:
    """Numbers with a unit and dates, each with the words between it and the one before as its subject.

    A date that nothing is said about, as under a letter, is no statement.
    """
    marks: list[tuple[int, int, str, Any, str]] = []
    for match in _NUMBER.finditer(clause):
        unit, factor = _UNITS[match.group(2)]
        number = _number(match.group(1))
        if number is not None:
            marks.append((match.start(), match.end(), unit, number * factor, match.group()))
    for pattern in _DATES:
        for match in pattern.finditer(clause):
            day = (match.group(1) or "", int(match.group(2)), int(match.group(3)))
            marks.append((match.start(), match.end(), "date", day, match.group()))
    marks.sort(key=lambda mark: mark[:2])
    for index, (start, end, kind, value, text) in enumerate(marks):
        lead = clause[marks[index - 1][1] if index else 0 : start]
        rest = clause[end : marks[index + 1][0] if index + 1 < len(marks) else len(clause)]
        if kind == "date":
            subject = subject_of(rest) or subject_of(lead) or subject_of(following)
            if not subject and not _UNTIL.match(rest):
                continue
        else:
            subject = frozenset({"合计"}) if _TOTAL.search(lead) else subject_of(lead) or subject_of(rest)
        yield Statement(kind, value, text, subject, sentence, f"{clause}，{following}" if kind == "date" else clause)


def _number(text: str) -> Decimal | None:
    """The value of digits or of a number in characters."""
    if text[0].isdigit():
        try:
            return Decimal(text.replace(",", "").replace("，", ""))
        except InvalidOperation:
            return None
    total, section, digit = 0, 0, None
    for char in text:
        if char == "万":
            total, section, digit = (total + section + (digit or 0)) * 10_000, 0, None
        elif char in _STEPS:
            section, digit = section + (1 if digit is None else digit) * _STEPS[char], None
        else:
            digit = _CHARACTERS[char]
    value = total + section + (digit or 0)
    return Decimal(value) if value else None


def subject_of(text: str) -> frozenset[str]:
    """What a statement is about: the pairs of characters left without fillers, numbers and words of saying."""
    text = _NUMBER.sub(" ", text)
    for pattern in _DATES:
        text = pattern.sub(" ", text)
    runs = _HAN.findall(_FILLERS.sub(" ", text.lower()))
    return frozenset(run[place : place + 2] for run in runs if len(run) > 1 for place in range(len(run) - 1))


def _shortened(sentence: str, clause: str) -> str:
    """The sentence, or of a very long one what stands around the clause."""
    if len(sentence) <= _SHOWN:
        return sentence
    middle = sentence.find(clause) + len(clause) // 2
    start = max(0, min(middle - _SHOWN // 2, len(sentence) - _SHOWN))
    end = start + _SHOWN
    return ("…" if start else "") + sentence[start:end] + ("…" if end < len(sentence) else "")

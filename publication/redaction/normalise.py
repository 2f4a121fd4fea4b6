"""A normalised copy of a text in which disguised writing is plain, with an exact way back (PR-10, PR-11).

The copy is NFKC per character with invisible and combining characters removed, look-alike letters folded to
Latin and every digit of any script written 0-9. A second copy of the same length also reads Chinese numerals
(financial 壹贰 and spoken 幺 included) as digits. Each character of the copies knows its place in the original.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from publication.redaction.lexicon import LOOKALIKES, RADICALS, TRADITIONAL

# Invisible although not of category Cf: Hangul and Khmer fillers, combining joiner, blank braille.
_INVISIBLE = frozenset("\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800\u034f\u180e")
_DASHES = frozenset("\u2212\u2500\u2501\u30fc\u02d7\u2043\u2796~")
_DOTS = frozenset("·•‧∙⋅・●․᛫")
_LINE_ENDS = frozenset("\u2028\u2029\x0b\x0c\x85")

_NUMERALS = str.maketrans(
    "〇零一二三四五六七八九壹贰叁肆伍陆柒捌玖幺两貳參陸洞拐勾弌弍弎亖",
    "00123456789123456789122360791234",
)
# 一 and 两 (and the spoken digits) as parts of ordinary words are no digits.
_WORDS = re.compile(
    "一(?=[直个次下起定些般样天位名家楼方边旦律并共切时场种件条张名份块间户])|(?<=[第之其唯统万某同单专逐期周礼唯])一"
    "|两(?=[个次人位名家边天年种者件条张份块间户])|洞(?=[口穴])|拐(?=[弯角杖卖])|勾(?=[结引])"
)
_LOOSE_RUN = re.compile(r"[0-9oOlI](?:[ \-]?[0-9oOlI]){6,}")
_LOOSE = str.maketrans("oOlI", "0011")


# What is masked already is taken out of sight, so that a second run finds nothing new beside it.
TOKENS = (
    "姓名",
    "电话",
    "证件号",
    "银行卡号",
    "账号",
    "车牌号",
    "邮箱",
    "QQ号",
    "微信号",
    "网络账号",
    "位置",
    "出生日期",
    "住址",
    "详细地址",
)
MASKED = re.compile(
    rf"〔(?:{'|'.join(TOKENS)})已隐去〕|(?<![0-9])1[0-9]{{2}}\*{{4}}[0-9]{{4}}(?![0-9])|(?<!\*)\*{{14}}[0-9A-Za-z]{{4}}(?![0-9A-Za-z])"
)


@lru_cache(maxsize=65536)
def _fold(char: str) -> str:
    """The plain form of one character: empty if invisible, several characters for ligatures such as ㈱ or ⑩."""
    code = ord(char)
    if code < 0x80:
        return char
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    if char in _INVISIBLE:
        return ""
    if char in _LINE_ENDS:
        return "\n"
    if char in _DOTS:
        return "·"
    if char == "○":
        return "〇"
    category = unicodedata.category(char)
    if category == "Zs":
        return " "
    if category == "Pd" or char in _DASHES:
        return "-"
    plain = unicodedata.normalize("NFKC", char)
    out = []
    for part in plain:
        if unicodedata.category(part) in {"Cf", "Mn", "Me"}:
            continue
        digit = unicodedata.digit(part, None)
        if digit is not None:
            out.append(str(digit))
        elif part in _DOTS:
            out.append("·")
        else:
            out.append(RADICALS.get(part) or LOOKALIKES.get(part) or TRADITIONAL.get(part) or part)
    return "".join(out)


def _read_numerals(text: str) -> str:
    shielded = _WORDS.sub("·", text)
    digits = shielded.translate(_NUMERALS)
    return _LOOSE_RUN.sub(_read_loose, digits)


def _read_loose(match: re.Match[str]) -> str:
    run = match.group()
    real = sum(char.isdigit() for char in run)
    enough = 3 if sum(char.isalnum() for char in run) == 11 else 5
    return run.translate(_LOOSE) if real >= enough else run


@dataclass(frozen=True, slots=True)
class View:
    """The normalised copies of one text. ``text`` and ``digits`` have equal length."""

    original: str
    text: str
    digits: str
    starts: Sequence[int]
    ends: Sequence[int]

    @classmethod
    def of(cls, original: str) -> View:
        folds = {char: _fold(char) for char in set(original)}
        if all(len(plain) == 1 for plain in folds.values()):
            places = range(len(original) + 1)
            text = original.translate({ord(char): plain for char, plain in folds.items()})
            return cls._with(original, text, places[:-1], places[1:])
        pieces: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        for index, char in enumerate(original):
            plain = folds[char]
            if len(plain) == 1:
                pieces.append(plain)
                starts.append(index)
                ends.append(index + 1)
            elif plain:
                pieces.append(plain)
                starts.extend([index] * len(plain))
                ends.extend([index + 1] * len(plain))
            elif ends and ends[-1] == index and unicodedata.category(char)[0] == "M":
                # A combining mark belongs to the character it sits on, so it is masked with it.
                ends[-1] = index + 1
        return cls._with(original, "".join(pieces), starts, ends)

    @classmethod
    def _with(cls, original: str, text: str, starts: Sequence[int], ends: Sequence[int]) -> View:
        shown = MASKED.sub(lambda match: "\n" * len(match.group()), text)
        return cls(original, shown, _read_numerals(shown), starts, ends)

    def locate(self, start: int, end: int) -> tuple[int, int]:
        """Place of ``text[start:end]`` in the original; ``start < end``."""
        return self.starts[start], self.ends[end - 1]


@lru_cache(maxsize=256)
def plain(value: str) -> str:
    """The normalised form of a single value, for comparing."""
    return View.of(value).text


@lru_cache(maxsize=256)
def characters_of_number(value: str) -> str:
    """The digits and Latin letters of a number in any writing, in order."""
    return "".join(char for char in View.of(value).digits if char.isascii() and char.isalnum())

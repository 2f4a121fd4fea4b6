"""Identity cards, passports and travel permits (PUB-16)."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator

from stdnum.cn import ric
from stdnum.exceptions import ValidationError

from publication.redaction.detectors.context import is_reference_number
from publication.redaction.normalise import View
from publication.redaction.spans import Hit

_GAP = r"[ \t\r\n\-._·/]{0,2}"
# First two digits of an identity number: the 31 provinces, Hong Kong, Macao, Taiwan (71 and 83).
_PROVINCES = frozenset(
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83".split()  # noqa: SIM905
)
_CARD_18 = re.compile(rf"(?<![0-9A-Za-z])[1-9](?:{_GAP}[0-9]){{16}}{_GAP}[0-9Xx](?![0-9A-Za-z])")
_CARD_15 = re.compile(rf"(?<![0-9A-Za-z])[1-9](?:{_GAP}[0-9]){{14}}(?![0-9A-Za-z])")
_WORDS = (
    "(?:身份证|公民身份|身份号|证件|居民证|二代证|ID ?card|identity|居住证|户口|社保卡|医保卡|社会保障"
    "|驾驶证|驾照|学籍|军官证|士兵证|军人证|残疾证)"
)
# With a context word a mistyped number is masked too: any 14 to 20 characters that look like one.
_STATED = re.compile(rf"{_WORDS}[^0-9A-Za-z\n。;]{{0,10}}([0-9](?:{_GAP}[0-9]){{12,18}}(?:{_GAP}[Xx])?)(?![0-9])", re.I)
# Identity cards of Hong Kong and Macao, social security and medical insurance cards: letters or brackets in them.
_STATED_SHORT = re.compile(
    r"(?:身份证|居民证|ID ?card)[^0-9A-Za-z\n。;]{0,10}"
    r"([A-Za-z]{1,2}[0-9]{6}\([0-9Aa]\)|[157][0-9]{6}\([0-9]\))"
    r"|(?:社保卡|医保卡|社会保障)[^0-9A-Za-z\n。;]{0,10}([A-Za-z][0-9]{8})(?![0-9A-Za-z])",
    re.I,
)
_SOLDIER = re.compile(r"[军兵士文武参政后装海空北沈兰济南广成][一-鿿]?字?第 ?[0-9]{5,9} ?号")
_PASSPORT_STATED = re.compile(
    rf"(?:护照|passport|旅行证|证件)[^0-9A-Za-z\n。;]{{0,10}}([A-Za-z]{{1,2}}(?:{_GAP}[0-9]){{6,9}}|1[45][0-9]{{7}})(?![0-9A-Za-z])",
    re.I,
)
_PASSPORT = re.compile(r"(?<![0-9A-Za-z])(?:[EGeg]|E[A-HJ-NP-Z]|[DSP]E?)[ \-]?[0-9]{7,8}(?![0-9A-Za-z])")
_DATE_LIKE = re.compile(r"[A-Za-z]{1,2}[ \-]?(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])")
_LETTERED = re.compile(r"[A-Za-z][ \-]?[0-9]{6}|[A-Z]{2}[ \-]?[0-9]{6}|C[A-Z][0-9]{7}")
_PERMIT_STATED = re.compile(
    rf"(?:通行证|回乡证|台胞证|台湾居民|港澳居民|往来|签证号?|居留证?|永居证|许可证件)[^0-9A-Za-z\n。;]{{0,12}}([A-Za-z]{{0,3}}(?:{_GAP}[0-9]){{7,12}}(?:\([0-9A-Z]\))?)(?![0-9A-Za-z])",
    re.I,
)
_PERMIT = re.compile(r"(?<![0-9A-Za-z])(?:[HM][0-9]{8}(?:[0-9]{2})?|C[A-Z0-9][0-9]{7}|[WT][0-9]{8})(?![0-9A-Za-z])")
_HONG_KONG = re.compile(r"(?<![0-9A-Za-z])([A-Z]{1,2})([0-9]{6})\(([0-9A])\)")
_TAIWAN = re.compile(r"(?<![0-9A-Za-z])[A-Z][1289][0-9]{8}(?![0-9A-Za-z])")


def _real_date(year: int, month: int, day: int) -> bool:
    return 1880 <= year <= 2100 and 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]


def _squeeze(written: str) -> str:
    return "".join(char for char in written if char.isalnum()).upper()


def _plausible(number: str) -> bool:
    """Province and birth date exist (18 or 15 characters)."""
    if number[:2] not in _PROVINCES or not number[:-1].isdigit():
        return False
    if len(number) == 18:
        return _real_date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    return _real_date(1900 + int(number[6:8]), int(number[8:10]), int(number[10:12]))


def _check_digit_holds(number: str) -> bool:
    try:
        return bool(ric.calc_check_digit(number[:-1]) == number[-1])
    except (ValidationError, ValueError):
        return False


def identity_cards(view: View) -> Iterator[Hit]:
    for source in {view.text, view.digits}:
        for match in _CARD_18.finditer(source):
            number = _squeeze(match.group())
            if not _plausible(number):
                continue
            if _check_digit_holds(number):
                yield Hit(*match.span(), "id_number", 0.99)
            elif not is_reference_number(view, match.start()):
                yield Hit(*match.span(), "id_number", 0.8)
        for match in _CARD_15.finditer(source):
            if _plausible(_squeeze(match.group())) and not is_reference_number(view, match.start()):
                yield Hit(*match.span(), "id_number", 0.8)
        for match in _STATED.finditer(source):
            yield Hit(*match.span(1), "id_number", 0.95)
        for match in _STATED_SHORT.finditer(source):
            yield Hit(*match.span(match.lastindex or 0), "id_number", 0.95)
        for match in _SOLDIER.finditer(source):
            yield Hit(*match.span(), "id_number", 0.8)


def _hong_kong_holds(letters: str, digits: str, check: str) -> bool:
    values = [ord(char) - 55 for char in letters.rjust(2)] if len(letters) == 2 else [36, ord(letters) - 55]
    total = sum(weight * value for weight, value in zip(range(9, 1, -1), [*values, *map(int, digits)], strict=True))
    return (total + (10 if check == "A" else int(check))) % 11 == 0


def _taiwan_holds(number: str) -> bool:
    code = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(number[0]) + 10
    digits = [code // 10, code % 10, *map(int, number[1:])]
    weights = [1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1]
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 10 == 0


def travel_documents(view: View) -> Iterator[Hit]:
    for source in {view.text, view.digits}:
        for match in _PASSPORT_STATED.finditer(source):
            yield Hit(*match.span(1), "passport", 0.95)
        for match in _PERMIT_STATED.finditer(source):
            yield Hit(*match.span(1), "permit", 0.95)
    if _LETTERED.search(view.text):
        yield from _lettered(view)


def _lettered(view: View) -> Iterator[Hit]:
    """Numbers that begin with a letter and need no context word."""
    text = view.text
    for pattern, kind in ((_PASSPORT, "passport"), (_PERMIT, "permit")):
        for match in pattern.finditer(text):
            if not _DATE_LIKE.match(match.group()) and not is_reference_number(view, match.start()):
                yield Hit(*match.span(), kind, 0.8)
    for match in _HONG_KONG.finditer(text):
        if _hong_kong_holds(*match.groups()):
            yield Hit(*match.span(), "id_number", 0.9)
    for match in _TAIWAN.finditer(text):
        if _taiwan_holds(match.group()) and not is_reference_number(view, match.start()):
            yield Hit(*match.span(), "id_number", 0.85)


def find(view: View) -> Iterator[Hit]:
    yield from identity_cards(view)
    yield from travel_documents(view)

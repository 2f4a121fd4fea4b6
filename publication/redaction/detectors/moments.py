"""Places and days that single a person out: coordinates and birth dates with their context."""

from __future__ import annotations

import re
from collections.abc import Iterator

from publication.redaction.normalise import View
from publication.redaction.spans import Hit

_SECONDS = r"(?:[ ]?[0-9]{1,2}(?:\.[0-9]{1,8})?(?:\"|''|′′|″)?)?"
_DEGREES = rf"[0-9]{{1,3}}(?:\.[0-9]{{2,12}}°?|°[ ]?[0-9]{{1,2}}(?:\.[0-9]{{1,8}})?['′]?{_SECONDS})[ ]?[NSEW]?"
_DECIMAL_DEGREES = r"([0-9]{1,3}\.[0-9]{4,15})[ ]?°?"
_PAIR = re.compile(
    rf"(?<![0-9.])(?:[NSEW] ?)?{_DECIMAL_DEGREES}[ ]?[NSEW]?[ ]{{0,2}}[,;/ ][ ]{{0,2}}"
    rf"(?:[NSEW] ?)?{_DECIMAL_DEGREES}(?:[ ]?[NSEW](?![a-z]))?(?![0-9])"
)
_STATED = re.compile(
    rf"(?:东经|西经|北纬|南纬|经度|纬度|经纬度|坐标|longitude|latitude|lng|lat)[:是为=]{{0,2}}[ ]?({_DEGREES})"
    rf"(?:[ ,;、]{{0,3}}(?:东经|西经|北纬|南纬|经度|纬度|longitude|latitude|lng|lat)?[:是为=]{{0,2}}[ ]?({_DEGREES}))?",
    re.I,
)
_DMS_PAIR = re.compile(
    rf"[0-9]{{1,3}}°[ ]?[0-9]{{1,2}}['′]{_SECONDS}[ ]?[NSEW][ ,;]{{0,3}}(?:{_DEGREES})",
    re.I,
)
# Cheap signs that the searches below can find anything at all.
_DECIMAL = re.compile(r"[0-9]\.[0-9]{4}")
_PLACE = re.compile(r"[经纬标°]|l(?:at|ng|ong)", re.I)
_BIRTH = re.compile(r"生|dob|birth", re.I)
_NUMERAL = r"[0-9十]{1,4}"
_YEAR = "(?:19|20)[0-9]{2}"
_DATE = (
    rf"(?:{_YEAR} ?[年\-./] ?{_NUMERAL} ?[月\-./] ?{_NUMERAL} ?[日号]?|{_YEAR} ?[年\-./] ?{_NUMERAL} ?月?"
    rf"|{_YEAR}[0-9]{{4}}"
    rf"|[0-9]{{2}}年{_NUMERAL}月(?:{_NUMERAL}[日号])?|{_YEAR}年|{_NUMERAL}月{_NUMERAL}[日号])"
)
_BORN_AFTER = re.compile(
    r"(?:出生日期|出生年月日?|出生时间|出生于|(?<!卫)生日|(?<![先学医发产师考新])生于|诞生于|出生"
    r"|DOB|birthday|date of birth)"
    r"[^0-9A-Za-z\n。;,一-鿿]{0,3}"
    rf"[:是为在]?[ ]{{0,2}}(?:农历|公历|阳历|阴历)?({_DATE})",
    re.I,
)
_BORN_BEFORE = re.compile(rf"(?<![0-9])({_DATE})(?= ?(?:出生|生(?![产活日效态物成长意])|诞生))")


def find(view: View) -> Iterator[Hit]:
    yield from coordinates(view.text)
    for source in {view.text, view.digits}:
        if _BIRTH.search(source):
            for pattern in (_BORN_AFTER, _BORN_BEFORE):
                for match in pattern.finditer(source):
                    yield Hit(*match.span(1), "birth_date", 0.85)


def coordinates(text: str) -> Iterator[Hit]:
    if _DECIMAL.search(text):
        for match in _PAIR.finditer(text):
            first, second = float(match.group(1)), float(match.group(2))
            if min(first, second) <= 90 and max(first, second) <= 180:
                yield Hit(*match.span(), "coordinates", 0.85)
    if _PLACE.search(text):
        for match in _STATED.finditer(text):
            yield Hit(match.start(1), match.end(), "coordinates", 0.85)
        for match in _DMS_PAIR.finditer(text):
            yield Hit(*match.span(), "coordinates", 0.85)

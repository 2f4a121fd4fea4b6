"""Mobile and landline numbers, however written; hotlines (12345, 95xxx, 400, 800) are no one's secret (PUB-15)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from publication.redaction.detectors.context import digits_only, is_reference_number
from publication.redaction.normalise import View
from publication.redaction.spans import Hit

# Separators people put between digits; an asterisk is a mask, not a separator.
GAP = r"[ \t\r\n\-._·/()]{0,3}"
_TALK = r"(?:电话|手机|座机|固话|热线|联系方式|联系|致电|拨打|来电|传真|号码|tel|phone|mobile|fax|call)"

_MOBILE = re.compile(rf"(?<![0-9])(?<![0-9]{{2}}\.)(?:\(?(?:\+|00)?{GAP}86\)?{GAP})?1(?:{GAP}[0-9]){{10}}(?![0-9])")
_AREA = r"0(?:10|2[0-9]|[3-9][0-9]{2})"
_LANDLINE = re.compile(
    rf"(?<![0-9])(?:(?:\+|00)86{GAP})?\(?{_AREA}\)?[ \-._·/]{{0,3}}[2-9][0-9]{{2,3}}[ \-.]?[0-9]{{4}}(?![0-9])"
    rf"(?:[ ,]?(?:转|-|ext\.?|x)[ ]?(?:分机)?[ ]?[0-9]{{1,6}}(?![0-9]))?",
    re.I,
)
_FOREIGN_AREA = re.compile(
    rf"(?<![0-9])\+86{GAP}(?:10|2[0-9]|[3-9][0-9]{{2}}){GAP}[2-9][0-9]{{2,3}}[ \-]?[0-9]{{4}}(?![0-9])"
)
_LOCAL = re.compile(
    rf"{_TALK}[^0-9\n。;；,，]{{0,6}}(?!(?:400|800)[ \-]?[0-9]{{3,4}}[ \-]?[0-9]{{3,4}})"
    r"((?<![0-9\-])[2-8][0-9]{2,3}[ \-]?[0-9]{4})(?![0-9])(?![ \-][0-9])"
    r"(?:[ ,]?(?:转|-|ext\.?)[ ]?(?:分机)?[ ]?[0-9]{1,6}(?![0-9]))?(?![元万块])",
    re.I,
)
_ABROAD = re.compile(r"(?<![0-9])(?:\+|00(?=[1-9]))(?!86)[1-9][0-9]{0,2}(?:[ \-.()]{0,2}[0-9]){7,12}(?![0-9])")
_AMOUNT_AFTER = re.compile(r"(?:\.[0-9])?[0-9]{0,2} ?(?:元|万|亿|块钱|吨|千瓦|平方|㎡|%)")
_TALK_BEFORE = re.compile(rf"{_TALK}[^0-9\n。]{{0,6}}\Z", re.I)
# Upper-case letters glued to the number make it a tracking number; tel, wx and the like do not.
_GLUED_LETTERS = re.compile(r"(?<![A-Za-z])(?!TEL|WX|VX|QQ|V|T|M|PHONE|MOB|CALL)[A-Z]{1,6}\-?\Z")


def _natural_grouping(written: str) -> bool:
    """Whether separators fall where people put them; 18-12-25-like rows of dates do not qualify."""
    groups = [len(group) for group in re.findall(r"[0-9]+", written)]
    if len(groups) == 1 or set(groups) == {1} or groups == [3, 2, 2, 2, 2]:
        return True
    if len(groups) <= 4 and (groups[0] in {3, 4, 5, 6, 7} or 11 in groups or (groups[0] == 2 and 3 in groups)):
        return True
    kinds = set(re.findall(r"[^0-9]", written))
    return len(kinds) == 1 and kinds <= {" ", "·", "-"} and groups.count(2) < 4


def mobiles(view: View) -> Iterator[Hit]:
    for source in {view.text, view.digits}:
        for match in _MOBILE.finditer(source):
            digits = digits_only(match.group())[-11:]
            if digits[1] not in "3456789":
                continue
            start, end = match.span()
            before = view.text[max(0, start - 12) : start]
            spoken = _TALK_BEFORE.search(before) is not None
            if not spoken:
                if not _natural_grouping(match.group()) or is_reference_number(view, start):
                    continue
                if _GLUED_LETTERS.search(before) or _AMOUNT_AFTER.match(source, end):
                    continue
            yield Hit(start, end, "phone", 0.99 if spoken else 0.95)


def landlines(view: View) -> Iterator[Hit]:
    for source in {view.text, view.digits}:
        for pattern in (_LANDLINE, _FOREIGN_AREA):
            for match in pattern.finditer(source):
                start, end = match.span()
                if is_reference_number(view, start) or _AMOUNT_AFTER.match(source, end):
                    continue
                yield Hit(start, end, "landline", 0.9)
        for match in _LOCAL.finditer(source):
            yield Hit(match.start(1), match.end(), "landline", 0.85)
        for match in _ABROAD.finditer(source):
            if not is_reference_number(view, match.start()):
                yield Hit(*match.span(), "landline", 0.85)


def find(view: View) -> Iterator[Hit]:
    yield from mobiles(view)
    yield from landlines(view)

"""Addresses below the town or street office (PUB-17): road and number, estate, building, unit, room, village group.

What an organisation uses as its premises stays, unless it is a branch of an enterprise or a flat in an estate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publication.redaction import divisions
from publication.redaction.detectors import address_words as words
from publication.redaction.normalise import View
from publication.redaction.spans import Hit
from publication.redaction.tokens import Token, tokens_of

_LONGEST_NAME = 10
_NUMERAL = r"(?:[0-9]{1,5}|[〇零一二三四五六七八九十百]{1,4})"
_LETTERED = rf"(?:[A-Za-z]?{_NUMERAL}[A-Za-z]?|[A-Za-z]|[甲乙丙丁东西南北])"
_UNITS = (
    "号楼|号院|号门(?![店面口市诊])|号房|号铺|栋|幢|单元|号|#楼|#|弄|室|房|户|层|楼|梯|组|队|社区?|期|区|排|段|巷"
    "|支弄|支路"
)
_SEVERAL = rf"{_LETTERED}(?:[\-—、和及/]{_LETTERED}){{0,2}}"
# 12号之3, B座, 3-2-501, and the bare room after a building: 3栋501.
_PART = (
    rf"(?:[A-Za-z0-9]{{1,4}}座|第?{_SEVERAL} ?(?:{_UNITS})(?:之{_NUMERAL}(?![0-9年月日元人个]))?"
    r"|[0-9]{1,4}(?:-[0-9]{1,5}){1,3}[号室]?"
    r"|(?<=[栋幢座元楼号#]) ?[0-9]{3,4}(?![0-9年月日元人个名户次万平]))"
)
_CHAIN = re.compile(rf"(?:[ ,]?(?:\(?{_PART}\)?|{words.INNER}(?={_NUMERAL}|\b)))" + r"{1,8}")
_NAMED = re.compile(rf"(?:{words.ROADS}|{words.ESTATES})(?![一-鿿]?(?:局|部门|处))")
_HOUSE = re.compile(
    rf"(?<![0-9A-Za-z.])(?:{_LETTERED}(?:[\-—]{_LETTERED})? ?(?:号楼|栋|幢|单元|#楼|#)"
    r"(?=[^楼房别住建桥塔大山雕坟水变高])"
    rf"|{_NUMERAL} ?(?:单元|号楼|栋|幢)|[0-9]{{3,4}}室|[A-Za-z]座(?=[0-9]))"
)
_VILLAGE_GROUP = re.compile(
    rf"(?<=[村屯寨冲湾坪])(?:第?{_NUMERAL} ?(?:村民小组|小组|组|队|社)|[一-鿿]{{1,4}}(?:村民小组|小组|组))"
    rf"(?:[ ,]?{_NUMERAL}[号户])?(?![一-鿿]?[织长成])"
)
_STRONG_PART = re.compile(r"单元|室|栋|幢|号楼")


# After these words, whatever is numbered like a door is one: 江南春城3-2-501, 天官社区4区12号.
_STATED = re.compile(
    r"(?:家庭住址|家庭地址|收货地址|户籍地址|居住地址|通讯地址|住址|家住|现住|居住在|住在|住于)[^一-鿿0-9A-Za-z]{0,3}"
    r"([一-鿿0-9A-Za-z#\-]{3,40})"
)
_DOOR = re.compile(
    rf"(?:{_NUMERAL}(?:号楼|号院|单元|号(?![线店])|[栋幢楼层室户排组队座门弄院区])|[0-9]{{1,4}}-[0-9]{{1,5}})"
    rf"(?:{_NUMERAL}(?:号楼|单元|[号栋幢楼层室户排组队座门])|-[0-9]{{1,5}}|[0-9]{{3,4}}(?![0-9年月日元人个]))*"
)


def _stated(text: str) -> Iterator[Hit]:
    """Homes told as such, from below the last division to the last number of the door."""
    for match in _STATED.finditer(text):
        start, end = match.span(1)
        doors = list(_DOOR.finditer(text, start, end))
        if not doors:
            continue
        end = doors[-1].end()
        start = max((cut for cut in range(start + 2, end) if divisions.ends_at(text, cut)), default=start)
        if end - start > 1:
            yield Hit(start, end, "address", 0.85)


def find(view: View) -> Iterator[Hit]:
    """Places of the parts below the town; the divisions before them stay readable."""
    text = view.text
    yield from _stated(text)
    reader = _Reader(text)
    done = 0
    for match in _ANCHOR.finditer(text):
        if match.start() < done:
            continue
        hit = reader.named(match) if match.lastgroup == "named" else reader.numbered(match)
        if hit is None:
            continue
        done = hit.end
        yield hit


_ANCHOR = re.compile(f"(?P<named>{_NAMED.pattern})|(?P<group>{_VILLAGE_GROUP.pattern})|(?P<house>{_HOUSE.pattern})")


class _Reader:
    """One pass over one text; keeps the words at hand."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens_of(text)
        self.ending = {token.end: token for token in self.tokens}

    def named(self, match: re.Match[str]) -> Hit | None:
        """A road or estate with everything finer that follows it."""
        suffix = match.group()
        start = self.name_start(match.start(), lenient=suffix not in words.ESTATE_KINDS)
        chain = _CHAIN.match(self.text, match.end())
        end = chain.end() if chain else match.end()
        numbered = chain is not None and any(char.isdigit() or char in "一二三四五六七八九十" for char in chain.group())
        if not self._real(start, match.start(), suffix, numbered):
            return None
        if not numbered and words.PART_OF_ORGANISATION.match(self.text, end):
            return None
        further = _NAMED.search(self.text, end, end + 12)
        if further and numbered and not words.BREAK.search(self.text[end : further.start()]):
            tail = _CHAIN.match(self.text, further.end())
            end = tail.end() if tail else further.end()
        end = self._trim(start, end)
        if self._premises(start, end):
            return None
        return Hit(start, end, "address", 0.9 if numbered else 0.6)

    def numbered(self, match: re.Match[str]) -> Hit | None:
        """A building, unit or village group; with the estate's name if one stands right before it."""
        chain = _CHAIN.match(self.text, match.start())
        end = max(chain.end() if chain else 0, match.end())
        start = match.start()
        if match.lastgroup == "house":
            start = self.name_start(match.start(), lenient=False)
            alone = start == match.start() and len(_STRONG_PART.findall(self.text[start:end])) < 2
            if alone and words.QUANTITY_AFTER.match(self.text, end):
                return None
        end = self._trim(start, end)
        if self._premises(start, end):
            return None
        return Hit(start, end, "address", 0.85 if len(_STRONG_PART.findall(self.text[start:end])) > 1 else 0.65)

    def name_start(self, position: int, *, lenient: bool) -> int:
        """Where the proper name ending at a position begins: after a division, a stop word or punctuation.

        ``lenient`` lets verbs be part of the name, as in 建设路 and 解放路.
        """
        at = position - 1 if lenient and self.text[position - 1] in words.DIRECTIONS and position > 1 else position
        named_from = at
        while at > 0 and position - at < _LONGEST_NAME:
            if at < named_from and divisions.ends_at(self.text, at):
                # Not between the short form and the full one: 萧山|区.
                return at + 1 if divisions.ends_at(self.text, at + 1) and at + 1 < named_from else at
            token = self._token_before(at)
            if token is None or words.stops(token, lenient=lenient and at == named_from):
                break
            begin = max(token.start, position - _LONGEST_NAME)
            inside = next((cut for cut in range(at - 1, begin, -1) if divisions.ends_at(self.text, cut)), None)
            if inside is not None:
                return inside
            at = begin
        if divisions.ends_at(self.text, position) and not lenient:
            return position
        return at

    def _token_before(self, at: int) -> Token | None:
        token = self.ending.get(at)
        if token is None:
            token = next((t for t in self._around(at) if t.start < at <= t.end), None)
            if token is not None:
                token = Token(token.start, at, self.text[token.start : at], "x")
        return token if token is not None and words.PROPER.fullmatch(token.word) else None

    def _around(self, at: int) -> Iterator[Token]:
        for end in range(at, at + 8):
            token = self.ending.get(end)
            if token is not None:
                yield token

    def _real(self, start: int, end: int, suffix: str, numbered: bool) -> bool:
        """Whether ``text[start:end]`` is a proper name and not a kind of road or estate."""
        name = self.text[start:end]
        if not name or name in words.GENERIC or name + suffix in words.GENERIC or words.GENERIC_END.search(name):
            return False
        if numbered:
            return True
        if name in words.GENERIC_ALONE or suffix in words.NUMBERED_SUFFIXES:
            return False
        if suffix in words.WEAK_SUFFIXES:
            nearest = self._token_before(end)
            return nearest is not None and nearest.tag in words.PROPER_CLASSES
        return len(name) >= 2 and not words.ROUTE_NUMBER.fullmatch(name)

    def _trim(self, start: int, end: int) -> int:
        while end > start and self.text[end - 1] in " ,(-—、":
            end -= 1
        return end

    def _premises(self, start: int, end: int) -> bool:
        """Whether the address is that of an organisation, which stays, and no branch, shop front or home."""
        here = self.text[start:end]
        home = words.HOME.search(here) is not None
        after = words.OWNER_AFTER.match(self.text, end)
        before = words.OWNER_BEFORE.search(self.text[max(0, start - 40) : start])
        if home or not (after or before):
            return False
        clause = words.CLAUSE.match(self.text, end)
        around = (before.group() if before else "") + (clause.group() if clause else "")
        return words.BRANCH.search(around) is None

"""The known-identity gate: the names and numbers recorded with a case, found in any spelling (PR-09).

Every known value becomes one pattern in which each character accepts its disguises and small gaps are allowed
between characters. Gaps are bounded and share no character with what they separate, so matching is linear.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from publication.redaction import readings
from publication.redaction.lexicon import COMPOUND_SURNAMES
from publication.redaction.normalise import View, plain
from publication.redaction.spans import Hit, Known

_DIGIT_FORMS = {
    "0": "0oO〇零洞",
    "1": "1lI一壹幺",
    "2": "2二贰两貳",
    "3": "3三叁參",
    "4": "4四肆",
    "5": "5五伍",
    "6": "6六陆陸",
    "7": "7七柒拐",
    "8": "8八捌",
    "9": "9九玖勾",
}
_NARROW = r"[\s·.\-_*/|]{0,3}"
_WIDE = r"[^0-9A-Za-z〇一-鿿]{0,3}"
_TITLE = re.compile(r"[ ]?(先生|女士|小姐|太太|同志)$")
_ROAD = re.compile(r"([一-鿿]{2,6}?(?:路|街|大道|巷|弄|胡同))([0-9]{1,5})(?:号|弄)")
# Building, unit and room at the end of an address: 3栋2单元501室, 5幢201, 3-2-501.
_HOUSE = re.compile(
    r"(?<![0-9])([0-9]{1,3})(?:栋|幢|座|号楼|#楼?|-)(?:([0-9]{1,2})(?:单元|门|梯|-))?(?:[0-9]{1,2}[层楼])?([0-9]{3,4})"
    r"[室房号户]?$"
)
_BETWEEN = r"[\s,、.()]{0,2}[\-—#/号楼栋幢座单元门梯层]{1,3}[\s,、.()]{0,2}"
# A unit that the recorded address does not name.
_ANY_UNIT = rf"(?:[0-9〇零一二三四五六七八九十壹贰叁肆伍陆柒捌玖拾]{{1,3}}{_BETWEEN})?"
_ROOM = "(?:[ ]?[室房号户])?"
_BEFORE_NUMBER = "(?<![0-9〇零一二三四五六七八九十百拾佰])"
# Latin letters, those with the marks of tones too; what may stand between two letters of one name, and what may not.
_LETTER = re.compile("[A-Za-zÀ-ɏ]")
_MOST_BETWEEN, _ENDS_NAME = 3, re.compile("[0-9〇一-鿿]")
# A shorter name written together in small letters could be any word: lina, made.
_SHORTEST_TOGETHER = 6
_FINE_TAIL = re.compile(r"^.*(?:[省市区县旗州镇乡]|街道)(?=.)")


def _letters(char: str) -> str:
    both = {char.lower(), char.upper()}
    return "[" + "".join(re.escape(form) for form in sorted(both)) + "]"


def _digit(char: str) -> str:
    return f"[{_DIGIT_FORMS[char]}]"


def _spelling(value: str, gap: str) -> str:
    """A pattern for a value in any writing; punctuation of the value itself is optional."""
    parts = []
    for char in value:
        if char in _DIGIT_FORMS:
            parts.append(_digit(char))
        elif char.isalpha():
            parts.append(_letters(char) if char.isascii() else re.escape(char))
    return gap.join(parts)


def _size(value: str) -> int:
    return sum(char.isalnum() for char in value)


def _name(value: str) -> str | None:
    bare = _TITLE.sub("", plain(value).strip())
    size = _size(bare)
    if size < 2:
        return None
    if bare.isascii():
        return rf"(?<![A-Za-z0-9]){_spelling(bare, r'[^0-9A-Za-z〇一-鿿]{0,3}')}(?![A-Za-z0-9])" if size >= 3 else None
    return _spelling(bare, _NARROW if size == 2 else _WIDE)


@dataclass(frozen=True, slots=True)
class _Spelt:
    """A Chinese name in Latin letters: every spelling of its surname and of its given name, and of their syllables."""

    surname: tuple[tuple[str, ...], ...]
    given: tuple[tuple[str, ...], ...]

    @property
    def surnames(self) -> list[str]:
        return ["".join(ways) for ways in product(*self.surname)]

    @property
    def givens(self) -> list[str]:
        return ["".join(ways) for ways in product(*self.given)]


@lru_cache(maxsize=4096)
def _spelt(value: str) -> _Spelt | None:
    """How a name is spelt in pinyin, after Wade and Giles and abroad; None for one that is not Chinese (PR-09)."""
    bare = _TITLE.sub("", plain(value).strip())
    syllables = [readings.spellings_of(char) for char in bare if "一" <= char <= "鿿"]
    if not 2 <= len(bare) <= 4 or len(syllables) < len(bare) or not all(syllables):
        return None
    size = 2 if bare[:2] in COMPOUND_SURNAMES and len(bare) > 2 else 1
    return _Spelt(tuple(syllables[:size]), tuple(syllables[size:]))


class _Latin:
    """The Latin letters of a text in a row, small and without tones, each with its place; a break is "|"."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.places: list[int] = []
        letters: list[str] = []
        for match in _LETTER.finditer(text):
            place = match.start()
            if self.places and place > self.places[-1] + 1:
                between = text[self._end(self.places[-1]) : place]
                if len(between) > _MOST_BETWEEN or _ENDS_NAME.search(between):
                    letters.append("|")
                    self.places.append(place - 1)
            letters.append(unicodedata.normalize("NFD", match.group().lower())[0])
            self.places.append(place)
        self.letters = "".join(letters)

    def _end(self, last: int) -> int:
        """Behind a letter and the number of its tone: zhang1 san1, but zhangsan1990."""
        number, beyond = self.text[last + 1 : last + 2], self.text[last + 2 : last + 3]
        return last + 2 if number and number in "12345" and not beyond.isdigit() else last + 1

    def find(self, value: str) -> Iterator[tuple[int, int]]:
        """Where the name is spelt out, surname first or last, together or apart."""
        spelt = _spelt(value)
        if spelt is None:
            return
        surnames = [way for way in spelt.surnames if way in self.letters]
        givens = [way for way in spelt.givens if way in self.letters] if surnames else []
        for surname, given in product(surnames, givens):
            yield from self._find(surname, given)
            if surname != given:
                yield from self._find(given, surname)

    def _find(self, first: str, last: str) -> Iterator[tuple[int, int]]:
        spelling = first + last
        at = self.letters.find(spelling)
        while at >= 0:
            start, end = self.places[at], self.places[at + len(spelling) - 1]
            if self._stands_alone(start, end) and (
                len(spelling) >= _SHORTEST_TOGETHER or self._has_two_parts(self.places[at + len(first)])
            ):
                yield start, self._end(end)
            at = self.letters.find(spelling, at + 1)

    def _stands_alone(self, start: int, last: int) -> bool:
        return not _LETTER.match(self.text, last + 1) and not (start and _LETTER.match(self.text, start - 1))

    def _has_two_parts(self, second: int) -> bool:
        """Li Na and LiNa, not lina and not Lina."""
        return self.text[second].isupper() or not _LETTER.match(self.text, second - 1)


def _initials(value: str) -> Iterator[str]:
    """The name with initials: Z. Wei, Wei Z., W. Zhang, Zhang W., W.Z., 张G.F.

    Capitals with a dot only: "A long road" and "3 p.m." name nobody. Both letters of a given name need none.
    """
    spelt = _spelt(value)
    if spelt is None:
        return
    surname, given = _capital(spelt.surname[0]), [_capital(ways) for ways in spelt.given]
    bare = _TITLE.sub("", plain(value).strip())
    # All letters alone are read as pinyin only: W.C. is no Wei Chang.
    read = [_capital(readings.of(char)) for char in bare]
    whole = "".join(map(_syllable, spelt.surname)), r"[ \-']?".join(map(_syllable, spelt.given))
    row = r"\.? ?-?".join(given)
    dotted = row if len(given) > 1 else rf"{row}\."
    begin, end = r"(?<![A-Za-z0-9.])", r"(?![A-Za-z])"
    yield rf"{begin}{surname}\.[ ·]?{whole[1]}{end}"
    yield rf"{begin}{whole[1]},? {surname}\."
    yield rf"{begin}{dotted}[ .]{{0,2}}{whole[0]}{end}"
    yield rf"{begin}{whole[0]}(?:, ?| ?){row}(?:\.|{end}(?<=[A-Z][A-Z]))"
    letters = r"\. ?-?".join(read[-len(given) :])
    for first, second in ((read[0], letters), (letters, read[0])):
        yield rf"(?<![0-9] )(?<![A-Za-z0-9.]){first}\. ?-?{second}(?:\.|{end})"
    if len(given) > 1:
        yield rf"{re.escape(bare[: -len(given)])} ?{row}(?:\.|{end})"


def _capital(ways: tuple[str, ...]) -> str:
    """The first letter of a syllable in any spelling."""
    return "[" + "".join(sorted({way[0].upper() for way in ways})) + "]"


def _syllable(ways: tuple[str, ...]) -> str:
    """Any spelling of a syllable with a capital where it begins a word."""
    return "(?:" + "|".join(f"[{way[0]}{way[0].upper()}]{way[1:]}|{way.upper()}" for way in ways) + ")"


def _half_latin(value: str) -> str | None:
    """The surname as a character, the rest in pinyin: 张san."""
    bare = _TITLE.sub("", plain(value).strip())
    given = [readings.of(char) for char in bare[1:]]
    if not 2 <= len(bare) <= 3 or not readings.of(bare[0]) or not all(given):
        return None
    return bare[0] + _NARROW + _NARROW.join(f"(?:{'|'.join(ways)})" for ways in given) + "(?![A-Za-z])"


def _number(value: str, least: int) -> str | None:
    bare = "".join(char for char in plain(value) if char.isalnum() and char.isascii())
    return _spelling(bare, _WIDE) if _size(bare) >= least else None


def _phone(value: str) -> Iterator[str]:
    digits = "".join(char for char in View.of(value).digits if char.isdigit())
    if len(digits) > 11 and digits.startswith(("86", "0086")):
        digits = digits.removeprefix("00").removeprefix("86")
    if len(digits) >= 7:
        yield _spelling(digits, _WIDE)
    # A landline is often given without its area code.
    if digits.startswith("0") and len(digits) >= 10:
        area = 3 if digits[1] in "12" else 4
        yield rf"(?<![0-9]){_spelling(digits[area:], _NARROW)}(?![0-9])"


def _email(value: str) -> str | None:
    bare = plain(value).strip()
    if "@" not in bare:
        return _number(value, 5)
    parts = []
    for char in bare:
        if char == "@":
            parts.append(r"(?:@|#|\(at\)|\[at\]|at|艾特|圈a)")
        elif char == ".":
            parts.append(r"(?:[.。·,]|点|dot|\(dot\))")
        elif char in _DIGIT_FORMS:
            parts.append(_digit(char))
        elif char.isascii() and char.isalpha():
            parts.append(_letters(char))
        else:
            parts.append(re.escape(char))
    return r"[\s\-*]{0,3}".join(parts) if _size(bare) >= 4 else None


def _handle(value: str) -> str | None:
    bare = plain(value).strip()
    if _size(bare) < 4:
        return None
    body = r"[\s\-_.*]{0,3}".join(
        _digit(char) if char in _DIGIT_FORMS else _letters(char) if char.isascii() else re.escape(char)
        for char in bare
        if char.isalnum()
    )
    return rf"(?<![A-Za-z0-9]){body}(?![A-Za-z0-9])"


def _address(value: str) -> Iterator[str]:
    """The whole address, the part below the district, and each part of it that finds the door by itself."""
    bare = plain(value).strip()
    fine = _FINE_TAIL.sub("", bare)
    for part in {bare, fine}:
        if _size(part) >= 4:
            yield _spelling(part, _WIDE)
    road, house = road_and_number(bare), house_numbers(bare)
    if road:
        yield rf"{_spelling(road[0], _NARROW)}{_NARROW}{_counted(road[1])}(?![0-9])(?:[ ]?[号弄])?"
    if house:
        building, unit, room = house
        between = f"{_BETWEEN}{_counted(unit)}{_BETWEEN}" if unit else f"{_BETWEEN}{_ANY_UNIT}"
        yield rf"{_BEFORE_NUMBER}{_counted(building)}{between}{_spelling(room, _NARROW)}(?![0-9]){_ROOM}"
        if unit:
            yield rf"{_BEFORE_NUMBER}{_counted(building)}{_BETWEEN}{_spelling(room, _NARROW)}(?![0-9]){_ROOM}"


def road_and_number(address: str) -> tuple[str, str] | None:
    """Road and house number of an address; None where it names none."""
    match = _ROAD.search(_FINE_TAIL.sub("", address))
    return (match[1], match[2]) if match else None


def house_numbers(address: str) -> tuple[str, str, str] | None:
    """Building, unit ("" where there is none) and room at the end of an address; None where it names none."""
    match = _HOUSE.search(address)
    return (match[1], match[2] or "", match[3]) if match else None


def _counted(number: str) -> str:
    """A number digit by digit in any disguise, or as it is counted: 12, 一二, 壹贰, 十二, 拾贰."""
    ways = {_spelling(number, _NARROW)}
    for digits, ten, hundred in (("零一二三四五六七八九", "十", "百"), ("零壹贰叁肆伍陆柒捌玖", "拾", "佰")):
        ways |= {re.escape(words) for words in _in_words(int(number), digits, ten, hundred)}
    return f"(?:{'|'.join(sorted(ways))})"


def _in_words(number: int, digits: str, ten: str, hundred: str) -> Iterator[str]:
    """A number from 10 to 999 as Chinese counts it; both 十二 and 一十二."""
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    if not 10 <= number <= 999:
        return
    tail = digits[ones] if ones else ""
    if hundreds:
        middle = digits[tens] + ten if tens else digits[0] if ones else ""
        yield digits[hundreds] + hundred + middle + tail
    else:
        yield digits[tens] + ten + tail
        if tens == 1:
            yield ten + tail


@lru_cache(maxsize=32)
def _patterns(known: Known) -> tuple[tuple[str, re.Pattern[str]], ...]:
    raw: list[tuple[str, str | None]] = []
    raw += [("address", pattern) for value in known.addresses for pattern in _address(value)]
    raw += [("phone", pattern) for value in known.phones for pattern in _phone(value)]
    raw += [("id_number", _number(value, 6)) for value in known.ids]
    raw += [("bank_card", _number(value, 6)) for value in known.accounts]
    raw += [("license_plate", _plate(value)) for value in known.plates]
    raw += [("email", _email(value)) for value in known.emails]
    raw += [("wechat", _handle(value)) for value in known.wechat]
    raw += [("person", _name(value)) for value in known.names]
    raw += [("person", _half_latin(value)) for value in known.names]
    found = [(kind, re.compile(pattern, re.I)) for kind, pattern in raw if pattern]
    # What tells an initial is that it is a capital.
    found += [("person", re.compile(pattern)) for value in known.names for pattern in _initials(value)]
    return tuple(found)


def _plate(value: str) -> str | None:
    bare = "".join(char for char in plain(value) if char.isalnum())
    return _spelling(bare, _WIDE) if len(bare) >= 5 else None


def find(view: View, known: Known | None) -> Iterator[Hit]:
    """Every place where a known identity stands, in any spelling."""
    if known is None:
        return
    for kind, pattern in _patterns(known):
        for match in pattern.finditer(view.text):
            if match.end() > match.start():
                yield Hit(*match.span(), kind, 1.0)
    latin = _Latin(view.text) if known.names else None
    if latin is not None and latin.letters:
        for value in known.names:
            for start, end in latin.find(value):
                yield Hit(start, end, "person", 1.0)

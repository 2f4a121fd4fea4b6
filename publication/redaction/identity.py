"""The known-identity gate: the names and numbers recorded with a case, found in any spelling (PR-09).

Every known value becomes one pattern in which each character accepts its disguises and small gaps are allowed
between characters. Gaps are bounded and share no character with what they separate, so matching is linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

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
# Letters of pinyin with the marks of their tones; ü is written v, u or yu where there is no such letter.
_TONES = {"a": "[aāáǎà]", "e": "[eēéěè]", "i": "[iīíǐì]", "o": "[oōóǒò]", "u": "[uūúǔù]", "v": "(?:yu|[vuüǖǘǚǜ])"}
_BETWEEN_LETTERS = r"[^0-9A-Za-z〇一-鿿]{0,3}"
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


def _latin_name(value: str) -> Iterator[str]:
    """A Chinese name in pinyin, surname first or last, together or apart: Zhang San, ZHANGSAN, Xiaoming Wang (PR-09).

    Initials alone are not looked for.
    """
    bare = _TITLE.sub("", plain(value).strip())
    syllables = [readings.of(char) for char in bare]
    if not 2 <= len(bare) <= 4 or not all(syllables):
        return
    size = 2 if bare[:2] in COMPOUND_SURNAMES and len(bare) > 2 else 1
    surname, given = syllables[:size], syllables[size:]
    is_long = sum(min(map(len, every)) for every in syllables) >= _SHORTEST_TOGETHER
    # The surname alone as a character: 张san.
    yield rf"{re.escape(bare[:size])}{_NARROW}{_NARROW.join(_read(every, '') for every in given)}(?![A-Za-z])"
    for parts in ((surname, given), (given, surname)):
        if is_long:
            letters = _BETWEEN_LETTERS.join(_read(every, _BETWEEN_LETTERS) for part in parts for every in part)
            yield rf"(?<![A-Za-z]){letters}(?![A-Za-z])"
            continue
        first, last = ("".join(_read(every, "") for every in part) for part in parts)
        apart = _BETWEEN_LETTERS.replace("{0,3}", "{1,3}")
        # Together only with a capital where the second part begins: LiNa.
        capital = "".join(sorted({reading[0].upper() for reading in parts[1][0]}))
        yield rf"(?<![A-Za-z]){first}(?:{apart}|(?=(?-i:[{capital}]))){last}(?![A-Za-z])"


def _read(syllable: tuple[str, ...], gap: str) -> str:
    """One character in any of its readings, with or without the tone as a mark or a number."""
    ways = (gap.join(_TONES.get(letter, letter) for letter in reading) for reading in syllable)
    return f"(?:{'|'.join(ways)})(?:[1-5](?![0-9]))?"


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
    raw += [("person", pattern) for value in known.names for pattern in _latin_name(value)]
    return tuple((kind, re.compile(pattern, re.I)) for kind, pattern in raw if pattern)


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

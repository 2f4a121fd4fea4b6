"""Which of thousands of known values could stand in a text at all: cheap, and never wrong about one that does.

The gate (identity.py) finds a value in any spelling, but every letter of it has to stand in the text, every digit in
one of its disguises. Whatever fails this need not be looked for.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from publication.redaction import readings
from publication.redaction.identity import _DIGIT_FORMS, _TITLE, house_numbers, road_and_number
from publication.redaction.lexicon import COMPOUND_SURNAMES
from publication.redaction.normalise import View, plain

# A landline is also found without its area code, an address without its district: only the ends must be there.
_PHONE, _ADDRESS = 7, 4
# A capital that begins no word in small letters: an initial, or one letter of a word in capitals.
_INITIAL = re.compile("[A-Z](?![a-z])")


class Letters:
    """The letters of one text, with how often each stands there."""

    def __init__(self, text: str) -> None:
        shown = View.of(text).text
        found = Counter(shown.casefold())
        self._count = found.copy()
        self._initials = set(_INITIAL.findall(shown))
        self._latin = {char for char in unicodedata.normalize("NFD", "".join(found)) if char.isascii()}
        for digit, forms in _DIGIT_FORMS.items():
            self._count[digit] = sum(found[form] for form in set(forms.casefold()))

    def may_hold(self, kind: str, value: str) -> bool:
        """Whether the gate could find this value of a kind ("name", "phone", "address" or another) in the text."""
        if kind == "name":
            signs = _signs(_TITLE.sub("", plain(value).strip()))
            if self._could_read(signs):
                return True
        elif kind == "phone":
            signs = [sign for sign in View.of(value).digits if sign.isdigit()][-_PHONE:]
        elif kind == "address":
            return any(self._holds(part) for part in _parts(plain(value).strip()))
        else:
            signs = [sign for sign in _signs(plain(value)) if sign.isascii()]
        return self._holds(signs)

    def _could_read(self, signs: list[str]) -> bool:
        """Whether a name could stand there: each character itself, its letters in one spelling, or an initial.

        A surname of two characters has one initial.
        """
        if self._initials and "".join(signs[:2]) in COMPOUND_SURNAMES:
            signs = [signs[0], *signs[2:]]
        return bool(signs) and all(self._count[sign] or self._spells(sign) for sign in signs)

    def _spells(self, sign: str) -> bool:
        ways = readings.spellings_of(sign)
        return any(self._latin.issuperset(way.replace("v", "")) or way[0].upper() in self._initials for way in ways)

    def _holds(self, signs: list[str]) -> bool:
        return bool(signs) and all(self._count[sign] >= times for sign, times in Counter(signs).items())


def _parts(address: str) -> Iterator[list[str]]:
    """The end of an address, its road, its room: the gate finds it by each."""
    yield _signs(address)[-_ADDRESS:]
    road, house = road_and_number(address), house_numbers(address)
    if road:
        yield _signs(road[0])
    if house:
        yield _signs(house[2])


def _signs(value: str) -> list[str]:
    return [sign for sign in value.casefold() if sign.isalpha() or sign in _DIGIT_FORMS]

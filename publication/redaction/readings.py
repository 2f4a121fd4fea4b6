"""How Chinese characters are read and spelt in Latin letters: pinyin without tones, v for ü; Wade-Giles; abroad.

Data: ``data/readings.txt.gz`` (licence beside it); ``data/spellings.txt``, the spellings of surnames and of usual
given names in Hong Kong and in South-East Asia.
"""

from __future__ import annotations

import gzip
import re
from functools import cache
from pathlib import Path

_DATA = Path(__file__).parent / "data"


@cache
def _table() -> dict[str, tuple[str, ...]]:
    return _by_character(gzip.decompress((_DATA / "readings.txt.gz").read_bytes()).decode())


@cache
def _abroad() -> dict[str, tuple[str, ...]]:
    return _by_character((_DATA / "spellings.txt").read_text(encoding="utf-8"))


def _by_character(lines: str) -> dict[str, tuple[str, ...]]:
    table: dict[str, tuple[str, ...]] = {}
    for line in lines.splitlines():
        syllable, _blank, characters = line.partition(" ")
        for char in characters:
            table[char] = (*table.get(char, ()), syllable)
    return table


@cache
def syllables() -> frozenset[str]:
    """Every syllable of pinyin."""
    return frozenset(syllable for found in _table().values() for syllable in found)


def of(char: str) -> tuple[str, ...]:
    """Every reading of one character, in alphabetical order; empty for one that has none."""
    return _table().get(char, ())


def spellings_of(char: str) -> tuple[str, ...]:
    """Every way to write one character in small Latin letters without marks; empty for one that has no reading.

    Pinyin (ü as v, u and yu), Wade-Giles, and the spellings in use in Hong Kong and abroad.
    """
    ways = {reading.replace("v", letter) for reading in of(char) for letter in ("v", "u", "yu")}
    ways |= {_wade_giles(reading) for reading in of(char)}
    return tuple(sorted(ways.union(_abroad().get(char, ()))))


_INITIALS = {
    "zh": "ch",
    "b": "p",
    "d": "t",
    "g": "k",
    "j": "ch",
    "q": "ch",
    "x": "hs",
    "r": "j",
    "z": "ts",
    "c": "ts",
}
_ALONE = {"zi": "tzu", "ci": "tzu", "si": "ssu", "you": "yu", "yan": "yen", "yong": "yung", "er": "erh", "yi": "i"}
_FINALS = {"ong": "ung", "iong": "iung", "ian": "ien", "ie": "ieh", "ue": "ueh", "ve": "ueh"}
_SYLLABLE = re.compile("(zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw]?)(.+)")


def _wade_giles(syllable: str) -> str:
    """A syllable of pinyin as Wade and Giles wrote it, without apostrophes: zhang chang, xu hsu, guo kuo."""
    match = _SYLLABLE.fullmatch(syllable)
    if syllable in _ALONE or match is None:
        return _ALONE.get(syllable, syllable)
    initial, final = match.groups()
    if initial == "y" and final in ("e", "ue"):
        final += "h"
    elif final == "i" and initial in ("zh", "ch", "sh", "r"):
        final = "ih"
    elif final == "e" and initial in ("g", "k", "h"):
        final = "o"
    elif final == "ui" and initial in ("g", "k"):
        final = "uei"
    elif final == "uo" and initial not in ("g", "k", "h", "sh"):
        final = "o"
    return _INITIALS.get(initial, initial) + _FINALS.get(final, final).replace("v", "u")

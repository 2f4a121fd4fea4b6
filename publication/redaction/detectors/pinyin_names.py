"""Chinese names in English sentences, written in pinyin and without a title: Zhang Wei, LI Guifang, Wei Zhang."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import groupby

from publication.redaction import divisions, readings
from publication.redaction.detectors import person_words as words
from publication.redaction.lexicon import words as word_list

_SURNAMES = word_list("pinyin_surnames")
_SURNAMES_LAST = word_list("pinyin_surnames_last")
_NOT_NAMES = word_list("pinyin_not_names")
_PLACE_AFTER = word_list("pinyin_place_after") | words.LATIN_SHOPS
_PLACE_BEFORE = word_list("pinyin_place_before")
_ENGLISH = word_list("pinyin_english")
# Words with a capital that stand side by side: Yesterday Zhang Wei, the Nan Jing Road.
_MARKED = "āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜü"
_LATIN = f"A-Za-z{_MARKED}{_MARKED.upper()}"
_CAPITAL = rf"[A-Z{_MARKED.upper()}][{_LATIN}]{{1,24}}(?:['\-][{_LATIN}]{{2,12}})?"
_RUN = re.compile(rf"(?<![{_LATIN}0-9@./_'\-]){_CAPITAL}(?:[ \n]{_CAPITAL})+(?![{_LATIN}0-9@_])")
_WORD = re.compile(r"[^ \n]+")
_BEFORE = re.compile(r"([A-Za-z]{1,12})[. ] ?\Z")
_IN = frozenset(["around", "at", "from", "in", "into", "near", "of", "outside", "to", "via"])
_LONGEST = 3  # words of a name: Zhang Xiao Ming


def candidates(text: str) -> Iterator[tuple[int, int, float]]:
    """Places of such names. Never sure: it may be a shop or a place, and a person looks at it."""
    for run in _RUN.finditer(text):
        for found in _stretches(run):
            start, end = found[0].start() + run.start(), found[-1].end() + run.start()
            if _is_name([match.group() for match in found]) and not _is_placed(text, start, end):
                yield start, end, 0.7


def _stretches(run: re.Match[str]) -> Iterator[list[re.Match[str]]]:
    """Words that are all pinyin and stand side by side, as many as a name has."""
    for all_pinyin, group in groupby(_WORD.finditer(run.group()), key=lambda match: _sounds(match.group()) > 0):
        if not all_pinyin:
            continue
        found = list(group)
        # A name may be broken at the end of a line; a list has one name on each.
        lines = [found] if len(found) <= _LONGEST else _lines(found)
        yield from (line for line in lines if 2 <= len(line) <= _LONGEST)


def _lines(found: list[re.Match[str]]) -> list[list[re.Match[str]]]:
    lines = [[found[0]]]
    for match in found[1:]:
        if match.string[match.start() - 1] == "\n":
            lines.append([])
        lines[-1].append(match)
    return lines


def _is_name(found: list[str]) -> bool:
    plain = [_plain(word) for word in found]
    if "".join(plain) in _NOT_NAMES or all(word in _ENGLISH for word in plain):
        return False
    surname_first = plain[0] in _SURNAMES and sum(map(_sounds, found[1:])) <= 2
    surname_last = plain[-1] in _SURNAMES_LAST and sum(map(_sounds, found[:-1])) <= 2
    return surname_first or surname_last


def _is_placed(text: str, start: int, end: int) -> bool:
    """Whether the words beside it make it a place, a shop or an office."""
    before = _BEFORE.search(text[max(0, start - 14) : start])
    if before and before.group(1) in _IN and _plain(text[start:end]) in _cities():
        return True
    after = words.LATIN_WORD_AFTER.match(text, end)
    return bool(
        (before and before.group(1)[0].isupper() and before.group(1).lower() in _PLACE_BEFORE)
        or (after and after.group(1).lower() in _PLACE_AFTER)
        or words.SHOP_AFTER_LATIN.match(text, end)
    )


def _plain(word: str) -> str:
    """In small letters, without the marks of tones and whatever joins syllables; ü as v."""
    marked = unicodedata.normalize("NFD", word.lower()).replace("u\u0308", "v")
    return "".join(char for char in marked if "a" <= char <= "z")


@cache
def _syllables() -> frozenset[str]:
    found = {reading for reading in readings.syllables() if len(reading) > 1 or reading in "ae"}
    return frozenset(found | {reading.replace("v", "yu") for reading in found if "v" in reading})


@lru_cache(4096)
def _sounds(word: str) -> int:
    """Of how many syllables of pinyin the word is, 1 or 2; 0 for what is none. Surnames of two count as one."""
    if any(char.isupper() for char in word[1:]) and not word.isupper() and not re.search("[-'][A-Z]", word):
        return 0
    plain, known = _plain(word), _syllables()
    parts = re.split("['-]", word)
    if len(parts) == 2:
        return 2 if all(_plain(part) in known for part in parts) else 0
    if plain in known or plain in _SURNAMES:
        return 1
    return 2 if any(plain[:at] in known and plain[at:] in known for at in range(1, len(plain))) else 0


@cache
def _cities() -> frozenset[str]:
    """Every city in pinyin. Many a person is called as a small one is (Liu Yang), so only after "in" and "from"."""
    return frozenset("".join(readings.of(char)[0] for char in name) for name in divisions.cities())

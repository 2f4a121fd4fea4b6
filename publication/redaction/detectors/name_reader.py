"""One pass over one text looking for names of persons: what a surname, a given name, an organisation look like."""

from __future__ import annotations

import re

from publication.redaction.detectors import person_words as words
from publication.redaction.lexicon import COMPOUND_SURNAMES, GIVEN, RISKY_SURNAMES, SURNAMES
from publication.redaction.tokens import tokens_of

_COMPOUND_FIRST = frozenset(surname[0] for surname in COMPOUND_SURNAMES)
_RUN_END = re.compile(r"[^一-鿿]|\Z")
_ALL_CHINESE = re.compile(r"[一-鿿]+")


def chinese(word: str) -> bool:
    return _ALL_CHINESE.fullmatch(word) is not None


class NameReader:
    """One pass over one text; keeps the word boundaries at hand."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens_of(text)
        self.borders = frozenset(token.start for token in self.tokens) | {len(text)}
        self.starting = {token.start: token for token in self.tokens}

    def surname_size(self, at: int) -> int:
        """Length of the surname at a position, 0 if none."""
        first = self.text[at : at + 1]
        if first in _COMPOUND_FIRST and self.text[at : at + 2] in COMPOUND_SURNAMES:
            return 2
        return 1 if first in SURNAMES else 0

    def full_name(self, at: int, *, liberal: bool) -> int:
        """End of the full name that begins at a position, or 0. ``liberal`` when words before announce a name."""
        size = self.surname_size(at)
        if not size:
            return 0
        first = at + size
        if liberal:
            run = _RUN_END.search(self.text, first)
            end = run.start() if run else len(self.text)
            if 1 <= end - first <= 2 and self.given(first, end, liberal=True):
                return end
        for end in (first + 2, first + 1):
            if end > len(self.text) or (end not in self.borders and not (liberal and end == first + 2)):
                continue
            if self.given(first, end, liberal=liberal) and not self.is_word(at, end):
                return end
        return 0

    def followed_name(self, at: int) -> int:
        """End of a name at a position that is followed by what follows persons' names, or 0."""
        size = self.surname_size(at)
        for end in (at + size + 2, at + size + 1) if size else ():
            known = end - at == size + 1 and self._other_word(at, end)
            if self.given(at + size, end, liberal=False) and words.FOLLOWS.match(self.text, end) and not known:
                return end
        return 0

    def given(self, first: int, end: int, *, liberal: bool) -> bool:
        given = self.text[first:end]
        if end > len(self.text) or not given or not chinese(given) or given in words.NOT_GIVEN:
            return False
        usual = all(char in GIVEN for char in given)
        if given[-1] in words.NEVER_LAST or (given[0] in words.NEVER_FIRST and not usual):
            return False
        return liberal or usual

    def is_word(self, start: int, end: int) -> bool:
        """Whether the dictionary knows the characters, or a longer word from there, as something else than a name."""
        if self.text[start:end] in words.COMMON:
            return True
        token = self.starting.get(start)
        return token is not None and token.end >= end and token.tag[:2] not in {"nr", "x", "nz", "ns", "nt"}

    def half_usual_name(self, start: int, end: int) -> int:
        """``end`` if a surname and two characters stand there, one of them usual in given names; else 0."""
        first = end - 2
        usual = end - start == self.surname_size(start) + 2 and any(char in GIVEN for char in self.text[first:end])
        return end if usual and self.given(first, end, liberal=True) else 0

    def titled_name(self, start: int, end: int) -> bool:
        """Whether a full name stands before a title; the title lets unusual given names pass."""
        if self.full_name(start, liberal=False) == end:
            return True
        size = self.surname_size(start)
        return (
            size > 0
            and size + 2 == end - start
            and self.text[start] not in RISKY_SURNAMES
            and self.given(start + size, end, liberal=True)
        )

    def _other_word(self, start: int, end: int) -> bool:
        """Whether the characters are a verb, adjective or other word that no noun context turns into a name."""
        token = self.starting.get(start)
        return self.text[start:end] in words.COMMON or (
            token is not None and token.end == end and token.tag[:1] in words.PLAIN_CLASSES
        )

    def names_an_organisation(self, end: int) -> bool:
        """Whether what follows turns the name into that of a shop, company, place or work."""
        return words.ORGANISATION_AFTER.match(self.text, end) is not None

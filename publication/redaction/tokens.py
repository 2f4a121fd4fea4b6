"""Words of a text with their part of speech and place."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import rjieba


class Token(NamedTuple):
    """A word between ``start`` and ``end`` with the part of speech that rjieba gives it."""

    start: int
    end: int
    word: str
    tag: str


@lru_cache(maxsize=4)
def tokens_of(text: str) -> tuple[Token, ...]:
    """The words of a normalised text in order; together they cover it without gaps."""
    found: list[Token] = []
    at = 0
    for word, tag in rjieba.tag(text):
        found.append(Token(at, at + len(word), word, tag))
        at += len(word)
    return tuple(found)

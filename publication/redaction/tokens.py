"""Words of a text with their part of speech and place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import rjieba


@dataclass(frozen=True, slots=True)
class Token:
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


@lru_cache(maxsize=4)
def boundaries(text: str) -> frozenset[int]:
    """Positions at which a word begins or the text ends."""
    return frozenset(token.start for token in tokens_of(text)) | {len(text)}

"""Prints of texts: which of a million others are nearly the same, found by looking up a few words (SCR-09).

A text becomes the set of its shingles, every three characters that follow each other. MinHash keeps, for
each of `ROWS * BANDS` fixed ways to shuffle all shingles, the one that comes first: two texts agree in
one such place as often as their sets overlap. `ROWS` places make a band and every band becomes one word,
so the full-text index of TextPrint finds the texts that agree in a whole band. Two neighbouring bands
make one more word, rarer and therefore quick also where thousands of texts follow one pattern.

The look-up only proposes; `overlap` compares the texts themselves. With these numbers two texts that
share half of their shingles are proposed with a probability of 0.79, with three fifths 0.96, with seven
tenths 0.999; measured on real messages in complaints/tests/test_prints.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from complaints.search import folded

SHINGLE = 3
ROWS = 4
BANDS = 24
# Nearly the same: half of all shingles of both, or four fifths of those of the shorter text within the
# longer one. "It leaks again." is written by many: of fewer shingles than these nothing follows.
SAME = 0.5
MIN_SAME = 12
EXCERPT = 0.8
MIN_EXCERPT = 30

_SEED = 20_190_101  # stored prints were made with it; another seed needs `rebuild_prints`
_DROPPED = re.compile(r"[^0-9a-z\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
# Telephone, identity and order numbers differ from person to person where all else is copied.
_LONG_NUMBER = re.compile(r"[0-9]{5,}")
_LETTERS = 7  # 26 ** 7 words: two different bands of a million cases meet in one word less than once
# So many texts are worked on together: each step of numpy costs little more for all than for one.
_TOGETHER = 64
_POWERS = np.array([26**n for n in range(_LETTERS)], dtype=np.uint64)

_random = np.random.default_rng(_SEED)
_FACTORS = _random.integers(0, 2**31, (ROWS * BANDS, 1), dtype=np.uint32) * np.uint32(2) + np.uint32(1)
_MASKS = _random.integers(0, 2**32, (ROWS * BANDS, 1), dtype=np.uint32)
_IN_BAND = _random.integers(0, 2**63, (BANDS, ROWS), dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_IN_PAIR = _random.integers(0, 2**63, (BANDS // 2, 2), dtype=np.uint64) * np.uint64(2) + np.uint64(1)


def normalise(text: str) -> str:
    """The characters that count: NFKC, lower case, without blanks and punctuation, long numbers as one 0."""
    return _LONG_NUMBER.sub("0", _DROPPED.sub("", folded(text)))


def words(text: str) -> list[str]:
    """The words of a text's bands and then of its pairs of bands; none for a text without characters that count.

    Each word is of seven letters, which both databases' tokenizers keep whole.
    """
    return tokens(text).split()


def tokens(text: str) -> str:
    """What TextPrint.tokens holds for a text: its words."""
    return all_tokens([text])[0]


def all_tokens(texts: Sequence[str]) -> list[str]:
    """The tokens of many texts, in a third of the time that one by one would take."""
    return [found for n in range(0, len(texts), _TOGETHER) for found in _tokens(texts[n : n + _TOGETHER])]


def _tokens(texts: Sequence[str]) -> list[str]:
    texts = [normalise(text) for text in texts]
    places = [((shingles ^ _MASKS) * _FACTORS).min(axis=1) for shingles in _hashed(texts)]
    first = np.array(places, dtype=np.uint64).reshape(-1, BANDS, ROWS)
    bands = _mixed((first * _IN_BAND).sum(axis=2, dtype=np.uint64) + np.arange(BANDS, dtype=np.uint64))
    pairs = _mixed((bands.reshape(-1, BANDS // 2, 2) * _IN_PAIR).sum(axis=2, dtype=np.uint64))
    letters = np.concatenate((bands, pairs), axis=1)[:, :, None] // _POWERS % np.uint64(26) + np.uint64(ord("a"))
    spelt = np.insert(letters.astype(np.uint8), _LETTERS, ord(" "), axis=2).tobytes().decode("ascii")
    size = len(spelt) // len(texts)
    return [spelt[n * size : (n + 1) * size - 1] if text else "" for n, text in enumerate(texts)]


def split(found: list[str]) -> tuple[list[str], list[str]]:
    """(words of bands, words of pairs of bands) of what `words` gave."""
    return found[:BANDS], found[BANDS:]


@dataclass(frozen=True)
class Overlap:
    """How much two texts share: of both together, and of the shorter one; from 0 to 1."""

    of_both: float
    of_shorter: float
    shorter: int

    @property
    def is_same(self) -> bool:
        """The texts are nearly the same, or one is an excerpt of the other."""
        return (self.of_both >= SAME and self.shorter >= MIN_SAME) or self.is_excerpt

    @property
    def is_excerpt(self) -> bool:
        return self.of_shorter >= EXCERPT and self.shorter >= MIN_EXCERPT


def shingles(text: str) -> frozenset[str]:
    """The set of shingles of a text as given; a text shorter than one shingle is one of its own."""
    text = normalise(text)
    if not text:
        return frozenset()
    return frozenset(text[n : n + SHINGLE] for n in range(max(1, len(text) - SHINGLE + 1)))


def overlap(one: frozenset[str], other: frozenset[str]) -> Overlap:
    """Compare two sets of shingles; texts without any share nothing."""
    shorter = min(len(one), len(other))
    if not shorter:
        return Overlap(0.0, 0.0, 0)
    shared = len(one & other)
    return Overlap(shared / (len(one) + len(other) - shared), shared / shorter, shorter)


def _hashed(texts: Sequence[str]) -> list[NDArray[np.uint32]]:
    """For each text one well-mixed number of 32 bits per shingle; a short one is filled up with blanks."""
    texts = [text.ljust(SHINGLE) for text in texts]
    codes = np.frombuffer("".join(texts).encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    whole = codes[:-2] << np.uint64(42) | codes[1:-1] << np.uint64(21) | codes[2:]
    hashed = (_mixed(whole) >> np.uint64(32)).astype(np.uint32)
    ends = accumulate(map(len, texts))
    return [hashed[end - len(text) : end - SHINGLE + 1] for text, end in zip(texts, ends, strict=True)]


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finishing step of a hash: every bit of the result depends on every bit given."""
    values = (values ^ values >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ values >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return values ^ values >> np.uint64(31)

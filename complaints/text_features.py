"""Texts as counted sequences of characters, for the category model (CLS-14). Pure: numbers in, numbers out.

Chinese writes no spaces, so the features are all runs of one to three letters. Case, width and accents of
form do not count, every digit is the same digit (a telephone number is no feature), everything that is
neither letter nor digit ends a run. A run is one 64-bit number: 16 bits a character.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

import numpy as np
import rjieba

LONGEST = 3
# Longer texts are read up to here; the longest narrative a case can have is as long.
MAX_TEXT = 20_000
# People say what it is about in the first sentence: its runs count a second time, with this weight.
HEAD = 40
HEAD_WEIGHT = 0.6
# A run must occur in so many texts: rarer ones teach little and may be somebody's name.
MIN_TEXTS = 3
CHUNK = 512


@lru_cache(maxsize=1)
def _alphabet() -> np.ndarray:
    """Code point → the character it counts as, 0 for what ends a run."""
    table = np.zeros(0x10000, np.uint64)
    for point in range(0x10000):
        if 0xD800 <= point < 0xE000:
            continue
        plain = unicodedata.normalize("NFKC", chr(point)).lower()[:1]
        kind = unicodedata.category(plain) if plain else ""
        if kind.startswith("N"):
            table[point] = ord("0")
        elif kind.startswith("L") and ord(plain) < 0x10000:
            table[point] = ord(plain)
    return table


@dataclass(frozen=True)
class Runs:
    """Every run of some texts: what it is, in which text, where in it, how long it is."""

    run: np.ndarray
    row: np.ndarray
    offset: np.ndarray
    length: np.ndarray
    # Where each text starts when all are written one after the other, with one place between two.
    starts: np.ndarray
    size: int


def clean(text: str) -> str:
    """The part of a text that is read; the separator of `runs` and half characters cannot occur in it."""
    return text[:MAX_TEXT].replace("\x00", " ").encode("utf-8", "replace").decode("utf-8")


def runs(texts: Sequence[str]) -> Runs:
    """The runs of cleaned texts."""
    points = np.frombuffer(("\x00".join(texts) + "\x00").encode("utf-32-le", "surrogatepass"), np.uint32)
    ends = np.flatnonzero(points == 0)
    starts = np.concatenate(([0], ends[:-1] + 1))
    row = np.repeat(np.arange(len(texts)), ends + 1 - starts)
    offset = np.arange(len(points)) - starts[row]
    letters = np.where(points < 0x10000, _alphabet()[np.minimum(points, 0xFFFF)], np.uint64(0))
    found = []
    run, whole = letters, letters != 0
    for length in range(1, LONGEST + 1):
        if length > 1:
            following = letters[length - 1 :]
            run = (run[:-1] << np.uint64(16)) | following
            whole = whole[:-1] & (following != 0)
        at = np.flatnonzero(whole)
        found.append((run[at], row[at], offset[at], np.full(len(at), length)))
    whole_run, whole_row, whole_offset, lengths = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Runs(whole_run, whole_row, whole_offset, lengths, starts, len(points))


@dataclass(frozen=True)
class Features:
    """The features of some texts, each text of length one: text, column and value.

    `runs` are the occurrences in the vocabulary, `feature` says which feature each belongs to and `count`
    how many occurrences a feature has.
    """

    texts: int
    row: np.ndarray
    column: np.ndarray
    value: np.ndarray
    count: np.ndarray
    runs: Runs
    feature: np.ndarray


@dataclass(frozen=True)
class Vocabulary:
    """The runs that count, in ascending order, and how much each says by being rare."""

    grams: np.ndarray
    rarity: np.ndarray

    def features(self, texts: Sequence[str]) -> Features:
        """Logarithm of the count times rarity, the beginning of the text counted again."""
        found = runs(texts)
        column = np.searchsorted(self.grams, found.run)
        column[column == len(self.grams)] = 0
        known = np.flatnonzero(self.grams[column] == found.run)
        found = Runs(
            found.run[known], found.row[known], found.offset[known], found.length[known], found.starts, found.size
        )
        key = found.row * len(self.grams) + column[known]
        keys, feature, count = np.unique(key, return_inverse=True, return_counts=True)
        row, column = np.divmod(keys, len(self.grams))
        in_head = np.bincount(feature, weights=found.offset < HEAD, minlength=len(keys))
        rarity = self.rarity[column]
        whole = _unit((1 + np.log(count)) * rarity, row, len(texts))
        head = _unit(np.where(in_head > 0, 1 + np.log(np.maximum(in_head, 1)), 0) * rarity, row, len(texts))
        value = _unit(whole + HEAD_WEIGHT * head, row, len(texts))
        return Features(len(texts), row, column, value, count, found, feature)


def _unit(value: np.ndarray, row: np.ndarray, texts: int) -> np.ndarray:
    """The values with every text scaled to length one."""
    length = np.sqrt(np.bincount(row, weights=value * value, minlength=texts))
    length[length == 0] = 1
    return value / length[row]


def chunks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts in pieces, so that memory stays small."""
    for start in range(0, len(texts), CHUNK):
        yield texts[start : start + CHUNK]


def learn_vocabulary(texts: Sequence[str], *, most: int) -> Vocabulary:
    """The `most` frequent runs that occur in at least MIN_TEXTS texts. Empty when there is none."""
    parts = []
    for chunk in chunks(texts):
        found = runs(chunk)
        order = np.lexsort((found.row, found.run))
        run, row = found.run[order], found.row[order]
        first = np.ones(len(run), bool)
        first[1:] = (run[1:] != run[:-1]) | (row[1:] != row[:-1])
        parts.append(np.unique(run[first], return_counts=True))
    if not parts:
        return Vocabulary(np.zeros(0, np.uint64), np.zeros(0, np.float32))
    grams, place = np.unique(np.concatenate([run for run, _times in parts]), return_inverse=True)
    times = np.bincount(place, weights=np.concatenate([times for _run, times in parts]), minlength=len(grams))
    kept = np.flatnonzero(times >= MIN_TEXTS)
    if len(kept) > most:
        kept = np.sort(kept[np.argsort(-times[kept], kind="stable")[:most]])
    rarity = np.log((1 + len(texts)) / (1 + times[kept])) + 1
    return Vocabulary(grams[kept], rarity.astype(np.float32))


def top_words(text: str, contribution: np.ndarray, *, most: int) -> list[str]:
    """The words of a text that hold most of a contribution given per character, strongest first."""
    words = rjieba.cut(text)
    if not words:
        return []
    ends = np.fromiter(accumulate(map(len, words)), int, len(words))
    sums = np.diff(np.concatenate(([0.0], np.cumsum(contribution[: len(text)])))[ends], prepend=0.0)
    total: dict[str, float] = {}
    few = min(6 * most, len(words))
    for at in np.argpartition(-sums, few - 1)[:few].tolist():
        word = words[at]
        if len(word) > 1 and sums[at] > 0 and word.isalpha():
            total[word] = total.get(word, 0.0) + sums[at]
    return sorted(total, key=lambda word: -total[word])[:most]

"""How Chinese characters are read: the syllables of pinyin without tones, v for ü.

Data: ``data/readings.txt.gz`` (licence beside it).
"""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

_DATA = Path(__file__).parent / "data"


@cache
def _table() -> dict[str, tuple[str, ...]]:
    lines = gzip.decompress((_DATA / "readings.txt.gz").read_bytes()).decode().splitlines()
    table: dict[str, tuple[str, ...]] = {}
    for line in lines:
        syllable, _blank, characters = line.partition(" ")
        for char in characters:
            table[char] = (*table.get(char, ()), syllable)
    return table


def of(char: str) -> tuple[str, ...]:
    """Every reading of one character, in alphabetical order; empty for one that has none."""
    return _table().get(char, ())

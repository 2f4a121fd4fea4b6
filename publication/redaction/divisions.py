"""The divisions of China that may stay readable: province, city, district, town, street office.

Data: ``data/divisions.txt`` and ``data/streets.txt.gz`` (licence beside them).
"""

from __future__ import annotations

import gzip
import re
from functools import cache
from pathlib import Path

from publication.redaction.lexicon import words

_DATA = Path(__file__).parent / "data"
_LONGEST = 16
_SUFFIX = re.compile(
    r"(?:特别行政区|(?:[一-鿿]{1,3}族){1,4}自治[州县区]|自治区|自治[州县]|新区|林区|地区|矿区|[省市区县旗盟])$"
)
# Short forms that are everyday words too.
_AMBIGUOUS = words("ambiguous_divisions")


@cache
def names() -> frozenset[str]:
    """Full names of all divisions and the short forms of those above the town."""
    upper = (_DATA / "divisions.txt").read_text(encoding="utf-8").split()
    streets = gzip.decompress((_DATA / "streets.txt.gz").read_bytes()).decode().split()
    short = {_SUFFIX.sub("", name) for name in upper}
    return frozenset(upper) | frozenset(streets) | frozenset(name for name in short - _AMBIGUOUS if len(name) >= 2)


_CITY = re.compile(r"(?:省|市|自治州|地区)$")


@cache
def cities() -> frozenset[str]:
    """Provinces and cities without the word for what they are: 上海, 南京."""
    upper = (_DATA / "divisions.txt").read_text(encoding="utf-8").split()
    return frozenset(_SUFFIX.sub("", name) for name in upper if _CITY.search(name))


# Divisions the table does not hold: pseudonyms such as A7县, development zones, towns of any name.
_LOOKS_LIKE = re.compile(
    r"(?:[A-Z][0-9]{0,2}[省市区县镇乡]|[一-鿿]{2,6}(?:街道(?:办事处)?|开发区|高新区|经开区|新区|工业园区?|自治[州县旗]|社区|居委会|村委会))\Z"
)


def ends_at(text: str, position: int) -> bool:
    """Whether the name of a division ends just before ``position``."""
    known = names()
    longest = min(_LONGEST, position)
    for length in range(2, longest + 1):
        if text[position - length : position] in known:
            return True
    return _LOOKS_LIKE.search(text[max(0, position - 12) : position]) is not None

"""Rates as they may leave the office: no one to four cases on either side can be read off (EX-09).

“2 of 9 changed by review” names two people to whoever knows the office, however many were reviewed; “111 of 113 in
time” names the two that were late. Such a rate is left empty, and so are the cells of a table it could be worked out
from. Where the base is large enough, what it is at least, or at most, is told instead.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from analytics import complainants, figures
from analytics.registry import FIGURES, SMALL, Unit, Value
from analytics.suppression import outside

# From so many cases on a bound says something.
TELLING = 20
EMPTY = Value(None, hidden=True).to_dict()
# What is divided by it is no part of it, so that there is no other side.
_NO_SHARE = {figures.publication_echo.key}
# Below this the figure tells that there are fewer than five persons.
_PERSONS = {
    figures.repeat_complainants.key: SMALL,
    figures.frequent_complainants.key: SMALL,
    figures.frequent_cases.key: SMALL * complainants.FREQUENT,
}


def is_small(key: str, value: Value) -> bool:
    """Whether the figure is a rate with one to four cases on one side, or tells that there are one to four persons."""
    if key in _PERSONS:
        return 0 < (value.value or 0) < _PERSONS[key]
    return value.part is not None and any(0 < side < SMALL for side in _sides(key, value.part, value.of or 0))


def told(key: str, value: Value) -> Value:
    """The value as it may leave the office, alone."""
    return Value(None, hidden=True) if is_small(key, value) else value


def left_out(bundle: dict[str, Any]) -> dict[str, Any]:
    """A bundle that leaves the office, without the rates, of the whole and of groups, that rest on too few cases."""
    entries = {key: _figure(key, row) for key, row in bundle["figures"].items()}
    return {
        **bundle,
        "figures": entries,
        "breakdowns": {axis: _table(rows) for axis, rows in bundle["breakdowns"].items()},
    }


def _sides(key: str, part: int, of: int) -> Sequence[int]:
    return (part, of) if key in _NO_SHARE else (part, of - part)


def _figure(key: str, row: dict[str, Any]) -> dict[str, Any]:
    if key not in FIGURES or not is_small(key, Value(row["value"], row.get("part"), row.get("of"))):
        return row
    if key in _PERSONS:
        return row | EMPTY
    part, of = row["part"], row["of"]
    found = {name: value for name, value in row.items() if name != "part"} | EMPTY
    if of >= TELLING and key not in _NO_SHARE:
        if part < SMALL:
            found["most"] = math.ceil((SMALL - 1) / of * 1000) / 1000
        else:
            found["least"] = math.floor((of - SMALL + 1) / of * 1000) / 1000
    return found


def _table(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows without the rates of groups with too few cases on a side, nor what these could be worked out from."""
    found = [dict(row) for row in rows]
    for key in rows[0] if rows else ():
        if key not in FIGURES or FIGURES[key].unit != Unit.RATIO:
            continue
        known = [(row, row[key]) for row in found if row[key].get("part") is not None]
        pairs = [_sides(key, cell["part"], cell.get("of") or 0) for _row, cell in known]
        for side in zip(*pairs, strict=True):
            for (row, _cell), value in zip(known, outside([Value(n) for n in side]), strict=True):
                if value.hidden:
                    row[key] = EMPTY
    return found

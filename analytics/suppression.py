"""Which cells of a table that leaves the office are left empty, so that no small one can be worked out (EX-09).

A cell that rests on one to four cases is empty. Where the total stands beside the cells, one empty cell, or several
that rest on fewer than five cases together, could be found by subtraction; then the smallest of the others is empty
too.
"""

from __future__ import annotations

from collections.abc import Sequence

from analytics.registry import SMALL, Value


def size(value: Value) -> int:
    """How many cases stand behind a value."""
    return int(value.of if value.of is not None else value.value or 0)


def outside(column: Sequence[Value]) -> list[Value]:
    """The cells of one column as they may leave the office beside their total."""
    sizes = [size(value) for value in column]
    hidden = {index for index, cases in enumerate(sizes) if 0 < cases < SMALL}
    while hidden and (len(hidden) == 1 or sum(sizes[index] for index in hidden) < SMALL):
        others = [index for index, cases in enumerate(sizes) if cases and index not in hidden]
        if not others:
            break
        hidden.add(min(others, key=lambda index: (sizes[index], index)))
    return [Value(None, hidden=True) if index in hidden else value for index, value in enumerate(column)]

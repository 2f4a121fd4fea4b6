"""What complainants answered, as it may leave the office: no one to four answers of a kind can be read off (EX-09).

“Satisfied”, “basically satisfied” and “dissatisfied” are the cells of one table whose total, the answers, is told. A
small one is left empty, and with it what it could be worked out from: the next smallest, the satisfaction rate where
the dissatisfied are left empty, the reasons they gave, and the departments and groups they add up over. Instead of the
rate the report says what it is at least.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

from analytics import figures, finals, sources
from analytics.periods import Period
from analytics.registry import SMALL, Value, compute
from analytics.scope import Scope
from analytics.suppression import outside

ANSWERS = {
    "satisfied": figures.satisfied_share.key,
    "basically": figures.basically_share.key,
    "dissatisfied": figures.dissatisfied_share.key,
}
UNHAPPY, RATE, PLEASED = figures.dissatisfied_share.key, figures.satisfaction_rate.key, figures.pleased_rate.key
# From so many answers on it says something that at most four of them were dissatisfied.
TELLING = 20
EMPTY = Value(None, hidden=True).to_dict()


def hidden(counts: Counter) -> set[str]:
    """The figures that are left empty for these answers."""
    cells = {key: Value(counts[name]) for name, key in ANSWERS.items()}
    left = {key for key, value in zip(cells, outside(list(cells.values())), strict=True) if value.hidden}
    if not left:
        return left
    if all(key in left for key, value in cells.items() if value.value):
        left = set(cells)
    return left | {PLEASED} | ({RATE} if UNHAPPY in left else set())


def at_least(counts: Counter) -> float | None:
    """The share of satisfied answers there are at least where one to four were dissatisfied, rounded down."""
    answers = sum(counts[name] for name in ANSWERS)
    if answers < TELLING or not 0 < counts["dissatisfied"] < SMALL:
        return None
    return math.floor((answers - SMALL + 1) / answers * 1000) / 1000


def left_out(bundle: dict[str, Any], period: Period, scope: Scope, *, months: int) -> dict[str, Any]:
    """A bundle that leaves the office, without what rests on too few answers of a kind; `months` are in its series."""
    spans = period.last_months(max(months, 2 * period.months))
    final = finals.Finals(spans, scope).over(compute((figures.satisfied_share,), spans, scope))
    of = {month: final.cells[sources.ratings].total(month) for month in spans}
    now = _total(of[month] for month in spans[-period.months :])
    left = hidden(now)
    before = hidden(_total(of[month] for month in spans[-2 * period.months : -period.months]))
    entries = dict(bundle["figures"])
    for key in {*left, *before} & entries.keys():
        row = dict(entries[key])
        if key in before:
            row["previous"] = None
        if key in left:
            row |= EMPTY
            row.pop("part", None)
            if key == RATE and (least := at_least(now)) is not None:
                row["least"] = least
        entries[key] = row
    small = {month.code for month, counts in of.items() if RATE in hidden(counts)}
    series = dict(bundle["series"])
    series[RATE] = [[code, None if code in small else value] for code, value in series[RATE]]
    parts = {axis: _groups(rows, whole=UNHAPPY in left) for axis, rows in bundle["breakdowns"].items()}
    if UNHAPPY in left:
        parts["dissatisfaction"] = [{**row, "answers": EMPTY} for row in parts["dissatisfaction"]]
    return {**bundle, "figures": entries, "series": series, "breakdowns": parts}


def _total(counts: Iterable[Counter]) -> Counter:
    total: Counter = Counter()
    for one in counts:
        total.update(one)
    return total


def _groups(rows: list[dict[str, Any]], *, whole: bool) -> list[dict[str, Any]]:
    """The rows of a table without the shares of too few dissatisfied; `whole`: not even their total is told."""
    shares = [key for key in (UNHAPPY, RATE) if rows and key in rows[0]]
    if not shares:
        return rows
    unhappy = [Value(_unhappy(row[shares[0]], shares[0])) for row in rows]
    left = [(whole and bool(was.value)) or now.hidden for was, now in zip(unhappy, outside(unhappy), strict=True)]
    return [{**row, **dict.fromkeys(shares, EMPTY)} if gone else row for row, gone in zip(rows, left, strict=True)]


def _unhappy(cell: dict[str, Any], key: str) -> int:
    part, of = cell.get("part") or 0, cell.get("of") or 0
    return part if key == UNHAPPY else of - part

"""The bundle of figures as tables: one page, one file, one answer with the same numbers (AN-02, AN-32, EX-09)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analytics.facts import written
from analytics.figures import FIGURES, UNIT_LABELS, Unit
from analytics.selectors import MORE, OTHERS
from complaints.states import LateReason

# Breakdown → title, and the axis a group of it is a value of ('' where a group leads to no cases).
TABLES: dict[str, tuple[Promise, str]] = {
    "channel": (gettext_lazy("By channel"), "channel"),
    "category": (gettext_lazy("By category"), "category"),
    "department": (gettext_lazy("By department"), "department"),
    "recurrence": (gettext_lazy("Came again, by department"), "department"),
    "risk": (gettext_lazy("By risk grade"), "risk"),
    "legal_type": (gettext_lazy("By type of legal risk"), "legal_type"),
    "matter": (gettext_lazy("Service or function"), "matter"),
    "intensity": (gettext_lazy("By intensity of emotion"), "intensity"),
    "emotion": (gettext_lazy("By emotion"), "emotion"),
    "tier": (gettext_lazy("By customer tier"), "tier"),
    "care": (gettext_lazy("Special groups"), "care"),
    "product": (gettext_lazy("By product"), "product"),
    "outlet": (gettext_lazy("By outlet"), "outlet"),
    "place": (gettext_lazy("By place"), "place"),
    "step": (gettext_lazy("By business step"), "step"),
    "result": (gettext_lazy("By result"), "result"),
    "milestone": (gettext_lazy("By milestone"), "milestone"),
    "missed": (gettext_lazy("Missed limits by reason"), ""),
    "late_reason": (gettext_lazy("Late cases by reason"), "late_reason"),
    "dissatisfaction": (gettext_lazy("Reasons for being dissatisfied"), ""),
    "trigger": (gettext_lazy("Reviews by trigger"), "trigger"),
}
HEADING = (
    "table",
    "code",
    "group",
    "figure",
    "name",
    "unit",
    "value",
    "part",
    "of",
    "previous",
    "suppressed",
)


@dataclass(frozen=True)
class Cell:
    """A number as written, with the cases it rests on where it is a rate or an average."""

    figure: str
    name: str
    text: str
    size: int = 0
    basis: str = ""
    hidden: bool = False


@dataclass(frozen=True)
class Row:
    code: str
    label: str
    cells: list[Cell]


@dataclass(frozen=True)
class Table:
    key: str
    title: Promise | str
    axis: str
    head: list[str]
    rows: list[Row] = field(default_factory=list)


def columns(key: str, row: dict[str, Any]) -> dict[str, str]:
    """The columns of a breakdown: key of the value → heading."""
    if key == "missed":
        return {"none": _("No reason given"), **{str(reason): str(reason.label) for reason in LateReason}}
    if key == "dissatisfaction":
        return {"answers": _("Answers")}
    return {name: str(FIGURES[name].name) for name in row if name in FIGURES}


def cell(name: str, value: dict[str, Any], head: str = "") -> Cell:
    """One number of a bundle."""
    unit = FIGURES[name].unit if name in FIGURES else Unit.CASES
    if value.get("suppressed"):
        return Cell(name, head, "", hidden=True)
    basis = ""
    if "part" in value and value.get("of"):
        basis = _("%(part)s of %(of)s") % {"part": value["part"], "of": value["of"]}
    elif value.get("of"):
        basis = _("of %(of)s") % {"of": value["of"]}
    size = int(value["of"] if value.get("of") is not None else value["value"] or 0)
    return Cell(name, head, written(value["value"], unit), size, basis)


def tables(data: dict[str, Any]) -> list[Table]:
    """Every breakdown of a bundle that has rows."""
    found = []
    for key, (title, axis) in TABLES.items():
        rows = data["breakdowns"].get(key) or []
        if not rows:
            continue
        heads = columns(key, rows[0])
        found.append(
            Table(
                key,
                title,
                axis,
                list(heads.values()),
                [
                    Row(row["code"], row["label"], [cell(name, row[name], heads[name]) for name in heads])
                    for row in rows
                ],
            )
        )
    return found


def is_group(axis: str, code: str) -> bool:
    """Whether a row stands for one value, not for the rest put together."""
    return bool(axis) and not (axis in MORE and code == OTHERS)


def flat(data: dict[str, Any]) -> Iterator[list[Any]]:
    """The bundle line by line, for a file: first the figures of the whole, then every breakdown."""
    for key, entry in data["figures"].items():
        yield _line("total", "", "", key, entry, entry["previous"])
    for table, rows in data["breakdowns"].items():
        for row in rows:
            for name in columns(table, row):
                yield _line(table, row["code"], row["label"], name, row[name], None)


def _line(table: str, code: str, label: str, name: str, entry: dict[str, Any], previous: Any) -> list[Any]:
    known = FIGURES.get(name)
    numbers = [entry.get("value"), entry.get("part"), entry.get("of"), previous]
    return [
        table,
        code,
        label,
        name,
        str(known.name) if known else name,
        str(UNIT_LABELS[known.unit if known else Unit.CASES]),
        *("" if number is None else number for number in numbers),
        1 if entry.get("suppressed") else 0,
    ]

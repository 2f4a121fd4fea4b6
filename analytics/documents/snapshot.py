"""A report as plain, frozen data: everything the three documents print, and nothing else (AN-19, AN-29).

The snapshot is stored as JSON with the report. `ReportSnapshot.from_dict` is the one checked door back: a snapshot that
passed it can be rendered, whatever its texts contain.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from analytics import charts

LONGEST_TITLE = 300
LONGEST_TEXT = 20_000
MOST_SECTIONS, MOST_ITEMS, MOST_ROWS, MOST_COLUMNS, MOST_POINTS = 60, 400, 5_000, 24, 120

COLUMN_TYPES = ("text", "int", "number", "percent", "duration", "date")

Cell = str | int | float | None

# What XML 1.0 cannot hold, and invisible characters that turn the direction of the text around.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Cells: `text` and `date` (ISO) strings, `int`, `number`, `percent` a ratio (0.964), `duration` seconds; None prints
    as a dash. `graded` shades the cells from the lowest to the highest figure of the column.
    """

    name: str
    type: str = "text"
    digits: int | None = None
    graded: bool = False

    @property
    def numeric(self) -> bool:
        return self.type not in ("text", "date")


@dataclass(frozen=True, slots=True)
class Table:
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    def levels(self) -> list[list[int | None]]:
        """The heat level of every cell, row by row; None in columns that are not graded."""
        by_column = [
            charts.heat_levels([row[i] for row in self.rows])  # type: ignore[misc]  # graded columns hold figures
            if column.graded
            else [None] * len(self.rows)
            for i, column in enumerate(self.columns)
        ]
        return [list(row) for row in zip(*by_column, strict=True)]


@dataclass(frozen=True, slots=True)
class ChartSpec:
    """A chart to draw: `kind` and `data` as `charts.draw` takes them, `finding` the sentence it shows."""

    kind: str
    title: str
    data: dict[str, Any]
    finding: str

    def svg(self) -> str:
        return str(charts.draw(self.kind, self.data, title=self.title, finding=self.finding, palette="document"))


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the report. `level` 1 prints as 一、 2 as （一） 3 as 1.; headings come without their number."""

    key: str
    heading: str
    paragraphs: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    charts: tuple[ChartSpec, ...] = ()
    tables: tuple[Table, ...] = ()
    level: int = 1


@dataclass(frozen=True, slots=True)
class Definition:
    """What a figure of the report counts, in which unit, from which records."""

    figure: str
    definition: str


@dataclass(frozen=True, slots=True)
class ReportSnapshot:
    title: str
    subtitle: str
    organisation: str
    period_label: str
    edition: str
    revision: int
    status: str
    approval: str
    generated_at: datetime
    summary: tuple[str, ...]
    sections: tuple[Section, ...]
    definitions: tuple[Definition, ...] = ()
    language: str = "zh-hans"

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "generated_at": self.generated_at.isoformat()}

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "ReportSnapshot":
        """Raises ValueError naming the field that does not fit."""
        return cls.from_dict(json.loads(text))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "ReportSnapshot":
        """Read a stored snapshot. Raises ValueError naming the field that does not fit, as `sections[2].heading: …`.

        Control characters are dropped; a text that is too long is refused, never cut.
        """
        fields = _Fields(data, "")
        return cls(
            **{
                name: fields.text(name, LONGEST_TITLE)
                for name in (
                    "subtitle",
                    "organisation",
                    "period_label",
                    "edition",
                    "status",
                    "approval",
                )
            },
            title=fields.heading("title"),
            language=fields.language("language"),
            revision=fields.whole("revision", low=0, high=100_000),
            generated_at=fields.moment("generated_at"),
            summary=fields.texts("summary"),
            sections=fields.each("sections", _section, MOST_SECTIONS),
            definitions=fields.each("definitions", _definition, MOST_ITEMS),
        )


T = TypeVar("T")


class _Fields:
    """Reads one JSON object and names the place of whatever does not fit."""

    def __init__(self, data: Any, path: str) -> None:
        self.path = path
        if not isinstance(data, Mapping):
            raise ValueError(f"{path or 'snapshot'}: expected an object")
        self.data = data

    def fail(self, name: str, problem: str) -> ValueError:
        return ValueError(f"{self.path}.{name}: {problem}" if self.path else f"{name}: {problem}")

    def get(self, name: str) -> Any:
        if name not in self.data:
            raise self.fail(name, "missing")
        return self.data[name]

    def text(self, name: str, longest: int = LONGEST_TEXT) -> str:
        return self.clean(name, self.get(name), longest)

    def heading(self, name: str) -> str:
        """A text that must say something: bookmarks and assistive technology lead to it."""
        words = " ".join(self.text(name, LONGEST_TITLE).split())
        if not any(char.isprintable() and not char.isspace() for char in words):
            raise self.fail(name, "must not be empty")
        return words

    def clean(self, name: str, value: Any, longest: int = LONGEST_TEXT) -> str:
        if not isinstance(value, str):
            raise self.fail(name, "expected a text")
        if len(value) > longest:
            raise self.fail(name, f"{len(value):,} characters, at most {longest:,} are allowed")
        return _UNPRINTABLE.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))

    def items(self, name: str, most: int) -> list[Any]:
        value = self.data.get(name, ())
        if not isinstance(value, list | tuple):
            raise self.fail(name, "expected a list")
        if len(value) > most:
            raise self.fail(name, f"{len(value):,} entries, at most {most:,} are allowed")
        return list(value)

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(self.clean(f"{name}[{i}]", value) for i, value in enumerate(self.items(name, MOST_ITEMS)))

    def whole(self, name: str, *, low: int, high: int) -> int:
        value = self.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.fail(name, f"expected a whole number from {low} to {high}")
        return value

    def language(self, name: str) -> str:
        code = self.text(name, LONGEST_TITLE)
        if not re.fullmatch("[a-z]{2}(-[a-z]{2,8})?", code):
            raise self.fail(name, "expected a language code such as zh-hans")
        return code

    def moment(self, name: str) -> datetime:
        try:
            value = datetime.fromisoformat(self.get(name))
        except (TypeError, ValueError) as error:
            raise self.fail(name, "expected a date and time in ISO form") from error
        if value.tzinfo is None:
            raise self.fail(name, "a time zone is missing")
        return value

    def each(self, name: str, read: Callable[["_Fields"], T], most: int) -> tuple[T, ...]:
        return tuple(
            read(_Fields(item, f"{self.path}.{name}[{i}]" if self.path else f"{name}[{i}]"))
            for i, item in enumerate(self.items(name, most))
        )


def _section(fields: _Fields) -> Section:
    return Section(
        key=fields.text("key", LONGEST_TITLE),
        heading=fields.heading("heading"),
        paragraphs=fields.texts("paragraphs"),
        points=fields.texts("points"),
        charts=fields.each("charts", _chart, MOST_ITEMS),
        tables=fields.each("tables", _table, MOST_ITEMS),
        level=fields.whole("level", low=1, high=3),
    )


def _definition(fields: _Fields) -> Definition:
    return Definition(fields.text("figure", LONGEST_TITLE), fields.text("definition"))


def _chart(fields: _Fields) -> ChartSpec:
    """A chart is drawn once here, so that unfit data is refused when the report is frozen, not when it is printed."""
    data = fields.get("data")
    if not isinstance(data, Mapping):
        raise fields.fail("data", "expected an object")
    points = _Fields(data, f"{fields.path}.data").items("points", MOST_POINTS)
    for i, point in enumerate(points):
        if not (
            isinstance(point, list | tuple) and len(point) == 2 and isinstance(point[0], str) and _figure(point[1])
        ):
            raise fields.fail(f"data.points[{i}]", "expected a label and a figure")
    texts = {
        name: fields.clean(f"data.{name}", value, LONGEST_TITLE)
        for name, value in data.items()
        if isinstance(value, str)
    }
    events = [
        [fields.clean(f"data.annotations[{i}]", text, LONGEST_TITLE) for text in event]
        for i, event in enumerate(data.get("annotations", ()))
    ]
    chart = ChartSpec(
        kind=fields.text("kind", LONGEST_TITLE),
        title=fields.text("title", LONGEST_TITLE),
        data={
            **data,
            **texts,
            "points": [[fields.clean("data.points", label, LONGEST_TITLE), value] for label, value in points],
            **({"annotations": events} if events else {}),
        },
        finding=fields.text("finding"),
    )
    try:
        chart.svg()
    except (ValueError, KeyError) as error:
        raise fields.fail("data", str(error)) from error
    return chart


def _table(fields: _Fields) -> Table:
    columns = fields.each("columns", _column, MOST_COLUMNS)
    if not columns:
        raise fields.fail("columns", "a table needs at least one column")
    rows = []
    for i, row in enumerate(fields.items("rows", MOST_ROWS)):
        if not isinstance(row, list | tuple) or len(row) != len(columns):
            raise fields.fail(f"rows[{i}]", f"expected {len(columns)} cells")
        rows.append(tuple(_cell(fields, f"rows[{i}][{j}]", columns[j], value) for j, value in enumerate(row)))
    return Table(
        fields.text("caption", LONGEST_TITLE), columns, tuple(rows), fields.clean("note", fields.data.get("note", ""))
    )


def _column(fields: _Fields) -> Column:
    kind = fields.data.get("type", "text")
    if kind not in COLUMN_TYPES:
        raise fields.fail("type", f"expected one of {', '.join(COLUMN_TYPES)}")
    digits = None if fields.data.get("digits") is None else fields.whole("digits", low=0, high=6)
    column = Column(fields.text("name", LONGEST_TITLE), kind, digits, bool(fields.data.get("graded", False)))
    if column.graded and not column.numeric:
        raise fields.fail("graded", "only figures can be graded")
    return column


def _cell(fields: _Fields, name: str, column: Column, value: Any) -> Cell:
    if value is None:
        return None
    if column.type == "text":
        return fields.clean(name, value)
    if column.type == "date":
        try:
            return date.fromisoformat(value).isoformat()
        except (TypeError, ValueError) as error:
            raise fields.fail(name, "expected a date in ISO form") from error
    if not _figure(value) or (column.type == "int" and not isinstance(value, int)):
        raise fields.fail(name, f"expected a figure of type {column.type}")
    return value


def _figure(value: Any) -> bool:
    """A finite number, or none at all."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value))

"""Native Excel charts: the figures stand in cells beside the drawing, so readers can check and change them."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from analytics import charts

from .snapshot import ChartSpec

ACCENT, PALE, AMBER, RED, GREY = "#0D6078", "#B6D3DB", "#C98A2B", "#BC3228", "#A9B4B8"

# A chart is 20 standard rows tall.
_HEIGHT_IN_ROWS, _WIDTH, _HEIGHT = 20, 620, 380

_NUMBER_FORMATS = {"int": "#,##0", "number": "#,##0.0", "percent": "0.0%"}

Rows = list[list[Any]]


def add_chart(
    book: Workbook,
    sheet: Worksheet,
    spec: ChartSpec,
    caption: str,
    top: int,
    left: int,
    *,
    head: Format,
    caption_format: Format,
) -> int:
    """Write the figures of a chart from (top, left), draw it beside them, and return the first free row below."""
    names, rows = _figures(spec)
    # The caption stands in a cell and the chart refers to it: a title given as text could be read as a formula.
    sheet.write_string(top, left, caption, caption_format)
    fmt = str(spec.data.get("fmt", "int"))
    for x, name in enumerate(names):
        sheet.write_string(top + 1, left + x, name, head)
    look = [book.add_format({"num_format": _NUMBER_FORMATS[kind]}) for kind in _kinds(spec, fmt, len(names) - 1)]
    for y, row in enumerate(rows):
        sheet.write_string(top + 2 + y, left, row[0])
        for x, value in enumerate(row[1:]):
            if value is not None:
                sheet.write_number(top + 2 + y, left + 1 + x, value, look[x])

    if rows:
        ranges = _Ranges(sheet.get_name(), top + 2, top + 1 + len(rows), left)
        chart = _DRAW[spec.kind](book, spec, ranges, rows)
        chart.set_title({"name": [sheet.get_name(), top, left], "name_font": {"size": 12}, "overlay": False})
        chart.set_size({"width": _WIDTH, "height": _HEIGHT})
        chart.show_blanks_as("gap")
        sheet.insert_chart(top, left + len(names) + 1, chart, {"description": spec.finding or spec.title})
    below = top + max(len(rows) + 2, _HEIGHT_IN_ROWS)
    if spec.finding:  # below the drawing, which would cover the end of the sentence
        sheet.write_string(below, left, spec.finding)
    return below + 3


class _Ranges:
    """Where the figures of one chart stand on its sheet."""

    def __init__(self, sheet: str, first: int, last: int, left: int) -> None:
        self.sheet, self.first, self.last, self.left = sheet, first, last, left

    def series(self, column: int, **look: Any) -> dict[str, Any]:
        """A series over all rows of a column (1 is the first column of figures), named by its head cell."""
        x = self.left + column
        return {
            "name": [self.sheet, self.first - 1, x],
            "categories": [self.sheet, self.first, self.left, self.last, self.left],
            "values": [self.sheet, self.first, x, self.last, x],
            **look,
        }

    def part(self, row: int, **look: Any) -> dict[str, Any]:
        """A series of one row, for a stacked bar."""
        y = self.first + row
        return {
            "name": [self.sheet, y, self.left],
            "values": [self.sheet, y, self.left + 2, y, self.left + 2],
            **look,
        }


def _figures(spec: ChartSpec) -> tuple[list[str], Rows]:
    """Column names and rows: the points, and what the chart derives from them."""
    points: Sequence[tuple[str, float | None]] = spec.data["points"]
    unit = spec.data.get("unit") or _("Figure value")
    if spec.kind == "control":
        fmt = spec.data.get("fmt", "int")
        limits = charts.control_limits([value for _label, value in points], ceiling=1.0 if fmt == "percent" else None)
        names = [_("Period"), unit, _("Mean"), _("Upper limit"), _("Lower limit")]
        derived = [limits.mean, limits.upper, limits.lower] if limits else [None, None, None]
        return names, [[label, value, *derived] for label, value in points]
    if spec.kind == "before_after":
        return [_("Period"), unit], [[label, value] for label, value in points]
    present = [(label, value) for label, value in points if value is not None]
    total = sum(value for _label, value in present)
    if spec.kind == "pareto":
        present.sort(key=lambda point: (point[0] == spec.data.get("other"), -point[1]))
    rows: Rows = []
    cumulative = 0.0
    for label, value in present if total else []:
        cumulative += value
        rows.append([label, value, (cumulative if spec.kind == "pareto" else value) / total])
    return [_("Group"), unit, _("Cumulative share") if spec.kind == "pareto" else _("Share")], rows


def _kinds(spec: ChartSpec, fmt: str, columns: int) -> list[str]:
    """The number format of each column of figures."""
    if spec.kind == "control":
        return [fmt] + [fmt if fmt == "percent" else "number"] * (columns - 1)
    return [fmt, "percent"][:columns]


def _control(book: Workbook, spec: ChartSpec, ranges: _Ranges, rows: Rows) -> Any:
    chart = book.add_chart({"type": "line"})
    fmt, digits = spec.data.get("fmt", "int"), spec.data.get("digits")
    limits = charts.control_limits([row[1] for row in rows], ceiling=1.0 if fmt == "percent" else None)
    words = {1: _("%(value)s above the limit"), -1: _("%(value)s below the limit")}
    sides = [limits.outside(row[1]) if limits else 0 for row in rows]
    labels = [
        {"value": words[side] % {"value": charts.show(row[1], fmt, digits)}} if side else {"delete": True}
        for side, row in zip(sides, rows, strict=True)
    ]
    look: dict[str, Any] = {
        "line": {"color": ACCENT, "width": 2},
        "marker": {"type": "circle", "size": 6, "fill": {"color": ACCENT}, "border": {"color": ACCENT}},
    }
    if any(sides):
        look["data_labels"] = {
            "value": True,
            "position": "above",
            "custom": labels,
            "font": {"bold": True, "color": RED},
        }
    chart.add_series(ranges.series(1, **look))
    for column, level, colour in ((2, "mean", "#5A686F"), (3, "upper", RED), (4, "lower", RED)):
        if limits and getattr(limits, level) is not None:
            line = {"color": colour, "width": 1, "dash_type": "round_dot" if level == "mean" else "dash"}
            chart.add_series(ranges.series(column, line=line, marker={"type": "none"}))
    chart.set_y_axis(
        {"num_format": _NUMBER_FORMATS[fmt], "major_gridlines": {"visible": True, "line": {"color": "#E3E8EA"}}}
    )
    chart.set_legend({"position": "bottom"})
    return chart


def _pareto(book: Workbook, spec: ChartSpec, ranges: _Ranges, rows: Rows) -> Any:
    chart = book.add_chart({"type": "column"})
    chart.add_series(ranges.series(1, fill={"color": ACCENT}, gap=45, data_labels={"value": True}))
    line = book.add_chart({"type": "line"})
    marker = {"type": "circle", "size": 5, "fill": {"color": AMBER}, "border": {"color": AMBER}}
    line.add_series(ranges.series(2, y2_axis=True, line={"color": AMBER, "width": 1.75}, marker=marker))
    line.set_y2_axis({"min": 0, "max": 1, "num_format": "0%"})
    chart.combine(line)
    chart.set_y_axis({"num_format": "#,##0", "major_gridlines": {"visible": True, "line": {"color": "#E3E8EA"}}})
    chart.set_legend({"position": "bottom"})
    return chart


def _shares(book: Workbook, spec: ChartSpec, ranges: _Ranges, rows: Rows) -> Any:
    chart = book.add_chart({"type": "bar"})
    chart.add_series(ranges.series(2, fill={"color": ACCENT}, gap=60, data_labels={"value": True}))
    chart.set_x_axis({"num_format": "0%", "min": 0, "major_gridlines": {"visible": False}})
    chart.set_y_axis({"reverse": True})  # first group on top, as in the report
    chart.set_legend({"none": True})
    return chart


def _satisfaction(book: Workbook, spec: ChartSpec, ranges: _Ranges, rows: Rows) -> Any:
    chart = book.add_chart({"type": "bar", "subtype": "percent_stacked"})
    for index, colour in zip(range(len(rows)), (ACCENT, PALE, RED, GREY), strict=False):
        chart.add_series(ranges.part(index, fill={"color": colour}, gap=80, data_labels={"value": True}))
    chart.set_x_axis({"num_format": "0%", "major_gridlines": {"visible": False}})
    chart.set_y_axis({"visible": False})
    chart.set_legend({"position": "bottom"})
    return chart


def _before_after(book: Workbook, spec: ChartSpec, ranges: _Ranges, rows: Rows) -> Any:
    chart = book.add_chart({"type": "column"})
    colours = [{"fill": {"color": GREY if index < spec.data["cut"] else ACCENT}} for index in range(len(rows))]
    chart.add_series(ranges.series(1, points=colours, gap=60, data_labels={"value": True}))
    chart.set_y_axis({"visible": False, "major_gridlines": {"visible": False}})
    chart.set_legend({"none": True})
    return chart


_DRAW = {
    "control": _control,
    "pareto": _pareto,
    "shares": _shares,
    "satisfaction": _satisfaction,
    "before_after": _before_after,
}

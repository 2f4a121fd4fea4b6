"""The figures of the report as XLSX: typed cells and native charts, for people who go on calculating (AN-19, AN-32)."""

import re
from collections.abc import Sequence
from datetime import UTC, date
from typing import Any

import xlsxwriter
from django.utils import translation
from django.utils.translation import gettext as _
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from analytics.charts.canvas import width_in_ems

from .snapshot import Cell, Column, ReportSnapshot, Section, Table
from .steps import OnStep, Target, sections_in_steps
from .wording import DAY, HEAT_FILLS, cell_text, facts, labels, section_numbers
from .xlsx_charts import add_chart

_NUMBER_FORMATS = {"int": "#,##0", "number": "#,##0", "percent": "0", "duration": "[h]:mm", "date": "yyyy-mm-dd"}
_DEFAULT_DIGITS = {"number": 1, "percent": 1}

# Excel: a sheet name has at most 31 characters and none of these.
_NOT_IN_SHEET_NAME = re.compile(r"[\[\]:*?/\\']")
_LONGEST_SHEET_NAME = 31

_NARROWEST, _WIDEST = 8.0, 48.0
# A column of sentences, and how many Chinese characters a line of it holds.
_WORDS, _EMS_OF_WORDS = 90, 43


def render_xlsx(snapshot: ReportSnapshot, path: Target, *, on_step: OnStep | None = None) -> None:
    """Write a summary sheet, one sheet per section with figures, and the definitions. Raises OSError.

    Texts stay texts: nothing that looks like a formula or an address becomes one.
    """
    options = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": False,
    }
    with translation.override(snapshot.language), xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties(
            {
                "title": snapshot.title,
                "subject": snapshot.subtitle,
                "author": snapshot.organisation,
                "created": snapshot.generated_at.astimezone(UTC).replace(tzinfo=None),
            }
        )
        _Writer(book, snapshot).write(on_step)


class _Writer:
    """Writes one workbook; keeps the formats, which XlsxWriter wants made once."""

    def __init__(self, book: Workbook, snapshot: ReportSnapshot) -> None:
        self.book, self.snapshot = book, snapshot
        self.words = labels(snapshot)
        self.numbers = section_numbers(snapshot.sections, snapshot.language)
        self.names: list[str] = []
        self.title = book.add_format({"bold": True, "font_size": 16})
        self.heading = book.add_format({"bold": True, "font_size": 12})
        self.caption = book.add_format({"bold": True})
        self.head = book.add_format(
            {"bold": True, "bottom": 1, "top": 2, "text_wrap": True, "valign": "top", "bg_color": "#F5F7F7"}
        )
        self.link = book.add_format({"font_color": "#0B586E", "underline": 1, "valign": "top"})
        self.text = book.add_format({"text_wrap": True, "valign": "top"})
        self.grey = book.add_format({"font_color": "#5A686F", "text_wrap": True, "valign": "top"})
        self._cells: dict[str, Format] = {}

    def write(self, on_step: OnStep | None) -> None:
        summary = self._sheet(self.words["summary"])
        links: list[tuple[str, str, str]] = []
        figures = tables = 0
        for index, section in sections_in_steps(self.snapshot, on_step):
            heading = self.numbers[index] + section.heading
            name = ""
            if section.tables or section.charts:
                sheet = self._sheet(heading)
                name = sheet.get_name()
                self._section(sheet, heading, section, figures, tables)
                figures, tables = figures + len(section.charts), tables + len(section.tables)
            findings = [chart.finding for chart in section.charts if chart.finding]
            links.append((name, heading, "\n".join(findings or section.paragraphs[:1])))
        self._summary(summary, links)
        if self.snapshot.definitions:
            self._definitions()

    def _sheet(self, wanted: str) -> Worksheet:
        """Add a sheet under a legal, unused name."""
        base = _cut(_NOT_IN_SHEET_NAME.sub(" ", wanted).strip(), _LONGEST_SHEET_NAME) or self.words["table"]
        name, count = base, 1
        while name.lower() in self.names or name.lower() == "history":  # Excel keeps "History" for itself
            count += 1
            name = f"{_cut(base, _LONGEST_SHEET_NAME - len(str(count)) - 1)} {count}"
        self.names.append(name.lower())
        sheet: Worksheet = self.book.add_worksheet(name)
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        sheet.set_footer("&C&P / &N")
        return sheet

    def _summary(self, sheet: Worksheet, links: Sequence[tuple[str, str, str]]) -> None:
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 1, _WORDS)
        sheet.write_string(0, 0, self.snapshot.title, self.title)
        sheet.write_string(1, 0, self.snapshot.subtitle, self.grey)
        row = 3
        for name, words in [
            (self.words["organisation"], self.snapshot.organisation),
            *facts(self.snapshot, self.words),
        ]:
            sheet.write_string(row, 0, name, self.grey)
            sheet.write_string(row, 1, words, self.text)
            row += 1
        row += 1
        for line in self.snapshot.summary:
            sheet.merge_range(row, 0, row, 1, "", self.text)
            sheet.write_string(row, 0, line, self.text)
            sheet.set_row(row, 15 * max(1, -(-int(width_in_ems(line)) // 60)))
            row += 1
        row += 1
        sheet.write_string(row, 0, self.words["contents"], self.head)
        sheet.write_string(row, 1, _("Findings"), self.head)
        for name, heading, finding in links:
            row += 1
            if name:
                sheet.write_url(row, 0, f"internal:'{name}'!A1", self.link, heading)
            else:
                sheet.write_string(row, 0, heading, self.text)
            sheet.write_string(row, 1, finding, self.text)
            _fit(sheet, row, finding)

    def _section(self, sheet: Worksheet, heading: str, section: Section, figures: int, tables: int) -> None:
        sheet.write_string(0, 0, heading, self.heading)
        widths: dict[int, float] = {}
        row = 2
        for index, table in enumerate(section.tables):
            caption = f"{self.words['table']} {tables + index + 1}  {table.caption}"
            sheet.write_string(row, 0, caption, self.caption)
            row = self._table(sheet, row + 1, table, widths)
            if table.note:
                sheet.write_string(row, 0, table.note, self.book.add_format({"font_color": "#5A686F"}))
            row += 2
        for column, width in widths.items():
            sheet.set_column(column, column, width)
        if len(section.tables) == 1:
            sheet.freeze_panes(4, 1)
            sheet.repeat_rows(3)
        elif section.tables:
            sheet.freeze_panes(1, 0)

        left = max((len(table.columns) for table in section.tables), default=-1) + 1
        sheet.set_column(left, left, 14)
        top = 2
        for index, chart in enumerate(section.charts):
            caption = f"{self.words['figure']} {figures + index + 1}  {chart.title}"
            top = add_chart(self.book, sheet, chart, caption, top, left, head=self.head, caption_format=self.caption)

    def _table(self, sheet: Worksheet, top: int, table: Table, widths: dict[int, float]) -> int:
        """Write head and rows from `top`; return the first row below."""
        for x, column in enumerate(table.columns):
            sheet.write_string(top, x, column.name, self.head)
            longest = max((width_in_ems(cell_text(column, row[x])) for row in table.rows), default=0)
            wanted = 2 * max(width_in_ems(column.name), longest) + 2
            widths[x] = max(widths.get(x, _NARROWEST), min(wanted, _WIDEST))
            for y, row in enumerate(table.rows):
                self._cell(sheet, top + 1 + y, x, column, row[x])
            if column.graded and table.rows:
                scale = {"type": "2_color_scale", "min_color": HEAT_FILLS[0], "max_color": HEAT_FILLS[-1]}
                sheet.conditional_format(top + 1, x, top + len(table.rows), x, scale)
        return top + 1 + len(table.rows)

    def _cell(self, sheet: Worksheet, row: int, x: int, column: Column, value: Cell) -> None:
        look = self._format(column)
        if value is None:
            sheet.write_blank(row, x, None, look)
        elif column.type == "date":
            sheet.write_datetime(row, x, date.fromisoformat(str(value)), look)
        elif isinstance(value, str):
            sheet.write_string(row, x, value, look)
        else:
            # Excel counts time in days.
            sheet.write_number(row, x, value / DAY if column.type == "duration" else value, look)

    def _format(self, column: Column) -> Format:
        digits = column.digits if column.digits is not None else _DEFAULT_DIGITS.get(column.type, 0)
        pattern = _NUMBER_FORMATS.get(column.type, "")
        if digits and column.type in ("int", "number", "percent"):
            pattern += "." + "0" * digits
        if column.type == "percent":
            pattern += "%"
        if pattern not in self._cells:
            look: dict[str, Any] = {"valign": "top", "bottom": 4, "bottom_color": "#CDD5D8"}
            self._cells[pattern] = self.book.add_format(
                {**look, "num_format": pattern} if pattern else {**look, "text_wrap": True}
            )
        return self._cells[pattern]

    def _definitions(self) -> None:
        sheet = self._sheet(self.words["definitions"])
        sheet.set_column(0, 0, 28)
        sheet.set_column(1, 1, _WORDS)
        sheet.write_string(0, 0, self.words["definition_figure"], self.head)
        sheet.write_string(0, 1, self.words["definition"], self.head)
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        for row, entry in enumerate(self.snapshot.definitions, start=1):
            sheet.write_string(row, 0, entry.figure, self.text)
            sheet.write_string(row, 1, entry.definition, self.text)
            _fit(sheet, row, entry.definition)


def _fit(sheet: Worksheet, row: int, words: str) -> None:
    """Make a row as high as the words of its wide column need; not every program does so by itself."""
    lines = sum(max(1, -(-int(width_in_ems(line)) // _EMS_OF_WORDS)) for line in words.splitlines())
    sheet.set_row(row, 15 * max(1, lines))


def _cut(words: str, units: int) -> str:
    """Shorten to a number of UTF-16 units, the measure Excel uses, without splitting a character."""
    return words.encode("utf-16-le")[: units * 2].decode("utf-16-le", errors="ignore").rstrip()

"""Tables as files to download: nothing in them is a formula for any spreadsheet program (EX-01, EX-05)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import FileResponse, HttpResponseBase, StreamingHttpResponse

Line = Sequence[Any]
FORMATS = ("csv", "xlsx")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# A cell that begins like this is computed by spreadsheet programs, in full width and after blanks too.
_FORMULA = re.compile(r"[\s\u3000]*[=+\-@＝＋－＠\t\r]")
_NUMBER = re.compile(r"-?\d{1,15}(\.\d+)?", re.ASCII)


def safe_cell(value: Any) -> Any:
    """A text that no spreadsheet program takes for a formula; real numbers stay as they are."""
    if not isinstance(value, str) or _NUMBER.fullmatch(value) or not _FORMULA.match(value):
        return value
    return "'" + value


class _Line:
    """A file that hands each written line back."""

    def write(self, line: str) -> str:
        return line


def csv_lines(heading: Line, rows: Iterable[Line]) -> Iterator[str]:
    """The lines of a CSV; a mark at the beginning tells spreadsheet programs that it is UTF-8."""
    writer = csv.writer(_Line())
    yield "\ufeff" + writer.writerow(heading)
    for row in rows:
        yield writer.writerow([safe_cell(value) for value in row])


def xlsx_file(heading: Line, rows: Iterable[Line]) -> io.BytesIO:
    """A workbook with one sheet; texts stay texts, row by row, so that its size in memory is its size as a file."""
    import xlsxwriter  # only downloads need it; loading it takes time at every start

    out = io.BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        sheet = book.add_worksheet()
        for line, row in enumerate([heading, *rows]):
            for column, value in enumerate(row):
                if isinstance(value, (int, float)):
                    sheet.write_number(line, column, value)
                else:
                    sheet.write_string(line, column, str(value))
    out.seek(0)
    return out


def download(name: str, format: str, heading: Line, rows: Iterable[Line]) -> HttpResponseBase:
    """The table as a download called `name`, which holds nothing about a person."""
    response: HttpResponseBase
    if format == "csv":
        response = StreamingHttpResponse(csv_lines(heading, rows), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    else:
        response = FileResponse(xlsx_file(heading, rows), as_attachment=True, filename=f"{name}.xlsx")
        response["Content-Type"] = XLSX
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response

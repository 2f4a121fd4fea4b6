"""Read a CSV or XLSX file as rows of cells, whatever spreadsheet program wrote it (FI-N).

CSV may be UTF-8 with or without a mark, UTF-16 with one, or GB18030; separated by commas, semicolons
or tabs. Nothing is computed: a formula in a CSV is text, in an XLSX the value the program stored.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import os
import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

from django.utils.translation import gettext as _
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from accounts.errors import InvalidInput
from complaints import file_types

Cell = str | float | int | bool | datetime | date | time | timedelta | None
Row = tuple[int, Sequence[Cell]]

MAX_COLUMNS = 100
MAX_FIELD = 1_000_000
# A small archive can unpack to any size; it is refused by the sizes it declares.
MAX_UNPACKED = 300 * 1024 * 1024
MAX_PARTS = 10_000
MAX_ROWS = 300_000
# A sheet is read as one rectangle, so a single cell far outside costs as much as everything up to it.
MAX_CELLS = 10_000_000
_PLACE = re.compile(rb"""<(?:\w+:)?(c|row)\s(?:[^>]*?\s)?r\s*=\s*["']([A-Za-z]*)(\d{1,9})["']""")
_LONGEST_TAG = 4096


def refuse(message: str, **params: object) -> InvalidInput:
    """What is wrong with the file as a whole."""
    return InvalidInput("file", message, **params)


def too_long() -> InvalidInput:
    """The refusal of a table with more rows than one transaction should hold."""
    return refuse(_("The file has more than %(limit)s rows; split it."), limit=MAX_ROWS)


class TableFile:
    """A file that can be read several times. Row numbers are those a spreadsheet program shows."""

    def __init__(self, path: Path, *, sheet: str = "") -> None:
        self.path = path
        # How much of the file `rows` has read so far, from 0 to 1.
        self.position = 0.0
        if not path.is_file():
            raise refuse(_("There is no file %(path)s; check the name."), path=path)
        start = _first_bytes(path)
        self.is_workbook = start.startswith(b"PK\x03\x04")
        if start.startswith(b"\xd0\xcf\x11\xe0"):
            raise refuse(_("This is an old or encrypted Excel file; save it as XLSX without a password and try again."))
        if not start:
            raise refuse(_("The file is empty."))
        if self.is_workbook:
            workbook = _workbook(path)
            self.sheet_names = list(workbook.sheet_names)
            self._sheet = _worksheet(workbook, sheet)
            self._height = self._sheet.end[0] + 1 if self._sheet.end else 1
            # Rows below the first one of cells merged over several rows: what they show stands above.
            self.merged_rows = {
                row + 1
                for (first, _left), (last, _right) in self._sheet.merged_cell_ranges or ()
                for row in range(first + 1, min(last + 1, self._height))
            }
        else:
            self.sheet_names, self.merged_rows = [], set()
            if sheet:
                raise refuse(_("A CSV file has no sheets; leave the sheet out."))
            self.encoding = _encoding(path)

    def fingerprint(self) -> str:
        """SHA-256 of the file's bytes."""
        digest = hashlib.sha256()
        with self.path.open("rb") as source:
            while block := source.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()

    def rows(self) -> Iterator[Row]:
        """Every row that holds something, with its number. Raises InvalidInput for a broken file."""
        rows = self._workbook_rows() if self.is_workbook else self._csv_rows()
        for number, cells in rows:
            if any(cells) or any(cell not in (None, "") for cell in cells):  # quick, then exact: 0 is something
                yield number, cells

    def _workbook_rows(self) -> Iterator[Row]:
        for number, cells in enumerate(self._sheet.iter_rows(), start=1):
            self.position = number / self._height
            yield number, cells

    def _csv_rows(self) -> Iterator[Row]:
        previous = csv.field_size_limit(MAX_FIELD)
        number, size = 0, os.path.getsize(self.path)
        try:
            with self.path.open("rb") as plain, io.TextIOWrapper(plain, self.encoding, newline="") as source:
                for number, cells in enumerate(csv.reader(source, delimiter=self._delimiter()), start=1):
                    if number % 100 == 0:
                        self.position = plain.tell() / size
                    if number > MAX_ROWS:
                        raise too_long()
                    yield number, cells
        except csv.Error as error:
            raise refuse(_("Row %(row)s cannot be read: %(error)s"), row=number + 1, error=error) from error
        finally:
            csv.field_size_limit(previous)

    def _delimiter(self) -> str:
        with self.path.open(encoding=self.encoding, newline="") as source:
            line = source.readline(MAX_FIELD)
        return max(",\t;", key=line.count)


def _first_bytes(path: Path, count: int = 8) -> bytes:
    with path.open("rb") as source:
        return source.read(count)


def _encoding(path: Path) -> str:
    """The encoding of a text file, tried over the whole file."""
    start = _first_bytes(path, 4096)
    low, high = start[::2].count(0), start[1::2].count(0)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates = ["utf-16"]
    elif low or high:  # commas and line ends of UTF-16 have a zero byte each
        candidates = ["utf-8-sig", "utf-16-le" if high > low else "utf-16-be"]
    else:
        candidates = ["utf-8-sig", "gb18030"]
    for encoding in candidates:
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            with path.open("rb") as source:
                while block := source.read(1 << 20):
                    decoder.decode(block)
                decoder.decode(b"", final=True)
        except UnicodeError:
            continue
        # A program or a picture decodes as something, too; headings have no zero characters.
        if "\x00" not in start.decode(encoding, "ignore").partition("\n")[0]:
            return encoding
    raise refuse(_("The text cannot be read as UTF-8, UTF-16 or GB18030; save the file as “CSV UTF-8” and try again."))


def _workbook(path: Path) -> CalamineWorkbook:
    """Opened after a look at what it says about its size: reading it whole must not exhaust the memory."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if "xl/workbook.xml" not in archive.namelist():
                raise refuse(_("This is no XLSX file; save the table as XLSX or “CSV UTF-8” and try again."))
            if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
                raise refuse(_("The workbook is too large to read; split it or save it as CSV."))
            for part in parts:
                _check_part(archive, part)
        with path.open("rb") as content:
            return CalamineWorkbook.from_filelike(content)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, CalamineError) as error:
        raise refuse(_("The file is damaged: it cannot be opened as XLSX. Save it again and try once more.")) from error


def _check_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Unpack a part once, piece by piece: it is as large as it says (else BadZipFile), its cells stay together."""
    is_text = part.filename.endswith((".xml", ".rels"))
    is_sheet = is_text and part.filename.startswith("xl/worksheets/")
    rows = columns = 0
    kept = b""
    with archive.open(part) as content:
        while block := content.read(1 << 20):
            if not is_text:
                continue
            text = kept + block
            if any(declaration in text for declaration in file_types.DECLARATIONS):
                raise refuse(_("The file is damaged: it cannot be opened as XLSX. Save it again and try once more."))
            kept = text[-_LONGEST_TAG:]
            if not is_sheet:
                continue
            for kind, letters, digits in _PLACE.findall(text):
                rows = max(rows, int(digits))
                if kind == b"c":
                    columns = max(columns, _column(letters))
    if rows > MAX_ROWS:
        raise too_long()
    if rows * columns > MAX_CELLS:
        message = _("A sheet has cells far outside its table, in column %(column)s; delete what stands there.")
        raise refuse(message, column=columns)


def _column(letters: bytes) -> int:
    """The number of a column: A is 1, XFD 16384."""
    number = 0
    for letter in letters.upper()[:3]:
        number = number * 26 + letter - 64
    return number


def _worksheet(workbook: CalamineWorkbook, name: str) -> CalamineSheet:
    if name and name not in workbook.sheet_names:
        raise refuse(
            _("There is no sheet “%(name)s”; the file has: %(sheets)s."),
            name=name,
            sheets="、".join(workbook.sheet_names),
        )
    try:
        return workbook.get_sheet_by_name(name or workbook.sheet_names[0])
    except (CalamineError, IndexError) as error:
        raise refuse(_("The file is damaged: it cannot be opened as XLSX. Save it again and try once more.")) from error

"""Read a CSV or XLSX file as rows of cells, whatever spreadsheet program wrote it (FI-N).

CSV may be UTF-8 with or without a mark, UTF-16 with one, or GB18030; separated by commas, semicolons
or tabs. Nothing is computed: a formula in a CSV is text, in an XLSX the value the program stored.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

from django.utils.translation import gettext as _
from python_calamine import CalamineError, CalamineWorkbook

from accounts.errors import InvalidInput

Cell = str | float | int | bool | datetime | date | time | timedelta | None
Row = tuple[int, list[Cell]]

MAX_COLUMNS = 100
MAX_FIELD = 1_000_000
# A small archive can unpack to any size; it is refused by the sizes it declares.
MAX_UNPACKED = 300 * 1024 * 1024
MAX_PARTS = 10_000


def refuse(message: str, **params: object) -> InvalidInput:
    """What is wrong with the file as a whole."""
    return InvalidInput("file", message, **params)


class TableFile:
    """A file that can be read several times. Row numbers are those a spreadsheet program shows."""

    def __init__(self, path: Path, *, sheet: str = "") -> None:
        self.path = path
        if not path.is_file():
            raise refuse(_("There is no file %(path)s; check the name."), path=path)
        start = _first_bytes(path)
        self.is_workbook = start.startswith(b"PK\x03\x04")
        if start.startswith(b"\xd0\xcf\x11\xe0"):
            raise refuse(_("This is an old or encrypted Excel file; save it as XLSX without a password and try again."))
        if not start:
            raise refuse(_("The file is empty."))
        if self.is_workbook:
            self._sheet = _worksheet(path, sheet)
        else:
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
            if any(cell not in (None, "") for cell in cells):
                yield number, cells

    def _workbook_rows(self) -> Iterator[Row]:
        yield from enumerate(self._sheet.iter_rows(), start=1)

    def _csv_rows(self) -> Iterator[Row]:
        previous = csv.field_size_limit(MAX_FIELD)
        number = 0
        try:
            with self.path.open(encoding=self.encoding, newline="") as source:
                for number, cells in enumerate(csv.reader(source, delimiter=self._delimiter()), start=1):
                    yield number, list(cells)
        except csv.Error as error:
            raise refuse(_("Row %(row)s cannot be read: %(error)s"), row=number + 1, error=error) from error
        finally:
            csv.field_size_limit(previous)

    def _delimiter(self) -> str:
        with self.path.open(encoding=self.encoding, newline="") as source:
            line = source.readline(MAX_FIELD)
        return max(",\t;", key=line.count)


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as source:
        return source.read(8)


def _encoding(path: Path) -> str:
    """The encoding of a text file, tried over the whole file."""
    start = _first_bytes(path)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates = ["utf-16"]
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
        return encoding
    raise refuse(_("The text cannot be read as UTF-8, UTF-16 or GB18030; save the file as “CSV UTF-8” and try again."))


def _worksheet(path: Path, name: str):
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except zipfile.BadZipFile as error:
        raise refuse(_("The file is damaged: it cannot be opened as XLSX. Save it again and try once more.")) from error
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise refuse(_("The workbook is too large to read; split it or save it as CSV."))
    try:
        workbook = CalamineWorkbook.from_path(str(path))
        if name and name not in workbook.sheet_names:
            raise refuse(
                _("There is no sheet “%(name)s”; the file has: %(sheets)s."),
                name=name,
                sheets="、".join(workbook.sheet_names),
            )
        return workbook.get_sheet_by_name(name or workbook.sheet_names[0])
    except (CalamineError, IndexError) as error:
        raise refuse(_("The file is damaged: it cannot be opened as XLSX. Save it again and try once more.")) from error

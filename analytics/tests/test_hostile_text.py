"""PI-09 and EX-01 in figures and reports: what the public typed is text in PDF, Word, XLSX and CSV."""

from __future__ import annotations

import csv
import dataclasses
import io
import zipfile

import openpyxl
import pytest

from analytics.documents.docx import render_docx
from analytics.documents.pdf import render_pdf
from analytics.documents.snapshot import Column, Section, Table
from analytics.documents.xlsx import render_xlsx
from analytics.registry import SMALL
from analytics.tests.test_documents import make_snapshot
from complaints.table_files import safe_cell
from complaints.tests.factories import registered
from complaints.tests.test_hostile_text import PAYLOADS, shown, text_of_pdf, xml_that_became_markup

BEHIND = "/desk/figures/behind/received/"


@pytest.mark.django_db
@pytest.mark.urls("config.urls")
@pytest.mark.parametrize("payload", [text for text in PAYLOADS if text[0] in '=@<"{'][::4] + PAYLOADS[-5:])
def test_pi_09_a_typed_product_is_text_in_the_files_of_the_cases(client, cast, payload):
    """Named because enough cases have it; no spreadsheet program computes it, follows it or loads anything."""
    for number in range(SMALL):
        registered("2026-11-20 09:00", phone=f"1390000{number:04}", email="", product=payload, outlet=payload)
    client.force_login(cast.coordinator)
    text = client.get(f"{BEHIND}csv/", {"period": "2026-11"}).getvalue().decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))[1:]
    assert [row.count(safe_cell(payload)) for row in rows] == [2] * SMALL
    assert not [cell for row in rows for cell in row if cell[:1] in ("=", "+", "-", "@")]
    content = client.get(f"{BEHIND}xlsx/", {"period": "2026-11"}).getvalue()
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    found = [cell for row in sheet.iter_rows(min_row=2) for cell in row if cell.value == payload]
    assert len(found) == 2 * SMALL
    assert {cell.data_type for cell in found} == {"s"}
    assert xml_that_became_markup(content) == []
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert not [name for name in archive.namelist() if b"External" in archive.read(name)]


def test_pi_09_a_report_that_quotes_them_holds_text_in_all_three_files(tmp_path):
    """Typical cases, additions by hand and names of groups, one paragraph, one point and one cell each."""
    cases = Section(
        "cases", "典型案例", tuple(PAYLOADS), tuple(PAYLOADS), (),
        (Table("产品", (Column("产品"), Column("件数", "int")), tuple((text, 5) for text in PAYLOADS)),),
    )  # fmt: skip
    snapshot = dataclasses.replace(make_snapshot(), sections=(cases,))
    for name, render in {"r.pdf": render_pdf, "r.docx": render_docx, "r.xlsx": render_xlsx}.items():
        render(snapshot, tmp_path / name)
    pdf = text_of_pdf((tmp_path / "r.pdf").read_bytes())
    assert [text for text in PAYLOADS if pdf.count("".join(text.split())) < 3] == []
    assert xml_that_became_markup((tmp_path / "r.docx").read_bytes()) == []
    assert xml_that_became_markup((tmp_path / "r.xlsx").read_bytes()) == []
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    cells = [cell for sheet in book for row in sheet for cell in row if cell.value is not None]
    assert not [cell for cell in cells if cell.data_type == "f"]
    values = [shown(str(cell.value)) for cell in cells]
    assert [text for text in PAYLOADS if shown(text) not in values] == []

"""Files that are wrong, hostile or cut off: refused with a place, or stored whole (EX-06, EX-07, EX-08, FL-05)."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
import xlsxwriter
from django.conf import settings
from django.db import connection

from accounts.errors import InvalidInput
from complaints import events, imports
from complaints.import_files import MAX_ROWS, TableFile
from complaints.import_rows import inspect
from complaints.models import Complaint, ImportBatch, ImportState, NumberCounter, StoredFile
from complaints.states import Status
from complaints.tests.factories import at
from complaints.tests.import_page import NOW, URL, checked, csv_bytes, imported, line, upload
from tests.services import ROOT, celery_worker, django_environment, wait_for


@pytest.fixture
def desk(client, cast):
    client.force_login(cast.intake)
    return client


def write(path: Path, rows: list[dict[str, str]], **options) -> Path:
    path.write_bytes(csv_bytes(rows, **options))
    return path


def workbook(fill, *, name: str = "台账") -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet(name)
        sheet.write_row(0, 0, ["编号", "主题", "收到时间", "内容"])
        fill(book, sheet)
    return out.getvalue()


def faults(batch: ImportBatch) -> list[tuple[int, str]]:
    return [(error["row"], error["field"]) for error in batch.errors]


# --- Many faults -----------------------------------------------------------------------------
def test_ten_thousand_broken_rows_are_refused_with_their_places(desk, tmp_path):
    """EX-06: every row is named, the list is bounded, nothing is stored."""
    path = write(tmp_path / "a.csv", [line(str(n), 投诉时间="昨天", 内容="") for n in range(10_200)])
    report = imports.run(path, by=None, at=NOW)
    assert (report.rows, len(report.errors), report.more_errors, report.created) == (10_200, 10_000, 10_400, 0)
    assert report.errors[0]["row"] == 2
    assert not Complaint.objects.exists()
    assert not NumberCounter.objects.exists()


# --- Encodings ---------------------------------------------------------------------------------
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
def test_every_usual_encoding_is_recognised(desk, encoding):
    """EX-06: UTF-16 also without a mark."""
    batch = checked(desk, csv_bytes([line("1", 主题="㛃姐投诉：停车费")], encoding=encoding))
    assert (batch.errors, batch.options["first"][0]["subject"]) == ([], "㛃姐投诉：停车费")


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\xff", b"\x80\x81\xff\xff\xff", b"", b"PK\x03\x04 broken", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\n\n"],
    ids=["half UTF-16", "no text", "empty", "damaged XLSX", "old XLS", "blank lines"],
)
def test_what_cannot_be_read_is_refused_at_the_file_and_not_kept(desk, content):
    answer = upload(desk, content)
    if answer.status_code == 302:  # readable, but without a row: said where the columns would be chosen
        assert desk.get(answer["Location"], follow=True).redirect_chain[0][0] == URL
        return
    assert (answer.status_code, set(answer.context["form"].errors)) == (422, {"file"})
    assert not ImportBatch.objects.exists()
    assert not StoredFile.objects.exists()


# --- Workbooks ---------------------------------------------------------------------------------
def test_merged_cells_are_named(desk):
    """EX-06: what stands above is not guessed into the rows below."""

    def fill(book, sheet):
        sheet.merge_range(1, 0, 2, 0, "1")
        sheet.merge_range(1, 3, 2, 3, "停水一天")
        for row in (1, 2):
            sheet.write_row(row, 1, ["停水", "2026-11-16"])

    batch = checked(desk, workbook(fill))
    assert faults(batch) == [(3, "row"), (3, "narrative")]


def test_dates_as_numbers_are_read(desk):
    """EX-06: serial numbers, and dates written as one number."""

    def fill(book, sheet):
        values = (46342.5, 20261116, 202611160930, 20261116093015, datetime(2026, 11, 16, 9, 30))
        for row, value in enumerate(values, start=1):
            sheet.write_row(row, 0, [f"N{row}", "停水"])
            if isinstance(value, datetime):
                sheet.write_datetime(row, 2, value, book.add_format({"num_format": "yyyy-mm-dd hh:mm"}))
            else:
                sheet.write_number(row, 2, value)
            sheet.write_string(row, 3, f"停水一天 {row}")

    imported(desk, workbook(fill))
    assert list(Complaint.objects.order_by("pk").values_list("received_at", flat=True)) == [
        at("2026-11-16 12:00"),
        at("2026-11-16 00:00"),
        at("2026-11-16 09:30"),
        at("2026-11-16 09:30:15"),
        at("2026-11-16 09:30"),
    ]


def test_a_number_kept_as_a_number_has_lost_digits(desk):
    """EX-06: the 18 digits of an identity or order number, refused with row and field."""

    def fill(book, sheet):
        sheet.write_number(1, 0, 110101199003071234)
        sheet.write_row(1, 1, ["停水", "2026-11-16", "停水一天"])

    assert faults(checked(desk, workbook(fill))) == [(2, "external_number")]


def test_numbers_that_were_written_out_after_losing_digits_are_recognised(desk):
    """EX-06: a column whose long numbers all end in zeros after the 15th digit; one such number may be right."""
    lost = ["110101199003071000", "110101199003072000"]
    assert faults(checked(desk, [line(number) for number in lost])) == [(2, "external_number"), (3, "external_number")]
    assert faults(checked(desk, [line("110101199003071000")])) == []
    assert faults(checked(desk, [line(lost[0]), line(lost[1]), line("110101199003071234")])) == []


def test_a_formula_is_its_text_or_its_stored_value(desk):
    """EX-01: nothing is computed here."""

    def fill(book, sheet):
        sheet.write_row(1, 0, ["1", "停水", "2026-11-16"])
        sheet.write_formula(1, 3, '=HYPERLINK("http://evil.example")', value="点我")

    imported(desk, workbook(fill))
    assert Complaint.objects.get().narrative == "点我"
    batch = imported(desk, [line("2", 内容='=cmd|" /C calc"!A0')])
    assert batch.complaints.get().narrative == '=cmd|" /C calc"!A0'


def test_a_cell_far_outside_is_refused_before_the_memory_is_gone(desk):
    """FL-05: a small file may not ask for a rectangle of 17 thousand million cells."""
    answer = upload(desk, workbook(lambda book, sheet: sheet.write_string(MAX_ROWS - 1, 16383, "x")))
    assert (answer.status_code, set(answer.context["form"].errors)) == (422, {"file"})
    assert "16384" in str(answer.context["form"].errors["file"])


def test_a_table_longer_than_one_import_is_refused(desk):
    answer = upload(desk, workbook(lambda book, sheet: sheet.write_string(MAX_ROWS, 0, "x")))
    assert set(answer.context["form"].errors) == {"file"}


def test_a_workbook_that_lies_about_its_size_is_refused(tmp_path):
    """FL-05: a part that unpacks into more than it says."""
    content = bytearray(workbook(lambda book, sheet: sheet.write_string(1, 0, "x" * 30_000)))
    name = b"xl/sharedStrings.xml"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = archive.getinfo(name.decode()).file_size
    for place in range(len(content)):
        if content[place : place + len(name)] == name:  # in the local header and in the directory
            for back in (place - 8, place - 22):
                if content[back : back + 4] == size.to_bytes(4, "little"):
                    content[back : back + 4] = (10).to_bytes(4, "little")
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    with pytest.raises(InvalidInput):
        TableFile(path)


@pytest.mark.parametrize("part", ["xl/sharedStrings.xml", "xl/worksheets/sheet1.xml", "xl/_rels/workbook.xml.rels"])
@pytest.mark.parametrize("before", ["", " " * 5000], ids=["first", "later"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_fl_04_a_workbook_with_entities_that_grow_is_refused_and_not_kept(desk, part, before, encoding):
    """FL-04: a thousand million words out of ten definitions, in any part, whatever stands before them."""
    steps = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<?xml version="1.0"?>{before}<!DOCTYPE x [<!ENTITY a0 "ha">{steps}]><x>&a9;</x>'
    out = io.BytesIO()
    plain = io.BytesIO(workbook(lambda book, sheet: sheet.write_row(1, 0, ["1"])))
    with zipfile.ZipFile(plain) as whole, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in whole.namelist():
            archive.writestr(name, bomb.encode(encoding) if name == part else whole.read(name))
    answer = upload(desk, out.getvalue())
    assert (answer.status_code, set(answer.context["form"].errors)) == (422, {"file"})
    assert not ImportBatch.objects.exists()
    assert not StoredFile.objects.exists()


def test_fl_04_a_text_that_looks_like_a_declaration_is_a_text(desk):
    batch = checked(desk, workbook(lambda book, sheet: sheet.write_row(1, 0, ["1", "<!DOCTYPE x>", "2026-11-16", "a"])))
    assert (batch.rows, batch.errors) == (1, [])


def test_an_archive_that_is_no_workbook_is_refused(desk):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("content.xml", "<x/>")
    assert set(upload(desk, out.getvalue()).context["form"].errors) == {"file"}


def test_a_workbook_may_have_a_thousand_empty_columns(tmp_path):
    path = tmp_path / "a.xlsx"
    path.write_bytes(workbook(lambda book, sheet: sheet.write_string(1, 999, "x")))
    header, found = inspect(list(TableFile(path).rows()))
    assert (header, len(found)) == (1, 4)


# --- What an import never sets (EX-08) --------------------------------------------------------------
def test_columns_about_state_owner_and_publication_are_left_out(desk, cast):
    columns = {
        "status": "closed", "状态": "已归档", "handler": "W001", "承办人": "W001", "published": "yes", "is_valid": "1",
        "risk_grade": "high", "number": "HY-20990101-0001", "id": "1", "version": "9", "access_code_hash": "x",
    }  # fmt: skip
    batch = imported(desk, [line("1") | columns])
    case = batch.complaints.get()
    assert (case.status, case.handler, case.is_valid, case.risk_grade) == (Status.REGISTERED, None, None, "ordinary")
    assert (case.number, case.version, case.access_code_hash) == ("HY-20261116-0001", 1, "")


# --- Cut off in the middle (EX-07) -------------------------------------------------------------------
KILLED = """
import os, signal, sys
import django
django.setup()
from pathlib import Path
from complaints import imports

def die(rows, part):
    if rows >= 200:
        os.kill(os.getpid(), signal.SIGKILL)

imports.CHUNK = 100
imports.run(Path(sys.argv[1]), by=None, progress=die)
"""


@pytest.fixture
def environment():
    """A process of its own on this test's database, files and queue."""
    database = connection.settings_dict
    url = f"sqlite:///{database['NAME']}"
    if connection.vendor == "postgresql":
        url = f"postgres://{database['USER']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    return django_environment(
        settings.DATA_DIR,
        DATABASE_URL=url,
        SECRET_KEY=settings.SECRET_KEY,
        HUIYIN_FIELD_KEYS=",".join(settings.FIELD_KEYS),
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_a_killed_import_leaves_nothing_and_the_next_one_makes_every_case_once(
    tmp_path, environment, settings, monkeypatch
):
    """EX-07: a real process is killed while it stores; the second run is complete, the third makes nothing."""
    monkeypatch.setattr(imports, "CHUNK", 100)
    path = write(tmp_path / "a.csv", [line(str(n)) for n in range(210)])
    killed = subprocess.run([sys.executable, "-c", KILLED, path], cwd=ROOT, env=environment, timeout=120)
    assert killed.returncode == -9
    assert (Complaint.objects.count(), ImportBatch.objects.count(), NumberCounter.objects.count()) == (0, 0, 0)
    assert imports.run(path, by=None, at=NOW).created == 210
    assert imports.run(path, by=None, at=NOW).created == 0
    assert Complaint.objects.count() == 210
    assert Complaint.objects.order_by("-pk").first().number == "HY-20261116-0210"
    settings.DATA_DIR = tmp_path  # anchors of other tests' databases lie in the folder of this run
    assert events.verify() == (420, None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_a_worker_imports_what_was_asked_for_before_it_started(client, cast, environment):
    """EX-07, JT-03: page, queue and a real worker, for the import and for taking it back."""
    client.force_login(cast.intake)
    batch = checked(client, [line(str(n)) for n in range(40)])
    client.post(f"{URL}{batch.pk}/start/")
    with celery_worker(environment):
        wait_for(lambda: ImportBatch.objects.get().state == ImportState.DONE, "the import", seconds=60)
        assert Complaint.objects.count() == 40
        client.post(f"{URL}{batch.pk}/undo/", {"reason": "导错了文件"})
        wait_for(lambda: ImportBatch.objects.get().state == ImportState.UNDONE, "the undoing", seconds=60)
    assert set(Complaint.objects.values_list("status", flat=True)) == {Status.WITHDRAWN}

"""Importing a file at the desk: columns, preview, job, row report (IN-13, EX-01, EX-06…08)."""

from __future__ import annotations

import io
from datetime import timedelta

import openpyxl
import pytest
import xlsxwriter
from django.utils import timezone, translation

from complaints import files, import_jobs, jobs
from complaints.models import Complaint, ImportBatch, ImportSource, ImportState, StoredFile
from complaints.states import Channel
from complaints.tests.import_page import NOW, URL, checked, columns_form, csv_bytes, imported, line, upload


@pytest.fixture
def desk(client, cast):
    client.force_login(cast.intake)
    return client


def page(client, batch: ImportBatch) -> str:
    answer = client.get(f"{URL}{batch.pk}/")
    assert answer.status_code == 200
    return answer.content.decode()


# --- Who gets in -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "path", ["", "1/", "1/columns/", "1/progress/", "1/start/", "1/discard/", "1/undo/", "1/rows.csv"]
)
def test_only_who_imports_gets_in(client, cast, path):
    assert client.get(URL + path).status_code == client.post(URL + path).status_code == 302
    client.force_login(cast.checker)
    assert client.get(URL + path).status_code == client.post(URL + path).status_code == 403
    client.force_login(cast.coordinator)
    assert client.get(URL + path).status_code in ((200,) if not path else (404, 405))


# --- Upload and columns --------------------------------------------------------------------------
def test_columns_are_guessed_from_their_headings(desk):
    upload(desk, csv_bytes([line() | {"状态": "已办结", "备注": "x"}]))
    batch = ImportBatch.objects.get()
    answer = desk.get(f"{URL}{batch.pk}/columns/")
    guessed = [(heading.name, heading.field) for heading in answer.context["form"].headings]
    assert guessed == [
        ("编号", "external_number"),
        ("姓名", "complainant_name"),
        ("电话", "complainant_phone"),
        ("主题", "subject"),
        ("投诉时间", "received_at"),
        ("内容", "narrative"),
        ("类别", "category"),
        ("答复内容", "reply"),
        ("答复时间", "replied_at"),
        ("状态", ""),
        ("备注", ""),
    ]
    assert answer.context["kept_out"] == ["状态"]  # EX-08: said, not silently dropped
    samples = [heading.samples for heading in answer.context["form"].headings]
    assert samples[:4] == [("1",), ("王**",), ("138****2417",), ("占道施工",)]  # COM-07


def test_whole_numbers_of_a_workbook_are_shown_as_they_stand_there(desk):
    """A register of visits: its day of entry is the time of receipt, 1280 is not shown as 1280.0."""
    book = openpyxl.Workbook()
    book.active.append(["登记日期", "主题", "内容", "涉及金额", "人数"])
    book.active.append(["2019/03/02", "暖气不热", "报修没有人来。", 1280, 3])
    out = io.BytesIO()
    book.save(out)
    answer = upload(desk, out.getvalue(), name="来访登记.xlsx")
    headings = {heading.name: heading for heading in desk.get(answer["Location"]).context["form"].headings}
    assert headings["登记日期"].field == "received_at"
    assert (headings["涉及金额"].samples, headings["人数"].samples) == (("1280",), ("3",))


def test_a_correction_of_the_columns_is_remembered_for_the_source(desk, cast):
    """The next file of the same source is read alike, sheet and channel too."""
    odd = {"甲": "停水", "乙": "停水一天没人管", "丙": "2026-11-16", "主题": "不是主题"}
    upload(desk, csv_bytes([odd]))
    batch = ImportBatch.objects.get()
    chosen = {"column_0": "subject", "column_1": "narrative", "column_2": "received_at", "column_3": ""}
    form = columns_form(desk, batch, **chosen, channel="phone", source="话务系统")
    assert desk.post(f"{URL}{batch.pk}/columns/", form).status_code == 302
    source = ImportSource.objects.get()
    assert (source.name, source.channel, source.changed_by) == ("话务系统", "phone", cast.intake)
    assert source.mapping == {"甲": "subject", "乙": "narrative", "丙": "received_at", "主题": ""}
    upload(desk, csv_bytes([odd, odd]), source=str(source.pk))
    second = ImportBatch.objects.latest("pk")
    again = columns_form(desk, second)
    assert {name: again[name] for name in chosen} == chosen
    assert (again["channel"], again["source"]) == ("phone", "话务系统")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"column_4": ""}, "__all__"),
        ({"column_5": ""}, "__all__"),
        ({"column_0": "subject"}, "column_3"),
        ({"column_0": "status"}, "column_0"),
        ({"column_0": "handler"}, "column_0"),
        ({"channel": "pigeon"}, "channel"),
    ],
)
def test_columns_that_cannot_be_are_refused(desk, changes, field):
    """EX-08: state, owner and publication are no choices, whoever writes the request."""
    upload(desk, csv_bytes([line()]))
    batch = ImportBatch.objects.get()
    answer = desk.post(f"{URL}{batch.pk}/columns/", columns_form(desk, batch, **changes))
    assert (answer.status_code, set(answer.context["form"].errors)) == (422, {field})
    batch.refresh_from_db()
    assert batch.options["phase"] == "columns"


def test_another_sheet_can_be_chosen(desk):
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        book.add_worksheet("说明").write_string(0, 0, "这是说明")
        sheet = book.add_worksheet("台账")
        sheet.write_row(0, 0, ["主题", "收到时间", "内容"])
        sheet.write_row(1, 0, ["停水", "2026-11-16", "停水一天"])
    upload(desk, out.getvalue(), name="a.xlsx")
    batch = ImportBatch.objects.get()
    answer = desk.get(f"{URL}{batch.pk}/columns/?sheet=台账")
    assert [heading.field for heading in answer.context["form"].headings] == ["subject", "received_at", "narrative"]
    form = {name: str(answer.context["form"][name].value() or "") for name in answer.context["form"].fields}
    assert desk.post(f"{URL}{batch.pk}/columns/?sheet=台账", form).status_code == 302
    batch.refresh_from_db()
    assert (batch.options["sheet"], batch.options["new"]) == ("台账", 1)
    assert desk.get(f"{URL}{batch.pk}/columns/?sheet=没有").status_code == 302


# --- Preview -----------------------------------------------------------------------------------
def test_in_13_what_happened_and_when_are_enough(desk):
    """A foreign table has no subjects: the case is named by the first words, and the guide says so."""
    batch = imported(desk, "事情经过,收到时间\n楼下烧烤店深夜噪声扰民。,2026-10-01 10:00\n".encode())
    assert batch.errors == []
    assert Complaint.objects.get().subject == "楼下烧烤店深夜噪声扰民。"


@pytest.mark.parametrize("content", [b"MZ\x90\x00" + bytes(600), "编号,内容\x00,时间\n1,x,2026\n".encode()])
def test_ex_06_what_is_no_text_is_refused_at_once(desk, content):
    answer = upload(desk, content)
    assert answer.status_code == 422
    assert "CSV UTF-8" in answer.content.decode()
    assert not ImportBatch.objects.exists()


def test_the_preview_counts_and_shows_what_rows_would_become(desk):
    """Persons are masked; nothing is stored."""
    imported(desk, [line("1")])
    rows = [line("1"), line("2"), line("3", 答复内容="已整改", 答复时间="2026-11-18", 类别="新类别"), line("2")]
    batch = checked(desk, rows)
    assert (batch.state, batch.rows, batch.duplicates, batch.options["new"]) == ("preview", 4, 2, 2)
    assert batch.options["categories"] == ["新类别"]
    first = desk.get(f"{URL}{batch.pk}/").context["first"]
    assert [(row["row"], row["is_answered"], row["name"], row["phone"]) for row in first] == [
        (3, False, "王**", "138****2417"),
        (4, True, "王**", "138****2417"),
    ]
    assert "王小明" not in page(desk, batch)
    assert Complaint.objects.count() == 1


def test_every_faulty_row_is_listed_with_field_and_mend(desk):
    """All or nothing: with one fault there is no button."""
    batch = checked(desk, [line("1"), line("2", 内容=""), line("3", 投诉时间="昨天", 电话="12")])
    answer = desk.get(f"{URL}{batch.pk}/")
    assert [(error["row"], error["field"]) for error in batch.errors] == [
        (3, "narrative"),
        (4, "received_at"),
        (4, "complainant_phone"),
    ]
    assert [fault.places for fault in answer.context["faults"]] == ["3", "4", "4"]
    assert all(error["message"] in answer.content.decode() for error in batch.errors)
    assert not answer.context["may_import"]
    desk.post(f"{URL}{batch.pk}/start/")
    batch.refresh_from_db()
    assert (batch.state, Complaint.objects.count()) == (ImportState.PREVIEW, 0)


def test_the_same_fault_in_many_rows_is_one_thing_to_mend(desk):
    """A column chosen wrongly is said once with its rows; the file can be given up."""
    rows = [line(str(n), 来源="Constituent Call") for n in range(4)]
    batch = checked(desk, [*rows, line("4"), line("5", 来源="Constituent Call")])
    answer = desk.get(f"{URL}{batch.pk}/")
    assert [fault.places for fault in answer.context["faults"]] == ["2–5、7"]
    assert (answer.context["error_count"], answer.context["error_shown"]) == (5, 5)
    assert answer.content.decode().count(batch.errors[0]["message"]) == 1
    assert f"{URL}{batch.pk}/discard/" in answer.content.decode()


def test_a_channel_is_known_by_its_code_and_its_name_in_each_language(desk):
    """Whatever language the reader has: the file is what it is."""
    desk.cookies["huiyin_language"] = "en"
    with translation.override("zh-hans"):
        written = ["phone", "Hotline", str(Channel.PHONE.label)]
    batch = checked(desk, [line(str(n), 来源=name) for n, name in enumerate(written)])
    assert (len(set(written)), batch.errors, batch.options["new"]) == (3, [], 3)


def test_a_large_file_is_checked_by_a_worker(desk):
    """The page shows the bar; the job fills in the figures; a second run finds nothing to do."""
    batch = checked(desk, [line(str(n), 内容="长" * 15_000) for n in range(6)])
    assert batch.options["phase"] == "checking"
    assert "hx-trigger" in page(desk, batch)
    assert desk.get(f"{URL}{batch.pk}/progress/").status_code == 200
    assert import_jobs.check(batch.pk, at=NOW)
    assert not import_jobs.check(batch.pk, at=NOW)
    over = desk.get(f"{URL}{batch.pk}/progress/")
    assert (over.status_code, over["HX-Refresh"]) == (286, "true")
    batch.refresh_from_db()
    assert (batch.rows, batch.options["new"]) == (6, 6)


# --- Import ------------------------------------------------------------------------------------
def test_the_rows_become_cases_and_the_file_is_removed(desk, cast):
    batch = checked(desk, [line("1"), line("2", 答复内容="已整改", 答复时间="2026-11-18")], channel="phone")
    stored = batch.file
    desk.post(f"{URL}{batch.pk}/start/")
    batch.refresh_from_db()
    assert (batch.state, batch.options["phase"]) == (ImportState.RUNNING, "storing")
    assert import_jobs.store(batch.pk, at=NOW)
    batch.refresh_from_db()
    assert (batch.state, batch.created, batch.done, batch.by) == (ImportState.DONE, 2, 2, cast.intake)
    assert set(batch.complaints.values_list("status", "channel")) == {("registered", "phone"), ("closed", "phone")}
    assert batch.file is None
    assert not StoredFile.objects.filter(pk=stored.pk).exists()
    assert not import_jobs.store(batch.pk, at=NOW)  # the message came twice
    assert Complaint.objects.count() == 2


def test_a_second_click_on_import_changes_nothing(desk):
    batch = checked(desk, [line("1")])
    for _twice in range(2):
        assert desk.post(f"{URL}{batch.pk}/start/").status_code == 302
    import_jobs.store(batch.pk, at=NOW)
    desk.post(f"{URL}{batch.pk}/start/")
    assert desk.post(f"{URL}{batch.pk}/discard/").status_code == 302
    assert (Complaint.objects.count(), ImportBatch.objects.get().state) == (1, ImportState.DONE)


def test_rights_are_looked_at_again_when_the_job_runs(desk, cast):
    """EX-04."""
    batch = checked(desk, [line("1")])
    desk.post(f"{URL}{batch.pk}/start/")
    cast.intake.groups.clear()
    import_jobs.store(batch.pk, at=NOW)
    batch.refresh_from_db()
    assert (batch.state, Complaint.objects.count()) == (ImportState.FAILED, 0)
    assert batch.options["problem"]


def test_in_13_the_preview_shows_demand_place_and_amount_and_masks_the_e_mail(desk):
    """COM-07: the columns are recognised by their names; the address of the complainant is never shown whole."""
    more = {
        "诉求": "退还费用，回电 13900001234",
        "地点": "槐荫里 3 号楼",
        "涉及金额": "1.5万元",
        "邮箱": "wang@example.cn",
    }
    batch = checked(desk, [line() | more])
    page = desk.get(f"{URL}{batch.pk}/").content.decode()
    for text in ("退还费用", "槐荫里 3 号楼", "15,000"):
        assert text in page
    assert "wang@example.cn" not in page
    assert "13900001234" not in page


def test_what_changed_between_preview_and_import_is_checked_again(desk):
    """The same rows came in another file meanwhile: nothing is made twice (I2)."""
    waiting = checked(desk, [line("1"), line("2")])
    imported(desk, [line("1"), line("2"), line("3")])
    desk.post(f"{URL}{waiting.pk}/start/")
    import_jobs.store(waiting.pk, at=NOW)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.created, waiting.duplicates) == (ImportState.DONE, 0, 2)
    assert Complaint.objects.count() == 3


def test_an_import_that_was_left_is_found_again(desk, django_capture_on_commit_callbacks):
    """JT-03: the message was lost or the worker died."""
    batch = checked(desk, [line("1")])
    desk.post(f"{URL}{batch.pk}/start/")
    assert import_jobs.sweep(now=timezone.now()) == {"imports": 0}
    with django_capture_on_commit_callbacks() as sent:
        assert import_jobs.sweep(now=timezone.now() + timedelta(minutes=2)) == {"imports": 1}
    assert len(sent) == 1
    import_jobs.store(batch.pk, at=NOW)
    assert import_jobs.sweep(now=timezone.now() + timedelta(minutes=2)) == {"imports": 0}


def test_a_file_is_kept_for_a_day(desk):
    """PI: an uploaded file does not stay; a batch of which nothing was stored goes with it."""
    kept = checked(desk, [line("1")])
    done = imported(desk, [line("2")])
    jobs.purge_expired(now=timezone.now() + timedelta(hours=23))
    assert ImportBatch.objects.count() == 2
    jobs.purge_expired(now=timezone.now() + timedelta(hours=25))
    assert list(ImportBatch.objects.values_list("pk", flat=True)) == [done.pk]
    assert not StoredFile.objects.filter(pk=kept.file_hash).exists()


def test_a_file_can_be_removed_before_the_import(desk):
    batch = checked(desk, [line("1")])
    desk.post(f"{URL}{batch.pk}/discard/")
    assert not ImportBatch.objects.exists()
    assert not StoredFile.objects.exists()


def test_a_file_that_is_also_evidence_of_a_case_stays(desk, cast):
    """I14: the same content is stored once."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    from complaints.models import Attachment
    from complaints.tests.factories import registered

    content = csv_bytes([line("1")])
    stored = files.store(SimpleUploadedFile("a.csv", content), at=NOW, kind="text/csv")
    Attachment.objects.create(complaint=registered().complaint, file=stored, name="a.csv", at=NOW)
    batch = imported(desk, content)
    assert batch.created == 1
    with files.open_file(stored) as kept:
        assert kept.read() == content


# --- Result --------------------------------------------------------------------------------------
def test_the_row_report_names_every_row_and_no_person(desk):
    """EX-01: no cell is a formula; the file name says nothing about a person."""
    batch = imported(desk, [line("=1+1"), line("2"), line("2")])
    answer = desk.get(f"{URL}{batch.pk}/rows.csv")
    assert answer["Content-Disposition"] == f'attachment; filename="import-{batch.pk}-rows.csv"'
    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()
    numbers = list(batch.complaints.order_by("pk").values_list("number", flat=True))
    assert [text.split(",")[0] for text in lines[1:]] == ["4", "2", "3"]
    assert [text.split(",")[2:4] for text in lines[2:]] == [[numbers[0], "'=1+1"], [numbers[1], "2"]]
    assert "王小明" not in "".join(lines)
    book = b"".join(desk.get(f"{URL}{batch.pk}/rows.xlsx").streaming_content)
    sheet = openpyxl.load_workbook(io.BytesIO(book)).active
    assert [sheet.cell(row=3, column=column).value for column in (1, 3, 4)] == [2, numbers[0], "=1+1"]
    assert sheet.cell(row=3, column=4).data_type == "s"
    assert desk.get(f"{URL}{batch.pk}/rows.pdf").status_code == 404


def test_the_report_of_a_refused_file_holds_every_fault(desk):
    """The page sums up, the report names every row; rows that are scattered are cut short on the page."""
    batch = checked(desk, [line(str(n), 内容="" if n % 2 else "有", 电话=str(n)) for n in range(150)])
    shown = desk.get(f"{URL}{batch.pk}/").context
    assert (len(batch.errors), shown["error_shown"] < shown["error_count"]) == (225, False)
    assert [len(fault.rows) for fault in shown["faults"]] == [150, 75]
    assert shown["faults"][1].places.endswith("、41…")
    lines = b"".join(desk.get(f"{URL}{batch.pk}/rows.csv").streaming_content).decode().splitlines()
    assert len(lines) == 226


def test_the_list_says_which_files_wait_for_their_columns(desk):
    upload(desk, csv_bytes([line()]))
    checked(desk, [line("2")])
    newest, older = (str(state) for _row, state, _tone in desk.get(URL).context["items"])
    assert newest == "已检查，未导入"
    assert older != newest
    assert older in desk.get(URL).content.decode()


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_costs_the_same_queries(desk, django_assert_num_queries, number):
    for n in range(number):
        checked(desk, [line(str(n))])
    with django_assert_num_queries(QUERIES):
        answer = desk.get(URL)
    assert len(answer.context["items"]) == number


QUERIES = 6  # the session, the person, two for permissions, imports and sources

"""Importing complaints from files (IN-13, FI-N, I2, EX-06, EX-07, EX-08)."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import xlsxwriter
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.errors import InvalidInput, NotAllowed
from complaints import events, identity, imports, search, tasks
from complaints.models import (
    Category,
    Complaint,
    ComplaintSearch,
    ContactPoint,
    Deadline,
    ImportBatch,
    NumberCounter,
    Reply,
)
from complaints.models.people import ContactKind
from complaints.states import DeadlineState, Status
from complaints.tests.factories import at

HEADER = ["留言编号", "留言用户", "留言主题", "留言时间", "留言详情", "一级标签"]
NOW = at("2026-11-21 09:00")


def row(number: str = "24", **changes: str) -> dict[str, str]:
    values = {
        "留言编号": number,
        "留言用户": "王小明",
        "留言主题": "占道施工有安全隐患",
        "留言时间": "2026/11/16 12:09:38",
        "留言详情": f"人行道被围挡占用，行人只能走车道。编号{number}",
        "一级标签": "小区和物业",
        **changes,
    }
    return values


def write_csv(
    path: Path,
    rows: list[dict[str, str]],
    *,
    encoding: str = "utf-8",
    delimiter: str = ",",
    header: list[str] | None = None,
) -> Path:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, header or list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(out.getvalue().encode(encoding))
    return path


def run(path: Path, **options) -> imports.Report:
    return imports.run(path, by=None, at=NOW, **options)


def faults(report: imports.Report) -> list[tuple[int, str]]:
    return [(error["row"], error["field"]) for error in report.errors]


@pytest.mark.django_db
def test_imported_cases_are_found_before_and_after_the_index_is_merged(tmp_path):
    """IN-13: nobody waits for the index; merging it changes no answer."""
    run(write_csv(tmp_path / "a.csv", [row(), row("25", 留言详情="路灯不亮，晚上看不清")]))

    def hits(query):
        return search.search(Complaint.objects, query, relation="search", table=ComplaintSearch._meta.db_table).count()

    assert (hits("路灯"), hits("隐患"), hits("停水")) == (1, 2, 0)
    tasks.merge_text_indexes()
    assert (hits("路灯"), hits("隐患"), hits("停水")) == (1, 2, 0)


@pytest.mark.django_db
def test_a_word_longer_than_any_query_is_found_by_its_beginning(tmp_path):
    """EX-06: an endless run of letters is stored and found, not refused by the index."""
    run(write_csv(tmp_path / "a.csv", [row(留言详情="日志 " + "a1" * 3000 + " 见附件")]))
    found = search.search(Complaint.objects, "a1a1a1", relation="search", table=ComplaintSearch._meta.db_table)
    assert found.count() == 1


@pytest.mark.django_db
def test_an_open_row_becomes_a_registered_case_with_running_clocks(tmp_path):
    """IN-13: number, channel, category, clocks and log are those of a registered case."""
    report = run(write_csv(tmp_path / "a.csv", [row()]))
    case = Complaint.objects.get()
    assert (report.rows, report.created, report.duplicates, report.errors) == (1, 1, 0, [])
    assert (case.number, case.status, case.version, case.channel) == (
        "HY-20261116-0001",
        Status.REGISTERED,
        1,
        "government",
    )
    assert (case.subject, case.channel_reference, case.category.code) == ("占道施工有安全隐患", "24", "housing")
    assert case.received_at == at("2026-11-16 12:09:38")
    assert case.complainant.name == "王小明"
    assert case.next_due_at == at("2026-11-18 17:30")
    assert case.is_overdue
    assert list(Complaint.objects.filter(search__tokens__contains="围挡")) == [case]
    assert events.verify()[1] is None


@pytest.mark.django_db
def test_risk_01_an_open_row_is_graded_like_any_case_by_the_sweep(tmp_path, cast):
    """Whoever works on risk hears of a dangerous old case, too; what was answered long ago is left alone."""
    dangerous = {"留言详情": "围挡倒塌砸伤了孩子，已经住院，再不处理我就找记者曝光，还要起诉。"}
    rows = [row("1", **dangerous, 答复意见="已整改", 答复时间="2026/11/17 10:00"), row("2", **dangerous)]
    assert run(write_csv(tmp_path / "a.csv", rows)).created == 2
    is_closed, is_open = Complaint.objects.order_by("channel_reference")
    for _run in range(2):
        for pk in [is_open.pk, is_closed.pk]:
            tasks.suggest(pk)
    is_open.refresh_from_db()
    is_closed.refresh_from_db()
    assert (is_open.risk_grade, is_open.risk_assessments.count()) == ("high", 1)
    assert is_open.notifications.filter(kind="high_risk", recipient=cast.counsel).count() == 1
    assert (is_closed.risk_grade, is_closed.risk_assessments.count()) == ("ordinary", 0)
    assert events.verify()[1] is None


@pytest.mark.django_db
def test_an_answered_row_becomes_a_closed_case_with_its_real_breach(tmp_path):
    """Dashboards show what happened: started at receipt, 15 working days, answered late or in time."""
    answered = [
        row("1", 留言时间="2026/10/09 10:00", 答复意见="已整改", 答复时间="2026/10/20 10:00"),
        row("2", 留言时间="2026/10/09 10:00", 答复意见="已整改", 答复时间="2026/11/20 10:00"),
    ]
    assert run(write_csv(tmp_path / "a.csv", answered)).created == 2
    quick, slow = Complaint.objects.order_by("channel_reference")
    assert (quick.status, quick.first_closed_at) == (Status.CLOSED, at("2026-10-20 10:00"))
    assert Reply.objects.get(complaint=quick).result == "已整改"
    states = {d.complaint_id: (d.milestone, d.state, d.due_at) for d in Deadline.objects.all()}
    # 2026-10-10 is a make-up working day; the 15th working day after the 9th is the 29th.
    assert states[quick.pk] == ("resolve", DeadlineState.MET, at("2026-10-29 17:30"))
    assert states[slow.pk] == ("resolve", DeadlineState.MISSED, at("2026-10-29 17:30"))
    assert events.verify()[1] is None


@pytest.mark.django_db
def test_nobody_is_alerted_about_steps_that_lie_in_the_past(tmp_path):
    """JT-02: an import of old complaints causes no storm of messages."""
    run(write_csv(tmp_path / "a.csv", [row(留言时间="2025/3/3 10:00")]))
    assert list(Deadline.objects.values_list("state", "next_alert_at")) == [(DeadlineState.RUNNING, None)]


@pytest.mark.django_db
def test_the_same_file_again_creates_nothing(tmp_path):
    """I2, EX-07: also rows without a number, and also after the file was saved anew."""
    rows = [row("1"), row("", 留言详情="没有编号的一行"), row("", 留言详情="没有编号的一行")]
    assert run(write_csv(tmp_path / "a.csv", rows)).created == 3
    again = run(write_csv(tmp_path / "b.csv", rows, encoding="gb18030"))
    longer = run(write_csv(tmp_path / "c.csv", [*rows, row("9")]))
    assert (again.created, again.duplicates) == (0, 3)
    assert (longer.created, longer.duplicates) == (1, 3)
    moved = run(write_csv(tmp_path / "d.csv", [row("10"), row("11"), *reversed(rows)]))
    assert (moved.created, moved.duplicates) == (2, 3)
    assert ImportBatch.objects.count() == 3


@pytest.mark.django_db
def test_a_row_that_stands_twice_is_one_case_and_reported(tmp_path):
    report = run(write_csv(tmp_path / "a.csv", [row("1"), row("2"), row("1")]))
    assert (report.created, report.duplicates, report.duplicate_rows) == (2, 1, [4])


@pytest.mark.django_db
def test_one_number_for_two_texts_is_refused(tmp_path):
    report = run(write_csv(tmp_path / "a.csv", [row("1"), row("1", 留言详情="完全不同的内容")]))
    assert faults(report) == [(3, "external_number")]
    assert not Complaint.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("encoding", "delimiter"), [("utf-8", ","), ("utf-8-sig", ","), ("gb18030", ","), ("utf-16", "\t"), ("utf-8", ";")]
)
def test_every_usual_way_of_saving_a_csv_is_read(tmp_path, encoding, delimiter):
    """EX-06."""
    run(write_csv(tmp_path / "a.csv", [row(留言主题="㛃姐投诉：停车费")], encoding=encoding, delimiter=delimiter))
    assert Complaint.objects.get().subject == "㛃姐投诉：停车费"


@pytest.mark.django_db
def test_all_or_nothing_with_one_bad_row_at_the_end(tmp_path):
    """FI-N: the report names row and field, and nothing is stored."""
    rows = [row(str(n)) for n in range(1, 1201)] + [row("2000", 留言时间="2026/13/40")]
    report = run(write_csv(tmp_path / "a.csv", rows))
    assert faults(report) == [(1202, "received_at")]
    assert (report.rows, report.created) == (1201, 0)
    assert not Complaint.objects.exists()
    assert not NumberCounter.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"留言时间": "16/11/2026"}, "received_at"),
        ({"留言时间": "2026/11/30 10:00"}, "received_at"),
        ({"留言详情": ""}, "narrative"),
        ({"留言详情": "有\x00字符"}, "narrative"),
        ({"留言主题": "长" * 121}, "subject"),
        ({"留言编号": "1.10101E+17"}, "external_number"),
        ({"渠道": "飞鸽"}, "channel"),
        ({"承办部门": "没有这个部门"}, "department"),
        ({"联系电话": "12"}, "complainant_phone"),
        ({"联系电话": "1.38E+10"}, "complainant_phone"),
        ({"电子邮箱": "wang@"}, "complainant_email"),
        ({"涉及金额": "很多钱"}, "amount"),
        ({"涉及金额": "-5"}, "amount"),
        ({"涉及金额": "1,28"}, "amount"),
        ({"涉及金额": "9" * 13}, "amount"),
        ({"诉求": "长" * 2001}, "demand"),
        ({"地点": "长" * 201}, "place"),
        ({"答复意见": "已处理"}, "replied_at"),
        ({"答复意见": "已处理", "答复时间": "2026/11/1"}, "replied_at"),
        ({"答复时间": "2026/11/17"}, "reply"),
    ],
)
def test_what_is_wrong_is_named_by_row_and_field(tmp_path, cast, changes, field):
    report = run(
        write_csv(
            tmp_path / "a.csv",
            [dict.fromkeys(changes, "") | row("1"), row("2", **changes)],
            header=[*HEADER, *(changes.keys() - set(HEADER))],
        )
    )
    assert faults(report) == [(3, field)]
    assert not Complaint.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("written", "amount"),
    [("1280", "1280.00"), ("￥1,280.50", "1280.50"), ("1280元", "1280.00"), ("1.5 万元", "15000.00"), ("0", "0.00")],
)
def test_in_13_demand_place_amount_and_e_mail_are_taken_in(tmp_path, written, amount):
    """A sum as people write it; the e-mail is stored encrypted, found by its hash, and preferred without a phone."""
    more = {"诉求": "退还费用", "地点": "槐荫里 3 号楼", "涉及金额": written, "电子邮箱": "Wang@example.cn"}
    run(write_csv(tmp_path / "a.csv", [row(**more)]))
    case = Complaint.objects.get()
    assert (case.demand, case.place, str(case.amount)) == ("退还费用", "槐荫里 3 号楼", amount)
    point = case.complainant.contacts.get()
    assert (point.kind, point.value, point.is_preferred) == ("email", "Wang@example.cn", True)
    assert point.match_hash == identity.match_hash(ContactKind.EMAIL, "wang@example.cn")
    assert case.complainant.preferred_contact == "email"
    assert search.tokens("槐荫里").split()[0] in ComplaintSearch.objects.get().tokens


@pytest.mark.django_db
def test_in_13_an_earlier_complaint_is_recognised_by_the_e_mail_too(tmp_path):
    rows = [
        row("1", 留言时间="2026/11/1 10:00", 电子邮箱="wang@example.cn"),
        row("2", 留言时间="2026/11/9 10:00", 电子邮箱="WANG@example.cn"),
    ]
    run(write_csv(tmp_path / "a.csv", rows))
    assert [case.is_repeat for case in Complaint.objects.order_by("received_at")] == [False, True]


@pytest.mark.django_db
def test_formulas_and_line_breaks_are_text(tmp_path):
    """EX-01, FI-N: nothing is computed, a carriage return inside a field stays."""
    text = '=HYPERLINK("http://evil.example")\r第二行'
    run(write_csv(tmp_path / "a.csv", [row(留言详情=text)]))
    assert Complaint.objects.get().narrative == text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("header", "named"),
    [
        (["留言编号", "留言主题", "留言时间"], "narrative"),
        (["留言主题", "留言详情", "留言时间", "投诉内容"], "投诉内容"),
        (["留言主题", "留言详情", "留言时间", *[f"列{n}" for n in range(297)]], "300"),
    ],
)
def test_a_header_that_cannot_be_used_is_refused(tmp_path, header, named):
    path = tmp_path / "a.csv"
    path.write_text(",".join(header) + "\n" + ",".join(["x"] * len(header)), encoding="utf-8")
    with pytest.raises(InvalidInput) as caught:
        run(path)
    assert named in str(caught.value)


@pytest.mark.django_db
def test_only_listed_fields_are_imported(tmp_path, cast):
    """EX-08: a column may not set state, owner or publication; a department alone assigns nothing."""
    columns = {"status": "closed", "handler": "W001", "承办部门": "供水集团", "published": "yes"}
    run(write_csv(tmp_path / "a.csv", [row(**columns)]))
    case = Complaint.objects.get()
    assert (case.status, case.handler, case.lead_department, case.closed_at) == (Status.REGISTERED, None, None, None)
    with pytest.raises(CommandError, match="status"):
        call_command("import_complaints", str(tmp_path / "a.csv"), "--map", "status=status")


def make_xlsx(path: Path, *, number: object = "24") -> Path:
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("台账")
    sheet.merge_range(0, 0, 0, 4, "2026 年投诉台账")
    sheet.write_row(1, 0, ["编号", "主题", "收到时间", "内容", "联系电话"])
    for line, moment in ((2, datetime(2026, 11, 16, 9, 30)), (3, 46342.5)):
        if isinstance(number, str):
            sheet.write_string(line, 0, f"{number}{line}")
        else:
            sheet.write_number(line, 0, number)
        sheet.write_string(line, 1, "停水")
        if isinstance(moment, datetime):
            sheet.write_datetime(line, 2, moment, book.add_format({"num_format": "yyyy-mm-dd hh:mm"}))
        else:
            sheet.write_number(line, 2, moment)
        sheet.write_string(line, 3, f"停水一天 {line}")
        sheet.write_number(line, 4, 13800002417)
    book.close()
    return path


@pytest.mark.django_db
def test_a_workbook_with_title_dates_and_serial_dates(tmp_path):
    """FI-N: a merged title above the header, dates as dates and as serial numbers, numbers as numbers."""
    report = run(make_xlsx(tmp_path / "a.xlsx"), sheet="台账")
    assert report.errors == []
    assert [timezone.localtime(c.received_at).isoformat() for c in Complaint.objects.order_by("pk")] == [
        "2026-11-16T09:30:00+08:00",
        "2026-11-16T12:00:00+08:00",
    ]
    assert {point.value for point in ContactPoint.objects.all()} == {"13800002417"}
    assert [c.is_repeat for c in Complaint.objects.order_by("received_at")] == [False, True]


@pytest.mark.django_db
def test_a_number_of_more_than_15_digits_in_a_workbook_is_refused(tmp_path):
    """EX-06: an identity number kept as a number has lost its last digits."""
    report = run(make_xlsx(tmp_path / "a.xlsx", number=110101199003071234.0))
    assert faults(report) == [(3, "external_number"), (4, "external_number")]


@pytest.mark.django_db
def test_files_that_cannot_be_read(tmp_path):
    broken = tmp_path / "a.xlsx"
    broken.write_bytes(b"PK\x03\x04 not a workbook")
    old = tmp_path / "b.xls"
    old.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    for path in (broken, old, tmp_path / "none.csv"):
        with pytest.raises(InvalidInput) as caught:
            run(path)
        assert caught.value.field == "file"


@pytest.mark.django_db
def test_the_command_prints_one_document_and_a_dry_run_stores_nothing(tmp_path, capsys, cast):
    path = write_csv(tmp_path / "a.csv", [row(), row("25", 一级标签="城乡建设")])
    call_command("import_complaints", str(path), "--dry-run", "--json")
    tried = json.loads(capsys.readouterr().out)
    assert (tried["rows"], tried["created"], tried["new"]) == (2, 0, 2)
    assert not Complaint.objects.exists()
    call_command("import_complaints", str(path), "--by", "a001", "--json")
    done = json.loads(capsys.readouterr().out)
    assert (done["created"], done["categories_created"]) == (2, ["城乡建设"])
    assert Category.objects.get(name="城乡建设").is_public is False
    assert ImportBatch.objects.get().by == cast.intake


@pytest.mark.django_db
def test_the_command_fails_with_one_line_and_the_report(tmp_path, capsys):
    path = write_csv(tmp_path / "a.csv", [row(留言时间="gestern")])
    with pytest.raises(CommandError) as caught:
        call_command("import_complaints", str(path), "--json")
    assert caught.value.returncode == 1
    assert "received_at" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert json.loads(capsys.readouterr().out)["errors"][0]["row"] == 2


@pytest.mark.django_db
def test_who_may_not_import_is_refused(tmp_path, cast):
    path = write_csv(tmp_path / "a.csv", [row()])
    with pytest.raises(NotAllowed):
        imports.run(path, by=cast.water_handler)
    assert not Complaint.objects.exists()


@pytest.mark.django_db
def test_columns_can_be_named(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b,c\n停水,停水一天,2026-11-16\n", encoding="utf-8")
    report = run(path, columns={"a": "subject", "b": "narrative", "c": "received_at"}, channel="phone")
    assert (report.created, Complaint.objects.get().channel) == (1, "phone")


@pytest.mark.django_db
def test_numbers_go_on_after_those_already_given(tmp_path):
    """CC-06: gapless per day over several imports."""
    run(write_csv(tmp_path / "a.csv", [row("1"), row("2")]))
    run(write_csv(tmp_path / "b.csv", [row("3")]))
    assert sorted(Complaint.objects.values_list("number", flat=True)) == [f"HY-20261116-000{n}" for n in (1, 2, 3)]
    assert NumberCounter.objects.get(scope="HY-20261116").last == 3


@pytest.mark.django_db
def test_a_year_without_calendar_is_marked_not_guessed(tmp_path):
    """SLA-12, JT-07."""
    run(write_csv(tmp_path / "a.csv", [row(留言时间="2005/3/3 10:00")]))
    case = Complaint.objects.get()
    assert (case.calendar_missing, case.next_due_at, case.deadlines.count()) == (True, None, 0)


@pytest.mark.django_db
@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "rows"),
    [("messages_labelled_7056.csv", 7056), ("replies_796.csv", 796), ("messages_2019H1_2107.csv", 2107)],
)
def test_real_files_import_in_one_command(shared_data, name, rows):
    report = imports.run(shared_data / "complaints" / name, by=None, dry_run=True)
    assert (report.rows, report.new, report.errors) == (rows, rows, [])


def test_now_is_the_moment_of_an_empty_date(tmp_path, db):
    report = run(write_csv(tmp_path / "a.csv", [row(留言时间="")]))
    assert (report.without_date, Complaint.objects.get().received_at) == (1, NOW)
    assert Complaint.objects.get().next_due_at > NOW - timedelta(days=1)


@pytest.mark.django_db
def test_the_page_of_an_imported_case_opens(tmp_path, cast, client):
    run(
        write_csv(
            tmp_path / "a.csv", [row("1", 答复意见="", 答复时间=""), row("2", 答复意见="已整改", 答复时间="2026/11/20")]
        )
    )
    client.force_login(cast.coordinator)
    for case in Complaint.objects.all():
        page = client.get(f"/desk/cases/{case.number}/")
        assert page.status_code == 200
        assert "占道施工有安全隐患" in page.content.decode()

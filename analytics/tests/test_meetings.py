"""Transfer meetings with data packs, and decisions on meetings and reports (IMP-10, AN-30)."""

import io
from datetime import date

import openpyxl
import pytest
from django.urls import reverse

from accounts.errors import IllegalTransition, InvalidInput
from analytics import causes, follow_up, meetings, problem_rules, resolutions
from analytics.models import Problem, Report, Resolution, TransferMeeting
from analytics.periods import parse
from analytics.states import CauseCode, Edition, ReportStatus
from complaints.models import Complaint, Notification
from complaints.tests.factories import Story, at, category

pytestmark = pytest.mark.django_db

NOW = at("2026-11-21 10:00")


@pytest.fixture
def case(cast):
    return Story(cast).to_closed().case


@pytest.fixture
def problem(cast, case):
    row = problem_rules.enter(title="反复停水", description="只抢修不更换", case=case, by=cast.coordinator, at=NOW)
    causes.record(
        row.pk, held_on=date(2026, 11, 20), participants=[cast.checker], guests="", whys=["管道老化"], fishbone={},
        root_cause=CauseCode.DESIGN, conclusion="更换", by=cast.coordinator, at=NOW,
    )  # fmt: skip
    return row


@pytest.fixture
def meeting(cast, problem):
    return meetings.plan(
        title="十一月投诉信息传递会",
        planned_at=at("2026-12-03 14:00"),
        period=parse("2026-11"),
        participants=[cast.water_head, cast.manager],
        guests="研发部王工",
        chosen=[problem],
        by=cast.coordinator,
        at=NOW,
    )


@pytest.fixture
def held(cast, meeting):
    meetings.make_pack(meeting.pk, by=cast.coordinator, at=NOW)
    return meetings.hold(meeting.pk, minutes="讨论停水问题", by=cast.coordinator, at=at("2026-12-03 16:00"))


@pytest.fixture
def report(cast):
    return Report.objects.create(
        period="2026-10",
        edition=Edition.DATA,
        revision=1,
        status=ReportStatus.RELEASED,
        requested_at=NOW,
        requested_by=cast.coordinator,
        approved_at=NOW,
        approved_by=cast.manager,
    )


def test_imp_10_a_meeting_is_called_and_its_participants_are_told(client, cast, problem):
    client.force_login(cast.coordinator)
    address = reverse("analytics:meeting_new")
    data = {
        "name": "传递会", "planned_at": "2099-12-03T14:00", "period": "", "participants": ["W003", "M001"],
        "guests": "研发部王工", "problems": [problem.number],
    }  # fmt: skip
    data["period"] = client.get(address).context["form"].fields["period"].choices[0][0]
    for name in ("name", "planned_at", "period", "participants"):
        answer = client.post(address, {key: value for key, value in data.items() if key != name})
        assert (answer.status_code, list(answer.context["form"].errors)) == (422, [name])
    assert client.post(address, {**data, "planned_at": "2020-12-03T14:00"}).status_code == 422
    assert client.post(address, data).status_code == 302
    row = TransferMeeting.objects.get()
    told = Notification.objects.filter(kind="transfer_called")
    assert {item.recipient for item in told} == {cast.water_head, cast.manager}
    assert list(row.problems.all()) == [problem]

    edit = reverse("analytics:meeting_edit", args=[row.pk])
    changed = {**data, "name": "第二次传递会", "seen": client.get(edit).context["form"]["seen"].value()}
    assert client.post(edit, changed).status_code == 302
    assert client.post(edit, {**changed, "name": "第三次"}).status_code == 409
    client.force_login(cast.water_head)
    assert client.get(meetings.page_url(row)).status_code == 200
    assert [item.pk for item, _period in client.get(reverse("analytics:meetings")).context["rows"]] == [row.pk]
    assert client.get(edit).status_code == 403
    client.force_login(cast.roads_handler)
    assert client.get(meetings.page_url(row)).status_code == 404
    assert client.get(reverse("analytics:meetings")).context["rows"] == []


def test_imp_10_the_data_pack_is_frozen_with_categories_repeats_causes_and_problems(client, cast, case, meeting):
    Complaint.objects.filter(pk=case.pk).update(is_repeat=True)
    client.force_login(cast.coordinator)
    file = reverse("analytics:meeting_pack_file", args=[meeting.pk])
    assert client.get(file).status_code == 404
    assert client.post(reverse("analytics:meeting_pack", args=[meeting.pk])).status_code == 302
    meeting.refresh_from_db()
    pack = meeting.pack
    assert (pack["received"], pack["received_before"]) == (1, 0)
    assert [row[1:] for row in pack["categories"]] == [[1, 0]]
    assert pack["repeats"] == [[category().label, 1]]
    assert [row[1] for row in pack["causes"]] == [1]
    assert [row[:3] for row in pack["problems"]] == [[meeting.problems.get().number, "反复停水", 1]]
    Story(cast, "2026-11-18 09:12")
    page = client.get(meetings.page_url(meeting))
    assert len(page.context["tables"]) == 4
    assert page.content.decode().count('data-label="') >= 10
    meeting.refresh_from_db()
    assert meeting.pack["received"] == 1
    client.force_login(cast.water_head)
    book = openpyxl.load_workbook(io.BytesIO(client.get(file).content))
    words = [cell.value for sheet in book for line in sheet.iter_rows() for cell in line]
    assert {"反复停水", category().label} <= set(words)
    assert "张桂芳" not in str(words)
    # On the page stands that it was one; the file goes out with guests and does not tell.
    assert [row[1:] for row in page.context["tables"][0][0].rows] == [(1, 0)]
    assert not [word for word in words if isinstance(word, int)]
    assert client.post(reverse("analytics:meeting_pack", args=[meeting.pk])).status_code == 403


def test_ex_09_the_file_of_the_pack_leaves_out_small_counts_and_what_would_tell_them(cast, meeting):
    """A weight is worked out from the number of cases, so the row of a small problem is empty as a whole."""
    meetings.make_pack(meeting.pk, by=cast.coordinator, at=NOW)
    meeting.refresh_from_db()
    meeting.pack |= {
        "categories": [["停水", 18, 11], ["水质", 7, 6], ["供热", 3, 0]],
        "problems": [["WT-1", "停水", 30, 36, "", ""], ["WT-2", "水质", 9, 12, "", ""], ["WT-3", "供热", 2, 6, "", ""]],
        "repeats": [["停水", 9]],
        "causes": [],
    }
    tables = {section.tables[0].caption: section.tables[0] for section in meetings.document(meeting).sections}
    rows = [table.rows for table in tables.values()]
    assert rows[0] == (("停水", 18, 11), ("水质", None, None), ("供热", None, None))
    assert rows[1] == (("停水", 9),)
    assert [row[2:4] for row in rows[2]] == [(30, 36), (None, None), (None, None)]


def test_imp_10_another_period_empties_the_pack(cast, meeting):
    meetings.make_pack(meeting.pk, by=cast.coordinator, at=NOW)
    form = {
        "title": meeting.title, "planned_at": meeting.planned_at, "period": parse("2026-10"), "guests": "",
        "participants": [cast.manager], "chosen": [], "by": cast.coordinator, "at": NOW,
    }  # fmt: skip
    seen = meetings.unversioned.mark(TransferMeeting.objects.get(), *meetings.FIELDS)
    assert meetings.change(meeting.pk, seen=seen, **form).pack_at is None


def test_imp_10_minutes_then_resolutions_with_owner_and_date(client, cast, meeting):
    client.force_login(cast.coordinator)
    minutes = reverse("analytics:meeting_minutes", args=[meeting.pk])
    assert client.post(minutes, {"minutes": "讨论停水问题"}).status_code == 409
    resolution = reverse("analytics:meeting_resolution", args=[meeting.pk])
    data = {"text": "研发部评估新管材", "owner": "W003", "department": "", "due_on": "2099-01-15"}
    meetings.make_pack(meeting.pk, by=cast.coordinator, at=NOW)
    assert client.post(resolution, data).status_code == 409
    assert client.post(minutes, {"minutes": ""}).status_code == 422
    assert client.post(minutes, {"minutes": "讨论停水问题"}).status_code == 302
    client.post(reverse("analytics:meeting_pack", args=[meeting.pk]))
    assert TransferMeeting.objects.get().pack_at == NOW
    for name in ("text", "due_on", "owner"):
        answer = client.post(resolution, {**data, name: ""})
        assert (answer.status_code, list(answer.context["form"].errors)) == (422, [name])
    assert client.post(resolution, data).status_code == 302
    row = Resolution.objects.get()
    assert Notification.objects.get(kind="resolution_given").recipient == cast.water_head
    page = client.get(meetings.page_url(meeting)).content.decode()
    assert "研发部评估新管材" in page
    client.force_login(cast.water_head)
    done = resolutions.page_url(row)
    assert client.post(done, {"result": ""}).status_code == 422
    assert client.post(done, {"result": "已选定球墨铸铁管"}).status_code == 302
    assert client.post(done, {"result": "再来一次"}).status_code == 409
    assert "已选定球墨铸铁管" in client.get(f"{resolutions.URL}?show=done").content.decode()


def test_imp_10_a_resolution_beyond_its_date_is_told_once(cast, held):
    row = resolutions.decide(
        meeting=held, text="评估新管材", department=cast.water, due_on=date(2026, 12, 20), by=cast.coordinator, at=NOW
    )
    follow_up.watch(now=at("2026-12-20 10:00"))
    assert not Notification.objects.filter(kind="resolution_late").exists()
    follow_up.watch(now=at("2026-12-21 10:00"))
    follow_up.watch(now=at("2026-12-22 10:00"))
    told = Notification.objects.filter(kind="resolution_late")
    assert {item.recipient for item in told} == {cast.water_head, cast.coordinator}
    row.refresh_from_db()
    assert row.told_at == at("2026-12-21 10:00")


# --- Reports ----------------------------------------------------------------------------------------
def test_an_30_management_records_decisions_on_a_released_report_and_follows_them(client, cast, report):
    client.force_login(cast.manager)
    listed = f"{reverse('analytics:resolutions')}?report={report.pk}"
    address = reverse("analytics:report_resolution", args=[report.pk])
    assert address in client.get(listed).content.decode()
    data = {"text": "本季度内公布停水计划", "owner": "", "department": "water", "due_on": "2099-01-15"}
    assert client.post(address, {**data, "due_on": "2020-01-01"}).status_code == 422
    assert client.post(address, data).status_code == 302
    row = Resolution.objects.get()
    assert (row.report, row.department, row.by) == (report, cast.water, cast.manager)
    assert "本季度内公布停水计划" in client.get(listed).content.decode()
    client.force_login(cast.coordinator)
    assert client.get(address).status_code == 403
    client.force_login(cast.roads_handler)
    assert client.get(reverse("analytics:resolutions")).context["resolutions"] == []
    assert client.get(resolutions.page_url(row)).status_code == 404
    client.force_login(cast.water_handler)
    assert [item["may_finish"] for item in client.get(reverse("analytics:resolutions")).context["resolutions"]] == [
        False
    ]
    assert client.post(resolutions.page_url(row), {"result": "好"}).status_code == 403
    client.force_login(cast.water_head)
    assert client.post(resolutions.page_url(row), {"result": "已公布"}).status_code == 302
    assert client.get(reverse("analytics:resolutions")).context["resolutions"] == []


def test_imp_01_a_report_leads_to_the_problem_list(client, cast, report):
    """IMP-01: who keeps the list enters what the report shows, with its period as the source."""
    client.force_login(cast.manager)
    address = f"{reverse('analytics:problem_enter')}?period={report.period}"
    assert address in client.get(reverse("analytics:report", args=[report.pk])).content.decode()
    form = client.get(address).context["form"]
    assert form["reference"].value() == report.period
    data = {"name": "老旧小区反复停水", "description": "每次只抢修。", "reference": report.period}
    assert client.post(address, data).status_code == 302
    source = Problem.objects.get(title="老旧小区反复停水").sources.get()
    assert (source.kind, source.reference) == ("report", report.period)


def test_an_30_no_decision_on_a_draft_and_none_in_the_past(cast, report):
    decided = {"text": "公布停水计划", "owner": cast.water_head, "by": cast.manager, "at": NOW}
    with pytest.raises(InvalidInput):
        resolutions.decide(report=report, due_on=date(2026, 11, 20), **decided)
    Report.objects.update(status=ReportStatus.DRAFT)
    with pytest.raises(IllegalTransition):
        resolutions.decide(report=report, due_on=date(2026, 12, 20), **decided)
    assert not Resolution.objects.exists()


def test_an_30_open_decisions_stand_by_their_date_page_by_page(client, cast, report, django_assert_max_num_queries):
    Resolution.objects.bulk_create(
        Resolution(
            report=report,
            text=f"决定 {n}",
            owner=cast.manager,
            due_on=date(2027, 1, 1 + n % 28),
            at=NOW,
            by=cast.manager,
        )
        for n in range(60)
    )
    client.force_login(cast.manager)
    address = reverse("analytics:resolutions")
    client.get(address)
    with django_assert_max_num_queries(8):
        page = client.get(address)
    first = [item["row"].due_on for item in page.context["resolutions"]]
    assert (len(first), first) == (50, sorted(first))
    rest = client.get(f"{address}?after={page.context['next']}").context["resolutions"]
    assert len(rest) == 10
    assert rest[0]["row"].due_on >= first[-1]
    Resolution.objects.update(owner=None, department=cast.water)
    client.force_login(cast.water_head)
    client.get(address)
    with django_assert_max_num_queries(8):
        assert all(item["may_finish"] for item in client.get(address).context["resolutions"])
    client.get(reverse("analytics:meetings"))
    with django_assert_max_num_queries(8):
        client.get(reverse("analytics:meetings"))

"""Suppliers behind complaints: recorded, asked to improve, checked by another, evaluated (IMP-12)."""

import importlib
import io
from datetime import date

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from docx import Document

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from analytics import follow_up, suppliers
from analytics.models import Supplier, SupplierCase, SupplierRound, SupplierScore
from analytics.periods import parse
from analytics.states import SupplierDemandState
from complaints.models import CaseEvent, Notification
from complaints.tests.factories import Story, at

pytestmark = pytest.mark.django_db

NOW = at("2026-11-21 10:00")


@pytest.fixture
def case(cast):
    return Story(cast).to_closed().case


@pytest.fixture
def supplier(cast):
    return suppliers.register(name="江东管材厂", supplies="铸铁管", contact="销售部", by=cast.coordinator, at=NOW)


@pytest.fixture
def row(cast, supplier, case):
    return suppliers.record_case(supplier.pk, case=case, share="管壁厚度不足", by=cast.coordinator, at=NOW)


@pytest.fixture
def demanded(cast, row):
    return suppliers.demand(row.pk, text="更换同批次管材", due_on=date(2026, 12, 5), by=cast.coordinator, at=NOW)


def answered(cast, row, on=date(2026, 12, 4)):
    when = at("2026-12-10 09:00")
    return suppliers.answer(row.pk, text="已更换 300 米", received_on=on, by=cast.coordinator, at=when)


def test_imp_12_a_supplier_is_entered_once_and_changed_without_writing_over_a_colleague(client, cast):
    client.force_login(cast.coordinator)
    address = reverse("analytics:supplier_new")
    data = {"name": "江东管材厂", "supplies": "铸铁管", "contact": "销售部"}
    assert client.post(address, {**data, "name": " "}).status_code == 422
    assert client.post(address, data).status_code == 302
    answer = client.post(address, data)
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["name"])
    supplier = Supplier.objects.get()
    edit = reverse("analytics:supplier_edit", args=[supplier.pk])
    form = client.get(edit).context["form"]
    changed = {**data, "contact": "质量部", "is_active": "on", "seen": form["seen"].value()}
    assert client.post(edit, changed).status_code == 302
    assert client.post(edit, {**changed, "contact": "财务部"}).status_code == 409
    supplier.refresh_from_db()
    assert supplier.contact == "质量部"
    client.force_login(cast.water_handler)
    assert client.get(reverse("analytics:suppliers")).status_code == 403
    assert client.post(address, {**data, "name": "别的厂"}).status_code == 403


def test_imp_12_a_case_is_recorded_with_the_viewers_rights_and_stands_in_its_log(client, cast, supplier, case):
    client.force_login(cast.coordinator)
    address = reverse("analytics:supplier_case", args=[supplier.pk])
    for number, share, field in (
        ("HY-20200101-0001", "管壁薄", "case"),
        (case.number, "", "share"),
        (case.number, "张桂芳家的管子爆裂", "share"),
        (case.number, "联系人 13912345678", "share"),
    ):
        answer = client.post(address, {"case": number, "share": share})
        assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field]), share
    assert client.post(address, {"case": case.number.lower(), "share": "管壁厚度不足"}).status_code == 302
    assert client.post(address, {"case": case.number, "share": "再记一次"}).status_code == 422
    event = CaseEvent.objects.get(kind="supplier_recorded")
    assert (event.complaint, event.actor) == (case, cast.coordinator)
    assert case.number in client.get(reverse("analytics:supplier", args=[supplier.pk])).content.decode()
    Supplier.objects.update(is_active=False)
    other = Story(cast, "2026-11-17 09:12").case
    assert client.post(address, {"case": other.number, "share": "管壁薄"}).status_code == 409


def test_imp_12_who_may_not_read_the_case_learns_nothing_about_it(client, cast, row):
    """A case about the reader is none they may read; the supplier's page names neither number nor share."""
    row.complaint.accused_staff.add(cast.checker)
    client.force_login(cast.checker)
    page = client.get(reverse("analytics:supplier", args=[row.supplier_id])).content.decode()
    assert row.complaint.number not in page
    assert "管壁厚度不足" not in page
    assert client.get(reverse("analytics:supplier_step", args=[row.pk, "demand"])).status_code == 404


def test_imp_12_demand_letter_answer_and_check_by_another_person(client, cast, row):
    client.force_login(cast.coordinator)
    step = lambda action: reverse("analytics:supplier_step", args=[row.pk, action])  # noqa: E731
    letter = reverse("analytics:supplier_letter", args=[row.pk])
    assert client.get(letter).status_code == 404
    assert client.post(step("demand"), {"text": "换管", "due_on": "2020-01-01"}).status_code == 422
    assert client.post(step("demand"), {"text": "更换同批次管材", "due_on": "2099-12-05"}).status_code == 302
    assert client.post(step("demand"), {"text": "更换同批次管材", "due_on": "2099-12-05"}).status_code == 409
    text = "\n".join(p.text for p in Document(io.BytesIO(client.get(letter).content)).paragraphs)
    for part in ("江东管材厂", "管壁厚度不足", "更换同批次管材", "2099年12月5日", row.complaint.number):
        assert part in text
    for private in ("张桂芳", "13800002417", "柳桥三村", row.complaint.subject):
        assert private not in text
    assert client.post(step("answer"), {"text": "已更换", "received_on": "2099-01-01"}).status_code == 422
    with pytest.raises(InvalidInput) as refused:
        answered(cast, row, on=date(2026, 11, 20))
    assert refused.value.field == "received_on"
    answered(cast, row)
    assert client.post(step("judge"), {"is_improved": "true"}).status_code == 403
    client.force_login(cast.checker)
    assert client.post(step("judge"), {}).status_code == 422
    assert client.post(step("judge"), {"is_improved": "true"}).status_code == 302
    row.refresh_from_db()
    assert (row.state, row.checked_by) == (SupplierDemandState.IMPROVED, cast.checker)
    assert client.post(step("judge"), {"is_improved": "false"}).status_code == 409


def test_imp_12_whoever_entered_the_answer_does_not_check_it(cast, demanded):
    suppliers.answer(
        demanded.pk, text="已更换", received_on=date(2026, 12, 4), by=cast.checker, at=at("2026-12-05 09:00")
    )
    with pytest.raises(NotAllowed):
        suppliers.judge(demanded.pk, is_improved=True, by=cast.checker)
    assert suppliers.judge(demanded.pk, is_improved=False, by=cast.manager).checked_by == cast.manager


def test_imp_12_without_an_answer_the_date_has_to_be_over(cast, demanded):
    with pytest.raises(IllegalTransition):
        suppliers.judge(demanded.pk, is_improved=False, by=cast.checker, at=at("2026-12-05 23:00"))
    with pytest.raises(InvalidInput):
        suppliers.judge(demanded.pk, is_improved=True, by=cast.checker, at=at("2026-12-06 01:00"))
    assert suppliers.judge(demanded.pk, is_improved=False, by=cast.checker, at=at("2026-12-06 01:00")).checked_at


def test_imp_12_a_supplier_that_did_not_improve_is_asked_again_and_both_rounds_count(client, cast, demanded):
    """The second demand tells the first one, its answer and the finding; who checked the first may check the second."""
    suppliers.answer(
        demanded.pk, text="已告知张桂芳，管材合格", received_on=date(2026, 12, 4), by=cast.coordinator,
        at=at("2026-12-05 09:00"),
    )  # fmt: skip
    suppliers.judge(demanded.pk, is_improved=False, by=cast.checker, at=at("2026-12-06 09:00"))
    client.force_login(cast.coordinator)
    step = reverse("analytics:supplier_step", args=[demanded.pk, "demand"])
    assert step in client.get(reverse("analytics:supplier", args=[demanded.supplier_id])).content.decode()
    again = {"text": "停供同批次管材", "due_on": date(2026, 12, 20), "by": cast.coordinator}
    row = suppliers.demand(demanded.pk, **again, at=at("2026-12-07 09:00"))
    assert (row.state, row.due_on, row.answer, row.checked_by) == ("demanded", date(2026, 12, 20), "", None)
    with pytest.raises(IllegalTransition):
        suppliers.demand(demanded.pk, **again, at=at("2026-12-07 10:00"))
    letter = client.get(reverse("analytics:supplier_letter", args=[row.pk])).content
    text = "\n".join(p.text for p in Document(io.BytesIO(letter)).paragraphs)
    for part in ("停供同批次管材", "更换同批次管材", "2026-12-05", "管材合格", "未改进", "2026年12月20日"):
        assert part in text
    assert "张桂芳" not in text
    with pytest.raises(InvalidInput) as refused:
        suppliers.answer(row.pk, text="已停供", received_on=date(2026, 12, 4), by=cast.coordinator)
    assert refused.value.field == "received_on"
    suppliers.answer(
        row.pk, text="已停供", received_on=date(2026, 12, 21), by=cast.coordinator, at=at("2026-12-21 09:00")
    )
    suppliers.judge(row.pk, is_improved=True, by=cast.checker, at=at("2026-12-22 09:00"))
    drafted = suppliers.draft(row.supplier, parse("2026-12"))
    assert (drafted.due, drafted.on_time, drafted.judged, drafted.improved) == (2, 1, 2, 1)


def test_imp_12_as_many_rounds_as_it_takes_read_from_the_latest_to_the_first(client, cast, demanded):
    """Each earlier demand is followed by its own answer and finding, however many there were."""
    words = ["更换同批次管材"]
    for n, day in enumerate((7, 9, 11), start=2):
        when = at(f"2026-12-{day:02} 09:00")
        answered = suppliers.answer(
            demanded.pk, text=f"第{n - 1}次答复\n\n另附说明", received_on=when.date(), by=cast.coordinator, at=when
        )
        suppliers.judge(answered.pk, is_improved=False, by=cast.checker, at=when)
        words.append(f"第{n}次要求")
        row = suppliers.demand(
            demanded.pk, text=f"{words[-1]}\r\n\r\n限期办结", due_on=date(2026, 12, 20), by=cast.coordinator, at=when
        )
    client.force_login(cast.coordinator)
    letter = client.get(reverse("analytics:supplier_letter", args=[row.pk])).content
    text = "\n".join(p.text for p in Document(io.BytesIO(letter)).paragraphs)
    page = client.get(reverse("analytics:supplier", args=[row.supplier_id])).content.decode()
    for told in (text, page):
        found = [told.index(part) for part in reversed(words)]
        answers = [told.index(f"第{n}次答复") for n in (3, 2, 1)]
        assert found == sorted(found)
        assert all(asked < said for asked, said in zip(found[1:], answers, strict=True))
        assert all(said < asked for said, asked in zip(answers[:-1], found[2:], strict=True))
        assert told.count("未改进") == 3
    assert len(suppliers.demands([row])) == 4
    assert [done.number for done in row.rounds.all()] == [3, 2, 1]
    assert {done.checked_by for done in row.rounds.all()} == {cast.checker}


OLD = (
    "第三次要求\n限期办结\n\n"
    "此前要求（期限 2026-12-20）：第二次要求\n没有答复。\n核查结论：未改进\n\n"
    "此前要求（期限 2026-12-05）：更换同批次管材\n2026-12-04 答复：已更换\n\n另附说明\n核查结论：未改进"
)


def test_imp_12_demands_kept_as_text_by_an_older_release_become_rounds(cast, demanded):
    """One that does not read as it was written, or whose checks are not in the log, stays as it is."""
    migration = importlib.import_module("analytics.migrations.0007_supplier_rounds")
    SupplierCase.objects.update(demand=OLD)
    migration.split(apps, None)
    demanded.refresh_from_db()
    assert (demanded.demand, demanded.rounds.count()) == (OLD, 0)
    SupplierCase.objects.update(demand=demanded.demand.split("\n\n", 1)[0])
    for day in (6, 21):
        suppliers.judge(demanded.pk, is_improved=False, by=cast.checker, at=at(f"2026-12-{day:02} 09:00"))
        SupplierCase.objects.update(state=SupplierDemandState.DEMANDED, due_on=date(2026, 12, 20))
    broken = OLD.replace("核查结论：未改进\n\n", "核查结论：\n\n")
    for text in (broken, "要求\n\n另有一段"):
        SupplierCase.objects.update(demand=text)
        migration.split(apps, None)
        demanded.refresh_from_db()
        assert (demanded.demand, demanded.rounds.count()) == (text, 0)
    SupplierCase.objects.update(demand=OLD)
    migration.split(apps, None)
    demanded.refresh_from_db()
    assert demanded.demand == "第三次要求\n限期办结"
    second, first = demanded.rounds.all()
    assert (first.number, first.demand, first.due_on) == (1, "更换同批次管材", date(2026, 12, 5))
    assert (first.answer, first.answered_at) == ("已更换\n\n另附说明", at("2026-12-04 00:00"))
    assert (first.checked_at, first.checked_by) == (at("2026-12-06 09:00"), cast.checker)
    assert (second.demand, second.answer, second.answered_at) == ("第二次要求", "", None)
    assert second.checked_at == at("2026-12-21 09:00")
    migration.split(apps, None)
    assert demanded.rounds.count() == 2


def test_imp_12_a_page_of_cases_with_rounds_costs_the_same(client, cast, demanded, django_assert_max_num_queries):
    """The rounds of all cases are read together, and shown to nobody who may not read the case."""
    suppliers.judge(demanded.pk, is_improved=False, by=cast.checker, at=at("2026-12-06 11:00"))
    again = {"due_on": date(2026, 12, 10), "by": cast.coordinator, "at": at("2026-12-07 09:00")}
    suppliers.demand(demanded.pk, text="立即停供", **again)
    address = reverse("analytics:supplier", args=[demanded.supplier_id])
    client.force_login(cast.coordinator)
    with CaptureQueriesContext(connection) as one:
        assert "更换同批次管材" in client.get(address).content.decode()
    for n in range(5):
        other = SupplierCase.objects.create(
            supplier=demanded.supplier, complaint=Story(cast, f"2026-11-1{n} 09:12").case, share="管壁薄",
            demand="停供", due_on=date(2026, 12, 10), state="demanded", at=NOW, by=cast.coordinator,
        )  # fmt: skip
        SupplierRound.objects.create(
            case=other, number=1, demand="换管", due_on=date(2026, 12, 1), checked_at=NOW, checked_by=cast.checker
        )
    with django_assert_max_num_queries(len(one)):
        assert client.get(address).content.decode().count("换管") == 5
    demanded.complaint.accused_staff.add(cast.checker)
    client.force_login(cast.checker)
    assert "更换同批次管材" not in client.get(address).content.decode()


def test_imp_12_each_demand_is_reminded_of_once(cast, demanded):
    """The date of the first demand passed and was told; that of the second is told too."""
    follow_up.watch(now=at("2026-12-06 10:00"))
    suppliers.judge(demanded.pk, is_improved=False, by=cast.checker, at=at("2026-12-06 11:00"))
    again = {"due_on": date(2026, 12, 10), "by": cast.coordinator, "at": at("2026-12-07 09:00")}
    row = suppliers.demand(demanded.pk, text="立即停供", **again)
    assert (row.demand, row.rounds.get().answer) == ("立即停供", "")
    for day in (11, 12):
        follow_up.watch(now=at(f"2026-12-{day} 10:00"))
    assert Notification.objects.filter(kind="supplier_late", recipient=cast.coordinator).count() == 2
    suppliers.judge(row.pk, is_improved=False, by=cast.checker, at=at("2026-12-12 11:00"))
    drafted = suppliers.draft(row.supplier, parse("2026-12"))
    assert (drafted.due, drafted.on_time, drafted.judged, drafted.improved) == (2, 0, 2, 0)


@pytest.mark.parametrize(
    ("counts", "points"),
    [
        ((0, 0, 0, 0, 0), 100),
        ((1, 1, 1, 1, 1), 97),
        ((2, 2, 1, 2, 1), 59),
        ((12, 1, 0, 1, 0), 0),
        ((1, 0, 0, 3, 2), 84),
    ],
)
def test_imp_12_points_follow_the_documented_formula(counts, points):
    """40 for improvements, 30 for answers in time, 30 less 3 a case."""
    assert suppliers.Draft(*counts).points == points


def test_imp_12_the_evaluation_is_drafted_from_the_cases_and_confirmed_by_a_person(client, cast, demanded):
    answered(cast, demanded)
    suppliers.judge(demanded.pk, is_improved=True, by=cast.checker, at=at("2026-12-11 09:00"))
    supplier = demanded.supplier
    drafted = suppliers.draft(supplier, parse("2026-12"))
    assert (drafted.cases, drafted.due, drafted.on_time, drafted.judged, drafted.improved) == (0, 1, 1, 1, 1)
    december = {"period": parse("2026-12"), "by": cast.manager, "at": at("2027-01-04 09:00")}
    with pytest.raises(IllegalTransition):
        suppliers.confirm(supplier.pk, score=90, seen=90, note="", **december)
    with pytest.raises(InvalidInput) as refused:
        suppliers.confirm(supplier.pk, score=90, seen=100, note=" ", **december)
    assert refused.value.field == "note"
    score = suppliers.confirm(supplier.pk, score=90, seen=100, note="答复迟疑", **december)
    assert (score.score, score.facts["points"], score.by) == (90, 100, cast.manager)
    with pytest.raises(InvalidInput):
        suppliers.confirm(supplier.pk, score=100, seen=100, note="", **december)
    with pytest.raises(InvalidInput):
        suppliers.confirm(supplier.pk, score=97, seen=97, note="", **{**december, "period": parse("2027-01")})


def test_imp_12_confirmed_on_the_page_and_handed_on_as_a_table(client, cast, supplier):
    client.force_login(cast.manager)
    page = client.get(reverse("analytics:supplier", args=[supplier.pk]))
    period = page.context["period_form"].fields["period"].choices[0][0]
    address = f"{reverse('analytics:supplier_score', args=[supplier.pk])}?period={period}"
    assert client.get(reverse("analytics:supplier_score", args=[supplier.pk])).status_code == 404
    assert client.get(address).context["form"].initial["score"] == 100
    assert client.post(address, {"score": "101", "seen": "100", "note": "好"}).status_code == 422
    assert client.post(address, {"score": "100", "seen": "40", "note": ""}).status_code == 409
    assert client.post(address, {"score": "95", "seen": "100", "note": "=HYPERLINK(1)"}).status_code == 302
    assert SupplierScore.objects.get().score == 95
    table = client.get(reverse("analytics:supplier_table", args=[period, "csv"]))
    lines = b"".join(table.streaming_content).decode().splitlines()
    assert len(lines) == 2
    assert lines[1].startswith(f"江东管材厂,铸铁管,{period},95,100,0,")
    assert "'=HYPERLINK" in lines[1]
    assert client.get(reverse("analytics:supplier_table", args=[period, "xlsx"])).status_code == 200
    assert client.get(reverse("analytics:supplier_table", args=[period, "exe"])).status_code == 404
    assert client.get(reverse("analytics:supplier_table", args=["1999-01", "csv"])).status_code == 404


def test_imp_12_a_date_that_passed_is_told_once(cast, demanded):
    follow_up.watch(now=at("2026-12-05 10:00"))
    assert not Notification.objects.filter(kind="supplier_late").exists()
    follow_up.watch(now=at("2026-12-06 10:00"))
    follow_up.watch(now=at("2026-12-07 10:00"))
    told = Notification.objects.filter(kind="supplier_late", recipient=cast.coordinator)
    assert [row.url for row in told] == [f"/desk/problems/suppliers/{demanded.supplier_id}/"]


def test_imp_12_the_list_of_suppliers_costs_the_same_however_long_it_is(client, cast, django_assert_max_num_queries):
    Supplier.objects.bulk_create(Supplier(name=f"供应商 {n}", by=cast.manager) for n in range(60))
    client.force_login(cast.manager)
    client.get(reverse("analytics:suppliers"))
    with django_assert_max_num_queries(8):
        page = client.get(reverse("analytics:suppliers"))
    assert len(page.context["rows"]) == 50
    assert len(client.get(f"{reverse('analytics:suppliers')}?after={page.context['next']}").context["rows"]) == 10

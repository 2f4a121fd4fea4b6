"""The file made at archiving: number, class, index, what lacks, who may read it (ARC-01…05, ARC-09, ARC-12)."""

from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone, translation

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import SecurityEvent
from complaints import archive, files, transitions
from complaints.models import (
    CaseFile,
    CaseTask,
    Complaint,
    Consultation,
    Notification,
    Promise,
    RetentionClass,
    SettlementStep,
)
from complaints.retention import load_retention
from complaints.states import EvidenceKind, InvestigationKind, RequestState, Status
from complaints.tests.factories import Story, at, category
from complaints.transitions import consultation, needs

pytestmark = pytest.mark.django_db

WHEN = at("2026-11-21 09:00")


def put_away(story, cast, **changes):
    transitions.archive(story.pk, by=cast.coordinator, at=WHEN, **changes)
    return CaseFile.objects.get(complaint=story.pk)


def step(story, cast):
    transitions.add_investigation_step(
        story.pk,
        by=cast.water_handler,
        kind=InvestigationKind.RECORDS,
        summary="调取抢修调度日志",
        at=at("2026-11-17 09:00"),
    )


# --- Number, class, index -------------------------------------------------------------------------
def test_arc_01_02_archiving_makes_a_numbered_file_of_its_year_and_department(cast):
    first, second = (put_away(Story(cast).to_closed(), cast) for _ in range(2))
    assert [first.number, second.number] == ["DA-2026-WATER-0001", "DA-2026-WATER-0002"]
    assert (first.filed_by, first.filed_at, first.missing) == (cast.coordinator, WHEN, [])
    assert first.index_hash == archive.index_hash(first.index)


def test_arc_02_04_the_class_follows_what_the_case_was_and_counts_from_the_next_year(cast):
    assert (put_away(Story(cast).to_closed(), cast).retention.code) == "years-10"
    assert CaseFile.objects.get().keep_until == date(2036, 12, 31)
    serious = Story(cast).to_closed()
    Complaint.objects.filter(pk=serious.pk).update(severity="serious")
    file = put_away(serious, cast)
    assert (file.retention.code, file.keep_until) == ("years-30", date(2056, 12, 31))
    sued = Story(cast).to_closed()
    Complaint.objects.get(pk=sued.pk).lawsuits.create(
        court="望澜区人民法院", filed_on=date(2026, 11, 20), at=WHEN, by=cast.counsel
    )
    file = put_away(sued, cast)
    assert (file.retention.code, file.keep_until) == ("permanent", None)


def test_arc_02_the_shipped_classes_are_there_and_edited_ones_stay():
    RetentionClass.objects.filter(code="years-10").update(name="十年")
    load_retention()
    assert list(RetentionClass.objects.values_list("name", "years")) == [("永久", 0), ("30 年", 30), ("十年", 10)]


def test_arc_03_05_the_index_lists_everything_with_unit_date_and_hash(cast):
    story = Story(cast).accept().assign().start()
    step(story, cast)
    transitions.add_note(story.pk, by=cast.water_handler, text="等待竣工资料", at=at("2026-11-17 10:00"))
    story.submit().reply().call_back().close()
    index = put_away(story, cast).index
    kinds = [entry["kind"] for entry in index]
    assert kinds[0] == "registration"
    assert {"notice", "assignment", "contact", "step", "note", "reply", "check", "callback"} <= set(kinds)
    assert [entry["no"] for entry in index] == list(range(1, len(index) + 1))
    assert [entry["date"] for entry in index[1:]] == sorted(entry["date"] for entry in index[1:])
    found = next(entry for entry in index if entry["kind"] == "step")
    assert (found["title"], found["by"]) == ("调取记录", "供水集团 W001")
    assert all(len(entry["sha256"]) == 64 for entry in index)
    assert index[0]["by"] == "投诉人"


def test_arc_03_promises_tasks_and_needs_are_in_the_file_too(cast):
    """What was promised, set as a task, needed and found for it; of settlements only who works on risk reads."""
    story = Story(cast).accept().assign().start()
    now = at("2026-11-17 10:00")
    promise = Promise.objects.create(
        complaint=story.case, text="周五前恢复供水", due_at=at("2026-11-20 18:00"), made_by=cast.intake, made_at=now
    )
    CaseTask.objects.create(
        complaint=story.case, kind="visit", what="上门送水", department=cast.water, due_on=now.date(), created_at=now,
        created_by=cast.coordinator,
    )  # fmt: skip
    need = needs.record_need(story.pk, need="行动不便，需要上门", by=cast.intake, at=now)
    needs.settle_need(need.pk, outcome="individual", solution="安排上门送水", by=cast.intake, at=now)
    SettlementStep.objects.create(complaint=story.case, kind="offer", text="赔偿 200 元", at=now, by=cast.counsel)
    story.submit().reply().call_back().close()
    index = put_away(story, cast).index
    found = {entry["kind"]: entry for entry in index}
    assert found["task"]["title"] == "上门服务 · 供水集团"
    assert found["need"]["title"] == "个性化解决方案"
    assert (found["promise"]["by"], found["promise"]["source"]) == ("投诉办 A001", f"complaints.promise:{promise.pk}")
    assert "settlement" in found
    assert "settlement" not in {entry["kind"] for entry in archive.readable(index, cast.water_handler)}


def test_arc_05_an_attempt_in_vain_is_in_the_file_too(cast):
    story = Story(cast).to_reply()
    transitions.call_back(story.pk, by=cast.intake, outcome="no_answer", at=at("2026-11-20 09:00"))
    story.call_back().close()
    contacts = [entry["title"] for entry in put_away(story, cast).index if entry["kind"] == "contact"]
    assert len(contacts) == story.case.communications.count()
    assert any("无人接听" in title or "未接" in title for title in contacts)


def test_arc_07_material_is_named_by_kind_source_collector_and_content_and_not_by_its_file_name(
    cast, settings, tmp_path
):
    settings.DATA_DIR = tmp_path
    story = Story(cast).to_closed()
    text = SimpleUploadedFile("张桂芳的水样.pdf", b"%PDF-1.7\n" + b" " * 300)
    transitions.add_attachment(
        story.pk,
        by=cast.intake,
        file=files.store(text, at=at("2026-11-20 17:00")),
        name=text.name,
        evidence_kind=EvidenceKind.TEST_REPORT,
        source="市疾控中心",
        at=at("2026-11-20 17:00"),
    )
    file = put_away(story, cast)
    entry = next(entry for entry in file.index if entry["kind"] == "attachment")
    assert entry["title"] == "检测报告 · PDF · 市疾控中心"
    assert entry["by"] == "投诉办 A001"
    assert entry["sha256"] == story.case.attachments.get().file_id
    assert "张桂芳" not in str(file.index)


def test_the_same_records_give_the_same_index_in_either_language(cast):
    story = Story(cast).to_closed()
    with translation.override("en"):
        english = archive.build_index(story.case)
    assert english == archive.build_index(story.case)


# --- What has to be there -------------------------------------------------------------------------
def test_arc_12_a_valid_case_without_an_investigation_is_archived_only_with_a_reason(client, cast):
    story = Story(cast).to_reply().call_back()
    Complaint.objects.filter(pk=story.pk).update(is_valid=True)
    client.force_login(cast.coordinator)
    page = client.get(reverse("complaints:action", args=[story.case.number, "close"])).content.decode()
    assert "调查记录" in page
    story.close()
    with pytest.raises(InvalidInput) as refused:
        transitions.archive(story.pk, by=cast.coordinator, at=WHEN)
    assert refused.value.field == "explanation"
    assert story.case.status == Status.CLOSED
    address = reverse("complaints:action", args=[story.case.number, "archive"])
    data = {"version": story.case.version}
    answer = client.post(address, data)
    assert answer.status_code == 422
    assert "缺少材料的原因" in answer.content.decode()
    assert client.post(address, {**data, "explanation": "调查笔录在法院卷中"}).status_code == 302
    assert CaseFile.objects.get().missing == [{"code": "investigation", "reason": "调查笔录在法院卷中"}]
    assert (
        "调查笔录在法院卷中" in client.get(reverse("complaints:case_file", args=[story.case.number])).content.decode()
    )


def test_arc_12_what_each_kind_of_case_has_to_hold(cast):
    story = Story(cast).to_closed()
    assert archive.missing(story.case) == []
    Complaint.objects.filter(pk=story.pk).update(is_valid=True, category=category("water-quality"))
    assert archive.missing(story.case) == ["investigation", "test_report"]
    step(story, cast)
    assert archive.missing(story.case) == ["test_report"]
    story.case.callbacks.all().delete()
    assert archive.missing(story.case) == ["test_report", "callback"]
    taken_back = Story(cast)
    transitions.withdraw(taken_back.pk, by=None, at=at("2026-11-16 12:00"))
    assert archive.missing(taken_back.case) == []


def test_arc_09_a_legal_hold_keeps_the_case_out_of_the_archive(cast):
    story = Story(cast).to_closed()
    story.case.holds.create(reason="对方准备起诉", placed_at=WHEN, placed_by=cast.counsel)
    with pytest.raises(IllegalTransition):
        transitions.archive(story.pk, by=cast.coordinator, at=WHEN)
    assert not CaseFile.objects.exists()


def test_arc_01_cases_archived_before_files_were_made_get_theirs_from_the_job(cast):
    story = Story(cast).to_closed()
    Complaint.objects.filter(pk=story.pk).update(status=Status.ARCHIVED, status_since=at("2025-03-01 09:00"))
    assert archive.file_archived() == {"filed": 1}
    file = CaseFile.objects.get()
    assert (file.number, file.filed_by, file.keep_until) == ("DA-2025-WATER-0001", None, date(2035, 12, 31))
    assert archive.file_archived() == {"filed": 0}


# --- Pages ------------------------------------------------------------------------------------------
def test_the_page_shows_the_index_before_and_after_archiving(client, cast):
    story = Story(cast).to_closed()
    client.force_login(cast.coordinator)
    address = reverse("complaints:case_file", args=[story.case.number])
    before = client.get(address).content.decode()
    assert "尚未归档" in before
    assert "登记表" in before
    put_away(story, cast)
    after = client.get(address).content.decode()
    assert "DA-2026-WATER-0001" in after
    assert (
        reverse("complaints:case_file", args=[story.case.number])
        in client.get(reverse("complaints:detail", args=[story.case.number])).content.decode()
    )


def test_notes_and_risk_stand_in_the_index_only_of_who_may_read_them(cast):
    story = Story(cast).to_closed()
    story.case.holds.create(reason="证据保全", placed_at=WHEN, placed_by=cast.counsel, released_at=WHEN)
    transitions.add_note(story.pk, by=cast.coordinator, text="内部情况", at=WHEN)
    index = archive.build_index(story.case)

    def kinds(user):
        return {entry["kind"] for entry in archive.readable(index, user)} & {"note", "hold"}

    assert kinds(cast.coordinator) == {"note", "hold"}
    assert kinds(cast.water_handler) == {"note"}
    assert kinds(cast.publisher) == set()


def test_arc_02_the_list_is_narrowed_by_year_department_and_class(client, cast):
    water = put_away(Story(cast).to_closed(), cast)
    other = Story(cast).to_closed()
    Complaint.objects.filter(pk=other.pk).update(lead_department=cast.roads, severity="serious")
    roads = put_away(other, cast)
    CaseFile.objects.filter(pk=roads.pk).update(filed_at=at("2025-06-01 09:00"))
    client.force_login(cast.coordinator)
    address = reverse("complaints:archive")

    def shown(**query):
        page = client.get(address, query).content.decode()
        return [file.number for file in (water, roads) if file.number in page]

    assert shown() == [water.number, roads.number]
    assert shown(year="2025") == [roads.number]
    assert shown(department="water") == [water.number]
    assert shown(retention="years-30") == [roads.number]
    assert shown(year="1999", department="nowhere") == [water.number, roads.number]
    client.force_login(cast.roads_handler)
    assert shown() == []


def test_the_list_is_paged_and_asks_the_same_number_of_queries(
    client, cast, monkeypatch, django_assert_max_num_queries
):
    files = [put_away(Story(cast).to_closed(), cast) for _ in range(3)]
    monkeypatch.setattr("complaints.archive_views.PAGE_SIZE", 2)
    client.force_login(cast.coordinator)
    address = reverse("complaints:archive")
    client.get(address)
    with django_assert_max_num_queries(8):
        page = client.get(address).content.decode()
    assert files[0].number not in page
    second = client.get(address, {"after": files[1].pk}).content.decode()
    assert files[0].number in second
    assert files[2].number not in second


def test_arc_04_the_classes_can_be_read_in_the_settings(client, cast):
    client.force_login(cast.coordinator)
    assert "30 年" in client.get(reverse("complaints:retention")).content.decode()
    client.force_login(cast.intake)
    assert client.get(reverse("complaints:retention")).status_code == 403


# --- Reading a file -----------------------------------------------------------------------------------
@pytest.fixture
def archived(cast):
    story = Story(cast).to_closed()
    put_away(story, cast)
    return story


def ask(story, by):
    return consultation.request_consultation(story.pk, reader="望澜区人民法院", purpose="(2026)民初 12 号案", by=by)


def test_arc_04_one_asks_and_another_decides(cast, archived):
    row = ask(archived, cast.coordinator)
    told = set(Notification.objects.filter(kind="consultation_requested").values_list("recipient", flat=True))
    assert cast.coordinator2.pk in told
    assert cast.coordinator.pk not in told
    until = timezone.localdate() + timedelta(days=14)
    for person in (cast.coordinator, cast.intake):
        with pytest.raises(NotAllowed):
            consultation.decide_consultation(row.pk, approve=True, until=until, by=person)
    for day in (None, until - timedelta(days=15), until + timedelta(days=90)):
        with pytest.raises(InvalidInput) as refused:
            consultation.decide_consultation(row.pk, approve=True, until=day, by=cast.coordinator2)
        assert refused.value.field == "until"
    with pytest.raises(InvalidInput) as refused:
        consultation.decide_consultation(row.pk, approve=False, by=cast.coordinator2)
    assert refused.value.field == "note"
    consultation.decide_consultation(row.pk, approve=True, until=until, by=cast.coordinator2)
    with pytest.raises(IllegalTransition):
        consultation.decide_consultation(row.pk, approve=False, note="晚了", by=cast.coordinator2)
    events = archived.case.events.filter(kind__startswith="consultation_")
    assert [(event.kind, event.audience) for event in events] == [
        ("consultation_requested", "office"),
        ("consultation_decided", "office"),
    ]
    assert not any("法院" in event.note for event in events)


def test_arc_04_only_archived_files_are_lent_and_one_request_at_a_time(cast, archived):
    with pytest.raises(IllegalTransition):
        ask(Story(cast), cast.coordinator)
    ask(archived, cast.intake)
    with pytest.raises(IllegalTransition):
        ask(archived, cast.intake)
    with pytest.raises(NotAllowed):
        ask(archived, cast.roads_handler)


def test_arc_04_11_the_dossier_is_taken_out_until_the_day_and_each_time_is_logged(client, cast, archived):
    number = archived.case.number
    client.force_login(cast.intake)
    assert client.post(reverse("complaints:consult", args=[number]), {"reader": "", "purpose": ""}).status_code == 422
    sent = client.post(reverse("complaints:consult", args=[number]), {"reader": "市信访局", "purpose": "复核"})
    assert sent.status_code == 302
    row = Consultation.objects.get()
    dossier = reverse("complaints:dossier", args=[number, row.pk])
    assert client.get(dossier).status_code == 409
    client.force_login(cast.coordinator)
    decide = reverse("complaints:consultation", args=[number, row.pk])
    assert client.post(decide, {"approve": "true"}).status_code == 422
    until = timezone.localdate() + timedelta(days=7)
    assert client.post(decide, {"approve": "true", "until": until.isoformat()}).status_code == 302
    assert client.post(decide, {"approve": "false", "note": "晚了"}).status_code == 409
    client.force_login(cast.checker)
    assert client.get(dossier).status_code == 403
    client.force_login(cast.intake)
    assert dossier in client.get(reverse("complaints:case_file", args=[number])).content.decode()
    answer = client.get(dossier)
    assert answer.status_code == 200
    assert b"".join(answer.streaming_content)[:2] == b"PK"
    assert SecurityEvent.objects.filter(kind="dossier_exported", subject=number, user=cast.intake).count() == 1
    assert archived.case.events.filter(kind="dossier_exported", actor=cast.intake).count() == 1
    Consultation.objects.update(until=timezone.localdate() - timedelta(days=1))
    assert client.get(dossier).status_code == 409
    assert Consultation.objects.get().state == RequestState.APPROVED


def test_the_pages_of_another_case_and_of_nobody_are_not_found(client, cast, archived):
    row = ask(archived, cast.intake)
    other = Story(cast)
    client.force_login(cast.intake)
    assert client.get(reverse("complaints:dossier", args=[other.case.number, row.pk])).status_code == 404
    client.force_login(cast.roads_handler)
    assert client.get(reverse("complaints:case_file", args=[archived.case.number])).status_code == 404


def test_arc_02_the_files_are_narrowed_by_type(client, cast):
    file = put_away(Story(cast).to_closed(), cast)
    client.force_login(cast.coordinator)
    address = reverse("complaints:archive")
    here = file.complaint.category
    for code, shown in ((here.code, True), ((here.parent or here).code, True), ("water-quality", False)):
        assert (file.number in client.get(address, {"type": code}).content.decode()) is shown
    assert file.number in client.get(address, {"type": "nonsense"}).content.decode()

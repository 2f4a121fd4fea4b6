"""Promises, statements, meetings and tasks of a case (COO-01…03, COO-07, COO-08, COO-14, COO-20, SPG-02)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import SecurityEvent
from complaints import coordination, files, notify, transitions
from complaints.messages import sentence
from complaints.models import (
    Attachment,
    CaseTask,
    Complaint,
    Meeting,
    Notification,
    PartyStatement,
    Promise,
)
from complaints.states import Audience, Channel, MeetingKind, QuestionKind, TaskKind
from complaints.tests.factories import Story, at
from complaints.track_page import PUBLIC_EVENTS
from complaints.transitions import coordination as rules

pytestmark = pytest.mark.django_db

WHEN = at("2026-11-16 14:00")
DUE = at("2026-11-20 18:00")
LATER = at("2026-11-23 09:00")
DAY = date(2026, 11, 20)


@pytest.fixture
def story(cast) -> Story:
    """A case that the water department handles."""
    return Story(cast).accept().assign().start()


def promise(story, cast, **changes) -> Promise:
    values = {"text": "周五前抢修完毕", "due_at": DUE, "by": cast.water_handler, "at": WHEN, **changes}
    return rules.make_promise(story.pk, **values)


def statement(story, cast, **changes) -> PartyStatement:
    values = {
        "party_kind": "contractor",
        "party": "望澜管网工程公司",
        "question": "爆管前的巡检记录",
        "due_on": DAY,
        "by": cast.water_handler,
        "at": WHEN,
        **changes,
    }
    return rules.ask_party(story.pk, **values)


def meeting(story, cast, **changes) -> Meeting:
    values = {
        "subject": "停水原因会商",
        "planned_at": at("2026-11-17 09:00"),
        "agenda": "一、原因；二、分工",
        "participants": [cast.water_handler, cast.water_head],
        "by": cast.coordinator,
        "at": WHEN,
        **changes,
    }
    return rules.call_meeting(story.pk, **values)


def held(story, cast, **changes) -> Meeting:
    row = meeting(story, cast)
    values = {"minutes": "管道老化", "decisions": "更换管道\n\n 上门送水 ", "by": cast.water_head, **changes}
    return rules.record_minutes(row.pk, at=at("2026-11-17 11:00"), **values)


def task(story, cast, **changes) -> CaseTask:
    values = {
        "what": "上门检查水表",
        "department": cast.water,
        "owner": cast.water_handler2,
        "due_on": DAY,
        "task_kind": TaskKind.VISIT,
        "by": cast.coordinator,
        "at": WHEN,
        **changes,
    }
    return rules.give_task(story.pk, **values)


def attachment(story, cast) -> Attachment:
    upload = SimpleUploadedFile("巡检记录.pdf", b"%PDF-1.4\n%%EOF", content_type="application/pdf")
    stored = files.store(upload, at=WHEN)
    return transitions.add_attachment(
        story.pk, by=cast.coordinator, file=stored, name="巡检记录.pdf", evidence_kind="system_record", at=WHEN
    )


def url(story, name: str, *args) -> str:
    return reverse(f"complaints:{name}", args=[story.case.number, *args])


def page_of(client, who, story, name="coordination") -> str:
    client.force_login(who)
    response = client.get(url(story, name))
    assert response.status_code == 200
    return response.content.decode()


def told(kind: str) -> list[str]:
    rows = Notification.objects.filter(kind=kind).select_related("recipient")
    return sorted(row.recipient.display_name for row in rows)


# --- Promises -------------------------------------------------------------------------------------------
def test_coo_07_a_promise_is_kept_or_ended_once(story, cast):
    row = promise(story, cast)
    rules.keep_promise(row.pk, by=cast.coordinator, at=LATER)
    row.refresh_from_db()
    assert (row.kept_at, row.kept_by) == (LATER, cast.coordinator)
    with pytest.raises(IllegalTransition):
        rules.end_promise(row.pk, reason="改约", by=cast.coordinator)
    other = promise(story, cast)
    with pytest.raises(InvalidInput) as refused:
        rules.end_promise(other.pk, reason="  ", by=cast.water_handler)
    assert refused.value.field == "reason"
    rules.end_promise(other.pk, reason="投诉人改了时间", by=cast.water_handler, at=WHEN)
    with pytest.raises(IllegalTransition):
        rules.keep_promise(other.pk, by=cast.water_handler)
    kinds = list(story.case.events.filter(kind__startswith="promise_").values_list("kind", "note", "audience"))
    assert [kind for kind, _note, _audience in kinds] == [
        "promise_made", "promise_kept", "promise_made", "promise_ended",
    ]  # fmt: skip
    assert {(note, audience) for _kind, note, audience in kinds} == {("", Audience.CASE)}


def test_coo_07_only_who_handles_or_coordinates_promises_and_only_for_a_time_to_come(story, cast):
    for person in (cast.intake2, cast.checker, cast.roads_handler, cast.auditor):
        with pytest.raises(NotAllowed):
            promise(story, cast, by=person)
    with pytest.raises(InvalidInput) as refused:
        promise(story, cast, due_at=WHEN)
    assert refused.value.field == "due_at"
    assert not Promise.objects.exists()


def test_nothing_new_is_planned_on_a_case_that_is_over(cast):
    """What is open can still be settled."""
    story = Story(cast).accept().assign().start()
    row = promise(story, cast)
    story.submit().reply().call_back().close()
    for begin in (promise, statement, meeting, task):
        with pytest.raises(IllegalTransition):
            begin(story, cast)
    rules.keep_promise(row.pk, by=cast.coordinator)


# --- Statements -----------------------------------------------------------------------------------------
def test_coo_14_a_statement_is_asked_received_and_filed_with_a_file_of_the_case(story, cast, client):
    row = statement(story, cast)
    foreign = attachment(Story(cast, name="李明", phone="13900001234"), cast)
    with pytest.raises(InvalidInput) as refused:
        rules.receive_statement(row.pk, answer="巡检正常", evidence=foreign, by=cast.coordinator, at=LATER)
    assert refused.value.field == "evidence"
    own = attachment(story, cast)
    rules.receive_statement(row.pk, answer="巡检正常", evidence=own, by=cast.coordinator, at=LATER)
    row.refresh_from_db()
    assert (row.answer, row.evidence, row.received_at, row.received_by) == ("巡检正常", own, LATER, cast.coordinator)
    assert "巡检记录.pdf" in page_of(client, cast.coordinator, story)
    with pytest.raises(IllegalTransition):
        rules.waive_statement(row.pk, reason="不等了", by=cast.coordinator)


def test_coo_14_wrong_values_name_their_field_and_store_nothing(story, cast):
    for field, changes in (
        ("due_on", {"due_on": date(2026, 11, 15)}),
        ("party", {"party": " "}),
        ("question", {"question": ""}),
        ("party_kind", {"party_kind": "nobody"}),
    ):
        with pytest.raises(InvalidInput) as refused:
            statement(story, cast, **changes)
        assert refused.value.field == field
    assert not PartyStatement.objects.exists()


def test_coo_14_going_on_without_a_statement_needs_the_reason(story, cast):
    row = statement(story, cast)
    with pytest.raises(InvalidInput):
        rules.waive_statement(row.pk, reason="", by=cast.water_handler)
    rules.waive_statement(row.pk, reason="公司已注销", by=cast.water_handler, at=WHEN)
    assert PartyStatement.objects.get().waived_reason == "公司已注销"


# --- Meetings -------------------------------------------------------------------------------------------
def test_coo_02_a_meeting_tells_who_takes_part_and_gets_minutes_from_one_of_them(story, cast):
    row = meeting(story, cast, meeting_kind=MeetingKind.GROUP)
    assert {person.pk for person in row.participants.all()} == {
        cast.coordinator.pk, cast.water_handler.pk, cast.water_head.pk,
    }  # fmt: skip
    assert told("meeting_called") == ["赵启明", "郑工"]
    note = Notification.objects.filter(kind="meeting_called").first()
    assert note.url == url(story, "coordination")
    assert "停水原因会商" not in sentence(note)
    with pytest.raises(NotAllowed):
        rules.record_minutes(row.pk, minutes="…", by=cast.coordinator2, at=LATER)
    with pytest.raises(InvalidInput) as refused:
        rules.record_minutes(row.pk, minutes="提前写", by=cast.water_head, at=WHEN)
    assert refused.value.field == "held_at"
    rules.record_minutes(row.pk, minutes="管道老化", decisions="更换管道", by=cast.water_head, at=LATER)
    row.refresh_from_db()
    assert (row.held_at, row.minutes_by) == (row.planned_at, cast.water_head)
    with pytest.raises(IllegalTransition):
        rules.record_minutes(row.pk, minutes="再写", by=cast.water_head, at=LATER)
    with pytest.raises(IllegalTransition):
        rules.cancel_meeting(row.pk, reason="不开了", by=cast.coordinator, at=LATER)


def test_pi_18_asg_12_whom_the_case_is_about_cannot_take_part(story, cast):
    transitions.name_accused(story.pk, people=[cast.water_head], reason="投诉其本人", by=cast.intake, at=WHEN)
    with pytest.raises(InvalidInput) as refused:
        meeting(story, cast)
    assert refused.value.field == "participants"
    assert not coordination.candidates(story.case).filter(pk=cast.water_head.pk).exists()
    assert not Meeting.objects.exists()
    assert told("meeting_called") == []


def test_coo_03_a_head_of_another_department_takes_part_once_the_department_has_a_task(story, cast):
    with pytest.raises(InvalidInput):
        meeting(story, cast, participants=[cast.roads_handler])
    transitions.add_supporting(story.pk, department=cast.roads, task="路面恢复", by=cast.coordinator, at=WHEN)
    assert coordination.candidates(story.case).filter(pk=cast.roads_handler.pk).exists()
    row = meeting(story, cast, participants=[cast.roads_handler], meeting_kind=MeetingKind.GROUP)
    assert row.participants.filter(pk=cast.roads_handler.pk).exists()


def test_coo_02_a_meeting_called_off_tells_who_would_have_come(story, cast):
    row = meeting(story, cast)
    rules.cancel_meeting(row.pk, reason="原因已查明", by=cast.water_handler, at=WHEN)
    assert told("meeting_cancelled") == ["周明远", "郑工"]
    with pytest.raises(IllegalTransition):
        rules.record_minutes(row.pk, minutes="…", by=cast.water_head, at=LATER)


# --- Tasks ----------------------------------------------------------------------------------------------
def test_coo_02_each_decision_becomes_a_task_with_department_owner_and_day(story, cast, client):
    row = held(story, cast)
    client.force_login(cast.water_head)
    address = url(story, "meeting_task", row.pk)
    assert "上门送水" in client.get(address, {"decision": "2"}).content.decode()
    values = {"what": "上门送水", "department": "water", "owner": "W002", "due_on": "2031-03-31"}
    assert client.post(address, values).status_code == 302
    made = CaseTask.objects.get()
    assert (made.meeting, made.kind, made.owner, made.department) == (
        row, TaskKind.DECISION, cast.water_handler2, cast.water,
    )  # fmt: skip
    assert told("task_given") == ["吴越"]
    # On the page it is a task now; the decisions without one still offer it.
    page = client.get(url(story, "coordination")).content.decode()
    assert f'{address}?decision=2"' not in page
    assert f'{address}?decision=1"' in page


def test_coo_02_no_task_before_the_minutes(story, cast):
    row = meeting(story, cast)
    with pytest.raises(IllegalTransition):
        rules.task_from_meeting(
            row.pk, what="更换管道", department=cast.water, due_on=DAY, by=cast.coordinator, at=WHEN
        )


def test_spg_02_a_service_at_the_door_is_done_by_its_owner_department_or_coordinator(story, cast):
    row = task(story, cast)
    for person in (cast.roads_handler, cast.intake2, cast.auditor):
        with pytest.raises(NotAllowed):
            rules.finish_task(row.pk, result="…", by=person, at=WHEN)
    with pytest.raises(InvalidInput) as refused:
        rules.finish_task(row.pk, result=" ", by=cast.water_handler2, at=WHEN)
    assert refused.value.field == "result"
    for person in (cast.water_handler2, cast.water_handler, cast.coordinator2, cast.intake):
        row = task(story, cast)
        rules.finish_task(row.pk, result="已更换水表", by=person, at=WHEN)
        row.refresh_from_db()
        assert (row.done_by, row.result) == (person, "已更换水表")
    with pytest.raises(IllegalTransition):
        rules.finish_task(row.pk, result="又做一次", by=cast.coordinator, at=WHEN)


def test_a_task_goes_to_a_department_with_the_case_and_a_person_in_it(story, cast):
    for field, changes in (
        ("department", {"department": cast.roads, "owner": None}),
        ("owner", {"owner": cast.roads_handler}),
        ("due_on", {"due_on": date(2026, 11, 15)}),
        ("what", {"what": ""}),
        ("task_kind", {"task_kind": TaskKind.DECISION}),
    ):
        with pytest.raises(InvalidInput) as refused:
            task(story, cast, **changes)
        assert refused.value.field == field
    assert not CaseTask.objects.exists()
    assert task(story, cast, department=cast.office, owner=None).department == cast.office


def test_the_list_of_tasks_shows_own_ones_and_those_of_the_department(story, cast, client):
    mine = task(story, cast, what="上门检查")
    task(story, cast, what="查调度日志", owner=None)
    done = task(story, cast, what="已经做完的事")
    rules.finish_task(done.pk, result="好了", by=cast.coordinator, at=WHEN)
    client.force_login(cast.water_handler2)
    page = client.get(reverse("complaints:case_tasks")).content.decode()
    assert "上门检查" in page
    assert "查调度日志" not in page
    page = client.get(reverse("complaints:case_tasks"), {"view": "department"}).content.decode()
    assert "上门检查" in page
    assert "查调度日志" in page
    assert "已经做完的事" not in page
    client.force_login(cast.roads_handler)
    assert "上门检查" not in client.get(reverse("complaints:case_tasks"), {"view": "department"}).content.decode()
    client.force_login(cast.publisher)
    assert client.get(reverse("complaints:case_tasks")).status_code == 403
    # A case that moved on takes its tasks out of the department's list.
    transitions.reassign(story.pk, department=cast.roads, task="路面", reason="转派", by=cast.coordinator, at=LATER)
    assert not coordination.tasks_of(cast.water_handler2, view="mine").filter(pk=mine.pk).exists()


@pytest.mark.parametrize("moment", ["0001-01-01T00:00", "9" * 41, "\x00", "2026-13-40T99:99"])
def test_coo_02_a_moment_that_cannot_be_stored_is_named_at_its_field(story, cast, client, moment):
    row = meeting(story, cast)
    client.force_login(cast.water_head)
    address = reverse("complaints:meeting_minutes", args=[story.case.number, row.pk])
    answer = client.post(address, {"minutes": "管道老化", "held_at": moment, "version": story.case.version})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["held_at"]
    row.refresh_from_db()
    assert row.held_at is None


def test_coo_01_who_follows_every_case_sees_every_open_task_and_nobody_else(story, cast, client):
    task(story, cast, what="上门检查")
    address = reverse("complaints:case_tasks")
    client.force_login(cast.coordinator2)
    assert "上门检查" not in client.get(address).content.decode()
    page = client.get(address, {"view": "all"}).content.decode()
    assert "上门检查" in page
    assert cast.water.name in page
    # A department asking for all of them gets the own ones, not those of others on its case.
    task(story, cast, what="约谈施工单位", department=cast.office, owner=None)
    assert [row.what for row in coordination.tasks_of(cast.water_handler2, view="all")] == ["上门检查"]
    client.force_login(cast.roads_handler)
    answer = client.get(address, {"view": "all"})
    assert "上门检查" not in answer.content.decode()
    assert [key for key, _label in answer.context["views"]] == ["mine", "department"]
    assert not coordination.tasks_of(cast.roads_handler, view="all").exists()


def test_the_list_of_tasks_is_paged_and_asks_the_same_for_many(
    story, cast, client, monkeypatch, django_assert_max_num_queries
):
    monkeypatch.setattr("complaints.coordination_views.PAGE_SIZE", 2)
    for number in range(5):
        task(story, cast, what=f"任务{number}", due_on=DAY + timedelta(days=number // 2))
    client.force_login(cast.water_handler2)
    address = reverse("complaints:case_tasks")
    seen, after = [], ""
    for _page in range(3):
        with django_assert_max_num_queries(9):
            answer = client.get(address, {"after": after})
        seen += [line.row.what for line in answer.context["items"]]
        after = answer.context["next"]
    assert seen == [f"任务{number}" for number in range(5)]
    assert after == ""
    for odd in ("x", "2026-13-40.1", f"2026-11-20.{'9' * 30}", "2026-11-20.²"):
        assert client.get(address, {"after": odd}).status_code == 200


# --- Alarms ---------------------------------------------------------------------------------------------
def test_coo_07_coo_14_coo_02_what_is_late_alarms_once(story, cast):
    promise(story, cast)
    statement(story, cast)
    task(story, cast)
    kept = promise(story, cast)
    rules.keep_promise(kept.pk, by=cast.water_handler, at=WHEN)
    quiet = {"promises": 0, "statements": 0, "tasks": 0}
    assert coordination.watch_coordination(now=at("2026-11-20 17:59")) == quiet
    assert coordination.watch_coordination(now=at("2026-11-20 18:00")) == quiet | {"promises": 1}
    assert told("promise_due") == ["林若溪", "赵启明"]
    assert coordination.watch_coordination(now=at("2026-11-21 00:10")) == {"promises": 0, "statements": 1, "tasks": 1}
    assert told("statement_overdue") == ["林若溪", "赵启明"]
    assert told("task_overdue") == ["吴越", "林若溪"]
    assert coordination.watch_coordination(now=LATER) == quiet
    for row in Notification.objects.filter(kind__in=("promise_due", "statement_overdue", "task_overdue")):
        assert story.case.number in sentence(row)
        assert "抢修" not in sentence(row)


def test_the_alarms_are_quiet_for_cases_that_are_over(cast):
    story = Story(cast).accept().assign().start()
    promise(story, cast)
    task(story, cast)
    story.submit().reply().call_back().close()
    assert set(coordination.watch_coordination(now=LATER).values()) == {0}
    assert Promise.objects.get().alerted_at is None


def test_two_workers_tell_of_a_promise_once(story, cast, monkeypatch):
    promise(story, cast)
    inner = notify.keepers

    def slower(complaint):
        monkeypatch.setattr(notify, "keepers", inner)
        assert coordination.watch_coordination(now=LATER)["promises"] == 0
        return inner(complaint)

    monkeypatch.setattr(notify, "keepers", slower)
    assert coordination.watch_coordination(now=LATER)["promises"] == 1
    assert told("promise_due") == ["林若溪", "赵启明"]


# --- Who reads what ---------------------------------------------------------------------------------------
def test_the_page_shows_everything_to_the_office_and_the_department(story, cast, client):
    promise(story, cast)
    statement(story, cast)
    held(story, cast)
    task(story, cast)
    for person in (cast.coordinator, cast.intake, cast.water_handler, cast.auditor):
        page = page_of(client, person, story)
        for text in ("周五前抢修完毕", "望澜管网工程公司", "停水原因会商", "更换管道", "上门检查水表"):
            assert text in page
    client.force_login(cast.roads_handler)
    assert client.get(url(story, "coordination")).status_code == 404


def test_s17_a_department_does_not_read_what_was_over_before_it_had_the_case(story, cast, client):
    over = promise(story, cast, text="昨天就办完了")
    rules.keep_promise(over.pk, by=cast.water_handler, at=WHEN)
    promise(story, cast)
    transitions.reassign(
        story.pk, department=cast.roads, task="路面", reason="转派", by=cast.coordinator, at=at("2026-11-17 09:00")
    )
    page = page_of(client, cast.roads_handler, story)
    assert "周五前抢修完毕" in page
    assert "昨天就办完了" not in page
    assert client.get(url(story, "promise_keep", over.pk)).status_code == 404
    assert "昨天就办完了" in page_of(client, cast.coordinator, story)


def test_whoever_may_not_read_notes_reads_none_of_it(cast, client):
    story = Story(cast).accept().assign().start()
    promise(story, cast)
    story.submit().reply().call_back().close()
    assert "周五前抢修完毕" not in page_of(client, cast.publisher, story)
    assert "周五前抢修完毕" not in page_of(client, cast.publisher, story, "detail")


def test_no_event_is_told_to_the_complainant():
    """PI-12."""
    kinds = [kind for kind in PUBLIC_EVENTS if kind.startswith(("promise_", "statement_", "meeting_", "task_"))]
    assert len(kinds) == 12
    assert {PUBLIC_EVENTS[kind] for kind in kinds} == {None}


def test_the_case_page_counts_what_is_open_and_late(story, cast, client):
    promise(story, cast)
    loaded = Complaint.objects.get(pk=story.pk)
    found = coordination.summary(loaded, cast.coordinator, now=LATER)
    assert (found.open["promises"], found.late, found.total) == (1, 1, 1)
    page = page_of(client, cast.coordinator, story, "detail")
    assert url(story, "coordination") in page
    assert "1 项承诺待兑现" in page


def test_the_record_names_the_kind_and_no_content(story, cast, client):
    """PI-18: what was said stands on the page of the coordination, for whom may read it."""
    statement(story, cast)
    task(story, cast)
    page = page_of(client, cast.coordinator, story, "detail")
    for text in ("请第三方书面说明", "承包商", "下达任务", "上门服务"):
        assert text in page
    assert "望澜管网工程公司" not in page
    assert "上门检查水表" not in page


def test_the_page_costs_the_same_for_one_meeting_as_for_many(story, cast, client, django_assert_max_num_queries):
    for _n in range(4):
        held(story, cast)
        promise(story, cast)
        task(story, cast)
    client.force_login(cast.water_handler)
    client.get(url(story, "coordination"))
    with django_assert_max_num_queries(9):
        client.get(url(story, "coordination"))


def test_coo_08_coo_20_reminders_and_refused_returns_stand_on_the_page(cast, client):
    story = Story(cast).accept().assign()
    transitions.request_return(story.pk, by=cast.water_handler, reason="属城管局职责", at=at("2026-11-16 10:40"))
    transitions.refuse_return(story.pk, by=cast.coordinator, note="管道归供水集团", at=at("2026-11-16 10:50"))
    for kind in (QuestionKind.REMINDER, QuestionKind.REMINDER, QuestionKind.SUBSTANTIVE):
        transitions.add_question(story.pk, kind=kind, text="几时来水", channel=Channel.PHONE, by=cast.intake, at=WHEN)
    page = page_of(client, cast.coordinator, story)
    assert "2 次催促" in page
    for text in ("属城管局职责", "赵启明", "管道归供水集团", "周明远"):
        assert text in page


def test_coo_01_a_contact_with_the_department_is_a_note_headed_by_it(story, cast, client):
    client.force_login(cast.intake)
    address = url(story, "department_contact")
    assert client.post(address, {"department": "water", "text": ""}).status_code == 422
    assert client.post(address, {"department": "water", "text": "已找到漏点，缺配件"}).status_code == 302
    note = story.case.notes.get()
    assert note.text == "与供水集团联系\n已找到漏点，缺配件"
    assert note.audience == Audience.CASE
    client.force_login(cast.water_handler)
    assert client.post(address, {"department": "water", "text": "x"}).status_code == 403


# --- The forms --------------------------------------------------------------------------------------------
def test_the_forms_store_name_the_wrong_field_and_lead_back(story, cast, client):
    client.force_login(cast.coordinator)
    future = (timezone.localtime() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    day = (timezone.localdate() + timedelta(days=3)).isoformat()
    filled = {
        "promise": {"text": "周五前修好", "due_at": future},
        "statement": {"party_kind": "carrier", "party": "顺达", "question": "为何迟到", "due_on": day},
        "meeting": {
            "meeting_kind": "group", "subject": "会商", "planned_at": future, "agenda": "原因",
            "participants": ["W001", "W003"],
        },
        "case_task": {"task_kind": "visit", "what": "上门", "department": "water", "owner": "W001", "due_on": day},
    }  # fmt: skip
    for name, values in filled.items():
        address = url(story, name)
        assert client.get(address).status_code == 200
        empty = client.post(address, {})
        assert empty.status_code == 422
        assert set(values) - {"owner"} <= set(empty.context["form"].errors)
        answer = client.post(address, values)
        assert (answer.status_code, answer.url) == (302, url(story, "coordination"))
    past = client.post(url(story, "promise"), {"text": "晚了", "due_at": "2020-01-01T09:00"})
    assert past.status_code == 422
    assert "due_at" in past.context["form"].errors
    row = Promise.objects.get()
    assert client.get(url(story, "promise_keep", row.pk)).status_code == 200
    assert client.post(url(story, "promise_keep", row.pk)).status_code == 302
    assert client.post(url(story, "promise_keep", row.pk)).status_code == 409
    asked = PartyStatement.objects.get()
    assert client.post(url(story, "statement_receive", asked.pk), {"answer": "堵车"}).status_code == 302
    assert client.post(url(story, "statement_waive", asked.pk), {"reason": "不等"}).status_code == 409
    called = Meeting.objects.get()
    assert client.post(url(story, "meeting_minutes", called.pk), {"minutes": "早了"}).status_code == 422
    assert client.post(url(story, "meeting_cancel", called.pk), {"reason": "改期"}).status_code == 302
    assert client.post(url(story, "meeting_minutes", called.pk), {"minutes": "晚了"}).status_code == 409
    done = CaseTask.objects.get()
    assert client.post(url(story, "case_task_done", done.pk), {"result": "已上门"}).status_code == 302
    assert "已上门" in page_of(client, cast.coordinator, story)


def test_the_forms_are_closed_to_others_and_to_other_cases(story, cast, client):
    row = promise(story, cast)
    other = Story(cast, name="李明", phone="13900001234").accept().assign().start()
    client.force_login(cast.intake2)
    refused = SecurityEvent.objects.filter(kind="refused").count()
    assert client.post(url(story, "promise"), {"text": "x"}).status_code == 403
    assert SecurityEvent.objects.filter(kind="refused").count() == refused + 1
    client.force_login(cast.coordinator)
    assert client.get(url(other, "promise_keep", row.pk)).status_code == 404
    assert client.get(url(story, "promise_keep", 10**18)).status_code == 404
    client.force_login(cast.roads_handler)
    assert client.get(url(story, "promise")).status_code == 404

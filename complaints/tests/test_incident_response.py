"""The response to an incident: declared, clocks, survey, bulletins, recovery, what follows (INC-02…06, INC-09…20)."""

from __future__ import annotations

import contextlib
import threading
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.models import SecurityEvent
from complaints import incident_jobs, incidents, signals, transitions
from complaints.models import (
    AfterAction,
    Bulletin,
    CallOut,
    CaseEvent,
    DutySlot,
    HomeHelp,
    ImprovementAction,
    Incident,
    IncidentFeedback,
    IncidentResponse,
    MailPreference,
    Notification,
    OpinionSignal,
)
from complaints.states import Channel, ContactDirection, ContactPurpose, MailRhythm
from complaints.tests.factories import filing
from complaints.transitions import bulletins
from complaints.transitions import incidents as rules

WORDS = {
    "kind": "progress",
    "progress": "抢修队正在更换破裂的管段。",
    "supply": "南门送水车",
    "contact": "服务热线 8800 0123",
}
SECTIONS = dict.fromkeys(rules.SECTIONS, "按预案处置。")


def new_case(hours: float = 1, **changes):
    moment = timezone.now() - timedelta(hours=hours)
    return transitions.register(filing(received_at=moment, **changes), by=None, at=moment).complaint


def field_time(moment) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%dT%H:%M")


@pytest.fixture
def case(cast):
    return new_case(2)


@pytest.fixture
def response(cast, case) -> IncidentResponse:
    """A response declared now for something that began two hours ago."""
    return rules.declare_from_case(
        case.pk, title="槐荫里停水", kind="interruption", started_at=timezone.now() - timedelta(hours=2),
        by=cast.coordinator,
    )  # fmt: skip


@pytest.fixture
def desk(client, cast):
    client.force_login(cast.coordinator)
    return client


def page(client, response, name="incident_response") -> str:
    found = client.get(reverse(f"complaints:{name}", args=[response.incident.number]))
    assert found.status_code == 200
    return found.content.decode()


def send(client, response, kind, data, pk=None, status=302) -> str:
    args = [response.incident.number, kind, *([pk] if pk else [])]
    address = reverse("complaints:incident_record_row" if pk else "complaints:incident_record", args=args)
    assert client.get(address).status_code in (200, 403, 409)
    answer = client.post(address, data)
    assert answer.status_code == status, answer.content.decode()[-3000:]
    return answer.content.decode()


def released(response, cast, **changes) -> Bulletin:
    row = bulletins.write_bulletin(response.pk, by=cast.coordinator, **{**WORDS, **changes})
    return bulletins.release_bulletin(row.pk, by=cast.manager)


# --- Declaring --------------------------------------------------------------------------------------
def test_inc_02_the_first_complaint_starts_the_response(desk, cast, case):
    """INC-02: from the page of the case; everybody who leads responses is told."""
    address = reverse("complaints:case_declare", args=[case.number])
    assert address in desk.get(reverse("complaints:detail", args=[case.number])).content.decode()
    assert case.subject in desk.get(address).content.decode()
    data = {"name": "槐荫里停水", "kind": "interruption", "started_at": field_time(case.received_at)}
    answer = desk.post(address, {**data, "started_at": field_time(timezone.now() + timedelta(days=1))})
    assert answer.status_code == 422
    assert "该时间还没有到。" in answer.content.decode()
    assert not Incident.objects.exists()
    answer = desk.post(address, data)
    response = IncidentResponse.objects.select_related("incident").get()
    case.refresh_from_db()
    assert (case.incident, response.declared_by) == (response.incident, cast.coordinator)
    assert answer.url == reverse("complaints:incident_response", args=[response.incident.number])
    told = Notification.objects.filter(kind="incident_declared")
    assert set(told.values_list("recipient", flat=True)) >= {cast.coordinator2.pk, cast.manager.pk}
    assert set(told.values_list("url", flat=True)) == {incidents.page_url(response.incident.number)}
    assert "应急响应" in page(desk, response)
    assert desk.post(reverse("complaints:incident_declare", args=[response.incident.number]), data).status_code == 409


def test_inc_17_a_defect_of_a_batch_is_declared_a_high_level_emergency(desk, cast, case):
    """INC-17, the declaration: an incident that stands gets a response of high level."""
    incident = transitions.open_incident([case.pk], title="批次缺陷", by=cast.coordinator)
    address = reverse("complaints:incident_declare", args=[incident.number])
    assert address in desk.get(reverse("complaints:incident", args=[incident.number])).content.decode()
    desk.post(address, {"kind": "defect", "started_at": field_time(timezone.now()), "is_high_level": "on"})
    response = IncidentResponse.objects.get(pk=incident.pk)
    assert response.is_high_level
    assert "高级别应急" in page(desk, response)
    assert desk.get(address).url == reverse("complaints:incident_response", args=[incident.number])


def test_only_who_leads_responses_gets_in(client, cast, response, case):
    number = response.incident.number
    row = bulletins.write_bulletin(response.pk, by=cast.coordinator, **WORDS)
    client.force_login(cast.water_handler)
    for name in ("incident_response", "incident_afterwards", "incident_declare"):
        assert client.get(reverse(f"complaints:{name}", args=[number])).status_code == 403
    assert client.get(reverse("complaints:incident_responses")).status_code == 403
    assert client.get(reverse("complaints:case_declare", args=[case.number])).status_code == 403
    assert client.get(reverse("complaints:incident_help", args=[number])).status_code == 404
    for kind, pk in (("survey", None), ("bulletin-release", row.pk)):
        send(client, response, kind, {}, pk, status=403)
    client.force_login(cast.manager)
    assert "槐荫里停水" in client.get(reverse("complaints:incident_responses")).content.decode()
    unknown = [number, "nothing"], [number, "bulletin-edit"], [number, "survey", 1]
    for args in unknown:
        name = "incident_record_row" if len(args) == 3 else "incident_record"
        assert client.get(reverse(f"complaints:{name}", args=args)).status_code == 404


# --- Clocks -----------------------------------------------------------------------------------------
def test_sla_10_cases_not_reached_within_24_hours_are_listed_and_told_once(desk, cast, response, case):
    """SLA-10: the golden 24 hours run from the beginning; near and over are told once each."""
    assert f"/desk/cases/{case.number}/" in page(desk, response)
    due = response.first_contact_due_at
    assert due == response.started_at + timedelta(hours=24)
    quiet = due - timedelta(hours=5)
    assert incident_jobs.remind_bulletins(now=quiet)["first_contact"] == 0
    assert incident_jobs.remind_bulletins(now=due - timedelta(hours=3))["first_contact"] == 1
    assert incident_jobs.remind_bulletins(now=due - timedelta(hours=2))["first_contact"] == 0
    assert incident_jobs.remind_bulletins(now=due)["first_contact"] == 1
    assert incident_jobs.remind_bulletins(now=due)["first_contact"] == 0
    over = Notification.objects.filter(kind="first_contact_over", recipient=cast.manager).get()
    assert over.params["count"] == 1
    transitions.add_contact(
        case.pk, by=cast.intake, direction=ContactDirection.OUT, channel=Channel.PHONE,
        purpose=ContactPurpose.FIRST_CONTACT, summary="已联系", at=timezone.now(),
    )  # fmt: skip
    shown = page(desk, response)
    assert f"/desk/cases/{case.number}/" not in shown
    assert "已全部联系" in shown


def test_inc_05_the_first_notice_is_timed_from_the_beginning(desk, cast, response):
    """INC-05: the board counts until the first released bulletin, then shows how long it took."""
    assert "首次通告尚未发布" in page(desk, response)
    row = released(response, cast)
    response.refresh_from_db()
    assert (row.kind, row.number, response.first_notice_at) == ("first", 1, row.released_at)
    shown = page(desk, response)
    assert "首次通告用时" in shown
    assert "首次通告尚未发布" not in shown


def test_sla_09_inc_06_the_next_bulletin_is_told_an_hour_before_and_when_overdue(desk, cast, response):
    """SLA-09, INC-06: `run_job remind_bulletins --now` tells once each; a release sets the next time."""
    due = response.next_bulletin_due_at
    assert due == response.started_at + timedelta(hours=6)
    assert incident_jobs.remind_bulletins(now=due - timedelta(minutes=61))["near"] == 0
    for _n in range(2):
        call_command("run_job", "remind_bulletins", now=due - timedelta(minutes=59), json=True)
    assert Notification.objects.filter(kind="bulletin_near", recipient=cast.coordinator).count() == 1
    assert incident_jobs.remind_bulletins(now=due)["overdue"] == 1
    assert incident_jobs.remind_bulletins(now=due + timedelta(minutes=5))["overdue"] == 0
    assert Notification.objects.filter(kind="bulletin_overdue", recipient=cast.manager).count() == 1
    row = released(response, cast)
    response.refresh_from_db()
    assert response.next_bulletin_due_at == row.released_at + timedelta(hours=6)
    assert incident_jobs.remind_bulletins(now=response.next_bulletin_due_at)["overdue"] == 1


def test_inc_06_what_presses_in_an_incident_is_mailed_at_once_whatever_was_chosen(cast, case):
    """INC-02, INC-04, INC-06: nobody waits for the summary of the next working day while people have no water."""
    for person in (cast.manager, cast.water_handler):
        person.email = f"{person.staff_number}@example.cn"
        person.save()
        MailPreference.objects.create(user=person, rhythm=MailRhythm.DIGEST)
    response = rules.declare_from_case(
        case.pk, title="槐荫里停水", kind="interruption", started_at=timezone.now() - timedelta(hours=2),
        by=cast.coordinator,
    )  # fmt: skip
    now = timezone.now()
    rules.call_out(
        response.pk, kind="staff", what="抢修", called_at=now, person=cast.water_handler, by=cast.coordinator
    )
    due = response.next_bulletin_due_at
    incident_jobs.remind_bulletins(now=due - timedelta(minutes=30))
    incident_jobs.remind_bulletins(now=response.first_contact_due_at)
    mailed = dict(
        Notification.objects.filter(recipient__in=[cast.manager, cast.water_handler]).values_list("kind", "by_email")
    )
    assert mailed.pop("bulletin_near") is False
    assert mailed == dict.fromkeys(("incident_declared", "called_out", "bulletin_overdue", "first_contact_over"), True)


def test_inc_06_an_overdue_bulletin_stands_on_the_page(desk, cast, response):
    IncidentResponse.objects.update(next_bulletin_due_at=timezone.now() - timedelta(minutes=65))
    assert "下一次通报已超时 1" in page(desk, response)
    assert "通报超时" in desk.get(reverse("complaints:incident_responses")).content.decode()


def test_inc_06_the_rhythm_is_set_for_each_incident(desk, cast, response):
    """INC-06: 1 to 48 hours; the next bulletin moves with it; a stale form changes nothing."""
    data = {"version": response.version, "bulletin_hours": 3}
    assert "48" in send(desk, response, "rhythm", {**data, "bulletin_hours": 49}, status=422)
    send(desk, response, "rhythm", {**data, "bulletin_hours": 0}, status=422)
    send(desk, response, "rhythm", data)
    send(desk, response, "rhythm", {**data, "bulletin_hours": 9}, status=409)
    response.refresh_from_db()
    assert (response.bulletin_hours, response.next_bulletin_due_at) == (3, response.started_at + timedelta(hours=3))
    assert "每 3 小时一次" in page(desk, response)


# --- Survey and call-outs ---------------------------------------------------------------------------
def test_inc_03_the_survey_says_where_why_how_far_and_how_many(desk, response):
    """INC-03: location, cause, extent and households; what is missing is named."""
    data = {"version": response.version, "location": "柳桥路 12 号门前", "extent": "三个小区", "households": 860}
    assert 'href="#id_extent"' in send(desk, response, "survey", {**data, "extent": ""}, status=422)
    send(desk, response, "survey", data)
    shown = page(desk, response)
    assert "柳桥路 12 号门前" in shown
    assert "860" in shown
    response.refresh_from_db()
    assert response.surveyed_at
    send(desk, response, "survey", data, status=409)


def test_inc_04_call_outs_are_logged_and_the_duty_roster_stands_beside_them(desk, cast, response):
    """INC-04: who is on duty now, at any hour; who was called when, there when, until when."""
    now = timezone.now()
    DutySlot.objects.create(
        channel=Channel.PHONE, person=cast.intake2, starts_at=now - timedelta(hours=1), ends_at=now + timedelta(hours=1)
    )
    called = now - timedelta(minutes=50)
    data = {
        "kind": "staff", "person": cast.water_handler.staff_number, "what": "抢修二队", "people": 4,
        "called_at": field_time(called),
    }  # fmt: skip
    send(desk, response, "call-out", data)
    row = CallOut.objects.get()
    assert Notification.objects.filter(kind="called_out", recipient=cast.water_handler).exists()
    shown = page(desk, response)
    assert cast.intake2.display_name in shown
    assert "抢修二队" in shown
    early = {"arrived_at": field_time(called - timedelta(hours=3))}
    assert "早于调集时间。" in send(desk, response, "call-out-follow", early, row.pk, status=422)
    send(desk, response, "call-out-follow", {"arrived_at": field_time(now)}, row.pk)
    assert "已到场" in page(desk, response)


def test_inc_11_more_people_on_the_hotline_are_recorded(desk, response):
    """INC-11: surge staffing of the hotline."""
    data = {"kind": "hotline", "what": "热线增派", "people": 6, "called_at": field_time(timezone.now())}
    send(desk, response, "call-out", data)
    assert "6 人" in page(desk, response)


# --- Bulletins --------------------------------------------------------------------------------------
def test_inc_06_one_writes_another_releases(client, cast, response, django_capture_on_commit_callbacks):
    """INC-06: the writer cannot release; the release is announced to the apps above."""
    heard = []

    def listen(sender, **payload):
        heard.append(payload["bulletin_id"])

    signals.bulletin_released.connect(listen)
    client.force_login(cast.coordinator)
    send(client, response, "bulletin", {**WORDS, "no_advance_notice": "突发爆管,无法预见。"})
    row = Bulletin.objects.get()
    send(client, response, "bulletin-release", {"version": row.version}, row.pk, status=403)
    send(client, response, "bulletin", WORDS, status=409)
    client.force_login(cast.manager)
    send(client, response, "bulletin-release", {"version": row.version + 7}, row.pk, status=409)
    with django_capture_on_commit_callbacks(execute=True):
        send(client, response, "bulletin-release", {"version": row.version}, row.pk)
    signals.bulletin_released.disconnect(listen)
    row.refresh_from_db()
    assert (row.state, row.released_by, heard) == ("released", cast.manager, [row.pk])
    send(client, response, "bulletin-release", {"version": row.version}, row.pk, status=409)


def test_inc_06_a_form_nobody_could_send_does_not_open(client, cast, response):
    """INC-06: the writer, and everybody once the bulletin is out, read the reason instead of the form."""
    client.force_login(cast.coordinator)
    send(client, response, "bulletin", {**WORDS, "no_advance_notice": "突发爆管,无法预见。"})
    row = Bulletin.objects.get()

    def opened(kind):
        address = reverse("complaints:incident_record_row", args=[response.incident.number, f"bulletin-{kind}", row.pk])
        answer = client.get(address)
        return answer.status_code, 'name="version"' in answer.content.decode(), answer.content.decode()

    status, has_form, text = opened("release")
    assert (status, has_form) == (403, False)
    assert "自己起草的通报须由他人发布。" in text
    assert opened("withdraw")[:2] == (409, False)
    assert opened("edit")[:2] == (200, True)
    client.force_login(cast.manager)
    assert opened("release")[:2] == (200, True)
    send(client, response, "bulletin-release", {"version": row.version}, row.pk)
    assert opened("release")[:2] == opened("edit")[:2] == (409, False)
    assert opened("withdraw")[:2] == (200, True)


def test_inc_09_a_bulletin_says_why_no_notice_came_before(desk, response):
    """INC-09: the reason stands in the bulletin."""
    send(desk, response, "bulletin", {**WORDS, "no_advance_notice": "突发爆管，无法预见。"})
    assert "突发爆管，无法预见。" in page(desk, response)
    row = Bulletin.objects.get()
    send(desk, response, "bulletin-edit", {**WORDS, "version": row.version, "no_advance_notice": "改写"}, row.pk)
    send(desk, response, "bulletin-edit", {**WORDS, "version": row.version}, row.pk, status=409)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("progress", "已联系张桂芳女士。"),
        ("supply", "请到柳桥三村12幢2单元401取水。"),
        ("contact", "王师傅 139 0013 9000"),
        ("progress", "证件 110101199003074514 已登记。"),
        ("no_advance_notice", "邮件 zhang@example.cn 已答复。"),
    ],
)
def test_inc_06_a_bulletin_with_a_personal_detail_is_refused(desk, response, field, text):
    """INC-06: the part is named, the detail is masked, nothing is stored."""
    shown = send(desk, response, "bulletin", {**WORDS, field: text}, status=422)
    assert "中含有个人信息" in shown
    assert not Bulletin.objects.exists()


def test_inc_07_an_interruption_says_where_there_is_supply_until_the_service_is_back(cast, desk, response):
    """INC-07: the field is asked for at its place; once the service is back, or for a defect, it may be empty."""
    send(desk, response, "bulletin", {**WORDS, "supply": " "}, status=422)
    assert not Bulletin.objects.exists()
    address = reverse("complaints:incident_record", args=[response.incident.number, "bulletin"])
    released(response, cast)
    assert WORDS["supply"] in desk.get(address).content.decode()
    rules.record_recovery(response.pk, recovered_at=timezone.now(), by=cast.coordinator)
    # What was true before is not offered any more: a closing notice names no water cart that has left.
    assert WORDS["supply"] not in desk.get(address).content.decode()
    send(desk, response, "bulletin", {**WORDS, "supply": ""})


def test_inc_06_a_second_bulletin_is_not_begun_while_a_draft_waits(cast, desk, response):
    """INC-06: neither the button nor the form is offered, so nobody types what cannot be saved."""
    address = reverse("complaints:incident_record", args=[response.incident.number, "bulletin"])
    assert address in page(desk, response)
    assert desk.get(address).status_code == 200
    row = bulletins.write_bulletin(response.pk, by=cast.coordinator, **WORDS)
    assert address not in page(desk, response)
    opened = desk.get(address)
    assert opened.status_code == 409
    assert "<textarea" not in opened.content.decode()
    bulletins.release_bulletin(row.pk, by=cast.manager)
    assert address in page(desk, response)


def test_inc_06_a_name_that_became_known_later_stops_the_release(client, cast, response):
    row = bulletins.write_bulletin(response.pk, by=cast.coordinator, **{**WORDS, "progress": "孙玉兰家已来水。"})
    late = new_case(name="孙玉兰", phone="13900001111")
    transitions.join_incident(late.pk, incident=response.incident, by=cast.coordinator)
    client.force_login(cast.manager)
    send(client, response, "bulletin-release", {"version": row.version}, row.pk, status=422)
    row.refresh_from_db()
    assert row.state == "draft"


def test_inc_06_a_wrong_bulletin_is_withdrawn_and_corrected_under_the_next_number(client, cast, response):
    """INC-06: the number stays with the wrong one; the next bulletin is due as if it had not been."""
    row = released(response, cast)
    client.force_login(cast.manager)
    send(client, response, "bulletin-withdraw", {"version": row.version, "reason": " "}, row.pk, status=422)
    send(client, response, "bulletin-withdraw", {"version": row.version, "reason": "地点写错"}, row.pk)
    response.refresh_from_db()
    assert response.next_bulletin_due_at == response.started_at + timedelta(hours=6)
    again = released(response, cast)
    assert (again.number, again.kind) == (2, "first")
    assert "地点写错" in page(client, response)


# --- Recovery and closing ---------------------------------------------------------------------------
def test_inc_12_recovery_closing_notice_and_closing(desk, cast, response):
    """INC-12: beginning, recovery and total duration; the closing notice and the closing wait for it."""
    close = reverse("complaints:incident_close", args=[response.incident.number])
    assert "请先登记恢复时间。" in desk.post(close, {"summary": "已修复"}).content.decode()
    closing = {**WORDS, "kind": "closing", "after_care": "请先放水至清澈。"}
    assert "请先登记恢复时间。" in send(desk, response, "bulletin", closing, status=422)
    IncidentResponse.objects.update(started_at=timezone.now() - timedelta(hours=30))
    early = {"version": response.version, "recovered_at": field_time(timezone.now() - timedelta(hours=40))}
    assert "早于事件开始时间。" in send(desk, response, "recovery", early, status=422)
    send(desk, response, "recovery", {**early, "recovered_at": field_time(timezone.now())})
    shown = page(desk, response)
    assert "总历时" in shown
    assert "29 小时" in shown or "30 小时" in shown
    assert "请先发布结束通告。" in desk.post(close, {"summary": "已修复"}).content.decode()
    send(desk, response, "bulletin", {**closing, "after_care": ""}, status=422)
    row = released(response, cast, **closing)
    assert row.kind == "closing"
    response.refresh_from_db()
    assert response.next_bulletin_due_at is None
    assert "不再需要通报" in page(desk, response)
    assert desk.post(close, {"summary": "已修复"}).status_code == 302
    with pytest.raises(IllegalTransition):
        bulletins.write_bulletin(response.pk, by=cast.coordinator, **WORDS)
    send(desk, response, "survey", {"version": response.version + 1, "location": "x", "extent": "x"}, status=409)


def closed(response, cast) -> IncidentResponse:
    rules.record_recovery(response.pk, recovered_at=timezone.now(), by=cast.coordinator)
    released(response, cast, kind="closing", after_care="请先放水至清澈。")
    transitions.close_incident(response.pk, summary="已修复", by=cast.coordinator)
    return incidents.responses().get(pk=response.pk)


def test_inc_14_cases_join_a_closed_incident_within_its_after_care(desk, cast, response):
    """INC-14: after care keeps the contact open; cases that join then are marked and listed."""
    response = closed(response, cast)
    late, later = new_case(), new_case()
    with pytest.raises(InvalidInput):
        transitions.join_incident(late.pk, incident=response.incident, by=cast.coordinator)
    data = {
        "version": response.version, "after_care": "水质异常请拨热线", "after_care_contact": "8800 0123",
        "after_care_until": timezone.localdate() + timedelta(days=30),
    }  # fmt: skip
    wrong = {**data, "after_care_until": timezone.localdate() - timedelta(days=1)}
    send(desk, response, "after-care", wrong, status=422)
    send(desk, response, "after-care", data)
    action = reverse("complaints:action", args=[late.number, "join_incident"])
    assert response.incident.number in desk.get(action).content.decode()
    desk.post(action, {"version": late.version, "incident": response.incident.number})
    shown = page(desk, response, "incident_afterwards")
    assert late.number in shown
    assert later.number not in shown
    assert CaseEvent.objects.get(complaint=late, kind="join_incident").note == incidents.AFTER_CARE
    IncidentResponse.objects.update(after_care_until=timezone.localdate() - timedelta(days=1))
    with pytest.raises(InvalidInput):
        transitions.join_incident(later.pk, incident=response.incident, by=cast.coordinator)


# --- Afterwards -------------------------------------------------------------------------------------
def test_inc_16_feedback_is_counted(desk, cast, response):
    """INC-16: once the service is back; the share of satisfied answers is shown."""
    data = {"satisfaction": "satisfied", "comment": "恢复得及时"}
    send(desk, response, "feedback", data, status=409)
    response = closed(response, cast)
    for satisfaction in ("satisfied", "basically", "dissatisfied"):
        send(desk, response, "feedback", {**data, "satisfaction": satisfaction})
    send(desk, response, "feedback", {**data, "satisfaction": "fine"}, status=422)
    assert IncidentFeedback.objects.count() == 3
    assert "66.7%" in page(desk, response, "incident_afterwards")


def test_inc_16_whoever_complained_answers_once_on_the_own_tracking_page(client, desk, cast, response):
    """INC-16: asked once the service is back, without a name, counted with what others say."""
    receipt = transitions.register(filing(received_at=timezone.now()), by=None, at=timezone.now())
    case = receipt.complaint
    citizen = Client()
    citizen.post("/track/", {"number": case.number, "code": receipt.access_code})
    address, words = "/track/case/incident/", {"satisfaction": "basically", "comment": "送水及时，请回电 13800002417"}
    assert citizen.post(address, words).status_code == 409  # belongs to no incident
    transitions.join_incident(case.pk, incident=response.incident, by=cast.coordinator)
    assert 'id="incident"' not in citizen.get("/track/case/").content.decode()
    assert citizen.post(address, words).status_code == 409  # the service is not back
    closed(response, cast)
    assert 'id="incident"' in citizen.get("/track/case/").content.decode()
    assert citizen.post(address, {"comment": "没选"}).status_code == 422
    assert citizen.post(address, {"satisfaction": "fine"}).status_code == 422
    assert citizen.post(address, {**words, "comment": "长" * 10_000}).status_code == 422
    assert citizen.post(address, {**words, "comment": "a\0b"}).status_code == 422
    assert not IncidentFeedback.objects.exists()
    assert citizen.post(address, words).status_code == 302
    assert citizen.post(address, {"satisfaction": "satisfied"}).status_code == 409
    row = IncidentFeedback.objects.get()
    assert (row.incident, row.source, row.satisfaction, row.by) == (response.incident, "complainant", "basically", None)
    assert "13800002417" not in row.comment
    assert "送水及时" in page(desk, response, "incident_afterwards")
    review = reverse("complaints:incident_record", args=[response.incident.number, "after-action"])
    assert "100.0%" in desk.get(review).content.decode()
    seen = citizen.get("/track/case/").content.decode()
    assert 'id="incident"' not in seen
    assert str(row.get_satisfaction_display()) in seen
    assert not IncidentFeedback.objects.filter(comment__contains=case.complainant.name).exists()


def test_inc_16_nobody_answers_without_the_access_code(cast, response):
    assert Client().post("/track/case/incident/", {"satisfaction": "satisfied"}).status_code == 403
    assert not IncidentFeedback.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_inc_16_two_answers_at_once_count_once(cast, response):
    case = new_case()
    transitions.join_incident(case.pk, incident=response.incident, by=cast.coordinator)
    rules.record_recovery(response.pk, recovered_at=timezone.now(), by=cast.coordinator)

    def answer():
        with contextlib.suppress(IllegalTransition):
            rules.give_feedback(case.pk, satisfaction="satisfied")
        connection.close()

    threads = [threading.Thread(target=answer) for _n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert IncidentFeedback.objects.count() == 1


def test_inc_15_an_improvement_is_reported_and_verified_by_another(client, cast, response):
    """INC-15: owner and date; whoever reported it done does not verify it."""
    client.force_login(cast.coordinator)
    data = {
        "what": "排查老旧管线，列入明年改造计划", "department": "water", "owner": cast.water_head.staff_number,
        "due_on": timezone.localdate() + timedelta(days=90),
    }  # fmt: skip
    send(client, response, "improvement", {**data, "due_on": "2020-01-01"}, status=422)
    send(client, response, "improvement", data)
    row = ImprovementAction.objects.get()
    assert (row.origin, row.incident, row.owner, row.complaint) == (
        "incident",
        response.incident,
        cast.water_head,
        None,
    )
    send(client, response, "improvement-verify", {}, row.pk, status=409)
    send(client, response, "improvement-report", {"percent": 100, "note": "已列入"}, row.pk)
    send(client, response, "improvement-verify", {}, row.pk, status=403)
    client.force_login(cast.coordinator2)
    send(client, response, "improvement-verify", {}, row.pk)
    assert f"{cast.coordinator2.display_name} 核验" in page(client, response, "incident_afterwards")


def test_inc_19_what_is_said_in_public_leads_to_the_crisis_team(client, cast, response, case):
    """INC-19: a signal is linked to the incident; team and media plan are one click away for who works on risk."""
    row = OpinionSignal.objects.create(source="微博", text="停水一天没人管", seen_at=timezone.now())
    client.force_login(cast.coordinator)
    send(client, response, "signal", {"signal": row.pk})
    assert "停水一天没人管" in page(client, response, "incident_afterwards")
    send(client, response, "signal", {"signal": row.pk}, status=422)
    context = client.get(reverse("complaints:incident_afterwards", args=[response.incident.number])).context
    assert context["first_case"] == case


def test_inc_20_the_after_action_review_has_six_parts_and_revisions(desk, cast, response):
    """INC-20: all six parts are needed; a writer who saw an older revision is stopped."""
    first = {**SECTIONS, "based_on": 0}
    send(desk, response, "after-action", {**first, "lessons": ""}, status=422)
    send(desk, response, "after-action", {**first, "lessons": "首次通告太晚"})
    send(desk, response, "after-action", {**first, "lessons": "过期的改动"}, status=409)
    send(desk, response, "after-action", {**first, "based_on": 1, "lessons": "一小时内通告"})
    assert list(AfterAction.objects.values_list("revision", "lessons")) == [(2, "一小时内通告"), (1, "首次通告太晚")]
    shown = page(desk, response, "incident_afterwards")
    assert shown.index("一小时内通告") < shown.index("首次通告太晚")
    with pytest.raises(StaleVersion):
        rules.write_after_action(response.pk, by=cast.coordinator, **SECTIONS)


# --- Help at home -----------------------------------------------------------------------------------
def test_inc_10_help_at_home_is_a_task_with_masked_data(client, cast, response):
    """INC-10: listed, given to somebody, shown in clear only on request and logged, done with a result."""
    client.force_login(cast.coordinator)
    due = timezone.now() + timedelta(hours=3)
    data = {
        "name": "李老太", "phone": "13700002222", "address": "柳桥三村3幢101室", "need": "两桶饮用水",
        "owner": cast.water_handler.staff_number, "due_at": field_time(due),
    }  # fmt: skip
    send(client, response, "help-add", {**data, "due_at": field_time(timezone.now() - timedelta(hours=1))}, status=422)
    send(client, response, "help-add", data)
    row = HomeHelp.objects.get()
    assert "1 项待办" in page(client, response)
    shown = page(client, response, "incident_help")
    assert "李老太" not in shown
    assert "13700002222" not in shown
    client.force_login(cast.roads_handler)
    reveal = reverse("complaints:incident_help_shown", args=[response.incident.number, row.pk])
    assert client.post(reveal).status_code == 404
    send(client, response, "help-done", {"result": "x"}, row.pk, status=403)
    client.force_login(cast.water_handler)
    note = Notification.objects.get(kind="home_help")
    assert client.get(note.url).status_code == 200
    # The visit waits among the person's own tasks, with the way to it, and without whom it is for.
    tasks = reverse("complaints:case_tasks")
    mine = client.get(tasks).content.decode()
    assert (note.url in mine, "两桶饮用水" in mine, "李老太" in mine) == (True, True, False)
    assert note.url not in client.get(tasks, {"view": "department"}).content.decode()
    assert "李老太" in client.post(reveal).content.decode()
    assert SecurityEvent.objects.filter(kind="home_help_shown", user=cast.water_handler).count() == 1
    HomeHelp.objects.update(due_at=timezone.now())
    assert "已超时" in client.get(note.url).content.decode()
    send(client, response, "help-done", {"result": "已送到"}, row.pk)
    assert note.url not in client.get(tasks).content.decode()
    row.refresh_from_db()
    assert (row.done_by, row.result) == (cast.water_handler, "已送到")
    with pytest.raises(IllegalTransition):
        rules.finish_help(row.pk, result="再送", by=cast.coordinator)


# --- Costs and the case page ------------------------------------------------------------------------
def test_inc_04_nothing_is_called_out_or_surveyed_once_the_incident_is_closed(client, cast, response):
    """INC-04, INC-03: what goes on after the end is after care, feedback and what is learned."""
    rules.record_recovery(response.pk, recovered_at=timezone.now(), by=cast.coordinator)
    released(response, cast, kind="closing", progress="已恢复供水。", after_care="先放水五分钟。")
    transitions.close_incident(response.pk, summary="已恢复", by=cast.coordinator)
    client.force_login(cast.manager)
    called = {"kind": "staff", "what": "抢修一队", "people": 3, "called_at": field_time(timezone.now())}
    send(client, response, "call-out", called, status=409)
    response.refresh_from_db()
    found = {"location": "槐荫里3号门外", "extent": "两个小区", "version": response.version}
    send(client, response, "survey", found, status=409)
    send(client, response, "rhythm", {"bulletin_hours": 3, "version": response.version}, status=409)
    assert not CallOut.objects.exists()


def test_inc_10_a_visit_listed_without_a_person_is_given_to_one_later(client, desk, cast, response):
    """INC-10: it shows who still has to be found; the one sent is told and finds the visit, the one before does not."""
    row = rules.list_for_help(
        response.pk, name="王秀兰", address="槐荫里5幢602", need="两桶水", due_at=timezone.now() + timedelta(hours=3),
        by=cast.coordinator,
    )  # fmt: skip
    address = reverse("complaints:incident_record_row", args=[response.incident.number, "help-give", row.pk])
    assert address in page(desk, response, "incident_help")
    send(desk, response, "help-give", {"owner": ""}, row.pk, status=422)
    send(desk, response, "help-give", {"owner": cast.water_handler.staff_number}, row.pk)
    told = Notification.objects.get(kind="home_help")
    assert (told.recipient, "王秀兰" in str(told.params)) == (cast.water_handler, False)
    client.force_login(cast.water_handler)
    assert "两桶水" in client.get(told.url).content.decode()
    send(client, response, "help-give", {"owner": cast.coordinator.staff_number}, row.pk, status=403)
    with pytest.raises(NotAllowed):
        rules.give_help(row.pk, owner=cast.coordinator, by=cast.water_handler)
    rules.give_help(row.pk, owner=cast.coordinator, by=cast.coordinator)
    assert client.get(told.url).status_code == 404
    rules.finish_help(row.pk, result="已送到", by=cast.coordinator)
    client.force_login(cast.coordinator)
    send(client, response, "help-give", {"owner": cast.water_handler.staff_number}, row.pk, status=409)


def test_inc_13_a_wrong_closing_notice_is_replaced_although_the_incident_is_closed(client, cast, response):
    """INC-13: a leak must not stay public; only the closing notice is written anew, and no bulletin is due."""
    rules.record_recovery(response.pk, recovered_at=timezone.now(), by=cast.coordinator)
    closing = {"kind": "closing", "progress": "已恢复供水。", "after_care": "先放水五分钟。"}
    wrong = released(response, cast, **closing)
    transitions.close_incident(response.pk, summary="已恢复", by=cast.coordinator)
    client.force_login(cast.manager)
    send(client, response, "bulletin", {**WORDS, **closing}, status=409)
    row = Bulletin.objects.get(pk=wrong.pk)
    withdraw = reverse("complaints:incident_record_row", args=[response.incident.number, "bulletin-withdraw", row.pk])
    assert withdraw in page(client, response)
    send(client, response, "bulletin-withdraw", {"version": row.version, "reason": "写错了"}, row.pk)
    response.refresh_from_db()
    assert response.next_bulletin_due_at is None
    assert "起草通报" in page(client, response)
    send(client, response, "bulletin", WORDS, status=422)
    send(client, response, "bulletin", {**WORDS, **closing})
    draft = Bulletin.objects.get(state="draft")
    client.force_login(cast.coordinator)
    send(client, response, "bulletin-release", {"version": draft.version}, draft.pk)
    response.refresh_from_db()
    assert response.next_bulletin_due_at is None
    assert "起草通报" not in page(client, response)


def test_the_list_costs_the_same_for_many(desk, cast, response, django_assert_max_num_queries):
    address = reverse("complaints:incident_responses")
    desk.get(address)
    for _n in range(3):
        rules.declare_from_case(
            new_case().pk, title="又一起", kind="other", started_at=timezone.now(), by=cast.coordinator
        )
    with django_assert_max_num_queries(6):
        assert desk.get(address).content.decode().count("data-row-link") == 4


def test_rules_ask_for_the_permission_themselves(cast, response):
    with pytest.raises(NotAllowed):
        rules.record_recovery(response.pk, recovered_at=timezone.now(), by=cast.intake)
    with pytest.raises(NotAllowed):
        bulletins.write_bulletin(response.pk, by=cast.water_handler, **WORDS)

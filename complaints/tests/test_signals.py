"""Public opinion and drills: registered by hand or by interface, linked, answered in minutes (RISK-20, 21, 26)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.errors import InvalidInput
from accounts.tests.factories import token as api_token
from accounts.tests.factories import user
from complaints import transitions
from complaints.models import Drill, OpinionSignal
from complaints.tests.factories import Story, at

API = "/api/v1/signals/"
LIST = "/desk/signals/"
BODY = {
    "source": "微博",
    "text": "槐荫里又停水，没人管",
    "link": "https://example.cn/p/1",
    "external_key": "wb-1",
    "seen_at": "2026-11-16T09:30:00+08:00",
}


@pytest.fixture
def press(cast):
    return user("G001", "press_officer", display_name="苏晓")


def send(client, who, body, **headers):
    headers["Authorization"] = f"Token {api_token(who)}"
    return client.post(API, body, content_type="application/json", headers=headers)


# --- Interface (RISK-20) --------------------------------------------------------------------------------
def test_risk_20_a_monitoring_tool_registers_a_signal_once(client, press):
    first, again = send(client, press, BODY), send(client, press, BODY)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    row = OpinionSignal.objects.get()
    assert (row.source, row.external_key, row.seen_at) == ("微博", "wb-1", at("2026-11-16 09:30"))


def test_risk_20_a_report_without_a_time_can_be_sent_again(client, press):
    body = {name: value for name, value in BODY.items() if name != "seen_at"}
    assert [send(client, press, body).status_code for _n in range(2)] == [201, 200]
    assert OpinionSignal.objects.count() == 1


def test_i2_the_key_with_another_content_is_refused(client, press):
    send(client, press, BODY)
    other = send(client, press, {**BODY, "text": "另一件事"})
    assert (other.status_code, other.json()["code"]) == (409, "external_key_reused")
    assert OpinionSignal.objects.get().text == BODY["text"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"text": ""}, "text"),
        ({"external_key": ""}, "external_key"),
        ({"link": "javascript:alert(1)"}, "link"),
        ({"seen_at": "2999-01-01T00:00:00+08:00"}, "seen_at"),
        ({"text": "a\x00b"}, "text"),
        ({"response": "已回应"}, "response"),
        ({"complaint": "HY-19990101-0001"}, "complaint"),
    ],
)
def test_ap_01_bad_input_names_the_field_and_stores_nothing(change, field, client, press):
    answer = send(client, press, {**BODY, **change})
    assert answer.status_code == 400
    assert list(answer.json()) == [field]
    assert not OpinionSignal.objects.exists()


def test_only_those_who_work_on_risk_report(client, cast):
    assert client.post(API, BODY, content_type="application/json").status_code == 401
    assert send(client, cast.intake, BODY).status_code == 403
    assert not OpinionSignal.objects.exists()


def test_risk_07_a_signal_about_a_case_grades_it_again(client, cast):
    story = Story(cast, has_injury=True)
    answer = send(client, cast.coordinator, {**BODY, "complaint": story.case.number})
    assert answer.json()["complaint"] == story.case.number
    assert story.case.risk_grade == "high"
    assert [event.kind for event in story.case.events.all()][-3:] == ["signal_linked", "risk_regraded", "risk_alerted"]


def test_az_03_a_case_out_of_sight_cannot_be_named(client, cast, press):
    """A press officer sees high risk only; the ordinary case does not exist for them."""
    story = Story(cast)
    assert send(client, press, {**BODY, "complaint": story.case.number}).status_code == 400
    assert not story.case.signals.exists()


# --- Pages (RISK-21) ------------------------------------------------------------------------------------
def signal(cast, minutes_ago=90, **changes) -> OpinionSignal:
    values = {"source": "微博", "text": "又停水", "seen_at": timezone.now() - timedelta(minutes=minutes_ago), **changes}
    return transitions.add_signal(by=cast.coordinator, **values)[0]


def test_risk_21_the_response_stops_the_clock_and_its_time_is_shown_in_minutes(client, cast, press):
    row = signal(cast, text="等待回应")
    client.force_login(press)
    assert [(found, minutes) for found, minutes, _open in client.get(LIST).context["items"]] == [(row, 90)]
    assert client.post(f"{LIST}{row.pk}/answer/", {"response": ""}).status_code == 422
    assert client.post(f"{LIST}{row.pk}/answer/", {"response": "已发布说明"}).status_code == 302
    row.refresh_from_db()
    assert (row.response, row.responded_by) == ("已发布说明", press)
    stopped = row.responded_at
    client.post(f"{LIST}{row.pk}/answer/", {"response": "已发布第二次说明"})
    row.refresh_from_db()
    assert (row.response, row.responded_at) == ("已发布第二次说明", stopped)
    assert client.get(LIST, {"state": "open"}).context["items"] == []


def test_risk_21_minutes_are_whole_minutes_until_the_response(cast):
    from complaints.opinion_views import minutes

    row = signal(cast, seen_at=at("2026-11-16 09:00"))
    transitions.answer_signal(row.pk, response="已说明", by=cast.coordinator, at=at("2026-11-16 09:12"))
    row.refresh_from_db()
    assert minutes(row, at("2026-11-20 09:00")) == 12


def test_a_signal_is_registered_by_hand_and_linked(client, cast):
    story = Story(cast)
    client.force_login(cast.coordinator)
    values = {"source": "论坛", "text": "停水没人管", "complaint": story.case.number.lower()}
    assert client.post(f"{LIST}add/", values).status_code == 302
    row = OpinionSignal.objects.get()
    assert (row.complaint, row.external_key) == (story.case, None)
    assert story.case.risk_assessments.latest("pk").score == 25
    assert client.post(f"{LIST}add/", {"source": "论坛"}).status_code == 422


def test_the_address_of_a_post_is_not_named_like_the_button_that_joins_it_to_a_case(client, cast):
    """“关联” is what is done with a case; where the post stands is “帖子链接”."""
    client.force_login(cast.coordinator)
    html = client.get(f"{LIST}add/").content.decode()
    assert "帖子链接" in html
    assert "关联" not in html.partition("<main")[2].partition("</main>")[0]


def test_a_wrong_link_is_corrected_and_both_cases_keep_the_trace(client, cast):
    wrong, right = Story(cast), Story(cast, phone="13900001111", email="")
    row = signal(cast, complaint=wrong.case)
    client.force_login(cast.coordinator)
    assert client.post(f"{LIST}{row.pk}/link/", {"complaint": right.case.number}).status_code == 302
    assert [event.kind for event in wrong.case.events.filter(kind__startswith="signal")] == [
        "signal_linked",
        "signal_unlinked",
    ]
    assert right.case.events.filter(kind="signal_linked").count() == 1
    assert (wrong.case.risk_assessments.latest("pk").score, right.case.risk_assessments.latest("pk").score) == (0, 25)
    with pytest.raises(InvalidInput):
        transitions.link_signal(row.pk, complaint=right.case, by=cast.coordinator)


def test_the_number_of_a_case_out_of_sight_is_not_shown(client, cast, press):
    story = Story(cast)
    signal(cast, complaint=story.case)
    client.force_login(press)
    assert story.case.number not in client.get(LIST).content.decode()
    client.force_login(cast.coordinator)
    assert story.case.number in client.get(LIST).content.decode()


def test_the_list_costs_the_same_for_one_signal_and_three(client, cast, django_assert_num_queries):
    client.force_login(cast.coordinator)
    signal(cast, complaint=Story(cast).case)
    client.get(LIST)
    with django_assert_num_queries(QUERIES):
        client.get(LIST)
    for _n in range(2):
        signal(cast)
    with django_assert_num_queries(QUERIES):
        client.get(LIST)


# Session, user, permissions, signals, visible cases, unread messages.
QUERIES = 6


def test_pages_follow_each_other_without_gap_or_repeat(client, cast):
    rows = [signal(cast, minutes_ago=n, text=f"第{n}条") for n in range(35)]
    client.force_login(cast.coordinator)
    first = client.get(LIST)
    second = client.get(first.context["next_url"])
    shown = [row for page in (first, second) for row, _minutes, _open in page.context["items"]]
    assert shown == rows
    assert second.context["next_url"] == ""
    assert [item[0] for item in client.get(second.context["previous_url"]).context["items"]] == rows[:30]


# --- Drills (RISK-26) ----------------------------------------------------------------------------------------
def test_risk_26_drills_are_recorded_and_listed_newest_first(client, cast):
    client.force_login(cast.coordinator)
    values = {"scenario": "热搜演练", "participants": "公关、法务", "findings": "口径不一"}
    for day in ("2026-03-01", "2026-06-01"):
        assert client.post("/desk/drills/add/", {"held_on": day, **values}).status_code == 302
    shown = client.get("/desk/drills/").context["items"]
    assert [str(row.held_on) for row in shown] == ["2026-06-01", "2026-03-01"]
    assert shown[0].by == cast.coordinator
    for day in ("2999-01-01", "0001-01-01", "9999-12-31", "1999-12-31"):
        assert client.post("/desk/drills/add/", {"held_on": day, **values}).status_code == 422
    assert Drill.objects.count() == 2


@pytest.mark.parametrize("name", ["signals", "signal_add", "drills", "drill_add"])
def test_the_pages_are_for_those_who_work_on_risk(name, client, cast, press):
    client.force_login(cast.water_handler)
    assert client.get(reverse(f"complaints:{name}")).status_code == 403
    client.force_login(press)
    assert client.get(reverse(f"complaints:{name}")).status_code == 200

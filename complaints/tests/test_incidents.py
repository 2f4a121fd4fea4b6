"""Incidents: suggested groups, opening, the cases in one, closing; who may (SCR-09, IN-32)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from complaints import incident_groups, transitions
from complaints.models import Complaint, Incident
from complaints.tests.factories import Story, category, filing
from complaints.tests.test_matching import OTHERS, TEXT, THIRD

ADDRESSES = ("incidents", "incident_groups", "incident_new")
WORDS = ("停水", "路灯", "公交", "电梯", "噪音", "油烟")


def new_case(days: float = 1, **changes) -> Complaint:
    """A case received so many days before now; its own text unless one is given."""
    moment = timezone.now() - timedelta(days=days)
    number = Complaint.objects.count()
    values = {
        "narrative": f"{WORDS[number % len(WORDS)]}的事情第{number}次反映，各不相同的内容{'甲乙丙丁'[number % 4] * 9}。"
    }
    filed = filing(received_at=moment, **{**values, **changes})
    return transitions.register(filed, by=None, at=moment).complaint


def suggested(user) -> list[set[int]]:
    return [{case.pk for case in group.cases} for group in incident_groups.suggested(user, days=14, at=timezone.now())]


@pytest.fixture
def desk(client, cast):
    client.force_login(cast.coordinator)
    return client


# --- Suggested groups -----------------------------------------------------------------------------
def test_three_open_cases_with_nearly_the_same_text_are_a_group(cast):
    same = {new_case(narrative=f"{'尊敬的领导：' * n}{TEXT}", **who).pk for n, who in enumerate(({}, OTHERS, THIRD))}
    new_case()
    new_case(narrative="一份公交晚点的投诉，与别的都不相干，请增加班次并且公布时刻表。")
    assert suggested(cast.coordinator) == [same]
    (group,) = incident_groups.suggested(cast.coordinator, days=14, at=timezone.now())
    assert (group.reason, group.place, group.category) == ("文字几乎相同", "", None)
    assert group.title == group.cases[0].subject


def test_three_open_cases_at_one_place_in_one_category_are_a_group(cast):
    spot = {"place": "槐荫里小区", "category": category()}
    same = [new_case(days, **spot) for days in (13, 2, 1)]
    new_case(place="槐荫里小区", category=category("heating"))
    assert suggested(cast.coordinator) == [{case.pk for case in same}]
    (group,) = incident_groups.suggested(cast.coordinator, days=14, at=timezone.now())
    assert (group.reason, group.place, group.category) == ("地点和类别相同", "槐荫里小区", category())
    assert [case.pk for case in group.cases] == [case.pk for case in same]  # oldest first


def test_two_old_closed_gathered_or_unseen_cases_make_no_group(cast):
    spot = {"place": "槐荫里小区", "category": category()}
    one, two = new_case(**spot), new_case(**spot)
    old = new_case(15, **spot)
    assert suggested(cast.coordinator) == []
    third = new_case(**spot)
    assert suggested(cast.coordinator) == [{one.pk, two.pk, third.pk}]
    assert old.pk not in suggested(cast.coordinator)[0]
    assert suggested(cast.water_handler) == []
    transitions.withdraw(third.pk, reason="不投诉了", by=None)
    assert suggested(cast.coordinator) == []
    fourth = new_case(**spot)
    transitions.open_incident([fourth.pk], title="停水", by=cast.coordinator)
    assert suggested(cast.coordinator) == []


def test_a_group_found_both_ways_is_shown_once_and_the_largest_first(cast):
    both = [new_case(narrative=TEXT + str(n), place="鑫园小区", category=category()) for n in range(3)]
    spot = [new_case(place="槐荫里小区", category=category()) for _n in range(4)]
    assert suggested(cast.coordinator) == [{case.pk for case in spot}, {case.pk for case in both}]


def test_the_suggestions_cost_the_same_queries(cast, django_assert_num_queries):
    spot = {"place": "槐荫里小区", "category": category()}
    suggested(cast.coordinator)  # the person's permissions are read once
    for _round in range(2):
        for _n in range(3):
            new_case(**spot, narrative=TEXT)
        with django_assert_num_queries(2):
            suggested(cast.coordinator)


# --- From a group to an incident --------------------------------------------------------------------
def test_a_group_becomes_an_incident(desk, cast):
    """INC-01: several complaints, one incident; each is listed under its own number."""
    cases = [new_case(place="槐荫里小区", category=category()) for _n in range(4)]
    page = desk.get(reverse("complaints:incident_groups")).content.decode()
    assert re.findall(r'name="case" value="([\w-]+)" checked', page) == [case.number for case in cases]
    chosen = [case.number for case in cases[:3]]
    form = desk.get(
        reverse("complaints:incident_new"),
        {"title": "槐荫里小区 停水", "place": "槐荫里小区", "category": "water-outage", "case": chosen},
    ).content.decode()
    assert re.findall(r'name="cases" value="([\w-]+)" checked', form) == chosen[::-1]
    assert 'value="槐荫里小区 停水"' in form
    response = desk.post(
        reverse("complaints:incident_new"),
        {"title": "槐荫里停水", "place": "槐荫里小区", "category": "water-outage", "summary": "爆管", "cases": chosen},
    )
    incident = Incident.objects.get()
    assert response.url == reverse("complaints:incident", args=[incident.number])
    assert (incident.title, incident.category, incident.opened_by) == ("槐荫里停水", category(), cast.coordinator)
    assert {case.number for case in incident.complaints.all()} == set(chosen)
    page = desk.get(response.url).content.decode()
    assert "3 件投诉，其中 3 件未结" in page
    assert re.findall(r'href="/desk/cases/([\w-]+)/" class="fw-medium"', page) == chosen[::-1]
    assert "槐荫里停水" in desk.get(reverse("complaints:incidents")).content.decode()


@pytest.mark.parametrize(
    ("data", "status", "message"),
    [
        ({"title": "", "cases": ["own"]}, 422, "请用一句话说明发生了什么。"),
        ({"title": "停水", "cases": []}, 422, "请至少选一件。"),
        ({"title": "停水", "cases": ["HY-20260101-9999"]}, 422, "没有这件投诉。"),
        ({"title": "停水", "cases": ["ended"]}, 409, "不能"),
    ],
)
def test_a_wrong_form_opens_nothing_and_says_why(desk, cast, data, status, message):
    own, ended = new_case(), new_case()
    transitions.withdraw(ended.pk, reason="不投诉了", by=None)
    named = {"own": own.number, "ended": ended.number}
    data = {**data, "cases": [named.get(number, number) for number in data["cases"]]}
    response = desk.post(reverse("complaints:incident_new"), data)
    assert response.status_code == status
    assert message in response.content.decode()
    assert not Incident.objects.exists()
    assert Complaint.objects.filter(incident=None).count() == 2


def test_a_case_joins_from_its_page_and_leaves_again(desk, cast):
    first, other = new_case(), new_case()
    incident = transitions.open_incident([first.pk], title="停水", by=cast.coordinator)
    address = reverse("complaints:action", args=[other.number, "join_incident"])
    assert (
        f'<option value="{incident.number}" selected>'
        in desk.get(address, {"incident": incident.number}).content.decode()
    )
    desk.post(address, {"version": other.version, "incident": incident.number})
    other.refresh_from_db()
    assert other.incident == incident
    desk.post(
        reverse("complaints:action", args=[other.number, "leave_incident"]),
        {"version": other.version, "reason": "是另一条管道"},
    )
    other.refresh_from_db()
    assert other.incident is None


def test_closing_needs_words_and_ends_joining(desk, cast):
    """INC-01: the incident ends, its cases go on each by itself."""
    case, late = new_case(), new_case()
    incident = transitions.open_incident([case.pk], title="停水", by=cast.coordinator)
    close = reverse("complaints:incident_close", args=[incident.number])
    response = desk.post(close, {"summary": " "})
    assert response.status_code == 422
    assert "请说明事件如何结束。" in response.content.decode()
    desk.post(close, {"summary": "管道已经更换"})
    incident.refresh_from_db()
    assert (incident.summary, incident.closed_by) == ("管道已经更换", cast.coordinator)
    assert desk.post(close, {"summary": "再关一次"}).status_code == 422
    page = desk.get(reverse("complaints:incident", args=[incident.number])).content.decode()
    assert "管道已经更换" in page
    assert close not in page
    form = desk.get(reverse("complaints:action", args=[late.number, "join_incident"])).content.decode()
    assert incident.number not in form
    case.refresh_from_db()
    assert case.status == "registered"  # the cases go on each by itself


# --- Lists and access -------------------------------------------------------------------------------
def test_the_list_pages_by_position_at_the_same_cost(desk, cast, django_assert_num_queries):
    cases = [new_case() for _n in range(3)]
    address = reverse("complaints:incidents")
    counts = []
    for case in cases:
        transitions.open_incident([case.pk], title=f"事件{case.pk}", by=cast.coordinator)
        desk.get(address)
        with django_assert_num_queries(5):  # session, person, permissions, list, unread messages
            counts.append(desk.get(address).content.decode().count("data-row-link"))
    assert counts == [1, 2, 3]


def test_only_cases_in_sight_stand_in_an_incident(desk, cast):
    seen, hidden = new_case(), new_case()
    incident = transitions.open_incident([seen.pk, hidden.pk], title="停水", by=cast.coordinator)
    hidden.accused_staff.add(cast.coordinator)
    page = desk.get(reverse("complaints:incident", args=[incident.number])).content.decode()
    assert f"/desk/cases/{seen.number}/" in page
    assert hidden.number not in page
    assert "1 件投诉，其中 1 件未结" in page


@pytest.mark.parametrize("name", ADDRESSES)
def test_only_who_may_merge_gets_in(client, cast, name):
    assert client.get(reverse(f"complaints:{name}")).status_code == 302
    for who in (cast.water_handler, cast.auditor, cast.manager):
        client.force_login(who)
        assert client.get(reverse(f"complaints:{name}")).status_code == 403
    client.force_login(cast.coordinator)
    assert client.get(reverse(f"complaints:{name}")).status_code == 200


def test_an_unknown_incident_is_not_found(desk):
    assert desk.get(reverse("complaints:incident", args=["SJ-20260101-0001"])).status_code == 404
    assert desk.post(reverse("complaints:incident_close", args=["SJ-20260101-0001"])).status_code == 404


def test_the_navigation_leads_there(client, cast):
    client.force_login(cast.coordinator)
    assert 'href="/desk/incidents/"' in client.get("/desk/queue/").content.decode()
    client.force_login(cast.water_handler)
    assert 'href="/desk/incidents/"' not in client.get("/desk/queue/").content.decode()


def test_the_case_page_names_the_incident(desk, cast):
    story = Story(cast)
    incident = transitions.open_incident([story.pk], title="槐荫里停水", by=cast.coordinator)
    page = desk.get(reverse("complaints:detail", args=[story.case.number])).content.decode()
    assert reverse("complaints:incident", args=[incident.number]) in page
    assert "槐荫里停水" in page

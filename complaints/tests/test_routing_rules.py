"""Routing rules: the first that holds decides; kept in order by people who see their effect first (ASG-01, ASG-02)."""

from __future__ import annotations

import re

import pytest

from accounts.errors import NotAllowed
from accounts.tests.factories import sign_in_anew
from complaints import routing, transitions
from complaints.models import Category, Complaint, RoutingRule
from complaints.routing import Conditions
from complaints.tests.factories import category, registered

URL = "/desk/settings/routing/"


def facts(**changes) -> routing.Facts:
    values = {"categories": [1, 2], "channel": "phone", "texts": ["小区ＷｉＦｉ停水", "柳桥三村"], **changes}
    return routing.facts_of(**values)


# --- What a rule asks ------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("conditions", "result"),
    [
        (Conditions(None, "", ()), True),
        (Conditions(2, "", ()), True),
        (Conditions(3, "", ()), False),
        (Conditions(None, "phone", ()), True),
        (Conditions(None, "web", ()), False),
        (Conditions(None, "", ("暖气", "停水")), True),
        (Conditions(None, "", ("柳桥",)), True),
        (Conditions(None, "", ("暖气",)), False),
        (Conditions(None, "", (routing.plain("wifi"),)), True),
        (Conditions(2, "phone", ("停水",)), True),
        (Conditions(3, "phone", ("停水",)), False),
    ],
)
def test_all_conditions_have_to_hold_and_one_word_is_enough(conditions, result):
    """ASG-02"""
    assert routing.holds(conditions, facts()) is result


def rule(name: str, department, **changes) -> RoutingRule:
    order = RoutingRule.objects.count() + 1
    return RoutingRule.objects.create(**{"name": name, "department": department, "order": order, **changes})


def test_the_first_active_rule_of_a_living_department_decides(cast):
    rule("停用", cast.roads, is_active=False)
    gone = rule("撤销的部门", cast.legal_department)
    cast.legal_department.is_active = False
    cast.legal_department.save()
    first = rule("供水", cast.water, words="停水")
    rule("其余", cast.roads)
    rules = routing.active_rules()
    assert gone not in rules
    assert routing.first_match(rules, facts()) == first
    assert routing.first_match(rules, facts(texts=["路灯不亮"])).name == "其余"


def test_a_rule_for_a_category_holds_for_those_below_it(cast):
    outage = category("water-outage")
    assert routing.lineages()[outage.pk] == {outage.pk, outage.parent_id}


def test_categories_that_were_tied_into_a_ring_end_the_climb(cast):
    outage = category("water-outage")
    Category.objects.filter(pk=outage.parent_id).update(parent=outage)
    assert routing.lineages()[outage.pk] == {outage.pk, outage.parent_id}


# --- What it would have done -----------------------------------------------------------------
def cases(cast) -> None:
    for subject, lead in (
        ("停水了", cast.water),
        ("又停水", cast.roads),
        ("停水通知", cast.water),
        ("路灯不亮", cast.roads),
    ):
        complaint = registered(subject=subject, narrative="请处理。", place="").complaint
        Complaint.objects.filter(pk=complaint.pk).update(lead_department=lead)


def test_a_trial_counts_matches_earlier_rules_and_agreement(cast, django_assert_num_queries):
    cases(cast)
    earlier = rule("通知", cast.roads, words="通知")
    with django_assert_num_queries(2):
        trial = routing.try_rule(Conditions(None, "", ("停水",)), department_id=cast.water.pk, before=[earlier])
    assert (trial.looked_at, trial.matched, trial.taken, trial.decided, trial.agreed) == (4, 3, 1, 2, 1)


def test_a_trial_looks_at_the_newest_cases_only(cast, monkeypatch):
    cases(cast)
    monkeypatch.setattr(routing, "LOOK_BACK", 2)
    trial = routing.try_rule(Conditions(None, "", ()), department_id=None)
    assert (trial.looked_at, trial.matched, trial.agreed) == (2, 2, 0)


# --- Pages --------------------------------------------------------------------------------------
@pytest.fixture
def desk(client, cast):
    client.force_login(cast.coordinator)
    return client


def form(**changes) -> dict:
    return {
        "name": "供水",
        "category": "utilities",
        "channel": "",
        "words": "停水\n水管\n停水",
        "department": "water",
        "person": "",
        "seen": "",
        **changes,
    }


def seen_in(html: str) -> str:
    return re.search(r'name="seen" value="(\w{16})"', html)[1]


def test_a_rule_is_saved_only_after_its_effect_was_shown(desk, cast):
    """ASG-02: the first click shows how many cases it would have matched, the next one saves; no script needed."""
    registered(category=category("water-outage"))
    shown = desk.post(f"{URL}new/", form())
    html = shown.content.decode()
    assert shown.status_code == 422
    assert RoutingRule.objects.count() == 0
    assert re.search(r"1 .*?1 ", re.search(r'id="trial".*?</div>', html, re.DOTALL)[0])
    saved = desk.post(f"{URL}new/", form(seen=seen_in(html)))
    assert saved.status_code == 302
    row = RoutingRule.objects.get()
    assert (row.name, row.category.code, row.words, row.department, row.person) == (
        "供水",
        "utilities",
        "停水\n水管",
        cast.water,
        None,
    )
    assert (row.changed_by, row.is_active) == (cast.coordinator, True)


@pytest.mark.parametrize("change", [{"words": "暖气"}, {"category": ""}, {"channel": "web"}, {"department": "roads"}])
def test_other_conditions_are_shown_anew(desk, change):
    seen = seen_in(desk.post(f"{URL}new/", form()).content.decode())
    assert desk.post(f"{URL}new/", form(seen=seen, **change)).status_code == 422
    assert RoutingRule.objects.count() == 0
    assert desk.post(f"{URL}new/", form(seen=seen, name="另一个名字")).status_code == 302


def test_the_effect_is_shown_while_the_rule_is_written(desk, cast):
    cases(cast)
    html = desk.post(f"{URL}new/preview/", form(category="", name="")).content.decode()
    assert re.search(r"\b3\b", html)
    assert desk.post(f"{URL}new/", form(category="", seen=seen_in(html))).status_code == 302
    wrong = desk.post(f"{URL}new/preview/", form(channel="pigeon")).content.decode()
    assert 'name="seen" value=""' in wrong


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"category": "nothing"}, "category"),
        ({"channel": "pigeon"}, "channel"),
        ({"department": ""}, "department"),
        ({"department": "office"}, "department"),
        ({"person": "R001"}, "person"),
        ({"words": "\n".join(f"词{n}" for n in range(101))}, "words"),
        ({"words": "长" * 41}, "words"),
        ({"words": "停\x00水"}, "words"),
    ],
)
def test_a_wrong_value_is_named_at_its_field(desk, change, field):
    response = desk.post(f"{URL}new/", form(**change))
    assert (response.status_code, RoutingRule.objects.count()) == (422, 0)
    assert set(response.context["form"].errors) == {field}


def test_a_rule_is_changed_in_its_place(desk, cast):
    first, second = rule("一", cast.water, words="停水"), rule("二", cast.roads)
    page = desk.get(f"{URL}{first.pk}/").content.decode()
    assert 'value="一"' in page
    seen = seen_in(desk.post(f"{URL}{first.pk}/preview/", form(name="供水", person="W001")).content.decode())
    assert desk.post(f"{URL}{first.pk}/", form(person="W001", seen=seen)).status_code == 302
    first.refresh_from_db()
    assert (first.name, first.person, first.order) == ("供水", cast.water_handler, 1)
    assert list(RoutingRule.objects.all()) == [first, second]


def names() -> list[str]:
    return list(RoutingRule.objects.values_list("name", flat=True))


def test_rules_move_and_are_switched_off(desk, cast):
    one, _two, three = rule("一", cast.water), rule("二", cast.roads, order=1), rule("三", cast.roads)
    for pk, to, order in (
        (three.pk, "up", ["一", "三", "二"]),
        (one.pk, "down", ["三", "一", "二"]),
        (three.pk, "up", ["三", "一", "二"]),
    ):
        assert desk.post(f"{URL}{pk}/move/", {"to": to}).status_code == 302
        assert names() == order
    desk.post(f"{URL}{three.pk}/switch/", {"on": "no"})
    assert [item.name for item in routing.active_rules()] == ["一", "二"]
    desk.post(f"{URL}{three.pk}/switch/", {"on": "yes"})
    assert [item.name for item in routing.active_rules()] == ["三", "一", "二"]


def test_a_new_rule_comes_last(cast):
    rule("一", cast.water, order=100)
    made = transitions.save_routing_rule(None, by=cast.coordinator, name="二", department=cast.roads)
    assert names() == ["一", "二"]
    assert made.order == 101


def test_the_list_costs_the_same_for_one_and_three_rules(desk, cast, django_assert_num_queries):
    rule("一", cast.water, category=category(), person=cast.water_handler)
    desk.get(URL)
    with django_assert_num_queries(5):
        assert desk.get(URL).content.decode().count("<tr>") == 2
    rule("二", cast.roads, words="停水", changed_by=cast.coordinator)
    rule("三", cast.roads, category=category("heating"))
    with django_assert_num_queries(5):
        html = desk.get(URL).content.decode()
    assert re.findall(r"/desk/settings/routing/\d+/\">(\w)", html) == ["一", "二", "三"]


@pytest.mark.parametrize("role", ["intake", "water_handler", "auditor"])
@pytest.mark.parametrize("path", ["", "new/", "{pk}/", "{pk}/move/", "{pk}/switch/", "{pk}/preview/", "new/preview/"])
def test_others_neither_see_nor_change_rules(client, cast, role, path):
    row = rule("一", cast.water)
    client.force_login(getattr(cast, role))
    url = URL + path.format(pk=row.pk)
    assert (client.get(url).status_code, client.post(url, form()).status_code) == (403, 403)
    with pytest.raises(NotAllowed):
        transitions.switch_routing_rule(row.pk, by=getattr(cast, role), on=False)
    assert RoutingRule.objects.get().is_active


def test_the_administrator_edits_rules_too_and_a_rule_that_is_not_there_is_404(client, cast):
    sign_in_anew(client, cast.administrator)
    assert client.get(f"{URL}new/").status_code == 200
    assert [client.get(f"{URL}999/").status_code, client.post(f"{URL}999/move/").status_code] == [404, 404]

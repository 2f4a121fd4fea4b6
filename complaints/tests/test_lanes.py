"""Lanes, the one senior person, daily contact, and tiers that delay nobody (ASG-09…11, SLA-14, SPG-07, SPG-08)."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from complaints import lane_jobs, lanes, tiers, transitions
from complaints.models import CaseEvent, CaseLane, Complaint, LaneRule, Notification, ServicePolicy, TierService
from complaints.profiles import PROFILES
from complaints.states import Channel, ContactDirection, ContactPurpose, Lane, LaneReason, Status
from complaints.tests.factories import Story, at, category, registered
from complaints.transitions import lanes as rules

URL = "/desk/settings/lanes/"
PUT = {"lane": "fast", "senior": "", "reason": "涉及基本生活"}


def rule(name: str = "数据丢失", **changes) -> LaneRule:
    order = LaneRule.objects.count() + 1
    return LaneRule.objects.create(**{"name": name, "lane": Lane.FAST, "order": order, **changes})


def lane_of(case: Complaint) -> CaseLane | None:
    return lanes.standing(Complaint.objects.get(pk=case.pk))


def page(case: Complaint, tail: str = "") -> str:
    return f"/desk/cases/{case.number}/lane/{tail}"


def told(person, kind: str) -> int:
    return Notification.objects.filter(recipient=person, kind=kind).count()


# --- By rule --------------------------------------------------------------------------------------------
def test_asg_09_a_defined_case_goes_to_one_senior_person_at_registration(cast):
    rule(lane=Lane.SENIOR, words="数据丢失", customer_tier="vip", senior=cast.coordinator2, daily_contact=True)
    case = registered(narrative="升级后数据丢失了", customer_tier="vip").complaint
    row = lane_of(case)
    assert row is not None
    assert (row.lane, row.reason, row.senior, row.daily_contact) == ("senior", "rule", cast.coordinator2, True)
    case.refresh_from_db()
    assert case.coordinator == cast.coordinator2
    assert told(cast.coordinator2, "lane_senior") == 1
    assert CaseEvent.objects.filter(complaint=case, kind="lane_set", note="senior").count() == 1
    transitions.accept(case.pk, by=cast.intake, rule="在范围内", category=category(), at=at("2026-11-16 10:00"))
    case.refresh_from_db()
    assert case.coordinator == cast.coordinator2, "the acceptance does not take the case from the senior person"
    assert lane_of(registered(narrative="升级后数据丢失了").complaint) is None, "the tier is missing"


def test_asg_09_a_senior_case_is_not_in_the_pool_of_the_department(cast):
    story = Story(cast).accept().assign()
    rules.put_on_lane(story.pk, lane="senior", senior=cast.coordinator, reason="重大", by=cast.coordinator)
    assert transitions.take_next(by=cast.water_handler, at=at("2026-11-17 10:00")) is None


def test_asg_09_where_the_named_person_is_concerned_the_coordinators_name_another(cast):
    rule(lane=Lane.SENIOR, words="停水", senior=cast.coordinator, is_active=False)
    case = registered().complaint
    case.accused_staff.add(cast.coordinator)
    LaneRule.objects.update(is_active=True)
    transitions.classify(case.pk, by=cast.intake, category=category(), at=at("2026-11-16 10:00"))
    row = lane_of(case)
    assert row is not None
    assert row.senior is None
    assert (told(cast.coordinator2, "lane_unmanned"), told(cast.coordinator, "lane_unmanned")) == (1, 0)


def test_asg_11_classification_and_risk_put_a_case_on_the_fast_lane(cast):
    outage = category("water-outage")
    rule("停水", category=outage.parent)
    rule("高风险", risk_grade="high")
    story = Story(cast)
    assert lane_of(story.case) is None
    transitions.classify(story.pk, by=cast.intake, category=outage, at=at("2026-11-16 09:30"))
    row = lane_of(story.case)
    assert row is not None
    assert (row.lane, row.rule.name) == ("fast", "停水")
    other = Story(cast).high_risk()
    found = lane_of(other.case)
    assert found is not None
    assert found.rule.name == "高风险"


def test_asg_11_a_later_rule_raises_the_fast_lane_to_a_senior_person(cast):
    rule("高风险", lane=Lane.SENIOR, senior=cast.coordinator, risk_grade="high")
    rule("停水", words="停水")
    story = Story(cast)
    story.high_risk()
    row = lane_of(story.case)
    assert row is not None
    assert (row.lane, row.senior) == ("senior", cast.coordinator)


def test_asg_11_the_fast_lane_comes_first_when_somebody_takes_the_next_case(cast):
    first, fast = Story(cast).accept().assign(), Story(cast).accept().assign()
    Complaint.objects.filter(pk=first.pk).update(next_due_at=at("2026-11-18 17:30"))
    Complaint.objects.filter(pk=fast.pk).update(next_due_at=at("2026-11-25 17:30"))
    rules.put_on_lane(fast.pk, lane="fast", reason="停药", by=cast.coordinator)
    taken = transitions.take_next(by=cast.water_handler, at=at("2026-11-17 10:00"))
    assert taken is not None
    assert taken.pk == fast.pk


def test_asg_11_the_queue_marks_and_filters_the_lanes_and_keeps_its_order(client, cast):
    plain, fast = Story(cast), Story(cast, subject="孕妇家中停水")
    rules.put_on_lane(fast.pk, lane="fast", reason="停药", by=cast.coordinator)
    client.force_login(cast.intake)
    both = client.get("/desk/queue/?view=all").content.decode()
    assert plain.case.number in both
    assert both.count("快速通道") >= 2  # the filter and one mark
    narrowed = client.get("/desk/queue/?view=all&lane=fast").content.decode()
    assert fast.case.number in narrowed
    assert plain.case.number not in narrowed


def test_asg_11_a_case_on_a_lane_changes_hands_once_without_a_coordinator(cast):
    story = Story(cast).accept().assign().start()
    rules.put_on_lane(story.pk, lane="fast", reason="停药", by=cast.coordinator, at=at("2026-11-16 12:00"))
    transitions.hand_over(story.pk, by=cast.water_handler, handler=cast.water_handler2, reason="休假")
    with pytest.raises(IllegalTransition, match="督办"):
        transitions.hand_over(story.pk, by=cast.water_handler2, handler=cast.water_handler, reason="忙")
    transitions.reassign(story.pk, by=cast.coordinator, department=cast.roads, reason="路面塌陷引起")


def test_asg_11_the_page_tells_half_of_each_limit_as_an_aim_and_leaves_the_limit(client, cast):
    story = Story(cast)
    limits = dict(story.case.deadlines.values_list("milestone", "due_at"))
    rules.put_on_lane(story.pk, lane="fast", reason="停药", by=cast.coordinator)
    case = story.accept().case
    assert {**limits} == {key: due for key, due in case.deadlines.values_list("milestone", "due_at") if key in limits}
    found = lanes.targets(case)
    assert found
    for target in found:
        assert target.aim < target.due
    client.force_login(cast.coordinator)
    html = client.get(page(case)).content.decode()
    assert "快速通道" in html
    assert "停药" in html


# --- By a person ----------------------------------------------------------------------------------------
def test_asg_09_a_coordinator_puts_a_case_on_a_lane_and_takes_it_off(client, cast):
    story = Story(cast)
    rule(words="停水", is_active=False)
    client.force_login(cast.coordinator)
    response = client.post(page(story.case, "put/"), {**PUT, "lane": "senior"})
    assert response.status_code == 422
    assert "请选择" in response.content.decode()
    assert client.post(page(story.case, "put/"), {**PUT, "reason": ""}).status_code == 422
    assert CaseLane.objects.count() == 0
    assert client.post(page(story.case, "put/"), {**PUT, "daily_contact": "on"}).status_code == 302
    assert client.post(page(story.case, "put/"), {**PUT, "daily_contact": "on"}).status_code == 422
    assert client.post(page(story.case, "end/"), {"reason": "已恢复供水"}).status_code == 302
    assert client.post(page(story.case, "end/"), {"reason": "再来一次"}).status_code == 409
    LaneRule.objects.update(is_active=True)
    transitions.classify(story.pk, by=cast.intake, category=category(), at=at("2026-11-16 10:00"))
    assert lane_of(story.case) is None, "no rule puts back what a person took off"


def test_asg_09_only_coordinators_who_see_the_case_change_its_lane(client, cast):
    story = Story(cast)
    for person, status in ((cast.intake, 403), (cast.roads_handler, 404)):
        client.force_login(person)
        assert client.post(page(story.case, "put/"), PUT).status_code == status
    with pytest.raises(NotAllowed):
        rules.put_on_lane(story.pk, lane="fast", reason="试", by=cast.intake)
    done = Story(cast).to_closed()
    with pytest.raises(IllegalTransition):
        rules.put_on_lane(done.pk, lane="fast", reason="试", by=cast.coordinator)


def test_asg_10_with_a_complaint_about_conduct_a_senior_person_outside_the_team_takes_over(client, cast):
    story = Story(cast).accept().assign().start()
    with pytest.raises(InvalidInput):
        rules.put_on_lane(
            story.pk, lane="senior", senior=cast.coordinator, reason="态度", is_about_conduct=True, by=cast.coordinator
        )
    transitions.name_accused(story.pk, people=[cast.water_handler], reason="投诉接线态度", by=cast.intake)
    client.force_login(cast.coordinator)
    assert "lane/put/?conduct=1" in client.get(f"/desk/cases/{story.case.number}/").content.decode()
    form = client.get(page(story.case, "put/") + "?conduct=1").content.decode()
    offered = set(re.findall(r'<option value="(\w+)"', form))
    assert {"A003", "A004", "M001"} <= offered
    assert not {"W001", "W002", "W003"} & offered, "nobody of the team complained about"
    response = client.post(
        page(story.case, "put/"),
        {"lane": "senior", "senior": "M001", "is_about_conduct": "on", "reason": "首接人员态度问题"},
    )
    assert response.status_code == 302
    row = lane_of(story.case)
    assert row is not None
    assert (row.reason, row.senior, story.case.coordinator) == (LaneReason.CONDUCT, cast.manager, cast.manager)
    assert client.post(page(story.case, "put/"), {**PUT, "lane": "senior", "senior": "W003"}).status_code == 422


def test_asg_09_the_head_of_the_leading_department_becomes_the_handler(cast):
    story = Story(cast).accept().assign()
    rules.put_on_lane(story.pk, lane="senior", senior=cast.water_head, reason="老客户", by=cast.coordinator)
    assert story.case.handler == cast.water_head
    assert story.case.status == Status.ASSIGNED
    with pytest.raises(InvalidInput):
        rules.put_on_lane(Story(cast).pk, lane="senior", senior=cast.water_head, reason="试", by=cast.coordinator)


# --- The rules page -------------------------------------------------------------------------------------
VALUES = {
    "name": "断水断电", "category": "", "risk_grade": "", "customer_tier": "", "special_group": "", "words": "停水",
    "lane": "fast", "senior": "",
}  # fmt: skip


def test_asg_11_a_lane_rule_shows_its_effect_before_it_is_saved(client, cast):
    registered()
    registered(subject="路灯不亮", narrative="路灯坏了")
    client.force_login(cast.coordinator)
    response = client.post(URL + "new/", VALUES)
    assert response.status_code == 422
    html = response.content.decode()
    seen = re.search(r'name="seen" value="(\w+)"', html)
    assert seen
    assert LaneRule.objects.count() == 0
    assert client.post(URL + "new/", {**VALUES, "seen": seen[1]}).status_code == 302
    second = rule("其他")
    first = LaneRule.objects.get(name="断水断电")
    client.post(f"{URL}{second.pk}/move/", {"to": "up"})
    assert [row.name for row in lanes.active_rules()] == ["其他", "断水断电"]
    client.post(f"{URL}{first.pk}/switch/", {"on": "no"})
    assert [row.name for row in lanes.active_rules()] == ["其他"]
    trial = lanes.try_rule(lanes.Conditions.of(first))
    assert (trial.looked_at, trial.matched, trial.taken) == (2, 1, 0)
    assert client.post(URL + "new/preview/", VALUES).status_code == 200
    assert client.get(f"{URL}{first.pk}/").status_code == 200


def test_asg_09_a_rule_for_one_senior_person_names_that_person(client, cast):
    client.force_login(cast.coordinator)
    response = client.post(URL + "new/", {**VALUES, "lane": "senior"})
    assert response.status_code == 422
    assert "请选择" in response.content.decode()
    client.force_login(cast.water_handler)
    assert client.get(URL).status_code == 403
    with pytest.raises(NotAllowed):
        rules.save_lane_rule(None, by=cast.water_handler, name="x", lane="fast")


def test_the_list_of_rules_costs_the_same_for_any_number(client, cast, django_assert_max_num_queries):
    for number in range(12):
        rule(f"规则{number}", senior=cast.coordinator, category=category())
    client.force_login(cast.coordinator)
    client.get(URL)
    with django_assert_max_num_queries(8):
        client.get(URL)


# --- Daily contact --------------------------------------------------------------------------------------
def ring(story: Story, cast, when: str) -> None:
    transitions.add_contact(
        story.pk, by=cast.coordinator, direction=ContactDirection.OUT, channel=Channel.PHONE,
        purpose=ContactPurpose.PROGRESS, summary="告知进展", at=at(when),
    )  # fmt: skip


def test_sla_14_the_senior_person_hears_once_a_working_day_that_nobody_rang(cast):
    story = Story(cast)
    rules.put_on_lane(
        story.pk, lane="senior", senior=cast.coordinator, daily_contact=True, reason="重大", by=cast.coordinator2,
        at=at("2026-11-16 09:30"),
    )  # fmt: skip

    def run(when: str) -> int:
        return lane_jobs.remind_daily_contact(now=at(when))["told"]

    assert run("2026-11-16 15:00") == 0, "the lane has just begun"
    assert run("2026-11-17 15:00") == 0, "it began within the last working day"
    assert (run("2026-11-18 15:00"), run("2026-11-18 15:10")) == (1, 0)
    ring(story, cast, "2026-11-19 10:00")
    assert run("2026-11-19 15:00") == 0
    assert run("2026-11-20 15:00") == 0, "rung on the last working day"
    assert run("2026-11-21 15:00") == 0, "a Saturday"
    assert run("2026-11-23 15:00") == 1, "nothing since Friday morning"
    assert told(cast.coordinator, "daily_contact") == 2
    rules.take_off_lane(story.pk, reason="已解决", by=cast.coordinator)
    assert run("2026-11-25 15:00") == 0


# --- Tiers ----------------------------------------------------------------------------------------------
TIER = {"is_active": True, "manager": None, "fast_lane": True, "promise": "专属客户经理，优先受理"}


def test_spg_07_a_tier_is_off_until_it_is_switched_on_and_then_has_a_manager_and_the_fast_lane(client, cast):
    assert lane_of(registered(customer_tier="vip").complaint) is None
    client.force_login(cast.coordinator)
    form = {"is_active": "on", "manager": "A004", "fast_lane": "on", "promise": "", "seen": ""}
    assert client.post("/desk/settings/tiers/vip/", form).status_code == 422
    assert client.post("/desk/settings/tiers/vip/", {**form, "promise": "专属客户经理"}).status_code == 302
    assert client.post("/desk/settings/tiers/vip/", {**form, "promise": "改一改"}).status_code == 409
    case = registered(customer_tier="vip").complaint
    row = lane_of(case)
    assert row is not None
    assert (row.lane, row.reason) == ("fast", LaneReason.TIER)
    assert told(cast.coordinator2, "tier_manager") == 1
    html = client.get(page(case)).content.decode()
    assert "何秋实" in html
    assert "专属客户经理" in html
    # Whoever opens the case sees at its head whom the customer turns to.
    head = client.get(f"/desk/cases/{case.number}/").content.decode()
    assert "VIP 客户" in head
    assert "何秋实" in head[head.index("VIP 客户") : head.index("VIP 客户") + 60]
    assert lane_of(registered(customer_tier="high_value").complaint) is None
    assert client.get("/desk/settings/tiers/ordinary/").status_code == 404


def test_spg_08_a_government_policy_knows_no_tier(cast):
    tiers.save("vip", by=cast.coordinator, at=at("2026-11-01 09:00"), **TIER)
    policy = registered(customer_tier="vip").complaint.policy
    ServicePolicy.objects.filter(pk=policy.pk).update(is_government=True)
    assert lane_of(registered(customer_tier="vip").complaint) is None
    assert not tiers.is_allowed()
    with pytest.raises(InvalidInput):
        tiers.save("high_value", by=cast.coordinator, at=at("2026-11-02 09:00"), **TIER)
    with pytest.raises(NotAllowed):
        tiers.save("vip", by=cast.intake, at=at("2026-11-02 09:00"), **TIER)
    with pytest.raises(StaleVersion):
        tiers.save("vip", by=cast.coordinator, at=at("2026-11-02 09:00"), **{**TIER, "is_active": False})


IN_FORCE = sorted({profile.code for profile in PROFILES if profile.in_force(date(2026, 11, 2))})


def test_spg_08_a_lane_rule_about_a_tier_holds_for_no_case_under_a_government_policy(cast):
    row = rule(lane=Lane.FAST, customer_tier="vip")
    case = registered(customer_tier="vip").complaint
    assert lane_of(case) is not None
    assert lanes.try_rule(lanes.Conditions.of(row)).matched == 1
    ServicePolicy.objects.filter(pk=case.policy_id).update(is_government=True)
    assert lane_of(registered(customer_tier="vip").complaint) is None
    assert lanes.try_rule(lanes.Conditions.of(row)).matched == 0


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    code=st.sampled_from(IN_FORCE),
    tier=st.sampled_from(["high_value", "vip"]),
    hour=st.integers(0, 23),
    day=st.integers(2, 28),
)
def test_spg_08_due_dates_never_depend_on_the_tier(cast, code, tier, hour, day):
    """Two cases equal but for the tier have the same clocks, under every shipped profile."""
    tiers_on(cast)
    policy = ServicePolicy.objects.filter(code=code).order_by("-revision").first()
    assert policy is not None, code
    when = f"2026-11-{day:02} {hour:02}:15"

    def clocks(customer: str) -> dict[str, object]:
        case = registered(when, customer_tier=customer, policy_code=code).complaint
        transitions.accept(
            case.pk, by=cast.intake, rule="在范围内", category=category(), at=at(when) + timedelta(hours=1)
        )
        transitions.assign(
            case.pk, by=cast.coordinator, department=cast.water, task="查明", at=at(when) + timedelta(hours=2)
        )
        return dict(case.deadlines.values_list("milestone", "due_at"))

    assert clocks(tier) == clocks("ordinary")


def tiers_on(cast) -> None:
    for tier in ("high_value", "vip"):
        TierService.objects.get_or_create(
            tier=tier, defaults={"manager": cast.coordinator2, "fast_lane": True, "promise": "优先"}
        )


def test_spg_08_the_page_shows_how_long_ordinary_customers_wait_before_and_since(client, cast):
    for when, start in (("2026-11-16 09:12", "2026-11-16 11:00"), ("2026-11-18 09:12", "2026-11-18 15:00")):
        Story(cast, when).accept(when.replace("09:12", "10:00")).assign(when.replace("09:12", "10:30")).start(start)
    tiers.save("vip", by=cast.coordinator, at=at("2026-11-17 12:00"), **TIER)
    found = tiers.waits(since=at("2026-11-17 12:00"), now=at("2026-11-20 12:00"))
    ordinary = found[0]
    assert (ordinary.before_count, ordinary.after_count) == (1, 1)
    assert ordinary.before is not None
    assert ordinary.after is not None
    assert ordinary.after > ordinary.before
    client.force_login(cast.water_handler)
    html = client.get("/desk/settings/tiers/").content.decode()
    assert "专属客户经理，优先受理" in html
    client.force_login(cast.coordinator)
    assert client.get("/desk/settings/tiers/vip/").status_code == 200


def test_asg_11_each_fact_of_a_rule_is_named_where_the_list_stacks(client, cast):
    client.force_login(cast.coordinator)
    client.cookies["huiyin_language"] = "en"
    rule("停水走快速通道", words="停水")
    page = client.get(URL).content.decode()
    row = page[page.index("<tbody") : page.index("</tbody>")]
    cells = row.split("<td")[1:-1]  # the last cell holds the button
    assert all("data-label=" in cell for cell in cells)

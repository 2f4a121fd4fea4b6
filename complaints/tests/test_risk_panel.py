"""The risk on the case page: who sees and records what; holds; interim measures (RISK-06, RISK-17…19, RISK-22…24)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import SecurityEvent
from accounts.tests.factories import user
from complaints import panels, risk_timeline, transitions
from complaints.models import Complaint, InterimMeasure, LegalHold, Notification
from complaints.states import Status
from complaints.tests.factories import Story, at
from complaints.track_page import PUBLIC_EVENTS

WHEN = at("2026-11-16 14:00")
SECRET = "暂停前台工作两周"


def page_of(client, who, story, name="detail") -> str:
    client.force_login(who)
    response = client.get(reverse(f"complaints:{name}", args=[story.case.number]))
    assert response.status_code == 200
    return response.content.decode()


def url(story, name, *args) -> str:
    return reverse(f"complaints:{name}", args=[story.case.number, *args])


@pytest.fixture
def compliance(cast):
    return user("C001", "compliance_officer", display_name="方正")


@pytest.fixture
def press(cast):
    return user("G001", "press_officer", display_name="苏晓")


@pytest.fixture
def story(cast) -> Story:
    """A high-risk case being handled."""
    text = "电梯坠落，两人受伤，我要起诉，记者已到"
    return Story(cast, narrative=text, persons_affected=12).accept().assign().start()


def respond(story, cast) -> None:
    """Every kind of record about the risk, by counsel."""
    by, pk = cast.counsel, story.pk
    transitions.join_team(pk, user=cast.counsel2, role="legal", by=by, at=WHEN)
    transitions.add_meeting(pk, held_at=WHEN, participants="周明远、梁静怡", strategy="先致歉再核实", by=by, at=WHEN)
    transitions.add_media_plan(
        pk, spokesperson="冯凯", wording="我们正在核实", release_channel="官方微博", by=by, at=WHEN
    )
    transitions.add_settlement_step(pk, step="authority", amount=Decimal(80_000), text="同意和解", by=by, at=WHEN)
    transitions.add_lawsuit(pk, court="望澜市人民法院", docket="（2026）民初7号", filed_on=WHEN.date(), by=by, at=WHEN)
    transitions.place_hold(pk, reason="可能诉讼", by=by, at=WHEN)
    transitions.add_interim_measure(pk, measure=SECRET, from_on=WHEN.date(), person=cast.water_head, by=by, at=WHEN)
    transitions.add_signal(source="微博", text="电梯又坏了", seen_at=WHEN, complaint=story.case, by=by, at=WHEN)


# --- Who sees what --------------------------------------------------------------------------------------
def test_risk_03_the_page_shows_the_score_factor_by_factor_with_the_words(cast, client, story):
    body = page_of(client, cast.water_handler, story)
    for text in ("人身安全隐患", "“坠落”", "有人受伤", "“受伤”", "可能打官司", "“起诉”", "+35", "+20"):
        assert text in body
    score = story.case.risk_assessments.latest("pk").score
    assert score == 35 + 35 + 20 + 20 + 10
    assert f"{score}" in body


MONEY = ("80,000", "望澜市人民法院")
RESPONSE = ("宋立群", "先致歉再核实", "我们正在核实", "可能诉讼", "电梯又坏了")


@pytest.mark.parametrize(
    ("person", "sees"),
    [
        ("water_handler", RESPONSE),
        ("coordinator", RESPONSE + MONEY),
        ("intake", RESPONSE + MONEY),
        ("auditor", RESPONSE + MONEY),
        ("counsel", (*RESPONSE, *MONEY, SECRET)),
        ("compliance", (*RESPONSE, *MONEY, SECRET)),
        ("press", RESPONSE + MONEY),
        ("manager", (*RESPONSE, *MONEY, SECRET)),
    ],
)
@pytest.mark.parametrize("name", ["detail", "print"])
def test_risk_23_24_each_reads_what_the_role_needs(name, person, sees, cast, client, story, compliance, press):
    """The department reads how to respond, not the money; measures only who may read them."""
    respond(story, cast)
    who = {"compliance": compliance, "press": press}.get(person) or getattr(cast, person)
    body = page_of(client, who, story, name)
    assert {text for text in (*RESPONSE, *MONEY, SECRET) if text in body} == set(sees)


@pytest.mark.parametrize("person", ["water_handler", "coordinator", "auditor", "press"])
def test_risk_24_nobody_else_learns_even_that_there_is_a_measure(person, cast, client, story, press):
    """The page is the same, entry by entry, with the measure and without it."""
    who = press if person == "press" else getattr(cast, person)
    before = page_of(client, who, story, "print")
    transitions.add_interim_measure(story.pk, measure=SECRET, from_on=WHEN.date(), by=cast.counsel, at=WHEN)
    after = page_of(client, who, story, "print")
    assert _shown(after) == _shown(before)
    client.force_login(who)
    assert client.get(url(story, "interim_measure")).status_code == 404
    assert client.post(url(story, "interim_measure"), {"measure": "x", "from_on": "2026-11-16"}).status_code == 404
    measure = InterimMeasure.objects.get()
    assert client.get(url(story, "interim_measure_end", measure.pk)).status_code == 404


def _shown(body: str) -> list[str]:
    main = body[body.index("<main") : body.index("</main>")]
    return [line for line in main.splitlines() if "csrfmiddlewaretoken" not in line and "muted small" not in line]


def test_risk_24_the_person_concerned_does_not_read_the_measure(cast, client, story):
    transitions.add_interim_measure(
        story.pk, measure=SECRET, from_on=WHEN.date(), person=cast.manager, by=cast.counsel, at=WHEN
    )
    assert SECRET not in page_of(client, cast.manager, story)
    measure = InterimMeasure.objects.get()
    assert client.get(url(story, "interim_measure_end", measure.pk)).status_code == 404


def test_risk_24_only_readers_of_measures_record_one(cast, story):
    with pytest.raises(NotAllowed):
        transitions.add_interim_measure(story.pk, measure=SECRET, from_on=WHEN.date(), by=cast.coordinator, at=WHEN)
    assert not InterimMeasure.objects.exists()


def test_the_page_costs_the_same_whatever_was_recorded(cast, client, story, monkeypatch):
    """Readers of interim measures pay one query, nobody else any; boxes of the apps above count for themselves."""
    monkeypatch.setattr(panels, "_case_panels", [])

    def cost(who) -> tuple[int, int]:
        client.force_login(who)
        client.get(url(story, "detail"))
        with CaptureQueriesContext(connection) as done:
            client.get(url(story, "detail"))
        return sum("interim" in query["sql"] for query in done), len(done)

    people = {"coordinator": 0, "counsel": 1, "water_handler": 0}
    poor = {name: cost(getattr(cast, name)) for name in people}
    respond(story, cast)
    rich = {name: cost(getattr(cast, name)) for name in people}
    assert rich == poor
    assert {name: measures for name, (measures, _all) in rich.items()} == people
    assert max(number for _measures, number in rich.values()) <= 12


def test_an_ordinary_case_shows_no_response_until_something_is_recorded(cast, client):
    story = Story(cast)
    assert 'id="response-title"' not in page_of(client, cast.coordinator, story)
    transitions.place_hold(story.pk, reason="仲裁在即", by=cast.coordinator, at=WHEN)
    body = page_of(client, cast.coordinator, story)
    assert 'id="response-title"' in body
    assert "仲裁在即" in body


def test_risk_07_the_history_and_a_higher_proposal_stand_on_the_page(cast, client):
    story = Story(cast)
    transitions.grade_risk(story.pk, by=cast.intake, grade="ordinary", reason="影响有限", at=WHEN)
    transitions.record_facts(story.pk, by=cast.intake, has_injury=True, at=at("2026-11-16 15:00"))
    body = page_of(client, cast.coordinator, story)
    assert "影响有限" in body
    assert "callout-warn" in body


def test_the_complainant_is_told_nothing_of_all_this():
    kinds = [*risk_timeline.BODIES, *risk_timeline.SECRET, "risk_alerted", "signal_unlinked"]
    kinds.remove("grade_risk")
    assert {kind: PUBLIC_EVENTS[kind] for kind in kinds} == dict.fromkeys(kinds)


# --- Forms --------------------------------------------------------------------------------------------------
FILLED = {
    "risk_team": {"user": "L002", "role": "legal"},
    "risk_meeting": {"held_at": "2026-11-16T14:00", "participants": "周明远", "strategy": "先致歉"},
    "media_plan": {"spokesperson": "冯凯", "wording": "正在核实", "release_channel": "官网"},
    "settlement": {"step": "authority", "amount": "5000", "text": "同意"},
    "lawsuit": {"court": "望澜市人民法院", "docket": "7号", "filed_on": "2026-11-16"},
    "hold": {"reason": "可能诉讼"},
    "interim_measure": {"measure": "停岗", "from_on": "2026-11-16", "person": "W003"},
}
RELATION = {
    "risk_team": "team",
    "risk_meeting": "risk_meetings",
    "media_plan": "media_plans",
    "settlement": "settlement_steps",
    "lawsuit": "lawsuits",
    "hold": "holds",
    "interim_measure": "interim_measures",
}


@pytest.mark.parametrize("kind", FILLED)
def test_each_form_adds_one_record_and_one_event(kind, cast, client, story):
    client.force_login(cast.counsel)
    assert client.get(url(story, kind)).status_code == 200
    events = story.case.events.count()
    response = client.post(url(story, kind), FILLED[kind])
    assert (response.status_code, response["Location"]) == (302, url(story, "detail"))
    assert getattr(story.case, RELATION[kind]).count() == 1
    assert story.case.events.count() == events + 1


@pytest.mark.parametrize("kind", FILLED)
def test_an_empty_form_names_its_fields_and_adds_nothing(kind, cast, client, story):
    client.force_login(cast.counsel)
    response = client.post(url(story, kind), {})
    assert response.status_code == 422
    assert response.context["form"].errors
    assert not getattr(story.case, RELATION[kind]).exists()


@pytest.mark.parametrize("kind", [kind for kind in FILLED if kind != "interim_measure"])
def test_a_department_may_not_and_a_stranger_finds_nothing(kind, cast, client, story):
    client.force_login(cast.water_handler)
    assert client.post(url(story, kind), FILLED[kind]).status_code == 403
    assert SecurityEvent.objects.filter(kind="refused", user=cast.water_handler).count() == 1
    client.force_login(cast.roads_handler)
    assert client.post(url(story, kind), FILLED[kind]).status_code == 404
    assert not getattr(story.case, RELATION[kind]).exists()


def test_records_of_another_case_are_not_found(cast, client, story):
    """AZ-01: the record must belong to the case in the address."""
    other = Story(cast).high_risk()
    row = transitions.add_lawsuit(other.pk, court="法院", filed_on=WHEN.date(), by=cast.counsel, at=WHEN)
    client.force_login(cast.counsel)
    assert client.get(url(story, "judgment", row.pk)).status_code == 404
    assert client.get(url(other, "judgment", row.pk)).status_code == 200


# --- Team (RISK-23) ------------------------------------------------------------------------------------------
def test_risk_23_a_member_of_the_team_sees_the_case_and_is_told(cast, press):
    story = Story(cast)
    assert not Complaint.objects.visible_to(press).exists()
    row = transitions.join_team(story.pk, user=press, role="public_relations", by=cast.coordinator, at=WHEN)
    assert Complaint.objects.visible_to(press).count() == 1
    assert Notification.objects.get(kind="team_joined").recipient == press
    with pytest.raises(InvalidInput) as twice:
        transitions.join_team(story.pk, user=press, role="legal", by=cast.coordinator, at=WHEN)
    assert twice.value.field == "user"
    transitions.leave_team(row.pk, by=cast.coordinator, at=at("2026-11-17 09:00"))
    assert not Complaint.objects.visible_to(press).exists()
    assert story.case.team.count() == 1


def test_risk_23_nobody_joins_who_could_not_open_the_case(cast, story):
    with pytest.raises(InvalidInput):
        transitions.join_team(story.pk, user=cast.roads_handler, role="legal", by=cast.counsel, at=WHEN)
    assert not story.case.team.exists()
    assert not Notification.objects.filter(kind="team_joined").exists()


# --- Settlement and lawsuit (RISK-18, RISK-19) ------------------------------------------------------------
@pytest.mark.parametrize("moment", ["0001-01-01T00:00", "1999-12-31T23:59", "9999-12-31T23:59", "2026-13-45T99:99"])
def test_risk_06_a_moment_at_the_end_of_the_calendar_is_named_at_its_field(moment, cast, client, story):
    client.force_login(cast.counsel)
    answer = client.post(
        reverse("complaints:risk_meeting", args=[story.case.number]),
        {"held_at": moment, "participants": "周明远", "strategy": "先致歉"},
    )
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["held_at"])
    assert not story.case.risk_meetings.exists()


def test_risk_18_nobody_offers_more_than_the_authority(cast, story):
    def step(kind, amount, **changes):
        return transitions.add_settlement_step(
            story.pk, step=kind, amount=amount, text="见纪要", by=cast.counsel, at=WHEN, **changes
        )

    with pytest.raises(InvalidInput) as early:
        step("offer", Decimal(1000))
    assert early.value.field == "step"
    step("authority", Decimal(5000))
    step("counter", Decimal(20_000))
    with pytest.raises(InvalidInput) as high:
        step("agreed", Decimal("5000.01"))
    assert high.value.field == "amount"
    step("agreed", Decimal(5000))
    assert list(story.case.settlement_steps.values_list("kind", flat=True)) == ["authority", "counter", "agreed"]


def test_risk_19_a_lawsuit_ends_with_judgment_and_cost(cast, client, story):
    row = transitions.add_lawsuit(
        story.pk, court="望澜市人民法院", filed_on=date(2026, 11, 10), by=cast.counsel, at=WHEN
    )
    client.force_login(cast.counsel)
    values = {"judgment": "调解结案", "judged_on": "2026-11-09", "compensation": "30000", "legal_cost": "8000.50"}
    early = client.post(url(story, "judgment", row.pk), values)
    assert early.status_code == 422
    assert list(early.context["form"].errors) == ["judged_on"]
    client.post(url(story, "judgment", row.pk), {**values, "judged_on": "2026-11-16"})
    row.refresh_from_db()
    assert (row.judgment, row.compensation, row.legal_cost) == ("调解结案", Decimal(30_000), Decimal("8000.50"))


# --- Hold -------------------------------------------------------------------------------------------------------
def test_a_standing_hold_blocks_the_archive_until_it_is_released(cast, client):
    story = Story(cast).to_closed()
    transitions.place_hold(story.pk, reason="对方准备起诉", by=cast.coordinator, at=at("2026-11-20 17:00"))
    with pytest.raises(IllegalTransition, match=r"2026-11-20.*对方准备起诉"):
        transitions.archive(story.pk, by=cast.coordinator, at=at("2026-11-21 09:00"))
    client.force_login(cast.coordinator)
    refused = client.post(url(story, "action", "archive"), {"version": story.case.version})
    assert refused.status_code == 409
    assert "对方准备起诉" in refused.content.decode()
    assert story.case.status == Status.CLOSED
    transitions.release_hold(story.pk, reason="诉讼时效已过", by=cast.coordinator, at=at("2026-11-21 10:00"))
    transitions.archive(story.pk, by=cast.coordinator, at=at("2026-11-21 11:00"))
    assert story.case.status == Status.ARCHIVED


def test_one_hold_stands_at_a_time_and_an_archived_case_can_be_held(cast, client):
    story = Story(cast).to_closed()
    transitions.archive(story.pk, by=cast.coordinator, at=at("2026-11-21 09:00"))
    client.force_login(cast.coordinator)
    assert client.post(url(story, "hold"), {"reason": "调查"}).status_code == 302
    assert client.post(url(story, "hold"), {"reason": "调查"}).status_code == 422
    assert client.post(url(story, "hold_release"), {"reason": ""}).status_code == 422
    assert client.post(url(story, "hold_release"), {"reason": "结束"}).status_code == 302
    assert client.post(url(story, "hold_release"), {"reason": "结束"}).status_code == 422
    row = LegalHold.objects.get()
    assert (row.released_by, row.release_reason) == (cast.coordinator, "结束")
    assert client.post(url(story, "media_plan"), FILLED["media_plan"]).status_code == 409

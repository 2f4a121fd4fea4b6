"""Grading of risk: points factor by factor, thresholds, overrides, alerts (RISK-01…07, RISK-16, RISK-17, COM-01)."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace

import pytest

from accounts.tests.factories import user
from complaints import risk, risk_default, risk_standards, transitions
from complaints.models import Category, Notification, RiskAssessment, RiskStandard
from complaints.states import Channel, QuestionKind, RiskGrade, Status
from complaints.tests.factories import Story, at, registered

SHIPPED = SimpleNamespace(
    factors=risk_default.FACTORS, medium_from=risk_default.MEDIUM_FROM, high_from=risk_default.HIGH_FROM
)
WEIGHT = {factor["code"]: factor["weight"] for factor in risk_default.FACTORS}
LEGAL = risk.Chosen("legal", "privacy", "个人信息与隐私", "Personal information and privacy")


def grade(**facts) -> risk.Result:
    return risk.assess(risk.Facts(**facts), SHIPPED)


def points(result: risk.Result) -> dict[str, int]:
    return {row["code"]: row["points"] for row in result.factors}


# --- Points -----------------------------------------------------------------------------------------
# Factor → the facts that just make it apply, and those that just do not.
EDGES = {
    "life": ({"text": "他说要自杀"}, {"text": "他说要睡觉"}),
    "danger": ({"text": "楼道起火"}, {"text": "楼道起雾"}),
    "injury": ({"flags": frozenset({"has_injury"})}, {"flags": frozenset()}),
    "damage": ({"flags": frozenset({"has_damage"})}, {"flags": frozenset({"is_unmet_need"})}),
    "minors": ({"flags": frozenset({"involves_minors"})}, {}),
    "privacy": ({"flags": frozenset({"has_privacy_leak"})}, {}),
    "amount_1": ({"amount": Decimal("10000.00")}, {"amount": Decimal("9999.99")}),
    "extent_1": ({"persons_affected": 10}, {"persons_affected": 9}),
    "angry": ({"emotion_intensity": 2}, {"emotion_intensity": 1}),
    "media": ({"threats": ("media",)}, {"threats": ()}),
    "court": ({"threats": ("court",)}, {"threats": ()}),
    "regulator": ({"threats": ("regulator",)}, {"threats": ()}),
    "regulation": ({"text": "这是虚假宣传"}, {"text": "这是宣传"}),
    "legal_type": ({"chosen": (LEGAL,)}, {"chosen": (risk.Chosen("category", "privacy", "隐私"),)}),
    "repeat": ({"is_repeat": True}, {"is_repeat": False}),
    "churn": ({"threats": ("competitor",)}, {}),
    "signal": ({"signals": 1}, {"signals": 0}),
}
# Each step of a ladder adds to the steps below it.
LADDERS = {
    "amount_2": ({"amount": Decimal("50000")}, {"amount": Decimal("49999.99")}),
    "amount_3": ({"amount": Decimal("200000")}, {"amount": Decimal("199999.99")}),
    "extent_2": ({"persons_affected": 100}, {"persons_affected": 99}),
    "extent_3": ({"persons_affected": 1000}, {"persons_affected": 999}),
    "beside": ({"emotion_intensity": 3}, {"emotion_intensity": 2}),
}


def test_risk_02_every_shipped_factor_is_tried_below():
    assert {*EDGES, *LADDERS} == set(WEIGHT)


@pytest.mark.parametrize("code", EDGES)
def test_risk_02_each_factor_raises_exactly_its_points(code):
    applies, does_not = EDGES[code]
    assert points(grade(**applies)) == {code: WEIGHT[code]}
    assert grade(**applies).score == WEIGHT[code]
    assert points(grade(**does_not)) == {}


@pytest.mark.parametrize("code", LADDERS)
def test_risk_02_each_step_of_a_ladder_adds_exactly_its_points(code):
    applies, does_not = LADDERS[code]
    assert points(grade(**applies)) == {**points(grade(**does_not)), code: WEIGHT[code]}
    assert grade(**applies).score - grade(**does_not).score == WEIGHT[code]


def test_risk_02_a_factor_counts_once_whether_facts_or_text_or_both_speak_for_it():
    """The words found are kept beside the fact."""
    both = grade(text="我要起诉，律师已经看过", threats=("court",))
    assert points(both) == {"court": 20}
    assert (both.factors[0]["because"], both.factors[0]["words"]) == (["court"], ["起诉", "律师"])
    assert points(grade(text="我要起诉")) == {"court": 20}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("孩子受伤了", ["受伤"]),
        ("没有人受伤", []),
        ("未造成人员伤亡", []),
        ("没有人受伤，但是老人摔伤", ["摔伤"]),
        ("没有受伤的只有一个人，其他人都受伤", ["受伤"]),
        ("没水就算了，还受伤", ["受伤"]),
        ("She was INJURED on the stairs", ["injured"]),
        ("Nobody was injured", []),
        ("ｉｎｊｕｒｅｄ", ["injured"]),
        ("the uninjured party", []),
    ],
)
def test_risk_04_the_word_engine_says_what_it_found_and_knows_a_denial(text, found):
    factor = next(row for row in risk_default.FACTORS if row["code"] == "injury")
    assert risk.find_words(risk.plain(text), factor) == found


def test_risk_04_another_engine_can_read_the_text():
    def reader(text, factor):
        return ["心里发慌"] if factor["code"] == "life" and "发慌" in text else []

    result = risk.assess(risk.Facts(text="心里发慌，要起诉"), SHIPPED, reader=reader)
    assert points(result) == {"life": 60}
    assert result.factors[0]["words"] == ["心里发慌"]


def test_risk_03_a_factor_of_zero_points_is_off():
    standard = SimpleNamespace(factors=[{**risk_default.FACTORS[0], "weight": 0}], medium_from=1, high_from=2)
    assert risk.assess(risk.Facts(text="自杀"), standard).factors == []


# --- Thresholds -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("score", "expected"),
    [(0, "ordinary"), (29, "ordinary"), (30, "medium"), (59, "medium"), (60, "high"), (500, "high")],
)
def test_risk_01_a_score_that_reaches_a_threshold_has_its_grade(score, expected):
    factor = {"code": "x", "name": "x", "weight": score, "kind": "repeat"}
    standard = SimpleNamespace(factors=[factor], medium_from=30, high_from=60)
    assert risk.assess(risk.Facts(is_repeat=True), standard).grade == expected


# --- Registration and change ---------------------------------------------------------------------------
def newest(story) -> RiskAssessment:
    return RiskAssessment.objects.filter(complaint=story.pk).latest("at", "pk")


def of_kind(story, kind) -> int:
    return story.case.events.filter(kind=kind).count()


def test_risk_01_every_case_is_graded_when_it_is_registered(cast):
    story = Story(cast)
    row = newest(story)
    assert (row.grade, row.proposed, row.score, row.factors, row.by) == ("ordinary", "ordinary", 0, [], None)
    assert row.standard.revision == 1
    assert story.case.risk_grade == RiskGrade.ORDINARY
    assert [event.kind for event in story.case.events.all()] == ["register"]


def test_risk_04_a_dangerous_text_is_high_at_once_and_the_words_are_kept(cast):
    story = Story(cast, narrative="电梯坠落，两人受伤，我已经联系记者")
    row = newest(story)
    assert story.case.risk_grade == RiskGrade.HIGH
    assert {factor["code"]: factor["words"] for factor in row.factors} == {
        "danger": ["坠落"],
        "injury": ["受伤"],
        "media": ["记者"],
    }
    assert row.score == 35 + 35 + 20
    assert [event.kind for event in story.case.events.all()] == ["register", "risk_regraded", "risk_alerted"]


CHANGES = {
    "facts": lambda s: transitions.record_facts(s.pk, by=s.cast.intake, has_injury=True, at=at("2026-11-16 11:00")),
    "question": lambda s: transitions.add_question(
        s.pk,
        kind=QuestionKind.SUBSTANTIVE,
        text="再不解决我就找记者曝光，也要起诉，信访",
        channel=Channel.PHONE,
        by=s.cast.intake,
        at=at("2026-11-16 11:00"),
    ),
    "classify": lambda s: transitions.classify(
        s.pk,
        by=s.cast.intake,
        legal=Category.objects.filter(dimension="legal").first(),
        at=at("2026-11-16 11:00"),
    ),
    "signal": lambda s: transitions.add_signal(
        source="微博",
        text="又停水",
        seen_at=at("2026-11-16 10:50"),
        complaint=s.case,
        by=s.cast.coordinator,
        at=at("2026-11-16 11:00"),
    ),
    "repeat": lambda s: transitions.link(
        s.pk,
        other=registered().complaint,
        kind="duplicate",
        reason="同一件事",
        by=s.cast.coordinator,
        at=at("2026-11-16 11:00"),
    ),
}
ADDED = {"facts": 35, "question": 20 + 20 + 15, "classify": 20, "signal": 25, "repeat": 15}


@pytest.mark.parametrize("change", CHANGES)
def test_risk_07_a_material_change_grades_again_and_keeps_the_history(change, cast):
    story = Story(cast, emotion_intensity=2, phone="13900009999")
    CHANGES[change](story)
    scores = list(story.case.risk_assessments.values_list("score", flat=True))
    assert scores == [10, 10 + ADDED[change]]


def test_risk_07_a_change_that_matters_to_no_factor_leaves_no_row(cast):
    story = Story(cast)
    transitions.record_facts(story.pk, by=cast.intake, batch="2026-10", at=at("2026-11-16 11:00"))
    assert story.case.risk_assessments.count() == 1


def test_risk_03_an_assessment_keeps_the_revision_it_was_made_by(cast):
    story = Story(cast)
    factors = [{**factor, "weight": 9} for factor in risk_default.FACTORS]
    risk_standards.revise(
        factors=factors,
        medium_from=5,
        high_from=50,
        meetings=risk_default.MEETINGS,
        note="演练",
        based_on=1,
        by=cast.coordinator,
        at=at("2026-11-16 10:00"),
    )
    assert newest(story).standard.revision == 1
    transitions.record_facts(story.pk, by=cast.intake, has_injury=True, at=at("2026-11-16 11:00"))
    revisions = list(story.case.risk_assessments.values_list("standard__revision", "score", "grade"))
    assert revisions == [(1, 0, "ordinary"), (2, 9, "medium")]


def test_risk_07_the_grade_rises_by_itself_and_never_falls_by_itself(cast):
    story = Story(cast, has_injury=True)
    assert story.case.risk_grade == RiskGrade.MEDIUM
    transitions.record_facts(story.pk, by=cast.intake, has_injury=False, at=at("2026-11-16 11:00"))
    row = newest(story)
    assert (story.case.risk_grade, row.grade, row.proposed, row.score) == ("medium", "medium", "ordinary", 0)
    assert of_kind(story, "risk_proposed") == 0


def test_risk_07_an_ended_case_is_left_alone(cast):
    story = Story(cast).to_closed()
    transitions.add_question(
        story.pk, kind="substantive", text="我要起诉", channel="phone", by=cast.intake, at=at("2026-11-21 10:00")
    )
    assert story.case.risk_assessments.count() == 1


# --- A person's grade -------------------------------------------------------------------------------------
def decide(story, grade, when="2026-11-16 10:30", reason="已核实，影响有限"):
    transitions.grade_risk(story.pk, by=story.cast.intake, grade=grade, reason=reason, at=at(when))


def test_risk_03_an_override_stands_with_its_reason_and_what_was_computed(cast):
    """The same and lesser facts do not touch it; the score of the moment is kept beside the decision."""
    story = Story(cast, has_injury=True, has_damage=True)
    decide(story, "ordinary")
    row = newest(story)
    assert (row.grade, row.proposed, row.score, row.by, row.reason) == (
        "ordinary", "medium", 45, cast.intake, "已核实，影响有限",
    )  # fmt: skip
    transitions.record_facts(story.pk, by=cast.intake, has_damage=False, at=at("2026-11-16 11:00"))
    assert (story.case.risk_grade, newest(story).proposed) == ("ordinary", "medium")
    assert of_kind(story, "risk_proposed") == 0
    assert not Notification.objects.filter(kind="risk_proposed").exists()


def test_risk_07_facts_above_an_override_are_proposed_and_told_once(cast):
    """The grade waits for a person; further facts of the same grade tell nobody again."""
    story = Story(cast)
    decide(story, "ordinary")
    transitions.record_facts(story.pk, by=cast.intake, has_injury=True, at=at("2026-11-16 11:00"))
    row = newest(story)
    assert (story.case.risk_grade, row.grade, row.proposed) == ("ordinary", "ordinary", "medium")
    told = {message.recipient for message in Notification.objects.filter(kind="risk_proposed")}
    assert told == {cast.coordinator, cast.coordinator2, cast.counsel, cast.counsel2, cast.manager}
    transitions.record_facts(story.pk, by=cast.intake, has_damage=True, at=at("2026-11-16 12:00"))
    assert of_kind(story, "risk_proposed") == 1
    assert Notification.objects.filter(kind="risk_proposed").count() == len(told)
    transitions.record_facts(story.pk, by=cast.intake, has_privacy_leak=True, at=at("2026-11-16 13:00"))
    assert (story.case.risk_grade, newest(story).proposed) == ("ordinary", "high")
    assert of_kind(story, "risk_proposed") == 2


def test_risk_07_a_grade_lowered_knowingly_is_questioned_only_by_new_facts(cast):
    story = Story(cast, has_injury=True)
    decide(story, "ordinary")
    transitions.record_facts(story.pk, by=cast.intake, involves_minors=True, at=at("2026-11-16 11:00"))
    assert of_kind(story, "risk_proposed") == 1
    assert story.case.risk_grade == RiskGrade.ORDINARY


# --- Alerts ---------------------------------------------------------------------------------------------
def alerted(kind="high_risk") -> list:
    return sorted(row.recipient.staff_number for row in Notification.objects.filter(kind=kind))


def test_risk_05_legal_compliance_and_press_are_told_at_once_and_once_per_rise(cast):
    user("C001", "compliance_officer", display_name="合规员")
    user("G001", "press_officer", display_name="公关员")
    story = Story(cast, narrative="电梯坠落，两人受伤")
    everybody = ["A003", "A004", "C001", "G001", "L001", "L002", "M001"]
    assert alerted() == everybody
    transitions.record_facts(story.pk, by=cast.intake, has_injury=True, has_damage=True, at=at("2026-11-16 11:00"))
    decide(story, "high", "2026-11-16 11:30", reason="维持")
    assert alerted() == everybody
    decide(story, "ordinary", "2026-11-16 12:00")
    decide(story, "high", "2026-11-16 13:00", reason="媒体来电")
    assert alerted() == sorted(everybody * 2)


def test_risk_17_when_it_was_reported_and_to_whom_stays_in_the_log(cast):
    story = Story(cast).high_risk()
    event = story.case.events.get(kind="risk_alerted")
    assert event.at == at("2026-11-16 10:05")
    assert set(event.note.split("、")) == {"周明远", "何秋实", "梁静怡", "宋立群", "王一鸣"}


def test_risk_05_whom_it_was_reported_to_still_sees_it_when_one_person_lowers_it(cast, client):
    """Otherwise a single press would take the case from legal, compliance and press, and a proposal reach nobody."""
    told = [user("C001", "compliance_officer"), user("G001", "press_officer"), cast.counsel, cast.manager]
    story = Story(cast, narrative="电梯坠落，两人受伤")
    other = Story(cast, "2026-11-16 09:30", narrative="路灯不亮", name="李明", phone="13900001234", email="")
    decide(story, "ordinary", "2026-11-16 12:00")
    assert story.case.risk_grade == "ordinary"
    for who in told:
        client.force_login(who)
        assert client.get(f"/desk/cases/{story.case.number}/").status_code == 200, who.staff_number
        assert client.get(f"/desk/cases/{other.case.number}/").status_code == 404, who.staff_number
    client.force_login(cast.roads_handler)
    assert client.get(f"/desk/cases/{story.case.number}/").status_code == 404


def test_risk_05_whom_the_complaint_is_about_is_not_told(cast):
    story = Story(cast)
    story.case.accused_staff.add(cast.manager)
    story.high_risk()
    assert "M001" not in alerted()
    assert "王一鸣" not in story.case.events.get(kind="risk_alerted").note


def test_risk_16_a_customer_who_may_leave_is_taken_to_the_coordinator(cast):
    story = Story(cast, threats=("competitor",))
    assert alerted("churn_risk") == ["A003", "A004"]
    assert newest(story).factors[0]["code"] == "churn"
    transitions.record_facts(story.pk, by=cast.intake, has_damage=True, at=at("2026-11-16 11:00"))
    assert len(alerted("churn_risk")) == 2


def test_com_01_a_case_the_standard_made_high_goes_to_legal_before_the_reply(cast):
    """Nobody graded it by hand; the reply cannot go out past legal."""
    story = Story(cast, narrative="电梯坠落，两人受伤").accept().assign().start().submit().reply()
    assert story.case.status == Status.LEGAL_CHECK
    assert story.case.replied_at is None


def test_without_a_standard_nothing_is_graded(cast):
    RiskStandard.objects.update(is_active=False)
    assert Story(cast, narrative="电梯坠落，两人受伤").case.risk_grade == RiskGrade.ORDINARY

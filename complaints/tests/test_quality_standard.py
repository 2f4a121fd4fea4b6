"""The quality standard: revisions, points of a check, and rounds of rework that are escalated."""

import pytest
from django.urls import reverse

from accounts.errors import InvalidInput, NotAllowed
from accounts.models import Membership, User
from complaints import quality, transitions
from complaints.models import Notification, Praise, QualityCheck, QualityStandard
from complaints.quality_forms import StandardForm
from complaints.tests.factories import Story, at
from complaints.transitions import quality as rules

pytestmark = pytest.mark.django_db

EDIT = "/desk/settings/quality/edit/"
GOOD = {"lawful": 90, "demand": 80, "investigation": 70, "clear": 80, "timely": 60}


def edited(**changes):
    form = StandardForm(standard=quality.current())
    values = {name: form[name].value() for name in form.fields}
    return {**{name: value for name, value in values.items() if value is not None}, "note": "年度修订", **changes}


def check_form(story, points):
    values = {"version": story.case.version, "lawful": "true", "meets_demand": "true"}
    return values | {f"points_{code}": value for code, value in points.items()}


def test_qua_01_shipped_weights_add_up_and_a_revision_keeps_the_one_before(cast, client):
    first = quality.current()
    assert (first.revision, first.pass_mark, first.most_rounds) == (1, 70, 3)
    assert [row["weight"] for row in first.criteria] == [25, 25, 20, 15, 15]
    client.force_login(cast.coordinator)
    answer = client.post(EDIT, edited(weight_lawful="20", new_name="服务态度", new_weight="5", pass_mark="75"))
    assert (answer.status_code, answer["Location"]) == (302, reverse("complaints:quality_standard"))
    new = quality.current()
    assert (new.revision, new.pass_mark, new.by, new.note) == (2, 75, cast.coordinator, "年度修订")
    assert {row["code"]: row["weight"] for row in new.criteria}["own_1"] == 5
    page = client.get(reverse("complaints:quality_standard_revision", args=[1]))
    assert [weight for _name, weight in page.context["criteria"]] == [25, 25, 20, 15, 15]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"weight_lawful": "26"}, "weight_lawful"),
        ({"call_closing": "0"}, "call_opening"),
        ({"pass_mark": "101"}, "pass_mark"),
        ({"most_rounds": "0"}, "most_rounds"),
        ({"note": ""}, "note"),
        ({"new_name": "调查完整", "new_weight": "0"}, "new_name"),
        ({"new_call_name": "方言", "new_call_weight": "0", "name_call_opening": "方言"}, "new_call_name"),
    ],
)
def test_qua_01_a_standard_that_makes_no_sense_names_the_field(change, field, cast, client):
    client.force_login(cast.coordinator)
    answer = client.post(EDIT, edited(**change))
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert QualityStandard.objects.count() == 1


def test_qua_01_each_list_takes_a_criterion_of_the_organisation(cast, client):
    """Results and calls are measured by what the organisation adds, once its weight fits the rest."""
    client.force_login(cast.coordinator)
    added = {"new_call_name": "方言沟通", "new_call_weight": "10"}
    assert client.post(EDIT, edited(**added)).status_code == 422
    added |= {"call_opening": "5", "new_name": "回应全部诉求", "new_weight": "20", "weight_lawful": "5"}
    assert client.post(EDIT, edited(**added)).status_code == 302
    current = quality.current()
    assert [row["name"] for row in (current.criteria[-1], current.call_criteria[-1])] == ["回应全部诉求", "方言沟通"]
    points = {row["code"]: 100 for row in current.call_criteria} | {"own_1": 0}
    assert quality.total(current.call_criteria, points) == 90


def test_qua_01_an_existing_criterion_takes_a_new_wording_in_a_new_revision(cast, client):
    """The revision before keeps its words; an English name may go, and no name stands twice."""
    client.force_login(cast.coordinator)
    twice = client.post(EDIT, edited(name_weight_lawful="调查完整"))
    assert (twice.status_code, list(twice.context["form"].errors)) == (422, ["name_weight_investigation"])
    changed = {
        "name_weight_lawful": "依法依规 <b>",
        "english_weight_lawful": "",
        "name_call_opening": "开场",
        "english_call_opening": "Opening",
    }
    assert client.post(EDIT, edited(**changed)).status_code == 302
    before, now = QualityStandard.objects.order_by("revision")
    assert (before.criteria[0]["name"], before.criteria[0]["name_en"]) == (
        "符合法律法规和制度",
        "Conforms to laws and rules",
    )
    assert (now.criteria[0]["name"], now.criteria[0]["name_en"], now.criteria[0]["weight"]) == ("依法依规 <b>", "", 25)
    assert (now.call_criteria[0]["name"], now.call_criteria[0]["name_en"]) == ("开场", "Opening")
    assert now.criteria[1] == before.criteria[1]
    assert "依法依规 &lt;b&gt;" in client.get(reverse("complaints:quality_standard")).content.decode()


def test_qua_01_two_people_who_edit_at_once_do_not_undo_each_other(cast, client):
    client.force_login(cast.coordinator)
    mine = edited(pass_mark="60")
    assert client.post(EDIT, edited(pass_mark="80")).status_code == 302
    assert client.post(EDIT, mine).status_code == 409
    assert quality.current().pass_mark == 80


@pytest.mark.parametrize(
    ("person", "reads", "edits"), [("coordinator", 200, 200), ("checker", 200, 403), ("water_handler", 403, 403)]
)
def test_who_reads_and_who_edits_the_quality_standard(person, reads, edits, cast, client):
    client.force_login(getattr(cast, person))
    assert client.get(reverse("complaints:quality_standard")).status_code == reads
    assert client.get(EDIT).status_code == edits


def test_qua_02_a_check_keeps_points_total_and_revision(cast, client):
    story = Story(cast).accept().assign().start().submit()
    client.force_login(cast.checker)
    url = reverse("complaints:action", args=[story.case.number, "pass_quality"])
    assert "points_lawful" in client.get(url).content.decode()
    assert client.post(url, check_form(story, GOOD)).status_code == 302
    check = QualityCheck.objects.get()
    assert (check.points, float(check.total), check.standard.revision) == (GOOD, 77.5, 1)
    assert story.case.status == "replied"
    client.force_login(cast.coordinator)
    assert "77.5" in client.get(reverse("complaints:detail", args=[story.case.number])).content.decode()


def test_qua_02_below_the_pass_mark_nothing_is_sent_and_rework_is_offered(cast, client):
    story = Story(cast).accept().assign().start().submit()
    client.force_login(cast.checker)
    url = reverse("complaints:action", args=[story.case.number, "pass_quality"])
    answer = client.post(url, check_form(story, GOOD | {"demand": 10}))
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["points_demand"]
    assert reverse("complaints:action", args=[story.case.number, "return_for_rework"]) in answer.content.decode()
    assert (story.case.status, QualityCheck.objects.count()) == ("quality_check", 0)


@pytest.mark.parametrize("until", [None, "2026-11-18 10:00"])
def test_qua_02_who_belonged_to_the_department_then_does_not_judge_its_reply(cast, until):
    """Neither passing nor returning; who had left it before does."""
    story = Story(cast).accept().assign().start().submit()
    Membership.objects.create(
        user=cast.checker, department=cast.water, since=at("2026-01-01 00:00"), until=at(until) if until else None
    )
    Membership.objects.create(
        user=cast.checker2, department=cast.water, since=at("2026-01-01 00:00"), until=at("2026-06-01 00:00")
    )
    person = User.objects.get(pk=cast.checker.pk)
    for judge, values in ((transitions.pass_quality, {}), (transitions.return_for_rework, {"comment": "重写"})):
        with pytest.raises(NotAllowed):
            judge(story.pk, by=person, at=at("2026-11-19 10:00"), **values)
    transitions.pass_quality(story.pk, by=User.objects.get(pk=cast.checker2.pk), at=at("2026-11-19 10:00"))


def test_qua_02_nobody_passes_a_reply_without_points(cast, client):
    """Neither a page sent without its fields nor a program."""
    story = Story(cast).accept().assign().start().submit()
    client.force_login(cast.checker)
    bare = {"version": story.case.version, "lawful": "true", "meets_demand": "true"}
    answer = client.post(reverse("complaints:action", args=[story.case.number, "pass_quality"]), bare)
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {f"points_{code}" for code in GOOD}
    call = f"/api/v1/complaints/{story.case.number}/actions/pass_quality/"
    answer = client.post(call, bare, content_type="application/json", headers={"Idempotency-Key": "a" * 20})
    assert (answer.status_code, set(answer.json())) == (400, {f"points_{code}" for code in GOOD})
    assert story.case.status == "quality_check"


@pytest.mark.parametrize("value", ["", "101", "-1", "viel"])
def test_qua_02_the_page_wants_points_for_every_criterion(value, cast, client):
    story = Story(cast).accept().assign().start().submit()
    client.force_login(cast.checker)
    url = reverse("complaints:action", args=[story.case.number, "pass_quality"])
    answer = client.post(url, check_form(story, GOOD | {"clear": value}))
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["points_clear"]


def test_qua_02_the_rule_refuses_points_that_miss_a_criterion(cast):
    story = Story(cast).accept().assign().start().submit()
    with pytest.raises(InvalidInput) as caught:
        transitions.pass_quality(story.pk, by=cast.checker, points={"lawful": 100}, at=at("2026-11-19 10:00"))
    assert caught.value.field == "points_demand"
    transitions.pass_quality(story.pk, by=cast.checker, at=at("2026-11-19 10:00"))
    assert QualityCheck.objects.get().total is None


def test_qua_06_a_reopening_is_a_round_too(cast):
    """Returned twice and reopened once: the third round is told to coordinator and management."""
    story = Story(cast).accept().assign().start().submit()
    for _ in range(2):
        transitions.return_for_rework(story.pk, by=cast.checker, comment="没有说明原因", at=at("2026-11-18 16:00"))
        story.submit("2026-11-18 17:00")
    story.reply()
    assert not Notification.objects.filter(kind="rework_rounds").exists()
    transitions.reopen(story.pk, by=cast.coordinator, reason="又停水了", at=at("2026-11-20 10:00"))
    told = Notification.objects.filter(kind="rework_rounds").values_list("recipient", flat=True)
    assert {story.case.coordinator_id, cast.manager.pk} <= set(told)


def test_qua_06_after_three_rounds_coordinator_and_management_are_told_once(cast):
    story = Story(cast).accept().assign().start().submit()
    for round_ in range(4):
        transitions.return_for_rework(
            story.pk, by=cast.checker, comment="补充证据", points=GOOD, at=at(f"2026-11-19 1{round_}:00")
        )
        told = {row.recipient for row in Notification.objects.filter(kind="rework_rounds")}
        assert told == ({story.case.coordinator, cast.manager} if round_ >= 2 else set())
        story.submit(f"2026-11-19 1{round_}:30")
    assert Notification.objects.filter(kind="rework_rounds").count() == 2


def test_qua_12_praise_is_recorded_listed_and_counted(cast, client):
    story = Story(cast).to_closed()
    client.force_login(cast.intake)
    values = {
        "department": cast.water.code,
        "person": cast.water_handler.staff_number,
        "text": "抢修师傅连夜修好，态度很好",
        "received_on": "2026-11-21",
        "complaint": story.case.number,
    }
    assert client.post("/desk/quality/praise/", values).status_code == 302
    row = Praise.objects.get()
    assert (row.person, row.complaint_id, row.by) == (cast.water_handler, story.pk, cast.intake)
    assert story.case.events.get(kind="praise").note == ""
    page = client.get("/desk/quality/praise/")
    assert [(line["department__name"], line["count"]) for line in page.context["counts"]] == [("供水集团", 1)]


@pytest.mark.parametrize(
    ("change", "field"),
    [({"person": "R001"}, "person"), ({"text": ""}, "text"), ({"received_on": "2099-01-01"}, "received_on")],
)
def test_qua_12_praise_that_makes_no_sense_names_the_field(change, field, cast, client):
    client.force_login(cast.intake)
    values = {"department": cast.water.code, "text": "好", "received_on": "2026-11-21", **change}
    answer = client.post("/desk/quality/praise/", values)
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
    assert not Praise.objects.exists()


def test_qua_12_nobody_praises_themselves(cast):
    with pytest.raises(InvalidInput) as caught:
        rules.record_praise(
            by=cast.water_handler,
            department=cast.water,
            person=cast.water_handler,
            text="好",
            received_on=at("2026-11-20 00:00").date(),
            at=at("2026-11-21 10:00"),
        )
    assert caught.value.field == "person"

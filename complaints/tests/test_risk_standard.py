"""The settings page of the grading standard: revisions, what may be saved, a preview that is true (RISK-03, 06)."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.errors import InvalidInput, StaleVersion
from accounts.tests.factories import sign_in_anew
from complaints import risk_default, risk_standards, transitions
from complaints.models import Dimension, RiskStandard
from complaints.risk_standard_views import StandardForm
from complaints.tests.factories import Story, at, category, registered

EDIT = "/desk/settings/risk/edit/"


def person(number: int) -> dict:
    """Contact data nobody else has, so that no case counts as a repeat."""
    return {"phone": f"1390000000{number}", "email": f"p{number}@example.cn"}


def edited(**changes) -> dict:
    """The fields of the edit form as shown, with changes."""
    form = StandardForm(standard=risk_standards.active())
    values = {name: form[name].value() for name in form.fields}
    values = {name: value for name, value in values.items() if value is not None}
    return {**values, "note": "年度修订", **changes}


def test_risk_03_the_preview_counts_what_the_cases_would_get_and_saves_nothing(cast, client):
    """Four cases: with 10 instead of 35 points an injury is no medium risk any more."""
    registered(has_injury=True, **person(1))
    registered(has_injury=True, has_damage=True, **person(2))
    registered(**person(3))
    decided = Story(cast, narrative="楼道起火，有人受伤", **person(4))
    transitions.grade_risk(decided.pk, by=cast.intake, grade="medium", reason="已控制", at=at("2026-11-16 10:00"))
    client.force_login(cast.coordinator)
    answer = client.post(EDIT, edited(weight_injury="10", preview="1"))
    assert answer.status_code == 200
    assert [numbers for _label, numbers in answer.context["counts"]] == [[3, 1, 0], [1, 2, 1], [1, 3, 0]]
    assert answer.context["cases"] == 4
    assert RiskStandard.objects.count() == 1


def test_risk_03_the_preview_looks_at_the_newest_cases_only(db):
    for day in (10, 11, 12):
        registered(f"2026-11-{day} 09:00", has_injury=day == 10)
    found = risk_standards.preview(risk_standards.active(), cases=2)
    assert (found.cases, found.active) == (2, {"ordinary": 2, "medium": 0, "high": 0})


def test_the_preview_costs_the_same_for_one_case_and_three(db, django_assert_num_queries):
    registered(has_injury=True, category=category())
    with django_assert_num_queries(6):
        risk_standards.preview(RiskStandard(factors=[], medium_from=1, high_from=2))
    registered(category=category("overcharge"))
    registered()
    with django_assert_num_queries(6):
        risk_standards.preview(RiskStandard(factors=[], medium_from=1, high_from=2))


def test_risk_03_saving_makes_the_next_revision_that_grades_from_then_on(cast, client):
    client.force_login(cast.coordinator)
    answer = client.post(
        EDIT,
        edited(
            weight_injury="40",
            words_injury="受伤\r\n扭伤\r\n\r\n受伤",
            value_amount_1="8000",
            new_name="食品安全",
            new_weight="30",
            new_words="过期\n变质",
            save="1",
        ),
    )
    assert (answer.status_code, answer["Location"]) == (302, reverse("complaints:risk_standard"))
    old, new = RiskStandard.objects.order_by("revision")
    assert (old.is_active, new.is_active, new.revision, new.by, new.note) == (
        False, True, 2, cast.coordinator, "年度修订",
    )  # fmt: skip
    factors = {factor["code"]: factor for factor in new.factors}
    assert (factors["injury"]["weight"], factors["injury"]["words"]) == (40, ["受伤", "扭伤"])
    assert factors["amount_1"]["value"] == 8000
    assert factors["own_1"] == {
        "code": "own_1", "name": "食品安全", "name_en": "", "kind": "words", "words": ["过期", "变质"], "weight": 30,
    }  # fmt: skip
    unchanged = {code: factor for code, factor in factors.items() if code not in ("injury", "amount_1", "own_1")}
    assert unchanged == {f["code"]: f for f in old.factors if f["code"] in unchanged}
    assert registered(narrative="买到变质牛奶，孩子扭伤").complaint.risk_grade == "high"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"weight_injury": "101"}, "weight_injury"),
        ({"weight_injury": "-1"}, "weight_injury"),
        ({"high_from": "30"}, "high_from"),
        ({"value_amount_1": "0"}, "value_amount_1"),
        ({"words_life": ""}, "words_life"),
        ({"values_legal_type": "nothing-of-the-kind"}, "values_legal_type"),
        ({"note": ""}, "note"),
        ({"new_name": "空", "new_weight": "5"}, None),
        ({"every_high": "366"}, "every_high"),
        ({"first_medium": "-1"}, "first_medium"),
        ({"first_medium": ""}, "first_medium"),
        ({"every_medium": "1" + "0" * 40}, "every_medium"),
        ({"first_high": "8"}, "first_high"),
    ],
)
def test_a_standard_that_makes_no_sense_names_the_field_and_is_not_saved(change, field, cast, client):
    client.force_login(cast.coordinator)
    answer = client.post(EDIT, edited(save="1", **change))
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field or "__all__"]
    assert RiskStandard.objects.count() == 1


def test_two_people_who_edit_at_once_do_not_undo_each_other(cast, client):
    client.force_login(cast.coordinator)
    mine = edited(save="1", weight_injury="1")
    assert client.post(EDIT, edited(save="1", weight_life="50")).status_code == 302
    late = client.post(EDIT, mine)
    assert late.status_code == 409
    assert RiskStandard.objects.count() == 2
    with pytest.raises(StaleVersion):
        risk_standards.revise(
            factors=[],
            medium_from=1,
            high_from=2,
            meetings=risk_default.MEETINGS,
            note="x",
            based_on=1,
            by=cast.coordinator,
            at=at("2026-11-16 10:00"),
        )


def test_risk_06_the_days_between_risk_meetings_are_part_of_the_standard(cast, client):
    """Whoever edits the standard sets them by grade; the revision before keeps what it said."""
    client.force_login(cast.coordinator)
    answer = client.post(EDIT, edited(first_high="2", every_high="3", first_medium="0", every_medium="0", save="1"))
    assert answer.status_code == 302
    old, new = RiskStandard.objects.order_by("revision")
    assert risk_standards.meetings(old)["high"] == risk_standards.Meetings(first=1, every=7)
    assert new.meetings == {"medium": {"first": 0, "every": 0}, "high": {"first": 2, "every": 3}}
    client.cookies["huiyin_language"] = "en"
    now = client.get(reverse("complaints:risk_standard")).content.decode()
    before = client.get(reverse("complaints:risk_standard_revision", args=[1])).content.decode()
    assert "first within 2 days of the grade, then every 3 days" in now
    assert "as needed, nobody is reminded" in now
    assert "first within 1 day of the grade, then every 7 days" in before


def test_risk_06_the_preview_keeps_the_days_that_were_typed(cast, client):
    client.force_login(cast.coordinator)
    page = client.post(EDIT, edited(every_high="5", preview="1"))
    assert page.context["form"]["every_high"].value() == "5"
    assert RiskStandard.objects.count() == 1


def test_risk_06_a_standard_without_the_days_of_a_grade_is_refused(cast):
    with pytest.raises(InvalidInput):
        risk_standards.revise(
            factors=risk_default.FACTORS,
            medium_from=30,
            high_from=60,
            meetings={"high": {"first": 1, "every": 7}},
            note="x",
            based_on=1,
            by=cast.coordinator,
            at=at("2026-11-16 10:00"),
        )
    assert RiskStandard.objects.count() == 1


@pytest.mark.parametrize(
    ("person", "reads", "edits"),
    [
        ("coordinator", 200, 200),
        ("administrator", 200, 200),
        ("counsel", 200, 403),
        ("intake", 403, 403),
        ("water_handler", 403, 403),
    ],
)
def test_who_reads_and_who_edits_the_standard(person, reads, edits, cast, client):
    sign_in_anew(client, getattr(cast, person))
    assert client.get(reverse("complaints:risk_standard")).status_code == reads
    assert client.get(EDIT).status_code == edits
    assert client.post(EDIT, edited(save="1")).status_code == (302 if edits == 200 else 403)
    assert RiskStandard.objects.count() == (2 if edits == 200 else 1)


def test_every_revision_stays_readable(cast, client):
    client.force_login(cast.coordinator)
    client.post(EDIT, edited(save="1", weight_injury="77"))
    now = client.get(reverse("complaints:risk_standard"))
    before = client.get(reverse("complaints:risk_standard_revision", args=[1]))
    points = [{row["code"]: row["points"] for row in page.context["factors"]}["injury"] for page in (now, before)]
    assert points == [77, 35]
    assert [row.revision for row in before.context["revisions"]] == [2, 1]
    assert client.get(reverse("complaints:risk_standard_revision", args=[3])).status_code == 404


def test_loading_the_shipped_standard_again_changes_nothing(cast, client):
    client.force_login(cast.coordinator)
    client.post(EDIT, edited(save="1", weight_injury="77"))
    risk_standards.load_standard()
    assert list(RiskStandard.objects.order_by("revision").values_list("revision", "is_active")) == [
        (1, False),
        (2, True),
    ]


def test_risk_03_the_page_names_values_of_the_schemes_in_words(cast, client):
    """No identifiers: "legal:*" is any value, another one has its name."""
    standard = risk_standards.active()
    factor = next(row for row in standard.factors if row["kind"] == "category")
    factor["values"] = ["legal:*", "water-outage"]
    standard.save()
    client.force_login(cast.coordinator)
    shown = client.get("/desk/settings/risk/").content.decode()
    assert "legal:*" not in shown
    assert str(Dimension.LEGAL.label) in shown
    assert category("water-outage").label in shown

"""An organisation changes its own values, rules and bodies; every change is kept (CLS-01, CLS-09, SCR-02, SCR-04)."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from accounts.errors import InvalidInput, NotAllowed, StaleVersion
from accounts.models import SecurityEvent
from accounts.tests.factories import sign_in_anew
from complaints import transitions
from complaints.models import AcceptanceRule, Category, CategoryRevision, ExternalBody
from complaints.tests.factories import Story, category

NEW = {"name": "直饮水", "name_en": "Drinking water", "is_active": "on"}


def edit_url(row: Category) -> str:
    return reverse("complaints:category", args=[row.pk])


def form_of(row: Category, **changes) -> dict:
    """The fields of the edit page as a browser would send them."""
    values = {
        "seen": row.revisions.count(),
        "name": row.name,
        "name_en": row.name_en,
        "is_active": "on" if row.is_active else "",
        "is_soft": "on" if row.is_soft else "",
        "is_public": "on" if row.is_public else "",
        "parent": row.parent.code if row.parent else "",
        **changes,
    }
    return {name: value for name, value in values.items() if value != ""}


def siblings(dimension: str, parent: str | None = None) -> list[str]:
    return list(Category.objects.filter(dimension=dimension, parent__code=parent).values_list("code", flat=True))


# --- Adding -------------------------------------------------------------------------------------
def test_a_new_value_stands_last_and_is_offered(cast, client):
    client.force_login(cast.coordinator)
    fields = {**NEW, "code": "drinking-water", "parent": "utilities", "prompts": "浑浊吗？ | Is it cloudy?\n有味道吗？"}
    materials = {"essential": "户号", "later": "水样照片｜A photo of the water"}
    url = reverse("complaints:category_add", args=["category"])
    assert client.post(url, {**fields, **materials}).status_code == 302
    row = category("drinking-water")
    assert siblings("category", "utilities")[-1] == "drinking-water"
    assert row.prompts == [{"text": "浑浊吗？", "text_en": "Is it cloudy?"}, {"text": "有味道吗？", "text_en": ""}]
    assert row.materials == [
        {"text": "户号", "text_en": "", "is_essential": True},
        {"text": "水样照片", "text_en": "A photo of the water", "is_essential": False},
    ]
    revision = row.revisions.get()
    assert (revision.by, revision.before, revision.after["parent"]) == (cast.coordinator, {}, "utilities")
    shown = client.get(reverse("complaints:action", args=[Story(cast).case.number, "accept"])).content.decode()
    assert "水、电、气、暖 › 直饮水" in shown


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"code": "water-outage"}, "code"),
        ({"code": "not a slug"}, "code"),
        ({"name": ""}, "name"),
        ({"prompts": "重复\n重复"}, "prompts"),
        ({"essential": "户号", "later": "户号"}, "later"),
        ({"prompts": "\n".join(f"问题{n}" for n in range(21))}, "prompts"),
    ],
)
def test_a_fault_is_named_at_its_field(changes, field, cast, client):
    client.force_login(cast.coordinator)
    fields = {**NEW, "code": "drinking-water", **changes}
    response = client.post(reverse("complaints:category_add", args=["category"]), fields)
    assert response.status_code == 422
    assert f'id="id_{field}_error"' in response.content.decode()
    assert Category.objects.filter(name="直饮水").count() == 0


def test_other_dimensions_ask_for_less(cast, client):
    sign_in_anew(client, cast.administrator)
    url = reverse("complaints:category_add", args=["emotion"])
    assert 'name="prompts"' not in client.get(url).content.decode()
    assert client.post(url, {"code": "fear", "name": "害怕", "is_active": "on"}).status_code == 302
    assert siblings("emotion")[-1] == "fear"
    assert client.get(reverse("complaints:category_add", args=["weather"])).status_code == 404


# --- Changing -----------------------------------------------------------------------------------
def test_a_change_is_kept_with_before_and_after(cast, client):
    """CASE-12: who changed what, before and after."""
    row = category("water-outage")
    client.force_login(cast.coordinator)
    fields = form_of(row, name="停水和限水", is_soft="on", default_department="water", required_fields=["place"])
    fields["prompts"] = "从什么时候开始的？"
    assert client.post(edit_url(row), fields).status_code == 302
    revision = row.revisions.get()
    assert (revision.before["name"], revision.after["name"]) == ("停水", "停水和限水")
    assert (revision.before["default_department"], revision.after["default_department"]) == ("", "water")
    assert (revision.after["required_fields"], revision.after["is_soft"]) == (["place"], True)
    assert "code" not in revision.after
    shown = client.get(edit_url(row)).content.decode()
    assert "<del>停水</del> → 停水和限水" in shown
    assert "周明远" in shown


def test_two_editors_at_once(cast, client):
    """The slower one is told and overwrites nothing (CC-02)."""
    row = category("water-outage")
    stale = form_of(row, name="第二个人的改名")
    transitions.change_category(row.pk, by=cast.coordinator2, name="第一个人的改名")
    client.force_login(cast.coordinator)
    response = client.post(edit_url(row), stale)
    assert response.status_code == 422
    assert "第二个人的改名" in response.content.decode()
    assert category("water-outage").name == "第一个人的改名"
    with pytest.raises(StaleVersion):
        transitions.change_category(row.pk, by=cast.coordinator, seen=0, name="x")


def test_a_value_in_use_is_switched_off_not_deleted(cast, client):
    story = Story(cast).accept()
    row = transitions.add_category(dimension="category", code="well", name="水井", by=cast.coordinator)
    transitions.classify(story.pk, by=cast.intake, category=row)
    client.force_login(cast.coordinator)
    assert client.post(reverse("complaints:category_delete", args=[row.pk])).headers["Location"] == edit_url(row)
    assert category("well").revisions.count() == 1
    fields = form_of(row)
    del fields["is_active"]
    assert client.post(edit_url(row), fields).status_code == 302
    assert category("well").is_active is False
    assert "水井" in client.get(reverse("complaints:detail", args=[story.case.number])).content.decode()
    form = client.get(reverse("complaints:action", args=[Story(cast).case.number, "accept"])).content.decode()
    assert 'value="well"' not in form


def test_a_value_never_used_can_be_deleted_a_shipped_one_cannot(cast):
    row = transitions.add_category(dimension="category", code="well", name="水井", by=cast.coordinator)
    transitions.delete_category(row.pk, by=cast.coordinator)
    assert not Category.objects.filter(code="well").exists()
    assert SecurityEvent.objects.get(kind="reference_deleted").subject == "category:well"
    with pytest.raises(InvalidInput):
        transitions.delete_category(category("missed-delivery").pk, by=cast.coordinator)
    assert Category.objects.filter(code="missed-delivery").exists()


def test_an_emotion_of_a_case_is_not_deleted_from_under_it(cast):
    story = Story(cast).accept()
    row = transitions.add_category(dimension="emotion", code="fear", name="害怕", by=cast.coordinator)
    story.case.emotions.add(row)  # as a bulk import would, without a decision
    with pytest.raises(InvalidInput):
        transitions.delete_category(row.pk, by=cast.coordinator)
    assert [emotion.code for emotion in story.case.emotions.all()] == ["fear"]


def test_moving_up_and_down(cast, client):
    client.force_login(cast.coordinator)
    row = Category.objects.get(dimension="nature", code="charging")
    url = reverse("complaints:category_move", args=[row.pk])
    client.post(url, {"to": "up"})
    assert siblings("nature") == ["service-quality", "charging", "product-quality"]
    client.post(url, {"to": "down"})
    client.post(url, {"to": "down"})  # the end of the list
    assert siblings("nature") == ["service-quality", "product-quality", "charging"]
    assert CategoryRevision.objects.filter(category=row).count() == 2


def test_the_tree_has_two_levels_of_one_dimension(cast):
    utilities, outage = category("utilities"), category("water-outage")
    nature = Category.objects.get(dimension="nature", code="charging")
    for row, parent in ((category("health"), outage), (category("health"), nature), (utilities, category("health"))):
        with pytest.raises(InvalidInput) as refused:
            transitions.change_category(row.pk, by=cast.coordinator, parent=parent)
        assert refused.value.field == "parent"
    transitions.change_category(category("health").pk, by=cast.coordinator, parent=utilities)
    assert category("health").parent == utilities


def test_cls09_the_law_changes_on_a_day(cast, client):
    row = Category.objects.get(dimension="legal", code="privacy")
    client.force_login(cast.coordinator)
    url = reverse("complaints:category_law", args=[row.pk])
    fields = {"statutes": "《个人信息保护法》（新修）", "reputation": "失去信任", "valid_from": "2027-01-01"}
    assert client.post(url, fields).status_code == 302
    new, old = row.legal_references.all()
    assert (old.valid_until, new.valid_from) == (date(2026, 12, 31), date(2027, 1, 1))
    assert client.post(url, fields).status_code == 422  # from the same day again
    assert row.legal_references.count() == 2
    assert "新修" in client.get(edit_url(row)).content.decode()


# --- Rules and bodies -----------------------------------------------------------------------------
def test_scr02_a_rule_is_added_and_switched_off(cast, client):
    client.force_login(cast.coordinator)
    fields = {"code": "court", "text": "法院正在审理，不予受理", "in_scope": "false", "order": "5", "is_active": "on"}
    assert client.post(reverse("complaints:rule_add"), fields).status_code == 302
    rule = AcceptanceRule.objects.get(code="court")
    url = reverse("complaints:action", args=[Story(cast).case.number, "refuse"])
    assert "法院正在审理" in client.get(url).content.decode()
    assert client.post(reverse("complaints:rule_add"), fields).status_code == 422
    del fields["is_active"]
    assert client.post(reverse("complaints:rule", args=[rule.pk]), fields).status_code == 302
    assert "法院正在审理" not in client.get(url).content.decode()
    last = SecurityEvent.objects.filter(kind="reference_changed").order_by("pk").last()
    assert (last.user, last.detail) == (
        cast.coordinator,
        {"before": {"is_active": True}, "after": {"is_active": False}},
    )


def test_scr04_a_body_is_added_and_changed(cast, client):
    sign_in_anew(client, cast.administrator)
    fields = {"name": "消防热线", "responsible_for": "火灾隐患", "phone": "96119", "is_active": "on"}
    assert client.post(reverse("complaints:body_add"), fields).status_code == 302
    body = ExternalBody.objects.get(name="消防热线")
    assert client.post(reverse("complaints:body_add"), fields).status_code == 422
    changed = {**fields, "website": "fire.example.cn"}
    assert client.post(reverse("complaints:body", args=[body.pk]), changed).status_code == 302
    assert ExternalBody.objects.get(pk=body.pk).website == "https://fire.example.cn"


# --- Who may --------------------------------------------------------------------------------------
@pytest.mark.parametrize("person", ["intake", "checker", "water_head", "counsel", "manager", "auditor", "reviewer"])
def test_others_change_nothing(person, cast, client):
    who = getattr(cast, person)
    row, rule, body = category("water-outage"), AcceptanceRule.objects.first(), ExternalBody.objects.first()
    client.force_login(who)
    pages = [
        reverse("complaints:category_add", args=["category"]),
        edit_url(row),
        reverse("complaints:rule_add"),
        reverse("complaints:rule", args=[rule.pk]),
        reverse("complaints:body", args=[body.pk]),
        reverse("complaints:notice_templates"),
    ]
    assert [client.get(url).status_code for url in pages] == [403] * len(pages)
    posts = [
        reverse(f"complaints:{name}", args=[row.pk]) for name in ("category_move", "category_delete", "category_law")
    ]
    assert [client.post(url).status_code for url in posts] == [403] * 3
    with pytest.raises(NotAllowed):
        transitions.change_category(row.pk, by=who, name="x")
    assert category("water-outage").name == "停水"


def test_the_list_shows_what_can_be_edited_only_to_editors(cast, client):
    url = reverse("complaints:categories")
    row = category("water-outage")
    client.force_login(cast.coordinator)
    assert edit_url(row) in client.get(url).content.decode()
    assert client.get(reverse("complaints:rules")).status_code == 200

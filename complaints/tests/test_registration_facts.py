"""What is written down while the person is there (IN-21, IN-24…33), and the same over HTTP (IN-05, AP-01)."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client

from complaints import paper_form, transitions
from complaints.models import Category, Complaint
from complaints.public_forms import STEPS
from complaints.tests.factories import registered
from complaints.tests.test_register import URL, form, picture, send


@pytest.fixture
def desk(client, cast):
    client.force_login(cast.intake)
    return client


FACTS = {
    "batch": "20260901-A",
    "outlet": "城东营业厅",
    "consequential_loss": "请假一天，冰箱里的菜坏了",
    "true_need": "希望换掉老化的主管道",
    "customer_tier": "vip",
    "special_groups": ["reduced_mobility", "elderly"],
    "emotion_intensity": "2",
    "threats": ["court", "media"],
    "has_injury": "on",
    "involves_minors": "on",
}


def test_every_fact_reaches_the_case(desk):
    """IN-21, IN-24, IN-28…32."""
    assert send(desk, **FACTS).status_code == 302
    case = Complaint.objects.get()
    assert {name: getattr(case, name) for name in FACTS} == {
        **FACTS,
        "special_groups": ["elderly", "reduced_mobility"],
        "threats": ["media", "court"],
        "emotion_intensity": 2,
        "has_injury": True,
        "involves_minors": True,
    }
    assert (case.has_damage, case.has_privacy_leak) == (False, False)


def test_nothing_is_assumed_about_the_person(desk):
    send(desk)
    case = Complaint.objects.get()
    assert (case.emotion_intensity, case.threats, case.special_groups, case.customer_tier) == (0, [], [], "")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"threats": ["bogus"]}, "threats"),
        ({"special_groups": ["bogus"]}, "special_groups"),
        ({"emotion_intensity": "9"}, "emotion_intensity"),
        ({"customer_tier": "bogus"}, "customer_tier"),
        ({"batch": "长" * 61}, "batch"),
        ({"outlet": "长" * 81}, "outlet"),
        ({"true_need": "长" * 2001}, "true_need"),
    ],
)
def test_a_fact_that_cannot_be_is_refused_at_its_field(desk, changes, field):
    answer = send(desk, **changes)
    assert (answer.status_code, set(answer.context["form"].errors)) == (422, {field})
    assert not Complaint.objects.exists()


def test_folded_fields_open_when_something_stands_in_them(desk):
    """The page stays short; nothing filled in or wrong is hidden."""
    groups = desk.get(f"{URL}?channel=phone").context["form"].groups()
    assert [key for key, group in groups.items() if group["is_open"]] == []
    answer = send(desk, subject="", threats=["media"])
    assert [key for key, group in answer.context["form"].groups().items() if group["is_open"]] == ["risk"]
    answer = send(desk, true_need="长" * 2001)
    assert [key for key, group in answer.context["form"].groups().items() if group["is_open"]] == ["need"]


@pytest.mark.parametrize("channel", ["phone", "counter", "letter", "email", "referral", "government", "social"])
def test_every_field_stands_on_the_page_once(desk, channel):
    """A field that is not on the page would be lost without a word."""
    answer = desk.get(f"{URL}?channel={channel}")
    html = answer.content.decode()
    for name in answer.context["form"].fields:
        controls = re.findall(rf'<(?:input|select|textarea)[^>]* name="{name}"[^>]*>', html)
        kinds = {"radio" if 'type="radio"' in control else "checkbox" for control in controls[1:]}
        assert controls, name
        assert len(controls) == 1 or len(kinds) == 1, name


def test_the_caller_comes_first_where_the_person_is_there(desk):
    """IN-01."""
    for channel, first in (("phone", "block-person"), ("counter", "block-person"), ("letter", "block-channel")):
        html = desk.get(f"{URL}?channel={channel}").content.decode()
        assert re.findall(r'<h2 id="(block-\w+)"', html)[0] == first
    phone = desk.get(f"{URL}?channel=phone").content.decode()
    assert phone.index('name="phone"') < phone.index('name="name"')


def test_the_parts_of_the_form_are_reached_by_key(desk):
    html = desk.get(f"{URL}?channel=phone").content.decode()
    assert re.findall(r'<a href="#(block-\w+)" accesskey="(\d)"', html) == [
        ("block-person", "1"),
        ("block-matter", "2"),
        ("block-channel", "3"),
    ]


def test_the_questions_of_a_category_are_asked(desk):
    """IN-25: for a delay, ask about the losses that followed."""
    Category.objects.filter(code="water-outage").update(
        prompts=[{"text": "停水造成了哪些损失？", "text_en": "Which losses followed?"}, {"text": "", "text_en": ""}]
    )
    html = desk.get(f"{URL}prompts/?category=water-outage").content.decode()
    assert "停水造成了哪些损失？" in html
    assert html.count("<li>") == 1
    assert "停水造成了哪些损失？" in send(desk, subject="").content.decode()


def test_a_counter_keeps_the_outlet_and_needs_it(desk):
    """IN-09, IN-32."""
    assert set(send(desk, "counter").context["form"].errors) == {"outlet"}
    assert send(desk, "counter", outlet="城东营业厅").status_code == 302
    assert Complaint.objects.get().outlet == "城东营业厅"


def test_a_postmark_in_the_future_is_refused(desk):
    """IN-07."""
    answer = send(desk, "letter", postmarked_on="2099-01-01", files=[picture()])
    assert set(answer.context["form"].errors) == {"postmarked_on"}
    assert not Complaint.objects.exists()


def test_the_case_shows_what_was_written_down(desk):
    send(desk, **FACTS)
    html = desk.get(f"/desk/cases/{Complaint.objects.get().number}/").content.decode()
    for text in ("20260901-A", "城东营业厅", "请假一天", "希望换掉老化的主管道"):
        assert text in html


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("has_injury", "有人受伤"),
        ("has_damage", "有财产损失"),
        ("involves_minors", "涉及未成年人"),
        ("has_privacy_leak", "个人信息泄露"),
    ],
)
def test_cls10_injury_and_damage_stand_on_the_case_itself(client, cast, flag, words):
    """CLS-10: for everybody who works on it, beside the complaint, on the screen and on paper; not only as a factor."""
    case = registered().complaint
    client.force_login(cast.intake)

    def content(address: str) -> str:
        html = client.get(f"/desk/cases/{case.number}/{address}").content.decode()
        return re.search(r'aria-labelledby="content-title".*?</section>', html, re.DOTALL)[0]

    assert "标记" not in content("")
    transitions.record_facts(case.pk, by=cast.intake, **{flag: True})
    for address in ("", "print/"):
        assert words in content(address)
    case.refresh_from_db()
    transitions.record_facts(case.pk, by=cast.intake, **{flag: False})
    assert words not in content("")


def test_facts_cost_the_case_page_no_query_but_the_tier_one(desk, django_assert_max_num_queries):
    send(desk, **FACTS)
    plain = registered().complaint
    desk.get(f"/desk/cases/{plain.number}/")  # what is read once a minute
    counts = []
    for number in (Complaint.objects.exclude(pk=plain.pk).get().number, plain.number):
        with django_assert_max_num_queries(12) as captured:
            desk.get(f"/desk/cases/{number}/")
        counts.append(len(captured))
    assert counts[0] == counts[1] + 1  # who looks after a customer of this tier (SPG-07)


def test_a_link_is_no_script(desk):
    """Only addresses of the web become a link on the case page."""
    send(desk, "social", source_url="https://example.cn/p/1?a=1&b=2", files=[picture()])
    html = desk.get(f"/desk/cases/{Complaint.objects.get().number}/").content.decode()
    assert 'href="https://example.cn/p/1?a=1&amp;b=2"' in html
    assert 'rel="noopener noreferrer nofollow"' in html


# --- Over HTTP (IN-05) ----------------------------------------------------------------------------
APP = {
    "subject": "净水器漏水",
    "narrative": "新买的净水器当天漏水。",
    "phone": "13800002417",
    "product": "净水器 X1",
    "batch": "20260901-A",
    "place": "槐荫里",
    "outlet": "城东门店",
    "occurred_on": "2026-11-15",
    "amount": "1280.50",
    "persons_affected": 3,
}


def post(client: Client, body: dict):
    return client.post("/api/v1/complaints/", json.dumps(body), content_type="application/json")


def test_an_app_sends_what_a_complainant_can_know(client, db):
    """IN-05, IN-21, IN-26, IN-32, IN-33."""
    assert post(client, APP).status_code == 201
    case = Complaint.objects.get()
    found = {name: str(getattr(case, name)) for name in APP if name not in ("phone", "narrative")}
    assert found == {name: str(value) for name, value in APP.items() if name not in ("phone", "narrative")}
    assert case.channel == "app"


@pytest.mark.parametrize(
    "field",
    ["customer_tier", "emotion_intensity", "threats", "special_groups", "true_need", "risk_grade", "status", "bogus"],
)
def test_an_app_sets_nothing_that_the_desk_judges(client, db, field):
    """AP-01: an unknown field is refused by name, not dropped."""
    answer = post(client, {**APP, field: "vip"})
    assert (answer.status_code, set(answer.json())) == (400, {field})
    assert not Complaint.objects.exists()


@pytest.mark.parametrize(("field", "value"), [("batch", "长" * 61), ("outlet", "长" * 81)])
def test_an_app_is_told_what_is_too_long(client, db, field, value):
    answer = post(client, {**APP, field: value})
    assert (answer.status_code, set(answer.json())) == (400, {field})


# --- Conduct (IN-35) --------------------------------------------------------------------------------
@pytest.mark.parametrize(("channel", "shown"), [("phone", True), ("counter", True), ("letter", False)])
def test_in_35_whoever_talks_to_the_complainant_has_words_and_advice(desk, channel, shown):
    html = desk.get(f"{URL}?channel={channel}").content.decode()
    assert ("怎样与投诉人沟通" in html) is shown
    assert ("您希望我们怎么处理？" in html) is shown


# --- On paper (IN-15) -------------------------------------------------------------------------------
def test_the_paper_form_is_the_twin_of_the_web_form(client, db):
    """IN-15: same fields, same order; a changed web form needs a new version of the paper."""
    fields = {step: tuple(form_class.base_fields) for step, form_class in STEPS.items()}
    assert fields == paper_form.FIELDS
    html = client.get("/help/form/").content.decode()
    assert re.findall(r'data-field="(\w+)"', html) == [name for names in fields.values() for name in names]
    assert paper_form.VERSION in html
    assert "2026 年 11 月 22 日" in html


def test_the_paper_form_is_found_and_sets_no_cookie(client, desk, db):
    assert 'href="/help/form/"' in Client().get("/help/").content.decode()
    assert 'href="/help/form/"' in desk.get(URL).content.decode()
    answer = Client().get("/help/form/")
    assert (answer.status_code, dict(answer.cookies)) == (200, {})
    assert Client().get("/help/form/?lang=en").content.decode().count("data-field") == 19


def test_the_form_of_the_tests_is_complete(desk):
    assert send(desk, **form()).status_code == 302

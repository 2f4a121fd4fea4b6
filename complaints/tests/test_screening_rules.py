"""Accepting and refusing with the rule relied on, one request for everything, items that may come later."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.errors import IllegalTransition, InvalidInput
from complaints import notice_documents, track_page, transitions
from complaints.models import (
    AcceptanceRule,
    Category,
    ExternalBody,
    Notice,
    Notification,
    OutstandingItem,
    SupplementRequest,
)
from complaints.tests.factories import Story, at, category
from complaints.tests.test_case_actions import post

SOON = (timezone.localdate() + timedelta(days=5)).isoformat()
PARCEL = {"category": "damaged-parcel", "severity": "moderate", "complexity": "simple", "known_rule": "own-service"}


def page(client, who, story, name="detail", *args, **query) -> str:
    client.force_login(who)
    response = client.get(reverse(f"complaints:{name}", args=[story.case.number, *args]), query)
    assert response.status_code == 200
    return response.content.decode()


# --- The rule relied on (SCR-02) ----------------------------------------------------------------
def test_scr02_com_11_the_chosen_rule_stands_in_the_notice_and_the_log(cast, client):
    story = Story(cast)
    assert post(client, cast.intake, story, "accept", **PARCEL).status_code == 302
    rule = AcceptanceRule.objects.get(code="own-service")
    assert rule.text in Notice.objects.get(complaint=story.pk, kind="acceptance").body
    assert story.case.events.get(kind="accept").note == rule.text


def test_scr02_own_words_are_possible_and_no_rule_at_all_is_not(cast, client):
    story = Story(cast)
    nothing = {**PARCEL, "known_rule": ""}
    response = post(client, cast.intake, story, "accept", **nothing)
    assert response.status_code == 422
    assert 'id="accept_rule_error"' in response.content.decode()
    assert post(client, cast.intake, story, "accept", **nothing, rule="市政府交办").status_code == 302
    assert story.case.events.get(kind="accept").note == "市政府交办"


def test_scr02_no_way_leads_round_the_rule(cast):
    """Whatever asks for it: without a rule nothing is accepted, and nothing has changed."""
    story = Story(cast)
    with pytest.raises(InvalidInput) as refused:
        transitions.accept(story.pk, by=cast.intake, rule="  ", category=category())
    assert refused.value.field == "rule"
    assert (story.case.status, story.case.accepted_at) == ("registered", None)


def test_scr02_rules_of_other_categories_are_not_offered(cast, client):
    for code, of in (("only-water", "utilities"), ("only-windows", "window")):
        AcceptanceRule.objects.create(code=code, text=f"规则 {code}", category=category(of))
    story = Story(cast, category=category("water-outage"))
    shown = page(client, cast.intake, story, "action", "accept")
    assert "规则 only-water" in shown
    assert "规则 only-windows" not in shown
    assert "消费争议" not in shown  # a rule against acceptance


def test_scr04_an_out_of_scope_rule_brings_ground_and_body(cast, client):
    """Chosen in the page it selects them; sent alone it fills them in."""
    story = Story(cast)
    body = ExternalBody.objects.get(phone="12315")
    shown = page(client, cast.intake, story, "action", "refuse", known_rule="consumer-dispute")
    assert '<option value="out_of_scope" selected>' in shown
    assert f'<option value="{body.pk}" selected>' in shown
    assert post(client, cast.intake, story, "refuse", known_rule="consumer-dispute").status_code == 302
    letter = Notice.objects.get(complaint=story.pk, kind="non_acceptance").body
    assert "12315 消费者投诉举报热线" in letter
    assert "与其他经营者的消费争议" in letter
    assert story.case.status == "not_accepted"


def test_scr02_the_rule_a_refusal_relies_on_stands_beside_the_reason(cast, client):
    """Whoever refuses chooses a rule and writes a reason: the notice and the record name both."""
    story = Story(cast)
    rule = AcceptanceRule.objects.get(code="consumer-dispute")
    typed = {"known_rule": rule.code, "rule": "《消费者权益保护法》\n第三十九条", "reason": "请向商家所在地反映。"}
    assert post(client, cast.intake, story, "refuse", **typed).status_code == 302
    basis = f"{rule.text}；《消费者权益保护法》 第三十九条"
    letter = Notice.objects.get(complaint=story.pk, kind="non_acceptance")
    assert f"依据：不属于本单位职责；{basis}\n理由：请向商家所在地反映。" in letter.body
    assert notice_documents.values(letter)["ground"] == f"不属于本单位职责；{basis}"
    shown = page(client, cast.intake, story, "detail")
    assert basis in shown
    assert "请向商家所在地反映。" in shown


def test_scr02_nothing_is_out_of_scope_without_a_rule(cast, client):
    """On the page and whatever else asks for it; other grounds are rules themselves."""
    story = Story(cast)
    typed = {"ground": "out_of_scope", "reason": "不归我们管", "suggestion": "拨打 12345"}
    response = post(client, cast.intake, story, "refuse", **typed)
    assert response.status_code == 422
    assert 'id="refuse_rule_error"' in response.content.decode()
    with pytest.raises(InvalidInput) as refused:
        transitions.refuse(story.pk, by=cast.intake, **typed)
    assert refused.value.field == "rule"
    assert story.case.status == "registered"
    assert post(client, cast.intake, story, "refuse", ground="no_matter", reason="没有具体事项").status_code == 302


@pytest.mark.parametrize("channel", ["phone", "letter", "counter"])
def test_scr03_whoever_rang_wrote_or_came_is_told_why_it_is_not_accepted(cast, client, channel):
    """Who refuses is asked to tell it; the page says so until a communication that reached them is recorded."""
    story = Story(cast, channel=channel)
    assert post(client, cast.intake, story, "refuse", known_rule="consumer-dispute").status_code == 302
    assert [row.recipient for row in Notification.objects.filter(kind="tell_refusal")] == [cast.intake]
    notice = Notice.objects.get(complaint=story.pk, kind="non_acceptance")
    assert notice.sent_at is None
    record = reverse("complaints:contact", args=[story.case.number])
    assert untold(client, story) == notice
    form = client.get(record).context["form"]
    assert (form["purpose"].value(), form["channel"].value()) == ("refusal", channel)
    tell(story, cast, "no_answer")
    tell(story, cast, "reached", purpose="other")
    assert untold(client, story) == notice
    tell(story, cast, "reached")
    notice.refresh_from_db()
    assert notice.sent_at is not None
    assert untold(client, story) is None


def test_scr03_three_tries_in_vain_are_enough(cast, client):
    story = Story(cast, channel="phone")
    post(client, cast.intake, story, "refuse", known_rule="consumer-dispute")
    for _n in range(2):
        tell(story, cast, "no_answer")
    assert untold(client, story) is not None
    tell(story, cast, "no_answer")
    assert untold(client, story) is None


def test_scr03_who_reads_it_online_or_left_no_address_needs_no_call(cast, client):
    online = Story(cast, channel="web")
    nobody = Story(cast, channel="phone", phone="", email="", address="", name="")
    for story in (online, nobody):
        assert post(client, cast.intake, story, "refuse", known_rule="consumer-dispute").status_code == 302
        assert untold(client, story) is None
    assert not Notification.objects.filter(kind="tell_refusal").exists()


def test_scr06_what_is_missing_is_told_by_a_person_where_nobody_reads_it_online(cast, client):
    story = Story(cast, channel="phone")
    assert post(client, cast.intake, story, "request_information", items="付款凭证").status_code == 302
    assert [row.recipient for row in Notification.objects.filter(kind="tell_request")] == [cast.intake]
    assert untold(client, story).kind == "supplement"
    tell(story, cast, "reached", purpose="information")
    assert untold(client, story) is None


def tell(story, cast, outcome: str, purpose: str = "refusal") -> None:
    transitions.add_contact(
        story.pk, by=cast.intake, direction="out", channel="phone", purpose=purpose, outcome=outcome, summary="已说明"
    )


def untold(client, story):
    return client.get(reverse("complaints:detail", args=[story.case.number])).context["untold"]


def test_cls16_an_unmet_special_need_is_not_refused(cast, client):
    story = Story(cast)
    transitions.record_facts(story.pk, by=cast.intake, is_unmet_need=True)
    response = post(client, cast.intake, story, "refuse", known_rule="consumer-dispute")
    assert response.status_code == 422
    assert story.case.status == "registered"


def test_scr01_scr11_nothing_is_assigned_before_acceptance_which_has_its_own_time(cast):
    story = Story(cast)
    with pytest.raises(IllegalTransition):
        story.assign()
    story.accept("2026-11-16 10:00")
    assert (story.case.received_at, story.case.accepted_at) == (at("2026-11-16 09:12"), at("2026-11-16 10:00"))


# --- Everything in one go (IN-36, SCR-06) ---------------------------------------------------------
def test_in36_an_essential_item_missing_stops_acceptance_and_leads_to_one_request(cast, client):
    story = Story(cast, category=category("damaged-parcel"))
    missing = ["运单号", "物品价值凭证"]
    fields = {**PARCEL, "materials_of": "damaged-parcel", "missing": missing, "outstanding_due": SOON}
    response = post(client, cast.intake, story, "accept", **fields)
    shown = response.content.decode()
    assert response.status_code == 422
    assert story.case.status == "registered"
    start = shown.index("actions/request_information/?")
    link = shown[start - 60 : shown.index('"', start)].split('href="')[1].replace("&amp;", "&")
    form = client.get(link).content.decode()
    ticked = re.findall(r'name="missing" value="([^"]*)"[^>]* checked', form)
    assert ticked == missing
    version = story.case.version
    sent = {"version": version, "missing": missing, "items": "身份证复印件\n"}
    url = reverse("complaints:action", args=[story.case.number, "request_information"])
    assert client.post(url, sent).status_code == 302
    request = SupplementRequest.objects.get(complaint=story.pk)
    assert request.items == "运单号\n物品价值凭证\n身份证复印件"
    assert story.case.status == "awaiting_information"


def test_a_request_for_nothing_is_refused(cast, client):
    story = Story(cast, category=category("damaged-parcel"))
    response = post(client, cast.intake, story, "request_information", items="")
    assert response.status_code == 422
    assert story.case.status == "registered"


def test_in36_a_category_chosen_on_the_page_shows_its_materials_first(cast, client):
    """Without JavaScript the page comes back once with the materials of the category just chosen."""
    story = Story(cast)
    response = post(client, cast.intake, story, "accept", **PARCEL, materials_of="")
    shown = response.content.decode()
    assert response.status_code == 422
    assert "内外包装和物品的照片" in shown
    assert 'name="materials_of" value="damaged-parcel"' in shown
    assert post(client, cast.intake, story, "accept", **PARCEL, materials_of="damaged-parcel").status_code == 302


def test_in36_the_materials_follow_the_category_without_sending_text(cast, client):
    story = Story(cast)
    shown = page(client, cast.intake, story, "action", "accept", category="damaged-parcel")
    assert "内外包装和物品的照片" in shown
    assert "内外包装和物品的照片" not in page(client, cast.intake, story, "action", "accept")


# --- What may come later (IN-37) --------------------------------------------------------------------
def owing(cast, client) -> Story:
    story = Story(cast, category=category("damaged-parcel"))
    fields = {"materials_of": "damaged-parcel", "missing": ["物品价值凭证"], "outstanding": "保价单\n"}
    assert post(client, cast.intake, story, "accept", **PARCEL, **fields, outstanding_due=SOON).status_code == 302
    return story


def test_in37_accepted_with_items_to_come(cast, client):
    story = owing(cast, client)
    assert story.case.status == "accepted"
    items = OutstandingItem.objects.filter(complaint=story.pk)
    assert [(row.text, row.due_on, row.asked_by) for row in items] == [
        ("物品价值凭证", date.fromisoformat(SOON), cast.intake),
        ("保价单", date.fromisoformat(SOON), cast.intake),
    ]
    letter = Notice.objects.get(complaint=story.pk, kind="acceptance").body
    assert "1. 物品价值凭证\n2. 保价单" in letter
    owed = track_page.read(story.case, now=timezone.now()).owed
    assert [(row.text, row.due_on) for row in owed] == [(row.text, row.due_on) for row in items]


@pytest.mark.parametrize("day", ["", "2020-01-01"])
def test_in37_a_day_that_makes_sense_is_needed(day, cast, client):
    story = Story(cast)
    response = post(client, cast.intake, story, "accept", **PARCEL, outstanding="保价单", outstanding_due=day)
    assert response.status_code == 422
    assert 'id="accept_outstanding_due_error"' in response.content.decode()
    assert not OutstandingItem.objects.exists()


def test_in37_the_rule_holds_below_the_form_too(cast):
    story = Story(cast)
    with pytest.raises(InvalidInput) as refused:
        transitions.accept(story.pk, by=cast.intake, rule="x", category=category(), outstanding=["保价单"])
    assert refused.value.field == "outstanding_due"
    assert story.case.status == "registered"


def test_in37_received_and_no_longer_needed(cast, client):
    story = owing(cast, client)
    first, second = OutstandingItem.objects.filter(complaint=story.pk)
    shown = page(client, cast.intake, story)
    assert "物品价值凭证" in shown
    urls = [reverse("complaints:outstanding", args=[story.case.number, row.pk]) for row in (first, second)]
    assert urls[0] in shown
    assert client.post(urls[0], {"outcome": "received"}).status_code == 302
    assert client.post(urls[1], {"outcome": "waived"}).status_code == 422  # needs a reason
    assert client.post(urls[1], {"outcome": "waived", "reason": "快递公司已确认保价"}).status_code == 302
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.received_by, first.waived_reason) == (cast.intake, "")
    assert second.waived_reason == "快递公司已确认保价"
    assert track_page.read(story.case, now=timezone.now()).owed == []
    assert client.post(urls[0], {"outcome": "received"}).status_code == 422  # settled already
    assert story.case.events.filter(kind="outstanding_settled").count() == 2
    assert "快递公司已确认保价" in page(client, cast.intake, story)


def test_in37_whoever_only_reads_settles_nothing(cast, client):
    story = owing(cast, client)
    item = OutstandingItem.objects.filter(complaint=story.pk).first()
    url = reverse("complaints:outstanding", args=[story.case.number, item.pk])
    for who, status in ((cast.auditor, 403), (cast.checker, 403), (cast.water_handler, 404)):
        client.force_login(who)
        assert client.post(url, {"outcome": "received"}).status_code == status, who
    other = Story(cast)
    client.force_login(cast.intake)
    elsewhere = reverse("complaints:outstanding", args=[other.case.number, item.pk])
    assert client.post(elsewhere, {"outcome": "received"}).status_code == 404
    item.refresh_from_db()
    assert item.received_at is None


def test_in37_the_complainant_reads_what_is_owed_until_when(cast, client):
    story = owing(cast, client)
    client.logout()
    client.post(reverse("public:track"), {"number": story.case.number, "code": story.receipt.access_code})
    shown = client.get(reverse("public:track_case")).content.decode()
    assert "物品价值凭证" in shown
    assert 'id="owed"' in shown


# --- Legal type and emotions on the form ------------------------------------------------------------
def test_cls08_cls11_on_the_classification_page(cast, client):
    story = Story(cast).accept()
    fields = {"severity": "moderate", "complexity": "simple", "category": "water-outage"}
    chosen = {"legal": "contract", "emotions": ["ignored", "distrust"], "emotions_shown": "True"}
    assert post(client, cast.intake, story, "classify", **fields, **chosen).status_code == 302
    shown = page(client, cast.intake, story)
    assert "《民法典》第三编（合同）" in shown
    assert [row.code for row in story.case.emotions.all()] == ["ignored", "distrust"]
    # No tick on a page that shows them takes them away; a program that does not name them leaves them.
    assert post(client, cast.intake, story, "classify", **fields, kind="process").status_code == 302
    assert story.case.emotions.count() == 2
    assert post(client, cast.intake, story, "classify", **fields, emotions_shown="True").status_code == 302
    assert story.case.emotions.count() == 0
    assert story.case.legal_type.code == "contract"


def test_cls15_severity_and_complexity_keep_what_they_were(cast, client):
    """The dimensions are listed with their history; these two are read in the record, by whom and when."""
    story = Story(cast).accept()
    fields = {"severity": "serious", "complexity": "complex", "category": "water-outage"}
    assert post(client, cast.intake, story, "classify", **fields).status_code == 302
    shown = re.sub(r"<[^>]*>", "", page(client, cast.intake, story))
    assert "严重程度：一般 → 严重" in shown
    assert "复杂程度：简单 → 复杂" in shown
    assert post(client, cast.intake, story, "classify", **fields, kind="process").status_code == 302
    assert story.case.events.filter(kind="classify").last().note == ""


def test_cls15_a_severity_changed_at_acceptance_keeps_what_intake_said(cast, client):
    story = Story(cast).accept(severity="serious")
    assert "严重程度：一般 → 严重" in re.sub(r"<[^>]*>", "", page(client, cast.intake, story))
    unchanged = Story(cast).accept(severity="moderate")
    assert not unchanged.case.events.filter(kind="classify").exists()


def test_cls15_a_value_chosen_by_mistake_is_taken_away_and_stays_in_the_history(cast, client):
    story = Story(cast).accept()
    fields = {"severity": "moderate", "complexity": "simple", "category": "water-outage"}
    post(client, cast.intake, story, "classify", **fields, kind="process", legal="contract")
    assert post(client, cast.intake, story, "classify", **fields, kind="process", legal="").status_code == 302
    assert (story.case.legal_type, story.case.kind.code) == (None, "process")
    assert story.case.events.filter(kind="classify").last().fields == ["legal_type"]
    assert "contract" in story.case.classifications.values_list("category__code", flat=True)
    # A program that does not name a dimension leaves it; nothing to take away is no change.
    assert post(client, cast.intake, story, "classify", **fields).status_code in (409, 422)
    assert post(client, cast.intake, story, "classify", **fields, legal="").status_code in (409, 422)
    assert story.case.kind.code == "process"
    # A category is changed, never taken away.
    post(client, cast.intake, story, "classify", severity="minor", complexity="simple", category="")
    assert story.case.category.code == "water-outage"


@pytest.mark.django_db
def test_in25_every_shipped_material_fits_the_list_of_outstanding_items():
    longest = max(len(entry["text"]) for row in Category.objects.all() for entry in row.materials)
    assert longest <= OutstandingItem._meta.get_field("text").max_length


# --- What a category needs (SCR-05) ----------------------------------------------------------------
def test_scr05_every_field_that_is_missing_is_named_and_can_be_added(cast, client):
    """By name, all at once, before and after the try; what was not asked for at intake can be asked for later."""
    parcel = category("damaged-parcel")
    parcel.required_fields = ["demand", "amount", "outlet"]
    parcel.save(update_fields=["required_fields"])
    story = Story(cast, category=parcel, demand="")
    names = [str(story.case._meta.get_field(name).verbose_name) for name in parcel.required_fields]
    assert "、".join(names) in page(client, cast.intake, story, "action", "accept")
    response = post(client, cast.intake, story, "accept", **PARCEL)
    text = response.content.decode()
    assert response.status_code == 422
    assert text.count("、".join(names)) == 2  # at the top of the form and where the materials stand
    assert reverse("complaints:action", args=[story.case.number, "record_facts"]) in text
    facts = {"demand": "退款", "amount": "0", "outlet": "和平路", "persons_affected": 1, "emotion_intensity": 0}
    assert post(client, cast.intake, story, "record_facts", **facts).status_code == 302
    # Nothing was lost: an amount of zero is an answer.
    assert post(client, cast.intake, story, "accept", **PARCEL).status_code == 302


def test_scr05_what_was_asked_for_at_intake_stays_as_it_was_told(cast, client):
    story = Story(cast, demand="换一台新的")
    assert 'name="demand"' not in page(client, cast.intake, story, "action", "record_facts")
    with pytest.raises(InvalidInput) as refused:
        transitions.record_facts(story.pk, by=cast.intake, demand="别的")
    assert refused.value.field == "demand"
    story.case.refresh_from_db()
    assert story.case.demand == "换一台新的"

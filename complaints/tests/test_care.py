"""Care with consent, individual needs, and letters in large type (SPG-01, SPG-03…06)."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from complaints import lanes
from complaints.models import CareConsent, CaseEvent, Complaint, LaneRule, Notification, Proposal, SpecialNeed
from complaints.states import Lane, Status
from complaints.tests.factories import Story, at, registered
from complaints.tests.public_flow import file, open_case
from complaints.transitions import care, needs, proposals

NEED = "听力很差，请发短信"
CONSENT = {"special_groups": ("elderly",), "needs_care": NEED, "care_given_how": "电话中说明用途后口头同意"}


def desk(case: Complaint, tail: str = "") -> str:
    return f"/desk/cases/{case.number}/{tail}"


def follow(receipt) -> Client:
    """The complainant with the tracking page of the own case open."""
    visitor = Client()
    open_case(visitor, receipt.complaint, receipt.access_code)
    return visitor


# --- Consent --------------------------------------------------------------------------------------------
def test_spg_01_with_consent_handlers_see_the_marker_and_read_the_need_with_a_record(client, cast):
    story = Story(cast, **CONSENT).accept().assign()
    case = story.case
    client.force_login(cast.water_handler)
    html = client.get(desk(case)).content.decode()
    assert "需要关照" in html
    assert "老年人" in html
    assert NEED not in html
    page = client.get(desk(case, "care/")).content.decode()
    assert "口头同意" in page
    assert NEED not in page
    shown = client.post(desk(case, "reveal/"), {"reason": "约上门时间", "fields_shown": ["needs"]})
    assert NEED in shown.content.decode()
    event = CaseEvent.objects.get(complaint=case, kind="reveal")
    assert event.note.startswith("needs: ")
    assert NEED not in event.note


def test_spg_01_the_need_is_stored_encrypted_and_stands_nowhere_in_clear(cast):
    case = Story(cast, **CONSENT).case
    with connection.cursor() as cursor:
        cursor.execute("SELECT needs FROM complaints_careconsent")
        assert NEED not in str(cursor.fetchall())
    case.complainant.refresh_from_db()
    assert NEED not in case.complainant.needs_care
    assert not CaseEvent.objects.filter(complaint=case, note__contains="听力").exists()


def test_spg_01_without_consent_only_the_intake_desk_sees_that_it_has_to_ask(client, cast):
    story = Story(cast, special_groups=("elderly",), needs_care=NEED).accept().assign()
    client.force_login(cast.intake)
    html = client.get(desk(story.case)).content.decode()
    assert "需要关照（未记录同意）" in html
    assert "老年人" in client.get(desk(story.case, "care/")).content.decode()
    client.force_login(cast.water_handler)
    for tail in ("", "care/", "print/", "print/large/"):
        html = client.get(desk(story.case, tail)).content.decode()
        assert "需要关照" not in html.replace("需要关照的", "")
        assert "老年人" not in html
        assert NEED not in html
    answer = client.get(f"/api/v1/complaints/{story.case.number}/").json()
    assert answer["care"] is None


def test_spg_01_consent_is_recorded_changed_and_taken_back_by_staff(client, cast):
    case = Story(cast).accept().assign().case
    client.force_login(cast.intake)
    values = {"special_groups": ["disabled"], "needs": NEED, "given_how": "柜台书面同意"}
    for wrong in ({"given_how": ""}, {"special_groups": [], "needs": ""}, {"special_groups": ["bogus"]}):
        assert client.post(desk(case, "care/consent/"), {**values, **wrong}).status_code == 422
    assert CareConsent.objects.count() == 0
    assert client.post(desk(case, "care/consent/"), values).status_code == 302
    assert client.post(desk(case, "care/consent/"), {**values, "needs": "需要轮椅通道"}).status_code == 302
    old, new = CareConsent.objects.order_by("pk")
    assert (old.groups, old.needs, old.withdrawn_by) == ([], "", cast.intake)
    assert (new.groups, new.needs) == (["disabled"], "需要轮椅通道")
    assert client.post(desk(case, "care/withdraw/"), {"reason": ""}).status_code == 422
    assert client.post(desk(case, "care/withdraw/"), {"reason": "来电表示不再需要"}).status_code == 302
    assert client.post(desk(case, "care/withdraw/"), {"reason": "再次"}).status_code == 409
    client.force_login(cast.roads_handler)
    assert client.post(desk(case, "care/consent/"), values).status_code == 404
    client.force_login(cast.manager)
    assert client.post(desk(case, "care/consent/"), values).status_code == 403
    with pytest.raises(NotAllowed):
        care.record_consent(case.pk, groups=["elderly"], needs="", given_how="x", by=cast.roads_handler)


def test_spg_01_the_complainant_takes_it_back_and_everything_is_gone_at_once(client, cast):
    LaneRule.objects.create(name="老年人优先", lane=Lane.FAST, special_group="elderly")
    story = Story(cast, **CONSENT).accept().assign()
    assert lanes.standing(story.case) is not None
    visitor = follow(story.receipt)
    html = visitor.get("/track/case/").content.decode()
    assert NEED in html
    visitor.post("/track/case/care/")
    assert NEED not in visitor.get("/track/case/").content.decode()
    case = story.case
    assert (case.special_groups, case.complainant.needs_care) == ([], "")
    row = CareConsent.objects.get()
    assert (row.groups, row.needs, row.withdrawn_by) == ([], "", None)
    assert row.withdrawn_at is not None
    assert lanes.standing(case) is None, "the rule's name would tell of it"
    for person in (cast.intake, cast.coordinator, cast.water_handler):
        client.force_login(person)
        for tail in ("", "care/", "print/", "lane/"):
            html = client.get(desk(case, tail)).content.decode()
            assert "老年人" not in html.replace("老年人优先", "!") or (tail == "care/" and "老年人" not in html)
            assert "老年人优先" not in html
            assert NEED not in html
    assert "老年人" not in client.get("/desk/queue/?view=all").content.decode()
    visitor.post("/track/case/care/")
    assert CareConsent.objects.count() == 1


@pytest.mark.django_db
def test_spg_01_the_complainant_ticks_the_consent_on_the_public_form(client):
    help_needed = {"needs_care": "on", "care_note": NEED}
    file(client, contact={**help_needed, "care_consent": "on"})
    row = CareConsent.objects.get()
    assert (row.groups, row.needs, row.recorded_by) == ([], NEED, None)
    assert NEED not in row.complaint.complainant.needs_care
    file(Client(), contact=help_needed)
    assert CareConsent.objects.count() == 1, "without the tick there is no consent"
    other = Client()
    other.post("/complain/", {"category": "water"})
    wrong = other.post("/complain/contact/", {"name": "王", "phone": "13800002417", "care_consent": "on"})
    assert wrong.status_code == 422


def test_spg_01_taking_it_back_works_after_the_end_of_the_case_too(cast):
    story = Story(cast, **CONSENT).to_closed()
    care.withdraw_consent(story.pk, by=None, at=at("2026-12-01 09:00"))
    assert story.case.special_groups == []
    with pytest.raises(IllegalTransition):
        care.withdraw_consent(story.pk, by=None)


def test_spg_01_the_api_takes_the_consent_and_shows_the_marker(client, cast):
    client.force_login(cast.intake)
    body = {
        "subject": "停水", "narrative": "停水两天", "phone": "13800002417", "channel": "phone",
        "special_groups": ["elderly"], "needs_care": NEED, "care_given_how": "电话同意",
    }  # fmt: skip
    answer = client.post("/api/v1/complaints/", body, content_type="application/json")
    assert answer.status_code == 201, answer.content
    number = answer.json()["number"]
    found = client.get(f"/api/v1/complaints/{number}/").json()
    assert found["care"] == {"consent_recorded": True, "groups": ["elderly"]}
    assert found["lane"] is None
    assert NEED not in str(found)
    wrong = client.post("/api/v1/complaints/", {**body, "special_groups": ["x"]}, content_type="application/json")
    assert wrong.status_code == 400
    empty = {**body, "special_groups": [], "needs_care": ""}
    refused = client.post("/api/v1/complaints/", empty, content_type="application/json")
    assert refused.status_code == 400
    assert "special_groups" in refused.content.decode()


def test_asg_09_the_api_shows_the_lane(client, cast):
    case = Story(cast).case
    transitions_lane(case, cast)
    client.force_login(cast.intake)
    found = client.get(f"/api/v1/complaints/{case.number}/").json()
    assert found["lane"] == {"lane": "senior", "reason": "person", "senior": "A003", "daily_contact": False}


def transitions_lane(case: Complaint, cast) -> None:
    from complaints.transitions import lanes as rules

    rules.put_on_lane(case.pk, lane="senior", senior=cast.coordinator, reason="重大", by=cast.coordinator)


# --- Individual needs -----------------------------------------------------------------------------------
def test_spg_05_a_need_gets_a_solution_or_an_alternative_before_the_case_is_closed(client, cast):
    story = Story(cast).to_reply().call_back()
    client.force_login(cast.coordinator)
    case = story.case
    url = desk(case, "care/needs/")
    assert client.post(url, {"need": ""}).status_code == 422
    assert client.post(url, {"need": "色盲，看不清充电指示灯"}).status_code == 302
    row = SpecialNeed.objects.get()
    assert "个性化需求" in client.get(desk(case)).content.decode()
    with pytest.raises(IllegalTransition, match="需求"):
        story.close()
    assert story.case.status == Status.REPLIED
    settle = f"{url}{row.pk}/settle/"
    assert client.post(settle, {"outcome": "refused", "solution": "做不到"}).status_code == 422
    assert client.post(settle, {"outcome": "alternative", "solution": ""}).status_code == 422
    assert client.post(settle, {"outcome": "alternative", "solution": "赠送语音提示器"}).status_code == 302
    assert client.post(settle, {"outcome": "alternative", "solution": "再改"}).status_code == 409
    with pytest.raises(InvalidInput):
        needs.settle_need(needs.record_need(case.pk, need="另一项", by=cast.coordinator).pk, outcome="no", solution="x",
                          by=cast.coordinator)  # fmt: skip
    needs.settle_need(SpecialNeed.objects.latest("pk").pk, outcome="individual", solution="已做", by=cast.coordinator)
    assert story.close().case.status == Status.CLOSED
    assert client.post(url, {"need": "太晚"}).status_code in (403, 409)


def test_spg_05_only_who_has_the_case_works_on_its_needs(client, cast):
    case = Story(cast).accept().assign().case
    row = needs.record_need(case.pk, need="手部震颤，按不了小键", by=cast.water_handler)
    client.force_login(cast.roads_handler)
    assert client.post(desk(case, f"care/needs/{row.pk}/settle/"), {}).status_code == 404
    other = Story(cast).case
    client.force_login(cast.intake)
    assert client.get(desk(other, f"care/needs/{row.pk}/settle/")).status_code == 404
    with pytest.raises(NotAllowed):
        needs.record_need(case.pk, need="x", by=cast.roads_handler)


def test_spg_06_a_need_is_passed_on_to_product_development_and_its_answer_shown(client, cast):
    case = Story(cast).accept().assign().case
    row = needs.record_need(case.pk, need="张桂芳 13800002417 要求加大按键", by=cast.water_handler)
    client.force_login(cast.water_handler)
    url = desk(case, f"care/needs/{row.pk}/forward/")
    assert client.post(url, {"department": ""}).status_code == 422
    assert client.post(url, {"department": "water"}).status_code == 302
    assert client.post(url, {"department": "water"}).status_code == 409
    proposal = Proposal.objects.get()
    assert (proposal.about, proposal.department, proposal.is_valuable) == ("product", cast.water, True)
    assert "13800002417" not in proposal.text
    assert Notification.objects.filter(kind="proposal_routed", recipient=cast.water_head).count() == 1
    proposals.answer_proposal(proposal.pk, is_adopted=True, answer="下一代采用大按键", by=cast.water_head)
    assert "下一代采用大按键" in client.get(desk(case, "care/")).content.decode()


def test_the_care_page_costs_the_same_for_any_number_of_needs(client, cast, django_assert_max_num_queries):
    case = Story(cast, **CONSENT).accept().assign().case
    for number in range(6):
        row = needs.record_need(case.pk, need=f"需求{number}", by=cast.coordinator)
        needs.forward_need(row.pk, department=cast.water, by=cast.coordinator)
    client.force_login(cast.coordinator)
    client.get(desk(case, "care/"))
    with django_assert_max_num_queries(12):
        client.get(desk(case, "care/"))


# --- Large type -----------------------------------------------------------------------------------------
def test_spg_03_receipt_notice_and_answer_are_printed_in_large_type(client, cast):
    story = Story(cast).to_reply()
    client.force_login(cast.intake)
    html = client.get(desk(story.case, "print/large/")).content.decode()
    assert 'data-size="a4-large"' in html
    assert story.case.number in html
    assert story.receipt.access_code not in html
    notice = story.case.notices.filter(kind="acceptance").get()
    assert (
        notice.body.splitlines()[0]
        in client.get(desk(story.case, f"print/large/?what=notice-{notice.pk}")).content.decode()
    )
    reply = client.get(desk(story.case, "print/large/?what=reply")).content.decode()
    assert "主管道老化爆裂" in reply
    assert client.get(desk(story.case, "print/large/?what=bogus")).status_code == 200
    assert "print/large/" in client.get(desk(story.case)).content.decode()
    client.force_login(cast.roads_handler)
    assert client.get(desk(story.case, "print/large/")).status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address",
    ["/", "/complain/", "/complain/details/", "/complain/contact/", "/track/", "/lookup/", "/help/", "/help/faq/"],
)
def test_spg_04_every_public_form_and_page_has_large_text(client, address):
    html = client.get(f"{address}?text=large", follow=True).content.decode()
    assert 'data-text="large"' in html
    assert "data-text-toggle" in html


def test_spg_04_the_tracked_case_has_large_text(cast):
    visitor = follow(registered())
    assert 'data-text="large"' in visitor.get("/track/case/?text=large").content.decode()

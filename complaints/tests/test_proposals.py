"""Proposals: from the tracking page, from call-backs and from staff, to the department that answers (FB-09, FB-10)."""

import pytest

from accounts.errors import IllegalTransition, NotAllowed
from complaints import track_page
from complaints.models import Notification, Proposal
from complaints.tests.factories import Story, at
from complaints.tests.public_flow import open_case
from complaints.transitions import proposals

pytestmark = pytest.mark.django_db

NOW = at("2026-11-24 10:00")


@pytest.fixture
def story(cast):
    return Story(cast).to_reply()


def recorded(cast, story, **changes):
    words = {"about": "process", "text": "停水前发短信", **changes}
    return proposals.record_proposal(story.pk, by=cast.intake, at=NOW, **words)


def test_fb_09_the_complainant_proposes_with_the_rating(story, client):
    open_case(client, story.case, story.receipt.access_code)
    words = {"satisfaction": "dissatisfied", "reason": "waited", "process_satisfaction": "dissatisfied"}
    answer = client.post("/track/case/rate/", {**words, "proposal": "停水前发短信到 13800002417"})
    assert answer.status_code == 302
    row = Proposal.objects.get()
    assert (row.text, row.recorded_by) == ("停水前发短信到 ***", None)
    assert story.case.callbacks.get().process_satisfaction == "dissatisfied"


def test_fb_19_after_a_dissatisfied_rating_the_page_points_at_the_review(story, client):
    open_case(client, story.case, story.receipt.access_code)
    client.post("/track/case/rate/", {"satisfaction": "dissatisfied", "reason": "waited"})
    assert track_page.read(story.case, now=NOW).is_dissatisfied


def test_fb_09_asked_at_the_call_back(story):
    story.call_back(proposal="接电话的人多一些", proposal_about="process")
    assert [(row.about, row.text) for row in Proposal.objects.all()] == [("process", "接电话的人多一些")]
    assert story.case.events.filter(kind="proposal").count() == 1


def test_fb_10_judged_routed_answered(cast, story, client):
    row = recorded(cast, story)
    client.force_login(cast.coordinator)
    url = f"/desk/proposals/{row.pk}/"
    assert [item.pk for item in client.get("/desk/proposals/").context["rows"]] == [row.pk]
    values = {"judge": "1", "is_valuable": "true", "about": "product"}
    assert client.post(url, values).status_code == 422
    assert client.post(url, values | {"department": cast.water.code}).status_code == 302
    assert {item.recipient for item in Notification.objects.filter(kind="proposal_routed")} == {cast.water_head}
    assert client.post(url, values | {"department": cast.water.code}).status_code == 409
    client.force_login(cast.roads_handler)
    assert client.get(url).status_code == 404
    client.force_login(cast.water_handler)
    assert [item.pk for item in client.get("/desk/proposals/").context["rows"]] == [row.pk]
    assert client.post(url, {"answer_it": "1", "is_adopted": "true", "answer": ""}).status_code == 422
    answer = {"answer_it": "1", "is_adopted": "true", "answer": "下月起停水前 24 小时发短信"}
    assert client.post(url, answer).status_code == 302
    row.refresh_from_db()
    assert (row.about, row.is_adopted, row.answered_by) == ("product", True, cast.water_handler)
    assert client.post(url, answer).status_code == 409
    client.force_login(cast.coordinator)
    for query, count in (("answered", 1), ("new", 0), ("answered&about=result", 0), ("answered&department=water", 1)):
        assert len(client.get(f"/desk/proposals/?state={query}").context["rows"]) == count


def test_fb_10_a_proposal_not_worth_it_goes_nowhere(cast, story):
    row = recorded(cast, story)
    proposals.judge_proposal(row.pk, by=cast.checker, is_valuable=False, department=cast.water, at=NOW)
    row.refresh_from_db()
    assert row.department is None
    with pytest.raises(NotAllowed):
        proposals.answer_proposal(row.pk, by=cast.water_handler, is_adopted=True, answer="好", at=NOW)
    with pytest.raises(IllegalTransition):
        proposals.judge_proposal(row.pk, by=cast.checker, is_valuable=True, department=cast.water, at=NOW)


@pytest.mark.parametrize("person", ["intake", "water_handler", "auditor"])
def test_fb_10_who_does_not_judge(person, cast, story):
    row = recorded(cast, story)
    with pytest.raises(NotAllowed):
        proposals.judge_proposal(row.pk, by=getattr(cast, person), is_valuable=False, at=NOW)


def test_fb_09_staff_write_a_proposal_down_on_the_case(cast, story, client):
    client.force_login(cast.intake)
    url = f"/desk/cases/{story.case.number}/proposals/"
    assert client.post(url, {"about": "result", "text": ""}).status_code == 422
    assert client.post(url, {"about": "result", "text": "赔偿按天算"}).status_code == 302
    assert "赔偿按天算" in client.get(url).content.decode()
    client.force_login(cast.auditor)
    assert client.get(url).status_code == 403
    client.force_login(cast.roads_handler)
    assert client.get(url).status_code == 404


def test_the_list_of_proposals_costs_the_same_for_one_and_many(cast, story, client, django_assert_max_num_queries):
    Proposal.objects.bulk_create(
        Proposal(complaint_id=story.pk, about="other", text=f"建议 {n}", at=NOW, recorded_by=cast.intake)
        for n in range(60)
    )
    client.force_login(cast.checker)
    client.get("/desk/proposals/")
    with django_assert_max_num_queries(8):
        page = client.get("/desk/proposals/")
    assert len(page.context["rows"]) == 50
    assert len(client.get(f"/desk/proposals/?after={page.context['next']}").context["rows"]) == 10

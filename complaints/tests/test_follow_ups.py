"""Later calls: planned by themselves, made with a communication, or called off with a reason."""

from datetime import date

import pytest

from accounts.errors import IllegalTransition, NotAllowed
from complaints import transitions
from complaints.models import Complaint, FollowUp
from complaints.tests.factories import Story, at, improvement_words
from complaints.transitions import care, follow_ups

pytestmark = pytest.mark.django_db

LATER = at("2026-12-01 10:00")


def verified(cast, story, when="2026-11-24 10:00"):
    row = transitions.add_improvement(
        story.pk, by=cast.water_handler, department=cast.water, at=at("2026-11-17 10:00"), **improvement_words()
    )
    transitions.report_improvement(row.pk, by=cast.water_handler, percent=100, note="已更换", at=at("2026-11-23 10:00"))
    return transitions.verify_improvement(row.pk, by=cast.checker, at=at(when))


@pytest.fixture
def story(cast):
    return Story(cast).accept().assign().start()


def test_sla_08_fb_14_a_week_after_a_verified_improvement_a_call_is_planned_once(cast, story):
    verified(cast, story)
    verified(cast, story)
    row = FollowUp.objects.get()
    assert (row.kind, row.due_on, row.planned_by) == ("second_contact", date(2026, 12, 1), cast.checker)
    assert story.case.events.filter(kind="follow_up_planned").count() == 1


def test_fb_16_care_calls_every_thirty_days_three_times(cast):
    story = Story(cast, special_groups=("elderly",), care_given_how="来电时同意").to_closed()
    assert [(row.kind, row.due_on) for row in FollowUp.objects.all()] == [
        ("care_call", date(2026, 12, 20)),
        ("care_call", date(2027, 1, 19)),
        ("care_call", date(2027, 2, 18)),
    ]
    transitions.reopen(story.pk, by=cast.coordinator, reason="又停水了", at=at("2026-11-21 10:00"))
    story.submit("2026-11-22 10:00").reply("2026-11-23 10:00").call_back("2026-11-24 10:00").close("2026-11-24 12:00")
    assert FollowUp.objects.count() == 3
    Story(cast).to_closed()
    assert FollowUp.objects.count() == 3


def test_spg_01_no_care_call_tells_of_a_need_without_a_standing_consent(cast, client):
    """Planned once the consent is there, also after the closing; not made once it is taken back."""
    story = Story(cast, special_groups=("elderly",)).to_closed()
    assert not FollowUp.objects.exists()
    care.record_consent(story.pk, groups=["elderly"], needs="", given_how="回访时同意", by=cast.intake, at=LATER)
    assert FollowUp.objects.filter(cancelled_reason="").count() == 3
    first = FollowUp.objects.earliest("due_on")
    follow_ups.make_follow_up(first.pk, by=cast.intake, outcome="reached", summary="正常", experience="正常", at=LATER)
    care.withdraw_consent(story.pk, by=None, at=LATER)
    ended = FollowUp.objects.exclude(pk=first.pk)
    assert {row.cancelled_reason for row in ended} == {"投诉人撤回了同意。"}
    client.force_login(cast.water_handler)
    assert not client.get("/desk/follow-ups/").context["rows"]


def test_fb_15_the_call_is_a_communication_and_keeps_the_later_experience(cast, story, client):
    verified(cast, story)
    row = FollowUp.objects.get()
    client.force_login(cast.intake)
    url = f"/desk/follow-ups/{row.pk}/"
    assert "更换 1.8 公里老旧管道" in client.get(url).content.decode()
    assert client.post(url, {"make": "1", "outcome": "no_answer"}).status_code == 302
    row.refresh_from_db()
    assert row.done_at is None
    assert client.post(url, {"make": "1", "outcome": "reached", "summary": ""}).status_code == 422
    words = {"summary": "已告知换管，邀请再次体验", "experience": "一周来水压正常"}
    assert client.post(url, {"make": "1", "outcome": "reached", **words}).status_code == 302
    row.refresh_from_db()
    assert (row.contact.summary, row.experience, row.done_by) == (*words.values(), cast.intake)
    assert story.case.communications.filter(summary=words["summary"]).count() == 1
    assert client.post(url, {"make": "1", "outcome": "reached", **words}).status_code == 409


def test_fb_16_a_call_is_called_off_with_a_reason(cast, story, client):
    verified(cast, story)
    row = FollowUp.objects.get()
    client.force_login(cast.intake)
    url = f"/desk/follow-ups/{row.pk}/"
    assert client.post(url, {"cancel": "1", "reason": ""}).status_code == 422
    assert client.post(url, {"cancel": "1", "reason": "投诉人不愿再接电话"}).status_code == 302
    row.refresh_from_db()
    assert row.cancelled_reason == "投诉人不愿再接电话"
    with pytest.raises(IllegalTransition):
        follow_ups.make_follow_up(row.pk, by=cast.intake, outcome="reached", summary="x", at=LATER)


def test_fb_15_of_an_archived_case_the_experience_alone_is_kept(cast, story):
    verified(cast, story)
    Complaint.objects.filter(pk=story.pk).update(status="archived")
    row = follow_ups.make_follow_up(
        FollowUp.objects.get().pk, by=cast.intake, outcome="reached", experience="正常", at=LATER
    )
    assert (row.contact, row.experience, row.done_at) == (None, "正常", LATER)


def test_a_department_finds_the_later_calls_of_its_own_cases_only(cast, story, client):
    verified(cast, story)
    row = FollowUp.objects.get()
    for person, shown in ((cast.intake, 1), (cast.water_handler, 1), (cast.roads_handler, 0)):
        client.force_login(person)
        assert len(client.get("/desk/follow-ups/").context["rows"]) == shown
        assert client.get(f"/desk/follow-ups/{row.pk}/").status_code == (200 if shown else 404)
    with pytest.raises(NotAllowed):
        follow_ups.make_follow_up(row.pk, by=cast.checker, outcome="reached", summary="x", at=LATER)


def test_the_longest_due_stands_first_and_the_list_goes_on_by_key(cast, story, client, django_assert_max_num_queries):
    days = [date(2026, 12, 1 + n % 28) for n in range(60)]
    FollowUp.objects.bulk_create(
        FollowUp(complaint_id=story.pk, kind="care_call", due_on=day, planned_at=LATER) for day in days
    )
    client.force_login(cast.intake)
    client.get("/desk/follow-ups/")
    with django_assert_max_num_queries(8):
        page = client.get("/desk/follow-ups/")
    rows = page.context["rows"]
    assert [row.due_on for row in rows] == sorted(days)[:50]
    rest = client.get(f"/desk/follow-ups/?after={page.context['next']}").context["rows"]
    assert [row.due_on for row in rest] == sorted(days)[50:]
    assert client.get("/desk/follow-ups/?after=viel").status_code == 200

"""Calling the complainant back about the reply sent last: who counts as asked, and what closing waits for."""

from __future__ import annotations

import pytest

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import Membership, User
from complaints import archive, call_backs, track_page, transitions
from complaints.case_page import missing
from complaints.models import Complaint, Notification
from complaints.states import (
    Channel,
    ContactDirection,
    ContactOutcome,
    ContactPurpose,
    DeadlineState,
    Milestone,
    Status,
)
from complaints.tests.factories import Story, at, improvement_words
from complaints.transitions import feedback

pytestmark = pytest.mark.django_db


def answered_again(cast, **changes) -> Story:
    """Rated and closed, reopened four days later, answered a second time."""
    story = Story(cast, **changes).to_reply()
    transitions.rate(story.pk, by=None, satisfaction="dissatisfied", reason="not_solved", at=at("2026-11-19 15:00"))
    story.close(note="投诉人要求重新核查")
    transitions.reopen(story.pk, by=cast.coordinator, reason="又停水了", at=at("2026-11-23 10:00"))
    return story.submit("2026-11-24 10:00").reply("2026-11-24 11:00")


def is_clock_running(story) -> bool:
    return story.case.deadlines.filter(milestone=Milestone.CALL_BACK, state=DeadlineState.RUNNING).exists()


def in_vain(story, person, *moments):
    for moment in moments:
        transitions.call_back(story.pk, by=person, outcome=ContactOutcome.NO_ANSWER, at=at(moment))


def test_fb_21_the_second_reply_is_asked_about_anew(cast):
    """What was said of the first reply closes nothing; three calls in vain before it do not either."""
    story = answered_again(cast)
    assert missing(story.case, "close") == ["回访"]
    assert is_clock_running(story)
    with pytest.raises(IllegalTransition):
        story.close("2026-11-24 12:00")
    in_vain(story, cast.intake, "2026-11-24 14:00", "2026-11-24 15:00")
    with pytest.raises(IllegalTransition):
        story.close("2026-11-24 16:00")
    in_vain(story, cast.intake, "2026-11-24 17:00")
    story.close("2026-11-24 18:00")
    assert (story.case.status, story.case.first_closed_at) == (Status.CLOSED, at("2026-11-20 16:00"))


def test_fb_06_each_reply_is_rated_once_by_the_complainant(cast):
    story = answered_again(cast)
    page = track_page.read(story.case, now=at("2026-11-24 12:00"))
    assert (page.can_rate, page.rating) == (True, "")
    transitions.rate(story.pk, by=None, satisfaction="satisfied", at=at("2026-11-24 13:00"))
    assert track_page.read(story.case, now=at("2026-11-24 14:00")).can_rate is False
    with pytest.raises(IllegalTransition):
        transitions.rate(story.pk, by=None, satisfaction="basically", at=at("2026-11-24 15:00"))
    story.close("2026-11-24 16:00")


@pytest.mark.parametrize("important", [{"severity": "serious"}, {"risk_grade": "high"}])
def test_fb_12_an_important_case_is_called_even_after_a_rating_on_the_page(cast, important):
    story = Story(cast).to_reply()
    Complaint.objects.filter(pk=story.pk).update(**important)
    transitions.rate(story.pk, by=None, satisfaction="satisfied", at=at("2026-11-19 15:00"))
    assert missing(story.case, "close") == ["回访"]
    assert is_clock_running(story)
    with pytest.raises(IllegalTransition):
        story.close()
    # What somebody told the office unasked is no call either.
    transitions.rate(story.pk, by=cast.intake, satisfaction="satisfied", comment="顺便说了", at=at("2026-11-19 16:00"))
    with pytest.raises(IllegalTransition):
        story.close()
    story.call_back()
    assert not is_clock_running(story)
    assert story.close().case.status == Status.CLOSED


def test_qua_08_whoever_handled_it_cannot_write_down_calls_in_vain(cast, client):
    """Three "no answer" of the handler must not stand in for the call of somebody independent."""
    story = Story(cast).to_reply()
    values = {"direction": ContactDirection.OUT, "channel": Channel.PHONE, "outcome": ContactOutcome.NO_ANSWER}
    with pytest.raises(InvalidInput) as caught:
        transitions.add_contact(story.pk, by=cast.water_handler, purpose=ContactPurpose.CALL_BACK, **values)
    assert caught.value.field == "purpose"
    client.force_login(cast.water_handler)
    url = f"/desk/cases/{story.case.number}/contacts/"
    assert 'value="call_back"' not in client.get(url).content.decode()
    assert client.post(url, values | {"purpose": "call_back"}).status_code == 422
    for hour in (13, 14, 15):
        moment = at(f"2026-11-19 {hour}:00")
        transitions.add_contact(story.pk, by=cast.water_handler, purpose=ContactPurpose.OTHER, at=moment, **values)
    with pytest.raises(IllegalTransition):
        story.close()
    assert "callback" in archive.missing(story.case)


@pytest.mark.parametrize("until", [None, "2026-11-18 16:00"])
def test_qua_08_who_belonged_to_the_department_then_neither_calls_nor_rates(cast, until):
    """An intake officer may call back, yet not about a case their own department handled while they were there."""
    Membership.objects.create(
        user=cast.intake, department=cast.water, since=at("2026-01-01 00:00"), until=at(until) if until else None
    )
    story = Story(cast).to_reply()
    person = User.objects.get(pk=cast.intake.pk)
    call = {"outcome": ContactOutcome.REACHED, "satisfaction": "satisfied", "is_solved": True, "comment": "好"}
    for record in (transitions.call_back, feedback.survey_call):
        with pytest.raises(NotAllowed):
            record(story.pk, by=person, at=at("2026-11-20 10:00"), **call)
    with pytest.raises(NotAllowed):
        transitions.rate(story.pk, by=person, satisfaction="satisfied", comment="好", at=at("2026-11-20 10:00"))
    assert not story.case.callbacks.exists()
    transitions.call_back(story.pk, by=cast.intake2, at=at("2026-11-20 10:00"), **call)


@pytest.mark.parametrize("values", [{"satisfaction": "wonderful"}, {"outcome": "perhaps"}, {"channel": "pigeon"}])
def test_fb_07_a_level_outcome_or_channel_that_does_not_exist_names_the_field(cast, values):
    story = Story(cast).to_reply()
    call = {"outcome": ContactOutcome.REACHED, "satisfaction": "satisfied", "is_solved": True, "comment": "好"}
    with pytest.raises(InvalidInput) as caught:
        transitions.call_back(story.pk, by=cast.intake, at=at("2026-11-20 10:00"), **{**call, **values})
    assert [caught.value.field] == list(values)
    with pytest.raises(InvalidInput) as caught:
        transitions.rate(story.pk, by=None, satisfaction="wonderful", at=at("2026-11-20 10:00"))
    assert caught.value.field == "satisfaction"
    assert not story.case.callbacks.exists()


def test_fb_21_whoever_can_reopen_learns_that_it_is_not_solved(cast):
    told = Notification.objects.filter(kind="not_solved").values_list("recipient", flat=True)
    content = Story(cast).to_reply().call_back(is_solved=True)
    assert not told
    for call in ({"satisfaction": "dissatisfied"}, {"satisfaction": "basically", "is_solved": False}):
        story = Story(cast).to_reply().call_back(**call)
        assert list(told.filter(complaint=story.pk)) == [story.case.coordinator_id]
    transitions.rate(content.pk, by=None, satisfaction="dissatisfied", reason="waited", at=at("2026-11-21 09:00"))
    assert list(told.filter(complaint=content.pk)) == [content.case.coordinator_id]


def test_fb_14_the_caller_tells_what_was_put_right(cast, client):
    story = Story(cast).accept().assign().start()
    row = transitions.add_improvement(
        story.pk, by=cast.water_handler, department=cast.water, at=at("2026-11-17 10:00"), **improvement_words()
    )
    story.submit().reply()
    client.force_login(cast.intake)
    url = f"/desk/cases/{story.case.number}/actions/call_back/"
    assert "更换 1.8 公里老旧管道" not in client.get(url).content.decode(), "not verified yet"
    transitions.report_improvement(row.pk, by=cast.water_handler, percent=100, note="已更换", at=at("2026-11-23 10:00"))
    transitions.verify_improvement(row.pk, by=cast.checker, at=at("2026-11-24 10:00"))
    assert "更换 1.8 公里老旧管道" in client.get(url).content.decode()


def listed(client, show="all"):
    response = client.get(f"/desk/quality/call-backs/?show={show}")
    return {row.complaint.pk: important for row, important in response.context["rows"]}


def test_fb_02_the_calls_to_be_made_are_listed_by_channel_and_importance(cast, client):
    """What closing waits for and what the list shows are the same cases; others are told apart by channel."""
    rung = Story(cast, channel="phone").to_reply()
    rated, serious = Story(cast).to_reply(), Story(cast).to_reply()
    Complaint.objects.filter(pk=serious.pk).update(severity="serious")
    for story in (rated, serious):
        transitions.rate(story.pk, by=None, satisfaction="satisfied", at=at("2026-11-19 15:00"))
    again = answered_again(cast)
    given_up, called = Story(cast).to_reply(), Story(cast).to_reply().call_back()
    in_vain(given_up, cast.intake, "2026-11-19 14:00", "2026-11-19 15:00", "2026-11-19 16:00")
    stories = (rung, rated, serious, again, given_up, called)
    wanted = {story.pk for story in stories if call_backs.is_wanted(story.case)}
    assert wanted == {rung.pk, serious.pk, again.pk}
    client.force_login(cast.intake)
    assert listed(client) == {rung.pk: False, serious.pk: True, again.pk: False}
    assert listed(client, "important") == {serious.pk: True}
    assert listed(client, "told") == {rung.pk: False}
    assert set(listed(client, "online")) == {serious.pk, again.pk}
    page = client.get("/desk/quality/call-backs/").content.decode()
    assert page.count("答复还没有告知") == 1
    assert client.get("/desk/quality/")["Location"] == "/desk/quality/call-backs/"
    client.force_login(cast.water_handler)
    assert client.get("/desk/quality/call-backs/").status_code == 403


def test_the_list_of_calls_costs_the_same_for_one_and_many(cast, client, django_assert_max_num_queries):
    for _ in range(3):
        in_vain(Story(cast).to_reply(), cast.intake, "2026-11-19 14:00")
    client.force_login(cast.intake)
    client.get("/desk/quality/call-backs/")
    with django_assert_max_num_queries(8):
        rows = client.get("/desk/quality/call-backs/").context["rows"]
    assert [row.complaint.tries for row, _important in rows] == [1, 1, 1]

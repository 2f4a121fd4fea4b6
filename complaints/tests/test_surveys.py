"""Surveys of closed cases: the draw, who may ask, what an answer changes, the response rate (FB-11, FB-12)."""

import pytest

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from complaints import surveys, transitions
from complaints.models import Callback, Complaint, SurveyCall, SurveyRound
from complaints.states import ContactOutcome
from complaints.tests.factories import Story, at
from complaints.transitions import quality as rules

pytestmark = pytest.mark.django_db

DECEMBER = at("2026-12-02 09:00")
YES = {"outcome": ContactOutcome.REACHED, "satisfaction": "satisfied", "is_solved": True, "comment": "水压正常"}


def drawn(cast, count=1, percent=30):
    stories = [Story(cast).to_closed() for _ in range(count)]
    surveys.draw("2026-11", percent=percent, by=cast.checker, at=DECEMBER)
    return stories


def test_fb_11_the_draw_can_be_repeated_from_the_stored_seed(cast):
    stories = drawn(cast, 4, percent=30)
    row = SurveyRound.objects.get()
    expected = surveys.ranked([story.pk for story in stories], row.seed)[:2]
    assert {call.complaint_id for call in row.calls.all()} == set(expected)
    assert row.frame_size == 4


def test_fb_12_every_important_case_is_called_besides_the_sample(cast):
    story = Story(cast).to_closed()
    Complaint.objects.filter(pk=story.pk).update(risk_grade="high")
    drawn(cast, 3, percent=5)
    assert SurveyCall.objects.filter(complaint=story.pk).exists()
    assert SurveyCall.objects.count() == 2


@pytest.mark.parametrize(
    ("period", "percent", "field"),
    [("2026-12", 10, "period"), ("2026-13", 10, "period"), ("2026-10", 10, "period"), ("2026-11", 4, "percent")],
)
def test_fb_11_a_draw_that_makes_no_sense_names_the_field(period, percent, field, cast):
    Story(cast).to_closed()
    with pytest.raises(InvalidInput) as caught:
        surveys.draw(period, percent=percent, by=cast.coordinator, at=DECEMBER)
    assert caught.value.field == field


def test_fb_11_a_month_is_drawn_only_when_it_is_over(cast):
    """Though a case was closed in it: who is closed after the draw would never be asked."""
    Story(cast).to_closed()
    with pytest.raises(InvalidInput) as caught:
        surveys.draw("2026-11", percent=10, by=cast.checker, at=at("2026-11-28 09:00"))
    assert caught.value.field == "period"


def test_fb_11_a_month_is_drawn_once_and_not_by_everybody(cast):
    drawn(cast)
    with pytest.raises(IllegalTransition):
        surveys.draw("2026-11", percent=10, by=cast.checker, at=DECEMBER)
    with pytest.raises(NotAllowed):
        surveys.draw("2026-11", percent=10, by=cast.water_handler, at=DECEMBER)


def test_fb_11_an_answer_is_a_call_back_and_the_case_stays_closed(cast, client):
    (story,) = drawn(cast)
    call = SurveyCall.objects.get()
    client.force_login(cast.intake2)
    url = f"/desk/quality/surveys/calls/{call.pk}/"
    assert client.get(url).status_code == 200
    values = {"version": story.case.version, "outcome": "reached", "satisfaction": "satisfied", "comment": "好"}
    assert client.post(url, values).status_code == 422
    assert client.post(url, values | {"is_solved": "true", "proposal": "先通知再停水"}).status_code == 302
    call.refresh_from_db()
    assert (call.callback.source, call.callback.contact.by, call.ended_at is not None) == ("caller", cast.intake2, True)
    assert story.case.status == "closed"
    assert story.case.events.filter(kind="survey_call").count() == 1
    assert story.case.proposals.get().text == "先通知再停水"
    (line,) = surveys.lines(list(surveys.rounds()))
    assert (line["rate"], line["important_rate"]) == (100, None)
    assert client.post(url, values | {"is_solved": "true"}).status_code == 409


def test_fb_11_the_handling_side_never_enters_the_answer(cast):
    drawn(cast)
    call = SurveyCall.objects.get()
    before = Callback.objects.count()
    for person in (cast.water_handler, cast.checker):
        with pytest.raises(NotAllowed):
            rules.record_survey_call(call.pk, by=person, at=DECEMBER, **YES)
    assert Callback.objects.count() == before


def test_fb_11_three_attempts_in_vain_end_the_call(cast):
    drawn(cast)
    call = SurveyCall.objects.get()
    for _ in range(3):
        call = rules.record_survey_call(call.pk, by=cast.intake, outcome=ContactOutcome.NO_ANSWER, at=DECEMBER)
    assert (call.tries, call.callback, call.ended_at) == (3, None, DECEMBER)
    assert surveys.lines(list(surveys.rounds()))[0]["rate"] == 0


def test_fb_11_a_case_that_was_archived_takes_no_answer(cast):
    (story,) = drawn(cast)
    Complaint.objects.filter(pk=story.pk).update(status="archived")
    with pytest.raises(IllegalTransition):
        rules.record_survey_call(SurveyCall.objects.get().pk, by=cast.intake, at=DECEMBER, **YES)


def test_fb_09_satisfaction_with_the_handling_is_kept_beside_the_result(cast):
    story = Story(cast).to_reply().call_back(process_satisfaction="basically")
    assert [row.process_satisfaction for row in story.case.callbacks.all()] == ["basically"]
    with pytest.raises(InvalidInput) as caught:
        transitions.rate(story.pk, by=None, satisfaction="satisfied", process_satisfaction="x")
    assert caught.value.field == "process_satisfaction"


def test_the_list_of_surveys_costs_the_same_for_one_and_many(cast, client, django_assert_max_num_queries):
    drawn(cast, 6)
    client.force_login(cast.coordinator)
    client.get("/desk/quality/surveys/")
    with django_assert_max_num_queries(8):
        assert len(client.get("/desk/quality/surveys/").context["rows"]) == 2

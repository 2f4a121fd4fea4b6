"""Sampled calls: drawn once a month, scored by somebody other than the caller (QUA-07)."""

import pytest

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from complaints import call_samples, quality
from complaints.models import CallSample, Contact
from complaints.tests.factories import Story, at
from complaints.transitions import quality as rules

pytestmark = pytest.mark.django_db

NOW = at("2026-12-01 07:30")
POINTS = {"opening": 80, "listening": 90, "correct": 70, "manner": 100, "closing": 60}


def calls(cast, count, *, by=None, when="2026-11-20 10:00"):
    story = Story(cast)
    Contact.objects.bulk_create(
        Contact(
            complaint_id=story.pk,
            direction="out",
            channel="phone",
            purpose="progress",
            outcome="reached",
            summary="已告知进展",
            at=at(when),
            by=by or cast.intake,
        )
        for _ in range(count)
    )
    return story


@pytest.mark.parametrize(("calls_made", "size"), [(0, 0), (3, 3), (40, 5), (251, 6), (1000, 20), (9000, 100)])
def test_qua_07_two_percent_at_least_five_at_most_a_hundred(calls_made, size):
    assert call_samples.size_of(calls_made) == size


def test_qua_07_the_job_picks_once_a_month_from_the_month_before(cast):
    calls(cast, 8)
    other = calls(cast, 4, when="2026-12-01 00:00")
    assert call_samples.sample_calls(now=NOW) == {"period": "2026-11", "picked": 5}
    assert call_samples.sample_calls(now=NOW) == {"period": "2026-11", "picked": 0}
    assert CallSample.objects.count() == 5
    assert not CallSample.objects.filter(contact__complaint_id=other.pk).exists()


def test_qua_07_a_colleague_scores_and_the_total_is_weighted(cast, client):
    story = calls(cast, 5)
    call_samples.sample_calls(now=NOW)
    sample = CallSample.objects.first()
    client.force_login(cast.checker)
    url = f"/desk/quality/calls/{sample.pk}/"
    assert client.get(url).status_code == 200
    values = {f"points_{code}": value for code, value in POINTS.items()}
    assert client.post(url, values | {"points_opening": "101"}).status_code == 422
    assert client.post(url, values).status_code == 302
    sample.refresh_from_db()
    assert (float(sample.total), sample.standard, sample.scored_by) == (81.0, quality.current(), cast.checker)
    assert client.post(url, values).status_code == 409
    assert story.case.events.filter(kind="call_scored").count() == 1
    page = client.get("/desk/quality/calls/?state=scored")
    assert [(line["period"], line["picked"], line["scored"]) for line in page.context["periods"]] == [("2026-11", 5, 1)]


def test_qua_07_who_called_does_not_score_and_a_criterion_cannot_be_left_out(cast):
    calls(cast, 5, by=cast.checker)
    call_samples.sample_calls(now=NOW)
    sample = CallSample.objects.first()
    with pytest.raises(NotAllowed):
        rules.score_call(sample.pk, by=cast.checker, points=POINTS, at=NOW)
    with pytest.raises(NotAllowed):
        rules.score_call(sample.pk, by=cast.intake, points=POINTS, at=NOW)
    with pytest.raises(InvalidInput) as caught:
        rules.score_call(sample.pk, by=cast.checker2, points={"opening": 1}, at=NOW)
    assert caught.value.field == "points_listening"
    rules.score_call(sample.pk, by=cast.checker2, points=POINTS, at=NOW)
    with pytest.raises(IllegalTransition):
        rules.score_call(sample.pk, by=cast.checker2, points=POINTS, at=NOW)


def test_the_list_of_calls_costs_the_same_for_one_and_many(cast, client, django_assert_max_num_queries):
    calls(cast, 60)
    call_samples.sample_calls(now=NOW)
    client.force_login(cast.checker)
    client.get("/desk/quality/calls/")
    with django_assert_max_num_queries(8):
        assert len(client.get("/desk/quality/calls/").context["rows"]) == 5

"""Why each step of a review is due on its day: sentence, source and drawing (SLA-05, SLA-12, REV-01)."""

from datetime import date

import pytest
from django.template.loader import render_to_string

from complaints import clocks
from complaints.models import CalendarDay
from complaints.tests.factories import Story, at
from review import alert_standard, panels, step_limits, step_why, transitions
from review.models import StepClock
from review.states import ReviewStep
from review.tests.test_review_flow import OPENED, Steps

pytestmark = pytest.mark.django_db

NOW = at("2026-12-01 10:00")


@pytest.fixture
def steps(cast):
    case = Story(cast).to_closed()
    return Steps(
        transitions.apply(case.pk, reasons=["not_solved"], text="没有说清", channel="web", at=at(OPENED)), cast
    )


def told(steps, step: str) -> dict:
    return step_why.explain(steps.review, step, step_why.find(steps.review, step), now=NOW)


def due_day(drawing) -> date:
    days = [cell.day for week in drawing.weeks for cell in week if any(mark.kind == "due" for mark in cell.marks)]
    assert len(days) == 1
    return days[0]


def test_sla_05_every_step_that_has_a_date_explains_and_draws_it(client, cast, steps):
    steps.set_up().assign().verify().report().opinions().finalise()
    client.force_login(cast.reviewer)
    overview = client.get(f"/desk/reviews/{steps.review.number}/").content.decode()
    rows = list(StepClock.objects.filter(review=steps.pk))
    assert {row.step for row in rows} == set(ReviewStep.values) - {"rectification"}
    for row in rows:
        found = told(steps, row.step)
        assert due_day(found["drawing"]) == row.due_at.astimezone(NOW.tzinfo).date(), row.step
        assert found["source"]
        address = f"/desk/reviews/{steps.review.number}/steps/{row.step}/"
        assert address in overview
        page = client.get(address).content.decode()
        assert found["sentence"] in page
        assert 'class="weeks"' in page


def test_sla_05_the_screening_follows_two_working_days_and_says_when_the_review_was_opened(steps):
    found = told(steps, "screening")
    assert "2026年11月23日" in found["sentence"]
    assert due_day(found["drawing"]) == date(2026, 11, 25)


def test_rev_46_the_decision_planned_before_its_step_begins_is_explained_too(client, cast, steps):
    steps.set_up()
    assert not StepClock.objects.filter(review=steps.pk, step="conclusion").exists()
    found = told(steps, "conclusion")
    assert due_day(found["drawing"]) == steps.review.decision_due_at.astimezone(NOW.tzinfo).date()
    client.force_login(cast.head_of_review)
    number = steps.review.number
    assert f"/desk/reviews/{number}/steps/conclusion/" in client.get(f"/desk/reviews/{number}/").content.decode()


def test_a_limit_the_head_changed_later_does_not_explain_a_date_given_before(cast, steps):
    steps.set_up()
    before = told(steps, "material")["sentence"]
    limits = {**step_limits.own_of(None), "material": 9}
    step_limits.revise(limits, note="年末调整", based_on=1, by=cast.head_of_review, at=NOW)
    assert told(steps, "material")["sentence"] == before


def test_a_step_the_review_returned_to_is_counted_from_the_return(cast, steps):
    steps.set_up().assign().verify().report()
    transitions.return_report(steps.pk, by=cast.reviewer2, reason="补充调度日志", at=at("2026-12-01 09:00"))
    row = StepClock.objects.get(review=steps.pk, step="check")
    assert due_day(told(steps, "check")["drawing"]) == row.due_at.astimezone(NOW.tzinfo).date()


def test_jt_08_a_calendar_corrected_later_is_not_taken_for_the_reason(client, cast, steps):
    CalendarDay.objects.create(day=date(2026, 11, 25), is_working=False, name="停电")
    clocks.forget_calendar()
    assert told(steps, "screening") == {}
    client.force_login(cast.reviewer)
    page = client.get(f"/desk/reviews/{steps.review.number}/steps/screening/")
    assert page.status_code == 200
    assert 'class="weeks"' not in page.content.decode()


def test_who_is_outside_the_review_and_unknown_steps_find_nothing(client, cast, steps):
    number = steps.review.number
    client.force_login(cast.reviewer)
    for step in ("rectification", "x", "check"):
        assert client.get(f"/desk/reviews/{number}/steps/{step}/").status_code == 404
    client.force_login(cast.water_handler)
    assert client.get(f"/desk/reviews/{number}/steps/screening/").status_code in (403, 404)


# --- What the applicant reads --------------------------------------------------------------------------
def test_sla_12_the_applicant_reads_and_sees_why_screening_and_result_come_by_their_day(steps):
    review = steps.review
    why = step_why.for_complainant(review, now=NOW)
    assert due_day(why.drawing) == review.screening_due_at.astimezone(NOW.tzinfo).date()
    asked = step_limits.asked_at(review).astimezone(NOW.tzinfo)
    assert f"{asked:%Y年%-m月%-d日}" in why.sentence
    steps.set_up()
    review = steps.review
    why = step_why.for_complainant(review, now=NOW)
    assert due_day(why.drawing) == review.decision_due_at.astimezone(NOW.tzinfo).date()
    assert f"{asked:%Y年%-m月%-d日}" in why.sentence


def test_pi_12_pi_13_a_review_that_was_open_before_the_application_is_not_told_of(steps):
    """The date of its screening counts from a start the applicant knows nothing of; it is not explained."""
    review = steps.review
    review.triggers.filter(kind="application").update(at=at("2026-11-24 15:00"))
    assert step_why.for_complainant(review, now=NOW) is None


def test_pi_12_the_page_of_the_case_shows_the_applicant_sentence_and_drawing(steps):
    panel = panels.track_panel(steps.review.complaint)
    html = render_to_string(panel.template, panel.context)
    assert panel.context["why"].sentence in html
    assert 'class="weeks"' in html
    for inside in ("复查组长", "本案的时限规则"):
        assert inside not in html


def test_a_limit_the_head_set_before_explains_the_date_it_gave(client, cast, steps):
    """Whatever revision the alerts are at: the limits of the steps have revisions of their own."""
    alert_standard.current()
    limits = {**step_limits.own_of(None), "material": 2}
    step_limits.revise(limits, note="缩短调阅", based_on=1, by=cast.head_of_review, at=at("2026-11-20 08:00"))
    steps.set_up()
    found = told(steps, "material")
    clock = StepClock.objects.get(review=steps.pk, step="material")
    assert due_day(found["drawing"]) == clock.due_at.astimezone(NOW.tzinfo).date()
    assert "组长" in found["source"]
    client.force_login(cast.head_of_review)
    assert client.get(f"/desk/reviews/{steps.review.number}/steps/material/").status_code == 200

"""Faults around the clocks: the injections FI of the guarantees that no other file holds."""

from __future__ import annotations

from datetime import datetime

import pytest
from kombu.exceptions import OperationalError as BrokerDown

from accounts.errors import IllegalTransition
from complaints import calendar_jobs, clocks, jobs, tasks
from complaints import transitions as t
from complaints.models import (
    CalendarYear,
    CaseEvent,
    ClockPause,
    Complaint,
    Deadline,
    Notification,
    PolicyRule,
)
from complaints.states import DeadlineState, RequestState
from complaints.tests.factories import Story, at, registered

pytestmark = pytest.mark.django_db

LAST_DAYS = "2027-12-30 10:00"  # a Thursday; the calendar ends with 2027


def resolve(story: Story) -> Deadline:
    return Deadline.objects.get(complaint=story.pk, milestone="resolve")


def limits(amount: int) -> None:
    PolicyRule.objects.filter(policy__is_default=True, milestone="resolve").update(amount=amount)


def load(year: int) -> None:
    CalendarYear.objects.create(year=year, loaded_at=at(LAST_DAYS))
    clocks.forget_calendar()


@pytest.fixture
def late_in_the_year(cast) -> Story:
    """Handling is due on Friday, 31 December 2027 at 17:30; of 2028 nothing is known."""
    limits(1)
    return Story(cast, LAST_DAYS).accept("2027-12-30 10:05").assign("2027-12-30 10:10").start("2027-12-30 10:15")


@pytest.mark.parametrize("fault", [BrokerDown("refused"), TimeoutError("silent")])
def test_fi_b_fi_c_without_a_broker_a_breach_is_recorded_and_mailed_later(cast, monkeypatch, fault):
    """The message is a row first; the next delivery finds it, once."""

    def down(*_arguments, **_named):
        raise fault

    monkeypatch.setattr(tasks.deliver_notifications, "apply_async", down)
    story = Story(cast).accept().assign().start()
    jobs.sweep_deadlines(now=at("2026-12-07 17:31"))
    assert resolve(story).breached_at == at("2026-12-07 17:30")
    waiting = Notification.objects.filter(by_email=True, sent_at=None).count()
    assert waiting > 0
    assert jobs.deliver_notifications()["sent"] == waiting
    assert jobs.deliver_notifications()["sent"] == 0


def test_fi_h_a_job_whose_clock_ran_ahead_lets_the_limit_of_a_pause_come_again_in_order(cast):
    """Web and worker differ by five minutes: a pause ended by the one is not ended again by the other."""
    story = Story(cast).accept().assign().start()
    t.request_pause(
        story.pk, by=cast.water_handler, reason="appraisal", evidence="检测委托书", at=at("2026-11-17 10:00")
    )
    t.approve_pause(story.pk, by=cast.coordinator, approve=True, days=1, at=at("2026-11-17 10:00"))
    assert jobs.sweep_deadlines(now=at("2026-11-18 10:05"))["resumed"] == 1
    assert jobs.sweep_deadlines(now=at("2026-11-18 10:00"))["resumed"] == 0
    pause = ClockPause.objects.get()
    assert (pause.state, pause.ended_at) == (RequestState.ENDED, at("2026-11-18 10:05"))


def test_fi_u_a_limit_whose_escalation_lies_in_a_missing_year_still_warns_and_breaches(late_in_the_year):
    """What can be dated is sent; nothing is guessed, nothing fails."""
    assert resolve(late_in_the_year).due_at == at("2027-12-31 17:30")
    Deadline.objects.exclude(milestone="resolve").update(next_alert_at=None)
    done = jobs.sweep_deadlines(now=at("2027-12-31 17:31"))
    assert done["failed"] == 0
    assert resolve(late_in_the_year).breached_at == at("2027-12-31 17:30")
    assert Notification.objects.filter(kind="breach").count() == 3


def test_fi_u_a_pause_that_ends_where_the_calendar_does_marks_the_case_and_guesses_no_date(late_in_the_year, cast):
    story = late_in_the_year
    t.request_pause(
        story.pk, by=cast.water_handler, reason="appraisal", evidence="检测委托书", at=at("2027-12-30 11:00")
    )
    t.approve_pause(story.pk, by=cast.coordinator, approve=True, days=10, at=at("2027-12-30 11:00"))
    t.resume(story.pk, by=cast.coordinator, at=at("2027-12-31 17:00"))
    assert story.case.calendar_missing
    clock = resolve(story)
    assert (clock.state, clock.next_alert_at, clock.breached_at) == (DeadlineState.RUNNING, None, None)
    jobs.sweep_deadlines(now=datetime.fromisoformat("2028-01-03T10:00+08:00"))
    assert resolve(story).breached_at is None
    load(2028)
    calendar_jobs.correct(story.pk, at=at("2028-01-03 10:00"))
    assert not story.case.calendar_missing
    assert resolve(story).due_at > at("2028-01-01 00:00")
    assert resolve(story).next_alert_at is not None


def test_fi_u_a_pause_that_runs_out_in_a_missing_year_stops_no_sweep(late_in_the_year, cast):
    story = late_in_the_year
    t.request_pause(
        story.pk, by=cast.water_handler, reason="appraisal", evidence="检测委托书", at=at("2027-12-30 11:00")
    )
    t.approve_pause(story.pk, by=cast.coordinator, approve=True, days=3, at=at("2027-12-30 11:00"))
    assert jobs.sweep_deadlines(now=at("2028-01-02 11:00"))["resumed"] == 1
    assert story.case.calendar_missing


def test_fi_u_an_extension_into_a_missing_year_is_refused_with_the_mend_and_moves_nothing(late_in_the_year, cast):
    story = late_in_the_year
    t.request_extension(story.pk, by=cast.water_handler, reason="等管件", at=at("2027-12-30 14:00"))
    before = list(Deadline.objects.order_by("pk").values())
    with pytest.raises(IllegalTransition, match="2028"):
        t.approve_extension(story.pk, by=cast.coordinator, approve=True, note="同意", at=at("2027-12-30 14:30"))
    assert list(Deadline.objects.order_by("pk").values()) == before
    assert not CaseEvent.objects.filter(complaint=story.pk, kind="approve_extension").exists()


def test_fi_u_a_case_of_the_missing_year_is_marked_and_gets_its_clocks_with_the_year(cast):
    case = registered("2028-01-10 09:12").complaint
    assert Complaint.objects.get(pk=case.pk).calendar_missing
    assert not case.deadlines.exists()
    load(2028)
    calendar_jobs.correct(case.pk, at=at("2028-01-10 10:00"))
    assert case.deadlines.get(milestone="decide_acceptance").due_at == at("2028-01-12 17:30")


def test_fi_u_a_leap_day_is_a_day(cast):
    load(2028)
    case = registered("2028-02-28 10:00").complaint
    assert case.deadlines.get(milestone="decide_acceptance").due_at == at("2028-03-01 17:30")


def test_fi_u_a_pause_over_the_long_holiday_and_the_year_end_adds_its_working_time(cast):
    limits(15)
    story = Story(cast).accept().assign().start()
    before = resolve(story).due_at
    t.request_pause(
        story.pk, by=cast.water_handler, reason="appraisal", evidence="检测委托书", at=at("2026-12-04 17:30")
    )
    t.approve_pause(story.pk, by=cast.coordinator, approve=True, days=30, at=at("2026-12-04 17:30"))
    t.resume(story.pk, by=cast.coordinator, at=at("2027-01-03 12:00"))
    calendar = clocks.working_calendar()
    lost = calendar.working_time(at("2026-12-04 17:30"), at("2027-01-03 12:00"))
    assert resolve(story).due_at == calendar.add_working_time(before, lost)

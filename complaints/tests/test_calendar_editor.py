"""The editor of the working calendar, the clocks that follow it, and the watch over missing years (SLA-12)."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse
from django.utils import translation

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import SecurityEvent
from accounts.tests.factories import sign_in_anew
from complaints import calendar_editing, calendar_jobs, clocks, transitions
from complaints.models import CalendarDay, CalendarYear, CaseEvent, Complaint, Deadline, JobRun, Notification
from complaints.states import DeadlineState
from complaints.tests.factories import Story, at

pytestmark = pytest.mark.django_db

NOW = at("2026-11-16 12:00")


def add(cast, day, *, year=2026, is_working=False, name="停电", when=NOW):
    return calendar_editing.add_day(year, day=day, is_working=is_working, name=name, by=cast.administrator, at=when)


def resolve(story):
    return Deadline.objects.get(complaint=story.pk, milestone="resolve")


# --- Rules ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("values", "field", "mend"),
    [
        ({"day": date(2026, 10, 1)}, "day", "remove it first"),
        ({"day": date(2027, 3, 1)}, "day", "its year"),
        ({"day": date(2026, 11, 18), "is_working": True}, "kind", "Saturday or Sunday"),
        ({"day": date(2026, 11, 18), "name": " "}, "name", ""),
    ],
)
def test_sla_12_a_wrong_day_is_refused_at_its_field(cast, values, field, mend):
    before = CalendarDay.objects.count()
    with translation.override("en"), pytest.raises(InvalidInput) as refused:
        add(cast, **values)
    with translation.override("en"):
        assert (refused.value.field, mend in str(refused.value)) == (field, True)
    assert CalendarDay.objects.count() == before


def test_sla_12_a_day_is_added_and_removed_with_a_line_in_the_security_log(cast):
    add(cast, date(2026, 11, 21), is_working=True)
    assert clocks.working_calendar().is_working_day(date(2026, 11, 21))
    calendar_editing.remove_day(2026, day=date(2026, 11, 21), by=cast.coordinator, at=at("2026-11-16 13:00"))
    assert not clocks.working_calendar().is_working_day(date(2026, 11, 21))
    with pytest.raises(IllegalTransition):
        calendar_editing.remove_day(2026, day=date(2026, 11, 21), by=cast.coordinator)
    logged = SecurityEvent.objects.filter(kind="calendar_changed").order_by("pk")
    assert [(row.subject, row.detail["change"]) for row in logged] == [
        ("2026-11-21", "day_added"),
        ("2026-11-21", "day_removed"),
    ]


def test_sla_12_only_editors_change_the_calendar(cast):
    with pytest.raises(NotAllowed):
        calendar_editing.add_day(2026, day=date(2026, 11, 17), is_working=False, name="停电", by=cast.intake)
    with pytest.raises(NotAllowed):
        calendar_editing.begin_year(2028, by=cast.manager)


def test_sla_12_a_year_is_begun_once_and_confirmed(cast):
    by = {"by": cast.administrator, "at": NOW}
    with pytest.raises(IllegalTransition):
        add(cast, date(2028, 1, 1), year=2028)
    calendar_editing.begin_year(2028, **by)
    assert CalendarYear.objects.get(year=2028).is_provisional
    with pytest.raises(IllegalTransition):
        calendar_editing.begin_year(2028, **by)
    with pytest.raises(InvalidInput):
        calendar_editing.begin_year(2040, **by)
    calendar_editing.set_provisional(2028, is_provisional=False, **by)
    assert not CalendarYear.objects.get(year=2028).is_provisional
    with pytest.raises(IllegalTransition):
        calendar_editing.set_provisional(2028, is_provisional=False, **by)


# --- Clocks ---------------------------------------------------------------------------------------------
def test_sla_12_running_clocks_follow_the_calendar_and_others_stay(cast):
    """One more holiday is one more working day, also for the queue; a second run changes nothing."""
    story, closed = Story(cast).accept(), Story(cast).to_closed()
    before = list(Deadline.objects.filter(complaint=closed.pk, state=DeadlineState.MET).values("pk", "due_at"))
    assert resolve(story).due_at == at("2026-12-07 17:30")
    run = add(cast, date(2026, 11, 25))
    calendar_jobs.work(run.pk)
    assert resolve(story).due_at == at("2026-12-08 17:30")
    assert list(Deadline.objects.filter(complaint=closed.pk, state=DeadlineState.MET).values("pk", "due_at")) == before
    assert CaseEvent.objects.filter(complaint=story.pk, kind="calendar_corrected", note="resolve").count() == 1
    run.refresh_from_db()
    assert (run.state, run.result["step"], run.result["corrected"] >= 1) == (JobRun.State.DONE, run.result["of"], True)
    again = calendar_editing.recalculate(by=cast.administrator, at=at("2026-11-16 12:05"))
    calendar_jobs.work(again.pk)
    calendar_jobs.work(run.pk)
    again.refresh_from_db()
    assert again.result["corrected"] == 0
    assert CaseEvent.objects.filter(complaint=story.pk, kind="calendar_corrected").count() == 1


def test_sla_12_the_queue_shows_the_corrected_date(cast):
    story = Story(cast).accept()
    soonest = story.case.next_due_at
    calendar_jobs.work(add(cast, date(2026, 11, 17)).pk)
    assert story.case.next_due_at > soonest


def test_sla_12_a_breach_that_the_wrong_calendar_made_is_none(cast, monkeypatch):
    story = Story(cast).accept()
    breached = Deadline.objects.filter(complaint=story.pk, milestone="assign").get()
    Deadline.objects.filter(pk=breached.pk).update(breached_at=breached.due_at)
    Complaint.objects.filter(pk=story.pk).update(is_overdue=True)
    add(cast, breached.due_at.astimezone(NOW.tzinfo).date())
    assert calendar_jobs.correct(story.pk, at=breached.due_at) >= 1
    breached.refresh_from_db()
    assert (breached.breached_at, story.case.is_overdue) == (None, False)
    assert breached.next_alert_at is not None


def test_sla_12_standing_clocks_get_their_date_when_they_run_on(cast):
    story = Story(cast).accept().assign().start()
    transitions.request_pause(story.pk, by=cast.water_handler, reason="appraisal", evidence="委托书", at=NOW)
    transitions.approve_pause(story.pk, by=cast.coordinator, approve=True, at=at("2026-11-17 08:30"))
    held = resolve(story)
    calendar_jobs.work(add(cast, date(2026, 11, 25)).pk)
    assert (resolve(story).due_at, resolve(story).state) == (held.due_at, DeadlineState.PAUSED)
    transitions.resume(story.pk, by=cast.water_handler, at=at("2026-11-18 08:30"))
    assert resolve(story).due_at > held.due_at


def test_sla_12_a_case_marked_for_its_missing_year_gets_its_clocks(cast):
    CalendarYear.objects.filter(year=2026).delete()
    clocks.forget_calendar()
    story = Story(cast).accept()
    assert story.case.calendar_missing
    assert not Deadline.objects.filter(complaint=story.pk).exists()
    run = calendar_editing.begin_year(2026, by=cast.administrator, at=NOW)
    calendar_jobs.work(run.pk)
    case = story.case
    assert (case.calendar_missing, case.next_due_at is not None) == (False, True)
    assert resolve(story).due_at == at("2026-12-07 17:30")
    assert not Deadline.objects.filter(complaint=story.pk, milestone="decide_acceptance").exists()


# --- Page ---------------------------------------------------------------------------------------------------
def test_sla_12_the_page_draws_the_year_and_adds_a_day(client, cast):
    sign_in_anew(client, cast.administrator)
    client.cookies["huiyin_language"] = "en"
    page = client.get(reverse("complaints:calendar_year", args=[2026]))
    assert (page.status_code, len(page.context["months"])) == (200, 12)
    url = reverse("complaints:calendar_add", args=[2026])
    assert client.post(url, {"day": "2026-11-21", "kind": "makeup", "name": "补班"}).status_code == 302
    assert CalendarDay.objects.get(day="2026-11-21").is_working
    assert "补班" in client.get(reverse("complaints:calendar_year", args=[2026])).content.decode()
    assert client.post(reverse("complaints:calendar_remove", args=[2026]), {"day": "2026-11-21"}).status_code == 302
    assert not CalendarDay.objects.filter(day="2026-11-21").exists()


@pytest.mark.parametrize(
    ("values", "status", "says"),
    [
        ({"day": "2026-10-01", "kind": "holiday", "name": "国庆节"}, 422, "remove it first"),
        ({"day": "2027-10-01", "kind": "holiday", "name": "国庆节"}, 422, "its year"),
        ({"day": "2026-11-18", "kind": "makeup", "name": "补班"}, 422, "Saturday or Sunday"),
        ({"day": "tomorrow", "kind": "holiday", "name": "停电"}, 422, "valid date"),
        ({"day": "2026-11-18", "kind": "feast", "name": "停电"}, 422, "feast"),
        ({}, 422, "required"),
    ],
)
def test_sla_12_bad_days_are_answered_at_their_field(client, cast, values, status, says):
    sign_in_anew(client, cast.administrator)
    client.cookies["huiyin_language"] = "en"
    answer = client.post(reverse("complaints:calendar_add", args=[2026]), values)
    assert (answer.status_code, says in answer.content.decode()) == (status, True)


def test_sla_12_a_missing_year_is_marked_and_can_be_begun(client, cast):
    CalendarYear.objects.filter(year=2027).delete()
    sign_in_anew(client, cast.administrator)
    client.cookies["huiyin_language"] = "en"
    url = reverse("complaints:calendar_year", args=[2027])
    assert "2027 has no working calendar" in client.get(url).content.decode()
    state = reverse("complaints:calendar_state", args=[2027])
    assert client.post(state, {"to": "confirm"}).status_code == 409
    assert client.post(state, {"to": "begin"}).status_code == 302
    assert client.post(state, {"to": "begin"}).status_code == 409
    assert client.post(state, {"to": "confirm"}).status_code == 302
    assert client.post(state, {"to": "abolish"}).status_code == 422
    assert client.post(reverse("complaints:calendar_remove", args=[2027]), {"day": "x"}).status_code == 422
    assert client.get(reverse("complaints:calendar_year", args=[9999])).status_code == 404
    assert client.post(reverse("complaints:calendar_state", args=[9999]), {"to": "begin"}).status_code == 404


def test_sla_12_the_settings_are_closed_to_others(client, cast):
    client.force_login(cast.intake)
    assert client.get(reverse("complaints:calendar_year", args=[2026])).status_code == 403
    assert client.post(reverse("complaints:calendar_add", args=[2026]), {}).status_code == 403


def test_sla_12_the_page_costs_the_same_for_any_number_of_days(client, cast, django_assert_max_num_queries):
    sign_in_anew(client, cast.administrator)
    add(cast, date(2026, 11, 18))
    client.get(reverse("complaints:calendar_year", args=[2026]))
    with django_assert_max_num_queries(10):
        client.get(reverse("complaints:calendar_year", args=[2026]))


# --- Watch ------------------------------------------------------------------------------------------------
def test_sla_12_jt_07_from_october_on_a_missing_next_year_is_told_once_a_week(cast):
    CalendarYear.objects.filter(year=2027).delete()
    assert calendar_jobs.watch_calendar(now=at("2026-09-30 08:30"))["told"] == 0
    first = calendar_jobs.watch_calendar(now=at("2026-10-08 08:30"))
    assert first["missing"] == [2027]
    told = Notification.objects.filter(kind="calendar_missing")
    people = {cast.administrator.pk, cast.coordinator.pk, cast.coordinator2.pk}
    assert set(told.values_list("recipient", flat=True)) == people
    assert first["told"] == len(people)
    assert calendar_jobs.watch_calendar(now=at("2026-10-09 08:30"))["told"] == 0
    assert calendar_jobs.watch_calendar(now=at("2026-10-15 08:30"))["told"] == len(people)


def test_sla_12_in_december_a_provisional_next_year_is_told_too(cast):
    CalendarYear.objects.update_or_create(year=2027, defaults={"is_provisional": True, "loaded_at": NOW})
    assert calendar_jobs.watch_calendar(now=at("2026-11-30 08:30"))["told"] == 0
    assert calendar_jobs.watch_calendar(now=at("2026-12-01 08:30"))["provisional"] == [2027]
    CalendarYear.objects.filter(year=2027).update(is_provisional=False)
    assert calendar_jobs.watch_calendar(now=at("2026-12-08 08:30"))["told"] == 0

"""Asking the complainant with a day to answer by, and what happens when it has passed (SCR-06, IN-36)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.test import Client
from django.utils import timezone, translation

from accounts.errors import InvalidInput
from complaints import information_requests, jobs, track_page, transitions
from complaints.models import Notification, ServicePolicy, SupplementRequest
from complaints.states import Status
from complaints.tests.factories import Story, at
from complaints.tests.public_flow import open_case

pytestmark = pytest.mark.django_db


def ask(story: Story, day: date | None, when: str = "2026-11-16 10:00") -> SupplementRequest:
    due_at = information_requests.end_of(day) if day else None
    return transitions.request_information(story.pk, by=story.cast.intake, items="购买凭证", due_at=due_at, at=at(when))


def page_of(story: Story) -> str:
    client = Client()
    open_case(client, story.case, story.receipt.access_code)
    return client.get("/track/case/?lang=en").content.decode()


def told(kind: str = "supplement_expired") -> list[str]:
    return list(Notification.objects.filter(kind=kind).values_list("recipient__staff_number", flat=True))


# --- The officer ------------------------------------------------------------------------------
def test_scr_06_the_form_offers_the_tenth_working_day_of_the_calendar(client, cast):
    """Holidays of the official calendar do not count."""
    story = Story(cast)
    client.force_login(cast.intake)
    html = client.get(f"/desk/cases/{story.case.number}/actions/request_information/").content.decode()
    offered = information_requests.usual_day(story.case, now=timezone.now())
    assert f'value="{offered.isoformat()}"' in html
    # The week of the National Day 2026 lies between.
    assert information_requests.usual_day(story.case, now=at("2026-09-25 10:00")) == date(2026, 10, 15)


def test_scr_06_a_day_in_the_past_is_refused_at_the_field(client, cast):
    story = Story(cast)
    client.force_login(cast.intake)
    yesterday = (timezone.localdate() - timedelta(days=1)).isoformat()
    data = {"version": story.case.version, "items": "购买凭证", "due_on": yesterday}
    response = client.post(f"/desk/cases/{story.case.number}/actions/request_information/", data)
    assert response.status_code == 422
    assert 'href="#request_information_due_on"' in response.content.decode()
    assert story.case.status == Status.REGISTERED


def test_scr_06_a_request_without_a_day_stays_possible(client, cast):
    story = Story(cast)
    client.force_login(cast.intake)
    data = {"version": story.case.version, "items": "购买凭证", "due_on": ""}
    client.post(f"/desk/cases/{story.case.number}/actions/request_information/", data)
    assert story.case.supplement_requests.get().due_at is None
    assert "Please answer by" not in page_of(story)


def test_scr_06_the_day_reaches_notice_case_and_tracking_page(client, cast):
    story = Story(cast)
    client.force_login(cast.intake)
    day = timezone.localdate() + timedelta(days=30)
    data = {"version": story.case.version, "items": "购买凭证", "due_on": day.isoformat()}
    client.post(f"/desk/cases/{story.case.number}/actions/request_information/", data)
    row = story.case.supplement_requests.get()
    assert timezone.localtime(row.due_at) == information_requests.end_of(day)
    notice = story.case.notices.get(kind="supplement").body
    assert f"请在{day.year}年{day.month}月{day.day}日前（含当日）补齐" in notice
    assert f"Please answer by {timezone.localtime(row.due_at):%a} {day.day} {day:%b}" in page_of(story)
    case_page = client.get(f"/desk/cases/{story.case.number}/").content.decode()
    asked = case_page[case_page.index("购买凭证") :]
    assert f"{day.month}月{day.day}日" in asked[: asked.index("</div>")]


# --- The complainant ----------------------------------------------------------------------------
def test_scr_06_the_last_day_still_counts(cast):
    request = ask(Story(cast), date(2026, 11, 30))
    assert not request.is_expired(at("2026-11-30 23:59"))
    assert request.is_expired(at("2026-12-01 00:00"))


def test_scr_06_after_the_day_the_page_says_what_to_do_and_still_takes_the_answer(cast):
    """Nothing is closed to the complainant: ring, send it late, or let it go on."""
    story = Story(cast, when="2026-10-12 09:12")
    ask(story, date(2026, 10, 20), when="2026-10-12 10:00")
    html = page_of(story)
    assert "The time to answer was over on Tue 20 Oct" in html
    assert "we go on without it, with what we have" in html
    assert "Please answer by" not in html
    client = Client()
    open_case(client, story.case, story.receipt.access_code)
    client.post("/track/case/answer/", {"text": "在这里"})
    assert story.case.status == Status.REGISTERED
    assert "The time to answer was over" not in page_of(story)


@pytest.mark.parametrize("day", [date(2026, 11, 30), None])
def test_scr_06_after_the_day_the_page_tells_the_promised_date_again(cast, day):
    """The time counts again, so nothing may say that it stands still."""
    story = Story(cast)
    ask(story, day)
    waiting = track_page.read(story.case, now=at("2026-11-20 10:00"))
    assert (str(waiting.status.next), waiting.due) == ("等您补充，期间不计时", None)
    jobs.sweep_deadlines(now=at("2026-12-17 08:00"))
    html = page_of(story)
    assert "We go on with what we have" in html
    assert "Waiting for your information" not in html
    promised = timezone.localtime(story.case.deadlines.get(milestone="decide_acceptance").due_at)
    assert f"{promised:%a} {promised.day} {promised:%b} {promised:%H:%M}" in html
    assert "Remind us below" not in html  # there is nothing below to remind with
    assert "购买凭证" in html


def test_scr_06_without_a_day_the_page_says_when_we_go_on(cast):
    story = Story(cast)
    ask(story, None)
    assert "If we have nothing from you on Wed 16 Dec, we go on with what we have." in page_of(story)


def test_sla_13_where_the_policy_lets_the_time_run_the_page_says_so_with_the_date(cast):
    story = Story(cast)
    ServicePolicy.objects.filter(pk=story.case.policy_id).update(pause_reasons=["mediation"])
    ask(story, date(2026, 11, 30))
    page = track_page.read(story.case, now=at("2026-11-16 11:00"))
    assert page.status.next != track_page.PUBLIC_STATUS[Status.AWAITING_INFORMATION].next
    assert page.due is not None
    assert page.due.milestone == "decide_acceptance"
    with translation.override("en"):
        assert str(page.status.next) == "Waiting for your information while our time counts"


# --- The sweep ------------------------------------------------------------------------------------
def test_scr_06_the_coordinator_is_told_once(cast):
    """JT-01: however often and late the job runs."""
    story = Story(cast).accept()
    transitions.lock(story.pk)
    story.case.__class__.objects.filter(pk=story.pk).update(coordinator=cast.coordinator)
    ask(story, date(2026, 11, 30), when="2026-11-17 10:00")
    assert jobs.tell_expired_requests(now=at("2026-11-30 23:00")) == {"told": 0}
    for moment in ("2026-12-01 08:00", "2026-12-01 08:00", "2026-12-02 08:00"):
        jobs.tell_expired_requests(now=at(moment))
    assert told() == ["A003"]


def test_scr_06_without_a_coordinator_who_asked_is_told(cast):
    ask(Story(cast), date(2026, 11, 30))
    jobs.tell_expired_requests(now=at("2026-12-01 08:00"))
    assert told() == ["A001"]


@pytest.mark.parametrize(("day", "over"), [(date(2026, 11, 30), "2026-11-30 23:59:59"), (None, "2026-12-16 10:00")])
def test_sla_13_the_clocks_stand_no_longer_than_the_time_to_answer(cast, day, over):
    """Without a day for thirty days: nobody parks a case by a question. A late answer is taken all the same."""
    story = Story(cast)
    ask(story, day)
    before = at(over) - timedelta(seconds=1)
    assert (jobs.sweep_deadlines(now=before)["resumed"], story.case.is_paused) == (0, True)
    assert jobs.sweep_deadlines(now=at(over))["resumed"] == 1
    assert jobs.sweep_deadlines(now=at(over) + timedelta(minutes=5))["resumed"] == 0
    case = story.case
    assert (case.status, case.is_paused, case.pause_reason) == (Status.AWAITING_INFORMATION, False, "")
    assert case.deadlines.get(milestone="decide_acceptance").state == "running"
    assert case.events.filter(kind="waiting_over").count() == 1
    jobs.tell_expired_requests(now=at("2026-12-17 08:00"))
    heard = told() + told("pause_over")
    assert len(heard) == len(set(heard)) > 0  # of one thing, once
    transitions.receive_information(story.pk, by=None, answer="在这里", at=at("2026-12-17 10:00"))
    assert story.case.status == Status.REGISTERED


def test_sla_13_an_answer_is_asked_for_within_ninety_days(cast):
    story = Story(cast)
    with pytest.raises(InvalidInput) as refused:
        ask(story, date(2027, 2, 15))
    assert refused.value.field == "due_on"
    assert story.case.status == Status.REGISTERED


def test_scr_06_an_answer_in_time_or_a_withdrawal_tells_nobody(cast):
    answered, withdrawn = Story(cast), Story(cast)
    for story in (answered, withdrawn):
        ask(story, date(2026, 11, 30))
    transitions.receive_information(answered.pk, by=None, answer="在这里", at=at("2026-11-20 10:00"))
    transitions.withdraw(withdrawn.pk, by=None, at=at("2026-11-20 10:00"))
    assert jobs.tell_expired_requests(now=at("2026-12-01 08:00")) == {"told": 0}

"""Sweeps and deliveries: once each, safe to run twice or late (SLA-13, JT-01…04, JT-10, I7)."""

from __future__ import annotations

import pytest
from django.core import mail

from complaints import clocks, jobs
from complaints import transitions as t
from complaints.models import CalendarYear, CaseEvent, Complaint, Deadline, IntakeDraft, JobRun, Notification
from complaints.tests.factories import Story, at, registered

pytestmark = pytest.mark.django_db


def sent(kind: str) -> list[tuple[str, str]]:
    rows = Notification.objects.filter(kind=kind).order_by("pk")
    return [(row.recipient.staff_number, row.params["milestone"]) for row in rows]


@pytest.fixture
def started(cast) -> Story:
    """A case whose handling is due on 7 December at 17:30."""
    return Story(cast).accept().assign().start()


def resolve(story: Story) -> Deadline:
    return story.case.deadlines.get(milestone="resolve", state="running")


def test_sla_13_reminder_breach_and_escalation_reach_named_people_once(started, cast):
    assert resolve(started).due_at == at("2026-12-07 17:30")
    Deadline.objects.exclude(pk=resolve(started).pk).update(next_alert_at=None)
    jobs.sweep_deadlines(now=at("2026-12-07 14:00"))
    jobs.sweep_deadlines(now=at("2026-12-07 14:01"))
    assert ("W001", "resolve") in sent("reminder")
    before = len(sent("reminder"))
    jobs.sweep_deadlines(now=at("2026-12-07 17:31"))
    jobs.sweep_deadlines(now=at("2026-12-07 17:32"))
    assert sorted(sent("breach")) == [("A001", "resolve"), ("W001", "resolve"), ("W003", "resolve")]
    jobs.sweep_deadlines(now=at("2026-12-09 09:00"))
    assert sorted(sent("escalation")) == [("A001", "resolve"), ("W003", "resolve")]
    jobs.sweep_deadlines(now=at("2026-12-11 09:00"))
    assert ("M001", "resolve") in sent("escalation")
    assert len(sent("reminder")) == before
    assert CaseEvent.objects.filter(complaint=started.pk, kind="overdue").count() == 1


def test_jt_02_after_a_week_of_silence_each_kind_is_sent_once(started):
    Deadline.objects.exclude(pk=resolve(started).pk).update(next_alert_at=None)
    assert jobs.sweep_deadlines(now=at("2026-12-14 10:00"))["alerts"] == 3
    assert jobs.sweep_deadlines(now=at("2026-12-14 10:01"))["alerts"] == 0


def test_jt_10_a_stopped_clock_is_quiet(started):
    started.submit().reply().call_back().close()
    jobs.sweep_deadlines(now=at("2027-01-20 10:00"))
    assert sent("breach") == []
    assert not Deadline.objects.filter(complaint=started.pk, next_alert_at__isnull=False).exists()


def test_jt_04_a_breach_once_recorded_stays_when_the_clock_goes_back(started):
    jobs.sweep_deadlines(now=at("2026-12-07 17:31"))
    jobs.sweep_deadlines(now=at("2026-12-07 16:31"))
    assert resolve(started).breached_at == at("2026-12-07 17:30")
    assert started.case.is_overdue


def test_sla_13_pause_moves_the_due_date_by_the_working_time_of_the_pause(started, cast):
    t.request_pause(
        started.pk, by=cast.water_handler, reason="appraisal", evidence="检测委托书", at=at("2026-11-17 09:00")
    )
    t.approve_pause(started.pk, by=cast.coordinator, approve=True, days=10, at=at("2026-11-17 10:00"))
    assert started.case.is_paused
    t.resume(started.pk, by=cast.coordinator, at=at("2026-11-18 10:00"))
    assert resolve(started).due_at == at("2026-12-08 17:30")


def test_a_pause_ends_by_itself_when_its_longest_time_is_over(started, cast):
    t.request_pause(
        started.pk, by=cast.water_handler, reason="appraisal", evidence="检测委托书", at=at("2026-11-17 09:00")
    )
    t.approve_pause(started.pk, by=cast.coordinator, approve=True, days=1, at=at("2026-11-17 10:00"))
    assert jobs.sweep_deadlines(now=at("2026-11-18 09:59"))["resumed"] == 0
    assert jobs.sweep_deadlines(now=at("2026-11-18 10:00"))["resumed"] == 1
    assert resolve(started).state == "running"


def test_sla_12_a_year_without_calendar_marks_the_case_and_guesses_nothing(cast):
    CalendarYear.objects.filter(year=2026).delete()
    clocks.forget_calendar()
    case = registered().complaint
    assert Complaint.objects.get(pk=case.pk).calendar_missing
    assert not case.deadlines.exists()


def test_assigning_again_after_a_granted_return_gives_nobody_new_time(cast):
    story = Story(cast).accept().assign()
    due = resolve(story).due_at
    t.request_return(story.pk, by=cast.water_handler, reason="不属于本部门", at=at("2026-11-16 11:00"))
    t.grant_return(story.pk, by=cast.coordinator, at=at("2026-11-16 14:00"))
    t.assign(story.pk, by=cast.coordinator, department=cast.roads, task="查明原因", at=at("2026-11-16 15:00"))
    assert resolve(story).due_at == due


def test_i7_a_mail_is_sent_once_and_holds_no_personal_data(cast):
    registered()
    assert jobs.deliver_notifications()["sent"] == 1
    assert jobs.deliver_notifications()["sent"] == 0
    (message,) = mail.outbox
    assert message.to == ["zhang@example.cn"]
    assert "张桂芳" not in message.subject + message.body
    assert "停水" not in message.subject + message.body
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"


def test_jt_01_a_job_runs_once_per_period_and_again_after_a_failure(db):
    calls = []

    def work(result):
        calls.append(result)
        if result == "fail":
            raise ValueError
        return {"result": result}

    with pytest.raises(ValueError):
        jobs.run_once("demo", "2026-11", lambda: work("fail"), now=at("2026-11-20 09:00"))
    assert jobs.run_once("demo", "2026-11", lambda: work("ok"), now=at("2026-11-20 09:01")) == {"result": "ok"}
    assert jobs.run_once("demo", "2026-11", lambda: work("again"), now=at("2026-11-20 09:02")) == {"result": "ok"}
    assert calls == ["fail", "ok"]
    assert JobRun.objects.get().attempts == 2


def test_drafts_and_receipts_are_gone_after_two_days(db):
    case = registered().complaint
    kept = IntakeDraft.objects.create(token_hash="a" * 64, complaint=case, receipt="code", answers="{}")
    IntakeDraft.objects.create(token_hash="b" * 64, answers='{"narrative": "停水"}')
    IntakeDraft.objects.update(created_at=at("2026-11-16 09:00"))
    assert jobs.purge_expired(now=at("2026-11-18 08:59"))["removed"] == 0
    result = jobs.purge_expired(now=at("2026-11-18 09:01"))
    assert (result["removed"], result["cleared"]) == (1, 1)
    kept.refresh_from_db()
    assert (kept.receipt, kept.answers, IntakeDraft.objects.count()) == ("", "{}", 1)
    assert jobs.purge_expired(now=at("2026-11-19 09:01"))["cleared"] == 0

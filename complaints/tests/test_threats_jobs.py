"""Jobs, time and calendars under faults: the cases JT of the threat model that no other file holds."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from types import SimpleNamespace

import pytest
import redis
from celery.app.task import Task
from django.conf import settings
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from kombu import Connection

from accounts.errors import IllegalTransition, InvalidInput
from accounts.models import SecurityEvent
from accounts.tests.factories import token, user
from complaints import calendar_jobs, clocks, jobs, machine_clock, reminders, tasks
from complaints import transitions as t
from complaints.models import CalendarDay, CaseEvent, Complaint, Deadline, JobRun, Notification
from complaints.tests.factories import Story, at, registered

pytestmark = pytest.mark.django_db

NAMES = ("张桂芳", "13800002417", "zhang@example.cn", "柳桥三村", "停水")


def resolve(story: Story) -> Deadline:
    return Deadline.objects.get(complaint=story.pk, milestone="resolve")


@pytest.fixture
def started(cast) -> Story:
    """A case whose handling is due on 7 December at 17:30."""
    return Story(cast).accept().assign().start()


def pause(story: Story, cast, *, since: str, days: int = 10) -> None:
    """Asked for and approved at the same moment."""
    t.request_pause(story.pk, by=cast.water_handler, reason="appraisal", evidence="检测委托书", at=at(since))
    t.approve_pause(story.pk, by=cast.coordinator, approve=True, days=days, at=at(since))


# --- Late, early, wrong clocks ---------------------------------------------------------------------
def test_jt_02_three_days_without_a_sweep_end_in_one_message_of_each_kind_to_a_person(started):
    Deadline.objects.exclude(pk=resolve(started).pk).update(next_alert_at=None)
    jobs.sweep_deadlines(now=at("2026-12-10 10:00"))
    told = list(Notification.objects.values_list("kind", "recipient"))
    told = [row for row in told if row[0] in ("reminder", "breach", "escalation")]
    assert len(told) == len(set(told))
    assert {kind for kind, _who in told} == {"reminder", "breach", "escalation"}


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(seconds=-1), timedelta(hours=1)])
def test_jt_04_fi_h_no_due_date_changes_when_the_clock_jumps_and_nothing_is_told_twice(started, jump):
    before = list(Deadline.objects.order_by("pk").values_list("due_at", flat=True))
    now = at("2026-12-07 17:31")
    jobs.sweep_deadlines(now=now)
    told = Notification.objects.count()
    overdue = CaseEvent.objects.filter(kind="overdue").count()
    for moment in (now + jump, now):
        jobs.sweep_deadlines(now=moment)
    assert list(Deadline.objects.order_by("pk").values_list("due_at", flat=True)) == before
    assert CaseEvent.objects.filter(kind="overdue").count() == overdue
    assert Notification.objects.count() == told
    assert resolve(started).breached_at == at("2026-12-07 17:30")


@pytest.mark.parametrize("job", ["sweep_deadlines", "check_ledger", "purge_expired"])
def test_jt_04_a_clock_a_year_ahead_marks_and_removes_nothing_until_somebody_confirms_it(started, job, monkeypatch):
    keeper = user("K001", "administrator", email="k@example.cn")
    jobs.check_ledger(now=at("2026-12-01 03:00"))
    wrong = at("2027-12-01 03:05")
    monkeypatch.setattr("django.utils.timezone.now", lambda: wrong)
    for _again in range(2):
        with pytest.raises(InvalidInput, match="check_ledger --now 2027-12-01T03:05"):
            getattr(jobs, job)()
    assert not CaseEvent.objects.filter(kind="overdue").exists()
    assert Notification.objects.filter(kind="clock_jump", recipient=keeper).count() == 1
    assert SecurityEvent.objects.filter(kind="clock_jump").count() == 1
    jobs.check_ledger(now=wrong)  # it was right after all
    getattr(jobs, job)()


@pytest.fixture
def machine(monkeypatch):
    """A machine that runs for an hour, with a clock that can be set."""
    start = at("2026-12-01 09:00")
    time = {"set": start, "running": 3600.0}
    monkeypatch.setattr("django.utils.timezone.now", lambda: time["set"])
    monkeypatch.setattr(machine_clock.time, "clock_gettime", lambda _clock: time["running"])
    monkeypatch.setattr(machine_clock, "_BOOT_ID", SimpleNamespace(read_text=lambda: "start-1\n"))

    def passes(*, by_clock: timedelta, really: timedelta | None = None) -> None:
        time["set"] += by_clock
        time["running"] += (by_clock if really is None else really).total_seconds()

    return passes


@pytest.mark.parametrize("days", [40, 2, -2, -40])
def test_jt_04_fi_h_a_clock_set_by_more_than_a_day_stops_what_marks_and_removes(started, machine, days):
    """40 days ahead and back: nothing is marked in between, and the jobs go on by themselves afterwards."""
    before = list(Deadline.objects.order_by("pk").values())
    jobs.sweep_deadlines()
    machine(by_clock=timedelta(days=days), really=timedelta(minutes=1))
    for job in (jobs.sweep_deadlines, jobs.check_ledger, jobs.purge_expired):
        with pytest.raises(InvalidInput) as refused:
            job()
        assert refused.value.field == "now"
    assert Deadline.objects.filter(breached_at__gt=at("2026-12-01 09:01")).count() == 0
    assert list(Deadline.objects.order_by("pk").values_list("due_at")) == [(row["due_at"],) for row in before]
    machine(by_clock=timedelta(days=-days), really=timedelta(minutes=1))
    jobs.sweep_deadlines()


def test_jt_04_an_hour_and_an_outage_are_no_jump(started, machine):
    jobs.sweep_deadlines()
    machine(by_clock=timedelta(hours=1), really=timedelta(0))
    jobs.sweep_deadlines()
    machine(by_clock=timedelta(days=13))  # the workers stood still, the machine and its clock did not
    assert jobs.sweep_deadlines()["alerts"] > 0


@pytest.mark.parametrize("days", [40, -40])
def test_jt_04_a_time_given_by_hand_is_believed_from_then_on(started, machine, days):
    jobs.sweep_deadlines()
    machine(by_clock=timedelta(days=days), really=timedelta(0))
    with pytest.raises(InvalidInput):
        jobs.sweep_deadlines()
    jobs.sweep_deadlines(now=timezone.now())
    jobs.sweep_deadlines()


@pytest.mark.parametrize(("days", "stops"), [(-2, True), (36, True), (34, False), (0, False)])
def test_jt_04_fi_h_a_machine_that_starts_with_a_wrong_time_is_noticed(started, machine, monkeypatch, days, stops):
    """Two days back, or longer ahead than any usual outage, by the last job and the last entry of the record."""
    jobs.check_ledger()
    machine(by_clock=timedelta(days=days), really=timedelta(0))
    monkeypatch.setattr(machine_clock, "_BOOT_ID", SimpleNamespace(read_text=lambda: "start-2\n"))
    monkeypatch.setattr(machine_clock.time, "clock_gettime", lambda _clock: 60.0)
    if stops:
        with pytest.raises(InvalidInput, match="2026-12-01 09:00"):
            jobs.sweep_deadlines()
    else:
        jobs.sweep_deadlines()


def test_jt_04_without_any_job_the_record_of_the_cases_is_what_time_is_compared_with(started, machine):
    """As after a restore onto another machine: the newest entry is of 16 November."""
    JobRun.objects.all().delete()
    machine(by_clock=at("2026-11-14 10:00") - timezone.now(), really=timedelta(0))
    with pytest.raises(InvalidInput):
        jobs.sweep_deadlines()
    machine(by_clock=timedelta(days=53), really=timedelta(0))
    jobs.sweep_deadlines()  # a new installation whose imported cases are old


def test_jt_05_moments_without_a_zone_are_refused_and_nothing_is_swept(started):
    with pytest.raises(ValueError, match="time zone"):
        clocks.working_calendar().local(datetime(2026, 12, 7, 17, 31))
    assert resolve(started).breached_at is None


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-11-18 23:59:59.999999", "2026-11-20 17:30"),
        ("2026-11-19 00:00", "2026-11-23 17:30"),
        ("2026-11-30 17:30", "2026-12-02 17:30"),
        ("2026-12-31 16:00", "2027-01-05 17:30"),
    ],
)
def test_jt_06_a_case_received_at_the_edge_of_a_day_month_or_year_has_the_right_limit(cast, received, due):
    """The day of receipt is not counted, the second working day after it is the last (New Year 2027 is a Friday)."""
    case = registered(received).complaint
    assert case.deadlines.get(milestone="decide_acceptance").due_at == at(due)


# --- Calendars -------------------------------------------------------------------------------------
def test_jt_08_a_corrected_calendar_moves_no_stored_date_before_the_recorded_recalculation(started):
    before = resolve(started).due_at
    CalendarDay.objects.create(day=date(2026, 12, 1), is_working=False, name="停电")
    clocks.forget_calendar()
    jobs.sweep_deadlines(now=at("2026-11-30 10:00"))
    assert resolve(started).due_at == before
    calendar_jobs.correct(started.pk, at=at("2026-11-30 10:05"))
    assert resolve(started).due_at == at("2026-12-08 17:30")
    event = CaseEvent.objects.filter(complaint=started.pk, kind="calendar_corrected", note="resolve").get()
    assert event.at == at("2026-11-30 10:05")


# --- Pauses ----------------------------------------------------------------------------------------
def test_jt_09_a_case_is_paused_once_at_a_time(started, cast):
    pause(started, cast, since="2026-11-17 10:00")
    before = list(Deadline.objects.order_by("pk").values())
    with pytest.raises(IllegalTransition):
        t.request_pause(
            started.pk, by=cast.water_handler, reason="appraisal", evidence="再次检测", at=at("2026-11-17 11:00")
        )
    assert list(Deadline.objects.order_by("pk").values()) == before


def test_jt_09_resuming_what_is_not_paused_is_refused(started, cast):
    before = list(Deadline.objects.order_by("pk").values())
    with pytest.raises(IllegalTransition):
        t.resume(started.pk, by=cast.coordinator, at=at("2026-11-17 11:00"))
    assert list(Deadline.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("when", ["2026-11-17 09:59:59", "2026-11-16 09:00"])
def test_jt_09_a_clock_cannot_run_on_before_it_stood(started, cast, when):
    """Only a machine whose time went back gives such a moment; the field and the mend are named."""
    pause(started, cast, since="2026-11-17 10:00")
    before = list(Deadline.objects.order_by("pk").values())
    with pytest.raises(InvalidInput, match="2026-11-17 10:00") as refused:
        t.resume(started.pk, by=cast.coordinator, at=at(when))
    assert refused.value.field == "at"
    assert list(Deadline.objects.order_by("pk").values()) == before
    assert started.case.is_paused


@pytest.mark.parametrize(("when", "latest"), [("2026-11-16 09:11", "09:12"), ("2026-11-17 11:59", "12:00")])
def test_jt_09_a_pause_before_the_receipt_or_the_last_resume_is_refused(started, cast, when, latest):
    if latest == "12:00":
        pause(started, cast, since="2026-11-17 10:00")
        t.resume(started.pk, by=cast.coordinator, at=at("2026-11-17 12:00"))
    t.request_pause(
        started.pk, by=cast.water_handler, reason="appraisal", evidence="检测委托书", at=at("2026-11-17 13:30")
    )
    before = list(Deadline.objects.order_by("pk").values())
    with pytest.raises(InvalidInput, match=latest) as refused:
        t.approve_pause(started.pk, by=cast.coordinator, approve=True, at=at(when))
    assert refused.value.field == "at"
    assert list(Deadline.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("field", ["at", "started_at", "max_until"])
def test_jt_09_nobody_sets_the_moment_of_a_pause(started, cast, client, field):
    """A pause begins when it is approved; one in the future or in the past is refused at its field."""
    case = f"/api/v1/complaints/{started.case.number}/actions/"
    asks, decides = ({"Authorization": f"Token {token(person)}"} for person in (cast.water_handler, cast.coordinator))
    before = list(Deadline.objects.order_by("pk").values())
    body = {"reason": "appraisal", "evidence": "检测委托书"}
    later = {field: "2030-01-01T10:00+08:00"}
    answer = client.post(f"{case}request_pause/", body | later, content_type="application/json", headers=asks)
    assert (answer.status_code, set(answer.json())) == (400, {field})
    assert client.post(f"{case}request_pause/", body, content_type="application/json", headers=asks).status_code == 200
    answer = client.post(
        f"{case}approve_pause/", {"approve": True} | later, content_type="application/json", headers=decides
    )
    assert (answer.status_code, set(answer.json())) == (400, {field})
    assert list(Deadline.objects.order_by("pk").values()) == before
    assert not started.case.is_paused


def test_jt_09_a_pause_over_the_weekend_costs_working_time_only(started, cast):
    before = resolve(started).due_at
    pause(started, cast, since="2026-11-20 17:30")
    t.resume(started.pk, by=cast.coordinator, at=at("2026-11-23 08:30"))
    assert resolve(started).due_at == before


def test_jt_09_an_extension_after_the_limit_is_refused_and_leaves_the_clock(started, cast):
    before = list(Deadline.objects.order_by("pk").values())
    with pytest.raises(InvalidInput, match="2026-12-07 17:30"):
        t.request_extension(started.pk, by=cast.water_handler, reason="等管件", at=at("2026-12-07 17:30:01"))
    assert list(Deadline.objects.order_by("pk").values()) == before


def test_jt_09_two_sweeps_that_end_the_same_pause_end_it_once(started, cast, monkeypatch):
    pause(started, cast, since="2026-11-17 10:00", days=1)
    resume = t.clock.resume

    def somebody_is_faster(*arguments, **named):
        resume(*arguments, **named)
        return resume(*arguments, **named)

    monkeypatch.setattr(jobs.clock, "resume", somebody_is_faster)
    assert jobs.sweep_deadlines(now=at("2026-11-18 10:00"))["failed"] == 0
    assert resolve(started).state == "running"


# --- Queue -----------------------------------------------------------------------------------------
def test_jt_10_a_mail_that_waited_while_the_case_was_closed_is_not_sent(started, cast):
    jobs.sweep_deadlines(now=at("2026-12-07 17:31"))
    waiting = Notification.objects.filter(by_email=True, kind="breach")
    assert waiting.exists()
    t.withdraw(started.pk, by=cast.coordinator, reason="来电撤回", at=at("2026-12-07 17:32"))
    before = len(mail.outbox)
    jobs.deliver_notifications(now=at("2026-12-07 17:33"))
    subjects = [message.subject for message in mail.outbox[before:]]
    assert not any("超期" in subject or "逾期" in subject for subject in subjects)
    assert not Notification.objects.filter(by_email=True, kind="breach").exists()


def test_jt_10_a_clock_stopped_between_reading_and_sending_is_quiet(started, monkeypatch):
    lock = reminders._lock

    def close_first(keys):
        clocks.stop(started.case, at=at("2026-12-07 17:00"))
        return lock(keys)

    monkeypatch.setattr(reminders, "_lock", close_first)
    assert jobs.sweep_deadlines(now=at("2026-12-07 17:31"))["alerts"] == 0
    assert not Notification.objects.filter(kind="breach").exists()


def test_jt_11_what_a_flushed_redis_forgot_is_mailed_by_the_sweep(redis_url, cast):
    registered()
    with Connection(redis_url) as broker:
        tasks.deliver_notifications.apply_async(connection=broker)
    with redis.Redis.from_url(redis_url) as queue:
        assert queue.llen("celery")
        queue.flushall()
        assert queue.dbsize() == 0
    assert jobs.deliver_notifications() == {"sent": 1, "failed": 0}
    assert jobs.deliver_notifications() == {"sent": 0, "failed": 0}
    assert len(mail.outbox) == 1


def test_jt_12_a_clock_that_always_fails_is_counted_and_holds_up_no_other(cast, caplog):
    good, bad = (Story(cast, phone=f"1390000{n:04d}").accept().assign().start() for n in range(2))
    Deadline.objects.exclude(milestone="resolve").update(next_alert_at=None)
    Deadline.objects.filter(pk=resolve(bad).pk).update(ladder=[{"offset_kind": "moons"}])
    for _run in range(2):
        done = jobs.sweep_deadlines(now=at("2026-12-07 17:31"))
        assert (done["failed"], done["ok"]) == (1, False)
    assert Notification.objects.filter(complaint=good.pk, kind="breach").count() == 3
    assert not Notification.objects.filter(complaint=bad.pk, kind="breach").exists()
    assert resolve(bad).alerts_sent == 0
    assert [record.deadline for record in caplog.records if record.message == "clock not settled"] == [
        resolve(bad).pk
    ] * 2


def test_jt_12_a_mail_that_never_goes_out_is_given_up_and_marked(cast, monkeypatch):
    registered()

    def refuse(row):
        raise ConnectionRefusedError

    monkeypatch.setattr(jobs.outgoing, "send", refuse)
    for _run in range(jobs.MAX_ATTEMPTS + 2):
        jobs.deliver_notifications()
    row = Notification.objects.get(to_complainant=True)
    assert (row.attempts, row.failed_at is not None) == (jobs.MAX_ATTEMPTS, True)


class Killed(BaseException):
    """What no handler of the job catches: the worker is gone."""


def test_fi_a_i7_a_message_whose_sender_was_killed_goes_out_once_later(cast, monkeypatch):
    registered()
    send, now = jobs.outgoing.send, timezone.now()

    def die(row):
        raise Killed

    monkeypatch.setattr(jobs.outgoing, "send", die)
    with pytest.raises(Killed):
        jobs.deliver_notifications(now=now)
    monkeypatch.setattr(jobs.outgoing, "send", send)
    assert jobs.deliver_notifications(now=now + timedelta(minutes=1))["sent"] == 0, "somebody may be sending it"
    later = now + jobs.CLAIM + timedelta(minutes=1)
    assert [jobs.deliver_notifications(now=later)["sent"] for _run in range(2)] == [1, 0]
    assert len(mail.outbox) == 1


def test_fi_a_a_message_that_kills_every_sender_is_given_up(cast, monkeypatch):
    registered()
    now = timezone.now()

    def die(row):
        raise Killed

    monkeypatch.setattr(jobs.outgoing, "send", die)
    for n in range(jobs.MAX_ATTEMPTS):
        with pytest.raises(Killed):
            jobs.deliver_notifications(now=now + n * 2 * jobs.CLAIM)
    assert jobs.deliver_notifications(now=now + jobs.MAX_ATTEMPTS * 2 * jobs.CLAIM) == {"sent": 0, "failed": 0}
    assert Notification.objects.get(to_complainant=True).failed_at is not None


def test_jt_13_the_queue_holds_no_personal_data(cast, redis_url, monkeypatch, django_capture_on_commit_callbacks):
    sent = []
    with Connection(redis_url) as broker, redis.Redis.from_url(redis_url) as queue:
        queue.flushall()
        publish = Task.apply_async

        def to_redis(task, **options):
            sent.append(task.name)
            return publish(task, **options | {"connection": broker})

        monkeypatch.setattr(Task, "apply_async", to_redis)
        with django_capture_on_commit_callbacks(execute=True):
            Story(cast).to_closed()
            jobs.sweep_deadlines(now=at("2026-11-20 17:00"))
        held = b"".join(part for key in queue.scan_iter() for part in dump(queue, key)).decode()
        queue.flushall()
    assert sent
    assert "complaints.deliver_notifications" in held
    assert not [name for name in NAMES if name in held or json.dumps(name)[1:-1] in held]
    assert settings.CELERY_TASK_IGNORE_RESULT


def dump(queue: redis.Redis, key: bytes) -> list[bytes]:
    kind = queue.type(key)
    if kind == b"list":
        return queue.lrange(key, 0, -1)
    if kind == b"hash":
        return [value for pair in queue.hgetall(key).items() for value in pair]
    return list(queue.smembers(key)) if kind == b"set" else [queue.get(key) or b""] if kind == b"string" else []


def test_jt_15_the_sweep_costs_what_is_due_in_batches_whatever_their_number(cast):
    def statements(number: int, when: str) -> int:
        for _number in range(number):
            registered(when, phone=f"1390{Complaint.objects.count():07d}")
        Deadline.objects.exclude(milestone="decide_acceptance").update(next_alert_at=None)
        with CaptureQueriesContext(connection) as queries:
            assert jobs.sweep_deadlines(now=at(when) + timedelta(days=2, hours=8, minutes=30))["alerts"] > number
        return len(queries)

    few, many = statements(2, "2026-11-16 09:12"), statements(20, "2026-11-23 09:12")
    assert many <= few + 4  # one for each group of clocks that are next due at the same moment
    with CaptureQueriesContext(connection) as nothing_due:
        assert jobs.sweep_deadlines(now=at("2026-11-25 17:43"))["alerts"] == 0
    assert len(nothing_due) <= 2

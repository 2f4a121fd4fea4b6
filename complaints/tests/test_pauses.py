"""What a pause holds and what it cannot hold (SLA-13, I13, JT-09)."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.errors import IllegalTransition, InvalidInput
from complaints import calendar_jobs, clocks, jobs
from complaints import transitions as t
from complaints.models import CalendarDay, ClockPause, Deadline, Extension, Notification, PolicyRule
from complaints.states import Milestone, RequestState
from complaints.tests.factories import Story, at

pytestmark = pytest.mark.django_db


@pytest.fixture
def started(cast) -> Story:
    """A case whose handling is due on 7 December at 17:30, the task of its department on 30 November."""
    return Story(cast).accept().assign().start()


def paused(story: Story, cast, when: str = "2026-11-17 10:00", *, days: int = 10) -> None:
    t.request_pause(story.pk, by=cast.water_handler, reason="appraisal", evidence="检测委托书", at=at(when))
    t.approve_pause(story.pk, by=cast.coordinator, approve=True, days=days, at=at(when))


def clock(story: Story, milestone: str) -> Deadline:
    return story.case.deadlines.filter(milestone=milestone).latest("pk")


def test_sla_13_a_reply_is_submitted_only_while_the_clock_runs(started, cast):
    """Else the pause would never end: nobody can restart the clock once the reply is being checked."""
    paused(started, cast)
    with pytest.raises(IllegalTransition):
        started.submit()
    assert clock(started, "resolve").state == "paused"
    t.resume(started.pk, by=cast.water_handler, at=at("2026-11-18 10:00"))
    started.submit()
    assert clock(started, "resolve").state == "met"
    assert (started.case.pause_reason, ClockPause.objects.get().state) == ("", RequestState.ENDED)


def test_sla_13_what_waits_for_a_decision_ends_with_the_handling(started, cast):
    """After a return for rework a new request is not in the way of an old one."""
    t.request_extension(started.pk, by=cast.water_handler, reason="待检测", at=at("2026-11-17 10:00"))
    t.request_pause(
        started.pk, by=cast.water_handler, reason="appraisal", evidence="检测委托书", at=at("2026-11-17 10:00")
    )
    started.submit()
    assert Extension.objects.get().state == ClockPause.objects.get().state == RequestState.ENDED
    t.return_for_rework(started.pk, by=cast.checker, comment="请补充", at=at("2026-11-19 10:00"))
    t.request_pause(
        started.pk, by=cast.water_handler, reason="appraisal", evidence="检测委托书", at=at("2026-11-19 11:00")
    )
    t.approve_pause(started.pk, by=cast.coordinator, approve=True, at=at("2026-11-19 12:00"))
    assert clock(started, "resolve").state == "paused"


def test_i13_a_pause_makes_no_lateness_unhappen(started, cast):
    """The limit was over before the pause and no sweep had seen it: it stays late and its reminders go on."""
    paused(started, cast, "2026-12-08 09:00")
    assert clock(started, "resolve").state == "running"
    jobs.sweep_deadlines(now=at("2026-12-08 09:05"))
    assert clock(started, "resolve").breached_at == at("2026-12-07 17:30")
    assert started.case.is_overdue
    t.resume(started.pk, by=cast.water_handler, at=at("2026-12-08 11:00"))
    started.submit("2026-12-08 15:00")
    assert clock(started, "resolve").state == "missed"
    assert clocks.was_late(started.case)


def test_i13_late_before_the_pause_and_never_swept_is_late_at_the_end(started, cast):
    paused(started, cast, "2026-12-08 09:00")
    t.resume(started.pk, by=cast.water_handler, at=at("2026-12-08 11:00"))
    started.submit("2026-12-08 15:00")
    assert clock(started, "resolve").state == "missed"


def test_sla_13_a_clock_begun_during_a_pause_stands_with_the_others(cast):
    story = Story(cast).accept()
    story.case.policy.rules.filter(milestone="task").delete()
    moment = at("2026-11-16 10:10")
    t.request_pause(story.pk, by=cast.coordinator, reason="appraisal", evidence="检测委托书", at=moment)
    t.approve_pause(story.pk, by=cast.coordinator2, approve=True, at=moment)
    story.assign()
    assert clock(story, "first_contact").state == "paused"
    t.resume(story.pk, by=cast.coordinator, at=at("2026-11-18 10:30"))
    assert (clock(story, "first_contact").state, clock(story, "first_contact").due_at) == (
        "running",
        at("2026-11-19 17:30"),
    )


def test_sla_01_another_complexity_during_a_pause_counts_when_the_clock_runs_on(started, cast):
    paused(started, cast)
    t.classify(started.pk, by=cast.intake, complexity="complex", at=at("2026-11-17 11:00"))
    assert (clock(started, "resolve").state, clock(started, "resolve").amount) == ("paused", 30)
    t.resume(started.pk, by=cast.water_handler, at=at("2026-11-18 10:00"))
    assert clock(started, "resolve").due_at == at("2026-12-29 17:30")


def test_sla_04_a_limit_given_to_a_department_survives_another_complexity(cast):
    story = Story(cast).accept().assign(limit=3).start()
    t.classify(story.pk, by=cast.intake, complexity="complex", at=at("2026-11-16 11:30"))
    assert (clock(story, "resolve").amount, clock(story, "task").amount) == (30, 3)
    assert clock(story, "task").due_at == at("2026-11-19 17:30")


def test_sla_04_the_limit_of_the_policy_follows_the_complexity_and_stays_within_the_case(cast):
    story = Story(cast).accept().assign().start()
    t.classify(story.pk, by=cast.intake, complexity="complex", at=at("2026-11-16 11:30"))
    assert (clock(story, "task").amount, clock(story, "task").due_at) == (20, at("2026-12-14 17:30"))
    t.classify(story.pk, by=cast.intake, complexity="simple", at=at("2026-11-16 11:40"))
    assert (clock(story, "task").amount, clock(story, "task").due_at) == (10, at("2026-11-30 17:30"))


def told(kind: str) -> set[str]:
    return set(Notification.objects.filter(kind=kind).values_list("recipient__staff_number", flat=True))


@pytest.mark.parametrize("approve", [True, False])
def test_sla_13_who_asked_hears_what_was_decided(started, cast, approve):
    moment = at("2026-11-17 10:00")
    t.request_extension(started.pk, by=cast.water_handler, reason="待检测", at=moment)
    t.request_pause(started.pk, by=cast.water_handler2, reason="appraisal", evidence="检测委托书", at=moment)
    t.request_reset(started.pk, by=cast.water_head, facts="又一处爆管", evidence="照片", at=moment)
    t.approve_extension(started.pk, by=cast.coordinator, approve=approve, note="已核实", at=moment)
    assert told("clock_decided") == {"W001"}
    t.approve_reset(started.pk, by=cast.coordinator, approve=approve, note="已核实", at=moment)
    t.approve_pause(started.pk, by=cast.coordinator, approve=approve, at=moment)
    assert told("clock_decided") == {"W001", "W002", "W003"}


def test_sla_13_a_pause_that_ran_out_is_told_to_who_has_the_case(started, cast):
    paused(started, cast, days=1)
    jobs.sweep_deadlines(now=at("2026-11-18 10:00"))
    jobs.sweep_deadlines(now=at("2026-11-18 10:05"))
    assert told("pause_over") == {"A001", "W001"}
    assert Notification.objects.filter(kind="pause_over").count() == 2


@pytest.mark.parametrize("is_swept", [True, False])
def test_sla_13_no_extension_is_granted_after_the_limit(started, cast, is_swept):
    """Asked for in time and decided too late: what was late stays late, and the dates stay."""
    t.request_extension(started.pk, by=cast.water_handler, reason="待检测", at=at("2026-12-07 10:00"))
    if is_swept:
        jobs.sweep_deadlines(now=at("2026-12-07 17:31"))
    with pytest.raises(InvalidInput, match="2026-12-07 17:30") as refused:
        t.approve_extension(started.pk, by=cast.coordinator, approve=True, note="同意", at=at("2026-12-07 17:31"))
    assert refused.value.field == "approve"
    assert clock(started, "resolve").due_at == at("2026-12-07 17:30")
    assert Extension.objects.get().state == RequestState.REQUESTED
    t.approve_extension(started.pk, by=cast.coordinator, approve=False, note="已超时", at=at("2026-12-08 09:00"))
    assert Extension.objects.get().state == RequestState.REFUSED


def test_sla_13_the_new_date_has_its_own_reminders(started, cast):
    """Both reminders of the first date were sent; the extension gives a date that is reminded of as well."""
    Deadline.objects.exclude(milestone="resolve").update(next_alert_at=None)
    for moment in ("2026-12-02 16:00", "2026-12-07 14:30"):
        jobs.sweep_deadlines(now=at(moment))
    reminders = Notification.objects.filter(kind="reminder", recipient=cast.water_handler, params__milestone="resolve")
    assert reminders.count() == 2
    t.request_extension(started.pk, by=cast.water_handler, reason="待检测", at=at("2026-12-07 15:00"))
    t.approve_extension(started.pk, by=cast.coordinator, approve=True, note="同意", at=at("2026-12-07 15:10"))
    for moment in ("2026-12-07 15:11", "2026-12-14 14:30", "2026-12-14 14:31"):
        jobs.sweep_deadlines(now=at(moment))
    due = [row.params["due"][:10] for row in reminders.order_by("pk")]
    assert due[:2] == ["2026-12-07", "2026-12-07"]
    assert set(due[2:]) == {"2026-12-14"}
    assert len(due[2:]) == len(set(reminders.values_list("dedupe_key", flat=True))) - 2


def test_sla_13_a_limit_is_extended_as_often_as_the_policy_says(started, cast):
    for place, when in enumerate(("2026-11-17 10:00", "2026-11-18 10:00")):
        if place:
            with pytest.raises(IllegalTransition):
                t.request_extension(started.pk, by=cast.water_handler, reason="再次检测", at=at(when))
            continue
        t.request_extension(started.pk, by=cast.water_handler, reason="待检测", at=at(when))
        t.approve_extension(started.pk, by=cast.coordinator, approve=True, note="同意", at=at(when))
    assert (Extension.objects.count(), clock(started, "resolve").due_at) == (1, at("2026-12-14 17:30"))


def test_sla_13_only_limits_the_policy_extends_are_offered_and_granted(started, cast, client):
    """Of the running limits the house rules extend the handling; for another the page names the one that can be."""
    client.force_login(cast.water_handler)
    url = reverse("complaints:action", args=[started.case.number, "request_extension"])
    form = client.get(url).context["form"]
    assert [value for value, _label in form.fields["milestone"].widget.choices] == ["resolve"]
    assert 'value="progress"' not in client.get(url).content.decode()
    before = list(Deadline.objects.order_by("pk").values())
    data = {"version": started.case.version, "milestone": "progress", "reason": "待检测"}
    answer = client.post(url, data)
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["milestone"])
    assert str(Milestone.RESOLVE.label) in answer.context["form"].errors["milestone"][0]
    api = reverse("api-complaint-action", args=[started.case.number, "request_extension"])
    for milestone in ("progress", "acknowledge", "nothing"):
        told = client.post(api, data | {"milestone": milestone}, content_type="application/json")
        assert (told.status_code, "milestone" in told.content.decode()) == (400, True)
    assert list(Deadline.objects.order_by("pk").values()) == before
    assert not Extension.objects.exists()


def test_sla_13_an_extension_after_the_limit_names_the_field_and_what_is_left(started, cast):
    before = list(Deadline.objects.order_by("pk").values())
    with pytest.raises(InvalidInput, match="2026-12-07 17:30") as refused:
        t.request_extension(started.pk, by=cast.water_handler, reason="待检测", at=at("2026-12-07 17:31"))
    assert refused.value.field == "milestone"
    assert list(Deadline.objects.order_by("pk").values()) == before


def test_sla_13_no_button_where_the_policy_extends_nothing(started, cast, client):
    PolicyRule.objects.filter(policy=started.case.policy).update(extension_amount=0, max_extensions=0)
    client.force_login(cast.water_handler)
    page = client.get(reverse("complaints:detail", args=[started.case.number])).content.decode()
    assert ("do-request_extension" in page, "do-request_pause" in page) == (False, True)


def test_sla_12_a_corrected_calendar_stops_nothing_while_a_pause_lasts(started, cast):
    """A limit over before the pause lies in it after the correction: it stands still, and the run goes on."""
    paused(started, cast, "2026-12-08 09:00")
    CalendarDay.objects.create(day="2026-11-18", is_working=False, name="停电")
    clocks.forget_calendar()
    calendar_jobs.correct(started.pk, at=at("2026-12-08 10:00"))
    assert clock(started, "resolve").state == "paused"
    t.resume(started.pk, by=cast.water_handler, at=at("2026-12-09 09:00"))
    assert (clock(started, "resolve").state, clock(started, "resolve").due_at) == ("running", at("2026-12-09 17:30"))


def test_sla_13_asg_06_who_decides_reads_what_is_asked_and_why(started, cast, client):
    """On the page of the decision, as text: nothing a person wrote becomes part of the page."""
    moment = at("2026-11-17 10:00")
    t.request_pause(started.pk, by=cast.water_handler, reason="appraisal", evidence="<b>委托书</b>", at=moment)
    t.request_extension(started.pk, by=cast.water_handler, reason="等<i>管件", at=moment)
    t.request_return(started.pk, by=cast.water_handler, reason="{{7*7}}不属<u>本部门", at=moment)
    client.force_login(cast.coordinator)
    for action, words in {
        "approve_pause": "&lt;b&gt;委托书&lt;/b&gt;",
        "approve_extension": "等&lt;i&gt;管件",
        "refuse_return": "{{7*7}}不属&lt;u&gt;本部门",
        "grant_return": "{{7*7}}不属&lt;u&gt;本部门",
    }.items():
        page = client.get(reverse("complaints:action", args=[started.case.number, action])).content.decode()
        assert words in page, action


# --- What the pages show before somebody decides --------------------------------------------------------
def test_sla_13_who_asks_for_or_decides_on_an_extension_reads_both_dates(client, started, cast):
    moment = at("2026-11-17 10:00")
    asks = reverse("complaints:action", args=[started.case.number, "request_extension"])
    decides = reverse("complaints:action", args=[started.case.number, "approve_extension"])
    client.cookies["huiyin_language"] = "en"
    client.force_login(cast.water_handler)
    assert "due on 2026-12-07 17:30, longer until 2026-12-14 17:30" in client.get(asks).content.decode()
    t.request_extension(started.pk, by=cast.water_handler, reason="待检测", at=moment)
    client.force_login(cast.coordinator)
    page = client.get(decides).content.decode()
    assert "It is due on 2026-12-07 17:30; if you agree, on 2026-12-14 17:30." in page
    t.approve_extension(started.pk, by=cast.coordinator, approve=True, note="属实", at=moment)
    assert clock(started, "resolve").due_at == at("2026-12-14 17:30")


@pytest.mark.parametrize(
    ("action", "says"),
    [
        ("resume", "The clock is not stopped"),
        ("approve_pause", "No pause was asked for"),
        ("approve_extension", "No extension was asked for"),
        ("approve_reset", "No new start of the clocks was asked for"),
    ],
)
def test_sla_13_a_form_with_nothing_to_decide_says_so_and_has_no_button(client, started, cast, action, says):
    client.force_login(cast.coordinator)
    client.cookies["huiyin_language"] = "en"
    page = client.get(reverse("complaints:action", args=[started.case.number, action])).content.decode()
    assert says in page
    assert 'type="submit" class="btn btn-primary"' not in page[page.index("<main") :]


def test_sla_13_no_second_pause_and_no_second_extension_is_offered(client, started, cast):
    client.force_login(cast.water_handler)
    client.cookies["huiyin_language"] = "en"
    paused(started, cast)
    page = client.get(reverse("complaints:detail", args=[started.case.number])).content.decode()
    assert "actions/request_pause/" not in page
    asks = reverse("complaints:action", args=[started.case.number, "request_pause"])
    assert "A pause was already asked for or is running." in client.get(asks).content.decode()
    t.resume(started.pk, by=cast.water_handler, at=at("2026-11-18 10:00"))
    t.request_extension(started.pk, by=cast.water_handler, reason="待检测", at=at("2026-11-18 10:00"))
    t.approve_extension(started.pk, by=cast.coordinator, approve=True, note="属实", at=at("2026-11-18 10:00"))
    asks = reverse("complaints:action", args=[started.case.number, "request_extension"])
    assert "No limit of this case can be extended now." in client.get(asks).content.decode()


def test_sla_12_a_pause_after_a_clock_ended_is_no_part_of_why_it_fell_on_its_day(client, started, cast):
    """The page of such a clock neither lists the pause nor says that its date would be another one."""
    t.request_pause(started.pk, by=cast.water_handler, reason="appraisal", evidence="委托书", at=at("2026-11-17 10:00"))
    t.approve_pause(started.pk, by=cast.coordinator, approve=True, at=at("2026-11-17 10:00"))
    t.resume(started.pk, by=cast.water_handler, at=at("2026-11-19 10:00"))
    client.force_login(cast.coordinator)
    client.cookies["huiyin_language"] = "en"
    ended, runs = clock(started, "decide_acceptance"), clock(started, "resolve")
    pages = [
        client.get(reverse("complaints:deadline", args=[started.case.number, row.pk])).content.decode()
        for row in (ended, runs)
    ]
    assert ["Appraisal or testing by a third party: " in page for page in pages] == [False, True]
    assert ["have changed since" in page for page in pages] == [False, False]
    assert "due Wed 18 Nov 2026 17:30" in pages[0]


def test_sla_13_who_decides_on_a_new_start_reads_the_facts_and_the_evidence(client, started, cast):
    t.request_reset(
        started.pk,
        by=cast.water_handler,
        facts="投诉人补充了用水记录。",
        evidence="补充材料三份",
        at=at("2026-11-17 10:00"),
    )
    client.force_login(cast.coordinator)
    page = client.get(reverse("complaints:action", args=[started.case.number, "approve_reset"])).content.decode()
    assert "投诉人补充了用水记录" in page
    assert "。。" not in page
    assert "补充材料三份" in page


@pytest.mark.parametrize("extended", [False, True])
def test_sla_13_who_decides_on_a_new_start_reads_the_date_it_brings(client, started, cast, monkeypatch, extended):
    """After an extension a new start can bring an earlier day than the complainant was told."""
    if extended:
        t.request_extension(started.pk, by=cast.water_handler, reason="待检测", at=at("2026-11-17 10:00"))
        t.approve_extension(started.pk, by=cast.coordinator, approve=True, note="已核实", at=at("2026-11-17 10:00"))
    t.request_reset(started.pk, by=cast.water_handler, facts="又一处爆管", evidence="照片", at=at("2026-11-17 10:00"))
    before = clock(started, "resolve").due_at
    monkeypatch.setattr("django.utils.timezone.now", lambda: at("2026-11-18 10:00"))
    client.force_login(cast.coordinator)
    client.cookies["huiyin_language"] = "en"
    page = client.get(reverse("complaints:action", args=[started.case.number, "approve_reset"])).content.decode()
    t.approve_reset(started.pk, by=cast.coordinator, approve=True, note="已核实", at=at("2026-11-18 10:00"))
    days = [f"{timezone.localtime(day):%Y-%m-%d %H:%M}" for day in (before, clock(started, "resolve").due_at)]
    assert days[0] != days[1]
    assert f"It is due on {days[0]}; if you agree, on {days[1]}." in page
    assert ("earlier than the one that stands" in page) is extended

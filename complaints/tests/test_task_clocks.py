"""The own clock of each department on a case (SLA-04), and a new start of the clocks on new facts (SLA-13)."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.urls import reverse

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from complaints import case_records, clocks, department_hours, jobs, time_ledger, transitions
from complaints.models import CalendarYear, ClockReset, Complaint, Deadline, Notice, Notification, PolicyRule
from complaints.states import DeadlineState, Milestone
from complaints.tests.factories import Story, at

pytestmark = pytest.mark.django_db


@pytest.fixture
def story(cast) -> Story:
    """Accepted on Monday 16 November with 15 working days, so due on 7 December; given to water the same day."""
    return Story(cast).accept().assign().start()


def task_of(story, department) -> Deadline:
    """The newest clock of a department."""
    rows = Deadline.objects.filter(complaint=story.pk, milestone=Milestone.TASK, assignment__department=department)
    return rows.latest("pk")


def resolve_of(story) -> Deadline:
    return Deadline.objects.filter(complaint=story.pk, milestone=Milestone.RESOLVE).latest("pk")


def move(story, when: str, **changes) -> None:
    values = {"department": story.cast.roads, "reason": "道路开挖所致", **changes}
    transitions.reassign(story.pk, by=story.cast.coordinator, at=at(when), **values)


def ledger_of(story, now: str) -> dict:
    complaint = Complaint.objects.select_related("policy", "complainant").get(pk=story.pk)
    case_records.load(complaint)
    names = {row.pk: row.department_id for row in complaint.assignments.all()}
    return {names[share.task.key]: share for share in time_ledger.of_case(complaint, now=at(now)).shares}


# --- The clock of a department ------------------------------------------------------------------------
def test_sla_04_a_department_has_its_own_limit_from_assignment(story, cast):
    own = task_of(story, cast.water)
    assert (own.amount, own.unit, own.state) == (10, "working_days", DeadlineState.RUNNING)
    assert own.due_at == at("2026-11-30 17:30")
    assert story.case.next_due_at < own.due_at < resolve_of(story).due_at


def test_sla_04_the_last_department_is_not_blamed_for_the_first(story, cast):
    """The first keeps the case twelve of fifteen working days; the second has the three left and uses them."""
    move(story, "2026-12-02 10:00")
    first, second = task_of(story, cast.water), task_of(story, cast.roads)
    assert (first.state, second.amount, second.due_at) == (DeadlineState.MISSED, 3, at("2026-12-07 17:30"))
    transitions.start(story.pk, by=cast.roads_handler, at=at("2026-12-02 11:00"))
    transitions.submit_for_check(
        story.pk, by=cast.roads_handler, process="核查", result="已修复", at=at("2026-12-07 16:00")
    )
    found = ledger_of(story, "2026-12-08 10:00")
    assert (found[cast.water.pk].is_late, found[cast.roads.pk].is_late) == (True, False)
    assert found[cast.water.pk].due_at == at("2026-11-30 17:30")
    assert found[cast.roads.pk].due_at == at("2026-12-07 17:30")
    assert task_of(story, cast.roads).state == DeadlineState.MET
    assert not clocks.was_late(story.case), "the case itself was in time"


def test_sla_04_the_figures_of_a_department_count_its_own_clock(story, cast):
    move(story, "2026-12-02 10:00")
    found = department_hours.department_hours(at("2026-12-01 00:00"), at("2027-01-01 00:00"))
    assert (found[cast.water.pk].limited, found[cast.water.pk].in_time) == (1, 0)


def test_sla_04_supporting_departments_have_clocks_of_their_own(story, cast):
    transitions.add_supporting(
        story.pk, by=cast.coordinator, department=cast.roads, task="核实", limit=2, at=at("2026-11-17 09:00")
    )
    own = task_of(story, cast.roads)
    assert own.due_at == at("2026-11-19 17:30")
    assert story.case.next_due_at == own.due_at, "the earliest clock orders the queue"
    transitions.finish_supporting(story.pk, by=cast.roads_handler, result="已核实", at=at("2026-11-20 09:00"))
    assert task_of(story, cast.roads).state == DeadlineState.MISSED
    assert task_of(story, cast.water).state == DeadlineState.RUNNING
    found = ledger_of(story, "2026-11-23 10:00")
    assert (found[cast.roads.pk].is_late, found[cast.water.pk].is_late) == (True, False)


def test_sla_04_lead_and_supporting_get_the_limit_given_with_the_assignment(cast):
    story = Story(cast).accept().assign(limit=4, supporting=[cast.roads])
    assert {task_of(story, unit).due_at for unit in (cast.water, cast.roads)} == {at("2026-11-20 17:30")}


def test_sla_04_a_limit_beyond_that_of_the_case_is_refused_at_its_field(client, cast):
    story = Story(cast).accept()
    with pytest.raises(InvalidInput) as refused:
        story.assign(limit=16)
    assert (refused.value.field, "15" in str(refused.value)) == ("limit", True)
    client.force_login(cast.coordinator)
    url = reverse("complaints:action", args=[story.case.number, "assign"])
    values = {"version": story.case.version, "department": "water", "task": "查明原因", "limit": "16"}
    answer = client.post(url, values)
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["limit"])
    assert client.post(url, values | {"limit": "0"}).status_code == 422
    assert not story.case.assignments.exists()
    story.assign(limit=15)
    assert task_of(story, cast.water).due_at == resolve_of(story).due_at


def test_sla_04_on_the_last_day_and_after_it_a_department_still_has_time(story, cast):
    move(story, "2026-12-07 10:00")
    assert task_of(story, cast.roads).due_at == at("2026-12-07 17:30")
    move(story, "2026-12-09 10:00", department=cast.water)
    assert task_of(story, cast.water).due_at == at("2026-12-10 17:30")


def test_sla_04_a_pause_of_the_case_stops_the_clock_of_the_department(story, cast):
    transitions.request_pause(
        story.pk, by=cast.water_handler, reason="appraisal", evidence="送检单", at=at("2026-11-17 08:30")
    )
    transitions.approve_pause(story.pk, by=cast.coordinator, approve=True, at=at("2026-11-17 13:30"))
    assert task_of(story, cast.water).state == DeadlineState.PAUSED
    move(story, "2026-11-18 13:30")
    assert task_of(story, cast.roads).state == DeadlineState.PAUSED, "given while the case stands"
    transitions.resume(story.pk, by=cast.coordinator, at=at("2026-11-19 13:30"))
    given = task_of(story, cast.roads)
    assert given.state == DeadlineState.RUNNING
    assert at("2026-12-02 17:30") < given.due_at <= resolve_of(story).due_at


def test_sla_04_a_granted_return_cancels_and_a_refused_one_gives_the_time_back(story, cast):
    transitions.request_return(story.pk, by=cast.water_handler, reason="不属于本部门", at=at("2026-11-18 09:00"))
    transitions.refuse_return(story.pk, by=cast.coordinator, note="由你部门办理", at=at("2026-11-24 09:00"))
    states = list(Deadline.objects.filter(complaint=story.pk, milestone="task").values_list("state", "due_at"))
    assert states == [
        (DeadlineState.CANCELLED, at("2026-11-30 17:30")),
        (DeadlineState.RUNNING, at("2026-12-04 17:30")),  # eight days were left, and four the office took
    ]
    assert not ledger_of(story, "2026-12-04 10:00")[cast.water.pk].is_late
    other = Story(cast).accept().assign().start()
    transitions.request_return(other.pk, by=cast.water_handler, reason="不属于本部门", at=at("2026-11-18 09:00"))
    transitions.grant_return(other.pk, by=cast.coordinator, note="同意", at=at("2026-11-18 10:00"))
    assert task_of(other, cast.water).state == DeadlineState.CANCELLED


def test_sla_04_its_reminders_reach_the_people_of_that_department_only(story, cast):
    """SLA-13: the handler is reminded, the head is told when it is over; nobody of the office or of another unit."""
    transitions.add_supporting(
        story.pk, by=cast.coordinator, department=cast.roads, task="核实", limit=2, at=at("2026-11-17 09:00")
    )
    jobs.sweep_deadlines(now=at("2026-11-19 13:40"))
    told = Notification.objects.filter(complaint=story.pk, params__milestone="task")
    assert {row.recipient for row in told} == {cast.roads_handler}
    jobs.sweep_deadlines(now=at("2026-12-01 09:00"))
    breached = told.filter(kind="breach")
    assert {row.recipient for row in breached} == {cast.roads_handler, cast.water_handler, cast.water_head}
    assert not told.filter(recipient__in=[cast.coordinator, cast.manager]).exists()


def test_sla_04_more_time_for_the_case_is_more_time_for_its_lead(story, cast):
    transitions.request_extension(story.pk, by=cast.water_handler, reason="等管件", at=at("2026-11-17 09:00"))
    transitions.approve_extension(story.pk, by=cast.coordinator, approve=True, note="同意", at=at("2026-11-17 10:00"))
    assert task_of(story, cast.water).due_at == at("2026-12-07 17:30")
    assert resolve_of(story).due_at == at("2026-12-14 17:30")


def test_sla_04_without_a_rule_there_is_no_clock_unless_somebody_gives_a_limit(cast):
    PolicyRule.objects.filter(milestone="task").delete()
    plain, limited = Story(cast).accept().assign(), Story(cast).accept().assign(limit=3)
    assert not Deadline.objects.filter(complaint=plain.pk, milestone="task").exists()
    assert task_of(limited, cast.water).due_at == at("2026-11-19 17:30")


def test_sla_12_a_missing_calendar_year_does_not_stop_the_assignment(cast):
    story = Story(cast).accept()
    CalendarYear.objects.filter(year=2026).delete()
    clocks.forget_calendar()
    story.assign()
    assert (story.case.status, story.case.calendar_missing) == ("assigned", True)


def test_sla_04_the_limit_is_computed_by_the_command(capsys):
    call_command(
        "due", "--policy", "house_default", "--milestone", "task", "--from", "2026-11-16T10:30+08:00", "--json"
    )
    assert "2026-11-30T17:30" in capsys.readouterr().out


def test_sla_04_the_case_the_queue_and_the_page_of_the_clock_show_it(client, cast):
    story = Story(cast).accept().assign(limit=8)
    story.start()
    own = task_of(story, cast.water)
    client.force_login(cast.water_handler)
    client.cookies["huiyin_language"] = "en"
    case = client.get(reverse("complaints:detail", args=[story.case.number])).content.decode()
    assert "Own limit of the department" in case
    assert f"Task of the department · {cast.water.name}" in case
    page = client.get(reverse("complaints:deadline", args=[story.case.number, own.pk])).content.decode()
    assert f"This is the own limit of {cast.water.name}" in page
    queue = client.get(reverse("complaints:queue")).content.decode()
    assert "Your task" in queue
    client.force_login(cast.coordinator)
    assert "Your task" not in client.get(reverse("complaints:queue") + "?view=all").content.decode()


def test_sla_04_the_list_costs_no_query_more_for_the_own_limit(client, cast, django_assert_max_num_queries):
    for number in range(3):
        Story(cast, f"2026-11-16 09:1{number}").accept().assign()
    client.force_login(cast.water_handler)
    client.get(reverse("complaints:queue"))
    with django_assert_max_num_queries(8):
        client.get(reverse("complaints:queue"))


# --- A new start on new facts --------------------------------------------------------------------------
def ask(story, when: str = "2026-11-23 09:00", **changes) -> ClockReset:
    values = {"facts": "另一栋楼也停水，须重新查管网", "evidence": "11 月 20 日居民来电记录", **changes}
    return transitions.request_reset(story.pk, by=story.cast.water_handler, at=at(when), **values)


def decide(story, when: str = "2026-11-23 14:00", **changes) -> ClockReset:
    values = {"by": story.cast.coordinator, "approve": True, "note": "情况属实", **changes}
    return transitions.approve_reset(story.pk, at=at(when), **values)


def test_sla_13_new_facts_let_the_clocks_begin_anew_that_the_policy_allows(story, cast):
    progress = Deadline.objects.get(complaint=story.pk, milestone="progress")
    ask(story)
    row = decide(story)
    assert resolve_of(story).due_at == at("2026-12-14 17:30")
    assert task_of(story, cast.water).due_at == at("2026-12-07 17:30")
    progress.refresh_from_db()
    assert (progress.state, progress.due_at.date()) == (DeadlineState.RUNNING, at("2026-11-23 00:00").date())
    assert set(row.changes) == {"resolve", f"task:{task_of(story, cast.water).assignment_id}"}
    assert story.case.next_due_at == progress.due_at
    assert not ledger_of(story, "2026-12-04 10:00")[cast.water.pk].is_late
    letter = Notice.objects.get(complaint=story.pk, kind="extension")
    assert "另一栋楼也停水" in letter.body
    assert "2026年12月14日" in letter.body
    assert Notification.objects.filter(complaint=story.pk, kind="extended", to_complainant=True).exists()


def test_sla_13_a_second_person_decides_and_facts_and_evidence_are_named(story, cast):
    for field in ("facts", "evidence"):
        with pytest.raises(InvalidInput) as refused:
            ask(story, **{field: " "})
        assert refused.value.field == field
    transitions.request_reset(story.pk, by=cast.coordinator, facts="新情况", evidence="来电", at=at("2026-11-23 09:00"))
    with pytest.raises(NotAllowed):
        decide(story)
    with pytest.raises(IllegalTransition):
        ask(story)
    with pytest.raises(StaleVersion):
        decide(story, by=cast.coordinator2, version=1)
    before = list(Deadline.objects.order_by("pk").values("pk", "state", "due_at"))
    assert decide(story, by=cast.coordinator2, approve=False).state == "refused"
    assert list(Deadline.objects.order_by("pk").values("pk", "state", "due_at")) == before
    assert not Notice.objects.filter(complaint=story.pk, kind="extension").exists()


def test_sla_13_without_a_clock_that_may_begin_anew_the_request_is_refused(client, story, cast):
    PolicyRule.objects.update(resets=False)
    with pytest.raises(IllegalTransition):
        ask(story)
    client.force_login(cast.water_handler)
    values = {"version": story.case.version, "facts": "新情况", "evidence": "来电"}
    url = reverse("complaints:action", args=[story.case.number, "request_reset"])
    assert client.post(url, values).status_code == 409


def test_sla_13_a_limit_missed_before_stays_missed(story, cast):
    ask(story, "2026-12-08 09:00")
    decide(story, "2026-12-08 10:00")
    states = list(Deadline.objects.filter(complaint=story.pk, milestone="resolve").values_list("state", flat=True))
    assert states == [DeadlineState.MISSED, DeadlineState.RUNNING]
    assert clocks.was_late(story.case)
    assert ledger_of(story, "2026-12-09 10:00")[cast.water.pk].is_late


def test_sla_12_the_page_of_a_date_says_that_it_began_anew_and_why(client, story, cast):
    old = resolve_of(story)
    ask(story)
    decide(story)
    client.force_login(cast.coordinator)
    client.cookies["huiyin_language"] = "en"
    for clock, says in ((resolve_of(story), "began anew"), (old, "a new one runs since")):
        page = client.get(reverse("complaints:deadline", args=[story.case.number, clock.pk])).content.decode()
        assert says in page
        assert "另一栋楼也停水" in page
    case = client.get(reverse("complaints:detail", args=[story.case.number])).content.decode()
    assert "Decided on the new start of the clocks" in case


def test_sla_13_the_case_offers_the_request_and_then_the_decision(client, story, cast):
    client.force_login(cast.coordinator)
    url = reverse("complaints:detail", args=[story.case.number])
    names = lambda: {row.move.action for row in client.get(url).context["clock_actions"]}  # noqa: E731
    assert {"request_reset"} == names() & {"request_reset", "approve_reset"}
    ask(story)
    assert {"approve_reset"} == names() & {"request_reset", "approve_reset"}

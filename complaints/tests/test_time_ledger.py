"""The time ledger of a case: nobody is blamed for the time of another (SLA-02, SLA-04, SLA-17)."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from django.core.cache import cache
from hypothesis import given, settings
from hypothesis import strategies as st

from complaints import case_records, clocks, department_hours, tasks, time_ledger, transitions
from complaints.calendars import SHANGHAI, ZERO
from complaints.clock_rules import ClockRule, Pause, Unit
from complaints.holiday_data import official_calendar
from complaints.models import CalendarYear, Complaint, Deadline
from complaints.states import PauseReason, Status
from complaints.tests.factories import Story, at
from complaints.time_ledger import History, Owner, Task, divide, share

CALENDAR = official_calendar()
HOUR = timedelta(hours=1)
FIRST, LAST = datetime(2024, 1, 1), datetime(2025, 6, 30)


def worked(pieces) -> timedelta:
    return sum((CALENDAR.working_time(piece.start, piece.end) for piece in pieces), ZERO)


# --- The arithmetic ---------------------------------------------------------------------------------
@st.composite
def histories(draw):
    """Any history: statuses in any order, tasks and pauses that may overlap, reach outside or never end."""
    start = draw(st.datetimes(FIRST, LAST, timezones=st.just(SHANGHAI)))

    def later(days: int = 40) -> datetime:
        return start + draw(st.timedeltas(timedelta(days=-2), timedelta(days=days)))

    def span():
        first = later()
        return first, draw(st.one_of(st.none(), st.timedeltas(ZERO, timedelta(days=20)).map(lambda n: first + n)))

    tasks = []
    for key in range(draw(st.integers(0, 4))):
        (given, ended), (asked, decided) = span(), span()
        is_asked = draw(st.booleans())
        tasks.append(
            Task(
                key,
                given,
                ended_at=ended,
                asked_at=asked if is_asked else None,
                decided_at=decided if is_asked else None,
                is_lead=draw(st.booleans()),
            )
        )
    moves = sorted((later(), draw(st.sampled_from(Status.values))) for _n in range(draw(st.integers(0, 8))))
    pauses = [Pause(*span()) for _n in range(draw(st.integers(0, 3)))]
    return History(start, start + draw(st.timedeltas(ZERO, timedelta(days=50))), moves, pauses, tasks)


@settings(deadline=None)
@given(histories())
def test_sla_02_the_spans_of_all_owners_add_up_to_the_whole(history):
    """Lead departments, office, pauses and rest are disjoint and leave nothing out."""
    pieces = divide(history)
    leads = {task.key for task in history.tasks if task.is_lead}
    by_owner = {owner: worked(piece for piece in pieces if piece.owner is owner) for owner in Owner}
    by_task = {key: worked(piece for piece in pieces if piece.task and piece.task.key == key) for key in leads}
    assert sum(by_owner.values(), ZERO) == CALENDAR.working_time(history.start, history.end)
    assert sum(by_task.values(), ZERO) == by_owner[Owner.DEPARTMENT]
    assert all(earlier.end == later.start for earlier, later in pairwise(pieces))


@settings(deadline=None)
@given(histories())
def test_sla_04_no_department_has_more_time_than_its_task_lasted(history):
    rule = ClockRule(3, Unit.WORKING_DAYS)
    for task in history.tasks:
        part = share(history, task, CALENDAR, rule)
        start, end = max(task.given_at, history.start), min(task.ended_at or history.end, history.end)
        assert ZERO <= part.untaken <= part.worked <= CALENDAR.working_time(start, end)


def test_sla_04_the_last_department_is_not_late_for_the_first():
    """Nine working days with the first, two with the second; both had five."""
    start = at("2025-03-03 09:00")
    first = Task(1, start, ended_at=at("2025-03-14 10:00"))
    second = Task(2, at("2025-03-14 10:00"))
    history = History(
        start,
        at("2025-03-18 10:00"),
        [(start, "assigned"), (at("2025-03-18 09:00"), "quality_check")],
        tasks=[first, second],
    )
    rule = ClockRule(5, Unit.WORKING_DAYS)
    assert share(history, first, CALENDAR, rule).is_late
    late, kept = share(history, first, CALENDAR, rule), share(history, second, CALENDAR, rule)
    assert (late.over > 20 * HOUR, kept.is_late, kept.is_done) == (True, False, True)
    assert kept.due_at == at("2025-03-21 17:30")


def test_sla_04_pauses_and_the_decision_on_a_return_move_the_own_limit():
    start = at("2025-03-03 09:00")
    rule = ClockRule(2, Unit.WORKING_DAYS)
    plain = Task(1, start)
    asked = Task(1, start, asked_at=at("2025-03-04 09:00"), decided_at=at("2025-03-06 09:00"))
    moves = [(start, "assigned"), (at("2025-03-07 09:00"), "quality_check")]
    end = at("2025-03-10 09:00")
    assert share(History(start, end, moves, tasks=[plain]), plain, CALENDAR, rule).is_late
    assert not share(History(start, end, moves, tasks=[asked]), asked, CALENDAR, rule).is_late
    paused = History(start, end, moves, [Pause(at("2025-03-04 09:00"), at("2025-03-06 09:00"))], [plain])
    assert not share(paused, plain, CALENDAR, rule).is_late


def test_sla_04_the_clock_of_the_task_comes_before_the_limit_of_the_case():
    start = at("2025-03-03 09:00")
    task = Task(1, start, ended_at=at("2025-03-05 09:00"), due_at=at("2025-03-04 17:30"), is_lead=False)
    part = share(History(start, at("2025-03-06 09:00"), tasks=[task]), task, CALENDAR, ClockRule(9, Unit.WORKING_DAYS))
    assert (part.due_at, part.over) == (at("2025-03-04 17:30"), timedelta(minutes=30))


# --- A case -----------------------------------------------------------------------------------------
def ledger_of(pk: int, now: str) -> time_ledger.Ledger:
    complaint = Complaint.objects.select_related("policy", "complainant").get(pk=pk)
    case_records.load(complaint)
    return time_ledger.of_case(complaint, now=at(now))


@pytest.fixture
def moved(cast):
    """Water has the case a day, the roads the rest; a pause and both checks lie between."""
    story = Story(cast, "2026-11-16 09:00").accept("2026-11-16 10:00").assign("2026-11-16 10:30").start()
    transitions.reassign(
        story.pk, by=cast.coordinator, department=cast.roads, reason="道路开挖所致", at=at("2026-11-17 10:30")
    )
    return story


@pytest.mark.django_db
def test_sla_02_each_department_stands_with_its_own_hours(cast, moved):
    """ASG-05: the hand-over ends the time of the first and begins that of the second."""
    found = ledger_of(moved.pk, "2026-11-18 10:30")
    hours = {share.task.key: found.leads[share.task.key] / HOUR for share in found.shares}
    assert sorted(hours.values()) == [7.5, 7.5]
    assert found.owners[Owner.OFFICE] == 1.5 * HOUR
    assert found.whole == sum(found.leads.values(), ZERO) + sum(found.owners.values(), ZERO)
    assert (found.is_over, found.on_time) == (False, None)


@pytest.mark.django_db
def test_sla_02_the_ledger_ends_with_the_reply_and_leaves_out_pauses(cast):
    story = Story(cast).accept().assign().start()
    transitions.request_pause(
        story.pk,
        by=cast.water_handler,
        reason=PauseReason.APPRAISAL,
        evidence="检测委托书",
        at=at("2026-11-17 08:30"),
    )
    transitions.approve_pause(story.pk, by=cast.coordinator, approve=True, at=at("2026-11-17 09:00"))
    transitions.resume(story.pk, by=cast.coordinator, at=at("2026-11-18 09:00"))
    story.submit("2026-11-18 15:00").reply("2026-11-19 10:00").deliver().call_back().close()
    found = ledger_of(story.pk, "2027-01-05 09:00")
    assert found.end == at("2026-11-19 10:00")
    assert found.owners[Owner.STOPPED] == 7.5 * HOUR
    assert found.owners[Owner.RESTING] == ZERO
    assert found.whole == sum(found.leads.values(), ZERO) + sum(found.owners.values(), ZERO)
    assert (found.is_over, found.on_time, found.shares[0].is_done) == (True, True, True)


@pytest.mark.django_db
def test_sla_04_a_supporting_department_is_measured_beside_the_lead(cast):
    story = Story(cast).accept().assign(supporting=[cast.roads]).start()
    transitions.finish_supporting(story.pk, by=cast.roads_handler, result="路面已恢复", at=at("2026-11-17 10:30"))
    found = ledger_of(story.pk, "2026-11-18 10:30")
    supporting = next(share for share in found.shares if not share.task.is_lead)
    assert (supporting.worked, supporting.is_late, supporting.is_done) == (7.5 * HOUR, False, True)
    assert supporting.task.key not in found.leads


@pytest.mark.django_db
def test_sla_17_the_first_contact_is_that_of_the_handling_side(cast):
    """A call of the office does not count, nor an attempt in vain."""
    story = Story(cast).accept().assign()
    call = {"direction": "out", "channel": "phone", "purpose": "information", "summary": "核实"}
    transitions.add_contact(story.pk, by=cast.intake, at=at("2026-11-16 10:40"), **call)
    transitions.start(story.pk, by=cast.water_handler, at=at("2026-11-16 10:50"))
    transitions.add_contact(story.pk, by=cast.water_handler, outcome="no_answer", at=at("2026-11-16 10:55"), **call)
    assert ledger_of(story.pk, "2026-11-16 11:00").first_contact is None
    transitions.add_contact(story.pk, by=cast.water_handler, at=at("2026-11-16 11:12"), **call)
    found = ledger_of(story.pk, "2026-11-17 11:00")
    assert found.first_contact is not None
    assert (found.first_contact.at, found.first_contact_after) == (at("2026-11-16 11:12"), 2 * HOUR)


# --- Pages ------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_sla_04_the_page_shows_owners_and_total_to_whoever_sees_the_case(client, cast, moved):
    url = f"/desk/cases/{moved.case.number}/ledger/"
    client.force_login(cast.coordinator)
    html = client.get(url).content.decode()
    assert cast.water.name in html
    assert cast.roads.name in html
    assert f'href="{url}"' in client.get(f"/desk/cases/{moved.case.number}/").content.decode()
    client.force_login(cast.water_handler)
    assert client.get(url).status_code == 404
    client.force_login(cast.roads_handler)
    assert client.get(url).status_code == 200


@pytest.mark.django_db
def test_sla_02_a_year_without_calendar_is_said_and_breaks_nothing(client, cast, moved):
    CalendarYear.objects.filter(year=2026).delete()
    clocks.forget_calendar()
    client.force_login(cast.coordinator)
    response = client.get(f"/desk/cases/{moved.case.number}/ledger/")
    assert (response.status_code, response.context["missing"]) == (200, 2026)


@pytest.mark.django_db
def test_sla_04_the_ledger_costs_few_queries(client, cast, moved, django_assert_max_num_queries):
    client.force_login(cast.coordinator)
    url = f"/desk/cases/{moved.case.number}/ledger/"
    client.get(url)
    with django_assert_max_num_queries(8):
        client.get(url)


# --- The month --------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_sla_04_the_month_counts_lead_and_supporting_by_their_own_time(cast):
    story = Story(cast).accept().assign(supporting=[cast.roads]).start()
    transitions.finish_supporting(story.pk, by=cast.roads_handler, result="路面已恢复", at=at("2026-11-17 10:30"))
    story.submit().reply().deliver().call_back().close()
    Story(cast).accept().assign().start()
    found = department_hours.department_hours(at("2026-11-01 00:00"), at("2026-12-01 00:00"))
    assert set(found) == {cast.water.pk, cast.roads.pk}
    water, roads = found[cast.water.pk], found[cast.roads.pk]
    assert (water.lead, water.supporting, water.percent_in_time) == (1, 0, 100)
    assert (roads.lead, roads.supporting, roads.worked) == (0, 1, 7.5 * HOUR)
    assert water.worked == next(iter(ledger_of(story.pk, "2026-12-01 00:00").leads.values()))
    assert not department_hours.department_hours(at("2026-12-01 00:00"), at("2027-01-01 00:00"))


@pytest.mark.django_db
def test_asg_06_a_granted_return_is_counted_for_the_department(cast):
    story = Story(cast).accept().assign()
    transitions.request_return(story.pk, by=cast.water_handler, reason="不属于本部门", at=at("2026-11-16 14:30"))
    transitions.grant_return(story.pk, by=cast.coordinator, at=at("2026-11-17 10:30"))
    hours = department_hours.department_hours(at("2026-11-01 00:00"), at("2026-12-01 00:00"))[cast.water.pk]
    assert (hours.returned, hours.tasks, hours.worked) == (1, 1, 2.5 * HOUR)


@pytest.mark.django_db
def test_sla_04_a_late_department_lowers_its_share_of_the_month(cast):
    story = Story(cast).accept().assign().start()
    Deadline.objects.filter(complaint=story.pk, milestone="task").update(due_at=at("2026-11-17 17:30"))
    story.submit().reply().deliver().call_back().close()
    hours = department_hours.department_hours(at("2026-11-01 00:00"), at("2026-12-01 00:00"))[cast.water.pk]
    assert (hours.limited, hours.in_time) == (1, 0)


@pytest.mark.django_db
def test_sla_04_the_times_of_a_period_are_kept_an_hour(cast, django_assert_max_num_queries):
    start, end = at("2026-11-01 00:00"), at("2026-12-01 00:00")
    cache.clear()
    Story(cast).to_closed()
    assert department_hours.kept(start, end)[cast.water.pk].lead == 1
    with django_assert_max_num_queries(1):
        assert department_hours.kept(start, end)[cast.water.pk].lead == 1


@pytest.mark.django_db
def test_sla_04_very_many_tasks_are_measured_by_a_worker_asked_once(
    cast, monkeypatch, django_capture_on_commit_callbacks
):
    start, end = at("2026-11-01 00:00"), at("2026-12-01 00:00")
    cache.clear()
    Story(cast).to_closed()
    monkeypatch.setattr(department_hours, "IN_REQUEST", 0)
    asked = []
    monkeypatch.setattr(tasks.work_out_hours, "apply_async", lambda kwargs, **_options: asked.append(kwargs))
    with django_capture_on_commit_callbacks(execute=True):
        assert [department_hours.kept(start, end) for _look in range(2)] == [None, None]
    assert len(asked) == 1
    assert tasks.work_out_hours(**asked[0]) == 1
    assert department_hours.kept(start, end)[cast.water.pk].lead == 1

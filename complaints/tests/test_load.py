"""How much each department and person has on hand, and who may count it (ASG-06, ASG-13)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import caches
from django.utils import timezone

from accounts.tests.factories import sign_in_anew
from complaints import clocks, load, transitions
from complaints.models import CalendarYear, Complaint
from complaints.tests.factories import Story, at, registered

pytestmark = pytest.mark.django_db

URL = "/desk/load/"
TIME = "/desk/figures/time/"
NOW = at("2026-11-18 09:00")


def due(story, moment, **values) -> None:
    Complaint.objects.filter(pk=story.pk).update(next_due_at=moment, **values)


def lines(scope=None, *, now=NOW) -> dict[str, load.Line]:
    return {line.name: line for line in load.departments(scope, now=now)}


def test_asg_13_a_department_stands_with_what_it_has_on_hand(cast):
    late, soon, paused, calm = (Story(cast).accept().assign().start() for _n in range(4))
    waiting = Story(cast).accept().assign()
    due(late, NOW - timedelta(hours=1))
    due(soon, NOW + timedelta(hours=20))
    due(paused, NOW - timedelta(hours=1), is_paused=True)
    due(calm, NOW + timedelta(days=9))
    due(waiting, NOW + timedelta(days=9))
    Story(cast).to_closed()
    line = lines()[cast.water.name]
    assert (line.open, line.overdue, line.soon, line.waiting) == (5, 1, 1, 1)
    assert line.age == 2.0


def test_asg_06_supporting_tasks_and_returns_that_wait_are_counted(cast):
    story = Story(cast).accept().assign(supporting=[cast.roads])
    transitions.request_return(story.pk, by=cast.water_handler, reason="不属于本部门", at=at("2026-11-16 11:00"))
    found = lines()
    assert (found[cast.water.name].returns, found[cast.water.name].supporting) == (1, 0)
    assert (found[cast.roads.name].returns, found[cast.roads.name].supporting, found[cast.roads.name].open) == (0, 1, 0)


def test_asg_13_the_fullest_department_comes_first_and_the_free_one_is_there(cast):
    Story(cast).accept().assign(department=cast.roads)
    names = [line.name for line in load.departments(None, now=NOW) if line.key]
    assert names[0] == cast.roads.name
    assert cast.water.name in names


def test_asg_13_what_no_department_has_is_shown_to_whoever_counts_everything(cast):
    registered()
    assert lines()[""].open == 1
    assert "" not in lines(frozenset({cast.water.pk}))


def test_asg_13_people_with_and_without_cases_are_listed(cast):
    Story(cast).accept().assign().start()
    Story(cast).accept().assign()
    found = {line.name: line.open for line in load.people(cast.water.pk, now=NOW)}
    assert found[cast.water_handler.display_name] == 1
    assert found[cast.water_handler2.display_name] == 0
    assert found[""] == 1


def test_asg_13_a_year_without_calendar_leaves_numbers_out(cast):
    Story(cast).accept().assign()
    CalendarYear.objects.filter(year=2026).delete()
    clocks.forget_calendar()
    line = lines()[cast.water.name]
    assert (line.open, line.soon, line.age) == (1, None, None)


# --- Who counts what ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("who", "seen"),
    [("coordinator", {"water", "roads"}), ("manager", {"water", "roads"}), ("auditor", {"water", "roads"}),
     ("water_head", {"water"}), ("water_handler", {"water"})],
)  # fmt: skip
def test_asg_13_departments_count_their_own_only(client, cast, who, seen):
    Story(cast).accept().assign()
    Story(cast).accept().assign(department=cast.roads)
    client.force_login(getattr(cast, who))
    names = {line.name for line in client.get(URL).context["lines"] if line.open}
    assert names == {getattr(cast, name).name for name in seen}


def test_asg_13_only_those_who_allocate_see_people(client, cast):
    Story(cast).accept().assign().start()
    client.force_login(cast.water_head)
    html = client.get(f"{URL}?department=water").content.decode()
    assert cast.water_handler2.display_name in html
    for who in (cast.auditor, cast.water_handler2):
        client.force_login(who)
        response = client.get(f"{URL}?department=water")
        assert "people" not in response.context
    client.force_login(cast.water_head)
    assert client.get(f"{URL}?department=roads").context["opened"] is None
    assert client.get(f"{URL}?department=%00&view=x").status_code == 200


def test_asg_13_the_page_is_closed_to_whoever_counts_nothing(client, cast):
    sign_in_anew(client, cast.administrator)
    assert client.get(URL).status_code == 403
    assert client.get(f"{URL}?view=ledger").status_code == client.get(TIME).status_code == 403


def test_asg_13_a_number_leads_to_the_cases_it_counts(client, cast):
    story = Story(cast).accept().assign()
    due(story, timezone.now() - timedelta(hours=1))
    Story(cast).accept().assign(department=cast.roads)
    client.force_login(cast.coordinator)
    water = next(line for line in client.get(URL).context["lines"] if line.key == cast.water.pk)
    for name in ("open", "overdue", "waiting"):
        rows = client.get(water.links[name]).context["rows"]
        assert [row.complaint.number for row in rows] == [story.case.number], name


def test_asg_13_the_time_ledger_shows_a_department_its_own_line_only(client, cast):
    """SLA-04: lead and supporting, by their own time, over the period that was chosen; the old address leads there."""
    story = Story(cast).accept().assign(supporting=[cast.roads]).start()
    transitions.finish_supporting(story.pk, by=cast.roads_handler, result="已恢复", at=at("2026-11-17 10:30"))
    story.submit().reply().deliver().call_back().close()
    client.force_login(cast.coordinator)
    assert client.get(f"{URL}?view=ledger").url == TIME
    response = client.get(f"{TIME}?period=2026-11")
    assert {line.name for line in response.context["lines"]} == {cast.water.name, cast.roads.name}
    client.force_login(cast.water_head)
    assert [line.name for line in client.get(f"{TIME}?period=2026-11").context["lines"]] == [cast.water.name]


@pytest.mark.parametrize("count", [1, 3])
def test_asg_13_the_page_costs_the_same_for_one_and_three_cases(client, cast, count, django_assert_max_num_queries):
    for _n in range(count):
        Story(cast).accept().assign(supporting=[cast.roads]).start()
    client.force_login(cast.coordinator)
    client.get(URL)
    caches["local"].clear()
    client.get("/desk/queue/")  # the numbers of the navigation and the references are kept a minute
    with django_assert_max_num_queries(8):
        assert client.get(f"{URL}?department=water").status_code == 200

"""Why a deadline falls on its day: the sentence and the drawing of the calendar (SLA-12, SLA-13)."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from complaints import clocks, deadline_page, transitions
from complaints.models import CalendarYear, Deadline
from complaints.states import PauseReason
from complaints.tests.factories import Story, at

pytestmark = pytest.mark.django_db

NOW = at("2026-11-23 09:00")


def clock(story, milestone="resolve"):
    return Deadline.objects.filter(complaint=story.pk, milestone=milestone).select_related("complaint__policy").get()


def drawn(deadline, *, now=NOW):
    """Day → the kinds of its marks and their words."""
    complaint = deadline.complaint
    calendar = clocks.working_calendar(complaint.policy.slots)
    drawing = deadline_page.draw(deadline, calendar, clocks.pauses_of(complaint), now=now)
    cells = [cell for week in drawing.weeks for cell in week if cell.is_inside]
    return drawing, {cell.day: {mark.kind: mark.text for mark in cell.marks} for cell in cells}


def counted(days):
    return [day for day, marks in days.items() if "counted" in marks]


@pytest.mark.parametrize("language", ["en"])
def test_sla_12_each_counted_day_carries_its_number(cast, language):
    """15 working days from Monday 16 November: numbers 1 to 15 on the days from Tuesday on, the last one due."""
    drawing, days = drawn(clock(Story(cast).accept()))
    assert (drawing.first, drawing.last) == (date(2026, 11, 16), date(2026, 12, 7))
    assert all(len(week) == 7 for week in drawing.weeks)
    assert list(days[date(2026, 11, 16)]) == ["start", "plain"]
    assert len(counted(days)) == 15
    assert "15" in days[date(2026, 12, 7)]["counted"]
    assert "17:30" in days[date(2026, 12, 7)]["due"]
    assert list(days[date(2026, 11, 21)]) == ["weekend"]


def test_sla_12_holidays_are_named_and_make_up_days_count(cast):
    _drawing, days = drawn(clock(Story(cast, "2026-09-18 09:12").accept("2026-09-18 10:00")))
    assert days[date(2026, 10, 1)]["holiday"] == "国庆节"
    assert "counted" not in days[date(2026, 10, 1)]
    makeup = days[date(2026, 9, 20)]
    assert "makeup" in makeup
    assert "counted" in makeup


def test_sla_12_sla_13_pauses_stand_in_the_drawing_and_extended_days_say_so(cast):
    story = Story(cast).accept().assign().start()
    transitions.request_extension(story.pk, by=cast.water_handler, reason="等管件", at=at("2026-11-16 14:00"))
    transitions.approve_extension(story.pk, by=cast.coordinator, approve=True, note="同意", at=at("2026-11-16 14:30"))
    transitions.request_pause(
        story.pk, by=cast.water_handler, reason=PauseReason.values[0], evidence="委托书", at=at("2026-11-16 15:00")
    )
    transitions.approve_pause(story.pk, by=cast.coordinator, approve=True, days=10, at=at("2026-11-17 13:30"))
    _drawing, standing = drawn(clock(story), now=at("2026-11-20 09:00"))
    assert "paused" in standing[date(2026, 11, 20)]
    assert not any("due" in marks for marks in standing.values())
    transitions.resume(story.pk, by=cast.water_handler, at=at("2026-11-19 13:30"))
    deadline = clock(story)
    drawing, days = drawn(deadline)
    assert [day for day, marks in days.items() if "paused" in marks] == [date(2026, 11, n) for n in (17, 18, 19)]
    assert "counted" not in days[date(2026, 11, 18)]
    assert len(counted(days)) == 20
    assert sum("extension" in marks for marks in days.values()) == 5
    assert drawing.due == deadline.due_at
    assert "due" in days[clocks.working_calendar().local(deadline.due_at).date()]


def test_sla_12_a_clock_of_hours_says_how_much_ran_on_each_day(cast):
    story = Story(cast, "2026-11-20 17:00")
    deadline = clock(story, "acknowledge")
    drawing, days = drawn(deadline)
    assert next(iter(days[date(2026, 11, 20)])) == "start"
    assert "30" in days[date(2026, 11, 20)]["counted"]
    assert "counted" not in days[date(2026, 11, 21)]
    assert "30" in days[date(2026, 11, 23)]["counted"]
    assert drawing.last == date(2026, 11, 23)


def test_sla_12_a_calendar_day_limit_that_rolls_forward_ends_after_its_last_number(cast):
    deadline = clock(Story(cast).accept())
    deadline.unit, deadline.amount = "calendar_days", 5
    _drawing, days = drawn(deadline)
    assert [day.day for day in counted(days)] == [17, 18, 19, 20, 21]
    assert list(days[date(2026, 11, 22)]) == ["weekend"]
    assert "due" in days[date(2026, 11, 23)]


def test_sla_12_the_page_and_its_link_on_the_case(client, cast):
    story = Story(cast).accept()
    deadline, number = clock(story), story.case.number
    client.force_login(cast.coordinator)
    url = reverse("complaints:deadline", args=[number, deadline.pk])
    assert url in client.get(reverse("complaints:detail", args=[number])).content.decode()
    page = client.get(url)
    assert page.status_code == 200
    assert page.context["reading"].explanation in page.content.decode().replace("&amp;", "&")
    assert page.content.decode().count('class="mark mark-counted"') == 15


def test_sla_12_only_the_clocks_of_a_case_one_sees(client, cast):
    story, other = Story(cast).accept(), Story(cast, "2026-11-16 09:30").accept()
    client.force_login(cast.coordinator)
    number = story.case.number
    assert client.get(reverse("complaints:deadline", args=[number, clock(other).pk])).status_code == 404
    client.force_login(cast.roads_handler)
    assert client.get(reverse("complaints:deadline", args=[number, clock(story).pk])).status_code == 404


def test_sla_12_a_missing_year_and_a_date_that_moved_are_said(client, cast):
    story = Story(cast).accept()
    deadline = clock(story)
    client.force_login(cast.coordinator)
    client.cookies["huiyin_language"] = "en"
    url = reverse("complaints:deadline", args=[story.case.number, deadline.pk])
    Deadline.objects.filter(pk=deadline.pk).update(due_at=at("2026-12-04 17:30"))
    assert "counted by today" in client.get(url).content.decode()
    CalendarYear.objects.filter(year=2026).delete()
    clocks.forget_calendar()
    page = client.get(url)
    assert (page.status_code, "2026 has no working calendar" in page.content.decode()) == (200, True)


def test_sla_12_a_very_long_clock_keeps_its_sentence(cast):
    deadline = clock(Story(cast).accept())
    deadline.unit, deadline.amount = "calendar_days", 420
    deadline.roll_forward = False
    drawing, _days = drawn(deadline)
    assert drawing.is_too_long
    assert not drawing.weeks

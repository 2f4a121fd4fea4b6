"""Every date says why, in words and drawn: the complainant's, risk meetings, later calls, bulletins (SLA-12)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from complaints import clocks, deadline_page, track_page, why_date
from complaints import transitions as t
from complaints.models import CalendarDay, CalendarYear, FollowUp
from complaints.tests.factories import Story, at, registered
from complaints.tests.test_public_track import signed_in
from complaints.transitions.incidents import declare_from_case

pytestmark = pytest.mark.django_db


def kinds(why: why_date.Why, kind: str) -> list[date]:
    """The days of the drawing with such a mark."""
    assert why.drawing is not None
    cells = [cell for week in why.drawing.weeks for cell in week]
    return [cell.day for cell in cells if any(mark.kind == kind for mark in cell.marks)]


# --- The complainant ----------------------------------------------------------------------------------
def test_sla_12_the_complainant_reads_and_sees_why_each_date_is_the_date(cast):
    """Of the decision, of the answer and of the call-back: a sentence and a drawing that end on the day shown."""
    story = Story(cast)
    client = signed_in(story.case, story.receipt.access_code)
    for step in (lambda: None, lambda: story.accept().assign().start(), lambda: story.submit().reply()):
        step()
        html = client.get("/track/case/").content.decode()
        due = track_page.read(story.case, now=timezone.now()).due
        assert due is not None
        assert due.why is not None, due.milestone
        assert due.why.sentence in html, due.milestone
        assert 'class="weeks"' in html, due.milestone
        assert kinds(due.why, "due") == [timezone.localdate(due.at)], due.milestone


def test_pi_12_pi_13_the_drawing_tells_the_complainant_nothing_of_the_inside(cast):
    """Neither who works on it nor why the clock stood; that it stood is told by its notice."""
    story = Story(cast).accept().assign().start()
    asked = at("2026-11-17 10:00")
    t.request_pause(story.pk, by=cast.water_handler, reason="appraisal", evidence="内部委托书", at=asked)
    t.approve_pause(story.pk, by=cast.coordinator, approve=True, days=9, at=asked)
    t.resume(story.pk, by=cast.coordinator, at=asked + timedelta(days=2))
    html = signed_in(story.case, story.receipt.access_code).get("/track/case/").content.decode()
    start = html.index('class="weeks"')
    drawing = html[start : html.index("</table>", start)]
    assert "mark-paused" in drawing
    for inside in ("内部委托书", cast.water.name, cast.water_handler.display_name, cast.coordinator.display_name):
        assert inside not in drawing


def test_jt_08_where_the_calendar_changed_since_nothing_is_explained(cast):
    story = Story(cast).accept().assign().start()
    due = track_page.read(story.case, now=timezone.now()).due
    assert due is not None
    CalendarDay.objects.create(day=timezone.localdate(due.at), is_working=False, name="停电")
    clocks.forget_calendar()
    again = track_page.read(story.case, now=timezone.now()).due
    assert again is not None
    assert again.why is None


# --- Days and hours that are no clock of a case -------------------------------------------------------
def test_risk_06_the_next_risk_meeting_is_drawn_from_the_day_it_is_counted_from(cast, client):
    story = Story(cast).accept()
    t.grade_risk(story.pk, by=cast.coordinator, grade="high", reason="多人聚集", at=at("2026-11-16 11:00"))
    client.force_login(cast.coordinator)
    page = client.get(reverse("complaints:detail", args=[story.case.number]))
    box = page.context["risk_box"]
    assert kinds(box.next_meeting_why, "start") == [box.next_meeting.since]
    assert kinds(box.next_meeting_why, "due") == [box.next_meeting.day]
    assert box.next_meeting_why.sentence == box.next_meeting.why
    assert 'class="weeks"' in page.content.decode()


def test_sla_08_a_later_call_says_and_draws_how_its_day_was_counted(cast, client):
    case = Story(cast).to_closed().case
    second, care = (
        FollowUp.objects.create(complaint=case, kind=kind, due_on=due_on, planned_at=at("2026-11-24 23:30"))
        for kind, due_on in (("second_contact", date(2026, 12, 1)), ("care_call", date(2026, 12, 24)))
    )
    client.force_login(cast.coordinator)
    for call, days in ((second, 7), (care, 30)):
        page = client.get(reverse("complaints:follow_up", args=[call.pk]))
        why = page.context["why"]
        assert str(days) in why.sentence
        assert "2026年11月24日" in why.sentence
        assert why.sentence in page.content.decode()
        assert 'class="weeks"' in page.content.decode()
        assert kinds(why, "start") == [date(2026, 11, 24)]
        assert kinds(why, "counted") == [date(2026, 11, 24) + timedelta(days=n) for n in range(1, days + 1)]
        assert kinds(why, "due") == [call.due_on]


def test_sla_09_sla_10_bulletin_and_first_contact_of_an_incident_say_why(cast, client):
    begun = at("2026-11-16 09:00")
    case = registered("2026-11-16 09:00").complaint
    response = declare_from_case(
        case.pk, title="槐荫里停水", kind="interruption", started_at=begun, by=cast.coordinator, at=begun
    )
    client.force_login(cast.coordinator)
    html = client.get(f"/desk/incidents/{response.incident.number}/response/").content.decode()
    bulletin = why_date.of_bulletin(response, now=timezone.now())
    contact = why_date.of_first_contact(response, now=timezone.now())
    assert bulletin is not None
    for why, hours, day in ((bulletin, "6", date(2026, 11, 16)), (contact, "24", date(2026, 11, 17))):
        assert hours in why.sentence
        assert "2026年11月16日" in why.sentence
        assert why.sentence in html
        assert kinds(why, "due") == [day]
    response.next_bulletin_due_at = at("2026-11-17 09:00")
    later = why_date.of_bulletin(response, now=timezone.now())
    assert later is not None
    assert "03:00" in later.sentence
    response.next_bulletin_due_at = None
    assert why_date.of_bulletin(response, now=timezone.now()) is None


def test_a_year_without_calendar_leaves_the_sentence_alone():
    CalendarYear.objects.all().delete()
    clocks.forget_calendar()
    assert why_date.of_days("七天后", date(2026, 11, 24), date(2026, 12, 1)) == why_date.Why("七天后")


def test_a_span_too_long_to_draw_or_turned_round_is_not_drawn():
    calendar, day = clocks.working_calendar(), date(2026, 1, 5)
    assert deadline_page.draw_days(day, day + timedelta(weeks=deadline_page.MAX_WEEKS), calendar).is_too_long
    assert deadline_page.draw_days(day, day - timedelta(days=1), calendar).weeks == []
    one = deadline_page.draw_days(day, day, calendar)
    assert [mark.kind for mark in one.weeks[0][0].marks] == ["start", "due"]

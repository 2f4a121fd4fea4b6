"""Reminders and escalations keep office hours; a breach is recorded at its time all the same (SLA-13, SLA-12)."""

from __future__ import annotations

import pytest

from complaints import clocks, jobs
from complaints.models import CalendarYear, CaseEvent, Complaint, Deadline, Notification
from complaints.tests.factories import Story, at

pytestmark = pytest.mark.django_db


@pytest.fixture
def resolve(cast) -> Deadline:
    """The only clock that warns: handling is due on Monday, 7 December, at 17:30."""
    story = Story(cast).accept().assign().start()
    deadline = story.case.deadlines.get(milestone="resolve", state="running")
    Deadline.objects.exclude(pk=deadline.pk).update(next_alert_at=None)
    return deadline


def in_hours(deadline: Deadline, complexity: str) -> None:
    """Make it a clock of hours, due in the night from Saturday to Sunday."""
    Complaint.objects.filter(pk=deadline.complaint_id).update(complexity=complexity)
    half, whole = (
        {"offset_kind": "fraction", "value": v, "recipients": ["owner"], "kind": k}
        for v, k in ((0.5, "reminder"), (1, "breach"))
    )
    Deadline.objects.filter(pk=deadline.pk).update(
        unit="hours",
        started_at=at("2026-12-05 10:00"),
        due_at=at("2026-12-06 02:00"),
        ladder=[half, whole],
        next_alert_at=at("2026-12-05 18:00"),
    )


def told(*kinds: str) -> list[str]:
    rows = Notification.objects.filter(kind__in=kinds or ("reminder", "breach", "escalation"))
    return sorted(rows.values_list("kind", flat=True))


def test_sla_13_saturday_night_is_quiet_and_monday_morning_tells(resolve):
    in_hours(resolve, "simple")
    assert jobs.sweep_deadlines(now=at("2026-12-05 22:00"))["alerts"] == 0
    assert jobs.sweep_deadlines(now=at("2026-12-06 02:01"))["alerts"] == 0
    assert told() == []
    assert jobs.sweep_deadlines(now=at("2026-12-07 08:29"))["alerts"] == 0
    assert jobs.sweep_deadlines(now=at("2026-12-07 08:30"))["alerts"] == 2
    assert jobs.sweep_deadlines(now=at("2026-12-07 08:31"))["alerts"] == 0
    assert told() == ["breach", "reminder"]


def test_sla_13_a_breach_in_the_night_is_recorded_in_the_night(resolve):
    in_hours(resolve, "simple")
    jobs.sweep_deadlines(now=at("2026-12-05 22:00"))
    jobs.sweep_deadlines(now=at("2026-12-06 02:01"))
    resolve.refresh_from_db()
    assert resolve.breached_at == at("2026-12-06 02:00")
    assert resolve.complaint.is_overdue
    assert CaseEvent.objects.get(complaint=resolve.complaint_id, kind="overdue").at == at("2026-12-06 02:01")
    jobs.sweep_deadlines(now=at("2026-12-07 08:30"))
    assert CaseEvent.objects.filter(complaint=resolve.complaint_id, kind="overdue").count() == 1


def test_sla_13_an_emergency_is_told_day_and_night(resolve):
    in_hours(resolve, "emergency")
    assert jobs.sweep_deadlines(now=at("2026-12-05 18:00"))["alerts"] == 1
    assert jobs.sweep_deadlines(now=at("2026-12-06 02:01"))["alerts"] == 1
    assert told() == ["breach", "reminder"]


def test_sla_13_a_held_clock_is_not_read_again_before_the_office_opens(resolve):
    in_hours(resolve, "simple")
    jobs.sweep_deadlines(now=at("2026-12-06 02:01"))
    resolve.refresh_from_db()
    assert (resolve.next_alert_at, resolve.alerts_sent) == (at("2026-12-07 08:30"), 0)
    assert not Deadline.objects.alert_due(at=at("2026-12-07 08:29")).exists()


def test_jt_02_what_an_outage_delayed_into_the_night_waits_for_the_morning(resolve):
    assert jobs.sweep_deadlines(now=at("2026-12-07 23:00"))["alerts"] == 0
    assert jobs.sweep_deadlines(now=at("2026-12-08 08:30"))["alerts"] == 2
    assert told("breach") == ["breach"] * 3


def test_sla_13_the_close_of_business_itself_is_told_by_the_sweep_that_follows(resolve):
    jobs.sweep_deadlines(now=at("2026-12-07 17:31"))
    assert told("breach") == ["breach"] * 3


def test_jt_10_a_case_settled_while_its_message_is_held_stays_quiet(resolve):
    in_hours(resolve, "simple")
    jobs.sweep_deadlines(now=at("2026-12-06 02:01"))
    complaint = resolve.complaint
    clocks.stop(complaint, "resolve", at=at("2026-12-06 09:00"))
    jobs.sweep_deadlines(now=at("2026-12-07 09:00"))
    assert told() == []


def test_jt_07_a_year_without_calendar_holds_nothing_back(resolve):
    in_hours(resolve, "simple")
    CalendarYear.objects.filter(year=2026).delete()
    clocks.forget_calendar()
    assert jobs.sweep_deadlines(now=at("2026-12-05 22:00"))["alerts"] == 1

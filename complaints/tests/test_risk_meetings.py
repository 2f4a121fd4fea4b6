"""Regular meetings about risky cases: when the next one is due, and who is reminded (RISK-06)."""

from __future__ import annotations

import pytest
from django.urls import reverse

from complaints import notify, risk_default, risk_meetings, transitions
from complaints.case_records import load
from complaints.messages import sentence
from complaints.models import Complaint, Notification, RiskAssessment, RiskStandard
from complaints.states import MeetingKind, RiskGrade, Status
from complaints.tests.factories import Story, at
from complaints.transitions import coordination

GRADED = at("2026-11-16 09:00")


@pytest.fixture
def story(cast) -> Story:
    """A high-risk case being handled; the first meeting is due on 17 November."""
    text = "电梯坠落，两人受伤，我要起诉，记者已到"
    made = Story(cast, narrative=text, persons_affected=12).accept().assign().start()
    assert made.case.risk_grade == RiskGrade.HIGH
    RiskAssessment.objects.filter(complaint=made.pk).update(at=GRADED)
    return made


def told() -> list[str]:
    rows = Notification.objects.filter(kind="risk_meeting_due").order_by("pk")
    return [row.recipient.display_name for row in rows]


def following(story, now: str) -> risk_meetings.Next | None:
    case = Complaint.objects.get(pk=story.pk)
    load(case)
    return risk_meetings.following(case, now=at(now))


def hold(story, cast, moment: str) -> None:
    when = at(moment)
    transitions.add_meeting(
        story.pk, held_at=when, participants="周明远、梁静怡", strategy="先致歉", by=cast.coordinator, at=when
    )


def test_risk_06_coordinator_and_team_are_reminded_of_a_meeting_once_a_week(story, cast):
    transitions.join_team(story.pk, user=cast.counsel2, role="legal", by=cast.counsel, at=GRADED)
    assert risk_meetings.remind(now=at("2026-11-16 18:00")) == {"told": 0}
    assert risk_meetings.remind(now=at("2026-11-17 08:25")) == {"told": 2}
    assert told() == [story.case.coordinator.display_name, cast.counsel2.display_name]
    for now in ("2026-11-17 08:25", "2026-11-18 08:25", "2026-11-23 08:25"):
        assert risk_meetings.remind(now=at(now)) == {"told": 0}
    assert risk_meetings.remind(now=at("2026-11-24 08:25")) == {"told": 2}


def test_risk_06_a_meeting_puts_the_next_one_off_by_the_interval_of_the_grade(story, cast):
    assert following(story, "2026-11-19 09:00").is_late
    hold(story, cast, "2026-11-19 10:00")
    step = following(story, "2026-11-26 09:00")
    assert (str(step.day), step.is_late) == ("2026-11-26", False)
    assert risk_meetings.remind(now=at("2026-11-25 08:25")) == {"told": 0}
    assert risk_meetings.remind(now=at("2026-11-26 08:25")) == {"told": 1}
    assert following(story, "2026-11-27 09:00").is_late


def test_risk_06_the_day_of_the_next_meeting_says_why(story, cast, client):
    first = following(story, "2026-11-16 12:00").why
    assert "1" in first
    assert "2026-11-16" in first
    hold(story, cast, "2026-11-17 10:00")
    why = following(story, "2026-11-18 09:00").why
    assert "2026-11-17" in why
    client.force_login(cast.coordinator)
    assert why in client.get(f"/desk/cases/{story.case.number}/").content.decode()


def test_risk_06_a_meeting_that_is_called_keeps_everybody_quiet_until_it_was_to_be(story, cast):
    row = coordination.call_meeting(
        story.pk,
        meeting_kind=MeetingKind.MEETING,
        subject="风险研判",
        planned_at=at("2026-11-20 14:00"),
        agenda="怎么回应",
        participants=[cast.counsel],
        by=cast.coordinator,
        at=at("2026-11-17 08:00"),
    )
    assert risk_meetings.remind(now=at("2026-11-19 08:25")) == {"told": 0}
    assert following(story, "2026-11-19 08:25").called_for == row.planned_at
    assert risk_meetings.remind(now=at("2026-11-21 08:25")) == {"told": 1}


def test_risk_06_a_rise_of_the_grade_asks_for_a_meeting_anew(story, cast):
    """The meetings about the lower grade do not count for the higher one."""
    RiskAssessment.objects.filter(complaint=story.pk).update(grade=RiskGrade.MEDIUM)
    Complaint.objects.filter(pk=story.pk).update(risk_grade=RiskGrade.MEDIUM)
    hold(story, cast, "2026-11-17 10:00")
    assert str(following(story, "2026-11-18 09:00").day) == "2026-12-17"
    transitions.grade_risk(
        story.pk, grade=RiskGrade.HIGH, reason="有媒体介入", by=cast.intake, at=at("2026-11-18 09:00")
    )
    assert str(following(story, "2026-11-18 10:00").day) == "2026-11-19"


def test_risk_06_no_meeting_is_asked_for_an_ordinary_or_a_closed_case(story, cast):
    Complaint.objects.filter(pk=story.pk).update(risk_grade=RiskGrade.ORDINARY)
    assert following(story, "2026-12-18 10:00") is None
    Complaint.objects.filter(pk=story.pk).update(risk_grade=RiskGrade.HIGH, status=Status.CLOSED)
    assert following(story, "2026-12-18 10:00") is None
    assert risk_meetings.remind(now=at("2026-12-18 08:25")) == {"told": 0}


def days(first: int, every: int) -> None:
    RiskStandard.objects.filter(is_active=True).update(
        meetings={**risk_default.MEETINGS, "high": {"first": first, "every": every}}
    )


def test_risk_06_the_standard_in_force_says_how_soon_and_how_often(story, cast):
    days(3, 5)
    assert str(following(story, "2026-11-17 09:00").day) == "2026-11-19"
    assert risk_meetings.remind(now=at("2026-11-18 08:25")) == {"told": 0}
    assert risk_meetings.remind(now=at("2026-11-19 08:25")) == {"told": 1}
    hold(story, cast, "2026-11-19 10:00")
    assert str(following(story, "2026-11-20 09:00").day) == "2026-11-24"


def test_risk_06_nought_is_for_meetings_as_needed(story, cast):
    days(0, 0)
    assert following(story, "2026-12-18 10:00") is None
    assert risk_meetings.remind(now=at("2026-12-18 08:25")) == {"told": 0}
    days(0, 5)
    assert str(following(story, "2026-11-17 09:00").day) == "2026-11-21"
    days(2, 0)
    assert str(following(story, "2026-11-17 09:00").day) == "2026-11-18"
    hold(story, cast, "2026-11-18 10:00")
    assert following(story, "2026-12-18 10:00") is None
    assert risk_meetings.remind(now=at("2026-12-18 08:25")) == {"told": 0}


def test_risk_06_a_revision_stored_before_it_named_meetings_has_the_shipped_ones(story):
    RiskStandard.objects.update(meetings=None)
    assert str(following(story, "2026-11-17 09:00").day) == "2026-11-17"


def test_risk_06_a_reminder_that_was_broken_off_is_made_up_for_and_nobody_hears_twice(story, cast, monkeypatch):
    transitions.join_team(story.pk, user=cast.counsel2, role="legal", by=cast.counsel, at=GRADED)
    tell = notify.tell_all

    def broken(messages):
        tell(messages)
        raise ConnectionError

    monkeypatch.setattr(notify, "tell_all", broken)
    with pytest.raises(ConnectionError):
        risk_meetings.remind(now=at("2026-11-17 08:25"))
    monkeypatch.setattr(notify, "tell_all", tell)
    risk_meetings.remind(now=at("2026-11-17 08:26"))
    assert sorted(told()) == sorted([story.case.coordinator.display_name, cast.counsel2.display_name])


def test_risk_06_the_reminders_of_many_cases_cost_as_many_queries_as_those_of_one(
    story, cast, django_assert_max_num_queries
):
    for _n in range(3):
        Story(cast, narrative="电梯坠落，两人受伤，我要起诉，记者已到", persons_affected=12).accept().assign()
    with django_assert_max_num_queries(20):
        risk_meetings.remind(now=at("2026-12-18 08:25"))
    assert len(told()) == 4


def test_risk_06_the_case_page_says_until_when_and_lets_the_coordinator_call_it(story, cast, client):
    client.force_login(cast.coordinator)
    address = reverse("complaints:detail", args=[story.case.number])
    page = client.get(address).content.decode()
    assert "2026 年 11 月 17 日" in page
    assert reverse("complaints:meeting", args=[story.case.number]) in page
    inbox = Notification(kind="risk_meeting_due", complaint=story.case, params={"day": "11-17"})
    assert story.case.number in sentence(inbox)
    assert "11-17" in sentence(inbox)

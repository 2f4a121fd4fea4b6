"""What becomes of a drafted result: returned until it is good, then told in the complainant's own channel."""

from __future__ import annotations

import pytest
from django.utils import timezone

from complaints import transitions
from complaints.models import Notification, Question
from complaints.states import CheckStage, DeadlineState, Milestone, QuestionKind, ReplyState, Status
from complaints.tests.factories import Story, at

pytestmark = pytest.mark.django_db


def resolve_due(story: Story):
    return story.case.deadlines.get(milestone=Milestone.RESOLVE, state=DeadlineState.RUNNING).due_at


def test_qua_05_a_case_goes_back_with_reasons_and_a_new_limit_until_it_is_good(cast):
    """Two rounds: Wednesday plus two working days, Friday plus one; the third check passes."""
    story = Story(cast).accept().assign().start().submit()
    for days, when, due, again in (
        (2, "2026-11-18 16:00", "2026-11-20", "2026-11-19 10:00"),
        (1, "2026-11-20 09:00", "2026-11-23", "2026-11-20 15:00"),
    ):
        transitions.return_for_rework(story.pk, by=cast.checker, comment="没有说明原因", days=days, at=at(when))
        assert story.case.status == Status.IN_PROGRESS
        assert timezone.localdate(resolve_due(story)).isoformat() == due
        story.submit(again)
    assert story.case.rework_rounds == 2
    returned = story.case.quality_checks.filter(stage=CheckStage.QUALITY, passed=False)
    assert {check.comment for check in returned} == {"没有说明原因"}
    assert Notification.objects.filter(kind="returned", recipient=cast.water_handler).count() == 2
    story.reply("2026-11-20 16:00")
    assert story.case.status == Status.REPLIED


@pytest.mark.parametrize("channel", ["web", "app", "email"])
def test_fb_01_03_an_online_complainant_is_answered_online_at_once(cast, channel):
    """The result stands on the tracking page, a mail says so; nobody has to ring."""
    story = Story(cast, channel=channel).to_reply()
    reply = story.case.replies.get()
    assert (reply.state, reply.delivered_at) == (ReplyState.SENT, reply.sent_at)
    assert Notification.objects.filter(kind="replied", to_complainant=True).count() == 1
    assert not Notification.objects.filter(kind="tell_reply").exists()


@pytest.mark.parametrize("channel", ["phone", "letter", "counter"])
def test_fb_01_02_whoever_rang_wrote_or_came_is_told_by_a_person(cast, channel):
    """A named person gets the task; the result counts as told only when they recorded it."""
    story = Story(cast, channel=channel).to_reply()
    assert story.case.replies.get().delivered_at is None
    told = Notification.objects.filter(kind="tell_reply").values_list("recipient", flat=True)
    assert list(told) == [story.case.coordinator_id]
    story.deliver()
    assert story.case.replies.get().delivered_at == at("2026-11-19 11:00")


def test_fb_05_questions_at_feedback_are_kept_with_their_answers(cast):
    story = Story(cast, channel="phone").to_reply().deliver()
    asked = transitions.add_question(
        story.pk, kind=QuestionKind.SUBSTANTIVE, text="以后还会停水吗", channel="phone", by=cast.intake,
        at=at("2026-11-19 11:05"),
    )  # fmt: skip
    transitions.answer_question(
        asked.pk, answer="12 月 20 日前更换主管道", clearly=True, by=cast.intake, at=at("2026-11-19 11:06")
    )
    row = Question.objects.get()
    assert (row.text, row.answer, row.is_clearly_answered) == ("以后还会停水吗", "12 月 20 日前更换主管道", True)
    assert (row.answered_by, row.answered_at) == (cast.intake, at("2026-11-19 11:06"))


def test_case_05_responsibility_names_a_department_and_a_person(cast):
    story = Story(cast).accept().assign().start()
    transitions.add_responsibility(
        story.pk, by=cast.water_handler, department=cast.water, person=cast.water_handler2, post="调度员",
        summary="未按规定提前通知", at=at("2026-11-17 10:00"),
    )  # fmt: skip
    row = story.case.responsibilities.get()
    assert (row.department, row.person, row.post) == (cast.water, cast.water_handler2, "调度员")

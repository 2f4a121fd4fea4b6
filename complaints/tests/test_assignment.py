"""Who gets a case, what they are told, whom it may never reach (ASG-03, ASG-04, ASG-07, ASG-08, ASG-12)."""

from __future__ import annotations

import pytest

from accounts.errors import InvalidInput
from complaints import transitions
from complaints.models import Assignment, Notification
from complaints.states import AssignmentRole, Milestone
from complaints.tests.factories import Story, at

WHEN = at("2026-11-16 11:00")
pytestmark = pytest.mark.django_db


def told(kind: str) -> set[str]:
    return set(Notification.objects.filter(kind=kind).values_list("recipient__staff_number", flat=True))


def test_asg_03_a_department_gets_a_task_and_a_limit(cast):
    """Without a task nothing is assigned; with it the clock of the answer begins."""
    story = Story(cast).accept()
    with pytest.raises(InvalidInput) as refused:
        story.assign(task=" ")
    assert refused.value.field == "task"
    assert not Assignment.objects.exists()
    assert not story.case.deadlines.filter(milestone=Milestone.FIRST_CONTACT).exists()
    story.assign(task="查明原因，答复投诉人")
    row = Assignment.objects.get()
    assert (row.department, row.role, row.task) == (cast.water, AssignmentRole.LEAD, "查明原因，答复投诉人")
    assert story.case.deadlines.get(milestone=Milestone.FIRST_CONTACT).due_at > at("2026-11-16 10:30")


def test_asg_04_the_department_is_told_and_confirms_receipt(cast):
    story = Story(cast).accept().assign()
    assert told("assigned") == {"W001", "W002", "W003"}
    assert Assignment.objects.get().received_at is None
    transitions.start(story.pk, by=cast.water_handler, at=WHEN)
    row = Assignment.objects.get()
    assert (row.received_at, row.handler) == (WHEN, cast.water_handler)


def test_asg_07_one_person_is_responsible_from_receipt_on(cast):
    """The coordinator of the office stays; the handler is whoever confirmed, then whoever took over."""
    story = Story(cast).accept().assign().start()
    assert (story.case.coordinator, story.case.handler) == (cast.intake, cast.water_handler)
    transitions.hand_over(story.pk, by=cast.water_head, handler=cast.water_handler2, reason="休假", at=WHEN)
    assert (story.case.coordinator, story.case.handler) == (cast.intake, cast.water_handler2)
    assert told("handed_over") == {"W002"}


def test_asg_08_a_supporting_department_has_a_task_and_a_result_of_its_own(cast):
    story = Story(cast).accept().assign().start()
    transitions.add_supporting(story.pk, by=cast.coordinator, department=cast.roads, task="恢复路面", at=WHEN)
    assert "R001" in told("assigned")
    transitions.finish_supporting(story.pk, by=cast.roads_handler, result="路面已恢复", at=at("2026-11-17 09:00"))
    row = Assignment.objects.get(role=AssignmentRole.SUPPORTING)
    assert (row.task, row.result, row.handler) == ("恢复路面", "路面已恢复", cast.roads_handler)
    assert row.ended_at == at("2026-11-17 09:00")
    assert story.case.lead_department == cast.water


@pytest.mark.parametrize("concern", ["accused", "complainant"])
def test_asg_12_whom_a_case_is_about_or_comes_from_never_gets_it(cast, concern):
    """Neither at assignment nor later by a colleague; the handler stays who it was."""
    story = Story(cast).accept()
    case = story.case
    if concern == "accused":
        case.accused_staff.add(cast.water_handler2)
    else:
        case.complainant.staff_user = cast.water_handler2
        case.complainant.save(update_fields=["staff_user"])
    with pytest.raises(InvalidInput) as refused:
        story.assign(handler=cast.water_handler2)
    assert refused.value.field == "handler"
    story.assign().start()
    with pytest.raises(InvalidInput) as refused:
        transitions.hand_over(story.pk, by=cast.water_head, handler=cast.water_handler2, reason="休假", at=WHEN)
    assert refused.value.field == "handler"
    assert story.case.handler == cast.water_handler
    assert "W002" not in told("assigned") | told("handed_over")


def test_asg_12_a_handler_belongs_to_the_department(cast):
    story = Story(cast).accept()
    with pytest.raises(InvalidInput) as refused:
        story.assign(handler=cast.roads_handler)
    assert refused.value.field == "handler"

"""Who gets a case, what they are told, whom it may never reach (ASG-03, ASG-04, ASG-07, ASG-08, ASG-12)."""

from __future__ import annotations

import pytest

from accounts.errors import IllegalTransition, InvalidInput
from complaints import clocks, selectors, transitions
from complaints.models import Assignment, CalendarYear, Notification
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


def test_asg_04_a_supporting_department_confirms_receipt_of_its_task(cast, client):
    """From then on one person is responsible for it, and hears its reminders instead of the whole department."""
    story = Story(cast).accept().assign(supporting=[cast.roads]).start()
    client.force_login(cast.roads_handler)
    assert "确认接收任务" in client.get(f"/desk/cases/{story.case.number}/").content.decode()
    transitions.receive_task(story.pk, by=cast.roads_handler, at=WHEN)
    row = Assignment.objects.get(role=AssignmentRole.SUPPORTING)
    assert (row.received_at, row.handler, row.state) == (WHEN, cast.roads_handler, "working")
    assert "receive_task" not in [move.action for move in selectors.available_actions(story.case, cast.roads_handler)]
    with pytest.raises(IllegalTransition):
        transitions.receive_task(story.pk, by=cast.roads_handler, at=at("2026-11-16 12:00"))
    row.refresh_from_db()
    assert row.received_at == WHEN
    assert (story.case.handler, story.case.status) == (cast.water_handler, "in_progress")


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


def ask_back(story: Story, cast, when: str) -> None:
    transitions.request_return(story.pk, by=cast.water_handler, reason="属于物业", at=at(when))


def test_asg_06_a_return_is_asked_for_within_five_working_days(cast):
    """Assigned on Monday the 16th: until the close of business of Monday the 23rd, and not a second longer."""
    story = Story(cast).accept().assign().start()
    with pytest.raises(IllegalTransition, match="2026-11-23 17:30"):
        ask_back(story, cast, "2026-11-23 17:30:01")
    assert Assignment.objects.get().return_requested_at is None
    ask_back(story, cast, "2026-11-23 17:30")
    assert Assignment.objects.get().return_requested_at == at("2026-11-23 17:30")


def test_asg_06_the_case_offers_a_return_only_while_it_can_be_asked_for(cast, client, monkeypatch):
    story = Story(cast).accept().assign().start()

    def offered() -> bool:
        moves = selectors.available_actions(story.case, cast.water_handler)
        return "request_return" in [move.action for move in moves]

    monkeypatch.setattr(selectors.timezone, "now", lambda: at("2026-11-17 09:00"))
    assert offered()
    client.force_login(cast.water_handler)
    page = client.get(f"/desk/cases/{story.case.number}/actions/request_return/").content.decode()
    assert "2026年11月23日 周一 17:30" in page
    monkeypatch.setattr(selectors.timezone, "now", lambda: at("2026-11-24 09:00"))
    assert not offered()
    monkeypatch.setattr(selectors.timezone, "now", lambda: at("2026-11-17 09:00"))
    Assignment.objects.update(is_designated=True)
    assert not offered()


def test_asg_06_a_year_without_calendar_closes_no_window(cast):
    story = Story(cast).accept().assign().start()
    CalendarYear.objects.filter(year=2026).delete()
    clocks.forget_calendar()
    ask_back(story, cast, "2026-11-30 09:00")
    assert Assignment.objects.get().return_reason == "属于物业"


@pytest.mark.parametrize("granted", [True, False])
def test_asg_05_who_asked_for_the_return_hears_the_decision(cast, granted):
    story = Story(cast).accept().assign().start()
    ask_back(story, cast, "2026-11-17 09:00")
    decide = transitions.grant_return if granted else transitions.refuse_return
    decide(story.pk, by=cast.coordinator, note="已核实职责", at=at("2026-11-17 14:00"))
    assert told("taken_back" if granted else "return_refused") == {"W001"}
    assert told("return_refused" if granted else "taken_back") == set()


def test_asg_05_who_had_the_case_hears_that_it_was_moved(cast):
    story = Story(cast).accept().assign().start()
    transitions.reassign(story.pk, by=cast.coordinator, department=cast.roads, reason="属于道路", at=WHEN)
    assert told("taken_back") == {"W001"}
    assert "R001" in told("assigned")


def test_asg_06_the_form_of_a_return_says_why_there_is_no_second_one(client, cast):
    story = Story(cast).accept().assign()
    url = f"/desk/cases/{story.case.number}/actions/request_return/"
    client.cookies["huiyin_language"] = "en"

    def says(text: str) -> bool:
        client.force_login(cast.water_head)
        return text in client.get(url).content.decode()

    moment = at("2026-11-17 10:00")
    transitions.request_return(story.pk, by=cast.water_head, reason="不属本部门", at=moment)
    assert says("A return of this case is being decided")
    transitions.refuse_return(story.pk, by=cast.coordinator, note="指定办理", at=moment)
    assert says("it cannot be returned again")
    with pytest.raises(IllegalTransition):
        transitions.request_return(story.pk, by=cast.water_head, reason="仍不属本部门", at=moment)

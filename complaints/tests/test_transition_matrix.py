"""Every status × every action, generated from the table (CASE-02, CASE-03, I4)."""

from __future__ import annotations

import inspect

import pytest
from django.db import transaction

from accounts.errors import IllegalTransition
from complaints import transitions
from complaints.models import CaseEvent, Complaint, ImportBatch
from complaints.states import COMPUTED_TARGETS, MOVES, Status
from complaints.tests.factories import Story, at, category

pytestmark = pytest.mark.django_db
LATER = at("2026-11-23 10:00")


def in_status(cast, status: Status) -> Story:
    """A case that reached the status through the real transitions."""
    story = Story(cast)
    if status == Status.REGISTERED:
        return story
    if status == Status.AWAITING_INFORMATION:
        transitions.request_information(story.pk, by=cast.intake, items="水费账单", at=at("2026-11-16 10:00"))
        return story
    if status == Status.NOT_ACCEPTED:
        transitions.refuse(
            story.pk, by=cast.intake, ground="other_proceedings", reason="法院已受理", at=at("2026-11-16 10:00")
        )
        return story
    story.accept()
    if status == Status.MERGED:
        # Answered together with the case it is merged into: only then can it be rated.
        primary = Story(cast).accept().assign()
        transitions.merge(
            story.pk, primary=primary.case, reason="同一次停水", by=cast.coordinator, at=at("2026-11-16 11:00")
        )
        primary.start().submit().reply()
        return story
    if status == Status.WITHDRAWN:
        transitions.withdraw(story.pk, by=None, at=at("2026-11-16 11:00"))
    if status in (Status.ACCEPTED, Status.WITHDRAWN):
        return story
    if status == Status.LEGAL_CHECK:
        story.high_risk()
    story.assign()
    if status == Status.ASSIGNED:
        return story
    story.start()
    if status == Status.IN_PROGRESS:
        return story
    story.submit()
    if status == Status.QUALITY_CHECK:
        return story
    story.reply()
    if status in (Status.LEGAL_CHECK, Status.REPLIED):
        return story
    story.call_back().close()
    if status == Status.ARCHIVED:
        transitions.archive(story.pk, by=cast.coordinator, at=at("2026-11-21 09:00"))
    return story


def prepare(cast, story: Story, action: str) -> dict:
    """Fulfil what the action answers to, and give its person and arguments."""
    if action in ("grant_return", "refuse_return") and story.case.status in (Status.ASSIGNED, Status.IN_PROGRESS):
        transitions.request_return(story.pk, by=cast.water_handler2, reason="不属于本部门", at=at("2026-11-18 16:00"))
    if action in ("receive_task", "finish_supporting"):
        transitions.add_supporting(
            story.pk, by=cast.coordinator, department=cast.roads, task="核实", at=at("2026-11-18 16:00")
        )
    if action in ("approve_pause", "resume"):
        transitions.request_pause(
            story.pk, by=cast.coordinator2, reason="appraisal", evidence="检测委托书", at=at("2026-11-18 16:00")
        )
    if action == "resume":
        transitions.approve_pause(story.pk, by=cast.coordinator, approve=True, at=at("2026-11-18 16:10"))
    if action == "approve_extension":
        transitions.request_extension(story.pk, by=cast.coordinator2, reason="检测未完成", at=at("2026-11-18 16:00"))
    if action == "approve_reset":
        transitions.request_reset(
            story.pk, by=cast.coordinator2, facts="另一栋楼也停水", evidence="居民来电", at=at("2026-11-18 16:00")
        )
    if action == "decide_unreasonable":
        transitions.propose_unreasonable(story.pk, by=cast.intake2, reason="要求赔偿一百万", at=at("2026-11-20 16:00"))
    if action == "unlink":
        other = Story(cast)
        transitions.link(
            story.pk,
            other=other.case,
            kind="same_matter",
            reason="同一处",
            by=cast.coordinator,
            at=at("2026-11-20 16:00"),
        )
        return {"by": cast.coordinator, "other": other.case, "reason": "不是一件事", "at": LATER}
    if action == "leave_incident":
        transitions.open_incident([story.pk], title="城东停水", by=cast.coordinator, at=at("2026-11-20 16:00"))
    if action == "join_incident":
        incident = transitions.open_incident(
            [Story(cast).pk], title="城东停水", by=cast.coordinator, at=at("2026-11-20 16:00")
        )
        return {"by": cast.coordinator, "incident": incident, "at": LATER}
    if action == "undo_import":
        batch = ImportBatch.objects.create(file_hash="0" * 64, source="old.csv")
        Complaint.objects.filter(pk=story.pk).update(import_batch=batch)
        with transaction.atomic():
            transitions.add_event(transitions.lock(story.pk), "import", by=cast.intake, at=at("2026-11-22 16:00"))
    c, moment = cast, LATER
    return {
        "request_information": {"by": c.intake, "items": "照片"},
        "receive_information": {"by": None, "answer": "见附件"},
        "accept": {"by": c.intake, "rule": "在受理范围内", "category": category()},
        "refuse": {"by": c.intake, "ground": "other_proceedings", "reason": "法院已受理"},
        "rescreen": {"by": c.coordinator, "reason": "补充了新事实"},
        "withdraw": {"by": None},
        "classify": {"by": c.intake, "severity": "serious"},
        "grade_risk": {"by": c.intake, "grade": "medium", "reason": "多人反映"},
        "record_facts": {"by": c.intake, "true_need": "要热水给老人洗澡", "threats": ["media"]},
        "judge_validity": {"by": c.intake, "is_valid": True, "reason": "事实清楚"},
        "propose_unreasonable": {"by": c.intake, "reason": "要求赔偿一百万"},
        "decide_unreasonable": {"by": c.coordinator, "agree": False, "reason": "诉求合理"},
        "link": {"by": c.coordinator, "other": Story(cast).case, "kind": "same_person", "reason": "同一电话"},
        "unlink": {},
        "merge": {"by": c.coordinator, "primary": Story(cast).case, "reason": "同一次停水"},
        "undo_merge": {"by": c.coordinator, "reason": "不是一件事"},
        "join_incident": {},
        "leave_incident": {"by": c.coordinator, "reason": "另一处"},
        "undo_import": {"by": c.intake, "reason": "导错了文件"},
        "assign": {"by": c.coordinator, "department": c.water, "task": "查明原因"},
        "reassign": {"by": c.coordinator, "department": c.roads, "reason": "道路开挖引起"},
        "add_supporting": {"by": c.coordinator, "department": c.roads, "task": "核实"},
        "request_return": {"by": c.water_handler, "reason": "不属于本部门"},
        "grant_return": {"by": c.coordinator, "note": "同意"},
        "refuse_return": {"by": c.coordinator, "note": "由你部门办理"},
        "start": {"by": c.water_handler},
        "hand_over": {"by": c.water_handler, "handler": c.water_handler2, "reason": "出差"},
        "receive_task": {"by": c.roads_handler},
        "finish_supporting": {"by": c.roads_handler, "result": "已核实"},
        "submit_for_check": {"by": c.water_handler, "process": "查了日志", "result": "已修复"},
        "return_for_rework": {"by": c.checker, "comment": "缺完成日期"},
        "pass_quality": {"by": c.checker},
        "pass_legal": {"by": c.counsel, "comment": "合法"},
        "return_from_legal": {"by": c.counsel, "comment": "依据不足"},
        "request_pause": {"by": c.coordinator2, "reason": "appraisal", "evidence": "检测委托书"},
        "approve_pause": {"by": c.coordinator, "approve": True},
        "resume": {"by": c.coordinator},
        "request_extension": {"by": c.coordinator2, "reason": "检测未完成"},
        "approve_extension": {"by": c.coordinator, "approve": True, "note": "同意"},
        "request_reset": {"by": c.coordinator2, "facts": "另一栋楼也停水", "evidence": "居民来电"},
        "approve_reset": {"by": c.coordinator, "approve": True, "note": "同意"},
        "call_back": {"by": c.intake2, "outcome": "reached", "satisfaction": "satisfied", "is_solved": True},
        "rate": {"by": None, "satisfaction": "satisfied"},
        "close": {"by": c.coordinator2, "is_systemic": False, "is_cured": True},
        "reopen": {"by": c.coordinator, "reason": "又停水了"},
        "archive": {"by": c.coordinator},
    }[action] | {"at": moment}


def snapshot(pk: int) -> tuple:
    case = Complaint.objects.values().get(pk=pk)
    return case, list(CaseEvent.objects.filter(complaint=pk).values_list("hash", flat=True))


@pytest.mark.parametrize("status", list(Status))
def test_every_action_that_the_table_lacks_is_refused_and_changes_nothing(cast, status):
    story = in_status(cast, status)
    before = snapshot(story.pk)
    for action, move in MOVES.items():
        if status in move.sources:
            continue
        function = transitions.ACTIONS[action]
        needed = {
            name: None
            for name, parameter in inspect.signature(function).parameters.items()
            if parameter.default is inspect.Parameter.empty and name != "complaint_id"
        }
        with pytest.raises(IllegalTransition):
            function(story.pk, **needed)
    assert snapshot(story.pk) == before


@pytest.mark.parametrize("status", list(Status))
def test_every_action_of_the_table_works_and_leaves_one_versioned_event(cast, status):
    """CASE-12: what was done, with the status before and after."""
    story = in_status(cast, status)
    assert story.case.status == status
    for action, move in MOVES.items():
        if status not in move.sources:
            continue
        with transaction.atomic():
            if action == "close":
                story.call_back("2026-11-20 10:00")
            arguments = prepare(cast, story, action)
            before = story.case
            transitions.ACTIONS[action](story.pk, **arguments)
            after = story.case
            targets = COMPUTED_TARGETS.get(action, (move.target or before.status,))
            assert after.status in targets, action
            event = CaseEvent.objects.filter(complaint=story.pk, version=after.version).get()
            assert (event.kind, event.from_status, event.to_status, event.version) == (
                action,
                before.status,
                after.status,
                before.version + 1,
            )
            transaction.set_rollback(True)


def test_the_table_has_a_function_for_every_action():
    assert set(transitions.ACTIONS) == set(MOVES)

"""What the early warnings point at: with the ordinary story, one case for every rule that the pages let arise.

Told before the warnings are worked out, which look at what happened up to yesterday.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import QuerySet

from complaints import clocks, transitions
from complaints.models import Complaint, ExternalBody
from complaints.states import (
    SELF_SERVICE,
    Channel,
    ContactDirection,
    ContactOutcome,
    ContactPurpose,
    FindingResult,
    QuestionKind,
    RefusalGround,
    RiskGrade,
    Satisfaction,
    Status,
)
from config.demo.handling import owner_of
from config.demo.story import Teller, attempt

# What one complainant asked again on successive days, and what was answered.
_ASKED = [
    (QuestionKind.REMINDER, "三天了，请问查得怎么样？", "正在核实，请耐心等待。"),
    (QuestionKind.SUBSTANTIVE, "到底是哪里坏了？什么时候能修好？", "已转相关部门处理。"),
    (QuestionKind.SUBSTANTIVE, "上次说转了部门，是哪个部门？谁负责？", "相关部门会联系您。"),
    (QuestionKind.SUBSTANTIVE, "没有人联系我。请给一个明确的日期。", "会尽快处理。"),
    (QuestionKind.SUBSTANTIVE, "“尽快”是哪一天？老人在家等着。", ""),
]


def tell(teller: Teller) -> None:
    """One case for each warning that the ordinary story does not bring about."""
    told = teller.now - timedelta(hours=30)
    handled = Complaint.objects.filter(status=Status.IN_PROGRESS, lead_department__isnull=False)
    handled = handled.select_related("lead_department").order_by("pk")
    plain = handled.filter(status_since__lt=told, risk_grade=RiskGrade.ORDINARY).exclude(
        assignments__role="supporting", assignments__is_current=True, assignments__ended_at=None
    )
    satisfied = Complaint.objects.filter(
        status=Status.CLOSED, callbacks__satisfaction=Satisfaction.SATISFIED, channel=Channel.PHONE
    )
    refused = Complaint.objects.filter(status=Status.NOT_ACCEPTED, status_since__lt=told)
    _first(plain.filter(investigation_steps=None), partial(_close_unread, teller, told))
    _first(plain, partial(_answer_briefly, teller, told))
    _first(handled.filter(status_since__lt=told - timedelta(days=5)), partial(_ask_again, teller, told))
    _first(satisfied.order_by("-closed_at"), partial(_come_back, teller, told))
    _first(refused.order_by("-status_since"), partial(_refuse_again, teller, told))


def _first(cases: QuerySet[Complaint], step: Callable[[Complaint], None]) -> None:
    """Take the step with the first case that the rules allow it for."""
    for case in cases:
        if attempt(partial(step, case)):
            break


# --- Asked again, contradicted, refused again (RISK-10, QUA-09, REV-25) -----------------------------------
@transaction.atomic
def _ask_again(teller: Teller, told: datetime, case: Complaint) -> None:
    """The complainant asks day after day, and no answer says anything."""
    owner = owner_of(teller, case)
    for index, (kind, text, answer) in enumerate(_ASKED):
        at = told - timedelta(days=len(_ASKED) - 1 - index)
        question = transitions.add_question(
            case.pk, kind=kind, text=text, channel=Channel(case.channel), by=None, at=at
        )
        if answer:
            transitions.answer_question(question.pk, answer=answer, clearly=False, by=owner, at=at + timedelta(hours=3))


@transaction.atomic
def _come_back(teller: Teller, told: datetime, case: Complaint) -> None:
    """Noted down as satisfied, the complainant is on the telephone again after the case was closed."""
    transitions.add_contact(
        case.pk,
        by=teller.people.role("intake_officer")[0],
        direction=ContactDirection.IN,
        channel=Channel.PHONE,
        purpose=ContactPurpose.OTHER,
        summary="来电表示问题又出现了，当时回访并没有说满意。",
        recording_reference=f"REC{8_000_000 + case.pk}",
        at=told,
    )


@transaction.atomic
def _refuse_again(teller: Teller, told: datetime, case: Complaint) -> None:
    """Taken up again after an objection, and refused a second time."""
    clerk, office = teller.people.role("intake_officer")[0], teller.people.role("coordinator")[0]
    transitions.rescreen(case.pk, by=office, reason="投诉人补充了材料，要求重新审查", at=told)
    transitions.refuse(
        case.pk,
        by=clerk,
        ground=RefusalGround.OUT_OF_SCOPE,
        rule="属于政府部门管理的事项，不在本单位受理范围",
        reason="补充的材料仍属其他单位负责的事项，我们没有处理权限。",
        body=ExternalBody.objects.first(),
        at=told + timedelta(hours=2),
    )


# --- Handled for the sake of form (QUA-10) ----------------------------------------------------------------
@transaction.atomic
def _answer_briefly(teller: Teller, at: datetime, case: Complaint) -> None:
    """A reply of a few words that passed its check."""
    owner, checker = owner_of(teller, case), teller.people.role("quality_checker")[0]
    if not case.allegations.exists():
        transitions.add_allegation(case.pk, text=case.subject, by=owner, at=at)
    for allegation in case.allegations.filter(finding=""):
        transitions.set_finding(
            allegation.pk, by=owner, finding=FindingResult.BASICALLY, reason="与投诉人所述相符", at=at
        )
    transitions.submit_for_check(case.pk, by=owner, process="已核实。", result="已处理完毕。", at=at)
    transitions.pass_quality(case.pk, by=checker, comment="同意", at=at + timedelta(minutes=20))


@transaction.atomic
def _close_unread(teller: Teller, at: datetime, case: Complaint) -> None:
    """Judged valid and answered, told, rated and closed within two hours; nobody had looked into it."""
    people = teller.people
    office, caller = people.role("coordinator")[0], people.role("intake_officer")[0]
    transitions.judge_validity(case.pk, is_valid=True, reason="事实具体，属于本单位职责", by=office, at=at)
    _answer_briefly(teller, at, case)
    told = at + timedelta(minutes=40)
    if case.channel not in SELF_SERVICE:
        transitions.add_contact(
            case.pk,
            by=caller,
            direction=ContactDirection.OUT,
            channel=Channel(case.channel),
            purpose=ContactPurpose.REPLY,
            summary="已告知处理完毕。",
            at=told,
        )
    transitions.call_back(
        case.pk,
        by=caller,
        outcome=ContactOutcome.REACHED,
        satisfaction=Satisfaction.BASICALLY,
        is_solved=True,
        comment="说可以了",
        at=told + timedelta(minutes=30),
    )
    case.refresh_from_db()
    transitions.close(
        case.pk,
        by=office,
        is_systemic=False,
        is_cured=True,
        late_reason="other" if clocks.was_late(case) else "",
        at=told + timedelta(minutes=50),
    )

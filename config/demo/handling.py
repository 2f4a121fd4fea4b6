"""What stands beside the ordinary handling in the demo: promises, meetings, people with special needs, a dispute in
court, evidence, surveys and call samples, and the archive; also the states a case passes in an afternoon."""

from __future__ import annotations

import io
from datetime import timedelta
from decimal import Decimal
from functools import partial
from zlib import crc32

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image, ImageDraw

from accounts.models import User
from complaints import call_samples, files, surveys, transitions
from complaints import quality as standards
from complaints.models import CallSample, Complaint
from complaints.models.risk import SettlementStep, TeamRole
from complaints.states import (
    Channel,
    ConsequenceKind,
    ContactDirection,
    ContactPurpose,
    EvidenceKind,
    FindingResult,
    MeetingKind,
    NeedOutcome,
    PartyKind,
    RiskGrade,
    Status,
    TaskKind,
)
from complaints.transitions import care, consultation, coordination, explanations, needs, quality, risk
from config.demo.story import Teller, attempt


def tell(teller: Teller) -> None:
    """Every chapter for itself: what the rules refuse on this day of the story is left out."""
    open_cases = list(
        Complaint.objects.filter(status=Status.IN_PROGRESS, lead_department__isnull=False)
        .select_related("lead_department", "handler")
        .order_by("-pk")[:30]
    )
    closed = list(Complaint.objects.filter(status=Status.CLOSED).order_by("pk"))
    for index, case in enumerate(open_cases[:3]):
        _coordinate(teller, case, newest=index == 0)
    for case in open_cases[3:6]:
        _care(teller, case)
    _afternoon(teller, open_cases[6:])
    _dispute(teller, closed)
    _listening(teller, closed)
    _archive(teller, closed)


def owner_of(teller: Teller, case: Complaint) -> User:
    """Who has the case in hand."""
    assert case.lead_department is not None
    return case.handler or teller.people.role("case_handler", case.lead_department.code)[0]


# --- Coordination (COO) -------------------------------------------------------------------------------
def _coordinate(teller: Teller, case: Complaint, *, newest: bool) -> None:
    now, people = teller.now, teller.people
    assert case.lead_department is not None
    code = case.lead_department.code
    owner, head = owner_of(teller, case), people.role("department_head", code)[0]
    office = people.role("coordinator")[0]
    begun = now - timedelta(minutes=90)
    promise = coordination.make_promise(
        case.pk, text="查明原因后当天来电说明", due_at=now + timedelta(hours=20), by=owner, at=begun
    )
    coordination.make_promise(
        case.pk, text="本周五前把检测结果送到投诉人手中", due_at=now + timedelta(days=4), by=owner, at=begun
    )
    day = timezone.localdate(now)
    asked = coordination.ask_party(
        case.pk,
        party_kind=PartyKind.CONTRACTOR,
        party="望澜市政维护有限公司",
        question="请说明当日作业的起止时间、人员和通知情况，并附作业单。",
        due_on=day + timedelta(days=5),
        by=owner,
        at=begun,
    )
    meeting = coordination.call_meeting(
        case.pk,
        subject="原因会商和分工",
        planned_at=now - timedelta(minutes=40),
        agenda="一、各方核实的情况\n二、原因和责任\n三、整改措施、分工和完成日期",
        participants=[office, owner, head],
        meeting_kind=MeetingKind.GROUP if newest else MeetingKind.MEETING,
        place="三楼会议室",
        by=office,
        at=begun,
    )
    contact = transitions.add_contact(
        case.pk,
        by=owner,
        direction=ContactDirection.OUT,
        channel=Channel.PHONE,
        purpose=ContactPurpose.PROGRESS,
        summary="说明了目前查明的原因和下一步安排。",
        at=now - timedelta(minutes=30),
    )
    explanations.explain_cause(
        case.pk, cause="设备老化，巡检记录不全，故障没有及时发现。", contact=contact, by=owner, at=contact.at
    )
    if newest:
        return
    coordination.keep_promise(promise.pk, by=owner, at=now - timedelta(minutes=28))
    coordination.receive_statement(
        asked.pk, answer="当日 8 时开始作业，因备件未到延至次日；未能提前张贴通知，我公司认可。", by=owner,
        at=now - timedelta(minutes=20),
    )  # fmt: skip
    coordination.record_minutes(
        meeting.pk,
        minutes="各方一致认为设备老化是主要原因，通知不到位是次要原因。",
        decisions="两周内更换老化部件\n作业前一天张贴通知",
        by=office,
        at=now - timedelta(minutes=15),
    )
    coordination.task_from_meeting(
        meeting.pk,
        what="两周内更换老化部件",
        department=case.lead_department,
        owner=owner,
        due_on=day + timedelta(days=14),
        by=office,
        at=now - timedelta(minutes=10),
    )
    attempt(partial(explanations.ask_head, case.pk, by=office, at=now - timedelta(minutes=8)))


# --- People with special needs (SPG) ------------------------------------------------------------------
def _care(teller: Teller, case: Complaint) -> None:
    now, people = teller.now, teller.people
    assert case.lead_department is not None
    owner = owner_of(teller, case)
    clerk, office = people.role("intake_officer")[0], people.role("coordinator")[0]
    groups, need = (
        (["elderly"], "独居，听力不好，来电请大声慢讲，材料用大字"),
        (["disabled"], "使用轮椅，不能到窗口办理"),
        (["elderly", "disabled"], "行动不便，需要送水上门"),
    )[case.pk % 3]
    care.record_consent(
        case.pk, groups=groups, needs=need, given_how="电话中同意，已录音", by=clerk, at=now - timedelta(minutes=70)
    )
    wanted = needs.record_need(case.pk, need="办理期间需要上门服务", by=owner, at=now - timedelta(minutes=60))
    visit = coordination.give_task(
        case.pk,
        what="上门送水两桶，并核对水表读数",
        department=case.lead_department,
        owner=owner,
        due_on=timezone.localdate(now) + timedelta(days=1),
        task_kind=TaskKind.VISIT,
        by=office,
        at=now - timedelta(minutes=50),
    )
    if case.pk % 3 == 0:
        return
    needs.settle_need(
        wanted.pk,
        outcome=NeedOutcome.ALTERNATIVE if case.pk % 3 == 1 else NeedOutcome.INDIVIDUAL,
        solution="每两天由社区网格员送水一次，直到恢复供水。",
        by=owner,
        at=now - timedelta(minutes=40),
    )
    coordination.finish_task(visit.pk, result="已送到，本人签收；读数已拍照。", by=owner, at=now - timedelta(minutes=5))


# --- States that last an afternoon --------------------------------------------------------------------
def _afternoon(teller: Teller, cases: list[Complaint]) -> None:
    """One case waits for the quality check, one for legal, one for what the complainant was asked for."""
    now, people = teller.now, teller.people
    checker = people.role("quality_checker")[0]
    drafted: list[Complaint] = []
    for case in cases:
        if len(drafted) == 2:
            break
        if attempt(partial(_draft, teller, case, is_risky=not drafted)):
            drafted.append(case)
    if drafted:
        attempt(partial(transitions.pass_quality, drafted[0].pk, by=checker, comment="事实清楚", at=now))
    waiting = Complaint.objects.filter(status=Status.REGISTERED).order_by("pk").first()
    if waiting is not None:
        clerk = people.role("intake_officer")[0]
        items = "1. 账单照片\n2. 事发的具体时间"
        attempt(partial(transitions.request_information, waiting.pk, by=clerk, items=items, at=now))


def _draft(teller: Teller, case: Complaint, *, is_risky: bool) -> None:
    assert case.lead_department is not None
    people, now = teller.people, teller.now
    owner = owner_of(teller, case)
    if not case.allegations.exists():
        transitions.add_allegation(case.pk, text=case.subject, by=owner, at=now)
    transitions.add_investigation_step(case.pk, by=owner, kind="site", summary="到现场查看并拍照", at=now)
    for allegation in case.allegations.filter(finding=""):
        transitions.set_finding(
            allegation.pk, by=owner, finding=FindingResult.BASICALLY, reason="记录与现场一致", at=now
        )
    if is_risky:
        head = people.role("coordinator")[0]
        transitions.grade_risk(case.pk, by=head, grade=RiskGrade.HIGH, reason="投诉人表示将向媒体反映", at=now)
    for task in case.assignments.filter(role="supporting", is_current=True, ended_at=None):
        helper = people.role("case_handler", task.department.code)[0]
        transitions.finish_supporting(case.pk, by=helper, result="已核实，材料已提交。", at=now)
    transitions.submit_for_check(
        case.pk,
        by=owner,
        process="调取了工单和巡检记录，到现场查看并拍照，与投诉人核对了时间。",
        result="反映的情况基本属实。已安排更换老化部件，两周内完成；完成后由部门负责人来电说明。",
        at=now,
    )


# --- A dispute that ends in court (RISK, ARC-09) --------------------------------------------------------
def _dispute(teller: Teller, closed: list[Complaint]) -> None:
    now, people = teller.now, teller.people
    counsel, manager, office = people.role("legal_counsel")[0], people.role("manager")[0], people.role("coordinator")[0]
    cases = [case for case in closed if case.amount and case.risk_grade in (RiskGrade.HIGH, RiskGrade.MEDIUM)]
    cases = (cases or [case for case in closed if case.amount])[-2:]
    kinds = SettlementStep.Kind
    for index, case in enumerate(cases):
        amount = (case.amount or Decimal(0)) * 2
        began = now - timedelta(days=12 - index)
        attempt(partial(risk.join_team, case.pk, user=counsel, role=TeamRole.LEGAL, by=office, at=began))
        attempt(
            partial(
                risk.add_meeting,
                case.pk,
                held_at=began,
                participants="法务、合规、公关、投诉办",
                strategy="争议集中在金额；先协商，同时固定证据。",
                by=office,
                at=began,
            )
        )
        for hours, by, step, text, sum_of in (
            (1, manager, kinds.AUTHORITY, "授权在两倍以内协商", amount),
            (20, counsel, kinds.OFFER, "提出退还已收费用并补偿误工", amount / 2),
            (
                44,
                counsel,
                kinds.AGREED if index else kinds.FAILED,
                "投诉人" + ("接受" if index else "不接受"),
                amount / 2,
            ),
        ):
            add = partial(risk.add_settlement_step, case.pk, step=step, text=text, amount=sum_of, by=by)
            attempt(partial(add, at=began + timedelta(hours=hours)))
        if index:
            continue
        attempt(partial(risk.place_hold, case.pk, reason="投诉人表示将起诉", by=counsel, at=began + timedelta(days=2)))
        filed = timezone.localdate(now - timedelta(days=8))
        attempt(
            partial(
                risk.add_lawsuit,
                case.pk,
                court="望澜市清河区人民法院",
                docket=f"（{filed.year}）澜0102民初1187号",
                filed_on=filed,
                by=counsel,
                at=now - timedelta(days=7),
            )
        )


# --- What customers say, and how they are listened to (FB, QUA) ------------------------------------------
def _listening(teller: Teller, closed: list[Complaint]) -> None:
    now, people = teller.now, teller.people
    office, manager = people.role("coordinator")[0], people.role("manager")[0]
    today = timezone.localdate(now)
    for index, case in enumerate(closed[-3:]):
        if case.lead_department is None:
            continue
        handler = people.role("case_handler", case.lead_department.code)[0]
        texts = ("接电话的同志很耐心，当天就上门了。", "说到做到，谢谢。", "解释得清楚，态度好。")
        attempt(
            partial(
                quality.record_praise,
                by=office,
                department=case.lead_department,
                person=handler,
                text=texts[index],
                received_on=today - timedelta(days=index),
                complaint=case,
                at=now,
            )
        )
        if index == 0:
            attempt(
                partial(
                    quality.record_consequence,
                    case.pk,
                    by=manager,
                    person=handler,
                    kind=ConsequenceKind.RETRAINING,
                    text="未按规定首次联系，参加沟通培训并通过考核。",
                    decided_on=today - timedelta(days=1),
                    at=now,
                )
            )
    last_month = (today.replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
    attempt(partial(surveys.draw, last_month, percent=15, by=office, at=now))
    call_samples.sample_calls(now=now)
    standard = _call_criteria()
    for sample in CallSample.objects.filter(scored_at=None).order_by("pk")[:3]:
        points = {code: 70 + crc32(f"{sample.pk}{code}".encode()) % 30 for code in standard}
        for checker in people.role("quality_checker"):
            if attempt(
                partial(quality.score_call, sample.pk, by=checker, points=points, comment="开场规范，说明清楚", at=now)
            ):
                break


def _call_criteria() -> list[str]:
    """The codes of the criteria a call is scored by."""
    return [row["code"] for row in standards.in_use(standards.current().call_criteria)]


# --- The archive (ARC) ------------------------------------------------------------------------------------
def _archive(teller: Teller, closed: list[Complaint]) -> None:
    """What was closed more than a hundred days ago lies in the archive; somebody asked to read two of the files."""
    now, people = teller.now, teller.people
    office, second = people.role("coordinator")[:2]
    readers: list[User] = people.role("manager")
    filed = [
        case
        for case in closed
        if case.closed_at
        and case.closed_at < now - timedelta(days=100)
        and attempt(
            partial(
                transitions.archive,
                case.pk,
                by=office,
                explanation="历史案件，缺少的材料已向承办部门核实，无法补齐。",
                at=now,
            )
        )
    ]
    for index, case in enumerate(filed[:3]):
        asked = consultation.request_consultation(
            case.pk,
            reader="望澜市清河区人民法院" if index else "本中心内审",
            purpose="调取案卷作为证据" if index else "年度内部审计抽查",
            by=readers[0],
            at=now,
        )
        if index < 2:
            consultation.decide_consultation(
                asked.pk,
                approve=not index,
                by=second,
                until=timezone.localdate(now) + timedelta(days=10) if not index else None,
                note="同意，仅供审计使用。" if not index else "请补充法院的调取函。",
                at=now,
            )


# --- Evidence, kept after the story is committed: content takes its place on disk only then ---------------
def evidence(teller: Teller) -> int:
    """A photograph and a test report on a few open cases, each with source and hash."""
    kept = 0
    cases = Complaint.objects.filter(status=Status.IN_PROGRESS, lead_department__isnull=False).order_by("-pk")
    for case in cases.select_related("lead_department")[:4]:
        assert case.lead_department is not None
        owner = owner_of(teller, case)
        for kind, name, source in (
            (EvidenceKind.COMPLAINANT, "现场照片.png", "投诉人微信发来"),
            (EvidenceKind.TEST_REPORT, "检测报告扫描件.png", "市计量检定测试所"),
        ):
            content = _picture(f"{case.number} {kind}")
            upload = SimpleUploadedFile(name, content, content_type="image/png")
            stored = files.store(upload, at=teller.now)
            transitions.add_attachment(
                case.pk, by=owner, file=stored, name=name, evidence_kind=kind, source=source, at=teller.now
            )
            kept += 1
    return kept


def _picture(text: str) -> bytes:
    image = Image.new("RGB", (640, 420), "#dfe7ea")
    pen = ImageDraw.Draw(image)
    for line in range(6):
        pen.rectangle((40, 60 + line * 56, 600, 96 + line * 56), outline="#5b7480", width=2)
    pen.text((48, 24), text, fill="#22343c")
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()

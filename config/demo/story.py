"""Tells the demo story: every case walks through the real transitions, so demo data is legal data.

A step whose moment lies after `now` does not happen: recent cases stay open at every stage.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.utils import timezone

from accounts.errors import DomainError
from complaints import clocks, jobs, transitions
from complaints.models import Category, Complaint, ExternalBody
from complaints.remedies import DEFAULT_LIMITS, agreed
from complaints.states import (
    SELF_SERVICE,
    Channel,
    ContactDirection,
    ContactOutcome,
    ContactPurpose,
    FindingResult,
    PauseReason,
    QuestionKind,
    RefusalGround,
    RemedyKind,
    RemedyState,
    RiskGrade,
    Satisfaction,
    Status,
)
from config.demo.matters import CALLS_BAD, CALLS_OK, GIVEN, MATTERS, PLACES, SURNAMES, Matter
from config.demo.people import People

CHANNELS = [
    (Channel.PHONE, 44),
    (Channel.WEB, 27),
    (Channel.COUNTER, 10),
    (Channel.EMAIL, 6),
    (Channel.LETTER, 4),
    (Channel.REFERRAL, 5),
    (Channel.APP, 3),
    (Channel.SOCIAL, 1),
]
_FINDINGS = [
    FindingResult.SUBSTANTIATED,
    FindingResult.BASICALLY,
    FindingResult.PARTLY,
    FindingResult.UNSUBSTANTIATED,
]


# How the answer reaches who did not complain online: what the clerk writes down, on the way the complaint came (FB-01).
_TOLD = {
    Channel.PHONE: "已电话告知办理经过和结果，投诉人表示清楚。",
    Channel.COUNTER: "投诉人到窗口领取书面答复并签收，当面说明了办理经过和结果。",
    Channel.LETTER: "书面答复已按来信地址以挂号信寄出。",
    Channel.REFERRAL: "书面答复已通过转办渠道送交转办单位，由其转告投诉人。",
    Channel.SOCIAL: "已在原平台私信答复投诉人，对方已读。",
}
# The answer to what was not found to be so.
_UNFOUNDED = "记录和现场查看均未见所反映的情况"
_EXPLAINED = "已向投诉人出示核实记录并说明理由"


class TimeIsUp(Exception):
    """The next step lies in the future of the story."""


# Complaints about one batch, and about one counter, shortly before the story's present.
BURST = 7
IN_A_ROW = 2


class Teller:
    """Walks cases forward from registration; holds the clock, the dice and the staff."""

    def __init__(self, people: People, *, now: datetime, seed: int):
        self.people, self.now = people, now
        self.dice = random.Random(seed)  # noqa: S311 - a story, not a secret
        self.calendar = clocks.working_calendar()
        self.categories = {row.code: row for row in Category.objects.filter(dimension="category")}
        self.natures = {row.code: row for row in Category.objects.filter(dimension="nature")}
        self.kinds = {row.code: row for row in Category.objects.filter(dimension="kind")}
        self.regulars = [self._person() for _n in range(12)]

    # --- Time --------------------------------------------------------------------------------
    def later(self, moment: datetime, *, hours: float = 0, days: float = 0) -> datetime:
        """So many working hours or days later, somewhere inside office hours. Raises TimeIsUp."""
        spread = self.dice.uniform(0.6, 1.4)
        span = timedelta(seconds=(hours * 3600 + days * self.calendar.day_length.total_seconds()) * spread)
        result = self.calendar.add_working_time(moment, span) + timedelta(seconds=self.dice.randint(1, 59))
        if result > self.now:
            raise TimeIsUp
        return result

    def moment_on(self, day: date) -> datetime:
        """A time of day people complain at."""
        return timezone.make_aware(
            datetime.combine(
                day,
                time(
                    self.dice.choices(range(7, 23), [2, 6, 12, 14, 12, 7, 6, 10, 11, 10, 8, 5, 4, 4, 3, 2])[0],
                    self.dice.randint(0, 59),
                ),
            )
        )

    # --- People ------------------------------------------------------------------------------
    def _person(self) -> dict[str, str]:
        name = self.dice.choice(SURNAMES) + self.dice.choice(GIVEN)
        prefix = self.dice.choice(["138", "139", "150", "151", "186", "188", "177", "199"])
        phone = f"{prefix}0000{self.dice.randint(0, 9999):04d}"
        return {"name": name, "phone": phone, "form_of_address": self.dice.choice(["mr", "ms"])}

    def one_of(self, role: str, department: str = ""):
        return self.dice.choice(self.people.role(role, department))

    # --- One case ----------------------------------------------------------------------------
    def tell(self, day: date) -> Complaint:
        """Register one complaint on this day and carry it as far as the story's present."""
        matter = self.dice.choices(
            MATTERS, [9, 3, 4, 6 if day.month in (11, 12, 1, 2, 3) else 1, 6, 5, 3, 6, 6, 4, 4, 7, 4, 5, 4, 3]
        )[0]
        return self._tell(matter, day)

    def burst(self, day: date, *, cases: int) -> None:
        """Several people complain within two days about the same batch of a product."""
        matter = next(matter for matter in MATTERS if matter.category == "utility-bill")
        for n in range(cases):
            self._tell(matter, day + timedelta(days=n % 2), product="智能水表", batch="2026-09")

    def same_outlet(self, day: date, *, cases: int) -> None:
        """People complain about the same counter, one after the other (RISK-15)."""
        matter = next(matter for matter in MATTERS if matter.category == "long-queue")
        for n in range(cases):
            self._tell(matter, day + timedelta(days=n), outlet="清河路办事大厅")

    def _tell(self, matter: Matter, day: date, **known: str) -> Complaint:
        complaint, moment = self._register(matter, day, **known)
        try:
            self._carry(complaint, matter, moment)
        except TimeIsUp:
            pass
        return complaint

    def _register(
        self, matter: Matter, day: date, *, product: str = "", batch: str = "", outlet: str = ""
    ) -> tuple[Complaint, datetime]:
        dice = self.dice
        person = dice.choice(self.regulars) if dice.random() < 0.14 else self._person()
        channel = dice.choices([row[0] for row in CHANNELS], [row[1] for row in CHANNELS])[0]
        received = min(self.moment_on(day), self.now - timedelta(minutes=dice.randint(5, 240)))
        staff = channel not in (Channel.WEB, Channel.APP)
        registered = received if not staff else min(received + timedelta(minutes=dice.randint(2, 25)), self.now)
        place = dice.choice(PLACES)
        words: dict[str, str | int] = {
            "place": place,
            "n": dice.randint(2, 9) * (6 if "停水" in matter.subject or "吨" in matter.subject else 1),
            "yuan": dice.choice([46, 92, 198, 420, 1500, 6840]),
        }
        email = f"user{dice.randint(1000, 9999)}@example.cn" if channel == Channel.EMAIL or dice.random() < 0.2 else ""
        address = f"{place}{dice.randint(1, 28)}幢{dice.randint(1, 4)}单元{dice.randint(1, 6)}0{dice.randint(1, 4)}"
        receipt = transitions.register(
            transitions.Filing(
                subject=matter.subject.format(**words),
                narrative=matter.narrative,
                demand=matter.demand,
                channel=channel,
                received_at=received,
                phone=person["phone"],
                name=person["name"],
                form_of_address=person["form_of_address"],
                email=email,
                address=address,
                category=self.categories[matter.category].parent or self.categories[matter.category],
                place=place,
                occurred_on=timezone.localdate(received) - timedelta(days=dice.randint(0, 3)),
                persons_affected=matter.persons if dice.random() < 0.4 else 1,
                amount=Decimal(words["yuan"]) if "{yuan}" in matter.done else None,
                needs_care=dice.choice(["家有老人", "听力不便", "行动不便"]) if dice.random() < 0.1 else "",
                is_confidential=dice.random() < 0.05,
                contact_note=dice.choice(["", "白天均可", "18 点以后"]),
                referring_body="12345 政务服务便民热线" if channel == Channel.REFERRAL else "",
                channel_reference=f"ZB{dice.randint(100000, 999999)}" if channel == Channel.REFERRAL else "",
                product=product,
                batch=batch,
                outlet=outlet,
            ),
            by=self.one_of("intake_officer") if staff else None,
            at=registered,
        )
        self.words = words
        return receipt.complaint, max(registered, self.calendar.working_instant(registered))

    def _carry(self, complaint: Complaint, matter: Matter, moment: datetime) -> None:
        pk, dice = complaint.pk, self.dice
        intake, coordinator = self.one_of("intake_officer"), self.one_of("coordinator")
        moment = self.later(moment, hours=dice.choice([0.5, 1, 2, 5]))
        fate = dice.random()
        if fate < 0.04:
            transitions.refuse(
                pk,
                by=intake,
                ground=RefusalGround.OUT_OF_SCOPE,
                rule="属于政府部门管理的事项，不在本单位受理范围",
                reason="这件事由其他单位负责，我们没有处理权限。",
                body=ExternalBody.objects.first(),
                at=moment,
            )
            transitions.add_contact(
                pk,
                by=intake,
                direction=ContactDirection.OUT,
                channel=_own_way(complaint),
                purpose=ContactPurpose.REFUSAL,
                summary="已向投诉人说明情况，告知应找的单位。",
                recording_reference=_registered_letter(complaint),
                at=self.later(moment, hours=1),
            )
            return
        if fate < 0.11:
            transitions.request_information(pk, by=intake, items="1. 付款凭证或账单照片\n2. 事发的具体时间", at=moment)
            moment = self.later(moment, days=2)
            transitions.receive_information(pk, by=None, answer="已补充照片两张和付款截图。", at=moment)
            moment = self.later(moment, hours=1)
        transitions.accept(
            pk,
            by=intake,
            rule="属于本单位职责范围，事实具体",
            category=self.categories[matter.category],
            nature=self.natures[matter.nature],
            kind=self.kinds[matter.kind],
            severity=dice.choices(["minor", "moderate", "serious"], [3, 6, 1])[0],
            complexity="complex" if matter.supporting else "simple",
            at=moment,
        )
        if dice.random() < (0.22 if matter.persons > 10 else 0.06):
            transitions.grade_risk(
                pk,
                by=intake,
                grade=dice.choice([RiskGrade.HIGH, RiskGrade.MEDIUM]),
                reason="涉及人数多，投诉人表示可能向媒体反映",
                at=self.later(moment, hours=0.2),
            )
        if dice.random() < 0.03:
            transitions.withdraw(pk, by=None, reason="问题已经自行解决", at=self.later(moment, hours=6))
            return
        moment = self.later(moment, hours=dice.choice([0.5, 1.5, 4]))
        self._assign(complaint, matter, coordinator, moment)
        handler = self.one_of("case_handler", matter.department)
        moment = self.later(moment, hours=dice.choice([0.5, 2, 4]))
        transitions.start(pk, by=handler, at=moment)
        self._handle(complaint, matter, handler, coordinator, moment)

    def _assign(self, complaint: Complaint, matter: Matter, coordinator, moment: datetime) -> None:
        departments, dice = self.people.departments, self.dice
        supporting = [departments[matter.supporting]] if matter.supporting else []
        task = "查明原因；提出处理意见、整改措施、责任人和完成日期。"
        if dice.random() < 0.05 and matter.department != "market":
            transitions.assign(complaint.pk, by=coordinator, department=departments["market"], task=task, at=moment)
            wrong = self.one_of("case_handler", "market")
            transitions.request_return(
                complaint.pk, by=wrong, reason="不属于本部门职责，应由行业主管部门办理", at=self.later(moment, hours=2)
            )
            transitions.grant_return(
                complaint.pk,
                by=next(row for row in self.people.role("coordinator")),
                note="同意，改派",
                at=self.later(moment, hours=5),
            )
            moment = self.later(moment, hours=8)
        transitions.assign(
            complaint.pk,
            by=coordinator,
            department=departments[matter.department],
            supporting=[row for row in supporting if row != departments[matter.department]],
            task=task,
            at=moment,
        )

    def _handle(self, complaint: Complaint, matter: Matter, handler, coordinator, moment: datetime) -> None:
        pk, dice = complaint.pk, self.dice
        first = self.later(moment, hours=dice.choice([0.5, 1, 3, 9]))
        if dice.random() < 0.25:
            transitions.add_contact(
                pk,
                by=handler,
                direction=ContactDirection.OUT,
                channel=Channel.PHONE,
                purpose=ContactPurpose.FIRST_CONTACT,
                outcome=ContactOutcome.NO_ANSWER,
                at=first,
            )
            first = self.later(first, hours=2)
        transitions.add_contact(
            pk,
            by=handler,
            direction=ContactDirection.OUT,
            channel=Channel.PHONE,
            purpose=ContactPurpose.FIRST_CONTACT,
            summary="告知已受理和办理时限，核实了时间、地点和请求。",
            recording_reference=f"REC{dice.randint(10**6, 10**7)}",
            at=first,
        )
        transitions.add_allegation(pk, by=coordinator, text=matter.subject.format(**self.words), at=first)
        moment = self.later(first, days=dice.choice([0.5, 1, 2, 3]))
        transitions.add_investigation_step(
            pk,
            by=handler,
            kind=dice.choice(["records", "video", "site", "interview"]),
            summary=matter.checked,
            at=moment,
        )
        if matter.supporting and matter.supporting != matter.department:
            helper = self.one_of("case_handler", matter.supporting)
            transitions.add_investigation_step(
                pk, by=helper, kind="statement", summary="提供情况说明和相关记录", at=self.later(moment, hours=3)
            )
            transitions.finish_supporting(
                pk, by=helper, result="已核实，情况说明和记录已提交。", at=self.later(moment, hours=6)
            )
            moment = self.later(moment, days=1)
        if dice.random() < 0.15:
            transitions.add_question(
                pk,
                kind=QuestionKind.REMINDER,
                text="请问现在办到哪一步了？",
                channel=Channel(complaint.channel),
                by=None,
                at=self.later(moment, hours=4),
            )
        if dice.random() < 0.3:
            transitions.add_contact(
                pk,
                by=handler,
                direction=ContactDirection.OUT,
                channel=Channel.PHONE,
                purpose=ContactPurpose.PROGRESS,
                summary="告知调查进展和预计答复日期。",
                at=self.later(moment, days=1),
            )
        if dice.random() < 0.06:
            self._pause(complaint, handler, coordinator, moment)
            moment = self.later(moment, days=5)
        moment = self.later(moment, days=dice.choices([1, 3, 6, 11, 19], [4, 5, 3, 2, 1])[0])
        upheld = self._conclude(complaint, matter, handler, moment)
        self._reply(complaint, matter, handler, self.later(moment, hours=1.5), upheld=upheld)

    def _pause(self, complaint: Complaint, handler, coordinator, moment: datetime) -> None:
        transitions.request_pause(
            complaint.pk, by=handler, reason=PauseReason.APPRAISAL, evidence="检测委托书", at=moment
        )
        transitions.approve_pause(complaint.pk, by=coordinator, approve=True, days=20, at=self.later(moment, hours=2))
        transitions.resume(complaint.pk, by=coordinator, at=self.later(moment, days=4))

    def _conclude(self, complaint: Complaint, matter: Matter, handler, moment: datetime) -> bool:
        """Finding, responsibility, remedy and improvement; says whether the complaint was upheld."""
        pk, dice = complaint.pk, self.dice
        finding = dice.choices(_FINDINGS, [5, 3, 2, 1])[0]
        upheld = finding != FindingResult.UNSUBSTANTIATED
        for allegation in complaint.allegations.all():
            transitions.set_finding(
                allegation.pk, by=handler, finding=finding, reason=matter.found if upheld else _UNFOUNDED, at=moment
            )
        if not upheld:
            transitions.add_remedy(pk, by=handler, kind=RemedyKind.EXPLANATION, description=_EXPLAINED, at=moment)
            return False
        department = self.people.departments[matter.department]
        transitions.add_responsibility(
            pk, by=handler, department=department, post=handler.post, summary=matter.responsible, at=moment
        )
        remedy = transitions.add_remedy(
            pk,
            by=handler,
            kind=matter.remedy,
            description=matter.done.format(**self.words),
            amount=Decimal(self.words["yuan"]) if "{yuan}" in matter.done else None,
            at=moment,
        )
        if remedy.state == RemedyState.PROPOSED:
            within = remedy.amount is not None and remedy.amount <= (DEFAULT_LIMITS["coordinator"] or 0)
            approver = self.people.role("coordinator" if within else "manager")[0]
            transitions.approve_remedy(remedy.pk, by=approver, note="依据充分，同意。", at=moment)
        transitions.add_improvement(
            pk,
            by=handler,
            what=matter.improvement,
            department=department,
            post=f"{handler.post}负责人",
            due_on=timezone.localdate(moment) + timedelta(days=dice.choice([14, 30, 60, 120])),
            acceptance_test="抽查记录和现场照片",
            at=moment,
        )
        return True

    def _reply(self, complaint: Complaint, matter: Matter, handler, moment: datetime, *, upheld: bool) -> None:
        pk, dice = complaint.pk, self.dice
        process, result = (
            f"{matter.checked}。{matter.found if upheld else _UNFOUNDED}。",
            f"{matter.done.format(**self.words)}。{matter.improvement}。"
            if upheld
            else f"经核实，反映的情况不属实。{_EXPLAINED}；如有新的事实，可以补充或者申请复查。",
        )
        transitions.submit_for_check(pk, by=handler, process=process, result=result, at=moment)
        checker = self.one_of("quality_checker")
        moment = self.later(moment, hours=dice.choice([1, 3, 6]))
        if dice.random() < 0.12:
            transitions.return_for_rework(pk, by=checker, comment="没有写明整改完成日期，请补上。", days=2, at=moment)
            moment = self.later(moment, days=1)
            transitions.submit_for_check(
                pk, by=handler, process=process, result=result + "整改已列明完成日期。", at=moment
            )
            moment = self.later(moment, hours=3)
        transitions.pass_quality(pk, by=checker, comment="事实清楚，答复完整", at=moment)
        complaint.refresh_from_db()
        if complaint.status == Status.LEGAL_CHECK:
            moment = self.later(moment, hours=6)
            transitions.pass_legal(
                pk, by=self.one_of("legal_counsel"), comment="责任认定和补偿依据充分，同意答复。", at=moment
            )
        self._feedback(complaint, moment)

    def _feedback(self, complaint: Complaint, moment: datetime) -> None:
        pk, dice = complaint.pk, self.dice
        caller = self.one_of("intake_officer")
        if complaint.channel not in SELF_SERVICE:
            moment = self.later(moment, hours=4)
            transitions.add_contact(
                pk,
                by=caller,
                direction=ContactDirection.OUT,
                channel=_own_way(complaint),
                purpose=ContactPurpose.REPLY,
                summary=_TOLD[_own_way(complaint)],
                recording_reference=_registered_letter(complaint),
                at=moment,
            )
        moment = self.later(moment, days=dice.choice([1, 2, 3]))
        mood = dice.choices([Satisfaction.SATISFIED, Satisfaction.BASICALLY, Satisfaction.DISSATISFIED], [68, 22, 10])[
            0
        ]
        if dice.random() < 0.15:
            for _n in range(3):
                transitions.call_back(pk, by=caller, outcome=ContactOutcome.NO_ANSWER, at=moment)
                moment = self.later(moment, hours=5)
        else:
            unhappy = mood == Satisfaction.DISSATISFIED
            transitions.call_back(
                pk,
                by=caller,
                outcome=ContactOutcome.REACHED,
                satisfaction=mood,
                is_solved=not unhappy,
                reason=dice.choice(["not_solved", "communication", "waited"]) if unhappy else "",
                comment=dice.choice(CALLS_BAD if unhappy else CALLS_OK),
                at=moment,
            )
            if unhappy and dice.random() < 0.3:
                transitions.reopen(
                    pk,
                    by=self.people.role("coordinator")[0],
                    reason="回访时投诉人表示没有解决",
                    at=self.later(moment, hours=3),
                )
                return
        moment = self.later(moment, hours=dice.choice([2, 6, 12]))
        complaint.refresh_from_db()
        for remedy in agreed(complaint.remedies.filter(done_at=None)):
            transitions.give_remedy(
                remedy.pk,
                by=caller,
                reference=f"付款单 {complaint.number}" if remedy.amount else "已当面落实，投诉人确认",
                at=moment,
            )
        transitions.close(
            pk,
            by=self.one_of("coordinator"),
            is_systemic=dice.random() < 0.2,
            is_cured=dice.random() < 0.8,
            note="已说明理由并告知复查途径",
            late_reason=dice.choice(["coordination", "investigation", "emotion", "other"])
            if clocks.was_late(complaint)
            else "",
            at=moment,
        )


def _own_way(complaint: Complaint) -> Channel:
    """The way a person tells something of this case: the one it came by, and a call where it came online (FB-01)."""
    channel = Channel(complaint.channel)
    return channel if channel in _TOLD else Channel.PHONE


def _registered_letter(complaint: Complaint) -> str:
    """The number on the receipt of the post office, where a letter was answered by a letter."""
    return f"XA{complaint.pk % 10**8:08d}645CN" if complaint.channel == Channel.LETTER else ""


def days_of_story(start: date, end: date, count: int, dice: random.Random) -> list[date]:
    """`count` days between start and end, fewer at weekends, more in August and the last two weeks."""
    days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
    weights = [
        (0.35 if day.weekday() >= 5 else 1) * (1.5 if day.month == 8 else 1) * (2.2 if (end - day).days < 14 else 1)
        for day in days
    ]
    return sorted(dice.choices(days, weights, k=count))


def attempt(step: Callable[[], object]) -> bool:
    """Try a step of the story that the rules may refuse at this point; says whether it happened."""
    try:
        step()
    except (DomainError, TimeIsUp):
        return False
    return True


def sweep(*, now: datetime) -> dict[str, int]:
    """Record what is overdue in the story's present."""
    return jobs.sweep_deadlines(now=now)

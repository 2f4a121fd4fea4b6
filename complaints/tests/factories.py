"""Plain functions that make cases for tests, through the real transitions."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from complaints import transitions
from complaints.models import Category, Complaint
from complaints.states import Channel, ContactDirection, ContactOutcome, ContactPurpose, RiskGrade

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(text: str) -> datetime:
    """A moment in Shanghai: at("2026-11-16 09:12")."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def filing(**changes) -> transitions.Filing:
    """A complete, ordinary web complaint."""
    values = {
        "subject": "槐荫里小区停水超过 24 小时",
        "narrative": "11 月 15 日早上 7 点左右开始停水，到 16 日上午 9 点还没来水。",
        "demand": "说明为什么反复停水",
        "channel": Channel.WEB,
        "received_at": at("2026-11-16 09:00"),
        "name": "张桂芳",
        "phone": "13800002417",
        "email": "zhang@example.cn",
        "address": "柳桥三村12幢2单元401",
        **changes,
    }
    return transitions.Filing(**values)


def category(code: str = "water-outage") -> Category:
    return Category.objects.get(dimension="category", code=code)


def registered(when: str = "2026-11-16 09:12", **changes) -> transitions.Receipt:
    """A case just registered by the public form."""
    moment = at(when)
    return transitions.register(filing(received_at=moment, **changes), by=None, at=moment)


class Story:
    """Walks one case forward; each step takes the person of the `cast` whose work it is."""

    def __init__(self, cast, when: str = "2026-11-16 09:12", **changes):
        self.cast = cast
        self.receipt = registered(when, **changes)
        self.pk = self.receipt.complaint.pk

    @property
    def case(self) -> Complaint:
        return Complaint.objects.get(pk=self.pk)

    def accept(self, when: str = "2026-11-16 10:00", **changes) -> Story:
        values = {"rule": "供水服务在受理范围内", "category": category(), **changes}
        transitions.accept(self.pk, by=self.cast.intake, at=at(when), **values)
        return self

    def assign(self, when: str = "2026-11-16 10:30", **changes) -> Story:
        values = {"department": self.cast.water, "task": "查明原因，答复投诉人", **changes}
        transitions.assign(self.pk, by=self.cast.coordinator, at=at(when), **values)
        return self

    def start(self, when: str = "2026-11-16 11:00") -> Story:
        """The handler takes over and rings the complainant at once."""
        transitions.start(self.pk, by=self.cast.water_handler, at=at(when))
        transitions.add_contact(
            self.pk,
            by=self.cast.water_handler,
            direction=ContactDirection.OUT,
            channel=Channel.PHONE,
            purpose=ContactPurpose.FIRST_CONTACT,
            summary="已联系投诉人，核实停水时间",
            at=at(when),
        )
        return self

    def submit(self, when: str = "2026-11-18 15:00") -> Story:
        transitions.submit_for_check(
            self.pk,
            by=self.cast.water_handler,
            process="查了抢修调度日志",
            result="主管道老化爆裂，已修复，12 月 20 日前更换",
            at=at(when),
        )
        return self

    def high_risk(self, when: str = "2026-11-16 10:05") -> Story:
        transitions.grade_risk(self.pk, by=self.cast.intake, grade=RiskGrade.HIGH, reason="可能见报", at=at(when))
        return self

    def reply(self, when: str = "2026-11-19 10:00") -> Story:
        transitions.pass_quality(self.pk, by=self.cast.checker, at=at(when))
        return self

    def deliver(self, when: str = "2026-11-19 11:00") -> Story:
        transitions.add_contact(
            self.pk,
            by=self.cast.intake,
            direction=ContactDirection.OUT,
            channel=Channel.PHONE,
            purpose=ContactPurpose.REPLY,
            summary="已告知处理结果",
            at=at(when),
        )
        return self

    def call_back(self, when: str = "2026-11-20 10:00", satisfaction: str = "satisfied", **changes) -> Story:
        values = {
            "is_solved": satisfaction != "dissatisfied",
            "reason": "not_solved" if satisfaction == "dissatisfied" else "",
            **changes,
        }
        transitions.call_back(
            self.pk,
            by=self.cast.intake,
            outcome=ContactOutcome.REACHED,
            satisfaction=satisfaction,
            at=at(when),
            **values,
        )
        return self

    def close(self, when: str = "2026-11-20 16:00", **changes) -> Story:
        transitions.close(
            self.pk, by=self.cast.coordinator, at=at(when), **{"is_systemic": True, "is_cured": True, **changes}
        )
        return self

    def to_reply(self) -> Story:
        return self.accept().assign().start().submit().reply()

    def to_closed(self) -> Story:
        return self.to_reply().call_back().close()


def improvement_words() -> dict:
    """A complete improvement, ready for add_improvement."""
    return {
        "what": "更换 1.8 公里老旧管道",
        "due_on": at("2027-03-31 00:00").date(),
        "post": "管网运行部主任",
        "acceptance_test": "竣工验收单",
    }

"""Small seeded worlds built through the transitions, and a count of them in plain Python.

`Ledger` keeps what was done while it was done; the tests count its rows with loops and comparisons,
so they share nothing with the SQL of the figures.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from complaints import transitions
from complaints.models import Category, Complaint, Praise
from complaints.states import Channel, ContactOutcome, LateReason, RiskGrade
from complaints.tests.factories import at, category, filing

CHANNELS = (Channel.WEB, Channel.PHONE, Channel.COUNTER)
CATEGORIES = ("water-outage", "heating", "late-delivery", "other")
TOP_OF = {"water-outage": "utilities", "heating": "utilities", "late-delivery": "logistics", "other": "other"}


@dataclass
class Told:
    """One case as it was told."""

    pk: int
    registered: datetime
    channel: str
    category: str = ""
    department: str = ""
    high_risk: bool = False
    ended: list[tuple[datetime, str]] = field(default_factory=list)  # replied, refused, withdrawn
    closed: list[datetime] = field(default_factory=list)
    reopened: list[datetime] = field(default_factory=list)
    reworks: list[datetime] = field(default_factory=list)
    answers: list[tuple[datetime, str, str]] = field(default_factory=list)
    asked: list[datetime] = field(default_factory=list)
    late_reason: str = ""
    contacts: frozenset = frozenset()
    outlet: str = ""
    product: str = ""
    tier: str = ""
    groups: tuple = ()
    intensity: int = 0
    legal: str = ""
    emotions: int = 0
    handler: str = ""

    @property
    def first_reply(self) -> datetime | None:
        return min((when for when, kind in self.ended if kind == "replied"), default=None)


class World:
    """Cases told from a seed: `world.told` says what happened to each."""

    def __init__(self, cast, seed: int, cases: int = 12) -> None:
        self.cast = cast
        self.rng = random.Random(seed)
        # What a case is like is drawn apart from what happens to it.
        self.traits = random.Random(seed + 1000)
        self.kinds = {
            name: list(Category.objects.filter(dimension=name).order_by("code")[:3]) for name in ("legal", "emotion")
        }
        self.told = [self._tell(number) for number in range(cases)]
        self.praised = [self._praise() for _number in range(4)]

    def _traits(self, number: int) -> dict:
        """Every third case comes from one of two people, known by telephone or by e-mail."""
        rng = self.traits
        phone = f"1380000{number:04}" if rng.random() < 0.65 else f"1370000000{rng.randint(1, 2)}"
        email = f"c{number}@example.cn" if rng.random() < 0.9 else "same@example.cn"
        return {
            "phone": phone,
            "email": email,
            "product": rng.choice(["", "水表", "暖气"]),
            "outlet": rng.choice(["", "城东营业厅", "城西营业厅"]),
            "customer_tier": rng.choice(["", "ordinary", "vip"]),
            "special_groups": sorted(rng.sample(["elderly", "disabled", "minor"], rng.choice([0, 0, 1, 2]))),
            "emotion_intensity": rng.randint(0, 3),
        }

    def _mark(self, case: Told, traits: dict) -> None:
        case.contacts = frozenset((traits["phone"], traits["email"]))
        case.product, case.outlet, case.tier = traits["product"], traits["outlet"], traits["customer_tier"]
        case.groups, case.intensity = tuple(traits["special_groups"]), traits["emotion_intensity"]
        found = self.traits.sample(self.kinds["emotion"], self.traits.choice([0, 1, 2]))
        row = self.row(case)
        row.emotions.set(found)
        case.emotions = len(found)
        if self.traits.random() < 0.4:
            legal = self.traits.choice(self.kinds["legal"])
            Complaint.objects.filter(pk=case.pk).update(legal_type=legal)
            case.legal = legal.code

    def _praise(self) -> tuple[datetime, str, str]:
        day = at(f"2026-{self.traits.choice(['10', '11'])}-{self.traits.randint(1, 28):02} 00:00")
        department, person = self.traits.choice(
            [(self.cast.water, self.cast.water_handler), (self.cast.roads, self.cast.roads_handler)]
        )
        Praise.objects.create(
            department=department, person=person, text="耐心", received_on=day.date(), by=self.cast.intake
        )
        return day, department.code, person.staff_number

    def _tell(self, number: int) -> Told:
        rng, cast = self.rng, self.cast
        day = f"2026-{rng.choice(['09', '10', '10', '11'])}-{rng.randint(1, 28):02}"
        when = at(f"{day} {rng.randint(0, 23):02}:{rng.choice(['00', '59'])}")
        channel = rng.choice(CHANNELS)
        receipt = transitions.register(
            filing(received_at=when, channel=channel, **(traits := self._traits(number))), by=None, at=when
        )
        case = Told(receipt.complaint.pk, when, channel)
        self._mark(case, traits)
        clock = when + timedelta(hours=rng.randint(1, 30))
        if rng.random() < 0.1:
            transitions.withdraw(case.pk, by=None, at=clock)
            case.ended.append((clock, "withdrawn"))
            return case
        case.category = rng.choice(CATEGORIES)
        transitions.accept(case.pk, by=cast.intake, rule="在受理范围内", category=category(case.category), at=clock)
        if rng.random() < 0.2:
            transitions.grade_risk(case.pk, by=cast.intake, grade=RiskGrade.HIGH, reason="可能见报", at=clock)
            case.high_risk = True
        department, handler = rng.choice([(cast.water, cast.water_handler), (cast.roads, cast.roads_handler)])
        clock += timedelta(hours=2)
        transitions.assign(case.pk, by=cast.coordinator, department=department, task="查明原因", at=clock)
        case.department, case.handler = department.code, handler.staff_number
        transitions.start(case.pk, by=handler, at=clock + timedelta(hours=1))
        if rng.random() < 0.15:
            return case
        clock = self._reply(case, handler, clock + timedelta(days=rng.choice([1, 4, 9, 25, 40])))
        clock = self._close(case, clock + timedelta(days=rng.choice([1, 6])))
        if rng.random() < 0.25:
            clock += timedelta(days=rng.randint(1, 20))
            transitions.reopen(case.pk, by=cast.coordinator, reason="没有解决", at=clock)
            case.reopened.append(clock)
            clock = self._reply(case, handler, clock + timedelta(days=2))
            self._close(case, clock + timedelta(days=1))
        return case

    def _reply(self, case: Told, handler, clock: datetime) -> datetime:
        transitions.submit_for_check(case.pk, by=handler, process="核查", result="已处理", at=clock)
        clock += timedelta(hours=3)
        if self.rng.random() < 0.2:
            transitions.return_for_rework(case.pk, by=self.cast.checker, comment="写明日期", at=clock)
            case.reworks.append(clock)
            clock += timedelta(days=1)
            transitions.submit_for_check(case.pk, by=handler, process="核查", result="已处理，有日期", at=clock)
            clock += timedelta(hours=1)
        transitions.pass_quality(case.pk, by=self.cast.checker, at=clock)
        if case.high_risk:
            clock += timedelta(hours=1)
            transitions.pass_legal(case.pk, by=self.cast.counsel, comment="同意", at=clock)
        case.ended.append((clock, "replied"))
        return clock

    def _close(self, case: Told, clock: datetime) -> datetime:
        if self.rng.random() < 0.3:
            transitions.call_back(case.pk, by=self.cast.intake, outcome=ContactOutcome.NO_ANSWER, at=clock)
            case.asked.append(clock)
            clock += timedelta(hours=4)
        answer = self.rng.choice(["satisfied", "satisfied", "basically", "dissatisfied"])
        reason = self.rng.choice(["not_solved", "waited"]) if answer == "dissatisfied" else ""
        transitions.call_back(
            case.pk,
            by=self.cast.intake,
            outcome=ContactOutcome.REACHED,
            satisfaction=answer,
            is_solved=not reason,
            reason=reason,
            at=clock,
        )
        case.asked.append(clock)
        case.answers.append((clock, answer, reason))
        clock += timedelta(hours=2)
        case.late_reason = self.rng.choice(LateReason.values)
        transitions.close(
            case.pk,
            by=self.cast.coordinator,
            is_systemic=False,
            is_cured=True,
            late_reason=case.late_reason,
            note="已说明",
            at=clock,
        )
        case.closed.append(clock)
        return clock

    def row(self, case: Told) -> Complaint:
        return Complaint.objects.get(pk=case.pk)

"""Compose and store realistic cases for benchmarks: three years of them, one in twenty still open.

Every case is a small story with the events, clocks and records the transitions would have left. A
chunk of cases depends on the seed and its position alone, so any number of processes gives the same.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Iterator
from datetime import datetime, time, timedelta

from django.db import models, transaction
from django.utils import timezone

from complaints import bulk, bulk_texts, prints, search
from complaints.bulk_plan import People, Plan
from complaints.bulk_texts import THEMES, Theme
from complaints.calendars import SHANGHAI
from complaints.deadlines import StartsOn
from complaints.models import (
    Assignment,
    Callback,
    CaseEvent,
    Classification,
    Complainant,
    Complaint,
    ComplaintSearch,
    Contact,
    ContactPoint,
    QualityCheck,
    Reply,
    TextPrint,
)
from complaints.models.people import ContactKind
from complaints.states import Channel, Complexity, Milestone, RiskGrade, Severity, Status

PREFIX = "HY"
# Among the cases of the last days this share is stuck, which makes one case in twenty open.
RECENT = timedelta(days=95)
STUCK = 0.4
CHANNELS = (
    (Channel.PHONE,) * 5
    + (Channel.WEB,) * 4
    + (Channel.APP, Channel.APP, Channel.GOVERNMENT, Channel.REFERRAL, Channel.COUNTER, Channel.LETTER, Channel.EMAIL)
)
SATISFACTIONS = ("satisfied",) * 6 + ("basically",) * 3 + ("dissatisfied",)


class Maker:
    """Makes chunks of cases in one process."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.people = People(plan)
        self.policies = bulk.Policies()
        calendar = self.policies.calendar(self.policies.on(plan.days[0]))
        self.working_days = [
            day
            for day in (plan.days[0] + timedelta(days=n) for n in range(len(plan.days) + 3))
            if calendar.is_working_day(day)
        ]

    def store(self, first: int, end: int) -> int:
        """Make and store one chunk. Returns how many cases."""
        rng = random.Random(f"{self.plan.seed}/{first}")  # noqa: S311
        with transaction.atomic():
            batch = bulk.Batch()
            count = end - first
            ids: dict[type[models.Model], Iterator[int]] = {
                model: iter(bulk.reserve_ids(model, count))
                for model in (Complainant, Complaint, Reply, QualityCheck, Callback)
            }
            contacts = iter(bulk.reserve_ids(Contact, 2 * count))
            for index in range(first, end):
                keys = {model: next(values) for model, values in ids.items()}
                _Story(self, batch, rng, index, keys, (next(contacts), next(contacts))).write()
            batch.store()
        return count

    def office(self, rng: random.Random, after: datetime, days: int) -> datetime:
        """A moment in office hours, so many working days after the day of another moment."""
        place = bisect_left(self.working_days, timezone.localdate(after)) + days
        if place >= len(self.working_days):
            return self.plan.now + timedelta(days=1)
        moment = datetime.combine(self.working_days[place], time(9), SHANGHAI) + timedelta(
            seconds=rng.randrange(8 * 3600)
        )
        return moment if moment > after else after + timedelta(minutes=rng.randrange(5, 90))


class _Story:
    """One case from receipt as far as it has come."""

    def __init__(
        self,
        maker: Maker,
        batch: bulk.Batch,
        rng: random.Random,
        index: int,
        keys: dict[type[models.Model], int],
        contacts: tuple[int, int],
    ) -> None:
        self.maker, self.batch, self.rng, self.keys, self.contacts = maker, batch, rng, keys, contacts
        self.now = maker.plan.now
        self.pk = keys[Complaint]
        plan, desk = maker.plan, maker.plan.desk
        self.day = plan.day_of(index)
        self.number = bulk.number_of(PREFIX, self.day, plan.first_numbers[self.day] + plan.position(index))
        self.theme: Theme = rng.choice(THEMES)
        self.department = rng.choice(desk.departments)
        self.handler = rng.choice(desk.handlers[self.department])
        self.intake, self.coordinator, self.checker = (
            rng.choice(desk.intake),
            rng.choice(desk.coordinators),
            rng.choice(desk.checkers),
        )
        self.category = desk.categories[self.theme.category]
        self.complexity = Complexity.COMPLEX if rng.random() < 0.12 else Complexity.SIMPLE
        self.policy = maker.policies.on(self.day)
        self.chain = bulk.Chain(batch[CaseEvent], self.pk)
        self.values: dict[str, object] = {}
        self.due: list[datetime] = []

    def write(self) -> None:
        rng = self.rng
        self.received = datetime.combine(self.day, time(7), SHANGHAI) + timedelta(seconds=rng.randrange(15 * 3600))
        self.at = self.received + timedelta(minutes=rng.randrange(1, 30))
        self.channel = rng.choice(CHANNELS)
        self._register()
        steps = (
            [self._refuse]
            if rng.random() < 0.03
            else [
                self._accept,
                self._assign,
                self._start,
                self._submit,
                self._reply,
                self._call_back,
                self._close,
            ]
        )
        if self.now - self.received < RECENT and rng.random() < STUCK:
            steps = steps[: rng.randrange(5)]
        for step in steps:
            if not step():
                break
        self._running()
        self._complaint()

    # --- Steps: each returns False when it has not happened yet ---------------------------------

    def _then(self, days: int) -> bool:
        """Move the clock; False when the moment lies ahead."""
        moment = self.maker.office(self.rng, self.at, days)
        if moment >= self.now:
            return False
        self.at = moment
        return True

    def _move(self, kind: str, to: Status, by: int, **values: object) -> None:
        self.chain.move(kind, to=to, at=self.at, by=by, **values)  # type: ignore[arg-type]
        self.values["status_since"] = self.at

    def _register(self) -> None:
        name, phone, match = self.maker.people.pick(self.rng)
        person = self.keys[Complainant]
        self.batch[Complainant].add(id=person, name=name)
        self.batch[ContactPoint].add(
            complainant_id=person, kind=ContactKind.PHONE.value, value=phone, match_hash=match, is_preferred=True
        )
        self.batch[Classification].add(
            complaint_id=self.pk, dimension="category", category_id=self.category, at=self.at, by_id=self.intake
        )
        self._move("register", Status.REGISTERED, self.intake, note=self.channel.value)
        self.registered = self.at
        self.started: dict[str, datetime] = {StartsOn.RECEIVED: self.received, StartsOn.REGISTERED: self.at}
        self.stopped: dict[str, datetime] = {Milestone.ACKNOWLEDGE: self.at}

    def _refuse(self) -> bool:
        if not self._then(1):
            return False
        self.stopped[Milestone.DECIDE_ACCEPTANCE] = self.at
        self._move("refuse", Status.NOT_ACCEPTED, self.intake, note="out_of_scope: 不属于受理范围")
        return True

    def _accept(self) -> bool:
        if not self._then(self.rng.choice((0, 0, 1, 1, 1, 2, 3))):
            return False
        self.stopped[Milestone.DECIDE_ACCEPTANCE] = self.started[StartsOn.ACCEPTED] = self.at
        self.values.update(accepted_at=self.at, coordinator_id=self.coordinator)
        self._move("accept", Status.ACCEPTED, self.intake, fields=["accepted_at", "coordinator"], note="属于受理范围")
        return True

    def _assign(self) -> bool:
        if not self._then(self.rng.choice((0, 0, 0, 1, 2))):
            return False
        self.stopped[Milestone.ASSIGN] = self.started[StartsOn.ASSIGNED] = self.assigned = self.at
        self.values.update(lead_department_id=self.department)
        self._move("assign", Status.ASSIGNED, self.coordinator, fields=["lead_department", "handler"])
        return True

    def _start(self) -> bool:
        if not self._then(self.rng.choice((0, 0, 1))):
            return False
        self.taken = self.at
        self.values.update(handler_id=self.handler)
        self._move("start", Status.IN_PROGRESS, self.handler, fields=["handler"])
        self.stopped[Milestone.FIRST_CONTACT] = self.at
        self.batch[Contact].add(
            id=self.contacts[0],
            complaint_id=self.pk,
            direction="out",
            channel=Channel.PHONE.value,
            purpose="first_contact",
            outcome="reached",
            summary="已联系投诉人，了解情况，约定处理时间。",
            at=self.at,
            by_id=self.handler,
        )
        self.chain.add(
            "contact",
            at=self.at,
            by=self.handler,
            note="first_contact: reached",
            reference=f"contact:{self.contacts[0]}",
        )
        return True

    def _submit(self) -> bool:
        if not self._then(self.rng.choice((2, 3, 4, 5, 5, 6, 7, 8, 9, 10, 12, 14, 17, 22, 33))):
            return False
        self.drafted = self.at
        self.stopped[Milestone.RESOLVE] = self.stopped[Milestone.PROGRESS] = self.started[StartsOn.RESOLVED] = self.at
        self.values.update(resolved_at=self.at)
        self._move(
            "submit_for_check",
            Status.QUALITY_CHECK,
            self.handler,
            fields=["resolved_at"],
            reference=f"reply:{self.keys[Reply]}",
        )
        return True

    def _reply(self) -> bool:
        if not self._then(self.rng.choice((0, 1, 1, 2, 3))):
            return False
        self.replied = self.stopped[Milestone.REPLY] = self.started[StartsOn.REPLIED] = self.started[
            StartsOn.FIRST_RESULT
        ] = self.at
        check = self.keys[QualityCheck]
        self.batch[QualityCheck].add(
            id=check,
            complaint_id=self.pk,
            reply_id=self.keys[Reply],
            stage="quality",
            passed=True,
            at=self.at,
            by_id=self.checker,
        )
        self.values.update(replied_at=self.at)
        self._move(
            "pass_quality", Status.REPLIED, self.checker, fields=["replied_at"], reference=f"qualitycheck:{check}"
        )
        return True

    def _call_back(self) -> bool:
        if not self._then(self.rng.choice((1, 2, 2, 3, 4, 6))):
            return False
        satisfaction = self.rng.choice(SATISFACTIONS)
        unhappy = satisfaction == "dissatisfied"
        self.stopped[Milestone.CALL_BACK] = self.at
        self.batch[Contact].add(
            id=self.contacts[1],
            complaint_id=self.pk,
            direction="out",
            channel=Channel.PHONE.value,
            purpose="call_back",
            outcome="reached",
            summary="回访：处理结果已告知。",
            at=self.at,
            by_id=self.intake,
        )
        self.batch[Callback].add(
            id=self.keys[Callback],
            complaint_id=self.pk,
            at=self.at,
            by_id=self.intake,
            source="caller",
            contact_id=self.contacts[1],
            is_solved=not unhappy,
            satisfaction=satisfaction,
            reason="waited" if unhappy else "",
        )
        self._move(
            "call_back",
            Status.REPLIED,
            self.intake,
            note=f"reached {satisfaction}",
            reference=f"callback:{self.keys[Callback]}",
        )
        return True

    def _close(self) -> bool:
        if not self._then(self.rng.choice((0, 1, 1, 2))):
            return False
        self.values.update(
            closed_at=self.at,
            first_closed_at=self.at,
            closed_by_id=self.coordinator,
            is_systemic=self.rng.random() < 0.2,
            is_cured=True,
        )
        self._move("close", Status.CLOSED, self.coordinator, fields=["closed_at", "closed_by", "first_closed_at"])
        return True

    # --- What hangs on how far it has come --------------------------------------------------------

    def _running(self) -> None:
        """Task, reply and clocks, finished or still running."""
        over = self.chain.status in (Status.CLOSED, Status.NOT_ACCEPTED)
        if StartsOn.ASSIGNED in self.started:
            begun = "start" if hasattr(self, "taken") else ""
            self.batch[Assignment].add(
                complaint_id=self.pk,
                department_id=self.department,
                role="lead",
                state="done" if over else "working" if begun else "pending",
                task="查明原因，答复投诉人",
                handler_id=self.handler if begun else None,
                assigned_by_id=self.coordinator,
                assigned_at=self.assigned,
                received_at=self.taken if begun else None,
                ended_at=self.at if over else None,
            )
        if hasattr(self, "drafted"):
            sent = getattr(self, "replied", None)
            self.batch[Reply].add(
                id=self.keys[Reply],
                complaint_id=self.pk,
                state="sent" if sent else "submitted",
                process="查阅记录并现场核实。",
                result=self.rng.choice(self.theme.answers),
                drafted_by_id=self.handler,
                drafted_at=self.drafted,
                approved_by_id=self.checker if sent else None,
                sent_at=sent,
                delivered_at=sent,
            )
        for milestone in Milestone:
            rule = self.maker.policies.rule(self.policy, milestone, self.complexity)
            is_own = milestone.startswith("review") or milestone == Milestone.TASK
            if rule is None or is_own or rule.starts_on not in self.started:
                continue
            stop = self.stopped.get(milestone)
            if stop is None and over:
                continue
            due = bulk.add_clock(
                self.batch,
                self.maker.policies,
                self.policy,
                rule,
                complaint_id=self.pk,
                start=self.started[rule.starts_on],
                stop=stop,
                now=self.now,
            )
            if stop is None and due is not None:
                self.due.append(due)

    def _complaint(self) -> None:
        rng = self.rng
        subject, narrative, demand, place = bulk_texts.complaint(
            rng, self.theme, month=self.day.month, day=self.day.day
        )
        next_due = min(self.due, default=None)
        self.batch[ComplaintSearch].add(
            complaint_id=self.pk, tokens=search.tokens(self.number, subject, narrative, place, "")
        )
        self.batch[TextPrint].add(complaint_id=self.pk, tokens=prints.tokens(narrative))
        self.batch[Complaint].add(
            id=self.pk,
            number=self.number,
            status=self.chain.status,
            version=self.chain.version,
            subject=subject,
            narrative=narrative,
            demand=demand,
            place=place,
            channel=self.channel.value,
            received_at=self.received,
            registered_at=self.registered,
            registered_by_id=self.intake,
            complainant_id=self.keys[Complainant],
            category_id=self.category,
            policy_id=self.policy.pk,
            complexity=self.complexity.value,
            severity=rng.choice((Severity.MINOR, Severity.MODERATE, Severity.MODERATE, Severity.SERIOUS)).value,
            risk_grade=rng.choice((RiskGrade.ORDINARY,) * 8 + (RiskGrade.MEDIUM, RiskGrade.HIGH)).value,
            is_repeat=rng.random() < 0.15,
            next_due_at=next_due,
            is_overdue=next_due is not None and next_due < self.now,
            **self.values,
        )

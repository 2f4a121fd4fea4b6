"""One imported row as a whole case: person, log, clocks and, where it was answered, the closing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from complaints import bulk, identity, search
from complaints.calendars import SHANGHAI
from complaints.deadlines import StartsOn
from complaints.import_rows import ImportRow
from complaints.import_texts import Derived, Texts
from complaints.models import (
    Assignment,
    CaseEvent,
    Classification,
    Complainant,
    Complaint,
    ComplaintSearch,
    ContactPoint,
    Dimension,
    PolicyRule,
    Reply,
    ServicePolicy,
    TextPrint,
)
from complaints.models.people import ContactKind
from complaints.states import AssignmentRole, AssignmentState, Complexity, Milestone, ReplyState, Status

# What a registered case still waits for.
_RUNNING = [m for m in Milestone if m != Milestone.ACKNOWLEDGE and not m.startswith("review")]


@dataclass(frozen=True)
class Common:
    """What all cases of one import share; people by primary key. `reference` names the import."""

    policies: bulk.Policies
    category_id: Callable[[str], int | None]
    now: datetime
    by: int | None
    former_staff: int | None
    batch: int
    reference: str


class Keys(NamedTuple):
    """What is given out before the rows are written."""

    external: str
    number: str
    case: int
    person: int
    reply: int


def write(
    common: Common, batch: bulk.Batch, cases: Sequence[tuple[ImportRow, Keys]], derived: Sequence[Derived]
) -> None:
    """Add every row of these cases to the batch; `derived` holds what the texts of each became."""
    for (row, keys), made in zip(cases, derived, strict=True):
        _Case(common, batch, row, keys, made).write()


def texts_of(row: ImportRow) -> Texts:
    """What of a row is worked on beside."""
    return Texts(
        row.subject, row.narrative, row.place, row.complainant_name, row.complainant_phone, row.complainant_email
    )


class _Case:
    """The rows of one imported case."""

    def __init__(self, common: Common, batch: bulk.Batch, row: ImportRow, keys: Keys, derived: Derived) -> None:
        self.common, self.batch, self.row, self.keys, self.derived = common, batch, row, keys, derived
        self.pk = keys.case
        self.received = (row.received_at or common.now).astimezone(UTC)  # is written many times, and UTC fastest
        self.policy = common.policies.on(self.received.astimezone(SHANGHAI).date())

    def write(self) -> None:
        """Add every row of the case to the batch."""
        row, batch = self.row, self.batch
        self._complainant()
        category = self.common.category_id(row.category) if row.category else None
        if category:
            batch[Classification].add(
                complaint_id=self.pk,
                dimension=Dimension.CATEGORY.value,
                category_id=category,
                at=self.received,
                by_id=self.common.by,
            )
        batch[ComplaintSearch].add(
            complaint_id=self.pk, tokens=f"{search.tokens(self.keys.number)} {self.derived.tokens}"
        )
        batch[TextPrint].add(complaint_id=self.pk, tokens=self.derived.print)
        chain = bulk.Chain(batch[CaseEvent], self.pk)
        chain.move(
            "register",
            to=Status.REGISTERED,
            at=self.received if row.reply else self.common.now,
            by=self.common.by,
            note=row.channel,
        )
        if row.reply:
            values = self._answered(chain)
        else:
            values = self._open()
        chain.add(
            "import",
            at=self.common.now,
            by=self.common.by,
            note=row.department.name if row.department else "",
            reference=self.common.reference,
        )
        batch[Complaint].add(
            id=self.pk,
            number=self.keys.number,
            status=chain.status,
            version=chain.version,
            subject=row.subject,
            narrative=row.narrative,
            demand=row.demand,
            place=row.place,
            amount=row.amount,
            channel=row.channel,
            channel_reference=row.external_number,
            received_at=self.received,
            complainant_id=self.keys.person,
            external_key=self.keys.external,
            category_id=category,
            policy_id=self.policy.pk,
            registered_by_id=self.common.by,
            import_batch_id=self.common.batch,
            **values,
        )

    def _complainant(self) -> None:
        row = self.row
        preferred = {} if row.complainant_phone or not row.complainant_email else {"preferred_contact": "email"}
        self.batch[Complainant].add(id=self.keys.person, name=self.derived.name, **preferred)
        given = (
            (ContactKind.PHONE, row.complainant_phone, self.derived.phone),
            (ContactKind.EMAIL, row.complainant_email, self.derived.email),
        )
        for kind, value, encrypted in given:
            if value:
                self.batch[ContactPoint].add(
                    complainant_id=self.keys.person,
                    kind=kind.value,
                    value=encrypted,
                    match_hash=identity.match_hash(kind, value),
                    is_preferred=kind == ContactKind.PHONE or not row.complainant_phone,
                )

    def _answered(self, chain: bulk.Chain) -> dict[str, object]:
        """Handled before it came here: reply, closing and the clocks that ran from receipt to reply."""
        row, replied = self.row, self.row.replied_at
        assert replied is not None
        self.batch[Reply].add(
            id=self.keys.reply,
            complaint_id=self.pk,
            state=ReplyState.SENT.value,
            process="",
            result=row.reply,
            drafted_by_id=self.common.former_staff,
            drafted_at=replied,
            sent_at=replied,
            delivered_at=replied,
        )
        chain.move(
            "close", to=Status.CLOSED, at=replied, by=None, fields=["closed_at", "first_closed_at", "replied_at"]
        )
        if row.department:
            self.batch[Assignment].add(
                complaint_id=self.pk,
                department_id=row.department.pk,
                role=AssignmentRole.LEAD.value,
                state=AssignmentState.DONE.value,
                assigned_at=self.received,
                received_at=self.received,
                ended_at=replied,
            )
        missing = self._clocks(
            [Milestone.RESOLVE, Milestone.REPLY],
            (StartsOn.RECEIVED, StartsOn.REGISTERED, StartsOn.ACCEPTED, StartsOn.ASSIGNED),
            stop=replied,
        )[1]
        return {
            "status_since": replied,
            "registered_at": self.received,
            "accepted_at": self.received,
            "resolved_at": replied,
            "replied_at": replied,
            "closed_at": replied,
            "first_closed_at": replied,
            "calendar_missing": missing,
            "lead_department_id": row.department.pk if row.department else None,
        }

    def _open(self) -> dict[str, object]:
        """Still to be handled: the clocks of receipt and registration run."""
        due, missing = self._clocks(_RUNNING, (StartsOn.RECEIVED, StartsOn.REGISTERED), stop=None)
        return {
            "status_since": self.common.now,
            "registered_at": self.common.now,
            "next_due_at": due,
            "is_overdue": due is not None and due < self.common.now,
            "calendar_missing": missing,
        }

    def _clocks(
        self, milestones: Sequence[Milestone], events: tuple[StartsOn, ...], *, stop: datetime | None
    ) -> tuple[datetime | None, bool]:
        """Write the clocks these events start; the earliest due date, and whether calendar data is missing."""
        first, missing = None, False
        for milestone in milestones:
            rule = self._rule(self.policy, milestone, events)
            if rule is None:
                continue
            start = self.common.now if rule.starts_on == StartsOn.REGISTERED and stop is None else self.received
            due = bulk.add_clock(
                self.batch,
                self.common.policies,
                self.policy,
                rule,
                complaint_id=self.pk,
                start=start,
                stop=stop,
                now=self.common.now,
            )
            missing = missing or due is None
            first = min(filter(None, (first, due)), default=None)
        return first, missing

    def _rule(self, policy: ServicePolicy, milestone: Milestone, events: tuple[StartsOn, ...]) -> PolicyRule | None:
        rule = self.common.policies.rule(policy, milestone, Complexity.SIMPLE)
        return rule if rule and rule.starts_on in events else None

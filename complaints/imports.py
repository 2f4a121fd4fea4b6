"""Import complaints from a file: check everything, then store everything or nothing (IN-13, FI-N, I2).

A row is recognised by its external number and text, or by its text alone where it has no number: the
same file again, or a longer export of the same source, creates only what is new. An answered row
becomes a closed case with its reply and the clock of the handling, so that figures show what really
happened; any other row becomes a registered case whose clocks run. Nobody is notified about steps
that lie in the past. Cases are numbered under the day they were received.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path

from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.crypto import encrypt
from accounts.errors import IllegalTransition, NotAllowed
from accounts.models import User
from complaints import bulk, identity, search
from complaints.deadlines import StartsOn
from complaints.import_files import TableFile
from complaints.import_rows import HEADER_WITHIN, ImportRow, RowErrors, RowReader, find_columns
from complaints.import_files import MAX_COLUMNS, refuse
from complaints.models import (
    Assignment,
    CaseEvent,
    Category,
    Classification,
    Complainant,
    Complaint,
    ComplaintSearch,
    ContactPoint,
    Dimension,
    ImportBatch,
    NumberCounter,
    PolicyRule,
    Reply,
    ServicePolicy,
)
from complaints.models.people import ContactKind
from complaints.states import AssignmentRole, AssignmentState, Channel, Complexity, Milestone, ReplyState, Status

PREFIX = "HY"
CHUNK = 1000
MAX_ERRORS = 10_000
# The author of replies that were given before this system existed; nobody can sign in with it.
FORMER_STAFF = "IMPORT"
_LOCK = "import"

Progress = Callable[[int], None]


@dataclass
class Report:
    """What an import found and did. `new` counts the rows that are (or would be) created."""

    rows: int = 0
    created: int = 0
    duplicates: int = 0
    new: int = 0
    without_date: int = 0
    errors: list[dict[str, object]] = field(default_factory=list)
    more_errors: int = 0
    duplicate_rows: list[int] = field(default_factory=list)
    categories_created: list[str] = field(default_factory=list)

    def add_error(self, row: int, name: str, message: str) -> None:
        if len(self.errors) < MAX_ERRORS:
            self.errors.append({"row": row, "field": name, "message": message})
        else:
            self.more_errors += 1


def run(
    path: Path,
    *,
    by: User | None,
    sheet: str = "",
    columns: Mapping[str, str] | None = None,
    channel: str = Channel.GOVERNMENT,
    dry_run: bool = False,
    at: datetime | None = None,
    progress: Progress = lambda rows: None,
) -> Report:
    """Check a file and, unless it is a dry run or anything is wrong, store all its new rows.

    `columns` maps column names to fields. Raises InvalidInput for a file that cannot be read at all,
    NotAllowed when `by` may not import; faults of rows are in the report.
    """
    if by is not None and not by.has_perm("complaints.import_complaints"):
        raise NotAllowed(_("Your role does not import complaints."))
    job = _Import(TableFile(path, sheet=sheet), columns or {}, channel=str(channel), by=by, now=at or timezone.now(), progress=progress)
    job.check()
    if not dry_run and not job.report.errors and job.report.new:
        job.store()
    return job.report


class _Import:
    """One run over one file: first `check`, then `store`. Both read the file row by row."""

    def __init__(self, source: TableFile, chosen: Mapping[str, str], *, channel: str, by: User | None, now: datetime, progress: Progress) -> None:
        self.source = source
        self.by = by
        self.now = now
        self.progress = progress
        self.report = Report()
        first = list(islice(source.rows(), HEADER_WITHIN))
        self.header, self.columns = find_columns(first, chosen)
        width = max(len(cells) for number, cells in first if number == self.header)
        if width > MAX_COLUMNS:
            raise refuse(_("The file has %(count)s columns; at most %(limit)s are read. Remove the empty ones."), count=width, limit=MAX_COLUMNS)
        self.reader = RowReader(self.columns, width=width, channel=channel, now=now)
        self.policies = bulk.Policies()
        self.per_day: Counter[date] = Counter()
        self.categories: dict[str, None] = {}
        self.answered = False

    # --- First pass: nothing is written -------------------------------------------------------

    def check(self) -> None:
        """Read every row, note every fault, count what is new."""
        self.source_rows = self._keyed_rows(self.report)
        for chunk in _chunks(self.source_rows):
            known = self._known(chunk)
            for key, row in chunk:
                if key in known:
                    self._duplicate(row)
                    continue
                self.report.new += 1
                self.report.without_date += row.received_at is None
                self.per_day[self._day(row)] += 1
                self.answered = self.answered or bool(row.reply)
                if row.category and self.reader.category_id(row.category) is None:
                    self.categories[row.category] = None

    def _keyed_rows(self, report: Report | None) -> Iterator[tuple[str, ImportRow]]:
        """Rows that are right, each with the key it is recognised by. Faults go into `report`."""
        seen: dict[str, tuple[int, str]] = {}
        times: Counter[str] = Counter()
        for number, cells in self.source.rows():
            if number <= self.header:
                continue
            self.progress(1)
            if report is not None:
                report.rows += 1
            try:
                row = self.reader.read(number, cells)
            except RowErrors as error:
                if report is not None:
                    for name, message in error.faults:
                        report.add_error(number, name, message)
                continue
            if not row.external_number:
                times[row.digest] += 1
                yield f"import::{row.digest}:{times[row.digest]}", row
                continue
            earlier = seen.setdefault(row.external_number, (number, row.digest))
            if earlier[0] == number:
                yield f"import:{row.external_number}:{row.digest[:12]}", row
            elif report is not None:
                if earlier[1] == row.digest:
                    self._duplicate(row)
                else:
                    message = _("Row %(row)s has the same number but another text; correct one of them.") % {"row": earlier[0]}
                    report.add_error(number, "external_number", message)

    def _duplicate(self, row: ImportRow) -> None:
        self.report.duplicates += 1
        if len(self.report.duplicate_rows) < MAX_ERRORS:
            self.report.duplicate_rows.append(row.row)

    def _known(self, chunk: list[tuple[str, ImportRow]]) -> set[str]:
        keys = [key for key, _row in chunk]
        return set(Complaint.objects.filter(external_key__in=keys).values_list("external_key", flat=True))

    def _day(self, row: ImportRow) -> date:
        return timezone.localdate(row.received_at or self.now)

    # --- Second pass: one transaction ----------------------------------------------------------

    def store(self) -> None:
        """Write every new row in one transaction; a kill in the middle leaves nothing behind."""
        try:
            with transaction.atomic():
                _one_at_a_time()
                self._store()
        except IntegrityError as error:
            raise IllegalTransition(_("Another import stored some of these rows at the same time. Run it again; what is there is left out.")) from error

    def _store(self) -> None:
        self._create_categories()
        former = _former_staff() if self.answered else None
        imported = ImportBatch.objects.create(
            file_hash=self.source.fingerprint(), source=self.source.path.name[:60], rows=self.report.rows,
            duplicates=self.report.duplicates, created=self.report.new, by=self.by, at=self.now,
        )  # fmt: skip
        following = bulk.reserve_numbers(PREFIX, self.per_day)
        created: list[tuple[int, int]] = []
        for chunk in _chunks(self._keyed_rows(None)):
            known = self._known(chunk)
            rows = [(key, row) for key, row in chunk if key not in known]
            if not rows:
                continue
            batch = bulk.Batch()
            people = bulk.reserve_ids(Complainant, len(rows))
            cases = bulk.reserve_ids(Complaint, len(rows))
            replies = bulk.reserve_ids(Reply, len(rows))
            for index, (key, row) in enumerate(rows):
                day = self._day(row)
                number = bulk.number_of(PREFIX, day, following[day])
                following[day] += 1
                case = _Case(self, batch, row, key=key, number=number, pk=cases[index], person=people[index], reply=replies[index])
                case.write(former=former, reference=f"importbatch:{imported.pk}")
            batch.store()
            created.append((cases[0], cases[-1]))
            self.report.created += len(rows)
        if self.report.created != self.report.new:
            raise IntegrityError("the rows changed between checking and storing")
        if "complainant_phone" in self.columns:
            for first, last in created:
                _mark_repeats(Complaint.objects.filter(pk__gte=first, pk__lte=last))

    def _create_categories(self) -> None:
        """Categories the organisation does not know yet: kept from the public until somebody decides."""
        for name in self.categories:
            code = "import-" + hashlib.sha256(name.encode()).hexdigest()[:12]
            row, _made = Category.objects.get_or_create(
                dimension=Dimension.CATEGORY, code=code, defaults={"name": name, "is_public": False, "order": 900}
            )
            self.reader.remember_category(name, row.pk)
            self.report.categories_created.append(name)


class _Case:
    """The rows of one imported case."""

    def __init__(self, job: _Import, batch: bulk.Batch, row: ImportRow, *, key: str, number: str, pk: int, person: int, reply: int) -> None:
        self.job, self.batch, self.row = job, batch, row
        self.key, self.number, self.pk, self.person, self.reply = key, number, pk, person, reply
        self.received = row.received_at or job.now
        self.policy = job.policies.on(timezone.localdate(self.received))
        self.by = job.by.pk if job.by else None

    def write(self, *, former: User | None, reference: str) -> None:
        row, batch = self.row, self.batch
        self._complainant()
        category = self.job.reader.category_id(row.category) if row.category else None
        if category:
            batch[Classification].add(complaint_id=self.pk, dimension=Dimension.CATEGORY.value, category_id=category, at=self.received, by_id=self.by)
        batch[ComplaintSearch].add(complaint_id=self.pk, tokens=search.tokens(self.number, row.subject, row.narrative))
        chain = bulk.Chain(batch[CaseEvent], self.pk)
        chain.move("register", to=Status.REGISTERED, at=self.received if row.reply else self.job.now, by=self.by, note=row.channel)
        if row.reply:
            assert former is not None
            values = self._answered(chain, former)
        else:
            values = self._open()
        chain.add("import", at=self.job.now, by=self.by, note=row.department.name if row.department else "", reference=reference)
        batch[Complaint].add(
            id=self.pk, number=self.number, status=chain.status, version=chain.version, subject=row.subject, narrative=row.narrative,
            channel=row.channel, channel_reference=row.external_number, received_at=self.received, complainant_id=self.person,
            external_key=self.key, category_id=category, policy_id=self.policy.pk, registered_by_id=self.by, **values,
        )  # fmt: skip

    def _complainant(self) -> None:
        row = self.row
        self.batch[Complainant].add(id=self.person, name=encrypt(row.complainant_name))
        if row.complainant_phone:
            self.batch[ContactPoint].add(
                complainant_id=self.person, kind=ContactKind.PHONE.value, value=encrypt(row.complainant_phone),
                match_hash=identity.match_hash(ContactKind.PHONE, row.complainant_phone), is_preferred=True,
            )  # fmt: skip

    def _answered(self, chain: bulk.Chain, former: User) -> dict[str, object]:
        """Handled before it came here: reply, closing and the clocks that ran from receipt to reply."""
        row, replied = self.row, self.row.replied_at
        assert replied is not None
        self.batch[Reply].add(
            id=self.reply, complaint_id=self.pk, state=ReplyState.SENT.value, process="", result=row.reply, drafted_by_id=former.pk,
            drafted_at=replied, sent_at=replied, delivered_at=replied,
        )  # fmt: skip
        chain.move("close", to=Status.CLOSED, at=replied, by=None, fields=["closed_at", "first_closed_at", "replied_at"])
        if row.department:
            self.batch[Assignment].add(
                complaint_id=self.pk, department_id=row.department.pk, role=AssignmentRole.LEAD.value, state=AssignmentState.DONE.value,
                assigned_at=self.received, received_at=self.received, ended_at=replied,
            )  # fmt: skip
        missing = self._clocks([Milestone.RESOLVE, Milestone.REPLY], (StartsOn.RECEIVED, StartsOn.REGISTERED, StartsOn.ACCEPTED, StartsOn.ASSIGNED), stop=replied)[1]
        return {
            "status_since": replied, "registered_at": self.received, "accepted_at": self.received, "resolved_at": replied, "replied_at": replied,
            "closed_at": replied, "first_closed_at": replied, "calendar_missing": missing,
            "lead_department_id": row.department.pk if row.department else None,
        }  # fmt: skip

    def _open(self) -> dict[str, object]:
        """Still to be handled: the clocks of receipt and registration run."""
        milestones = [m for m in Milestone if m != Milestone.ACKNOWLEDGE and not m.startswith("review")]
        due, missing = self._clocks(milestones, (StartsOn.RECEIVED, StartsOn.REGISTERED), stop=None)
        return {
            "status_since": self.job.now, "registered_at": self.job.now, "next_due_at": due,
            "is_overdue": due is not None and due < self.job.now, "calendar_missing": missing,
        }  # fmt: skip

    def _clocks(self, milestones: list[Milestone], events: tuple[StartsOn, ...], *, stop: datetime | None) -> tuple[datetime | None, bool]:
        """Write the clocks these events start; the earliest due date, and whether calendar data is missing."""
        first, missing = None, False
        for milestone in milestones:
            rule = self._rule(self.policy, milestone, events)
            if rule is None:
                continue
            start = self.job.now if rule.starts_on == StartsOn.REGISTERED and stop is None else self.received
            due = bulk.add_clock(self.batch, self.job.policies, self.policy, rule, complaint_id=self.pk, start=start, stop=stop, now=self.job.now)
            missing = missing or due is None
            first = min(filter(None, (first, due)), default=None)
        return first, missing

    def _rule(self, policy: ServicePolicy, milestone: Milestone, events: tuple[StartsOn, ...]) -> PolicyRule | None:
        rule = self.job.policies.rule(policy, milestone, Complexity.SIMPLE)
        return rule if rule and rule.starts_on in events else None


def _chunks(rows: Iterator[tuple[str, ImportRow]]) -> Iterator[list[tuple[str, ImportRow]]]:
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


def _one_at_a_time() -> None:
    """Two imports run after each other: the second one then sees the rows of the first."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '10min'")
    NumberCounter.objects.get_or_create(scope=_LOCK)
    NumberCounter.objects.select_for_update().get(scope=_LOCK)


def _former_staff() -> User:
    user = User.objects.filter(staff_number=FORMER_STAFF).first()
    return user or User.objects.create_user(FORMER_STAFF, display_name=_("Former system"), is_active=False)


def _mark_repeats(cases: QuerySet[Complaint]) -> None:
    """Mark the cases whose complainant had complained in the 90 days before (RISK-12)."""
    earlier = ContactPoint.objects.filter(
        match_hash=OuterRef("match_hash"),
        complainant__complaint__received_at__lt=OuterRef(OuterRef("received_at")),
        complainant__complaint__received_at__gt=OuterRef(OuterRef("received_at")) - timedelta(days=90),
    )
    own = ContactPoint.objects.filter(complainant=OuterRef("complainant")).exclude(match_hash="").filter(Exists(earlier))
    cases.filter(Exists(own)).update(is_repeat=True)

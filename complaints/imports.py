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

from accounts.errors import IllegalTransition, NotAllowed
from accounts.models import User
from complaints import bulk
from complaints.import_cases import Common, ImportedCase, Keys
from complaints.import_files import MAX_COLUMNS, TableFile, refuse
from complaints.import_rows import HEADER_WITHIN, ImportRow, RowErrors, RowReader, find_columns
from complaints.models import (
    Category,
    Complainant,
    Complaint,
    ContactPoint,
    Dimension,
    ImportBatch,
    NumberCounter,
    Reply,
)
from complaints.states import Channel

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
    job = _Import(
        TableFile(path, sheet=sheet),
        columns or {},
        channel=str(channel),
        by=by,
        now=at or timezone.now(),
        progress=progress,
    )
    job.check()
    if not dry_run and not job.report.errors and job.report.new:
        job.store()
    return job.report


class _Import:
    """One run over one file: first `check`, then `store`. Both read the file row by row."""

    def __init__(
        self,
        source: TableFile,
        chosen: Mapping[str, str],
        *,
        channel: str,
        by: User | None,
        now: datetime,
        progress: Progress,
    ) -> None:
        self.source = source
        self.by = by
        self.now = now
        self.progress = progress
        self.report = Report()
        first = list(islice(source.rows(), HEADER_WITHIN))
        self.header, self.columns = find_columns(first, chosen)
        width = max(len(cells) for number, cells in first if number == self.header)
        if width > MAX_COLUMNS:
            raise refuse(
                _("The file has %(count)s columns; at most %(limit)s are read. Remove the empty ones."),
                count=width,
                limit=MAX_COLUMNS,
            )
        self.reader = RowReader(self.columns, width=width, channel=channel, now=now)
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
                    message = _("Row %(row)s has the same number but another text; correct one of them.") % {
                        "row": earlier[0]
                    }
                    report.add_error(number, "external_number", message)

    def _duplicate(self, row: ImportRow) -> None:
        self.report.duplicates += 1
        if len(self.report.duplicate_rows) < MAX_ERRORS:
            self.report.duplicate_rows.append(row.row)

    def _known(self, chunk: list[tuple[str, ImportRow]]) -> set[str]:
        keys = [key for key, _row in chunk]
        return {
            key for key in Complaint.objects.filter(external_key__in=keys).values_list("external_key", flat=True) if key
        }

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
            raise IllegalTransition(
                _("Another import stored some of these rows at the same time. Run it again; what is there is left out.")
            ) from error

    def _store(self) -> None:
        self._create_categories()
        imported = ImportBatch.objects.create(
            file_hash=self.source.fingerprint(),
            source=self.source.path.name[:60],
            rows=self.report.rows,
            duplicates=self.report.duplicates,
            created=self.report.new,
            by=self.by,
            at=self.now,
        )
        common = Common(
            policies=bulk.Policies(),
            category_id=self.reader.category_id,
            now=self.now,
            by=self.by.pk if self.by else None,
            former_staff=_former_staff().pk if self.answered else None,
            batch=imported.pk,
            reference=f"importbatch:{imported.pk}",
        )
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
                keys = Keys(key, number, cases[index], people[index], replies[index])
                ImportedCase(common, batch, row, keys).write()
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
    own = (
        ContactPoint.objects.filter(complainant=OuterRef("complainant")).exclude(match_hash="").filter(Exists(earlier))
    )
    cases.filter(Exists(own)).update(is_repeat=True)

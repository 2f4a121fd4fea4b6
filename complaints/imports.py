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

from accounts import after_commit
from accounts.errors import IllegalTransition, NotAllowed
from accounts.models import User
from complaints import bulk, identity, search, tasks
from complaints.calendars import SHANGHAI
from complaints.import_cases import Common, Keys, write
from complaints.import_files import MAX_COLUMNS, TableFile, refuse
from complaints.import_rows import HEADER_WITHIN, ImportRow, Layout, LostDigits, RowErrors, RowReader, find_columns
from complaints.models import (
    Category,
    Complainant,
    Complaint,
    ContactPoint,
    Dimension,
    ImportBatch,
    ImportState,
    Reply,
)
from complaints.models.people import ContactKind
from complaints.states import Channel

PREFIX = "HY"
CHUNK = 1000
MAX_ERRORS = 10_000
# The author of replies that were given before this system existed; nobody can sign in with it.
FORMER_STAFF = "IMPORT"
PREVIEWED = 10

# Told after every thousand rows: whether they are being stored (else checked), how many of this pass were
# read, and how much of the file that is, from 0 to 1.
Progress = Callable[[bool, int, float], None]
Keyed = tuple[str, ImportRow]


@dataclass
class Report:
    """What an import found and did. `new` counts the rows that are (or would be) created.

    `new_rows` holds the numbers of these rows as ranges [first, last], in the order their cases are made;
    `first` shows the first of them as they would become, persons masked.
    """

    rows: int = 0
    created: int = 0
    duplicates: int = 0
    new: int = 0
    without_date: int = 0
    errors: list[dict[str, object]] = field(default_factory=list)
    more_errors: int = 0
    duplicate_rows: list[int] = field(default_factory=list)
    new_rows: list[list[int]] = field(default_factory=list)
    first: list[dict[str, object]] = field(default_factory=list)
    categories_new: list[str] = field(default_factory=list)
    categories_created: list[str] = field(default_factory=list)

    def add_error(self, row: int, name: str, message: str) -> None:
        if len(self.errors) < MAX_ERRORS:
            self.errors.append({"row": row, "field": name, "message": message})
        else:
            self.more_errors += 1

    def add_new(self, row: int) -> None:
        self.new += 1
        if self.new_rows and self.new_rows[-1][1] == row - 1:
            self.new_rows[-1][1] = row
        else:
            self.new_rows.append([row, row])


def run(
    path: Path,
    *,
    by: User | None,
    sheet: str = "",
    columns: Mapping[str, str] | None = None,
    channel: str = Channel.GOVERNMENT,
    dry_run: bool = False,
    at: datetime | None = None,
    progress: Progress = lambda storing, rows, part: None,
    layout: Layout | None = None,
    batch: ImportBatch | None = None,
) -> Report:
    """Check a file and, unless it is a dry run or anything is wrong, store all its new rows.

    `columns` maps column names to fields; a `layout` says it by position instead. The cases belong to
    `batch`, or to a new one. Raises InvalidInput for a file that cannot be read at all, NotAllowed when
    `by` may not import; faults of rows are in the report.
    """
    if by is not None and not by.has_perm("complaints.import_complaints"):
        raise NotAllowed(_("Your role does not import complaints."))
    job = _Import(
        TableFile(path, sheet=sheet),
        columns or {},
        layout,
        channel=str(channel),
        by=by,
        now=at or timezone.now(),
        progress=progress,
    )
    if dry_run:
        job.check()
    else:
        job.store(batch)
    return job.report


class _Import:
    """One run over one file: first `check`, then `store`. Both read the file row by row."""

    def __init__(
        self,
        source: TableFile,
        chosen: Mapping[str, str],
        layout: Layout | None,
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
        layout = layout or find_columns(first, chosen)
        self.header, self.columns = layout.header, layout.columns
        width = max((len(cells) for number, cells in first if number == self.header), default=0)
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
        lost = LostDigits()
        for chunk in _chunks(self._keyed_rows(self.report)):
            known = _known(chunk)
            for key, row in chunk:
                lost.look(row)
                if key in known:
                    self._duplicate(row)
                    continue
                self.report.add_new(row.row)
                self.report.without_date += row.received_at is None
                self.per_day[self._day(row)] += 1
                self.answered = self.answered or bool(row.reply)
                if row.category and self.reader.category_id(row.category) is None:
                    self.categories[row.category] = None
                if len(self.report.first) < PREVIEWED:
                    self.report.first.append(_shown(row))
        self.report.categories_new = list(self.categories)
        for number, name, message in lost.faults():
            self.report.add_error(number, name, message)

    def _keyed_rows(self, report: Report | None) -> Iterator[Keyed]:
        """Rows that are right, each with the key it is recognised by. Faults go into `report`."""
        seen: dict[str, tuple[int, str]] = {}
        times: Counter[str] = Counter()
        count = 0
        for number, cells in self.source.rows():
            if number <= self.header:
                continue
            count += 1
            if count % CHUNK == 0:
                self.progress(report is None, count, self.source.position)
            if report is not None:
                report.rows += 1
            try:
                row = self.reader.read(number, cells)
            except RowErrors as error:
                if report is not None:
                    self._note(report, number, error)
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

    def _note(self, report: Report, number: int, error: RowErrors) -> None:
        if number in self.source.merged_rows:
            report.add_error(
                number,
                "row",
                _("Cells of this row are merged with those above; undo the merging and fill in every row."),
            )
        for name, message in error.faults:
            report.add_error(number, name, message)

    def _duplicate(self, row: ImportRow) -> None:
        self.report.duplicates += 1
        if len(self.report.duplicate_rows) < MAX_ERRORS:
            self.report.duplicate_rows.append(row.row)

    def _day(self, row: ImportRow) -> date:
        return (row.received_at or self.now).astimezone(SHANGHAI).date()

    # --- Second pass: one transaction ----------------------------------------------------------

    def store(self, imported: ImportBatch | None) -> None:
        """Check, then write every new row, in one transaction: a kill in the middle leaves nothing behind."""
        try:
            with transaction.atomic():
                _one_at_a_time()
                self.check()
                if self.report.new and not self.report.errors:
                    self._store(imported)
        except IntegrityError as error:
            raise IllegalTransition(
                _("Another import stored some of these rows at the same time. Run it again; what is there is left out.")
            ) from error

    def _store(self, imported: ImportBatch | None) -> None:
        search.put_off_merging()
        after_commit.enqueue(tasks.merge_text_indexes)
        self._create_categories()
        values = {"rows": self.report.rows, "duplicates": self.report.duplicates, "created": self.report.new}
        if imported is None:
            imported = ImportBatch.objects.create(
                file_hash=self.source.fingerprint(),
                source=self.source.path.name[:60],
                options={"new_rows": self.report.new_rows},
                by=self.by,
                at=self.now,
                done=self.report.rows,
                **values,
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
        people, cases, replies = (
            iter(bulk.reserve_ids(model, self.report.new)) for model in (Complainant, Complaint, Reply)
        )
        created: list[tuple[int, int]] = []
        with bulk.Writer() as writer:
            for rows in _chunks(self._new_rows()):
                batch = bulk.Batch()
                keyed = []
                for key, row in rows:
                    day = self._day(row)
                    number = bulk.number_of(PREFIX, day, following[day])
                    following[day] += 1
                    keyed.append((row, Keys(key, number, next(cases), next(people), next(replies))))
                write(common, batch, keyed)
                writer.store(batch)
                created.append((keyed[0][1].case, keyed[-1][1].case))
                self.report.created += len(rows)
        if self.report.created != self.report.new:
            raise IntegrityError("the file changed between checking and storing")
        if "complainant_phone" in self.columns:
            _refresh_statistics()
            for first, last in created:
                _mark_repeats(imported.complaints.filter(pk__gte=first, pk__lte=last))
        if imported.state == ImportState.RUNNING:
            ImportBatch.objects.filter(pk=imported.pk).update(state=ImportState.DONE, done=self.report.rows, **values)

    def _new_rows(self) -> Iterator[Keyed]:
        """The rows that the check found to be new, read once more."""
        ranges = iter(self.report.new_rows)
        first, last = next(ranges, (0, -1))
        for key, row in self._keyed_rows(None):
            while row.row > last >= 0:
                first, last = next(ranges, (0, -1))
            if first <= row.row <= last:
                yield key, row

    def _create_categories(self) -> None:
        """Categories the organisation does not know yet: kept from the public until somebody decides."""
        for name in self.categories:
            code = "import-" + hashlib.sha256(name.encode()).hexdigest()[:12]
            row, _made = Category.objects.get_or_create(
                dimension=Dimension.CATEGORY, code=code, defaults={"name": name, "is_public": False, "order": 900}
            )
            self.reader.remember_category(name, row.pk)
            self.report.categories_created.append(name)


def _chunks(rows: Iterator[Keyed]) -> Iterator[list[Keyed]]:
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


def _known(chunk: list[Keyed]) -> set[str]:
    """The keys of the chunk that are in the register."""
    keys = [key for key, _row in chunk]
    return {
        key for key in Complaint.objects.filter(external_key__in=keys).values_list("external_key", flat=True) if key
    }


def _shown(row: ImportRow) -> dict[str, object]:
    """A row as the preview shows it: what it would become, the person masked (COM-07)."""
    return {
        "row": row.row,
        "external_number": row.external_number,
        "subject": row.subject,
        "received_at": row.received_at.isoformat() if row.received_at else "",
        "channel": str(Channel(row.channel).label),
        "category": row.category,
        "name": identity.mask("name", row.complainant_name),
        "phone": identity.mask(ContactKind.PHONE, row.complainant_phone),
        "is_answered": bool(row.reply),
    }


def _one_at_a_time() -> None:
    """Two imports run after each other: the second one then sees the rows of the first.

    SQLite has one writer at a time anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '10min'")
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('complaints.imports'))")


def _refresh_statistics() -> None:
    """Tell PostgreSQL how large the tables have become in this transaction, or it reads them whole.

    Only of the columns that `_mark_repeats` compares: the texts would take most of the time.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                f"ANALYZE {Complaint._meta.db_table}"
                " (id, complainant_id, received_at, status, import_batch_id, external_key),"
                f" {Complainant._meta.db_table} (id), {ContactPoint._meta.db_table} (complainant_id, match_hash)"
            )


def _former_staff() -> User:
    user = User.objects.filter(staff_number=FORMER_STAFF).first()
    return user or User.objects.create_user(FORMER_STAFF, display_name=_("Former system"), is_active=False)


def _mark_repeats(cases: QuerySet[Complaint]) -> None:
    """Mark the cases whose complainant had complained in the 90 days before (RISK-12).

    Cases of an import that was undone are none: the same complaints may just come in again.
    """
    undone = Complaint.objects.filter(identity.undone_import(), complainant=OuterRef("complainant"))
    earlier = ContactPoint.objects.exclude(Exists(undone)).filter(
        match_hash=OuterRef("match_hash"),
        complainant__complaint__received_at__lt=OuterRef(OuterRef("received_at")),
        complainant__complaint__received_at__gt=OuterRef(OuterRef("received_at")) - timedelta(days=90),
    )
    own = (
        ContactPoint.objects.filter(complainant=OuterRef("complainant")).exclude(match_hash="").filter(Exists(earlier))
    )
    cases.filter(Exists(own)).update(is_repeat=True)

"""Import complaints from a file: every row is checked, and all are stored or none (IN-13, FI-N, I2).

A file is read once: what is right is stored on the way, in one transaction that is undone as soon as
anything is wrong; the rest of the file is then only checked, so that the report names every fault.

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
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import after_commit
from accounts.errors import IllegalTransition, NotAllowed
from accounts.models import User
from complaints import bulk, identity, office_terms, search, tasks
from complaints.calendars import SHANGHAI
from complaints.import_cases import Common, Keys, texts_of, write
from complaints.import_files import MAX_COLUMNS, TableFile, refuse
from complaints.import_rows import HEADER_WITHIN, ImportRow, Layout, LostDigits, RowErrors, RowReader, find_columns
from complaints.import_texts import Deriver
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

# Told after every thousand rows: how many were read, and how much of the file that is, from 0 to 1.
Progress = Callable[[int, float], None]
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
    progress: Progress = lambda rows, part: None,
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


class _Nothing(Exception):
    """Nothing of this file is kept: it has faults, or no row is new."""


class _Import:
    """One run over one file, row by row: `check` or `store`."""

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
        # Categories that the organisation does not know yet, in the order of the file.
        self.categories: dict[str, None] = {}

    # --- What a file holds: nothing is written ------------------------------------------------

    def check(self) -> None:
        """Read every row, note every fault, count what is new."""
        for _rows in self._new_rows():
            pass

    def _new_rows(self, wait: Callable[[], None] = lambda: None) -> Iterator[list[Keyed]]:
        """The rows that are new, in chunks. Everything found goes into the report, the last faults at the end.

        `wait` is called before the database is asked for what it knows.
        """
        lost = LostDigits()
        for chunk in _chunks(self._keyed_rows()):
            wait()
            known = _known(chunk)
            for key, row in chunk:
                lost.look(row)
                if key in known:
                    self._duplicate(row)
                else:
                    self._new(row)
            yield [keyed for keyed in chunk if keyed[0] not in known]
        self.report.categories_new = list(self.categories)
        for number, name, message in lost.faults():
            self.report.add_error(number, name, message)

    def _keyed_rows(self) -> Iterator[Keyed]:
        """Rows that are right, each with the key it is recognised by."""
        seen: dict[str, tuple[int, str]] = {}
        times: Counter[str] = Counter()
        for number, cells in self.source.rows():
            if number <= self.header:
                continue
            self.report.rows += 1
            if self.report.rows % CHUNK == 0:
                self.progress(self.report.rows, self.source.position)
            try:
                row = self.reader.read(number, cells)
            except RowErrors as error:
                self._note(number, error)
                continue
            if not row.external_number:
                times[row.digest] += 1
                yield f"import::{row.digest}:{times[row.digest]}", row
                continue
            earlier = seen.setdefault(row.external_number, (number, row.digest))
            if earlier[0] == number:
                yield f"import:{row.external_number}:{row.digest[:12]}", row
            elif earlier[1] == row.digest:
                self._duplicate(row)
            else:
                message = _("Row %(row)s has the same number but another text; correct one of them.")
                self.report.add_error(number, "external_number", message % {"row": earlier[0]})

    def _note(self, number: int, error: RowErrors) -> None:
        if number in self.source.merged_rows:
            self.report.add_error(
                number,
                "row",
                _("Cells of this row are merged with those above; undo the merging and fill in every row."),
            )
        for name, message in error.faults:
            self.report.add_error(number, name, message)

    def _duplicate(self, row: ImportRow) -> None:
        self.report.duplicates += 1
        if len(self.report.duplicate_rows) < MAX_ERRORS:
            self.report.duplicate_rows.append(row.row)

    def _new(self, row: ImportRow) -> None:
        self.report.add_new(row.row)
        self.report.without_date += row.received_at is None
        if row.category and row.category not in self.categories and self.reader.category_id(row.category) is None:
            self.categories[row.category] = None
        if len(self.report.first) < PREVIEWED:
            self.report.first.append(_shown(row))

    # --- Storing: one transaction --------------------------------------------------------------

    def store(self, imported: ImportBatch | None) -> None:
        """Write every new row, in one transaction: a fault or a kill in the middle leaves nothing behind."""
        try:
            with transaction.atomic():
                _one_at_a_time()
                self._store(imported)
        except _Nothing:
            self.report.created = 0
            self.report.categories_created.clear()
        except IntegrityError as error:
            raise IllegalTransition(
                _("Another import stored some of these rows at the same time. Run it again; what is there is left out.")
            ) from error

    def _store(self, imported: ImportBatch | None) -> None:
        search.put_off_merging()
        after_commit.enqueue(tasks.merge_text_indexes)
        if imported is None:
            imported = ImportBatch.objects.create(
                file_hash=self.source.fingerprint(), source=self.source.path.name[:60], by=self.by, at=self.now
            )
        common = Common(
            policies=bulk.Policies(),
            category_id=self.reader.category_id,
            now=self.now,
            by=self.by.pk if self.by else None,
            former_staff=_former_staff().pk if "reply" in self.columns else None,
            batch=imported.pk,
            reference=f"importbatch:{imported.pk}",
        )
        created: list[tuple[int, int]] = []
        with bulk.Writer() as writer, Deriver() as deriver:
            batch = bulk.Batch()
            parts = ((rows, [texts_of(row) for _key, row in rows]) for rows in self._new_rows(writer.wait) if rows)
            for rows, derived in deriver.ahead(parts):
                if self.report.errors:
                    continue
                writer.wait()
                keyed = self._with_keys(rows)
                # The last chunk is sent while this one is composed.
                writer.store(batch)
                batch = bulk.Batch()
                write(common, batch, keyed, derived)
                created.append((keyed[0][1].case, keyed[-1][1].case))
                self.report.created += len(rows)
            if self.report.errors or not self.report.created:
                raise _Nothing
            writer.store(batch)
        if {"complainant_phone", "complainant_email"} & self.columns.keys():
            _refresh_statistics()
            for first, last in created:
                _mark_repeats(imported.complaints.filter(pk__gte=first, pk__lte=last))
        if imported.state == ImportState.RUNNING:
            ImportBatch.objects.filter(pk=imported.pk).update(
                state=ImportState.DONE,
                options=imported.options | {"new_rows": self.report.new_rows},
                rows=self.report.rows,
                done=self.report.rows,
                duplicates=self.report.duplicates,
                created=self.report.created,
            )

    def _with_keys(self, rows: list[Keyed]) -> list[tuple[ImportRow, Keys]]:
        """The rows with the numbers and primary keys of their cases; categories that are not there yet are made."""
        self._create_categories()
        days = [(row.received_at or self.now).astimezone(SHANGHAI).date() for _key, row in rows]
        following = bulk.reserve_numbers(PREFIX, Counter(days))
        people, cases, replies = (bulk.reserve_ids(model, len(rows)) for model in (Complainant, Complaint, Reply))
        keyed = []
        for (key, row), day, *ids in zip(rows, days, cases, people, replies, strict=True):
            keyed.append((row, Keys(key, bulk.number_of(PREFIX, day, following[day]), *ids)))
            following[day] += 1
        return keyed

    def _create_categories(self) -> None:
        """Categories the organisation does not know yet: kept from the public until somebody decides."""
        for name in list(self.categories)[len(self.report.categories_created) :]:
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
        "email": identity.mask(ContactKind.EMAIL, row.complainant_email),
        "demand": identity.scrub(row.demand, None),
        "place": row.place,
        "amount": str(row.amount) if row.amount is not None else "",
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
    """Mark the cases whose complainant had complained in the days before that make one a repeat (RISK-12).

    Cases of an import that was undone are none: the same complaints may just come in again.
    """
    days = timedelta(days=office_terms.of("repeat"))
    undone = Complaint.objects.filter(identity.undone_import(), complainant=OuterRef("complainant"))
    earlier = ContactPoint.objects.exclude(Exists(undone)).filter(
        match_hash=OuterRef("match_hash"),
        complainant__complaint__received_at__lt=OuterRef(OuterRef("received_at")),
        complainant__complaint__received_at__gt=OuterRef(OuterRef("received_at")) - days,
    )
    own = (
        ContactPoint.objects.filter(complainant=OuterRef("complainant")).exclude(match_hash="").filter(Exists(earlier))
    )
    cases.filter(Exists(own)).update(is_repeat=True)

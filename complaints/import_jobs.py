"""The life of an uploaded file: columns chosen, checked, imported, undone (IN-13, EX-06, EX-07).

The long steps are jobs. Each is one transaction under a lock of the database, so a killed worker leaves
nothing behind and frees the lock; whoever finds the batch next (`sweep`) begins the step again.
`ImportBatch.options` holds the choices and what was found:

phase         what is going on: "columns", "checking", "checked", "storing", "undoing" or ""
sheet, channel, header, columns    how the file is read (complaints.import_rows.Layout)
new, first, without_date, categories, duplicate_rows, more_errors, new_rows    see imports.Report
problem       why the file as a whole could not be read or stored
reason        why it is being undone
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from django.core.files.uploadedfile import UploadedFile
from django.db import DatabaseError, connection, transaction
from django.db.models import ProtectedError, Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts import after_commit
from accounts.errors import DomainError, IllegalTransition, InvalidInput, NotAllowed
from accounts.models import User
from complaints import files, import_undo, imports, tasks
from complaints.import_files import TableFile, refuse
from complaints.import_rows import FIELDS, HEADER_WITHIN, REQUIRED, SAMPLES, Heading, Layout, inspect
from complaints.models import ImportBatch, ImportSource, ImportState
from complaints.states import Channel

logger = logging.getLogger("huiyin.jobs")

PERMISSION = "complaints.import_complaints"
# An uploaded file is kept until its rows are stored, and no longer than this.
KEPT = timedelta(days=1)
# A message to the workers older than this was lost, or its worker died.
WAIT = timedelta(minutes=1)
# Files up to this many bytes are checked at once.
SMALL = 200_000


# --- Upload and columns ------------------------------------------------------------------------
def receive(upload: UploadedFile, *, source: ImportSource | None, by: User, at: datetime) -> ImportBatch:
    """Keep an uploaded file as a batch whose columns are to be chosen.

    Raises InvalidInput("file", …) for a file that cannot be read, NotAllowed, StorageFull.
    """
    _may(by)
    if not upload.size:
        raise refuse(_("The file is empty."))
    stored = files.store(upload, at=at, kind="application/octet-stream")
    batch = ImportBatch(
        file=stored,
        file_hash=stored.sha256,
        source=source.name if source else "",
        state=ImportState.PREVIEW,
        options={"phase": "columns", "sheet": "", "channel": source.channel if source else ""},
        by=by,
        at=at,
    )
    try:
        sheets = open_table(batch).sheet_names
    except InvalidInput:
        _drop(stored)
        raise
    if source and source.sheet in sheets:
        batch.options["sheet"] = source.sheet
    batch.save()
    return batch


def open_table(batch: ImportBatch, sheet: str | None = None) -> TableFile:
    """The file of a batch. Raises InvalidInput when it is gone or cannot be read."""
    if batch.file is None:
        raise refuse(_("The file is kept for one day; upload it again."))
    try:
        with files.open_file(batch.file) as content:
            path = Path(content.name)
    except FileNotFoundError:
        raise refuse(_("The file is kept for one day; upload it again.")) from None
    return TableFile(path, sheet=batch.options["sheet"] if sheet is None else sheet)


def headings(batch: ImportBatch, sheet: str | None = None) -> tuple[TableFile, int, list[Heading]]:
    """The file, the row of its header and its columns, each with what it is taken for."""
    source = ImportSource.objects.filter(name=batch.source).first() if batch.source else None
    table = open_table(batch, sheet)
    rows = []
    for row in table.rows():
        rows.append(row)
        if len(rows) == HEADER_WITHIN + SAMPLES:
            break
    header, found = inspect(rows, source.mapping if source else None)
    return table, header, found


def choose(
    batch_id: int,
    *,
    sheet: str,
    channel: str,
    header: int,
    columns: dict[str, int],
    names: dict[str, str],
    source: str = "",
    by: User,
    at: datetime,
) -> None:
    """Say how the file is read, and check it: at once when it is small, else by a worker.

    `names` maps the names of the columns to fields and is kept for the next file of `source`. Raises
    InvalidInput for an unknown field, a missing one or an unknown channel; IllegalTransition later on.
    """
    _may(by)
    unknown = set(columns) - set(FIELDS)
    if unknown:
        raise InvalidInput("columns", _("“%(value)s” is not one of the choices."), value=sorted(unknown)[0])
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise InvalidInput("columns", _("Say which column holds: %(fields)s."), fields=", ".join(missing))
    if channel not in Channel.values:
        raise InvalidInput("channel", _("Choose the channel of these complaints."))
    with transaction.atomic():
        batch = _locked(batch_id, ImportState.PREVIEW, ImportState.FAILED)
        if batch.file_id is None:
            raise refuse(_("The file is kept for one day; upload it again."))
        batch.source = source[:60]
        batch.state = ImportState.PREVIEW
        batch.options = {"sheet": sheet, "channel": channel, "header": header, "columns": columns, "phase": "checking"}
        batch.options["language"] = translation.get_language()
        batch.errors, batch.rows, batch.done = [], 0, 0
        batch.save()
        if source:
            ImportSource.objects.update_or_create(
                name=source[:60],
                defaults={"mapping": names, "sheet": sheet, "channel": channel, "changed_at": at, "changed_by": by},
            )
        size = batch.file.size if batch.file else 0
        if size > SMALL:
            after_commit.enqueue(tasks.check_import, batch_id=batch_id)
    if size <= SMALL:
        check(batch_id, at=at)


def discard(batch_id: int, *, by: User) -> None:
    """Forget a file that was not imported."""
    _may(by)
    with transaction.atomic():
        batch = _locked(batch_id, ImportState.PREVIEW)
        stored = batch.file
        batch.delete()
    if stored:
        _drop(stored)


def ask_import(batch_id: int, *, by: User) -> None:
    """Let a worker store the rows of a checked file. Raises IllegalTransition when there is nothing to store."""
    _may(by)
    with transaction.atomic():
        batch = _locked(batch_id, ImportState.PREVIEW)
        if batch.options["phase"] != "checked" or batch.errors or not batch.options["new"]:
            raise IllegalTransition(_("There is nothing to import; check the file first."))
        batch.state, batch.by, batch.done = ImportState.RUNNING, by, 0
        batch.options["phase"] = "storing"
        batch.save(update_fields=["state", "by", "done", "options"])
        after_commit.enqueue(tasks.store_import, batch_id=batch_id)


def ask_undo(batch_id: int, *, reason: str, by: User) -> None:
    """Let a worker take an import back. Raises IllegalTransition naming how many cases were worked on since."""
    _may(by)
    if not reason.strip():
        raise InvalidInput("reason", _("Say why this import is undone."))
    with transaction.atomic():
        batch = _locked(batch_id, ImportState.DONE)
        import_undo.refuse_touched(batch)
        batch.done, batch.undone_by = 0, by
        batch.options |= {"phase": "undoing", "reason": reason[:200], "problem": ""}
        batch.save(update_fields=["done", "options", "undone_by"])
        after_commit.enqueue(tasks.undo_import, batch_id=batch_id)


# --- The jobs --------------------------------------------------------------------------------
def check(batch_id: int, *, at: datetime | None = None) -> bool:
    """Read the whole file and keep what was found; nothing is stored. False when there is nothing to check."""
    batch = ImportBatch.objects.select_related("file", "by").get(pk=batch_id)
    if batch.state != ImportState.PREVIEW or batch.options["phase"] != "checking":
        return False
    with _in_language(batch):
        try:
            with _Bar(batch, of_file=True) as bar:
                report = _run(batch, dry_run=True, at=at, progress=bar.show)
        except (DomainError, NotAllowed) as error:
            _fail(batch, str(error), state=ImportState.PREVIEW)
            return True
    _keep(batch, report)
    batch.options |= {"phase": "checked", "problem": ""}
    batch.done = 0
    # Not over choices that were made while the file was read.
    ImportBatch.objects.filter(pk=batch.pk, state=ImportState.PREVIEW).update(
        **{name: getattr(batch, name) for name in ("options", "errors", "rows", "duplicates", "done")}
    )
    return True


def store(batch_id: int, *, at: datetime | None = None) -> bool:
    """Store the rows of a batch, all or none; False when another worker has it or it is done."""
    batch = ImportBatch.objects.select_related("file", "by").get(pk=batch_id)
    if batch.state != ImportState.RUNNING:
        return False

    def work() -> None:
        with _Bar(batch) as bar:
            report = _run(batch, dry_run=False, at=at, progress=bar.show)
        _keep(batch, report)
        batch.options["phase"] = ""
        batch.state = ImportState.FAILED if report.errors else ImportState.DONE
        batch.created, batch.done = report.created, report.rows
        batch.save(update_fields=["options", "errors", "rows", "duplicates", "state", "created", "done"])

    if not _alone(batch, lambda: batch.state == ImportState.RUNNING, work):
        return False
    if batch.state == ImportState.DONE:
        _drop_file(batch)
    return True


def undo(batch_id: int, *, at: datetime | None = None) -> bool:
    """Take every case of a batch out of the work, or none; False when another worker has it or it is done."""
    batch = ImportBatch.objects.select_related("file", "undone_by").get(pk=batch_id)

    def is_wanted() -> bool:
        return batch.state == ImportState.DONE and batch.options["phase"] == "undoing"

    def work() -> None:
        by = batch.undone_by
        if by is None:
            raise NotAllowed
        _may(by)
        now = at or timezone.now()
        with _Bar(batch) as bar:
            import_undo.undo(batch, reason=batch.options["reason"], by=by, at=now, progress=bar.count)
        batch.options["phase"] = ""
        batch.state, batch.undone_at = ImportState.UNDONE, now
        batch.save(update_fields=["options", "state", "undone_at"])

    return is_wanted() and _alone(batch, is_wanted, work)


def sweep(*, now: datetime | None = None) -> dict[str, int]:
    """Begin again what was left by a lost message or a dead worker."""
    left = (now or timezone.now()) - WAIT
    work = {"checking": tasks.check_import, "storing": tasks.store_import, "undoing": tasks.undo_import}
    waiting = ImportBatch.objects.filter(options__phase__in=list(work), at__lt=left)
    found = list(waiting.values_list("pk", "options__phase"))
    for pk, phase in found:
        after_commit.enqueue(work[phase], batch_id=pk)
    return {"imports": len(found)}


def purge(*, now: datetime) -> int:
    """Remove files kept for longer than a day, and batches of which nothing was ever stored."""
    old = ImportBatch.objects.filter(at__lt=now - KEPT).exclude(state=ImportState.RUNNING)
    removed = 0
    for batch in old.filter(~Q(file=None) | Q(state=ImportState.PREVIEW)).select_related("file"):
        if batch.state == ImportState.PREVIEW:
            stored = batch.file
            batch.delete()
            if stored:
                _drop(stored)
        else:
            _drop_file(batch)
        removed += 1
    return removed


# --- How the jobs work --------------------------------------------------------------------------
def _run(batch: ImportBatch, *, dry_run: bool, at: datetime | None, progress: imports.Progress) -> imports.Report:
    options = batch.options
    return imports.run(
        open_table(batch).path,
        by=batch.by,
        sheet=options["sheet"],
        channel=options["channel"],
        layout=Layout(options["header"], options["columns"]),
        batch=batch,
        dry_run=dry_run,
        at=at,
        progress=progress,
    )


def _keep(batch: ImportBatch, report: imports.Report) -> None:
    batch.rows, batch.duplicates, batch.errors = report.rows, report.duplicates, report.errors
    batch.options |= {
        "new": report.new,
        "first": report.first,
        "without_date": report.without_date,
        "categories": report.categories_created or report.categories_new,
        "duplicate_rows": report.duplicate_rows,
        "more_errors": report.more_errors,
        "new_rows": report.new_rows,
    }


def _alone(batch: ImportBatch, is_wanted: Callable[[], bool], work: Callable[[], None]) -> bool:
    """Do `work` in one transaction unless another worker does; a refusal is kept on the batch."""
    try:
        with _in_language(batch), transaction.atomic():
            if not _free(batch.pk):
                return False
            batch.refresh_from_db()
            if not is_wanted():
                return False
            work()
    except (DomainError, NotAllowed) as error:
        _fail(batch, str(error))
    except DatabaseError:
        raise  # as it was before; the sweep begins again
    except Exception:
        _fail(batch, "")
        raise
    return True


def _free(batch_id: int) -> bool:
    """Whether nobody else works on the batch; then nobody will until the end of this transaction."""
    if connection.vendor != "postgresql":
        return True  # one transaction at a time
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('complaints.import'), %s)", [batch_id])
        return bool(cursor.fetchone()[0])


def _fail(batch: ImportBatch, problem: str, *, state: str = "") -> None:
    """Nothing was changed; say why. An undo that failed leaves the import as it was."""
    fresh = ImportBatch.objects.get(pk=batch.pk)
    is_undo = fresh.options["phase"] == "undoing"
    fresh.options |= {"phase": "" if is_undo or not state else "checked", "problem": problem or _unexpected(), "new": 0}
    if is_undo:
        fresh.options["new"] = batch.created
    else:
        fresh.state = state or ImportState.FAILED
    fresh.save(update_fields=["options", "state"])
    logger.warning("import stopped", extra={"batch": batch.pk})


def _unexpected() -> str:
    return _("Something unexpected happened; nothing was changed. The administrators find it in the log.")


class _Bar:
    """Keeps `done` of a batch up to date for the progress bar while a transaction runs.

    What the transaction itself writes nobody sees before its end, so PostgreSQL gets it over a second
    connection. SQLite has one writer at a time: there only checking shows how far it is.
    """

    def __init__(self, batch: ImportBatch, *, of_file: bool = False) -> None:
        self._batch, self._of_file = batch, of_file
        self._other: Any = None

    def __enter__(self) -> Self:
        if not self._of_file and connection.vendor == "postgresql":
            self._other = connection.copy()
        return self

    def __exit__(self, *error: object) -> None:
        if self._other is not None:
            self._other.close()

    def show(self, rows: int, part: float) -> None:
        """So many rows of a file were read, which is that part of it."""
        if self._of_file:
            ImportBatch.objects.filter(pk=self._batch.pk).update(done=rows, rows=round(rows / max(part, 0.001)))
        else:
            self.count(rows)

    def count(self, rows: int) -> None:
        if self._other is None:
            return
        table = ImportBatch._meta.db_table
        try:
            with self._other.cursor() as cursor:
                cursor.execute(f"UPDATE {table} SET done = %s WHERE id = %s", [rows, self._batch.pk])  # noqa: S608
        except DatabaseError:
            logger.warning("progress of an import not shown", extra={"batch": self._batch.pk})


@contextmanager
def _in_language(batch: ImportBatch) -> Iterator[None]:
    """The language of the person who reads what is found."""
    with translation.override(batch.options.get("language")):
        yield


def _may(by: User) -> None:
    if not by.has_perm(PERMISSION):
        raise NotAllowed(_("Your role does not import complaints."))


def _locked(batch_id: int, *states: ImportState) -> ImportBatch:
    """The batch with its row locked. Raises IllegalTransition when it is in another state or being undone."""
    batch = ImportBatch.objects.select_for_update(of=("self",)).select_related("file").get(pk=batch_id)
    if batch.state not in states or batch.options.get("phase") == "undoing":
        raise IllegalTransition(
            _("This is not possible any more: the import is “%(state)s”."),
            state=state_of(batch, batch.options.get("phase")),
        )
    return batch


def state_of(batch: ImportBatch, phase: str | None) -> str:
    """The state in words; the phase says what is being done or waited for."""
    if phase == "undoing":
        return _("Being undone")
    if phase == "columns" and batch.state == ImportState.PREVIEW:
        return _("Columns to be confirmed")
    return str(batch.get_state_display())


def _drop_file(batch: ImportBatch) -> None:
    stored = batch.file
    ImportBatch.objects.filter(pk=batch.pk).update(file=None)
    if stored:
        _drop(stored)


def _drop(stored: files.StoredFile) -> None:
    """Remove a content that nothing else refers to."""
    place = files.path_of(stored.sha256)
    try:
        with transaction.atomic():
            stored.delete()
    except ProtectedError:
        return
    place.unlink(missing_ok=True)

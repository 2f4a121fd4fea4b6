"""Importing complaints at the desk: upload, columns, preview, progress, result, undo (IN-13, EX-06…08)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from django.contrib import messages
from django.db.models import F, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.errors import DomainError, InvalidInput
from accounts.web import StaffRequest
from complaints import files, import_jobs, keyset, queue, table_files, uploads
from complaints.desk_access import needs
from complaints.import_forms import FIELD_LABELS, ColumnsForm, UndoForm, UploadForm
from complaints.models import ImportBatch, ImportState
from complaints.states import Channel

PAGE_SIZE = 30
FAULTS_SHOWN = 100
# Of a fault in scattered rows so many places; the row report holds them all.
SPANS_SHOWN = 20
# htmx stops polling when it gets this status.
STOP_POLLING = 286
TONES = {
    ImportState.PREVIEW: "info",
    ImportState.RUNNING: "info",
    ImportState.DONE: "ok",
    ImportState.FAILED: "bad",
    ImportState.UNDONE: "warn",
}
_NEWEST_FIRST = keyset.Order(segments=(keyset.Segment(Q(), "at", descending=True),))


@needs(import_jobs.PERMISSION)
def imports(request: StaffRequest) -> HttpResponse:
    """Every import, the newest first, and the form that begins one."""
    if request.method == "POST":
        return _upload(request)
    return _list_page(request, UploadForm())


def _upload(request: StaffRequest) -> HttpResponse:
    form = UploadForm(request.POST, request.FILES)
    if any(item.reason == "size" for item in uploads.refused(request)):
        form.errors.pop("file", None)
        form.add_error(None, str(files.too_large(_("The file"))))
    if not form.is_valid():
        return _list_page(request, form, status=422)
    try:
        batch = import_jobs.receive(
            form.cleaned_data["file"], source=form.cleaned_data["source"], by=request.user, at=timezone.now()
        )
    except InvalidInput as error:
        form.add_error("file", str(error))
        return _list_page(request, form, status=422)
    except DomainError as error:
        form.add_error(None, str(error))
        return _list_page(request, form, status=422)
    return redirect("complaints:import_columns", batch.pk)


def _list_page(request: StaffRequest, form: UploadForm, *, status: int = 200) -> HttpResponse:
    found = keyset.page(
        ImportBatch.objects.select_related("by").defer("errors", "options").annotate(phase=F("options__phase")),
        _NEWEST_FIRST,
        size=PAGE_SIZE,
        after=request.GET.get("after", ""),
        before=request.GET.get("before", ""),
    )
    context = {
        "form": form,
        "items": [
            (row, import_jobs.state_of(row, getattr(row, "phase", None)), TONES[ImportState(row.state)])
            for row in found.rows
        ],
        "previous_url": f"?before={found.before}" if found.before else "",
        "next_url": f"?after={found.after}" if found.after else "",
    }
    return render(request, "complaints/imports/list.html", context, status=status)


@needs(import_jobs.PERMISSION)
def columns(request: StaffRequest, pk: int) -> HttpResponse:
    """Choose which column of the file is which field; another sheet may be looked at."""
    batch = _find(pk)
    if batch.state not in (ImportState.PREVIEW, ImportState.FAILED):
        return redirect("complaints:import", pk)
    sheet = request.GET.get("sheet", batch.options.get("sheet", ""))
    try:
        table, header, headings = import_jobs.headings(batch, sheet)
    except InvalidInput as error:
        messages.error(request, str(error))
        return redirect("complaints:imports")
    data = request.POST if request.method == "POST" else None
    initial = {"channel": batch.options.get("channel") or Channel.GOVERNMENT, "source": batch.source}
    form = ColumnsForm(headings, data, initial=initial)
    if data is not None and form.is_valid():
        try:
            import_jobs.choose(
                pk,
                sheet=sheet,
                channel=form.cleaned_data["channel"],
                header=header,
                columns=form.columns(),
                names=form.names(),
                source=form.cleaned_data["source"],
                by=request.user,
                at=timezone.now(),
            )
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return redirect("complaints:import", pk)
    context = {
        "batch": batch,
        "form": form,
        "header": header,
        "sheet": sheet or next(iter(table.sheet_names), ""),
        "sheets": table.sheet_names,
        "kept_out": [heading.name for heading in headings if heading.is_kept_out],
    }
    return render(request, "complaints/imports/columns.html", context, status=422 if form.errors else 200)


@needs(import_jobs.PERMISSION)
@require_safe
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One import: what it would do, is doing or did."""
    batch = _find(pk)
    if batch.options.get("phase") == "columns":
        return redirect("complaints:import_columns", pk)
    return _detail_page(request, batch, UndoForm())


def _detail_page(request: HttpRequest, batch: ImportBatch, undo_form: UndoForm, *, status: int = 200) -> HttpResponse:
    options = batch.options
    first = [
        {
            **row,
            "received_at": parse_datetime(row["received_at"]) if row["received_at"] else None,
            "amount": Decimal(row["amount"]) if row.get("amount") else None,
        }
        for row in options.get("first", [])
    ]
    faults = _faults(batch.errors)
    context = {
        **_card(batch),
        "first": first,
        "faults": faults[:FAULTS_SHOWN],
        "error_count": len(batch.errors) + options.get("more_errors", 0),
        "error_shown": sum(len(fault.rows) for fault in faults[:FAULTS_SHOWN]),
        "undo_form": undo_form,
    }
    return render(request, "complaints/imports/detail.html", context, status=status)


def _card(batch: ImportBatch) -> dict[str, Any]:
    """What the state of an import says at a glance."""
    phase = batch.options.get("phase", "")
    total = batch.created if phase == "undoing" else batch.rows
    return {
        "batch": batch,
        "options": batch.options,
        "state": import_jobs.state_of(batch, batch.options.get("phase")),
        "tone": TONES[ImportState(batch.state)],
        "phase": phase,
        "is_waiting": phase in ("checking", "storing", "undoing"),
        "percent": min(100, round(100 * batch.done / total)) if total else 0,
        "total": total,
        "may_import": phase == "checked" and batch.options.get("new", 0) > 0 and not batch.errors,
    }


@dataclass
class Fault:
    """The same thing to mend in the same column, with every row that has it."""

    label: str
    message: str
    rows: list[int]

    @property
    def places(self) -> str:
        """The rows, those that follow each other as a span: 2–101, 105."""
        spans: list[list[int]] = []
        for row in self.rows:
            if spans and row == spans[-1][1] + 1:
                spans[-1][1] = row
            else:
                spans.append([row, row])
        parts = [f"{first}–{last}" if last > first else str(first) for first, last in spans[:SPANS_SHOWN]]
        return str(_(", ")).join(parts) + ("…" if len(spans) > SPANS_SHOWN else "")


def _faults(errors: list[dict[str, Any]]) -> list[Fault]:
    """A column that is wrong in every row is one thing to mend, not a hundred; in the order of the file."""
    found: dict[tuple[str, str], Fault] = {}
    for error in errors:
        key = (error["field"], error["message"])
        found.setdefault(key, Fault(_label(error["field"]), error["message"], [])).rows.append(error["row"])
    return list(found.values())


def _label(field: str) -> str:
    return str(FIELD_LABELS.get(field, field))


@needs(import_jobs.PERMISSION)
@require_safe
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The bar alone, asked for every two seconds; when the work is over the page is loaded anew."""
    card = _card(_find(pk))
    response = render(request, "complaints/imports/_progress.html", card)
    if not card["is_waiting"]:
        response.status_code = STOP_POLLING
        response["HX-Refresh"] = "true"
    return response


@needs(import_jobs.PERMISSION)
@require_POST
def start(request: StaffRequest, pk: int) -> HttpResponse:
    """Import the checked rows."""
    _find(pk)
    try:
        import_jobs.ask_import(pk, by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
    queue.forget_counts(request.user)
    return redirect("complaints:import", pk)


@needs(import_jobs.PERMISSION)
@require_POST
def discard(request: StaffRequest, pk: int) -> HttpResponse:
    """Forget a file that was not imported."""
    _find(pk)
    try:
        import_jobs.discard(pk, by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("complaints:import", pk)
    messages.success(request, _("The file was removed; nothing was imported."))
    return redirect("complaints:imports")


@needs(import_jobs.PERMISSION)
@require_POST
def undo(request: StaffRequest, pk: int) -> HttpResponse:
    """Take every case of the import back, or none."""
    batch = _find(pk)
    form = UndoForm(request.POST)
    if not form.is_valid():
        return _detail_page(request, batch, form, status=422)
    try:
        import_jobs.ask_undo(pk, reason=form.cleaned_data["reason"], by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
    queue.forget_counts(request.user)
    return redirect("complaints:import", pk)


@needs(import_jobs.PERMISSION)
@require_safe
def report(request: HttpRequest, pk: int, format: str) -> HttpResponse:
    """What became of every row, as a table; names and texts of people are not in it."""
    batch = _find(pk)
    if format not in table_files.FORMATS:
        raise Http404
    heading = [_("Row"), _("Result"), _("Case number"), _("Its own number"), _("Field"), _("What to mend")]
    return cast(HttpResponse, table_files.download(f"import-{batch.pk}-rows", format, heading, _report_rows(batch)))


def _report_rows(batch: ImportBatch) -> Iterator[list[Any]]:
    """Rows with faults first, then the rows left out, then the cases in the order of the file."""
    for error in batch.errors:
        yield [error["row"], _("Refused"), "", "", _label(error["field"]), error["message"]]
    for row in batch.options.get("duplicate_rows", []):
        yield [row, _("Left out: in the register already or twice in the file"), "", "", "", ""]
    numbers = (row for first, last in batch.options.get("new_rows", []) for row in range(first, last + 1))
    done = _("Taken back") if batch.state == ImportState.UNDONE else _("Imported")
    cases = batch.complaints.order_by("pk").values_list("number", "channel_reference")
    for number, (case, reference) in zip(numbers, cases.iterator(), strict=False):
        yield [number, done, case, reference, "", ""]


def _find(pk: int) -> ImportBatch:
    return get_object_or_404(ImportBatch.objects.select_related("by", "undone_by", "file"), pk=pk)

"""Pages about files whose time is over: those due, the lists, one list, the register of what was destroyed (ARC-04)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import security
from accounts.errors import DomainError, InvalidInput, NotAllowed
from accounts.web import StaffRequest
from complaints import appraisals, destruction, keyset, table_files
from complaints.appraisal_forms import CancelForm, JudgeForm, StateForm
from complaints.desk_access import needs
from complaints.models import Appraisal, CaseFile, Complaint
from complaints.states import AppraisalOutcome, AppraisalState

PAGE_SIZE = 50
VIEWS = ("due", "lists", "destroyed")


@needs(appraisals.APPRAISE)
@require_safe
def overview(request: StaffRequest) -> HttpResponse:
    """The files that are due, the lists, or the register."""
    return _overview(request)


def _overview(request: StaffRequest, *, status: int = 200, problem: str = "") -> HttpResponse:
    view = request.GET.get("view", "")
    view = view if view in VIEWS else VIEWS[0]
    after = request.GET.get("after", "")
    rows, following = _ROWS[view](request, after)
    context = {
        "view": view,
        "views": [("due", _("Due")), ("lists", _("Appraisal lists")), ("destroyed", _("Destruction register"))],
        "rows": rows,
        "next": following,
        "after": after,
        "problem": problem,
        "english": get_language() == "en",
        "active": "archive",
    }
    return render(request, "complaints/archive/appraisals.html", context, status=status)


def _due(request: StaffRequest, after: str) -> tuple[list[Any], str]:
    """Each due file with why it may not be chosen, and whether its case opens for this person."""
    rows = appraisals.due(today=timezone.localdate()).select_related("retention", "complaint__lead_department")
    found, following = keyset.by_key(rows.defer("index"), after, size=PAGE_SIZE, newest_first=False)
    hindered = destruction.hindered(row.complaint_id for row in found)
    opens = _opening(request, [row.complaint_id for row in found])
    words = {pk: destruction.hindrance_words(code) for pk, code in hindered.items()}
    return [(row, words.get(row.complaint_id, ""), row.complaint_id in opens) for row in found], following


def _lists(request: StaffRequest, after: str) -> tuple[list[Any], str]:
    rows = Appraisal.objects.select_related("opened_by", "approved_by").annotate(
        files=Count("items"), to_destroy=Count("items", filter=Q(items__outcome=AppraisalOutcome.DESTROY))
    )
    return keyset.by_key(rows, after, size=PAGE_SIZE)


def _destroyed(request: StaffRequest, after: str) -> tuple[list[Any], str]:
    rows = appraisals.destroyed().select_related(
        "file__complaint__lead_department", "appraisal__carried_out_by", "appraisal__witness", "appraisal__approved_by"
    )
    return keyset.by_key(rows.defer("file__index"), after, size=PAGE_SIZE)


_ROWS: dict[str, Callable[[StaffRequest, str], tuple[list[Any], str]]] = {
    "due": _due,
    "lists": _lists,
    "destroyed": _destroyed,
}


def _opening(request: StaffRequest, cases: list[int]) -> set[int]:
    """Which of these cases the person may open."""
    return set(Complaint.objects.visible_to(request.user).filter(pk__in=cases).values_list("pk", flat=True))


@needs(appraisals.APPRAISE)
@require_safe
def register(request: StaffRequest) -> HttpResponse:
    """The register of what was destroyed as a table to download; each time is a row in the security log."""
    security.record("destruction_register_exported", user=request.user, request=request)
    heading = [str(word) for word in appraisals.REGISTER_HEADING]
    table = table_files.download("destruction-register", "csv", heading, appraisals.register_rows())
    return cast(HttpResponse, table)  # it streams; the guard of the page only hands it on


@needs(appraisals.APPRAISE)
@require_POST
def open_list(request: StaffRequest) -> HttpResponse:
    """Put the ticked files on a list."""
    try:
        row = appraisals.open_list(_keys(request, "file"), by=request.user)
    except InvalidInput as error:
        return _overview(request, status=422, problem=str(error))
    messages.success(request, _("The list is open: say of each file what becomes of it."))
    return redirect("complaints:appraisal", row.number)


def _keys(request: StaffRequest, name: str) -> list[int]:
    return [key for value in request.POST.getlist(name) if (key := keyset.key_of(value)) is not None]


@needs(appraisals.APPRAISE)
@require_safe
def detail(request: StaffRequest, number: str) -> HttpResponse:
    """One list with its files, and what can be done with it now."""
    return _page(request, get_object_or_404(Appraisal, number=number))


def _page(request: StaffRequest, row: Appraisal, *, status: int = 200, problem: str = "", **bound: Any) -> HttpResponse:
    row = Appraisal.objects.select_related("opened_by", "approved_by", "carried_out_by", "witness").get(pk=row.pk)
    after = request.GET.get("after", "")
    items, following = keyset.by_key(
        row.items.select_related("file__complaint__lead_department", "file__retention", "by").defer("file__index"),
        after,
        size=PAGE_SIZE,
        newest_first=False,
    )
    opens = _opening(request, [item.file.complaint_id for item in items])
    done = appraisals.progress(row)
    start = {"version": row.version}
    is_open = row.state in (AppraisalState.OPEN, AppraisalState.APPROVED)
    context = {
        "row": row,
        "items": [(item, appraisals.stopped_on(item), item.file.complaint_id in opens) for item in items],
        "total": CaseFile.objects.filter(appraisals__appraisal=row).count(),
        "left": row.items.filter(outcome="").count() if is_open else 0,
        "progress": done,
        "is_open": is_open,
        "may_approve": row.state == AppraisalState.OPEN and row.opened_by_id != request.user.pk,
        "is_witness": row.witness_id == request.user.pk,
        "judge": bound.get("judge") or JudgeForm(initial=start, auto_id="judge_%s"),
        "cancel": bound.get("cancel") or CancelForm(initial=start, auto_id="cancel_%s"),
        "ticked": bound.get("ticked", []),
        "next": following,
        "after": after,
        "problem": problem,
        "english": get_language() == "en",
        "active": "archive",
    }
    return render(request, "complaints/archive/appraisal.html", context, status=status)


_FORMS: dict[str, type[StateForm]] = {"judge": JudgeForm, "cancel": CancelForm}
_RULES: dict[str, Callable[..., Appraisal]] = {
    "approve": appraisals.approve,
    "cancel": appraisals.cancel,
    "witness": appraisals.stand_as_witness,
    "carry-out": appraisals.carry_out,
}
ACTIONS = ("judge", *_RULES)


@needs(appraisals.APPRAISE)
@require_POST
def act(request: StaffRequest, number: str, action: str) -> HttpResponse:
    """Judge files, approve the list, give it up, be the witness, or carry it out."""
    if action not in ACTIONS:
        raise Http404
    row = get_object_or_404(Appraisal, number=number)
    form = _FORMS.get(action, StateForm)(request.POST, auto_id=f"{action}_%s")
    ticked = _keys(request, "item")
    again: dict[str, Any] = {action: form, "ticked": ticked} if action in _FORMS else {}
    if not form.is_valid():
        return _page(request, row, status=422, **again)
    try:
        if action == "judge":
            row = appraisals.judge(row.pk, ticked, by=request.user, **form.cleaned_data)
        else:
            row = _RULES[action](row.pk, by=request.user, **form.cleaned_data)
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return _page(request, row, status=422, **again)
    except NotAllowed:
        raise
    except DomainError as error:
        return _page(request, row, status=409, problem=str(error))
    messages.success(request, _DONE[action]())
    return redirect("complaints:appraisal", row.number)


_DONE: dict[str, Callable[[], str]] = {
    "judge": lambda: _("Saved."),
    "approve": lambda: _("The list is approved. Two people carry it out."),
    "cancel": lambda: _("The list is given up; its files are due again."),
    "witness": lambda: _("You are the witness. Another person carries it out now."),
    "carry-out": lambda: _("The list is being carried out."),
}

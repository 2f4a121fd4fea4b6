"""Pages of the precautions: the list, drafting, recipients, approval, the calls (RISK-28, RISK-29)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import security
from accounts.errors import IllegalTransition, InvalidInput, StaleVersion
from accounts.web import StaffRequest
from complaints import files, identity, keyset, outreach, outreach_recipients, uploads
from complaints.desk_access import needs
from complaints.models import Outreach, OutreachRecipient
from complaints.models.people import ContactKind
from complaints.outreach_forms import ApproveForm, CallForm, CancelForm, OutreachForm, TableForm
from complaints.outreach_recipients import Added, BadTable, Fault
from complaints.states import OutreachState, OutreachWay, RecipientState

PAGE_SIZE = 50
TONES = {
    OutreachState.DRAFT: "",
    OutreachState.RUNNING: "warn",
    OutreachState.DONE: "ok",
    OutreachState.CANCELLED: "",
    RecipientState.WAITING: "",
    RecipientState.REACHED: "ok",
    RecipientState.FAILED: "bad",
}
# Said of messages and calls alike.
WORDS = {
    RecipientState.WAITING: gettext_lazy("Not told yet"),
    RecipientState.REACHED: gettext_lazy("Told"),
    RecipientState.FAILED: gettext_lazy("Not reached"),
}


@needs(*outreach.CALLERS)
@require_safe
def outreach_list(request: StaffRequest) -> HttpResponse:
    """Every precaution, newest first, or those in one state."""
    state = request.GET.get("state", "")
    state = state if state in OutreachState.values else ""
    rows = Outreach.objects.filter(state=state) if state else Outreach.objects.all()
    after = request.GET.get("after", "")
    found, following = keyset.by_key(rows.annotate(people=Count("recipients")), after, size=PAGE_SIZE)
    counts = dict(Outreach.objects.order_by().values_list("state").annotate(count=Count("pk")))
    context = {
        "state": state,
        "states": [(value, label, counts.get(value, 0)) for value, label in OutreachState.choices],
        "total": sum(counts.values()),
        "items": [(row, TONES[OutreachState(row.state)]) for row in found],
        "next": following,
        "after": keyset.key_of(after) or "",
        "may_manage": request.user.has_perm(outreach.PERMISSION),
    }
    return render(request, "complaints/outreach/list.html", context)


def _find(number: str) -> Outreach:
    return get_object_or_404(
        Outreach.objects.select_related("drafted_by", "approved_by", "cancelled_by"), number=number
    )


# --- Drafting ---------------------------------------------------------------------------------------
@needs(outreach.PERMISSION)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: StaffRequest) -> HttpResponse:
    """Draft a precaution."""
    given = {name: request.GET[name] for name in OutreachForm.GIVEN if name in request.GET}
    form = OutreachForm(request.POST if request.method == "POST" else None, initial=given)
    if form.is_bound and form.is_valid():
        try:
            row = outreach.draft(by=request.user, **form.cleaned_data)
            messages.success(request, _("The draft is saved; say now who is to be told."))
            return redirect("complaints:outreach_detail", row.number)
        except InvalidInput as error:
            _refuse(form, error)
    return _form_page(request, form, None)


@needs(outreach.PERMISSION)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: StaffRequest, number: str) -> HttpResponse:
    """Change a draft."""
    row = _find(number)
    form = OutreachForm(request.POST if request.method == "POST" else None, row=row)
    if form.is_bound and form.is_valid():
        try:
            outreach.edit(row.pk, by=request.user, **form.cleaned_data)
            messages.success(request, _("The draft is saved."))
            return redirect("complaints:outreach_detail", number)
        except InvalidInput as error:
            _refuse(form, error)
        except (StaleVersion, IllegalTransition) as error:
            return _form_page(request, form, row, problem=str(error))
    elif row.state != OutreachState.DRAFT:
        return redirect("complaints:outreach_detail", number)
    return _form_page(request, form, row)


def _form_page(request: StaffRequest, form: forms.Form, row: Outreach | None, problem: str = "") -> HttpResponse:
    status = 409 if problem else 422 if form.errors else 200
    context = {"form": form, "row": row, "problem": problem}
    return render(request, "complaints/outreach/form.html", context, status=status)


def _refuse(form: forms.Form, error: InvalidInput) -> None:
    form.add_error(error.field if error.field in form.fields else None, str(error))


# --- One precaution ---------------------------------------------------------------------------------
@needs(*outreach.CALLERS)
@require_safe
def detail(request: StaffRequest, number: str) -> HttpResponse:
    """What is said to whom, how far it has come, and what can be done next."""
    return _page(request, _find(number))


@needs(outreach.PERMISSION)
@require_POST
def from_cases(request: StaffRequest, number: str) -> HttpResponse:
    """Add the complainants of like cases."""
    row = _find(number)
    return _act(request, row, lambda: _say_added(request, outreach_recipients.add_from_cases(row.pk, by=request.user)))


@needs(outreach.PERMISSION)
@require_POST
def table(request: StaffRequest, number: str) -> HttpResponse:
    """Add the people of a table, all or nobody."""
    row = _find(number)
    form = TableForm(request.POST, request.FILES)
    if any(item.reason == "size" for item in uploads.refused(request)):
        form.errors["file"] = form.error_class([str(files.too_large(_("The file")))])
    if not form.is_valid():
        return _page(request, row, status=422, table_form=form)
    upload = form.cleaned_data["file"]
    return _act(
        request, row,
        lambda: _say_added(request, outreach_recipients.add_from_table(row.pk, upload, by=request.user)),
        table_form=form,
    )  # fmt: skip


def _say_added(request: StaffRequest, done: Added) -> None:
    words = [ngettext("%(n)s person added.", "%(n)s people added.", done.added) % {"n": done.added}]
    if done.known:
        words.append(ngettext("%(n)s was there already.", "%(n)s were there already.", done.known) % {"n": done.known})
    if done.without:
        text = ngettext("%(n)s cannot be reached this way.", "%(n)s cannot be reached this way.", done.without)
        words.append(text % {"n": done.without})
    messages.success(request, " ".join(words))


@needs(outreach.PERMISSION)
@require_POST
def remove(request: StaffRequest, number: str) -> HttpResponse:
    """Take one recipient out of a draft, or all of them."""
    row = _find(number)
    one = request.POST.get("recipient", "")
    if one != "all" and not (one.isascii() and one.isdecimal() and len(one) < 19):
        return _page(request, row, status=422, problem=_("Choose whom to take out."))
    key = None if one == "all" else int(one)
    return _act(request, row, lambda: outreach.remove(row.pk, by=request.user, recipient_id=key))


@needs(outreach.PERMISSION)
@require_POST
def approve(request: StaffRequest, number: str) -> HttpResponse:
    """Let it go out as it was read."""
    row = _find(number)
    form = ApproveForm(request.POST)
    if not form.is_valid():
        return _page(request, row, status=422, problem=_("Reload the page and decide again."))

    def write() -> None:
        outreach.approve(row.pk, by=request.user, **form.cleaned_data)
        messages.success(request, _("Approved. From now on people are told."))

    return _act(request, row, write)


@needs(outreach.PERMISSION)
@require_POST
def cancel(request: StaffRequest, number: str) -> HttpResponse:
    """Stop it with a reason."""
    row = _find(number)
    form = CancelForm(request.POST)
    if not form.is_valid():
        return _page(request, row, status=422, cancel_form=form)

    def write() -> None:
        outreach.cancel(row.pk, by=request.user, **form.cleaned_data)
        messages.success(request, _("Stopped; nobody else is told."))

    return _act(request, row, write, cancel_form=form)


def _act(request: StaffRequest, row: Outreach, write: Callable[[], Any], **shown: forms.Form) -> HttpResponse:
    """Do it and go back to the page, or show the page again with what is wrong."""
    problem, status = "", 422
    faults: list[Fault] = []
    try:
        write()
        return redirect("complaints:outreach_detail", row.number)
    except InvalidInput as error:
        faults = error.faults if isinstance(error, BadTable) else []
        form = next((form for form in shown.values() if error.field in form.fields), None)
        if form is not None:
            form.add_error(error.field, str(error))
        else:
            problem = str(error)
    except (StaleVersion, IllegalTransition) as error:
        problem, status = str(error), 409
    row.refresh_from_db()
    return _page(request, row, status=status, problem=problem, faults=faults, **shown)


def _page(
    request: StaffRequest,
    row: Outreach,
    *,
    status: int = 200,
    problem: str = "",
    faults: list[Fault] | None = None,
    table_form: TableForm | forms.Form | None = None,
    cancel_form: CancelForm | forms.Form | None = None,
) -> HttpResponse:
    after, now = request.GET.get("after", ""), timezone.now()
    may_manage = request.user.has_perm(outreach.PERMISSION)
    is_draft, is_running = row.state == OutreachState.DRAFT, row.state == OutreachState.RUNNING
    visible = outreach.visible_to(row, request.user)
    counted = {
        (state, kind): count
        for state, kind, count in visible.order_by().values_list("state", "kind").annotate(count=Count("pk"))
    }
    found, following = keyset.by_key(visible.select_related("by"), after, size=PAGE_SIZE, newest_first=False)
    total = sum(counted.values())
    waiting = sum(count for (state, _kind), count in counted.items() if state == RecipientState.WAITING)
    to_call = counted.get((RecipientState.WAITING, ContactKind.PHONE), 0) if outreach.has_calls(row) else 0
    common = [(Outreach._meta.get_field(name), getattr(row, name)) for name in outreach.MATCHED]
    context = {
        "row": row,
        "tone": TONES[OutreachState(row.state)],
        "common": [(field.verbose_name, value) for field, value in common if value],  # type: ignore[union-attr]
        "counts": [
            (label, sum(count for (state, _kind), count in counted.items() if state == value))
            for value, label in WORDS.items()
        ],
        "total": total,
        "done_percent": 100 * (total - waiting) // total if total else 0,
        "to_call": to_call,
        "no_gateway": row.way == OutreachWay.NOTICE and (is_draft or is_running) and to_call > 0,
        "is_late": bool(is_running and row.call_by and row.call_by < timezone.localdate(now)),
        "people": [_shown(person) for person in found],
        "next": following,
        "after": keyset.key_of(after) or "",
        "may_edit": may_manage and is_draft,
        "may_approve": may_manage and is_draft and row.drafted_by_id != request.user.pk and total > 0,
        "may_cancel": may_manage and (is_draft or is_running),
        "may_call": is_running and to_call > 0,
        "cases": outreach_recipients.matching_cases(row, at=now).count() if may_manage and is_draft else 0,
        "units": outreach.recalled_units(row).count() if may_manage and is_draft else 0,
        "table_form": table_form or TableForm(),
        "cancel_form": cancel_form or CancelForm(),
        "approve_form": ApproveForm(initial={"version": row.version}),
        "shown_forms": [form for form in (table_form, cancel_form) if form],
        "problem": problem,
        "faults": [(fault.row, outreach_recipients.LABELS[fault.column], fault.message) for fault in faults or []],
    }
    return render(request, "complaints/outreach/detail.html", context, status=status)


def _shown(person: OutreachRecipient) -> dict[str, Any]:
    """A recipient as staff see it: masked (COM-07)."""
    return {
        "row": person,
        "name": identity.mask("name", person.name),
        "contact": identity.mask(person.kind, person.value),
        "state": WORDS[RecipientState(person.state)],
        "tone": TONES[RecipientState(person.state)],
    }


# --- Calls ------------------------------------------------------------------------------------------
@needs(*outreach.CALLERS)
@require_http_methods(["GET", "HEAD", "POST"])
def calls(request: StaffRequest, number: str) -> HttpResponse:
    """The next person to call; record what came of the call."""
    row = _find(number)
    if request.method != "POST":
        return _call_page(request, row)
    form = CallForm(request.POST)
    if not form.is_valid():
        return _call_page(request, row, form=form, status=422)
    data = form.cleaned_data
    person = get_object_or_404(row.recipients, pk=data.pop("recipient"))
    try:
        outreach.record_call(person.pk, by=request.user, **data)
    except InvalidInput as error:
        _refuse(form, error)
        return _call_page(request, row, form=form, status=422)
    except IllegalTransition as error:
        return _call_page(request, row, problem=str(error), status=409)
    messages.success(request, _("The call is recorded."))
    return redirect("complaints:outreach_calls", number)


@needs(*outreach.CALLERS)
@require_POST
def show_number(request: StaffRequest, number: str) -> HttpResponse:
    """Name and number in clear for whoever calls now; who looked is in the security log (AZ-06)."""
    row = _find(number)
    key = request.POST.get("recipient", "")
    is_key = key.isascii() and key.isdecimal() and len(key) < 19
    person = get_object_or_404(row.recipients, pk=int(key) if is_key else 0)
    try:
        outreach.take(person.pk, by=request.user)
    except IllegalTransition as error:
        return _call_page(request, row, problem=str(error), status=409)
    security.record(
        "outreach_number_shown", user=request.user, request=request, subject=f"outreachrecipient:{person.pk}"
    )
    return _call_page(request, row, shown=person.pk)


def _call_page(
    request: StaffRequest,
    row: Outreach,
    *,
    status: int = 200,
    problem: str = "",
    form: CallForm | None = None,
    shown: int = 0,
) -> HttpResponse:
    row.refresh_from_db()
    now = timezone.now()
    person = outreach.next_call(row, by=request.user, at=now)
    if form is not None and (person is None or form["recipient"].value() != str(person.pk)):
        # What was filled in must not be kept for somebody else.
        form, problem = None, problem or _("A colleague has taken this person; here is the next one.")
    waiting = outreach.visible_to(row, request.user).filter(state=RecipientState.WAITING, kind=ContactKind.PHONE)
    context = {
        "row": row,
        "person": _shown(person) if person else None,
        "number": person.value if person and person.pk == shown else "",
        "attempt": person.attempts + 1 if person else 0,
        "most": outreach.MAX_ATTEMPTS,
        "waiting": waiting.count(),
        "is_late": bool(row.call_by and row.call_by < timezone.localdate(now)),
        "form": form or CallForm(initial={"recipient": person.pk if person else None}),
        "problem": problem,
    }
    return render(request, "complaints/outreach/calls.html", context, status=status)

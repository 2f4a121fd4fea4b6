"""Desk pages of official statements: the list, writing, one statement with what may be done, the preview."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import IllegalTransition, InvalidInput, StaleVersion
from accounts.web import StaffRequest
from complaints import keyset
from complaints.desk_access import needs
from complaints.models import Complaint
from complaints.timeline_words import TITLES
from publication import statement_pages, statements
from publication.models import Statement
from publication.statement_forms import ActionForm, ReasonForm, StatementForm
from publication.states import StatementStatus
from publication.views import refuse

PAGE_SIZE = 50
_NAMED = ("author", "checker", "legal", "posted_by", "withdrawn_by")
_READ = (*statements.READERS, statements.TAKE_DOWN)


@needs(*_READ)
@require_safe
def index(request: StaffRequest) -> HttpResponse:
    """The statements, newest first, by status where one is chosen."""
    state = request.GET.get("state", "")
    state = state if state in StatementStatus.values else ""
    after = request.GET.get("after", "")
    visible = statements.visible_to(request.user)
    rows = visible.filter(status=state) if state else visible
    found, following = keyset.by_key(rows.select_related("author"), after, size=PAGE_SIZE)
    counts = dict(visible.order_by().values_list("status").annotate(count=Count("pk")))
    context = {
        "state": state,
        "states": [("", _("All"), sum(counts.values()))]
        + [(value, label, counts.get(value, 0)) for value, label in StatementStatus.choices],
        "rows": found,
        "next": following,
        "after": after,
        "may_write": _may_write(request),
    }
    return render(request, "publication/statements.html", context)


def _may_write(request: StaffRequest) -> bool:
    return any(request.user.has_perm(name) for name in statements.WRITERS)


@needs(*statements.WRITERS)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: StaffRequest) -> HttpResponse:
    """Write a statement; ?case=NUMBER names the case it is about."""
    if request.method == "POST":
        form = StatementForm(request.POST, user=request.user)
        if form.is_valid():
            try:
                values = form.arguments()
                values.pop("version")
                statement = statements.draft(by=request.user, **values)
                messages.success(request, _("Saved as a draft."))
                return redirect("publication:statement", statement.public_id)
            except InvalidInput as error:
                form.add_error(error.field if error.field in form.fields else None, str(error))
        return _form_page(request, form, status=422)
    number = request.GET.get("case", "")
    if number:
        get_object_or_404(Complaint.objects.visible_to(request.user), number=number)
    return _form_page(request, StatementForm(user=request.user, case=number))


@needs(*statements.WRITERS)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: StaffRequest, public_id: str) -> HttpResponse:
    """Change the texts or link further cases; what was signed is void then."""
    statement = _find(request, public_id)
    if statement.status not in statements.MOVES["edit"].sources:
        problem = _("It was published; what the public read is not changed any more.")
        return _show(request, statement, status=409, problem=problem)
    if request.method != "POST":
        return _form_page(request, StatementForm(user=request.user, statement=statement), statement)
    form = StatementForm(request.POST, user=request.user, statement=statement)
    if not form.is_valid():
        return _form_page(request, form, statement, status=422)
    try:
        statements.edit(statement.pk, by=request.user, **form.arguments())
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return _form_page(request, form, statement, status=422)
    except StaleVersion:
        fresh = _find(request, public_id)
        typed = StatementForm(form.typed(version=fresh.version), user=request.user, statement=fresh)
        problem = _("Somebody changed it after you had read it. What you typed stands below; saving replaces the rest.")
        return _form_page(request, typed, fresh, status=409, problem=problem)
    except IllegalTransition as error:
        return _form_page(request, form, statement, status=409, problem=str(error))
    messages.success(request, _("Saved as a draft."))
    return redirect("publication:statement", statement.public_id)


def _form_page(
    request: StaffRequest, form: StatementForm, statement: Statement | None = None, *, status: int = 200, **extra: Any
) -> HttpResponse:
    cases = _cases(request, statement) if statement else None
    context = {"form": form, "statement": statement, "cases": cases, **extra}
    return render(request, "publication/statement_edit.html", context, status=status)


def _find(request: StaffRequest, public_id: str) -> Statement:
    return get_object_or_404(statements.visible_to(request.user).select_related(*_NAMED), public_id=public_id)


def _cases(request: StaffRequest, statement: Statement) -> tuple[list[Complaint], int]:
    """The linked cases the person sees, and how many others there are."""
    keys = statements.linked(statement.pk)
    seen = list(Complaint.objects.visible_to(request.user).filter(pk__in=keys).order_by("pk"))
    return seen, len(keys) - len(seen)


@needs(*_READ)
@require_safe
def detail(request: StaffRequest, public_id: str) -> HttpResponse:
    """One statement as the public would read it, its signatures, and what may be done with it."""
    return _show(request, _find(request, public_id))


def _show(
    request: StaffRequest,
    statement: Statement,
    *,
    status: int = 200,
    reason_form: ReasonForm | None = None,
    **extra: Any,
) -> HttpResponse:
    reads = any(request.user.has_perm(name) for name in statements.READERS)
    moves = {move.action: move for move in statements.available(statement, request.user)}
    events = statements.events_of(statement) if reads else []
    seen, others = _cases(request, statement)
    context = {
        "statement": statement,
        "parts": statement_pages.parts(statement),
        "public_path": statement_pages.path_of(statement.public_id),
        "cases": seen,
        "others": others,
        "may_edit": "edit" in moves,
        "plain": [
            move for name, move in moves.items() if name in statements.ACTIONS and name not in statements.REASONED
        ],
        "reasoned": next((move for name, move in moves.items() if name in statements.REASONED), None),
        "reason_form": reason_form or ReasonForm(initial={"version": statement.version}),
        "events": [(event, TITLES.get(event.kind, event.kind)) for event in events],
        "signs": [
            (_("Written"), statement.author, statement.created_at),
            (_("Check"), statement.checker, statement.checked_at),
            (_("Legal"), statement.legal, statement.legal_at),
            (_("Posted"), statement.posted_by, statement.posted_at),
        ],
        **extra,
    }
    return render(request, "publication/statement.html", context, status=status)


@needs(*_READ)
@require_POST
def act(request: StaffRequest, public_id: str, action: str) -> HttpResponse:
    """Do one thing with a statement; a refused one says why on the page of the statement."""
    if action not in statements.ACTIONS:
        raise Http404
    statement = _find(request, public_id)
    reason = statements.refusal(request.user, action, statement)
    if reason:
        refuse(request, f"statement:{public_id}", action, str(reason))
    form = (ReasonForm if action in statements.REASONED else ActionForm)(request.POST)
    reason_form = form if isinstance(form, ReasonForm) else None
    if not form.is_valid():
        return _show(request, statement, status=422, reason_form=reason_form)
    try:
        statements.ACTIONS[action](statement.pk, by=request.user, **form.cleaned_data)
    except InvalidInput as error:
        if error.field not in form.fields:
            place = (error.field, statements.LABELS.get(error.field, error.field), str(error))
            return _show(request, statement, status=422, found=place)
        form.add_error(error.field, str(error))
        return _show(request, statement, status=422, reason_form=reason_form)
    except (IllegalTransition, StaleVersion) as error:
        return _show(request, _find(request, public_id), status=409, problem=str(error))
    messages.success(request, _("Done: %(action)s") % {"action": statements.MOVES[action].label})
    if not statements.visible_to(request.user).filter(pk=statement.pk).exists():
        return redirect("publication:statements")
    return redirect("publication:statement", public_id)


@needs(*_READ)
@require_safe
def preview(request: StaffRequest, public_id: str) -> HttpResponse:
    """Exactly the page the public would read; kept by no cache and listed by no search engine (PR-19)."""
    statement = _find(request, public_id)
    statement.posted_at = statement.posted_at or timezone.now()
    note = {"title": _("Preview"), "text": _("Only staff see this page. It is not published.")}
    if statement.status == StatementStatus.POSTED:
        note["text"] = _("Only staff see this page. The public reads the same words.")
    response = render(request, "public/statements/detail.html", statement_pages.article(statement) | {"preview": note})
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return response

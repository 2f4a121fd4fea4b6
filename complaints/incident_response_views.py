"""Pages of the response to an incident: the board, its records, what follows, help at home (INC-02…06, INC-09…20)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import DomainError, IllegalTransition, NotAllowed
from accounts.web import StaffRequest
from complaints import case_access, identity, incidents, keyset
from complaints.desk_access import needs
from complaints.incident_forms import FORMS, Declare, ReleaseBulletin, ResponseForm, WithdrawBulletin
from complaints.models import (
    AfterAction,
    HomeHelp,
    ImprovementAction,
    Incident,
    IncidentFeedback,
    IncidentResponse,
    OpinionSignal,
)
from complaints.models.people import ContactKind
from complaints.states import ImprovementState
from complaints.transitions import incidents as rules

PAGE_SIZE = 50


@needs(incidents.MANAGE)
@require_safe
def response_list(request: StaffRequest) -> HttpResponse:
    """All responses, the newest first."""
    after = request.GET.get("after", "")
    rows, following = keyset.by_key(incidents.responses(), after, size=PAGE_SIZE)
    now = timezone.now()
    items = [
        (row, incidents.span_words((row.recovered_at or now) - row.started_at), _is_late(row, now)) for row in rows
    ]
    return render(request, "complaints/incidents/responses.html", {"items": items, "next": following, "after": after})


def _is_late(row: IncidentResponse, now: Any) -> bool:
    due = row.next_bulletin_due_at
    return row.incident.closed_at is None and due is not None and due <= now


@needs(incidents.MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def declare_from_case(request: StaffRequest, number: str) -> HttpResponse:
    """Declare an incident on its first case."""
    case = case_access.visible_case(request.user, number)
    if case.incident is not None:
        return redirect("complaints:incident_declare", case.incident.number)
    initial = {"name": case.subject[:120], "place": (case.outlet or case.place)[:200], "started_at": case.received_at}
    form = Declare(
        request.POST if request.method == "POST" else None,
        incident=Incident(),
        response=None,
        user=request.user,
        initial=initial,
    )
    form.case = case
    return _declare(request, form)


@needs(incidents.MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def declare(request: StaffRequest, number: str) -> HttpResponse:
    """Start the response to an incident that stands; leads to the response where there is one."""
    incident = get_object_or_404(Incident, number=number)
    if request.method != "POST" and IncidentResponse.objects.filter(pk=incident.pk).exists():
        return redirect("complaints:incident_response", number)
    initial = {"started_at": incident.opened_at}
    return _declare(
        request,
        Declare(
            request.POST if request.method == "POST" else None,
            incident=incident,
            response=None,
            user=request.user,
            initial=initial,
        ),
    )


def _declare(request: StaffRequest, form: Declare) -> HttpResponse:
    status, problem = 200, ""
    if form.is_bound:
        status = 422
        try:
            response = form.save() if form.is_valid() else None
        except NotAllowed:
            raise
        except DomainError as error:
            response, status, problem = None, 409, str(error)
        if response is not None:
            messages.success(request, str(form.done))
            return redirect("complaints:incident_response", response.incident.number)
    return _form_page(request, form, status=status, problem=problem)


@needs(incidents.MANAGE)
@require_safe
def response(request: StaffRequest, number: str) -> HttpResponse:
    """The board of a response: clocks, survey, call-outs, bulletins, cases not reached, who is on duty."""
    row = _response(number)
    context = incidents.board(row, request.user, now=timezone.now())
    return render(request, "complaints/incidents/response.html", context)


@needs(incidents.MANAGE)
@require_safe
def afterwards(request: StaffRequest, number: str) -> HttpResponse:
    """After care, feedback, what was said in public, what is learned and improved."""
    row = _response(number)
    incident = row.incident
    improvements = ImprovementAction.objects.filter(incident=incident).select_related(
        "department", "owner", "done_by", "verified_by"
    )
    today = timezone.localdate()
    context = {
        "response": row,
        "incident": incident,
        "cases": incidents.after_care_cases(incident, request.user),
        "first_case": incidents.first_case(incident, request.user),
        "rate": incidents.rate_of(incident),
        "feedback": list(IncidentFeedback.objects.filter(incident=incident)[: incidents.SHOWN]),
        "signals": list(OpinionSignal.objects.filter(incident=incident)[: incidents.SHOWN]),
        "revisions": list(AfterAction.objects.filter(incident=incident).select_related("by")),
        "improvements": [
            (line, line.state != ImprovementState.VERIFIED and line.due_on < today) for line in improvements
        ],
    }
    return render(request, "complaints/incidents/afterwards.html", context)


@login_required
@require_safe
def help_list(request: StaffRequest, number: str) -> HttpResponse:
    """Who needs help at home; who does not lead the response sees the own tasks only."""
    return _help_page(request, _response(number))


@login_required
@require_POST
def help_shown(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    """One visit with name, telephone and address in clear; the reading is logged."""
    row = _response(number)
    get_object_or_404(_help_of(request, row), pk=pk)
    return _help_page(request, row, shown=rules.reveal_help(pk, by=request.user))


def _help_of(request: StaffRequest, row: IncidentResponse) -> Any:
    rows = HomeHelp.objects.filter(incident=row.incident).select_related("owner", "done_by", "complaint")
    return rows if request.user.has_perm(incidents.MANAGE) else rows.filter(owner=request.user)


def _help_page(request: StaffRequest, row: IncidentResponse, *, shown: HomeHelp | None = None) -> HttpResponse:
    leads = request.user.has_perm(incidents.MANAGE)
    after = request.GET.get("after", "")
    rows, following = keyset.by_key(_help_of(request, row), after, size=PAGE_SIZE)
    if not rows and not leads:
        raise Http404
    now = timezone.now()
    context = {
        "response": row,
        "incident": row.incident,
        "items": [
            {
                "row": line,
                "clear": shown is not None and shown.pk == line.pk,
                "name": identity.mask("name", line.name),
                "phone": identity.mask(ContactKind.PHONE, line.phone),
                "address": identity.mask(ContactKind.ADDRESS, line.address),
                "is_late": line.done_at is None and line.due_at <= now,
            }
            for line in rows
        ],
        "leads": leads,
        "may_add": leads and row.incident.closed_at is None,
        "next": following,
        "after": after,
    }
    return render(request, "complaints/incidents/help.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def record(request: StaffRequest, number: str, kind: str, pk: int | None = None) -> HttpResponse:
    """The form of one kind of record, and adding or changing it; who could not send it learns why at once."""
    form_class = FORMS.get(kind)
    if form_class is None or (form_class.table is None) != (pk is None):
        raise Http404
    row = _response(number)
    about = get_object_or_404(form_class.table, pk=pk, incident=row.incident) if pk is not None else None
    _require(request, form_class, about)
    data = request.POST if request.method == "POST" else None
    form = form_class(data, incident=row.incident, response=row, user=request.user, row=about)
    if not form.is_bound:
        try:
            form.require()
        except IllegalTransition as error:
            return _form_page(request, form, status=409, problem=str(error), is_open=False)
        return _form_page(request, form, status=200)
    status, problem = 422, ""
    try:
        if form.is_valid() and form.save() is not None:
            messages.success(request, str(form.done))
            return redirect(f"complaints:{form.page}", number)
    except NotAllowed:
        raise
    except DomainError as error:
        status, problem = 409, str(error)
    return _form_page(request, form, status=status, problem=problem)


def _require(request: StaffRequest, form_class: type[ResponseForm], about: Any) -> None:
    """Raises NotAllowed for a form the role does not open; a visit is open to who has the task."""
    needed = form_class.permission or incidents.MANAGE
    own = not form_class.permission and about is not None and about.owner_id == request.user.pk
    if not own and not request.user.has_perm(needed):
        raise NotAllowed(_("Your role does not open this page."))


def _response(number: str) -> IncidentResponse:
    return get_object_or_404(incidents.responses(), incident__number=number)


def _form_page(
    request: StaffRequest, form: ResponseForm, *, status: int, problem: str = "", is_open: bool = True
) -> HttpResponse:
    context = {
        "form": form,
        "is_open": is_open,
        "incident": form.incident,
        "bulletin": form.row if isinstance(form, ReleaseBulletin | WithdrawBulletin) else None,
        "problem": problem,
        "back": reverse(f"complaints:{form.page}", args=[form.incident.number]) if form.response else "",
        "case": form.case if isinstance(form, Declare) else None,
    }
    return render(request, "complaints/incidents/record.html", context, status=status)

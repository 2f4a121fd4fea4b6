"""Pages about the coordination of a case, and the tasks of a person (COO-01…03, COO-07, COO-08, COO-14, COO-20)."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.web import StaffRequest
from complaints import case_access, case_files, case_page, case_records, coordination, incidents, keyset
from complaints.coordination_forms import FORMS, CoordinationForm
from complaints.desk_access import needs
from complaints.models import Complaint

PAGE_SIZE = 50
TASKS = ("complaints.write_note", "complaints.assign_complaint")


@login_required
@require_safe
def overview(request: StaffRequest, number: str) -> HttpResponse:
    """What was promised, asked of others, agreed and set as a task on a case."""
    complaint = _case(request, number)
    case_files.withhold_names(complaint, request.user)
    context = {
        "complaint": complaint,
        "active": "cases",
        "badge": case_page.badge(complaint),
        **coordination.page(complaint, request.user, now=timezone.now()),
    }
    return render(request, "complaints/coordination/case.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def record(request: StaffRequest, number: str, kind: str, pk: int | None = None) -> HttpResponse:
    """The form of one kind of record, and adding or settling it."""
    complaint = _case(request, number)
    form_class = FORMS[kind]
    row = _row(request, complaint, form_class, pk)
    if not form_class.allows(request.user, complaint, row):
        case_access.refuse(request, complaint, kind, _("Your role does not allow this."))
    data = request.POST if request.method == "POST" else None
    form = form_class(data, complaint=complaint, user=request.user, row=row, initial=_initial(request, row))
    page = "complaints/coordination/form.html"
    return case_page.take_record(request, form, kind, back="complaints:coordination", needs_open=True, template=page)


def _case(request: StaffRequest, number: str) -> Complaint:
    """The case with its records. Raises Http404."""
    complaint = case_access.visible_case(request.user, number)
    case_records.load(complaint)
    return complaint


def _row(request: StaffRequest, complaint: Complaint, form_class: type[CoordinationForm], pk: int | None) -> Any:
    """The record of this case that the form is about, if the person reads it. Raises Http404."""
    if pk is None:
        return None
    rows = coordination.readable(complaint, request.user)[form_class.relation]
    found = next((row for row in rows if row.pk == pk), None)
    if found is None:
        raise Http404
    return found


def _initial(request: StaffRequest, row: Any) -> dict[str, Any]:
    """The words of the decision that is to become a task, by its line from 1."""
    wanted = request.GET.get("decision", "")
    lines = [line.strip() for line in getattr(row, "decisions", "").splitlines() if line.strip()]
    chosen = [line for position, line in enumerate(lines, 1) if str(position) == wanted]
    return {"what": chosen[0]} if chosen else {}


@needs(*TASKS)
@require_safe
def tasks(request: StaffRequest) -> HttpResponse:
    """Open tasks of the person, of the person's departments, or of everybody; the next due first."""
    views = [("mine", _("My tasks")), ("department", _("Tasks of my department"))]
    if coordination.may_see_all_tasks(request.user):
        views.append(("all", _("All open tasks")))
    asked = request.GET.get("view", "")
    view = asked if asked in dict(views) else "mine"
    rows = coordination.tasks_of(request.user, view=view)
    after = request.GET.get("after", "")
    shown, following, is_place = keyset.by_due_day(rows, after, size=PAGE_SIZE)
    now = timezone.now()
    context = {
        "view": view,
        "views": views,
        "items": [coordination.task_line(row, now=now) for row in shown],
        "visits": [(row, row.due_at <= now) for row in incidents.visits_of(request.user)] if view == "mine" else [],
        "next": following,
        "after": after if is_place else "",
    }
    return render(request, "complaints/coordination/tasks.html", context)

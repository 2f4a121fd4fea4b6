"""The case page, its printed form, its live parts, and one page per action.

Every view starts from the cases the person may see (404 else). An action answers 403 with one row in
the security log, 409 for a state or version that has moved on with the typed text kept, 422 with the
errors at the fields, and else leads back to the case.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import IllegalTransition, NotAllowed, StaleVersion
from accounts.models import User
from accounts.web import StaffRequest
from complaints import (
    case_access,
    case_files,
    case_page,
    case_records,
    panels,
    permissions,
    record_forms,
    related,
    selectors,
)
from complaints import timeline as timelines
from complaints.action_form import ActionForm
from complaints.action_forms import FORMS
from complaints.models import Complaint
from complaints.states import MOVES


@login_required
@require_safe
def detail(request: StaffRequest, number: str) -> HttpResponse:
    """The case page."""
    complaint = case_access.visible_case(request.user, number)
    return render_case(request, complaint)


def render_case(request: StaffRequest, complaint: Complaint, **extra: Any) -> HttpResponse:
    """The case page with more values, such as revealed data."""
    return render(request, "complaints/case.html", {**_values(request, complaint), **extra})


def _values(request: StaffRequest, complaint: Complaint) -> dict[str, Any]:
    """What the page shows, with the boxes of the apps above."""
    wanted = request.GET.get("show", "all")
    show = wanted if wanted in timelines.FILTER_LABELS else "all"
    values = case_page.context(complaint, request.user, now=timezone.now(), show=show)
    shown = panels.case_panels(complaint, request.user)
    values["panels"] = [
        render_to_string(panel.template, {"complaint": complaint, **panel.context}, request) for panel in shown
    ]
    values["note_form"] = record_forms.NoteForm(complaint=complaint, user=request.user)
    return values


@login_required
@require_safe
def printed(request: StaffRequest, number: str) -> HttpResponse:
    """The file of the case for paper: the same values as the page, nothing to click (AZ-08)."""
    complaint = case_access.visible_case(request.user, number)
    return render(request, "complaints/case_print.html", {**_values(request, complaint), "printing": True})


@login_required
@require_safe
def clocks(request: StaffRequest, number: str) -> HttpResponse:
    """The clocks alone, which the page fetches anew each minute."""
    return _part(request, number, "complaints/case/_clocks.html", "clocks")


@login_required
@require_safe
def timeline(request: StaffRequest, number: str) -> HttpResponse:
    """The record alone, filtered."""
    return _part(request, number, "complaints/case/_timeline.html", "timeline")


def _part(request: StaffRequest, number: str, template: str, anchor: str) -> HttpResponse:
    complaint = case_access.visible_case(request.user, number)
    if not request.headers.get("HX-Request"):
        return HttpResponseRedirect(reverse("complaints:detail", args=[complaint.number]) + f"#{anchor}")
    return render(request, template, _values(request, complaint))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def action(request: StaffRequest, number: str, action: str) -> HttpResponse:
    """One action: its form, and doing it. A POST without the page before is checked the same (AZ-13)."""
    complaint = case_access.visible_case(request.user, number)
    if action not in FORMS:
        raise Http404
    reason = permissions.refusal(request.user, action, complaint)
    if reason:
        case_access.refuse(request, complaint, action, reason)
    case_records.load(complaint)
    data = request.POST if request.method == "POST" else None
    initial = FORMS[action].initial_from(request.GET)
    form = FORMS[action](data, complaint=complaint, user=request.user, initial=initial)
    try:
        _require_current(form)
        if form.is_bound and form.is_valid():
            form.apply()
    except StaleVersion:
        return _conflict(request, form)
    except IllegalTransition as error:
        return _action_page(request, form, status=409, problem=str(error))
    except NotAllowed as error:
        case_access.refuse(request, complaint, action, str(error))
    if not form.is_bound:
        problem = selectors.why_not_now(complaint, action, request.user)
        return _action_page(request, form, status=200, problem=problem, possible=not problem)
    if form.errors:
        return _action_page(request, form, status=422)
    messages.success(request, _("Done: %(action)s") % {"action": form.label})
    return _back(request.user, complaint)


def _require_current(form: ActionForm) -> None:
    """What the transition checks under its lock, checked before the fields are.

    Raises StaleVersion, IllegalTransition.
    """
    complaint = form.complaint
    if form.is_bound:
        seen = str(form["version"].data or "")
        if seen.isdecimal() and int(seen) != complaint.version:
            raise StaleVersion(complaint.version)
    if complaint.status not in MOVES[form.action].sources:
        raise IllegalTransition(
            _("“%(action)s” is not possible: the case is “%(status)s”."),
            action=form.label,
            status=complaint.get_status_display(),
        )


def _conflict(request: StaffRequest, form: ActionForm) -> HttpResponse:
    """Somebody else was faster: the text typed is kept, what changed is shown, and the form holds the new version."""
    complaint = case_access.visible_case(request.user, form.complaint.number)
    case_records.load(complaint)
    seen = str(form["version"].data or "")
    data = request.POST.copy()
    data["version"] = str(complaint.version)
    fresh = type(form)(data, complaint=complaint, user=request.user)
    since = int(seen) if seen.isdecimal() else complaint.version
    changed = {event.sequence for event in complaint.events.all() if event.version and event.version > since}
    case_files.withhold_names(complaint, request.user)
    record = timelines.entries(complaint, timelines.Viewer.of(request.user))
    changes = [entry for entry in record if entry.order in changed]
    return _action_page(request, fresh, status=409, conflict=True, changes=changes)


def _action_page(request: StaffRequest, form: ActionForm, *, status: int, **extra: Any) -> HttpResponse:
    complaint = form.complaint
    values = {
        "complaint": complaint,
        "form": form,
        "active": "cases",
        "badge": case_page.badge(complaint),
        "category_path": case_page.category_path(complaint.category),
        "replies": list(reversed(complaint.replies.all())),
        "possible": complaint.status in MOVES[form.action].sources,
        "missing": case_page.missing(complaint, form.action),
        # Asked only by the templates that show them beside the form.
        "earlier": partial(case_page.earlier, complaint, request.user),
        "answered_together": partial(related.answered_together, complaint, request.user),
        **extra,
    }
    names = [f"complaints/actions/{form.action}.html", "complaints/actions/action.html"]
    return render(request, names, values, status=status)


def _back(user: User, complaint: Complaint) -> HttpResponseRedirect:
    """To the case, or to the queue when it is no longer this person's to see."""
    if Complaint.objects.visible_to(user).filter(pk=complaint.pk).exists():
        return redirect("complaints:detail", complaint.number)
    return redirect("complaints:queue")

"""The editor of a service policy: change it as its next revision, first see what that would mean (SLA-01)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts.errors import InvalidInput, StaleVersion
from accounts.web import StaffRequest
from complaints import policy_editing, policy_simulation
from complaints.desk_access import needs
from complaints.models import Complaint, ServicePolicy
from complaints.policy_forms import PolicyEditor
from complaints.policy_simulation import Line, Simulation

SHOWN_CHANGES = 10


def _counts(request: HttpRequest) -> bool:
    """What a change would mean is counted without changing anything."""
    return "save" not in request.POST


@needs(*policy_editing.EDITORS, only_looks=_counts)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: StaffRequest, code: str) -> HttpResponse:
    """Edit the last revision of a policy: first count the newest cases by it, then store it as the next one."""
    policy = policy_editing.newest(code)
    if policy is None:
        raise Http404
    data = request.POST if request.method == "POST" else None
    editor = PolicyEditor(data, policy=policy, with_tasks="tasks" in request.GET)
    if not editor.form.is_bound:
        return _page(request, editor, policy)
    try:
        if editor.based_on != policy.revision:
            raise StaleVersion(policy.revision)
        if not editor.is_valid():
            return _page(request, editor, policy, status=422)
        if "save" not in request.POST:
            policy_editing.check_start(editor.draft.valid_from, policy, today=timezone.localdate())
            found = policy_simulation.simulate(editor.stored, editor.draft, now=timezone.now())
            return _page(request, editor, policy, simulation=found)
        stored = policy_editing.revise(
            editor.draft, is_default=editor.form.cleaned_data["is_default"], based_on=policy.revision, by=request.user
        )
    except InvalidInput as error:
        editor.add_error(error.field, str(error))
        return _page(request, editor, policy, status=422)
    except StaleVersion as error:
        return _page(request, editor, policy, status=409, problem=str(error))
    messages.success(
        request,
        _("Revision %(revision)s holds for cases received from %(day)s on.")
        % {"revision": stored.revision, "day": stored.valid_from.isoformat()},
    )
    return redirect("complaints:policy", stored.code, stored.revision)


def _page(
    request: StaffRequest,
    editor: PolicyEditor,
    policy: ServicePolicy,
    *,
    status: int = 200,
    problem: str = "",
    simulation: Simulation | None = None,
) -> HttpResponse:
    values: dict[str, Any] = {
        "editor": editor,
        "form": editor.form,
        "policy": policy,
        "next": policy.revision + 1,
        "problem": problem,
        "simulation": simulation,
    }
    if simulation:
        values |= {"lines": [_shown(line) for line in simulation.lines], **_changes(request, simulation)}
    return render(request, "complaints/settings/policy_edit.html", values, status=status)


def _shown(line: Line) -> tuple[Line, str, str, str]:
    return line, share(line.before_in_time, line.before), share(line.after_in_time, line.after), moved(line)


def share(in_time: int, cases: int) -> str:
    """So many of so many; a dash without a limit."""
    return _("%(part)s of %(whole)s") % {"part": in_time, "whole": cases} if cases else "—"


def moved(line: Line) -> str:
    """How the date would move, the median in words."""
    if not line.shifts:
        return "—"
    days = round(abs(line.shift), 1)
    if not days:
        return _("the same day")
    number = f"{days:g}"
    text = (
        ngettext("%(n)s working day earlier", "%(n)s working days earlier", int(days))
        if line.shift < 0
        else ngettext("%(n)s working day later", "%(n)s working days later", int(days))
    )
    return text % {"n": number}


def _changes(request: StaffRequest, simulation: Simulation) -> dict[str, Any]:
    """Some of the cases that would change sides; only those the person sees are named."""
    visible = Complaint.objects.visible_to(request.user)
    seen = set(visible.filter(pk__in={row.complaint_id for row in simulation.changes}).values_list("pk", flat=True))
    shown = [row for row in simulation.changes if row.complaint_id in seen][:SHOWN_CHANGES]
    return {"changes": shown, "changing": len(simulation.changes)}

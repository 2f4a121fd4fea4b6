"""The editor of the single steps by which one limit reminds and escalates (SLA-13)."""

from __future__ import annotations

from dataclasses import replace

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.errors import InvalidInput, StaleVersion
from accounts.web import StaffRequest
from complaints import policy_editing
from complaints.desk_access import needs
from complaints.ladder_forms import LadderEditor
from complaints.models import ServicePolicy
from complaints.profiles import ProfileRule
from complaints.states import Complexity, Milestone


@needs(*policy_editing.EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: StaffRequest, code: str, limit: str) -> HttpResponse:
    """Change, add and remove the steps of one limit, stored as the next revision of the policy."""
    policy = policy_editing.newest(code)
    if policy is None:
        raise Http404
    draft = policy_editing.draft_of(policy)
    rule = next((row for row in draft.rules if policy_editing.limit_key(row.milestone, row.complexity) == limit), None)
    if rule is None:
        raise Http404
    editor = LadderEditor(request.POST if request.method == "POST" else None, policy=policy, rule=rule)
    if not editor.form.is_bound:
        return _page(request, editor, policy)
    if not editor.is_valid():
        return _page(request, editor, policy, status=422)
    values = editor.form.cleaned_data
    changed = replace(rule, ladder=editor.ladder())
    draft = replace(
        draft,
        rules=tuple(changed if row is rule else row for row in draft.rules),
        valid_from=values["valid_from"],
        valid_until=None,
    )
    try:
        stored = policy_editing.revise(
            draft, is_default=policy.is_default, based_on=values["based_on"], by=request.user
        )
    except InvalidInput as error:
        editor.form.add_error(error.field if error.field in editor.form.fields else None, str(error))
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
    request: StaffRequest, editor: LadderEditor, policy: ServicePolicy, *, status: int = 200, problem: str = ""
) -> HttpResponse:
    context = {
        "editor": editor,
        "form": editor.form,
        "policy": policy,
        "next": policy.revision + 1,
        "name": _name(editor.rule),
        "problem": problem,
        "is_task": editor.rule.milestone == Milestone.TASK,
    }
    return render(request, "complaints/settings/policy_ladder.html", context, status=status)


def _name(rule: ProfileRule) -> str:
    """The limit in words: its milestone and the complexity it is for."""
    label = str(Milestone(rule.milestone).label)
    return f"{label} · {Complexity(rule.complexity).label}" if rule.complexity else label

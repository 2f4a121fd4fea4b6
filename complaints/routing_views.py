"""The routing rules under settings: read, add, change, move, switch off (ASG-01, ASG-02)."""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.web import StaffRequest
from complaints import routing, transitions
from complaints.desk_access import needs
from complaints.models import RoutingRule
from complaints.routing_forms import RuleForm
from complaints.states import Channel
from complaints.transitions.suggestion import EDIT_RULES


@needs(*EDIT_RULES)
@require_safe
def rules(request: StaffRequest) -> HttpResponse:
    """Every rule in its order."""
    found = RoutingRule.objects.select_related("category", "department", "person", "changed_by")
    channels = dict(Channel.choices)
    lines = [(rule, channels.get(rule.channel, ""), routing.split_words(rule.words)) for rule in found]
    return render(request, "complaints/settings/routing.html", {"lines": lines})


@needs(*EDIT_RULES)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Add or change a rule. It is saved only after its effect on past cases was shown."""
    rule = (
        get_object_or_404(RoutingRule.objects.select_related("category", "department", "person"), pk=pk) if pk else None
    )
    form = RuleForm(request.POST if request.method == "POST" else None, rule=rule)
    if not form.is_bound:
        return _page(request, form, rule)
    if not form.is_valid():
        return _page(request, form, rule, status=422)
    if form.cleaned_data["seen"] != _seen(form):
        return _page(request, form, rule, status=422, must_look=True, **_trial(form, rule))
    saved = transitions.save_routing_rule(pk, by=request.user, **form.values())
    messages.success(request, _("Saved: %(name)s") % {"name": saved.name})
    return redirect("complaints:routing")


def _page(
    request: StaffRequest, form: RuleForm, rule: RoutingRule | None, *, status: int = 200, **extra: Any
) -> HttpResponse:
    context = {"form": form, "rule": rule, **extra}
    return render(request, "complaints/settings/routing_edit.html", context, status=status)


@needs(*EDIT_RULES, only_looks=lambda request: True)
@require_POST
def preview(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """What the rule on the page would have done to past cases, while it is written."""
    rule = get_object_or_404(RoutingRule, pk=pk) if pk else None
    form = RuleForm(request.POST, rule=rule)
    form.is_valid()
    wrong = {"category", "channel", "words"} & set(form.errors)
    return render(request, "complaints/settings/_routing_trial.html", {} if wrong else _trial(form, rule))


def _trial(form: RuleForm, rule: RoutingRule | None) -> dict[str, Any]:
    department = form.cleaned_data.get("department")
    before = _before(rule)
    trial = routing.try_rule(form.conditions(), department_id=department.pk if department else None, before=before)
    return {"trial": trial, "department": department, "seen": _seen(form)}


def _before(rule: RoutingRule | None) -> list[RoutingRule]:
    """The active rules that come before this one; all of them for a new one, which goes to the end."""
    active = routing.active_rules()
    if rule is None:
        return active
    return [other for other in active if (other.order, other.pk) < (rule.order, rule.pk)]


def _seen(form: RuleForm) -> str:
    """A mark of conditions and department, so that a change shows its effect anew."""
    conditions, department = form.conditions(), form.cleaned_data.get("department")
    parts = [conditions.category_id or "", conditions.channel, *conditions.words, department.pk if department else ""]
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]


@needs(*EDIT_RULES)
@require_POST
def move(request: StaffRequest, pk: int) -> HttpResponse:
    """One place up or down."""
    get_object_or_404(RoutingRule, pk=pk)
    transitions.move_routing_rule(pk, by=request.user, up=request.POST.get("to") == "up")
    return redirect("complaints:routing")


@needs(*EDIT_RULES)
@require_POST
def switch(request: StaffRequest, pk: int) -> HttpResponse:
    """In force, or out of it."""
    get_object_or_404(RoutingRule, pk=pk)
    transitions.switch_routing_rule(pk, by=request.user, on=request.POST.get("on") == "yes")
    return redirect("complaints:routing")

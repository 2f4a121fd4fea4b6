"""Pages that show one form and carry out its rule: what was sent, saving, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.errors import IllegalTransition, StaleVersion
from accounts.web import StaffRequest
from analytics.problem_forms import RuleForm
from complaints.models import Complaint


def data(request: StaffRequest) -> Any:
    """What a form is bound to: nothing unless it was sent."""
    return request.POST if request.method == "POST" else None


def take(
    request: StaffRequest,
    form: RuleForm,
    onward: Callable[[Any], str],
    *,
    heading: str = "",
    about: list[tuple[Any, Any]] | None = None,
    crumbs: list[tuple[str, str]] | None = None,
    cases: list[Complaint] | None = None,
    template: str = "analytics/problem_form.html",
) -> HttpResponse:
    """Save a form and go on, or show it with what is wrong; what was typed stays."""
    status, problem = 200, ""
    if form.is_bound:
        try:
            saved = form.save() if form.is_valid() else None
            if saved is not None:
                messages.success(request, str(form.done))
                return redirect(onward(saved))
            status = 422
        except (IllegalTransition, StaleVersion) as error:
            status, problem = 409, str(error)
    trail = [(reverse("analytics:problems"), _("Problem list")), *(crumbs or [])]
    context = {
        "form": form,
        "heading": heading or form.title,
        "about": about or [],
        "cases": cases or [],
        "crumbs": trail,
        "back_url": trail[-1][0],
        "problem": problem,
    }
    return render(request, template, context, status=status)

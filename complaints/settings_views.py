"""What the system works by, to read: policies, categories, other bodies, roles (SLA-01)."""

from __future__ import annotations

from collections import defaultdict

from django.contrib.auth.models import Permission
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from accounts.roles import ROLES
from complaints import calendar_editing, policy_editing, policy_terms, reopening
from complaints.deadlines import StartsOn
from complaints.desk_access import needs
from complaints.models import Category, Dimension, ExternalBody, ServicePolicy
from complaints.policy_forms import STARTS
from complaints.states import Milestone
from complaints.transitions.reference import EDITORS

# The administrator and whoever decides on disputed assignments: the coordinators.
PERMISSIONS = ("accounts.configure_system", "complaints.adjudicate_return")


@needs(*PERMISSIONS)
def index(request: HttpRequest) -> HttpResponse:
    """The settings, with an alarm for a year that has no calendar (SLA-12)."""
    missing = calendar_editing.missing_years(timezone.localdate())
    return render(request, "complaints/settings/index.html", {"missing_years": missing})


@needs(*PERMISSIONS)
def policies(request: HttpRequest) -> HttpResponse:
    """Every policy; those new cases are or were bound to come first."""
    found = list(ServicePolicy.objects.order_by("-is_default", "code", "-revision"))
    today = timezone.localdate()
    default = next(
        (row.pk for row in found if row.is_default and row.valid_from <= today <= (row.valid_until or today)), None
    )
    return render(request, "complaints/settings/policies.html", {"policies": found, "default": default})


@needs(*PERMISSIONS)
def policy(request: HttpRequest, code: str, revision: int) -> HttpResponse:
    """One revision of a policy with every rule in words."""
    found = get_object_or_404(ServicePolicy.objects.prefetch_related("rules"), code=code, revision=revision)
    order = list(Milestone)
    rules = sorted(found.rules.all(), key=lambda rule: (order.index(Milestone(rule.milestone)), rule.complexity))
    lines = [
        (
            rule,
            amount(rule.amount, rule.unit),
            amount(rule.extension_amount, rule.unit),
            STARTS[StartsOn(rule.starts_on)],
            policy_editing.limit_key(rule.milestone, rule.complexity),
        )
        for rule in rules
    ]
    context = {
        "policy": found,
        "lines": lines,
        "terms": policy_terms.in_words(found),
        "no_call_back": not any(line[0].milestone == Milestone.CALL_BACK for line in lines),
        "reopening": reopening.in_words(found.reopening),
        "is_newest": not ServicePolicy.objects.filter(code=code, revision__gt=revision).exists(),
        "may_edit": any(request.user.has_perm(name) for name in EDITORS),
        "lacks_tasks": not any(line[0].milestone == Milestone.TASK for line in lines),
    }
    return render(request, "complaints/settings/policy.html", context)


def amount(number: int, unit: str) -> str:
    """A time limit in words: 15 working days."""
    texts = {
        "hours": ngettext("%(n)s hour", "%(n)s hours", number),
        "working_hours": ngettext("%(n)s working hour", "%(n)s working hours", number),
        "working_days": ngettext("%(n)s working day", "%(n)s working days", number),
        "calendar_days": ngettext("%(n)s calendar day", "%(n)s calendar days", number),
    }
    return texts[unit] % {"n": number}


@needs(*PERMISSIONS)
def categories(request: HttpRequest) -> HttpResponse:
    """The values of every dimension, as a tree."""
    children: dict[int | None, list[Category]] = defaultdict(list)
    for row in Category.objects.select_related("default_department"):
        children[row.parent_id].append(row)
    groups = [
        (
            value,
            label,
            [
                (row, depth)
                for top in children[None]
                if top.dimension == value
                for row, depth in [(top, 0), *((sub, 1) for sub in children[top.pk])]
            ],
        )
        for value, label in Dimension.choices
    ]
    may_edit = any(request.user.has_perm(name) for name in EDITORS)
    return render(request, "complaints/settings/categories.html", {"groups": groups, "may_edit": may_edit})


@needs(*PERMISSIONS)
def bodies(request: HttpRequest) -> HttpResponse:
    """Where a complainant can be directed (SCR-04)."""
    return render(request, "complaints/settings/bodies.html", {"bodies": ExternalBody.objects.all()})


@needs(*PERMISSIONS)
def roles(request: HttpRequest) -> HttpResponse:
    """The shipped roles with their permissions, one table of both (COM-17)."""
    names = {
        f"{row.content_type.app_label}.{row.codename}": row.name
        for row in Permission.objects.select_related("content_type")
    }
    held = [name for name in names if any(name in role.permissions for role in ROLES)]
    context = {
        "roles": [(role.name, len(role.permissions)) for role in ROLES],
        "lines": [(gettext(names[name]), name, [name in role.permissions for role in ROLES]) for name in held],
    }
    return render(request, "complaints/settings/roles.html", context)

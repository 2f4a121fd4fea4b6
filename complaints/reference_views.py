"""Settings an organisation edits itself: values of the dimensions, rules of scope, bodies (CLS-01, SCR-02, SCR-04)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import InvalidInput, StaleVersion
from accounts.models import Department
from accounts.web import StaffRequest
from complaints import settings_views, transitions
from complaints.desk_access import needs
from complaints.models import AcceptanceRule, Category, Complaint, Dimension, ExternalBody
from complaints.reference_forms import BodyForm, CategoryForm, DepartmentForm, LegalReferenceForm, RuleForm, SettingForm
from complaints.transitions.reference import EDITORS, VALUE_FIELDS

HISTORY_SHOWN = 20


# --- Values of the dimensions -----------------------------------------------------------------
@needs(*EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def category_add(request: StaffRequest, dimension: str) -> HttpResponse:
    """A new value of a dimension."""
    if dimension not in Dimension.values:
        raise Http404
    form = CategoryForm(request.POST or None, dimension=dimension)
    if _done(form, lambda: transitions.add_category(dimension=dimension, by=request.user, **form.values())):
        messages.success(request, _("Added."))
        return redirect("complaints:categories")
    return _category_page(request, form, dimension=dimension)


@needs(*EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def category_edit(request: StaffRequest, pk: int) -> HttpResponse:
    """Change a value; its history stands below the form."""
    category = get_object_or_404(Category.objects.select_related("parent", "default_department"), pk=pk)
    form = CategoryForm(request.POST or None, dimension=category.dimension, category=category)
    if _done(form, lambda: transitions.change_category(category.pk, by=request.user, **form.values())):
        messages.success(request, _("Saved."))
        return redirect("complaints:category", category.pk)
    return _category_page(request, form, dimension=category.dimension, category=category)


@needs(*EDITORS)
@require_POST
def category_law(request: StaffRequest, pk: int) -> HttpResponse:
    """The law of a legal-risk type from a day on (CLS-09)."""
    category = get_object_or_404(Category, pk=pk, dimension=Dimension.LEGAL)
    form = LegalReferenceForm(request.POST, auto_id="law_%s")
    if _done(form, lambda: transitions.add_legal_reference(category.pk, by=request.user, **form.cleaned_data)):
        messages.success(request, _("Saved."))
        return redirect("complaints:category", category.pk)
    plain = CategoryForm(dimension=category.dimension, category=category)
    return _category_page(request, plain, dimension=category.dimension, category=category, law_form=form)


@needs(*EDITORS)
@require_POST
def category_move(request: StaffRequest, pk: int) -> HttpResponse:
    """One place up or down."""
    category = get_object_or_404(Category, pk=pk)
    transitions.move_category(category.pk, up=request.POST.get("to") == "up", by=request.user)
    return redirect("complaints:categories")


@needs(*EDITORS)
@require_POST
def category_delete(request: StaffRequest, pk: int) -> HttpResponse:
    """Remove a value nobody ever used; one in use is switched off instead."""
    category = get_object_or_404(Category, pk=pk)
    try:
        transitions.delete_category(category.pk, by=request.user)
    except InvalidInput as error:
        messages.error(request, str(error))
        return redirect("complaints:category", category.pk)
    messages.success(request, _("Deleted."))
    return redirect("complaints:categories")


def _category_page(request: StaffRequest, form: CategoryForm, **values: Any) -> HttpResponse:
    category: Category | None = values.get("category")
    law_form = values.pop("law_form", None)
    bound = form.is_bound or law_form is not None
    context = {
        "form": form,
        "dimension_label": Dimension(values["dimension"]).label,
        "law_form": law_form or LegalReferenceForm(auto_id="law_%s"),
        "history": history(category) if category else [],
        "laws": category.legal_references.all() if category else [],
        **values,
    }
    return render(request, "complaints/settings/category.html", context, status=422 if bound else 200)


_NAMES: dict[str, Any] = {
    **{name: field.label for name, field in CategoryForm.base_fields.items() if name in VALUE_FIELDS},
    "materials": gettext_lazy("Materials"),
    "order": gettext_lazy("Place in the list"),
    "statutes": LegalReferenceForm.base_fields["statutes"].label,
}


def history(category: Category) -> list[dict[str, Any]]:
    """The changes of a value, newest first, field by field in words."""
    fields = {name: field.verbose_name for name, field in _complaint_fields().items()}
    return [
        {
            "at": row.at,
            "by": row.by,
            "is_new": not row.before,
            "changes": [
                (_NAMES.get(name, name), _words(row.before.get(name), fields), _words(row.after[name], fields))
                for name in row.after
            ]
            if row.before
            else [],
        }
        for row in category.revisions.select_related("by")[:HISTORY_SHOWN]
    ]


def _complaint_fields() -> dict[str, Any]:
    return {field.name: field for field in Complaint._meta.concrete_fields}


def _words(value: Any, fields: dict[str, Any]) -> str:
    """A value of a revision as people read it."""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, list):
        texts = [entry["text"] if isinstance(entry, dict) else str(fields.get(entry, entry)) for entry in value]
        return _(", ").join(texts) or "—"
    return str(value) if value not in (None, "") else "—"


# --- Rules and bodies -------------------------------------------------------------------------
@needs(*settings_views.PERMISSIONS)
def rules(request: StaffRequest) -> HttpResponse:
    """The rules that decisions on acceptance rely on."""
    found = AcceptanceRule.objects.select_related("category", "body")
    context = {"rules": found, "may_edit": any(request.user.has_perm(name) for name in EDITORS)}
    return render(request, "complaints/settings/rules.html", context)


@needs(*EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def rule_edit(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Add or change a rule; one that was relied on is switched off, never deleted."""
    rule = get_object_or_404(AcceptanceRule.objects.select_related("category"), pk=pk) if pk else None
    form = RuleForm(request.POST or None, rule=rule)
    title = _("Change the rule") if rule else _("Add a rule")
    return _simple(
        request, form, lambda: transitions.save_rule(pk, by=request.user, **form.cleaned_data), "rules", title
    )


@needs(*EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def body_edit(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Add or change a body of the directory; notices sent before keep what they said."""
    body = get_object_or_404(ExternalBody, pk=pk) if pk else None
    form = BodyForm(request.POST or None, body=body)
    title = _("Change the body") if body else _("Add a body")
    return _simple(
        request, form, lambda: transitions.save_body(pk, by=request.user, **form.cleaned_data), "bodies", title
    )


@needs(*settings_views.PERMISSIONS)
@require_safe
def departments(request: StaffRequest) -> HttpResponse:
    """Every department in its place."""
    rows = (
        Department.objects.select_related("parent")
        .order_by("path")
        .annotate(
            people=Count(
                "memberships", filter=Q(memberships__until=None, memberships__user__is_active=True), distinct=True
            )
        )
    )
    return render(request, "complaints/settings/departments.html", {"rows": rows})


@needs(*EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def department_edit(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Add or change a department; what was told and posted before keeps its name of then."""
    row = get_object_or_404(Department, pk=pk) if pk else None
    form = DepartmentForm(request.POST or None, department=row)
    title = _("Change the department") if row else _("Add a department")
    save = partial(transitions.save_department, pk, by=request.user)
    return _simple(request, form, lambda: save(**form.cleaned_data), "departments", title)


def _simple(
    request: StaffRequest, form: SettingForm, save: Callable[[], object], back: str, title: str
) -> HttpResponse:
    """A page with one form; saved, back to the list `back`."""
    if _done(form, save):
        messages.success(request, _("Saved."))
        return redirect(f"complaints:{back}")
    context = {"form": form, "title": title, "back_url": f"complaints:{back}"}
    return render(request, "complaints/settings/form.html", context, status=422 if form.is_bound else 200)


def _done(form: SettingForm, save: Callable[[], object]) -> bool:
    """Whether the form was filled in well and saved; otherwise it says at which field it was not."""
    if not form.is_bound or not form.is_valid():
        return False
    try:
        save()
    except InvalidInput as error:
        form.show(error)
    except StaleVersion:
        form.add_error(None, _("Somebody else changed this meanwhile. Open the page anew, then change it again."))
    return not form.errors

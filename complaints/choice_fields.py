"""Form fields that choose departments, people and categories, by the codes that the API uses too."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from accounts.models import Department, User
from complaints.models import Assignment, Category, Complaint
from complaints.states import OPEN

# Sentences of Django's own fields whose Chinese there misleads; named here, the catalogue words them.
WORDED_HERE = (
    gettext_noop("Null characters are not allowed."),
    gettext_noop("Enter a valid “slug” consisting of letters, numbers, underscores or hyphens."),
)


class LongText(forms.Textarea):
    """A text area of so many lines."""

    def __init__(self, rows: int = 5) -> None:
        super().__init__(attrs={"rows": rows})


class YesNo(forms.NullBooleanField):
    """A question that has to be answered: no box is ticked beforehand."""

    def __init__(self, *, yes: Any = None, no: Any = None, **kwargs: Any) -> None:
        choices = [("true", yes or _("Yes")), ("false", no or _("No"))]
        super().__init__(widget=forms.RadioSelect(choices=choices), **kwargs)

    def validate(self, value: bool | None) -> None:
        if self.required and value is None:
            raise forms.ValidationError(_("Choose one."), code="required")


class DepartmentField(forms.ModelChoiceField):
    """A department, with its open cases where the query counted them (`with_loads`)."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("empty_label", _("Choose a department"))
        super().__init__(Department.objects.none(), to_field_name="code", **kwargs)

    def label_from_instance(self, department: Department) -> str:
        load = getattr(department, "load", None)
        if load is None:
            return department.name
        return str(_("%(name)s (%(count)s open)") % {"name": department.name, "count": load})


def with_loads(departments: QuerySet[Department]) -> QuerySet[Department]:
    """The departments with `load`, the number of open cases each has now (ASG-13)."""
    current = Assignment.objects.filter(
        is_current=True, ended_at=None, complaint__status__in=[str(status) for status in OPEN]
    )
    counts = (
        current.filter(department=OuterRef("pk"))
        .order_by()
        .values("department")
        .annotate(count=Count("pk"))
        .values("count")
    )
    return departments.annotate(load=Coalesce(Subquery(counts), 0)).order_by("name")


class PersonField(forms.ModelChoiceField):
    """A member of staff by staff number, with the department."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("empty_label", _("Choose a person"))
        super().__init__(User.objects.none(), to_field_name="staff_number", **kwargs)

    def label_from_instance(self, user: User) -> str:
        return f"{user.display_name} · {user.post}" if user.post else user.display_name


class CaseField(forms.ModelChoiceField):
    """Another case by its number. Give `queryset` the cases the person may see, or none is found."""

    default_error_messages = {"invalid_choice": _("There is no such case.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            Complaint.objects.none(), to_field_name="number", widget=forms.TextInput(attrs={"size": 20}), **kwargs
        )

    def to_python(self, value: Any) -> Complaint | None:
        return super().to_python(value.strip().upper() if isinstance(value, str) else value)


class CategoryField(forms.ModelChoiceField):
    """A value of one dimension; categories show their place in the tree (供水 › 停水)."""

    def __init__(self, dimension: str, **kwargs: Any) -> None:
        kwargs.setdefault("empty_label", _("Choose one") if kwargs.get("required", True) else _("Not chosen"))
        self.dimension = dimension
        self.values = Category.objects.filter(dimension=dimension, is_active=True)
        super().__init__(self.values, to_field_name="code", **kwargs)
        self.choices = self._tree

    def _tree(self) -> list[tuple[str, Any]]:
        """Children stand below their parent, indented by the parent's name."""
        rows = list(self.values.all())
        children: dict[int | None, list[Category]] = {}
        for row in rows:
            children.setdefault(row.parent_id, []).append(row)
        found: list[tuple[str, Any]] = [("", self.empty_label)]

        def walk(parent: int | None, path: str) -> None:
            for row in children.get(parent, ()):
                label = f"{path}{row.label}"
                found.append((row.code, label))
                walk(row.pk, f"{label} › ")

        walk(None, "")
        return found

"""The English names of the departments, which the public reads on pages in English (PUB-40)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import departments
from accounts.errors import InvalidInput
from accounts.models import Department
from accounts.web import StaffRequest
from complaints.desk_access import needs


class NamesForm(forms.Form):
    """One field for each department; left empty, the Chinese name stands."""

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.rows = list(Department.objects.order_by("path"))
        for row in self.rows:
            self.fields[f"name_{row.pk}"] = forms.CharField(
                label=row.name, max_length=80, required=False, initial=row.name_en or ""
            )

    def names(self) -> dict[int, str]:
        return {row.pk: self.cleaned_data[f"name_{row.pk}"] for row in self.rows}


@needs(*departments.EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def names(request: StaffRequest) -> HttpResponse:
    """Every department with its English name."""
    form = NamesForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            departments.name_in_english(form.names(), by=request.user)
        except InvalidInput as error:
            form.add_error(error.field, str(error))
        else:
            messages.success(request, _("Saved."))
            return redirect("complaints:department_names")
    status = 422 if form.errors else 200
    return render(request, "complaints/settings/department_names.html", {"form": form}, status=status)

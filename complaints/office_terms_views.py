"""The days of daily work: to read, and to edit as the next revision (SLA-13)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from django import forms
from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import InvalidInput, StaleVersion
from accounts.web import StaffRequest
from complaints import office_terms, settings_views
from complaints.desk_access import needs
from complaints.models import OfficeTerms

REVISIONS_SHOWN = 50


class TermsForm(forms.Form):
    """Every number and why it changes. `based_on` is the revision the person sees."""

    based_on = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, revision: OfficeTerms) -> None:
        super().__init__(data, initial={"based_on": revision.revision})
        numbers = office_terms.all_of(revision)
        for code, term in office_terms.TERMS.items():
            self.fields[code] = forms.IntegerField(
                label=term.label,
                min_value=term.least,
                max_value=term.most,
                initial=numbers[code],
                help_text=_("%(least)s to %(most)s %(unit)s; usually %(usual)s.")
                % {"unit": office_terms.UNITS[term.unit], "least": term.least, "most": term.most, "usual": term.usual},
            )
        self.fields["note"] = forms.CharField(label=gettext_lazy("What changed and why"), max_length=200)

    def groups(self) -> list[tuple[Any, list[forms.BoundField]]]:
        return [(label, [self[code] for code in terms]) for label, terms in office_terms.GROUPS]

    def terms(self) -> dict[str, int]:
        return {code: self.cleaned_data[code] for code in office_terms.TERMS}


@needs(*settings_views.PERMISSIONS)
@require_safe
def terms(request: StaffRequest) -> HttpResponse:
    """The numbers in force, and what each revision changed."""
    current = office_terms.current()
    numbers = office_terms.all_of(current)
    rows = list(OfficeTerms.objects.select_related("by").order_by("-revision")[: REVISIONS_SHOWN + 1])
    context = {
        "current": current,
        "groups": [
            (label, [(term, numbers[code], _amount(numbers[code], term.unit)) for code, term in found.items()])
            for label, found in office_terms.GROUPS
        ],
        "revisions": [
            (row, _changes(office_terms.all_of(before), office_terms.all_of(row)))
            for row, before in pairwise([*rows, OfficeTerms(revision=0, terms={})])
        ][:REVISIONS_SHOWN],
        "may_edit": any(request.user.has_perm(name) for name in office_terms.EDITORS),
    }
    return render(request, "complaints/settings/terms.html", context)


def _amount(number: int, unit: str) -> str:
    """A number with its unit in words: 15 working days."""
    if unit == office_terms.CALLS:
        return ngettext("%(n)s call", "%(n)s calls", number) % {"n": number}
    return settings_views.amount(number, unit)


def _changes(before: dict[str, int], after: dict[str, int]) -> list[tuple[Any, int, int]]:
    """What is another number, with both."""
    return [
        (term.label, before[code], after[code])
        for code, term in office_terms.TERMS.items()
        if before[code] != after[code]
    ]


@needs(*office_terms.EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: StaffRequest) -> HttpResponse:
    """Store the numbers as the next revision, with the reason."""
    current = office_terms.current()
    form = TermsForm(request.POST if request.method == "POST" else None, revision=current)
    status, problem = 200, ""
    if form.is_bound and form.is_valid():
        try:
            stored = _store(form, request)
            messages.success(request, _("Revision %(number)s counts from now on.") % {"number": stored.revision})
            return redirect("complaints:office_terms")
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        except StaleVersion as error:
            status, problem = 409, str(error)
    if form.errors:
        status = 422
    context = {"form": form, "next": current.revision + 1, "problem": problem}
    return render(request, "complaints/settings/terms_edit.html", context, status=status)


def _store(form: TermsForm, request: StaffRequest) -> OfficeTerms:
    """Raises StaleVersion also where two people store the first revision at the same moment."""
    based_on = form.cleaned_data["based_on"]
    try:
        return office_terms.revise(form.terms(), note=form.cleaned_data["note"], based_on=based_on, by=request.user)
    except IntegrityError as error:
        raise StaleVersion(office_terms.current().revision) from error

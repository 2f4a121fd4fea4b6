"""Pages of the two standards of the review group: what a major complaint is, and the weights of the draw."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import InvalidInput, StaleVersion
from accounts.web import StaffRequest
from complaints.desk_access import needs
from review import major, weights
from review.group_forms import MajorForm, WeightsForm
from review.models import MajorStandard, SampleDraw, WeightStandard
from review.states import Stratum

READ = ("review.review_case", "review.view_sample")
REVISIONS = 50


@needs(*READ)
@require_safe
def major_standard(request: StaffRequest) -> HttpResponse:
    """What makes a complaint a major one now, and the revisions before."""
    standard = major.current()
    count, total = major.preview(major.conditions_of(standard))
    context = {
        "standard": standard,
        "count": count,
        "total": total,
        "revisions": MajorStandard.objects.select_related("by")[:REVISIONS],
        "may_edit": request.user.has_perm(major.EDIT),
    }
    return render(request, "review/major.html", context)


@needs(major.EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def major_edit(request: StaffRequest) -> HttpResponse:
    """Edit the conditions: first see how many of the newest cases would be major, then store them as a revision."""
    standard = major.current()
    form = MajorForm(request.POST if request.method == "POST" else None, standard=standard)
    status, problem, counts = 200, "", None
    if form.is_bound and not form.is_valid():
        status = 422
    elif form.is_bound:
        try:
            edited = form.conditions()
            if "save" in request.POST:
                stored = major.revise(
                    edited, note=form.cleaned_data["note"], based_on=form.cleaned_data["based_on"], by=request.user
                )
                messages.success(request, _("Revision %(number)s is in force.") % {"number": stored.revision})
                return redirect("review:major")
            counts = (major.preview(major.conditions_of(standard))[0], *major.preview(edited))
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
            status = 422
        except StaleVersion as error:
            status, problem = 409, str(error)
    context = {"form": form, "counts": counts, "problem": problem, "next": standard.revision + 1}
    return render(request, "review/major_edit.html", context, status=status)


@needs(*READ)
@require_safe
def weight_standard(request: StaffRequest) -> HttpResponse:
    """The weights in force, the revisions before, and the draws that are committed with other ones."""
    standard = weights.current()
    texts = weights.as_text(weights.weights_of(standard))
    context = {
        "standard": standard,
        "lines": [(label, texts[value]) for value, label in Stratum.choices],
        "committed": SampleDraw.objects.filter(drawn_at=None),
        "revisions": [(row, _told(row)) for row in WeightStandard.objects.select_related("by")[:REVISIONS]],
        "may_edit": request.user.has_perm(weights.EDIT),
    }
    return render(request, "review/weights.html", context)


def _told(row: WeightStandard) -> list[tuple[Any, str]]:
    texts = weights.as_text(weights.weights_of(row))
    return [(label, texts[value]) for value, label in Stratum.choices]


@needs(weights.EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def weights_edit(request: StaffRequest) -> HttpResponse:
    """Edit the weights: first see what they would expect of the newest frame, then store them as a revision."""
    standard = weights.current()
    form = WeightsForm(request.POST if request.method == "POST" else None, standard=standard)
    status, problem, lines = 200, "", []
    if form.is_bound and not form.is_valid():
        status = 422
    elif form.is_bound:
        try:
            edited = form.weights()
            if "save" in request.POST:
                stored = weights.revise(
                    edited, note=form.cleaned_data["note"], based_on=form.cleaned_data["based_on"], by=request.user
                )
                messages.success(
                    request,
                    _("Revision %(number)s counts for every draw committed from now on.") % {"number": stored.revision},
                )
                return redirect("review:weights")
            lines = _comparison(standard, edited)
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
            status = 422
        except StaleVersion as error:
            status, problem = 409, str(error)
    context = {
        "form": form,
        "lines": lines,
        "looked": form.is_bound and status == 200,
        "problem": problem,
        "next": standard.revision + 1,
    }
    return render(request, "review/weights_edit.html", context, status=status)


def _comparison(standard: WeightStandard, edited: dict[str, Any]) -> list[tuple[Any, int, float, float]]:
    before = {name: expected for name, _frame, expected in weights.preview(weights.weights_of(standard))}
    return [(Stratum(name).label, frame, before[name], expected) for name, frame, expected in weights.preview(edited)]

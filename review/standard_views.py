"""Pages of the standards of the review group: what a major complaint is, the weights of the draw, the steps' limits."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.web import StaffRequest
from complaints.desk_access import needs
from review import major, standard_edit, step_limits, weights
from review.group_forms import LimitsForm, MajorForm, WeightsForm
from review.models import MajorStandard, SampleDraw, WeightStandard
from review.states import ReviewStep, Stratum

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
    before = major.conditions_of(standard)
    outcome = standard_edit.run(
        request,
        form,
        edited=form.conditions,
        revise=major.revise,
        effect=lambda edited: (major.preview(before)[0], *major.preview(edited)),
    )
    if outcome.stored:
        messages.success(request, _("Revision %(number)s is in force.") % {"number": outcome.stored.revision})
        return redirect("review:major")
    context = {"form": form, "counts": outcome.effect, "problem": outcome.problem, "next": standard.revision + 1}
    return render(request, "review/major_edit.html", context, status=outcome.status)


@needs(*READ)
@require_safe
def weight_standard(request: StaffRequest) -> HttpResponse:
    """The weights in force, the revisions before, and the draws that are committed with other ones."""
    standard = weights.current()
    texts = weights.as_text(weights.weights_of(standard))
    context = {
        "standard": standard,
        "lines": [(label, texts[value], weights.rule_of(value)) for value, label in Stratum.choices],
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
    outcome = standard_edit.run(
        request,
        form,
        edited=form.weights,
        revise=weights.revise,
        effect=lambda edited: _comparison(standard, edited),
    )
    if outcome.stored:
        told = _("Revision %(number)s counts for every draw committed from now on.")
        messages.success(request, told % {"number": outcome.stored.revision})
        return redirect("review:weights")
    context = {
        "form": form,
        "lines": outcome.effect or [],
        "looked": form.is_bound and outcome.status == 200,
        "problem": outcome.problem,
        "next": standard.revision + 1,
    }
    return render(request, "review/weights_edit.html", context, status=outcome.status)


def _comparison(standard: WeightStandard, edited: dict[str, Any]) -> list[tuple[Any, int, float, float]]:
    before = {name: expected for name, _frame, expected in weights.preview(weights.weights_of(standard))}
    return [(Stratum(name).label, frame, before[name], expected) for name, frame, expected in weights.preview(edited)]


@needs(*READ)
@require_safe
def limits(request: StaffRequest) -> HttpResponse:
    """How long each step may take, and the revisions that changed it (REV-01)."""
    own = step_limits.own_of(step_limits.newest())
    context = {
        "lines": [(step.label, own[step], step_limits.FIXED.get(step)) for step in ReviewStep],
        "revisions": [
            (row, [(step.label, kept[step]) for step in step_limits.STEPS])
            for row, kept in step_limits.history()[:REVISIONS]
        ],
        "may_edit": request.user.has_perm(step_limits.EDIT),
    }
    return render(request, "review/limits.html", context)


@needs(step_limits.EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def limits_edit(request: StaffRequest) -> HttpResponse:
    """Edit the limits: first see what they would have made late, then store them as a revision (REV-01)."""
    standard = step_limits.stored()
    form = LimitsForm(request.POST if request.method == "POST" else None, standard=standard)
    outcome = standard_edit.run(
        request,
        form,
        edited=form.limits,
        revise=step_limits.revise,
        effect=lambda edited: step_limits.preview(edited, now=timezone.now()),
    )
    if outcome.stored:
        messages.success(request, _("Every step that begins from now on has the new limit."))
        return redirect("review:limits")
    context = {"form": form, "lines": outcome.effect, "problem": outcome.problem, "next": standard.revision + 1}
    return render(request, "review/limits_edit.html", context, status=outcome.status)

"""Pages of the early warnings: the list, deciding on one, the thresholds, the industry's durations."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import IllegalTransition, InvalidInput
from accounts.web import StaffRequest
from complaints import keyset
from complaints.desk_access import needs
from review import alert_rules, alert_standard, alerts, standard_edit
from review.alert_forms import BenchmarkForm, DismissForm, RulesForm
from review.models import Alert, AlertStandard, DurationBenchmark
from review.states import AlertState

PAGE_SIZE = 50
REVIEW = "review.review_case"


@needs(REVIEW)
@require_safe
def alert_list(request: StaffRequest) -> HttpResponse:
    """The alerts that wait, or those that are settled; newest first, by rule where one is chosen."""
    state = request.GET.get("state", "")
    state = state if state in AlertState.values else AlertState.RAISED.value
    rule = request.GET.get("rule", "")
    rule = rule if rule in alert_rules.RULES else ""
    after = request.GET.get("after", "")
    visible = alerts.visible_to(request.user)
    rows = visible.filter(state=state)
    if rule:
        rows = rows.filter(rule=rule)
    found, following = keyset.by_key(rows, after, size=PAGE_SIZE)
    counts = dict(visible.order_by().values_list("state").annotate(count=Count("pk")))
    context = {
        "state": state,
        "states": [(value, label, counts.get(value, 0)) for value, label in AlertState.choices],
        "rule": rule,
        "rules": alert_rules.RULES.values(),
        "rows": [(row, name_of(row), alerts.explain(row)) for row in found],
        "next": following,
        "after": after,
    }
    return render(request, "review/alerts.html", context)


def name_of(alert: Alert) -> str:
    """The rule of an alert in words."""
    rule = alert_rules.RULES.get(alert.rule)
    return str(rule.name) if rule else alert.rule


@needs(REVIEW)
@require_http_methods(["GET", "HEAD", "POST"])
def decide(request: StaffRequest, pk: int) -> HttpResponse:
    """One alert with what it found: open a review, or dismiss it with a reason."""
    alert = get_object_or_404(alerts.visible_to(request.user).select_related("standard", "complaint__category"), pk=pk)
    form = DismissForm(request.POST if "dismiss" in request.POST else None)
    status, problem = 200, ""
    try:
        if "open" in request.POST:
            opened = alerts.open_review(alert.pk, by=request.user)
            messages.success(request, _("The review is open."))
            return redirect("review:detail", opened.review.number if opened.review else "")
        if form.is_bound:
            if form.is_valid():
                alerts.dismiss(alert.pk, by=request.user, **form.cleaned_data)
                messages.success(request, _("The early warning is dismissed."))
                return redirect("review:alerts")
            status = 422
    except IllegalTransition as error:
        status, problem = 409, str(error)
        alert.refresh_from_db()
    context = {
        "alert": alert,
        "name": name_of(alert),
        "sentence": alerts.explain(alert),
        "form": form,
        "problem": problem,
        "may_open": alert.complaint.status in alert_rules.WITH_RESULT,
    }
    return render(request, "review/alert.html", context, status=status)


@needs(REVIEW)
@require_safe
def rules(request: StaffRequest) -> HttpResponse:
    """The thresholds in force and the revisions before."""
    standard = alert_standard.current()
    settings = alert_standard.settings_of(standard)
    lines = [
        (rule, settings[code], [(threshold.label, settings[code][threshold.key]) for threshold in rule.thresholds])
        for code, rule in alert_rules.RULES.items()
    ]
    context = {
        "standard": standard,
        "lines": lines,
        "revisions": AlertStandard.objects.select_related("by"),
        "may_edit": request.user.has_perm(alert_standard.EDIT),
    }
    return render(request, "review/alert_rules.html", context)


@needs(alert_standard.EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def edit_rules(request: StaffRequest) -> HttpResponse:
    """Edit the thresholds: first see what they would have raised last month, then store them as a revision."""
    standard = alert_standard.current()
    form = RulesForm(request.POST if request.method == "POST" else None, standard=standard)
    outcome = standard_edit.run(
        request,
        form,
        edited=form.rules,
        revise=alert_standard.revise,
        effect=lambda edited: _comparison(standard, edited),
    )
    if outcome.stored:
        told = _("Revision %(number)s raises alerts from now on.")
        messages.success(request, told % {"number": outcome.stored.revision})
        return redirect("review:alert_rules")
    context = {
        "form": form,
        "counts": outcome.effect or [],
        "problem": outcome.problem,
        "next": standard.revision + 1,
    }
    return render(request, "review/alert_rules_edit.html", context, status=outcome.status)


def _comparison(standard: AlertStandard, edited: dict[str, dict[str, Any]]) -> list[tuple[Any, int | None, int | None]]:
    now = timezone.now()
    before = alert_standard.preview(alert_standard.settings_of(standard), now=now)
    after = alert_standard.preview(edited, now=now)
    return [(rule.name, before.get(code), after.get(code)) for code, rule in alert_rules.RULES.items()]


@needs(REVIEW)
@require_http_methods(["GET", "HEAD", "POST"])
def benchmarks(request: StaffRequest) -> HttpResponse:
    """The industry's durations by category, and the own averages they stand in for."""
    may_edit = request.user.has_perm(alert_standard.EDIT)
    form = BenchmarkForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            alert_standard.set_benchmark(by=request.user, **form.cleaned_data)
            messages.success(request, _("Saved: %(name)s") % {"name": form.cleaned_data["category"].label})
            return redirect("review:alert_benchmarks")
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
    rows = DurationBenchmark.objects.select_related("category", "by").order_by("category__name", "-pk")
    _known, own = alert_rules.benchmarks(now=timezone.now())
    context = {"form": form, "rows": rows, "own": own, "may_edit": may_edit}
    return render(request, "review/alert_benchmarks.html", context, status=422 if form.errors else 200)


@needs(alert_standard.EDIT)
@require_POST
def end_benchmark(request: StaffRequest, pk: int) -> HttpResponse:
    """Go back to the own average for this category."""
    row = get_object_or_404(DurationBenchmark, pk=pk)
    alert_standard.end_benchmark(row.pk, by=request.user)
    messages.success(request, _("The own average counts again."))
    return redirect("review:alert_benchmarks")

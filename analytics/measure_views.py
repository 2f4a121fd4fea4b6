"""Pages of what figures are held against: targets, outside events, tidying and the closing of months."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import IllegalTransition, InvalidInput, StaleVersion
from accounts.web import StaffRequest
from analytics import annotations as outside
from analytics import closing, closing_job, measure_forms, periods, permissions, targets, three_rates, tidying
from analytics.facts import written
from analytics.figures import FIGURES
from analytics.models import Annotation, ClosedPeriod, Target, Tidying
from complaints import keyset
from complaints.desk_access import needs
from complaints.models import JobRun

PAGE_SIZE = 50
MONTHS_SHOWN = 13
# htmx stops polling when it gets this status.
STOP_POLLING = 286


def _try(form: forms.Form, act: Callable[[], Any]) -> tuple[bool, int, str]:
    """Whether a sent form was carried out, else the status and the problem of the page."""
    if not form.is_bound:
        return False, 200, ""
    if not form.is_valid():
        return False, 422, ""
    try:
        act()
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return False, 422, ""
    except (IllegalTransition, StaleVersion) as error:
        return False, 409, str(error)
    return True, 200, ""


@needs(permissions.BUILD)
@require_http_methods(["GET", "HEAD", "POST"])
def target_list(request: StaffRequest) -> HttpResponse:
    """Targets, the newest first, and the form to set one (AN-02)."""
    form = measure_forms.TargetForm(request.POST if request.method == "POST" else None)

    def put() -> None:
        names = ("figure", "from_month", "department", "note")
        targets.put(value=form.stored_value(), by=request.user, **{name: form.cleaned_data[name] for name in names})

    done, status, problem = _try(form, put)
    if done:
        messages.success(request, _("The target is set."))
        return redirect("analytics:targets")
    after = request.GET.get("after", "")
    kept = Target.objects.filter(figure__in=targets.FIGURES).select_related("department", "by")
    found, following = keyset.by_key(kept, after, size=PAGE_SIZE)
    rows = [(row, FIGURES[row.figure].name, written(row.value, FIGURES[row.figure].unit)) for row in found]
    context = {"form": form, "rows": rows, "next": following, "after": after, "problem": problem}
    return render(request, "analytics/targets.html", context, status=status)


@needs(permissions.BUILD)
@require_http_methods(["GET", "HEAD", "POST"])
def formula(request: StaffRequest) -> HttpResponse:
    """The formula of the three rates with its revisions, and the form to set it (AN-12)."""
    rows = list(three_rates.history()[:PAGE_SIZE])
    known = three_rates.of_row(rows[0]) if rows else three_rates.FORMULAS[0]
    form = measure_forms.FormulaForm(
        request.POST if request.method == "POST" else None,
        initial={
            "basically": "yes" if known.basically else "no",
            "base": known.base,
            "based_on": rows[0].pk if rows else 0,
        },
    )

    def put() -> None:
        data = form.cleaned_data
        three_rates.put(
            basically=data["basically"] == "yes",
            base=data["base"],
            note=data["note"],
            based_on=data["based_on"],
            by=request.user,
        )

    done, status, problem = _try(form, put)
    if done:
        messages.success(request, _("The formula is set. Months that are closed and reports keep theirs."))
        return redirect("analytics:formula")
    context = {
        "form": form,
        "problem": problem,
        "words": three_rates.words(known),
        "rows": [(row, three_rates.words(three_rates.of_row(row))) for row in rows],
    }
    return render(request, "analytics/formula.html", context, status=status)


@needs(permissions.BUILD)
@require_http_methods(["GET", "HEAD", "POST"])
def annotation_list(request: StaffRequest) -> HttpResponse:
    """Outside events, the newest first, and the form to add one (AN-07)."""
    form = measure_forms.AnnotationForm(request.POST if request.method == "POST" else None)
    done, status, problem = _try(form, lambda: outside.add(by=request.user, **form.cleaned_data))
    if done:
        messages.success(request, _("The event stands in the charts now."))
        return redirect("analytics:annotations")
    after = request.GET.get("after", "")
    shown = Annotation.objects.filter(ended_at=None).select_related("by")
    rows, following = keyset.by_key(shown, after, size=PAGE_SIZE)
    context = {"form": form, "rows": rows, "next": following, "after": after, "problem": problem}
    return render(request, "analytics/annotations.html", context, status=status)


@needs(permissions.BUILD)
@require_POST
def end_annotation(request: StaffRequest, pk: int) -> HttpResponse:
    """Take an event off the charts."""
    get_object_or_404(Annotation, pk=pk)
    outside.end(pk, by=request.user)
    messages.success(request, _("The event was taken off the charts."))
    return redirect("analytics:annotations")


@needs(closing.CLOSE, permissions.BUILD)
@require_safe
def tidying_list(request: StaffRequest) -> HttpResponse:
    """Records unfit for the figures of a month, page by page (AN-34)."""
    now = timezone.now()
    chosen = periods.month_of(now).previous
    try:
        chosen = periods.begun(request.GET["period"], at=now) if request.GET.get("period") else chosen
        problem = ""
    except InvalidInput as error:
        problem = str(error)
    kind, after = request.GET.get("kind", ""), request.GET.get("after", "")
    kind = kind if kind in tidying.KINDS else ""
    waiting = tidying.open_in(chosen.code)
    counts = dict(waiting.order_by().values_list("kind").annotate(count=Count("pk")))
    rows = (waiting.filter(kind=kind) if kind else waiting).select_related("complaint__lead_department")
    found, following = keyset.by_key(rows, after, size=PAGE_SIZE)
    context = {
        "period": chosen,
        "problem": problem,
        "months": list(reversed(periods.month_of(now).last_months(MONTHS_SHOWN))),
        "kinds": [("", _("All"), sum(counts.values()))]
        + [(row.code, row.name, counts.get(row.code, 0)) for row in tidying.KINDS.values()],
        "kind": kind,
        "rows": [(row, tidying.KINDS[row.kind]) for row in found if row.kind in tidying.KINDS],
        "next": following,
        "after": after,
        "settled": Tidying.objects.filter(period=chosen.code, settled_at__isnull=False).count(),
        "links_to_cases": permissions.sees_cases(request.user),
    }
    return render(request, "analytics/tidying.html", context, status=400 if problem else 200)


@needs(closing.CLOSE, permissions.BUILD)
@require_http_methods(["GET", "HEAD", "POST"])
def tidying_settle(request: StaffRequest, pk: int) -> HttpResponse:
    """Say why one record stays as it is (AN-34)."""
    row = get_object_or_404(Tidying.objects.select_related("complaint"), pk=pk)
    form = measure_forms.SettleForm(request.POST if request.method == "POST" else None)
    done, status, problem = _try(form, lambda: tidying.settle(pk, by=request.user, note=form.cleaned_data["note"]))
    if done:
        messages.success(request, _("The record is settled."))
        return redirect(f"{reverse('analytics:tidying')}?period={row.period}")
    context = {
        "row": row,
        "kind": tidying.KINDS.get(row.kind),
        "form": form,
        "problem": problem,
        "links_to_cases": permissions.sees_cases(request.user),
    }
    return render(request, "analytics/tidying_settle.html", context, status=status)


@needs(closing.CLOSE, permissions.BUILD)
@require_safe
def closing_list(request: StaffRequest) -> HttpResponse:
    """The last months with what is final and what waits before closing (AN-03)."""
    return _closing_page(request)


def _closing_page(request: StaffRequest, problem: str = "", status: int = 200) -> HttpResponse:
    now = timezone.now()
    months = list(reversed(periods.month_of(now).previous.last_months(MONTHS_SHOWN)))
    codes = [month.code for month in months]
    history: dict[str, list[ClosedPeriod]] = {}
    closed = ClosedPeriod.objects.filter(period__in=codes).defer("figures").select_related("closed_by", "opened_by")
    for row in closed.order_by("-pk"):
        history.setdefault(row.period, []).append(row)
    waiting = dict(
        Tidying.objects.filter(period__in=codes)
        .order_by()
        .values_list("period")
        .annotate(count=Count("pk", filter=Q(settled_at=None)))
    )
    runs = {run.period: run for run in JobRun.objects.filter(job=closing_job.JOB, period__in=codes)}
    rows = [
        {
            "month": month,
            "closing": closing_job.shown(runs.get(month.code)),
            "final": next((row for row in history.get(month.code, ()) if row.opened_at is None), None),
            "opened": [row for row in history.get(month.code, ()) if row.opened_at is not None],
            "waiting": waiting.get(month.code, 0),
        }
        for month in months
    ]
    context = {"rows": rows, "problem": problem, "may_close": request.user.has_perm(closing.CLOSE)}
    return render(request, "analytics/closing.html", context, status=status)


@needs(closing.CLOSE)
@require_POST
def closing_close(request: StaffRequest, period: str) -> HttpResponse:
    """Have the figures of a month made final."""
    try:
        closing_job.request(period, by=request.user)
    except InvalidInput as error:
        return _closing_page(request, str(error), 422)
    except IllegalTransition as error:
        return _closing_page(request, str(error), 409)
    messages.success(request, _("The month is being closed. You are told when its figures are final."))
    return redirect("analytics:closing")


@needs(closing.CLOSE, permissions.BUILD)
@require_safe
def closing_progress(request: StaffRequest, period: str) -> HttpResponse:
    """How far the closing of one month is, asked for every two seconds while it goes on."""
    run = get_object_or_404(JobRun, job=closing_job.JOB, period=period)
    final = ClosedPeriod.objects.filter(period=period, opened_at=None).defer("figures").select_related("closed_by")
    row = {"month": periods.parse(run.period), "closing": closing_job.shown(run), "final": final.first()}
    going_on = run.state == JobRun.State.RUNNING
    return render(request, "analytics/_closing_state.html", {"row": row}, status=200 if going_on else STOP_POLLING)


@needs(closing.CLOSE)
@require_http_methods(["GET", "HEAD", "POST"])
def closing_reopen(request: StaffRequest, period: str) -> HttpResponse:
    """Open a closed month again, with the reason; shows whether the kept figures are as they were."""
    row = get_object_or_404(ClosedPeriod.objects.select_related("closed_by"), period=period, opened_at=None)
    form = measure_forms.ReopenForm(request.POST if request.method == "POST" else None)
    done, status, problem = _try(
        form, lambda: closing.reopen(period, reason=form.cleaned_data["reason"], by=request.user)
    )
    if done:
        messages.success(request, _("The month is open again; its figures follow the cases."))
        return redirect("analytics:closing")
    context = {
        "row": row,
        "month": periods.parse(row.period),
        "form": form,
        "problem": problem,
        "is_intact": closing.is_intact(row),
    }
    return render(request, "analytics/closing_reopen.html", context, status=status)

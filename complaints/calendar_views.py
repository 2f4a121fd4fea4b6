"""The page of the working calendar: a year as list and drawing, and its editor (SLA-12)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.errors import IllegalTransition, InvalidInput
from accounts.web import StaffRequest
from complaints import calendar_editing, clock_texts, year_drawing
from complaints.desk_access import needs
from complaints.jobs import LEASE
from complaints.models import CalendarDay, CalendarYear, JobRun
from complaints.settings_views import PERMISSIONS

HOLIDAY, MAKEUP = "holiday", "makeup"
_STATES: dict[str, Callable[..., JobRun]] = {
    "begin": calendar_editing.begin_year,
    "confirm": lambda year, **by: calendar_editing.set_provisional(year, is_provisional=False, **by),
    "provisional": lambda year, **by: calendar_editing.set_provisional(year, is_provisional=True, **by),
    "recalculate": lambda _year, **by: calendar_editing.recalculate(**by),
}


class DayForm(forms.Form):
    """One more exception to Monday–Friday."""

    day = forms.DateField(label=gettext_lazy("Day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        choices=[(HOLIDAY, gettext_lazy("Holiday")), (MAKEUP, gettext_lazy("Make-up working day"))],
    )
    name = forms.CharField(label=gettext_lazy("Occasion"), max_length=60)


@needs(*PERMISSIONS)
@require_safe
def calendar(request: StaffRequest, year: int | None = None) -> HttpResponse:
    """A year's exceptions; without a year this one, or the newest one known."""
    if year is None:
        known = list(CalendarYear.objects.order_by("-year").values_list("year", flat=True))
        this = timezone.localdate().year
        year = this if this in known else next(iter(known), this)
    return _page(request, year)


@needs(*calendar_editing.EDITORS)
@require_POST
def add_day(request: StaffRequest, year: int) -> HttpResponse:
    """Add a holiday or a make-up day; what is wrong stands at its field."""
    form = DayForm(request.POST)
    if not form.is_valid():
        return _page(request, year, form=form, status=422)
    values = form.cleaned_data
    try:
        calendar_editing.add_day(
            year, day=values["day"], is_working=values["kind"] == MAKEUP, name=values["name"], by=request.user
        )
    except InvalidInput as error:
        form.add_error(error.field, str(error))
        return _page(request, year, form=form, status=422)
    except IllegalTransition as error:
        return _page(request, year, form=form, status=409, problem=str(error))
    messages.success(request, _("Saved. The running clocks are being computed again."))
    return redirect("complaints:calendar_year", year)


@needs(*calendar_editing.EDITORS)
@require_POST
def remove_day(request: StaffRequest, year: int) -> HttpResponse:
    """Take an exception out of the calendar."""
    try:
        day = date.fromisoformat(request.POST.get("day", ""))
    except ValueError:
        return _page(request, year, status=422, problem=_("Give the day as 2026-10-01."))
    try:
        calendar_editing.remove_day(year, day=day, by=request.user)
    except IllegalTransition as error:
        return _page(request, year, status=409, problem=str(error))
    messages.success(request, _("Removed. The running clocks are being computed again."))
    return redirect("complaints:calendar_year", year)


@needs(*calendar_editing.EDITORS)
@require_POST
def change_year(request: StaffRequest, year: int) -> HttpResponse:
    """Begin a year, confirm it, mark it as provisional, or compute the clocks again."""
    change = _STATES.get(request.POST.get("to", ""))
    if change is None:
        return _page(request, year, status=422, problem=_("Choose what to do with the year."))
    try:
        change(year, by=request.user)
    except InvalidInput as error:
        return _page(request, year, status=422, problem=str(error))
    except IllegalTransition as error:
        return _page(request, year, status=409, problem=str(error))
    messages.success(request, _("Saved. The running clocks are being computed again."))
    return redirect("complaints:calendar_year", year)


def _page(
    request: StaffRequest, year: int, *, form: DayForm | None = None, status: int = 200, problem: str = ""
) -> HttpResponse:
    today = timezone.localdate()
    years = list(CalendarYear.objects.order_by("-year"))
    shown = next((row for row in years if row.year == year), None)
    if shown is None and not calendar_editing.may_begin(year, today=today):
        raise Http404
    days = list(CalendarDay.objects.filter(day__gte=date(year, 1, 1), day__lte=date(year, 12, 31)))
    context = {
        "year": year,
        "years": sorted({row.year for row in years} | {year, *calendar_editing.missing_years(today)}, reverse=True),
        "shown": shown,
        "days": days,
        "months": _months(year, days) if shown else [],
        "weekdays": [_(name) for name in clock_texts.WEEKDAYS],
        "form": form or DayForm(initial={"day": max(today, date(year, 1, 1)) if today.year <= year else None}),
        "may_edit": any(request.user.has_perm(name) for name in calendar_editing.EDITORS),
        "problem": problem,
        **_run(),
    }
    return render(request, "complaints/settings/calendar.html", context, status=status)


def _months(year: int, days: list[CalendarDay]) -> list[tuple[str, year_drawing.Month]]:
    """The twelve months with their names."""
    drawn = year_drawing.months(year, {row.day: (row.is_working, row.name) for row in days})
    return [(_(name), month) for name, month in zip(clock_texts.MONTHS, drawn, strict=True)]


def _run() -> dict[str, Any]:
    """How far the last computing of the clocks is; one that has not ended within the lease was lost."""
    run = calendar_editing.last_run()
    if run is None:
        return {}
    open_run = run.state == JobRun.State.RUNNING
    running = open_run and run.started_at > timezone.now() - LEASE
    total = run.result.get("of") or 0
    return {
        "run": run,
        "running": running,
        "percent": round(100 * run.result.get("step", 0) / total) if total else 0,
        "lost": open_run and not running,
    }

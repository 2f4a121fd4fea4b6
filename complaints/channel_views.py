"""The channels page: counters beside the register, gaps, hours, who watches (IN-02, IN-03, IN-14)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.errors import DomainError, InvalidInput
from accounts.web import StaffRequest
from complaints import channels as reconciliation
from complaints.channel_forms import CountForm, DutyForm, HoursForm
from complaints.desk_access import needs
from complaints.transitions import channels as records

Forms = dict[str, forms.Form]
# How far ahead a roster can be looked at.
PLANNED = timedelta(weeks=4)


@needs(records.PERMISSION)
@require_safe
def channels(request: StaffRequest) -> HttpResponse:
    """One week of every channel."""
    return _page(request, {})


@needs(records.PERMISSION)
@require_POST
def count(request: StaffRequest) -> HttpResponse:
    """Enter or correct the counter of a channel for a day."""
    return _save(request, "count_form", CountForm(request.POST), records.set_count, _("The counter is entered."))


@needs(records.PERMISSION)
@require_POST
def hours(request: StaffRequest) -> HttpResponse:
    """Add service hours."""
    return _save(request, "hours_form", HoursForm(request.POST), records.add_hours, _("The hours are added."))


@needs(records.PERMISSION)
@require_POST
def duty(request: StaffRequest) -> HttpResponse:
    """Put a person on the roster."""
    return _save(request, "duty_form", DutyForm(request.POST), records.add_duty, _("The turn is on the roster."))


@needs(records.PERMISSION)
@require_POST
def remove_hours(request: StaffRequest, pk: int) -> HttpResponse:
    """Remove service hours; a second click changes nothing."""
    records.remove_hours(pk, by=request.user)
    return _back(request)


@needs(records.PERMISSION)
@require_POST
def remove_duty(request: StaffRequest, pk: int) -> HttpResponse:
    """Take a turn off the roster; a second click changes nothing."""
    records.remove_duty(pk, by=request.user)
    return _back(request)


def _save(request: StaffRequest, name: str, form: forms.Form, record: Callable[..., Any], done: str) -> HttpResponse:
    if form.is_valid():
        try:
            record(by=request.user, **form.cleaned_data)
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, done)
            return _back(request)
    return _page(request, {name: form}, status=422)


def _back(request: StaffRequest) -> HttpResponse:
    address = reverse("complaints:channels")
    week = _day(request)
    return HttpResponse(status=303, headers={"Location": f"{address}?week={week.isoformat()}"})


def _day(request: StaffRequest) -> date:
    """The day asked for; without one, or with one that is none, a day of the last week that has ended.

    A week is reconciled when it is over: on a Monday the running one has nothing to compare yet.
    """
    text = request.POST.get("week") or request.GET.get("week", "")
    ended = timezone.localdate() - timedelta(days=reconciliation.WEEK)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return ended
    return day if 2000 <= day.year < 2100 else ended


def _page(request: StaffRequest, given: Forms, *, status: int = 200) -> HttpResponse:
    now = timezone.now()
    days = reconciliation.week_of(_day(request))
    today = timezone.localdate(now)
    week = reconciliation.reconcile(days, now=now)
    yesterday = min(days[-1], today - timedelta(days=1))
    running = reconciliation.week_of(today)
    context = {
        "week": week,
        "open_questions": [(row.channel, cell) for row in week.rows for cell in row.cells if cell.is_open_question],
        "explained": [
            (row.channel, cell)
            for row in week.rows
            for cell in row.cells
            if cell.counted and (cell.counted.note or cell.difference)
        ],
        "with_hours": [(row, [(line, WEEKDAYS[line.weekday]) for line in row.hours]) for row in week.rows if row.hours],
        "uncovered": [(row.channel, row.uncovered) for row in week.rows if row.uncovered],
        "monday": days[0],
        "today": today,
        "this_week": running[0].isoformat() if days != running else "",
        "before": (days[0] - timedelta(days=7)).isoformat(),
        "after": (days[0] + timedelta(days=7)).isoformat() if days[0] < running[0] + PLANNED else "",
        "count_form": CountForm(initial={"day": yesterday.isoformat()}, auto_id="count_%s"),
        "hours_form": HoursForm(auto_id="hours_%s"),
        "duty_form": DutyForm(auto_id="duty_%s"),
        **given,
    }
    return render(request, "complaints/channels.html", context, status=status)

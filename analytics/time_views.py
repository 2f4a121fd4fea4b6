"""The time ledger of the departments over any month or quarter, as a page and as a file (SLA-04, AN-10)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.errors import InvalidInput
from accounts.models import Department
from accounts.web import StaffRequest
from analytics import closing, periods, permissions
from analytics.figure_forms import PeriodForm
from complaints import department_hours, load, table_files
from complaints.clock_texts import format_time
from complaints.desk_access import needs
from complaints.load_views import ALLOCATES


@dataclass(frozen=True)
class Line:
    """One department's period in words."""

    code: str
    name: str
    hours: department_hours.Hours
    worked: str
    average: str
    untaken: str


@needs(*ALLOCATES, permissions.SEE)
@require_safe
def time_page(request: StaffRequest) -> HttpResponseBase:
    """What time the tasks that ended in a period took their departments; without a period the last full month.

    A closed month is shown as it was kept. While a worker measures very many tasks, the page says so.
    """
    now = timezone.now()
    period, problem = periods.month_of(now).previous, ""
    asked = request.GET.get("period", "").replace("\x00", "")
    try:
        period = periods.begun(asked, at=now) if asked else period
    except InvalidInput as error:
        problem = str(error)
    scope = load.may_count(request.user)
    found, is_final = closing.hours(period)
    lines = _lines(row for row in (found or {}).values() if scope is None or row.department in scope)
    if request.GET.get("format") == "csv" and found is not None and not problem:
        return table_files.download(f"time-{period.code}", "csv", _heading(), _flat(lines))
    context = {
        "here": "time",
        "period": period,
        "is_over": period.is_over(now),
        "is_final": is_final,
        "problem": problem,
        "is_pending": found is None,
        "lines": lines,
        "form": PeriodForm(request.GET or None, at=now, period=period),
        "csv_query": urlencode({"period": period.code, "format": "csv"}),
        "sees_staff": permissions.sees_staff(request.user),
    }
    return render(request, "analytics/time.html", context, status=400 if problem else 200)


def _lines(rows: Iterable[department_hours.Hours]) -> list[Line]:
    """The most time first."""
    known = Department.objects.in_bulk()
    return [
        Line(
            code=known[row.department].code,
            name=known[row.department].name,
            hours=row,
            worked=format_time(row.worked, _),
            average=format_time(row.average, _),
            untaken=format_time(row.untaken, _),
        )
        for row in sorted(rows, key=lambda row: (-row.worked, row.department))
    ]


def _heading() -> list[str]:
    return [
        _("Code"), _("Department"), _("Led"), _("Supported"), _("Given back"), _("Office time in hours"),
        _("Hours per task"), _("Hours before taking over"), _("Tasks with a limit"), _("Own limit kept"),
    ]  # fmt: skip


def _flat(lines: Iterable[Line]) -> Iterator[list[Any]]:
    for line in lines:
        row = line.hours
        times = [round(time.total_seconds() / 3600, 2) for time in (row.worked, row.average, row.untaken)]
        yield [line.code, line.name, row.lead, row.supporting, row.returned, *times, row.limited, row.in_time]

"""Pages of all figures: freely combined filters, files, the cases behind a number, appraisal and awards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts import security
from accounts.errors import InvalidInput, NotAllowed
from accounts.web import StaffRequest
from analytics import (
    appraisal,
    awards,
    case_table,
    charts,
    closing,
    drill,
    filters,
    finals,
    matters,
    permissions,
    tables,
    three_rates,
)
from analytics.facts import written
from analytics.figure_forms import FilterForm, PeriodForm, RulesForm
from analytics.figures import FIGURES, UNIT_LABELS, Figure
from analytics.scope import Formula
from complaints import queue_rows, table_files
from complaints.models import Complaint

PAGE_ROWS = 50


def _selected(request: StaffRequest, now: datetime) -> tuple[filters.Selection, str]:
    """What an address asks for, or without it the last month and what was wrong. Raises NotAllowed."""
    try:
        return filters.select(request.GET, request.user, at=now), ""
    except InvalidInput as error:
        return filters.select(QueryDict(), request.user, at=now), str(error)


def _query(request: StaffRequest, **more: str) -> str:
    """The filters of this page as the end of an address."""
    kept = {name: request.GET[name] for name in filters.NAMES if request.GET.get(name)}
    return urlencode({**kept, **{name: value for name, value in more.items() if value}})


@dataclass(frozen=True)
class Line:
    """One figure of the whole, as the page shows it; `url` leads to the cases behind it.

    `is_anew`: among final figures this one was counted from the cases, since it was not kept or does not add up.
    """

    figure: Figure
    cell: tables.Cell
    unit: str
    previous: str
    url: str
    is_anew: bool


@login_required
@require_safe
def all_figures(request: StaffRequest) -> HttpResponse:
    """Every figure and every breakdown of a period, narrowed by any filters at once (AN-02)."""
    now = timezone.now()
    chosen, problem = _selected(request, now)
    data = closing.bundle(chosen.period, chosen.scope, at=now, outside=False)
    links = permissions.sees_cases(request.user)
    context = {
        "here": "all",
        "period": chosen.period,
        "now": now,
        "problem": problem,
        "is_final": data["final"],
        "form": FilterForm(request.GET or None, at=now, scope=chosen.scope, period=chosen.period),
        "is_filtered": chosen.scope.is_filtered,
        "formula": three_rates.words(Formula(**data.get("formula", {}))),
        "lines": [_line(request, figure, data, links=links) for figure in FIGURES.values()],
        "tables": [_table(request, table, links=links) for table in tables.tables(data)],
        "anew": data.get("recounted", {}).get("breakdowns", ()),
        "query": _query(request),
        "links_to_cases": links,
        "sees_staff": permissions.sees_staff(request.user),
    }
    return render(request, "analytics/all_figures.html", context, status=400 if problem else 200)


def _line(request: StaffRequest, figure: Figure, data: dict[str, Any], *, links: bool) -> Line:
    entry = data["figures"][figure.key]
    shown = tables.cell(figure.key, entry)
    url = _behind_url(request, figure) if links and shown.size and drill.leads_to_cases(figure) else ""
    anew = figure.key in data.get("recounted", {}).get("figures", ())
    return Line(figure, shown, str(UNIT_LABELS[figure.unit]), written(entry["previous"], figure.unit), url, anew)


def _behind_url(request: StaffRequest, figure: Figure, axis: str = "", group: str = "") -> str:
    query = _query(request, axis=axis) + (f"&{urlencode({'group': group})}" if axis else "")
    return f"{reverse('analytics:behind', args=[figure.key])}?{query}"


def _table(request: StaffRequest, table: tables.Table, *, links: bool) -> dict[str, Any]:
    """A table with the address of the cases behind each cell."""
    rows = []
    for row in table.rows:
        cells = []
        for cell in row.cells:
            figure = FIGURES.get(cell.figure)
            leads = links and figure and tables.is_group(table.axis, row.code) and cell.size
            if leads and figure and drill.leads_to_cases(figure, table.axis):
                cells.append((cell, _behind_url(request, figure, table.axis, row.code)))
            else:
                cells.append((cell, ""))
        rows.append((row, cells))
    return {"table": table, "rows": rows}


@login_required
@require_safe
def matters_page(request: StaffRequest) -> HttpResponse:
    """Complaints about service and about function over the twelve months up to a period (CLS-12)."""
    now = timezone.now()
    chosen, problem = _selected(request, now)
    found = matters.trend(chosen.period, chosen.scope, at=now)
    links = permissions.sees_cases(request.user)
    kept = {name: request.GET[name] for name in filters.NAMES if request.GET.get(name)} if not problem else {}
    behind = reverse("analytics:behind", args=["received"])
    labels = dict(found.groups)

    def url(row: matters.Month, code: str) -> str:
        query = {**kept, "period": row.month.code, "axis": "matter", "group": code}
        return f"{behind}?{urlencode(query)}" if links and row.counts[code] else ""

    context = {
        "period": chosen.period,
        "problem": problem,
        "is_filtered": chosen.scope.is_filtered,
        "trend": found,
        "rows": [
            (
                row.month,
                [(labels[code], count, url(row, code)) for code, count in row.counts.items()],
                charts.show(row.share, "percent"),
            )
            for row in reversed(found.months)
        ],
        "query": urlencode(kept),
        "sees_staff": permissions.sees_staff(request.user),
    }
    return render(request, "analytics/matters.html", context, status=400 if problem else 200)


@login_required
@require_safe
def download_figures(request: StaffRequest, format: str) -> HttpResponseBase:
    """The same figures as a file; cells that rest on fewer than five cases are empty, except for management."""
    if format not in table_files.FORMATS:
        raise Http404
    now = timezone.now()
    chosen = filters.select(request.GET, request.user, at=now)
    data = closing.bundle(chosen.period, chosen.scope, at=now, outside=not chosen.scope.sees_small_cells)
    return table_files.download(f"figures-{chosen.period.code}", format, tables.HEADING, tables.flat(data))


@dataclass(frozen=True)
class Behind:
    """A number that was asked for, and the cases behind it: case → how often it counts."""

    figure: Figure
    chosen: filters.Selection
    rest: dict[str, str]
    found: dict[int, int]


def _behind(request: StaffRequest, key: str) -> Behind:
    """Read an address that names a number. Raises NotAllowed, InvalidInput, Http404."""
    chosen = filters.select(request.GET, request.user, at=timezone.now())
    if not permissions.sees_cases(request.user):
        raise NotAllowed(_("Your role does not allow this."))
    axis, group = request.GET.get("axis", ""), request.GET.get("group", "").replace("\x00", "")
    figure = FIGURES.get(key)
    if figure is None or not drill.leads_to_cases(figure, axis):
        raise Http404
    if axis == "handler" and not permissions.sees_staff(request.user):
        raise NotAllowed(_("Your role does not allow this."))
    counted = request.GET.get("counted") == "1"
    found = drill.behind(figure, chosen.period, chosen.scope, axis=axis, group=group, counted=counted)
    return Behind(figure, chosen, {"axis": axis, "group": group, "counted": "1" if counted else ""}, found)


@login_required
@require_safe
def behind(request: StaffRequest, key: str) -> HttpResponse:
    """The cases behind one figure, or behind one group of it, newest first, as far as the viewer may see them."""
    after = request.GET.get("after", "")
    if after and not (after.isascii() and after.isdigit() and len(after) < 19):
        raise Http404
    number = _behind(request, key)
    period, rest = number.chosen.period, number.rest
    cases = drill.page_of(number.found, request.user, after=int(after) if after else None, rows=PAGE_ROWS)
    context = {
        "figure": number.figure,
        "period": period,
        "total": len(number.found),
        "is_closed": bool(finals.closed_among(period.last_months(period.months))),
        "rows": [_case_row(case, number.found) for case in cases[:PAGE_ROWS]],
        "counted": bool(rest["counted"]),
        "is_rate": number.figure.unit == "ratio",
        "all_url": f"?{_query(request, **{**rest, 'counted': ''})}",
        "counted_url": f"?{_query(request, **{**rest, 'counted': '1'})}",
        "next_url": f"?{_query(request, **rest, after=str(cases[PAGE_ROWS - 1].pk))}" if len(cases) > PAGE_ROWS else "",
        "first_url": f"?{_query(request, **rest)}" if after else "",
        "back_url": f"{reverse('analytics:all')}?{_query(request)}",
        "query": _query(request, **rest),
    }
    return render(request, "analytics/behind.html", context)


@login_required
@require_safe
def download_behind(request: StaffRequest, key: str, format: str) -> HttpResponseBase:
    """The cases behind a number as a file without anything that anybody wrote (AN-32); who took it is logged."""
    if format not in table_files.FORMATS:
        raise Http404
    number = _behind(request, key)
    security.record("cases_exported", user=request.user, request=request, subject=key, format=format)
    rows = case_table.rows(number.found, request.user)
    return table_files.download(f"cases-{key}-{number.chosen.period.code}", format, case_table.heading(), rows)


def _case_row(case: Complaint, found: dict[int, int]) -> tuple[Complaint, str, int]:
    return case, queue_rows.case_url(case.number), found[case.pk]


# --- Appraisal and awards -------------------------------------------------------------------------


@login_required
@require_safe
def appraisal_page(request: StaffRequest) -> HttpResponseBase:
    """Quality indicators of departments or, for heads and management, of staff; as a page or a file (QUA-11…14)."""
    now = timezone.now()
    chosen, problem = _selected(request, now)
    axis = _axis(request)
    order = appraisal.order_of(request.GET.get("by", ""))
    lines = appraisal.lines(chosen.period, chosen.scope, axis, by=order)
    if request.GET.get("format") == "csv":
        shown = appraisal.flat(lines, outside=not chosen.scope.sees_small_cells)
        return table_files.download(f"appraisal-{chosen.period.code}", "csv", appraisal.heading(axis), shown)
    links = permissions.sees_cases(request.user)
    context = {
        "here": "appraisal",
        "period": chosen.period,
        "problem": problem,
        "axis": axis,
        "by": order,
        "orders": [(key, FIGURES[key].name) for key in appraisal.ORDERS],
        "groups": appraisal.GROUPS,
        "lines": [(line, _appraised(request, line, axis, links=links)) for line in lines],
        "least": appraisal.RANKED_FROM,
        "form": PeriodForm(request.GET or None, at=now, period=chosen.period),
        "sees_staff": permissions.sees_staff(request.user),
        "csv_query": urlencode({"period": chosen.period.code, "view": axis, "by": order, "format": "csv"}),
    }
    return render(request, "analytics/appraisal.html", context, status=400 if problem else 200)


def _axis(request: StaffRequest) -> str:
    """Departments, or staff where asked for and allowed. Raises NotAllowed."""
    if request.GET.get("view") != "handler":
        return "department"
    if not permissions.sees_staff(request.user):
        raise NotAllowed(_("Figures of members of staff are for heads of departments and management."))
    return "handler"


def _appraised(request: StaffRequest, line: appraisal.Line, axis: str, *, links: bool) -> list[tuple[Any, str]]:
    cells = []
    for cell in line.cells:
        figure = FIGURES.get(cell.figure)
        leads = links and figure and cell.size and line.code and drill.leads_to_cases(figure, axis)
        cells.append((cell, _behind_url(request, figure, axis, line.code) if figure and leads else ""))
    return cells


@login_required
@require_safe
def awards_page(request: StaffRequest) -> HttpResponse:
    """Who meets the rules of the two stars in a period; the award itself is decided by people (KB-17)."""
    permissions.require(request.user, permissions.SEE)
    if not permissions.sees_staff(request.user):
        raise NotAllowed(_("Figures of members of staff are for heads of departments and management."))
    now = timezone.now()
    chosen, problem = _selected(request, now)
    form = RulesForm(request.GET or None, at=now, period=chosen.period)
    rules = form.rules() if form.is_valid() or not request.GET else awards.Rules()
    context = {
        "here": "awards",
        "period": chosen.period,
        "problem": problem,
        "form": form,
        "rules": rules,
        "result": awards.candidates(chosen.period, chosen.scope, rules),
        "sees_staff": True,
    }
    status = 400 if problem else 422 if request.GET and form.errors else 200
    return render(request, "analytics/awards.html", context, status=status)

"""The pages of figures, improvements and reports."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import FileResponse, Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.errors import InvalidInput, NotAllowed, StaleVersion
from accounts.models import User
from accounts.web import StaffRequest
from analytics import building, charts, dashboard, filters, forms, permissions, remarks, reporting, transitions
from analytics import problems as problem_list
from analytics.documents.snapshot import Table
from analytics.documents.wording import cell_text, section_numbers
from analytics.models import Problem, Report, ReportComment
from analytics.periods import Period, month_of, parse
from analytics.querysets import for_list, reports_visible_to
from analytics.states import ReportStatus
from complaints import filters as case_filters

CARDS = 3
PANEL_ROWS = 5
PAGE_ROWS = 50
# htmx stops polling when it gets this status.
STOP_POLLING = 286

STATUS_TONES = {
    ReportStatus.QUEUED: "info",
    ReportStatus.BUILDING: "info",
    ReportStatus.DRAFT: "warn",
    ReportStatus.APPROVED: "accent",
    ReportStatus.RELEASED: "ok",
    ReportStatus.FAILED: "bad",
}


@login_required
@require_GET
def figures(request: StaffRequest) -> HttpResponse:
    """The figures of one period: tiles, charts, departments, improvements, reports."""
    now = timezone.now()
    problem = ""
    try:
        chosen = filters.select(request.GET, request.user, at=now)
    except InvalidInput as error:
        problem = str(error)
        chosen = filters.select(QueryDict(), request.user, at=now)
    links = permissions.sees_cases(request.user)
    chart = "" if problem else request.GET.get("chart", "")
    query = _with(QueryDict() if problem else request.GET, period=chosen.period.code)
    board = dashboard.build(chosen.period, chosen.scope, links=links, now=now, chart=chart, query=query)
    worst = problem_list.within(Problem.objects.filter(state__in=problem_list.UNSETTLED), chosen.scope, request.user)
    rows = list(problem_list.for_list(worst, now=now)[: PANEL_ROWS + 1])
    context = {
        "period": chosen.period,
        "is_over": chosen.period.is_over(now),
        "now": board.as_of,
        "problem": problem,
        "board": board,
        "chart_links": [
            (f"?{_with(request.GET, chart=key)}", figure.name, figure is board.charted)
            for key, figure in dashboard.CHARTED.items()
        ],
        "lines": problem_list.lines(rows[:PANEL_ROWS], today=dashboard.today(now)),
        "more_problems": len(rows) > PANEL_ROWS,
        "may_enter": request.user.has_perm(problem_list.MANAGE),
        "links_to_cases": links,
        "reports": [card(report, request.user) for report in for_list(reports_visible_to(request.user))[:CARDS]],
        "may_build": request.user.has_perm(permissions.BUILD),
        "sees_staff": permissions.sees_staff(request.user),
        **_switches(chosen, request.user, now),
    }
    return render(request, "analytics/figures.html", context, status=400 if problem else 200)


def _with(parameters: QueryDict, **changes: str) -> str:
    """The filters of this address with some changed, as the end of an address."""
    kept = {name: parameters.get(name, "") for name in filters.NAMES if parameters.get(name)}
    return urlencode({**kept, **changes})


def _switches(chosen: filters.Selection, user: User, now: datetime) -> dict[str, Any]:
    """The links of the month switch and the department filter; each keeps the other choice."""

    def url(period: Period, department: str, *, by_first: bool = chosen.scope.by_first) -> str:
        query = {"period": period.code, **({"department": department} if department else {})}
        query |= {"classification": permissions.FIRST} if by_first else {}
        return f"{reverse('analytics:figures')}?{urlencode(query)}"

    months = list(reversed(month_of(now).last_months(13)))
    options = case_filters.options()["department"]
    allowed = chosen.scope.departments
    shown = [option for option in options if allowed is None or allowed.issuperset(option.pks)]
    current = next((option.label for option in shown if option.code == chosen.department), "")
    return {
        "previous_url": url(chosen.period.previous, chosen.department),
        "next_url": url(chosen.period.next, chosen.department) if chosen.period.next.has_begun(now) else "",
        "period_links": [(url(month, chosen.department), month.label, month == chosen.period) for month in months],
        "department_links": [
            (url(chosen.period, ""), _("All departments"), not current),
            *((url(chosen.period, option.code), option.label, option.code == chosen.department) for option in shown),
        ],
        "classification_links": [
            (url(chosen.period, chosen.department, by_first=False), _("by the final classification"), False),
            (url(chosen.period, chosen.department, by_first=True), _("by the first classification"), True),
        ],
        "by_first": chosen.scope.by_first,
        "department_label": current or _("All departments"),
    }


def _improvement_rows(rows: list, now: datetime) -> list[dict[str, Any]]:
    return [{"row": row, "tone": dashboard.tone_of(row, today=dashboard.today(now))} for row in rows]


@login_required
@require_GET
def improvements(request: StaffRequest) -> HttpResponse:
    """Improvements in progress, the next due first, page by page (keyset: due date and id)."""
    now = timezone.now()
    scope = permissions.scope_for(request.user)
    rows = dashboard.improvements(scope)
    after = request.GET.get("after", "")
    if after:
        rows = _after(rows, after)
    found = list(rows[: PAGE_ROWS + 1])
    last = found[PAGE_ROWS - 1] if len(found) > PAGE_ROWS else None
    context = {
        "improvements": _improvement_rows(found[:PAGE_ROWS], now),
        "next_url": f"?after={last.due_on:%Y-%m-%d}.{last.pk}" if last else "",
        "first_url": reverse("analytics:improvements") if after else "",
        "links_to_cases": permissions.sees_cases(request.user),
    }
    return render(request, "analytics/improvements.html", context)


def _after(rows: Any, cursor: str) -> Any:
    """The rows after a cursor such as 2026-12-11.17; an unreadable one is no page."""
    day, _dot, number = cursor.partition(".")
    try:
        due, pk = datetime.strptime(day, "%Y-%m-%d").date(), int(number)
    except ValueError as error:
        raise Http404 from error
    return rows.filter(Q(due_on__gt=due) | Q(due_on=due, pk__gt=pk))


# --- Reports --------------------------------------------------------------------------------------


def card(report: Report, user: User) -> dict[str, Any]:
    """What a card shows of a report; no query."""
    period = parse(report.period)
    waiting = report.status in (ReportStatus.QUEUED, ReportStatus.BUILDING)
    return {
        "report": report,
        "title": reporting.title_of(period, report.edition),
        "edition": report.get_edition_display(),
        "status": ReportStatus(report.status).label,
        "tone": STATUS_TONES[ReportStatus(report.status)],
        "is_waiting": waiting,
        "is_failed": report.status == ReportStatus.FAILED,
        "percent": round(100 * report.step / report.steps) if report.steps else 0,
        "problem": transitions.ERRORS.get(report.error, transitions.ERRORS["unexpected"]) if report.error else "",
        "formats": building.FORMATS if report.built_at and not waiting else (),
        "may_rebuild": report.status == ReportStatus.FAILED and user.has_perm(permissions.BUILD),
    }


def visible_report(request: StaffRequest, pk: int) -> Report:
    """A report this person may see. Raises NotAllowed, Http404."""
    permissions.require(request.user, permissions.SEE)
    return get_object_or_404(reports_visible_to(request.user).select_related("requested_by", "approved_by"), pk=pk)


@login_required
@require_http_methods(["GET", "POST"])
def reports(request: StaffRequest) -> HttpResponse:
    """The reports of a year, and the form to ask for one."""
    permissions.require(request.user, permissions.SEE)
    now = timezone.now()
    form = forms.RequestForm(request.POST if request.method == "POST" else None, at=now)
    if request.method == "POST":
        permissions.require(request.user, permissions.BUILD)
        if form.is_valid():
            try:
                report = transitions.request_report(
                    form.cleaned_data["period"],
                    edition=form.cleaned_data["edition"],
                    by_first=form.cleaned_data["by_first"],
                    by=request.user,
                    at=now,
                )
            except InvalidInput as error:
                form.add_error(error.field, str(error))
            else:
                messages.success(request, _("The report is being built. You are told when it is ready."))
                return redirect("analytics:report", report.pk)
    year = _year(request.GET.get("year", ""), now)
    rows = for_list(reports_visible_to(request.user)).filter(period__startswith=f"{year}-")
    context = {
        "form": form,
        "year": year,
        "previous_url": f"?year={year - 1}",
        "next_url": f"?year={year + 1}" if year < month_of(now).year else "",
        "reports": [card(report, request.user) for report in rows],
        "may_build": request.user.has_perm(permissions.BUILD),
    }
    return render(request, "analytics/reports.html", context, status=422 if form.errors else 200)


def _year(text: str, now: datetime) -> int:
    year = int(text) if text.isascii() and text.isdigit() and len(text) == 4 else month_of(now).year
    return min(max(year, 2000), month_of(now).year)


@login_required
@require_GET
def report(request: StaffRequest, pk: int) -> HttpResponse:
    """One report: its state, its text section by section, its documents."""
    found = visible_report(request, pk)
    return render(request, "analytics/report.html", _report_context(found, request.user))


def _report_context(report: Report, user: User) -> dict[str, Any]:
    files = building.current_files(report, report.files.all())
    found = remarks.by_section(report) if permissions.works_on_reports(user) else {}
    open_remarks = sum(row.settled_at is None for rows in found.values() for row in rows)
    actions = permissions.allowed_actions(user, report)
    shown = card(report, user)
    return {
        **shown,
        "self_card": shown,
        **(_content(report, found) if report.built_at else {}),
        "files": [files[format] for format in building.FORMATS if format in files],
        "is_writing": bool(report.built_at) and len(files) < len(building.FORMATS),
        "actions": actions,
        "is_final": report.figures.get("final"),
        "approve_refusal": permissions.report_refusal(user, "approve", report)
        if report.status == ReportStatus.DRAFT
        else "",
        "may_approve": user.has_perm(permissions.APPROVE),
        "may_remark": permissions.may_remark(user, report),
        "open_remarks": open_remarks,
        "revisions": Report.objects.filter(
            period=report.period, edition=report.edition, pk__in=reports_visible_to(user)
        )
        .exclude(pk=report.pk)
        .only("pk", "revision", "status")
        .order_by("-revision"),
    }


def _content(report: Report, found: dict[str, list[ReportComment]]) -> dict[str, Any]:
    """The text, charts and tables of a report as the page shows them."""
    snapshot = reporting.printed(report)
    numbers = section_numbers(snapshot.sections, snapshot.language)
    sections = [
        {
            "key": section.key,
            "heading": section.heading,
            "number": number,
            "level": section.level,
            "paragraphs": section.paragraphs,
            "points": section.points,
            "charts": [
                (spec, charts.draw(spec.kind, spec.data, title=spec.title, finding=spec.finding))
                for spec in section.charts
            ],
            "tables": [_page_table(table) for table in section.tables],
            "remarks": found.get(section.key, ()),
        }
        for number, section in zip(numbers, snapshot.sections, strict=True)
    ]
    return {"snapshot": snapshot, "sections": sections, "summary_remarks": found.get("summary", ())}


def _page_table(table: Table) -> dict[str, Any]:
    rows = [
        [
            (cell_text(column, cell), column.numeric, level)
            for column, cell, level in zip(table.columns, row, levels, strict=True)
        ]
        for row, levels in zip(table.rows, table.levels(), strict=True)
    ]
    return {"table": table, "rows": rows, "is_heat": any(column.graded for column in table.columns)}


@login_required
@require_GET
def progress(request: StaffRequest, pk: int) -> HttpResponse:
    """The card of a report alone, asked for every two seconds while it is being built."""
    found = visible_report(request, pk)
    shown = card(found, request.user)
    return render(
        request, "analytics/_report_card.html", {"card": shown}, status=200 if shown["is_waiting"] else STOP_POLLING
    )


@login_required
@require_GET
def download(request: StaffRequest, pk: int, format: str) -> FileResponse | HttpResponse:
    """A document of the present version; counted."""
    found = visible_report(request, pk)
    row = building.current_files(found, found.files.all()).get(format)
    if row is None:
        messages.info(request, _("The document is still being written. Try again in a moment."))
        return redirect("analytics:report", pk)
    try:
        handle = (building.folder() / row.path).open("rb")
    except FileNotFoundError as error:
        raise Http404 from error
    transitions.count_download(found.pk)
    name = f"{found.period}-{found.edition}-r{found.revision}.{format}"
    response = FileResponse(handle, as_attachment=True, filename=name)
    response["X-Content-Type-Options"] = "nosniff"
    return response


@login_required
@require_http_methods(["GET", "POST"])
def edit_section(request: StaffRequest, pk: int, key: str) -> HttpResponse:
    """Edit the text of one section; a conflict keeps what was typed."""
    found = visible_report(request, pk)
    if "edit" not in permissions.allowed_actions(request.user, found):
        raise NotAllowed(
            permissions.report_refusal(request.user, "edit", found)
            or _("The text can be edited only while the report is a draft.")
        )
    section = section_or_404(found, key)
    stale = False
    if request.method == "POST":
        form = forms.SectionForm(request.POST)
        if form.is_valid():
            try:
                transitions.edit_section(
                    found.pk,
                    key=key,
                    text=form.cleaned_data["text"],
                    by=request.user,
                    version=form.cleaned_data["version"],
                )
            except InvalidInput as error:
                form.add_error("text", str(error))
            except StaleVersion:
                stale = True
            else:
                messages.success(request, _("Saved. The documents are being written anew."))
                return redirect(f"{reverse('analytics:report', args=[pk])}#section-{key}")
    else:
        form = forms.SectionForm(initial={"text": section["text"], "version": found.version})
    context = {**card(found, request.user), "form": form, "section": section, "stale": stale, "version": found.version}
    return render(request, "analytics/edit_section.html", context, status=409 if stale else 422 if form.errors else 200)


def section_or_404(report: Report, key: str) -> dict[str, Any]:
    """Key, heading and text of a section as it is edited; `summary` is one too. Raises Http404."""
    if key == "summary":
        return {"key": key, "heading": _("Summary"), "text": "\n".join(report.snapshot["summary"])}
    for section in report.snapshot["sections"]:
        if section["key"] == key:
            return {"key": key, "heading": section["heading"], "text": reporting.text_of(section)}
    raise Http404


def _act(request: StaffRequest, pk: int, action: str, done: str) -> HttpResponse:
    found = visible_report(request, pk)
    form = forms.VersionForm(request.POST)
    version = form.cleaned_data["version"] if form.is_valid() else None
    transitions.ACTIONS[action](found.pk, by=request.user, version=version)
    messages.success(request, done)
    return redirect("analytics:report", pk)


@login_required
@require_POST
def approve(request: StaffRequest, pk: int) -> HttpResponse:
    return _act(request, pk, "approve", _("Approved. It can be released now."))


@login_required
@require_POST
def release(request: StaffRequest, pk: int) -> HttpResponse:
    return _act(request, pk, "release", _("Released. Everybody who may see figures can read it."))


@login_required
@require_POST
def rebuild(request: StaffRequest, pk: int) -> HttpResponse:
    return _act(request, pk, "rebuild", _("Building goes on where it stopped."))

"""Pages of the transfer meetings with their data packs, and of resolutions on meetings and reports."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import NotAllowed
from accounts.web import StaffRequest, attachment
from analytics import meeting_forms as forms
from analytics import meetings, permissions, problems, resolutions
from analytics.documents.snapshot import Column, Table
from analytics.documents.xlsx import render_xlsx
from analytics.models import Report, Resolution, TransferMeeting
from analytics.periods import parse
from analytics.querysets import reports_visible_to
from analytics.reporting import title_of
from analytics.rule_pages import data, take
from complaints import keyset
from complaints.desk_access import needs
from complaints.table_files import XLSX

PAGE_SIZE = 50


# --- Meetings ---------------------------------------------------------------------------------------
@needs(permissions.SEE)
@require_safe
def meeting_list(request: StaffRequest) -> HttpResponse:
    """The meetings the person may read, the latest first."""
    after = request.GET.get("after", "")
    rows = meetings.visible_to(request.user).defer("pack", "minutes").select_related("called_by")
    found, following = keyset.by_key(rows, after, size=PAGE_SIZE)
    context = {
        "rows": [(row, parse(row.period).label) for row in found],
        "after": after,
        "next": following,
        "may_call": request.user.has_perm(problems.MANAGE),
    }
    return render(request, "analytics/meetings.html", context)


def _meeting(request: StaffRequest, pk: int) -> TransferMeeting:
    return get_object_or_404(meetings.visible_to(request.user).select_related("called_by"), pk=pk)


@needs(problems.MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def meeting_new(request: StaffRequest) -> HttpResponse:
    """Call a meeting."""
    return take(request, forms.MeetingForm(data(request), user=request.user), meetings.page_url, crumbs=_crumbs())


@needs(permissions.SEE)
@require_safe
def meeting(request: StaffRequest, pk: int) -> HttpResponse:
    """A meeting with its data pack, minutes and resolutions."""
    row = _meeting(request, pk)
    may_manage = request.user.has_perm(problems.MANAGE)
    context = {
        "row": row,
        "period": parse(row.period).label,
        "people": row.participants.all(),
        "agenda": row.problems.order_by("-score", "-pk"),
        "summary": meetings.summary(row) if row.pack_at else "",
        "tables": [(table, _lines(table)) for table in meetings.tables(row)] if row.pack_at else [],
        "resolutions": _marked(resolutions.for_list(row.resolutions.all()), request),
        "may_manage": may_manage,
        "may_change": may_manage and row.held_at is None,
    }
    return render(request, "analytics/meeting.html", context)


def _lines(table: Table) -> list[list[tuple[Any, Column]]]:
    """The cells of a table, each with its column."""
    return [list(zip(row, table.columns, strict=True)) for row in table.rows]


@needs(problems.MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def meeting_edit(request: StaffRequest, pk: int) -> HttpResponse:
    """Change a meeting that was not held."""
    row = _meeting(request, pk)
    form = forms.ChangeMeetingForm(data(request), user=request.user, row=row)
    return take(request, form, meetings.page_url, crumbs=_crumbs(row))


@needs(problems.MANAGE)
@require_POST
def meeting_pack(request: StaffRequest, pk: int) -> HttpResponse:
    """Freeze the data pack, or make it anew."""
    row = _meeting(request, pk)
    meetings.make_pack(row.pk, by=request.user)
    messages.success(request, _("The figures are frozen."))
    return redirect("analytics:meeting", pk)


@needs(permissions.SEE)
@require_safe
def meeting_pack_file(request: StaffRequest, pk: int) -> HttpResponse:
    """The data pack as a workbook."""
    row = _meeting(request, pk)
    if row.pack_at is None:
        raise Http404
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pack.xlsx"
        render_xlsx(meetings.document(row), path)
        content = path.read_bytes()
    return attachment(content, f"meeting-{row.pk}-{row.period}.xlsx", XLSX)


@needs(problems.MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def meeting_minutes(request: StaffRequest, pk: int) -> HttpResponse:
    """Write the minutes."""
    row = _meeting(request, pk)
    form = forms.MinutesForm(data(request), user=request.user, row=row)
    return take(request, form, meetings.page_url, crumbs=_crumbs(row))


@needs(problems.MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def meeting_resolution(request: StaffRequest, pk: int) -> HttpResponse:
    """Record a resolution of a meeting."""
    row = _meeting(request, pk)
    form = forms.ResolutionForm(data(request), user=request.user, row=row)
    return take(request, form, lambda _saved: f"{meetings.page_url(row)}#resolutions", crumbs=_crumbs(row))


def _crumbs(row: TransferMeeting | None = None) -> list[tuple[str, str]]:
    trail = [(reverse("analytics:meetings"), _("Transfer meetings"))]
    return [*trail, (meetings.page_url(row), row.title)] if row else trail


# --- Resolutions ------------------------------------------------------------------------------------
def _marked(rows: Iterable[Resolution], request: StaffRequest) -> list[dict[str, Any]]:
    """Each resolution with what it was decided on, whether it is late and whether the person may report it done."""
    today, headed = timezone.localdate(), request.user.headed_department_ids()
    found = []
    for row in rows:
        found.append(
            {
                "row": row,
                "url": _source_url(row),
                "source": _source(row),
                "is_late": row.done_at is None and row.due_on < today,
                "may_finish": row.done_at is None and resolutions.may_finish(request.user, row, headed),
            }
        )
    return found


def _source(row: Resolution) -> str:
    if row.report:
        return title_of(parse(row.report.period), row.report.edition)
    return row.meeting.title if row.meeting else ""


def _source_url(row: Resolution) -> str:
    if row.report:
        return reverse("analytics:report", args=[row.report.pk])
    return meetings.page_url(row.meeting) if row.meeting else ""


@needs(resolutions.READ)
@require_safe
def resolution_list(request: StaffRequest) -> HttpResponse:
    """Decisions across reports and meetings: the open ones by their date, or those that are done."""
    show = "done" if request.GET.get("show") == "done" else "open"
    after = request.GET.get("after", "")
    report = _report(request, request.GET["report"]) if "report" in request.GET else None
    visible = resolutions.for_list(resolutions.visible_to(request.user))
    rows = visible.filter(report=report) if report else visible.filter(done_at__isnull=show == "open")
    if report or show == "open":
        found, following, _known = keyset.by_due_day(rows, after, size=PAGE_SIZE)
    else:
        found, following = keyset.by_key(rows, after, size=PAGE_SIZE)
    context = {
        "resolutions": _marked(found, request),
        "show": show,
        "after": after,
        "next": following,
        "report": report,
        "report_title": title_of(parse(report.period), report.edition) if report else "",
        "may_decide": report is not None and request.user.has_perm(permissions.APPROVE),
    }
    return render(request, "analytics/resolutions.html", context)


def _report(request: StaffRequest, key: str) -> Report:
    """A report the person may read, without its figures; 404 otherwise."""
    number = keyset.key_of(key)
    if number is None:
        raise Http404
    return get_object_or_404(reports_visible_to(request.user).defer("figures", "snapshot"), pk=number)


@needs(permissions.APPROVE)
@require_http_methods(["GET", "HEAD", "POST"])
def report_resolution(request: StaffRequest, pk: int) -> HttpResponse:
    """Record a decision on a released report."""
    report = _report(request, str(pk))
    form = forms.ResolutionForm(data(request), user=request.user, row=report)
    back = f"{reverse('analytics:resolutions')}?report={report.pk}"
    about = [(_("Report"), title_of(parse(report.period), report.edition))]
    return take(request, form, lambda _saved: back, crumbs=[(back, _("Decisions"))], about=about)


@needs(resolutions.READ)
@require_http_methods(["GET", "HEAD", "POST"])
def resolution(request: StaffRequest, pk: int) -> HttpResponse:
    """One decision; whoever carries it out reports it as done."""
    row = get_object_or_404(resolutions.for_list(resolutions.visible_to(request.user)), pk=pk)
    if row.done_at is None and not resolutions.may_finish(request.user, row):
        raise NotAllowed(_("Whoever carries it out reports it as done."))
    if row.done_at is not None and request.method != "POST":
        return redirect(f"{reverse('analytics:resolutions')}?show=done")
    form = forms.DoneForm(data(request), user=request.user, row=row)
    about = [(_("What was decided"), row.text), (_("Decided on"), _source(row))]
    back = reverse("analytics:resolutions")
    return take(request, form, lambda _saved: back, crumbs=[(back, _("Decisions"))], about=about)

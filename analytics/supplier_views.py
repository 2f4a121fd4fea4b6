"""Pages of the supplier register: list, supplier, its cases step by step, evaluation and table to download."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.web import StaffRequest
from analytics import permissions, problems, supplier_letter, suppliers
from analytics import supplier_forms as forms
from analytics.models import Supplier, SupplierCase, SupplierRound, SupplierScore
from analytics.periods import Period, parse
from analytics.rule_pages import data, take
from analytics.states import SupplierDemandState
from complaints import keyset, table_files
from complaints.desk_access import needs
from complaints.models import Complaint
from complaints.notice_views import word_file

PAGE_SIZE = 50
SCORES_SHOWN = 12
# What can be done next with a case of a supplier.
NEXT = {
    SupplierDemandState.RECORDED: ("demand",),
    SupplierDemandState.DEMANDED: ("answer", "judge"),
    SupplierDemandState.ANSWERED: ("judge",),
    SupplierDemandState.NOT_IMPROVED: ("demand",),
}


@needs(problems.MANAGE)
@require_safe
def supplier_list(request: StaffRequest) -> HttpResponse:
    """The register, and the evaluations of a period as a table to download."""
    after = request.GET.get("after", "")
    rows, following = keyset.by_key(suppliers.for_list(), after, size=PAGE_SIZE)
    context = {
        "rows": [(row, parse(row.latest_period).label if row.latest_period else "") for row in rows],
        "after": after,
        "next": following,
        "periods": [(period.code, period.label) for period in forms.periods_over(timezone.now())],
    }
    return render(request, "analytics/suppliers.html", context)


@login_required
@require_safe
def supplier_table(request: StaffRequest, period: str, format: str) -> HttpResponseBase:
    """The confirmed evaluations of one period as CSV or XLSX."""
    permissions.require(request.user, problems.MANAGE)
    if format not in table_files.FORMATS or period not in {one.code for one in forms.periods_over(timezone.now())}:
        raise Http404
    heading = [
        _("Supplier"), _("What it supplies"), _("Period"), _("Points"), _("Drafted points"), _("Cases"),
        _("Demands due"), _("Answered in time"), _("Demands judged"), _("Improved"), _("Reason"), _("Confirmed by"),
        _("Confirmed on"),
    ]  # fmt: skip
    rows = SupplierScore.objects.filter(period=period).select_related("supplier", "by").order_by("-score", "pk")
    return table_files.download(f"suppliers-{period}", format, heading, _lines(rows))


def _lines(rows: Any) -> Iterator[list[Any]]:
    for row in rows:
        facts = [row.facts.get(name, "") for name in ("points", "cases", "due", "on_time", "judged", "improved")]
        yield [
            row.supplier.name,
            row.supplier.supplies,
            row.period,
            row.score,
            *facts,
            row.note,
            row.by.display_name,
            f"{timezone.localtime(row.at):%Y-%m-%d}",
        ]


@needs(problems.MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def supplier_new(request: StaffRequest) -> HttpResponse:
    """Enter a supplier."""
    form = forms.SupplierForm(data(request), user=request.user)
    return take(request, form, lambda row: suppliers.page_url(row.pk), crumbs=_crumbs())


@needs(problems.MANAGE)
@require_safe
def supplier(request: StaffRequest, pk: int) -> HttpResponse:
    """A supplier with its cases and its evaluations."""
    row = get_object_or_404(Supplier, pk=pk)
    after = request.GET.get("after", "")
    of = row.cases.select_related("complaint", "by", "checked_by").prefetch_related("rounds__checked_by")
    cases, following = keyset.by_key(of, after, size=PAGE_SIZE)
    mine = suppliers.readable(cases, request.user)
    today = timezone.localdate()
    context = {
        "row": row,
        "cases": [_shown(item, item.complaint_id in mine, today) for item in cases],
        "after": after,
        "next": following,
        "scores": [(score, parse(score.period).label) for score in row.scores.select_related("by")[:SCORES_SHOWN]],
        "period_form": forms.PeriodForm(now=timezone.now()),
        "formula": suppliers.formula(),
    }
    return render(request, "analytics/supplier.html", context)


def _shown(item: SupplierCase, is_readable: bool, today: Any) -> dict[str, Any]:
    state = SupplierDemandState(item.state)
    is_late = state == SupplierDemandState.DEMANDED and item.due_on is not None and item.due_on < today
    again = state == SupplierDemandState.NOT_IMPROVED
    steps = [
        (key, _("Demand again") if again else forms.STEPS[key].title)
        for key in NEXT.get(state, ())
        if key != "judge" or is_late or _answered(item)
    ]
    return {
        "row": item,
        "is_readable": is_readable,
        "state": item.get_state_display(),
        "tone": suppliers.TONES[state],
        "is_late": is_late,
        "steps": steps if is_readable else [],
    }


def _answered(item: SupplierCase) -> bool:
    return item.state == SupplierDemandState.ANSWERED


@needs(problems.MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def supplier_edit(request: StaffRequest, pk: int) -> HttpResponse:
    """Change the entry of a supplier."""
    row = get_object_or_404(Supplier, pk=pk)
    form = forms.ChangeSupplierForm(data(request), user=request.user, row=row)
    return take(request, form, lambda saved: suppliers.page_url(saved.pk), crumbs=_crumbs(row))


@needs(problems.MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def supplier_case(request: StaffRequest, pk: int) -> HttpResponse:
    """Record a case the supplier caused."""
    row = get_object_or_404(Supplier, pk=pk)
    form = forms.SupplierCaseForm(data(request), user=request.user, row=row)
    return take(request, form, lambda _saved: suppliers.page_url(row.pk), crumbs=_crumbs(row))


def _case(request: StaffRequest, pk: int) -> SupplierCase:
    """A record about a case the person may read; 404 otherwise."""
    readable = Complaint.objects.visible_to(request.user)
    rows = SupplierCase.objects.filter(complaint__in=readable.values("pk"))
    return get_object_or_404(rows.select_related("supplier", "complaint__category"), pk=pk)


@needs(problems.MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def supplier_step(request: StaffRequest, pk: int, action: str) -> HttpResponse:
    """Demand an improvement, enter the answer, or check it."""
    item = _case(request, pk)
    if action not in forms.STEPS:
        raise Http404
    form = forms.STEPS[action](data(request), user=request.user, row=item)
    about = [
        (_("Case"), item.complaint.number),
        (_("What the supplier did"), item.share),
        *([(_("What is demanded"), item.demand)] if item.demand else []),
        *([(_("Answer of the supplier"), item.answer)] if item.answer else []),
        *(_round(done) for done in item.rounds.all()),
    ]
    back = suppliers.page_url(item.supplier_id)
    return take(request, form, lambda _saved: back, crumbs=_crumbs(item.supplier), about=about)


def _round(done: SupplierRound) -> tuple[str, str]:
    """A round that is over, as whoever takes the next step has to know it."""
    lines = [done.demand, _("by %(day)s") % {"day": done.due_on}]
    lines.append(done.answer or _("There was no answer."))
    return _("Round %(n)s") % {"n": done.number}, "\n".join(lines)


@needs(problems.MANAGE)
@require_safe
def supplier_letter_file(request: StaffRequest, pk: int) -> HttpResponse:
    """The letter with the demand as a Word document."""
    item = _case(request, pk)
    if item.due_on is None:
        raise Http404
    return word_file(supplier_letter.build(item), f"{item.complaint.number}-supplier-{item.pk}.docx")


@needs(problems.MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def supplier_score(request: StaffRequest, pk: int) -> HttpResponse:
    """Confirm the evaluation of a period, which the address names."""
    row = get_object_or_404(Supplier, pk=pk)
    asked = forms.PeriodForm(request.GET, now=timezone.now())
    if not asked.is_valid():
        raise Http404
    period: Period = asked.cleaned_data["period"]
    form = forms.ScoreForm(data(request), user=request.user, row=row, period=period)
    drafted = form.drafted
    about = [
        (_("Supplier"), row.name),
        (_("Period"), period.label),
        (_("Cases"), drafted.cases),
        (_("Answered in time"), _of(drafted.on_time, drafted.due)),
        (_("Improved"), _of(drafted.improved, drafted.judged)),
        (_("Drafted points"), drafted.points),
    ]
    return take(
        request,
        form,
        lambda _saved: f"{suppliers.page_url(row.pk)}#scores",
        crumbs=_crumbs(row),
        about=about,
        template="analytics/supplier_score.html",
    )


def _of(part: int, whole: int) -> str:
    return _("%(part)s of %(whole)s") % {"part": part, "whole": whole} if whole else _("nothing to count")


def _crumbs(row: Supplier | None = None) -> list[tuple[str, str]]:
    trail = [(reverse("analytics:suppliers"), _("Suppliers"))]
    return [*trail, (suppliers.page_url(row.pk), row.name)] if row else trail

"""Pages of the outbreaks, of their thresholds and of the outlook, for whoever works on risk."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import IllegalTransition
from accounts.web import StaffRequest
from analytics import charts, outbreak_standard, outbreaks, outlook
from analytics.detection import MIN_HISTORY
from analytics.models import Outbreak, OutbreakStandard
from analytics.states import Attribution, OutbreakState, SeriesKind
from complaints import keyset, revisions
from complaints.choice_fields import LongText
from complaints.desk_access import needs
from complaints.models import Complaint, IncidentResponse
from review import standard_edit

PAGE_SIZE = 50
CASES = 50
REVISIONS = 50
# Why a day of the outlook brings other numbers than its weekday.
KINDS = {"holiday": gettext_lazy("holiday"), "make-up": gettext_lazy("make-up working day")}


class SettleForm(forms.Form):
    """Where the trouble lies, or that there is none; always with the reason."""

    attribution = forms.ChoiceField(
        label=gettext_lazy("Where does the trouble lie?"),
        choices=[*Attribution.choices, ("none", gettext_lazy("It is no outbreak"))],
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose where the trouble lies.")},
    )
    reason = forms.CharField(label=gettext_lazy("Why you think so"), max_length=2000, widget=LongText(3))


class StandardForm(forms.Form):
    """The thresholds as the next revision."""

    based_on = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    note = forms.CharField(label=gettext_lazy("What changed and why"), max_length=revisions.NOTE)

    def __init__(self, *args: Any, standard: OutbreakStandard, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("based_on", standard.revision)
        known = asdict(outbreak_standard.limits_of(standard))
        for key, threshold in outbreak_standard.THRESHOLDS.items():
            self.fields[key] = forms.DecimalField(
                label=str(threshold.label),
                help_text=str(threshold.help),
                min_value=threshold.least,
                max_value=threshold.most,
                decimal_places=threshold.places,
                initial=known[key],
            )

    @property
    def thresholds(self) -> list[forms.BoundField]:
        """The numbers, in the order of the standard."""
        return [self[key] for key in outbreak_standard.THRESHOLDS]

    def limits(self) -> outbreak_standard.Limits:
        """The thresholds as edited. Raises InvalidInput by field."""
        return outbreak_standard.checked(self.cleaned_data)


@needs(outbreaks.PERMISSION)
@require_safe
def outbreak_list(request: StaffRequest) -> HttpResponse:
    """Outbreaks by state, newest first."""
    state = request.GET.get("state", "")
    state = state if state in OutbreakState.values else OutbreakState.FOUND.value
    after = request.GET.get("after", "")
    rows = Outbreak.objects.filter(state=state).select_related("category", "department", "incident")
    found, following = keyset.by_key(rows, after, size=PAGE_SIZE)
    counts = dict(Outbreak.objects.order_by().values_list("state").annotate(count=Count("pk")))
    context = {
        "state": state,
        "states": [(value, label, counts.get(value, 0)) for value, label in OutbreakState.choices],
        "rows": [(row, outbreaks.title_of(row)) for row in found],
        "next": following,
        "after": after,
    }
    return render(request, "analytics/outbreaks.html", context)


@needs(outbreaks.PERMISSION)
@require_http_methods(["GET", "HEAD", "POST"])
def outbreak(request: StaffRequest, pk: int) -> HttpResponse:
    """One outbreak: its days, its cases, and the attribution it needs."""
    row = get_object_or_404(Outbreak.objects.select_related("category", "department", "settled_by", "standard"), pk=pk)
    form = SettleForm(request.POST if request.method == "POST" else None)
    status, problem = 200, ""
    if form.is_bound and form.is_valid():
        chosen, reason = form.cleaned_data["attribution"], form.cleaned_data["reason"]
        try:
            if chosen == "none":
                outbreaks.dismiss(row.pk, by=request.user, reason=reason)
            else:
                outbreaks.attribute(row.pk, by=request.user, attribution=chosen, reason=reason)
            messages.success(request, _("The outbreak is settled."))
            return redirect("analytics:outbreaks")
        except IllegalTransition as error:
            status, problem = 409, str(error)
            row.refresh_from_db()
    elif form.is_bound:
        status = 422
    context = {"outbreak": row, "form": form, "problem": problem, **_page(request, row)}
    return render(request, "analytics/outbreak.html", context, status=status)


def _page(request: StaffRequest, row: Outbreak) -> dict[str, Any]:
    days = outbreaks.daily(row, today=timezone.localdate())
    title = outbreaks.title_of(row)
    if row.kind == SeriesKind.BATCH:
        finding = _("%(count)s complaints within a week") % {"count": row.count}
    else:
        finding = _("%(count)s complaints, about %(expected)s were to be expected") % {
            "count": row.count,
            "expected": charts.show(row.expected, "number", 1),
        }
    cases = Complaint.objects.visible_to(request.user).filter(pk__in=outbreaks.cases_of(row).values("pk"))
    incident = outbreaks.incident_of(row)
    shown = list(cases.select_related("lead_department").order_by("-received_at", "-pk")[:CASES])
    return {
        "title": title,
        "finding": finding,
        "chart": charts.control_chart(
            [(date_format(day, "m-d"), float(count)) for day, count in days],
            title=title,
            finding=finding,
            unit=_("cases"),
            level_digits=1,
        ),
        "days": days,
        "cases": shown,
        "incident": incident,
        "has_response": incident is not None and IncidentResponse.objects.filter(pk=incident.pk).exists(),
        "is_batch": row.kind == SeriesKind.BATCH,
        "declare": urlencode(
            [
                ("title", title[:120]),
                *(("case", case.number) for case in shown if case.is_open and case.incident_id is None),
            ],
            doseq=True,
        ),
    }


@needs(*outbreak_standard.EDITORS, outbreaks.PERMISSION)
@require_safe
def standard(request: StaffRequest) -> HttpResponse:
    """The thresholds in force and the revisions before."""
    newest = outbreak_standard.current()
    known = asdict(outbreak_standard.limits_of(newest))
    context = {
        "standard": newest,
        "lines": [(row, known[key]) for key, row in outbreak_standard.THRESHOLDS.items()],
        "history": MIN_HISTORY,
        "revisions": OutbreakStandard.objects.select_related("by")[:REVISIONS],
        "may_edit": any(request.user.has_perm(name) for name in outbreak_standard.EDITORS),
    }
    return render(request, "analytics/outbreak_standard.html", context)


@needs(*outbreak_standard.EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def standard_change(request: StaffRequest) -> HttpResponse:
    """Edit the thresholds: first see what would stand out now, then store them as a revision."""
    newest = outbreak_standard.current()
    form = StandardForm(request.POST if request.method == "POST" else None, standard=newest)
    outcome = standard_edit.run(
        request,
        form,
        edited=form.limits,
        revise=outbreak_standard.revise,
        effect=lambda edited: _comparison(outbreak_standard.limits_of(newest), edited),
    )
    if outcome.stored:
        messages.success(request, _("Revision %(number)s is in force.") % {"number": outcome.stored.revision})
        return redirect("analytics:outbreak_standard")
    context = {"form": form, "counts": outcome.effect, "problem": outcome.problem, "next": newest.revision + 1}
    return render(request, "analytics/outbreak_standard_edit.html", context, status=outcome.status)


def _comparison(before: outbreak_standard.Limits, edited: outbreak_standard.Limits) -> list[tuple[str, int, int]]:
    now = timezone.now()
    pair = [outbreaks.preview(limits, now=now) for limits in (before, edited)]
    return [(str(kind.label), pair[0][kind], pair[1][kind]) for kind in SeriesKind]


@needs(outbreaks.PERMISSION)
@require_safe
def outlook_page(request: StaffRequest) -> HttpResponse:
    """Complaints expected each day of the coming fortnight, and the points where risk gathers (RISK-27)."""
    found = outlook.outlook(now=timezone.now())
    days = [(day, KINDS.get(outlook.day_kind(day.day), "")) for day in found.days]
    context = {"days": days, "points": found.points, "weights": outlook.WEIGHTS, "shown": outlook.SHOWN}
    if found.days:
        context["total"] = round(sum(day.expected for day in found.days))
        context["chart"] = charts.before_after(
            [
                *((date_format(day, "m-d"), float(count)) for day, count in found.past),
                *((date_format(day.day, "m-d"), round(day.expected, 1)) for day in found.days),
            ],
            title=_("Complaints expected each day"),
            finding=_("about %(count)s in the coming fourteen days") % {"count": context["total"]},
            cut=len(found.past),
            cut_label=_("from today, expected"),
            unit=_("cases"),
            fmt="number",
        )
    return render(request, "analytics/outlook.html", context)

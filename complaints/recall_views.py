"""The pages of a recall: its list of units, adding some, telling holders, the remedy, the end (INC-17)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import IllegalTransition, InvalidInput
from accounts.web import StaffRequest
from complaints import identity, incidents, keyset, outreach
from complaints.choice_fields import LongText
from complaints.desk_access import needs
from complaints.incident_forms import ResponseForm
from complaints.models import IncidentResponse, Recall, RecallUnit
from complaints.models.people import ContactKind
from complaints.states import IncidentKind
from complaints.transitions import incidents as response_rules
from complaints.transitions import recall as rules

PAGE_SIZE = 50
MAX_BYTES = 2_000_000
# What is still to be done about a unit; the list can be narrowed to it.
OPEN = {
    "untold": (gettext_lazy("Not told yet"), Q(told_at=None)),
    "unremedied": (gettext_lazy("Not remedied yet"), Q(remedied_at=None)),
}


class StartRecall(ResponseForm):
    title = gettext_lazy("Begin the recall")
    button = gettext_lazy("Begin the recall")
    product = forms.CharField(label=gettext_lazy("Product recalled"), max_length=120)
    batches = forms.CharField(label=gettext_lazy("Batches"), max_length=response_rules.PLACE)
    defect = forms.CharField(label=gettext_lazy("Defect"), max_length=response_rules.TEXT, widget=LongText(3))
    remedy = forms.CharField(label=gettext_lazy("What holders get"), max_length=response_rules.TEXT, widget=LongText(2))
    contact = forms.CharField(label=gettext_lazy("Whom to turn to"), max_length=response_rules.SHORT)
    reported_to = forms.CharField(
        label=gettext_lazy("Reported to"), max_length=response_rules.SHORT, required=False,
        help_text=gettext_lazy("The supervising body, where it has to know."),
    )  # fmt: skip
    reported_on = forms.DateField(
        label=gettext_lazy("Reported on"), required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )  # fmt: skip

    def write(self) -> Recall:
        return rules.start_recall(self.incident.pk, by=self.user, **self.cleaned_data)


class AddUnits(ResponseForm):
    """Pasted lines or a CSV file; either is enough."""

    title = gettext_lazy("Add units")
    button = gettext_lazy("Add units")
    text = forms.CharField(
        label=gettext_lazy("Units, one a line"), required=False, max_length=MAX_BYTES, widget=LongText(6),
        help_text=gettext_lazy("Serial number, batch, holder, telephone; with commas, or pasted from a spreadsheet."),
    )  # fmt: skip
    file = forms.FileField(label=gettext_lazy("Or a CSV file"), required=False)

    def clean_file(self) -> str:
        """The text of the file, in UTF-8 or as spreadsheet programs in China write it."""
        found: UploadedFile | None = self.cleaned_data["file"]
        if found is None:
            return ""
        if found.size is None or found.size > MAX_BYTES:
            raise forms.ValidationError(_("This file is too large; at most 2 MB."))
        content = found.read()
        for encoding in ("utf-8-sig", "gb18030"):
            try:
                return content.decode(encoding)
            except UnicodeDecodeError:
                continue
        raise forms.ValidationError(_("This file cannot be read; save it as CSV."))

    def write(self) -> int:
        text = self.cleaned_data["file"] or self.cleaned_data["text"]
        return rules.add_units(self.incident.pk, text=text, by=self.user)


class EndRecall(ResponseForm):
    title = gettext_lazy("End the recall")
    button = gettext_lazy("End the recall")
    note = forms.CharField(
        label=gettext_lazy("How it ended"), max_length=response_rules.TEXT, widget=LongText(3),
        help_text=gettext_lazy("Also what became of the units that were not reached."),
    )  # fmt: skip

    def write(self) -> Recall:
        return rules.end_recall(self.incident.pk, note=self.cleaned_data["note"], by=self.user)


FORMS: dict[str, type[ResponseForm]] = {"start": StartRecall, "units": AddUnits, "end": EndRecall}


@needs(incidents.MANAGE)
@require_safe
def recall(request: StaffRequest, number: str) -> HttpResponse:
    """The recall of an incident and its units; without one, how to begin it."""
    return _page(request, _response(number))


@needs(incidents.MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def record(request: StaffRequest, number: str, kind: str) -> HttpResponse:
    """Begin a recall, add units, end it."""
    if kind not in FORMS:
        raise Http404
    response = _response(number)
    posted = request.method == "POST"
    form = FORMS[kind](
        request.POST if posted else None,
        request.FILES if posted else None,
        incident=response.incident,
        response=response,
        user=request.user,
    )
    status, problem, faults = 200, "", []
    if form.is_bound:
        status = 422
        try:
            if form.is_valid():
                form.write()
                messages.success(request, str(form.done))
                return redirect("complaints:recall", number)
        except rules.BadUnits as error:
            faults = error.faults
            form.add_error("text", str(error))
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        except IllegalTransition as error:
            status, problem = 409, str(error)
    context = {"form": form, "incident": response.incident, "problem": problem, "faults": faults}
    return render(request, "complaints/incidents/recall_form.html", context, status=status)


@needs(incidents.MANAGE)
@require_POST
def mark(request: StaffRequest, number: str) -> HttpResponse:
    """Record that the chosen holders were told, or got their remedy."""
    response = _response(number)
    chosen = [int(key) for key in request.POST.getlist("unit")[:PAGE_SIZE] if key.isascii() and key.isdigit()]
    try:
        rules.mark_units(
            response.pk,
            units=[key for key in chosen if key < 2**62],
            step=request.POST.get("step", ""),
            by=request.user,
        )
    except InvalidInput as error:
        return _page(request, response, problem=str(error), status=422)
    except IllegalTransition as error:
        return _page(request, response, problem=str(error), status=409)
    return redirect(_address(number, *_narrowed(request), after=request.GET.get("after", "")))


@needs(incidents.MANAGE)
@require_POST
def shown(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    """The holder of one unit in clear; the reading is logged."""
    response = _response(number)
    get_object_or_404(RecallUnit, pk=pk, recall=response.pk)
    return _page(request, response, clear=rules.reveal_unit(response.pk, unit=pk, by=request.user).pk)


def _narrowed(request: StaffRequest) -> tuple[str, str]:
    """The words looked for among serial numbers and batches, and what is still to be done."""
    show = request.GET.get("show", "")
    return request.GET.get("q", "").replace("\x00", "").strip()[:80], show if show in OPEN else ""


def _address(number: str, words: str, show: str, *, after: str = "") -> str:
    given = {"q": words, "show": show, "after": str(keyset.key_of(after) or "")}
    query = urlencode({name: value for name, value in given.items() if value})
    return reverse("complaints:recall", args=[number]) + (f"?{query}" if query else "")


def _response(number: str) -> IncidentResponse:
    return get_object_or_404(incidents.responses(), incident__number=number)


def _notice_of(row: Recall) -> dict[str, str]:
    """A notice to the holders as it could begin; another person approves it."""
    batches = {batch for batch in row.units.values_list("batch", flat=True).distinct() if batch}
    return {
        "title": _("Recall of %(product)s") % {"product": row.product},
        "product": row.product,
        "batch": batches.pop() if len(batches) == 1 else "",
        "reason": row.defect[:500],
        "text": _("%(product)s, batches %(batches)s: %(defect)s. You get: %(remedy)s. Ask: %(contact)s.")
        % {
            "product": row.product,
            "batches": row.batches,
            "defect": _in_short(row.defect),
            "remedy": _in_short(row.remedy),
            "contact": row.contact,
        },
    }


def _in_short(text: str) -> str:
    """The text in one line without its full stop, at most 120 characters."""
    return " ".join(text.split()).rstrip("。.")[:120]


def _page(
    request: StaffRequest, response: IncidentResponse, *, problem: str = "", clear: int = 0, status: int = 200
) -> HttpResponse:
    incident = response.incident
    row = Recall.objects.filter(pk=response.pk).select_related("started_by", "ended_by").first()
    after = request.GET.get("after", "")
    units = RecallUnit.objects.filter(recall=response.pk)
    words, show = _narrowed(request)
    listed = units.filter(OPEN[show][1]) if show else units
    if words:
        listed = listed.filter(Q(serial__icontains=words) | Q(batch__iexact=words))
    found, following = keyset.by_key(listed, after, size=PAGE_SIZE, newest_first=False)
    if clear and all(unit.pk != clear for unit in found):
        found = [units.get(pk=clear)]
    counts = units.order_by().aggregate(
        total=Count("pk"),
        told=Count("pk", filter=Q(told_at__isnull=False)),
        remedied=Count("pk", filter=Q(remedied_at__isnull=False)),
    )
    context: dict[str, Any] = {
        "response": response,
        "incident": incident,
        "recall": row,
        "is_open": row is not None and row.ended_at is None,
        "may_start": row is None and response.kind == IncidentKind.DEFECT and incident.closed_at is None,
        "items": [
            (unit, identity.mask("name", unit.holder), identity.mask(ContactKind.PHONE, unit.phone), unit.pk == clear)
            for unit in found
        ],
        **counts,
        "notice": urlencode(_notice_of(row)) if row and request.user.has_perm(outreach.PERMISSION) else "",
        "rate": f"{counts['remedied'] / counts['total']:.1%}" if counts["total"] else "—",
        "problem": problem,
        "words": words,
        "show": show,
        "shows": [
            (value, label, _address(incident.number, words, value))
            for value, label in [("", _("All")), *((key, label) for key, (label, _where) in OPEN.items())]
        ],
        "here": urlencode({"q": words, "show": show, "after": after}),
        "first": _address(incident.number, words, show) if after else "",
        "next": _address(incident.number, words, show, after=following) if following else "",
    }
    return render(request, "complaints/incidents/recall.html", context, status=status)

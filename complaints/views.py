"""The work queue: list, preview, assigning several cases at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.errors import DomainError, NotAllowed
from accounts.models import User
from accounts.web import StaffRequest
from complaints import filters, keyset, queue, queue_rows, transitions
from complaints.desk_access import needs
from complaints.desk_forms import BulkAssignForm, JumpForm
from complaints.models import Complaint
from complaints.states import MOVES, Channel, Lane, RiskGrade, Status

MAX_BULK = 100
_MULTIPLE = ("status", "category", "department", "risk", "channel", "lane")
_DAYS = ("received_from", "received_to")


@dataclass(frozen=True)
class FilterMenu:
    """One filter in the toolbar: its options, which are chosen, and the address without it."""

    name: str
    label: str
    options: list[tuple[str, str, bool, int]]
    chosen: str
    clear_url: str


@needs("complaints.use_desk")
def queue_page(request: StaffRequest) -> HttpResponse:
    """The queue. Everything is in the address: view, filters, search, order, position, preview."""
    user, now = request.user, timezone.now()
    visible = Complaint.objects.visible_to(user)
    if request.htmx and request.htmx.target == "preview":
        return _preview_only(request, visible, now=now)
    words = filters.clean_words(request.GET.get("q", ""))
    number = filters.NUMBER.fullmatch(words.upper())
    if number and visible.filter(number=number[0]).exists():
        return redirect(queue_rows.case_url(number[0]))
    view = queue.view_of(request.GET.get("view", ""))
    narrowed = filters.ComplaintFilter(
        _with_words(request.GET, words), view.narrow(visible, user, now), request=request
    )
    cases = narrowed.qs
    chosen = _chosen(narrowed, words)
    orders = queue.orders_of(view, chosen.get("status", []))
    order = request.GET.get("sort", "")
    order = order if order in orders else orders[0] if view.order == "due" else "received"
    found = keyset.page(
        keyset.Source(cases, view.parts(user), lambda rows: queue.rows(rows, user)),
        queue.ORDERS[order],
        size=queue.PAGE_SIZE,
        after=_start(request.GET, order),
        before=request.GET.get("before", ""),
    )
    here = _address(view.key, {**chosen, "sort": [order] if order != view.order else []})
    opened = request.GET.get("preview", "")
    pane = queue_rows.make_preview(visible, opened, user, now=now) if filters.NUMBER.fullmatch(opened) else None
    numbers = queue.counts(user)
    context = {
        "view": view,
        "views": [(item, numbers.numbers[item.key], _address(item.key, {})) for item in queue.VIEWS.values()],
        "counted_at": numbers.at,
        "most_counted": queue.MOST_COUNTED,
        "total": None if chosen else numbers.numbers[view.key],
        "rows": queue_rows.make_rows(found.rows, now=now),
        "words": words,
        "menus": _menus(view.key, chosen),
        "days": {name: chosen.get(name, [""])[0] for name in _DAYS},
        "days_clear_url": _address(view.key, {key: value for key, value in chosen.items() if key not in _DAYS}),
        "is_narrowed": bool(chosen),
        "clear_url": _address(view.key, {}),
        "kept": [(key, value) for key, values in chosen.items() for value in values],
        "order": order,
        "order_urls": {key: _address(view.key, {**chosen, "sort": [key]}) for key in orders},
        "here": here,
        "previous_url": f"{here}&before={found.before}" if found.before else "",
        "next_url": f"{here}&after={found.after}" if found.after else "",
        "pane": pane,
        "can_assign": user.has_perm("complaints.assign_complaint"),
        "active": "cases" if view.key == "all" else "workbench",
    }
    return render(request, "complaints/queue.html", context)


def _preview_only(request: StaffRequest, visible, *, now: datetime) -> HttpResponse:
    number = request.GET.get("preview", "")
    pane = queue_rows.make_preview(visible, number, request.user, now=now) if filters.NUMBER.fullmatch(number) else None
    if pane is None:
        raise Http404
    return render(request, "complaints/queue_preview.html", {"pane": pane})


def _with_words(data: QueryDict, words: str) -> QueryDict:
    data = data.copy()
    data["q"] = words
    return data


def _chosen(narrowed: filters.ComplaintFilter, words: str) -> dict[str, list[str]]:
    """The filters that are in force, as parameters: values outside the allow-list are gone (AZ-04)."""
    chosen: dict[str, list[str]] = {"q": [words]} if words else {}
    for name, value in narrowed.form.cleaned_data.items():
        if name in _MULTIPLE and value:
            chosen[name] = list(value)
        elif name in _DAYS and value:
            chosen[name] = [value.isoformat()]
    return chosen


def _address(view: str, parameters: dict[str, list[str]]) -> str:
    pairs = [("view", view), *((key, value) for key, values in parameters.items() for value in values)]
    return f"{reverse('complaints:queue')}?{urlencode(pairs)}"


def _start(data: QueryDict, order: str) -> str:
    """Where the page begins: after a row, or at a day that was asked for."""
    form = JumpForm({"date": data.get("date", "")})
    if "date" not in data or not form.is_valid():
        return data.get("after", "")
    day: date = form.cleaned_data["date"]
    # Newest first begins with the last case of the day, by due time with the first.
    return keyset.before_day(filters.start_of(day + timedelta(days=1) if order == "received" else day))


def _menus(view: str, chosen: dict[str, list[str]]) -> list[FilterMenu]:
    tree = filters.options()
    sources = {
        "status": (_("Status"), [(value, str(label), 0) for value, label in Status.choices]),
        "category": (_("Category"), [(option.code, option.label, option.depth) for option in tree["category"]]),
        "department": (_("Department"), [(option.code, option.label, 0) for option in tree["department"]]),
        "risk": (_("Risk"), [(value, str(label), 0) for value, label in RiskGrade.choices]),
        "channel": (_("Channel"), [(value, str(label), 0) for value, label in Channel.choices]),
        "lane": (_("Lane"), [(value, str(label), 0) for value, label in Lane.choices]),
    }
    return [
        FilterMenu(
            name=name,
            label=label,
            options=[(value, text, value in chosen.get(name, []), depth) for value, text, depth in values],
            chosen=_(", ").join(text for value, text, _depth in values if value in chosen.get(name, [])),
            clear_url=_address(view, {key: value for key, value in chosen.items() if key != name}),
        )
        for name, (label, values) in sources.items()
    ]


@dataclass(frozen=True)
class Candidate:
    """A case chosen for assignment, with the version the person saw and what came of it."""

    complaint: Complaint
    version: int
    url: str
    ready: bool
    done: bool = False
    problem: str = ""


@needs("complaints.assign_complaint")
def assign(request: StaffRequest) -> HttpResponse:
    """Assign the chosen cases to one department; each is a transition of its own with its own result (ASG-01)."""
    if request.method != "POST":
        candidates = _candidates(request.user, [(number, None) for number in request.GET.getlist("case")])
        if not candidates:
            messages.error(request, _("Choose at least one case first."))
            return redirect("complaints:queue")
        return render(request, "complaints/queue_assign.html", {"form": BulkAssignForm(), "candidates": candidates})
    pairs = [(text.partition(":")[0], text.partition(":")[2]) for text in request.POST.getlist("case")]
    candidates = _candidates(
        request.user, [(number, int(version)) for number, version in pairs if version.isdecimal() and len(version) < 10]
    )
    form = BulkAssignForm(request.POST)
    if not candidates:
        messages.error(request, _("Choose at least one case first."))
        return redirect("complaints:queue")
    if not form.is_valid():
        return render(request, "complaints/queue_assign.html", {"form": form, "candidates": candidates}, status=422)
    results = [_assign_one(candidate, request.user, form) for candidate in candidates]
    queue.forget_counts(request.user)
    done = sum(result.done for result in results)
    if done == len(results):
        messages.success(
            request, ngettext("%(n)s case was assigned.", "%(n)s cases were assigned.", done) % {"n": done}
        )
    return render(
        request,
        "complaints/queue_assign_result.html",
        {"results": results, "done": done, "failed": len(results) - done},
    )


def _candidates(user: User, chosen: list[tuple[str, int | None]]) -> list[Candidate]:
    """The chosen cases the person sees, in the order chosen."""
    versions = dict(chosen[:MAX_BULK])
    numbers = [number for number in versions if filters.NUMBER.fullmatch(number)]
    found = {case.number: case for case in Complaint.objects.visible_to(user).for_list().filter(number__in=numbers)}
    candidates = []
    for number in numbers:
        if case := found.get(number):
            seen = versions[number]
            candidates.append(
                Candidate(
                    case,
                    case.version if seen is None else seen,
                    queue_rows.case_url(number),
                    case.status in MOVES["assign"].sources,
                )
            )
    return candidates


def _assign_one(candidate: Candidate, user: User, form: BulkAssignForm) -> Candidate:
    problem = ""
    try:
        transitions.assign(
            candidate.complaint.pk,
            by=user,
            department=form.cleaned_data["department"],
            task=form.cleaned_data["task"],
            version=candidate.version,
        )
    except (DomainError, NotAllowed) as error:
        problem = str(error)
    return Candidate(
        candidate.complaint, candidate.version, candidate.url, candidate.ready, done=not problem, problem=problem
    )

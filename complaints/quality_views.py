"""Pages about quality: the standard, sampled calls, praise, what followed for staff (QUA-01, QUA-07…15)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import security
from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.models import User
from accounts.web import StaffRequest
from complaints import call_backs, call_samples, case_access, case_page, keyset, quality
from complaints.desk_access import needs
from complaints.models import Complaint, Praise, QualityStandard
from complaints.months import is_month
from complaints.quality_forms import ConsequenceForm, PraiseForm, ScoreForm, StandardForm
from complaints.transitions import proposals
from complaints.transitions import quality as rules

PAGE_SIZE = 50
READ_PRAISE = "complaints.view_notes"
# The page each permission opens first.
_FIRST = (
    (quality.CHECK, "complaints:call_samples"),
    (call_backs.RECORD, "complaints:call_backs"),
    ("complaints.record_contact", "complaints:follow_ups"),
    (READ_PRAISE, "complaints:praises"),
)


@needs(*(name for name, _page in _FIRST))
@require_safe
def index(request: StaffRequest) -> HttpResponse:
    """To the page the person has work on."""
    return redirect(next(page for name, page in _FIRST if request.user.has_perm(name)))


# --- The standard ---------------------------------------------------------------------------------
@needs(quality.CHECK, *quality.EDITORS)
@require_safe
def standard(request: StaffRequest, revision: int | None = None) -> HttpResponse:
    """A revision of the standard, the one in force unless another is asked for, and all revisions (QUA-01)."""
    rows = list(QualityStandard.objects.select_related("by").order_by("-revision"))
    found = next((row for row in rows if revision in (None, row.revision)), None)
    if found is None:
        raise Http404
    context = {
        "standard": found,
        "in_force": found == rows[0],
        "newest": rows[0].revision,
        "criteria": [(quality.label(row), row["weight"]) for row in found.criteria],
        "call_criteria": [(quality.label(row), row["weight"]) for row in found.call_criteria],
        "revisions": rows,
        "may_edit": any(request.user.has_perm(name) for name in quality.EDITORS),
    }
    return render(request, "complaints/quality/standard.html", context)


@needs(*quality.EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def edit_standard(request: StaffRequest) -> HttpResponse:
    """Store the standard as the next revision, with the reason."""
    current = quality.current()
    form = StandardForm(request.POST if request.method == "POST" else None, standard=current)
    status, problem = 200, ""
    if form.is_bound and form.is_valid():
        try:
            stored = quality.revise(by=request.user, **form.edited())
            messages.success(request, _("Revision %(number)s counts from now on.") % {"number": stored.revision})
            return redirect("complaints:quality_standard")
        except InvalidInput as error:
            form.show(error)
        except StaleVersion as error:
            status, problem = 409, str(error)
    if form.errors:
        status = 422
    context = {"form": form, "next": current.revision + 1, "problem": problem}
    return render(request, "complaints/quality/standard_edit.html", context, status=status)


# --- Sampled calls --------------------------------------------------------------------------------
@needs(quality.CHECK)
@require_safe
def calls(request: StaffRequest) -> HttpResponse:
    """The sampled calls that wait, or those that are scored; and the totals of each month (QUA-07)."""
    state = "scored" if request.GET.get("state") == "scored" else "waiting"
    period = request.GET.get("period", "")
    period = period if is_month(period) else ""
    rows = call_samples.visible_to(request.user).filter(scored_at__isnull=state == "waiting")
    if period:
        rows = rows.filter(period=period)
    after = request.GET.get("after", "")
    found, following = keyset.by_key(rows, after, size=PAGE_SIZE)
    context = {
        "rows": found,
        "state": state,
        "states": [("waiting", _("To be scored")), ("scored", _("Scored"))],
        "period": period,
        "periods": call_samples.by_period(),
        "next": following,
        "after": keyset.key_of(after) or "",
    }
    return render(request, "complaints/quality/calls.html", context)


@needs(quality.CHECK)
@require_http_methods(["GET", "HEAD", "POST"])
def call(request: StaffRequest, pk: int) -> HttpResponse:
    """One sampled call: score it, or read how it was scored."""
    row = get_object_or_404(call_samples.visible_to(request.user), pk=pk)
    current = quality.current()
    form = ScoreForm(request.POST if request.method == "POST" else None, standard=current)
    status, problem = 200, ""
    if form.is_bound and form.is_valid():
        try:
            rules.score_call(row.pk, by=request.user, **form.arguments())
            messages.success(request, _("The score is saved."))
            return redirect("complaints:call_samples")
        except InvalidInput as error:
            form.show(error)
        except IllegalTransition as error:
            status, problem = 409, str(error)
            row.refresh_from_db()
        except NotAllowed as error:
            case_access.refuse(request, row.contact.complaint, "score_call", str(error))
    if form.errors:
        status = 422
    names = {item["code"]: quality.label(item) for item in (row.standard or current).call_criteria}
    context = {
        "row": row,
        "form": form,
        "problem": problem,
        "own": row.contact.by_id == request.user.pk,
        "scores": [(names.get(code, code), points) for code, points in row.points.items()],
    }
    return render(request, "complaints/quality/call.html", context, status=status)


# --- Praise ---------------------------------------------------------------------------------------
@needs(READ_PRAISE)
@require_http_methods(["GET", "HEAD", "POST"])
def praises(request: StaffRequest) -> HttpResponse:
    """Praise from customers, newest first, how much each department got, and writing more down (QUA-12)."""
    may_add = request.user.has_perm(rules.PRAISE)
    if request.method == "POST" and not may_add:
        security.record("refused", user=request.user, request=request, subject="praise")
        raise NotAllowed(_("Your role does not allow this."))
    form = PraiseForm(request.POST if request.method == "POST" else None, user=request.user)
    if form.is_bound and form.is_valid():
        try:
            rules.record_praise(by=request.user, **form.cleaned_data)
            messages.success(request, _("The praise is recorded."))
            return redirect("complaints:praises")
        except InvalidInput as error:
            form.show(error)
    rows = Praise.objects.select_related("department", "person", "complaint", "by")
    after = request.GET.get("after", "")
    found, following = keyset.by_key(rows, after, size=PAGE_SIZE)
    counts = Praise.objects.order_by().values("department__name").annotate(count=Count("pk"))
    context: dict[str, Any] = {
        "rows": found,
        "counts": counts.order_by("-count", "department__name")[:PAGE_SIZE],
        "form": form if may_add else None,
        "next": following,
        "after": keyset.key_of(after) or "",
    }
    return render(request, "complaints/quality/praises.html", context, status=422 if form.errors else 200)


# --- Consequences ---------------------------------------------------------------------------------
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def consequences(request: StaffRequest, number: str) -> HttpResponse:
    """What followed for staff. To anybody else the page does not exist; each reading is logged (QUA-15)."""
    if not request.user.has_perm(rules.CONSEQUENCES):
        security.record("refused", user=request.user, request=request, subject=number[:40], action="consequences")
        raise Http404
    complaint = case_access.visible_case(request.user, number)
    security.record("consequences_read", user=request.user, request=request, subject=complaint.number)
    form = ConsequenceForm(request.POST if request.method == "POST" else None, user=request.user)
    if form.is_bound and form.is_valid():
        try:
            rules.record_consequence(complaint.pk, by=request.user, **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("complaints:consequences", complaint.number)
        except InvalidInput as error:
            form.show(error)
        except NotAllowed as error:
            case_access.refuse(request, complaint, "consequences", str(error))
    context = {**case_values(complaint), "form": form, "rows": _readable(complaint, request.user)}
    return render(request, "complaints/quality/consequences.html", context, status=422 if form.errors else 200)


def _readable(complaint: Complaint, user: User) -> Any:
    """What followed for others; nobody finds the own record here."""
    return complaint.consequences.select_related("person", "by").exclude(person=user)


def case_values(complaint: Complaint) -> dict[str, Any]:
    """What every page about a case shows of it."""
    return {
        "complaint": complaint,
        "active": "cases",
        "badge": case_page.badge(complaint),
        "category_path": case_page.category_path(complaint.category),
    }


def may_propose(user: User) -> bool:
    """Whether the person writes down proposals of complainants."""
    return any(user.has_perm(name) for name in proposals.RECORD)

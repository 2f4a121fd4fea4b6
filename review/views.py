"""Pages of the review group: the list, one review with its steps, the monthly draw."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import security
from accounts.errors import IllegalTransition, NotAllowed, StaleVersion
from accounts.web import StaffRequest
from complaints import keyset, timeline
from complaints.models import Complaint
from review import (
    clocks,
    commitments,
    draws,
    forms,
    frame_changes,
    independence,
    major,
    materials,
    permissions,
    selectors,
    side,
    transitions,
)
from review.dossier import counted_opinions, opinions_complete
from review.models import ReviewCase, SampleDraw
from review.states import MOVES

PAGE_SIZE = 50
VIEWS = {
    "open": {"exclude": ["closed", "refused"]},
    "screening": {"only": ["requested"]},
    "concluding": {"only": ["conclusion"]},
    "closed": {"only": ["closed", "refused"]},
}


def _group_only(request: StaffRequest, *names: str) -> None:
    """Raises NotAllowed, with one row in the security log."""
    if not any(request.user.has_perm(name) for name in names):
        security.record("refused", user=request.user, request=request, subject=request.path[:80])
        raise NotAllowed(_("Your role does not allow this."))


@login_required
@require_safe
def review_list(request: StaffRequest) -> HttpResponse:
    """The reviews this person may see, what was applied for first."""
    _group_only(request, "review.review_case", "review.view_sample")
    view = request.GET.get("view", "open")
    view = view if view in VIEWS else "open"
    now = timezone.now()
    rows = selectors.lists(request.user).annotate(step_late=clocks.runs_late(now=now))
    rule = VIEWS[view]
    rows = rows.filter(status__in=rule["only"]) if "only" in rule else rows.exclude(status__in=rule["exclude"])
    after = request.GET.get("after", "")
    if view == "closed":
        found, following = keyset.by_key(rows, after, size=PAGE_SIZE)
    else:
        found, following = selectors.by_priority(rows, after, size=PAGE_SIZE)
    context = {
        "view": view,
        "counts": selectors.counts(request.user),
        "rows": [(row, selectors.step_number(row), *selectors.chip(row, now=now)) for row in found],
        "next": following,
        "after": after,
    }
    return render(request, "review/review_list.html", context)


def visible_review(request: StaffRequest, number: str) -> ReviewCase:
    """The review when the person may see it now: new conflicts are looked for at every opening (RI-04)."""
    found = ReviewCase.objects.visible_to(request.user).filter(number=number).first()
    if found is not None:
        independence.refresh(found, at=timezone.now())
    reviews = ReviewCase.objects.visible_to(request.user).select_related(
        "complaint__lead_department", "complaint__category", "screened_by", "report_by", "finalised_by"
    )
    return get_object_or_404(reviews.prefetch_related("clocks"), number=number)


@login_required
@require_safe
def detail(request: StaffRequest, number: str) -> HttpResponse:
    """One review."""
    _group_only(request, "review.review_case", "review.view_sample")
    return render(request, "review/review_detail.html", _page(request, visible_review(request, number)))


def _page(request: StaffRequest, review: ReviewCase) -> dict[str, Any]:
    moves = permissions.available_actions(review, request.user)
    opinions = list(counted_opinions(review).select_related("reviewer")) if review.dossier_hash else []
    state, text = selectors.chip(review, now=timezone.now())
    case = review.complaint
    return {
        "review": review,
        "complaint": case,
        "replies": case.replies.filter(sent_at__isnull=False).order_by("-round"),
        "earlier_findings": case.allegations.all(),
        "moves": moves,
        # To send a report back is open to the head, never the first thing to be offered.
        "primary": next((move for move in moves if move.action != "return_report"), None),
        "chip_state": state,
        "chip_text": text,
        "due": selectors.due_of(review),
        "steps": selectors.steps(review),
        "step": selectors.step_number(review),
        "clock_lines": clocks.lines(review, now=timezone.now()),
        "people": selectors.independence_list(review),
        "materials": selectors.materials(review),
        "set_sizes": selectors.set_sizes(review),
        "asked": materials.unsettled(review).select_related("department").order_by("due_at"),
        "findings": review.findings.all(),
        "judged": selectors.judged(review),
        "rectifications": review.rectifications.select_related("department"),
        "opinions": opinions if opinions_complete(review) else [],
        "given": len(opinions),
        "expected": review.assignments.filter(is_void=False).count(),
        "head": independence.acting_head(review),
        "triggers": review.triggers.all(),
        "major_reasons": major.reasons(case) if review.is_major else [],
        "case_events": [
            (event, timeline.title_of(event)) for event in case.events.filter(audience="case").order_by("sequence")
        ],
    }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def action(request: StaffRequest, number: str, action: str) -> HttpResponse:
    """One action on a review: its form, and doing it."""
    _group_only(request, "review.review_case", "review.view_sample")
    review = visible_review(request, number)
    if action not in forms.FORMS:
        raise Http404
    reason = permissions.refusal(request.user, action, review)
    if reason:
        security.record("refused", user=request.user, request=request, subject=review.number, action=action)
        raise NotAllowed(reason)
    form = forms.FORMS[action](request.POST if request.method == "POST" else None, review=review, user=request.user)
    status, problem, letter = 200, "", ""
    if request.method == "POST" and "preview" in request.POST:
        try:
            letter = form.letter() if form.is_valid() else ""
            status = 422 if form.errors else 200
        except IllegalTransition as error:
            status, problem = 409, str(error)
    elif request.method == "POST":
        try:
            if form.is_valid():
                form.apply()
                if not form.errors:
                    messages.success(request, _("Done: %(action)s") % {"action": form.label})
                    return redirect("review:detail", number)
            status = 422
        except (StaleVersion, IllegalTransition) as error:
            status, problem = 409, str(error)
            if isinstance(error, StaleVersion):
                data = request.POST.copy()
                data["version"] = str(ReviewCase.objects.values_list("version", flat=True).get(pk=review.pk))
                form = forms.FORMS[action](data, review=review, user=request.user)
    if not form.is_bound:
        problem = side.not_now(review, MOVES[action].sources)
    possible = review.status in MOVES[action].sources
    context = {**_page(request, review), "form": form, "problem": problem, "possible": possible, "letter": letter}
    return render(request, "review/review_action.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def declare(request: StaffRequest, number: str) -> HttpResponse:
    """Anybody who sees a case or its review may say that they are not impartial."""
    visible = Complaint.objects.visible_to(request.user).filter(number=number).first()
    reviewed = ReviewCase.objects.visible_to(request.user).filter(complaint__number=number).first()
    complaint = visible or (reviewed.complaint if reviewed else None)
    if complaint is None:
        raise Http404
    form = forms.ConflictForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        transitions.declare_conflict(complaint.pk, by=request.user, **form.cleaned_data)
        messages.success(request, _("Your declaration takes effect at once."))
        return redirect("complaints:detail", complaint.number) if visible else redirect("review:list")
    status = 422 if form.is_bound else 200
    return render(request, "review/declare.html", {"form": form, "complaint": complaint}, status=status)


# --- The monthly draw ---------------------------------------------------------------------------

_SEE_SAMPLE = ("review.draw_sample", "review.view_sample", "review.view_sample_figures")


@login_required
@require_safe
def sampling(request: StaffRequest, period: str = "") -> HttpResponse:
    """One draw with its figures; the newest that was drawn when no month is given."""
    _group_only(request, *_SEE_SAMPLE)
    return render(request, "review/sampling.html", _sampling_page(request, period, forms.CommitForm()))


def _sampling_page(request: StaffRequest, period: str, commit_form: forms.CommitForm) -> dict[str, Any]:
    rows = SampleDraw.objects.all()
    draw: SampleDraw | None
    if period:
        draw = get_object_or_404(rows, period=period)
    else:
        draw = rows.filter(drawn_at__isnull=False).first() or rows.first()
    context: dict[str, Any] = {
        "draw": draw,
        "history": (rows.exclude(pk=draw.pk) if draw else rows)[:12],
        "commit_form": commit_form,
        "current": timezone.localdate().strftime("%Y-%m"),
        "may_draw": request.user.has_perm("review.draw_sample"),
        # By address and not by name: the process for staff does not know the pages of the public.
        "public_proof": f"{settings.PUBLIC_BASE_URL}/sampling/#m{draw.period}" if draw else "",
    }
    context["current_committed"] = rows.filter(period=context["current"]).exists()
    if draw and draw.drawn_at:
        show = request.GET.get("show", "all")
        may_list = request.user.has_perm("review.view_sample") or request.user.has_perm("review.draw_sample")
        page = (
            Paginator(selectors.picks(draw, request.user, show=show), PAGE_SIZE).get_page(request.GET.get("page"))
            if may_list
            else None
        )
        done, size = selectors.progress(draw)
        # With the seed somebody could work out which cases of their department were drawn.
        shows_seed = not commitments.document_refusal(request.user, draw)
        context |= {
            "strata": selectors.strata(draw),
            "share": f"{100 * size / draw.frame_size:.1f}" if draw.frame_size else "",
            "picks": page,
            "show": show,
            "done": done,
            "size": size,
            "unopened": selectors.unopened(draw),
            "done_pct": round(100 * done / size) if size else 0,
            "may_list": may_list,
            "shows_seed": shows_seed,
            "may_take": may_list and shows_seed,
            "seats": selectors.seats_to_give(draw) if context["may_draw"] else [],
        }
    return context


def _refused(request: StaffRequest, period: str, error: IllegalTransition) -> HttpResponse:
    """The page of the draw as it is, with the reason why nothing was done."""
    shown = period if SampleDraw.objects.filter(period=period).exists() else ""
    context = {**_sampling_page(request, shown, forms.CommitForm()), "problem": str(error)}
    return render(request, "review/sampling.html", context, status=409)


def _committed(request: StaffRequest, row: SampleDraw) -> HttpResponse:
    told = _("The draw of %(period)s is committed already, at %(percent)s %%; nothing of it can be changed.")
    return _refused(request, row.period, IllegalTransition(told, period=row.period, percent=row.percent))


@login_required
@require_POST
def commit(request: StaffRequest) -> HttpResponse:
    """Fix this month's draw before it ends; what is fixed already stays (RI-15)."""
    _group_only(request, "review.draw_sample")
    now = timezone.now()
    period = timezone.localdate(now).strftime("%Y-%m")
    known = SampleDraw.objects.filter(period=period).first()
    if known:  # before the share is looked at: its field is not on the page any more
        return _committed(request, known)
    form = forms.CommitForm(request.POST)
    if not form.is_valid():
        return render(request, "review/sampling.html", _sampling_page(request, "", form), status=422)
    row = draws.commit(period, by=request.user, percent=form.cleaned_data["percent"], at=now)
    if row.committed_at != now:
        return _committed(request, row)
    messages.success(
        request,
        _("The draw of %(period)s is committed at %(percent)s %%.") % {"period": row.period, "percent": row.percent},
    )
    return redirect("review:sampling_period", row.period)


@login_required
@require_POST
def draw(request: StaffRequest, period: str) -> HttpResponse:
    """Confirm the draw of a month that is over; nothing can be chosen or repeated (RI-07)."""
    _group_only(request, "review.draw_sample")
    now = timezone.now()
    try:
        row = draws.draw(period, by=request.user, at=now)
        if row.drawn_at and row.drawn_at != now:
            raise IllegalTransition(
                _("%(period)s was drawn on %(date)s; a month is drawn once, and the list stays as it is."),
                period=period,
                date=timezone.localtime(row.drawn_at).strftime("%Y-%m-%d"),
            )
    except IllegalTransition as error:
        return _refused(request, period, error)
    messages.success(request, _("%(size)s cases of %(period)s were drawn.") % {"size": row.size, "period": period})
    return redirect("review:sampling_period", period)


@login_required
@require_POST
def replace(request: StaffRequest, period: str, order: int) -> HttpResponse:
    """Give on the seat of a case nobody is free to judge; the draw itself says to which case."""
    _group_only(request, "review.draw_sample")
    try:
        entry = draws.replace(period, order, by=request.user)
    except IllegalTransition as error:
        return _refused(request, period, error)
    messages.success(
        request,
        _("Seat %(order)s went to the next case of the draw, as seat %(new)s.") % {"order": order, "new": entry.order},
    )
    return redirect("review:sampling_period", period)


@login_required
@require_safe
def changes(request: StaffRequest, period: str) -> HttpResponse:
    """What of the frozen list reads differently in the register today (RI-08)."""
    _group_only(request, "review.draw_sample", "review.view_sample")
    row = get_object_or_404(SampleDraw, period=period, drawn_at__isnull=False)
    found = frame_changes.late_changes(row)
    return render(
        request, "review/sampling_changes.html", {"draw": row, "total": len(found), "rows": found[:PAGE_SIZE]}
    )


@login_required
@require_POST
def verify(request: StaffRequest, period: str) -> HttpResponse:
    """Repeat the draw from its own document and show whether it agrees."""
    _group_only(request, *_SEE_SAMPLE)
    row = get_object_or_404(SampleDraw, period=period, drawn_at__isnull=False)
    result = draws.verify(row)
    if result.ok:
        messages.success(request, _("Repeating the draw gave the same %(size)s cases.") % {"size": row.size})
    else:
        messages.error(
            request, _("The draw could not be repeated: %(problem)s") % {"problem": "; ".join(result.problems[:3])}
        )
    return redirect("review:sampling_period", period)


@login_required
@require_safe
def document(request: StaffRequest, period: str) -> HttpResponse:
    """The draw as a document that anyone can repeat without this system."""
    _group_only(request, "review.draw_sample", "review.view_sample")
    row = get_object_or_404(SampleDraw, period=period, drawn_at__isnull=False)
    refused = commitments.document_refusal(request.user, row)
    if refused:
        raise NotAllowed(refused)
    body = json.dumps(draws.document(row), ensure_ascii=False, indent=1)
    headers = {"Content-Disposition": f'attachment; filename="sample-{row.period}.json"'}
    return HttpResponse(body, content_type="application/json", headers=headers)

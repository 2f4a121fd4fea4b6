"""Desk pages about what comes back: comments and volunteers (PUB-38, PUB-39)."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import security
from accounts.errors import IllegalTransition
from accounts.web import StaffRequest
from complaints import keyset
from complaints.desk_access import needs
from complaints.models import Complaint
from publication import comments, masking, observations, results, volunteers
from publication.echo_forms import (
    AnswerForm,
    HideForm,
    ReportAnswerForm,
    ReportHideForm,
    ReportShowForm,
    RouteForm,
    ShowForm,
    VolunteerForm,
)
from publication.echo_pages import PAGE_SIZE, settle
from publication.models import Comment, Volunteer, VolunteerReport
from publication.redaction import redact
from publication.states import CommentState

_ACTS: dict[str, Callable[..., Comment]] = {
    "show": comments.show,
    "hide": comments.hide,
    "answer": comments.answer,
    "route": comments.pass_on,
}
_REPORT_ACTS: dict[str, Callable[..., object]] = {
    "answer": volunteers.answer,
    "show": observations.show,
    "hide": observations.hide,
}
EXCERPT = 80


# --- Comments -----------------------------------------------------------------------------------------
@needs(comments.MODERATE)
@require_safe
def comment_list(request: StaffRequest) -> HttpResponse:
    """The comments of one state, newest first; those that wait unless another is chosen."""
    state = request.GET.get("state", "")
    state = state if state in CommentState.values else CommentState.WAITING.value
    after = request.GET.get("after", "")
    rows = Comment.objects.filter(state=state).select_related("result")
    found, following = keyset.by_key(rows, after, size=PAGE_SIZE)
    counts = comments.counts()
    strict = masking.rows_now("strict")
    context = {
        "state": state,
        "states": [(value, label, counts.get(value, 0)) for value, label in CommentState.choices],
        # What was sent may name people; the list shows it masked.
        "rows": [
            (row, row.shown_text or redact(row.text[:EXCERPT], profile=strict).output or _("erased")) for row in found
        ],
        "next": following,
        "after": after,
    }
    return render(request, "publication/comments.html", context)


@needs(comments.MODERATE)
@require_http_methods(["GET", "HEAD", "POST"])
def comment(request: StaffRequest, pk: int) -> HttpResponse:
    """Read one comment, let it pass or not, answer it, pass it on."""
    row = get_object_or_404(Comment.objects.select_related("result", "moderated_by", "complaint"), pk=pk)
    wanted = request.POST.get("do", "") if request.method == "POST" else ""
    forms = {
        "show": ShowForm(initial={"shown_text": row.shown_text or comments.proposed(row), "seen": row.state}),
        "hide": HideForm(initial={"seen": row.state}),
        "answer": AnswerForm(initial={"answer": row.answer}),
        "route": RouteForm(initial={"route": row.route}),
    }
    status, problem = 200, ""
    if request.method == "POST" and wanted not in forms:
        status, problem = 422, _("Choose what to do.")
    elif wanted:
        forms[wanted] = type(forms[wanted])(request.POST)
        status, problem = settle(forms[wanted], lambda **values: _ACTS[wanted](row.pk, by=request.user, **values))
        if status == 302:
            messages.success(request, _("Saved."))
            return redirect("publication:comment", row.pk)
        row.refresh_from_db()
    context = {
        "comment": row,
        "forms": forms,
        "problem": problem,
        "public_path": results.path_of(row.result.public_id),
        "is_served": not results.gone_reason(row.result, at=timezone.now()),
        "sees_case": bool(row.complaint)
        and Complaint.objects.visible_to(request.user).filter(pk=row.complaint_id).exists(),
    }
    return render(request, "publication/comment.html", context, status=status)


# --- Volunteers ---------------------------------------------------------------------------------------
@needs(volunteers.KEEP)
@require_http_methods(["GET", "HEAD", "POST"])
def volunteer_list(request: StaffRequest) -> HttpResponse:
    """The register, or those whose report is due; entering somebody shows the code this once."""
    at = timezone.now()
    form = VolunteerForm(request.POST if request.method == "POST" else None, initial={"since": timezone.localdate(at)})
    made: list[volunteers.Registered] = []
    status = 200
    if form.is_bound:
        status, _problem = settle(form, lambda **values: made.append(volunteers.register(by=request.user, **values)))
        if made:
            security.record("volunteer_registered", user=request.user, request=request, subject=str(made[0].volunteer))
            return _code_page(request, made[0])
    only_due, after = request.GET.get("view") == "due", request.GET.get("after", "")
    everybody = volunteers.listed()
    late = volunteers.due(everybody, at=at)
    found, following = keyset.by_key(late if only_due else everybody, after, size=PAGE_SIZE)
    keys = set(late.filter(pk__in=[row.pk for row in found]).values_list("pk", flat=True))
    context = {
        "rows": [(row, *volunteers.masked(row), row.pk in keys) for row in found],
        "only_due": only_due,
        "due_count": late.count(),
        "form": form,
        "next": following,
        "after": after,
    }
    return render(request, "publication/volunteers.html", context, status=status)


def _code_page(request: StaffRequest, registered: volunteers.Registered) -> HttpResponse:
    """The code stands here and nowhere else."""
    context = {"registered": registered, "address": results.absolute("/volunteers/")}
    response = render(request, "publication/volunteer_code.html", context)
    response["Cache-Control"] = "no-store"
    return response


@needs(volunteers.KEEP)
@require_safe
def volunteer(request: StaffRequest, pk: int) -> HttpResponse:
    """One volunteer with the reports, newest first."""
    return _volunteer_page(request, pk)


def _volunteer_page(request: StaffRequest, pk: int, *, status: int = 200, **extra: object) -> HttpResponse:
    row = get_object_or_404(volunteers.listed().select_related("by"), pk=pk)
    name, phone = volunteers.masked(row)
    after = request.GET.get("after", "")
    found, following = keyset.by_key(row.reports.select_related("result", "published"), after, size=PAGE_SIZE)
    context = {"row": row, "name": name, "phone": phone, "reports": found, "next": following, "after": after}
    today = timezone.localdate()
    context["has_ended"] = row.until is not None and row.until <= today
    return render(request, "publication/volunteer.html", {**context, **extra}, status=status)


@needs(volunteers.KEEP)
@require_POST
def volunteer_do(request: StaffRequest, pk: int) -> HttpResponse:
    """Read name and telephone, make a new code, or end; each is written into the security log."""
    row = get_object_or_404(Volunteer, pk=pk)
    wanted = request.POST.get("do", "")
    if wanted == "reveal":
        security.record("volunteer_revealed", user=request.user, request=request, subject=str(row))
        return _volunteer_page(request, pk, name=row.name, phone=row.phone, is_revealed=True)
    if wanted == "code":
        registered = volunteers.new_code(pk, by=request.user)
        security.record("volunteer_code", user=request.user, request=request, subject=str(row))
        return _code_page(request, registered)
    if wanted != "end":
        return _volunteer_page(request, pk, status=422, problem=_("Choose what to do."))
    try:
        volunteers.end(pk, by=request.user)
    except IllegalTransition as error:
        return _volunteer_page(request, pk, status=409, problem=str(error))
    messages.success(request, _("Saved."))
    return redirect("publication:volunteer", pk)


@needs(volunteers.KEEP)
@require_safe
def report_list(request: StaffRequest) -> HttpResponse:
    """The reports of volunteers, newest first; those without an answer unless all are wanted."""
    every, after = request.GET.get("view") == "all", request.GET.get("after", "")
    rows = VolunteerReport.objects.select_related("result", "volunteer", "answered_by", "published")
    waiting = rows.filter(answered_at=None)
    found, following = keyset.by_key(rows if every else waiting, after, size=PAGE_SIZE)
    context = {"rows": found, "every": every, "waiting": waiting.count(), "next": following, "after": after}
    return render(request, "publication/volunteer_reports.html", context)


@needs(volunteers.KEEP)
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: StaffRequest, pk: int) -> HttpResponse:
    """One report: answer the volunteer, show it with its notice, show it no longer."""
    found = VolunteerReport.objects.select_related("result", "volunteer", "answered_by", "published__moderated_by")
    row = get_object_or_404(found, pk=pk)
    shown = getattr(row, "published", None)
    words = (shown.shown_text, shown.answer) if shown and shown.shown_text else observations.proposed(row)
    seen = shown.state if shown else CommentState.WAITING.value
    wanted = request.POST.get("do", "answer") if request.method == "POST" else ""
    sent = {wanted: request.POST}
    forms = {
        "answer": ReportAnswerForm(sent.get("answer")),
        "show": ReportShowForm(
            sent.get("show"),
            auto_id="show_%s",
            initial={"shown_text": words[0], "answer": words[1], "seen": seen},
        ),
        "hide": ReportHideForm(sent.get("hide"), auto_id="hide_%s", initial={"seen": seen}),
    }
    status, problem = 200, ""
    if wanted:
        if wanted not in forms:
            status, problem = 422, _("Choose what to do.")
        else:
            act = _REPORT_ACTS[wanted]
            status, problem = settle(forms[wanted], lambda **values: act(pk, by=request.user, **values))
        if status == 302:
            messages.success(request, _("Saved."))
            return redirect("publication:volunteer_report", pk)
        row = found.get(pk=pk)
        shown = getattr(row, "published", None)
    name, _phone = volunteers.masked(row.volunteer)
    context = {
        "row": row,
        "shown": shown,
        "name": name,
        "forms": forms,
        "problem": problem,
        "is_served": row.result is not None and not results.gone_reason(row.result, at=timezone.now()),
        "public_path": results.path_of(row.result.public_id) if row.result else "",
    }
    return render(request, "publication/volunteer_report.html", context, status=status)

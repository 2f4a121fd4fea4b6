"""Pages of what goes upstream with the departments' answers, and of employees' suggestions."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import NotAllowed
from accounts.web import StaffRequest
from analytics import ideas, problems, upstream
from analytics import upstream_forms as forms
from analytics.models import StaffIdea, UpstreamItem
from analytics.rule_pages import data, take
from complaints import keyset
from complaints.desk_access import needs
from complaints.models import Complaint

PAGE_SIZE = 50


# --- Upstream ---------------------------------------------------------------------------------------
@needs(upstream.READ)
@require_safe
def upstream_list(request: StaffRequest) -> HttpResponse:
    """What was sent upstream, open or answered, of one case or of all, with how the departments answer."""
    visible = upstream.visible_to(request.user)
    show = "answered" if request.GET.get("show") == "answered" else "open"
    rows = visible.exclude(upstream.OPEN) if show == "answered" else visible.filter(upstream.OPEN)
    case, after = request.GET.get("case", "").replace("\x00", "")[:24], request.GET.get("after", "")
    if case:
        rows = visible.filter(complaint__number=case)
    named = rows.select_related("problem", "complaint", "department", "by", "answered_by")
    found, following = keyset.by_key(named, after, size=PAGE_SIZE)
    today = timezone.localdate()
    context = {
        "rows": [(row, row.answered_at is None and row.due_on < today) for row in found],
        "show": show,
        "case": case,
        "after": after,
        "next": following,
        "figures": upstream.figures(visible, today=today),
        "may_send": request.user.has_perm(problems.MANAGE),
    }
    return render(request, "analytics/upstream.html", context)


@needs(problems.MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def upstream_new(request: StaffRequest) -> HttpResponse:
    """Send something upstream; the address may name the problem or the case it comes from."""
    initial = {name: request.GET[name] for name in ("problem", "case") if name in request.GET}
    if "case" in initial:
        case = Complaint.objects.visible_to(request.user).filter(number=initial["case"]).first()
        initial["text"] = upstream.needs_of(case) if case else ""
    form = forms.SendForm(data(request), user=request.user, initial=initial)
    return take(request, form, upstream.page_url, crumbs=_crumbs())


@needs(upstream.READ)
@require_http_methods(["GET", "HEAD", "POST"])
def upstream_item(request: StaffRequest, pk: int) -> HttpResponse:
    """One item; whoever heads the department answers here."""
    visible = upstream.visible_to(request.user)
    named = visible.select_related("problem", "complaint", "department", "by", "answered_by")
    item: UpstreamItem = get_object_or_404(named, pk=pk)
    sees_case = bool(item.complaint_id) and Complaint.objects.visible_to(request.user).filter(
        pk=item.complaint_id
    ).exists()  # fmt: skip
    form = None
    if upstream.may_answer(request.user, item) or request.method == "POST":
        form = forms.UpstreamAnswerForm(data(request), user=request.user, row=item)
    if form is not None and form.is_bound:
        return take(request, form, upstream.page_url, crumbs=_crumbs(), about=[(_("What they should know"), item.text)])
    context = {
        "row": item,
        "form": form,
        "sees_case": sees_case,
        "is_late": item.answered_at is None and item.due_on < timezone.localdate(),
    }
    return render(request, "analytics/upstream_item.html", context)


def _crumbs() -> list[tuple[str, str]]:
    return [(reverse("analytics:upstream"), _("Upstream"))]


# --- Suggestions ------------------------------------------------------------------------------------
@needs(ideas.SUGGEST)
@require_http_methods(["GET", "HEAD", "POST"])
def idea_list(request: StaffRequest) -> HttpResponse:
    """The own suggestions with their answers, and the form; whoever answers them sees all."""
    form = forms.IdeaForm(data(request), user=request.user)
    status = 200
    if form.is_bound:
        if form.is_valid() and form.save():
            messages.success(request, str(form.done))
            return redirect("analytics:ideas")
        status = 422
    may_answer = request.user.has_perm(problems.MANAGE)
    shows = ("own", "open", "answered") if may_answer else ("own",)
    show, after = request.GET.get("show", ""), request.GET.get("after", "")
    show = show if show in shows else shows[0]
    rows = StaffIdea.objects.select_related("by", "answered_by", "problem")
    if show == "own":
        rows = rows.filter(by=request.user)
    else:
        rows = rows.filter(answered_at__isnull=show == "open")
    found, following = keyset.by_key(rows, after, size=PAGE_SIZE)
    labels = {"own": _("My suggestions"), "open": _("To be answered"), "answered": _("With an answer")}
    context = {
        "form": form,
        "rows": [(row, may_answer and row.answered_at is None and row.by_id != request.user.pk) for row in found],
        "show": show,
        "shows": [(key, labels[key]) for key in shows] if may_answer else [],
        "after": after,
        "next": following,
        "shares": ideas.shares(),
    }
    return render(request, "analytics/ideas.html", context, status=status)


@needs(problems.MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def idea_answer(request: StaffRequest, pk: int) -> HttpResponse:
    """Answer a suggestion of somebody else."""
    idea = get_object_or_404(StaffIdea.objects.select_related("by"), pk=pk)
    if idea.by_id == request.user.pk:
        raise NotAllowed(_("You made this suggestion; another person answers it."))
    form = forms.IdeaAnswerForm(data(request), user=request.user, row=idea)
    about = [
        (_("Suggestion"), idea.text),
        (_("What it is about"), idea.get_about_display()),
        (_("Suggested by"), idea.by.display_name),
    ]
    back = reverse("analytics:ideas")
    return take(request, form, lambda _saved: f"{back}?show=open", crumbs=[(back, _("Suggestions"))], about=about)

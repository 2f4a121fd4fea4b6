"""Pages of the head's plan of a month and of the plans put to top management (REV-12, REV-14)."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import IllegalTransition, InvalidInput, StaleVersion
from accounts.web import StaffRequest
from complaints import keyset
from complaints.desk_access import needs
from review import plans, sampling, top_reports
from review.group_forms import DecisionForm, PlanForm, ReportForm
from review.models import ReviewCase, ReviewPlan

READ = ("review.review_case", "review.view_sample")
PAGE_SIZE = 50


@needs(*READ)
@require_http_methods(["GET", "HEAD", "POST"])
def plan(request: StaffRequest, period: str = "") -> HttpResponse:
    """The plan of a month beside what is coming, with the revisions before; the head edits it here."""
    now = timezone.now()
    period = period or plans.this_month(now)
    try:
        sampling.period_bounds(period)
        sampling.period_bounds(plans.month_before(period))
    except ValueError as error:
        raise Http404 from error
    current = plans.newest(period)
    may_edit = request.user.has_perm(plans.EDIT) and period >= plans.this_month(now)
    form = PlanForm(request.POST if request.method == "POST" else None, plan=current)
    status, problem = 200, ""
    if form.is_bound:
        status = 422
        try:
            if form.is_valid():
                stored = plans.save(period, by=request.user, **form.cleaned_data)
                messages.success(request, _("Revision %(number)s of the plan is saved.") % {"number": stored.revision})
                return redirect("review:plan_period", period)
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        except (StaleVersion, IllegalTransition) as error:
            status, problem = 409, str(error)
            data = request.POST.copy()
            current = plans.newest(period)
            data["based_on"] = str(current.revision if current else 0)
            form = PlanForm(data, plan=current)
    is_over = period < plans.this_month(now)
    coming = None if is_over else plans.outlook(period, at=now)
    capacity = current.capacity if current else None
    context = {
        "period": period,
        "months": plans.shown_months(now),
        "plan": current,
        "focus": plans.focus_counts(current) if current else [],
        "coming": coming,
        "finished": plans.finished_in(period),
        "over": coming.total - capacity if coming and capacity is not None and coming.total > capacity else 0,
        "revisions": ReviewPlan.objects.filter(period=period).select_related("by"),
        "form": form,
        "problem": problem,
        "may_edit": may_edit,
    }
    return render(request, "review/plan.html", context, status=status)


@needs(top_reports.SEND, top_reports.RECEIVE)
@require_safe
def reports(request: StaffRequest) -> HttpResponse:
    """The rectification plans put to top management, newest first."""
    after = request.GET.get("after", "")
    rows, following = keyset.by_key(top_reports.visible_to(request.user), after, size=PAGE_SIZE)
    context = {"rows": rows, "next": following, "after": after, "may_send": request.user.has_perm(top_reports.SEND)}
    return render(request, "review/top_reports.html", context)


@needs(top_reports.SEND)
@require_http_methods(["GET", "HEAD", "POST"])
def report_new(request: StaffRequest) -> HttpResponse:
    """Put a rectification plan to a manager."""
    form = ReportForm(request.POST if request.method == "POST" else None, user=request.user)
    if form.is_bound and form.is_valid():
        try:
            row = top_reports.send(by=request.user, **form.cleaned_data)
            messages.success(request, _("The plan is put to %(name)s.") % {"name": row.to.display_name})
            return redirect("review:top_report", row.pk)
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
    return render(request, "review/top_report_new.html", {"form": form}, status=422 if form.errors else 200)


@needs(top_reports.SEND, top_reports.RECEIVE)
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: StaffRequest, pk: int) -> HttpResponse:
    """One plan with the reviews it is about; the manager addressed writes the decision here."""
    row = get_object_or_404(top_reports.visible_to(request.user), pk=pk)
    form = DecisionForm(request.POST if request.method == "POST" else None)
    status, problem = 200, ""
    if form.is_bound:
        status = 422
        try:
            if form.is_valid():
                top_reports.decide(row.pk, by=request.user, **form.cleaned_data)
                messages.success(request, _("Your decision is recorded."))
                return redirect("review:top_report", row.pk)
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        except IllegalTransition as error:
            status, problem = 409, str(error)
            row.refresh_from_db()
    reviews = row.reviews.select_related("complaint__category").prefetch_related("rectifications__department")
    seen = set(
        ReviewCase.objects.visible_to(request.user).filter(pk__in=row.reviews.all()).values_list("pk", flat=True)
    )
    context = {
        "report": row,
        "reviews": [(review, review.pk in seen) for review in reviews.order_by("pk")],
        "form": form,
        "problem": problem,
        "may_decide": row.to_id == request.user.pk and row.decided_at is None,
    }
    return render(request, "review/top_report.html", context, status=status)

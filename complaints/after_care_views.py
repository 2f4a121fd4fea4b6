"""Pages about what comes after the result: call-backs, surveys, later calls, proposals (FB-02, FB-09…16, SLA-08)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.models import Department, User
from accounts.web import StaffRequest
from complaints import call_backs as call_back_rules
from complaints import case_access, keyset, queue, queue_rows, why_date
from complaints import surveys as survey_rules
from complaints.desk_access import needs
from complaints.models import Complaint, FollowUp, Proposal, SurveyCall
from complaints.months import month_before
from complaints.quality_forms import (
    AnswerForm,
    CancelForm,
    DrawForm,
    FollowUpForm,
    JudgeForm,
    ProposalForm,
    QualityForm,
    SurveyForm,
)
from complaints.quality_views import PAGE_SIZE, case_values, may_propose
from complaints.states import ImprovementState, ProposalAbout
from complaints.transitions import follow_ups as follow_up_rules
from complaints.transitions import proposals as proposal_rules

_PROPOSALS = (*proposal_rules.JUDGES, proposal_rules.ANSWER)


# --- Call-backs -----------------------------------------------------------------------------------
@needs(call_back_rules.RECORD)
@require_safe
def call_backs(request: StaffRequest) -> HttpResponse:
    """The complainants to be called about their reply, what is due first, by channel and importance (FB-02, FB-12)."""
    now = timezone.now()
    show = request.GET.get("show", "")
    show = show if show in call_back_rules.VIEWS else "all"
    cases = call_back_rules.waiting(request.user).filter(call_back_rules.VIEWS[show][1])
    found = keyset.page(
        queue.rows(cases, request.user).only(*queue.SHOWN, "severity"),
        queue.DUE,
        size=PAGE_SIZE,
        after=request.GET.get("after", ""),
    )
    context = {
        "rows": [(row, survey_rules.is_important(row.complaint)) for row in queue_rows.make_rows(found.rows, now=now)],
        "most": call_back_rules.ATTEMPTS,
        "show": show,
        "shows": [(key, label) for key, (label, _condition) in call_back_rules.VIEWS.items()],
        "next": found.after,
        "after": found.before,
    }
    return render(request, "complaints/quality/call_backs.html", context)


# --- Surveys --------------------------------------------------------------------------------------
@needs(*survey_rules.DRAW, survey_rules.CALL)
@require_http_methods(["GET", "HEAD", "POST"])
def surveys(request: StaffRequest) -> HttpResponse:
    """The surveys with their response rates, drawing one, and the calls to be made (FB-11)."""
    may_draw = any(request.user.has_perm(name) for name in survey_rules.DRAW)
    initial = {"period": month_before(timezone.now())}
    form = DrawForm(request.POST if request.method == "POST" else None, initial=initial)
    status, problem = 200, ""
    if form.is_bound and form.is_valid():
        try:
            drawn = survey_rules.draw(by=request.user, **form.cleaned_data)
            messages.success(request, _("The survey of %(period)s is drawn.") % {"period": drawn.period})
            return redirect("complaints:surveys")
        except InvalidInput as error:
            form.show(error)
        except IllegalTransition as error:
            status, problem = 409, str(error)
    if form.errors:
        status = 422
    over = request.GET.get("state") == "over"
    rows = survey_rules.calls_for(request.user, over=over)
    after = request.GET.get("after", "")
    found, following = keyset.by_key(rows, after, size=PAGE_SIZE)
    context = {
        "rounds": survey_rules.lines(list(survey_rules.rounds()[:12])),
        "rows": [(row, survey_rules.is_important(row.complaint)) for row in found],
        "state": "over" if over else "open",
        "states": [("open", _("To be called")), ("over", _("Done"))],
        "form": form if may_draw else None,
        "may_call": request.user.has_perm(survey_rules.CALL),
        "problem": problem,
        "next": following,
        "after": keyset.key_of(after) or "",
    }
    return render(request, "complaints/quality/surveys.html", context, status=status)


@needs(survey_rules.CALL)
@require_http_methods(["GET", "HEAD", "POST"])
def survey_call(request: StaffRequest, pk: int) -> HttpResponse:
    """One call of a survey, by somebody independent of the handling (FB-11, FB-12, QUA-08)."""
    visible = SurveyCall.objects.filter(complaint__in=Complaint.objects.visible_to(request.user))
    row = get_object_or_404(visible.select_related("round"), pk=pk)
    number = Complaint.objects.values_list("number", flat=True).get(pk=row.complaint_id)
    complaint = case_access.visible_case(request.user, number)
    form = SurveyForm(request.POST if request.method == "POST" else None, complaint=complaint, user=request.user)
    form.call = row
    status, problem = 200, ""
    try:
        if form.is_bound and form.is_valid():
            form.apply()
    except NotAllowed as error:
        case_access.refuse(request, complaint, "survey_call", str(error))
    except (IllegalTransition, StaleVersion) as error:
        status, problem = 409, str(error)
    if form.is_bound and not form.errors and not problem:
        messages.success(request, _("The call is recorded."))
        return redirect("complaints:surveys")
    if form.errors:
        status = 422
    context = {
        **case_values(complaint),
        "row": row,
        "form": form,
        "problem": problem,
        "improvements": complaint.improvements.filter(state=ImprovementState.VERIFIED),
    }
    return render(request, "complaints/quality/survey_call.html", context, status=status)


# --- Later calls ----------------------------------------------------------------------------------
@needs(follow_up_rules.RECORD)
@require_safe
def follow_ups(request: StaffRequest) -> HttpResponse:
    """Later calls: those due or to come, the longest due first, or those that are over (SLA-08, FB-14, FB-16)."""
    over = request.GET.get("state") == "over"
    rows = FollowUp.objects.filter(complaint__in=Complaint.objects.visible_to(request.user)).select_related(
        "complaint__lead_department", "done_by"
    )
    waiting = rows.filter(done_at=None, cancelled_reason="")
    after = request.GET.get("after", "")
    if over:
        found, following = keyset.by_key(rows.exclude(pk__in=waiting.values("pk")), after, size=PAGE_SIZE)
    else:
        found, following, _is_place = keyset.by_due_day(waiting, after, size=PAGE_SIZE)
    context = {
        "rows": found,
        "today": timezone.localdate(),
        "state": "over" if over else "open",
        "states": [("open", _("To be called")), ("over", _("Done"))],
        "next": following,
        "after": after,
    }
    return render(request, "complaints/quality/follow_ups.html", context)


def _take_step(
    request: StaffRequest,
    row: FollowUp | Proposal,
    forms: dict[str, QualityForm],
    rules: dict[str, Callable[..., Any]],
    *,
    kind: str,
) -> tuple[int, str]:
    """Do the step whose form was sent. Returns the status of the answer, 302 when it was done, and what stood
    against it (409)."""
    step = next((name for name, form in forms.items() if form.is_bound), "")
    if not step or not forms[step].is_valid():
        return 422 if request.method == "POST" else 200, ""
    try:
        rules[step](row.pk, by=request.user, **forms[step].cleaned_data)
    except InvalidInput as error:
        forms[step].show(error)
        return 422, ""
    except IllegalTransition as error:
        return 409, str(error)
    except NotAllowed as error:
        case_access.refuse(request, row.complaint, kind, str(error))
    messages.success(request, _("Saved."))
    return 302, ""


@needs(follow_up_rules.RECORD)
@require_http_methods(["GET", "HEAD", "POST"])
def follow_up(request: StaffRequest, pk: int) -> HttpResponse:
    """One later call: what to tell, recording it, or calling it off with a reason (FB-14, FB-15)."""
    visible = FollowUp.objects.filter(complaint__in=Complaint.objects.visible_to(request.user))
    row = get_object_or_404(visible.select_related("complaint__category__parent__parent", "done_by", "contact"), pk=pk)
    forms: dict[str, QualityForm] = {
        "make": FollowUpForm(request.POST if "make" in request.POST else None, auto_id="make_%s"),
        "cancel": CancelForm(request.POST if "cancel" in request.POST else None, auto_id="cancel_%s"),
    }
    rules: dict[str, Callable[..., Any]] = {
        "make": follow_up_rules.make_follow_up,
        "cancel": follow_up_rules.cancel_follow_up,
    }
    status, problem = _take_step(request, row, forms, rules, kind="follow_up")
    if status == 302:
        return redirect("complaints:follow_ups")
    if problem:
        row.refresh_from_db()
    context = {
        **case_values(row.complaint),
        "row": row,
        "forms": forms,
        "problem": problem,
        "is_open": row.done_at is None and not row.cancelled_reason,
        "why": why_date.of_follow_up(row),
        "improvements": row.complaint.improvements.filter(state=ImprovementState.VERIFIED),
    }
    return render(request, "complaints/quality/follow_up.html", context, status=status)


# --- Proposals ------------------------------------------------------------------------------------
_STATES = (
    ("new", gettext_lazy("To be judged"), {"is_valuable": None}),
    ("routed", gettext_lazy("With a department"), {"is_valuable": True, "answered_at": None}),
    ("answered", gettext_lazy("Answered by the department"), {"answered_at__isnull": False}),
    ("dropped", gettext_lazy("Not taken up"), {"is_valuable": False}),
)


def _readable(user: User) -> QuerySet[Proposal]:
    """Who judges reads the proposals of every case they see, others those their departments have."""
    if any(user.has_perm(name) for name in proposal_rules.JUDGES):
        rows = Proposal.objects.filter(complaint__in=Complaint.objects.visible_to(user))
    else:
        rows = Proposal.objects.filter(department__in=user.department_ids)
    return rows.select_related("complaint", "department", "recorded_by", "judged_by", "answered_by")


@needs(*_PROPOSALS)
@require_safe
def proposals(request: StaffRequest) -> HttpResponse:
    """The proposals by what became of them, what they are about, and the department (FB-09, FB-10)."""
    judges = any(request.user.has_perm(name) for name in proposal_rules.JUDGES)
    state = request.GET.get("state", "")
    state = state if state in [key for key, _label, _filter in _STATES] else ("new" if judges else "routed")
    about = request.GET.get("about", "")
    about = about if about in ProposalAbout.values else ""
    department = request.GET.get("department", "")[:40]
    rows = _readable(request.user).filter(**next(chosen for key, _label, chosen in _STATES if key == state))
    if about:
        rows = rows.filter(about=about)
    if department:
        rows = rows.filter(department__code=department)
    after = request.GET.get("after", "")
    found, following = keyset.by_key(rows, after, size=PAGE_SIZE)
    context = {
        "rows": found,
        "state": state,
        "states": [(key, label) for key, label, _filter in _STATES if judges or key in ("routed", "answered")],
        "about": about,
        "abouts": ProposalAbout.choices,
        "department": department,
        "departments": Department.objects.active().order_by("name") if judges else [],
        "next": following,
        "after": keyset.key_of(after) or "",
    }
    return render(request, "complaints/quality/proposals.html", context)


@needs(*_PROPOSALS)
@require_http_methods(["GET", "HEAD", "POST"])
def proposal(request: StaffRequest, pk: int) -> HttpResponse:
    """One proposal: judging it, or the answer of the department that has it."""
    row = get_object_or_404(_readable(request.user), pk=pk)
    forms: dict[str, QualityForm] = {
        "judge": JudgeForm(
            request.POST if "judge" in request.POST else None, auto_id="judge_%s", initial={"about": row.about}
        ),
        "answer": AnswerForm(request.POST if "answer_it" in request.POST else None, auto_id="answer_%s"),
    }
    rules: dict[str, Callable[..., Any]] = {
        "judge": proposal_rules.judge_proposal,
        "answer": proposal_rules.answer_proposal,
    }
    status, problem = _take_step(request, row, forms, rules, kind="proposal")
    if status == 302:
        return redirect("complaints:proposals")
    if problem:
        row = get_object_or_404(_readable(request.user), pk=pk)
    context = {
        "row": row,
        "forms": forms,
        "problem": problem,
        "may_judge": row.is_valuable is None and any(request.user.has_perm(name) for name in proposal_rules.JUDGES),
        "may_answer": row.answered_at is None and proposal_rules.may_answer(request.user, row),
        "sees_case": Complaint.objects.visible_to(request.user).filter(pk=row.complaint_id).exists(),
    }
    return render(request, "complaints/quality/proposal.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def proposal_add(request: StaffRequest, number: str) -> HttpResponse:
    """The proposals made on a case, and writing one down (FB-09)."""
    complaint = case_access.visible_case(request.user, number)
    if not may_propose(request.user):
        case_access.refuse(request, complaint, "proposal", _("Your role does not allow this."))
    form = ProposalForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            proposal_rules.record_proposal(complaint.pk, by=request.user, **form.cleaned_data)
            messages.success(request, _("The proposal is recorded."))
            return redirect("complaints:proposal_add", complaint.number)
        except InvalidInput as error:
            form.show(error)
        except NotAllowed as error:
            case_access.refuse(request, complaint, "proposal", str(error))
    context = {
        **case_values(complaint),
        "form": form,
        "rows": complaint.proposals.select_related("department", "recorded_by"),
    }
    return render(request, "complaints/quality/proposal_add.html", context, status=422 if form.errors else 200)

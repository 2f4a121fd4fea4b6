"""The lane rules and tiers under settings, and the lane of a case (ASG-09…11, SLA-14, SPG-07, SPG-08)."""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import InvalidInput, StaleVersion
from accounts.web import StaffRequest
from complaints import case_access, case_page, case_records, lanes, routing, tiers
from complaints.desk_access import needs
from complaints.lane_forms import LaneRuleForm, PutOnLane, TakeOffLane, TierForm
from complaints.models import LaneRule, TierService
from complaints.states import CustomerTier, RiskGrade, SpecialGroup
from complaints.transitions import lanes as rules

CASE_FORMS = {form.kind: form for form in (PutOnLane, TakeOffLane)}


# --- Rules --------------------------------------------------------------------------------------------
@needs(*rules.EDIT_RULES)
@require_safe
def lane_rules(request: StaffRequest) -> HttpResponse:
    """Every rule in its order."""
    found = LaneRule.objects.select_related("category", "senior", "changed_by")
    words = (dict(RiskGrade.choices), dict(CustomerTier.choices), dict(SpecialGroup.choices))
    lines = [
        (
            rule,
            [
                str(known[code])
                for known, code in zip(words, (rule.risk_grade, rule.customer_tier, rule.special_group), strict=True)
                if code in known
            ],
            routing.split_words(rule.words),
        )
        for rule in found
    ]
    return render(request, "complaints/settings/lanes.html", {"lines": lines})


@needs(*rules.EDIT_RULES)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Add or change a rule. It is saved only after its effect on past cases was shown."""
    rule = get_object_or_404(LaneRule.objects.select_related("category", "senior"), pk=pk) if pk else None
    form = LaneRuleForm(request.POST if request.method == "POST" else None, rule=rule)
    if not form.is_bound:
        return _page(request, form, rule)
    if not form.is_valid():
        return _page(request, form, rule, status=422)
    if form.cleaned_data["seen"] != _seen(form):
        return _page(request, form, rule, status=422, must_look=True, **_trial(form, rule))
    saved = rules.save_lane_rule(pk, by=request.user, **form.values())
    messages.success(request, _("Saved: %(name)s") % {"name": saved.name})
    return redirect("complaints:lanes")


def _page(
    request: StaffRequest, form: LaneRuleForm, rule: LaneRule | None, *, status: int = 200, **extra: Any
) -> HttpResponse:
    context = {"form": form, "rule": rule, **extra}
    return render(request, "complaints/settings/lane_edit.html", context, status=status)


@needs(*rules.EDIT_RULES)
@require_POST
def preview(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """What the rule on the page would have done to past cases, while it is written."""
    rule = get_object_or_404(LaneRule, pk=pk) if pk else None
    form = LaneRuleForm(request.POST, rule=rule)
    form.is_valid()
    wrong = {"category", "risk_grade", "customer_tier", "special_group", "words"} & set(form.errors)
    return render(request, "complaints/settings/_lane_trial.html", {} if wrong else _trial(form, rule))


def _trial(form: LaneRuleForm, rule: LaneRule | None) -> dict[str, Any]:
    active = lanes.active_rules()
    before = active if rule is None else [row for row in active if (row.order, row.pk) < (rule.order, rule.pk)]
    return {"trial": lanes.try_rule(form.conditions(), before=before), "seen": _seen(form)}


def _seen(form: LaneRuleForm) -> str:
    """A mark of the conditions, so that a change shows its effect anew."""
    asked = form.conditions()
    parts = [asked.category_id or "", asked.risk_grade, asked.customer_tier, asked.special_group, *asked.words]
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]


@needs(*rules.EDIT_RULES)
@require_POST
def move(request: StaffRequest, pk: int) -> HttpResponse:
    """One place up or down."""
    get_object_or_404(LaneRule, pk=pk)
    rules.move_lane_rule(pk, by=request.user, up=request.POST.get("to") == "up")
    return redirect("complaints:lanes")


@needs(*rules.EDIT_RULES)
@require_POST
def switch(request: StaffRequest, pk: int) -> HttpResponse:
    """In force, or out of it."""
    get_object_or_404(LaneRule, pk=pk)
    rules.switch_lane_rule(pk, by=request.user, on=request.POST.get("on") == "yes")
    return redirect("complaints:lanes")


# --- Tiers --------------------------------------------------------------------------------------------
@needs("complaints.use_desk")
@require_safe
def tier_list(request: StaffRequest) -> HttpResponse:
    """What each tier gets, and how long everybody waits; open to the whole staff (SPG-08)."""
    may_edit = any(request.user.has_perm(name) for name in tiers.EDITORS)
    context = {**tiers.page(now=timezone.now()), "may_edit": may_edit}
    return render(request, "complaints/settings/tiers.html", context)


@needs(*tiers.EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def tier_edit(request: StaffRequest, code: str) -> HttpResponse:
    """Say what a tier gets, or switch it off."""
    if code not in tiers.OFFERED:
        raise Http404
    row = TierService.objects.select_related("manager").filter(tier=code).first()
    form = TierForm(request.POST if request.method == "POST" else None, row=row, seen=tiers.stamp(row))
    status, problem = 200, ""
    if form.is_bound and form.is_valid():
        try:
            tiers.save(code, by=request.user, at=timezone.now(), **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("complaints:tiers")
        except InvalidInput as error:
            form.show(error)
        except StaleVersion:
            status, problem = 409, _("Somebody else changed this since; open the page again.")
    if form.errors:
        status = 422
    context = {"form": form, "label": CustomerTier(code).label, "problem": problem, "is_allowed": tiers.is_allowed()}
    return render(request, "complaints/settings/tier_edit.html", context, status=status)


# --- The lane of a case -------------------------------------------------------------------------------
@login_required
@require_safe
def case_lane(request: StaffRequest, number: str) -> HttpResponse:
    """Which way the case goes, why, who is responsible, and the shortened waits it aims at."""
    complaint = case_access.visible_case(request.user, number)
    case_records.load(complaint)
    row = lanes.standing(complaint)
    service = tiers.service_of(complaint)
    context = {
        "complaint": complaint,
        "active": "cases",
        "badge": case_page.badge(complaint),
        "row": row,
        "ended": getattr(complaint, "lane", None) if row is None else None,
        "service": service,
        "targets": lanes.targets(complaint) if row else [],
        "may_change": request.user.has_perm(lanes.COORDINATE) and complaint.is_open,
        "offers_senior": bool(complaint.accused_staff.all()) and not lanes.is_senior(row),
    }
    return render(request, "complaints/lanes/case.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def change_case(request: StaffRequest, number: str, kind: str) -> HttpResponse:
    """Put the case on a lane, or take it off."""
    complaint = case_access.visible_case(request.user, number)
    if not request.user.has_perm(lanes.COORDINATE):
        case_access.refuse(request, complaint, kind, _("Your role does not allow this."))
    initial = {"lane": "senior", "is_about_conduct": True} if request.GET.get("conduct") else {}
    data = request.POST if request.method == "POST" else None
    form = CASE_FORMS[kind](data, complaint=complaint, user=request.user, initial=initial)
    return case_page.take_record(request, form, kind, back="complaints:case_lane")

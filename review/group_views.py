"""Pages of the review group's register and its turns of duty (REV-07…11)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import IllegalTransition, InvalidInput, StaleVersion
from accounts.web import StaffRequest
from complaints import keyset
from complaints.desk_access import needs
from review import duty, group
from review.group_forms import AssessForm, EndForm, EnterForm, RenewForm, TurnForm
from review.models import DutyTurn, GroupMember

READ = ("review.review_case", "review.view_sample")
PAGE_SIZE = 50


@needs(*READ)
@require_safe
def register(request: StaffRequest) -> HttpResponse:
    """Who belongs to the group now, with the three conditions and what is wrong; and who belonged to it."""
    now = timezone.now()
    day = timezone.localdate(now)
    rows = list(group.entries(day=day).order_by("entered_at", "pk"))
    work = duty.loads([row.user_id for row in rows], at=now)
    after = request.GET.get("after", "")
    ended = GroupMember.objects.exclude(ended_at=None).select_related("user", "ended_by")
    former, following = keyset.by_key(ended, after, size=PAGE_SIZE)
    order = ["leader", "deputy", "member"]
    context = {
        "rows": [
            (row, group.why_not(row, day=day), work[row.user_id], row.certificate_until <= day + group.WARN_BEFORE)
            for row in sorted(rows, key=lambda row: order.index(row.role))
        ],
        "warnings": group.warnings(rows, day=day),
        "former": former,
        "next": following,
        "after": after,
        "may_edit": request.user.has_perm(group.LEAD),
    }
    return render(request, "review/group.html", context)


@needs(group.LEAD)
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: StaffRequest) -> HttpResponse:
    """Enter a person in the register."""
    form = EnterForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            row = group.enter(by=request.user, **form.cleaned_data)
            messages.success(request, _("Saved: %(name)s") % {"name": row.user.display_name})
            return redirect("review:group_member", row.pk)
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
    return render(request, "review/group_enter.html", {"form": form}, status=422 if form.errors else 200)


FORMS: dict[str, tuple[type[Any], Callable[..., Any]]] = {
    "renew": (RenewForm, group.renew),
    "assess": (AssessForm, group.assess),
    "turn": (TurnForm, duty.add_turn),
    "end": (EndForm, group.end),
}


@needs(*READ)
@require_http_methods(["GET", "HEAD", "POST"])
def member(request: StaffRequest, pk: int) -> HttpResponse:
    """One entry: the conditions, the turns of duty, and for the head what can be changed."""
    rows = GroupMember.objects.select_related("user", "lent_by", "assessed_by", "entered_by", "ended_by")
    row = get_object_or_404(rows, pk=pk)
    asked = request.POST.get("do", "") if request.method == "POST" else ""
    filled: forms.Form | None = None
    status, problem = (200, "") if request.method != "POST" or asked in FORMS else (422, _("This form is not known."))
    if asked in FORMS:
        form_class, change = FORMS[asked]
        filled = form_class(request.POST, member=row)
        status = 422
        try:
            if filled is not None and filled.is_valid():
                change(row.pk, by=request.user, **filled.cleaned_data)
                messages.success(request, _("Saved: %(name)s") % {"name": row.user.display_name})
                return redirect("review:group_member", row.pk)
        except InvalidInput as error:
            assert filled is not None
            filled.add_error(error.field if error.field in filled.fields else None, str(error))
        except (IllegalTransition, StaleVersion) as error:
            status, problem = 409, str(error)
            row = rows.get(pk=pk)
            data = request.POST.copy()
            data["version"] = str(row.version)
            filled = form_class(data, member=row)
    may_edit = request.user.has_perm(group.LEAD) and row.ended_at is None
    day = timezone.localdate()
    entry = group.entries(day=day).filter(pk=pk).first()
    context = {
        "member": row,
        "why_not": group.why_not(entry, day=day) if entry else "",
        "turns": row.turns.select_related("by"),
        "today": day,
        "holds_from": group.holds_from(row.experience_since),
        "problem": problem,
        "filled": filled,
        "may_edit": may_edit,
        "may_assess": may_edit and row.user_id != request.user.pk,
        # What was written about a person is for the head and the person.
        "shows_assessment": request.user.has_perm(group.LEAD) or row.user_id == request.user.pk,
        **{
            f"{name}_form": filled if filled is not None and name == asked else form_class(member=row)
            for name, (form_class, _change) in FORMS.items()
        },
    }
    return render(request, "review/group_member.html", context, status=status)


@needs(group.LEAD)
@require_POST
def end_turn(request: StaffRequest, pk: int) -> HttpResponse:
    """Today is the last day of a turn, or it does not begin at all."""
    turn = get_object_or_404(DutyTurn, pk=pk)
    try:
        duty.end_turn(turn.pk, by=request.user)
        messages.success(request, _("The turn is ended."))
    except IllegalTransition as error:
        messages.error(request, str(error))
    return redirect("review:group_member", turn.member_id)


@needs(*READ)
@require_safe
def calendar(request: StaffRequest) -> HttpResponse:
    """Who is on duty in this and the next quarter, and where too few are."""
    months, lines, gaps = duty.calendar(timezone.localdate())
    names = [f"{month:%Y-%m}" for month in months]
    context = {
        "months": names,
        "lines": [(row, list(zip(names, cells, strict=True))) for row, cells in lines],
        "gaps": gaps,
    }
    return render(request, "review/group_duty.html", context)

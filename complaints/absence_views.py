"""Pages about who hears what: how e-mails come, who is away and who stands in (SLA-12, SLA-13, CASE-10)."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import InvalidInput
from accounts.models import User
from accounts.web import StaffRequest
from complaints import digests, keyset, substitutes
from complaints.absence_forms import AbsenceForm, RhythmForm
from complaints.models import DutySlot, MailPreference, Substitution
from complaints.states import MailRhythm

PAGE_SIZE = 50
# Whoever is away now began before those who will be.
BY_BEGINNING = keyset.Order((keyset.Segment(Q(), "since"),))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: StaffRequest) -> HttpResponse:
    """How messages reach this person, who stands in, who watches the channels now."""
    now = timezone.now()
    kept = MailPreference.objects.filter(user=request.user).first()
    initial = {"rhythm": kept.rhythm if kept else MailRhythm.AT_ONCE}
    form = RhythmForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_bound and form.is_valid():
        digests.choose(request.user, form.cleaned_data["rhythm"], now=now)
        messages.success(request, _("Saved. It holds for messages from now on."))
        return redirect("complaints:notification_settings")
    going = substitutes.going(now).filter(since__lte=now).select_related("user", "substitute")
    context = {
        "form": form,
        "absences": going.filter(Q(user=request.user) | Q(substitute=request.user)),
        "duty": DutySlot.objects.filter(starts_at__lte=now, ends_at__gt=now).select_related("person"),
    }
    return render(request, "complaints/notification_settings.html", context, status=422 if form.errors else 200)


@login_required
@require_safe
def absences(request: StaffRequest) -> HttpResponse:
    """Who is away or will be, among the people whose absence this person may enter or stands in for."""
    now = timezone.now()
    after = request.GET.get("after", "")
    mine = Q(substitute=request.user) | Q(user__in=substitutes.people_of(request.user).values("pk"))
    rows = substitutes.going(now).filter(mine).select_related("user", "substitute", "by")
    found = keyset.page(rows, BY_BEGINNING, size=PAGE_SIZE, after=after)
    enters = _enters(request.user)
    context = {
        # Who stands in sees the absence but does not end it, unless it is one of their people's.
        "rows": [(row, row.since <= now, row.user_id == request.user.pk or enters) for row in found.rows],
        "next": found.after,
        "after": after,
    }
    return render(request, "complaints/substitutes.html", context)


def _enters(user: User) -> bool:
    return user.has_perm(substitutes.FOR_ALL) or user.has_perm(substitutes.LEAD)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: StaffRequest) -> HttpResponse:
    """Enter an absence: one's own, or that of one's people."""
    people = substitutes.people_of(request.user)
    person = _person(request)
    form = AbsenceForm(request.POST if request.method == "POST" else None, candidates=substitutes.candidates(person))
    if form.is_bound and form.is_valid():
        try:
            substitutes.add(user=person, by=request.user, **form.cleaned_data)
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            messages.success(request, _("The absence is entered; what presses also reaches the substitute."))
            return redirect("complaints:substitutes")
    context = {
        "form": form,
        "person": person,
        "people": people.order_by("staff_number") if _enters(request.user) else [],
        "has_candidates": substitutes.candidates(person).exists(),
    }
    return render(request, "complaints/substitute_add.html", context, status=422 if form.errors else 200)


def _person(request: StaffRequest) -> User:
    """Whose absence the page is about. Raises Http404 for somebody whose absence is not theirs to enter."""
    asked = request.POST.get("person") or request.GET.get("person") or str(request.user.pk)
    if not (asked.isascii() and asked.isdecimal() and len(asked) < 19):
        raise Http404
    return get_object_or_404(substitutes.people_of(request.user), pk=int(asked))


@login_required
@require_POST
def end(request: StaffRequest, pk: int) -> HttpResponse:
    """Somebody is back; a second click changes nothing."""
    row = get_object_or_404(Substitution, pk=pk, user__in=substitutes.people_of(request.user).values("pk"))
    if substitutes.end(row.pk, by=request.user):
        messages.success(request, _("The absence is ended."))
    return redirect("complaints:substitutes")

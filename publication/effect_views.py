"""Desk pages about the effect of publications, corrections, leaks and lessons (PUB-20, PUB-34…37, PUB-46)."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.web import StaffRequest
from complaints import keyset
from complaints.desk_access import needs
from publication import breaches, effects, lessons, permissions, results
from publication.echo_forms import BreachCloseForm, BreachForm, CorrectionForm
from publication.echo_pages import PAGE_SIZE, settle
from publication.models import Breach, Publication, PublishedResult
from publication.results import Filters
from publication.states import PublicationStatus

SEE = "publication.view_publications"


# --- Effects ------------------------------------------------------------------------------------------
@needs(SEE)
@require_safe
def effect_list(request: StaffRequest) -> HttpResponse:
    """What every publication reached and how far its improvements are, newest first."""
    after = request.GET.get("after", "")
    found, following = keyset.by_key(effects.listed(request.user), after, size=PAGE_SIZE)
    reach = effects.reach_of(found)
    promises = effects.promises_of(found, at=timezone.now())
    rows = [(row, reach[row.number], promises[row.pk]) for row in found]
    return render(request, "publication/effects.html", {"rows": rows, "next": following, "after": after})


@needs(SEE)
@require_safe
def effect(request: StaffRequest, number: str) -> HttpResponse:
    """The effect of one publication, every figure with the number of cases behind it."""
    at = timezone.now()
    publication = get_object_or_404(effects.listed(request.user).select_related("category"), number=number)
    improvements = list(publication.improvements.select_related("department").order_by("due_on", "pk"))
    shown = PublishedResult.objects.filter(publication_number=number, withdrawn_at=None).order_by("-pk").first()
    repeat, volume = effects.repeat(publication, at=at), effects.volume(publication, at=at)
    context = {
        "publication": publication,
        "result": shown,
        "reach": effects.reach_of([publication])[number],
        "ways": effects.ways_of(publication),
        "repeat": repeat,
        "shares": [(_("before"), repeat.before), (_("after"), repeat.after)] if repeat else [],
        "volume": volume,
        "least": effects.LEAST,
        "improvements": improvements,
        "today": timezone.localdate(at),
        "is_behind": shown is not None and effects.is_behind(shown.improvements, improvements),
        "is_effect_behind": shown is not None and shown.effect != effects.of_public(publication, at=at),
        "may_update": permissions.can(request.user, "update_progress", publication),
        "may_correct": publication.status == PublicationStatus.POSTED
        and permissions.can(request.user, "publish", publication),
        "may_record_breach": request.user.has_perm(breaches.TAKE_DOWN),
    }
    return render(request, "publication/effect.html", context)


# --- Corrections and leaks ----------------------------------------------------------------------------
@needs("publication.publish")
@require_http_methods(["GET", "HEAD", "POST"])
def correction(request: StaffRequest, number: str) -> HttpResponse:
    """Say in public that a result was corrected; the old wording is shown nowhere."""
    publication = get_object_or_404(Publication.objects.visible_to(request.user), number=number)
    form = CorrectionForm(request.POST if request.method == "POST" else None)
    status, problem = 200, ""
    if form.is_bound:
        status, problem = settle(form, lambda **values: breaches.correct(publication.pk, by=request.user, **values))
        if status == 302:
            messages.success(request, _("The note stands with the result now."))
            return redirect("publication:effect", number)
    context = {"publication": publication, "form": form, "problem": problem}
    return render(request, "publication/correction.html", context, status=status)


@needs(breaches.TAKE_DOWN)
@require_http_methods(["GET", "HEAD", "POST"])
def breach_new(request: StaffRequest, number: str) -> HttpResponse:
    """Take a notice down because it shows personal data, and open the record of it."""
    publication = get_object_or_404(Publication, number=number, posted_at__isnull=False)
    form = BreachForm(request.POST if request.method == "POST" else None)
    status, problem, made = 200, "", []
    if form.is_bound:
        status, problem = settle(
            form, lambda **values: made.append(breaches.record(publication.pk, by=request.user, **values))
        )
        if made:
            messages.success(request, _("The notice is down and the leak is recorded."))
            return redirect("publication:breach", made[0].pk)
    context = {"publication": publication, "form": form, "problem": problem}
    return render(request, "publication/breach_new.html", context, status=status)


@needs(*breaches.READERS)
@require_safe
def breach_list(request: StaffRequest) -> HttpResponse:
    """The records of leaks, newest first."""
    after = request.GET.get("after", "")
    found, following = keyset.by_key(breaches.listed(), after, size=PAGE_SIZE)
    return render(request, "publication/breaches.html", {"rows": found, "next": following, "after": after})


@needs(*breaches.READERS)
@require_http_methods(["GET", "HEAD", "POST"])
def breach(request: StaffRequest, pk: int) -> HttpResponse:
    """One record of a leak; another person closes it with what was done."""
    row: Breach = get_object_or_404(breaches.listed(), pk=pk)
    form = BreachCloseForm(request.POST if request.method == "POST" else None)
    status, problem = 200, ""
    if form.is_bound:
        status, problem = settle(form, lambda **values: breaches.close(pk, by=request.user, **values))
        if status == 302:
            messages.success(request, _("Saved."))
            return redirect("publication:breach", pk)
        row.refresh_from_db()
    context = {"row": row, "form": form, "problem": problem, "refusal": breaches.close_refusal(row, request.user)}
    return render(request, "publication/breach.html", context, status=status)


# --- Lessons ------------------------------------------------------------------------------------------
@needs(lessons.READ)
@require_safe
def lesson_list(request: StaffRequest) -> HttpResponse:
    """Published results by kind of work; those of the own departments unless something else is chosen (PUB-46)."""
    at = timezone.now()
    filters = Filters.parse(request.GET)
    is_own = not filters.parameters() and "all" not in request.GET
    if is_own:
        filters = Filters(department=lessons.own_codes(request.user))
    place = {"after": request.GET.get("after", ""), "before": request.GET.get("before", "")}
    page = results.page(filters, at=at, size=lessons.PAGE_SIZE, **place)
    here = request.GET.copy()
    for name in place:
        here.pop(name, None)
    found = lessons.choices(at=at)
    context = {
        "rows": [(row, results.path_of(row.public_id)) for row in page.rows],
        "filters": filters,
        "is_own": is_own,
        "departments": found.departments,
        "categories": found.categories,
        "steps": lessons.steps(filters.department),
        "previous_url": f"?{here.urlencode()}&before={page.before}" if page.before else "",
        "next_url": f"?{here.urlencode()}&after={page.after}" if page.after else "",
    }
    return render(request, "publication/lessons.html", context)

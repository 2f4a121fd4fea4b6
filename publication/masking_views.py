"""The settings page of the masking profiles: read them, propose a change, decide on somebody else's (PR-08)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.web import StaffRequest
from complaints.desk_access import needs
from publication import masking
from publication.masking_forms import MANNERS, TYPE_LABELS, DecisionForm, MaskingForm
from publication.models import MaskingRevision
from publication.redaction import PROFILES, TYPES, masks
from publication.states import MaskingState

_WITH_PEOPLE = ("proposed_by", "decided_by")


def _tries(request: HttpRequest) -> bool:
    """An example changes nothing."""
    return "preview" in request.POST


@needs(*masking.READERS)
@require_http_methods(["GET", "HEAD"])
def index(request: StaffRequest) -> HttpResponse:
    """Both profiles: what is written now, every revision, and what waits for a decision."""
    known = list(MaskingRevision.objects.select_related(*_WITH_PEOPLE).order_by("profile", "-revision"))
    profiles = []
    for profile in PROFILES:
        current = masking.in_force(profile)
        revisions = [row for row in known if row.profile == profile]
        rows = masking.rows_of(current, profile)
        profiles.append(
            {
                "code": profile,
                "label": revisions[0].get_profile_display() if revisions else profile,
                "current": current,
                "revisions": revisions,
                "waiting": next((row for row in revisions if row.state == MaskingState.PROPOSED), None),
                "rows": [(TYPE_LABELS[kind], rows[kind].token, MANNERS[rows[kind].manner]) for kind in TYPES],
            }
        )
    context = {"profiles": profiles, "may_edit": masking.may_edit(request.user)}
    return render(request, "publication/masking.html", context)


@needs(*masking.EDITORS, only_looks=_tries)
@require_http_methods(["GET", "HEAD", "POST"])
def propose(request: StaffRequest, profile: str) -> HttpResponse:
    """Edit the wordings of a profile, try them on an example, and propose them."""
    newest = MaskingRevision.objects.filter(profile=profile).order_by("-revision").first()
    if newest is None:
        raise Http404
    rows = masking.rows_of(masking.in_force(profile), profile)
    data = request.POST if request.method == "POST" else None
    form = MaskingForm(data, profile=profile, rows=rows, newest=newest.revision)
    status, problem, tried = 200, "", None
    if form.is_bound:
        status, problem, tried = _propose(request, form)
        if not status:
            messages.success(request, _("Proposed. It waits for the decision of another person."))
            return redirect("publication:masking")
    context = {
        "form": form,
        "problem": problem,
        "tried": tried,
        "label": newest.get_profile_display(),
        "words": [masks.KINDS, masks.WHOSE, masks.FILLERS, masks.HIDING],
    }
    return render(request, "publication/masking_propose.html", context, status=status)


def _propose(request: StaffRequest, form: MaskingForm) -> tuple[int, str, str | None]:
    """(0, "", None) when it was proposed; else the status of the page, what stands above it and the example masked."""
    trying = "preview" in request.POST
    if trying:
        form.fields["reason"].required = False
    if not form.is_valid():
        return 422, "", None
    try:
        if trying:
            return 200, "", form.tried()
        form.save(request.user)
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return 422, "", None
    except (StaleVersion, IllegalTransition) as error:
        return 409, str(error), None
    return 0, "", None


@needs(*masking.READERS)
@require_http_methods(["GET", "HEAD", "POST"])
def revision(request: StaffRequest, pk: int) -> HttpResponse:
    """One revision beside the one before it, and the decision on it."""
    row = get_object_or_404(MaskingRevision.objects.select_related(*_WITH_PEOPLE), pk=pk)
    form = DecisionForm(request.POST if request.method == "POST" else None)
    status, problem = 200, ""
    if form.is_bound:
        status, problem = _decide(request, row, form)
        if not status:
            messages.success(request, _("Saved."))
            return redirect("publication:masking_revision", row.pk)
    earlier = MaskingRevision.objects.filter(
        profile=row.profile, revision__lt=row.revision, state=MaskingState.APPROVED
    ).order_by("-revision")
    before = earlier.first()
    context: dict[str, Any] = {
        "row": row,
        "before": before,
        "form": form,
        "problem": problem,
        "lines": _lines(row, before),
        "may_decide": masking.may_decide(request.user, row),
        "may_take_back": row.state == MaskingState.PROPOSED and row.proposed_by_id == request.user.pk,
    }
    return render(request, "publication/masking_revision.html", context, status=status)


def _decide(request: StaffRequest, row: MaskingRevision, form: DecisionForm) -> tuple[int, str]:
    """(0, "") when it was done; else the status of the page and what stands above it."""
    if not form.is_valid():
        return 422, ""
    action = request.POST.get("action", "")
    try:
        if action == "take_back":
            masking.take_back(row.pk, by=request.user)
        elif action in ("approve", "decline"):
            masking.decide(row.pk, approve=action == "approve", note=form.cleaned_data["note"], by=request.user)
        else:
            return 422, _("Choose what to do.")
    except InvalidInput as error:
        form.add_error("note" if error.field == "note" else None, str(error))
        return 422, ""
    except NotAllowed as error:
        return 403, str(error)
    except (StaleVersion, IllegalTransition) as error:
        return 409, str(error)
    return 0, ""


def _lines(row: MaskingRevision, before: MaskingRevision | None) -> list[dict[str, Any]]:
    """Every type with what it had and has; what differs is marked."""
    rows = masking.rows_of(row, row.profile)
    earlier = masking.rows_of(before, row.profile) if before else rows
    return [
        {
            "label": TYPE_LABELS[kind],
            "token": rows[kind].token,
            "manner": MANNERS[rows[kind].manner],
            "old_token": earlier[kind].token,
            "old_manner": MANNERS[earlier[kind].manner],
            "differs": rows[kind] != earlier[kind],
        }
        for kind in TYPES
    ]

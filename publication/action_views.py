"""Actions on a publication, each a page with the text it is about, and the previews.

Signing, publishing and taking down show exactly what the public would read; a signature names its hash.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.web import StaffRequest
from publication import composer, content, public_views, transitions
from publication.forms import ACTION_FORMS, VersionForm
from publication.models import Publication
from publication.states import MOVES, PublicationStatus
from publication.views import NAMED, refuse, require, result_of, show, visible


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def action(request: StaffRequest, number: str, action: str) -> HttpResponse:
    """One action: what it is about to do with exactly which text, its form, and doing it."""
    if action not in ACTION_FORMS:
        raise Http404
    publication = _for_action(request, number, action)
    require(request, publication, action)
    form = ACTION_FORMS[action](request.POST if request.method == "POST" else None, publication=publication)
    if publication.status not in MOVES[action].sources:
        problem = _("“%(action)s” is not possible: the publication is “%(status)s”.") % {
            "action": MOVES[action].label,
            "status": publication.get_status_display(),
        }
        return _action_page(request, publication, action, form, status=409, problem=problem)
    if not form.is_bound:
        return _action_page(request, publication, action, form)
    if not form.is_valid():
        return _action_page(request, publication, action, form, status=422)
    try:
        done = transitions.ACTIONS[action](publication.pk, by=request.user, **form.arguments())
    except StaleVersion:
        fresh = _for_action(request, number, action)
        return _action_page(request, fresh, action, _renewed(form, fresh), status=409, has_conflict=True)
    except IllegalTransition as error:
        return _action_page(request, publication, action, form, status=409, problem=str(error))
    except InvalidInput as error:
        if error.field in form.fields:
            form.add_error(error.field, str(error))
            return _action_page(request, publication, action, form, status=422)
        return show(request, publication, status=422, problems={error.field: str(error)})
    except NotAllowed as error:
        refuse(request, publication.number, action, str(error))
    messages.success(request, _("Done: %(action)s") % {"action": MOVES[action].label})
    if not request.user.has_perm("publication.view_publications"):
        return redirect("publication:list")
    return redirect("publication:detail", done.number if isinstance(done, Publication) else publication.number)


def _for_action(request: StaffRequest, number: str, action: str) -> Publication:
    """Taking down is open to more people than reading drafts: they find what is posted (matrix, takedown)."""
    user = request.user
    if (
        action == "take_down"
        and not user.has_perm("publication.view_publications")
        and user.has_perm("publication.takedown")
    ):
        return get_object_or_404(
            Publication.objects.select_related(*NAMED), number=number, status=PublicationStatus.POSTED
        )
    return visible(request, number)


def _renewed(form: VersionForm, publication: Publication) -> VersionForm:
    """The form with what was typed, for the content that is there now; signing it needs reading it again."""
    data = form.typed()
    data["version"] = str(publication.version)
    if "content_hash" in form.fields:
        data["content_hash"] = content.content_hash(publication)
    renewed = type(form)(data, publication=publication)
    renewed.is_valid()
    return renewed


def _action_page(
    request: StaffRequest, publication: Publication, action: str, form: VersionForm, *, status: int = 200, **extra: Any
) -> HttpResponse:
    now = timezone.now()
    posted = result_of(publication)
    reads_drafts = request.user.has_perm("publication.view_publications")
    shown = (
        posted
        if action == "take_down" and posted
        else composer.as_published(publication, at=now)
        if reads_drafts
        else None
    )
    context = {
        "publication": publication,
        "name": shown.title if shown else publication.number,
        "action": action,
        "label": composer.label_of(action),
        "form": form,
        "danger": action in ("take_down", "abandon"),
        "possible": publication.status in MOVES[action].sources,
        "reads_drafts": reads_drafts,
        "shown": public_views.article(shown, at=now) if shown else None,
        "content_hash": shown.content_hash if shown else "",
        **extra,
    }
    return render(request, "publication/action.html", context, status=status)


# --- Preview --------------------------------------------------------------------------------------


@login_required
@require_safe
def preview(request: StaffRequest, number: str) -> HttpResponse:
    """Exactly the page the public would read; kept by no cache and listed by no search engine (PR-19)."""
    publication = visible(request, number)
    found = composer.as_published(publication, at=timezone.now())
    note = {"title": _("Preview"), "text": _("Only staff see this page. It is not published.")}
    return _hidden(
        render(
            request, "public/results/detail.html", public_views.article(found, at=timezone.now()) | {"preview": note}
        )
    )


@login_required
@require_safe
def preview_poster(request: StaffRequest, number: str) -> HttpResponse:
    """The sheet for the notice board as it would be printed."""
    publication = visible(request, number)
    found = composer.as_published(publication, at=timezone.now())
    context = public_views.sheet(found, size=request.GET.get("size", ""), at=timezone.now())
    back = reverse("publication:detail", args=[publication.number])
    return _hidden(render(request, "public/results/poster.html", context | {"preview": True, "back_url": back}))


def _hidden(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return response

"""Pages beside the texts of a publication (gate, cases, chart, community, documents) and the list of vague words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.errors import IllegalTransition, InvalidInput, StaleVersion
from accounts.web import StaffRequest
from complaints.desk_access import needs
from publication import vague_words
from publication.models import VagueWord
from publication.side_forms import FIELDS, PAGES, VagueWordEditForm, VagueWordForm
from publication.views import require, visible


def _saved(form: forms.Form, save: Callable[[], Any]) -> tuple[int, str]:
    """(0, "") when the form was saved; else the status of its page and what stands above it."""
    if not form.is_bound:
        return 200, ""
    if not form.is_valid():
        return 422, ""
    try:
        save()
    except InvalidInput as error:
        name = error.field if error.field in form.fields else FIELDS.get(error.field)
        form.add_error(name if name in form.fields else None, str(error))
        return 422, ""
    except (StaleVersion, IllegalTransition) as error:
        return 409, str(error)
    return 0, ""


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: StaffRequest, number: str, page: str) -> HttpResponse:
    """One of the pages beside the texts, for who composes the publication."""
    publication = visible(request, number)
    if page not in PAGES:
        raise Http404
    require(request, publication, "edit")
    form = PAGES[page](request.POST if request.method == "POST" else None, publication=publication, user=request.user)
    status, problem = _saved(form, form.save)
    if not status:
        messages.success(request, str(form.done))
        return redirect("publication:detail", publication.number)
    context = {"publication": publication, "form": form, "problem": problem, "blocks": form.blocks()}
    return render(request, "publication/side.html", context, status=status)


@needs(vague_words.EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def words(request: StaffRequest) -> HttpResponse:
    """The words that promise nothing, with what to write instead, and one more (PUB-10)."""
    form = VagueWordForm(request.POST if request.method == "POST" else None)
    status, problem = _saved(form, lambda: form.save(request.user))
    if not status:
        messages.success(request, _("Saved: %(name)s") % {"name": form.cleaned_data["word"]})
        return redirect("publication:vague_words")
    rows = VagueWord.objects.select_related("changed_by").order_by("-is_active", "-asks_date", "word")
    context = {"form": form, "problem": problem, "rows": rows}
    return render(request, "publication/vague_words.html", context, status=status)


@needs(vague_words.EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def word(request: StaffRequest, pk: int) -> HttpResponse:
    """Change one word of the list."""
    row = get_object_or_404(VagueWord, pk=pk)
    form = VagueWordEditForm(request.POST if request.method == "POST" else None, row=row)
    status, problem = _saved(form, lambda: form.save(request.user))
    if not status:
        messages.success(request, _("Saved: %(name)s") % {"name": row.word})
        return redirect("publication:vague_words")
    return render(request, "publication/vague_word.html", {"form": form, "problem": problem, "row": row}, status=status)

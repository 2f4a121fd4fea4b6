"""The attachments of a publication: choosing files, drawing boxes, looking at the copies (PUB-21).

Pages of an original are shown only to who may write the publication and open originals; copies to whoever sees the
publication.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import InvalidInput, NotAllowed, StaleVersion
from accounts.web import StaffRequest
from complaints import files
from complaints.models import StoredFile
from publication import attachments, boxes, composer, content_files, permissions, rendering, transitions
from publication.attachment_forms import NAMES, Boxes, ChooseForm, LookForm, PageForm, WordsForm
from publication.models import Publication, PublicationFile
from publication.states import MOVES, RenderState
from publication.views import refuse, require, visible

_ORIGINALS = "complaints.view_original"


def _may_edit(request: StaffRequest, publication: Publication) -> bool:
    return publication.status in MOVES["edit"].sources and permissions.can(request.user, "edit", publication)


def _file(publication: Publication, pk: int) -> PublicationFile:
    """Raises Http404."""
    rows = publication.files.select_related("source__file", "rendered", "added_by", "looked_at_by")
    return get_object_or_404(rows, pk=pk)


@dataclass(frozen=True)
class Row:
    """A chosen file with what its state means to people."""

    file: PublicationFile
    tone: str
    words: str

    @property
    def pages(self) -> range:
        return range(1, self.file.pages + 1)


def rows_of(publication: Publication) -> list[Row]:
    """The chosen files in their order."""
    found = publication.files.select_related("added_by", "looked_at_by", "source")
    return [Row(row, *_state(row)) for row in found]


def _state(row: PublicationFile) -> tuple[str, str]:
    if row.state == RenderState.READY and row.problem:
        return "bad", _("to be covered")
    if row.state == RenderState.READY:
        return ("ok", _("looked at")) if row.looked_at_by_id else ("info", _("copy to be looked at"))
    if row.state == RenderState.IMPOSSIBLE:
        return "bad", _("cannot be published")
    return "warn", _("copy is being made")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: StaffRequest, number: str) -> HttpResponse:
    """The files chosen, how far their copies are, and the form to choose another."""
    publication = visible(request, number)
    form = ChooseForm(request.POST or None, publication=publication)
    if request.method == "POST":
        require(request, publication, "edit")
        if form.is_valid():
            try:
                row = attachments.add(publication.pk, by=request.user, **form.arguments())
            except InvalidInput as error:
                form.add_error(error.field if error.field in form.fields else None, str(error))
            except StaleVersion:
                return _index(request, visible(request, number), form, status=409, has_conflict=True)
            else:
                messages.success(
                    request, _("Chosen. Its copy is being made; then draw boxes over what nobody may see.")
                )
                return redirect("publication:file", publication.number, row.pk)
        return _index(request, publication, form, status=422)
    return _index(request, publication, form)


def _index(
    request: StaffRequest, publication: Publication, form: ChooseForm, *, status: int = 200, **extra: Any
) -> HttpResponse:
    if extra.get("has_conflict"):
        form = _renewed(form, publication)
    rows = rows_of(publication)
    done = sum(row.file.state != RenderState.WAITING for row in rows)
    context = {
        "publication": publication,
        "form": form,
        "may_edit": _may_edit(request, publication),
        "may_look": not permissions.may_not_look(request.user, publication),
        "rows": rows,
        "done": done,
        "percent": round(100 * done / len(rows)) if rows else 100,
        "is_waiting": done < len(rows),
        "limit": content_files.MOST_FILES,
        **extra,
    }
    return render(request, "publication/files.html", context, status=status)


def _renewed(form: Any, publication: Publication) -> Any:
    """What was typed, with the version that is current now."""
    data = form.typed()
    data["version"] = str(publication.version)
    renewed = type(form)(data, publication=publication)
    renewed.is_valid()
    return renewed


# --- One file -------------------------------------------------------------------------------------
@login_required
@require_safe
def file(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    """The page of a file where boxes are drawn; ?page= for another page."""
    publication = visible(request, number)
    require(request, publication, "edit")
    _require_originals(request, publication)
    return _show(request, publication, _file(publication, pk))


def _require_originals(request: StaffRequest, publication: Publication) -> None:
    """Raises NotAllowed."""
    if not request.user.has_perm(_ORIGINALS):
        refuse(request, publication.number, _ORIGINALS, _("Your role does not allow this."))


def _page_number(request: StaffRequest, row: PublicationFile) -> int:
    asked = request.POST.get("page") or request.GET.get("page") or "1"
    number = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 5 else 1
    return min(max(number, 1), max(row.pages, 1))


def _show(
    request: StaffRequest,
    publication: Publication,
    row: PublicationFile,
    *,
    status: int = 200,
    words_form: WordsForm | None = None,
    page_form: PageForm | None = None,
    box_forms: Any = None,
    **extra: Any,
) -> HttpResponse:
    page = _page_number(request, row)
    here = [box for box in row.boxes if box["page"] == page]
    percents = [{name: round(box[name] * 100, 2) for name in NAMES} for box in here]
    words = {"title": row.title, "description": row.description}
    context = {
        "publication": publication,
        "file": row,
        "state": Row(row, *_state(row)),
        "page": page,
        "pages": range(1, max(row.pages, 1) + 1),
        "is_drawable": row.source.file.content_type in rendering.KINDS and row.state != RenderState.IMPOSSIBLE,
        "why": _(row.problem) if row.problem else "",
        "drawn": percents,
        "words_form": words_form or WordsForm(publication=publication, initial=words),
        "page_form": page_form or PageForm(publication=publication, initial={"page": page}),
        "box_forms": box_forms if box_forms is not None else Boxes(initial=percents),
        "proposals": _proposals(publication, row, page),
        "may_edit": publication.status in MOVES["edit"].sources,
        **extra,
    }
    return render(request, "publication/file.html", context, status=status)


def _proposals(publication: Publication, row: PublicationFile, page: int) -> list[tuple[boxes.Proposal, str]]:
    if row.state == RenderState.IMPOSSIBLE:
        return []
    try:
        text = rendering.words(row.source.file, page)
    except (rendering.Impossible, FileNotFoundError, files.Quarantined):
        return []
    return [(each, composer.kind_label(each.kind)) for each in boxes.proposed(publication, page, text, row.boxes)]


@login_required
@require_POST
def words(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    """Save what readers see beside the file."""
    publication = visible(request, number)
    require(request, publication, "edit")
    _require_originals(request, publication)
    row = _file(publication, pk)
    form = WordsForm(request.POST, publication=publication)
    if not form.is_valid():
        return _show(request, publication, row, status=422, words_form=form)
    try:
        attachments.describe(publication.pk, by=request.user, file_id=row.pk, **form.arguments())
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return _show(request, publication, row, status=422, words_form=form)
    except StaleVersion:
        fresh = visible(request, number)
        return _show(request, fresh, _file(fresh, pk), status=409, words_form=_renewed(form, fresh), has_conflict=True)
    messages.success(request, _("Saved."))
    return redirect("publication:file", publication.number, row.pk)


@login_required
@require_POST
def draw(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    """Save the boxes of one page; the copy is made anew."""
    publication = visible(request, number)
    require(request, publication, "edit")
    _require_originals(request, publication)
    row = _file(publication, pk)
    page_form, box_forms = PageForm(request.POST, publication=publication), Boxes(request.POST)
    if not (page_form.is_valid() and box_forms.is_valid()):
        return _show(request, publication, row, status=422, page_form=page_form, box_forms=box_forms)
    drawn = [box for box in (form.box() for form in box_forms) if box] + page_form.taken()
    page, version = page_form.cleaned_data["page"], page_form.cleaned_data["version"]
    try:
        attachments.draw(publication.pk, by=request.user, file_id=row.pk, page=page, boxes=drawn, version=version)
    except InvalidInput as error:
        page_form.add_error(None, str(error))
        return _show(request, publication, row, status=422, page_form=page_form, box_forms=box_forms)
    except StaleVersion:
        fresh = visible(request, number)
        return _show(
            request,
            fresh,
            _file(fresh, pk),
            status=409,
            page_form=_renewed(page_form, fresh),
            box_forms=box_forms,
            has_conflict=True,
        )
    messages.success(request, _("Saved. The copy is made anew; signatures given before are void."))
    return redirect(f"{request.path.removesuffix('boxes/')}?page={page}")


@login_required
@require_POST
def remove(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    """Leave a file out again; a stale version answers 409."""
    publication = visible(request, number)
    require(request, publication, "edit")
    version = request.POST.get("version", "")
    wanted = int(version) if version.isascii() and version.isdecimal() and len(version) < 9 else -1
    attachments.remove(publication.pk, by=request.user, file_id=_file(publication, pk).pk, version=wanted)
    messages.success(request, _("The file is left out."))
    return redirect("publication:files", publication.number)


# --- Looking --------------------------------------------------------------------------------------
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def look(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    """The copy page by page as the public would see it, and the confirmation that it shows nobody."""
    publication = visible(request, number)
    row = _file(publication, pk)
    reason = permissions.may_not_look(request.user, publication)
    if not reason and row.added_by_id == request.user.pk:
        reason = _("You chose this file; another person looks at its copy.")
    status = 200
    form = LookForm(request.POST or None, initial={"sha256": row.rendered_id or ""})
    has_conflict = False
    if request.method == "POST":
        if reason:
            refuse(request, publication.number, "see_file", reason)
        if form.is_valid():
            try:
                transitions.see_file(
                    publication.pk, by=request.user, file_id=row.pk, sha256=form.cleaned_data["sha256"]
                )
            except NotAllowed as error:
                refuse(request, publication.number, "see_file", str(error))
            except StaleVersion:
                row, has_conflict = _file(publication, pk), True
                form = LookForm(initial={"sha256": row.rendered_id or ""})
            else:
                messages.success(request, _("Recorded: you looked at this copy."))
                return redirect("publication:files", publication.number)
        status = 409 if has_conflict else 422
    context = {
        "publication": publication,
        "file": row,
        "state": Row(row, *_state(row)),
        "form": form,
        "reason": reason,
        "in_check": publication.status in MOVES["return_to_author"].sources,
        "has_conflict": has_conflict,
        "why": _(row.problem) if row.problem else "",
    }
    return render(request, "publication/file_look.html", context, status=status)


# --- Pictures of pages ----------------------------------------------------------------------------
@login_required
@require_safe
def original_page(request: StaffRequest, number: str, pk: int, order: int) -> HttpResponse:
    """One page of the original, to draw boxes on it."""
    publication = visible(request, number)
    require(request, publication, "edit")
    _require_originals(request, publication)
    row = _file(publication, pk)
    return _picture(row.source.file, order, row.pages)


@login_required
@require_safe
def copy_page(request: StaffRequest, number: str, pk: int, order: int) -> HttpResponse:
    """One page of the rendered copy."""
    row = _file(visible(request, number), pk)
    if row.rendered is None:
        raise Http404
    return _picture(row.rendered, order, row.pages, as_it_is=row.rendered.content_type == rendering.JPEG)


def _picture(stored: StoredFile, page: int, pages: int, *, as_it_is: bool = False) -> HttpResponse:
    """Raises Http404."""
    if not 1 <= page <= max(pages, 1):
        raise Http404
    try:
        if as_it_is:
            with files.open_file(stored) as opened:
                content = opened.read()
        else:
            content = rendering.page(stored, page)
    except (rendering.Impossible, FileNotFoundError):
        raise Http404 from None
    response = HttpResponse(content, content_type=rendering.JPEG)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Content-Disposition"] = 'inline; filename="page.jpg"'
    response["Cache-Control"] = "no-store"
    return response

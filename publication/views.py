"""The publication desk: lists, the composer, redaction decisions.

Every view starts from the publications the person may see (404 else). A refused action answers 403
with one row in the security log; a version or content that has moved on answers 409 with the typed
text kept; wrong input answers 422 at the field.
"""

from __future__ import annotations

from typing import Any, NoReturn

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import security
from accounts.errors import InvalidInput, NotAllowed, StaleVersion
from accounts.web import StaffRequest
from complaints import case_access
from publication import (
    combinations,
    composer,
    content,
    lists,
    permissions,
    readability,
    results,
    selectors,
    side_records,
    transitions,
)
from publication.forms import DecideForm, FigureForm, MaskForm, SpanForm, TextsForm, VersionForm
from publication.models import Publication, PublicationDecision, PublishedResult
from publication.states import MOVES, PublicationStatus

NAMED = ("complaint", "author", "category", "department", "first_checker", "second_checker", "masking_reviewer")


def visible(request: StaffRequest, number: str) -> Publication:
    """The publication with everything its page names. Raises Http404."""
    found: QuerySet[Publication] = Publication.objects.visible_to(request.user).select_related(*NAMED)
    rows = ("spans__decided_by", "figures", "improvements__department", "sign_offs__by", "files")
    return get_object_or_404(found.prefetch_related(*rows), number=number)


def refuse(request: StaffRequest, subject: str, action: str, reason: str) -> NoReturn:
    """Log the refusal once and raise NotAllowed with the reason."""
    security.record("refused", user=request.user, request=request, subject=subject, action=action)
    raise NotAllowed(reason)


def require(request: StaffRequest, publication: Publication, action: str) -> None:
    """Raises NotAllowed."""
    reason = permissions.refusal(request.user, action, publication)
    if reason:
        refuse(request, publication.number, action, reason)


# --- Lists ----------------------------------------------------------------------------------------


@login_required
@require_safe
def index(request: StaffRequest) -> HttpResponse:
    """Publications by status, and the closed cases that wait for a decision (PUB-45)."""
    user = request.user
    if not user.has_perm("publication.view_publications"):
        return _posted(request)
    view = request.GET.get("view", "")
    view = view if view == lists.WAITING or view in PublicationStatus.values else ""
    place = {"after": request.GET.get("after", ""), "before": request.GET.get("before", "")}
    found = lists.undecided(user, **place) if view == lists.WAITING else lists.publications(user, view, **place)
    context = {
        "view": view,
        "views": lists.views(user),
        "cases": found.rows if view == lists.WAITING else None,
        "publications": found.rows,
        "may_compose": user.has_perm("publication.compose"),
        "documents": selectors.revised_this_year(timezone.localdate()),
        "previous_url": lists.address(view, before=found.before),
        "next_url": lists.address(view, after=found.after),
    }
    return render(request, "publication/list.html", context)


def _posted(request: StaffRequest) -> HttpResponse:
    """For who may only take down: what the public reads, nothing more."""
    if not request.user.has_perm("publication.takedown"):
        refuse(request, "publications", "list", _("Your role does not allow this."))
    served = PublishedResult.objects.served(at=timezone.now()).order_by("-published_at", "-pk")
    return render(request, "publication/posted.html", {"results": served[: lists.PAGE_SIZE]})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def decide(request: StaffRequest, number: str) -> HttpResponse:
    """Publish a closed case or not (PUB-44, PUB-45); "publish" leads into the composer."""
    complaint = case_access.visible_case(request.user, number)
    if not request.user.has_perm("publication.compose"):
        refuse(request, complaint.number, "decide", _("Your role does not allow this."))
    form = DecideForm(request.POST or None)
    if form.is_valid():
        try:
            publication = _decide(request, complaint.pk, form)
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            if publication:
                messages.success(request, _("The draft was made from the records of the case. Check every word of it."))
                return redirect("publication:detail", publication.number)
            messages.success(request, _("Recorded: the case is not published."))
            return redirect(f"{reverse('publication:list')}?view={lists.WAITING}")
    context = {
        "complaint": complaint,
        "form": form,
        "decision": PublicationDecision.objects.filter(complaint=complaint).first(),
    }
    return render(request, "publication/decide.html", context, status=422 if form.is_bound else 200)


@transaction.atomic
def _decide(request: StaffRequest, complaint_id: int, form: DecideForm) -> Publication | None:
    data = form.cleaned_data
    publish = data["publish"] == DecideForm.YES
    transitions.decide(complaint_id, by=request.user, publish=publish, reason=data["reason"], note=data["note"])
    return transitions.compose(complaint_id, by=request.user) if publish else None


# --- The composer ---------------------------------------------------------------------------------


@login_required
@require_safe
def detail(request: StaffRequest, number: str) -> HttpResponse:
    """The publication: the composer for who writes it, the text with its marks for who checks it."""
    return show(request, visible(request, number))


def show(
    request: StaffRequest,
    publication: Publication,
    *,
    status: int = 200,
    form: TextsForm | None = None,
    problems: dict[str, str] | None = None,
    **extra: Any,
) -> HttpResponse:
    user = request.user
    may_edit = publication.status in MOVES["edit"].sources and permissions.can(user, "edit", publication)
    is_draft = publication.status == PublicationStatus.DRAFT
    editing = form is not None or (may_edit and (is_draft or request.GET.get("edit") == "1"))
    form = form or (TextsForm(publication=publication) if editing else None)
    rows = composer.elements(publication, form, problems)
    found = composer.marks(publication, extra.pop("span_errors", None))
    given = composer.signs(publication, user)
    result = result_of(publication)
    context = {
        "publication": publication,
        "form": form,
        "editing": editing,
        "may_edit": may_edit,
        "may_mask": is_draft and may_edit,
        "rows": rows,
        "meter": composer.meter(rows),
        "marks": found,
        "decided": sum(mark.span.decision != "pending" for mark in found),
        "texts": composer.masked_texts(publication, found),
        "legend": composer.LEGEND,
        "mask_form": MaskForm(publication=publication),
        "signs": given,
        "signed": sum(bool(sign.name) for sign in given),
        "todo": composer.todo(publication, rows, found, given),
        "beside": side_records.overview(publication),
        "reading": readability.read({name: getattr(publication, name) for name in content.TEXT_FIELDS}),
        "together": combinations.warning(publication),
        "may_compose": permissions.can(user, "edit", publication),
        "problems": [
            (name, composer.LABELS.get(name, composer.BESIDE.get(name, "")), text)
            for name, text in (problems or {}).items()
        ],
        "bar": [(action, composer.label_of(action)) for action in composer.shown_actions(publication, user)],
        "result": result,
        "result_url": results.path_of(result.public_id) if result else "",
        **extra,
    }
    return render(request, "publication/detail.html", context, status=status)


def result_of(publication: Publication) -> PublishedResult | None:
    if publication.status not in (PublicationStatus.POSTED, PublicationStatus.WITHDRAWN):
        return None
    return PublishedResult.objects.filter(publication_number=publication.number).order_by("-pk").first()


@login_required
@require_POST
def save(request: StaffRequest, number: str) -> HttpResponse:
    """Save texts, dates and measures; signatures given before are void."""
    publication = visible(request, number)
    return _save(request, publication, TextsForm(request.POST, publication=publication))


@login_required
@require_POST
def fix(request: StaffRequest, number: str) -> HttpResponse:
    """Put the offered words in the place of a vague one, and save everything typed so far (PUB-10).

    `fix=records` drafts the elements that are empty from the records of the case instead (PUB-02).
    """
    publication = visible(request, number)
    offer = composer.replacement(publication, request.POST.get("fix", ""))
    data = request.POST.copy()
    if request.POST.get("fix") == composer.FROM_RECORDS:
        drafted = content.draft_from(publication.complaint)
        drafted["subject"] = content.with_count(drafted["subject"], publication.also_about.count() + 1)
        for name, words in drafted.items():
            if not data.get(name, "").strip():
                data[name] = words
    if offer:
        name, word, words = offer
        data[name] = data.get(name, "").replace(word, words, 1)
    return _save(request, publication, TextsForm(data, publication=publication))


def _save(request: StaffRequest, publication: Publication, form: TextsForm) -> HttpResponse:
    require(request, publication, "edit")
    if not form.is_valid():
        return show(request, publication, status=422, form=form)
    try:
        transitions.edit(publication.pk, by=request.user, **form.arguments())
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return show(request, publication, status=422, form=form)
    except StaleVersion:
        return _conflict(request, publication, form)
    messages.success(request, _("Saved. Redactions were searched again in what changed."))
    return redirect("publication:detail", publication.number)


def _conflict(request: StaffRequest, publication: Publication, form: TextsForm) -> HttpResponse:
    """Somebody else saved first: what was typed stays in the form, what is saved now stands beside it."""
    data = form.typed()
    data["version"] = str(publication.version)
    typed = TextsForm(data, publication=publication)
    typed.is_valid()
    saved = [
        (composer.LABELS[name], getattr(publication, name))
        for name in content.TEXT_FIELDS
        if typed.cleaned_data.get(name, "") != getattr(publication, name)
    ]
    return show(request, publication, status=409, form=typed, conflict=saved, has_conflict=True)


@login_required
@require_POST
def span(request: StaffRequest, number: str, span_id: int) -> HttpResponse:
    """Mask a suggested place, or keep the words with a reason."""
    publication = visible(request, number)
    require(request, publication, "decide_span")
    form = SpanForm(request.POST, publication=publication)
    if not form.is_valid():
        return show(request, publication, status=422, span_errors={span_id: _first_error(form)})
    try:
        transitions.decide_span(publication.pk, by=request.user, span_id=span_id, **form.arguments())
    except InvalidInput as error:
        typed = request.POST.get("reason", "")
        return show(
            request, publication, status=422, span_errors={span_id: str(error)}, span_open=span_id, span_reason=typed
        )
    except StaleVersion:
        return show(
            request,
            publication,
            status=409,
            has_conflict=True,
            span_open=span_id,
            span_reason=request.POST.get("reason", ""),
        )
    # Back to the same place, so that the keyboard goes on from there.
    return redirect(reverse("publication:detail", args=[publication.number]) + f"#span-{span_id}")


def _first_error(form: VersionForm) -> str:
    return str(next(iter(form.errors.values()))[0])


@login_required
@require_POST
def mask(request: StaffRequest, number: str) -> HttpResponse:
    """Mask words that a person found (PR-10)."""
    publication = visible(request, number)
    require(request, publication, "decide_span")
    form = MaskForm(request.POST, publication=publication)
    if not form.is_valid():
        return show(request, publication, status=422, mask_form=form)
    try:
        _mask(request, publication, form.cleaned_data)
    except InvalidInput as error:
        form.add_error("words", str(error))
        return show(request, publication, status=422, mask_form=form)
    except StaleVersion:
        return show(request, publication, status=409, has_conflict=True, mask_form=_with_version(form, publication))
    return redirect(reverse("publication:detail", args=[publication.number]) + "#redactions")


@transaction.atomic
def _mask(request: StaffRequest, publication: Publication, data: dict[str, Any]) -> None:
    version: int | None = data["version"]
    for start, end in data["places"]:
        transitions.add_span(
            publication.pk,
            by=request.user,
            field=data["field"],
            start=start,
            end=end,
            replacement=data["replacement"],
            version=version,
        )
        version = None  # the first place was checked; the case is locked until the last one


def _with_version(form: Any, publication: Publication) -> Any:
    """The same form with the text typed and the version that is current now."""
    data = form.typed()
    data["version"] = str(publication.version)
    return type(form)(data, publication=publication)


@login_required
@require_POST
def figure(request: StaffRequest, number: str) -> HttpResponse:
    """Tie a figure to the record that proves it (PUB-13)."""
    publication = visible(request, number)
    require(request, publication, "decide_span")
    form = FigureForm(request.POST, publication=publication)
    place = (request.POST.get("field", ""), request.POST.get("figure", ""))
    typed: dict[str, Any] = {"figure_open": place, "figure_typed": request.POST.get("evidence", "")}
    if not form.is_valid():
        return show(request, publication, status=422, figure_error=_first_error(form), **typed)
    if place not in {(row.name, name) for row in composer.elements(publication) for name in row.unlinked}:
        raise Http404
    try:
        transitions.link_figure(publication.pk, by=request.user, **form.arguments())
    except InvalidInput as error:
        return show(request, publication, status=422, figure_error=str(error), **typed)
    except StaleVersion:
        return show(request, publication, status=409, has_conflict=True, **typed)
    return redirect(reverse("publication:detail", args=[publication.number]) + f"#element-{place[0]}")

"""Filing a complaint in four steps, without an account and without JavaScript (IN-04…06, IN-16…23).

Each step posts, is kept in the draft and redirects; going back keeps and shows what was typed, complete
or not. A step that is not valid is shown again with everything in it. Where JavaScript runs, a step is
kept while it is being written as well (`keep`). The token of the draft is a cookie below /complain/.
The last step and the receipt are in public_filing.py.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import DomainError
from complaints import category_words, drafts, files, help_text, throttle, uploads
from complaints.models import Category, Dimension, IntakeDraft
from complaints.models.people import ContactKind
from complaints.public_forms import STEPS, CategoryForm, DetailsForm, initial, raw_values

# More text than a draft keeps; the form refuses it with a sentence.
MOST_KEPT = 100_000
PAGES = {"category": "public:complain", "details": "public:complain_details", "contact": "public:complain_contact"}
form_page = require_http_methods(["GET", "HEAD", "POST"])


class TooMany(DomainError):
    """This address or contact has filed too often for now; the draft waits."""

    code = "too_many"


def go(request: HttpRequest, name: str, fragment: str = "") -> HttpResponseRedirect:
    """To a public page, keeping language and text size."""
    reading = {key: request.GET[key] for key in ("lang", "text") if key in request.GET}
    query = f"?{urlencode(reading)}" if reading else ""
    return HttpResponseRedirect(f"{reverse(name)}{query}{fragment}")


View = Callable[..., HttpResponseBase]


def form_of(page: str, fragment: str = "") -> Callable[[View], View]:
    """For an address that only takes a form. A form shown again with its errors stands under this
    address; reloading it, or reading it in another language, leads to the page of the form."""

    def decorate(view: View) -> View:
        @form_page
        @wraps(view)
        def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            return view(request, *args, **kwargs) if request.method == "POST" else go(request, page, fragment)

        return wrapper

    return decorate


def step_names() -> list[str]:
    return [_("Pick a category"), _("Tell what happened"), _("Leave a phone number"), _("Check it")]


# --- The draft of this browser ---------------------------------------------------------------
def draft_of(request: HttpRequest) -> IntakeDraft | None:
    return drafts.find(request.COOKIES.get(drafts.COOKIE, ""))


def _save(request: HttpRequest, draft: IntakeDraft | None, step: str, form: forms.Form, next_page: str) -> HttpResponse:
    """Keep a step in the draft, beginning one where there is none, and go on."""
    token = ""
    if draft is None:
        at = timezone.now()
        if not throttle.spend(throttle.BEGUN_BY_ADDRESS, throttle.address_of(request), at=at):
            return _show(request, step, form, status=429, busy=True)
        draft, token = drafts.begin(at=at)
    try:
        drafts.keep(draft.pk, step, raw_values(form))
    except drafts.AlreadyFiled:
        return go(request, "public:complain_done")
    response = go(request, next_page)
    if token:
        response.set_cookie(
            drafts.COOKIE,
            token,
            path=drafts.COOKIE_PATH,
            httponly=True,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
    return response


def _show(request: HttpRequest, step: str, form: forms.Form, *, status: int = 200, **context: Any) -> HttpResponse:
    """One step of the form."""
    draft = draft_of(request)
    context = {
        "form": form,
        "draft": draft if draft and not draft.complaint_id else None,
        "step": list(STEPS).index(step) + 1,
        "step_names": step_names(),
        "attachments": draft.attachments.all() if draft else [],
        "max_files": settings.ATTACHMENT_MAX_COUNT,
        "max_megabytes": settings.ATTACHMENT_MAX_BYTES // (1024 * 1024),
        **(_asked(draft) if step == "details" else {}),
        **context,
    }
    response = render(request, f"public/complain/{step}.html", context, status=status)
    if status == 429:
        response["Retry-After"] = str(throttle.HOUR)
    return response


def _asked(draft: IntakeDraft | None) -> dict[str, Any]:
    """What the chosen category asks for, and whether it asks for something that is folded away at first (IN-25)."""
    code = drafts.answers(draft).get("category", {}).get("category", "") if draft else ""
    category = Category.objects.filter(dimension=Dimension.CATEGORY, code=code).first() if code else None
    return {
        "questions": category_words.questions(category),
        "materials": category_words.materials(category),
        "asks_more": bool(category and set(category.required_fields) & set(DetailsForm.MORE)),
    }


def _step(request: HttpRequest, step: str, next_page: str, **context: Any) -> HttpResponse:
    """The whole life of a step that is only text: show, refuse or keep."""
    draft = draft_of(request)
    form_class = STEPS[step]
    if request.method == "POST":
        form = form_class(request.POST)
        if _goes_back(request, form):
            return _save(request, draft, step, form, PAGES["details"])
        if not form.is_valid():
            return _show(request, step, form, status=422, **context)
        return _save(request, draft, step, form, next_page)
    if draft is None:
        return begin_again(request)
    if draft.complaint_id:
        return go(request, "public:complain_done")
    known = initial(drafts.answers(draft).get(step, {}), form_class)
    return _show(request, step, form_class(initial=known), **context)


def _goes_back(request: HttpRequest, form: forms.Form) -> bool:
    """Button “previous step”: what was typed is kept as it is, whatever is still missing in it."""
    return "back" in request.POST and _can_be_kept(raw_values(form))


def _can_be_kept(values: dict[str, str]) -> bool:
    return sum(map(len, values.values())) <= MOST_KEPT


def begin_again(request: HttpRequest) -> HttpResponse:
    messages.warning(request, _("There is no complaint being written in this browser. Please begin here."))
    return go(request, "public:complain")


# --- The steps --------------------------------------------------------------------------------
@form_page
@uploads.guarded
def complain(request: HttpRequest) -> HttpResponse:
    """Step 1: the category. After a filing this begins the next complaint."""
    draft = draft_of(request)
    filed = draft if draft and draft.complaint_id else None
    draft = None if filed else draft
    if request.method == "POST":
        form = CategoryForm(request.POST)
        if not form.is_valid():
            return _show(request, "category", form, status=422)
        return _save(request, draft, "category", form, "public:complain_details")
    known = drafts.answers(draft).get("category", {}) if draft else {}
    return _show(request, "category", CategoryForm(initial=initial(known, CategoryForm)), filed=filed)


@form_page
@uploads.guarded
def details(request: HttpRequest) -> HttpResponse:
    """Step 2: what happened. Files chosen here are kept even when a word is missing."""
    if request.method != "POST":
        return _step(request, "details", "public:complain_contact")
    draft = draft_of(request)
    if draft and draft.complaint_id:
        return go(request, "public:complain_done")
    form = DetailsForm(request.POST, request.FILES)
    form.is_valid()
    if draft is None and form.cleaned_data.get("files"):
        # The draft was lost (another browser, cookies cleared): its files need one to belong to.
        form.add_error("files", _("Choose the files again after this step; the text is kept."))
    elif draft:
        _take_files(request, draft, form)
    if not form.has_error("files") and _goes_back(request, form):
        return _save(request, draft, "details", form, PAGES["category"])
    if not form.is_valid():
        return _show(request, "details", form, status=422)
    return _save(request, draft, "details", form, "public:complain_contact" if draft else "public:complain")


@form_of("public:complain_details", "#files")
@uploads.guarded
def upload(request: HttpRequest) -> HttpResponseBase:
    """Step 2, button “upload”: keep the text as it is and add the files."""
    draft = draft_of(request)
    if draft is None:
        return details(request)
    form = DetailsForm(request.POST, request.FILES)
    form.is_valid()
    if not form.cleaned_data.get("files") and not uploads.refused(request):
        form.add_error("files", _("Choose a file first."))
    try:
        _take_files(request, draft, form)
    except drafts.AlreadyFiled:
        return go(request, "public:complain_done")
    return _stay(request, draft, form)


@form_of("public:complain_details", "#files")
@uploads.guarded
def remove_file(request: HttpRequest, attachment_id: int) -> HttpResponse:
    """Step 2, button “delete” beside a file; only files of this draft can be meant (FL-13)."""
    draft = draft_of(request)
    if draft is None:
        return begin_again(request)
    try:
        drafts.remove_file(draft.pk, attachment_id)
    except drafts.AlreadyFiled:
        return go(request, "public:complain_done")
    form = DetailsForm(request.POST)
    form.is_valid()
    return _stay(request, draft, form)


def _stay(request: HttpRequest, draft: IntakeDraft, form: forms.Form) -> HttpResponse:
    """Show step 2 again with its text kept; what is still missing is no error yet."""
    values = raw_values(form)
    too_long = not _can_be_kept(values)
    if form.has_error("files") or too_long:
        for name in [name for name in form.errors if name != "files" and not too_long]:
            del form.errors[name]
        return _show(request, "details", form, status=422)
    drafts.keep(draft.pk, "details", values)
    return go(request, "public:complain_details", "#files")


def _take_files(request: HttpRequest, draft: IntakeDraft, form: forms.Form) -> None:
    """Store the files of this request in the draft; what was refused is an error at the field."""
    at = timezone.now()
    given = form.cleaned_data.get("files") or []  # read before an error removes them
    for uploaded in given:
        name = files.clean_name(uploaded.name)
        try:
            if not throttle.spend(throttle.SENT_BY_ADDRESS, throttle.address_of(request), at=at, cost=uploaded.size):
                raise TooMany(
                    _("Very much was sent from your network just now. Try “%(name)s” again in an hour."), name=name
                )
            if draft.attachments.count() >= settings.ATTACHMENT_MAX_COUNT:
                raise files.too_many(name)
            stored = files.store(uploaded, at=at)
            drafts.add_file(draft.pk, stored, name=files.clean_name(uploaded.name, stored.content_type), at=at)
        except drafts.AlreadyFiled:
            raise
        except DomainError as error:
            form.add_error("files", str(error))
    # Dropped while they came in: the last of their list, so they are named last.
    for item in uploads.refused(request):
        name = files.clean_name(item.name)
        form.add_error("files", str(files.too_many(name) if item.reason == "count" else files.too_large(name)))


@form_page
@uploads.guarded
def contact(request: HttpRequest) -> HttpResponse:
    """Step 3: how to reach the person."""
    organisation = settings.ORGANISATION["en"] if get_language() == "en" else settings.ORGANISATION
    hints = {ContactKind.PHONE: organisation["hours"]}
    return _step(request, "contact", "public:complain_check", contact_hints=hints)


@require_POST
@uploads.guarded
def keep(request: HttpRequest, step: str) -> HttpResponse:
    """Keep a step while it is being written (static/js/keep-draft.js): 204, or 409 when there is no open draft."""
    draft = draft_of(request)
    if step not in STEPS:
        raise Http404
    values = raw_values(STEPS[step](request.POST))
    if draft is None or not _can_be_kept(values):
        return HttpResponse(status=409)
    try:
        drafts.keep(draft.pk, step, values)
    except drafts.AlreadyFiled:
        return HttpResponse(status=409)
    return HttpResponse(status=204)


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """How to complain, the time limits in force, privacy and accessibility; the same for every reader."""
    context = help_text.context(now=timezone.now())
    return render(request, "public/help.html", context)

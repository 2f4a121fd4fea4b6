"""Filing a complaint in four steps, without an account and without JavaScript (IN-04…06, IN-16…23, IN-34).

Each step posts, is kept in the draft and redirects; going back shows what was typed. A step that is
not valid is shown again with everything in it. The token of the draft is a cookie below /complain/.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import DomainError, InvalidInput
from complaints import drafts, files, help_text, throttle, uploads
from complaints.models import Category, IntakeDraft
from complaints.models.people import ContactKind
from complaints.public_forms import (
    FORMS_OF_ADDRESS,
    STEPS,
    WAYS_TO_CONTACT,
    CategoryForm,
    DetailsForm,
    bound,
    filing,
    initial,
    raw_values,
)

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


def step_names() -> list[str]:
    return [_("Pick a category"), _("Tell what happened"), _("Leave a phone number"), _("Check it")]


# --- The draft of this browser ---------------------------------------------------------------
def _draft(request: HttpRequest) -> IntakeDraft | None:
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
    draft = _draft(request)
    context = {
        "form": form,
        "draft": draft if draft and not draft.complaint_id else None,
        "step": list(STEPS).index(step) + 1,
        "step_names": step_names(),
        "attachments": draft.attachments.all() if draft else [],
        "max_files": settings.ATTACHMENT_MAX_COUNT,
        "max_megabytes": settings.ATTACHMENT_MAX_BYTES // (1024 * 1024),
        **context,
    }
    response = render(request, f"public/complain/{step}.html", context, status=status)
    if status == 429:
        response["Retry-After"] = str(throttle.HOUR)
    return response


def _step(request: HttpRequest, step: str, next_page: str, **context: Any) -> HttpResponse:
    """The whole life of a step that is only text: show, refuse or keep."""
    draft = _draft(request)
    form_class = STEPS[step]
    if request.method == "POST":
        form = form_class(request.POST)
        if not form.is_valid():
            return _show(request, step, form, status=422, **context)
        return _save(request, draft, step, form, next_page)
    if draft is None:
        return _begin_again(request)
    if draft.complaint_id:
        return go(request, "public:complain_done")
    known = initial(drafts.answers(draft).get(step, {}), form_class)
    return _show(request, step, form_class(initial=known), **context)


def _begin_again(request: HttpRequest) -> HttpResponse:
    messages.warning(request, _("There is no complaint being written in this browser. Please begin here."))
    return go(request, "public:complain")


# --- The steps --------------------------------------------------------------------------------
@form_page
@uploads.guarded
def complain(request: HttpRequest) -> HttpResponse:
    """Step 1: the category. After a filing this begins the next complaint."""
    draft = _draft(request)
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
    draft = _draft(request)
    if draft and draft.complaint_id:
        return go(request, "public:complain_done")
    form = DetailsForm(request.POST, request.FILES)
    form.is_valid()
    if draft is None and form.cleaned_data.get("files"):
        # The draft was lost (another browser, cookies cleared): its files need one to belong to.
        form.add_error("files", _("Choose the files again after this step; the text is kept."))
    elif draft:
        _take_files(request, draft, form)
    if not form.is_valid():
        return _show(request, "details", form, status=422)
    return _save(request, draft, "details", form, "public:complain_contact" if draft else "public:complain")


@require_POST
@uploads.guarded
def upload(request: HttpRequest) -> HttpResponseBase:
    """Step 2, button “upload”: keep the text as it is and add the files."""
    draft = _draft(request)
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


@require_POST
@uploads.guarded
def remove_file(request: HttpRequest, attachment_id: int) -> HttpResponse:
    """Step 2, button “delete” beside a file; only files of this draft can be meant (FL-13)."""
    draft = _draft(request)
    if draft is None:
        return _begin_again(request)
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
    too_long = sum(map(len, values.values())) > MOST_KEPT
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
    for item in uploads.refused(request):
        name = files.clean_name(item.name)
        form.add_error("files", str(files.too_many(name) if item.reason == "count" else files.too_large(name)))
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


@form_page
@uploads.guarded
def contact(request: HttpRequest) -> HttpResponse:
    """Step 3: how to reach the person."""
    organisation = settings.ORGANISATION["en"] if get_language() == "en" else settings.ORGANISATION
    hints = {ContactKind.PHONE: organisation["hours"]}
    return _step(request, "contact", "public:complain_check", contact_hints=hints)


@form_page
@uploads.guarded
def check(request: HttpRequest) -> HttpResponse:
    """Step 4: read it once more; posting files the complaint. Any number of posts file one (PI-06)."""
    draft = _draft(request)
    if draft is None:
        return _begin_again(request)
    if draft.complaint_id:
        return go(request, "public:complain_done")
    steps = bound(drafts.answers(draft))
    unready = _first_invalid(steps)
    if unready:
        messages.warning(request, _("Something is still missing here."))
        return go(request, PAGES[unready])
    if request.method == "POST":
        return _file(request, draft, steps)
    return _show_check(request, draft, steps)


def _file(request: HttpRequest, draft: IntakeDraft, shown: dict[str, forms.Form]) -> HttpResponse:
    at = timezone.now()

    def build(answers: drafts.Answers) -> Any:
        steps = bound(answers)
        if unready := _first_invalid(steps):
            raise InvalidInput(unready, _("Something is still missing here."))
        built = filing(steps, at=at)
        if not _within_limits(request, built.phone or built.email, at=at):
            raise TooMany(_("Many complaints came from your network or with this contact just now."))
        return built

    try:
        drafts.file(draft.pk, build, at=at)
    except TooMany:
        return _show_check(request, draft, shown, status=429)
    except InvalidInput as error:
        messages.error(request, str(error))
        step = next((step for step, form in STEPS.items() if error.field in (step, *form.base_fields)), "details")
        return go(request, PAGES[step])
    return go(request, "public:complain_done")


def _within_limits(request: HttpRequest, contact: str, *, at: datetime) -> bool:
    return throttle.spend(throttle.FILED_BY_ADDRESS, throttle.address_of(request), at=at) and throttle.spend(
        throttle.FILED_BY_CONTACT, contact, at=at
    )


def _first_invalid(steps: dict[str, forms.Form]) -> str:
    return next((step for step, form in steps.items() if not form.is_valid()), "")


def _show_check(
    request: HttpRequest, draft: IntakeDraft, steps: dict[str, forms.Form], *, status: int = 200
) -> HttpResponse:
    context = {"rows": _rows(draft, steps), "busy": status == 429, "step": 4, "step_names": step_names()}
    response = render(request, "public/complain/check.html", context, status=status)
    if status == 429:
        response["Retry-After"] = str(throttle.HOUR)
    return response


def _rows(draft: IntakeDraft, steps: dict[str, forms.Form]) -> list[dict[str, Any]]:
    """What was answered, line by line, each with the step where it can be changed."""
    category: Category = steps["category"].cleaned_data["category"]
    details, contact = steps["details"].cleaned_data, steps["contact"].cleaned_data
    address = dict(FORMS_OF_ADDRESS).get(contact["form_of_address"], "")
    preferred = contact["preferred_contact"] or (ContactKind.PHONE if contact["phone"] else ContactKind.EMAIL)
    by = dict(WAYS_TO_CONTACT)[preferred]
    lines = [
        ("category", _("Category"), category.label),
        ("details", _("What happened"), details["narrative"]),
        ("details", _("Day of the event"), details["occurred_on"]),
        ("details", _("Your request"), details["demand"]),
        ("details", _("Place"), details["place"]),
        ("details", _("Product or service"), details["product"]),
        ("details", _("Amount"), details["amount"]),
        ("details", _("Files"), "\n".join(attachment.name for attachment in draft.attachments.all())),
        ("contact", _("What to call you"), " ".join(filter(None, (contact["name"], str(address))))),
        ("contact", _("Phone"), contact["phone"]),
        ("contact", _("E-mail"), contact["email"]),
        ("contact", _("Contact by"), "\n".join(filter(None, (str(by), contact["contact_note"])))),
        ("contact", _("Help needed"), contact["care_note"] or (_("Yes") if contact["needs_care"] else "")),
        ("contact", _("Confidential"), _("Do not tell the department who I am") if contact["is_confidential"] else ""),
    ]
    return [
        {"label": label, "value": value, "page": PAGES[step], "is_day": isinstance(value, date)}
        for step, label, value in lines
        if value not in ("", None)
    ]


# --- Afterwards -------------------------------------------------------------------------------
@require_safe
def done(request: HttpRequest) -> HttpResponse:
    """The receipt, for the browser that filed and for nobody else (PI-08)."""
    draft = _draft(request)
    receipt = drafts.receipt(draft) if draft and draft.complaint_id else None
    if draft is None or not draft.complaint_id:
        return _begin_again(request)
    if receipt is None:
        messages.info(request, _("The receipt is no longer kept here. Use the number and code you wrote down."))
        return go(request, "public:track")
    complaint = draft.complaint
    assert complaint is not None  # checked above
    context = {
        "receipt": receipt,
        "has_email": bool(complaint.complainant.contact(ContactKind.EMAIL)),
        "by_phone": complaint.complainant.preferred_contact == ContactKind.PHONE,
        "call_back": help_text.limit_of(complaint.policy, "call_back"),
        "track_url": f"{settings.PUBLIC_BASE_URL}{reverse('public:track')}",
    }
    return render(request, "public/complain/done.html", context)


@require_POST
@uploads.guarded
def clear(request: HttpRequest) -> HttpResponse:
    """Remove draft or receipt from this computer; the filed case stays (PI-08)."""
    draft = _draft(request)
    if draft:
        drafts.clear(draft.pk)
    response = render(request, "public/complain/cleared.html", {"was_filed": bool(draft and draft.complaint_id)})
    response.delete_cookie(drafts.COOKIE, path=drafts.COOKIE_PATH, samesite="Lax")
    response["Clear-Site-Data"] = '"cache"'
    return response


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """How to complain, the time limits in force, privacy and accessibility; the same for every reader."""
    context = help_text.context(now=timezone.now())
    return render(request, "public/help.html", context)

"""The last step of the public form: read it once more, file it, keep the receipt (IN-34, PI-06, PI-08, PI-10)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.errors import InvalidInput
from complaints import challenge, drafts, help_text, throttle, uploads
from complaints.messages import track_url
from complaints.models import Category, Complaint, IntakeDraft
from complaints.models.people import ContactKind
from complaints.public_forms import (
    FORMS_OF_ADDRESS,
    STEPS,
    WAYS_TO_CONTACT,
    ChallengeForm,
    bound,
    filing,
)
from complaints.public_views import PAGES, TooMany, begin_again, draft_of, form_of, form_page, go, step_names
from complaints.transitions.accused import route_past_office

Steps = dict[str, forms.Form]


@form_page
@uploads.guarded
def check(request: HttpRequest) -> HttpResponse:
    """Step 4: read it once more; posting files the complaint. Any number of posts file one (PI-06)."""
    draft = draft_of(request)
    if draft is None:
        return begin_again(request)
    if draft.complaint_id:
        return go(request, "public:complain_done")
    steps = bound(drafts.answers(draft))
    unready = _first_invalid(steps)
    if unready:
        messages.warning(request, _("Something is still missing here."))
        return go(request, PAGES[unready])
    if request.method == "POST":
        return _file(request, draft, steps)
    return _show(request, draft, steps)


def _file(request: HttpRequest, draft: IntakeDraft, shown: Steps) -> HttpResponse:
    at = timezone.now()
    address = throttle.address_of(request)
    token, answer = request.POST.get("question", ""), request.POST.get("answer", "")

    def build(answers: drafts.Answers) -> Any:
        steps = bound(answers)
        if unready := _first_invalid(steps):
            raise InvalidInput(unready, _("Something is still missing here."))
        if challenge.is_needed(address, at=at):
            challenge.require(draft.pk, token, answer, at=at)
        built = filing(steps, at=at)
        if not throttle.spend_filing(address, built.phone or built.email, at=at):
            raise _too_many()
        challenge.note_filing(address, at=at)
        return built

    def after(complaint: Complaint, answers: drafts.Answers) -> None:
        if bound(answers)["details"]["about_office"].value():
            route_past_office(complaint.pk, at=at)

    try:
        drafts.file(draft.pk, build, after=after, at=at)
    except TooMany:
        return _show(request, draft, shown, status=429)
    except challenge.Unanswered as error:
        challenge.use_up(token)
        if error.was_wrong and not throttle.spend(challenge.WRONG_BY_ADDRESS, address, at=at):
            return _show(request, draft, shown, status=429)
        return _show(request, draft, shown, status=422, problem=str(error))
    except InvalidInput as error:
        messages.error(request, str(error))
        step = next((step for step, form in STEPS.items() if error.field in (step, *form.base_fields)), "details")
        return go(request, PAGES[step])
    return go(request, "public:complain_done")


def _too_many() -> TooMany:
    return TooMany(_("Many complaints came from your network or with this contact just now."))


def _first_invalid(steps: Steps) -> str:
    return next((step for step, form in steps.items() if not form.is_valid()), "")


def _show(
    request: HttpRequest, draft: IntakeDraft, steps: Steps, *, status: int = 200, problem: str = ""
) -> HttpResponse:
    """The last step; `problem` says what was wrong with the answer to the question."""
    at = timezone.now()
    is_asked = challenge.is_needed(throttle.address_of(request), at=at)
    context = {
        "question_form": ChallengeForm.ask(challenge.ask(draft.pk, at=at), problem=problem) if is_asked else None,
        "rows": _rows(draft, steps),
        "about_office": steps["details"].cleaned_data["about_office"],
        "busy": status == 429,
        "step": 4,
        "step_names": step_names(),
    }
    response = render(request, "public/complain/check.html", context, status=status)
    if status == 429:
        response["Retry-After"] = str(throttle.HOUR)
    return response


def _rows(draft: IntakeDraft, steps: Steps) -> list[dict[str, Any]]:
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
        ("details", _("Amount"), _yuan(details["amount"])),
        ("details", _("About whom"), _("About the complaints office itself") if details["about_office"] else ""),
        ("details", _("Files"), "\n".join(attachment.name for attachment in draft.attachments.all())),
        ("contact", _("What to call you"), " ".join(filter(None, (contact["name"], str(address))))),
        ("contact", _("Phone"), contact["phone"]),
        ("contact", _("E-mail"), contact["email"]),
        ("contact", _("Contact by"), "\n".join(filter(None, (str(by), contact["contact_note"])))),
        ("contact", _("Help needed"), contact["care_note"] or (_("Yes") if contact["needs_care"] else "")),
        ("contact", _("Shown to those who deal with it"), _("Yes, the help I need") if contact["care_consent"] else ""),
        ("contact", _("Confidential"), _("Do not tell the department who I am") if contact["is_confidential"] else ""),
    ]
    return [
        {"label": label, "value": value, "page": PAGES[step], "is_day": isinstance(value, date)}
        for step, label, value in lines
        if value not in ("", None)
    ]


def _yuan(amount: Decimal | None) -> str:
    return "" if amount is None else _("%(amount)s yuan") % {"amount": amount}


# --- Afterwards -------------------------------------------------------------------------------
@require_safe
def done(request: HttpRequest) -> HttpResponse:
    """The receipt, for the browser that filed and for nobody else (PI-08)."""
    draft = draft_of(request)
    receipt = drafts.receipt(draft) if draft and draft.complaint_id else None
    if draft is None or not draft.complaint_id:
        return begin_again(request)
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
        "track_url": track_url(),
    }
    return render(request, "public/complain/done.html", context)


@form_of("public:complain")
@uploads.guarded
def clear(request: HttpRequest) -> HttpResponse:
    """Remove draft or receipt from this computer; the filed case stays (PI-08)."""
    draft = draft_of(request)
    if draft:
        drafts.clear(draft.pk)
    response = render(request, "public/complain/cleared.html", {"was_filed": bool(draft and draft.complaint_id)})
    response.delete_cookie(drafts.COOKIE, path=drafts.COOKIE_PATH, samesite="Lax")
    response["Clear-Site-Data"] = '"cache"'
    return response

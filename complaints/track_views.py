"""Following a case with its number and access code (FB-02, FB-06, PI-01…05, PI-11).

Everything below /track/case/ reads the one case this browser is bound to; no address names a case.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.errors import DomainError, InvalidInput
from complaints import files, panels, throttle, track_page, tracking, transitions, uploads
from complaints.models import Complaint, StoredFile
from complaints.public_forms import (
    AnswerForm,
    IncidentRatingForm,
    QuestionForm,
    RatingForm,
    SupplementForm,
    TrackForm,
    WithdrawForm,
)
from complaints.public_views import form_of, form_page, go
from complaints.states import QuestionKind
from complaints.transitions import incidents as incident_rules

CaseView = Callable[..., HttpResponseBase]


def of_case(view: CaseView) -> CaseView:
    """Give a view the case this browser is bound to. Without one: the page that asks for number and
    code, with what was typed still on it."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        complaint = tracking.current_case(request)
        if complaint is not None:
            return view(request, complaint, *args, **kwargs)
        if request.method == "POST":
            kept = request.POST.get("text") or request.POST.get("comment") or ""
            return render(
                request, "public/track/track.html", {"form": TrackForm(), "expired": True, "kept": kept}, status=403
            )
        messages.info(
            request, _("Please enter number and access code again; after 30 minutes the page closes by itself.")
        )
        return go(request, "public:track")

    return wrapper


@form_page
@uploads.guarded
def track(request: HttpRequest) -> HttpResponse:
    """Ask for number and code. One answer for an unknown number and a wrong code (PI-01)."""
    if request.method != "POST":
        return render(request, "public/track/track.html", {"form": TrackForm()})
    form = TrackForm(request.POST)
    number = code = ""
    if form.is_valid():
        number, code = (
            tracking.normalise_number(form.cleaned_data["number"]),
            tracking.normalise_code(form.cleaned_data["code"]),
        )
        if not number:
            form.add_error("number", TrackForm.NO_NUMBER)
        if not code:
            form.add_error("code", TrackForm.NO_CODE)
    if form.errors:
        return render(request, "public/track/track.html", {"form": form}, status=422)
    at = timezone.now()
    seconds = tracking.wait(request, number, at=at)
    if seconds:
        response = render(request, "public/track/track.html", {"form": form, "seconds": seconds}, status=429)
        response["Retry-After"] = str(seconds)
        return response
    complaint = tracking.find(number, code)
    if complaint is None:
        tracking.note_failure(request, number, at=at)
        form.add_error(None, _("Number and access code do not fit together. Check both and try again."))
        return render(request, "public/track/track.html", {"form": form}, status=422)
    tracking.note_success(request, number)
    response = go(request, "public:track_case")
    tracking.open_session(response, complaint)
    return response


@require_safe
@of_case
def case(request: HttpRequest, complaint: Complaint) -> HttpResponse:
    """Where the case stands; the answer first."""
    return _show(request, complaint)


def _show(request: HttpRequest, complaint: Complaint, *, status: int = 200, **context: Any) -> HttpResponse:
    """The page of the case; `context` carries a form with errors or a message about a refused step."""
    page = track_page.read(complaint, now=timezone.now())
    slots = panels.track_panels(complaint)
    context = {
        "page": page,
        "panels": [render_to_string(panel.template, panel.context, request) for panel in slots],
        "has_way_on": any(panel.is_way_on for panel in slots),
        "answer_form": AnswerForm(),
        "supplement_form": SupplementForm(),
        "question_form": QuestionForm(),
        "rating_form": RatingForm(),
        "incident_form": IncidentRatingForm(auto_id="incident_%s"),
        **context,
    }
    return render(request, "public/track/case.html", context, status=status)


def _act(
    request: HttpRequest,
    complaint: Complaint,
    form: forms.Form,
    name: str,
    work: Callable[[dict[str, Any], list[tuple[StoredFile, str]]], object],
    success: str,
) -> HttpResponse:
    """Validate, store files, do the work, go back to the case; anything refused keeps what was typed."""
    stored = _store_files(request, form) if form.is_valid() else []
    if not form.is_valid():
        return _show(request, complaint, status=422, **{name: form})
    if not throttle.spend(throttle.SAID_ON_CASE, complaint.number, at=timezone.now()):
        form.add_error(
            None, _("You have written very often today. Your text is still here; try again tomorrow or call us.")
        )
        return _show(request, complaint, status=429, **{name: form})
    try:
        work(form.cleaned_data, stored)
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return _show(request, complaint, status=422, **{name: form})
    except DomainError as error:
        complaint.refresh_from_db()
        typed = form.cleaned_data.get("text") or form.cleaned_data.get("comment") or ""
        return _show(request, complaint, status=409, refused=str(error), kept=typed)
    messages.success(request, success)
    return go(request, "public:track_case")


def _store_files(request: HttpRequest, form: forms.Form) -> list[tuple[StoredFile, str]]:
    """Keep the files of this request; what is refused becomes an error of the form. A form that takes none has none."""
    if "files" not in form.fields:
        return []
    at = timezone.now()
    stored = []
    given = form.cleaned_data.get("files") or []  # read before an error removes them
    for item in uploads.refused(request):
        name = files.clean_name(item.name)
        form.add_error("files", str(files.too_large(name) if item.reason == "size" else files.too_many(name)))
    for uploaded in given:
        if not throttle.spend(throttle.SENT_BY_ADDRESS, throttle.address_of(request), at=at, cost=uploaded.size):
            form.add_error("files", _("Very much was sent from your network just now. Try again in an hour."))
            break
        try:
            kept = files.store(uploaded, at=at)
        except DomainError as error:
            form.add_error("files", str(error))
        else:
            stored.append((kept, files.clean_name(uploaded.name, kept.content_type)))
    return stored


@form_of("public:track_case", "#answer")
@uploads.guarded
@of_case
def answer(request: HttpRequest, complaint: Complaint) -> HttpResponse:
    """Give the information that was asked for (SCR-06)."""
    return _act(
        request,
        complaint,
        AnswerForm(request.POST, request.FILES),
        "answer_form",
        lambda data, stored: tracking.answer(complaint.pk, text=data["text"], files=stored, at=timezone.now()),
        _("Thank you, we have your information and go on."),
    )


@form_of("public:track_case", "#supplement")
@uploads.guarded
@of_case
def supplement(request: HttpRequest, complaint: Complaint) -> HttpResponse:
    """Add facts, ask, or remind (RISK-11)."""

    def work(data: dict[str, Any], stored: list[tuple[StoredFile, str]]) -> object:
        if data["kind"] == SupplementForm.SUPPLEMENT:
            return tracking.supplement(complaint.pk, text=data["text"], files=stored, at=timezone.now())
        kind = QuestionKind(data["kind"])
        return tracking.ask(complaint.pk, kind=kind, text=data["text"], files=stored, at=timezone.now())

    form = SupplementForm(request.POST, request.FILES)
    return _act(request, complaint, form, "supplement_form", work, _("We have received it."))


@form_of("public:track_case", "#ask")
@uploads.guarded
@of_case
def ask(request: HttpRequest, complaint: Complaint) -> HttpResponse:
    """Ask about a case that is over."""
    return _act(
        request,
        complaint,
        QuestionForm(request.POST),
        "question_form",
        lambda data, stored: tracking.ask(
            complaint.pk, kind=QuestionKind.SUBSTANTIVE, text=data["text"], at=timezone.now()
        ),
        _("We have received it."),
    )


@form_page
@uploads.guarded
@of_case
def withdraw(request: HttpRequest, complaint: Complaint) -> HttpResponse:
    """Ask once more, then take the complaint back; the record stays."""
    page = track_page.read(complaint, now=timezone.now())
    form = WithdrawForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            transitions.withdraw(complaint.pk, by=None, reason=form.cleaned_data["reason"], at=timezone.now())
        except DomainError as error:
            complaint.refresh_from_db()
            return _show(request, complaint, status=409, refused=str(error))
        messages.success(request, _("You have withdrawn the complaint."))
        return go(request, "public:track_case")
    if not page.can_withdraw:
        return _show(request, complaint, status=409, refused=_("This complaint can no longer be withdrawn."))
    status = 422 if request.method == "POST" else 200
    return render(request, "public/track/withdraw.html", {"page": page, "form": form}, status=status)


@form_of("public:track_case", "#rate")
@uploads.guarded
@of_case
def rate(request: HttpRequest, complaint: Complaint) -> HttpResponse:
    """The complainant's own rating; nobody else enters it here (FB-06, QUA-08)."""
    return _act(
        request,
        complaint,
        RatingForm(request.POST),
        "rating_form",
        lambda data, stored: transitions.rate(complaint.pk, by=None, at=timezone.now(), **data),
        _("Thank you for your rating."),
    )


@form_of("public:track_case", "#incident")
@uploads.guarded
@of_case
def rate_incident(request: HttpRequest, complaint: Complaint) -> HttpResponse:
    """How the incident was handled that the case belongs to, in the complainant's own words (INC-16)."""
    return _act(
        request,
        complaint,
        IncidentRatingForm(request.POST, auto_id="incident_%s"),
        "incident_form",
        lambda data, stored: incident_rules.give_feedback(complaint.pk, at=timezone.now(), **data),
        _("Thank you for your rating."),
    )


@require_safe
@of_case
def download(request: HttpRequest, complaint: Complaint, attachment_id: int) -> HttpResponseBase:
    """A file the complainant gave to this case; any other id does not exist (PI-04, FL-01)."""
    own = complaint.attachments.filter(from_complainant=True).select_related("file")
    try:
        return files.download_response(get_object_or_404(own, pk=attachment_id))
    except files.Quarantined as error:
        messages.error(request, str(error))
        return go(request, "public:track_case")
    except FileNotFoundError:
        messages.error(request, _("This file cannot be read at the moment. Please call us."))
        return go(request, "public:track_case")


@form_page
@uploads.guarded
@of_case
def new_code(request: HttpRequest, complaint: Complaint) -> HttpResponse:
    """Replace the own access code: for somebody who thinks another person has seen it."""
    if request.method != "POST":
        return render(request, "public/track/code.html", {"number": complaint.number})
    changed, code = tracking.replace_code(complaint.pk, at=timezone.now())
    context = {"number": changed.number, "code": transitions.group_code(code)}
    response = render(request, "public/track/code.html", context)
    tracking.close_session(request, response)
    # Else the new cookie would inherit the end of the old one, and the browser would drop it.
    response.cookies.pop(tracking.COOKIE, None)
    tracking.open_session(response, changed)
    return response


@form_of("public:track")
@uploads.guarded
def leave(request: HttpRequest) -> HttpResponse:
    """Close the case in this browser."""
    response = go(request, "public:track")
    tracking.close_session(request, response)
    response["Clear-Site-Data"] = '"cache"'
    messages.success(request, _("The case is closed on this computer."))
    return response

"""Registering a complaint for somebody at the telephone, the counter or from paper (IN-01, IN-07…IN-13)."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.errors import DomainError, InvalidInput
from accounts.web import StaffRequest
from complaints import category_words, drafts, files, messages, queue, queue_rows, register_forms, transitions
from complaints.desk_access import needs
from complaints.models import Attachment, Category, Complaint, Dimension, IdempotencyKey
from complaints.register_forms import CHANNELS, RegisterForm
from complaints.states import OPEN, Channel, Milestone

PERMISSION = "complaints.register_complaint"
# How long the one who registered can see the access code; afterwards nobody can.
CODE_SHOWN_FOR = timedelta(minutes=15)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,60}", re.ASCII)


@needs(PERMISSION)
def register(request: StaffRequest) -> HttpResponse:
    """First the channel, then its form. A form sent twice makes one case: its token is used once (CC-06)."""
    channel = _channel(request.GET.get("channel", ""))
    if channel is None:
        channels = [(str(key), key.label, rules.icon) for key, rules in CHANNELS.items()]
        context = {"channels": channels, "paper_form_url": _paper_form_url()}
        return render(request, "complaints/register_channel.html", context)
    now = timezone.now()
    if request.method != "POST":
        return _form_page(request, RegisterForm(channel, now=now), token=secrets.token_urlsafe(24))
    token = request.POST.get("token", "")
    if not _TOKEN.fullmatch(token):
        token = secrets.token_urlsafe(24)
    if IdempotencyKey.objects.filter(scope=_scope(request), key=token).exists():
        return redirect("complaints:register_receipt", token=token)
    form = RegisterForm(channel, request.POST, request.FILES, now=now)
    if not form.is_valid():
        return _form_page(request, form, token=token, status=422)
    known = _earlier(request)
    seen = set(request.POST.get("seen", "")[:400].split(","))
    if not {case.number for case in known} <= seen:
        # Without JavaScript the earlier complaints appear now; the next click registers (IN-27).
        return _form_page(request, form, token=token, status=422, stop=True)
    try:
        _register_once(request, form, token)
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return _form_page(request, form, token=token, status=422)
    except DomainError as error:
        form.add_error(None, str(error))
        return _form_page(request, form, token=token, status=422)
    queue.forget_counts(request.user)
    return redirect("complaints:register_receipt", token=token)


def _register_once(request: StaffRequest, form: RegisterForm, token: str) -> None:
    """Store the files, then register under the token; a second sender waits here and finds it used."""
    stored = [(upload, files.store(upload, at=form.now)) for upload in form.cleaned_data["files"]]
    with transaction.atomic():
        key, is_new = IdempotencyKey.objects.get_or_create(
            scope=_scope(request), key=token, defaults={"body_hash": hashlib.sha256(token.encode()).hexdigest()}
        )
        if not is_new:
            return
        attachments = [
            Attachment.objects.create(
                file=file,
                name=files.clean_name(upload.name or "", file.content_type),
                evidence_kind=form.rules.evidence,
                at=form.now,
                by=request.user,
            )
            for upload, file in stored
        ]
        receipt = transitions.register(form.filing(attachments), by=request.user)
        key.status = 201
        answer = drafts.reply_by(receipt)
        kept = {"number": receipt.complaint.number, "code": receipt.access_code}
        key.response = json.dumps({**kept, "reply_by": answer.isoformat() if answer else ""})
        key.save(update_fields=["status", "response"])


@needs(PERMISSION)
def receipt(request: StaffRequest, token: str) -> HttpResponse:
    """Number, access code and dates, for the one who registered and for a quarter of an hour; then the code is gone."""
    key = IdempotencyKey.objects.filter(scope=_scope(request), key=token).first()
    if key is None or not key.response:
        raise Http404
    kept = json.loads(key.response)
    until = key.created_at + CODE_SHOWN_FOR
    if timezone.now() >= until and kept.pop("code", ""):
        key.response = json.dumps(kept)
        key.save(update_fields=["response"])
    complaint = Complaint.objects.visible_to(request.user).filter(number=kept["number"]).first()
    if complaint is None:
        raise Http404
    decide = complaint.deadlines.filter(milestone=Milestone.DECIDE_ACCEPTANCE).first()
    context = {
        "complaint": complaint,
        "url": queue_rows.case_url(complaint.number),
        "code": transitions.group_code(kept["code"]) if kept.get("code") else "",
        "until": until,
        "decide_by": decide.due_at if decide else None,
        "reply_by": datetime.fromisoformat(kept["reply_by"]) if kept.get("reply_by") else None,
        "track_url": messages.track_url(),
    }
    return render(request, "complaints/register_receipt.html", context)


@needs(PERMISSION)
@require_POST
def earlier(request: StaffRequest) -> HttpResponse:
    """The earlier complaints of a number or address, for the form; by POST, so that it is in no log (IN-27)."""
    return render(request, "complaints/register_earlier.html", _known(_earlier(request)))


@needs(PERMISSION)
def prompts(request: StaffRequest) -> HttpResponse:
    """What to ask for a category (SCR-05, IN-25)."""
    return render(request, "complaints/register_prompts.html", _prompts(request.GET.get("category", "")))


def _channel(value: str) -> Channel | None:
    return Channel(value) if value in CHANNELS else None


def _paper_form_url() -> str:
    """Where the form to print is; "" where this process does not serve the public pages."""
    try:
        return reverse("public:paper_form")
    except NoReverseMatch:
        return ""


def _scope(request: StaffRequest) -> str:
    return f"register:{request.user.pk}"


def _earlier(request: StaffRequest) -> list[Complaint]:
    return list(
        register_forms.earlier(request.user, phone=request.POST.get("phone", ""), email=request.POST.get("email", ""))
    )


def _known(cases: list[Complaint]) -> dict[str, Any]:
    """The earlier complaints of a person and what they tell of the person, for the page."""
    still_open = sum(case.status in OPEN for case in cases)
    return {"earlier": cases, "still_open": still_open, "profile": register_forms.profile(cases)}


def _prompts(code: str) -> dict:
    category = Category.objects.filter(dimension=Dimension.CATEGORY, code=code[:60].replace("\x00", "")).first()
    labels = (
        [
            str(RegisterForm.base_fields[name].label)
            for name in category.required_fields
            if name in RegisterForm.base_fields
        ]
        if category
        else []
    )
    return {"category": category, "needed": labels, "questions": category_words.questions(category)}


def _form_page(
    request: StaffRequest, form: RegisterForm, *, token: str, status: int = 200, stop: bool = False
) -> HttpResponse:
    known = _earlier(request) if request.method == "POST" else []
    context = {
        "form": form,
        "channel": form.channel,
        "token": token,
        **_known(known),
        "must_look": stop,
        "bodies": register_forms.bodies() if "referring_body" in form.fields else [],
        **_prompts(str(form["category"].value() or "")),
        "had_files": bool(request.FILES),
        # Whoever answers a call types the number at once; a form that came back starts at what is wrong with it.
        "starts_with_caller": form.caller_first and not form.is_bound,
    }
    if stop:
        context["must_look_text"] = _("Look at the earlier complaints first, then register again.")
    return render(request, "complaints/register.html", context, status=status)

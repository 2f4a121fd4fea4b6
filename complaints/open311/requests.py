"""A complaint as a service request: filing one, and what everybody may read of it."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.errors import InvalidInput
from accounts.models import User
from complaints import drafts, messages, transitions
from complaints.models import Category, ServiceRequest
from complaints.open311 import services
from complaints.states import OPEN, Channel
from complaints.transitions import Filing
from complaints.transitions.intake import check_text

# What the standard defines; anything else but attribute[…] is refused rather than lost.
KNOWN = frozenset({
    "jurisdiction_id", "service_code", "lat", "long", "address_string", "address_id", "email", "device_id",
    "account_id", "first_name", "last_name", "phone", "description", "media_url",
})  # fmt: skip
_ATTRIBUTE = re.compile(r"attribute\[(\w{1,40})\]")
_SENTENCE = re.compile(r"^.*?[。！？!?\n]", re.S)
MAX_DESCRIPTION = 4000


@dataclass(frozen=True)
class Filed:
    """The request, and what the client shows to the person who filed."""

    request: ServiceRequest
    notice: str


@transaction.atomic
def file(category: Category, given: dict[str, str], *, client: User) -> Filed:
    """Register the complaint under a random public id. Raises InvalidInput naming the parameter."""
    for name in given:
        if name not in KNOWN and not _ATTRIBUTE.fullmatch(name):
            raise InvalidInput(name, _("This parameter is not known."))
    for name, value in given.items():
        check_text(name, value, limit=MAX_DESCRIPTION)
    description = given.get("description", "").strip()
    if not description:
        raise InvalidInput("description", _("Describe what happened."))
    if not given.get("phone", "").strip() and not given.get("email", "").strip():
        raise InvalidInput("phone", _("Give a phone number or an e-mail address, so that we can answer you."))
    asked = {match[1]: value for name, value in given.items() if (match := _ATTRIBUTE.fullmatch(name))}
    values: dict[str, Any] = {"place": _place(given), **services.read_attributes(category, asked)}
    filing = Filing(
        subject=_subject(description),
        narrative=description,
        channel=Channel.APP,
        received_at=timezone.now(),
        name=f"{given.get('last_name', '')}{given.get('first_name', '')}".strip()[:80],
        phone=given.get("phone", "").strip(),
        email=_email(given.get("email", "").strip()),
        category=category,
        source_url=_link(given.get("media_url", "")),
        channel_reference=check_text("account_id", given.get("account_id", ""), limit=120),
        **values,
    )
    receipt = _register(filing, asked)
    row = ServiceRequest.objects.create(
        complaint=receipt.complaint, public_id=secrets.token_hex(12), token=secrets.token_hex(24), client=client
    )
    return Filed(row, _notice(receipt))


def _notice(receipt: transitions.Receipt) -> str:
    """The receipt, in the field of the standard for words to the person (IN-34)."""
    sentences = [
        _(
            "We have received your complaint. Case number %(number)s, access code %(code)s: with both you check the"
            " progress at %(page)s. The code is given only here."
        )
        % {
            "number": receipt.complaint.number,
            "code": transitions.group_code(receipt.access_code),
            "page": messages.track_url(),
        }
    ]
    for moment, words in (
        (receipt.decide_by, _("We decide by %(day)s whether we accept it.")),
        (drafts.reply_by(receipt), _("You get our answer by %(day)s.")),
    ):
        if moment:
            sentences.append(words % {"day": date_format(timezone.localtime(moment), "DATE_FORMAT")})
    return "\n".join(sentences)


def _register(filing: Filing, asked: dict[str, str]) -> transitions.Receipt:
    """Register; a fault of an attribute is named as the client sent it."""
    try:
        return transitions.register(filing, by=None)
    except InvalidInput as error:
        field = f"attribute[{error.field}]" if error.field in asked else error.field
        raise InvalidInput(field, error.message) from error


def _email(text: str) -> str:
    """The address as given. Raises InvalidInput for one no answer could reach."""
    try:
        if text:
            validate_email(text)
    except ValidationError as error:
        raise InvalidInput("email", error.messages[0]) from error
    return text


def _subject(description: str) -> str:
    """The first sentence, or as much as a subject holds."""
    match = _SENTENCE.match(description)
    return (match[0] if match else description).strip()[:120]


def _place(given: dict[str, str]) -> str:
    if given.get("address_string", "").strip():
        return given["address_string"].strip()[:200]
    if not given.get("lat") and not given.get("long"):
        return ""
    try:
        latitude, longitude = float(given["lat"]), float(given["long"])
    except (KeyError, ValueError) as error:
        raise InvalidInput("lat", _("Give latitude and longitude as decimal degrees, both of them.")) from error
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise InvalidInput("lat", _("Give latitude and longitude as decimal degrees, both of them."))
    return f"{latitude:.6f}, {longitude:.6f}"


def _link(url: str) -> str:
    """The link to a picture elsewhere, kept as a link: nothing is fetched from it."""
    url = url.strip()
    if url and not re.match(r"https?://[^\s]+$", url):
        raise InvalidInput("media_url", _("This is not a web address."))
    if len(url) > 500:
        raise InvalidInput("media_url", _("Please shorten this to %(limit)s characters."), limit="500")
    return url


def readable() -> QuerySet[ServiceRequest]:
    """The requests filed through this interface, newest first, with what is shown of them."""
    return ServiceRequest.objects.select_related("complaint__category", "complaint__lead_department").order_by("-pk")


def shown(request: ServiceRequest) -> dict[str, Any]:
    """What everybody may read: service, dates, open or closed. Text, place and person are not among it (PI-17)."""
    complaint = request.complaint
    category = complaint.category
    is_open = complaint.status in OPEN
    return {
        "service_request_id": request.public_id,
        "status": "open" if is_open else "closed",
        "status_notes": None,
        "service_name": category.label if category else None,
        "service_code": category.code if category else "other",
        "description": None,
        "agency_responsible": None,
        "service_notice": _("Read the answer with the number and the access code on the tracking page."),
        "requested_datetime": moment(complaint.received_at),
        "updated_datetime": moment(complaint.status_since),
        "expected_datetime": moment(complaint.next_due_at) if is_open and complaint.next_due_at else None,
        "address": None,
        "address_id": None,
        "zipcode": None,
        "lat": None,
        "long": None,
        "media_url": None,
    }


def moment(value: datetime) -> str:
    return timezone.localtime(value).isoformat(timespec="seconds")

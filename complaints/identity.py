"""Normalise, match and mask what identifies a person (COM-07, RISK-12).

Staff see masked values by default; a reveal is an action with a reason (transitions.reveal).
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta

import phonenumbers
from django.db.models import Q

from accounts.crypto import keyed_hash
from complaints.models import Complainant, Complaint, ContactPoint
from complaints.models.people import ContactKind
from complaints.querysets import ComplaintQuerySet
from complaints.states import Status

# Nearly every number; reading it in full takes a hundred times as long. 179 is also the prefix of a carrier.
_MOBILE = re.compile(r"1(?:[3-689]\d|7[0-8])\d{8}", re.ASCII)


def normalise(kind: str, value: str) -> str:
    """One spelling per number or address, so that equal ones hash equally."""
    value = unicodedata.normalize("NFKC", value).strip()
    if kind == ContactKind.PHONE:
        if _MOBILE.fullmatch(value):
            return f"+86{value}"
        try:
            parsed = phonenumbers.parse(value, "CN")
        except phonenumbers.NumberParseException:
            return re.sub(r"\D", "", value)
        return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if kind == ContactKind.EMAIL:
        return value.casefold()
    if kind == ContactKind.IDENTITY:
        return re.sub(r"[^0-9X]", "", value.upper())
    return ""


def match_hash(kind: str, value: str) -> str:
    """Keyed hash for exact matching; '' for kinds that are not matched (addresses)."""
    normal = normalise(kind, value)
    return keyed_hash(kind, normal) if normal else ""


def plausible_phone(value: str) -> bool:
    """A number that could be dialled in China: mobile, landline with area code, or 400/95 service number."""
    value = unicodedata.normalize("NFKC", value)
    if _MOBILE.fullmatch(value):
        return True
    try:
        parsed = phonenumbers.parse(value, "CN")
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_possible_number(parsed) and len(str(parsed.national_number)) >= 7


def mask(kind: str, value: str) -> str:
    """What staff see before a reveal: 王**, 138****0417, w***@example.cn, ***1234."""
    if not value:
        return ""
    if kind == "name":
        return value[0] + "**"
    if kind == ContactKind.PHONE:
        digits = re.sub(r"\D", "", normalise(kind, value).removeprefix("+86"))
        return f"{digits[:3]}****{digits[-4:]}" if len(digits) >= 9 else "****" + digits[-2:]
    if kind == ContactKind.EMAIL:
        name, _, domain = value.partition("@")
        return f"{name[:1]}***@{domain}"
    if kind == ContactKind.IDENTITY:
        return "**************" + value[-4:]
    return value[:6] + "***"


def masked(complainant: Complainant) -> dict[str, str]:
    """Every known value of the complainant, masked, for the case page."""
    values = {"name": mask("name", complainant.name)}
    for point in complainant.contacts.all():
        values[point.kind] = "、".join(filter(None, (values.get(point.kind, ""), mask(point.kind, point.value))))
    return values


_PHONE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
_IDENTITY = re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)")


def scrub(text: str, complainant: Complainant | None) -> str:
    """Take this case's known name and numbers, and anything shaped like a phone or ID number, out of
    a text that goes into the log (AT-05)."""
    if complainant is not None:
        for value in [complainant.name, *(point.value for point in complainant.contacts.all())]:
            if len(value) > 1:
                text = text.replace(value, "***")
    return _IDENTITY.sub("***", _PHONE.sub("***", text))


def undone_import(case: str = "") -> Q:
    """Cases that were taken back with the whole import they came in by: they are no complaints of the person.

    `case` leads to the case, as "complainant__complaint__".
    """
    return Q(**{f"{case}status": Status.WITHDRAWN, f"{case}import_batch__isnull": False, f"{case}external_key": None})


def earlier_complaints(complaint: Complaint, *, at: datetime, days: int) -> ComplaintQuerySet:
    """Other cases of the same person received in the `days` before `at`, found by hashed contacts.

    Cases of an import that was undone are none.
    """
    hashes = (
        ContactPoint.objects.filter(complainant=complaint.complainant_id).exclude(match_hash="").values("match_hash")
    )
    same_person = ContactPoint.objects.filter(match_hash__in=hashes).values("complainant")
    return (
        Complaint.objects.filter(
            complainant__in=same_person, received_at__gt=at - timedelta(days=days), received_at__lte=at
        )
        .exclude(pk=complaint.pk)
        .exclude(undone_import())
    )

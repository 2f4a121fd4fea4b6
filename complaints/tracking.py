"""Who may follow a case: number and access code, then a short session bound to that one case (PI-01…05).

Unknown number and wrong code cannot be told apart: same answer, same work (a hash is checked either
way). Wrong tries make the next try wait, per case and address and per address, so that a stranger
who hammers a case never keeps its complainant out. The session has its own cookie below /track/; a
staff session gives no right here and is not touched.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from importlib import import_module

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import security
from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import User
from complaints import notify, sms, throttle, track_page, transitions
from complaints.models import Complaint, StoredFile
from complaints.models.people import ContactKind
from complaints.states import Channel, CodeWay, ContactDirection, ContactPurpose, EvidenceKind, QuestionKind
from complaints.transitions.intake import CODE_ALPHABET, CODE_LENGTH, new_access_code

COOKIE = "huiyin_track"
COOKIE_PATH = "/track/"
SESSION_TIME = timedelta(minutes=30)
# Wrong tries without a wait: for one case from one address, for one address in all.
FREE_TRIES = 5
FREE_TRIES_OF_ADDRESS = 20
# So many wrong tries on one case within an hour are written down as an alarm.
ALARM_AFTER = 50

_NUMBER = re.compile(r"HY-?(\d{8})-?(\d{4,8})")
_MISREAD = str.maketrans("OIL", "011")


def normalise_number(text: str) -> str:
    """A case number as it is stored, from any way of typing it; "" when it cannot be one (PI-05)."""
    found = _NUMBER.fullmatch(_plain(text))
    return f"HY-{found[1]}-{found[2]}" if found and found[1].isascii() and found[2].isascii() else ""


def normalise_code(text: str) -> str:
    """The sixteen characters of an access code: case, spaces, hyphens and look-alikes do not matter;
    "" when it cannot be one (PI-05)."""
    code = _plain(text).replace("-", "").translate(_MISREAD)
    return code if len(code) == CODE_LENGTH and set(code) <= set(CODE_ALPHABET) else ""


def _plain(text: str) -> str:
    """Full-width as ASCII, capitals, every dash a hyphen, no space."""
    if len(text) > 200:
        return ""
    text = unicodedata.normalize("NFKC", text).upper()
    text = "".join("-" if unicodedata.category(char) == "Pd" or char == "−" else char for char in text)
    return "".join(text.split())


@lru_cache(maxsize=1)
def _decoy(hasher: str) -> str:
    """A hash nobody has the code of, as costly to check as a real one."""
    return make_password(secrets.token_hex(16), hasher=hasher)


def find(number: str, code: str) -> Complaint | None:
    """The case this number and code open. Works as hard for an unknown number as for a wrong code (PI-01)."""
    complaint = Complaint.objects.filter(number=number).only("pk", "number", "access_code_hash").first()
    stored = complaint.access_code_hash if complaint else ""
    matches = check_password(code, stored or _decoy(settings.ACCESS_CODE_HASHER))
    return complaint if complaint and stored and matches else None


# --- Wrong tries ----------------------------------------------------------------------------
def wait(request: HttpRequest, number: str, *, at: datetime) -> int:
    """Seconds until this address may try this case again; 0 when it may."""
    address = throttle.address_of(request)
    return max(throttle.wait("track", f"{number} {address}", at=at), throttle.wait("track-address", address, at=at))


def note_failure(request: HttpRequest, number: str, *, at: datetime) -> None:
    """Count a wrong try and write it to the security log; many on one case are an alarm (PI-02)."""
    address = throttle.address_of(request)
    throttle.failed("track", f"{number} {address}", free=FREE_TRIES, at=at)
    throttle.failed("track-address", address, free=FREE_TRIES_OF_ADDRESS, at=at)
    tries = throttle.failed("track-case", number, free=ALARM_AFTER, at=at)
    security.record("tracking_alarm" if tries == ALARM_AFTER else "tracking_failed", request=request, subject=number)


def note_success(request: HttpRequest, number: str) -> None:
    """The right person forgets the wrong tries of this case from here."""
    throttle.forgive("track", f"{number} {throttle.address_of(request)}")


# --- The session ----------------------------------------------------------------------------
def _store(key: str | None = None) -> SessionBase:
    return import_module(settings.SESSION_ENGINE).SessionStore(key)


def open_session(response: HttpResponse, complaint: Complaint) -> None:
    """Bind this browser to one case for half an hour, under a new key."""
    store = _store()
    store["case"], store["code"] = complaint.pk, _fingerprint(complaint)
    store.set_expiry(int(SESSION_TIME.total_seconds()))
    store.create()
    assert store.session_key  # create() made one
    response.set_cookie(
        COOKIE,
        store.session_key,
        path=COOKIE_PATH,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def current_case(request: HttpRequest) -> Complaint | None:
    """The one case this browser is bound to; None without a session, after half an hour, and once the
    access code was replaced. Each call starts the half hour anew."""
    key = request.COOKIES.get(COOKIE, "")
    if not key:
        return None
    store = _store(key)
    complaint = Complaint.objects.filter(pk=store["case"]).first() if store.get("case") else None
    if complaint is None or not hmac.compare_digest(store.get("code", ""), _fingerprint(complaint)):
        return None
    store.set_expiry(int(SESSION_TIME.total_seconds()))
    store.save()
    return complaint


def close_session(request: HttpRequest, response: HttpResponse) -> None:
    """Forget the case in this browser and on the server."""
    key = request.COOKIES.get(COOKIE, "")
    if key:
        _store(key).delete(key)
    response.delete_cookie(COOKIE, path=COOKIE_PATH, samesite="Lax")


def _fingerprint(complaint: Complaint) -> str:
    """Changes with the access code, so that old sessions end with the old code."""
    return hashlib.sha256(complaint.access_code_hash.encode()).hexdigest()[:32]


# --- What the complainant does with the case --------------------------------------------------
Files = Sequence[tuple[StoredFile, str]]


@transaction.atomic
def answer(complaint_id: int, *, text: str, files: Files, at: datetime) -> Complaint:
    """Give the information the office asked for; the clocks run on. Raises IllegalTransition (PI-11)."""
    complaint = transitions.receive_information(complaint_id, by=None, answer=text, at=at)
    _attach(complaint, files, at=at)
    _tell_keepers(complaint, at=at)
    return complaint


@transaction.atomic
def supplement(
    complaint_id: int, *, text: str, files: Files, at: datetime, channel: Channel = Channel.WEB
) -> Complaint:
    """Add facts and files to an open case: what was filed stays as it is (I15). Raises IllegalTransition."""
    complaint = transitions.lock(complaint_id)
    if not track_page.may_supplement(complaint):
        raise IllegalTransition(_("This case is over; nothing can be added to it."))
    if text:
        transitions.add_contact(
            complaint_id,
            by=None,  # type: ignore[arg-type]  # the complainant
            direction=ContactDirection.IN,
            channel=channel,
            purpose=ContactPurpose.INFORMATION,
            summary=text,
            at=at,
        )
    _attach(complaint, files, at=at)
    _tell_keepers(complaint, at=at)
    return complaint


@transaction.atomic
def ask(
    complaint_id: int,
    *,
    kind: QuestionKind,
    text: str,
    files: Files = (),
    at: datetime,
    channel: Channel = Channel.WEB,
) -> Complaint:
    """Ask or remind, while the case is open and after its end (RISK-11). Raises IllegalTransition."""
    complaint = transitions.lock(complaint_id)
    if not (complaint.is_open or track_page.may_supplement(complaint) or track_page.may_ask(complaint)):
        raise IllegalTransition(_("This case is over; call us if there is something new."))
    transitions.add_question(complaint_id, kind=kind, text=text, channel=channel, by=None, at=at)
    _attach(complaint, files, at=at)
    return complaint


def _attach(complaint: Complaint, files: Files, *, at: datetime) -> None:
    for stored, name in files:
        transitions.add_attachment(
            complaint.pk, by=None, file=stored, name=name, evidence_kind=EvidenceKind.COMPLAINANT, at=at
        )


def _tell_keepers(complaint: Complaint, *, at: datetime) -> None:
    dedupe = f"supplement:{complaint.pk}:{at:%Y%m%d%H%M%S%f}"
    notify.tell(notify.keepers(complaint), "supplement", complaint=complaint, dedupe=dedupe, by_email=False)


@transaction.atomic
def replace_code(complaint_id: int, *, at: datetime) -> tuple[Complaint, str]:
    """Give the complainant a new access code; the old one and its sessions end (matrix, rotate)."""
    complaint = transitions.lock(complaint_id)
    code = _fresh_code(complaint)
    transitions.add_event(complaint, "replace_code", by=None, at=at)
    return complaint, code


def _fresh_code(complaint: Complaint) -> str:
    code = new_access_code()
    complaint.access_code_hash = make_password(code, hasher=settings.ACCESS_CODE_HASHER)
    complaint.save(update_fields=["access_code_hash"])
    return code


# --- A lost code (matrix, rotate) ---------------------------------------------------------------
GIVE = "complaints.record_for_complainant"
LONGEST_CHECK = 300


def ways(complaint: Complaint) -> list[CodeWay]:
    """The ways a new code can take; none where nobody is known who could be asked."""
    person = complaint.complainant
    found = [CodeWay.SENT] if person.contact(ContactKind.EMAIL) or sms.number_of(person) else []
    if person.contact(ContactKind.PHONE) or person.contact(ContactKind.ADDRESS):
        found.append(CodeWay.PAPER)
    return found


@transaction.atomic
def give_code(complaint_id: int, *, way: str, checked: str, by: User, at: datetime | None = None) -> str:
    """Give somebody who lost the code a new one; the old one and its sessions end at once.

    `checked` says how the office made sure who asks. Returns the code for paper; one that is sent is made when it is
    sent, and nobody here reads it. Raises NotAllowed, InvalidInput at `way` or `checked`.
    """
    at = at or timezone.now()
    complaint = transitions.lock(complaint_id)
    if not by.has_perm(GIVE) or not Complaint.objects.visible_to(by).filter(pk=complaint.pk).exists():
        raise NotAllowed(_("Your role does not allow this."))
    if way not in ways(complaint):
        raise InvalidInput("way", _("The case holds no address or number for this way."))
    checked = checked.strip()
    if not checked or "\x00" in checked or len(checked) > LONGEST_CHECK:
        raise InvalidInput("checked", _("Say in at most 300 characters how you made sure who asks."))
    event = transitions.add_event(complaint, "give_code", by=by, at=at, note=f"{way}: {checked}")
    if way == CodeWay.PAPER:
        return _fresh_code(complaint)
    complaint.access_code_hash = ""  # nothing opens the case until the new code goes out
    complaint.save(update_fields=["access_code_hash"])
    notify.tell_complainant(complaint, "new_code", dedupe=f"new_code:{event.pk}")
    return ""


@transaction.atomic
def code_to_send(complaint_id: int) -> str:
    """A code made in the moment it goes out, so that it is stored nowhere. Sent twice, the later one holds."""
    return _fresh_code(transitions.lock(complaint_id))

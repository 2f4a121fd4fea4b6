"""Other systems of the organisation and their records on cases, attached by reference (CASE-06…09).

A record is a key in the other system with what it shows and when; what the other system says of it are its facts,
kept encrypted because they may name people. Facts are masked on pages; reading them in clear is logged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import security
from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.models import User
from complaints import connect, identity, permissions
from complaints.models import Complaint, ExternalRecord, ExternalSystem
from complaints.models.people import ContactKind
from complaints.states import ExternalSystemKind, Status
from complaints.transitions import core
from complaints.transitions.intake import check_text

CONFIGURE = "accounts.configure_system"
# Whoever may record a contact or write a note on the case, people and programs alike.
ADD = ("complaints.record_contact", "complaints.write_note")
MOST_RECORDS = 200
MOST_FACTS = 60
MAX_NAME = 60
MAX_VALUE = 500
MAX_TOKEN = 500
# A system's clock may be a little ahead of ours.
AHEAD = timedelta(days=1)
FIRST_YEAR = 2000
EVIDENCE = (ExternalSystemKind.RECORDING, ExternalSystemKind.VIDEO)
_CODE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")

# Names of facts that are about a person, and how each is masked; the longest match of a name decides.
_PERSONAL: tuple[tuple[str, str], ...] = (
    (ContactKind.PHONE, r"phone|mobile|tel(?![a-z])|telephone|caller|callee|电话|手机|主叫|被叫|来电号码"),
    (ContactKind.EMAIL, r"e-?mail|邮箱|电子邮件"),
    (ContactKind.IDENTITY, r"identity|id_?card|id_?no|passport|licen[cs]e|身份证|证件|护照|车牌"),
    (ContactKind.ADDRESS, r"address|addr(?![a-z])|地址|住址"),
    ("secret", r"account|bank|card|birth|账号|账户|卡号|生日|出生"),
    (
        "name",
        r"customer|person|contact|recipient|receiver|sender|owner|user|visitor|^name$|_name$|姓名|客户|联系人|收件人"
        r"|收货人|寄件人|户主|用户|访客|本人",
    ),
)
_THING = re.compile(r"product|goods|item|model|shop|store|station|system|service|file|产品|商品|型号|门店|网点|服务")
_EMAIL_SHAPE = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
# Telephone numbers as people write them: area codes, extensions, blanks and hyphens between the digits.
_NUMBER_SHAPE = re.compile(r"(?<![\w.])\+?\d(?:[ \-–]?\d){6,}(?![\w.])")
_DAY_SHAPE = re.compile(r"(?:19|20)\d{2}[-/.]?(?:0\d|1[0-2])[-/.]?(?:[0-2]\d|3[01])(?:[ T]?\d{2}:?\d{2}(?::?\d{2})?)?")


# --- Systems ------------------------------------------------------------------------------------------
@transaction.atomic
def save_system(
    system_id: int | None,
    *,
    by: User,
    at: datetime | None = None,
    seen: str = "",
    token: str = "",
    forget_token: bool = False,
    **values: Any,
) -> ExternalSystem:
    """Add or change a system. `seen` is the moment of the last change that was read; an empty token keeps the old one.

    `values`: code (of a new one), name, kind, lookup_url, page_url, is_active. Raises NotAllowed, StaleVersion,
    InvalidInput naming the field. The security log says who changed what, never the token (CASE-06…09).
    """
    at = core.moment(at)
    if not by.is_active or not by.has_perm(CONFIGURE):
        raise NotAllowed(_("Your role does not allow this."))
    if system_id is None:
        row = ExternalSystem(code=_check_code(values["code"]))
    else:
        row = ExternalSystem.objects.select_for_update().get(pk=system_id)
        if seen and seen != stamp(row):
            raise StaleVersion(row.pk)
    before = _shown(row) if system_id else {}
    row.name = " ".join(check_text("name", values["name"], limit=80).split())
    core.require("name", row.name)
    if values["kind"] not in ExternalSystemKind.values:
        raise InvalidInput("kind", _("Choose one."))
    row.kind = values["kind"]
    row.lookup_url = connect.check_address("lookup_url", values.get("lookup_url", ""), needs_mark=True)
    row.page_url = connect.check_address("page_url", values.get("page_url", ""))
    if forget_token:
        row.token = ""
    elif token:
        if not token.isascii() or not token.isprintable() or " " in token or len(token) > MAX_TOKEN:
            raise InvalidInput("token", _("A token is one word of letters, digits and signs."))
        row.token = token
    row.is_active = bool(values.get("is_active", True))
    row.changed_at, row.changed_by = at, by
    row.save()
    security.record(
        "reference_changed", user=by, subject=f"externalsystem:{row.pk}", before=before, after=_shown(row),
        token="removed" if forget_token else "set" if token else "kept",
    )  # fmt: skip
    return row


def _check_code(code: str) -> str:
    if not _CODE.fullmatch(code) or len(code) > 40:
        raise InvalidInput("code", _("Lower-case letters, digits and hyphens only."))
    if ExternalSystem.objects.filter(code=code).exists():
        raise InvalidInput("code", _("This identifier is taken."))
    return code


def stamp(row: ExternalSystem) -> str:
    """What a form keeps of the state it was filled from."""
    return row.changed_at.isoformat()


def _shown(row: ExternalSystem) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("code", "name", "kind", "lookup_url", "page_url", "is_active")}


# --- Who adds and reads -------------------------------------------------------------------------------
def refusal(user: User, complaint: Complaint) -> str:
    """Why the person or program may not attach records to this case; '' when they may."""
    if not any(user.has_perm(name) for name in ADD):
        return str(_("Your role does not allow this."))
    if not user.has_perm("complaints.view_all") and not permissions.holds_case(user, complaint):
        return str(_("The case is not with your department."))
    return ""


def _begin(complaint_id: int, *, by: User) -> Complaint:
    """Lock a case this person sees and may add to. Raises NotAllowed, IllegalTransition."""
    complaint = core.lock(complaint_id)
    if not Complaint.objects.visible_to(by).filter(pk=complaint.pk).exists():
        raise NotAllowed(_("This case is no longer yours to see."))
    refused = refusal(by, complaint)
    if refused:
        raise NotAllowed(refused)
    if complaint.status == Status.ARCHIVED:
        raise IllegalTransition(_("The case is archived; nothing can be added."))
    return complaint


# --- Records ------------------------------------------------------------------------------------------
@transaction.atomic
def attach(
    complaint_id: int,
    *,
    system: ExternalSystem,
    reference: str,
    what: str = "",
    occurred_at: datetime | None = None,
    sha256: str = "",
    by: User,
    at: datetime | None = None,
) -> ExternalRecord:
    """Attach a record of another system to a case by its key (CASE-06…09).

    A recording or a video says when it was made; its hash proves later that the original is the same. Raises
    NotAllowed, IllegalTransition in the archive, InvalidInput naming the field.
    """
    at = core.moment(at)
    complaint = _begin(complaint_id, by=by)
    reference = _check_reference(reference)
    if ExternalRecord.objects.filter(complaint=complaint, system=system, reference=reference).exists():
        raise InvalidInput("reference", _("This record is attached to the case already."))
    return _create(complaint, system, reference, what, occurred_at, sha256, None, by=by, at=at)


@transaction.atomic
def report(
    complaint_id: int,
    *,
    system: ExternalSystem,
    reference: str,
    what: str = "",
    occurred_at: datetime | None = None,
    facts: Mapping[str, Any] | None = None,
    sha256: str = "",
    by: User,
    at: datetime | None = None,
) -> tuple[ExternalRecord, bool]:
    """What a program reports of a record, new or known; whether it was new (CASE-08).

    A known record takes the new facts; the hash of an original once attached is never replaced. The same report
    again changes nothing. Raises as `attach`.
    """
    at = core.moment(at)
    complaint = _begin(complaint_id, by=by)
    reference = _check_reference(reference)
    checked = check_facts(facts or {})
    row = ExternalRecord.objects.filter(complaint=complaint, system=system, reference=reference).first()
    if row is None:
        return _create(complaint, system, reference, what, occurred_at, sha256, checked, by=by, at=at), True
    if sha256 and row.sha256 and sha256.lower() != row.sha256:
        raise InvalidInput("sha256", _("The record has another hash; the original was changed since it was attached."))
    before = (row.what, row.occurred_at, row.sha256, facts_of(row))
    row.what = _check_what(what) or row.what
    row.occurred_at = _check_moment(occurred_at, at=at) or row.occurred_at
    row.sha256 = row.sha256 or _check_hash(sha256)
    if facts is not None:
        row.facts, row.fetched_at = _packed(checked), at
    if (row.what, row.occurred_at, row.sha256, facts_of(row)) != before:
        row.save(update_fields=["what", "occurred_at", "sha256", "facts", "fetched_at"])
        core.add_event(complaint, "external_updated", by=by, at=at, reference=core.ref(row), note=system.code)
    return row, False


def _create(
    complaint: Complaint,
    system: ExternalSystem,
    reference: str,
    what: str,
    occurred_at: datetime | None,
    sha256: str,
    facts: dict[str, str] | None,
    *,
    by: User,
    at: datetime,
) -> ExternalRecord:
    if not system.is_active:
        raise InvalidInput("system", _("This system is no longer in use."))
    if ExternalRecord.objects.filter(complaint=complaint).count() >= MOST_RECORDS:
        raise InvalidInput("reference", _("A case holds at most %(most)s of these records."), most=MOST_RECORDS)
    if system.kind in EVIDENCE:
        core.require("occurred_at", occurred_at, _("Say when the recording was made."))
    row = ExternalRecord.objects.create(
        complaint=complaint,
        system=system,
        reference=reference,
        what=_check_what(what),
        occurred_at=_check_moment(occurred_at, at=at),
        sha256=_check_hash(sha256),
        facts=_packed(facts) if facts else "",
        fetched_at=at if facts else None,
        at=at,
        by=by,
    )
    core.add_event(complaint, "external_added", by=by, at=at, reference=core.ref(row), note=system.code)
    return row


def _check_reference(value: str) -> str:
    value = check_text("reference", value, limit=120).strip()
    core.require("reference", value)
    if not value.isprintable():
        raise InvalidInput("reference", _("A key is one line."))
    if identity.scrub(value, None) != value or _EMAIL_SHAPE.search(value):
        raise InvalidInput(
            "reference", _("This looks like a telephone or identity number; give the key of the record instead.")
        )
    return value


def _check_what(value: str) -> str:
    return identity.scrub(" ".join(check_text("what", value, limit=200).split()), None)


def _check_hash(value: str) -> str:
    value = "".join(value.split()).lower()
    if value and not _SHA256.fullmatch(value):
        raise InvalidInput("sha256", _("A SHA-256 has 64 digits from 0 to f."))
    return value


def _check_moment(value: datetime | None, *, at: datetime) -> datetime | None:
    if value is None:
        return None
    if value.year < FIRST_YEAR:
        raise InvalidInput("occurred_at", _("This time is too long ago; check the year."))
    if value > at + AHEAD:
        raise InvalidInput("occurred_at", _("This time is in the future; check it."))
    return value


# --- Facts --------------------------------------------------------------------------------------------
def check_facts(facts: Mapping[str, Any], field: str = "facts") -> dict[str, str]:
    """Flat facts as they are kept: name to text, in the given order. Raises InvalidInput naming `field`."""
    if len(facts) > MOST_FACTS:
        raise InvalidInput(field, _("At most %(most)s facts."), most=MOST_FACTS)
    found: dict[str, str] = {}
    for name, value in facts.items():
        name = " ".join(check_text(field, str(name), limit=MAX_NAME).split())
        if not name:
            raise InvalidInput(field, _("Every fact has a name."))
        if value is None or value == "":
            continue
        if isinstance(value, bool):
            value = "是" if value else "否"
        if not isinstance(value, str | int | float):
            raise InvalidInput(field, _("“%(name)s” is not a single value; facts are flat."), name=name)
        found[name] = check_text(field, str(value), limit=MAX_VALUE).strip()
    return found


def _packed(facts: Mapping[str, str]) -> str:
    return json.dumps(facts, ensure_ascii=False)


def facts_of(row: ExternalRecord) -> dict[str, str]:
    """The facts in clear, for rules; pages show `shown`."""
    return json.loads(row.facts) if row.facts else {}


def fetch(record_id: int, *, by: User, at: datetime | None = None) -> ExternalRecord:
    """Ask the other system for the facts of a record and keep them (CASE-06, CASE-07, CASE-08).

    Nothing is locked while the other system thinks. Raises NotAllowed, IllegalTransition where there is no look-up
    address, connect.NotAnswered with the reason in words: what was known before stays.
    """
    at = core.moment(at)
    row = ExternalRecord.objects.select_related("system").get(pk=record_id)
    with transaction.atomic():
        _begin(row.complaint_id, by=by)
    system = row.system
    if not system.is_active or not system.lookup_url:
        raise IllegalTransition(_("This system cannot be asked; it only writes to us."))
    answer = connect.ask(connect.filled(system.lookup_url, row.reference), token=system.token)
    try:
        facts = check_facts(answer)
    except InvalidInput:
        raise connect.NotAnswered("shape") from None
    return _keep(row.pk, facts, by=by, at=at)


@transaction.atomic
def _keep(record_id: int, facts: dict[str, str], *, by: User, at: datetime) -> ExternalRecord:
    row = ExternalRecord.objects.select_related("system").get(pk=record_id)
    complaint = _begin(row.complaint_id, by=by)
    row.facts, row.fetched_at = _packed(facts), at
    if not row.sha256 and _SHA256.fullmatch(facts.get("sha256", "").lower()):
        row.sha256 = facts["sha256"].lower()
    row.save(update_fields=["facts", "fetched_at", "sha256"])
    core.add_event(complaint, "external_fetched", by=by, at=at, reference=core.ref(row), note=row.system.code)
    return row


@transaction.atomic
def reveal(record_id: int, *, reason: str, by: User, at: datetime | None = None) -> dict[str, str]:
    """The facts of a record in clear; the reason is logged as with the complainant's data (AZ-06).

    Raises NotAllowed, InvalidInput naming `reason`.
    """
    at = core.moment(at)
    row = ExternalRecord.objects.get(pk=record_id)
    complaint = core.lock(row.complaint_id)
    if not Complaint.objects.visible_to(by).filter(pk=complaint.pk).exists():
        raise NotAllowed(_("This case is no longer yours to see."))
    refused = permissions.reveal_refusal(by, complaint)
    if refused:
        raise NotAllowed(refused)
    reason = check_text("reason", reason, limit=200).strip()
    if len(reason) < 4:
        raise InvalidInput("reason", _("Give the reason in at least 4 characters."))
    core.add_event(complaint, "reveal", by=by, at=at, reference=core.ref(row), note=f"external: {reason}")
    return facts_of(row)


# --- Showing ------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Shown:
    """A record as a page shows it; `facts` are masked, `is_masked` says whether anything was hidden."""

    row: ExternalRecord
    facts: list[tuple[str, str]]
    is_masked: bool
    page: str
    may_fetch: bool
    is_evidence: bool
    is_changed: bool


def shown(rows: Iterable[ExternalRecord], complaint: Complaint, *, may_add: bool) -> list[Shown]:
    """The records of a case for staff, personal facts masked (COM-07). Runs no query on a case with its contacts."""
    known = [value for value in (complaint.complainant.name, *_contacts(complaint)) if len(value) > 1]
    found = []
    for row in rows:
        clear = facts_of(row)
        masked = masked_facts(clear, known, names=row.system.kind != ExternalSystemKind.PRODUCTS)
        found.append(
            Shown(
                row,
                list(masked.items()),
                masked != clear,
                connect.filled(row.system.page_url, row.reference) if row.system.page_url else "",
                may_add and row.system.is_active and bool(row.system.lookup_url),
                row.system.kind in EVIDENCE,
                bool(row.sha256) and clear.get("sha256", row.sha256).lower() != row.sha256,
            )
        )
    return found


def _contacts(complaint: Complaint) -> list[str]:
    return [point.value for point in complaint.complainant.contacts.all()]


def masked_facts(facts: Mapping[str, str], known: Iterable[str], *, names: bool = True) -> dict[str, str]:
    """The facts with everything about a person masked: by the name of the fact, by its shape, and what is known.

    `names`: whether a fact called “name” is somebody's; in a product database it is not.
    """
    known = list(known)
    return {name: _masked(name, value, known, names=names) for name, value in facts.items()}


def _masked(name: str, value: str, known: list[str], *, names: bool) -> str:
    kind = next((kind for kind, words in _PERSONAL if re.search(words, name.casefold())), "")
    if kind == "name" and (not names or _THING.search(name.casefold())):
        kind = ""
    if kind == "secret":
        return "***" + value[-2:] if len(value) > 6 else "***"
    if kind:
        return identity.mask(kind, value)
    for text in known:
        value = value.replace(text, "***")
    value = _EMAIL_SHAPE.sub(lambda match: identity.mask(ContactKind.EMAIL, match.group()), value)
    if _SHA256.fullmatch(value.lower()) or _DAY_SHAPE.fullmatch(value):
        return value
    value = identity.scrub(value, None)
    return _NUMBER_SHAPE.sub(_hide_number, value)


def _hide_number(match: re.Match[str]) -> str:
    """A long number keeps its last two digits; dates and moments stay."""
    text = match.group()
    return text if _DAY_SHAPE.match(text) else "***" + text[-2:]

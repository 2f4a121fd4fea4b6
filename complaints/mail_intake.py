"""From a message to a case: a new complaint, an addition to its case, or a row that waits for a clerk (IN-08, AP-07).

Nothing is lost and nothing is taken twice: a message is a row with its original first, found again by
`message_key`. What no person wrote is recorded and never answered.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.errors import DomainError, InvalidInput
from accounts.models import User
from complaints import drafts, files, identity, mail_reading, mail_tokens, throttle, track_page, tracking, transitions
from complaints.mail_reading import Kind, Mail
from complaints.models import (
    Attachment,
    Category,
    Complaint,
    ContactPoint,
    InboundMail,
    Mailbox,
    MailState,
    Notification,
    StoredFile,
)
from complaints.models.people import ContactKind
from complaints.states import Channel, EvidenceKind, QuestionKind, Status
from complaints.transitions.intake import MAX_NARRATIVE

# Shorter texts ("hello", "test") wait for a clerk.
LEAST_TEXT = 10
# A mailbox read for the first time, or after a long outage: what is older waits for a clerk.
OLDEST = timedelta(days=7)
# Complaints that one address files by itself in a day; the next ones wait.
FILED_BY_SENDER = throttle.Limit("mail-sender", 10, throttle.DAY)
MAX_ANSWER = 5000

# Why a message waits, by the code in `InboundMail.reason`; a reason a clerk gave is shown as it is.
REASONS = {
    "too_large": gettext_lazy("It is too large to be fetched; read it in the mail program."),
    "unreadable": gettext_lazy("It could not be read; look at the original."),
    "no_sender": gettext_lazy("It has no sender who could be answered."),
    "short": gettext_lazy("It says too little to be a complaint."),
    "old": gettext_lazy("It arrived more than a week before it was fetched."),
    "many": gettext_lazy("This sender wrote very often today."),
    "clerk": gettext_lazy("Every new e-mail waits for a clerk."),
    "forged": gettext_lazy("The token in its address is not one of ours."),
    "two_cases": gettext_lazy("It names more than one case."),
    "other_sender": gettext_lazy("It answers a case, but comes from an address the complainant did not give."),
    "number_only": gettext_lazy("It names a case number without a token."),
    "to_staff": gettext_lazy("It answers a message to staff."),
    "refused": gettext_lazy("The case takes nothing more, or something in it cannot be stored."),
}
NUMBER = re.compile(r"HY-\d{8}-\d{4,8}")
_ASKS = re.compile("[?？]")

Stored = tuple[StoredFile, str]


@dataclass(frozen=True)
class Plan:
    """What is to become of a message: its state, the case it joins, the mails of ours that came back."""

    state: MailState
    reason: str = ""
    complaint_id: int | None = None
    bounced: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Details:
    """What a clerk makes of a message before it is registered."""

    subject: str
    narrative: str
    name: str = ""
    phone: str = ""
    demand: str = ""
    place: str = ""
    category: Category | None = None


# --- Taking in --------------------------------------------------------------------------------
def take_in(
    raw: bytes, *, mailbox: Mailbox, received_at: datetime, at: datetime, whole: bool = True
) -> MailState | None:
    """Take in a message once; None when it is known. `whole` is False for the header of one that is too large.

    Raises StorageFull when its original cannot be kept: then nothing was taken in.
    """
    try:
        mail = read(raw)
    except mail_reading.TooComplex:
        return put_aside(raw, "unreadable", mailbox=mailbox, received_at=received_at, at=at)
    plan = _plan(mail, raw, received_at=received_at, at=at) if whole else Plan(MailState.WAITING, "too_large")
    key = _key(raw, mail.message_id, mail.date, mail.sender)
    return _insert(raw, mail, plan, key, mailbox=mailbox, received_at=received_at, at=at, whole=whole)


def put_aside(raw: bytes, reason: str, *, mailbox: Mailbox, received_at: datetime, at: datetime) -> MailState | None:
    """Keep a message that cannot be read for a clerk, with its original."""
    plan = Plan(MailState.WAITING, reason)
    return _insert(raw, None, plan, _key(raw), mailbox=mailbox, received_at=received_at, at=at)


def read(raw: bytes) -> Mail:
    """Read a message with what this installation knows of itself. Raises TooComplex."""
    return mail_reading.read(
        raw,
        mark=settings.MAIL_DOMAIN,
        own_ids=mail_tokens.own_ids(),
        own_addresses=mail_tokens.own_addresses(),
    )


def _key(raw: bytes, *identity_of: str) -> str:
    """One key per message, whichever way it came: servers add to the header, not to the body."""
    _header, body = mail_reading.split(raw)
    parts = [*identity_of, hashlib.sha256(body if any(identity_of) else raw).hexdigest()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _insert(
    raw: bytes,
    mail: Mail | None,
    plan: Plan,
    key: str,
    *,
    mailbox: Mailbox,
    received_at: datetime,
    at: datetime,
    whole: bool = True,
) -> MailState | None:
    if InboundMail.objects.filter(message_key=key).exists():
        return None
    acts = plan.state in (MailState.COMPLAINT, MailState.JOINED)
    original = _store_original(raw, at=at) if whole else None
    attached = _store_attachments(mail, at=at) if mail and acts else []
    try:
        with transaction.atomic():
            row = InboundMail.objects.create(
                message_key=key,
                mailbox=mailbox,
                state=MailState.WAITING if acts else plan.state,
                reason=plan.reason,
                sender=mail.sender if mail else "",
                subject=mail.subject if mail else "",
                body=mail.text if mail else "",
                original=original,
                sent_at=mail.sent_at if mail else None,
                received_at=min(received_at, at),
            )
            for notification in plan.bounced:
                transitions.mark_undeliverable(notification, at=at)
            if mail and acts:
                _act(row, mail, plan, attached, at=at)
    except IntegrityError:
        if InboundMail.objects.filter(message_key=key).exists():
            return None  # another worker had it at the same moment
        raise
    return MailState(row.state)


def _act(row: InboundMail, mail: Mail, plan: Plan, attached: list[Stored], *, at: datetime) -> None:
    """Register or join; what the rules refuse waits for a clerk instead."""
    try:
        with transaction.atomic():
            if plan.complaint_id is None:
                details = Details(
                    subject=subject_of(mail), narrative=narrative_of(mail.text), name=mail.sender_name[:80]
                )
                _register(row, details, attached, message_id=mail.message_id, by=None, at=at)
            else:
                _join(row, plan.complaint_id, attached, by=None, at=at)
    except DomainError:
        row.refresh_from_db()
        row.reason = "refused"
        row.save(update_fields=["reason"])


# --- Deciding -----------------------------------------------------------------------------------
def _plan(mail: Mail, raw: bytes, *, received_at: datetime, at: datetime) -> Plan:
    """What becomes of a message without anybody looking at it. Only reads."""
    if mail.kind == Kind.BOUNCE:
        return Plan(
            MailState.BOUNCE, bounced=frozenset(mail_tokens.notifications_in(raw)) if mail.failed else frozenset()
        )
    if mail.kind != Kind.NORMAL:
        return Plan(MailState(mail.kind.value))
    answers = mail_tokens.answers(mail.recipients, mail.references)
    if answers.forged:
        return Plan(MailState.WAITING, "forged")
    if answers.complaints or answers.notifications:
        return _answer_plan(mail, answers, at=at)
    return (
        Plan(MailState.WAITING, reason)
        if (reason := _why_new_waits(mail, received_at, at))
        else Plan(MailState.COMPLAINT)
    )


def _answer_plan(mail: Mail, answers: mail_tokens.Answers, *, at: datetime) -> Plan:
    about = Notification.objects.filter(pk__in=answers.notifications, to_complainant=True)
    cases = set(answers.complaints) | set(about.exclude(complaint=None).values_list("complaint_id", flat=True))
    found = list(Complaint.objects.filter(pk__in=cases).only("pk", "number", "complainant"))
    if not found:
        return Plan(MailState.WAITING, "to_staff")
    if len(cases) > 1 or set(NUMBER.findall(mail.subject)) - {found[0].number}:
        return Plan(MailState.WAITING, "two_cases")
    given = ContactPoint.objects.filter(
        complainant=found[0].complainant_id, match_hash=identity.match_hash(ContactKind.EMAIL, mail.sender)
    )
    if not mail.sender or not given.exists():
        return Plan(MailState.WAITING, "other_sender")
    if not throttle.spend(throttle.SAID_ON_CASE, found[0].number, at=at):
        return Plan(MailState.WAITING, "many")
    return Plan(MailState.JOINED, complaint_id=found[0].pk)


def _why_new_waits(mail: Mail, received_at: datetime, at: datetime) -> str:
    """The code of the reason why a new message is not registered by itself; '' when it is."""
    if not _can_be_answered(mail.sender):
        return "no_sender"
    if NUMBER.search(mail.subject):
        return "number_only"
    if settings.MAIL_INTAKE == "clerk":
        return "clerk"
    if len("".join(mail.text.split())) < LEAST_TEXT:
        return "short"
    if received_at < at - OLDEST:
        return "old"
    return "" if throttle.spend(FILED_BY_SENDER, mail.sender.casefold(), at=at) else "many"


def _can_be_answered(address: str) -> bool:
    try:
        validate_email(address)
    except ValidationError:
        return False
    return len(address) <= 200


# --- What a clerk does ----------------------------------------------------------------------------
def make_complaint(mail_id: int, details: Details, *, by: User, at: datetime) -> transitions.Receipt:
    """Register a message as a complaint. Raises InvalidInput by field, IllegalTransition when it was dealt with."""
    row = InboundMail.objects.select_related("original").get(pk=mail_id)
    mail = load(row)
    attached = _store_attachments(mail, at=at) if mail else []
    with transaction.atomic():
        return _register(row, details, attached, message_id=mail.message_id if mail else "", by=by, at=at)


def join(mail_id: int, complaint: Complaint, *, by: User, at: datetime) -> None:
    """Add a message to a case the clerk found. Raises IllegalTransition when the case takes nothing more."""
    row = InboundMail.objects.select_related("original").get(pk=mail_id)
    if row.original is None:  # too large: the clerk has put it on the case already
        transitions.settle_mail(row.pk, state=MailState.JOINED, complaint=complaint, by=by, at=at)
        return
    mail = load(row)
    attached = _store_attachments(mail, at=at) if mail else []
    with transaction.atomic():
        _join(row, complaint.pk, attached, by=by, at=at)


def load(row: InboundMail) -> Mail | None:
    """The message of a row, read again from its original; None when it has none or cannot be read."""
    if row.original is None:
        return None
    with files.open_file(row.original) as content:
        raw = content.read()
    try:
        return read(raw)
    except mail_reading.TooComplex:
        return None


def subject_of(mail: Mail) -> str:
    """The subject for the register: the one given, else the first line of the text."""
    line = mail.subject or next((line.strip() for line in mail.text.split("\n") if line.strip()), "")
    return line[:120].strip()


def narrative_of(text: str) -> str:
    """The text as far as the register takes it; the original keeps all of it."""
    if len(text) <= MAX_NARRATIVE:
        return text
    with translation.override(settings.LANGUAGE_CODE):
        rest = "\n\n" + _("(Shortened. The whole e-mail is attached as the original.)")
    return text[: MAX_NARRATIVE - len(rest)] + rest


# --- Writing --------------------------------------------------------------------------------------
def _register(
    row: InboundMail,
    details: Details,
    attached: Sequence[Stored],
    *,
    message_id: str,
    by: User | None,
    at: datetime,
) -> transitions.Receipt:
    """One case from one message; its receipt goes to the sender with the acknowledgement."""
    evidence = [
        Attachment.objects.create(file=stored, name=name, evidence_kind=kind, at=at, by=by)
        for stored, name, kind in [
            *((stored, name, EvidenceKind.MESSAGE) for stored, name in _original_of(row)),
            *((stored, name, EvidenceKind.COMPLAINANT) for stored, name in attached),
        ]
    ]
    receipt = transitions.register(
        transitions.Filing(
            subject=details.subject,
            narrative=details.narrative,
            channel=Channel.EMAIL,
            received_at=min(row.received_at, at),
            name=details.name,
            phone=details.phone,
            email=row.sender if _can_be_answered(row.sender) else "",
            demand=details.demand,
            place=details.place,
            category=details.category,
            channel_reference=message_id[:120],
            attachments=evidence,
        ),
        by=by,
        at=at,
    )
    transitions.settle_mail(row.pk, state=MailState.COMPLAINT, complaint=receipt.complaint, by=by, at=at)
    row.refresh_from_db()
    drafts.keep_receipt(receipt, at=at)
    return receipt


def _join(row: InboundMail, complaint_id: int, attached: Sequence[Stored], *, by: User | None, at: datetime) -> None:
    """What was asked for, a question, or more facts: as if the complainant had written on the tracking page."""
    complaint = transitions.lock(complaint_id)
    text = mail_reading.own_words(row.body)
    with translation.override(settings.LANGUAGE_CODE):
        text = text[:MAX_ANSWER] or _("See the attached e-mail.")
    if complaint.status == Status.AWAITING_INFORMATION:
        tracking.answer(complaint_id, text=text, files=attached, at=at)
    elif track_page.may_supplement(complaint) and not _ASKS.search(text):
        tracking.supplement(complaint_id, text=text, files=attached, at=at, channel=Channel.EMAIL)
    else:
        kind = QuestionKind.SUBSTANTIVE
        tracking.ask(complaint_id, kind=kind, text=text, files=attached, at=at, channel=Channel.EMAIL)
    for stored, name in _original_of(row):
        transitions.add_attachment(
            complaint_id, by=None, file=stored, name=name, evidence_kind=EvidenceKind.MESSAGE, at=at
        )
    transitions.settle_mail(row.pk, state=MailState.JOINED, complaint=complaint, by=by, at=at)
    row.refresh_from_db()


def _original_of(row: InboundMail) -> list[Stored]:
    name = files.clean_name(f"{row.subject[:60]}.eml" if row.subject else "e-mail.eml", "message/rfc822")
    return [(row.original, name)] if row.original else []


# --- Files ----------------------------------------------------------------------------------------
def _store_original(raw: bytes, *, at: datetime) -> StoredFile:
    """Keep the bytes of a message as they came, whatever they are: they are evidence, and never opened in place."""
    return files.store(SimpleUploadedFile("message.eml", raw), at=at, kind="message/rfc822")


def _store_attachments(mail: Mail, *, at: datetime) -> list[Stored]:
    """The attachments that an upload would take, checked the same way; the others stay in the original only."""
    kept: list[Stored] = []
    for item in mail.files:
        if len(kept) == settings.ATTACHMENT_MAX_COUNT:
            break
        name = files.clean_name(item.name)
        try:
            stored = files.store(SimpleUploadedFile(name, item.content), at=at)
        except InvalidInput:
            continue
        kept.append((stored, files.clean_name(name, stored.content_type)))
    return kept

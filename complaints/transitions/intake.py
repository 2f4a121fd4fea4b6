"""A complaint enters the register: one case, one number, one receipt (IN-13, IN-34)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import after_commit
from accounts.errors import InvalidInput, NotAllowed
from accounts.models import User
from complaints import clocks, events, identity, notices, notify, office_terms, prints, search, tasks
from complaints.deadlines import StartsOn
from complaints.models import (
    Attachment,
    Category,
    Classification,
    Complainant,
    Complaint,
    ComplaintSearch,
    ContactPoint,
    Question,
    TextPrint,
)
from complaints.models.people import ContactKind
from complaints.numbers import next_number
from complaints.states import Channel, Milestone, NoticeKind, QuestionKind, Severity, SpecialGroup, Status, Threat
from complaints.transitions import care, core, grading, lanes, referral

# The rules of other records check their texts by it too.
check_text = core.check_text

# Crockford's base 32: no I, L, O, U to misread. 16 characters hold 80 bits (PI-02).
CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 16
MAX_NARRATIVE = 20_000
MAX_PERSONS = 10_000_000
MAX_AMOUNT = Decimal(10**12)
# No time limits are known for earlier years.
FIRST_YEAR = 2000
# The most characters of what is told in a line or two.
_LIMITS = {
    "demand": 2000, "true_need": 2000, "consequential_loss": 2000, "product": 200, "business_step": 200, "place": 200,
    "name": 200, "address": 200, "contact_note": 200, "needs_care": 200, "care_given_how": 200, "batch": 60,
    "outlet": 80, "phone": 40, "email": 200, "channel_reference": 120, "referring_body": 120, "source_url": 500,
}  # fmt: skip


@dataclass(frozen=True)
class Filing:
    """Everything told at intake, already checked for shape by a form, serializer or import row."""

    subject: str
    narrative: str
    channel: Channel
    received_at: datetime
    name: str = ""
    phone: str = ""
    email: str = ""
    address: str = ""
    form_of_address: str = ""
    preferred_contact: str = ""
    contact_note: str = ""
    needs_care: str = ""
    is_organisation: bool = False
    demand: str = ""
    category: Category | None = None
    product: str = ""
    business_step: str = ""
    place: str = ""
    occurred_on: date | None = None
    persons_affected: int = 1
    amount: Decimal | None = None
    severity: str = Severity.MODERATE
    channel_reference: str = ""
    referring_body: str = ""
    referral_due_at: datetime | None = None
    is_confidential: bool = False
    external_key: str | None = None
    policy_code: str | None = None
    true_need: str = ""
    consequential_loss: str = ""
    batch: str = ""
    outlet: str = ""
    source_url: str = ""
    postmarked_on: date | None = None
    customer_tier: str = ""
    special_groups: tuple[str, ...] = ()
    emotion_intensity: int = 0
    threats: tuple[str, ...] = ()
    has_injury: bool = False
    has_damage: bool = False
    involves_minors: bool = False
    has_privacy_leak: bool = False
    # How the complainant allowed that special groups and the help needed are noted and shown; "" for not at all.
    care_given_how: str = ""
    attachments: Iterable[Attachment] = field(default=())


@dataclass(frozen=True)
class Receipt:
    """What the complainant gets once: number, access code and concrete dates."""

    complaint: Complaint
    access_code: str
    decide_by: datetime | None
    reply_by: datetime | None


def new_access_code() -> str:
    return "".join(secrets.choice(CODE_ALPHABET) for _n in range(CODE_LENGTH))


def group_code(code: str) -> str:
    """Shown in groups of four: 7KQ2-M0XV-…"""
    return "-".join(code[i : i + 4] for i in range(0, len(code), 4))


@transaction.atomic
def register(filing: Filing, *, by: User | None, at: datetime | None = None) -> Receipt:
    """Register a complaint and start its clocks. The code is returned once and stored as a hash.

    Raises InvalidInput naming the field, NotAllowed when a member of staff may not register.
    """
    at = core.moment(at)
    if by is not None and not by.has_perm("complaints.register_complaint"):
        raise NotAllowed(_("Your role does not register complaints."))
    _check(filing, at=at)
    code = new_access_code()
    # Before the number, whose counter is locked for everybody until the end: this takes longest (CC-06, DS-01).
    code_hash = make_password(code, hasher=settings.ACCESS_CODE_HASHER)
    complainant = _store_complainant(filing)
    complaint = Complaint.objects.create(
        number=next_number("HY", at=at),
        status=Status.REGISTERED,
        status_since=at,
        version=1,
        subject=filing.subject.strip(),
        narrative=filing.narrative,
        demand=filing.demand,
        product=filing.product,
        business_step=filing.business_step,
        place=filing.place,
        occurred_on=filing.occurred_on,
        persons_affected=filing.persons_affected,
        amount=filing.amount,
        channel=filing.channel,
        channel_reference=filing.channel_reference,
        referring_body=filing.referring_body,
        referral_due_at=filing.referral_due_at,
        received_at=filing.received_at,
        registered_at=at,
        registered_by=by,
        complainant=complainant,
        access_code_hash=code_hash,
        is_confidential=filing.is_confidential,
        external_key=filing.external_key,
        category=filing.category,
        first_category=filing.category,
        severity=filing.severity,
        true_need=filing.true_need,
        consequential_loss=filing.consequential_loss,
        batch=filing.batch,
        outlet=filing.outlet,
        source_url=filing.source_url,
        postmarked_on=filing.postmarked_on,
        customer_tier=filing.customer_tier,
        special_groups=core.check_codes("special_groups", filing.special_groups, SpecialGroup),
        emotion_intensity=filing.emotion_intensity,
        threats=core.check_codes("threats", filing.threats, Threat),
        has_injury=filing.has_injury,
        has_damage=filing.has_damage,
        involves_minors=filing.involves_minors,
        has_privacy_leak=filing.has_privacy_leak,
        policy=clocks.policy_for(filing.policy_code, on=timezone.localdate(filing.received_at)),
    )
    index(complaint)
    Attachment.objects.filter(pk__in=[attachment.pk for attachment in filing.attachments]).update(
        complaint=complaint, draft=None
    )
    if filing.category:
        Classification.objects.create(complaint=complaint, dimension="category", category=filing.category, at=at, by=by)
    if identity.earlier_complaints(complaint, at=at, days=office_terms.of("repeat")).exists():
        complaint.is_repeat = True
        complaint.save(update_fields=["is_repeat"])
    clocks.begin(complaint, StartsOn.RECEIVED, at=filing.received_at)
    clocks.begin(complaint, StartsOn.REGISTERED, at=at)
    events.append(
        complaint,
        "register",
        by=by,
        at=at,
        version=1,
        to_status=Status.REGISTERED,
        note=str(Channel(filing.channel).value),
    )
    grading.regrade(complaint, at=at, is_new=True)
    if filing.care_given_how:
        care.store(
            complaint,
            groups=filing.special_groups,
            needs=filing.needs_care,
            given_how=filing.care_given_how,
            by=by,
            at=at,
        )
    else:
        lanes.decide(complaint, at=at)
    lanes.greet_tier(complaint, at=at)
    notices.issue(complaint, NoticeKind.ACKNOWLEDGEMENT, by=by, at=at)
    clocks.stop(complaint, Milestone.ACKNOWLEDGE, at=at)
    clocks.refresh(complaint)
    referral.owe_reply(complaint, by=by, at=at)
    notify.tell_complainant(complaint, "received", dedupe=f"received:{complaint.number}")
    after_commit.enqueue(tasks.suggest, complaint_id=complaint.pk)
    due = {row.milestone: row.due_at for row in complaint.deadlines.all()}
    return Receipt(complaint, code, due.get(Milestone.DECIDE_ACCEPTANCE), due.get(Milestone.RESOLVE))


def index(complaint: Complaint) -> None:
    """Write the search tokens and the print of a case; identity is not among them."""
    ComplaintSearch.objects.update_or_create(
        complaint=complaint,
        defaults={
            "tokens": search.tokens(
                complaint.number, complaint.subject, complaint.narrative, complaint.place, complaint.product
            )
        },
    )
    TextPrint.objects.update_or_create(complaint=complaint, defaults={"tokens": prints.tokens(complaint.narrative)})


def _check(filing: Filing, *, at: datetime) -> None:
    core.require("subject", filing.subject, _("Say in one sentence what it is about."))
    core.require("narrative", filing.narrative, _("Describe what happened."))
    check_text("subject", filing.subject, limit=120)
    check_text("narrative", filing.narrative, limit=MAX_NARRATIVE)
    for name, limit in _LIMITS.items():
        check_text(name, getattr(filing, name), limit=limit)
    if filing.received_at > at:
        raise InvalidInput("received_at", _("This time is in the future; give the time the complaint was made."))
    if filing.received_at.year < FIRST_YEAR:
        raise InvalidInput("received_at", _("Give a year between 2000 and 2100."))
    if not 1 <= filing.persons_affected <= MAX_PERSONS:
        raise InvalidInput(
            "persons_affected", _("Give a whole number from %(least)s to %(most)s."), least=1, most=MAX_PERSONS
        )
    if filing.amount is not None and not (filing.amount.is_finite() and 0 <= filing.amount < MAX_AMOUNT):
        raise InvalidInput("amount", _("Give an amount in yuan, not below zero."))
    if filing.occurred_on and filing.occurred_on > timezone.localdate(at):
        raise InvalidInput("occurred_on", _("This date is in the future; give the day it happened."))
    if filing.postmarked_on and filing.postmarked_on > timezone.localdate(at):
        raise InvalidInput("postmarked_on", _("This date is in the future; give the day on the postmark."))
    if filing.phone and not identity.plausible_phone(filing.phone):
        raise InvalidInput("phone", _("This is not a phone number that can be dialled; check the digits."))


def _store_complainant(filing: Filing) -> Complainant:
    preferred = filing.preferred_contact or (
        ContactKind.PHONE if filing.phone else ContactKind.EMAIL if filing.email else ContactKind.ADDRESS
    )
    complainant = Complainant.objects.create(
        name=filing.name.strip(),
        form_of_address=filing.form_of_address,
        is_organisation=filing.is_organisation,
        preferred_contact=preferred,
        contact_note=filing.contact_note,
        # With the consent it is kept encrypted beside it (SPG-01).
        needs_care="" if filing.care_given_how else filing.needs_care,
    )
    given = (
        (ContactKind.PHONE, filing.phone),
        (ContactKind.EMAIL, filing.email),
        (ContactKind.ADDRESS, filing.address),
    )
    ContactPoint.objects.bulk_create(
        ContactPoint(
            complainant=complainant,
            kind=kind,
            value=value.strip(),
            match_hash=identity.match_hash(kind, value),
            is_preferred=kind == preferred,
        )
        for kind, value in given
        if value.strip()
    )
    return complainant


@transaction.atomic
def add_question(
    complaint_id: int, *, kind: QuestionKind, text: str, channel: Channel, by: User | None, at: datetime | None = None
) -> Question:
    """The complainant asks again or reminds (RISK-11). Never refused by the state: nothing is lost (CC-04)."""
    at = core.moment(at)
    core.require("text", text)
    check_text("text", text, limit=5000)
    complaint = core.lock(complaint_id)
    if by is not None and not (
        by.has_perm("complaints.record_for_complainant") or by.has_perm("complaints.record_contact")
    ):
        raise NotAllowed(_("Your role does not allow this."))
    question = Question.objects.create(
        complaint=complaint, kind=kind, text=text, channel=channel, at=at, recorded_by=by
    )
    core.add_event(complaint, "question", by=by, at=at, reference=core.ref(question))
    grading.regrade(complaint, at=at)
    dedupe = f"question:{complaint.pk}:{at:%Y%m%d%H%M%S%f}"
    notify.tell(notify.keepers(complaint), "question", complaint=complaint, dedupe=dedupe, by_email=False)
    return question


@transaction.atomic
def answer_question(question_id: int, *, answer: str, clearly: bool, by: User, at: datetime | None = None) -> Question:
    """Answer a follow-up and say whether the answer was clear (RISK-11)."""
    at = core.moment(at)
    core.require("answer", answer)
    if not by.has_perm("complaints.record_contact"):
        raise NotAllowed(_("Your role does not allow this."))
    question = Question.objects.select_related("complaint").get(pk=question_id)
    complaint = core.lock(question.complaint_id)
    question.answer, question.is_clearly_answered, question.answered_at, question.answered_by = answer, clearly, at, by
    question.save(update_fields=["answer", "is_clearly_answered", "answered_at", "answered_by"])
    core.add_event(complaint, "answer_question", by=by, at=at, reference=core.ref(question))
    return question

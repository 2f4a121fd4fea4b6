"""Volunteer supervisors and what they report about improvements (PUB-39).

Name and telephone are encrypted, shown masked and erased in time. A volunteer reports with a code that was shown
once; only its hash is kept. An unknown code and one that has ended get the same answer.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import reduce
from operator import or_

from django.db import models, transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import User
from complaints import identity, notify
from complaints.throttle import HOUR, Limit
from complaints.tracking import normalise_code
from complaints.transitions.intake import check_text, group_code, new_access_code
from publication.models import PublishedResult, Volunteer, VolunteerReport

KEEP = "publication.moderate"
LONGEST = 2000
INTERVALS = (7, 14, 30, 60, 90)
SENT_BY_ADDRESS = Limit("volunteer-address", 30, HOUR)
WRONG = "volunteer"
# Wrong codes from one address before each further one has to wait.
FREE_TRIES = 10
# How many of the own reports a volunteer sees again.
OWN_REPORTS = 10
# The same words about the same notice within this time are one report.
SAME_WITHIN = timedelta(days=1)
# How long a name is kept after the last day of service, and the words of a report and its answer.
NAMES_KEPT = timedelta(days=180)
WORDS_KEPT = timedelta(days=730)


class WrongCode(InvalidInput):
    """There is no volunteer with this code now."""

    def __init__(self) -> None:
        super().__init__("code", _("This code is not valid. Check every letter, or ask the office for a new one."))


@dataclass(frozen=True)
class Registered:
    """A volunteer with the code, which is shown this once."""

    volunteer: Volunteer
    code: str


# --- The register -----------------------------------------------------------------------------------
@transaction.atomic
def register(
    *,
    by: User,
    name: str,
    since: date,
    phone: str = "",
    unit: str = "",
    until: date | None = None,
    report_every_days: int = 30,
    at: datetime | None = None,
) -> Registered:
    """Enter a volunteer and make their code. Raises NotAllowed, InvalidInput by field."""
    _require(by)
    if not name.strip():
        raise InvalidInput("name", _("Fill this in."))
    for field, value, limit in (("name", name, 60), ("phone", phone, 40), ("unit", unit, 120)):
        check_text(field, value, limit=limit)
    if phone and not identity.plausible_phone(phone):
        raise InvalidInput("phone", _("This is not a phone number that can be dialled; check the digits."))
    if report_every_days not in INTERVALS:
        raise InvalidInput("report_every_days", _("Choose one."))
    _check_until(since, until)
    code = new_access_code()
    row = Volunteer.objects.create(
        code_hash=_hash(code),
        name=name.strip(),
        phone=phone.strip(),
        unit=unit.strip(),
        since=since,
        until=until,
        report_every_days=report_every_days,
        at=at or timezone.now(),
        by=by,
    )
    return Registered(row, group_code(code))


@transaction.atomic
def new_code(volunteer_id: int, *, by: User) -> Registered:
    """A new code in place of one that was lost; the old one opens nothing any more."""
    _require(by)
    row = Volunteer.objects.select_for_update().get(pk=volunteer_id)
    code = new_access_code()
    row.code_hash = _hash(code)
    row.save(update_fields=["code_hash"])
    return Registered(row, group_code(code))


@transaction.atomic
def end(volunteer_id: int, *, by: User, at: datetime | None = None) -> Volunteer:
    """The volunteer stops today; the code is valid until midnight. Raises IllegalTransition once ended."""
    _require(by)
    today = timezone.localdate(at or timezone.now())
    row = Volunteer.objects.select_for_update().get(pk=volunteer_id)
    if row.until is not None and row.until <= today:
        raise IllegalTransition(_("This volunteer has stopped already."))
    row.until = max(today, row.since)
    row.save(update_fields=["until"])
    return row


def _check_until(since: date, until: date | None) -> None:
    if until and until < since:
        raise InvalidInput("until", _("The end lies before the beginning."))


def _require(by: User) -> None:
    if not by.is_active or not by.has_perm(KEEP):
        raise NotAllowed(_("Your role does not allow this."))


def _hash(code: str) -> str:
    """Eighty random bits need neither salt nor key; so a new field key leaves every code valid."""
    return hashlib.sha256(f"volunteer:{code}".encode()).hexdigest()


# --- From the public --------------------------------------------------------------------------------
def find(code: str, *, at: datetime) -> Volunteer:
    """The volunteer whose code this is, while they serve. Raises WrongCode."""
    today = timezone.localdate(at)
    found = Volunteer.objects.filter(code_hash=_hash(normalise_code(code)), since__lte=today)
    row = found.filter(Q(until=None) | Q(until__gte=today)).first()
    if row is None:
        raise WrongCode
    return row


@transaction.atomic
def report(
    *, code: str, text: str, notice: str = "", fulfilled: bool | None = None, at: datetime | None = None
) -> Volunteer:
    """A volunteer tells what they saw, of one notice or in general; the keepers are told (PUB-39).

    Raises WrongCode, InvalidInput("text") or InvalidInput("notice").
    """
    at = at or timezone.now()
    volunteer = find(code, at=at)
    if not text.strip():
        raise InvalidInput("text", _("Write what you saw."))
    check_text("text", text, limit=LONGEST)
    number = notice.strip().upper()
    known = PublishedResult.objects.filter(publication_number=number, published_at__lte=at).order_by("-pk")
    result = known.first() if number else None
    if number and result is None:
        raise InvalidInput("notice", _("There is no notice with this number."))
    if _just_sent(volunteer, result, text.strip(), fulfilled, at=at):
        return volunteer
    row = VolunteerReport.objects.create(
        volunteer=volunteer, result=result, text=text.strip(), fulfilled=fulfilled, at=at
    )
    notify.tell(
        notify.holders_of(KEEP),
        "volunteer_report",
        dedupe=f"volunteer_report:{row.pk}",
        url=f"/desk/volunteers/reports/{row.pk}/",
        by_email=False,
    )
    return volunteer


def _just_sent(
    volunteer: Volunteer, result: PublishedResult | None, text: str, fulfilled: bool | None, *, at: datetime
) -> bool:
    """Whether the same words about the same notice came within the day: a form that was sent twice is one report."""
    Volunteer.objects.select_for_update().get(pk=volunteer.pk)
    lately = volunteer.reports.filter(result=result, fulfilled=fulfilled, at__gt=at - SAME_WITHIN, at__lte=at)
    return any(row.text == text for row in lately)


def own_reports(volunteer: Volunteer, *, at: datetime) -> list[VolunteerReport]:
    """The newest reports of a volunteer with what the office answered; `is_served` where their notice can be read."""
    served = PublishedResult.objects.served(at=at).filter(pk=OuterRef("result"))
    rows = volunteer.reports.select_related("result", "published").annotate(is_served=Exists(served))
    return list(rows.order_by("-pk")[:OWN_REPORTS])


# --- The office -------------------------------------------------------------------------------------
@transaction.atomic
def answer(report_id: int, *, by: User, answer: str, at: datetime | None = None) -> VolunteerReport:
    """Answer a report; the volunteer reads it with the code. Raises InvalidInput("answer"), IllegalTransition."""
    _require(by)
    row = VolunteerReport.objects.select_for_update(of=("self",)).get(pk=report_id)
    if row.answered_at:
        raise IllegalTransition(_("This report was answered already."))
    if not answer.strip():
        raise InvalidInput("answer", _("Fill this in."))
    row.answer = check_text("answer", answer.strip(), limit=LONGEST)
    row.answered_by, row.answered_at = by, at or timezone.now()
    row.save(update_fields=["answer", "answered_by", "answered_at"])
    return row


def listed() -> QuerySet[Volunteer]:
    """Every volunteer with `last`, the moment of the newest report."""
    return Volunteer.objects.annotate(last=Max("reports__at"))


def due(rows: QuerySet[Volunteer], *, at: datetime) -> QuerySet[Volunteer]:
    """Those of `listed()` who serve and have not reported within their interval."""
    today = timezone.localdate(at)
    late = [
        Q(report_every_days=days)
        & (Q(last__lt=at - timedelta(days=days)) | Q(last=None, since__lt=today - timedelta(days=days)))
        for days in INTERVALS
    ]
    serving = Q(since__lte=today) & (Q(until=None) | Q(until__gte=today))
    return rows.filter(serving).filter(reduce(or_, late))


def masked(volunteer: Volunteer) -> tuple[str, str]:
    """Name and telephone as staff see them."""
    name = identity.mask("name", volunteer.name) or gettext("erased")
    return name, identity.mask("phone", volunteer.phone)


def purge(*, now: datetime) -> int:
    """Erase what is not needed any more; from how many volunteers and reports (PUB-39, PIPL art. 19).

    Name, telephone and where somebody is from go 180 days after the last day of service, the words of a report and
    of its answer after 730 days. When reports came and whether the improvement was there stays.
    """
    # An encrypted column cannot be filtered by; of what is stored, nothing stays nothing.
    stopped = Volunteer.objects.filter(until__lt=timezone.localdate(now - NAMES_KEPT)).order_by()
    named = stopped.annotate(stored=Cast("name", models.TextField())).exclude(stored="")
    people = Volunteer.objects.filter(pk__in=list(named.values_list("pk", flat=True)))
    old = VolunteerReport.objects.filter(at__lt=now - WORDS_KEPT).order_by()
    written = old.annotate(stored=Cast("text", models.TextField())).exclude(stored="", answer="")
    reports = VolunteerReport.objects.filter(pk__in=list(written.values_list("pk", flat=True)))
    return people.update(name="", phone="", unit="") + reports.update(text="", answer="")

"""What people look up themselves: the steps of an order, a delivery or an after-sales service (IN-38).

The organisation's own systems report the steps. A number is kept as a keyed hash, and the last four
digits of the telephone as a keyed hash bound to it, so that four digits alone find nothing. Four digits
can be guessed: wrong tries make the next one wait, and a number takes only so many on one day from
everybody together. An unknown number and wrong digits cannot be told apart: same answer, same work.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache, caches
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import security
from accounts.crypto import keyed_hash
from accounts.errors import DomainError, InvalidInput, NotAllowed
from accounts.models import User
from complaints import identity, throttle
from complaints.models import LookupRecord
from complaints.models.people import ContactKind
from complaints.states import LookupKind
from complaints.throttle import Limit
from complaints.transitions.intake import check_text

PERMISSION = "complaints.import_complaints"
MOST_ROWS = 500
MAX_STATUS = 80
MAX_DETAIL = 300
# The newest steps of a number; what came before them is not shown.
MOST_STEPS = 60
# A system's clock may be a little ahead of ours.
AHEAD = timedelta(days=1)
# Before this year a time is a slip of a program; far from the ends of what can be stored.
FIRST_YEAR = 2000
KEPT_FOR = timedelta(days=365)

# Wrong tries without a wait: on one number from one address, from one address in all.
FREE_TRIES = 5
FREE_TRIES_OF_ADDRESS = 20
# Ten thousand codes at this pace take longer than a step is kept.
WRONG_BY_NUMBER = Limit("lookup-number", 20, throttle.DAY)
# A try that was cut off frees its number after so many seconds.
_LONGEST_TRY = 10
_OFFERED_SECONDS = 60

HEADINGS = {
    LookupKind.ORDER: _("The order"),
    LookupKind.DELIVERY: _("The delivery"),
    LookupKind.AFTER_SALE: _("The after-sales service"),
}


class TooOften(DomainError):
    """The look-up has to wait for so many `seconds`."""

    code = "too_often"

    def __init__(self, seconds: int) -> None:
        super().__init__(_("Too many tries; wait a moment."))
        self.seconds = seconds


@dataclass(frozen=True)
class Stored:
    """How many of the reported steps were new, and how many were there before."""

    stored: int
    known: int


@dataclass(frozen=True)
class Progress:
    """The steps of one kind, the newest last."""

    kind: LookupKind
    steps: list[LookupRecord]

    @property
    def heading(self) -> str:
        return str(HEADINGS[self.kind])


# --- Numbers and digits ---------------------------------------------------------------------
def normalise_number(text: str) -> str:
    """One spelling per number: full-width as ASCII, capitals, without spaces and dashes; "" when it is
    not 4 to 40 letters and digits."""
    if len(text) > 200:
        return ""
    plain = unicodedata.normalize("NFKC", text).upper()
    kept = "".join(char for char in plain if not _is_ornament(char))
    return kept if 4 <= len(kept) <= 40 and kept.isalnum() else ""


def _is_ornament(char: str) -> bool:
    """Spaces, dashes of every length, and what cannot be seen at all."""
    return char.isspace() or char == "−" or unicodedata.category(char) in ("Pd", "Cf")


def last_four(text: str) -> str:
    """The last four digits, whether only these or the whole telephone number were typed; "" otherwise."""
    if len(text) > 60:
        return ""
    digits = "".join(char for char in unicodedata.normalize("NFKC", text) if not _is_ornament(char))
    return digits[-4:] if re.fullmatch(r"\d{4}|\+?\d{7,15}", digits, re.ASCII) else ""


def _number_hash(number: str) -> str:
    return keyed_hash("lookup-number", number)


def _phone_hash(number_hash: str, digits: str) -> str:
    return keyed_hash("lookup-phone", number_hash + digits)


# --- Reporting ------------------------------------------------------------------------------
@transaction.atomic
def store(rows: Sequence[Mapping[str, Any]], *, by: User, at: datetime) -> Stored:
    """Keep the reported steps, all of them or none (IN-38).

    Each row has kind, number, phone, status, at (ISO 8601 with its zone) and, if wanted, detail. A step
    that is there already, the same kind, number, time and status, changes nothing. Raises NotAllowed,
    and InvalidInput naming the row and the field, as in rows[3].phone.
    """
    if not by.has_perm(PERMISSION):
        raise NotAllowed(_("Your role does not allow this."))
    if not 1 <= len(rows) <= MOST_ROWS:
        raise InvalidInput("rows", _("Send 1 to %(limit)s rows at a time."), limit=MOST_ROWS)
    steps: dict[tuple[Any, ...], LookupRecord] = {}
    for index, row in enumerate(rows):
        step = _step(row, f"rows[{index}].", by=by, at=at)
        steps.setdefault((step.kind, step.reference_hash, step.at, step.status), step)
    hashes = {step.reference_hash for step in steps.values()}
    there = set(
        LookupRecord.objects.filter(kind__in=LookupKind.values, reference_hash__in=hashes).values_list(
            "kind", "reference_hash", "at", "status"
        )
    )
    # In one order whoever reports, so that two reports at a time do not wait for each other crosswise; what
    # happened at the same moment stays as reported.
    new = sorted(
        (step for key, step in steps.items() if key not in there), key=lambda step: (step.reference_hash, step.at)
    )
    # The same report may arrive twice at one moment: then the table keeps the first.
    LookupRecord.objects.bulk_create(new, ignore_conflicts=True)
    return Stored(stored=len(new), known=len(rows) - len(new))


def _step(row: Mapping[str, Any], place: str, *, by: User, at: datetime) -> LookupRecord:
    """A row as it is stored. `place` stands before the field an error names."""
    if row.get("kind") not in LookupKind.values:
        raise InvalidInput(f"{place}kind", _("This is one of: %(kinds)s."), kinds=", ".join(LookupKind.values))
    typed = str(row.get("number", ""))
    number = normalise_number(typed)
    if not number:
        raise InvalidInput(f"{place}number", _("A number has 4 to 40 letters and digits."))
    phone = str(row.get("phone", ""))
    digits = re.sub(r"\D", "", identity.normalise(ContactKind.PHONE, phone)) if len(phone) <= 40 else ""
    if not digits or not identity.plausible_phone(phone):
        raise InvalidInput(f"{place}phone", _("This is not a phone number that can be dialled; check the digits."))
    status, detail = (_without_numbers(str(row.get(name, "")), typed, number) for name in ("status", "detail"))
    if not status:
        raise InvalidInput(f"{place}status", _("Say what happened, for example that it was sent."))
    number_hash = _number_hash(number)
    return LookupRecord(
        kind=row["kind"],
        reference_hash=number_hash,
        phone_hash=_phone_hash(number_hash, digits[-4:]),
        status=check_text(f"{place}status", status, limit=MAX_STATUS),
        detail=check_text(f"{place}detail", detail, limit=MAX_DETAIL),
        at=_moment(f"{place}at", row.get("at", ""), now=at),
        received_at=at,
        received_from=by,
    )


def _moment(field: str, value: object, *, now: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        moment = None
    if moment is None or moment.utcoffset() is None:
        raise InvalidInput(field, _("Write the time with its zone, like 2026-11-20T14:30:00+08:00."))
    if moment.year < FIRST_YEAR:
        raise InvalidInput(field, _("This time is too long ago; check the year."))
    if moment > now + AHEAD:
        raise InvalidInput(field, _("This time is in the future; report a step once it has happened."))
    return moment


def _without_numbers(text: str, typed: str, number: str) -> str:
    """The words of a step without its own number and without anything shaped like a telephone or
    identity number, which would stand readable beside the hashes."""
    for own in {typed.strip(), number}:
        text = re.sub(re.escape(own), "***", text, flags=re.IGNORECASE)
    return identity.scrub(text, None).strip()


# --- Looking up -----------------------------------------------------------------------------
def ask(request: HttpRequest, number: str, digits: str, *, at: datetime) -> list[Progress]:
    """What is known of a number, for whoever has the last four digits too; [] for a wrong pair.

    Both are normalised already. Raises TooOften when this address, or everybody together on this
    number, has to wait (PI-02); nothing is looked up then.
    """
    number_hash = _number_hash(number)
    busy = f"lookup-busy:{number_hash}"
    # One try at a time on a number: tries sent at the same moment would count as one.
    if not cache.add(busy, True, _LONGEST_TRY):
        raise TooOften(1)
    try:
        address = throttle.address_of(request)
        pair = f"{number_hash} {address}"
        seconds = max(
            throttle.wait("lookup", pair, at=at),
            throttle.wait("lookup-address", address, at=at),
            _rest_of_day(at) if throttle.is_spent(WRONG_BY_NUMBER, number_hash, at=at) else 0,
        )
        if seconds:
            raise TooOften(seconds)
        found = find(number, digits)
        if found:
            throttle.forgive("lookup", pair)
        else:
            throttle.failed("lookup", pair, free=FREE_TRIES, at=at)
            throttle.failed("lookup-address", address, free=FREE_TRIES_OF_ADDRESS, at=at)
            throttle.spend(WRONG_BY_NUMBER, number_hash, at=at)
            if throttle.is_spent(WRONG_BY_NUMBER, number_hash, at=at):
                security.record("lookup_alarm", request=request, subject=number_hash[:16])
        return found
    finally:
        cache.delete(busy)


def _rest_of_day(at: datetime) -> int:
    """Seconds until the budget of a number is full again."""
    return WRONG_BY_NUMBER.seconds - int(at.timestamp()) % WRONG_BY_NUMBER.seconds


def find(number: str, digits: str) -> list[Progress]:
    """The steps of a number by kind, the newest last; [] when the number is unknown or the digits do not
    belong to it. One query either way."""
    number_hash = _number_hash(number)
    newest = LookupRecord.objects.filter(
        kind__in=LookupKind.values, reference_hash=number_hash, phone_hash=_phone_hash(number_hash, digits)
    ).order_by("-at", "-pk")[:MOST_STEPS]
    steps = list(reversed(newest))
    groups = [Progress(kind, [step for step in steps if step.kind == kind]) for kind in LookupKind]
    return [group for group in groups if group.steps]


def is_offered() -> bool:
    """Whether anything can be looked up here at all: where no system reports steps, no page points at
    the look-up. Remembered for a minute."""
    return bool(caches["local"].get_or_set("lookup-offered", LookupRecord.objects.exists, _OFFERED_SECONDS))


def purge(*, now: datetime) -> int:
    """Remove what happened more than 365 days ago; how many steps that were."""
    removed, _tables = LookupRecord.objects.filter(at__lt=now - KEPT_FOR).delete()
    return removed

"""What the pages of the response to an incident show, and what no bulletin may contain (INC-02…06, INC-10…20)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from complaints import identity, office_terms, why_date
from complaints.models import (
    Bulletin,
    CallOut,
    CaseEvent,
    Complainant,
    Complaint,
    Contact,
    ContactPoint,
    DutySlot,
    HomeHelp,
    Incident,
    IncidentFeedback,
    IncidentResponse,
)
from complaints.models.people import ContactKind
from complaints.states import BulletinKind, BulletinState, ContactDirection, ContactOutcome, Satisfaction

MANAGE = "complaints.manage_incident"
RELEASE = "complaints.release_bulletin"
SHOWN = 50
# The note of the event when a case joins an incident that is closed, within its after care (INC-14).
AFTER_CARE = "after_care"


def page_url(number: str) -> str:
    """The address of the page of the response, for notifications."""
    return f"/desk/incidents/{number}/response/"


def span_words(length: timedelta) -> str:
    """A duration in hours and minutes; the sign is left out."""
    minutes = abs(int(length.total_seconds())) // 60
    return _("%(hours)s h %(minutes)s min") % {"hours": minutes // 60, "minutes": minutes % 60}


# --- Clocks -------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Clock:
    """One clock of the board: what it says now, when it ends and its tone ("", ok, info, warn or bad)."""

    name: str
    words: str
    tone: str = ""
    due: datetime | None = None
    at: datetime | None = None
    why: why_date.Why | None = None


def near(code: str, terms: Mapping[str, int]) -> timedelta:
    """How long before its end a clock counts as near, by the office: `contact_near`, `bulletin_near`."""
    return timedelta(hours=terms[code])


def clocks_of(
    response: IncidentResponse, *, missing: int, help_open: int, terms: Mapping[str, int], now: datetime
) -> list[Clock]:
    """The state board of a response (INC-02, INC-05, INC-06, INC-12, SLA-09, SLA-10).

    `missing` is the number of cases nobody has been reached for yet, `help_open` that of open visits, `terms` are the
    numbers of the office.
    """
    return [
        _duration(response, now),
        _first_contact(response, missing, near("contact_near", terms), now),
        _first_notice(response, now),
        _next_bulletin(response, near("bulletin_near", terms), now),
        Clock(
            _("Help at home"),
            _("%(count)s open") % {"count": help_open} if help_open else _("Nothing open"),
            "warn" if help_open else "ok",
        ),
    ]


def _duration(response: IncidentResponse, now: datetime) -> Clock:
    if response.recovered_at is not None:
        lasted = span_words(response.recovered_at - response.started_at)
        return Clock(_("Total duration"), lasted, "ok", at=response.recovered_at)
    return Clock(_("Time since the beginning"), span_words(now - response.started_at), "warn", at=response.started_at)


def contact_hours(response: IncidentResponse) -> int:
    """Within how many hours of the beginning everybody concerned hears from us, as it was when it was declared."""
    return round((response.first_contact_due_at - response.started_at) / timedelta(hours=1))


def _first_contact(response: IncidentResponse, missing: int, near: timedelta, now: datetime) -> Clock:
    due, hours = response.first_contact_due_at, contact_hours(response)
    name = ngettext("First contact within %(hours)s hour", "First contact within %(hours)s hours", hours)
    if not missing:
        return Clock(name % {"hours": hours}, _("Everybody was reached"), "ok", due)
    words = _("%(count)s not reached yet") % {"count": missing}
    why = why_date.of_first_contact(response, now=now)
    return Clock(name % {"hours": hours}, words, _pressure(due, near, now), due, why=why)


def _first_notice(response: IncidentResponse, now: datetime) -> Clock:
    if response.first_notice_at is not None:
        took = span_words(response.first_notice_at - response.started_at)
        return Clock(_("First notice after"), took, "ok", at=response.first_notice_at)
    return Clock(_("No first notice yet"), span_words(now - response.started_at), "bad")


def _next_bulletin(response: IncidentResponse, near: timedelta, now: datetime) -> Clock:
    due = response.next_bulletin_due_at
    if due is None:
        return Clock(_("Next bulletin"), _("None is due any more"), "ok")
    left = span_words(due - now)
    words = _("in %(time)s") % {"time": left} if due > now else _("overdue by %(time)s") % {"time": left}
    return Clock(_("Next bulletin"), words, _pressure(due, near, now), due, why=why_date.of_bulletin(response, now=now))


def _pressure(due: datetime, near: timedelta, now: datetime) -> str:
    if due <= now:
        return "bad"
    return "warn" if due - near <= now else "info"


# --- What the pages read ------------------------------------------------------------------------------
def responses() -> QuerySet[IncidentResponse]:
    """The responses with what their pages name."""
    return IncidentResponse.objects.select_related(
        "incident", "declared_by", "recovered_by", "surveyed_by", "incident__category"
    )


def not_reached(incident: Incident) -> QuerySet[Complaint]:
    """The cases of an incident whose complainant nobody has reached yet, oldest first (SLA-10)."""
    reached = Contact.objects.filter(
        complaint=OuterRef("pk"), direction=ContactDirection.OUT, outcome=ContactOutcome.REACHED
    )
    return Complaint.objects.filter(~Exists(reached), incident=incident).order_by("received_at", "pk")


def on_duty(now: datetime) -> list[DutySlot]:
    """Who watches which channel at this moment, weekends and holidays included (INC-04)."""
    slots = DutySlot.objects.filter(starts_at__lte=now, ends_at__gt=now, person__is_active=True)
    return list(slots.select_related("person"))


@dataclass(frozen=True)
class Line:
    """A bulletin with what this person may do about it now."""

    row: Bulletin
    tone: str
    may_edit: bool
    may_release: bool
    may_withdraw: bool


def may_write(incident: Incident) -> bool:
    """Whether bulletins are written: while the incident goes on, and to replace a closing notice that was withdrawn."""
    if incident.closed_at is None:
        return True
    released = Bulletin.objects.filter(incident=incident, state=BulletinState.RELEASED)
    return not released.filter(kind=BulletinKind.CLOSING).exists()


def bulletin_lines(incident: Incident, user: User, *, writable: bool) -> list[Line]:
    """The bulletins of an incident, newest first (INC-06). `writable`: see `may_write`."""
    rows = Bulletin.objects.filter(incident=incident).select_related("written_by", "released_by", "withdrawn_by")
    releases = user.has_perm(RELEASE)
    tones = {BulletinState.DRAFT: "warn", BulletinState.RELEASED: "ok"}
    return [
        Line(
            row,
            tones.get(BulletinState(row.state), ""),
            writable and row.state == BulletinState.DRAFT,
            writable and releases and row.state == BulletinState.DRAFT and row.written_by_id != user.pk,
            releases and row.state == BulletinState.RELEASED,
        )
        for row in rows.order_by("-number")
    ]


def board(response: IncidentResponse, user: User, *, now: datetime) -> dict[str, Any]:
    """Everything on the page of a response. Cases out of the person's sight are counted, not named."""
    waiting = not_reached(response.incident)
    missing = waiting.count()
    seen = waiting.filter(pk__in=Complaint.objects.visible_to(user).values("pk")) if missing else waiting.none()
    help_open = HomeHelp.objects.filter(incident=response.incident, done_at=None).count()
    writable = may_write(response.incident)
    lines = bulletin_lines(response.incident, user, writable=writable)
    terms = office_terms.all_of(office_terms.current())
    return {
        "response": response,
        "incident": response.incident,
        "clocks": clocks_of(response, missing=missing, help_open=help_open, terms=terms, now=now),
        "missing": list(seen[:SHOWN]),
        "bulletins": lines,
        "may_write": writable and all(line.row.state != BulletinState.DRAFT for line in lines),
        "call_outs": list(CallOut.objects.filter(incident=response.incident).select_related("person", "by")),
        "duty": on_duty(now),
        "is_open": response.incident.closed_at is None,
        "problems": overdue_words(response, missing=missing, now=now),
    }


def visits_of(user: User) -> list[HomeHelp]:
    """The visits this person has still to make, the next due first (INC-10)."""
    rows = HomeHelp.objects.filter(owner=user, done_at=None).select_related("incident")
    return list(rows.order_by("due_at", "pk")[:SHOWN])


def overdue_words(response: IncidentResponse, *, missing: int, now: datetime) -> list[str]:
    """What is late, in one sentence each, for the top of the page."""
    found = []
    due = response.next_bulletin_due_at
    if due is not None and due <= now:
        found.append(_("The next bulletin is overdue by %(time)s.") % {"time": span_words(now - due)})
    if missing and response.first_contact_due_at <= now:
        words = _("%(count)s cases have not been contacted within %(hours)s hours.")
        found.append(words % {"count": missing, "hours": contact_hours(response)})
    return found


def after_care_cases(incident: Incident, user: User) -> list[Complaint]:
    """The cases that joined after the incident was closed, newest first, as far as the person sees them (INC-14)."""
    joined = CaseEvent.objects.filter(
        complaint=OuterRef("pk"), kind="join_incident", note=AFTER_CARE, reference=f"incident:{incident.pk}"
    )
    return list(
        Complaint.objects.visible_to(user)
        .filter(Exists(joined), incident=incident)
        .order_by("-received_at", "-pk")[:SHOWN]
    )


def first_case(incident: Incident, user: User) -> Complaint | None:
    """The oldest open case the person sees: crisis team and media plan stand on it (INC-19)."""
    return Complaint.objects.visible_to(user).open().filter(incident=incident).order_by("received_at", "pk").first()


def joinable(now: datetime) -> Q:
    """Which incidents a case may join: open ones, and closed ones within their after care (INC-14)."""
    return Q(closed_at=None) | Q(response__after_care_until__gte=timezone.localdate(now))


def asks_feedback(complaint: Complaint) -> bool:
    """Whether the complainant is asked how the incident of the case was handled: once the service is back, once."""
    if complaint.incident_id is None or own_feedback(complaint) is not None:
        return False
    return IncidentResponse.objects.filter(pk=complaint.incident_id, recovered_at__isnull=False).exists()


def own_feedback(complaint: Complaint) -> IncidentFeedback | None:
    """What the complainant answered about the incident the case belongs to now; no query where there is none."""
    if complaint.incident_id is None:
        return None
    given = CaseEvent.objects.filter(complaint=complaint, kind="incident_feedback").values_list("reference", flat=True)
    keys = [int(reference.partition(":")[2]) for reference in given]
    return IncidentFeedback.objects.filter(pk__in=keys, incident=complaint.incident_id).first() if keys else None


@dataclass(frozen=True)
class Rate:
    """How many answers, how many of them satisfied or basically satisfied, and the share in percent (INC-16)."""

    answers: int
    content: int
    counts: list[tuple[str, int]]

    @property
    def percent(self) -> str:
        return f"{self.content / self.answers:.1%}" if self.answers else "—"


def rate_of(incident: Incident) -> Rate:
    """The feedback of an incident in numbers. One query."""
    rows = IncidentFeedback.objects.filter(incident=incident).order_by()
    counts = dict(rows.values_list("satisfaction").annotate(count=Count("pk")))
    content = counts.get(Satisfaction.SATISFIED, 0) + counts.get(Satisfaction.BASICALLY, 0)
    return Rate(
        sum(counts.values()), content, [(str(label), counts.get(value, 0)) for value, label in Satisfaction.choices]
    )


# --- Personal data ------------------------------------------------------------------------------------
_MOBILE = re.compile(r"(?<!\d)(?:\+?86[ -]?)?1[3-9]\d(?:[ -]?\d){8}(?!\d)")
_IDENTITY = re.compile(r"(?<![\dA-Za-z])\d{6}[ -]?\d{8}[ -]?\d{3}[\dXx](?![\dA-Za-z])")
_RUN = re.compile(r"\d(?:[ -]?\d){6,}")
_LEAST_ADDRESS = 6


def personal_in(incident: Incident, texts: dict[str, str]) -> tuple[str, str] | None:
    """The first personal detail in texts for the public: (field, masked detail), or None.

    Looked for: names, numbers and addresses of the people of the incident's cases and of its home help, and
    whatever has the shape of a mobile or ID number, save the organisation's own telephone.
    """
    own = re.sub(r"\D", "", settings.ORGANISATION["phone"])
    plain = {name: unicodedata.normalize("NFKC", text) for name, text in texts.items() if text}
    for name, text in plain.items():
        for pattern, shape in ((_IDENTITY, ContactKind.IDENTITY), (_MOBILE, ContactKind.PHONE)):
            for hit in pattern.finditer(text):
                if re.sub(r"\D", "", hit[0]) != own:
                    return name, identity.mask(shape, hit[0])
    numbers = {name: {re.sub(r"\D", "", run) for run in _RUN.findall(text)} for name, text in plain.items()}
    for kind, value in _known(incident):
        for name, text in plain.items():
            if _holds(kind, unicodedata.normalize("NFKC", value).strip(), text, numbers[name], own):
                return name, identity.mask(kind, value)
    return None


def _known(incident: Incident) -> Iterator[tuple[str, str]]:
    """What identifies the people of an incident, read row by row."""
    people = Complainant.objects.filter(complaint__incident=incident).only("name")
    for person in people.iterator():
        yield "name", person.name
    points = ContactPoint.objects.filter(complainant__complaint__incident=incident)
    for point in points.iterator():
        yield point.kind, point.value
    for row in HomeHelp.objects.filter(incident=incident).iterator():
        yield "name", row.name
        yield ContactKind.PHONE, row.phone
        yield ContactKind.ADDRESS, row.address


def _holds(kind: str, value: str, text: str, numbers: set[str], own: str) -> bool:
    if kind == ContactKind.PHONE:
        digits = re.sub(r"\D", "", value)
        return len(digits) >= 7 and digits != own and digits in numbers
    if kind == ContactKind.ADDRESS:
        # The name of a street or an estate alone says where the incident is, not who lives there.
        return len(value) >= _LEAST_ADDRESS and any(sign.isdigit() for sign in value) and value in text
    return len(value) > 1 and value.casefold() in text.casefold()

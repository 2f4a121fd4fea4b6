"""A released bulletin reaches the complainants of all cases of its incident: each once, each on the own way (INC-08).

Cases are dealt with in batches: what has a receipt is done, so a run that died goes on where it stopped. A short
message goes out before its receipt is written; the gateway takes an `id` it knows for sent (docs/operations.md).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import after_commit
from complaints import clocks, events, identity, incidents, sms, tasks
from complaints.models import (
    Bulletin,
    BulletinReceipt,
    CaseEvent,
    Complaint,
    Contact,
    Deadline,
    Incident,
    Notification,
)
from complaints.models.people import ContactKind
from complaints.states import (
    SELF_SERVICE,
    Audience,
    BulletinState,
    Channel,
    ContactDirection,
    ContactOutcome,
    ContactPurpose,
    DeadlineState,
    Milestone,
    Status,
)
from complaints.timeline_words import ICONS, TITLES

logger = logging.getLogger("huiyin.jobs")

# Cases whose rows are locked together, and the seconds after which a run leaves the rest to the next one.
BATCH = 200
MAX_SECONDS = 300
# So long a gateway that does not answer is tried again; the next bulletin is due by then.
GATEWAY_TRIED = timedelta(hours=6)

TITLES |= {"bulletin_told": _("The complainant was told a bulletin of the incident")}
ICONS |= {"bulletin_told": "megaphone"}


class Way(StrEnum):
    """How the complainant of a case hears of it; NONE: only if they look at the tracking page by themselves."""

    MAIL = "mail"
    MESSAGE = "message"
    PAGE = "page"
    NONE = "none"


# The channel a communication is recorded under.
_CHANNELS = {Way.MAIL: Channel.EMAIL, Way.MESSAGE: Channel.PHONE, Way.PAGE: Channel.WEB}


def way_of(case: Complaint) -> tuple[Way, str]:
    """The way with its number: the preferred contact that a machine can use, else the page, for who filed online.

    Uses the loaded contacts of the complainant.
    """
    for point in case.complainant.contacts.all():
        if point.kind == ContactKind.EMAIL and point.value:
            return Way.MAIL, ""
        if point.kind == ContactKind.PHONE and settings.SMS_URL:
            number = identity.normalise(point.kind, point.value)
            if sms.MOBILE.fullmatch(number):
                return Way.MESSAGE, number
    return (Way.PAGE if case.channel in SELF_SERVICE else Way.NONE), ""


def cases_of(bulletin: Bulletin) -> QuerySet[Complaint]:
    """The cases whose complainants are told: open and closed ones; an archived one takes no records any more."""
    return Complaint.objects.filter(incident=bulletin.incident_id).exclude(status=Status.ARCHIVED)


def waiting(bulletin: Bulletin) -> QuerySet[Complaint]:
    """Those of them that were not told yet."""
    told = BulletinReceipt.objects.filter(bulletin=bulletin, complaint=OuterRef("pk"))
    return cases_of(bulletin).filter(~Exists(told))


def overlooked(rows: QuerySet[Bulletin], *, now: datetime) -> list[int]:
    """Those of `rows` that cases joined after everybody had been told: of each incident the newest that stands.

    Whoever joins late, also within the after care, hears of where things are, not of what was before. One query.
    """
    later = Bulletin.objects.filter(
        incident=OuterRef("incident"), state=BulletinState.RELEASED, number__gt=OuterRef("number")
    )
    told = BulletinReceipt.objects.filter(bulletin=OuterRef(OuterRef("pk")), complaint=OuterRef("pk"))
    late = Complaint.objects.filter(~Exists(told), incident=OuterRef("incident")).exclude(status=Status.ARCHIVED)
    running = Incident.objects.filter(incidents.joinable(now)).values("pk")
    newest = rows.filter(~Exists(later), told_all_at__isnull=False, incident__in=running)
    return list(newest.filter(Exists(late)).order_by("released_at").values_list("pk", flat=True))


def tell(bulletin_id: int, *, text: str, now: datetime | None = None) -> dict[str, int]:
    """Tell the complainants who were not told yet, for at most five minutes; `text` is the short message (INC-08).

    Each reached case gets a communication "progress", so the first 24 hours count it, and an event. Who can be
    reached neither by a machine nor online gets a receipt only and stays among the cases to be contacted. Returns
    how many were told now and how many wait. Safe to run again and beside itself: while one run is at it, another
    leaves the rest to it, so that nobody gets a message twice.
    """
    at = now or timezone.now()
    bulletin = Bulletin.objects.select_related("incident").get(pk=bulletin_id)
    until = time.monotonic() + MAX_SECONDS
    told = after = 0
    gateway_answers = True
    while time.monotonic() < until:
        bulletin.refresh_from_db(fields=["state"])
        if bulletin.state != BulletinState.RELEASED:
            return {"told": told, "left": 0}
        with _turn(bulletin_id) as is_ours:
            rows = waiting(bulletin).filter(pk__gt=after).order_by("pk").select_related("complainant")
            cases = list(rows.prefetch_related("complainant__contacts")[:BATCH]) if is_ours else []
            if not cases:
                break
            after = cases[-1].pk
            ways, gateway_answers = _send(cases, bulletin, text, at=at, gateway_answers=gateway_answers)
            told += _record(bulletin, ways, text, at=at)
    left = waiting(bulletin).count()
    if not left:
        Bulletin.objects.filter(pk=bulletin_id, told_all_at=None).update(told_all_at=at)
    return {"told": told, "left": left}


@contextmanager
def _turn(bulletin_id: int) -> Iterator[bool]:
    """Whether no other run sends this bulletin; then none does until the batch is recorded. Locks no row."""
    if connection.vendor != "postgresql":
        yield True  # one worker
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('complaints.bulletin'), %s)", [bulletin_id])
            is_ours = bool(cursor.fetchone()[0])
        yield is_ours


def _send(
    cases: list[Complaint], bulletin: Bulletin, text: str, *, at: datetime, gateway_answers: bool
) -> tuple[dict[int, Way], bool]:
    """Hand the short messages over. Cases whose gateway is silent are left out, for the next run to try."""
    ways = {}
    give_up = bulletin.released_at is not None and bulletin.released_at < at - GATEWAY_TRIED
    for case in cases:
        way, number = way_of(case)
        if way == Way.MESSAGE:
            if not gateway_answers and not give_up:
                continue
            try:
                if not gateway_answers:
                    raise sms.Unreachable
                sms.send(
                    settings.SMS_URL, to=number, text=text, id=f"{bulletin.incident.number}-{bulletin.pk}-{case.pk}"
                )
            except sms.Refused:
                way = Way.NONE
            except sms.Unreachable:
                logger.warning("bulletin not sent", extra={"bulletin": bulletin.pk, "reason": "gateway silent"})
                gateway_answers = False
                if not give_up:
                    continue
                way = Way.NONE
        ways[case.pk] = way
    return ways, gateway_answers


@transaction.atomic
def _record(bulletin: Bulletin, ways: dict[int, Way], text: str, *, at: datetime) -> int:
    """Write what became of a batch; cases another run was faster with are left out. Returns how many are new."""
    Bulletin.objects.select_for_update().get(pk=bulletin.pk)
    rows = waiting(bulletin).filter(pk__in=ways).select_related("policy", "complainant").order_by("pk")
    cases = list(rows.select_for_update(of=("self",)))
    BulletinReceipt.objects.bulk_create(BulletinReceipt(bulletin=bulletin, complaint=case, at=at) for case in cases)
    reached = [case for case in cases if ways[case.pk] != Way.NONE]
    contacts = Contact.objects.bulk_create(
        Contact(
            complaint=case,
            direction=ContactDirection.OUT,
            channel=_CHANNELS[ways[case.pk]],
            purpose=ContactPurpose.PROGRESS,
            outcome=ContactOutcome.REACHED,
            summary=text,
            at=at,
        )
        for case in reached
    )
    _log(contacts, bulletin, at=at)
    _mail([case for case in reached if ways[case.pk] == Way.MAIL], bulletin)
    _stop_progress_clocks(reached, at=at)
    Bulletin.objects.filter(pk=bulletin.pk).update(told=F("told") + len(cases))
    return len(cases)


def _log(contacts: list[Contact], bulletin: Bulletin, *, at: datetime) -> None:
    """One event for each communication, at the end of the chain of its case; the cases are locked."""
    newest = CaseEvent.objects.filter(complaint=OuterRef("complaint")).order_by("-sequence").values("pk")[:1]
    ends = CaseEvent.objects.filter(complaint__in=[row.complaint_id for row in contacts], pk=Subquery(newest))
    last = {row.complaint_id: row for row in ends.only("complaint", "sequence", "hash")}
    note = f"{bulletin.incident.number} · {bulletin.number}"
    CaseEvent.objects.bulk_create(
        _add_event(contact, "bulletin_told", last[contact.complaint_id], at=at, note=note) for contact in contacts
    )


def _add_event(contact: Contact, kind: str, end: CaseEvent, *, at: datetime, note: str) -> CaseEvent:
    """The next row of the chain that ends with `end`, not stored yet."""
    row = CaseEvent(
        complaint_id=contact.complaint_id,
        sequence=end.sequence + 1,
        at=at,
        kind=kind,
        fields=[],
        note=note,
        reference=f"contact:{contact.pk}",
        audience=Audience.CASE,
        previous_hash=end.hash,
    )
    row.hash = events.event_hash(row)
    return row


def _mail(cases: list[Complaint], bulletin: Bulletin) -> None:
    """E-mails that there is news; they name the case and nothing else (AP-06)."""
    Notification.objects.bulk_create(
        (
            Notification(
                complaint=case,
                kind="bulletin",
                params={"number": case.number},
                to_complainant=True,
                by_email=True,
                dedupe_key=f"bulletin:{bulletin.pk}:{case.pk}:complainant",
            )
            for case in cases
        ),
        ignore_conflicts=True,
    )
    if cases:
        after_commit.enqueue(tasks.deliver_notifications)


def _stop_progress_clocks(cases: list[Complaint], *, at: datetime) -> None:
    """Telling the progress stops that clock; the first talk of the handler does not take place by a bulletin."""
    going = Deadline.objects.filter(
        complaint__in=cases, milestone=Milestone.PROGRESS, state__in=[DeadlineState.RUNNING, DeadlineState.PAUSED]
    )
    due = set(going.values_list("complaint", flat=True))
    for case in cases:
        if case.pk in due:
            clocks.stop(case, Milestone.PROGRESS, at=at)
            clocks.refresh(case)

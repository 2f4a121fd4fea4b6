"""Released bulletins become public: scanned, published, taken down; then people are told (INC-07, INC-08).

The release announces a bulletin and the job of every minute finds what was not heard of. Nothing goes out before
the redaction engine has read every text against everybody whose case belongs to the incident.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from accounts import after_commit, takedowns
from complaints import bulletin_telling, incidents, notify
from complaints.models import (
    Bulletin,
    Complainant,
    Complaint,
    ContactPoint,
    HomeHelp,
    Incident,
    IncidentResponse,
    Notification,
)
from complaints.models.people import ContactKind
from complaints.states import BulletinState
from complaints.transitions.bulletins import PUBLIC_PARTS
from publication import bulletin_texts, gone, incident_pages, tasks
from publication.models import PublishedBulletin
from publication.models.results import new_public_id
from publication.redaction import Known, Span, leaks
from publication.redaction.prefilter import Letters
from publication.states import GoneKind

PARTS = ("title", *PUBLIC_PARTS)
# An office names its own number and mailbox where it says whom to turn to.
OFFICE_CONTACT = ("landline", "email")
# Bulletins older than this are not caught up with any more.
CAUGHT_UP = timedelta(days=90)


@dataclass(frozen=True)
class Problem:
    """The part that identifies somebody, and the kind of the finding; never the words."""

    part: str
    kind: str


def problem_of(bulletin: Bulletin) -> Problem | None:
    """The first place that must not be read by everybody, or None (INC-08, PR-09)."""
    texts = texts_of(bulletin)
    numbers = Complaint.objects.filter(incident=bulletin.incident_id).values_list("number", flat=True)
    for number in numbers.iterator():
        for name, text in texts.items():
            if number in text:
                return Problem(name, "case_number")
    known = _known_people(bulletin.incident_id, [Letters(text) for text in texts.values()])
    for name, text in texts.items():
        for span in leaks(text, known):
            if not _is_office(name, text, span):
                return Problem(name, span.type)
    return None


def texts_of(bulletin: Bulletin) -> dict[str, str]:
    """What the public would read, by name of the part."""
    return {"title": bulletin.incident.title} | {name: getattr(bulletin, name) for name in PUBLIC_PARTS}


def _is_office(name: str, text: str, span: Span) -> bool:
    """A number or mailbox of the office itself; known identities are refused there too."""
    if span.source != "pattern":
        return False
    own = re.sub(r"\D", "", settings.ORGANISATION["phone"])
    is_own = own and re.sub(r"\D", "", text[span.start : span.end]) == own
    return bool(is_own) or (name == "contact" and span.type in OFFICE_CONTACT)


def _known_people(incident_id: int, texts: list[Letters]) -> Known:
    """Who complained about the incident or is helped at home: of thousands those who could be named in the texts."""
    people = Complainant.objects.filter(complaint__incident=incident_id, is_organisation=False)
    values: list[tuple[str, str]] = [("name", row.name) for row in people.only("name").iterator()]
    points = ContactPoint.objects.filter(complainant__complaint__incident=incident_id)
    values += [(row.kind, row.value) for row in points.iterator()]
    for row in HomeHelp.objects.filter(incident=incident_id).iterator():
        values += [("name", row.name), (ContactKind.PHONE, row.phone), (ContactKind.ADDRESS, row.address)]
    found: dict[str, list[str]] = defaultdict(list)
    for kind, value in sorted({(str(kind), value) for kind, value in values if value}):
        # The name of a street or an estate alone says where the incident is, not who lives there.
        if kind == ContactKind.ADDRESS and not any(sign.isdigit() for sign in value):
            continue
        if any(text.may_hold(kind, value) for text in texts):
            found[kind].append(value)
    return Known(
        names=found["name"],
        phones=found[ContactKind.PHONE],
        ids=found[ContactKind.IDENTITY],
        emails=found[ContactKind.EMAIL],
        addresses=found[ContactKind.ADDRESS],
    )


def publish(bulletin_id: int) -> PublishedBulletin | None:
    """Publish a released bulletin and have the people told; a second run finds it published (INC-07, INC-08).

    Where a text identifies somebody nothing goes out: who released it is told the place. None then, and for a
    bulletin that was withdrawn meanwhile.
    """
    bulletin = Bulletin.objects.select_related("incident", "released_by").get(pk=bulletin_id)
    found = PublishedBulletin.objects.filter(bulletin_id=bulletin_id).first()
    if found is not None or bulletin.state != BulletinState.RELEASED:
        return found
    problem = problem_of(bulletin)
    if problem is not None:
        _tell_blocked(bulletin, problem)
        return None
    with transaction.atomic():
        # A withdrawal takes the same lock.
        incident = Incident.objects.select_for_update().get(pk=bulletin.incident_id)
        if not Bulletin.objects.filter(pk=bulletin_id, state=BulletinState.RELEASED).exists():
            return None
        values = texts_of(bulletin) | {
            "incident_public_id": _public_id(incident),
            "number": bulletin.number,
            "kind": bulletin.kind,
            "expected_recovery_at": bulletin.expected_recovery_at,
            "next_due_at": _next_due(incident.pk),
            "released_at": bulletin.released_at,
        }
        row, is_new = PublishedBulletin.objects.get_or_create(bulletin_id=bulletin_id, defaults=values)
        if is_new:
            _tell_published(bulletin)
            after_commit.enqueue(tasks.tell_bulletin, bulletin_id=bulletin_id)
    incident_pages.forget_known()
    return row


def _public_id(incident: Incident) -> str:
    """The address of the incident: that of its earlier bulletins, or a new one."""
    earlier = list(Bulletin.objects.filter(incident=incident).values_list("pk", flat=True))
    found = PublishedBulletin.objects.filter(bulletin_id__in=earlier).values_list("incident_public_id", flat=True)
    return found.first() or new_public_id()


def _next_due(incident_id: int) -> datetime | None:
    return IncidentResponse.objects.values_list("next_bulletin_due_at", flat=True).get(pk=incident_id)


def page_url(bulletin: Bulletin) -> str:
    """The page of a bulletin on the desk, for notifications."""
    return f"/desk/incidents/{bulletin.incident.number}/bulletins/{bulletin.number}/"


def _tell_blocked(bulletin: Bulletin, problem: Problem) -> None:
    releaser = bulletin.released_by
    notify.tell(
        [releaser] if releaser and releaser.is_active else notify.holders_of(incidents.RELEASE),
        "bulletin_blocked",
        dedupe=_blocked_key(bulletin.pk),
        url=page_url(bulletin),
        incident=bulletin.incident.number,
        bulletin=bulletin.number,
        part=problem.part,
        found=problem.kind,
    )


def _blocked_key(bulletin_id: int) -> str:
    return f"bulletin_blocked:{bulletin_id}"


def _tell_published(bulletin: Bulletin) -> None:
    """Whoever publishes hangs the poster up and sends the texts on."""
    notify.tell(
        notify.holders_of("publication.publish"),
        "bulletin_published",
        dedupe=f"bulletin_published:{bulletin.pk}",
        url=page_url(bulletin),
        incident=bulletin.incident.number,
        bulletin=bulletin.number,
    )


def blocked(bulletin: Bulletin) -> Problem | None:
    """What the scan found in a bulletin that did not become public, as it was told."""
    told = Notification.objects.filter(kind="bulletin_blocked", dedupe_key__startswith=f"{_blocked_key(bulletin.pk)}:")
    params = told.values_list("params", flat=True).first()
    return Problem(params["part"], params["found"]) if params else None


def take_down(bulletin_id: int, *, now: datetime | None = None) -> bool:
    """Remove a withdrawn bulletin from every public page; the one before is the newest again. True when it was up."""
    now = now or timezone.now()
    bulletin = Bulletin.objects.filter(pk=bulletin_id, state=BulletinState.WITHDRAWN).first()
    if bulletin is None:
        return False
    gone = PublishedBulletin.objects.filter(bulletin_id=bulletin_id, withdrawn_at=None)
    place = gone.values_list("incident_public_id", "number").first()
    taken = bool(gone.update(withdrawn_at=bulletin.withdrawn_at or now))
    if taken and place:
        takedowns.note(takedowns.What.BULLETIN, key_of(*place), at=bulletin.withdrawn_at or now)
    keep_next_due(bulletin.incident_id)
    incident_pages.forget_known()
    return taken


def key_of(incident_public_id: str, number: int) -> str:
    """The name of a bulletin in the journal of take-downs."""
    return f"{incident_public_id}-{number}"


def is_back(key: str, *, at: datetime) -> bool:
    """Whether a bulletin that was withdrawn at this moment is public again, after a restore (DL-04, I8)."""
    return _standing(key, at=at).exists()


@transaction.atomic
def keep_down(key: str, *, at: datetime) -> bool:
    """Repeat a withdrawal that a restored database does not know of (DL-04, I8). False when there is nothing to do.

    A bulletin of the same number that was released later is another one and stays. Of an incident that is not known
    here at all, the address stays gone (410).
    """
    row = _standing(key, at=at).select_for_update().first()
    if row is None:
        incident, _dash, _number = key.rpartition("-")
        is_known = PublishedBulletin.objects.filter(incident_public_id=incident).exists()
        return not is_known and gone.leave(GoneKind.INCIDENT, incident, at=at)
    reason = gettext("Taken down on %(date)s; a restore repeated it.") % {"date": timezone.localdate(at).isoformat()}
    released = Bulletin.objects.filter(pk=row.bulletin_id, state=BulletinState.RELEASED)
    released.update(state=BulletinState.WITHDRAWN, withdrawn_at=at, withdrawal_reason=reason, version=F("version") + 1)
    return take_down(row.bulletin_id, now=at)


def _standing(key: str, *, at: datetime) -> QuerySet[PublishedBulletin]:
    incident, _dash, number = key.rpartition("-")
    return PublishedBulletin.objects.filter(
        incident_public_id=incident, number=int(number), released_at__lte=at, withdrawn_at=None
    )


def keep_next_due(incident_id: int) -> None:
    """The newest public bulletin says when the next one comes, also after the rhythm was changed (INC-06)."""
    numbers = list(Bulletin.objects.filter(incident=incident_id).values_list("pk", flat=True))
    newest = PublishedBulletin.objects.filter(bulletin_id__in=numbers, withdrawn_at=None).order_by("-number").first()
    due = _next_due(incident_id)
    if newest is not None and newest.next_due_at != due:
        PublishedBulletin.objects.filter(pk=newest.pk).update(next_due_at=due)


def tell(bulletin_id: int, *, now: datetime | None = None) -> dict[str, int]:
    """Tell the complainants of the incident a bulletin that is public; a second run goes on (INC-08)."""
    row = PublishedBulletin.objects.filter(bulletin_id=bulletin_id, withdrawn_at=None).first()
    if row is None:
        return {"told": 0, "left": 0}
    return bulletin_telling.tell(bulletin_id, text=bulletin_texts.short_message(row), now=now)


def sweep_bulletins(*, now: datetime | None = None) -> dict[str, int]:
    """Every minute: publish and take down what was not heard of, tell who was not told yet, keep dates right.

    Whoever joins an incident late is told its newest bulletin.

    A bulletin that the scan has stopped is not scanned again; it is withdrawn and written anew.
    """
    now = now or timezone.now()
    public = PublishedBulletin.objects.filter(released_at__gte=now - CAUGHT_UP)
    recent = Bulletin.objects.filter(released_at__gte=now - CAUGHT_UP)
    released = recent.filter(state=BulletinState.RELEASED)
    published = gone = told = 0
    for bulletin in released.exclude(pk__in=public.values("bulletin_id")).order_by("released_at"):
        if blocked(bulletin) is None:
            published += publish(bulletin.pk) is not None
    standing = public.filter(withdrawn_at=None).values("bulletin_id")
    for pk in list(recent.filter(state=BulletinState.WITHDRAWN, pk__in=standing).values_list("pk", flat=True)):
        gone += take_down(pk, now=now)
    for pk in IncidentResponse.objects.filter(incident__closed_at=None).values_list("pk", flat=True):
        keep_next_due(pk)
    unfinished = released.filter(told_all_at=None, pk__in=standing).order_by("released_at")
    late = bulletin_telling.overlooked(released.filter(pk__in=standing), now=now)
    for pk in [*unfinished.values_list("pk", flat=True), *late]:
        told += tell(pk, now=now)["told"]
    return {"published": published, "taken_down": gone, "told": told}

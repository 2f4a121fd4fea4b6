"""When a publication showed personal data, and when it was corrected (PUB-20).

Taking down comes first and is never waited for; the record of the leak is closed by another person. A correction
is a note beside what stands there now: the old wording is shown nowhere.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Min, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import User
from complaints import notify
from complaints import transitions as case_transitions
from complaints.states import Audience
from complaints.transitions.intake import check_text
from publication import content, findings, permissions, transitions
from publication.models import Breach, Publication, PublishedCorrection, PublishedResult, ResultDay
from publication.redaction import leaks
from publication.states import PublicationStatus

TAKE_DOWN = "publication.takedown"
DATA = "complaints.manage_data_incident"
# Who reads and closes records of leaks.
READERS = (TAKE_DOWN, DATA)
LONGEST = 2000


@transaction.atomic
def record(publication_id: int, *, by: User, kinds: str, what: str, at: datetime | None = None) -> Breach:
    """Take the notice down if it is still up, and open the record of the leak (PUB-20).

    Counts how often it was seen on the website meanwhile. Whoever deals with data incidents is told. Raises
    NotAllowed, InvalidInput by field, IllegalTransition when it was never public or its leak is being dealt with.
    """
    at = at or timezone.now()
    if not by.is_active or not by.has_perm(TAKE_DOWN):
        raise NotAllowed(_("Your role does not allow this."))
    for field, value, limit in (("kinds", kinds, 200), ("what", what, LONGEST)):
        if not value.strip():
            raise InvalidInput(field, _("Fill this in."))
        check_text(field, value, limit=limit)
    found = Publication.objects.get(pk=publication_id)
    complaint = case_transitions.lock(found.complaint_id)
    publication = Publication.objects.select_for_update(of=("self",)).get(pk=publication_id)
    if publication.posted_at is None:
        raise IllegalTransition(_("This publication was never public."))
    if publication.breaches.filter(closed_at=None).exists():
        raise IllegalTransition(_("The leak of this publication is recorded already."))
    if publication.status == PublicationStatus.POSTED:
        publication = transitions.take_down(publication_id, by=by, reason=str(_("It showed personal data.")), at=at)
    results = PublishedResult.objects.filter(publication_number=publication.number)
    breach = Breach.objects.create(
        publication=publication,
        kinds=kinds.strip(),
        what=what.strip(),
        seen_from=results.aggregate(first=Min("published_at"))["first"],
        found_at=at,
        found_by=by,
        taken_down_at=publication.withdrawn_at,
        views=ResultDay.objects.filter(result__in=results).aggregate(sum=Sum("views"))["sum"] or 0,
    )
    _event(publication, "publication_breach", by=by, at=at, reference=f"breach:{breach.pk}")
    notify.tell(
        [*notify.holders_of(DATA), *notify.managers(complaint)],
        "publication_leak",
        dedupe=f"publication_leak:{breach.pk}",
        url=f"/desk/publications/breaches/{breach.pk}/",
        publication=publication.number,
    )
    return breach


@transaction.atomic
def close(breach_id: int, *, by: User, measures: str, persons_told: bool | None, at: datetime | None = None) -> Breach:
    """Say what was done and close the record; whoever found the leak cannot close it (PUB-20).

    `persons_told`: the people whose data it was were told by now. Raises NotAllowed, InvalidInput("measures"),
    IllegalTransition once closed.
    """
    at = at or timezone.now()
    found = Breach.objects.select_related("publication").get(pk=breach_id)
    case_transitions.lock(found.publication.complaint_id)
    breach = Breach.objects.select_for_update(of=("self",)).select_related("publication__complaint").get(pk=breach_id)
    reason = close_refusal(breach, by)
    if reason:
        raise NotAllowed(reason)
    if breach.closed_at:
        raise IllegalTransition(_("This record is closed already."))
    if not measures.strip():
        raise InvalidInput("measures", _("Say what was done."))
    breach.measures = check_text("measures", measures.strip(), limit=LONGEST)
    breach.closed_at, breach.closed_by = at, by
    if persons_told:
        breach.persons_told_at = at
    breach.save(update_fields=["measures", "closed_at", "closed_by", "persons_told_at"])
    _event(breach.publication, "publication_breach_closed", by=by, at=at, reference=f"breach:{breach.pk}")
    return breach


def close_refusal(breach: Breach, user: User) -> str:
    """Why this person may not close it; "" when they may."""
    if not user.is_active or not any(user.has_perm(name) for name in READERS):
        return str(_("Your role does not allow this."))
    if breach.found_by_id == user.pk:
        return str(_("You recorded this leak; another person closes it."))
    return ""


def listed() -> QuerySet[Breach]:
    return Breach.objects.select_related("publication", "found_by", "closed_by")


# --- Corrections --------------------------------------------------------------------------------------
@transaction.atomic
def correct(publication_id: int, *, by: User, note: str, at: datetime | None = None) -> PublishedCorrection:
    """Say with a result that is public that it was corrected, and how it reads now.

    By somebody who publishes and wrote nothing of it. Raises NotAllowed, InvalidInput("note") when it is empty, too
    long or identifies somebody, IllegalTransition when nothing is public.
    """
    at = at or timezone.now()
    case_transitions.lock(Publication.objects.values_list("complaint", flat=True).get(pk=publication_id))
    rows = Publication.objects.select_for_update(of=("self",)).select_related("complaint__complainant")
    publication = rows.get(pk=publication_id)
    reason = permissions.refusal(by, "publish", publication)
    if reason:
        raise NotAllowed(reason)
    if not note.strip():
        raise InvalidInput("note", _("Say what was corrected."))
    check_text("note", note, limit=200)
    shown = PublishedResult.objects.select_for_update().filter(publication_number=publication.number, withdrawn_at=None)
    result = shown.first()
    if publication.status != PublicationStatus.POSTED or result is None:
        raise IllegalTransition(_("Nothing of this publication is public now."))
    found = leaks(note, content.known_of(publication))
    if found:
        raise InvalidInput(
            "note",
            _("The text still shows something that identifies a person (%(kind)s). Mask it first."),
            kind=findings.label(found[0].type),
        )
    row = PublishedCorrection.objects.create(result=result, note=note.strip(), at=at)
    shown.update(updated_at=at)
    _event(publication, "publication_corrected", by=by, at=at, reference=f"publication:{publication.number}")
    return row


def _event(publication: Publication, kind: str, *, by: User, at: datetime, reference: str) -> None:
    """The log says that it happened and where it stands, never what was to be seen."""
    case_transitions.add_event(publication.complaint, kind, by=by, at=at, reference=reference, audience=Audience.OFFICE)

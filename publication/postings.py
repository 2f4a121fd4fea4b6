"""Postings of a result: planned, up with proof, taken down; and which of them have to come down (PUB-24, PUB-30).

A posting shows what the posted result said when it went up. The website is no posting: it follows the result by
itself. Lock order: case, then posting.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from typing import Any, cast

from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import User
from complaints import confined, files, notify, previews
from complaints import transitions as case_transitions
from complaints.models import StoredFile
from complaints.states import Audience
from publication import results
from publication.models import Channel, Posting, PostingCount, Publication, PublishedResult
from publication.states import ELEMENTS, ChannelKind, PublicationStatus

PLAN = "publication.compose"
REMOVE = (PLAN, "publication.takedown")
MOST_COUNT = 1_000_000_000
# Where somebody has to say the exact place, and where a photograph proves the posting.
_PLACES = (ChannelKind.BOARD, ChannelKind.LOBBY)
PROVEN = (ChannelKind.BOARD,)
_ENDED = (PublicationStatus.WITHDRAWN, PublicationStatus.ABANDONED)


# --- What is up, and what has to come down ----------------------------------------------------------
def up() -> QuerySet[Posting]:
    """Postings that the public can see now."""
    return Posting.objects.filter(up_on__isnull=False, down_on__isnull=True)


def hanging(*, at: datetime) -> QuerySet[Posting]:
    """Postings that have to come down: the result was taken down, or their last day is over."""
    return up().filter(Q(publication__status=PublicationStatus.WITHDRAWN) | Q(until__lt=timezone.localdate(at)))


def must_come_down(posting: Posting, *, at: datetime) -> bool:
    """Whether this posting is one of `hanging`."""
    if posting.up_on is None or posting.down_on is not None:
        return False
    if posting.publication.status == PublicationStatus.WITHDRAWN:
        return True
    return posting.until is not None and posting.until < timezone.localdate(at)


def fingerprint(found: PublishedResult) -> str:
    """SHA-256 of what a reader of a posting sees of a result: texts and measures with their progress."""
    content = {name: getattr(found, name) for name in ("title", "summary", *ELEMENTS, "improvements")}
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def is_outdated(posting: Posting, found: PublishedResult | None) -> bool:
    """Whether the result says something else by now than what is up (PUB-30, PUB-43)."""
    is_up = posting.up_on is not None and posting.down_on is None
    return bool(is_up and found and posting.content_hash and posting.content_hash != fingerprint(found))


def results_of(rows: Iterable[Posting]) -> dict[str, PublishedResult]:
    """The posted results of these postings by the number of their notice, in one query."""
    numbers = {row.publication.number for row in rows}
    found = PublishedResult.objects.filter(publication_number__in=numbers, withdrawn_at=None)
    return {row.publication_number: row for row in found.order_by("pk")}


# --- Planning ---------------------------------------------------------------------------------------
@transaction.atomic
def choose(publication_id: int, chosen: Collection[Channel], *, by: User, at: datetime | None = None) -> list[Posting]:
    """Plan a posting on each of these channels; planned ones on other channels are dropped (PUB-23, PUB-30).

    What is up stays. Returns the planned postings. Raises NotAllowed, IllegalTransition, InvalidInput at `channels`.
    """
    at = at or timezone.now()
    if not by.has_perm(PLAN):
        raise NotAllowed(_("Your role does not allow this."))
    publication = _lock(publication_id)
    if publication.status in _ENDED:
        raise IllegalTransition(_("This result is not published any more; nothing new is planned."))
    if any(not channel.is_active or channel.kind == ChannelKind.WEBSITE for channel in chosen):
        raise InvalidInput("channels", _("Choose from the channels in use."))
    standing = list(publication.postings.filter(down_on__isnull=True))
    wanted = {channel.pk for channel in chosen}
    for posting in standing:
        if posting.up_on is None and posting.channel_id not in wanted:
            posting.delete()
    taken = {posting.channel_id for posting in standing}
    for channel in chosen:
        if channel.pk not in taken:
            Posting.objects.create(
                publication=publication, channel=channel, place=channel.place, planned_by=by, planned_at=at
            )
    return list(publication.postings.filter(up_on__isnull=True))


def _lock(publication_id: int) -> Publication:
    complaint_id = Publication.objects.values_list("complaint_id", flat=True).get(pk=publication_id)
    case_transitions.lock(complaint_id)
    return Publication.objects.select_related("complaint__complainant").get(pk=publication_id)


def _begin(posting_id: int, *, by: User, permissions: Collection[str]) -> Posting:
    """The posting with its case and itself locked. Raises NotAllowed."""
    if not any(by.has_perm(name) for name in permissions):
        raise NotAllowed(_("Your role does not allow this."))
    publication = _lock(Posting.objects.values_list("publication_id", flat=True).get(pk=posting_id))
    posting = Posting.objects.select_for_update(of=("self",)).select_related("channel").get(pk=posting_id)
    posting.publication = publication
    return posting


# --- Up, renewed, down ------------------------------------------------------------------------------
@transaction.atomic
def put_up(
    posting_id: int,
    *,
    by: User,
    up_on: date,
    until: date | None = None,
    place: str = "",
    link: str = "",
    script: str = "",
    proof: StoredFile | None = None,
    at: datetime | None = None,
) -> Posting:
    """Record that a planned posting is up: where, from which day to which, with the photograph (PUB-24, PUB-26).

    `until` is the last day it stays, the days of its channel when left out, never longer than the result is public.
    Raises NotAllowed, IllegalTransition, or InvalidInput naming the field.
    """
    at = at or timezone.now()
    posting = _begin(posting_id, by=by, permissions=(PLAN,))
    if posting.up_on is not None:
        raise IllegalTransition(_("This posting is up already."))
    found = _posted(posting, at=at)
    today, since = timezone.localdate(at), timezone.localdate(found.published_at)
    if not since <= up_on <= today:
        message = _("Give a day from %(first)s to today.")
        raise InvalidInput("up_on", message, first=since.isoformat())
    end = timezone.localdate(found.published_until) if found.published_until else None
    until = until or min(filter(None, (up_on + timedelta(days=posting.channel.days), end)))
    if until < up_on:
        raise InvalidInput("until", _("The last day lies before the first."))
    if end and until > end:
        raise InvalidInput("until", _("The result is public until %(day)s, not longer."), day=end.isoformat())
    _check_kind(posting.channel, place=place, link=link, script=script)
    posting.up_on, posting.until, posting.up_by = up_on, until, by
    posting.place, posting.link, posting.script = place.strip()[:200], link.strip(), script.strip()
    posting.proof, posting.content_hash = proof, fingerprint(found)
    posting.save()
    _event(posting, "posting_up", by=by, at=at)
    return posting


def _check_kind(channel: Channel, *, place: str, link: str, script: str) -> None:
    """What each kind of channel cannot do without."""
    if channel.kind in _PLACES and not place.strip():
        raise InvalidInput("place", _("Say where exactly it is."))
    if channel.kind == ChannelKind.VIDEO and not link.strip():
        raise InvalidInput("link", _("Give the address of the film."))
    if channel.kind == ChannelKind.VIDEO and not script.strip():
        raise InvalidInput("script", _("Give the script: it is checked against the result."))


def _posted(posting: Posting, *, at: datetime) -> PublishedResult:
    """The result the public reads now. Raises IllegalTransition."""
    number = posting.publication.number
    found = PublishedResult.objects.served(at=at).filter(publication_number=number).order_by("-pk").first()
    if found is None or posting.publication.status != PublicationStatus.POSTED:
        raise IllegalTransition(_("The result is not public now, so it cannot be posted anywhere."))
    return found


@transaction.atomic
def renew(posting_id: int, *, by: User, proof: StoredFile | None = None, at: datetime | None = None) -> Posting:
    """What is up was replaced by what the result says now, or its photograph came later (PUB-30, PUB-43).

    Raises NotAllowed, IllegalTransition.
    """
    at = at or timezone.now()
    posting = _begin(posting_id, by=by, permissions=(PLAN,))
    _need_up(posting)
    posting.content_hash = fingerprint(_posted(posting, at=at))
    posting.proof = proof or posting.proof
    posting.save(update_fields=["content_hash", "proof"])
    _event(posting, "posting_renewed", by=by, at=at)
    return posting


@transaction.atomic
def take_down(posting_id: int, *, by: User, on: date, at: datetime | None = None) -> Posting:
    """Record the day a posting came down; one person is enough. Raises NotAllowed, IllegalTransition, InvalidInput."""
    at = at or timezone.now()
    posting = _begin(posting_id, by=by, permissions=REMOVE)
    first = _need_up(posting)
    if not first <= on <= timezone.localdate(at):
        raise InvalidInput("down_on", _("Give a day from %(first)s to today."), first=first.isoformat())
    posting.down_on, posting.down_by = on, by
    posting.save(update_fields=["down_on", "down_by"])
    _event(posting, "posting_down", by=by, at=at)
    return posting


def _need_up(posting: Posting) -> date:
    """The day it went up. Raises IllegalTransition when it is not up now."""
    if posting.up_on is None or posting.down_on is not None:
        raise IllegalTransition(_("This posting is not up."))
    return posting.up_on


def _event(posting: Posting, kind: str, *, by: User, at: datetime) -> None:
    case_transitions.add_event(
        posting.publication.complaint,
        kind,
        by=by,
        at=at,
        note=posting.channel.name,
        reference=f"publication:{posting.publication.number}",
        audience=Audience.OFFICE,
    )


# --- Proof and counts -------------------------------------------------------------------------------
def keep_proof(uploaded: UploadedFile, *, at: datetime) -> StoredFile:
    """A photograph painted anew from its pixels and stored; place, camera and time in the file are gone (PUB-24).

    The original is kept nowhere. Raises InvalidInput at `proof`, and StorageFull.
    """
    try:
        kind = files.check(uploaded)
    except InvalidInput as error:
        raise InvalidInput("proof", str(error)) from None
    if kind not in previews.KINDS:
        raise InvalidInput("proof", _("Choose a photograph: JPEG, PNG, GIF or WebP."))
    with tempfile.TemporaryFile() as copy:
        for chunk in uploaded.chunks():
            copy.write(chunk)
        copy.seek(0)
        try:
            picture = previews.paint(cast(Any, copy))
        except confined.Failed:
            raise InvalidInput("proof", _("This picture cannot be read; choose another one.")) from None
    return files.store(SimpleUploadedFile("proof.jpg", picture), at=at)


@transaction.atomic
def count(
    posting_id: int,
    *,
    by: User,
    day: date,
    views: int = 0,
    comments: int = 0,
    enquiries: int = 0,
    at: datetime | None = None,
) -> PostingCount:
    """What somebody counted on one day of a posting; a second entry for the day corrects the first (PUB-34).

    Raises NotAllowed, IllegalTransition, or InvalidInput naming the field.
    """
    at = at or timezone.now()
    posting = _begin(posting_id, by=by, permissions=(PLAN,))
    if posting.up_on is None:
        raise IllegalTransition(_("This posting is not up."))
    last = min(timezone.localdate(at), posting.down_on or date.max)
    if not posting.up_on <= day <= last:
        message = _("Give a day from %(first)s to %(last)s.")
        raise InvalidInput("day", message, first=posting.up_on.isoformat(), last=last.isoformat())
    numbers = {"views": views, "comments": comments, "enquiries": enquiries}
    for name, value in numbers.items():
        if not 0 <= value <= MOST_COUNT:
            message = _("Give a whole number from %(least)s to %(most)s.")
            raise InvalidInput(name, message, least=0, most=MOST_COUNT)
    row, _created = PostingCount.objects.update_or_create(posting=posting, day=day, defaults={**numbers, "by": by})
    return row


# --- Reminders --------------------------------------------------------------------------------------
def tell_hanging(*, now: datetime) -> int:
    """Tell the editors what has to come down. Returns the number of postings told of.

    The end of its term is told once. What was taken down as a result presses: it is told at once and again every
    day until somebody has recorded it down (PUB-20, PUB-30).
    """
    today = results.start_of(timezone.localdate(now))
    due = hanging(at=now).select_related("publication", "channel").order_by("pk")
    told, people = 0, None
    for posting in due:
        withdrawn = posting.publication.withdrawn_at
        if posting.told_at is not None:
            is_news = withdrawn is not None and (posting.told_at < withdrawn or posting.told_at < today)
            if not is_news:
                continue
        people = list(notify.holders_of(PLAN)) if people is None else people
        kind = "posting_withdrawn" if withdrawn else "posting_over"
        notify.tell(
            people,
            kind,
            dedupe=f"{kind}:{posting.pk}:{timezone.localdate(now).isoformat()}",
            url=reverse("publication:channels_of", args=[posting.publication.number]),
            publication=posting.publication.number,
            channel=posting.channel.name,
        )
        Posting.objects.filter(pk=posting.pk).update(told_at=now)
        told += 1
    return told

"""What the public reads of incidents: one table that holds no key to cases or people (INC-07, INC-08, INC-13)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import caches
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet
from django.utils import timezone

from complaints import keyset
from complaints.states import BulletinKind
from publication import results
from publication.models import PublishedBulletin
from publication.results import Block, Stamp

PAGE_SIZE = 20
# More incidents than this are not under way at once.
MOST_RUNNING = 50
CLOSING = BulletinKind.CLOSING
# An incident that is over, or of which nothing more was heard, stays so long.
KEPT = timedelta(days=90)
# Banners name this many, and remember them for so many seconds.
BANNER = 3
REMEMBERED = 15
_KNOWN_KEY = "known-incidents"
_PUBLIC_ID = re.compile(r"[0-9a-f]{16}")
_OVER = Q(kind=CLOSING)
_NEWEST = keyset.Order(segments=(keyset.Segment(Q(), "released_at", descending=True),), whole=("-released_at", "-pk"))


def standing() -> QuerySet[PublishedBulletin]:
    """Every bulletin that was not withdrawn."""
    return PublishedBulletin.objects.filter(withdrawn_at=None)


def is_expected(row: PublishedBulletin) -> bool:
    """Whether it tells when the service is back: at a moment, or, where people get supply elsewhere, not known yet."""
    return row.kind != CLOSING and bool(row.expected_recovery_at or row.supply)


def newest(*, at: datetime) -> QuerySet[PublishedBulletin]:
    """The newest bulletin of each incident that is shown: under way, or over for at most 90 days."""
    later = standing().filter(incident_public_id=OuterRef("incident_public_id"), number__gt=OuterRef("number"))
    return standing().filter(~Exists(later), released_at__gt=at - KEPT)


def running(*, at: datetime) -> QuerySet[PublishedBulletin]:
    """The newest bulletin of each incident that is under way, the latest first."""
    return newest(at=at).exclude(_OVER).order_by("-released_at", "-pk")


def page(*, at: datetime, after: str = "", before: str = "") -> keyset.Page:
    """A page of incidents that are over. Positions are public ids, never row numbers (PR-07)."""
    rows = newest(at=at).filter(_OVER)
    found = keyset.page(rows, _NEWEST, size=PAGE_SIZE, after=_position(rows, after), before=_position(rows, before))
    return keyset.Page(
        found.rows,
        before=found.rows[0].incident_public_id if found.before else "",
        after=found.rows[-1].incident_public_id if found.after else "",
    )


def _position(rows: QuerySet[PublishedBulletin], public_id: str) -> str:
    if not _PUBLIC_ID.fullmatch(public_id):
        return ""
    row = rows.filter(incident_public_id=public_id).first()
    return str(keyset.Position(0, row.released_at, row.pk)) if row else ""


def bulletins_of(public_id: str) -> list[PublishedBulletin]:
    """Every bulletin of an incident, newest first, withdrawn ones too. One query."""
    return list(PublishedBulletin.objects.filter(incident_public_id=public_id).order_by("-number"))


def is_gone(rows: Iterable[PublishedBulletin], *, at: datetime) -> bool:
    """Whether the page of an incident is no longer there: all withdrawn, or its time is over."""
    return not any(row.withdrawn_at is None and row.released_at > at - KEPT for row in rows)


# --- When a page changed ------------------------------------------------------------------------------
def stamp_of(rows: Iterable[PublishedBulletin], *, at: datetime) -> Stamp:
    """The state of a page made from these rows. Only the tag tells: when the next one comes changes silently."""
    parts = [(row.pk, row.released_at, row.withdrawn_at, row.next_due_at) for row in rows]
    return Stamp(_tag(at, parts), at)


def stamp_of_all(*, at: datetime) -> Stamp:
    """The state of what programs fetch, in one query; `changed` is when a bulletin last came or went."""
    state = PublishedBulletin.objects.aggregate(
        released=Max("released_at"),
        withdrawn=Max("withdrawn_at"),
        shown=Count("pk", filter=Q(withdrawn_at=None, released_at__gt=at - KEPT)),
    )
    moments = [moment for moment in (state["released"], state["withdrawn"]) if moment]
    return Stamp(_tag(at, state.values()), max([results.start_of(timezone.localdate(at)), *moments]))


def _tag(at: datetime, parts: Iterable[object]) -> str:
    text = "|".join(map(str, ("incidents", results.release(), timezone.localdate(at), *parts)))
    return hashlib.sha256(text.encode()).hexdigest()[:24]


# --- The banner -----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Known:
    """An incident under way, as a banner names it."""

    public_id: str
    title: str
    expected_recovery_at: datetime | None
    released_at: datetime


def known(*, at: datetime) -> list[Known]:
    """The newest incidents under way, at most three; one query in 15 seconds (INC-08)."""
    found: list[Known] | None = caches["local"].get(_KNOWN_KEY)
    if found is None:
        rows = running(at=at)[:BANNER]
        found = [Known(row.incident_public_id, row.title, row.expected_recovery_at, row.released_at) for row in rows]
        caches["local"].set(_KNOWN_KEY, found, REMEMBERED)
    return found


def forget_known() -> None:
    """Read anew what the banner says, as far as this process goes."""
    caches["local"].delete(_KNOWN_KEY)


def beside(stamp: Stamp, *, at: datetime) -> Stamp:
    """The state of a page that carries the banner too; without an incident it is that of the page alone.

    With one only the tag tells: nobody keeps a page by its date when the banner goes.
    """
    found = known(at=at)
    if not found:
        return stamp
    tag = hashlib.sha256(f"{stamp.tag}|{found}".encode()).hexdigest()[:24]
    return Stamp(tag, at)


# --- One incident ---------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Shown:
    """A bulletin as the page shows it."""

    row: PublishedBulletin
    progress: list[Block]
    after_care: list[Block]
    supply: list[Block]
    why: list[Block]

    @property
    def is_closing(self) -> bool:
        return self.row.kind == CLOSING

    @property
    def is_expected(self) -> bool:
        return is_expected(self.row)


def article(rows: list[PublishedBulletin]) -> dict[str, Any]:
    """The context of the page of one incident, from its standing bulletins, newest first."""
    shown = [_shown(row) for row in rows]
    return {
        "active": "incidents",
        "newest": shown[0],
        "earlier": shown[1:],
        "canonical": results.absolute(path_of(rows[0].incident_public_id)),
    }


def _shown(row: PublishedBulletin) -> Shown:
    return Shown(
        row,
        results.blocks(row.progress),
        results.blocks(row.after_care),
        results.blocks(row.supply),
        results.blocks(row.no_advance_notice),
    )


def path_of(public_id: str) -> str:
    """The address of an incident, also where this process does not serve the public site."""
    return f"/incidents/{public_id}/"

"""Records unfit for the figures, looked for before a month is reported (AN-34).

Each is settled by a person with a word, or by itself once the case was mended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput
from accounts.models import User
from analytics import periods, permissions
from analytics.models import Tidying
from analytics.periods import Period
from complaints import identity, jobs
from complaints.models import Callback, CaseLink, Complaint, ContactPoint
from complaints.states import Status

JOB = "tidy_records"
CLOSE = "analytics.close_period"
SETTLERS = (CLOSE, permissions.BUILD)
NOTE = 200
_UNSCREENED = (Status.REGISTERED, Status.AWAITING_INFORMATION, Status.NOT_ACCEPTED, Status.WITHDRAWN, Status.MERGED)
_DONE = (Status.CLOSED, Status.ARCHIVED)


# Two complaints of one person about one thing so close together may be one.
CLOSE_BY = timedelta(hours=24)


@dataclass(frozen=True)
class Kind:
    """One way to be unfit; `find` gives the keys of the cases of a month that are."""

    code: str
    name: Promise
    hint: Promise
    find: Callable[[Period], set[int]]


def _registered(period: Period) -> QuerySet[Complaint]:
    rows = Complaint.objects.filter(registered_at__gte=period.start, registered_at__lt=period.end)
    return rows.exclude(identity.undone_import()).order_by()


def _closed(period: Period) -> QuerySet[Complaint]:
    rows = Complaint.objects.filter(first_closed_at__gte=period.start, first_closed_at__lt=period.end)
    return rows.filter(status__in=_DONE).order_by()


def _keys(rows: QuerySet[Complaint]) -> set[int]:
    return set(rows.values_list("pk", flat=True))


def _uncoded(period: Period) -> set[int]:
    return _keys(_registered(period).filter(category=None).exclude(status__in=_UNSCREENED))


def _duplicates(period: Period) -> set[int]:
    """The later of two cases with an equal contact and category within a day, neither merged nor linked."""
    cases = _registered(period).exclude(status=Status.MERGED).filter(category__isnull=False)
    points = ContactPoint.objects.filter(complainant__complaint__in=cases).exclude(match_hash="").order_by()
    rows = points.values_list(
        "match_hash",
        "complainant__complaint__category",
        "complainant__complaint__registered_at",
        "complainant__complaint",
    ).distinct()
    pairs = set()
    for (own, own_category, at, first), (other, other_category, later, second) in pairwise(sorted(rows)):
        if (own, own_category) == (other, other_category) and first != second and later - at <= CLOSE_BY:
            pairs.add((min(first, second), max(first, second), second))
    keys = {pk for first, second, _later in pairs for pk in (first, second)}
    links = CaseLink.objects.filter(ended_at=None, first__in=keys, second__in=keys).values_list("first", "second")
    known = set(links)
    return {later for first, second, later in pairs if (first, second) not in known}


def _without_result(period: Period) -> set[int]:
    return _keys(_closed(period).filter(replied_at=None))


def _unmet(period: Period) -> set[int]:
    rows = Callback.objects.filter(at__gte=period.start, at__lt=period.end, is_reached=False).exclude(satisfaction="")
    return set(rows.values_list("complaint_id", flat=True))


def _out_of_order(period: Period) -> set[int]:
    wrong = (
        Q(received_at__gt=F("registered_at"))
        | Q(accepted_at__lt=F("registered_at"))
        | Q(replied_at__lt=F("registered_at"))
        | Q(first_closed_at__lt=F("registered_at"))
    )
    return _keys(_registered(period).filter(wrong)) | _keys(_closed(period).filter(wrong))


KINDS = {
    kind.code: kind
    for kind in (
        Kind("uncoded", _("No category"), _("Accepted, but not classified."), _uncoded),
        Kind(
            "duplicate",
            _("Perhaps a duplicate"),
            _("Same contact and category as another complaint within a day; link or merge them."),
            _duplicates,
        ),
        Kind("no_result", _("Closed without a result"), _("Closed, but no reply was given."), _without_result),
        Kind("unmet_rating", _("Satisfaction without contact"), _("An answer to a call that reached nobody."), _unmet),
        Kind("dates", _("Dates out of order"), _("Something happened before the complaint came."), _out_of_order),
    )
}


def tidy_due(*, now: datetime | None = None) -> dict[str, Any]:
    """Look through the month that is over, and once more through what is still open (AN-34).

    The first run after the end of a month finds; each later one settles what was mended meanwhile.
    """
    now = now or timezone.now()
    month = periods.month_of(now).previous
    found = jobs.run_once(JOB, month.code, partial(_look_through, month, now=now), now=now)
    mended = 0
    for code in set(Tidying.objects.filter(settled_at=None).order_by().values_list("period", flat=True)):
        mended += _settle_mended(periods.parse(code), now=now)
    return {"period": month.code, **found, "mended": mended}


def tidy(period: Period, *, now: datetime) -> dict[str, Any]:
    """Look through one month now, whatever was done before: new findings are added, mended ones settled."""
    done = {**_look_through(period, now=now), "mended": _settle_mended(period, now=now)}
    jobs.run_once(JOB, period.code, lambda: done, now=now)
    return done


def _look_through(period: Period, *, now: datetime) -> dict[str, int]:
    before = Tidying.objects.filter(period=period.code).count()
    for kind in KINDS.values():
        rows = [
            Tidying(period=period.code, kind=kind.code, complaint_id=pk, found_at=now)
            for pk in sorted(kind.find(period))
        ]
        Tidying.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    return {"found": Tidying.objects.filter(period=period.code).count() - before}


def _settle_mended(period: Period, *, now: datetime) -> int:
    mended = 0
    for kind in KINDS.values():
        left = Tidying.objects.filter(period=period.code, kind=kind.code, settled_at=None)
        open_rows = dict(left.values_list("pk", "complaint_id"))
        if open_rows:
            still = kind.find(period)
            gone = [pk for pk, case in open_rows.items() if case not in still]
            mended += Tidying.objects.filter(pk__in=gone, settled_at=None).update(settled_at=now)
    return mended


@transaction.atomic
def settle(pk: int, *, note: str, by: User, at: datetime | None = None) -> Tidying:
    """Say why a record stays as it is (AN-34). Raises NotAllowed, InvalidInput("note"), IllegalTransition."""
    if not any(by.has_perm(name) for name in SETTLERS):
        permissions.require(by, CLOSE)
    row = Tidying.objects.select_for_update().get(pk=pk)
    if row.settled_at is not None:
        raise IllegalTransition(_("This record is settled already."))
    if not note.strip():
        raise InvalidInput("note", _("Say why the record stays as it is."))
    row.settled_at, row.settled_by, row.note = at or timezone.now(), by, note.strip()[:NOTE]
    row.save(update_fields=["settled_at", "settled_by", "note"])
    return row


def open_in(code: str) -> QuerySet[Tidying]:
    """What still waits in a month."""
    return Tidying.objects.filter(period=code, settled_at=None)

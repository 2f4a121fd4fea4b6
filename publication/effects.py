"""What became of it after a result was published: read, answered, repeated, improved (PUB-34…37).

Figures stand with the number of cases behind them; from fewer than LEAST nothing is concluded. They compare two
times and prove no cause: a season or a new pipe changes them too.
"""

from __future__ import annotations

import calendar
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.utils import timezone

from accounts.models import User
from complaints import notify
from complaints.identity import undone_import
from complaints.models import CaseLink, Complaint
from complaints.models.handling import ImprovementAction
from complaints.models.matching import LinkKind
from complaints.states import ImprovementState
from publication import channels, results
from publication.models import Channel, Comment, PostingCount, Publication, PublishedResult, ResultDay
from publication.states import CommentState, PublicationStatus

WINDOW = timedelta(days=180)
MONTHS = 6
# Below this many cases nothing is concluded.
LEAST = 5
_DONE = (ImprovementState.DONE, ImprovementState.VERIFIED)
_ONE_MATTER = {"ended_at": None, "kind__in": (LinkKind.DUPLICATE, LinkKind.SAME_MATTER)}
_SITE = "website"  # code of the shipped channel
_POSTED = (PublicationStatus.POSTED, PublicationStatus.WITHDRAWN)


@dataclass
class Reach:
    """How often a result was seen and what was said, website and other channels together."""

    views: int = 0
    helpful: int = 0
    unhelpful: int = 0
    comments: int = 0
    enquiries: int = 0


@dataclass
class Promises:
    """The improvements of a publication: how many, how many done, verified, overdue."""

    total: int = 0
    done: int = 0
    verified: int = 0
    late: int = 0


@dataclass(frozen=True)
class Share:
    """So many of so many; `percent` is None where too few stand behind it."""

    part: int
    total: int

    @property
    def percent(self) -> int | None:
        return round(100 * self.part / self.total) if self.total >= LEAST else None


@dataclass(frozen=True)
class Repeat:
    """Complaints about the same problem that were repeated, 180 days before and after (PUB-35).

    `is_complete`: the 180 days after have passed; until then `days` of them.
    """

    before: Share
    after: Share
    days: int

    @property
    def is_complete(self) -> bool:
        return self.days >= WINDOW.days

    @property
    def is_conclusive(self) -> bool:
        return self.is_complete and self.before.percent is not None and self.after.percent is not None


@dataclass(frozen=True)
class Month:
    """Complaints of the category in one month before (-6…-1) or after (0…5) the day of publication.

    `count` is None for a month that is not over.
    """

    offset: int
    start: date
    count: int | None


@dataclass(frozen=True)
class Volume:
    """The half-year before and after, month by month (PUB-36)."""

    months: list[Month] = field(default_factory=list)

    @property
    def over(self) -> int:
        """How many months after the publication are over."""
        return sum(month.count is not None for month in self.months if month.offset >= 0)

    @property
    def before(self) -> int:
        """Complaints in as many months before as are over after it."""
        return sum(month.count or 0 for month in self.months if -self.over <= month.offset < 0)

    @property
    def after(self) -> int:
        return sum(month.count or 0 for month in self.months if month.offset >= 0)

    @property
    def most(self) -> int:
        return max((month.count or 0 for month in self.months), default=0)

    @property
    def change(self) -> int | None:
        """Change in per cent over the whole half-year; None while it runs and with too few cases."""
        if self.over < MONTHS or self.before < LEAST:
            return None
        return round(100 * (self.after - self.before) / self.before)


# --- How far it reached (PUB-34) ----------------------------------------------------------------------
def reach_of(publications: Iterable[Publication]) -> dict[str, Reach]:
    """The sums of every publication under its number, in three queries."""
    numbers = {row.pk: row.number for row in publications}
    found: dict[str, Reach] = {number: Reach() for number in numbers.values()}
    days = ResultDay.objects.filter(result__publication_number__in=found).order_by()
    for number, views, helpful, unhelpful in days.values_list("result__publication_number").annotate(
        Sum("views"), Sum("helpful"), Sum("unhelpful")
    ):
        found[number].views, found[number].helpful, found[number].unhelpful = views, helpful, unhelpful
    said = Comment.objects.filter(result__publication_number__in=found, state=CommentState.SHOWN).order_by()
    for number, count in said.values_list("result__publication_number").annotate(Count("pk")):
        found[number].comments = count
    counted = PostingCount.objects.filter(posting__publication__in=numbers).order_by()
    for pk, views, comments, enquiries in counted.values_list("posting__publication").annotate(
        Sum("views"), Sum("comments"), Sum("enquiries")
    ):
        row = found[numbers[pk]]
        row.views, row.comments, row.enquiries = row.views + views, row.comments + comments, enquiries
    return found


@dataclass
class Way:
    """What came through one channel: on the website by its code, and as people entered it."""

    name: str
    online: int = 0
    views: int = 0
    comments: int = 0
    enquiries: int = 0


def ways_of(publication: Publication) -> list[Way]:
    """Views, comments and enquiries of a publication per channel, the most seen first.

    What was said on the website stands with the website, whichever way people came to it.
    """
    found: dict[str, Way] = {}
    names = {row.code: channels.label(row) for row in Channel.objects.all()}
    days = ResultDay.objects.filter(result__publication_number=publication.number).order_by()
    for code, views in days.values_list("channel").annotate(Sum("views")):
        found[code] = Way(names.get(code, code), online=views)
    entered = PostingCount.objects.filter(posting__publication=publication).order_by()
    for code, views, comments, enquiries in entered.values_list("posting__channel__code").annotate(
        Sum("views"), Sum("comments"), Sum("enquiries")
    ):
        way = found.setdefault(code, Way(names.get(code, code)))
        way.views, way.comments, way.enquiries = views, comments, enquiries
    said = Comment.objects.filter(result__publication_number=publication.number, state=CommentState.SHOWN).count()
    if said:
        found.setdefault(_SITE, Way(names.get(_SITE, _SITE))).comments += said
    return sorted(found.values(), key=lambda way: (-way.online - way.views, way.name))


# --- Repeated complaints (PUB-35) ---------------------------------------------------------------------
def repeat(publication: Publication, *, at: datetime) -> Repeat | None:
    """How many complaints about the same problem were repeated, before and after; None before it was posted.

    The same problem: the category (or one below it) with the department of the publication, and whatever is linked
    to its cases as the same matter. Repeated: marked so at registration, or the case is linked
    to an earlier one. Imports that were undone are no complaints. One query.
    """
    posted = publication.posted_at
    if posted is None:
        return None
    same = Q(pk__in=_linked(publication))
    if publication.category_id and publication.department_id:
        category = Q(category=publication.category_id) | Q(category__parent=publication.category_id)
        same |= category & Q(lead_department=publication.department_id)
    linked = Exists(CaseLink.objects.filter(second=OuterRef("pk"), **_ONE_MATTER))
    again = Q(is_repeat=True) | Q(is_linked=True)
    spans = {
        "before": Q(received_at__gte=posted - WINDOW, received_at__lt=posted),
        "after": Q(received_at__gte=posted, received_at__lt=posted + WINDOW, received_at__lte=at),
    }
    rows = Complaint.objects.filter(same, received_at__gte=posted - WINDOW, received_at__lt=posted + WINDOW)
    counted = (
        rows.exclude(undone_import())
        .annotate(is_linked=linked)
        .aggregate(
            **{f"{name}_all": Count("pk", filter=span) for name, span in spans.items()},
            **{f"{name}_again": Count("pk", filter=span & again) for name, span in spans.items()},
        )
    )
    before, after = (Share(counted[f"{name}_again"], counted[f"{name}_all"]) for name in spans)
    return Repeat(before, after, days=min((at - posted).days, WINDOW.days))


def _linked(publication: Publication) -> QuerySet[Complaint, int]:
    """The cases that are linked as one matter to those the publication answers, and these themselves."""
    own = Q(pk=publication.complaint_id) | Q(pk__in=publication.also_about.values("pk"))
    cases = Complaint.objects.filter(own).values("pk")
    links = CaseLink.objects.filter(**_ONE_MATTER)
    return (
        Complaint.objects.filter(
            Q(pk__in=cases)
            | Q(pk__in=links.filter(first__in=cases).values("second"))
            | Q(pk__in=links.filter(second__in=cases).values("first"))
        )
        .order_by()
        .values_list("pk", flat=True)
    )


# --- The category over half a year (PUB-36) -----------------------------------------------------------
def volume(publication: Publication, *, at: datetime, whole_months: bool = False) -> Volume:
    """Complaints received in the category and those below it, month by month around the day of publication.

    `whole_months`: those of the calendar, without the one in which it was published. Empty before it was posted and
    without a category. One query.
    """
    if publication.posted_at is None or publication.category_id is None:
        return Volume()
    day = timezone.localdate(publication.posted_at)
    edges = _edges(day, _month_after(day)) if whole_months else _edges(day, day)
    moments = [(results.start_of(start), results.start_of(end)) for start, end in edges]
    category = Q(category=publication.category_id) | Q(category__parent=publication.category_id)
    rows = Complaint.objects.filter(category, received_at__gte=moments[0][0], received_at__lt=moments[-1][1])
    counted = rows.exclude(undone_import()).aggregate(
        **{
            f"m{index}": Count("pk", filter=Q(received_at__gte=start, received_at__lt=end))
            for index, (start, end) in enumerate(moments)
        }
    )
    return Volume(
        [
            Month(index - MONTHS, edges[index][0], counted[f"m{index}"] if end <= at else None)
            for index, (_start, end) in enumerate(moments)
        ]
    )


def _edges(day: date, after: date) -> list[tuple[date, date]]:
    """Six months up to `day` and six from `after` on, each with its first day and the day behind its last.

    Where `after` is another day, the six before are months of the calendar, too.
    """
    before = day if after == day else day.replace(day=1)
    return [
        (_months_from(base, offset), _months_from(base, offset + 1))
        for base, offsets in ((before, range(-MONTHS, 0)), (after, range(MONTHS)))
        for offset in offsets
    ]


def _month_after(day: date) -> date:
    """The first day of the next month."""
    return _months_from(day.replace(day=1), 1)


def of_public(publication: Publication, *, at: datetime) -> dict[str, Any] | None:
    """What the public page may say of a publication by now; see `in_public`. One query.

    Always months of the calendar: from two results of one category whose months began a day apart, the complaints
    of that day could be worked out (PR-15).
    """
    return in_public(volume(publication, at=at, whole_months=True))


def in_public(found: Volume) -> dict[str, Any] | None:
    """What the public page says of a half-year: complaints a month before and after, over as many months each.

    `until` (ISO date), `months`, `before` and `after` (a month, rounded to one decimal). `after` is empty where fewer
    than LEAST cases stand behind it; None while no month is over or too few came before. `bars`, where there are any,
    are the months one by one (`_bars`). A month with few cases never leaves the office.
    """
    if not found.over or found.before < LEAST:
        return None
    until = _months_from(found.months[MONTHS].start, found.over)
    after = f"{found.after / found.over:.1f}" if found.after >= LEAST else ""
    said: dict[str, Any] = {
        "until": until.isoformat(),
        "months": found.over,
        "before": f"{found.before / found.over:.1f}",
        "after": after,
    }
    bars = _bars(found)
    return said | ({"bars": bars} if bars else {})


def _bars(found: Volume) -> list[dict[str, Any]]:
    """The months up to now with `start` (ISO date), `count` and `after` (the publication), oldest first.

    None at all when one of those the sums are made of has fewer than LEAST cases: it could be worked out from the
    others. Earlier months stand before them as far back as each has that many.
    """
    told: list[dict[str, Any]] = []
    for month in reversed([row for row in found.months if row.offset < found.over]):
        if month.count is None or month.count < LEAST:
            if month.offset >= -found.over:
                return []
            break
        told.append({"start": month.start.isoformat(), "count": month.count, "after": month.offset >= 0})
    return told[::-1]


def _months_from(day: date, months: int) -> date:
    """The same day so many months later, or the last one of a shorter month."""
    count = day.year * 12 + day.month - 1 + months
    year, month = count // 12, count % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


# --- What was promised (PUB-37) -----------------------------------------------------------------------
def promises_of(publications: Iterable[Publication], *, at: datetime) -> dict[int, Promises]:
    """How far the improvements of every publication are, under its key; one query."""
    today = timezone.localdate(at)
    keys = [row.pk for row in publications]
    found: dict[int, Promises] = defaultdict(Promises)
    link = Publication.improvements.through
    rows = link.objects.filter(publication__in=keys).values_list(
        "publication", "improvementaction__state", "improvementaction__due_on"
    )
    for pk, state, due_on in rows:
        row = found[pk]
        row.total += 1
        row.done += state in _DONE
        row.verified += state == ImprovementState.VERIFIED
        row.late += state not in _DONE and due_on < today
    return {pk: found[pk] for pk in keys}


def is_behind(stored: list[dict[str, Any]], improvements: Iterable[ImprovementAction]) -> bool:
    """Whether the public page does not say yet that an improvement is done or verified."""
    shown = sorted((row["what"], row["due_on"], row["state"]) for row in stored)
    return shown != sorted((row.what, row.due_on.isoformat(), row.state) for row in improvements)


def watch_fulfilment(*, now: datetime | None = None) -> dict[str, int]:
    """Tell who publishes, once each, of published improvements that are overdue, and of pages that lag behind them
    or that a further month of the effect can be added to.

    Texts and figures go public only by a person's hand, so the page is not changed here.
    """
    now = now or timezone.now()
    today = timezone.localdate(now)
    served = PublishedResult.objects.filter(withdrawn_at=None).order_by("pk")
    stored = dict(served.values_list("publication_number", "improvements"))
    told: list[notify.Message] = []
    people = list(notify.holders_of("publication.publish"))
    posted = Publication.objects.filter(status=PublicationStatus.POSTED).prefetch_related("improvements").order_by("pk")
    for publication in posted.iterator(chunk_size=200):
        rows = list(publication.improvements.all())
        late = [row for row in rows if row.state not in _DONE and row.due_on < today]
        told += [_message(people, "published_improvement_late", publication, f"{row.pk}:{row.due_on}") for row in late]
        if publication.number in stored and is_behind(stored[publication.number], rows):
            states = "|".join(sorted(f"{row.pk}:{row.state}" for row in rows))
            mark = hashlib.sha256(states.encode()).hexdigest()[:16]
            told.append(_message(people, "fulfilment_to_publish", publication, f"{publication.pk}:{mark}"))
        over = _months_over(publication, today)
        if publication.number in stored and over:
            told.append(_message(people, "effect_to_publish", publication, f"{publication.pk}:{over}"))
    return {"told": notify.tell_all(told) if told else 0}


def _months_over(publication: Publication, today: date) -> int:
    """How many of the six months after the publication are over; 0 afterwards, when nothing more is added."""
    if publication.posted_at is None or publication.category_id is None:
        return 0
    day = _month_after(timezone.localdate(publication.posted_at))
    if today >= _months_from(day, MONTHS + 1):
        return 0
    return sum(_months_from(day, months) <= today for months in range(1, MONTHS + 1))


def _message(people: list[User], kind: str, publication: Publication, mark: str) -> notify.Message:
    return notify.Message(
        people,
        kind,
        f"{kind}:{mark}",
        url=f"/desk/publications/{publication.number}/effect/",
        by_email=False,
        params={"publication": publication.number},
    )


def listed(user: User) -> QuerySet[Publication]:
    """The publications that are or were public, for who sees publications."""
    return Publication.objects.visible_to(user).filter(status__in=_POSTED).select_related("department")

"""Turns of duty in the review group, and who takes the next review (REV-11).

Members lent by business lines take turns. A review goes to those on duty, free of conflict, with the least open
work; the head may choose otherwise and says why.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import security
from accounts.errors import IllegalTransition, InvalidInput
from accounts.models import User
from review import group, independence
from review.models import DutyTurn, GroupMember, ReviewCase, ReviewerAssignment
from review.states import OPEN_REVIEW, GroupRole

LONGEST = timedelta(days=366)
DONE_SINCE = timedelta(days=90)


# --- Turns --------------------------------------------------------------------------------------------
@transaction.atomic
def add_turn(
    member_id: int, *, since: date, until: date, by: User, version: int | None = None, at: datetime | None = None
) -> DutyTurn:
    """Put a member on duty from one day to another, both included.

    Raises NotAllowed, StaleVersion, or InvalidInput: in the wrong order, over already, longer than a year, or beside
    another turn of the same member.
    """
    at = at or timezone.now()
    row = group.begin(member_id, by=by, version=version)
    if until < since:
        raise InvalidInput("until", _("The end lies before the beginning."))
    if until < timezone.localdate(at):
        raise InvalidInput("until", _("This turn would be over already."))
    if until - since > LONGEST:
        raise InvalidInput("until", _("A turn lasts a year at most."))
    other = row.turns.filter(since__lte=until, until__gte=since).first()
    if other:
        raise InvalidInput(
            "since",
            _("This member is on duty from %(since)s to %(until)s already."),
            since=other.since.isoformat(),
            until=other.until.isoformat(),
        )
    turn = DutyTurn.objects.create(member=row, since=since, until=until, at=at, by=by)
    _note("added", turn, by=by)
    return turn


@transaction.atomic
def end_turn(turn_id: int, *, by: User, at: datetime | None = None) -> None:
    """Today is the last day of a turn; one that has not begun is taken back. Raises IllegalTransition when over."""
    today = timezone.localdate(at or timezone.now())
    found = DutyTurn.objects.only("member").get(pk=turn_id)
    group.begin(found.member_id, by=by, version=None)
    turn = DutyTurn.objects.select_for_update().filter(pk=turn_id).first()
    if turn is None or turn.until < today:
        raise IllegalTransition(_("This turn is over."))
    if turn.since > today:
        turn.delete()
    else:
        turn.until = today
        turn.save(update_fields=["until"])
    _note("ended", turn, by=by)


def _note(what: str, turn: DutyTurn, *, by: User) -> None:
    subject = GroupMember.objects.values_list("user__staff_number", flat=True).get(pk=turn.member_id)
    security.record(
        f"review_duty_{what}", user=by, subject=subject, since=turn.since.isoformat(), until=turn.until.isoformat()
    )


# --- The calendar -------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Cell:
    """A member in one month: all of it, none of it, or these days (first and last)."""

    whole: bool
    spans: list[tuple[int, int]]


@dataclass(frozen=True)
class Gap:
    """Days on which fewer members than judge a review together are on duty; `count` is how many are."""

    since: date
    until: date
    count: int


def quarter_months(day: date) -> list[date]:
    """The first days of the six months of this and the next quarter."""
    first = (day.month - 1) // 3 * 3
    return [date(day.year + (first + n) // 12, (first + n) % 12 + 1, 1) for n in range(6)]


def last_of(month: date) -> date:
    return month.replace(day=monthrange(month.year, month.month)[1])


def _with_turns(day: date) -> list[GroupMember]:
    months = quarter_months(day)
    rows = list(group.entries(day=day).order_by("entered_at", "pk"))
    turns = DutyTurn.objects.filter(
        member__in=[row.pk for row in rows], until__gte=months[0], since__lte=last_of(months[-1])
    )
    found: dict[int, list[DutyTurn]] = {row.pk: [] for row in rows}
    for turn in turns.order_by("since"):
        found[turn.member_id].append(turn)
    order = list(GroupRole.values)
    for row in rows:
        row.shown_turns = found[row.pk]  # type: ignore[attr-defined]
    return sorted(rows, key=lambda row: order.index(row.role))


def calendar(day: date) -> tuple[list[date], list[tuple[GroupMember, list[Cell]]], list[Gap]]:
    """The months of this and the next quarter, each member's part in them, and the gaps from `day` on."""
    months, rows = quarter_months(day), _with_turns(day)
    lines = [(row, [_cell(row, month) for month in months]) for row in rows]
    return months, lines, _gaps(rows, day, last_of(months[-1])) if rows else []


def _cell(row: GroupMember, month: date) -> Cell:
    last = last_of(month)
    if row.role in group.ALWAYS_ON_DUTY:
        return Cell(True, [])
    parts = [(max(turn.since, month), min(turn.until, last)) for turn in row.shown_turns]  # type: ignore[attr-defined]
    spans = [(first.day, end.day) for first, end in parts if first <= end]
    return Cell(sum(end - first + 1 for first, end in spans) == last.day, spans)


def _gaps(rows: list[GroupMember], first: date, last: date) -> list[Gap]:
    """The head leads and does not count as one of those who judge together."""
    found: list[Gap] = []
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        count = sum(_serves(row, day) for row in rows if row.role != GroupRole.LEADER)
        if count >= independence.QUORUM:
            continue
        if found and found[-1].count == count and found[-1].until == day - timedelta(days=1):
            found[-1] = Gap(found[-1].since, day, count)
        else:
            found.append(Gap(day, day, count))
    return found


def _serves(row: GroupMember, day: date) -> bool:
    turns = row.shown_turns  # type: ignore[attr-defined]
    on_duty = row.role in group.ALWAYS_ON_DUTY or any(turn.since <= day <= turn.until for turn in turns)
    return on_duty and day <= row.certificate_until


# --- Who takes the next review ------------------------------------------------------------------------
@dataclass(frozen=True)
class Load:
    """How many reviews a person has open, and how many became final in the last 90 days."""

    open: int = 0
    done: int = 0


def loads(users: Iterable[int], *, at: datetime) -> dict[int, Load]:
    """The work of each of the users, in one query."""
    keys = list(users)
    rows = (
        ReviewerAssignment.objects.filter(is_void=False, reviewer__in=keys)
        .order_by()
        .values_list("reviewer")
        .annotate(
            open=Count("pk", filter=Q(review__status__in=[str(status) for status in OPEN_REVIEW])),
            done=Count("pk", filter=Q(review__finalised_at__gte=at - DONE_SINCE)),
        )
    )
    return dict.fromkeys(keys, Load()) | {pk: Load(open_, done) for pk, open_, done in rows}


def free(review: ReviewCase, *, at: datetime) -> list[tuple[User, Load]]:
    """Who may judge this review, the least busy first; the head, who signs, stands last."""
    blocked = review.conflicts.values("user")
    people = list(group.able(independence.candidates(), at=at).exclude(pk__in=blocked))
    work = loads([user.pk for user in people], at=at)
    heads = set(GroupMember.objects.filter(ended_at=None, role=GroupRole.LEADER).values_list("user", flat=True))
    return sorted(
        ((user, work[user.pk]) for user in people),
        key=lambda pair: (pair[0].pk in heads, pair[1].open, pair[1].done, pair[0].staff_number),
    )


def passed_over(review: ReviewCase, chosen: set[int], *, at: datetime) -> list[User]:
    """Members on duty and free who have less open work than somebody chosen; nobody while the register is empty."""
    if not group.is_in_force():
        return []
    people = free(review, at=at)
    heads = set(GroupMember.objects.filter(ended_at=None, role=GroupRole.LEADER).values_list("user", flat=True))
    heaviest = max((load.open for user, load in people if user.pk in chosen), default=0)
    return [user for user, load in people if user.pk not in chosen and user.pk not in heads and load.open < heaviest]

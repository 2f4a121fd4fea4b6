"""Paging by position: a page begins after (or ends before) a row, so a deep page costs what the first one costs.

An order has one or more segments, shown one after the other; within a segment rows follow a moment
and the id. Rows without a moment (a case without a due date) form a segment of their own, by id.
The conditions are row comparisons, `(next_due_at, id) > (…)`, which an index answers directly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any, cast

from django.db import connection
from django.db.models import BooleanField, DateTimeField, F, Func, Model, Q, QuerySet, Value

_CURSOR = re.compile(r"(\d)-(\d{1,16})-(\d{1,18})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Segment:
    """Rows that satisfy `where`, by (`field`, id), or by id alone when there is no field."""

    where: Q
    field: str | None
    descending: bool = False


@dataclass(frozen=True)
class Order:
    """Segments in the order shown. `whole` sorts all of them at once, so that a first page is one query."""

    segments: tuple[Segment, ...]
    whole: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Position:
    """A place between rows: in a segment, at a moment and id (both of one row, or of none)."""

    segment: int
    at: datetime
    pk: int

    def __str__(self) -> str:
        return f"{self.segment}-{(self.at - _EPOCH) // timedelta(microseconds=1)}-{self.pk}"


@dataclass(frozen=True)
class Page:
    """Rows with the positions where the pages before and after begin ('' where there is none)."""

    rows: list[Any]
    before: str
    after: str


def parse(text: str, order: Order) -> Position | None:
    """The position written by `str`, or None for anything else."""
    match = _CURSOR.fullmatch(text)
    if match is None or int(match[1]) >= len(order.segments):
        return None
    return Position(int(match[1]), _EPOCH + timedelta(microseconds=int(match[2])), int(match[3]))


@dataclass(frozen=True)
class Source:
    """Where rows come from: those of `queryset` that meet one of `parts` (all, without any).

    Each part has an index in the order of the page. Read together they would have to be sorted; so the
    first rows of each are taken and the first of those are the page (SQLite has no such union and sorts).
    `dress` adds what a row shows.
    """

    queryset: QuerySet
    parts: Sequence[Q] = ()
    dress: Callable[[QuerySet], QuerySet] = lambda rows: rows

    def first(self, count: int, where: Sequence[Any], keys: Sequence[Any]) -> list[Model]:
        """The first `count` rows that satisfy every condition, ordered by `keys`."""
        found = self.queryset.filter(*where)
        if len(self.parts) > 1 and connection.features.supports_slicing_ordering_in_compound:
            first, *others = [found.filter(part).order_by(*keys).values("pk")[:count] for part in self.parts]
            # The conditions stand inside; they need not be checked twice.
            found = found.model._default_manager.filter(pk__in=first.union(*others, all=True))
        elif self.parts:
            found = found.filter(reduce(or_, self.parts))
        return list(self.dress(found).order_by(*keys)[:count])


def page(rows: QuerySet | Source, order: Order, *, size: int, after: str = "", before: str = "") -> Page:
    """The `size` rows after or before a position; the first rows when neither is a position."""
    source = rows if isinstance(rows, Source) else Source(rows)
    start = parse(after, order)
    end = parse(before, order) if start is None else None
    if end is not None:
        found = _fetch(source, order, end, backward=True, count=size + 1)
        if len(found) > size:
            found = found[:size][::-1]
            return Page(found, before=_position(found[0], order), after=_position(found[-1], order))
        # Less than a page is left before the position: that is the first page.
    found = _fetch(source, order, start, backward=False, count=size + 1)
    shown = found[:size]
    return Page(
        shown,
        before=_position(shown[0], order) if start is not None and shown else "",
        after=_position(shown[-1], order) if len(found) > size else "",
    )


def key_of(text: str) -> int | None:
    """The key of a row as an address names it, or None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def by_key(rows: QuerySet, after: str, *, size: int, newest_first: bool = True) -> tuple[list[Any], str]:
    """The `size` rows that follow the row with this key, and the key the next page begins after ("" on the last one).

    For a list that stands in the order its rows were made. Anything but a key gives the first page.
    """
    key = key_of(after)
    if key is not None:
        rows = rows.filter(pk__lt=key) if newest_first else rows.filter(pk__gt=key)
    found = list(rows.order_by("-pk" if newest_first else "pk")[: size + 1])
    return found[:size], str(found[size - 1].pk) if len(found) > size else ""


def by_due_day(rows: QuerySet, after: str, *, size: int) -> tuple[list[Any], str, bool]:
    """The `size` rows with the earliest `due_on` behind a place such as 2026-12-11.17 (day and key), the place the
    next page begins behind, and whether `after` was a place at all."""
    place = _day_and_key(after)
    if place is not None:
        day, key = place
        rows = rows.filter(Q(due_on__gt=day) | Q(due_on=day, pk__gt=key))
    found = list(rows.order_by("due_on", "pk")[: size + 1])
    shown = found[:size]
    following = f"{shown[-1].due_on:%Y-%m-%d}.{shown[-1].pk}" if len(found) > size else ""
    return shown, following, place is not None


def _day_and_key(text: str) -> tuple[date, int] | None:
    day, _dot, number = text.partition(".")
    key = key_of(number)
    try:
        return (date.fromisoformat(day), key) if key is not None else None
    except ValueError:
        return None


def _fetch(source: Source, order: Order, start: Position | None, *, backward: bool, count: int) -> list[Model]:
    if start is None and order.whole:
        return source.first(count, (), order.whole)
    numbers = range(len(order.segments))
    first = start.segment if start else 0
    rows: list[Model] = []
    for number in reversed(numbers[: first + 1]) if backward else numbers[first:]:
        segment = order.segments[number]
        where: list[Any] = [segment.where]
        if start is not None and number == first:
            where.append(_beyond(segment, start, backward=backward))
        sign = "-" if segment.descending != backward else ""
        keys = [segment.field, "pk"] if segment.field else ["pk"]
        rows += source.first(count - len(rows), where, [sign + key for key in keys])
        if len(rows) == count:
            break
    return rows


def _beyond(segment: Segment, position: Position, *, backward: bool) -> Func:
    sign = "<" if segment.descending != backward else ">"
    if segment.field is None:
        return Func(
            F("pk"), Value(position.pk), arg_joiner=f" {sign} ", template="%(expressions)s", output_field=BooleanField()
        )
    # A row comparison: PostgreSQL walks (field, id) from here, where an OR would read from the beginning.
    row = Func(F(segment.field), F("pk"), template="(%(expressions)s)", output_field=BooleanField())
    point = Func(
        Value(position.at, DateTimeField()),
        Value(position.pk),
        template="(%(expressions)s)",
        output_field=BooleanField(),
    )
    return Func(row, point, arg_joiner=f" {sign} ", template="%(expressions)s", output_field=BooleanField())


def _position(row: Any, order: Order) -> str:
    for number, segment in enumerate(order.segments):
        moment = getattr(row, segment.field) if segment.field else _EPOCH
        if moment is not None and _belongs(row, segment):
            return str(Position(number, moment, row.pk))
    raise ValueError("The row is in no segment of the order.")


def _belongs(row: Any, segment: Segment) -> bool:
    """Whether a fetched row satisfies the `field__isnull` conditions of a segment, which holds no others."""
    conditions = cast("list[tuple[str, bool]]", segment.where.children)
    return all((getattr(row, name.removesuffix("__isnull")) is None) == wanted for name, wanted in conditions)


def before_day(start: datetime, *, segment: int = 0) -> str:
    """The position just before the first row at or after `start` (id 0 stands before every row)."""
    return str(Position(segment, start, 0))

"""Whether every complaint of a week is in the register: channel by channel, day by day (IN-02, IN-03, IN-14).

A fixed number of queries per week, however many cases there are: cases are counted by the database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db.models import Count, F, IntegerField, Max, Q, Window
from django.db.models.functions import Cast, Coalesce, Lag, Substr, TruncDate

from complaints import clocks
from complaints.calendars import SHANGHAI, CalendarMissing, DayKind, WorkingCalendar
from complaints.models import ChannelCount, Complaint, DutySlot, NumberCounter, ServiceHours
from complaints.querysets import ComplaintQuerySet
from complaints.states import Channel, Status

WEEK = 7
PREFIX = "HY"
Span = tuple[datetime, datetime]


@dataclass
class Cell:
    """A channel on a day: what its own counter says, what the register holds, how many outside its hours."""

    day: date
    registered: int = 0
    outside: int = 0
    counted: ChannelCount | None = None

    @property
    def difference(self) -> int | None:
        """Complaints of the counter that the register lacks (negative: it has more); None without a count."""
        return None if self.counted is None else self.counted.count - self.registered

    @property
    def is_open_question(self) -> bool:
        """There is a difference and nobody has explained it."""
        return bool(self.difference) and not (self.counted and self.counted.note)


@dataclass
class Row:
    """A channel over the week. `uncovered` are service hours without anybody on watch."""

    channel: Channel
    cells: list[Cell]
    hours: list[ServiceHours] = field(default_factory=list)
    uncovered: list[Span] = field(default_factory=list)

    @property
    def registered(self) -> int:
        return sum(cell.registered for cell in self.cells)

    @property
    def outside(self) -> int:
        return sum(cell.outside for cell in self.cells)

    @property
    def counted(self) -> int | None:
        """What its own counter says of the week; None when no day was counted."""
        found = [cell.counted.count for cell in self.cells if cell.counted]
        return sum(found) if found else None

    @property
    def missed(self) -> int:
        return sum(cell.counted.calls_missed or 0 for cell in self.cells if cell.counted)


@dataclass(frozen=True)
class Gap:
    """Numbers of a day that no case has, from the first to the last."""

    day: str
    first: int
    last: int

    def __str__(self) -> str:
        first, last = f"{PREFIX}-{self.day}-{self.first:04d}", f"{PREFIX}-{self.day}-{self.last:04d}"
        return first if first == last else f"{first} … {last}"


@dataclass(frozen=True)
class Week:
    """What the page shows."""

    days: list[date]
    rows: list[Row]
    gaps: list[Gap]
    duty: list[DutySlot]
    calendar_missing: bool

    @property
    def registered(self) -> int:
        return sum(row.registered for row in self.rows)

    def by_day(self) -> list[tuple[date, int]]:
        """Each day with the cases of all channels."""
        return [(day, sum(row.cells[at].registered for row in self.rows)) for at, day in enumerate(self.days)]


def week_of(day: date) -> list[date]:
    """Monday to Sunday of the week of a day."""
    monday = day - timedelta(days=day.weekday())
    return [monday + timedelta(days=n) for n in range(WEEK)]


def reconcile(days: Sequence[date], *, now: datetime) -> Week:
    """Everything about the channels in these days, which follow each other."""
    start, end = _midnight(days[0]), _midnight(days[-1] + timedelta(days=1))
    hours: dict[str, list[ServiceHours]] = defaultdict(list)
    for line in ServiceHours.objects.all():
        hours[line.channel].append(line)
    calendar = clocks.working_calendar()
    rows = {channel.value: Row(channel, [Cell(day) for day in days], hours[channel.value]) for channel in Channel}
    spans = {name: open_spans(lines, days, calendar) for name, lines in hours.items() if lines}
    found = _cases(start, end).annotate(day=TruncDate("received_at", tzinfo=SHANGHAI)).values("channel", "day")
    for line in found.annotate(registered=Count("pk"), outside=Count("pk", filter=_outside(spans))):
        cell = rows[line["channel"]].cells[(line["day"] - days[0]).days]
        cell.registered, cell.outside = line["registered"], line["outside"]
    for count in ChannelCount.objects.filter(day__range=(days[0], days[-1])).select_related("by"):
        rows[count.channel].cells[(count.day - days[0]).days].counted = count
    duty = list(
        DutySlot.objects.filter(starts_at__lt=end, ends_at__gt=start)
        .select_related("person")
        .order_by("starts_at", "channel", "pk")
    )
    for name, wanted in spans.items():
        watched = [(slot.starts_at, slot.ends_at) for slot in duty if slot.channel == name]
        rows[name].uncovered = without(wanted, watched)
    known = {day.year for day in days} <= set(calendar.years)
    return Week(list(days), list(rows.values()), gaps(days[0], days[-1]), duty, not known)


def _cases(start: datetime, end: datetime) -> ComplaintQuerySet:
    """What came in; imports that were taken back are no complaints."""
    undone = Q(status=Status.WITHDRAWN, import_batch__isnull=False, external_key=None)
    return Complaint.objects.filter(received_at__gte=start, received_at__lt=end).exclude(undone)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)


# --- Service hours -----------------------------------------------------------------------------
def open_spans(hours: Iterable[ServiceHours], days: Iterable[date], calendar: WorkingCalendar) -> list[Span]:
    """When a channel is open on these days, in order.

    A holiday is closed; a make-up working day has the hours of a Monday. In a year without calendar
    data the weekday alone decides.
    """
    by_weekday: dict[int, list[ServiceHours]] = defaultdict(list)
    for line in hours:
        by_weekday[line.weekday].append(line)
    spans = []
    for day in days:
        try:
            kind = calendar.kind(day)
        except CalendarMissing:
            kind = DayKind.WORKING
        if kind == DayKind.HOLIDAY:
            continue
        weekday = 0 if kind == DayKind.MAKEUP and not by_weekday[day.weekday()] else day.weekday()
        spans += [
            (datetime.combine(day, line.opens, SHANGHAI), datetime.combine(day, line.closes, SHANGHAI))
            for line in by_weekday[weekday]
        ]
    return sorted(spans)


def _outside(spans: dict[str, list[Span]]) -> Q:
    """Cases received while their channel was closed; a channel without hours is never closed."""
    inside = Q()
    for name, open_at in spans.items():
        for opens, closes in open_at:
            inside |= Q(channel=name, received_at__gte=opens, received_at__lte=closes)
    return Q(channel__in=list(spans)) & ~inside if inside else Q(channel__in=list(spans))


def without(wanted: Sequence[Span], covered: Iterable[Span]) -> list[Span]:
    """The parts of `wanted` that no span of `covered` reaches, in order."""
    left = list(wanted)
    for start, end in covered:
        parts = []
        for first, last in left:
            if end <= first or start >= last:
                parts.append((first, last))
                continue
            if first < start:
                parts.append((first, start))
            if end < last:
                parts.append((end, last))
        left = parts
    return sorted(left)


# --- Gaps in the numbers -------------------------------------------------------------------------
def gaps(first: date, last: date) -> list[Gap]:
    """Numbers of these days that were given out and belong to no case, or were skipped; none are expected."""
    low, high = f"{PREFIX}-{first:%Y%m%d}-", f"{PREFIX}-{last + timedelta(days=1):%Y%m%d}-"
    numbered = Complaint.objects.filter(number__gte=low, number__lt=high).annotate(
        stamp=Substr("number", len(PREFIX) + 2, 8), position=Cast(Substr("number", len(PREFIX) + 11), IntegerField())
    )
    before = Window(Lag("position", default=0), partition_by=[F("stamp")], order_by=F("position").asc())
    holes = numbered.annotate(before=before).filter(position__gt=F("before") + 1)
    found = [
        Gap(stamp, was + 1, position - 1) for stamp, was, position in holes.values_list("stamp", "before", "position")
    ]
    highest = dict(numbered.values("stamp").annotate(highest=Max("position")).values_list("stamp", "highest"))
    given = NumberCounter.objects.filter(scope__gte=low.rstrip("-"), scope__lt=high.rstrip("-"))
    for scope, count in given.values_list("scope", Coalesce("last", 0)):
        stamp = scope.rpartition("-")[2]
        if count > highest.get(stamp, 0):
            found.append(Gap(stamp, highest.get(stamp, 0) + 1, count))
    return sorted(found, key=lambda gap: (gap.day, gap.first))

"""The first handling as a process: who had the case when, what was done, where it stood still (REV-39).

A review looks at the process and not only at its result. Pure reading: a fixed number of queries, nothing is stored.
The drawing is the same data as the table below it; colours never stand alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from complaints import clocks, contradictions, record_differences, timeline
from complaints.calendars import CalendarMissing, WorkingCalendar
from complaints.models import Complaint
from complaints.states import Audience, ContactOutcome, RatingSource, Satisfaction
from review.models import ReviewCase

# More working days than these without any action is a gap.
GAP_DAYS = 3
_GOOD = (Satisfaction.SATISFIED, Satisfaction.BASICALLY)


@dataclass(frozen=True)
class Phase:
    """A span of time that belongs to somebody; `tone` is its class in the drawing."""

    lane: str
    name: str
    start: datetime
    end: datetime
    tone: str
    days: int = 0


@dataclass(frozen=True)
class Moment:
    """Something that was done: an event of the log or a contact; `is_failed` for a contact that reached nobody."""

    at: datetime
    words: str
    is_contact: bool = False
    is_failed: bool = False


@dataclass(frozen=True)
class Gap:
    """More working days than `GAP_DAYS` from one action to the next."""

    start: datetime
    end: datetime
    days: int

    def __str__(self) -> str:
        text = ngettext(
            "%(days)s working day without any action, from %(start)s to %(end)s",
            "%(days)s working days without any action, from %(start)s to %(end)s",
            self.days,
        )
        return text % {"days": self.days, "start": _day(self.start), "end": _day(self.end)}


@dataclass
class Process:
    """All of it, from the registration to the first result or, without one, to the beginning of the review."""

    start: datetime
    end: datetime
    phases: list[Phase] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)
    calendar_missing: bool = False


def of_review(review: ReviewCase) -> Process:
    """The process of the first handling of the case under review."""
    case = review.complaint
    found = Process(start=case.registered_at, end=max(_end(review), case.registered_at + timedelta(minutes=1)))
    found.moments = sorted(_moments(case, found.end), key=lambda row: row.at)
    try:
        calendar = clocks.working_calendar(case.policy.slots)
        found.phases = list(_phases(case, found, calendar))
        found.gaps = list(_gaps(case, found, calendar))
    except CalendarMissing:
        found.calendar_missing = True
    found.contradictions = list(find_contradictions(case, until=review.opened_at))
    return found


def _end(review: ReviewCase) -> datetime:
    case = review.complaint
    moments = [at for at in (case.first_closed_at, case.closed_at, case.replied_at) if at and at <= review.opened_at]
    return moments[0] if moments else review.opened_at


def _moments(case: Complaint, end: datetime) -> Iterator[Moment]:
    # Contacts are shown themselves, not also as their entries in the log.
    for event in case.events.filter(audience=Audience.CASE, at__lte=end).exclude(kind="contact").order_by("sequence"):
        yield Moment(event.at, str(timeline.title_of(event)))
    for contact in case.communications.filter(at__lte=end):
        failed = contact.outcome != ContactOutcome.REACHED
        words = f"{contact.get_direction_display()} · {contact.get_purpose_display()} · {contact.get_outcome_display()}"
        yield Moment(contact.at, words, is_contact=True, is_failed=failed)


def _phases(case: Complaint, found: Process, calendar: WorkingCalendar) -> Iterator[Phase]:
    """Office until the first assignment, then each department: waiting to be taken over, at work; and the pauses."""
    tasks = sorted(case.assignments.select_related("department"), key=lambda row: (row.assigned_at, row.pk))
    first = min((row.assigned_at for row in tasks), default=found.end)
    office = _("Complaints office")
    yield from _span(office, _("registration to assignment"), found.start, first, "office", found, calendar)
    answered = case.replied_at if case.replied_at and case.replied_at < found.end else None
    for row in tasks:
        # The task goes on to the closing, the work to the reply.
        end = row.ended_at or found.end
        if answered and row.assigned_at < answered:
            end = min(end, answered)
        taken = min(row.received_at or end, end)
        lane = row.department.name
        yield from _span(lane, _("waited to be taken over"), row.assigned_at, taken, "waiting", found, calendar)
        yield from _span(lane, _("at work"), taken, end, "work", found, calendar)
    if answered:
        yield from _span(office, _("reply to closing"), answered, found.end, "office", found, calendar)
    for pause in clocks.pauses_of(case):
        if pause.start:
            lane = _("Clock stood still")
            yield from _span(lane, _("stopped"), pause.start, pause.end or found.end, "stopped", found, calendar)


def _span(
    lane: str, name: str, start: datetime, end: datetime, tone: str, found: Process, calendar: WorkingCalendar
) -> Iterator[Phase]:
    start, end = max(start, found.start), min(end, found.end)
    if end > start:
        yield Phase(lane, name, start, end, tone, _working_days(start, end, calendar))


def _working_days(start: datetime, end: datetime, calendar: WorkingCalendar) -> int:
    return calendar.working_days_between(calendar.local(start).date(), calendar.local(end).date())


def _gaps(case: Complaint, found: Process, calendar: WorkingCalendar) -> Iterator[Gap]:
    """Between two actions, and from the last one to the end; not while the clock was stopped by approval."""
    pauses = [(row.start, row.end or found.end) for row in clocks.pauses_of(case)]
    moments = [found.start, *(row.at for row in found.moments), found.end]
    for start, end in pairwise(sorted(moments)):
        if any(begun <= start and end <= over for begun, over in pauses):
            continue
        days = _working_days(start, end, calendar)
        if days > GAP_DAYS:
            yield Gap(start, end, days)


# --- Contradictions -----------------------------------------------------------------------------------
def find_contradictions(case: Complaint, *, until: datetime) -> Iterator[str]:
    """Where the record does not agree with itself, in sentences; hints for the reviewer, no judgements."""
    yield from _satisfaction(case, until)
    yield from _findings(case)
    yield from _promises(case, until)
    sent = [row for row in case.replies.order_by("round") if row.sent_at and row.sent_at <= until]
    texts = [f"{row.process}\n{row.result}" for row in sent]
    for place, after in enumerate(sent):
        for earlier, item in contradictions.compare_all(texts[:place], texts[place]):
            yield _(
                "The reply of %(after)s says otherwise than that of %(before)s (%(label)s): "
                "“%(now)s”, before “%(was)s”."
            ) % {
                "after": _day(after.sent_at),
                "before": _day(sent[earlier].sent_at),
                "label": item.label,
                "now": item.now_sentence,
                "was": item.before_sentence,
            }
        # What was recorded after the reply is told above; here the two stood side by side.
        if all(row.found_at is None or row.found_at <= (after.sent_at or until) for row in case.allegations.all()):
            for differs in record_differences.of(case, texts[place]):
                yield _("The reply of %(after)s says “%(now)s”, but on record is “%(recorded)s” (%(source)s).") % {
                    "after": _day(after.sent_at),
                    "now": differs.now_sentence,
                    "recorded": differs.recorded,
                    "source": differs.source,
                }


def _satisfaction(case: Complaint, until: datetime) -> Iterator[str]:
    for row in case.callbacks.filter(at__lte=until).select_related("contact"):
        if row.satisfaction not in _GOOD:
            continue
        values = {"day": _day(row.at), "satisfaction": row.get_satisfaction_display()}
        if row.source == RatingSource.CALLER:
            if row.contact is None or row.contact.outcome != ContactOutcome.REACHED:
                yield _("“%(satisfaction)s” is recorded on %(day)s, but no call reached the complainant.") % values
            elif not row.contact.recording_reference:
                yield _("“%(satisfaction)s” is recorded on %(day)s, but no recording of the call is named.") % values
        if row.is_solved is False:
            yield _("“%(satisfaction)s” is recorded on %(day)s, and also that the problem is not solved.") % values


def _findings(case: Complaint) -> Iterator[str]:
    steps = [row.at for row in case.investigation_steps.all()]
    replied = min((row.sent_at for row in case.replies.all() if row.sent_at), default=None)
    for row in case.allegations.exclude(finding=""):
        values = {"number": row.order, "finding": row.get_finding_display()}
        if not any(row.found_at is None or at <= row.found_at for at in steps):
            yield _("Allegation %(number)s was found “%(finding)s” without any investigation step before.") % values
        if replied and row.found_at and replied < row.found_at:
            yield _("The reply was sent before allegation %(number)s was found “%(finding)s”.") % values


def _promises(case: Complaint, until: datetime) -> Iterator[str]:
    for row in case.promises.filter(ended_reason="", due_at__lt=until):
        if row.kept_at is None or row.kept_at > row.due_at:
            yield _("A promise to the complainant was due on %(day)s and was not kept in time.") % {
                "day": _day(row.due_at)
            }


def _day(at: datetime | None) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d}" if at else ""


# --- The drawing --------------------------------------------------------------------------------------
WIDTH, LEFT, ROW, TOP, RIGHT = 960, 150, 34, 34, 16
# How wide the names beside the lanes may get, and about how wide one letter of theirs is: Chinese, other.
MOST_LEFT, _WIDE, _NARROW = 320, 12, 7
_TONES = {"office": "var(--ch-3)", "waiting": "var(--ch-4)", "work": "var(--ch-1)", "stopped": "var(--ch-5)"}


@dataclass(frozen=True)
class Bar:
    """A phase or gap in the drawing, in its units; `words` is read out."""

    x: str
    y: int
    width: str
    height: int
    fill: str
    words: str


@dataclass(frozen=True)
class Mark:
    """A contact or an action in the drawing."""

    x: str
    y: int
    is_failed: bool
    words: str


@dataclass(frozen=True)
class Lane:
    """One row: whose it is, as much of the name as is written, and how high."""

    name: str
    shown: str
    y: int


@dataclass
class Drawing:
    """What the template draws: lanes by name and height, bars, gaps behind them, marks, and days on the axis."""

    width: int
    height: int
    lanes: list[Lane] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    gaps: list[Bar] = field(default_factory=list)
    contacts: list[Mark] = field(default_factory=list)
    actions: list[Mark] = field(default_factory=list)
    axis: list[tuple[str, str]] = field(default_factory=list)


def _width(name: str) -> int:
    return sum(_WIDE if ord(letter) > 0x2E7F else _NARROW for letter in name)


def _fitting(name: str, width: int) -> str:
    """As much of a name as there is room for; the whole name stands in the tables."""
    if _width(name) <= width:
        return name
    shown = name
    while shown and _width(shown) + _WIDE > width:
        shown = shown[:-1]
    return f"{shown.rstrip()}…"


def draw(process: Process) -> Drawing:
    """Place the process on a plane that begins with its first moment and ends with its last."""
    names = list(dict.fromkeys(row.lane for row in process.phases))
    rows = {name: TOP + ROW * number for number, name in enumerate(names)}
    contacts, actions = TOP + ROW * len(names), TOP + ROW * (len(names) + 1)
    height = TOP + ROW * (len(names) + 2)
    found = Drawing(WIDTH, height + 8)
    lanes = [*rows.items(), (_("Contacts"), contacts), (_("Actions"), actions)]
    left_edge = min(MOST_LEFT, max(LEFT, *(_width(name) + ROW for name, _y in lanes)))
    found.lanes = [Lane(name, _fitting(name, left_edge - ROW), y + 20) for name, y in lanes]
    whole = (process.end - process.start).total_seconds()

    def x_of(at: datetime) -> float:
        part = (at - process.start).total_seconds() / whole
        return left_edge + (WIDTH - left_edge - RIGHT) * min(1.0, max(0.0, part))

    def bar(start: datetime, end: datetime, y: int, high: int, fill: str, words: str) -> Bar:
        left = x_of(start)
        return Bar(f"{left:.1f}", y, f"{max(2.0, x_of(end) - left):.1f}", high, fill, words)

    for phase in process.phases:
        words = f"{phase.lane}: {phase.name}, {_day(phase.start)} – {_day(phase.end)}"
        found.bars.append(bar(phase.start, phase.end, rows[phase.lane] + 8, 18, _TONES[phase.tone], words))
    for gap in process.gaps:
        found.gaps.append(bar(gap.start, gap.end, TOP, height - TOP, "var(--bad-solid)", str(gap)))
    for row in process.moments:
        mark = Mark(f"{x_of(row.at):.1f}", (contacts if row.is_contact else actions) + 16, row.is_failed, row.words)
        (found.contacts if row.is_contact else found.actions).append(mark)
    found.axis = [(f"{x_of(at):.1f}", f"{timezone.localtime(at):%m-%d}") for at in _days_on_axis(process)]
    return found


def _days_on_axis(process: Process) -> Sequence[datetime]:
    step = (process.end - process.start) / 4
    return [process.start + step * number for number in range(5)]

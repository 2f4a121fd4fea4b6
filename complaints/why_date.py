"""Why a date outside the case page of the staff is the date: a sentence and the same days drawn (SLA-12).

For the complainant, and for dates that are no clock of a case: the next risk meeting, later calls, bulletins. What
cannot be explained is not explained wrongly: nothing where the date kept is not that of today's calendar, and the
sentence alone where the calendar ends before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from complaints import clock_texts, clocks, deadline_page, deadlines
from complaints.calendars import CalendarMissing
from complaints.clock_rules import Pause, StartsOn, Unit
from complaints.models import Complaint, Deadline, FollowUp, IncidentResponse
from complaints.states import FollowUpKind


@dataclass(frozen=True)
class Why:
    """The sentence, and the weeks from the beginning to the date; none where they are too many or without calendar."""

    sentence: str
    drawing: deadline_page.Drawing | None = None
    weekdays: list[str] = field(default_factory=list)


def of_clock(clock: Deadline, complaint: Complaint, *, due_at: datetime | None = None, now: datetime) -> Why | None:
    """Why a clock of this case ends when it does; None where its date is not that of today's calendar.

    A clock that is stored brings its date and the pauses of the case; any other is counted without them, and `due_at`
    is the date it has to give.
    """
    pauses = clocks.pauses_of(complaint, clock) if clock.pk else []
    return _counted(clock, complaint, pauses, due_at=clock.due_at if clock.pk else due_at, now=now)


def of_limit(
    complaint: Complaint, milestone: str, *, since: datetime, starts_on: StartsOn, now: datetime
) -> Why | None:
    """Why a limit that is not a clock of the desk (`clocks.date_of`) ends when it does; None where there is none."""
    rule = clocks.rule_for(complaint, milestone)
    if rule is None:
        return None
    names = ("amount", "unit", "start_day_counts", "roll_forward", "after_hours_next_day")
    clock = Deadline(started_at=since, starts_on=starts_on.value, **{name: getattr(rule, name) for name in names})
    return _counted(clock, complaint, [], due_at=None, now=now)


def of_follow_up(row: FollowUp) -> Why:
    """Why a later call is due on its day; the days are those it was planned with (SLA-08, FB-14, FB-16)."""
    first = timezone.localdate(row.planned_at)
    if row.kind == FollowUpKind.SECOND_CONTACT:
        words = _("%(days)s day(s) after %(day)s, when the rectification was confirmed; that day is not counted.")
    else:
        words = _("%(days)s day(s) after %(day)s, when the calls out of care were planned; that day is not counted.")
    sentence = words % {"days": (row.due_on - first).days, "day": clock_texts.format_day(first, _)}
    return of_days(sentence, first, row.due_on)


def of_first_contact(response: IncidentResponse, *, now: datetime) -> Why:
    """Until when everybody whom an incident concerns is contacted (SLA-10)."""
    since, due = response.started_at, response.first_contact_due_at
    words = _("%(hours)s hour(s), day and night, after the beginning on %(at)s.")
    return _of_hours(words, since, due, now=now)


def of_bulletin(response: IncidentResponse, *, now: datetime) -> Why | None:
    """When the next bulletin of an incident is due; None where none is any more (SLA-09, INC-06)."""
    due = response.next_bulletin_due_at
    if due is None:
        return None
    since = due - timedelta(hours=response.bulletin_hours)
    if since == response.started_at:
        words = _("%(hours)s hour(s), day and night, after the beginning on %(at)s.")
    else:
        words = _("%(hours)s hour(s), day and night, after the last bulletin, released on %(at)s.")
    return _of_hours(words, since, due, now=now)


def of_days(sentence: str, first: date, last: date) -> Why:
    """The sentence with the days from `first` to `last` drawn, every one of them counted, `first` not."""
    try:
        drawing = deadline_page.draw_days(first, last, clocks.working_calendar())
    except CalendarMissing:
        return Why(sentence)
    return _drawn(sentence, drawing)


def _of_hours(words: str, since: datetime, due: datetime, *, now: datetime) -> Why:
    """The hours from `since` to `due`, day and night, said and drawn."""
    hours = round((due - since) / timedelta(hours=1))
    sentence = words % {"hours": hours, "at": clock_texts.format_moment(timezone.localtime(since), _)}
    clock = Deadline(started_at=since, starts_on=StartsOn.RECEIVED.value, amount=hours, unit=Unit.HOURS.value)
    try:
        drawing = deadline_page.draw(clock, clocks.working_calendar(), [], now=now)
    except CalendarMissing:
        return Why(sentence)
    return _drawn(sentence, drawing)


def _counted(
    clock: Deadline, complaint: Complaint, pauses: list[Pause], *, due_at: datetime | None, now: datetime
) -> Why | None:
    calendar = clocks.working_calendar(complaint.policy.slots)
    try:
        due = clocks.compute(clock, calendar, pauses)
        if due_at is not None and due.at != due_at:
            return None
        drawing = deadline_page.draw(clock, calendar, pauses, now=now)
    except CalendarMissing:
        return None
    return _drawn(deadlines.explain_sentence(due, _), drawing)


def _drawn(sentence: str, drawing: deadline_page.Drawing) -> Why:
    return Why(sentence, drawing if drawing.weeks else None, [_(name) for name in clock_texts.WEEKDAYS])

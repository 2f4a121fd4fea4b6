"""How a clock explains itself: the steps of "why this deadline" and the words of the chips.

Messages are English msgids; `translate` is gettext wherever a person reads the text. Dates are
always concrete: weekday, day, month, year.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby

from complaints.calendars import DAY, DayKind, Translate, WorkingCalendar, gettext_noop

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


class StepKind(StrEnum):
    START = "start"
    AFTER_HOURS = "after_hours"
    START_DAY_EXCLUDED = "start_day_excluded"
    START_DAY_COUNTED = "start_day_counted"
    AMOUNT = "amount"
    WORKING_DAY = "working_day"
    MAKEUP_DAY = "makeup_day"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    PAUSED = "paused"
    ROLLED = "rolled"
    DUE = "due"
    PROVISIONAL = "provisional"


START_DAY_EXCLUDED = gettext_noop("the starting day is not counted")
START_DAY_COUNTED = gettext_noop("the starting day is counted")
AFTER_HOURS = gettext_noop("outside office hours, so the clock starts %(at)s")
AFTER_HOURS_NEXT_DAY = gettext_noop("outside office hours, so the starting day is %(days)s")
DAY_COUNTED = gettext_noop("%(days)s counted (%(count)s of %(amount)s)")
HOURS_COUNTED = gettext_noop("%(days)s: office hours counted")
MAKEUP_COUNTED = gettext_noop("%(days)s counted: make-up working day")
WEEKEND_SKIPPED = gettext_noop("%(days)s skipped: weekend")
HOLIDAY_SKIPPED = gettext_noop("%(days)s skipped: holiday")
NAMED_HOLIDAY_SKIPPED = gettext_noop("%(days)s skipped: holiday (%(name)s)")
PAUSED = gettext_noop("paused %(start)s to %(end)s (%(time)s not counted)")
PAUSED_OPEN = gettext_noop("paused since %(start)s (%(time)s left)")
ROLLED = gettext_noop("%(days)s is not a working day, so the last day moves to %(to)s")
DUE = gettext_noop("due %(at)s")
PROVISIONAL = gettext_noop("make-up working days of %(year)s are not announced yet, so the date may change")

SENTENCE = gettext_noop("%(steps)s.")
STEP_SEPARATOR = gettext_noop("; ")
# Several holidays that follow each other, such as New Year's Eve and Spring Festival.
NAME_SEPARATOR = "、"

DATE_FORMAT = gettext_noop("%(weekday)s %(day)s %(month)s %(year)s")
MOMENT_FORMAT = gettext_noop("%(date)s %(time)s")
SPAN_FORMAT = gettext_noop("%(first)s to %(last)s")
WEEKDAYS = (
    gettext_noop("Mon"),
    gettext_noop("Tue"),
    gettext_noop("Wed"),
    gettext_noop("Thu"),
    gettext_noop("Fri"),
    gettext_noop("Sat"),
    gettext_noop("Sun"),
)
MONTHS = (
    gettext_noop("Jan"),
    gettext_noop("Feb"),
    gettext_noop("Mar"),
    gettext_noop("Apr"),
    gettext_noop("May"),
    gettext_noop("Jun"),
    gettext_noop("Jul"),
    gettext_noop("Aug"),
    gettext_noop("Sep"),
    gettext_noop("Oct"),
    gettext_noop("Nov"),
    gettext_noop("Dec"),
)

DAYS_AND_HOURS = gettext_noop("%(days)s wd %(hours)s h")
DAYS_ONLY = gettext_noop("%(days)s wd")
HOURS_AND_MINUTES = gettext_noop("%(hours)s h %(minutes)s min")
HOURS_ONLY = gettext_noop("%(hours)s h")
MINUTES_ONLY = gettext_noop("%(minutes)s min")
UNDER_A_MINUTE = gettext_noop("less than 1 min")


def format_day(day: date, translate: Translate = str) -> str:
    return translate(DATE_FORMAT) % {
        "weekday": translate(WEEKDAYS[day.weekday()]),
        "day": day.day,
        "month": translate(MONTHS[day.month - 1]),
        "year": day.year,
    }


def format_moment(at: datetime, translate: Translate = str) -> str:
    return translate(MOMENT_FORMAT) % {"date": format_day(at.date(), translate), "time": f"{at:%H:%M}"}


def format_span(first: date, last: date, translate: Translate = str) -> str:
    if first == last:
        return format_day(first, translate)
    return translate(SPAN_FORMAT) % {"first": format_day(first, translate), "last": format_day(last, translate)}


def format_amount(days: int, hours: int, minutes: int, translate: Translate = str) -> str:
    """Working days and hours; below one working day hours and minutes; below one hour minutes."""
    if days:
        message = DAYS_AND_HOURS if hours else DAYS_ONLY
    elif hours:
        message = HOURS_AND_MINUTES if minutes else HOURS_ONLY
    else:
        message = MINUTES_ONLY if minutes else UNDER_A_MINUTE
    return translate(message) % {"days": days, "hours": hours, "minutes": minutes}


def format_time(time: timedelta, translate: Translate = str) -> str:
    hours, rest = divmod(time, HOUR)
    return format_amount(0, hours, rest // MINUTE, translate)


@dataclass(frozen=True)
class ExplainStep:
    """One step of the count, about the days `first` to `last`.

    `message` is a msgid; `params` holds its values as plain dates, moments, durations, numbers
    and names, written out in the reader's language by `text`.
    """

    kind: StepKind
    first: date
    last: date
    message: str
    params: Mapping[str, object] = field(default_factory=dict)

    def text(self, translate: Translate = str) -> str:
        values = {key: _written(value, translate) for key, value in self.params.items()}
        values["days"] = format_span(self.first, self.last, translate)
        return translate(self.message) % values


def _written(value: object, translate: Translate) -> object:
    if isinstance(value, datetime):
        return format_moment(value, translate)
    if isinstance(value, date):
        return format_day(value, translate)
    if isinstance(value, timedelta):
        return format_time(value, translate)
    return value


def sentence(steps: Iterable[ExplainStep], translate: Translate = str) -> str:
    """All steps as one sentence; the days that simply counted are left out."""
    told = [step.text(translate) for step in steps if step.kind is not StepKind.WORKING_DAY]
    return translate(SENTENCE) % {"steps": translate(STEP_SEPARATOR).join(told)}


def day_steps(
    calendar: WorkingCalendar, first: date, last: date, *, amount: int | None = None
) -> Iterator[ExplainStep]:
    """The days from `first` to `last` in runs of one kind; `amount` numbers the working days."""
    days = [first + DAY * n for n in range((last - first).days + 1)]
    count = 0
    for kind, group in groupby(days, key=calendar.kind):
        run = list(group)
        if kind in (DayKind.WORKING, DayKind.MAKEUP):
            count += len(run)
        yield _run_step(calendar, kind, run, count, amount)


def _run_step(calendar: WorkingCalendar, kind: DayKind, run: list[date], count: int, amount: int | None) -> ExplainStep:
    names = NAME_SEPARATOR.join(dict.fromkeys(filter(None, map(calendar.name, run))))
    match kind:
        case DayKind.WEEKEND:
            return ExplainStep(StepKind.WEEKEND, run[0], run[-1], WEEKEND_SKIPPED)
        case DayKind.HOLIDAY:
            message = NAMED_HOLIDAY_SKIPPED if names else HOLIDAY_SKIPPED
            return ExplainStep(StepKind.HOLIDAY, run[0], run[-1], message, {"name": names})
        case DayKind.MAKEUP:
            return ExplainStep(StepKind.MAKEUP_DAY, run[0], run[-1], MAKEUP_COUNTED)
    if amount is None:
        return ExplainStep(StepKind.WORKING_DAY, run[0], run[-1], HOURS_COUNTED)
    return ExplainStep(StepKind.WORKING_DAY, run[0], run[-1], DAY_COUNTED, {"count": count, "amount": amount})

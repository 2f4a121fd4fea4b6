"""Edit the working calendar: the exceptions of a year, and whether its make-up days are announced (SLA-12).

Every change is followed by a run that computes the running clocks again (calendar_jobs).
"""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import after_commit, security
from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import User
from complaints import clocks, tasks
from complaints.calendars import SATURDAY
from complaints.models import CalendarDay, CalendarYear, JobRun
from complaints.risk_standards import EDITORS

JOB = "recalculate_clocks"
# The next year is looked for from this month on: the notice of the State Council comes in November.
WATCH_FROM_MONTH = 10
# How many years ahead a calendar may be begun.
YEARS_AHEAD = 2


def missing_years(today: date) -> list[int]:
    """This year, and from October on the next one, as far as they have no calendar. One query."""
    wanted = [today.year, *([today.year + 1] if today.month >= WATCH_FROM_MONTH else [])]
    known = set(CalendarYear.objects.filter(year__in=wanted).values_list("year", flat=True))
    return [year for year in wanted if year not in known]


@transaction.atomic
def begin_year(year: int, *, by: User, at: datetime | None = None) -> JobRun:
    """Give a year its calendar: Monday to Friday, provisional until confirmed.

    Raises NotAllowed, InvalidInput for a year too far ahead, IllegalTransition for one that is known.
    """
    at = _permitted(by, at)
    if not may_begin(year, today=timezone.localdate(at)):
        raise InvalidInput("year", _("Begin a year at most %(years)s years ahead."), years=YEARS_AHEAD)
    row, is_new = CalendarYear.objects.get_or_create(year=year, defaults={"is_provisional": True, "loaded_at": at})
    if not is_new:
        raise IllegalTransition(_("%(year)s has a calendar already."), year=row.year)
    return _changed("begun", str(year), by=by, at=at)


def may_begin(year: int, *, today: date) -> bool:
    """Years around now; an older one would be needed for old cases only."""
    return 2000 <= year <= today.year + YEARS_AHEAD


@transaction.atomic
def add_day(year: int, *, day: date, is_working: bool, name: str, by: User, at: datetime | None = None) -> JobRun:
    """Add a holiday, or a weekend day on which work is made up.

    Raises NotAllowed, IllegalTransition for a year without calendar, InvalidInput by field.
    """
    at = _permitted(by, at)
    _locked(year)
    if day.year != year:
        raise InvalidInput("day", _("%(day)s is not in %(year)s; open the calendar of its year."), day=day, year=year)
    stored = CalendarDay.objects.filter(day=day).first()
    if stored is not None:
        raise InvalidInput(
            "day", _("%(day)s is in the calendar already (%(name)s); remove it first."), day=day, name=stored.name
        )
    if is_working and day.weekday() < SATURDAY:
        raise InvalidInput(
            "kind", _("%(day)s is a working day anyway; a make-up day lies on a Saturday or Sunday."), day=day
        )
    if not name.strip():
        raise InvalidInput("name", _("Name the occasion."))
    CalendarDay.objects.create(day=day, is_working=is_working, name=name.strip()[:60])
    return _changed("day_added", day.isoformat(), by=by, at=at)


@transaction.atomic
def remove_day(year: int, *, day: date, by: User, at: datetime | None = None) -> JobRun:
    """Take an exception out: the day follows Monday to Friday again.

    Raises NotAllowed, IllegalTransition when it is no longer there.
    """
    at = _permitted(by, at)
    _locked(year)
    removed, _rows = CalendarDay.objects.filter(day=day, day__year=year).delete()
    if not removed:
        raise IllegalTransition(_("%(day)s is not in the calendar any more."), day=day)
    return _changed("day_removed", day.isoformat(), by=by, at=at)


@transaction.atomic
def set_provisional(year: int, *, is_provisional: bool, by: User, at: datetime | None = None) -> JobRun:
    """Confirm a year once its make-up days are in, or mark it as provisional again.

    Raises NotAllowed, IllegalTransition when it is so already or has no calendar.
    """
    at = _permitted(by, at)
    row = _locked(year)
    if row.is_provisional == is_provisional:
        raise IllegalTransition(
            _("%(year)s is provisional already.") if is_provisional else _("%(year)s is confirmed already."), year=year
        )
    CalendarYear.objects.filter(pk=row.pk).update(is_provisional=is_provisional)
    return _changed("provisional" if is_provisional else "confirmed", str(year), by=by, at=at)


@transaction.atomic
def recalculate(*, by: User, at: datetime | None = None) -> JobRun:
    """Ask for the running clocks to be computed again, such as after a run that was interrupted. Raises NotAllowed."""
    return _enqueue(_permitted(by, at))


def _permitted(by: User, at: datetime | None) -> datetime:
    if not any(by.has_perm(name) for name in EDITORS):
        raise NotAllowed(_("Your role does not allow this."))
    return at or timezone.now()


def _locked(year: int) -> CalendarYear:
    row = CalendarYear.objects.select_for_update().filter(year=year).first()
    if row is None:
        raise IllegalTransition(_("%(year)s has no calendar; begin the year first."), year=year)
    return row


def _changed(what: str, subject: str, *, by: User, at: datetime) -> JobRun:
    security.record("calendar_changed", user=by, subject=subject, change=what)
    clocks.forget_calendar()
    # Once more: until the commit another request may have read the table as it was.
    transaction.on_commit(clocks.forget_calendar)
    return _enqueue(at)


def _enqueue(at: datetime) -> JobRun:
    values = {"state": JobRun.State.RUNNING, "started_at": at, "result": {"step": 0, "of": 0}, "error": ""}
    run, _is_new = JobRun.objects.update_or_create(job=JOB, period=at.isoformat(), defaults=values)
    after_commit.enqueue(tasks.recalculate_clocks, run_id=run.pk)
    return run


def last_run() -> JobRun | None:
    """The last time the clocks were computed again."""
    return JobRun.objects.filter(job=JOB).order_by("-pk").first()

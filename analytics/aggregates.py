"""Counts made ahead for the dashboard: per day, channel, category, department and risk (AN-02, AN-03, AN-04).

Nothing that changes a case knows of these counts. The log does: what was appended to it since the last look says
which cases changed, and the days these cases are counted on are counted anew. A nightly comparison with the cases
themselves finds whatever went round the log.

`DayFigure` holds what adds up. How many days each first reply took does not: it is kept per day and department in
the ledger of jobs, as the result of the job that counted it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, Count, F, IntegerField, Max, Min, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.models import Department
from analytics import figures, sources
from analytics.cells import AXES, Cells, Group, Source
from analytics.models import DayFigure, StaleDay
from analytics.periods import OFFICE, Period
from analytics.registry import Computed, Figure
from analytics.scope import WHOLE, Formula, Scope
from complaints.models import Callback, CaseEvent, Category, Complaint, Deadline, JobRun
from complaints.states import DeadlineState, Milestone, RiskGrade, Satisfaction, Status

logger = logging.getLogger("huiyin.jobs")

JOB, MARK = "refresh_figures", "watermark"
REPLIES = "count_replies"
# The counts a page shows are never older.
FRESH = timedelta(minutes=1)
# A page catches up with so much by itself; more is left to the job, and the page counts the cases.
INLINE_EVENTS, INLINE_DAYS = 2000, 62
CHUNK_DAYS = 31
CHUNK_CASES = 1000
RECONCILED = timedelta(days=400)
# Numbers of the log that were given out and not seen: a transaction that is still open, or one that was undone.
GAP_LIFE = timedelta(hours=2)
MOST_GAPS = 200
# After these the moments a case was counted at no longer stand in its own columns, only in its log.
_FORGETTING = ("undo_import", "undo_merge")
_COUNTS = ("received", "closed", "on_time", "late", "repeats", "reworked", "rated", "satisfied", "handled_minutes")
_PLACE = ("day", "channel", "category_id", "department_id", "risk_grade")


@dataclass(frozen=True, order=True)
class Day(Period):
    """One day of the office, counted like a period."""

    day: int = 1

    @property
    def start(self) -> datetime:
        return datetime(self.year, self.month, self.day, tzinfo=OFFICE)

    @property
    def end(self) -> datetime:
        return self.start + timedelta(days=1)

    @property
    def date(self) -> date:
        return date(self.year, self.month, self.day)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=OFFICE)


# --- Which days no longer hold ----------------------------------------------------------------------


def refresh(*, now: datetime | None = None) -> dict[str, int]:
    """Count anew the days of all cases changed since the last run; the first run counts everything (AN-03).

    Safe to run twice, late or at the same time in two workers. Returns the cases that changed and the days counted.
    """
    now = now or timezone.now()
    with transaction.atomic():
        changed = _mark(_locked(now), now)
    days = 0
    while found := _count_some(now):
        days += found
    return {"changed": changed, "days": days}


def _locked(now: datetime) -> JobRun:
    """The row that says how far the log was read; held until the end of the transaction."""
    JobRun.objects.get_or_create(job=JOB, period=MARK, defaults={"started_at": now})
    return JobRun.objects.select_for_update().get(job=JOB, period=MARK)


def _mark(run: JobRun, now: datetime) -> int:
    """Put the days of changed cases on the list of stale days, and remember how far the log was read."""
    top = CaseEvent.objects.aggregate(top=Max("pk"))["top"] or 0
    through = run.result.get("through")
    gaps: list[list[Any]] = []
    if through is None or top < through:  # the first run, or an older copy of the database was restored
        days, changed = _every_day(now), Complaint.objects.count()
        run.finished_at = None
    else:
        known = [(low, high, since) for low, high, since in run.result.get("gaps", ()) if _is_young(since, now)]
        seen, cases, gaps = _read_log(through, top, known, now)
        days, changed = days_of(cases, forgotten=seen), len(cases)
    StaleDay.objects.bulk_create([StaleDay(day=day, since=now) for day in sorted(days)], ignore_conflicts=True)
    run.started_at, run.state = now, JobRun.State.RUNNING
    run.result = {"through": top, "gaps": gaps[-MOST_GAPS:]}
    run.save(update_fields=["started_at", "finished_at", "state", "result"])
    return changed


def _is_young(since: str, now: datetime) -> bool:
    at = parse_datetime(since)
    return at is not None and at > now - GAP_LIFE


def _every_day(now: datetime) -> set[date]:
    first = Complaint.objects.aggregate(at=Min("registered_at"))["at"]
    StaleDay.objects.all().delete()
    DayFigure.objects.all().delete()
    JobRun.objects.filter(job=REPLIES).delete()
    if first is None:
        return set()
    day, last = first.astimezone(OFFICE).date(), now.astimezone(OFFICE).date()
    return {day + timedelta(days=n) for n in range((last - day).days + 1)}


def _read_log(
    through: int, top: int, known: Sequence[tuple[int, int, str]], now: datetime
) -> tuple[set[int], set[int], list[list[Any]]]:
    """Cases whose columns forgot, all changed cases, and the numbers of the log that are missing.

    A number is given out before its transaction ends, so a smaller one may appear after a larger one: what is
    missing is looked for again in the next runs.
    """
    ranges = [*known, (through + 1, top, now.isoformat())]
    condition = Q(pk__gt=through, pk__lte=top)
    for low, high, _since in known:
        condition |= Q(pk__gte=low, pk__lte=high)
    rows = CaseEvent.objects.filter(condition).order_by("pk").values_list("pk", "complaint_id", "kind")
    forgotten, cases, numbers = set(), set(), []
    for pk, case, kind in rows.iterator(chunk_size=5000):
        numbers.append(pk)
        cases.add(case)
        if kind in _FORGETTING:
            forgotten.add(case)
    return forgotten, cases, [list(gap) for gap in _gaps(ranges, numbers)]


def _gaps(ranges: Iterable[tuple[int, int, str]], numbers: list[int]) -> Iterator[tuple[int, int, str]]:
    """What of the ranges is missing among the numbers, both in ascending order."""
    place = 0
    for low, high, since in ranges:
        while place < len(numbers) and numbers[place] <= high:
            if numbers[place] > low:
                yield low, numbers[place] - 1, since
            low = numbers[place] + 1
            place += 1
        if low <= high:
            yield low, high, since


def days_of(cases: Iterable[int], *, forgotten: Iterable[int] = ()) -> set[date]:
    """Every day of the office these cases are counted on."""
    moments: set[datetime | None] = set()
    for some in _chunks(sorted(cases)):
        for pair in Complaint.objects.filter(pk__in=some).values_list("registered_at", "first_closed_at"):
            moments.update(pair)
        of_cases = Q(complaint__in=some)
        moments.update(_clocks().filter(of_cases).values_list("stopped_at", flat=True))
        moments.update(_answers().filter(of_cases).values_list("at", flat=True))
        replies = CaseEvent.objects.filter(of_cases, to_status=Status.REPLIED)
        moments.update(replies.order_by().values_list("at", flat=True))
    for some in _chunks(sorted(forgotten)):
        moments.update(CaseEvent.objects.filter(complaint__in=some).order_by().values_list("at", flat=True))
    return {moment.astimezone(OFFICE).date() for moment in moments if moment}


def _chunks(numbers: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(numbers), CHUNK_CASES):
        yield numbers[start : start + CHUNK_CASES]


# --- Counting -------------------------------------------------------------------------------------


def _count_some(now: datetime) -> int:
    """Count some stale days anew, in a transaction of their own; 0 when none is left."""
    with transaction.atomic():
        run = _locked(now)
        days = list(StaleDay.objects.order_by("day").values_list("day", flat=True)[:CHUNK_DAYS])
        if not days:
            run.state, run.finished_at = JobRun.State.DONE, now
            run.save(update_fields=["state", "finished_at"])
            return 0
        for first, last in _spans(days):
            _count(first, last, now)
        StaleDay.objects.filter(day__in=days).delete()
        return len(days)


def _spans(days: Sequence[date]) -> Iterator[tuple[date, date]]:
    """Days in order, as (first, last) of neighbours."""
    first = last = days[0]
    for day in days[1:]:
        if day - last > timedelta(days=1):
            yield first, last
            first = day
        last = day
    yield first, last


def _count(first: date, last: date, now: datetime) -> None:
    """Replace the rows of some days by what the cases say, in one statement."""
    DayFigure.objects.filter(day__gte=first, day__lte=last).delete()
    select, params = _selection(first, last)
    table, columns = connection.ops.quote_name(DayFigure._meta.db_table), ", ".join((*_PLACE, *_COUNTS))
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({columns}) {select}", params)
    JobRun.objects.filter(job=REPLIES, period__gte=first.isoformat(), period__lte=last.isoformat()).delete()
    JobRun.objects.bulk_create(
        JobRun(
            job=REPLIES,
            period=day.isoformat(),
            state=JobRun.State.DONE,
            started_at=now,
            finished_at=now,
            result=result,
        )
        for day, result in _replies(first, last).items()
    )


def _clocks() -> QuerySet[Deadline]:
    """The limits the on-time rate is made of."""
    return Deadline.objects.filter(
        state__in=[DeadlineState.MET, DeadlineState.MISSED],
        milestone__in=[Milestone.RESOLVE, Milestone.REPLY],
        assignment=None,
    )


def _answers() -> QuerySet[Callback]:
    return Callback.objects.exclude(satisfaction="")


def _selection(first: date, last: date) -> tuple[str, list[Any]]:
    """SQL that counts some days from the cases, in the columns of `_PLACE` and `_COUNTS`.

    The four kinds of rows are counted each over its own index and then put together by the place they share.
    """
    pleased = Q(satisfaction__in=[Satisfaction.SATISFIED, Satisfaction.BASICALLY])
    parts: list[tuple[QuerySet, str, str, dict[str, Any]]] = [
        (
            Complaint.objects.all(),
            "registered_at",
            "",
            {"received": Count("pk"), "repeats": Count("pk", filter=Q(is_repeat=True))},
        ),
        (
            Complaint.objects.all(),
            "first_closed_at",
            "",
            {"closed": Count("pk"), "reworked": Count("pk", filter=Q(rework_rounds__gt=0))},
        ),
        (
            _clocks(),
            "stopped_at",
            "complaint__",
            {
                "on_time": Count("pk", filter=Q(state=DeadlineState.MET)),
                "late": Count("pk", filter=Q(state=DeadlineState.MISSED)),
            },
        ),
        (_answers(), "at", "complaint__", {"rated": Count("pk"), "satisfied": Count("pk", filter=pleased)}),
    ]
    names = [f"of_{name}" for name in (*_PLACE, *_COUNTS)]
    statements: list[str] = []
    params: list[Any] = []
    for rows, moment, case, counts in parts:
        sql, own = _compiled(rows, moment, case, counts, first, last)
        statements.append(f"SELECT {', '.join(names)} FROM ({sql}) part")  # noqa: S608 - names of columns
        params.extend(own)
    sums = ", ".join(f"SUM({name}) AS {name}" for name in names[len(_PLACE) :])
    place = ", ".join(names[: len(_PLACE)])
    every = " UNION ALL ".join(statements)
    return f"SELECT {place}, {sums} FROM ({every}) counted_rows GROUP BY {place}", params  # noqa: S608 - the same


def _compiled(
    rows: QuerySet, moment: str, case: str, counts: Mapping[str, Any], first: date, last: date
) -> tuple[str, Sequence[Any]]:
    """One kind of rows, grouped; counts it does not know are 0."""
    window = {f"{moment}__gte": _midnight(first), f"{moment}__lt": _midnight(last + timedelta(days=1))}
    place = {
        "of_day": TruncDate(moment, tzinfo=OFFICE),
        "of_channel": F(f"{case}channel"),
        "of_category_id": F(f"{case}category_id"),
        "of_department_id": F(f"{case}lead_department_id"),
        "of_risk_grade": F(f"{case}risk_grade"),
    }
    nothing = Value(0, output_field=IntegerField())
    numbers = {f"of_{name}": counts.get(name, nothing) for name in _COUNTS}
    found = rows.filter(**window).order_by().annotate(**place).values(*place).annotate(**numbers)
    return found.query.get_compiler(connection=connection).as_sql()


def _replies(first: date, last: date) -> dict[date, dict[str, dict[str, int]]]:
    """Per day and code of a department: working days → first replies that took so many."""
    every = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    cells = sources.answered([Day(day.year, day.month, 1, day.day) for day in every], WHOLE, ("department",))
    found: dict[date, dict[str, dict[str, int]]] = {}
    for (when, (department,)), counts in cells.counters.items():
        assert isinstance(when, Day)
        lengths = found.setdefault(when.date, {}).setdefault(department.code, {})
        lengths.update({str(days): cases for (_days, days), cases in counts.items()})
    return found


# --- Comparing with the cases -----------------------------------------------------------------------


def reconcile(*, now: datetime | None = None) -> dict[str, int]:
    """Compare the counts of the last 400 days with the cases and mend what differs; differences are logged (AN-03)."""
    now = now or timezone.now()
    refresh(now=now)
    today = now.astimezone(OFFICE).date()
    suspects = _differing(today - RECONCILED, today)
    if suspects:  # a case may have changed between the two looks
        refresh(now=now)
        suspects = sorted(day for first, last in _spans(suspects) for day in _differing(first, last))
    if suspects:
        shown = [day.isoformat() for day in suspects[:10]]
        logger.warning("stored figures differed from the cases", extra={"days": len(suspects), "first": shown})
        StaleDay.objects.bulk_create([StaleDay(day=day, since=now) for day in suspects], ignore_conflicts=True)
        refresh(now=now)
    return {"days": len(suspects)}


def _differing(first: date, last: date) -> list[date]:
    """The days between two whose stored counts are not those of the cases, in order."""
    found: set[date] = set()
    while first <= last:
        end = min(first + timedelta(days=CHUNK_DAYS - 1), last)
        found |= _differing_counts(first, end) | _differing_replies(first, end)
        first = end + timedelta(days=1)
    return sorted(found)


def _differing_counts(first: date, last: date) -> set[date]:
    select, params = _selection(first, last)
    columns, table = ", ".join((*_PLACE, *_COUNTS)), connection.ops.quote_name(DayFigure._meta.db_table)
    statement = (
        f"WITH counted ({columns}) AS ({select}), stored AS "  # noqa: S608 - names of columns
        f"(SELECT {columns} FROM {table} WHERE day >= %s AND day <= %s) "
        "SELECT day FROM (SELECT * FROM counted EXCEPT SELECT * FROM stored) missing "
        "UNION SELECT day FROM (SELECT * FROM stored EXCEPT SELECT * FROM counted) surplus"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*params, first.isoformat(), last.isoformat()])
        # SQLite gives a day as text.
        return {date.fromisoformat(str(day)) for (day,) in cursor.fetchall()}


def _differing_replies(first: date, last: date) -> set[date]:
    rows = JobRun.objects.filter(job=REPLIES, period__gte=first.isoformat(), period__lte=last.isoformat())
    stored = {date.fromisoformat(day): result for day, result in rows.values_list("period", "result")}
    counted = _replies(first, last)
    return {day for day in stored.keys() | counted.keys() if stored.get(day) != counted.get(day)}


# --- Reading --------------------------------------------------------------------------------------


def serves(scope: Scope) -> bool:
    """Whether the stored counts know what the scope asks for: everything, or some departments."""
    plain = replace(scope, departments=None, department=(), sees_reviews=True, sees_small_cells=True, formula=Formula())
    return plain == WHOLE


def as_of(*, now: datetime) -> datetime | None:
    """When the counts held last, brought up to date if they are older than a minute; None where there are none.

    A page catches up with little by itself. With much it leaves the work to the job, and None says: count the cases.
    """
    run = JobRun.objects.filter(job=JOB, period=MARK).first()
    if run is None or run.finished_at is None:
        return None
    if run.state == JobRun.State.DONE and abs(now - run.finished_at) <= FRESH:
        return run.finished_at
    top = CaseEvent.objects.aggregate(top=Max("pk"))["top"] or 0
    if not 0 <= top - run.result["through"] <= INLINE_EVENTS or StaleDay.objects.count() > INLINE_DAYS:
        return None
    with transaction.atomic():
        if JobRun.objects.select_for_update(skip_locked=True).filter(pk=run.pk).first() is None:
            return None  # the job is at it
        refresh(now=now)
    return now


class Stored:
    """Computes figures from the stored counts, for one page: labels are read once."""

    def __init__(self) -> None:
        self._labels: dict[tuple[str, int], tuple[str, str, str]] | None = None

    def __call__(
        self,
        wanted: Iterable[Figure],
        periods: Sequence[Period],
        scope: Scope,
        axes: Mapping[Source, Sequence[str]] | None = None,
    ) -> Computed:
        """The same as registry.compute, from the stored counts where they suffice. The caller has asked `serves`.

        Sources grouped by the same axes are read in one query.
        """
        wanted, axes = list(wanted), axes or {}
        cells: dict[Source, Cells] = {}
        together: dict[tuple[str, ...], list[Source]] = {}
        for source in dict.fromkeys(figure.source for figure in wanted):
            asked = tuple(axes.get(source, ()))
            keys = {figure.key for figure in wanted if figure.source is source}
            if source in _SUMS and keys <= _SERVED[source] and set(asked) <= set(_COLUMNS):
                together.setdefault(asked, []).append(source)
            elif source is sources.answered and asked in ((), ("department",)):
                cells[source] = self._answered(periods, scope, asked)
            else:
                cells[source] = source(periods, scope, asked)
        for asked, some in together.items():
            cells |= self._sums(some, periods, scope, asked)
        return Computed(cells)

    def _sums(
        self, wanted: Sequence[Source], periods: Sequence[Period], scope: Scope, axes: tuple[str, ...]
    ) -> dict[Source, Cells]:
        """Sums of stored rows for several sources at once.

        Grouped by keys: looking up the labels of a million rows would cost more than adding them up.
        """
        rows = DayFigure.objects.filter(day__gte=periods[0].start.date(), day__lt=periods[-1].end.date())
        for departments in _limits(scope):
            rows = rows.filter(department__in=sorted(departments))
        bucket = Case(*[When(day__lt=period.end.date(), then=Value(at)) for at, period in enumerate(periods)])
        columns = [_COLUMNS[axis] for axis in axes]
        sums = [(source, name, total) for source in wanted for name, total in _SUMS[source].items()]
        # A sum must not be called like a column of the table.
        found = (
            rows.order_by()
            .annotate(bucket=bucket)
            .values_list("bucket", *columns)
            .annotate(**{f"sum_{at}": total for at, (_source, _name, total) in enumerate(sums)})
        )
        cells = {source: Cells(axes) for source in wanted}
        for at, *row in found:
            groups = tuple(self._group(axis, key) for axis, key in zip(axes, row, strict=False))
            numbers = row[len(axes) :]
            for source in wanted:
                own = {name: n for (of, name, _total), n in zip(sums, numbers, strict=True) if of is source and n}
                if own:
                    cells[source].add(periods[at], groups, own)
        return cells

    def _group(self, axis: str, key: Any) -> Group:
        if axis in ("channel", "risk"):
            return AXES[axis].group(key)
        code, name, name_en = self._label(axis, key)
        return AXES[axis].group(code, name, name_en) if axis == "category" else AXES[axis].group(code, name)

    def _label(self, axis: str, key: int | None) -> tuple[str, str, str]:
        """Code, name and English name of a department, or of the top level of a category."""
        if self._labels is None:
            tops = [Coalesce(F(f"parent__{name}"), F(name)) for name in ("code", "name", "name_en")]
            rows = Department.objects.order_by().values_list(Value("department"), "pk", "code", "name", Value(""))
            more = Category.objects.order_by().values_list(Value("category"), "pk", *tops)
            self._labels = {
                (of, pk): (code, name, name_en) for of, pk, code, name, name_en in rows.union(more, all=True)
            }
        return self._labels.get((axis, key or 0), ("", "", ""))

    def _answered(self, periods: Sequence[Period], scope: Scope, axes: Sequence[str]) -> Cells:
        """First replies by the working days they took, from the results of the counting job."""
        cells = Cells(tuple(axes))
        self._label("department", None)
        assert self._labels is not None
        known = {code: pk for (axis, pk), (code, _name, _en) in self._labels.items() if axis == "department"}
        limits = _limits(scope)
        first, end = periods[0].start.date().isoformat(), periods[-1].end.date().isoformat()
        rows = JobRun.objects.filter(job=REPLIES, period__gte=first, period__lt=end)
        months = {month: period for period in periods for month in _months(period)}
        for day, result in rows.values_list("period", "result"):
            for code, lengths in result.items():
                pk = known.get(code)
                if all(pk in limit for limit in limits):
                    group = (self._group("department", pk),) if axes else ()
                    counts = {("days", int(length)): cases for length, cases in lengths.items()}
                    cells.add(months[day[:7]], group, counts)
        return cells


def compute(
    wanted: Iterable[Figure],
    periods: Sequence[Period],
    scope: Scope,
    axes: Mapping[Source, Sequence[str]] | None = None,
) -> Computed:
    """`Stored` for a single question."""
    return Stored()(wanted, periods, scope, axes)


def _limits(scope: Scope) -> list[set[int]]:
    """The sets of departments a case must lie in."""
    return [set(given) for given in (scope.departments, scope.department or None) if given is not None]


def _months(period: Period) -> list[str]:
    return [month.code for month in period.last_months(period.months)]


def _keys(*served: Figure) -> frozenset[str]:
    return frozenset(figure.key for figure in served)


_COLUMNS = {"channel": "channel", "category": "category_id", "department": "department_id", "risk": "risk_grade"}
# What of a source the stored rows know, and which figures that is enough for.
_SUMS: dict[Source, dict[str, Any]] = {
    sources.registered: {
        "cases": Sum("received"),
        "repeats": Sum("repeats"),
        "high_risk": Sum("received", filter=Q(risk_grade=RiskGrade.HIGH)),
    },
    sources.clocks_stopped: {"main_met": Sum("on_time"), "main_missed": Sum("late")},
    # “Basically satisfied” is counted among the satisfied.
    sources.ratings: {"satisfied": Sum("satisfied"), "dissatisfied": Sum(F("rated") - F("satisfied"))},
}
_SERVED: dict[Source, frozenset[str]] = {
    sources.registered: _keys(figures.received, figures.repeat_rate, figures.high_risk_share),
    sources.clocks_stopped: _keys(figures.on_time_rate, figures.overdue_rate),
    sources.ratings: _keys(figures.satisfaction_rate, figures.dissatisfied_share),
}

Reader = Callable[..., Computed]


def reader(scope: Scope, *, now: datetime) -> tuple[Reader, datetime]:
    """What computes figures for this scope, and of which moment they are."""
    if serves(scope):
        moment = as_of(now=now)
        if moment is not None:
            return Stored(), moment
    return figures.compute, now

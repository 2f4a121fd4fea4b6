"""What is likely to come: complaints a day for the coming fortnight, and the points where risk gathers (RISK-27).

The expectation of each category comes from its own daily counts (`analytics.forecasting`); holidays and make-up
working days are taken from the office's calendar. A risk point weighs that expectation by how risky its recent
complaints were. The page names the formula, so that nobody takes it for more than it is.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.core.cache import cache
from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.translation import get_language

from analytics import forecasting
from complaints import clocks
from complaints.calendars import CalendarMissing, DayKind
from complaints.models import Category, Complaint
from complaints.states import RiskGrade

# Three years show the season twice and a half times; more changes the expectation little.
HISTORY = timedelta(days=1096)
FORTNIGHT = 14
MONTH = 28
RISKY_OVER = timedelta(days=92)
# A complaint graded medium counts one and a half, one graded high three times.
WEIGHTS = {RiskGrade.ORDINARY: 1.0, RiskGrade.MEDIUM: 1.5, RiskGrade.HIGH: 3.0}
SHOWN = 10
KEEP_SECONDS = 3600


@dataclass(frozen=True)
class RiskPoint:
    """A category with what the coming four weeks will bring. `score`: expected complaints weighed by risk."""

    category_id: int
    label: str
    last: int
    expected: float
    risky: float
    score: float
    spots: tuple[tuple[str, int], ...]

    @property
    def risky_percent(self) -> int:
        return round(self.risky * 100)


@dataclass(frozen=True)
class Outlook:
    """The last fortnight as it was, the coming one as expected; nothing where the register is too young."""

    past: tuple[tuple[date, int], ...]
    days: tuple[forecasting.Forecast, ...]
    points: tuple[RiskPoint, ...]


def outlook(*, now: datetime) -> Outlook:
    """The coming fortnight and the ten points with the highest score. Kept for an hour; five queries when made anew."""
    today = timezone.localdate(now)
    key = f"outlook:{get_language()}:{today.isoformat()}"
    found: Outlook | None = cache.get(key)
    if found is None:
        found = _make(today)
        cache.set(key, found, KEEP_SECONDS)
    return found


def day_kind(day: date) -> str:
    """Holiday or make-up day where the office's calendar says so; empty for an ordinary day of the week."""
    try:
        kind = clocks.working_calendar().kind(day)
    except CalendarMissing:
        return ""
    return {DayKind.HOLIDAY: "holiday", DayKind.MAKEUP: "make-up"}.get(kind, "")


def _make(today: date) -> Outlook:
    yesterday = today - timedelta(days=1)
    counts: dict[int, dict[date, int]] = defaultdict(dict)
    total: dict[date, int] = defaultdict(int)
    cases = _since(today - HISTORY, today)
    for row in cases.annotate(day=TruncDate("received_at")).values("day", "category").annotate(count=Count("pk")):
        total[row["day"]] += row["count"]
        if row["category"]:
            counts[row["category"]][row["day"]] = row["count"]
    if not total:
        return Outlook((), (), ())
    try:
        days = forecasting.forecast({yesterday: 0} | total, horizon=FORTNIGHT, day_kind=day_kind)
    except forecasting.TooShort:
        return Outlook((), (), ())
    past = [today - timedelta(days=n) for n in range(FORTNIGHT, 0, -1)]
    points = _points(counts, first=min(total), today=today)
    return Outlook(tuple((day, total.get(day, 0)) for day in past), tuple(days), tuple(points))


def _since(first: date, before: date) -> QuerySet[Complaint]:
    zone = timezone.get_current_timezone()
    begin, end = (datetime.combine(day, time.min, zone) for day in (first, before))
    return Complaint.objects.filter(received_at__gte=begin, received_at__lt=end).order_by()


def _points(counts: dict[int, dict[date, int]], *, first: date, today: date) -> list[RiskPoint]:
    names = {row.pk: row for row in Category.objects.filter(pk__in=counts)}
    weight, risky = _risk(today)
    month_ago, yesterday = today - timedelta(days=MONTH), today - timedelta(days=1)
    points = []
    for pk, history in counts.items():
        # A category without complaints since the register began had none, not an unknown number.
        whole = {first: 0, yesterday: 0} | history
        expected = sum(day.expected for day in forecasting.forecast(whole, horizon=MONTH, day_kind=day_kind))
        last = sum(count for day, count in history.items() if day >= month_ago)
        score = expected * weight.get(pk, 1.0)
        points.append(RiskPoint(pk, names[pk].label, last, expected, risky.get(pk, 0.0), score, spots=()))
    points = sorted(points, key=lambda point: -point.score)[:SHOWN]
    spots = _spots([point.category_id for point in points], today)
    return [RiskPoint(**(vars(point) | {"spots": tuple(spots.get(point.category_id, ()))})) for point in points]


def _risk(today: date) -> tuple[dict[int, float], dict[int, float]]:
    """Per category the mean weight of a recent complaint, and the share graded medium or high."""
    rows = _since(today - RISKY_OVER, today).values("category", "risk_grade").annotate(count=Count("pk"))
    graded: dict[int, dict[str, int]] = defaultdict(dict)
    for row in rows:
        if row["category"]:
            graded[row["category"]][row["risk_grade"]] = row["count"]
    weight, risky = {}, {}
    for pk, grades in graded.items():
        cases = sum(grades.values())
        weight[pk] = sum(WEIGHTS[RiskGrade(grade)] * count for grade, count in grades.items()) / cases
        risky[pk] = 1 - grades.get(RiskGrade.ORDINARY, 0) / cases
    return weight, risky


def _spots(categories: list[int], today: date) -> dict[int, list[tuple[str, int]]]:
    """Where the recent complaints of a category gather: products and outlets with the most, at least two each."""
    found: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for field in ("product", "outlet"):
        rows = (
            _since(today - timedelta(days=MONTH), today)
            .filter(category__in=categories)
            .exclude(**{field: ""})
            .values("category", field)
            .annotate(count=Count("pk"))
            .filter(count__gte=2)
        )
        for row in rows:
            found[row["category"]].append((row[field], row["count"]))
    return {pk: sorted(spots, key=lambda spot: (-spot[1], spot[0]))[:3] for pk, spots in found.items()}

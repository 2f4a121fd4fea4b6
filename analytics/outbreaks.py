"""Outbreaks among the cases: counted by day, found by the detector, settled by a person (RISK-13, RISK-14, RISK-30).

Counts go by the day a complaint was received, in the organisation's time zone. Four kinds of series are watched:
a category, a category in one department, a category at one place, and a batch of a product. From how many complaints
on it is an outbreak stands in outbreak_standard.py, as revisions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.db.models import Count, Min, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import User
from analytics import detection, outbreak_standard
from analytics.models import Outbreak, OutbreakStandard
from analytics.outbreak_standard import Limits
from analytics.states import Attribution, OutbreakState, SeriesKind
from complaints import notify
from complaints.models import Complaint, Incident

PERMISSION = notify.RISK
# The detector knows a year of scatter and a month of level; earlier days change nothing.
HISTORY = timedelta(days=400)
# Days found again or for the first time by one run; an outage of a week is caught up.
LOOK_BACK = timedelta(days=7)
# Flagged days with at most one quiet day between them are one outbreak.
GAP = timedelta(days=2)
# Complaints about one batch, or about a product new to the register, are counted within a week: a batch has no past
# to compare with (RISK-14).
BATCH_DAYS = timedelta(days=7)

Key = tuple[SeriesKind, int, int, str]
Counts = dict[Key, dict[date, int]]


@dataclass(frozen=True)
class Hit:
    """A day of a series that stands out, with the days before it without which it would not."""

    key: Key
    day: date
    count: int
    expected: float
    upper: float
    earlier: tuple[tuple[date, int, float], ...] = ()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Every day of it as it is stored, the oldest first."""
        days = [*self.earlier, (self.day, self.count, self.expected)]
        return [{"day": day.isoformat(), "count": count, "expected": round(mean, 2)} for day, count, mean in days]


def detect(*, now: datetime | None = None) -> dict[str, Any]:
    """Look for outbreaks up to today and store what is new. Safe to run twice, late or beside itself.

    Today counts as far as it has come: a day that stands out at noon stands out at night as well.
    """
    now = now or timezone.now()
    standard = outbreak_standard.current()
    found = _hits(timezone.localdate(now), outbreak_standard.limits_of(standard))
    new = 0
    for hit in sorted(found, key=lambda hit: (hit.day, hit.key)):
        new += _keep(hit, standard, at=now)
    return {"days": len(found), "outbreaks": new}


def preview(limits: Limits, *, now: datetime) -> dict[SeriesKind, int]:
    """How many series of each kind stand out in the last seven days by these thresholds. Stores nothing."""
    keys = {hit.key for hit in _hits(timezone.localdate(now), limits)}
    return {kind: sum(key[0] == kind for key in keys) for kind in SeriesKind}


def _hits(today: date, limits: Limits) -> list[Hit]:
    return [*_conspicuous(today, limits), *_batches(today, limits)]


# --- Counting --------------------------------------------------------------------------------------
def _cases(first: date, last: date) -> QuerySet[Complaint]:
    """Complaints received on these days, imported and merged ones included: each was a complaint."""
    zone = timezone.get_current_timezone()
    begin = datetime.combine(first, time.min, zone)
    end = datetime.combine(last + timedelta(days=1), time.min, zone)
    return Complaint.objects.filter(received_at__gte=begin, received_at__lt=end).order_by()


def _conspicuous(today: date, limits: Limits) -> Iterator[Hit]:
    counts = _counts(today, limits)
    names = {_series(key): key for key in counts}
    # Every series ends today, so that a quiet day is a day without complaints and not a missing one.
    rows = {_series(key): {today: 0} | days for key, days in counts.items()}
    for flag in detection.flags(rows, alpha=limits.alpha, false_share=limits.false_share / 100, least=limits.least):
        if flag.day > today - LOOK_BACK:
            yield Hit(names[flag.series], flag.day, flag.count, flag.expected, flag.upper, flag.earlier)


def _counts(today: date, limits: Limits) -> Counts:
    """Daily counts of every series worth judging. Three queries."""
    cases = _cases(today - HISTORY, today).filter(category__isnull=False)
    by_day = cases.annotate(day=TruncDate("received_at")).values("day", "category")
    found: Counts = defaultdict(dict)
    for row in by_day.values("day", "category", "lead_department").annotate(count=Count("pk")):
        whole = found[SeriesKind.CATEGORY, row["category"], 0, ""]
        whole[row["day"]] = whole.get(row["day"], 0) + row["count"]
        if row["lead_department"]:
            found[SeriesKind.DEPARTMENT, row["category"], row["lead_department"], ""][row["day"]] = row["count"]
    lately = Q(received_at__gte=datetime.combine(today - timedelta(days=2), time.min, timezone.get_current_timezone()))
    for field in ("outlet", "place"):
        spots = list(
            cases.exclude(**{field: ""})
            .filter(lately)
            .values("category", field)
            .annotate(count=Count("pk"))
            .filter(count__gte=limits.place_from)
            .values_list("category", field)
        )
        wanted = cases.filter(**{f"{field}__in": {spot for _category, spot in spots}}) if spots else cases.none()
        for row in (
            wanted.annotate(day=TruncDate("received_at")).values("day", "category", field).annotate(count=Count("pk"))
        ):
            if (row["category"], row[field]) in spots:
                found[SeriesKind.PLACE, row["category"], 0, row[field]][row["day"]] = row["count"]
    return found


def _batches(today: date, limits: Limits) -> Iterator[Hit]:
    """Batches, and products first heard of lately, with many complaints within a week. Two queries."""
    week = _cases(today - BATCH_DAYS + timedelta(days=1), today).exclude(product="")
    groups = week.values("product", "batch").annotate(count=Count("pk")).filter(count__gte=limits.batch_from)
    rows = list(groups)
    products = {row["product"] for row in rows if not row["batch"]}
    first = dict(
        Complaint.objects.filter(product__in=products)
        .order_by()
        .values("product")
        .annotate(first=Min("received_at"))
        .values_list("product", "first")
    )
    for row in rows:
        if row["batch"] or timezone.localdate(first[row["product"]]) > today - limits.new_for:
            value = " ".join(filter(None, (row["product"], row["batch"])))
            yield Hit((SeriesKind.BATCH, 0, 0, value[:200]), today, row["count"], 0.0, limits.batch_from - 1)


def _series(key: Key) -> str:
    """A short name of a series that is the same in every run."""
    kind, category, department, value = key
    return f"{kind}:{category}:{department}:{sha256(value.encode()).hexdigest()[:24] if value else ''}"


# --- Keeping ---------------------------------------------------------------------------------------
@transaction.atomic
def _keep(hit: Hit, standard: OutbreakStandard, *, at: datetime) -> bool:
    """Store a day that stands out: as part of the outbreak it continues, or as a new one. Returns whether new."""
    kind, category, department, value = hit.key
    series = _series(hit.key)
    same = Outbreak.objects.select_for_update().filter(series=series)
    running = same.filter(first_day__lte=hit.day, last_day__gte=hit.day - GAP).order_by("-first_day").first()
    *_before, line = lines = hit.lines
    if running is not None:
        days = {row["day"]: row for row in running.days}
        if running.state == OutbreakState.FOUND and days.get(line["day"]) != line:
            days[line["day"]] = line
            _total(running, list(days.values()), kind)
            running.last_day = max(running.last_day, hit.day)
            running.save(update_fields=["days", "count", "expected", "last_day"])
        if running.state == OutbreakState.FOUND or line["day"] in days:
            return False
    row, created = Outbreak.objects.get_or_create(
        series=series,
        first_day=date.fromisoformat(lines[0]["day"]),
        defaults={
            "kind": kind,
            "category_id": category or None,
            "department_id": department or None,
            "value": value,
            "last_day": hit.day,
            "count": sum(row["count"] for row in lines),
            "expected": sum(row["expected"] for row in lines),
            "upper": hit.upper,
            "days": lines,
            "found_at": at,
            "standard": standard,
        },
    )
    if created:
        _tell(row)
    return created


def _total(outbreak: Outbreak, days: list[dict[str, Any]], kind: str) -> None:
    """A batch is counted over a whole week each time; the other series day by day."""
    days.sort(key=lambda row: row["day"])
    outbreak.days = days
    outbreak.count = (
        max(row["count"] for row in days) if kind == SeriesKind.BATCH else sum(row["count"] for row in days)
    )
    outbreak.expected = round(sum(row["expected"] for row in days), 2)


def _tell(outbreak: Outbreak) -> None:
    people = notify.holders_of(PERMISSION)
    if outbreak.kind == SeriesKind.BATCH:
        people = (people | notify.holders_of(notify.MANAGEMENT)).distinct()
    notify.tell(
        people,
        "batch_outbreak" if outbreak.kind == SeriesKind.BATCH else "outbreak_found",
        dedupe=f"outbreak:{outbreak.pk}",
        url=f"/desk/outbreaks/{outbreak.pk}/",
        count=outbreak.count,
        day=outbreak.first_day.isoformat(),
    )


# --- Reading ---------------------------------------------------------------------------------------
def cases_of(outbreak: Outbreak) -> QuerySet[Complaint]:
    """The complaints counted in an outbreak."""
    begin = outbreak.first_day - (BATCH_DAYS - timedelta(days=1) if outbreak.kind == SeriesKind.BATCH else timedelta(0))
    rows = _cases(begin, outbreak.last_day)
    if outbreak.kind == SeriesKind.BATCH:
        pairs = rows.exclude(product="").values_list("product", "batch").distinct()
        wanted = [pair for pair in pairs if " ".join(filter(None, pair))[:200] == outbreak.value]
        match = Q(pk__in=[])
        for product, batch in wanted:
            match |= Q(product=product, batch=batch)
        return rows.filter(match)
    rows = rows.filter(category=outbreak.category_id)
    if outbreak.kind == SeriesKind.DEPARTMENT:
        return rows.filter(lead_department=outbreak.department_id)
    if outbreak.kind == SeriesKind.PLACE:
        return rows.filter(Q(outlet=outbreak.value) | Q(place=outbreak.value))
    return rows


def title_of(outbreak: Outbreak) -> str:
    """What stands out, in words."""
    parts = [
        outbreak.value,
        outbreak.category.label if outbreak.category else "",
        outbreak.department.name if outbreak.department else "",
    ]
    return " · ".join(filter(None, parts))


def daily(outbreak: Outbreak, *, before: int = 28, after: int = 7, today: date) -> list[tuple[date, int]]:
    """Counts of the series around an outbreak, day by day; today is the last one."""
    first = outbreak.first_day - timedelta(days=before)
    last = min(outbreak.last_day + timedelta(days=after), today)
    wide = Outbreak(
        kind=outbreak.kind,
        category_id=outbreak.category_id,
        department_id=outbreak.department_id,
        value=outbreak.value,
        first_day=first,
        last_day=last,
    )
    rows = cases_of(wide).filter(received_at__gte=datetime.combine(first, time.min, timezone.get_current_timezone()))
    counts = dict(
        rows.annotate(day=TruncDate("received_at"))
        .values("day")
        .annotate(count=Count("pk"))
        .values_list("day", "count")
    )
    return [
        (first + timedelta(days=n), counts.get(first + timedelta(days=n), 0)) for n in range((last - first).days + 1)
    ]


def incident_of(outbreak: Outbreak) -> Incident | None:
    """The incident that more than half of its cases belong to; None where there is none."""
    found = (
        cases_of(outbreak)
        .filter(incident__isnull=False)
        .values("incident")
        .annotate(count=Count("pk"))
        .order_by("-count")
    )
    row = found.first()
    if row is None or 2 * row["count"] <= cases_of(outbreak).count():
        return None
    return Incident.objects.get(pk=row["incident"])


# --- Settling --------------------------------------------------------------------------------------
@transaction.atomic
def attribute(outbreak_id: int, *, by: User, attribution: str, reason: str, at: datetime | None = None) -> Outbreak:
    """Say where the trouble lies and why one thinks so (RISK-30).

    Raises NotAllowed, IllegalTransition when settled, InvalidInput naming `attribution` or `reason`.
    """
    row = _begin(outbreak_id, by)
    if attribution not in Attribution.values:
        raise InvalidInput("attribution", _("Choose where the trouble lies."))
    return _settle(row, OutbreakState.ATTRIBUTED, by=by, reason=reason, at=at, attribution=attribution)


@transaction.atomic
def dismiss(outbreak_id: int, *, by: User, reason: str, at: datetime | None = None) -> Outbreak:
    """It was none, and the record says why. Raises as `attribute` does."""
    return _settle(_begin(outbreak_id, by), OutbreakState.DISMISSED, by=by, reason=reason, at=at)


def _begin(outbreak_id: int, by: User) -> Outbreak:
    if not by.has_perm(PERMISSION):
        raise NotAllowed(_("Your role does not allow this."))
    row = Outbreak.objects.select_for_update().get(pk=outbreak_id)
    if row.state != OutbreakState.FOUND:
        raise IllegalTransition(_("This outbreak is settled: %(state)s."), state=row.get_state_display())
    return row


def _settle(
    row: Outbreak, state: OutbreakState, *, by: User, reason: str, at: datetime | None, attribution: str = ""
) -> Outbreak:
    if not reason.strip():
        raise InvalidInput("reason", _("Give the reason."))
    row.state, row.attribution, row.reason = state, attribution, reason.strip()
    row.settled_by, row.settled_at, row.incident = by, at or timezone.now(), incident_of(row)
    row.save(update_fields=["state", "attribution", "reason", "settled_by", "settled_at", "incident"])
    return row

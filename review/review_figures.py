"""Figures of the reviews that began in the last twelve months (REV-50).

Shares of groups with fewer than five decided reviews are not shown. What a review corrected stands beside the original
record and does not change the figures of the cases. The number of queries does not depend on the number of reviews.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import TruncMonth
from django.utils import timezone
from django.utils.translation import gettext

from complaints.models import Category
from complaints.states import ImprovementState, RemedyState
from review import clocks, corrections
from review.models import Correction, Opinion, ReviewCase, ReviewerAssignment, ReviewTrigger
from review.states import OPEN_REVIEW, Conclusion, CorrectedField, ReviewStatus, TriggerKind

SEE = ("review.lead_review", "review.view_sample_figures", "complaints.conduct_audit")
MONTHS = 12
# A share of fewer says more about single cases than about a group.
LEAST = 5
GROUPS_SHOWN = 50
_CHANGED = (str(Conclusion.AMEND), str(Conclusion.SET_ASIDE))


@dataclass(frozen=True)
class Line:
    """Numbers of reviews of one month, trigger, category or department. In time and late are about the screening."""

    name: str
    opened: int
    in_time: int
    late: int
    refused: int
    decided: int
    overturned: int

    @property
    def share(self) -> int | None:
        """Percent of the decided reviews that changed the first handling; None for too few."""
        return round(100 * self.overturned / self.decided) if self.decided >= LEAST else None


@dataclass(frozen=True)
class Reviewer:
    """One member: reviews open and finished, opinions on decided reviews, and how many of these the decision shared."""

    name: str
    open: int
    done: int
    opinions: int
    agreed: int

    @property
    def share(self) -> int | None:
        """Percent of the opinions that were as the decision; None for too few."""
        return round(100 * self.agreed / self.opinions) if self.opinions >= LEAST else None


@dataclass(frozen=True)
class Change:
    """How often reviews corrected one recorded value into another."""

    field: str
    recorded: str
    corrected: str
    count: int


@dataclass(frozen=True)
class Figures:
    """Everything the page shows; `money` is in yuan and counts what was given."""

    since: datetime
    total: Line
    months: list[Line]
    triggers: list[Line]
    categories: list[Line]
    departments: list[Line]
    remedies: dict[str, int]
    money: Decimal
    improvements: dict[str, int]
    steps: list[clocks.StepFigure]
    reviewers: list[Reviewer]
    changes: list[Change]


def first_month(now: datetime) -> datetime:
    """The beginning of the month eleven months ago, in local time."""
    local = timezone.localtime(now)
    months = local.year * 12 + local.month - MONTHS
    return local.replace(year=months // 12, month=months % 12 + 1, day=1, hour=0, minute=0, second=0, microsecond=0)


def _counts(path: str, now: datetime) -> dict[str, Count]:
    """The numbers of a line over reviews reached by `path` ("" or "review__")."""

    def counted(**wanted: Any) -> Count:
        return Count(f"{path}pk", filter=Q(**{path + key: value for key, value in wanted.items()}), distinct=True)

    due = F(f"{path}screening_due_at")
    # One that was set aside because nobody was free to judge it was never screened and is not refused to anybody.
    waiting = Q(
        **{f"{path}screened_at__isnull": True, f"{path}closed_at__isnull": True, f"{path}screening_due_at__lt": now}
    )
    return {
        "opened": Count(f"{path}pk", distinct=True),
        "in_time": counted(screened_at__lte=due),
        "late": Count(f"{path}pk", filter=Q(**{f"{path}screened_at__gt": due}) | waiting, distinct=True),
        "refused": counted(status=ReviewStatus.REFUSED, screened_at__isnull=False),
        "decided": counted(finalised_at__isnull=False),
        "overturned": counted(finalised_at__isnull=False, conclusion__in=_CHANGED),
    }


_NAMES = ("opened", "in_time", "late", "refused", "decided", "overturned")


def _line(name: str, row: dict[str, Any]) -> Line:
    return Line(name, **{key: row[key] for key in _NAMES})


def compute(*, now: datetime) -> Figures:
    """All figures of the reviews that began in the last twelve months."""
    since = first_month(now)
    rows: Any = ReviewCase.objects.filter(opened_at__gte=since).order_by()
    counts = _counts("", now)
    months = rows.annotate(month=TruncMonth("opened_at")).values("month").annotate(**counts).order_by("month")
    lines = [_line(f"{timezone.localtime(row['month']):%Y-%m}", row) for row in months]
    total = Line(gettext("All"), **{key: sum(getattr(line, key) for line in lines) for key in _NAMES})
    kinds = dict(TriggerKind.choices)
    begun: Any = ReviewTrigger.objects.filter(review__opened_at__gte=since).order_by()
    triggers = begun.values("kind").annotate(**_counts("review__", now)).order_by("-opened")
    departments = (
        rows.filter(complaint__lead_department__isnull=False)
        .values("complaint__lead_department__name")
        .annotate(**counts)
        .order_by("-decided", "complaint__lead_department__name")[:GROUPS_SHOWN]
    )
    remedies, money = _remedies(rows)
    return Figures(
        since=since,
        total=total,
        months=lines,
        triggers=[_line(str(kinds.get(row["kind"], row["kind"])), row) for row in triggers],
        categories=_categories(rows, counts),
        departments=[_line(row["complaint__lead_department__name"], row) for row in departments],
        remedies=remedies,
        money=money,
        improvements=_improvements(rows, now),
        steps=clocks.figures(now=now),
        reviewers=_reviewers(since),
        changes=_changes(since),
    )


def _categories(rows: Any, counts: dict[str, Count]) -> list[Line]:
    found = list(
        rows.filter(complaint__category__isnull=False)
        .values("complaint__category")
        .annotate(**counts)
        .order_by("-decided", "complaint__category")[:GROUPS_SHOWN]
    )
    names = Category.objects.in_bulk([row["complaint__category"] for row in found])
    return [_line(names[row["complaint__category"]].label, row) for row in found]


def _remedies(rows: Any) -> tuple[dict[str, int], Decimal]:
    given = Q(remedies__done_at__isnull=False)
    found = rows.aggregate(
        proposed=Count("remedies"),
        given=Count("remedies", filter=given),
        refused=Count("remedies", filter=Q(remedies__state=RemedyState.REFUSED) & ~given),
        money=Sum("remedies__amount", filter=given),
    )
    money = found.pop("money")
    return found, money or Decimal(0)


def _improvements(rows: Any, now: datetime) -> dict[str, int]:
    closed = Q(rectifications__state=ImprovementState.VERIFIED)
    return rows.aggregate(
        opened=Count("rectifications"),
        closed=Count("rectifications", filter=closed),
        overdue=Count("rectifications", filter=~closed & Q(rectifications__due_on__lt=timezone.localdate(now))),
    )


def _reviewers(since: datetime) -> list[Reviewer]:
    """The members with work in these months, those with most open work first. Two queries."""
    open_now = Q(review__status__in=[str(status) for status in OPEN_REVIEW])
    work = (
        ReviewerAssignment.objects.filter(is_void=False, review__opened_at__gte=since)
        .order_by()
        .values("reviewer", "reviewer__display_name")
        .annotate(open=Count("pk", filter=open_now), done=Count("pk", filter=~open_now))
        .order_by("-open", "reviewer__display_name")[:GROUPS_SHOWN]
    )
    opinions = {
        row["reviewer"]: row
        for row in Opinion.objects.filter(
            review__opened_at__gte=since,
            review__finalised_at__isnull=False,
            dossier_hash=F("review__dossier_hash"),
        )
        .order_by()
        .values("reviewer")
        .annotate(given=Count("pk"), agreed=Count("pk", filter=Q(verdict=F("review__conclusion"))))
    }
    none = {"given": 0, "agreed": 0}
    return [
        Reviewer(
            row["reviewer__display_name"],
            row["open"],
            row["done"],
            opinions.get(row["reviewer"], none)["given"],
            opinions.get(row["reviewer"], none)["agreed"],
        )
        for row in work
    ]


def _changes(since: datetime) -> list[Change]:
    """What was corrected into what; outcomes are texts, so they are only counted."""
    coded = (CorrectedField.FINDING, CorrectedField.SATISFACTION, CorrectedField.CLASSIFICATION)
    rows = Correction.objects.filter(review__opened_at__gte=since).order_by()
    found = list(
        rows.filter(field__in=coded)
        .values("field", "recorded", "corrected")
        .annotate(count=Count("pk"))
        .order_by("field", "-count")[:GROUPS_SHOWN]
    )
    names = corrections.labels(
        [Correction(field=row["field"], recorded=row["recorded"], corrected=row["corrected"]) for row in found]
    )
    fields = dict(CorrectedField.choices)
    changes = [
        Change(
            str(fields[row["field"]]),
            names.get((row["field"], row["recorded"]), row["recorded"]),
            names.get((row["field"], row["corrected"]), row["corrected"]),
            row["count"],
        )
        for row in found
    ]
    outcomes = rows.filter(field=CorrectedField.OUTCOME).count()
    return [*changes, Change(str(fields["outcome"]), "", "", outcomes)] if outcomes else changes


# --- As a table to download, and for programs --------------------------------------------------------
CSV_HEAD = ("table", "row", "figure", "value")


def tables(found: Figures) -> dict[str, list[Line]]:
    """The tables of lines by name."""
    return {
        "month": found.months,
        "trigger": found.triggers,
        "category": found.categories,
        "department": found.departments,
    }


def numbers(table: str, line: Line) -> dict[str, int | None]:
    """What may be told of a line; the share of too few is None, and so is what would give it away."""
    hidden = line.share is None and table in ("category", "department")
    told = {key: None if hidden and key == "overturned" else getattr(line, key) for key in _NAMES}
    return told | {"overturned_percent": line.share}


def as_data(found: Figures) -> dict[str, Any]:
    """The same figures for the API; `None` for what is not told."""
    return {
        "since": found.since.isoformat(),
        "total": numbers("total", found.total),
        "tables": {
            table: [{"name": line.name, **numbers(table, line)} for line in lines]
            for table, lines in tables(found).items()
        },
        "remedies": {**found.remedies, "yuan_given": f"{found.money:f}"},
        "improvements": found.improvements,
        "steps": [asdict(step) for step in found.steps],
        "reviewers": [{**asdict(person), "agreed_percent": person.share} for person in found.reviewers],
        "corrections": [asdict(change) for change in found.changes],
    }


def csv_rows(found: Figures) -> Iterator[tuple[str, str, str, int | str]]:
    """The same figures as rows; a share of too few stays empty, and so do its parts."""
    for table, lines in tables(found).items():
        for line in lines:
            for key, number in numbers(table, line).items():
                yield table, line.name, key, "" if number is None else number
    for key, number in found.remedies.items():
        yield "remedy", "", key, number
    yield "remedy", "", "yuan_given", f"{found.money:f}"
    for key, number in found.improvements.items():
        yield "improvement", "", key, number
    for step in found.steps:
        yield "step", step.label, "overdue", step.overdue
        yield "step", step.label, "ended_late", step.ended_late
    for person in found.reviewers:
        for key in ("open", "done", "opinions", "agreed"):
            yield "reviewer", person.name, key, getattr(person, key)
    for change in found.changes:
        yield "correction", change.field, f"{change.recorded} → {change.corrected}".strip(" →"), change.count

"""What the layers above read of publications: documents revised, and the problems they show (PUB-41, PUB-42)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from django.db.models import QuerySet
from django.utils import timezone

from publication.models import Publication, RevisedDocument
from publication.states import PublicationStatus

_DONE = ("done", "verified")


class Span(Protocol):
    """Half-open, start <= t < end."""

    @property
    def start(self) -> datetime: ...

    @property
    def end(self) -> datetime: ...


def revised_documents(period: Span) -> QuerySet[RevisedDocument]:
    """Manuals and rules revised in the period because of a published problem, newest first (PUB-42)."""
    rows = RevisedDocument.objects.filter(
        revised_on__gte=timezone.localdate(period.start), revised_on__lt=timezone.localdate(period.end)
    )
    return rows.select_related("publication")


def revised_this_year(today: date) -> int:
    """How many documents were revised since 1 January because of a published problem."""
    return RevisedDocument.objects.filter(revised_on__gte=date(today.year, 1, 1), revised_on__lte=today).count()


@dataclass
class Gap:
    """A problem as the publications show it: one category at one department.

    `numbers` are the public notices, `cases` how many closed cases they answer, `open` and `late` their improvement
    measures not finished and those past their date, `documents` the manuals revised because of it.
    """

    category: str
    category_code: str
    department: str
    department_code: str
    numbers: list[str] = field(default_factory=list)
    cases: int = 0
    open: int = 0
    late: int = 0
    documents: int = 0


def gaps(since: datetime) -> list[Gap]:
    """The problems seen in what was published since then, those with most cases first; four queries (PUB-41)."""
    today = timezone.localdate()
    rows = Publication.objects.filter(status=PublicationStatus.POSTED, posted_at__gte=since)
    rows = rows.select_related("category", "department").order_by("pk")
    found: dict[tuple[str, str], Gap] = {}
    for row in rows.prefetch_related("also_about", "improvements", "revised_documents"):
        category, department = row.category, row.department
        key = (category.code if category else "", department.code if department else "")
        gap = found.setdefault(
            key, Gap(category.name if category else "", key[0], department.name if department else "", key[1])
        )
        unfinished = [measure for measure in row.improvements.all() if measure.state not in _DONE]
        gap.numbers.append(row.number)
        gap.cases += 1 + len(row.also_about.all())
        gap.open += len(unfinished)
        gap.late += sum(measure.due_on < today for measure in unfinished)
        gap.documents += len(row.revised_documents.all())
    return sorted(found.values(), key=lambda gap: (-gap.cases, -gap.late, gap.category_code, gap.department_code))

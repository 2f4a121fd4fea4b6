"""What published results teach the front line: by kind of work, and told once a week (PUB-46)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, QuerySet
from django.utils import timezone

from accounts.models import Department, User
from complaints import notify
from publication import results
from publication.models import Publication, PublishedResult
from publication.states import PublicationStatus

READ = "complaints.use_desk"
FRONT_LINE = "complaints.handle_complaint"
PAGE_SIZE = 50
STEPS = 5
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Choices:
    """Departments and categories that have a published result, as (code, label)."""

    departments: list[tuple[str, str]]
    categories: list[tuple[str, str]]


def choices(*, at: datetime) -> Choices:
    """What the list can be narrowed to; one query."""
    served = PublishedResult.objects.served(at=at).order_by()
    rows = served.values_list("department_code", "department", "category_code", "category", "category_en").distinct()
    departments: dict[str, str] = {}
    categories: dict[str, str] = {}
    for department_code, department, category_code, category, category_en in rows:
        if department_code:
            departments[department_code] = department
        if category_code:
            categories[category_code] = results.in_language(category, category_en)
    return Choices(sorted(departments.items(), key=lambda row: row[1]), sorted(categories.items()))


def own_codes(user: User) -> tuple[str, ...]:
    """The codes of the departments a person belongs to now."""
    rows = user.memberships.current().order_by("department__code")
    return tuple(rows.values_list("department__code", flat=True).distinct())


def steps(departments: tuple[str, ...]) -> list[tuple[str, int]]:
    """The steps of work that published complaints came from, the most frequent first; all without departments."""
    posted: QuerySet[Publication] = Publication.objects.filter(status=PublicationStatus.POSTED)
    if departments:
        posted = posted.filter(department__code__in=departments)
    counted = posted.exclude(complaint__business_step="").order_by().values_list("complaint__business_step")
    return list(counted.annotate(n=Count("pk")).order_by("-n", "complaint__business_step")[:STEPS])


def tell_weekly(*, now: datetime | None = None) -> dict[str, int]:
    """Tell the front line of each department, once a week, how many results of its work were published last week.

    Whole weeks from Monday, so that a run that comes late, or twice, tells the same.
    """
    now = now or timezone.now()
    today = timezone.localdate(now)
    year, week, day = today.isocalendar()
    end = today - timedelta(days=day - 1)
    new = PublishedResult.objects.served(at=now).filter(
        published_at__gte=results.start_of(end - WEEK), published_at__lt=results.start_of(end)
    )
    new = new.exclude(department_code="")
    counts = Counter(new.values_list("department_code", flat=True))
    told = [
        notify.Message(
            notify.members_with(FRONT_LINE, [department.pk]),
            "lessons",
            f"lessons:{year}-{week}:{department.code}",
            url=f"/desk/publications/lessons/?department={department.code}",
            by_email=False,
            params={"count": counts[department.code]},
        )
        for department in Department.objects.filter(code__in=counts).order_by("pk")
    ]
    return {"told": notify.tell_all(told) if told else 0}

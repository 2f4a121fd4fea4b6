"""Posted results for the measurements of the public site: invented, and the same for the same number."""

from __future__ import annotations

import hashlib
import random
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Department
from complaints import search
from complaints.bulk_texts import ESTATES, ROADS, THEMES
from complaints.models import Category
from publication import content
from publication.models import PublishedResult, PublishedSearch, ResultDay

SHARE = 50  # one case in fifty has its result published, and all of them are still shown
SPAN_DAYS = 3 * 365
CHUNK = 1000
VOTED_DAYS = 3  # days on which a result was read and judged


def fill(cases: int) -> int:
    """Store results until there are as many as that number of cases would have; how many were added."""
    stored = PublishedResult.objects.count()
    wanted = cases // SHARE
    departments = list(Department.objects.filter(is_active=True).exclude(code="").order_by("code"))
    categories = {row.code: row for row in Category.objects.filter(dimension="category")}
    for first in range(stored + 1, wanted + 1, CHUNK):
        with transaction.atomic():
            _store(range(first, min(first + CHUNK, wanted + 1)), wanted, departments, categories)
    if wanted > stored and connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE) publication_publishedresult, publication_publishedsearch")
    return max(0, wanted - stored)


def _store(numbers: range, wanted: int, departments: list[Department], categories: dict[str, Category]) -> None:
    results = PublishedResult.objects.bulk_create([_result(n, wanted, departments, categories) for n in numbers])
    PublishedSearch.objects.bulk_create(
        PublishedSearch(
            result=row,
            tokens=search.tokens(*(getattr(row, name) for name in content.TEXT_FIELDS), row.category, row.department),
        )
        for row in results
    )
    ResultDay.objects.bulk_create(
        ResultDay(result=row, day=timezone.localdate(row.published_at) + timedelta(days=day), helpful=day, unhelpful=1)
        for row in results
        for day in range(VOTED_DAYS)
    )


def _result(
    number: int, wanted: int, departments: list[Department], categories: dict[str, Category]
) -> PublishedResult:
    rng = random.Random(f"published {number}")
    theme = rng.choice(THEMES)
    category = categories[theme.category]
    department = rng.choice(departments)
    place = f"{rng.choice(ROADS)}{rng.choice(ESTATES)}"
    moment = timezone.now() - timedelta(days=SPAN_DAYS * (wanted - number + 1) / (wanted + 1))
    due_on = (moment + timedelta(days=120)).date()
    details = rng.sample(theme.details, 3)
    return PublishedResult(
        publication_number=f"GS-{moment:%Y%m}-{number:06}",
        title=f"{place}：{rng.choice(theme.subjects)}",
        summary=rng.choice(theme.answers),
        subject=f"{place}居民张女士等 {rng.randint(5, 60)} 人",
        cause="；".join((rng.choice(theme.openings), *details)) + "。",
        investigation="查了记录和现场：\n" + "\n".join(f"- {line}。" for line in details),
        responsibility=f"{department.name}没有按时处理。",
        result="。".join(theme.answers) + "。",
        improvement=f"{due_on.isoformat()} 前完成整改，由{department.name}负责。",
        improvements=[
            {
                "what": rng.choice(theme.demands).removeprefix("请"),
                "department": department.name,
                "post": "负责人",
                "due_on": due_on.isoformat(),
                "state": state,
                "percent": percent,
                "note": "",
                "done_on": due_on.isoformat() if state == "done" else "",
            }
            for state, percent in (("done", 100), ("open", 40))
        ],
        category_code=category.code,
        category=category.name,
        category_en=category.name_en,
        department_code=department.code,
        department=department.name,
        signatures=[moment.date().isoformat()] * 3,
        published_at=moment,
        updated_at=moment,
        content_hash=hashlib.sha256(str(number).encode()).hexdigest(),
        engine_version="bench",
    )

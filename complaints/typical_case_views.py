"""Typical cases to learn from: what went wrong, who has read it, which courses used it (KB-13)."""

from __future__ import annotations

import re
from collections import defaultdict

from django.db.models import Count, Exists, F, OuterRef, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from accounts.web import StaffRequest
from complaints import keyset, knowledge
from complaints.desk_access import needs
from complaints.knowledge_forms import CaseDraftForm
from complaints.models import Article, ArticleReceipt, Category, Dimension, Training
from complaints.states import ArticleKind, ArticleState

PAGE_SIZE = 50
# Courses looked through for the numbers of the cases of a page, the newest.
COURSES = 300
_NUMBER = re.compile(r"ZS-\d{6}-\d+")


@needs(knowledge.READ)
@require_safe
def typical_cases(request: StaffRequest) -> HttpResponse:
    """Typical cases in use by category, with the own receipt, how many have read each, and the courses."""
    code = request.GET.get("category", "").replace("\x00", "")[:60]
    after = request.GET.get("after", "")
    in_use = Article.objects.filter(kind=ArticleKind.TYPICAL_CASE, state=ArticleState.PUBLISHED)
    categories = Category.objects.filter(dimension=Dimension.CATEGORY, pk__in=in_use.values("category"))
    category = next((row for row in categories if row.code == code), None)
    own = ArticleReceipt.objects.filter(article=OuterRef("pk"), revision=OuterRef("revision"), user=request.user)
    rows = in_use.filter(category=category) if category else in_use
    rows = rows.annotate(
        is_read=Exists(own), readers=Count("receipts", filter=Q(receipts__revision=F("revision")))
    ).select_related("category")
    found, following = keyset.by_key(rows.defer("body"), after, size=PAGE_SIZE)
    courses = _courses(found)
    groups: dict[str, list[tuple[Article, list[Training]]]] = defaultdict(list)
    for row in found:
        groups[row.category.label if row.category else ""].append((row, courses[row.number]))
    context = {
        "groups": list(groups.items()),
        "categories": categories,
        "category": category,
        "next": following,
        "after": after,
        "may_edit": request.user.has_perm(knowledge.EDIT),
    }
    return render(request, "complaints/knowledge/typical_cases.html", context)


@needs(knowledge.EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def draft_from_case(request: StaffRequest) -> HttpResponse:
    """Choose the closed case and the outline; the draft opens in the form of a new article (IMP-18, IMP-19)."""
    form = CaseDraftForm(
        request.POST if request.method == "POST" else None,
        user=request.user,
        initial={"case": request.GET.get("case", "")[:24]},
    )
    if form.is_bound and form.is_valid():
        values = {"case": form.cleaned_data["case"].number, "outline": form.cleaned_data["outline"]}
        return redirect(f"{reverse('complaints:article_new')}?{urlencode(values)}")
    return render(
        request, "complaints/knowledge/draft_from_case.html", {"form": form}, status=422 if form.errors else 200
    )


def _courses(rows: list[Article]) -> dict[str, list[Training]]:
    """Number of an article → the courses that were about it or name it. One query."""
    numbers = {row.pk: row.number for row in rows}
    named = Q(article__in=list(numbers)) | Q(content__contains="ZS-")
    found: dict[str, list[Training]] = defaultdict(list)
    for course in Training.objects.filter(named).order_by("-held_on", "-pk")[:COURSES]:
        used = set(numbers_in(course.content))
        if course.article_id in numbers:
            used.add(numbers[course.article_id])
        for number in used:
            found[number].append(course)
    return found


def numbers_in(text: str) -> list[str]:
    """The numbers of articles a text names, each once, in its order."""
    return list(dict.fromkeys(_NUMBER.findall(text)))


def cases_of(course: Training) -> list[Article]:
    """The typical cases in use that a course names. One query, none without a number."""
    numbers = numbers_in(course.content)
    if not numbers:
        return []
    rows = Article.objects.filter(number__in=numbers, kind=ArticleKind.TYPICAL_CASE, state=ArticleState.PUBLISHED)
    found = {row.number: row for row in rows.defer("body")}
    return [found[number] for number in numbers if number in found]

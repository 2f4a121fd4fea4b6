"""Articles and closed cases that may help with a case: proposed to whoever handles it, used by nobody else (KB-04)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from math import log

from django.utils.translation import gettext as _

from accounts.models import User
from complaints import matching, search
from complaints.models import Article, Category, Complaint
from complaints.states import ArticleState, Status

SHOWN_ARTICLES = 8
SHOWN_CASES = 5
# Titles and words of so many articles, the newest, are compared with the case; then the texts of the best of them.
COMPARED = 2000
READ_IN_FULL = 40
MAX_TEXT = 4000
MIN_SHARED = 2
# Subjects of so many of the newest cases of the category are compared.
PAST_CASES = 150
_OF_CATEGORY, _OF_PARENT, _OF_PRODUCT = 6.0, 3.0, 6.0
_CLOSED = (Status.CLOSED, Status.ARCHIVED)


@dataclass
class Proposal:
    """An article with the reasons it is proposed for."""

    article: Article
    score: float = 0.0
    reasons: list[str] = field(default_factory=list)


def articles(complaint: Complaint, *, today: date) -> list[Proposal]:
    """Valid articles in use ranked by category, product and shared words, the best first. Three queries."""
    own = telling_words(complaint.subject, complaint.narrative[:MAX_TEXT], complaint.demand[:MAX_TEXT])
    parents = _ancestors(complaint.category)
    in_use = Article.objects.filter(state=ArticleState.PUBLISHED, valid_until__gte=today)
    rows = list(in_use.defer("body").select_related("category")[:COMPARED])
    short = {row.pk: telling_words(row.title, row.words) for row in rows}
    weights = _weights(short.values())
    found = []
    for row in rows:
        proposal = Proposal(row)
        if row.category_id and row.category_id == complaint.category_id:
            proposal.score += _OF_CATEGORY
            proposal.reasons.append(_("Same category"))
        elif row.category_id in parents:
            proposal.score += _OF_PARENT
            proposal.reasons.append(_("Same group of categories"))
        if row.product and row.product.casefold() == complaint.product.strip().casefold():
            proposal.score += _OF_PRODUCT
            proposal.reasons.append(_("Same product"))
        shared = own & short[row.pk]
        if len(shared) >= MIN_SHARED:
            proposal.score += sum(weights[word] for word in shared)
            proposal.reasons.append(_("Shared words"))
        if proposal.reasons:
            found.append(proposal)
    found.sort(key=lambda proposal: (-proposal.score, -proposal.article.pk))
    best = found[:READ_IN_FULL]
    bodies = dict(Article.objects.filter(pk__in=[row.article.pk for row in best]).values_list("pk", "body"))
    for proposal in best:
        proposal.article.body = bodies.get(proposal.article.pk, "")
        # The longer a text, the more it shares by chance.
        words = telling_words(proposal.article.body[:MAX_TEXT])
        proposal.score += 5 * len(own & words) / (len(words) + 50)
    best.sort(key=lambda proposal: (-proposal.score, -proposal.article.pk))
    return best[:SHOWN_ARTICLES]


def past_cases(complaint: Complaint, user: User) -> list[Complaint]:
    """Closed cases like this one that the person may see: nearly the same text or place first, then like subjects."""
    found = [
        candidate.case
        for candidate in matching.candidates(complaint, user)
        if candidate.case.status in _CLOSED and set(candidate.reasons) - {matching.Way.PERSON}
    ][:SHOWN_CASES]
    if len(found) < SHOWN_CASES and complaint.category_id:
        known = {case.pk for case in found} | {complaint.pk}
        own = telling_words(complaint.subject, complaint.narrative[:MAX_TEXT])
        rows = Complaint.objects.visible_to(user).filter(category=complaint.category_id, status__in=_CLOSED)
        fields = ("number", "subject", "status", "received_at")
        newest = rows.order_by("-received_at", "-id").only(*fields)[:PAST_CASES]
        ranked = [(len(own & telling_words(case.subject)), case) for case in newest if case.pk not in known]
        ranked.sort(key=lambda pair: (-pair[0], -pair[1].pk))
        found += [case for shared, case in ranked if shared >= MIN_SHARED][: SHOWN_CASES - len(found)]
    return found


def telling_words(*texts: str) -> set[str]:
    """Pairs of Chinese characters and other words of two letters or more; plain numbers say nothing."""
    return {word for word in search.tokens(*texts).split() if len(word) >= 2 and not word.isdecimal()}


def _weights(texts: Collection[set[str]]) -> dict[str, float]:
    """How much a shared word tells: the fewer articles hold it, the more."""
    counts: dict[str, int] = {}
    for words in texts:
        for word in words:
            counts[word] = counts.get(word, 0) + 1
    return {word: log(1 + len(texts) / count) for word, count in counts.items()}


def _ancestors(category: Category | None) -> set[int]:
    found = set()
    while category is not None and category.parent_id is not None:
        found.add(category.parent_id)
        category = category.parent
    return found

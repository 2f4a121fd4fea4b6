"""Articles the whole office shares: written by one person, put into use by another (KB-01…KB-03, KB-12, KB-13, INC-18).

What people read is the text in use: title and body of the article. A change of an article in use waits as a
newer revision until another person approves it, so that nothing disappears while it is being improved.
"""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.core.cache import caches
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.models import User
from complaints import identity, notify, office_terms
from complaints.models import Article, ArticleReceipt, ArticleRevision, Category, Complaint
from complaints.numbers import next_number
from complaints.states import ArticleKind, ArticleState
from complaints.transitions.intake import check_text

EDIT = "complaints.edit_knowledge"
READ = "complaints.use_desk"
MAX_BODY = 20_000
MAX_RELATED = 20
# Editors hear of an article so long before its validity ends, and not again for a week.
# How long a process may show known issues and public questions as it last read them.
CACHE_SECONDS = 60
SHOWN_ISSUES = 5
_ISSUES_KEY = "known-issues"
_FAQ_KEY = "public-articles"
# Kinds the public may read.
PUBLIC_KINDS = (ArticleKind.FAQ, ArticleKind.EDUCATION)
_LIMITS = {"title": 120, "product": 120, "words": 300}
_ONE_BY_ONE = re.compile(r"[\s,，、;；]+")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[\s\-–—.]+(?=\d)")


# --- Writing ----------------------------------------------------------------------------------------
@transaction.atomic
def create(*, by: User, at: datetime | None = None, **values: Any) -> Article:
    """Begin an article as a draft; only editors see it before another person puts it into use (KB-02).

    `values`: kind, title, body, category, product, words, owner, valid_until, review_months, is_public,
    needs_receipt, broadcast_until, related (numbers of articles in one text) and, for a typical case,
    case_numbers (numbers of the cases it was made from; they are checked and not stored).
    Raises NotAllowed, InvalidInput naming the field.
    """
    at = at or timezone.now()
    _may_edit(by)
    found = _check(values, at=at)
    _check_typical(found["kind"], found["title"], found["body"], values.get("case_numbers", ""), by=by)
    related = _related(values.get("related", ""))
    article = Article.objects.create(
        number=next_number("ZS", at=at, monthly=True), changed_at=at, changed_by=by, **found
    )
    article.related.set(related)
    ArticleRevision.objects.create(article=article, revision=1, title=article.title, body=article.body, by=by, at=at)
    return article


@transaction.atomic
def edit(article_id: int, *, version: int, note: str, by: User, at: datetime | None = None, **values: Any) -> Article:
    """Change a draft or an article in use; a changed text becomes the next revision and says why (KB-02).

    The text of an article in use stays until somebody else approves the new one. What the public or every
    clerk sees is not widened here: take the article back into draft for that.
    Raises NotAllowed, InvalidInput naming the field, StaleVersion, IllegalTransition for a retired article.
    """
    at = at or timezone.now()
    article = _begin(article_id, ArticleState.DRAFT, ArticleState.PUBLISHED, by=by, version=version)
    found = _check(values, at=at)
    newest = newest_revision(article)
    new_text = (found["title"], found["body"]) != (newest.title, newest.body)
    if new_text or found["kind"] != article.kind:
        _check_typical(found["kind"], found["title"], found["body"], values.get("case_numbers", ""), by=by)
    related = _related(values.get("related", ""), without=article.pk)
    if article.state == ArticleState.PUBLISHED:
        _check_not_widened(article, found)
        title, body = found.pop("title"), found.pop("body")
    else:
        title, body = found["title"], found["body"]
    if new_text:
        note = check_text("note", note, limit=200).strip()
        if not note:
            raise InvalidInput("note", _("Say what changed and why."))
        number = newest.revision + 1
        ArticleRevision.objects.create(
            article=article, revision=number, title=title, body=body, note=note, by=by, at=at
        )
        if article.state == ArticleState.DRAFT:
            article.revision = number
    for name, value in found.items():
        setattr(article, name, value)
    article.related.set(related)
    _changed(article, by=by, at=at)
    _ask_receipts(article)
    return article


def _check(values: dict[str, Any], *, at: datetime) -> dict[str, Any]:
    """The values as they are stored; titles and words are one line."""
    kind = values["kind"]
    if kind not in ArticleKind.values:
        raise InvalidInput("kind", _("Choose one."))
    found: dict[str, Any] = {"kind": ArticleKind(kind)}
    for name, limit in _LIMITS.items():
        found[name] = " ".join(check_text(name, values.get(name) or "", limit=limit).split())
    found["body"] = check_text("body", values["body"].replace("\r\n", "\n"), limit=MAX_BODY).strip()
    for name in ("title", "body"):
        if not found[name]:
            raise InvalidInput(name, _("Fill this in."))
    found["category"] = values.get("category")
    found["owner"] = values["owner"]
    if not (found["owner"].is_active and found["owner"].has_perm(EDIT)):
        raise InvalidInput("owner", _("Choose somebody who may write articles."))
    found["valid_until"] = _check_day(values["valid_until"], at=at)
    found["review_months"] = values.get("review_months") or 12
    if not 1 <= found["review_months"] <= 60:
        raise InvalidInput("review_months", _("Give a whole number from %(least)s to %(most)s."), least=1, most=60)
    found["is_public"] = bool(values.get("is_public"))
    found["needs_receipt"] = bool(values.get("needs_receipt"))
    found["broadcast_until"] = values.get("broadcast_until")
    if found["is_public"] and kind not in PUBLIC_KINDS:
        raise InvalidInput("is_public", _("Only common questions and tips are shown to the public."))
    if found["broadcast_until"] and kind != ArticleKind.KNOWN_ISSUE:
        raise InvalidInput("broadcast_until", _("Only known issues are shown to all clerks."))
    return found


def _check_day(day: date, *, at: datetime) -> date:
    if day < timezone.localdate(at):
        raise InvalidInput("valid_until", _("This date is in the past."))
    return day


def _check_not_widened(article: Article, found: dict[str, Any]) -> None:
    """One person alone shows nothing to more people than it was approved for."""
    message = _("Take the article back into draft first: this needs a second person.")
    if found["kind"] != article.kind:
        raise InvalidInput("kind", message)
    if found["is_public"] and not article.is_public:
        raise InvalidInput("is_public", message)
    until, before = found["broadcast_until"], article.broadcast_until
    if until and (before is None or until > before):
        raise InvalidInput("broadcast_until", message)


def _check_typical(kind: str, title: str, body: str, case_numbers: str, *, by: User) -> None:
    """A typical case names nobody: no telephone or identity number, no name of who complained (KB-13).

    Raises InvalidInput naming `case_numbers`, `title` or `body`.
    """
    if kind != ArticleKind.TYPICAL_CASE:
        return
    numbers = split_numbers(case_numbers)
    if not numbers:
        raise InvalidInput(
            "case_numbers", _("Give the numbers of the cases it was made from, so that their names can be looked for.")
        )
    cases = Complaint.objects.visible_to(by).filter(number__in=numbers[:MAX_RELATED])
    found = {
        case.number: case for case in cases.select_related("complainant").prefetch_related("complainant__contacts")
    }
    for number in numbers:
        if number not in found:
            raise InvalidInput("case_numbers", _("There is no case %(number)s."), number=number)
    for name, text in (("title", title), ("body", body)):
        plain = unicodedata.normalize("NFKC", text)
        spellings = (plain, _BETWEEN_DIGITS.sub("", plain))
        if any(identity.scrub(spelling, None) != spelling for spelling in spellings):
            raise InvalidInput(name, _("There is a telephone or identity number in it; take it out."))
        for case in found.values():
            if any(identity.scrub(spelling, case.complainant) != spelling for spelling in spellings):
                raise InvalidInput(
                    name, _("It still holds the name or a contact of who complained in %(number)s."), number=case.number
                )


def split_numbers(text: str) -> list[str]:
    """Numbers of cases or articles written one after the other, each once."""
    return list(dict.fromkeys(part.upper() for part in _ONE_BY_ONE.split(text.strip()) if part))


def _related(text: str, *, without: int = 0) -> list[Article]:
    numbers = split_numbers(check_text("related", text, limit=600))
    if len(numbers) > MAX_RELATED:
        raise InvalidInput("related", _("At most %(most)s articles."), most=MAX_RELATED)
    found = {row.number: row for row in Article.objects.filter(number__in=numbers).exclude(pk=without)}
    for number in numbers:
        if number not in found:
            raise InvalidInput("related", _("There is no article %(number)s."), number=number)
    return list(found.values())


# --- Deciding ---------------------------------------------------------------------------------------
@transaction.atomic
def publish(article_id: int, *, version: int, by: User, at: datetime | None = None) -> Article:
    """Put a draft, or the new text of an article in use, into use as it was read (KB-02, INC-18).

    Raises NotAllowed for whoever wrote it or changed it last, InvalidInput when its validity is over,
    StaleVersion, IllegalTransition when nothing waits.
    """
    at = at or timezone.now()
    article = _begin(article_id, ArticleState.DRAFT, ArticleState.PUBLISHED, by=by, version=version)
    newest = newest_revision(article)
    if article.state == ArticleState.PUBLISHED and newest.revision == article.revision:
        raise IllegalTransition(_("Nothing waits to be approved."))
    authors = {newest.by_id} | ({article.changed_by_id} if article.state == ArticleState.DRAFT else set())
    if by.pk in authors:
        raise NotAllowed(_("You wrote this yourself; somebody else has to approve it."))
    _check_day(article.valid_until, at=at)
    article.title, article.body, article.revision = newest.title, newest.body, newest.revision
    article.state, article.published_by, article.published_at = ArticleState.PUBLISHED, by, at
    _changed(article)
    _ask_receipts(article)
    return article


@transaction.atomic
def retire(article_id: int, *, version: int, by: User, at: datetime | None = None) -> Article:
    """Take it out of use; editors can still read it. Raises NotAllowed, StaleVersion, IllegalTransition."""
    article = _begin(article_id, ArticleState.DRAFT, ArticleState.PUBLISHED, by=by, version=version)
    article.state = ArticleState.RETIRED
    _changed(article, by=by, at=at or timezone.now())
    return article


@transaction.atomic
def take_back(article_id: int, *, version: int, by: User, at: datetime | None = None) -> Article:
    """Make a draft of it again; nobody but editors reads it until another person approves it.

    Raises NotAllowed, StaleVersion, IllegalTransition for a draft.
    """
    article = _begin(article_id, ArticleState.PUBLISHED, ArticleState.RETIRED, by=by, version=version)
    newest = newest_revision(article)
    article.title, article.body, article.revision = newest.title, newest.body, newest.revision
    article.state = ArticleState.DRAFT
    _changed(article, by=by, at=at or timezone.now())
    return article


@transaction.atomic
def confirm(article_id: int, *, version: int, valid_until: date, by: User, at: datetime | None = None) -> Article:
    """It was looked at and still holds: a new end of validity, a new review cycle, the same text (KB-02).

    Raises NotAllowed, InvalidInput naming `valid_until`, StaleVersion, IllegalTransition unless it is in use.
    """
    at = at or timezone.now()
    article = _begin(article_id, ArticleState.PUBLISHED, by=by, version=version)
    article.valid_until = _check_day(valid_until, at=at)
    _changed(article, by=by, at=at)
    return article


@transaction.atomic
def confirm_read(article_id: int, *, revision: int, by: User, at: datetime | None = None) -> ArticleReceipt:
    """Somebody says they have read this revision; a second time changes nothing (KB-12).

    Raises IllegalTransition when no receipt is asked for, StaleVersion when the text is a newer one.
    """
    article = Article.objects.select_for_update().get(pk=article_id)
    if article.state != ArticleState.PUBLISHED or not asks_receipt(article):
        raise IllegalTransition(_("Nobody has to confirm this article."))
    if article.revision != revision:
        raise StaleVersion(article.revision)
    receipt, _created = ArticleReceipt.objects.get_or_create(
        article=article, revision=revision, user=by, defaults={"at": at or timezone.now()}
    )
    return receipt


def _ask_receipts(article: Article) -> None:
    """Tell everybody who has yet to confirm the text in use, once for each text (KB-12)."""
    if article.state == ArticleState.PUBLISHED and article.needs_receipt:
        notify.tell(
            not_read_by(article),
            "article_to_read",
            dedupe=f"article_to_read:{article.pk}:{article.revision}",
            url=f"/desk/knowledge/{article.number}/",
            by_email=False,
            article=article.number,
        )


def asks_receipt(article: Article) -> bool:
    """Whether readers can confirm it: where everybody has to, for typical cases, which warn, and for known issues,
    which leave the workbench then (KB-12, KB-13, INC-18)."""
    return article.needs_receipt or article.kind in (ArticleKind.TYPICAL_CASE, ArticleKind.KNOWN_ISSUE)


def _begin(article_id: int, *states: ArticleState, by: User, version: int) -> Article:
    article = Article.objects.select_for_update().get(pk=article_id)
    _may_edit(by)
    if article.version != version:
        raise StaleVersion(article.version)
    if article.state not in states:
        raise IllegalTransition(_("This is not possible now: %(state)s."), state=article.get_state_display())
    return article


def _changed(article: Article, *, by: User | None = None, at: datetime | None = None) -> None:
    """Store it at its next version; where somebody changed or confirmed it, the review cycle begins anew."""
    article.version += 1
    article.reminded_on = None
    if by is not None and at is not None:
        article.changed_by, article.changed_at = by, at
    article.save()
    transaction.on_commit(forget)


def _may_edit(by: User) -> None:
    if not by.has_perm(EDIT):
        raise NotAllowed(_("Your role does not allow this."))


# --- Reading ----------------------------------------------------------------------------------------
def visible_to(user: User) -> QuerySet[Article]:
    """Every article for editors, those in use for everybody else (KB-01)."""
    rows = Article.objects.all()
    return rows if user.has_perm(EDIT) else rows.filter(state=ArticleState.PUBLISHED)


def newest_revision(article: Article) -> ArticleRevision:
    """The last text written, which in an article in use may wait to be approved."""
    return article.revisions.order_by("-revision")[:1].get()


def waiting(rows: QuerySet[Article]) -> QuerySet[Article]:
    """Those of the rows that another person has to approve: drafts, and articles in use with a new text."""
    newer = ArticleRevision.objects.filter(article=OuterRef("pk"), revision__gt=OuterRef("revision"))
    return rows.filter(Q(state=ArticleState.DRAFT) | Q(Exists(newer), state=ArticleState.PUBLISHED))


def to_read(user: User) -> QuerySet[Article]:
    """Articles in use that this person has yet to confirm (KB-12)."""
    own = ArticleReceipt.objects.filter(article=OuterRef("pk"), revision=OuterRef("revision"), user=user)
    return Article.objects.filter(~Exists(own), state=ArticleState.PUBLISHED, needs_receipt=True)


def not_read_by(article: Article) -> QuerySet[User]:
    """Who has not yet confirmed the text in use, of everybody who works at the desk (KB-12)."""
    done = ArticleReceipt.objects.filter(article=article, revision=article.revision).values("user")
    return notify.holders_of(READ).exclude(pk__in=done)


def matching_words(rows: QuerySet[Article], text: str) -> QuerySet[Article]:
    """The rows that hold every word of `text` in title, words or body, Chinese words of two characters included.

    It reads every row it is given, which is quick up to a few thousand articles.
    """
    for word in text.split()[:8]:
        rows = rows.filter(Q(title__icontains=word) | Q(words__icontains=word) | Q(body__icontains=word))
    return rows


def in_category(rows: QuerySet[Article], category: Category) -> QuerySet[Article]:
    """The rows of a category and of those below it."""
    return rows.filter(Q(category=category) | Q(category__parent=category) | Q(category__parent__parent=category))


def neighbours(article: Article, user: User, *, most: int = 10) -> list[Article]:
    """Articles tied to this one: those named in it first, then of the same product or category (KB-03)."""
    rows = visible_to(user).exclude(pk=article.pk).exclude(state=ArticleState.RETIRED)
    named = list(rows.filter(related=article)[:most])
    same = Q(pk__in=[])
    if article.category_id:
        same |= Q(category=article.category_id)
    if article.product:
        same |= Q(product=article.product)
    others = rows.filter(same, state=ArticleState.PUBLISHED).exclude(pk__in=[row.pk for row in named])
    return named + list(others[: most - len(named)])


# --- Out of date ------------------------------------------------------------------------------------
def months_before(day: date, months: int) -> date:
    """The same day so many months earlier, or the last of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def is_due(article: Article, *, today: date) -> bool:
    """Whether the validity is over or the review cycle has passed (KB-02)."""
    return article.state == ArticleState.PUBLISHED and (
        article.valid_until < today
        or timezone.localdate(article.changed_at) <= months_before(today, article.review_months)
    )


def soon(today: date) -> date:
    """Until which day a validity that ends is told of before: two weeks ahead, unless the office says otherwise."""
    return today + timedelta(days=office_terms.of("article_soon"))


def ends_soon(article: Article, *, today: date, until: date) -> bool:
    """Whether the validity ends until a day, as `soon` gives it."""
    return article.state == ArticleState.PUBLISHED and today <= article.valid_until <= until


def stale(*, today: date, until: date | None = None) -> QuerySet[Article]:
    """Articles in use whose validity is over or ends soon, or whose review is due. One query more."""
    in_use = Article.objects.filter(state=ArticleState.PUBLISHED)
    found = Q(valid_until__lte=until or soon(today))
    for months in in_use.order_by().values_list("review_months", flat=True).distinct():
        found |= Q(review_months=months, changed_at__lt=_end_of(months_before(today, months)))
    return in_use.filter(found)


def _end_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day + timedelta(days=1), datetime.min.time()))


def remind_stale(*, now: datetime | None = None) -> dict[str, int]:
    """Tell owner and editors of every article that is out of date or soon will be, usually once a week at most (KB-02).

    Safe to run twice or beside itself: each article is claimed by a conditional update. Returns how many.
    """
    now = now or timezone.now()
    today = timezone.localdate(now)
    not_told = Q(reminded_on=None) | Q(reminded_on__lte=today - timedelta(days=office_terms.of("article_again")))
    editors = list(notify.holders_of(EDIT))
    count = 0
    for article in stale(today=today).filter(not_told).select_related("owner").order_by("pk"):
        with transaction.atomic():
            if not Article.objects.filter(not_told, pk=article.pk).update(reminded_on=today):
                continue
            notify.tell(
                [article.owner, *editors],
                "article_stale",
                dedupe=f"article:{article.pk}:{today}",
                url=f"/desk/knowledge/{article.number}/",
                article=article.number,
            )
            count += 1
    return {"articles": count}


# --- Known issues and public questions ----------------------------------------------------------------
@dataclass(frozen=True)
class Issue:
    """A known issue with its approved answer; `revision` is the text that is shown."""

    pk: int
    revision: int
    number: str
    title: str
    body: str
    until: datetime


@dataclass(frozen=True)
class PublicArticle:
    """A common question with its answer, or a tip, as everybody may read it. Articles are written in Chinese."""

    number: str
    kind: str
    title: str
    body: str
    words: str
    category: str
    category_en: str
    valid_until: date
    published_at: datetime | None


def known_issues(*, now: datetime | None = None) -> list[Issue]:
    """What every clerk should know now, the newest first (INC-18). One query a minute."""
    now = now or timezone.now()
    found: list[Issue] | None = caches["local"].get(_ISSUES_KEY)
    if found is None:
        rows = Article.objects.filter(
            state=ArticleState.PUBLISHED, kind=ArticleKind.KNOWN_ISSUE, broadcast_until__gt=now
        ).order_by("-published_at", "-pk")
        found = [
            Issue(row.pk, row.revision, row.number, row.title, row.body, row.broadcast_until)
            for row in rows[:SHOWN_ISSUES]
            if row.broadcast_until is not None
        ]
        caches["local"].set(_ISSUES_KEY, found, CACHE_SECONDS)
    return [issue for issue in found if issue.until > now]


def issues_to_read(user: User, *, now: datetime | None = None) -> list[Issue]:
    """Known issues whose present text this person has not confirmed: they stand on the workbench (KB-11, INC-18).

    One query more while there are any.
    """
    issues = known_issues(now=now)
    if not issues:
        return []
    read = set(
        ArticleReceipt.objects.filter(user=user, article__in=[issue.pk for issue in issues]).values_list(
            "article", "revision"
        )
    )
    return [issue for issue in issues if (issue.pk, issue.revision) not in read]


def public_articles(*, today: date | None = None) -> list[PublicArticle]:
    """What is shown to the public, by category and then oldest first (KB-06, KB-07). One query a minute."""
    today = today or timezone.localdate()
    found: list[PublicArticle] | None = caches["local"].get(_FAQ_KEY)
    if found is None:
        rows = Article.objects.filter(state=ArticleState.PUBLISHED, kind__in=PUBLIC_KINDS, is_public=True).order_by(
            F("category__order").asc(nulls_first=True), "category", "published_at", "pk"
        )
        fields = (
            "number", "kind", "title", "body", "words", "category__name", "category__name_en", "valid_until",
            "published_at",
        )  # fmt: skip
        found = [
            PublicArticle(number, kind, title, body, words, name or "", name_en or name or "", until, since)
            for number, kind, title, body, words, name, name_en, until, since in rows.values_list(*fields)
        ]
        caches["local"].set(_FAQ_KEY, found, CACHE_SECONDS)
    return [row for row in found if row.valid_until >= today]


def public_questions(*, today: date | None = None) -> list[PublicArticle]:
    """The common questions shown to the public (KB-06)."""
    return [row for row in public_articles(today=today) if row.kind == ArticleKind.FAQ]


def public_education(*, today: date | None = None) -> list[PublicArticle]:
    """Tips, common problems and policies shown to the public (KB-07)."""
    return [row for row in public_articles(today=today) if row.kind == ArticleKind.EDUCATION]


def forget() -> None:
    """Read known issues and public articles anew in this process; others follow within a minute."""
    caches["local"].delete_many([_ISSUES_KEY, _FAQ_KEY])


def editors() -> QuerySet[User]:
    """Who may own an article."""
    return notify.holders_of(EDIT)


def numbers_of(rows: Iterable[Article]) -> str:
    """Numbers as the form shows and takes them."""
    return " ".join(row.number for row in rows)

"""What the public site shows, read from the tables of what is public and nothing else (PUB-40, PR-04)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.cache import caches
from django.db.models import Count, Max, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce, TruncMonth
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts import departments
from complaints import keyset, search
from publication import charts
from publication.models import PublishedResult, ResultDay
from publication.querysets import PublishedResultQuerySet

PAGE_SIZE = 20
MAX_WORDS = 60
MAX_CHOICES = 20
NUMBER = re.compile(r"GS-\d{6}-\d{4,8}", re.ASCII)
_CODE = re.compile(r"[\w.-]{1,60}")
_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])", re.ASCII)
_PUBLIC_ID = re.compile(r"[0-9a-f]{16}")
_NEWEST = keyset.Order(segments=(keyset.Segment(Q(), "published_at", descending=True),), whole=("-published_at", "-pk"))
_DONE = ("done", "verified")


# --- When a page changed ------------------------------------------------------------------------


@dataclass(frozen=True)
class Stamp:
    """The state a page was made from: `tag` changes with every byte, `changed` is when it last did."""

    tag: str
    changed: datetime


@lru_cache(maxsize=1)
def release() -> str:
    """A short hash of templates, translations and style sheets: a new release is a new page."""
    digest = hashlib.sha256(getattr(staticfiles_storage, "manifest_hash", "").encode())
    for folder, pattern in (("templates", "**/*"), ("locale", "**/*.mo"), ("config", "organisation.json")):
        for path in sorted(Path(settings.BASE_DIR, folder).glob(pattern)):
            if path.is_file():
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _stamp(at: datetime, *parts: object) -> Stamp:
    """Pages say what is late and count a year, so each day is a new state too."""
    today = timezone.localdate(at)
    moments = [part for part in parts if isinstance(part, datetime)]
    text = "|".join(map(str, (release(), today, *parts)))
    return Stamp(hashlib.sha256(text.encode()).hexdigest()[:24], max([start_of(today), *moments]))


def stamp_of_all(*, at: datetime) -> Stamp:
    """The state of everything that is published, in one query on one index. A term that ends is a change as well.

    The count tells a row that was stored late with an earlier moment than what was read before.
    """
    seen = PublishedResult.objects.filter(published_at__lte=at)
    state = seen.aggregate(
        changed=Max("updated_at"),
        ended=Max("published_until", filter=Q(published_until__lte=at)),
        served=Count("updated_at", filter=Q(withdrawn_at=None) & (Q(published_until=None) | Q(published_until__gt=at))),
    )
    return _stamp(at, state["changed"], state["ended"], state["served"])


def stamp_of(result: PublishedResult, *, at: datetime) -> Stamp:
    """The state of one result, with the answers that `with_votes` found. Votes move the tag, not the date: whoever
    goes by the date alone reads the new numbers the next day at the latest."""
    return _stamp(at, result.content_hash, result.updated_at, *votes_of(result))


def start_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


# --- Helpful or not (PUB-34) ----------------------------------------------------------------------


def with_votes(rows: PublishedResultQuerySet) -> PublishedResultQuerySet:
    """The rows with how many found them helpful and how many did not, in the same query."""
    days = ResultDay.objects.filter(result=OuterRef("pk")).order_by().values("result")
    names = ("helpful", "unhelpful")
    return rows.annotate(
        **{f"n_{name}": Coalesce(Subquery(days.annotate(n=Sum(name)).values("n")), 0) for name in names}
    )


def votes_of(result: PublishedResult) -> tuple[int, int]:
    """How many found it helpful and how many did not; (0, 0) for a row that did not come from `with_votes`."""
    return getattr(result, "n_helpful", 0), getattr(result, "n_unhelpful", 0)


# --- One result ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Block:
    """A paragraph (one line), a list or a chart of a plain text."""

    lines: tuple[str, ...]
    is_list: bool
    chart: charts.Chart | None = None


def blocks(text: str) -> list[Block]:
    """Plain text as paragraphs; lines that begin with a dash or a dot are a list."""
    found: list[Block] = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        item = re.match(r"[-–—•·●]\s*(?=\S)", line)
        if item is None:
            found.append(Block((line,), False, charts.parse(line)))
        elif found and found[-1].is_list:
            found[-1] = replace(found[-1], lines=(*found[-1].lines, line[item.end() :]))
        else:
            found.append(Block((line[item.end() :],), True))
    return found


@dataclass(frozen=True)
class PlanItem:
    """One improvement: what, who by department and post, by when, how far (PUB-08, PUB-37)."""

    what: str
    department: str
    post: str
    due_on: date
    done_on: date | None
    percent: int
    note: str
    state: str  # "done", "late", "now" or "" (not begun)
    verified_on: date | None = None


@dataclass(frozen=True)
class Effect:
    """Complaints a month in the category, before and after, over `months` months each up to `until` (PUB-36).

    `chart` is None, and `after` empty, where too few came after for a figure.
    """

    until: date
    months: int
    before: str
    after: str
    bars: charts.Months | None = None

    @property
    def chart(self) -> charts.Chart | None:
        if not self.after:
            return None
        return charts.Chart("", self.before, self.after, _("a month"), (_("Before"), _("After")))


def effect(result: PublishedResult) -> Effect | None:
    """What the publisher last took onto the page; None while there is nothing to say.

    Nor is anything said of months that are not those of the calendar: see `effects.of_public` (PR-15).
    """
    kept = result.effect
    if not kept or date.fromisoformat(kept["until"]).day != 1:
        return None
    months = [(date.fromisoformat(row["start"]), row["count"], row["after"]) for row in kept.get("bars", ())]
    bars = charts.Months.of(months) if months else None
    return Effect(date.fromisoformat(kept["until"]), kept["months"], kept["before"], kept["after"], bars)


def plan(result: PublishedResult, *, at: datetime) -> list[PlanItem]:
    return [_plan_item(row, today=timezone.localdate(at)) for row in result.improvements]


def _plan_item(row: dict[str, Any], *, today: date) -> PlanItem:
    due_on = date.fromisoformat(row["due_on"])
    done_on = date.fromisoformat(row["done_on"]) if row["done_on"] else None
    if row["state"] in _DONE:
        state = "done"
    elif due_on < today:
        state = "late"
    else:
        state = "now" if row["percent"] else ""
    # What was posted before this was told does not have it.
    verified = row.get("verified_on", "")
    return PlanItem(
        row["what"],
        row["department"],
        row["post"],
        due_on,
        done_on,
        row["percent"] or 0,
        row["note"],
        state,
        date.fromisoformat(verified) if verified else None,
    )


@dataclass(frozen=True)
class Row:
    """A result in the list, with how many of its improvements are done."""

    result: PublishedResult
    total: int
    done: int

    @property
    def cause(self) -> str:
        """What was reported, or nothing where the title says the same."""
        return "" if _said(self.result.cause) == _said(self.result.title) else self.result.cause


def _said(text: str) -> str:
    return text.strip().rstrip("。.！!？?")


def rows(found: list[PublishedResult]) -> list[Row]:
    return [Row(result, len(result.improvements), done_of(result.improvements)) for result in found]


def done_of(improvements: list[dict[str, Any]]) -> int:
    return sum(row["state"] in _DONE for row in improvements)


def category_label(result: PublishedResult) -> str:
    return in_language(result.category, result.category_en)


def in_language(name: str, name_en: str) -> str:
    return name_en if name_en and get_language() == "en" else name


def gone_reason(found: PublishedResult, *, at: datetime) -> str:
    """Why a result is no longer shown; '' while it is. Never says why it was taken down."""
    if found.withdrawn_at:
        return _("It was taken down and is no longer shown. Search engines were told to remove it.")
    if found.published_until and found.published_until <= at:
        ended = timezone.localdate(found.published_until)
        return _("Its term ended on %(date)s. It is no longer shown here.") % {"date": ended.isoformat()}
    return ""


# --- The list -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Filters:
    """What a reader asked for; values that cannot be are left out."""

    words: str = ""
    category: tuple[str, ...] = ()
    department: tuple[str, ...] = ()
    month: str = ""

    @classmethod
    def parse(cls, data: QueryDict) -> Filters:
        def codes(name: str) -> tuple[str, ...]:
            return tuple(dict.fromkeys(filter(_CODE.fullmatch, data.getlist(name)[:MAX_CHOICES])))

        month = data.get("month", "")
        return cls(
            words=data.get("q", "").replace("\x00", "").strip()[:MAX_WORDS],
            category=codes("category"),
            department=codes("department"),
            month=month if _MONTH.fullmatch(month) else "",
        )

    def parameters(self) -> list[tuple[str, str]]:
        """The same filters as parameters of an address."""
        pairs = [("q", self.words), *(("category", code) for code in self.category)]
        pairs += [*(("department", code) for code in self.department), ("month", self.month)]
        return [(name, value) for name, value in pairs if value]


def narrowed(filters: Filters, *, at: datetime, without: str = "") -> PublishedResultQuerySet:
    """The served results that fit; `without` leaves one filter out, for its own counts."""
    found = PublishedResult.objects.served(at=at)
    if filters.words:
        found = search.search(found, filters.words, relation="search", table="publication_publishedsearch")
    if filters.category and without != "category":
        found = found.filter(category_code__in=filters.category)
    if filters.department and without != "department":
        found = found.filter(department_code__in=filters.department)
    if filters.month and without != "month":
        year, month = map(int, filters.month.split("-"))
        following = date(year + month // 12, month % 12 + 1, 1)
        found = found.filter(published_at__gte=start_of(date(year, month, 1)), published_at__lt=start_of(following))
    return found


@dataclass(frozen=True)
class Page:
    """Rows with the public ids that the pages before and after start from ('' where there is none)."""

    rows: list[PublishedResult]
    before: str
    after: str


def page(filters: Filters, *, at: datetime, after: str = "", before: str = "", size: int = PAGE_SIZE) -> Page:
    """A page of the newest results. Positions are public ids, never row numbers (PR-07)."""
    start, end = _position(after), _position(before)
    found = keyset.page(narrowed(filters, at=at), _NEWEST, size=size, after=start, before=end)
    return Page(
        found.rows,
        before=found.rows[0].public_id if found.before else "",
        after=found.rows[-1].public_id if found.after else "",
    )


def newer_than(result: PublishedResult, filters: Filters, *, at: datetime) -> int:
    """How many results of the list stand before this one."""
    newer = Q(published_at__gt=result.published_at) | Q(published_at=result.published_at, pk__gt=result.pk)
    return narrowed(filters, at=at).filter(newer).count()


def _position(public_id: str) -> str:
    if not _PUBLIC_ID.fullmatch(public_id):
        return ""
    row = PublishedResult.objects.filter(public_id=public_id).values_list("published_at", "pk").first()
    return str(keyset.Position(0, *row)) if row else ""


@dataclass(frozen=True)
class Option:
    """A value of a filter and how many results it has beside the other filters."""

    value: str
    label: str
    count: int
    chosen: bool
    is_chinese: bool = False  # in whatever language the page is


@dataclass(frozen=True)
class Numbers:
    """How many results fit, and each filter with its counts (PUB-40)."""

    total: int
    options: dict[str, list[Option]]


def numbers(filters: Filters, stamp: Stamp, *, at: datetime) -> Numbers:
    """The numbers beside the list, in four queries. Those of the whole list are counted once per state of the table."""
    key = f"result-numbers:{stamp.tag}:{get_language()}"
    whole = filters == Filters()
    stored = caches["local"].get(key) if whole else None
    if stored is None:
        stored = Numbers(narrowed(filters, at=at).count(), options(filters, at=at))
        if whole:
            caches["local"].set(key, stored, 3600)
    return stored


def options(filters: Filters, *, at: datetime) -> dict[str, list[Option]]:
    """The filters with their counts, in three queries (PUB-40)."""
    return {
        "category": _coded("category", filters, at=at),
        "department": _coded("department", filters, at=at),
        "month": _months(filters, at=at),
    }


def _coded(name: str, filters: Filters, *, at: datetime) -> list[Option]:
    code, english = f"{name}_code", ["category_en"] if name == "category" else []
    chosen = getattr(filters, name)
    counted = (
        narrowed(filters, at=at, without=name).exclude(**{code: ""}).values_list(code, name, *english).order_by(code)
    )
    labels: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for value, label, *rest in counted.annotate(n=Count("pk")):
        labels[value] = in_language(label, rest[0] if english else "")
        numbers[value] = numbers.get(value, 0) + rest[-1]
    missing = [value for value in chosen if value not in labels]
    if missing:  # chosen, but nothing fits beside the other filters
        others = PublishedResult.objects.served(at=at).filter(**{f"{code}__in": missing})
        for value, label, *rest in others.values_list(code, name, *english).order_by(code).distinct():
            labels[value], numbers[value] = in_language(label, rest[0] if rest else ""), 0
    found = [_option(name, value, label, numbers[value], value in chosen) for value, label in labels.items()]
    return sorted(found, key=lambda option: (-option.count, option.value))


def _option(name: str, value: str, label: str, count: int, chosen: bool) -> Option:
    if name != "department":
        return Option(value, label, count, chosen)
    shown = departments.shown(label)
    return Option(value, shown, count, chosen, is_chinese=shown == label)


def _months(filters: Filters, *, at: datetime) -> list[Option]:
    counted = narrowed(filters, at=at, without="month").annotate(start=TruncMonth("published_at")).values_list("start")
    found = {
        f"{timezone.localtime(start):%Y-%m}": count
        for start, count in counted.annotate(n=Count("pk")).order_by("-start")
    }
    if filters.month:
        found.setdefault(filters.month, 0)
    return [Option(value, value, found[value], value == filters.month) for value in sorted(found, reverse=True)]


# --- Figures ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figures:
    """The figures above the list, for the current calendar year.

    `published`: results published, those taken down left out. `departments`: departments they name.
    `improvements`: measures in them; `done` of these are finished; `on_time` is the share of the
    finished ones that were finished on or before their date (None when nothing is finished).
    """

    published: int
    departments: int
    improvements: int
    done: int
    on_time: float | None

    @property
    def running(self) -> int:
        return self.improvements - self.done


def figures(stamp: Stamp, *, at: datetime) -> Figures:
    """Counted once per state of the table."""
    stored = caches["local"].get(f"result-figures:{stamp.tag}")
    if stored is None:
        stored = _count(at)
        caches["local"].set(f"result-figures:{stamp.tag}", stored, 3600)
    return stored


def _count(at: datetime) -> Figures:
    year = timezone.localdate(at).year
    found = PublishedResult.objects.filter(
        withdrawn_at=None, published_at__gte=start_of(date(year, 1, 1)), published_at__lte=at
    )
    published, departments, total, done, punctual = 0, set(), 0, 0, 0
    for code, improvements in found.values_list("department_code", "improvements").order_by().iterator(chunk_size=500):
        published += 1
        departments.add(code)
        total += len(improvements)
        done += done_of(improvements)
        punctual += sum(
            row["state"] in _DONE and bool(row["done_on"]) and row["done_on"] <= row["due_on"] for row in improvements
        )
    return Figures(published, len(departments - {""}), total, done, punctual / done if done else None)


# --- Addresses ----------------------------------------------------------------------------------


def absolute(path: str) -> str:
    """A full address. A request's Host header is not to be believed in a cached page, so the settings name the host."""
    return settings.PUBLIC_BASE_URL.rstrip("/") + path


def path_of(public_id: str) -> str:
    """The address of a result (contract, Web); also where this process does not serve the public site."""
    return f"/results/{public_id}/"


def recently(at: datetime, moment: datetime) -> bool:
    """Whether a change is so fresh that a whole second cannot tell it from the next one."""
    return at - moment < timedelta(seconds=2)

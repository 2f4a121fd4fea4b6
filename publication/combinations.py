"""Words that tell who somebody is only together: age or occupation with place, date and a rare matter (PUB-19).

Each such word becomes a place to be decided like any redaction: write the wider word, or keep it with a reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from complaints.models import Complaint
from publication import wording
from publication.models import Publication, RedactionSpan
from publication.states import SpanDecision

TYPE = "combination"
# Fewer cases than this share what the text says: then it points at one of them.
CROWD = 5
# Posts of the office stand in the other two, and are to be named.
FIELDS = ("title", "summary", "subject", "cause", "investigation", "result")
_AGE = re.compile(r"(?P<years>\d{1,3})\s*(?:周岁|岁)(?!以[上下])")
_BORN = re.compile(r"(?P<born>(?:19|20)\d\d)\s*年(?:出生|生人)")
_OCCUPATION = re.compile("|".join(map(re.escape, wording.OCCUPATIONS)))
_PLACE = re.compile(r"[一-鿿]{2,6}?(?:新村|小区|花园|社区|家园|公寓|[一二三四五六七八九十]村|村|街道|大道|路|巷|镇)")
# The recorded place in words, and what only says where beside it: 西林坊 of 西林坊东门附近.
_RECORDED = re.compile(r"[一-鿿]{3,}")
_BESIDE = re.compile(r"(?:[东西南北]?门口?|附近|对面|旁边?|门前|楼下|内|里面)+\Z")
_DATE = re.compile(r"\d{1,2}\s*月\s*\d{1,2}\s*日")


@dataclass(frozen=True)
class Trait:
    """A word that narrows down who it is, and a wider one."""

    field: str
    start: int
    end: int
    replacement: str


@dataclass(frozen=True)
class Warning:
    """How many cases share place, date and category of the text, and the words that would point at one of them."""

    count: int
    words: list[str]


def traits(texts: Mapping[str, str]) -> Iterator[Trait]:
    """Ages, years of birth and occupations in the texts."""
    for name in FIELDS:
        text = texts.get(name, "")
        for match in _AGE.finditer(text):
            yield Trait(name, *match.span(), _wider(int(match["years"])))
        for match in _BORN.finditer(text):
            yield Trait(name, *match.span(), f"{match['born'][:3]}0 年代出生")
        for match in _OCCUPATION.finditer(text):
            yield Trait(name, *match.span(), wording.OCCUPATIONS[match.group()])


def _wider(years: int) -> str:
    if years < 18:
        return "未成年"
    return "80 岁以上" if years >= 80 else f"{years // 10 * 10} 多岁"


def sharing(publication: Publication, texts: Mapping[str, str]) -> int | None:
    """How many cases share what the texts say of place and date, and the category; at most CROWD are counted.

    None when the texts name neither place nor date: then nothing narrows it down.
    """
    whole = "\n".join(texts.get(name, "") for name in FIELDS)
    case = publication.complaint
    place, dated = _place(whole, case.place), bool(_DATE.search(whole))
    if not place and not dated:
        return None
    rows = Complaint.objects.all()
    if publication.category_id:
        rows = rows.filter(Q(category=publication.category_id) | Q(category__parent=publication.category_id))
    if place:
        rows = rows.filter(Q(place__contains=place) | Q(pk=case.pk))
    if dated:
        start, end = _month(case)
        rows = rows.filter(received_at__gte=start, received_at__lt=end)
    return len(rows.order_by().values_list("pk", flat=True)[:CROWD])


def _place(text: str, recorded: str) -> str:
    """The place the text names, as it stands in the record of the case where it does, whatever kind of place it is."""
    for run in _RECORDED.findall(recorded):
        name = _BESIDE.sub("", run)
        for start in range(len(name) - 2):
            if name[start:] in text:
                return name[start:]
    for match in _PLACE.finditer(text):
        words = match.group()
        for start in range(len(words) - 2):
            if words[start:] in recorded:
                return words[start:]
    unknown = _PLACE.search(text)
    return unknown.group()[-4:] if unknown else ""


def _month(case: Complaint) -> tuple[datetime, datetime]:
    start = timezone.localtime(case.received_at).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return start, (start + timedelta(days=32)).replace(day=1)


def _texts(publication: Publication) -> dict[str, str]:
    return {name: getattr(publication, name) for name in FIELDS}


def decisions(publication: Publication, texts: Mapping[str, str]) -> dict[tuple[str, str], RedactionSpan]:
    """What people decided on such words so far, by text and words; `texts` is what the places refer to."""
    rows = publication.spans.filter(type=TYPE).exclude(decided_by=None)
    return {(row.field, texts.get(row.field, "")[row.start : row.end]): row for row in rows}


def mark(publication: Publication, decided: Mapping[tuple[str, str], RedactionSpan]) -> None:
    """Store the words of the texts that point at somebody as places to be decided; keep what was decided."""
    publication.spans.filter(type=TYPE).delete()
    texts = _texts(publication)
    found = list(traits(texts))
    count = sharing(publication, texts) if found else None
    if count is None or count >= CROWD:
        return
    taken = [(row.field, row.start, row.end) for row in publication.spans.all()]
    for trait in found:
        if any(name == trait.field and start < trait.end and end > trait.start for name, start, end in taken):
            continue
        taken.append((trait.field, trait.start, trait.end))
        row = RedactionSpan(
            publication=publication,
            field=trait.field,
            start=trait.start,
            end=trait.end,
            type=TYPE,
            source=TYPE,
            confidence=1 - count / (2 * CROWD),
            replacement=trait.replacement,
        )
        earlier = decided.get((trait.field, texts[trait.field][trait.start : trait.end]))
        if earlier:
            row.decision, row.reason = earlier.decision, earlier.reason
            row.decided_by, row.decided_at = earlier.decided_by, earlier.decided_at
        row.save()


def warning(publication: Publication) -> Warning | None:
    """What is still open or was kept, with the count of today; None where nothing points at anybody."""
    texts = _texts(publication)
    rows = [row for row in publication.spans.all() if row.type == TYPE and row.decision != SpanDecision.ACCEPTED]
    count = sharing(publication, texts) if rows else None
    if count is None or count >= CROWD:
        return None
    return Warning(count, list(dict.fromkeys(texts[row.field][row.start : row.end] for row in rows)))

"""Questions answered without a person: from the public articles, by an assistant, by the look-up (KB-08, SLA-16).

Nothing of a question is kept. A day's counts say how many were asked and answered and how long that took; they are
no cases and stand in none of their figures.
"""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import F, Sum
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from complaints import connect, identity, knowledge, knowledge_suggestions, throttle
from complaints.knowledge import PublicArticle
from complaints.models import SelfServiceDay
from complaints.throttle import Limit

MAX_QUESTION = 300
MAX_ANSWER = 4000
SHOWN = 4
MOST_LINKS = 5
ASKED_BY_ADDRESS = Limit("asked-address", 120, throttle.HOUR)
# What may be sent to the assistant by everybody together: it costs the organisation something.
ASKED_OF_ASSISTANT = Limit("asked-assistant", 3000, throttle.HOUR)

SOURCES: dict[str, Promise | str] = {
    "faq": _("Public articles"),
    "assistant": _("Assistant"),
    "lookup": _("Orders, deliveries and repairs"),
}
_NUMBER = re.compile(r"[A-Za-z]{0,4}\d(?:[ \-–.]?\d){5,}[Xx]?")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NOT_PLAIN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class Link:
    title: str
    url: str


@dataclass
class Answer:
    """What a reader gets: articles that fit, and the assistant's words if there is one."""

    articles: list[PublicArticle] = field(default_factory=list)
    assistant: str = ""
    links: list[Link] = field(default_factory=list)
    is_assistant_silent: bool = False


# --- Answering ----------------------------------------------------------------------------------------
def answer(question: str, *, at: datetime | None = None) -> Answer:
    """Answer a question from the public articles at once, and by the assistant if one is set (KB-08).

    Numbers and addresses that may name a person are taken out before anything is sent. Never raises.
    """
    at = at or timezone.now()
    found = Answer()
    with timed("faq", at=at) as result:
        found.articles = articles_for(question)
        result.answered = bool(found.articles)
    if not settings.ASSISTANT_URL or not throttle.spend(ASKED_OF_ASSISTANT, "all", at=at):
        return found
    with timed("assistant", at=at) as result:
        try:
            said = connect.ask(settings.ASSISTANT_URL, body={"question": without_numbers(question)}, trusted=True)
        except connect.NotAnswered:
            found.is_assistant_silent = True
        else:
            found.assistant, found.links = _text(said.get("answer")), _links(said.get("links"))
            found.is_assistant_silent = not found.assistant
        result.answered = bool(found.assistant)
    return found


def articles_for(question: str) -> list[PublicArticle]:
    """The public articles that share most with the question, the best first; none when nothing fits."""
    asked = knowledge_suggestions.telling_words(question[:MAX_QUESTION])
    ranked = []
    for row in knowledge.public_articles():
        title = asked & knowledge_suggestions.telling_words(row.title, row.words)
        body = asked & knowledge_suggestions.telling_words(row.body)
        score = 3 * len(title) + len(body - title)
        # One pair of characters out of many is chance; of a question that has no more it is everything.
        if title or len(body) >= min(2, len(asked)):
            ranked.append((score, row))
    ranked = [pair for pair in ranked if pair[0]]
    ranked.sort(key=lambda pair: (-pair[0], pair[1].number))
    best = ranked[0][0] if ranked else 0
    return [row for score, row in ranked[:SHOWN] if score * 3 >= best]


def without_numbers(question: str) -> str:
    """The question without anything that looks like the number of a person, a telephone, a case or a mail address."""
    plain = unicodedata.normalize("NFKC", question)
    return identity.scrub(_NUMBER.sub("***", _MAIL.sub("***", plain)), None)


def _text(value: Any) -> str:
    return _NOT_PLAIN.sub("", value).strip()[:MAX_ANSWER] if isinstance(value, str) else ""


def _links(value: Any) -> list[Link]:
    """Links of the assistant: https, with a title; anything else is left out."""
    found = []
    for item in value[:MOST_LINKS] if isinstance(value, list) else []:
        url = item.get("url") if isinstance(item, dict) else item
        if not isinstance(url, str) or not re.fullmatch(r"https://[!-~]{1,500}", url):
            continue
        title = _text(item.get("title"))[:120] if isinstance(item, dict) else ""
        found.append(Link(title or url, url))
    return found


# --- Counting -----------------------------------------------------------------------------------------
@dataclass
class Result:
    """Set by whoever answers."""

    answered: bool = False


@contextmanager
def timed(source: str, *, at: datetime) -> Iterator[Result]:
    """Count one question of a source with the time its answer took (SLA-16)."""
    began = time.monotonic()
    result = Result()
    yield result
    count(source, answered=result.answered, milliseconds=round(1000 * (time.monotonic() - began)), at=at)


def count(source: str, *, answered: bool, milliseconds: int, at: datetime) -> None:
    """Add one question to its day. Two at the same moment both count. One query, more for the first of a day."""
    rows = SelfServiceDay.objects.filter(day=timezone.localdate(at), source=source)
    more = {
        "asked": F("asked") + 1,
        "answered": F("answered") + int(answered),
        "milliseconds": F("milliseconds") + milliseconds,
    }
    if not rows.update(**more):
        SelfServiceDay.objects.get_or_create(day=timezone.localdate(at), source=source)
        rows.update(**more)


@dataclass(frozen=True)
class Figure:
    """Sums of one source over some days. `seconds` is the mean time of an answer, None when nothing was asked."""

    source: str
    label: str
    asked: int
    answered: int
    seconds: float | None

    @property
    def share(self) -> int | None:
        """Answered out of a hundred asked."""
        return round(100 * self.answered / self.asked) if self.asked else None


def figures(*, since: date, until: date) -> list[Figure]:
    """What was asked and answered from `since` to `until`, both included, by source. One query (SLA-16)."""
    rows = SelfServiceDay.objects.filter(day__gte=since, day__lte=until).order_by().values("source")
    sums = {
        row["source"]: row
        for row in rows.annotate(asked=Sum("asked"), answered=Sum("answered"), milliseconds=Sum("milliseconds"))
    }
    empty = {"asked": 0, "answered": 0, "milliseconds": 0}
    found = []
    for source, label in SOURCES.items():
        row = sums.get(source, empty)
        mean = row["milliseconds"] / row["asked"] / 1000 if row["asked"] else None
        found.append(Figure(source, str(label), row["asked"], row["answered"], mean))
    return found


def first_of(today: date, days: int) -> date:
    """The first of so many days that end today."""
    return today - timedelta(days=days - 1)

"""The article of the WeChat account: a title, a summary and clean HTML to paste into its editor (PUB-25)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone, translation

from publication import results, shortening, typeset
from publication.models import PublishedResult
from publication.posters import elements, long_day

# What the editor of an account takes, in characters.
MOST_TITLE = 64
MOST_SUMMARY = 120
CHANNEL = "wechat"


@dataclass(frozen=True)
class Article:
    """Title, summary and body; the body is HTML with styles on the elements, no script and nothing from elsewhere."""

    title: str
    summary: str
    html: str


def _counted(address: str, channel: str) -> str:
    """The address with the code of the channel, so that its readers can be counted."""
    return f"{address}?c={channel}" if address else ""


def _blocks(text: str) -> list[tuple[bool, list[str]]]:
    """Paragraphs and lists, each as (is a list, its lines)."""
    found: list[tuple[bool, list[str]]] = []
    for line, is_item in typeset.paragraphs(text):
        if is_item and found and found[-1][0]:
            found[-1][1].append(line)
        else:
            found.append((is_item, [line]))
    return found


def article(found: PublishedResult, *, at: datetime, channel: str = CHANNEL) -> Article:
    """The whole text of a result as an article, in the language the public reads."""
    with translation.override("zh-hans"):
        context = {
            "result": found,
            "start": long_day(timezone.localdate(found.published_at)),
            "elements": [(label, _blocks(text)) for label, text in elements(found)],
            "plan": [(item, long_day(item.done_on or item.due_on)) for item in results.plan(found, at=at)],
            "address": _counted(typeset.public_address(found), channel),
            "organisation": settings.ORGANISATION,
        }
        html = render_to_string("publication/wechat_article.html", context)
    summary = shortening.cut(" ".join((found.summary or found.result).split()), MOST_SUMMARY)
    return Article(shortening.cut(found.title, MOST_TITLE), summary, html)

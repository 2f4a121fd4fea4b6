"""What feed readers and search engines fetch: Atom and RSS feeds, and sitemaps.

Those of the results read the snapshots only (PR-04); official statements and incidents have their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.feedgenerator import Atom1Feed, Rss201rev2Feed, SyndicationFeed
from django.utils.html import escape
from django.utils.translation import gettext as _

from publication import incident_pages, results, statement_pages
from publication.models import PublishedResult

FEED_SIZE = 50
MAX_SITEMAP = 50_000
# XML 1.0 has no way to write these, not even as an entity.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


class _Changed:
    """Says when the results changed, not when the feed was fetched."""

    feed: dict[str, Any]

    def latest_post_date(self) -> datetime:
        return self.feed["changed"]


class _Atom(_Changed, Atom1Feed):
    pass


class _Rss(_Changed, Rss201rev2Feed):
    pass


@dataclass(frozen=True)
class Format:
    """How a feed is written. `ending` is that of the name of its address."""

    make: type[SyndicationFeed]
    content_type: str
    ending: str


ATOM = Format(_Atom, "application/atom+xml; charset=utf-8", "")
RSS = Format(_Rss, "application/rss+xml; charset=utf-8", "_rss")


def newest(form: Format, *, at: datetime, changed: datetime) -> bytes:
    """The newest results as Atom 1.0 or RSS 2.0."""
    served = PublishedResult.objects.served(at=at).order_by("-published_at", "-pk")
    return of(form, served[:FEED_SIZE], changed=changed)


def of(form: Format, found: Iterable[PublishedResult], *, changed: datetime) -> bytes:
    """These results as Atom 1.0 or RSS 2.0."""
    home = results.absolute(reverse("public:home"))
    feed = form.make(
        title=_("Results of complaints · %(name)s") % {"name": settings.ORGANISATION["site_name"]},
        link=home,
        description=_("What was found, who is responsible and what changes by when."),
        language="zh-Hans",
        author_name=settings.ORGANISATION["name"],
        feed_url=results.absolute(reverse(f"public:feed{form.ending}")),
        feed_guid=home,
        changed=changed,
    )
    for result in found:
        link = results.absolute(results.path_of(result.public_id))
        feed.add_item(
            title=printable(result.title),
            link=link,
            description=escape(printable(result.summary or result.result)),  # readers take it for HTML
            unique_id=link,
            pubdate=result.published_at,
            updateddate=result.updated_at,
            categories=[name for name in map(printable, (result.category, result.department)) if name.strip()],
        )
    return feed.writeString("utf-8").encode()


def sitemap(*, at: datetime) -> bytes:
    """The first page and every served result."""
    root = ElementTree.Element("urlset", xmlns="http://www.sitemaps.org/schemas/sitemap/0.9")
    _add(root, reverse("public:home"))
    served = PublishedResult.objects.served(at=at).order_by("-published_at", "-pk")
    for public_id, updated_at in served.values_list("public_id", "updated_at")[: MAX_SITEMAP - 1]:
        _add(root, results.path_of(public_id), timezone.localtime(updated_at))
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def statements(form: Format, *, changed: datetime) -> bytes:
    """The newest official statements as Atom 1.0 or RSS 2.0."""
    home = results.absolute(reverse("public:statements"))
    feed = form.make(
        title=_("Official statements · %(name)s") % {"name": settings.ORGANISATION["site_name"]},
        link=home,
        description=_("What happened, how it came about and what we do about it."),
        language="zh-Hans",
        author_name=settings.ORGANISATION["name"],
        feed_url=results.absolute(reverse(f"public:statement_feed{form.ending}")),
        feed_guid=home,
        changed=changed,
    )
    for found in statement_pages.posted()[:FEED_SIZE]:
        link = results.absolute(statement_pages.path_of(found.public_id))
        feed.add_item(
            title=printable(found.title),
            link=link,
            description=escape(printable(found.facts)),  # readers take it for HTML
            unique_id=link,
            pubdate=found.posted_at,
            updateddate=found.posted_at,
        )
    return feed.writeString("utf-8").encode()


def statements_sitemap() -> bytes:
    """The list and every posted statement."""
    root = ElementTree.Element("urlset", xmlns="http://www.sitemaps.org/schemas/sitemap/0.9")
    _add(root, reverse("public:statements"))
    for public_id, posted_at in statement_pages.posted().values_list("public_id", "posted_at")[: MAX_SITEMAP - 1]:
        _add(root, statement_pages.path_of(public_id), timezone.localtime(posted_at))
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def bulletins(form: Format, *, at: datetime, changed: datetime) -> bytes:
    """The newest bulletins of incidents as Atom 1.0 or RSS 2.0."""
    home = results.absolute(reverse("public:incidents"))
    feed = form.make(
        title=_("Incidents and bulletins · %(name)s") % {"name": settings.ORGANISATION["site_name"]},
        link=home,
        description=_("What is interrupted, how far we are and when it is over."),
        language="zh-Hans",
        author_name=settings.ORGANISATION["name"],
        feed_url=results.absolute(reverse(f"public:incident_feed{form.ending}")),
        feed_guid=home,
        changed=changed,
    )
    rows = incident_pages.standing().filter(released_at__gt=at - incident_pages.KEPT).order_by("-released_at", "-pk")
    for found in rows[:FEED_SIZE]:
        link = results.absolute(incident_pages.path_of(found.incident_public_id))
        feed.add_item(
            title=printable(_("%(title)s, bulletin %(number)s") % {"title": found.title, "number": found.number}),
            link=link,
            description=escape(printable(found.progress)),  # readers take it for HTML
            unique_id=f"{link}#no-{found.number}",
            pubdate=found.released_at,
            updateddate=found.released_at,
        )
    return feed.writeString("utf-8").encode()


def incidents_sitemap(*, at: datetime) -> bytes:
    """The list and every incident that is shown."""
    root = ElementTree.Element("urlset", xmlns="http://www.sitemaps.org/schemas/sitemap/0.9")
    _add(root, reverse("public:incidents"))
    rows = incident_pages.newest(at=at).order_by("-released_at", "-pk")
    for public_id, released_at in rows.values_list("incident_public_id", "released_at")[: MAX_SITEMAP - 1]:
        _add(root, incident_pages.path_of(public_id), timezone.localtime(released_at))
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def _add(root: ElementTree.Element, path: str, changed: datetime | None = None) -> None:
    url = ElementTree.SubElement(root, "url")
    ElementTree.SubElement(url, "loc").text = results.absolute(path)
    if changed:
        ElementTree.SubElement(url, "lastmod").text = changed.isoformat(timespec="seconds")


def printable(text: str) -> str:
    """The text without characters that XML cannot hold."""
    return _NOT_XML.sub("", text)

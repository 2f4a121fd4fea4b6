"""The public site: results and official statements as everybody reads them (matrix, pub_list to pub_search).

Pages set no cookie, read no session and need no script. They may be kept for a minute, so a notice
that is taken down is gone everywhere within a minute (PR-06, FI-V).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import http_date, quote_etag
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts import departments
from publication import (
    comments,
    feeds,
    gone,
    helpful,
    incident_pages,
    observations,
    open_data,
    posters,
    results,
    statement_pages,
)
from publication import open_data_schema as json_schema
from publication.models import PublishedResult
from publication.results import Filters, Stamp
from publication.states import GoneKind

MAX_AGE = 60
POSTER_SIZES = ("a4", "a3", "a4-large")


def cached(
    request: HttpRequest, stamp: Stamp, *, at: datetime, build: Callable[[], HttpResponseBase]
) -> HttpResponseBase:
    """The page, or 304 when the reader has it already; `build` runs only when it is needed."""
    etag = quote_etag(f"{stamp.tag}-{get_language()}{departments.mark()}")
    # Whole seconds cannot tell two changes within one second apart; then the tag alone decides.
    modified = None if results.recently(at, stamp.changed) else int(stamp.changed.timestamp())
    response = get_conditional_response(request, etag=etag, last_modified=modified) or build()
    response["ETag"] = etag
    if modified is not None:
        response["Last-Modified"] = http_date(modified)
    return public(response)


def public(response: HttpResponseBase) -> HttpResponseBase:
    """May be kept by anybody for a minute, and archived by nobody."""
    response["Cache-Control"] = f"public, max-age={MAX_AGE}"
    response["X-Robots-Tag"] = "noarchive"
    return response


@require_safe
def home(request: HttpRequest) -> HttpResponseBase:
    """Search, figures, filters with counts and the newest results. Everything is in the address."""
    now = timezone.now()
    filters = Filters.parse(request.GET)
    if results.NUMBER.fullmatch(filters.words.upper()):
        named = PublishedResult.objects.filter(publication_number=filters.words.upper()).order_by("-pk").first()
        if named is not None:
            return public(HttpResponseRedirect(_address("public:result", named.public_id, reading=reading_of(request))))
    results_stamp = results.stamp_of_all(at=now)
    stamp = incident_pages.beside(results_stamp, at=now)

    def build() -> HttpResponse:
        return render(request, "public/results/home.html", _home(request, filters, results_stamp, at=now))

    response = cached(request, stamp, at=now, build=build)
    if incident_pages.known(at=now):
        # The banner was remembered a while already; together it is a minute (PR-06).
        response["Cache-Control"] = f"public, max-age={MAX_AGE - incident_pages.REMEMBERED}"
    return response


def _home(request: HttpRequest, filters: Filters, stamp: Stamp, *, at: datetime) -> dict[str, Any]:
    reading = reading_of(request)
    found = results.page(filters, at=at, after=request.GET.get("after", ""), before=request.GET.get("before", ""))
    numbers = results.numbers(filters, stamp, at=at)
    options = numbers.options
    here = [*filters.parameters(), *reading.items()]
    # Beside the links to other pages; the first page needs no count for it.
    before = results.newer_than(found.rows[0], filters, at=at) if found.before else 0

    def address(**changes: str) -> str:
        return "?" + urlencode([*here, *changes.items()])

    chosen = [
        (name, option) for name in ("category", "department", "month") for option in options[name] if option.chosen
    ]
    return {
        "active": "home",
        "filters": filters,
        "figures": results.figures(stamp, at=at),
        "year": timezone.localdate(at).year,
        "options": options,
        "months": [(option, _month_label(option.value)) for option in options["month"]],
        "rows": results.rows(found.rows),
        "first": before + 1,
        "last": before + len(found.rows),
        "total": numbers.total,
        "heading": _heading(filters, [option for _name, option in chosen]),
        "chips": [(_chip_label(name, option), _without(here, name, option.value)) for name, option in chosen],
        "clear_url": "?" + urlencode(reading) if reading else reverse("public:home"),
        "previous_url": address(before=found.before) if found.before else "",
        "next_url": address(after=found.after) if found.after else "",
        "canonical": results.absolute(reverse("public:home")),
    }


def _heading(filters: Filters, chosen: list[results.Option]) -> str:
    labels = [_month_label(option.value) if option.value == filters.month else option.label for option in chosen]
    if filters.words:
        labels.insert(0, _("“%(words)s”") % {"words": filters.words})
    return _(", ").join(labels) or _("All results")


def _chip_label(name: str, option: results.Option) -> str:
    return _month_label(option.value) if name == "month" else option.label


def _month_label(value: str) -> str:
    year, month = value.split("-")
    return _("%(month)s/%(year)s") % {"year": year, "month": int(month)}


def _without(pairs: list[tuple[str, str]], name: str, value: str) -> str:
    left = [pair for pair in pairs if pair != (name, value)]
    return "?" + urlencode(left) if left else reverse("public:home")


@require_safe
def result(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """One result; 410 once it was taken down or its term is over, 404 for what never was."""
    return one(request, public_id, _article)


def _article(request: HttpRequest, found: PublishedResult, at: datetime) -> HttpResponse:
    if request.method == "GET":
        agent = request.headers.get("User-Agent", "")
        helpful.note_view(found.pk, channel=request.GET.get("c", ""), agent=agent, at=at)
    said, seen = comments.shown_with(found), observations.shown_with(found)
    context = article(found, at=at) | {
        "echo": True,
        "votes": results.votes_of(found),
        "comments": said[: comments.ON_PAGE],
        "has_more_comments": len(said) > comments.ON_PAGE,
        "reports": seen[: comments.ON_PAGE],
        "has_more_reports": len(seen) > comments.ON_PAGE,
        "corrections": found.corrections.all(),
    }
    return render(request, "public/results/detail.html", context)


@require_safe
def poster(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """The sheet for a notice board (PUB-24, PUB-33); ?size=a4, a3 or a4-large."""
    return one(request, public_id, _sheet)


def _sheet(request: HttpRequest, found: PublishedResult, at: datetime) -> HttpResponse:
    return render(request, "public/results/poster.html", sheet(found, size=request.GET.get("size", ""), at=at))


def one(
    request: HttpRequest,
    public_id: str,
    page: Callable[[HttpRequest, PublishedResult, datetime], HttpResponse],
    *,
    keep: bool = True,
) -> HttpResponseBase:
    """A page about one result that is served: 404 for what never was, 410 for what is gone.

    `keep`: caches and readers may keep it; a page with a form is made anew each time.
    """
    now = timezone.now()
    found = results.with_votes(PublishedResult.objects.filter(public_id=public_id, published_at__lte=now)).first()
    if found is None:
        raise Http404
    reason = results.gone_reason(found, at=now)
    if reason:
        return public(render(request, "410.html", {"number": found.publication_number, "reason": reason}, status=410))
    if not keep:
        return page(request, found, now)
    return cached(request, results.stamp_of(found, at=now), at=now, build=lambda: page(request, found, now))


def article(found: PublishedResult, *, at: datetime) -> dict[str, Any]:
    """The context of the page of one result; the preview of a draft uses the same."""
    path = results.path_of(found.public_id)
    labels = (_("First check"), _("Second check"), _("Masking review by legal"))
    return {
        "active": "home",
        "result": found,
        "category": results.category_label(found),
        "elements": [
            (1, _("Who complained"), results.blocks(found.subject)),
            (2, _("What was complained of"), results.blocks(found.cause)),
            (3, _("How we investigated"), results.blocks(found.investigation)),
            (4, _("Who is responsible"), results.blocks(found.responsibility)),
            (5, _("What was done about it"), results.blocks(found.result)),
            (6, _("What will change, and by when"), results.blocks(found.improvement)),
        ],
        "plan": results.plan(found, at=at),
        "effect": results.effect(found),
        "files": list(found.files.all()) if found.pk else getattr(found, "copies", []),
        "signatures": [
            (label, datetime.fromisoformat(day).date()) for label, day in zip(labels, found.signatures, strict=False)
        ],
        "canonical": results.absolute(path),
        "json_ld": _json_ld(found, results.absolute(path)),
    }


def sheet(found: PublishedResult, *, size: str, at: datetime) -> dict[str, Any]:
    """The context of a poster."""
    context = article(found, at=at)
    # The narrow column at the margin takes the short names that the PDF has.
    names = [name for name, _text in posters.elements(found)]
    blocks = [paragraphs for _number, _name, paragraphs in context["elements"]]
    return {
        **context,
        "elements": list(zip(range(1, 7), names, blocks, strict=True)),
        "size": size if size in POSTER_SIZES else POSTER_SIZES[0],
        "sizes": _sizes(),
    }


def _sizes() -> list[tuple[str, str]]:
    return list(zip(POSTER_SIZES, ("A4", _("A3 notice board"), _("A4 large print")), strict=True))


def _json_ld(found: PublishedResult, url: str) -> SafeString:
    """The page as schema.org data, safe inside a script element."""
    data = {
        "@context": "https://schema.org",
        "@type": "Report",
        "@id": url,
        "url": url,
        "identifier": found.publication_number,
        "headline": found.title,
        "abstract": found.summary or found.result,
        "about": found.category,
        "inLanguage": "zh-Hans",
        "datePublished": timezone.localtime(found.published_at).isoformat(timespec="seconds"),
        "dateModified": timezone.localtime(found.updated_at).isoformat(timespec="seconds"),
        "expires": timezone.localtime(found.published_until).isoformat(timespec="seconds")
        if found.published_until
        else None,
        "publisher": {"@type": "GovernmentOrganization", "name": settings.ORGANISATION["name"]},
    }
    text = json.dumps({key: value for key, value in data.items() if value}, ensure_ascii=False)
    # "<", ">" and "&" as escapes: nothing in a text can end the element.
    return mark_safe(text.translate({ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026"}))


def reading_of(request: HttpRequest) -> dict[str, str]:
    """Language and text size travel in the address."""
    wanted = {"lang": "en", "text": "large"}
    return {name: value for name, value in wanted.items() if request.GET.get(name) == value}


def _address(name: str, *args: str, reading: dict[str, str]) -> str:
    return reverse(name, args=args) + ("?" + urlencode(reading) if reading else "")


# --- Official statements (RISK-25) ----------------------------------------------------------------


@require_safe
def statements(request: HttpRequest) -> HttpResponseBase:
    """The official statements, newest first."""
    now = timezone.now()

    def build() -> HttpResponse:
        found = statement_pages.page(after=request.GET.get("after", ""), before=request.GET.get("before", ""))
        reading = reading_of(request)
        context = {
            "active": "statements",
            "rows": [(row, results.blocks(row.facts)[0].lines[0]) for row in found.rows],
            "previous_url": "?" + urlencode({**reading, "before": found.before}) if found.before else "",
            "next_url": "?" + urlencode({**reading, "after": found.after}) if found.after else "",
            "canonical": results.absolute(reverse("public:statements")),
        }
        return render(request, "public/statements/list.html", context)

    return cached(request, statement_pages.stamp_of_all(at=now), at=now, build=build)


@require_safe
def statement(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """One official statement; 410 once it was taken down, 404 for what never was public."""
    now = timezone.now()
    found = statement_pages.find(public_id)
    if found is None and not gone.is_known(GoneKind.STATEMENT, public_id):
        raise Http404
    if found is None or found.withdrawn_at:
        return public(render(request, "public/statements/gone.html", {"active": "statements"}, status=410))

    def build() -> HttpResponse:
        return render(request, "public/statements/detail.html", statement_pages.article(found))

    return cached(request, statement_pages.stamp_of(found, at=now), at=now, build=build)


# --- For programs -------------------------------------------------------------------------------


def for_programs(
    request: HttpRequest,
    content_type: str,
    body: Callable[[Stamp, datetime], Any],
    *,
    filename: str = "",
    stamp_of: Callable[..., Stamp] = results.stamp_of_all,
) -> HttpResponseBase:
    now = timezone.now()
    stamp = stamp_of(at=now)

    def build() -> HttpResponseBase:
        content = body(stamp, now)
        kind = HttpResponse if isinstance(content, str | bytes) else StreamingHttpResponse
        response = kind(content, content_type=content_type)
        if filename:
            response["Content-Disposition"] = f'attachment; filename="{filename}"'
        return response

    return cached(request, stamp, at=now, build=build)


@require_safe
def feed(request: HttpRequest, form: feeds.Format = feeds.ATOM) -> HttpResponseBase:
    """The newest results as an Atom or RSS feed (PUB-25)."""
    return for_programs(request, form.content_type, lambda stamp, at: feeds.newest(form, at=at, changed=stamp.changed))


def _stamp_of_data(*, at: datetime) -> Stamp:
    """That of all results and of the English names beside them."""
    stamp = results.stamp_of_all(at=at)
    return replace(stamp, tag=f"{stamp.tag}{departments.mark(in_every_language=True)}")


@require_safe
def open_data_csv(request: HttpRequest) -> HttpResponseBase:
    """All results as CSV: UTF-8 with BOM, no cell is a formula (EX-01)."""
    return for_programs(
        request,
        "text/csv; charset=utf-8",
        lambda stamp, at: open_data.csv_lines(at=at),
        filename="results.csv",
        stamp_of=_stamp_of_data,
    )


@require_safe
def open_data_json(request: HttpRequest) -> HttpResponseBase:
    """All results as JSON with a description of every field."""
    return for_programs(
        request,
        "application/json; charset=utf-8",
        lambda stamp, at: open_data.json_parts(at=at, changed=stamp.changed),
        stamp_of=_stamp_of_data,
    )


@require_safe
def open_data_schema(request: HttpRequest) -> HttpResponseBase:
    """What the JSON looks like, as JSON Schema."""
    now = timezone.now()
    stamp = Stamp(json_schema.tag(), results.start_of(timezone.localdate(now)))

    def build() -> HttpResponse:
        return HttpResponse(json_schema.text(), content_type="application/schema+json; charset=utf-8")

    return cached(request, stamp, at=now, build=build)


@require_safe
def sitemap(request: HttpRequest) -> HttpResponseBase:
    """The pages that search engines may list: what is served now."""
    return for_programs(request, "application/xml; charset=utf-8", lambda stamp, at: feeds.sitemap(at=at))


@require_safe
def statement_feed(request: HttpRequest, form: feeds.Format = feeds.ATOM) -> HttpResponseBase:
    """The newest official statements as an Atom or RSS feed."""
    return for_programs(
        request,
        form.content_type,
        lambda stamp, at: feeds.statements(form, changed=stamp.changed),
        stamp_of=statement_pages.stamp_of_all,
    )


@require_safe
def statement_sitemap(request: HttpRequest) -> HttpResponseBase:
    """The official statements that search engines may list."""
    return for_programs(
        request,
        "application/xml; charset=utf-8",
        lambda stamp, at: feeds.statements_sitemap(),
        stamp_of=statement_pages.stamp_of_all,
    )


@require_safe
def robots(request: HttpRequest) -> HttpResponseBase:
    """What crawlers may read."""
    closed = ("/desk/", "/accounts/", "/api/", "/complain/", "/track/", "/help/ask/", "/volunteers/")
    lines = [
        "User-agent: *",
        *(f"Disallow: {path}" for path in closed),
        "",
        f"Sitemap: {results.absolute(reverse('public:sitemap'))}",
        f"Sitemap: {results.absolute(reverse('public:statement_sitemap'))}",
        f"Sitemap: {results.absolute(reverse('public:incident_sitemap'))}",
        f"Sitemap: {results.absolute(reverse('public:help_sitemap'))}",
        "",
    ]
    return public(HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8"))

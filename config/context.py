"""What every page needs besides its own data: organisation, navigation, language, theme, text size.

Public pages are the same bytes for everybody, so there everything comes from the address and
nothing from cookies or the session. Staff pages read the person's cookies.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, QueryDict
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language

from config import help_pages, nav
from config.preferences import TEXT_COOKIE, THEME_COOKIE, is_staff_path


def html_lang() -> str:
    """The lang attribute of the page."""
    return "en" if get_language() == "en" else "zh-Hans"


def organisation() -> dict[str, str]:
    """Name, address, hours and telephone in the language of the page."""
    details = {key: value for key, value in settings.ORGANISATION.items() if key != "en"}
    return {**details, **settings.ORGANISATION["en"]} if html_lang() == "en" else details


def site(request: HttpRequest) -> dict[str, Any]:
    """The context processor."""
    shared = {
        "organisation": organisation(),
        "html_lang": html_lang(),
        "site_kind": settings.SITE,
        "is_training": settings.TRAINING,
    }
    return shared | (_staff(request) if is_staff_path(request.path) else _public(request))


def _staff(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    counts = nav.NavCounts(user)
    groups = nav.staff_groups if user is not None and user.is_authenticated else lambda *args: []
    return {
        "is_staff_page": True,
        "nav": SimpleLazyObject(lambda: groups(user, request.path, request.GET, counts)),
        "nav_counts": counts,
        "theme": "dark" if request.COOKIES.get(THEME_COOKIE) == "dark" else "light",
        "text_size": "large" if request.COOKIES.get(TEXT_COOKIE) == "large" else "normal",
        "links": {
            "queue": nav.lenient("complaints:queue"),
            "register": nav.lenient("complaints:register"),
            "notifications": nav.lenient("complaints:notifications"),
            "profile": nav.lenient("accounts:profile"),
            "help": SimpleLazyObject(lambda: help_pages.link_for(request.path, user)),
            "components": nav.lenient("desk:components"),
            "public_home": nav.lenient("public:home"),
            "logout": nav.lenient("account_logout"),
            "set_language": nav.lenient("config:set_language"),
            "set_theme": nav.lenient("config:set_theme"),
        },
    }


def _public(request: HttpRequest) -> dict[str, Any]:
    large = request.GET.get("text") == "large"
    return public_context(request.path, large, request.GET)


def public_context(path: str, large: bool, parameters: QueryDict) -> dict[str, Any]:
    """Navigation and the language and text-size links of a public page."""
    english = html_lang() == "en"
    kept = {name: values for name, values in parameters.lists() if name not in ("lang", "text")}
    lang = {"lang": "en"} if english else {}
    text = {"text": "large"} if large else {}
    reading = urlencode(lang | text)
    home = nav.lenient("public:home")
    return {
        "is_staff_page": False,
        "public_nav": [{**link, "url": _with(link["url"], reading)} for link in nav.public_links(path)],
        "text_size": "large" if large else "normal",
        "language_url": "?" + urlencode(kept | ({} if english else {"lang": "en"}) | text, doseq=True),
        "text_url": "?" + urlencode(kept | lang | ({} if large else {"text": "large"}), doseq=True),
        "links": {
            "home": _with(home, reading) or "/",
            "help": _with(nav.lenient("public:help"), reading),
            "feed": nav.lenient("public:feed"),
            "feed_rss": nav.lenient("public:feed_rss"),
            "complain": _with(nav.lenient("public:complain"), reading),
            "track": _with(nav.lenient("public:track"), reading),
        },
    }


def _with(url: str, query: str) -> str:
    return f"{url}?{query}" if url and query else url

"""Language, theme and text size that staff choose for themselves; each a POST that sets one cookie.

The cookies hold no personal data and last a year. Public pages never read them (config.context).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

THEME_COOKIE = "huiyin_theme"
TEXT_COOKIE = "huiyin_text"
STAFF_PATHS = ("/desk/", "/accounts/", "/preferences/")
_YEAR = 365 * 24 * 3600


def is_staff_path(path: str) -> bool:
    """Pages behind sign-in, and the sign-in pages themselves."""
    return path.startswith(STAFF_PATHS)


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """POST language=zh-hans|en."""
    return _remember(request, "language", settings.LANGUAGE_COOKIE_NAME, ("zh-hans", "en"))


@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """POST theme=light|dark."""
    return _remember(request, "theme", THEME_COOKIE, ("light", "dark"))


@require_POST
def set_text(request: HttpRequest) -> HttpResponse:
    """POST text=normal|large."""
    return _remember(request, "text", TEXT_COOKIE, ("normal", "large"))


def _remember(request: HttpRequest, name: str, cookie: str, choices: tuple[str, ...]) -> HttpResponse:
    """Set the cookie when the value is known, and return to the page the person came from."""
    response = HttpResponseRedirect(own_path(request, request.POST.get("next", "")) or came_from(request) or "/")
    value = request.POST.get(name, "")
    if value in choices:
        response.set_cookie(
            cookie, value, max_age=_YEAR, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
        )
    return response


def came_from(request: HttpRequest) -> str:
    """The path of the page a request was sent from; "" when it is unknown or not ours."""
    return own_path(request, request.headers.get("Referer", ""))


def own_path(request: HttpRequest, url: str) -> str:
    """Path and query of `url` when it leads to this site, else "" (no open redirect)."""
    if not url_has_allowed_host_and_scheme(url, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return ""
    parts = urlsplit(url)
    path = parts.path or "/"
    return f"{path}?{parts.query}" if parts.query else path

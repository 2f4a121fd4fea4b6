"""What people see when a request fails: a plain page in their language with an error id.

The same id is in the log beside the request id; the page shows no details (I17). Nothing here
touches the database. Addresses under /api/ and /open311/ get JSON instead.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db.utils import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.template import loader
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.errors import NotAllowed
from config import context, logs, nav
from config.preferences import is_staff_path

logger = logging.getLogger("huiyin.errors")
API_PATHS = ("/api/", "/open311/")


def error_id() -> str:
    """E-20261120-142603-7F2A: local time and the start of the request id, short enough to read out."""
    return f"E-{timezone.localtime():%Y%m%d-%H%M%S}-{logs.request_id.get()[:4].upper()}"


def handler400(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    too_large = isinstance(exception, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent)
    message = _("The form holds too much at once.") if too_large else _("The request cannot be read.")
    return page(request, 400, code="bad_request", message=message, too_large=too_large)


def handler403(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    reason = str(exception) if isinstance(exception, NotAllowed) else ""
    return page(request, 403, code="not_allowed", message=reason or _("You may not do this."), reason=reason)


def handler404(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return page(request, 404, code="not_found", message=_("There is no such page."))


def handler500(request: HttpRequest) -> HttpResponse:
    """Django calls this while the exception is being handled; a database out of reach is no fault of ours to mend."""
    if _is_out_of_reach(sys.exception()):
        return unavailable(request)
    return page(request, 500, code="error", message=_("Something went wrong on our side."))


# What PostgreSQL and SQLite say of a row or a file that another transaction holds.
_HELD = ("lock timeout", "deadlock detected", "is locked")


def is_busy(error: BaseException) -> bool:
    """Whether somebody else held what was to be written: nothing was stored, and trying again soon helps."""
    return isinstance(error, OperationalError) and any(words in str(error) for words in _HELD)


def busy(request: HttpRequest) -> HttpResponse:
    """Somebody else holds the row; trying again in a moment works."""
    message = _("Somebody else is working on this case. Nothing was changed; try again in a few seconds.")
    response = page(request, 503, code="busy", message=message)
    response["Retry-After"] = "5"
    return response


def _is_out_of_reach(error: BaseException | None) -> bool:
    """Whether the database was lost, full or not reached, rather than asked for something it does not know (SQLite)."""
    return isinstance(error, OperationalError | InterfaceError) and not str(error).startswith(("no such", "near "))


def unavailable(request: HttpRequest) -> HttpResponse:
    """The database does not answer (FI-E): what was sent is stored whole or not at all, and which is not known here."""
    message = _("Our database does not answer just now. Wait a minute, look whether it was saved, then try again.")
    response = page(request, 503, code="unavailable", message=message, template="503_unavailable.html")
    response["Retry-After"] = "30"
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return page(request, 403, code="form_expired", message=_("This form has expired."), template="403_csrf.html")


def page(
    request: HttpRequest, status: int, *, code: str, message: str, template: str = "", **extra: Any
) -> HttpResponse:
    """Render the error page and log its id. Works without database, session and request context."""
    shown = error_id()
    is_fault = status == 500 or code == "unavailable"
    logger.log(logging.ERROR if is_fault else logging.INFO, "error page %s status=%s code=%s", shown, status, code)
    if request.path.startswith(API_PATHS):
        return JsonResponse({"code": code, "message": message, "error_id": shown}, status=status)
    staff = is_staff_path(request.path)
    values: dict[str, Any] = {
        "organisation": context.organisation(),
        "html_lang": context.html_lang(),
        **context.public_context(request.path, request.GET.get("text") == "large", QueryDict()),
        "is_staff_page": staff,
        "error_id": shown,
        "message": message,
        **extra,
    }
    if staff:
        values["links"]["home"] = nav.lenient("complaints:queue") or "/"
        values["links"]["profile"] = nav.lenient("accounts:profile") or "/"
    return HttpResponse(loader.get_template(template or f"{status}.html").render(values), status=status)

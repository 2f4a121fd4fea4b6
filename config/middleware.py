"""Request ids, language, private pages, and broken rules turned into messages."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils import translation
from django_htmx.http import HttpResponseClientRedirect

from accounts.errors import DomainError
from config import errors, logs
from config.preferences import came_from, is_staff_path

GetResponse = Callable[[HttpRequest], HttpResponse]
PRIVATE_PATHS = ("/desk/", "/accounts/", "/track/", "/complain/", "/lookup/")


class RequestId:
    """A fresh id per request: on the request, in every log line, in the X-Request-Id header."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = str(uuid.uuid4())
        request.request_id = request_id  # type: ignore[attr-defined]  # ours, unknown to the stubs
        token = logs.request_id.set(request_id)
        try:
            response = self.get_response(request)
        finally:
            logs.request_id.reset(token)
        response["X-Request-Id"] = request_id
        return response


class Language:
    """Chinese unless asked otherwise: staff by cookie, the public by ?lang=en, nobody by Accept-Language."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        code = self.wanted(request)
        with translation.override(code):
            request.LANGUAGE_CODE = code
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", "en" if code == "en" else "zh-Hans")
        return response

    @staticmethod
    def wanted(request: HttpRequest) -> str:
        if is_staff_path(request.path):
            asked = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
        else:
            asked = request.GET.get("lang")
        return "en" if asked == "en" else settings.LANGUAGE_CODE


@receiver(user_logged_out, dispatch_uid="config.middleware.mark_signed_out")
def mark_signed_out(sender: object, request: HttpRequest | None, **kwargs: object) -> None:
    if request is not None:
        request.signed_out = True  # type: ignore[attr-defined]  # for PrivatePages


class PrivatePages:
    """Pages about a case or a person are kept by no cache; signing out clears what the browser kept (AU-11)."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith(PRIVATE_PATHS):
            response["Cache-Control"] = "no-store"
        if getattr(request, "signed_out", False):
            response["Clear-Site-Data"] = '"cache", "storage"'
        return response


class RuleErrors:
    """A broken rule becomes a message on the page the person came from; a held row becomes "try again"."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if errors.is_busy(exception):
            return errors.busy(request)
        if not isinstance(exception, DomainError) or request.path.startswith(errors.API_PATHS):
            return None
        back = came_from(request) or resolve_url(settings.LOGIN_REDIRECT_URL)
        if request.method in ("GET", "HEAD") and back == request.get_full_path():
            return None  # going back would only raise the same error again
        messages.error(request, str(exception))
        # htmx swaps what it is sent into a part of the page, so it is told to load the page anew.
        return HttpResponseClientRedirect(back) if request.headers.get("HX-Request") else HttpResponseRedirect(back)

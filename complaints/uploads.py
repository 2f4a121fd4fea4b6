"""Uploads are bounded while they arrive (FL-05): what is too much never reaches the disk.

`LimitedUploadHandler` stands first among the upload handlers. A file that grows beyond
ATTACHMENT_MAX_BYTES is dropped in the middle and remembered by name, so that the form can say so
and keeps everything else; files beyond ATTACHMENT_MAX_COUNT are dropped at their first byte. `guarded` wraps the
views of public forms: a request that cannot be read at all gets a clear page instead of an error.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopUpload
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect


@dataclass(frozen=True)
class Refused:
    """A file that was not read to its end. `reason` is "size" or "count"."""

    name: str
    reason: str


class LimitedUploadHandler(FileUploadHandler):
    """Counts what arrives and drops what is too much; never keeps a byte itself."""

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self.refused: list[Refused] = []
        self._files = 0
        self._total = 0
        self._size = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._files += 1
        self._size = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self._size += len(raw_data)
        self._total += len(raw_data)
        if self._total > most_bytes():
            raise StopUpload(connection_reset=True)
        # Not in new_file: skipping there would close the file before this one.
        if self._files > settings.ATTACHMENT_MAX_COUNT:
            self._refuse("count")
        if self._size > settings.ATTACHMENT_MAX_BYTES:
            self._refuse("size")
        return raw_data

    def _refuse(self, reason: str) -> None:
        self.refused.append(Refused(self.file_name or "", reason))
        raise SkipFile

    def file_complete(self, file_size: int) -> UploadedFile | None:
        return None  # the next handler has the file


def most_bytes() -> int:
    """The most a request may carry: every attachment at its limit, and the text."""
    return settings.ATTACHMENT_MAX_BYTES * settings.ATTACHMENT_MAX_COUNT + settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def refused(request: HttpRequest) -> list[Refused]:
    """The files of this request that were dropped while arriving."""
    return [
        item
        for handler in request.upload_handlers
        if isinstance(handler, LimitedUploadHandler)
        for item in handler.refused
    ]


def guarded(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A public form that takes files: read the request first, then check its CSRF token as usual.

    413 when the request is too large (before reading it, if it says so), 507 when the disk is full.
    """
    protected = csrf_protect(view)

    @csrf_exempt  # only here: `protected` checks the token once the body could be read
    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if int(request.META.get("CONTENT_LENGTH") or 0) > most_bytes():
            return _too_large(request)
        try:
            request.POST  # noqa: B018 — reads the body
        except (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent):
            request._mark_post_parse_error()  # type: ignore[attr-defined]  # not in the stubs
            return _too_large(request)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            request._mark_post_parse_error()  # type: ignore[attr-defined]  # not in the stubs
            return render(
                request,
                "public/complain/unreadable.html",
                {"title": _("We cannot take files at the moment")},
                status=507,
            )
        return protected(request, *args, **kwargs)

    return wrapper


def _too_large(request: HttpRequest) -> HttpResponse:
    limits = {"count": settings.ATTACHMENT_MAX_COUNT, "size": settings.ATTACHMENT_MAX_BYTES // (1024 * 1024)}
    title = _("That was too much at once")
    return render(request, "public/complain/unreadable.html", {"title": title, "limits": limits}, status=413)

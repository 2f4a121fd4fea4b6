"""The rendered copies of attachments as everybody loads them (PUB-21, matrix pub_file).

Only rows of PublishedFile lead here; nothing knows the way to an original.
"""

from __future__ import annotations

from datetime import datetime

from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from complaints import files
from complaints.models import StoredFile
from publication import public_views, results
from publication.models import PublishedFile, PublishedResult
from publication.results import Stamp

_ENDINGS = {"application/pdf": "pdf", "image/jpeg": "jpg"}


@require_safe
def result_file(request: HttpRequest, public_id: str, file_id: str) -> HttpResponseBase:
    """One copy: 410 for any file of a result that was taken down or whose term is over, 404 for what never was; 304
    when unchanged.

    A picture opens in its place, a PDF is offered for download: a sandboxed page cannot show one.
    """
    now = timezone.now()
    wanted = PublishedFile.objects.filter(public_id=file_id, result__public_id=public_id, result__published_at__lte=now)
    found = wanted.select_related("result").first()
    result = found.result if found else _result(public_id, at=now)
    reason = results.gone_reason(result, at=now) if result else ""
    if result and reason:
        context = {"number": result.publication_number, "reason": reason}
        return public_views.public(render(request, "410.html", context, status=410))
    if found is None:
        raise Http404
    stamp = Stamp(found.sha256, found.result.published_at)
    return public_views.cached(request, stamp, at=now, build=lambda: _content(found))


def _result(public_id: str, *, at: datetime) -> PublishedResult | None:
    """After a restore the files of a result that is gone may be unknown; their addresses are gone all the same."""
    return PublishedResult.objects.filter(public_id=public_id, published_at__lte=at).first()


def _content(found: PublishedFile) -> FileResponse:
    ending = _ENDINGS[found.content_type]
    try:
        opened = files.open_file(StoredFile(sha256=found.sha256))
    except FileNotFoundError:
        raise Http404 from None
    response = FileResponse(
        opened,
        as_attachment=ending == "pdf",
        filename=f"{found.result.publication_number}-{found.position}.{ending}",
        content_type=found.content_type,
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response

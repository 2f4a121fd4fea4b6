"""The same key and body give the same answer; another body under the same key is refused (I2, PI-06, PI-07).

The key is claimed inside the transaction of the write, so twenty parallel requests make one change
and the other nineteen wait for it and repeat its answer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from accounts.errors import DomainError, InvalidInput
from complaints.models import IdempotencyKey

MAX_KEY = 120


class KeyReused(DomainError):
    """The key was used before with another body."""

    code = "idempotency_key_reused"


def _fingerprint(request: Any) -> str:
    """Stands for the body. A form with files is read part by part: whole it would have to fit into the memory."""
    if not request.content_type.startswith("multipart/"):
        return hashlib.sha256(request.body).hexdigest()
    digest = hashlib.sha256()
    for name in sorted(request.data):
        for value in request.data.getlist(name):
            digest.update(f"{name}\0".encode("utf-8", "replace"))
            if isinstance(value, UploadedFile):
                digest.update(f"{value.name}\0".encode("utf-8", "replace"))
                for block in value.chunks():
                    digest.update(block)
                value.seek(0)
            else:
                digest.update(str(value).encode("utf-8", "replace"))
            digest.update(b"\0")
    return digest.hexdigest()


def idempotent(view: Callable[..., Response]) -> Callable[..., Response]:
    """Wrap an API method that writes: with an `Idempotency-Key` header it happens once.

    Only successful answers are kept; a refused write may be tried again with the same key.
    """

    @wraps(view)
    def wrapper(self: Any, request: Any, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            return view(self, request, *args, **kwargs)
        if len(key) > MAX_KEY:
            raise InvalidInput("Idempotency-Key", _("Please shorten this to %(limit)s characters."), limit=MAX_KEY)
        scope = f"{request.user.pk or 'anonymous'}:{request.method}:{request.path}"[:80]
        body = _fingerprint(request)
        with transaction.atomic():
            IdempotencyKey.objects.get_or_create(scope=scope, key=key, defaults={"body_hash": body})
            row = IdempotencyKey.objects.select_for_update().get(scope=scope, key=key)
            if row.body_hash != body:
                raise KeyReused(_("This Idempotency-Key was used with another request. Use a new key."))
            if row.status:
                return Response(json.loads(row.response), status=row.status)
            response = view(self, request, *args, **kwargs)
            if response.status_code < 400:
                row.status = response.status_code
                row.response = json.dumps(response.data, cls=JSONEncoder)
                row.save(update_fields=["status", "response"])
            else:
                row.delete()
            return response

    return wrapper

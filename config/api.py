"""How the API says no: 400 by field, 401, 403 with the reason, 404, 409 with code and message."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.exceptions import ErrorDetail, NotAuthenticated, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler as default_handler

from accounts import security
from accounts.errors import DomainError, InvalidInput
from config import errors


def exception_handler(exc: Exception, context: dict) -> Response | None:
    """Turn domain errors into answers; everything unknown becomes the JSON 500 page with an error id."""
    response = _answer(exc, context)
    if response is not None:
        response.data = _sendable(response.data)
    return response


def _sendable(data: Any) -> Any:
    """The same words without halves of characters: what was wrong with a value repeats it, and they cannot be sent."""
    if isinstance(data, dict):
        return {_sendable(name): _sendable(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_sendable(value) for value in data]
    if isinstance(data, str) and not data.isascii():
        plain = data.encode("utf-8", "replace").decode("utf-8")
        return data if plain == data else plain
    return data


def _answer(exc: Exception, context: dict) -> Response | None:
    request = context["request"]
    if isinstance(exc, InvalidInput):
        return Response({exc.field: [str(exc.message)]}, status=status.HTTP_400_BAD_REQUEST)
    if isinstance(exc, DomainError):
        return Response({"code": exc.code, "message": str(exc.message)}, status=status.HTTP_409_CONFLICT)
    if isinstance(exc, PermissionDenied):
        message = str(exc) or _("You may not do this.")
        security.record("refused", user=request.user, request=request, subject=request.path[:80], method=request.method)
        return Response({"code": "not_allowed", "message": message}, status=status.HTTP_403_FORBIDDEN)
    if errors.is_busy(exc):
        message = _("Somebody else is working on this record. Try again in a moment.")
        return Response(
            {"code": "busy", "message": message},
            status=status.HTTP_503_SERVICE_UNAVAILABLE,
            headers={"Retry-After": "2"},
        )
    response = default_handler(exc, context)
    if response is None:
        return None
    if isinstance(exc, Http404) or response.status_code == status.HTTP_404_NOT_FOUND:
        response.data = {"code": "not_found", "message": _("There is no such record, or you may not see it.")}
    elif (
        not isinstance(exc, ValidationError)
        and isinstance(response.data, dict)
        and isinstance(response.data.get("detail"), ErrorDetail)
    ):
        detail = response.data["detail"]
        response.data = {"code": detail.code, "message": str(detail)}
    if isinstance(exc, NotAuthenticated):
        response.status_code = status.HTTP_401_UNAUTHORIZED
        response["WWW-Authenticate"] = "Token"
    return response

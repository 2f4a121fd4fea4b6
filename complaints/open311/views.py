"""The addresses of GeoReport v2, each as .json and .xml."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.exceptions import NotAuthenticated
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import InvalidInput
from accounts.models import User
from accounts.tokens import TokenAuthentication
from complaints.idempotency import idempotent
from complaints.models import Category, ServiceRequest
from complaints.open311 import requests, services
from complaints.open311.rendering import GeoJSON, GeoXML, errors
from complaints.states import OPEN
from complaints.transitions.intake import check_text

PAGE_SIZE, MAX_PAGE_SIZE, MAX_PAGES = 50, 200, 50
LONGEST_SPAN = timedelta(days=90)
LONGEST_CODE = 60
MAX_QUERY = 8000


class GeoReport(APIView):
    """No session: a client signs with its token, in the header or as `api_key` in the body, never in the address."""

    authentication_classes = [TokenAuthentication]
    permission_classes = [AllowAny]
    renderer_classes = [GeoJSON, GeoXML]
    parser_classes = [FormParser, MultiPartParser, JSONParser]
    schema = None
    xml_root = "answer"

    def get_exception_handler(self) -> Callable[..., Any]:
        handle = super().get_exception_handler()
        return lambda exc, context: errors(handle(exc, context), exc)


class Discovery(GeoReport):
    xml_root = "discovery"

    def get(self, request: Request, **kwargs: Any) -> Response:
        services_url = request.build_absolute_uri(reverse("open311-services", args=["json"]))
        endpoint = {
            "specification": "http://wiki.open311.org/GeoReport_v2",
            "url": services_url.removesuffix("/services.json"),
            "type": "production" if settings.PRODUCTION else "test",
            "formats": ["application/json", "text/xml"],
        }
        return Response(
            {
                "changeset": "2026-11-21T00:00:00+08:00",
                "contact": settings.ORGANISATION["phone"],
                "key_service": _("Ask the complaints office for a token."),
                "endpoints": [endpoint],
            }
        )


class Services(GeoReport):
    xml_root = "services"

    def get(self, request: Request, **kwargs: Any) -> Response:
        found = [services.service(category) for category in services.offered()]
        return Response(found, headers={"Cache-Control": "public, max-age=300"})


class Service(GeoReport):
    xml_root = "service_definition"

    def get(self, request: Request, code: str, **kwargs: Any) -> Response:
        category = get_object_or_404(services.offered(), code=code)
        found = {"service_code": category.code, "attributes": services.attributes(category)}
        return Response(found, headers={"Cache-Control": "public, max-age=300"})


class Requests(GeoReport):
    xml_root = "service_requests"

    def get(self, request: Request, **kwargs: Any) -> Response:
        """Requests filed through this interface, newest first; at most 90 days at a time unless named by id."""
        found = self._found(request)
        size = min(_number(request, "page_size", PAGE_SIZE), MAX_PAGE_SIZE)
        page = min(_number(request, "page", 1), MAX_PAGES)
        rows = found[(page - 1) * size : page * size]
        return Response([requests.shown(row) for row in rows], headers={"Cache-Control": "no-cache"})

    @idempotent
    def post(self, request: Request, **kwargs: Any) -> Response:
        if not isinstance(request.data, Mapping):
            raise InvalidInput("service_code", _("Send the parameters as a form or as one JSON object."))
        given = {name: str(value) for name, value in request.data.items()}
        client = request.user if isinstance(request.user, User) else _by_key(given.pop("api_key", ""))
        code = check_text("service_code", given.get("service_code", ""), limit=LONGEST_CODE)
        if not code:
            raise InvalidInput("service_code", _("Name the service; the list is at services.json."))
        category = services.offered().filter(code=code).first()
        if category is None:
            raise InvalidInput("service_code", _("There is no service with this code."))
        filed = requests.file(category, given, client=client)
        answer = {
            "service_request_id": filed.request.public_id,
            "token": filed.request.token,
            "service_notice": filed.notice,
            "account_id": given.get("account_id") or None,
        }
        return Response([answer], status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})

    def _found(self, request: Request) -> Any:
        found = requests.readable()
        query = request.query_params
        for name, value in query.items():
            check_text(name, str(value), limit=MAX_QUERY)
        if named := query.get("service_request_id"):
            return found.filter(public_id__in=named.split(",")[:MAX_PAGE_SIZE])
        end = _moment(request, "end_date") or timezone.now()
        start = _moment(request, "start_date") or end - LONGEST_SPAN
        found = found.filter(created_at__gte=max(start, end - LONGEST_SPAN), created_at__lte=end)
        if codes := query.get("service_code"):
            chosen = Category.objects.filter(dimension="category", code__in=codes.split(","))
            found = found.filter(complaint__category__in=chosen)
        if state := query.get("status"):
            wanted = set(state.split(","))
            if wanted - {"open", "closed"}:
                raise InvalidInput("status", _("Choose open or closed."))
            is_open = {"complaint__status__in": [str(value) for value in OPEN]}
            if wanted == {"open"}:
                found = found.filter(**is_open)
            elif wanted == {"closed"}:
                found = found.exclude(**is_open)
        return found


class OneRequest(GeoReport):
    xml_root = "service_requests"

    def get(self, request: Request, public_id: str, **kwargs: Any) -> Response:
        row = get_object_or_404(requests.readable(), public_id=public_id)
        return Response([requests.shown(row)], headers={"Cache-Control": "no-cache"})


class OneToken(GeoReport):
    xml_root = "service_requests"

    def get(self, request: Request, token: str, **kwargs: Any) -> Response:
        """The id behind a token; ours is known at once."""
        row = get_object_or_404(ServiceRequest, token=token)
        found = {"token": row.token, "service_request_id": row.public_id}
        return Response([found], headers={"Cache-Control": "no-store"})


def _by_key(key: str) -> User:
    """The client a key in the body belongs to. Raises NotAuthenticated, AuthenticationFailed."""
    if not key:
        raise NotAuthenticated(_("This needs your key: as api_key in the body or in the Authorization header."))
    user, _token = TokenAuthentication().authenticate_credentials(key.encode())
    return user


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or not 1 <= int(text) < 10**6:
        raise InvalidInput(name, _("Give a whole number from 1."))
    return int(text)


def _moment(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name, "")
    if not text:
        return None
    try:
        # A "+" of the offset arrives as a blank where a client did not encode it.
        value = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise InvalidInput(name, _("Give the time like 2026-11-20T09:00:00+08:00.")) from error
    if not 2000 <= value.year < 2100:
        raise InvalidInput(name, _("Give a year between 2000 and 2100."))
    return value if timezone.is_aware(value) else timezone.make_aware(value)

"""Shops, couriers and repair services report steps (IN-38): POST /api/v1/lookups/ with a token of a member of staff."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import NotAllowed
from accounts.rest import StrictSerializer, caller
from complaints import lookup
from complaints.idempotency import idempotent
from complaints.states import LookupKind


@extend_schema_field(OpenApiTypes.DATETIME)
class ZonedText(serializers.CharField):
    """A time as text: read as a time at once, one without a zone would be taken for local."""


class LookupRow(StrictSerializer):
    """One step of an order, a delivery or an after-sales service."""

    kind = serializers.ChoiceField(LookupKind.choices)
    number = serializers.CharField(max_length=80, help_text="4 to 40 letters and digits; kept as a keyed hash only.")
    phone = serializers.CharField(
        max_length=40, help_text="The customer's number; the last four digits are kept, as a keyed hash only."
    )
    status = serializers.CharField(max_length=lookup.MAX_STATUS)
    detail = serializers.CharField(max_length=lookup.MAX_DETAIL, required=False, default="", allow_blank=True)
    at = ZonedText(max_length=40, help_text="ISO 8601 with its zone; at most a day ahead.")


class LookupInput(StrictSerializer):
    """A report: all rows are kept or none."""

    rows = LookupRow(
        many=True,
        allow_empty=False,
        max_length=lookup.MOST_ROWS,  # type: ignore[call-arg]  # of the list
    )


class LookupStored(serializers.Serializer):
    """How many steps were new, and how many were known."""

    stored = serializers.IntegerField()
    known = serializers.IntegerField()


class Lookups(APIView):
    """Report steps: 201 with the counts; 400 names the row and the field, as in rows[3].phone."""

    @extend_schema(request=LookupInput, responses={201: LookupStored})
    @idempotent
    def post(self, request: Request) -> Response:
        user = caller(request)
        if not user.has_perm(lookup.PERMISSION):
            raise NotAllowed
        data = LookupInput(data=request.data)
        if not data.is_valid():
            raise ValidationError(dict(_flat("", data.errors)))
        result = lookup.store(data.validated_data["rows"], by=user, at=timezone.now())
        return Response(LookupStored(result).data, status=status.HTTP_201_CREATED)


def _flat(place: str, errors: Any) -> Iterator[tuple[str, list[Any]]]:
    """The nested errors of the serializers by the place they belong to, as in rows[3].phone."""
    if not isinstance(errors, dict):
        yield place, errors
        return
    for name, inner in errors.items():
        if isinstance(name, int):
            yield from _flat(f"{place}[{name}]", inner)
        elif place and name == "non_field_errors":
            yield from _flat(place, inner)
        else:
            yield from _flat(f"{place}.{name}".lstrip("."), inner)

"""Records of other systems over HTTP: a logistics or customer system writes in real time (CASE-06…08)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import NotAllowed
from accounts.rest import Moment, StrictSerializer, caller
from complaints import external
from complaints.api import visible_or_404
from complaints.idempotency import idempotent
from complaints.models import ExternalRecord, ExternalSystem


@extend_schema_field(OpenApiTypes.OBJECT)
class Facts(serializers.JSONField):
    """A flat object: names and single values."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            raise serializers.ValidationError(_("Send a JSON object."))
        return data


class RecordInput(StrictSerializer):
    """One record; sent again with the same key, its facts are replaced."""

    system = serializers.SlugRelatedField("code", queryset=ExternalSystem.objects.filter(is_active=True))
    reference = serializers.CharField(max_length=120)
    what = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    occurred_at = Moment(required=False, default=None, allow_null=True)
    facts = Facts(required=False, default=None)
    sha256 = serializers.CharField(max_length=64, required=False, default="", allow_blank=True)


class RecordRow(serializers.Serializer):
    """A record; facts about people are masked (COM-07)."""

    system = serializers.CharField(source="row.system.code")
    reference = serializers.CharField(source="row.reference")
    what = serializers.CharField(source="row.what")
    occurred_at = serializers.DateTimeField(source="row.occurred_at", allow_null=True)
    sha256 = serializers.CharField(source="row.sha256")
    fetched_at = serializers.DateTimeField(source="row.fetched_at", allow_null=True)
    attached_at = serializers.DateTimeField(source="row.at")
    facts = serializers.SerializerMethodField()

    def get_facts(self, found: external.Shown) -> dict[str, str]:
        return dict(found.facts)


class Records(APIView):
    """List the records of a case, or report one: 201 when it is new, 200 when it was known."""

    permission_classes = [IsAuthenticated]

    @extend_schema(responses=RecordRow(many=True))
    def get(self, request: Request, number: str) -> Response:
        complaint = visible_or_404(request, number)
        rows = complaint.external_records.select_related("system")[: external.MOST_RECORDS]
        return Response(RecordRow(external.shown(rows, complaint, may_add=False), many=True).data)

    @extend_schema(request=RecordInput, responses={200: RecordRow, 201: RecordRow})
    @idempotent
    def post(self, request: Request, number: str) -> Response:
        complaint = visible_or_404(request, number)
        refused = external.refusal(caller(request), complaint)
        if refused:
            raise NotAllowed(refused)
        if not isinstance(request.data, dict):
            raise ValidationError({"body": [_("Send a JSON object.")]})
        data = RecordInput(data=request.data)
        data.is_valid(raise_exception=True)
        row, is_new = external.report(complaint.pk, by=caller(request), **data.validated_data)
        row = ExternalRecord.objects.select_related("system").get(pk=row.pk)
        found = external.shown([row], complaint, may_add=False)[0]
        return Response(RecordRow(found).data, status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

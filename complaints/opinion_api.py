"""Monitoring tools report what is said in public (RISK-20): POST /api/v1/signals/ with a token of a member of staff."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import NotAllowed
from accounts.rest import Moment, StrictSerializer, caller
from complaints import transitions
from complaints.idempotency import idempotent
from complaints.models import Complaint, OpinionSignal
from complaints.transitions.opinion import MAX_TEXT
from complaints.transitions.risk import PERMISSION


class SignalInput(StrictSerializer):
    """One post, article or broadcast, as the monitoring tool saw it."""

    source = serializers.CharField(max_length=80)  # type: ignore[assignment]  # a field of the body, as declared
    text = serializers.CharField(max_length=MAX_TEXT)
    link = serializers.URLField(max_length=500, required=False, default="", allow_blank=True)
    external_key = serializers.CharField(
        max_length=120, help_text="The tool's own key of the post; sent again it makes no second signal."
    )
    seen_at = Moment(required=False)
    complaint = serializers.CharField(max_length=24, required=False, default="", allow_blank=True)


class SignalRow(serializers.ModelSerializer):
    """A signal as it is stored."""

    complaint: serializers.SlugRelatedField = serializers.SlugRelatedField("number", read_only=True)

    class Meta:
        model = OpinionSignal
        fields = ["id", "source", "link", "external_key", "text", "seen_at", "complaint", "response", "responded_at"]
        read_only_fields = fields


class Signals(APIView):
    """Register a signal: 201 for a new one, 200 for one that is there, 409 for its key with another content."""

    @extend_schema(request=SignalInput, responses={201: SignalRow, 200: SignalRow})
    @idempotent
    def post(self, request: Request) -> Response:
        user = caller(request)
        if not user.has_perm(PERMISSION):
            raise NotAllowed
        data = SignalInput(data=request.data)
        data.is_valid(raise_exception=True)
        values = dict(data.validated_data)
        now = timezone.now()
        seen_at = values.pop("seen_at", None) or _seen_before(values["external_key"]) or now
        number = values.pop("complaint")
        complaint = Complaint.objects.visible_to(user).filter(number=number).first() if number else None
        if number and complaint is None:
            raise ValidationError({"complaint": [_("There is no such case.")]})
        row, is_new = transitions.add_signal(by=user, at=now, seen_at=seen_at, complaint=complaint, **values)
        return Response(SignalRow(row).data, status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)


def _seen_before(key: str) -> datetime | None:
    """When the signal of this key was seen, so that a report without a time can be sent again."""
    return OpinionSignal.objects.filter(external_key=key).values_list("seen_at", flat=True).first()

"""The counters of the channels over HTTP, for telephone systems and platforms that count themselves (IN-14)."""

from __future__ import annotations

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import NotAllowed
from accounts.rest import StrictSerializer, caller
from complaints.idempotency import idempotent
from complaints.states import Channel
from complaints.transitions import channels


class ChannelCountInput(StrictSerializer):
    """What a channel's own counter says of a day."""

    channel = serializers.ChoiceField(Channel.choices)
    day = serializers.DateField()
    count = serializers.IntegerField(min_value=0, max_value=1_000_000)
    calls_missed = serializers.IntegerField(
        min_value=0, max_value=1_000_000, required=False, default=None, allow_null=True
    )
    note = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)


class ChannelCounts(APIView):
    """Enter the counter of a channel for a day; entered again, it replaces the earlier figure."""

    permission_classes = [IsAuthenticated]

    @extend_schema(request=ChannelCountInput, responses={201: ChannelCountInput})
    @idempotent
    def post(self, request: Request) -> Response:
        if not caller(request).has_perm(channels.PERMISSION):
            raise NotAllowed(_("Your role does not keep the records of the channels."))
        data = ChannelCountInput(data=request.data)
        data.is_valid(raise_exception=True)
        row = channels.set_count(by=caller(request), **data.validated_data)
        return Response(ChannelCountInput(row).data, status=status.HTTP_201_CREATED)

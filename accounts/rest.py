"""What every API of the project shares: strict input, cursor pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

from accounts.models import User


def caller(request: Request) -> User:
    """The member of staff who calls. Raises NotAuthenticated for anybody else."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


class StrictSerializer(serializers.Serializer):
    """Refuses fields it does not know, so nothing can be set by the way (AP-01, massassign)."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            writable = {name for name, field in self.fields.items() if not field.read_only}
            unknown = sorted(set(data) - writable)
            if unknown:
                raise serializers.ValidationError(
                    {name: [_("This field is not known or cannot be set.")] for name in unknown}
                )
        return super().to_internal_value(data)


class Moment(serializers.DateTimeField):
    """A moment; one at the ends of the calendar, which no zone can hold, is refused like any other bad one."""

    def enforce_timezone(self, value: datetime) -> datetime:
        try:
            return super().enforce_timezone(value)
        except OverflowError:
            self.fail("overflow")


class Pages(CursorPagination):
    """Cursor pages: constant cost however deep, at most 200 rows (AP-09)."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    ordering: str | tuple[str, ...] = "-id"

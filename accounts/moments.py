"""A moment in a form: a day and time of this calendar that can be stored."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError


class MomentField(forms.DateTimeField):
    """A moment with its time zone. One before the first that has a UTC moment is no moment; Django would fail on
    it only while storing, with an error page instead of a word at the field."""

    def to_python(self, value: Any) -> datetime | None:
        found = super().to_python(value)
        try:
            if found is not None:
                found.astimezone(UTC)
        except OverflowError:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None
        return found

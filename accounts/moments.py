"""A moment in a form: a day and time that can be stored and shown in every time zone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


class MomentField(forms.DateTimeField):
    """A moment between 2000 and 2100. One at the ends of the calendar has no moment in UTC; Django would fail on
    it only while storing, with an error page instead of a word at the field."""

    def to_python(self, value: Any) -> datetime | None:
        found = super().to_python(value)
        if found is not None and not 2000 <= found.year < 2100:
            raise ValidationError(_("Give a year between 2000 and 2100."), code="year")
        return found

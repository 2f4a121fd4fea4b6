"""Forms of the channels page (IN-02, IN-03, IN-14)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.web import offer
from complaints import notify
from complaints.filters import DayField
from complaints.public_forms import PlainText
from complaints.register_forms import BrowserMoment
from complaints.states import Channel


class CountForm(forms.Form):
    """What the channel's own counter says of a day."""

    channel = forms.ChoiceField(label=_("Channel"), choices=Channel.choices)
    day = DayField(label=_("Day"))
    count = forms.IntegerField(label=_("Complaints by its own counter"), min_value=0, max_value=1_000_000)
    calls_missed = forms.IntegerField(label=_("Calls not answered"), min_value=0, max_value=1_000_000, required=False)
    note = PlainText(
        label=_("Explanation of a difference"),
        limit=300,
        required=False,
        help_text=_("For example: three calls were about the same case."),
    )


class HoursForm(forms.Form):
    """When a channel is open."""

    channel = forms.ChoiceField(label=_("Channel"), choices=Channel.choices)
    weekdays = forms.TypedMultipleChoiceField(
        label=_("Weekdays"),
        choices=[(number, name) for number, name in WEEKDAYS.items()],
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one weekday.")},
    )
    opens = forms.TimeField(label=_("Opens"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    closes = forms.TimeField(label=_("Closes"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))


class DutyForm(forms.Form):
    """Who watches a channel from when to when."""

    channel = forms.ChoiceField(label=_("Channel"), choices=Channel.choices)
    person = forms.ModelChoiceField(queryset=User.objects.none(), label=_("Person"), empty_label=_("Choose"))
    starts_at = BrowserMoment(label=_("From"))
    ends_at = BrowserMoment(label=_("Until"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "person", notify.holders_of("complaints.register_complaint").order_by("staff_number"))

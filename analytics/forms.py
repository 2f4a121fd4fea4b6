"""Input of the report pages; the rules themselves are in transitions.py."""

from __future__ import annotations

from datetime import datetime

from django import forms
from django.utils.translation import gettext_lazy as _

from analytics import periods
from analytics.states import EDITIONS

MONTHS_OFFERED = 12


def period_choices(at: datetime) -> list[tuple[str, str]]:
    """The last finished months, then the finished quarters among them, newest first."""
    months = periods.month_of(at).previous.last_months(MONTHS_OFFERED)
    quarters = [periods.Period(month.year, month.month - 2, 3) for month in months if month.month % 3 == 0]
    return [(period.code, period.label) for period in [*reversed(months), *reversed(quarters)]]


class RequestForm(forms.Form):
    edition = forms.ChoiceField(label=_("Edition"), choices=EDITIONS)
    by_first = forms.BooleanField(label=_("Count by the first classification"), required=False)

    def __init__(self, *args, at: datetime, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["period"] = forms.ChoiceField(label=_("Period"), choices=period_choices(at))
        self.order_fields(["period", "edition", "by_first"])


class SectionForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput)
    text = forms.CharField(label=_("Text"), widget=forms.Textarea, max_length=20_000)


class VersionForm(forms.Form):
    """Every action says which version the person was looking at."""

    version = forms.IntegerField(required=False)

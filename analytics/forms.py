"""Input of the report pages; the rules themselves are in transitions.py."""

from __future__ import annotations

from datetime import datetime

from django import forms
from django.utils.translation import gettext_lazy as _

from analytics import periods, remarks, transitions
from analytics.states import Edition
from complaints.choice_fields import LongText

MONTHS_OFFERED = 12


def period_choices(at: datetime) -> list[tuple[str, str]]:
    """The last finished months, then the finished quarters among them, newest first."""
    months = periods.month_of(at).previous.last_months(MONTHS_OFFERED)
    quarters = [periods.Period(month.year, month.month - 2, 3) for month in months if month.month % 3 == 0]
    return [(period.code, period.label) for period in [*reversed(months), *reversed(quarters)]]


class RequestForm(forms.Form):
    edition = forms.ChoiceField(label=_("Edition"), choices=Edition.choices)
    by_first = forms.BooleanField(label=_("Count by the first classification"), required=False)

    def __init__(self, *args, at: datetime, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["period"] = forms.ChoiceField(label=_("Period"), choices=period_choices(at))
        self.order_fields(["period", "edition", "by_first"])


class SectionForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput)
    text = forms.CharField(label=_("Text"), widget=forms.Textarea, max_length=20_000)


class RemarkForm(forms.Form):
    text = forms.CharField(
        label=_("Your remark"),
        help_text=_("What should be changed, and why."),
        widget=LongText(5),
        max_length=remarks.LENGTH,
    )


class ReviseForm(forms.Form):
    """Why a report is corrected, and by which classification it counts from now on."""

    reason = forms.CharField(
        label=_("Reason for the correction"),
        help_text=_("It stands in the first section of the new revision."),
        widget=LongText(3),
        max_length=transitions.REASON_LENGTH,
    )
    by_first = forms.ChoiceField(
        label=_("Cases count"),
        choices=[("0", _("by the final classification")), ("1", _("by the first classification"))],
        widget=forms.RadioSelect,
    )


class TemplateForm(forms.Form):
    document = forms.FileField(
        label=_("Word document (.docx)"), widget=forms.FileInput(attrs={"accept": ".docx"}), max_length=200
    )


class VersionForm(forms.Form):
    """Every action says which version the person was looking at."""

    version = forms.IntegerField(required=False)

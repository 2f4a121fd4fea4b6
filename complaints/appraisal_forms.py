"""Forms about files whose time is over: judging them, and giving a list up (ARC-04)."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from complaints import appraisals
from complaints.choice_fields import LongText
from complaints.states import AppraisalOutcome


class StateForm(forms.Form):
    """The version of the list that the person saw."""

    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)


class JudgeForm(StateForm):
    """What becomes of the ticked files, and why."""

    outcome = forms.ChoiceField(
        label=_("What becomes of them"), choices=AppraisalOutcome.choices, widget=forms.RadioSelect
    )
    keep_until = forms.DateField(
        label=_("Kept until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Only for files that are kept longer."),
    )
    reason = forms.CharField(label=_("Reason"), max_length=appraisals.REASON, widget=LongText(2))


class CancelForm(StateForm):
    """Why the list is given up."""

    reason = forms.CharField(label=_("Reason"), max_length=appraisals.REASON, widget=LongText(2))

"""Forms of the archive: asking to read a file, deciding on it, narrowing the list of files (ARC-02, ARC-04)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from complaints.choice_fields import LongText, YesNo


class ConsultationForm(forms.Form):
    """Who reads the file, and what for."""

    reader = forms.CharField(label=_("Who reads it"), max_length=120, help_text=_("Office or court, and its reference"))
    purpose = forms.CharField(label=_("What it is needed for"), max_length=300, widget=LongText(3))


class DecisionForm(forms.Form):
    """Let the file be read until a day, or refuse."""

    approve = YesNo(label=_("Decision"), yes=_("Agree"), no=_("Refuse"))
    until = forms.DateField(
        label=_("May be read until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Needed to agree; the dossier can be taken out until that day."),
    )
    note = forms.CharField(label=_("Reason for the decision"), max_length=300, required=False, widget=LongText(2))

    def __init__(self, *args: Any, consultation_id: int, **kwargs: Any) -> None:
        kwargs["auto_id"] = f"decide{consultation_id}_%s"
        super().__init__(*args, **kwargs)

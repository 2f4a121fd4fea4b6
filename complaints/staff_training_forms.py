"""Forms of the training register (KB-09…KB-12, KB-14)."""

from __future__ import annotations

from decimal import Decimal

from django import forms
from django.utils.translation import gettext_lazy as _

from complaints import staff_training
from complaints.choice_fields import LongText
from complaints.states import TrainingKind


class PeopleForm(forms.Form):
    """Who took part, one line each."""

    people = forms.CharField(
        label=_("Who took part"), widget=LongText(6), max_length=40_000,
        help_text=_("One person per line: the staff number and, after an examination, the points of 100."),
    )  # fmt: skip
    pass_from = forms.IntegerField(
        label=_("Passed from so many points"), min_value=1, max_value=100, initial=staff_training.PASS_FROM
    )


class TrainingForm(PeopleForm):
    """A course, an exercise, an examination or a pairing."""

    kind = forms.ChoiceField(label=_("Type of training"), choices=TrainingKind.choices)
    title = forms.CharField(label=_("Title"), max_length=120)
    held_on = forms.DateField(
        label=_("Took place on"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("A day to come is a plan."),
    )  # fmt: skip
    hours = forms.DecimalField(
        label=_("Hours"), min_value=0, max_value=staff_training.MAX_HOURS, max_digits=5, decimal_places=1,
        initial=Decimal(2),
    )  # fmt: skip
    trainer = forms.CharField(label=_("Trainer or mentor"), max_length=80, required=False)
    content = forms.CharField(
        label=_("Content"), max_length=staff_training.MAX_CONTENT, required=False, widget=LongText(4)
    )
    cases = forms.CharField(
        label=_("Typical cases used"), max_length=600, required=False,
        help_text=_("Their numbers, with blanks between."),
    )  # fmt: skip
    article = forms.CharField(
        label=_("Article it was about"), max_length=24, required=False, help_text=_("Its number.")
    )

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["people"].required = False

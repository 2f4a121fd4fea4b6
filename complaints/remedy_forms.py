"""Forms about remedies: approve, refuse, record that it was given; the limits of each level."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput
from accounts.moments import MomentField
from complaints import remedies
from complaints.choice_fields import LongText
from complaints.models import AuthorityLimit
from complaints.transitions.remedies import NOTE_LENGTH, REFERENCE_LENGTH

_MOMENT = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class RemedyForm(forms.Form):
    """A form whose broken rules are shown at their fields."""

    def show(self, error: InvalidInput) -> None:
        self.add_error(error.field if error.field in self.fields else None, str(error))


class ApproveForm(RemedyForm):
    note = forms.CharField(label=_("Remark"), max_length=NOTE_LENGTH, required=False, widget=LongText(2))


class RefuseForm(RemedyForm):
    reason = forms.CharField(label=_("Reason for refusing"), max_length=NOTE_LENGTH, widget=LongText(2))


class GiveForm(RemedyForm):
    reference = forms.CharField(
        label=_("Payment reference, or how it was given"),
        max_length=REFERENCE_LENGTH,
        help_text=_("For money the number of the payment; for an apology its form, such as a letter or in person."),
    )
    given_at = MomentField(label=_("When"), required=False, widget=_MOMENT, help_text=_("Empty means now."))


class LimitsForm(RemedyForm):
    """The yuan each level may approve; an empty field is without a limit."""

    based_on = forms.IntegerField(widget=forms.HiddenInput)
    note = forms.CharField(label=_("What changed and why"), max_length=200)
    field_order = ("based_on", *remedies.LEVELS, "note")

    def __init__(self, *args: Any, revision: AuthorityLimit, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("based_on", revision.revision)
        for level, limit in remedies.limits_of(revision).items():
            self.fields[level] = forms.IntegerField(
                label=remedies.LEVELS[level],
                min_value=0,
                max_value=remedies.HIGHEST_LIMIT,
                required=False,
                initial=limit,
                help_text=_("In yuan, for all the remedies of one case together. Empty is without a limit."),
            )
        self.order_fields(self.field_order)

    def limits(self) -> dict[str, int | None]:
        return {level: self.cleaned_data[level] for level in remedies.LEVELS}

"""The form of the public look-up (IN-38)."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from complaints import lookup


class LookupForm(forms.Form):
    """A number and the last four digits of the telephone; both are checked for shape here and together
    in the look-up."""

    number = forms.CharField(
        label=_("Order, parcel or repair number"),
        help_text=_("It stands on the order, the parcel or the repair slip."),
        max_length=80,
        widget=forms.TextInput(attrs={"autocapitalize": "characters", "spellcheck": "false"}),
        error_messages={
            "required": _("Write the number of the order, the parcel or the repair."),
            "max_length": _("A number has 4 to 40 letters and digits; check it."),
        },
    )
    # No limit of four in the browser: of a whole number it would keep the first four.
    digits = forms.CharField(
        label=_("Last four digits of the phone"),
        help_text=_("Of the phone number you gave with the order."),
        max_length=40,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        error_messages={
            "required": _("Write the last four digits of the phone number."),
            "max_length": _("Write the last four digits, for example 0417."),
        },
    )

    def clean_number(self) -> str:
        number = lookup.normalise_number(self.cleaned_data["number"])
        if not number:
            raise ValidationError(_("A number has 4 to 40 letters and digits; check it."))
        return number

    def clean_digits(self) -> str:
        digits = lookup.last_four(self.cleaned_data["digits"])
        if not digits:
            raise ValidationError(_("Write the last four digits, for example 0417."))
        return digits

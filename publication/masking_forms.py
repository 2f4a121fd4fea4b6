"""Forms of the masking profiles: a change to propose, an example to try it on, a decision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from complaints.choice_fields import LongText
from publication import masking
from publication.models import MaskingRevision
from publication.redaction import TYPES, Row, masks, redact

TYPE_LABELS = {
    "person": _("Name of a person"),
    "phone": _("Mobile number"),
    "landline": _("Landline number"),
    "id_number": _("Number of the identity card"),
    "passport": _("Passport number"),
    "permit": _("Travel permit"),
    "bank_card": _("Bank card"),
    "account": _("Other account"),
    "license_plate": _("Number plate"),
    "email": _("E-mail address"),
    "qq": _("QQ number"),
    "wechat": _("WeChat name"),
    "handle": _("Social media account"),
    "coordinates": _("Coordinates"),
    "birth_date": _("Date of birth"),
    "address": _("Detailed address"),
}
MANNERS = {
    "surname": _("surname and form of address, otherwise the wording"),
    "ends": _("first three and last four digits, otherwise the wording"),
    "tail": _("last four characters, otherwise the wording"),
    "token": _("the wording only"),
}


class MaskingForm(forms.Form):
    """Every wording of a profile, from when it applies and why; an example stays on the page and is not stored."""

    based_on = forms.IntegerField(widget=forms.HiddenInput)
    applies_from = forms.DateField(
        label=_("Applies from"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Today or later. Publications begun before keep their revision."),
    )
    reason = forms.CharField(label=_("What changed and why"), max_length=200)
    example = forms.CharField(
        label=_("Example text"),
        max_length=2000,
        required=False,
        widget=LongText(4),
        help_text=_("Only to try the wordings; it is not stored."),
    )

    def __init__(self, *args: Any, profile: str, rows: Mapping[str, Row], newest: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.profile = profile
        self.initial = {**self.initial, "based_on": newest, "applies_from": timezone.localdate()}
        for kind in TYPES:
            offered = masks.manners(profile, kind)
            self.fields[f"token_{kind}"] = forms.CharField(
                label=TYPE_LABELS[kind], max_length=masks.LONGEST, initial=rows[kind].token
            )
            if len(offered) > 1:
                self.fields[f"manner_{kind}"] = forms.ChoiceField(
                    label=_("How it is written"),
                    choices=[(manner, MANNERS[manner]) for manner in offered],
                    initial=rows[kind].manner,
                )

    def types(self) -> Iterator[list[forms.BoundField]]:
        """The fields of each type: its wording, and its manner where there is a choice."""
        for kind in TYPES:
            names = (f"token_{kind}", f"manner_{kind}")
            yield [self[name] for name in names if name in self.fields]

    def rows(self) -> dict[str, Row]:
        """The rows as edited."""
        data = self.cleaned_data
        return {kind: Row(data.get(f"manner_{kind}", "token"), data[f"token_{kind}"].strip()) for kind in TYPES}

    def tried(self) -> str:
        """The example as these rows mask it; raises InvalidInput at a wording that may not stand."""
        masking.check(self.profile, self.rows())
        return redact(self.cleaned_data["example"], profile=self.rows()).output

    def save(self, by: User) -> MaskingRevision:
        data = self.cleaned_data
        return masking.propose(
            self.profile,
            self.rows(),
            applies_from=data["applies_from"],
            reason=data["reason"],
            based_on=data["based_on"],
            by=by,
        )


class DecisionForm(forms.Form):
    """Approve or decline what somebody else proposed."""

    note = forms.CharField(label=_("Note"), max_length=200, required=False, help_text=_("Needed to decline."))

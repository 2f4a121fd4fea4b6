"""What a clerk decides about an e-mail: a complaint, part of a case, or neither (IN-08)."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from complaints import identity, tracking
from complaints.filters import category_choices
from complaints.mail_intake import Details
from complaints.models import Category, Complaint, Dimension
from complaints.public_forms import PlainText
from complaints.transitions.intake import MAX_NARRATIVE


class MailComplaintForm(forms.Form):
    """The complaint a message holds, prefilled from it."""

    subject = PlainText(
        label=_("Subject"), limit=120, error_messages={"required": _("Say in one sentence what it is about.")}
    )
    narrative = PlainText(
        label=_("What happened"),
        limit=MAX_NARRATIVE,
        lines=8,
        error_messages={"required": _("Describe what happened, in the complainant's words.")},
    )
    demand = PlainText(label=_("What the complainant asks for"), limit=2000, lines=2, required=False)
    category = forms.ChoiceField(label=_("Category"), required=False)
    place = PlainText(label=_("Place"), limit=200, required=False)
    phone = PlainText(label=_("Phone number"), limit=40, required=False)

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["category"].choices = [("", _("Not sure yet")), *category_choices()]  # type: ignore[attr-defined]  # a ChoiceField

    def clean_category(self) -> Category | None:
        found = Category.objects.filter(dimension=Dimension.CATEGORY, is_active=True)
        return found.filter(code=self.cleaned_data["category"]).first()

    def clean_phone(self) -> str:
        phone = self.cleaned_data["phone"]
        if phone and not identity.plausible_phone(phone):
            raise ValidationError(_("This is not a phone number that can be dialled; check the digits."))
        return phone

    def details(self, *, name: str) -> Details:
        """What is registered; `name` is how the sender signs."""
        return Details(name=name, **self.cleaned_data)


class MailJoinForm(forms.Form):
    """The case a message belongs to, by its number; only one the person may see is found."""

    number = forms.CharField(
        label=_("Case number"), max_length=40, error_messages={"required": _("Give the number of the case.")}
    )

    def __init__(self, *args, user: User, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_number(self) -> Complaint:
        number = tracking.normalise_number(self.cleaned_data["number"])
        complaint = Complaint.objects.visible_to(self.user).filter(number=number).first() if number else None
        if complaint is None:
            raise ValidationError(_("There is no such case. A case number looks like HY-20261120-0023."))
        return complaint


class MailDismissForm(forms.Form):
    """Why a message is no complaint."""

    reason = PlainText(label=_("Reason"), limit=200, error_messages={"required": _("Say why this is not a complaint.")})

"""Forms of the precautions: what is said to whom, the table, approval, one call (RISK-28, RISK-29)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from complaints import outreach
from complaints.choice_fields import LongText, YesNo
from complaints.models import Outreach
from complaints.states import OutreachWay


class OutreachForm(forms.Form):
    """A draft. `version` is that of the draft the person read."""

    title = forms.CharField(
        label=_("Title"), max_length=120, help_text=_("Whoever gets an e-mail reads it as the subject.")
    )
    reason = forms.CharField(
        label=_("Why people may be affected"), max_length=outreach.MAX_REASON, widget=LongText(3),
        help_text=_("For the person who approves it; nobody outside reads this."),
    )  # fmt: skip
    product = forms.CharField(label=_("Product or service"), max_length=120, required=False)
    batch = forms.CharField(label=_("Batch"), max_length=60, required=False)
    business_step = forms.CharField(label=_("Business step"), max_length=120, required=False)
    place = forms.CharField(label=_("Place"), max_length=200, required=False)
    way = forms.ChoiceField(label=_("How people are reached"), choices=OutreachWay.choices, widget=forms.RadioSelect)
    text = forms.CharField(
        label=_("What they are told"), max_length=max(outreach.MAX_TEXT.values()), widget=LongText(6),
        help_text=_("A notice has at most 500 characters and is sent as it stands; a call follows it."),
    )  # fmt: skip
    call_by = forms.DateField(
        label=_("Calls done by"), required=False, help_text=_("Only for calls."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )  # fmt: skip
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    # What the address of the page may bring along.
    GIVEN = ("title", "reason", "product", "batch", "text")

    def __init__(self, *args: Any, row: Outreach | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if row is None:
            del self.fields["version"]
        else:
            self.initial = {name: getattr(row, name) for name in self.fields}


class TableForm(forms.Form):
    file = forms.FileField(
        label=_("Table of recipients"),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.xlsx"}),
        help_text=_("CSV or XLSX with the columns name, phone and email (姓名, 电话, 邮箱), at most 20,000 rows."),
        error_messages={"required": _("Choose the file."), "empty": _("The file is empty.")},
    )


class ApproveForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)


class CancelForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=300, widget=LongText(2))


class CallForm(forms.Form):
    """What came of a call. `recipient` is the person on the screen."""

    recipient = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**63 - 1)
    reached = YesNo(label=_("Did you reach the person?"))
    note = forms.CharField(
        label=_("Remark on the call"),
        max_length=300,
        required=False,
        widget=LongText(2),
        help_text=_("No names or numbers."),
    )

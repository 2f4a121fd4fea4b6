"""Forms of official statements. Each carries the version the person saw; the rules live in `statements`."""

from __future__ import annotations

import re
from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from complaints.choice_fields import LongText
from complaints.models import Complaint
from publication import statements
from publication.models import Statement

_BETWEEN = re.compile(r"[\s,，、;；]+")


class StatementForm(forms.Form):
    """The texts of a statement and the cases it is about; an existing one only gains cases."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    cases = forms.CharField(label=_("Cases"), max_length=600)
    title = forms.CharField(label=statements.LABELS["title"], max_length=statements.LIMITS["title"])
    facts = forms.CharField(label=statements.LABELS["facts"], max_length=statements.LONGEST, widget=LongText(5))
    apology = forms.CharField(label=statements.LABELS["apology"], max_length=statements.LONGEST, widget=LongText(3))
    cause = forms.CharField(label=statements.LABELS["cause"], max_length=statements.LONGEST, widget=LongText(4))
    remedy = forms.CharField(
        label=statements.LABELS["remedy"],
        max_length=statements.LONGEST,
        widget=LongText(5),
        help_text=_("What, who and by which day. A line that begins with a dash becomes an item of a list."),
    )
    contact = forms.CharField(
        label=statements.LABELS["contact"],
        max_length=statements.LIMITS["contact"],
        help_text=_("An office with its number or mailbox, no person."),
    )
    channels = forms.CharField(
        label=statements.LABELS["channels"],
        max_length=statements.LIMITS["channels"],
        required=False,
        help_text=_("The official channels beside this website. The public reads this too."),
    )

    def __init__(
        self, data: QueryDict | None = None, *, user: User, statement: Statement | None = None, case: str = ""
    ) -> None:
        names = ("version", *statements.LABELS)
        super().__init__(
            data, initial={name: getattr(statement, name) for name in names} if statement else {"cases": case}
        )
        self.user = user
        cases = self.fields["cases"]
        cases.help_text = _("Their numbers. The public does not see them.")
        if statement is not None:
            self.fields["version"].required = True
            cases.required, cases.label = False, _("Link further cases")

    def clean_cases(self) -> list[int]:
        """The keys of the cases named by number; an error names the first that the person does not see."""
        numbers = list(dict.fromkeys(filter(None, _BETWEEN.split(self.cleaned_data["cases"].upper()))))
        if len(numbers) > statements.MAX_CASES:
            raise forms.ValidationError(_("Link at most %(limit)s cases.") % {"limit": statements.MAX_CASES})
        seen = dict(Complaint.objects.visible_to(self.user).filter(number__in=numbers).values_list("number", "pk"))
        for number in numbers:
            if number not in seen:
                raise forms.ValidationError(_("“%(number)s” is no case that you see.") % {"number": number[:40]})
        return list(seen.values())

    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of the rule."""
        data = dict(self.cleaned_data)
        return data | {"complaint_ids": data.pop("cases")}

    def typed(self, *, version: int) -> QueryDict:
        """A copy of what was sent, to show it again for the version that is stored now."""
        data = cast(QueryDict, self.data).copy()
        data["version"] = str(version)
        return data


class ActionForm(forms.Form):
    """An action that needs nothing but the version it was decided on."""

    version = forms.IntegerField(widget=forms.HiddenInput)


class ReasonForm(ActionForm):
    """An action that says why."""

    reason = forms.CharField(label=_("Reason"), max_length=300, widget=LongText(3))

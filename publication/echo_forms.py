"""Forms about what comes back from the public; the rules live in comments, volunteers and breaches."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from complaints.choice_fields import LongText, YesNo
from complaints.public_forms import PlainText
from publication import comments, observations, volunteers
from publication.states import CommentRoute, CommentState


def _day_input() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


# --- The public -------------------------------------------------------------------------------------
class CommentForm(forms.Form):
    """What somebody says about a result."""

    text = PlainText(
        label=_("Your comment"),
        limit=comments.LONGEST,
        lines=6,
        help_text=_("No names, addresses or numbers, please: they are left out."),
        error_messages={"required": _("Write what you want to say.")},
    )


class VolunteerReportForm(forms.Form):
    """What a volunteer saw of an improvement; for reading the answers the code is enough."""

    code = forms.CharField(
        label=_("Your code"),
        max_length=60,
        help_text=_("Sixteen letters and digits; capitals, blanks and hyphens do not matter."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
        error_messages={"required": _("Write the code you were given.")},
    )
    notice = forms.CharField(
        label=_("Number of the notice"),
        max_length=30,
        required=False,
        help_text=_("For example GS-202611-0001; it stands above the result."),
    )
    text = PlainText(
        label=_("What you saw"),
        limit=volunteers.LONGEST,
        lines=6,
        help_text=_("Where, when and what. No names, please."),
        error_messages={"required": _("Write what you saw.")},
    )
    fulfilled = forms.TypedChoiceField(
        label=_("Is the improvement there?"),
        choices=[("yes", _("Yes")), ("no", _("No")), ("unknown", _("I cannot say"))],
        coerce=lambda value: {"yes": True, "no": False}.get(value),
        empty_value=None,
        required=False,
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, is_reading: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if is_reading:
            self.fields["text"].required = False


# --- Comments ---------------------------------------------------------------------------------------
class ShowForm(forms.Form):
    """Let a comment pass, in exactly these words."""

    seen = forms.ChoiceField(choices=CommentState.choices, widget=forms.HiddenInput)
    shown_text = forms.CharField(
        label=_("What the public reads"),
        max_length=2 * comments.LONGEST,
        widget=LongText(5),
        help_text=_("The masking proposed these words; take out whatever else identifies somebody."),
    )


class HideForm(forms.Form):
    """Do not show it."""

    seen = forms.ChoiceField(choices=CommentState.choices, widget=forms.HiddenInput)
    reason = forms.CharField(label=_("Why it is not shown"), max_length=200, widget=LongText(2))


class AnswerForm(forms.Form):
    """What the office says to it in public."""

    answer = forms.CharField(
        label=_("Our answer"), max_length=comments.LONGEST_ANSWER, required=False, widget=LongText(4)
    )


class RouteForm(forms.Form):
    """What becomes of it."""

    route = forms.ChoiceField(label=_("What happens with it"), choices=CommentRoute.choices, widget=forms.RadioSelect)


# --- Volunteers -------------------------------------------------------------------------------------
class VolunteerForm(forms.Form):
    """A new volunteer supervisor."""

    name = forms.CharField(label=_("Name"), max_length=60)
    phone = forms.CharField(label=_("Telephone"), max_length=40, required=False)
    unit = forms.CharField(
        label=_("From where"), max_length=120, required=False, help_text=_("The neighbourhood or unit, no address.")
    )
    since = forms.DateField(label=_("Since"), widget=_day_input())
    until = forms.DateField(label=_("Until"), required=False, widget=_day_input())
    report_every_days = forms.TypedChoiceField(
        label=_("Reports every so many days"),
        choices=[(n, str(n)) for n in volunteers.INTERVALS],
        coerce=int,
        initial=30,
    )


class ReportAnswerForm(forms.Form):
    """What we say to a report."""

    answer = forms.CharField(label=_("Our answer"), max_length=volunteers.LONGEST, widget=LongText(4))


class ReportShowForm(forms.Form):
    """Show a report with its notice, in exactly these words."""

    seen = forms.ChoiceField(choices=CommentState.choices, widget=forms.HiddenInput)
    shown_text = forms.CharField(
        label=_("What the public reads"),
        max_length=observations.LONGEST,
        widget=LongText(5),
        help_text=_("The masking proposed these words; take out whatever else identifies somebody."),
    )
    answer = forms.CharField(
        label=_("Our answer in public"),
        max_length=observations.LONGEST_ANSWER,
        required=False,
        widget=LongText(4),
        help_text=_("Stands below the report; empty shows none."),
    )


class ReportHideForm(forms.Form):
    """Show it no longer."""

    seen = forms.ChoiceField(choices=CommentState.choices, widget=forms.HiddenInput)
    reason = forms.CharField(label=_("Why it is not shown"), max_length=observations.LONGEST_REASON, widget=LongText(2))


# --- Corrections and leaks --------------------------------------------------------------------------
class CorrectionForm(forms.Form):
    """A note that a result was corrected."""

    note = forms.CharField(
        label=_("What was corrected"),
        max_length=200,
        widget=LongText(3),
        help_text=_("The public reads it with the result. Say what is right now; do not repeat what was wrong."),
    )


class BreachForm(forms.Form):
    """Personal data got out through a publication."""

    kinds = forms.CharField(label=_("Kinds of data"), max_length=200, help_text=_("For example: name, telephone."))
    what = forms.CharField(label=_("What was to be seen, without repeating it"), max_length=2000, widget=LongText(4))


class BreachCloseForm(forms.Form):
    """What was done about it; another person closes it."""

    measures = forms.CharField(label=_("What was done"), max_length=2000, widget=LongText(4))
    persons_told = YesNo(label=_("Were the people told whose data it was?"))

    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of the rule."""
        return dict(self.cleaned_data)

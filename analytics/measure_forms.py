"""Forms of what figures are held against: targets, outside events, closing, tidying."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from accounts.models import Department
from analytics import annotations as outside
from analytics import targets, three_rates
from analytics.closing import REASON
from analytics.registry import Unit
from analytics.tidying import NOTE
from complaints import revisions
from complaints.choice_fields import DepartmentField, LongText


class TargetForm(forms.Form):
    """A target from a month on; a rate is typed in percent."""

    figure = forms.ChoiceField(label=gettext_lazy("Which figure"))
    department = DepartmentField(
        label=gettext_lazy("Department"), required=False, empty_label=gettext_lazy("All departments")
    )
    value = forms.FloatField(
        label=gettext_lazy("Target value"),
        help_text=gettext_lazy("Percent for a rate, working days for a length of time."),
    )
    from_month = forms.RegexField(
        r"^\d{4}-\d{2}$",
        label=gettext_lazy("From month"),
        help_text=gettext_lazy("As 2026-10."),
        error_messages={"invalid": gettext_lazy("Name a month, as 2026-10.")},
    )
    note = forms.CharField(label=gettext_lazy("What it rests on"), required=False, max_length=targets.NOTE)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        figure, department = self.fields["figure"], self.fields["department"]
        assert isinstance(figure, forms.ChoiceField)
        assert isinstance(department, DepartmentField)
        figure.choices = [(key, row.name) for key, row in targets.FIGURES.items()]
        department.queryset = Department.objects.order_by("code")

    def stored_value(self) -> float:
        """The value as it is kept: a rate from 0 to 1, or days."""
        value = self.cleaned_data["value"]
        return value / 100 if targets.FIGURES[self.cleaned_data["figure"]].unit == Unit.RATIO else value


class AnnotationForm(forms.Form):
    """An outside event with its days."""

    first_day = forms.DateField(label=gettext_lazy("First day"), widget=forms.DateInput(attrs={"type": "date"}))
    last_day = forms.DateField(label=gettext_lazy("Last day"), widget=forms.DateInput(attrs={"type": "date"}))
    text = forms.CharField(label=gettext_lazy("Outside event"), max_length=outside.TEXT)


class FormulaForm(forms.Form):
    """How the three rates are counted from now on."""

    basically = forms.ChoiceField(
        label=gettext_lazy("“Basically satisfied” in the three rates"),
        choices=[("yes", gettext_lazy("counts as satisfied")), ("no", gettext_lazy("does not count"))],
        widget=forms.RadioSelect,
    )
    base = forms.ChoiceField(
        label=gettext_lazy("Three rates divided by"), choices=list(three_rates.BASES.items()), widget=forms.RadioSelect
    )
    note = forms.CharField(label=gettext_lazy("What changes and why"), max_length=revisions.NOTE, widget=LongText(2))
    based_on = forms.IntegerField(min_value=0, widget=forms.HiddenInput)


class ReopenForm(forms.Form):
    """Why a closed month is counted anew."""

    reason = forms.CharField(label=gettext_lazy("Why the month is opened again"), max_length=REASON, widget=LongText(2))


class SettleForm(forms.Form):
    """Why a record stays as it is."""

    note = forms.CharField(label=gettext_lazy("Why it stays as it is"), max_length=NOTE)

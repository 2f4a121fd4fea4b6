"""Forms of the supplier register; each ends in one rule (IMP-12)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.web import offer
from analytics import suppliers, unversioned
from analytics.models import Supplier, SupplierCase, SupplierScore
from analytics.periods import Period, month_of, parse
from analytics.problem_forms import RuleForm, day
from complaints.choice_fields import CaseField, LongText, YesNo
from complaints.models import Complaint

MONTHS = 12


def periods_over(now: datetime) -> list[Period]:
    """The quarters and months of the last year that are over, the latest first."""
    months = month_of(now).previous.last_months(MONTHS)[::-1]
    quarters = [Period(month.year, month.month - 2, 3) for month in months if month.month % 3 == 0]
    return [*quarters, *months]


class SupplierForm(RuleForm):
    """The entry of a supplier; `row` is the one to change."""

    title = _("Enter a supplier")
    name = forms.CharField(label=_("Name"), max_length=suppliers.NAME)
    supplies = forms.CharField(label=_("What it supplies"), max_length=suppliers.LINE, required=False)
    contact = forms.CharField(
        label=_("Whom to turn to"), max_length=suppliers.LINE, required=False, help_text=_("A post or a department.")
    )

    def write(self) -> Supplier:
        return suppliers.register(by=self.user, **self.cleaned_data)


class ChangeSupplierForm(SupplierForm):
    title = _("Change the supplier")
    is_active = forms.BooleanField(label=_("Still supplies us"), required=False)
    seen = forms.CharField(widget=forms.HiddenInput)

    def prepare(self) -> None:
        self.initial.update({name: getattr(self.row, name) for name in suppliers.FIELDS})
        self.initial["seen"] = unversioned.mark(self.row, *suppliers.FIELDS)

    def write(self) -> Supplier:
        return suppliers.change(self.row.pk, by=self.user, **self.cleaned_data)


class SupplierCaseForm(RuleForm):
    """A case the supplier caused."""

    title = _("Record a case")
    button = _("Record the case")
    done = _("The case is recorded.")
    case = CaseField(label=_("Number of the case"))
    share = forms.CharField(
        label=_("What the supplier did"), max_length=suppliers.TEXT, widget=LongText(3),
        help_text=_("It stands in the letter to the supplier: no names of people who complained."),
    )  # fmt: skip

    def prepare(self) -> None:
        offer(self, "case", Complaint.objects.visible_to(self.user))

    def write(self) -> SupplierCase:
        return suppliers.record_case(self.row.pk, by=self.user, **self.cleaned_data)


class DemandForm(RuleForm):
    title = _("Demand an improvement")
    button = _("Demand it")
    done = _("Recorded. The letter can be downloaded and sent.")
    text = forms.CharField(label=_("What the supplier has to mend"), max_length=suppliers.TEXT, widget=LongText(4))
    due_on = day(_("Answer by"))

    def write(self) -> SupplierCase:
        return suppliers.demand(self.row.pk, by=self.user, **self.cleaned_data)


class SupplierAnswerForm(RuleForm):
    title = _("Enter the answer of the supplier")
    done = _("Recorded; another person checks whether it improved.")
    text = forms.CharField(label=_("What the supplier answered"), max_length=suppliers.TEXT, widget=LongText(4))
    received_on = day(_("Day it came"))

    def prepare(self) -> None:
        self.initial.setdefault("received_on", timezone.localdate())

    def write(self) -> SupplierCase:
        return suppliers.answer(self.row.pk, by=self.user, **self.cleaned_data)


class JudgeForm(RuleForm):
    title = _("Check the improvement")
    button = _("Decide")
    is_improved = YesNo(label=_("Did the supplier improve?"))

    def write(self) -> SupplierCase:
        return suppliers.judge(self.row.pk, by=self.user, **self.cleaned_data)


STEPS: dict[str, type[RuleForm]] = {"demand": DemandForm, "answer": SupplierAnswerForm, "judge": JudgeForm}


class PeriodForm(forms.Form):
    """Which period is evaluated."""

    period = forms.TypedChoiceField(label=_("Period"), coerce=parse)

    def __init__(self, *args: Any, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(period.code, period.label) for period in periods_over(now)]
        self.fields["period"].choices = choices  # type: ignore[attr-defined]  # a choice field


class ScoreForm(RuleForm):
    """The evaluation of one period: the drafted points, confirmed or changed. `row`: the supplier."""

    title = _("Confirm the evaluation")
    button = _("Confirm")
    done = _("The evaluation is confirmed.")
    score = forms.IntegerField(label=_("Points"), min_value=0, max_value=100)
    note = forms.CharField(
        label=_("Reason"), max_length=suppliers.NOTE, required=False, widget=LongText(2),
        help_text=_("Needed when the points differ from the draft."),
    )  # fmt: skip
    seen = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, period: Period, **kwargs: Any) -> None:
        self.period = period
        super().__init__(*args, **kwargs)

    def prepare(self) -> None:
        self.drafted = suppliers.draft(self.row, self.period)
        self.initial.update({"score": self.drafted.points, "seen": self.drafted.points})

    @property
    def formula(self) -> str:
        """How the draft comes about, in one sentence."""
        return suppliers.formula()

    def write(self) -> SupplierScore:
        return suppliers.confirm(self.row.pk, period=self.period, by=self.user, **self.cleaned_data)

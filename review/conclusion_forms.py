"""Forms of the report and of what follows the decision: sections, corrections, further remedies, delivery."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput
from accounts.moments import MomentField
from accounts.web import offer
from complaints.choice_fields import CategoryField, LongText, YesNo
from complaints.models import Allegation
from complaints.models.classification import Dimension
from complaints.states import FindingResult, RemedyKind, Satisfaction
from review import corrections, extra_remedy, refusal, report
from review.states import CorrectedField
from review.step_forms import SideForm


class SectionForm(SideForm):
    """One section of the report (REV-43)."""

    button = _("Save as a new revision")
    based_on = forms.IntegerField(widget=forms.HiddenInput)
    text = forms.CharField(label=_("Text"), widget=LongText(14), max_length=report.TEXT)

    def __init__(self, *args: Any, section: str, revision: int, words: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.section = section
        self.initial.update(based_on=revision, text=words)

    @property
    def title(self) -> Any:  # type: ignore[override]  # the section gives it
        return report.SECTIONS[self.section]

    def write(self, at: datetime) -> Any:
        values = self.cleaned_data
        sections = {self.section: values["text"]}
        return report.save(self.review.pk, sections=sections, based_on=values["based_on"], by=self.user, at=at)


_INTRO = _("The original record stays as it is; the correction stands beside it, and the department reads both.")


class _CorrectionForm(SideForm):
    """A correction of one field (REV-47); the subclass says how the right value is given."""

    field: CorrectedField
    button = _("Add the correction")
    intro = _INTRO

    @property
    def title(self) -> Any:  # type: ignore[override]  # the field gives it
        return _("Correct: %(field)s") % {"field": self.field.label}

    @property
    def recorded(self) -> str:
        """What the record says, to be read beside the field; of a finding the choice of the allegation tells it."""
        if self.field == CorrectedField.FINDING:
            return ""
        return corrections.recorded_words(self.review.complaint, self.field)

    def write(self, at: datetime) -> Any:
        return corrections.correct(self.review.pk, field=self.field, by=self.user, at=at, **self.cleaned_data)


def _reason() -> forms.CharField:
    return forms.CharField(label=_("Reason"), widget=LongText(3), max_length=corrections.TEXT)


class OutcomeCorrection(_CorrectionForm):
    field = CorrectedField.OUTCOME
    corrected = forms.CharField(label=_("The right outcome"), widget=LongText(4), max_length=corrections.TEXT)
    reason = _reason()


class _Allegations(forms.ModelChoiceField):
    def label_from_instance(self, row: Allegation) -> str:
        return f"{row.text[:80]} · {row.get_finding_display() or '—'}"


class FindingCorrection(_CorrectionForm):
    field = CorrectedField.FINDING
    allegation = _Allegations(
        label=_("Allegation"), queryset=Allegation.objects.none(), empty_label=_("Choose an allegation")
    )
    corrected = forms.ChoiceField(label=_("The right finding"), choices=FindingResult.choices, widget=forms.RadioSelect)
    reason = _reason()

    def prepare(self) -> None:
        offer(self, "allegation", self.review.complaint.allegations.all())


class SatisfactionCorrection(_CorrectionForm):
    field = CorrectedField.SATISFACTION
    corrected = forms.ChoiceField(
        label=_("The right satisfaction"), choices=Satisfaction.choices, widget=forms.RadioSelect
    )
    reason = _reason()


class ClassificationCorrection(_CorrectionForm):
    field = CorrectedField.CLASSIFICATION
    corrected = CategoryField(Dimension.CATEGORY, label=_("The right category"))
    reason = _reason()

    def clean_corrected(self) -> str:
        return self.cleaned_data["corrected"].code


CORRECTIONS: dict[str, type[_CorrectionForm]] = {
    str(form.field): form
    for form in (OutcomeCorrection, FindingCorrection, SatisfactionCorrection, ClassificationCorrection)
}


class FurtherRemedyForm(SideForm):
    """A further remedy for the complainant (REV-48)."""

    title = _("Propose a further remedy")
    button = _("Propose it")
    intro = _("Another person approves money and goodwill, and a third one hands it over.")
    remedy = forms.ChoiceField(label=_("Kind of remedy"), choices=RemedyKind.choices)
    description = forms.CharField(
        label=_("What the complainant gets"), widget=LongText(3), max_length=extra_remedy.TEXT
    )
    amount = forms.DecimalField(label=_("Amount in yuan"), max_digits=12, decimal_places=2, required=False)
    is_owed = YesNo(label=_("Is it owed?"), yes=_("Owed"), no=_("Goodwill"))
    due_on = forms.DateField(
        label=_("Done by"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def write(self, at: datetime) -> Any:
        values = dict(self.cleaned_data)
        try:
            return extra_remedy.propose(self.review.pk, by=self.user, at=at, kind=values.pop("remedy"), **values)
        except InvalidInput as error:
            raise InvalidInput("remedy" if error.field == "kind" else error.field, str(error)) from None


class DeliveryForm(SideForm):
    """When the letter of the review reached the complainant (REV-31, REV-45)."""

    title = _("Record the delivery of the notice")
    button = _("Record the delivery")
    sent_at = MomentField(
        label=_("When"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    how = forms.CharField(
        label=_("What proves it"),
        max_length=refusal.HOW,
        help_text=_("For example the number of the registered letter, or that the receipt is signed."),
    )

    def write(self, at: datetime) -> Any:
        return refusal.record_delivery(self.review.pk, by=self.user, at=at, **self.cleaned_data)

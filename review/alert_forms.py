"""Forms of the early warnings: the thresholds of every rule, the industry's durations, a reason against an alert."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from complaints.choice_fields import CategoryField, LongText
from complaints.models import Dimension
from review import alert_standard
from review.alert_rules import RULES, Rule
from review.models import AlertStandard


class RulesForm(forms.Form):
    """Every rule with its switches and numbers, as the next revision."""

    based_on = forms.IntegerField(widget=forms.HiddenInput)
    note = forms.CharField(label=_("What changed and why"), max_length=200)

    def __init__(self, *args: Any, standard: AlertStandard, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.standard = standard
        self.initial.setdefault("based_on", standard.revision)
        for code, settings in alert_standard.settings_of(standard).items():
            self.fields[f"{code}_enabled"] = forms.BooleanField(
                label=_("Switched on"), required=False, initial=settings["enabled"]
            )
            self.fields[f"{code}_opens_review"] = forms.BooleanField(
                label=_("Opens a review by itself once the case has a result"),
                required=False,
                initial=settings["opens_review"],
            )
            for threshold in RULES[code].thresholds:
                self.fields[f"{code}_{threshold.key}"] = forms.IntegerField(
                    label=threshold.label,
                    min_value=threshold.least,
                    max_value=threshold.most,
                    initial=settings[threshold.key],
                )

    def rows(self) -> Iterator[tuple[Rule, list[forms.BoundField], list[forms.BoundField]]]:
        """Each rule with its numbers and its switches."""
        for code, rule in RULES.items():
            numbers = [self[f"{code}_{threshold.key}"] for threshold in rule.thresholds]
            yield rule, numbers, [self[f"{code}_enabled"], self[f"{code}_opens_review"]]

    def rules(self) -> dict[str, dict[str, Any]]:
        """The settings as edited."""
        values = self.cleaned_data
        return {
            code: {
                "enabled": values[f"{code}_enabled"],
                "opens_review": values[f"{code}_opens_review"],
                **{threshold.key: values[f"{code}_{threshold.key}"] for threshold in rule.thresholds},
            }
            for code, rule in RULES.items()
        }


class BenchmarkForm(forms.Form):
    """How long the industry takes for one category."""

    category = CategoryField(Dimension.CATEGORY, label=_("Category"))
    days = forms.DecimalField(
        label=_("Average duration (calendar days)"), max_digits=6, decimal_places=2, min_value=0, max_value=3650
    )
    source = forms.CharField(label=_("Source"), max_length=200)
    dated_on = forms.DateField(
        label=_("Date of the figure"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


class DismissForm(forms.Form):
    """Why no review comes of an alert."""

    reason = forms.CharField(label=_("Why no review is needed"), max_length=300, widget=LongText(3))

"""Forms that narrow figures: they are sent with GET and repeat what filters.py accepts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy

from analytics import periods, three_rates
from analytics.awards import MOST_ANSWERS, Rules
from analytics.periods import Period
from analytics.permissions import FINAL, FIRST
from analytics.scope import Scope
from analytics.states import Result
from complaints import filters
from complaints.models import Category, Dimension
from complaints.states import Channel, CustomerTier, EmotionIntensity, RiskGrade, SpecialGroup

MONTHS_OFFERED = 13


class PeriodForm(forms.Form):
    """A month or quarter that has begun; without one the last finished month."""

    shipped: ClassVar[dict[str, int]] = {}

    period = forms.ChoiceField(label=gettext_lazy("Period"), required=False)

    def __init__(self, data: QueryDict | None, *, at: datetime, period: Period) -> None:
        # What the address leaves open is shown as it was counted.
        given = None if data is None else {**self.shipped, **data.dict(), "period": period.code}
        super().__init__(given, initial={**self.shipped, "period": period.code})
        months = list(reversed(periods.month_of(at).last_months(MONTHS_OFFERED)))
        quarters = list(dict.fromkeys(Period(row.year, (row.month - 1) // 3 * 3 + 1, 3) for row in months))
        offered = dict.fromkeys([*months, *quarters, period])
        _choose(self, "period", ((row.code, row.label) for row in offered))


def _choose(form: forms.Form, name: str, choices: Iterable[tuple[Any, Any]]) -> None:
    found = form.fields[name]
    assert isinstance(found, forms.ChoiceField)
    found.choices = list(choices)


def _any(choices: Iterable[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    return [("", gettext_lazy("All")), *choices]


class FilterForm(PeriodForm):
    """Every filter of the figures at once (AN-02)."""

    department = forms.ChoiceField(label=gettext_lazy("Department"), required=False)
    category = forms.ChoiceField(label=gettext_lazy("Category"), required=False)
    classification = forms.ChoiceField(
        label=gettext_lazy("Classification"), required=False,
        choices=[
            (FINAL, gettext_lazy("by the final classification")),
            (FIRST, gettext_lazy("by the first classification")),
        ],
    )  # fmt: skip
    channel = forms.ChoiceField(label=gettext_lazy("Channel"), required=False, choices=_any(Channel.choices))
    risk = forms.ChoiceField(label=gettext_lazy("Risk"), required=False, choices=_any(RiskGrade.choices))
    legal = forms.ChoiceField(label=gettext_lazy("Legal risk"), required=False)
    tier = forms.ChoiceField(label=gettext_lazy("Customer tier"), required=False, choices=_any(CustomerTier.choices))
    care = forms.ChoiceField(label=gettext_lazy("Special group"), required=False, choices=_any(SpecialGroup.choices))
    emotion = forms.ChoiceField(
        label=gettext_lazy("Intensity of emotion"), required=False, choices=_any(EmotionIntensity.choices)
    )
    product = forms.CharField(label=gettext_lazy("Product or service"), required=False, max_length=120)
    outlet = forms.CharField(label=gettext_lazy("Outlet or counter"), required=False, max_length=80)
    place = forms.CharField(label=gettext_lazy("Place"), required=False, max_length=200)
    step = forms.CharField(label=gettext_lazy("Business step"), required=False, max_length=120)
    result = forms.ChoiceField(label=gettext_lazy("Result"), required=False, choices=_any(Result.choices))
    basically = forms.ChoiceField(
        label=gettext_lazy("“Basically satisfied” in the three rates"), required=False,
        choices=[
            ("", gettext_lazy("as the office has set it")),
            ("yes", gettext_lazy("counts as satisfied")),
            ("no", gettext_lazy("does not count")),
        ],
    )  # fmt: skip
    base = forms.ChoiceField(
        label=gettext_lazy("Three rates divided by"), required=False,
        choices=[("", gettext_lazy("as the office has set it")), *three_rates.BASES.items()],
    )  # fmt: skip

    def __init__(self, data: QueryDict | None, *, at: datetime, scope: Scope, period: Period) -> None:
        super().__init__(data, at=at, period=period)
        departments = (
            option
            for option in filters.options()["department"]
            if scope.departments is None or scope.departments.issuperset(option.pks)
        )
        _choose(self, "department", _any((option.code, option.label) for option in departments))
        _choose(self, "category", _any(filters.category_choices()))
        types = Category.objects.filter(dimension=Dimension.LEGAL, is_active=True)
        _choose(self, "legal", _any((row.code, row.label) for row in types))


class RulesForm(PeriodForm):
    """The rules of the stars."""

    shipped = asdict(Rules())

    answers = forms.IntegerField(
        label=gettext_lazy("At least so many answers"), required=False, min_value=1, max_value=MOST_ANSWERS
    )
    satisfied = forms.IntegerField(
        label=gettext_lazy("At least so many percent satisfied"), required=False, min_value=0, max_value=100
    )
    praises = forms.IntegerField(
        label=gettext_lazy("At least so many praises"), required=False, min_value=0, max_value=MOST_ANSWERS
    )

    def rules(self) -> Rules:
        """The rules asked for; what was left open is as shipped."""
        cleaned = getattr(self, "cleaned_data", {})
        given = {name: cleaned[name] for name in ("answers", "satisfied", "praises") if cleaned.get(name) is not None}
        return Rules(**given)

"""The forms about lanes and customer tiers (ASG-09…11, SPG-07)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput
from accounts.web import offer
from complaints import lanes
from complaints.choice_fields import LongText, PersonField
from complaints.lanes import Conditions
from complaints.models import LaneRule, TierService
from complaints.record_forms import RecordForm
from complaints.routing_forms import ConditionForm
from complaints.states import CustomerTier, Lane, RiskGrade, SpecialGroup
from complaints.transitions import lanes as rules


class LaneRuleForm(ConditionForm):
    """A rule that puts cases on a lane."""

    field_order = (
        "name", "category", "risk_grade", "customer_tier", "special_group", "words", "lane", "senior", "daily_contact",
        "seen",
    )  # fmt: skip
    risk_grade = forms.ChoiceField(
        label=_("Risk at least"), choices=[("", _("Any risk")), *RiskGrade.choices], required=False
    )
    customer_tier = forms.ChoiceField(
        label=_("Customer tier"),
        choices=[("", _("Any customer")), *CustomerTier.choices],
        required=False,
        help_text=_("Counts for no case under a government policy, which treats everybody the same."),
    )
    special_group = forms.ChoiceField(
        label=_("Special group"),
        choices=[("", _("Everybody")), *SpecialGroup.choices],
        required=False,
        help_text=_("Counts only where the complainant consented to its being noted."),
    )
    lane = forms.ChoiceField(label=_("Lane"), choices=Lane.choices, widget=forms.RadioSelect, initial=Lane.FAST)
    senior = PersonField(
        label=_("Senior person"),
        required=False,
        empty_label=_("Nobody in particular"),
        help_text=_("Has the case from registration to the end; needed for the lane with one senior person."),
    )
    daily_contact = forms.BooleanField(
        label=_("The complainant hears from us every working day"),
        required=False,
        help_text=_("The senior person is told on days on which that did not happen."),
    )

    def __init__(self, *args: Any, rule: LaneRule | None = None, **kwargs: Any) -> None:
        if rule is not None:
            names = ("name", "risk_grade", "customer_tier", "special_group", "words", "lane", "daily_contact")
            kwargs["initial"] = {
                **{name: getattr(rule, name) for name in names},
                "category": rule.category.code if rule.category else None,
                "senior": rule.senior.staff_number if rule.senior else None,
            }
        super().__init__(*args, **kwargs)
        offer(self, "senior", lanes.senior_people())

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("lane") == Lane.SENIOR and not values.get("senior") and not self.has_error("senior"):
            self.add_error("senior", _("Choose the person who takes these cases."))
        return values

    def conditions(self) -> Conditions:
        """What the rule asks of a case, as far as the form is right."""
        values = self.cleaned_data
        return Conditions(
            values["category"].pk if values.get("category") else None,
            values.get("risk_grade", ""),
            values.get("customer_tier", ""),
            values.get("special_group", ""),
            self.words_asked(),
        )


class PutOnLane(RecordForm):
    """Put a case on a lane; whom the complaint is about and their team are not among the people offered."""

    kind = "lane_put"
    title = _("Put the case on a lane")
    done = _("Saved. Who takes the case was told.")
    lane = forms.ChoiceField(label=_("Lane"), choices=Lane.choices, widget=forms.RadioSelect, initial=Lane.FAST)
    is_about_conduct = forms.BooleanField(
        label=_("Because of how the first handler behaved"),
        required=False,
        help_text=_("A senior person outside the team complained about takes the case."),
    )
    senior = PersonField(
        label=_("Senior person"),
        required=False,
        empty_label=_("Nobody in particular"),
        help_text=_("Only people who can see the case and are not of the team complained about."),
    )
    daily_contact = forms.BooleanField(label=_("The complainant hears from us every working day"), required=False)
    reason = forms.CharField(label=_("Reason"), max_length=rules.REASON, widget=LongText(2))

    def prepare(self) -> None:
        offer(self, "senior", lanes.seniors_for(self.complaint))
        if not self.complaint.accused_staff.all():
            del self.fields["is_about_conduct"]
        row = lanes.standing(self.complaint)
        if row is not None:
            self.initial.setdefault("lane", row.lane)
            self.initial.setdefault("daily_contact", row.daily_contact)
            self.initial.setdefault("senior", row.senior.staff_number if row.senior else None)

    def write(self, at: datetime | None) -> Any:
        return rules.put_on_lane(self.complaint.pk, by=self.user, at=at, **self.cleaned_data)


class TakeOffLane(RecordForm):
    kind = "lane_end"
    title = _("Let the case go the ordinary way")
    done = _("The case goes the ordinary way again.")
    reason = forms.CharField(label=_("Reason"), max_length=rules.REASON, widget=LongText(2))

    def write(self, at: datetime | None) -> Any:
        return rules.take_off_lane(self.complaint.pk, by=self.user, at=at, **self.cleaned_data)


class TierForm(forms.Form):
    """What a customer tier gets. `seen`: the last change the person saw."""

    is_active = forms.BooleanField(label=_("Offer this tier its own service"), required=False)
    manager = PersonField(label=_("Dedicated manager"), required=False, empty_label=_("Nobody"))
    fast_lane = forms.BooleanField(label=_("Goes through the fast lane"), required=False)
    promise = forms.CharField(
        label=_("What this tier is told it gets"),
        required=False,
        max_length=300,
        widget=LongText(3),
        help_text=_("Everybody on the staff reads it. It never says anything about limits: they are the same for all."),
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, row: TierService | None, seen: str, **kwargs: Any) -> None:
        kwargs["initial"] = {
            "seen": seen,
            **(
                {
                    "is_active": row.is_active,
                    "manager": row.manager.staff_number if row.manager else None,
                    "fast_lane": row.fast_lane,
                    "promise": row.promise,
                }
                if row
                else {}
            ),
        }
        super().__init__(*args, **kwargs)
        offer(self, "manager", lanes.senior_people())

    def show(self, error: InvalidInput) -> None:
        """A rule that was broken stands at its field."""
        self.add_error(error.field if error.field in self.fields else None, str(error))

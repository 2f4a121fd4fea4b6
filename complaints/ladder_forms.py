"""The forms of one limit's reminders: from which day on, and a form for each step (SLA-13)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from complaints import policy_editing
from complaints.calendars import InvalidSetting
from complaints.clock_rules import LadderStep, NoticeKind, OffsetKind, Recipient
from complaints.models import ServicePolicy
from complaints.profiles import ProfileRule
from complaints.states import Milestone

OFFSETS = {
    OffsetKind.FRACTION: _("per cent of the limit have passed"),
    OffsetKind.WORKING_HOURS_BEFORE: _("working hours before it is due"),
    OffsetKind.WORKING_DAYS_BEFORE: _("working days before it is due"),
    OffsetKind.WORKING_HOURS_AFTER: _("working hours after it was due"),
    OffsetKind.WORKING_DAYS_AFTER: _("working days after it was due"),
}
RECIPIENTS = {
    Recipient.OWNER: _("who works on it"),
    Recipient.DEPARTMENT_HEAD: _("the head of the department"),
    Recipient.COORDINATOR: _("the coordinator"),
    Recipient.MANAGER: _("management"),
}
KINDS = {
    NoticeKind.REMINDER: _("reminder"),
    NoticeKind.BREACH: _("notice that the limit is over"),
    NoticeKind.ESCALATION: _("escalation"),
}
SPARE_STEPS = 2
MOST_STEPS = 20
# More hours or days before or after a limit are a slip of the pen.
MOST_VALUE = 1000
PER_CENT = 100


class LadderForm(forms.Form):
    """From which day the steps hold. `based_on` is the revision of the policy the person sees."""

    based_on = forms.IntegerField(widget=forms.HiddenInput)
    valid_from = forms.DateField(
        label=_("In force from"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Today or later. The revision before ends the day before."),
    )


class StepForm(forms.Form):
    """One step: at which time it tells whom what."""

    value = forms.FloatField(label=_("When"), max_value=MOST_VALUE)
    offset_kind = forms.ChoiceField(label=_("Counted as"), choices=list(OFFSETS.items()))
    kind = forms.ChoiceField(label=_("What is sent"), choices=list(KINDS.items()))
    recipients = forms.MultipleChoiceField(
        label=_("Whom it tells"),
        choices=list(RECIPIENTS.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, milestone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if milestone == Milestone.TASK:
            choices = [(one, RECIPIENTS[one]) for one in policy_editing.OF_DEPARTMENT]
            self.fields["recipients"] = forms.MultipleChoiceField(
                label=_("Whom it tells"), choices=choices, required=False, widget=forms.CheckboxSelectMultiple
            )

    def holds_a_step(self) -> bool:
        """A spare form that was left alone holds none."""
        return not self.empty_permitted or self.has_changed()

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if {"value", "offset_kind", "kind", "recipients"} <= values.keys() and self.holds_a_step():
            try:
                self.step = self._step(values)
            except InvalidSetting:
                self.add_error("value", self._range(values["offset_kind"]))
        return values

    def _step(self, values: dict[str, Any]) -> LadderStep:
        kind = OffsetKind(values["offset_kind"])
        value = values["value"] / PER_CENT if kind is OffsetKind.FRACTION else values["value"]
        return LadderStep(
            kind, value, tuple(Recipient(one) for one in values["recipients"]), NoticeKind(values["kind"])
        )

    def _range(self, offset_kind: str) -> str:
        if offset_kind == OffsetKind.FRACTION:
            return gettext("Give 0 to 100 per cent.")
        return gettext("Give 0 or more.")


class BaseSteps(forms.BaseFormSet):
    """The steps of one limit and room for more."""

    def __init__(self, data: Any = None, *, rule: ProfileRule) -> None:
        super().__init__(
            data,
            initial=[_initial(step) for step in rule.ladder],
            prefix="steps",
            form_kwargs={"milestone": rule.milestone},
        )

    def add_fields(self, form: forms.Form, index: int | None) -> None:
        super().add_fields(form, index)
        if "DELETE" in form.fields:
            form.fields["DELETE"].label = _("Remove this step")

    def kept(self) -> list[StepForm]:
        """The forms that hold a step."""
        removed = self.deleted_forms
        return [form for form in self.forms if form not in removed and form.holds_a_step()]


Steps: Any = forms.formset_factory(
    StepForm,
    formset=BaseSteps,
    extra=SPARE_STEPS,
    can_delete=True,
    can_delete_extra=False,
    max_num=MOST_STEPS,
    validate_max=True,
)


def _initial(step: LadderStep) -> dict[str, Any]:
    value = step.value * PER_CENT if step.offset_kind is OffsetKind.FRACTION else step.value
    return {
        "value": f"{value:g}",
        "offset_kind": str(step.offset_kind),
        "kind": str(step.kind),
        "recipients": [str(one) for one in step.recipients],
    }


class LadderEditor:
    """Both forms of the reminders of one limit, on the revision `policy`."""

    def __init__(self, data: Any, *, policy: ServicePolicy, rule: ProfileRule) -> None:
        self.rule = rule
        earliest = max(timezone.localdate(), policy.valid_from + timedelta(days=1))
        self.form = LadderForm(data, initial={"based_on": policy.revision, "valid_from": earliest})
        self.steps = Steps(data, rule=rule)

    def is_valid(self) -> bool:
        """Whether each step can be sent and none stands twice; what is wrong stands at its step."""
        if not all([self.form.is_valid(), self.steps.is_valid()]):  # both say at once what is wrong
            return False
        kept = self.steps.kept()
        found = policy_editing.ladder_faults(self.rule.milestone, self.ladder())
        for place, sentence in found:
            kept[place].add_error("recipients" if not kept[place].step.recipients else "value", sentence)
        return not found

    def ladder(self) -> tuple[LadderStep, ...]:
        """The steps as they shall be."""
        return tuple(form.step for form in self.steps.kept())

    def rows(self) -> list[tuple[str, StepForm]]:
        """Each step with its heading."""
        stored = len(self.rule.ladder)
        return [
            (gettext("Step %(number)s") % {"number": number + 1} if number < stored else gettext("One more step"), form)
            for number, form in enumerate(self.steps)
        ]

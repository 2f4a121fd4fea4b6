"""The forms of a service policy: what holds for all of it, and one form for each time limit (SLA-01)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput
from complaints import policy_editing, policy_terms, profiles, reopening
from complaints.choice_fields import LongText
from complaints.clock_rules import LadderStep, StartsOn, Unit
from complaints.models import ServicePolicy
from complaints.profiles import Profile, ProfileRule
from complaints.states import Complexity, Milestone, PauseReason

STARTS = {
    StartsOn.RECEIVED: _("from receipt"),
    StartsOn.REGISTERED: _("from registration"),
    StartsOn.ACCEPTED: _("from acceptance"),
    StartsOn.ASSIGNED: _("from assignment"),
    StartsOn.RESOLVED: _("from the end of handling"),
    StartsOn.REPLIED: _("from the reply"),
    StartsOn.FIRST_RESULT: _("from the first result"),
    StartsOn.REVIEW_REQUESTED: _("from the application for review"),
}
UNITS = {
    Unit.WORKING_DAYS: _("working days"),
    Unit.CALENDAR_DAYS: _("calendar days"),
    Unit.WORKING_HOURS: _("hours of office time"),
    Unit.HOURS: _("hours, day and night"),
}
LADDERS = {
    "day": _("for days: at 75 %, 4 working hours before, when due, 1 and 3 working days after"),
    "hour": _("for hours: at 50 %, when due, 2 working hours after"),
    "window": _("for the complainant's window: only when it ends"),
    "task": _("for a department, in days: at 75 %, 4 working hours before, when due, 1 working day after"),
    "task_hour": _("for a department, in hours: at 50 %, when due, 2 working hours after"),
    "own": _("as it is: the office's own steps"),
}
SPARE_RULES = 2


class PolicyForm(forms.Form):
    """What holds for the whole policy. `based_on` is the revision the person sees."""

    based_on = forms.IntegerField(widget=forms.HiddenInput)
    name_zh = forms.CharField(label=_("Name in Chinese"), max_length=120)
    name_en = forms.CharField(label=_("Name in English"), max_length=120)
    legal_basis = forms.CharField(label=_("Legal basis"), max_length=300, required=False)
    slots = forms.CharField(
        label=_("Office hours"),
        max_length=400,
        widget=LongText(3),
        help_text=_("One slot a line, such as 08:30-12:00; earliest first."),
    )
    valid_from = forms.DateField(
        label=_("In force from"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Today or later. The revision before ends the day before."),
    )
    is_default = forms.BooleanField(label=_("New cases are bound to this policy"), required=False)
    return_days = forms.IntegerField(
        label=_("Returning a case: working days after the assignment"),
        help_text=_("Later only the complaints office moves the case."),
    )
    pause_reasons = forms.MultipleChoiceField(
        label=_("Reasons for which the clock may stand still"),
        choices=PauseReason.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "Somebody asks with evidence, another person decides. Where waiting for the complainant is not ticked, the "
            "clocks run on during a request for information."
        ),
    )
    pause_days = forms.IntegerField(
        label=_("A pause lasts at most so many days"),
        help_text=_("It ends by itself then. Waiting for the complainant lasts until the day named in the request."),
    )
    reopen_within_days = forms.IntegerField(
        label=_("Reopening until so many days after closing"),
        required=False,
        help_text=_("Left empty, there is no such limit."),
    )
    reopen_unit = forms.ChoiceField(label=_("Counted in"), choices=list(reopening.UNITS.items()), required=False)
    reopen_most = forms.IntegerField(
        label=_("Reopenings of one case at most"),
        required=False,
        help_text=_("Left empty, there is no such limit."),
    )
    reopen_reasons = forms.MultipleChoiceField(
        label=_("Reasons for reopening"),
        choices=list(reopening.REASONS.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: any reason, in words."),
    )
    reopen_clocks = forms.ChoiceField(
        label=_("Limit after reopening"), choices=list(reopening.CLOCKS.items()), required=False
    )

    def clean_slots(self) -> Any:
        try:
            return policy_editing.read_slots(self.cleaned_data["slots"])
        except InvalidInput as error:
            raise forms.ValidationError(str(error)) from error

    def of_reopening(self) -> list[forms.BoundField]:
        """The fields about reopening."""
        return [self[name] for name in self.fields if name.startswith("reopen_")]

    def reopening(self) -> dict[str, Any]:
        """The rules on reopening as the policy keeps them: only what is not left open."""
        values = self.cleaned_data
        found = {
            "within_days": values["reopen_within_days"],
            "unit": (values["reopen_unit"] or "days") if values["reopen_within_days"] is not None else None,
            "most": values["reopen_most"],
            "reasons": values["reopen_reasons"] or None,
            "clocks": values["reopen_clocks"] or None,
        }
        return {name: value for name, value in found.items() if value is not None}


class LimitForm(forms.Form):
    """One time limit of the policy."""

    milestone = forms.ChoiceField(label=_("Milestone"), choices=[("", _("Choose one")), *Milestone.choices])
    complexity = forms.ChoiceField(
        label=_("Complexity"), choices=[("", _("every other")), *Complexity.choices], required=False
    )
    amount = forms.IntegerField(label=_("Limit"))
    unit = forms.ChoiceField(label=_("Unit"), choices=list(UNITS.items()), initial=Unit.WORKING_DAYS.value)
    starts_on = forms.ChoiceField(label=_("Starts"), choices=list(STARTS.items()), initial=StartsOn.RECEIVED.value)
    extension_amount = forms.IntegerField(label=_("Length of an extension"), initial=0)
    max_extensions = forms.IntegerField(label=_("Extensions at most"), initial=0)
    ladder = forms.ChoiceField(label=_("Reminders"), choices=list(LADDERS.items())[:-1], initial="day")
    start_day_counts = forms.BooleanField(label=_("The starting day is counted"), required=False)
    roll_forward = forms.BooleanField(
        label=_("A last day that is not a working day moves to the next one"), required=False, initial=True
    )
    after_hours_next_day = forms.BooleanField(
        label=_("What comes outside office hours counts from the next opening"), required=False
    )
    resets = forms.BooleanField(label=_("It begins anew on new facts"), required=False)

    def __init__(self, *args: Any, own_ladder: tuple[LadderStep, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.own_ladder = own_ladder
        if own_ladder:
            self.fields["ladder"] = forms.ChoiceField(label=_("Reminders"), choices=list(LADDERS.items()))

    def numbers(self) -> list[forms.BoundField]:
        """The fields of the limit itself."""
        return [self[name] for name in ("milestone", "complexity", "amount", "unit", "starts_on")]

    def more(self) -> list[forms.BoundField]:
        return [self[name] for name in ("extension_amount", "max_extensions", "ladder")]

    def switches(self) -> list[forms.BoundField]:
        names = ["start_day_counts", "roll_forward", "after_hours_next_day", "resets"]
        return [self[name] for name in names + (["DELETE"] if "DELETE" in self.fields else [])]

    def has_more_errors(self) -> bool:
        """Whether something is wrong in the part of the form that is folded."""
        return any(field.errors for field in [*self.more(), *self.switches()])

    @property
    def steps_of(self) -> str:
        """How the page of the single steps names this limit; '' for one not stored yet."""
        return policy_editing.limit_key(self.initial["milestone"], self.initial["complexity"]) if self.initial else ""

    def holds_a_limit(self) -> bool:
        """A spare form that was left alone holds none."""
        return not self.empty_permitted or self.has_changed()

    def rule(self) -> ProfileRule:
        """The limit as plain data; figures are checked with the whole policy."""
        values = self.cleaned_data
        ladder = values["ladder"]
        return ProfileRule(
            values["milestone"],
            values["amount"],
            Unit(values["unit"]),
            StartsOn(values["starts_on"]),
            values["complexity"],
            values["start_day_counts"],
            values["roll_forward"],
            values["after_hours_next_day"],
            values["extension_amount"],
            values["max_extensions"],
            self.own_ladder if ladder == "own" else policy_editing.LADDERS[ladder],
            values["resets"],
        )


class BaseLimits(forms.BaseFormSet):
    """The limits of a policy and room for more."""

    def __init__(self, data: Any = None, *, rules: tuple[ProfileRule, ...]) -> None:
        self.rules = rules
        super().__init__(data, initial=[_initial(rule) for rule in rules], prefix="rules")

    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        rule = self.rules[index] if index is not None and index < len(self.rules) else None
        own = rule.ladder if rule and policy_editing.ladder_name(rule.ladder) == "own" else ()
        return {**super().get_form_kwargs(index), "own_ladder": own}

    def add_fields(self, form: forms.Form, index: int | None) -> None:
        super().add_fields(form, index)
        if "DELETE" in form.fields:
            form.fields["DELETE"].label = _("Remove this limit")

    def kept(self) -> list[LimitForm]:
        """The forms that hold a limit."""
        removed = self.deleted_forms
        return [form for form in self.forms if form not in removed and form.holds_a_limit()]


Limits: Any = forms.formset_factory(
    LimitForm, formset=BaseLimits, extra=SPARE_RULES, can_delete=True, can_delete_extra=False, max_num=60
)


def _initial(rule: ProfileRule) -> dict[str, Any]:
    names = (
        "milestone", "complexity", "amount", "extension_amount", "max_extensions", "start_day_counts", "roll_forward",
        "after_hours_next_day", "resets",
    )  # fmt: skip
    return {
        **{name: getattr(rule, name) for name in names},
        "unit": str(rule.unit),
        "starts_on": str(rule.starts_on),
        "ladder": policy_editing.ladder_name(rule.ladder),
    }


class PolicyEditor:
    """Both forms of one policy as a whole, on the revision `policy`.

    `with_tasks`: where it has no limit for the tasks of departments, the usual ones are proposed (SLA-04).
    """

    def __init__(self, data: Any, *, policy: ServicePolicy, with_tasks: bool = False) -> None:
        self.stored = policy_editing.draft_of(policy)
        proposed = with_tasks and policy_editing.lacks_tasks(self.stored)
        today = timezone.localdate()
        initial = {
            "based_on": policy.revision,
            "name_zh": policy.name,
            "name_en": policy.name_en,
            "legal_basis": policy.legal_basis,
            "slots": "\n".join(f"{start:%H:%M}-{end:%H:%M}" for start, end in self.stored.slots),
            "valid_from": max(today, policy.valid_from + timedelta(days=1)),
            "is_default": policy.is_default,
            "return_days": policy_terms.return_days(policy),
            "pause_days": policy_terms.pause_days(policy),
            "pause_reasons": [str(reason) for reason in policy_terms.pause_reasons(policy)],
            **{f"reopen_{name}": value for name, value in policy.reopening.items()},
        }
        self.form = PolicyForm(data, initial=initial)
        self.limits = Limits(data, rules=profiles.with_tasks(self.stored).rules if proposed else self.stored.rules)
        self.draft: Profile = self.stored

    def is_valid(self) -> bool:
        """Whether every field holds something a clock can run on; if so, `draft` is the revision described."""
        checked = [self.form.is_valid(), self.limits.is_valid()]  # both say at once what is wrong
        if not all(checked):
            return False
        values = self.form.cleaned_data
        self.draft = replace(
            self.stored,
            name_zh=values["name_zh"],
            name_en=values["name_en"],
            legal_basis=values["legal_basis"],
            slots=values["slots"],
            valid_from=values["valid_from"],
            valid_until=None,
            reopening=self.form.reopening(),
            return_days=values["return_days"],
            pause_days=values["pause_days"],
            pause_reasons=tuple(values["pause_reasons"]),
            rules=tuple(form.rule() for form in self.limits.kept()),
        )
        found = policy_editing.faults(self.draft)
        for field, sentence in found:
            self.add_error(field, sentence)
        return not found

    def add_error(self, field: str, sentence: str) -> None:
        """Put an error beside its field; `rules[2].amount` belongs to the third limit that is kept."""
        field = field.replace("reopening.", "reopen_")
        place = re.fullmatch(r"rules\[(\d+)\]\.(\w+)", field)
        if place:
            form = self.limits.kept()[int(place[1])]
            form.add_error(place[2] if place[2] in form.fields else None, sentence)
        else:
            self.form.add_error(field if field in self.form.fields else None, sentence)

    @property
    def based_on(self) -> int | None:
        """The revision the person saw; None when the page did not say."""
        seen = str(self.form["based_on"].data or "")
        return int(seen) if seen.isdecimal() else None

    def rows(self) -> Iterator[tuple[str, LimitForm]]:
        """Each limit with its heading."""
        for form in self.limits:
            chosen = str(form["milestone"].value() or "")
            yield str(Milestone(chosen).label) if chosen in Milestone.values else gettext("One more limit"), form

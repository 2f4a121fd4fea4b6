"""The form of a routing rule (ASG-01, ASG-02)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import Department
from accounts.web import offer
from complaints import notify, routing
from complaints.choice_fields import CategoryField, DepartmentField, LongText, PersonField
from complaints.models import RoutingRule
from complaints.routing import Conditions
from complaints.states import Channel

MAX_WORDS = 100
MAX_WORD = 40


class ConditionForm(forms.Form):
    """A rule of an ordered list with what it asks of a case, for every kind of such a list.

    `seen` names the conditions whose effect the person has been shown.
    """

    name = forms.CharField(label=_("Name of the rule"), max_length=120)
    category = CategoryField(
        "category",
        label=_("Category"),
        required=False,
        empty_label=_("Any category"),
        help_text=_("It holds for the categories below it too."),
    )
    words = forms.CharField(
        label=_("Words in the text or place"),
        required=False,
        max_length=4000,
        widget=LongText(4),
        help_text=_("One a line; one of them is enough. Empty: any text."),
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_words(self) -> str:
        words = routing.split_words(self.cleaned_data["words"])
        if len(words) > MAX_WORDS:
            raise ValidationError(_("Give at most %(count)s words; make two rules."), params={"count": MAX_WORDS})
        long = next((word for word in words if len(word) > MAX_WORD), None)
        if long:
            raise ValidationError(
                _("“%(word)s…” is longer than %(count)s characters; write one word a line."),
                params={"word": long[:10], "count": MAX_WORD},
            )
        return "\n".join(words)

    def words_asked(self) -> tuple[str, ...]:
        """The words as they are compared, as far as the form is right."""
        return tuple(routing.plain(word) for word in routing.split_words(self.cleaned_data.get("words", "")))

    def values(self) -> dict[str, Any]:
        """The fields of the rule."""
        return {name: value for name, value in self.cleaned_data.items() if name != "seen"}


class RuleForm(ConditionForm):
    """A routing rule."""

    field_order = ("name", "category", "channel", "words", "department", "person", "seen")
    channel = forms.ChoiceField(label=_("Channel"), choices=[("", _("Any channel")), *Channel.choices], required=False)
    department = DepartmentField(label=_("Goes to this department"))
    person = PersonField(label=_("Handler"), required=False, empty_label=_("The department decides"))

    def __init__(self, *args: Any, rule: RoutingRule | None = None, **kwargs: Any) -> None:
        if rule is not None:
            kwargs["initial"] = {
                "name": rule.name,
                "category": rule.category.code if rule.category else None,
                "channel": rule.channel,
                "words": rule.words,
                "department": rule.department.code,
                "person": rule.person.staff_number if rule.person else None,
            }
        super().__init__(*args, **kwargs)
        offer(self, "department", Department.objects.handling())
        offer(self, "person", notify.holders_of("complaints.handle_complaint"))

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        department, person = values.get("department"), values.get("person")
        if department and person and not person.memberships.current().filter(department=department).exists():
            self.add_error("person", _("Choose a handler of this department."))
        return values

    def conditions(self) -> Conditions:
        """What the rule asks of a case, as far as the form is right."""
        values = self.cleaned_data
        return Conditions(
            values["category"].pk if values.get("category") else None,
            values.get("channel", ""),
            self.words_asked(),
        )

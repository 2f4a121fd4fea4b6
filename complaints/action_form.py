"""What the forms of all actions share: the version seen, the case, the person, the transition.

A transition's InvalidInput becomes an error at the field it names; every other broken rule passes
through: StaleVersion, IllegalTransition, NotAllowed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput
from accounts.models import User
from complaints import transitions
from complaints.choice_fields import CaseField
from complaints.models import Complaint
from complaints.states import MOVES


def choices_of(enum: Any, empty: Any = None) -> list[tuple[str, Any]]:
    return ([("", empty)] if empty is not None else []) + list(enum.choices)


class ActionForm(forms.Form):
    """What one action needs. `version` is the version of the case the person saw (CC-02)."""

    action: ClassVar[str]
    # Short forms without look-ups also open as a dialog on the case page.
    in_dialog: ClassVar[bool] = False
    intro: Any = ""
    danger: ClassVar[bool] = False

    version = forms.IntegerField(
        widget=forms.HiddenInput, error_messages={"required": _("This form is out of date; open it again.")}
    )

    def __init__(self, *args: Any, complaint: Complaint, user: User, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", f"{self.action}_%s")
        super().__init__(*args, **kwargs)
        self.complaint = complaint
        self.user = user
        self.initial.setdefault("version", complaint.version)
        for field in self.fields.values():
            if isinstance(field, CaseField):
                field.queryset = Complaint.objects.visible_to(user).exclude(pk=complaint.pk)
        self.prepare()

    @classmethod
    def initial_from(cls, query: QueryDict) -> dict[str, Any]:
        """The initial values an address may name; no personal data goes into addresses."""
        return {}

    def prepare(self) -> None:
        """Fill choices and initial values from the case."""

    @property
    def label(self) -> Any:
        return MOVES[self.action].label

    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of the transition."""
        return dict(self.cleaned_data)

    def apply(self, *, at: datetime | None = None) -> Any:
        """Do it. Returns the transition's result, or None with the error at its field.

        Raises NotAllowed, StaleVersion, IllegalTransition.
        """
        transition: Callable[..., Any] = transitions.ACTIONS[self.action]
        try:
            return transition(self.complaint.pk, by=self.user, at=at, **self.arguments())
        except InvalidInput as error:
            self.add_error(error.field if error.field in self.fields else None, str(error))
            return None

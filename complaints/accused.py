"""Whom a complaint is about, on the case page: the box that shows it and the form that changes it (PI-18)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput
from accounts.models import User
from accounts.web import offer
from complaints import lanes, transitions
from complaints.choice_fields import LongText, PersonField
from complaints.models import Complaint
from complaints.panels import Panel, register_case_panel
from complaints.states import Status
from complaints.transitions.accused import may_name


@register_case_panel
def panel(complaint: Complaint, user: User) -> Panel | None:
    """Who it is about, for the office and management; handling departments see no names here."""
    if not (may_name(user) or user.has_perm("complaints.view_all")):
        return None
    people = sorted(person.display_name for person in complaint.accused_staff.all())
    may_change = may_name(user) and complaint.status != Status.ARCHIVED
    if not people and not may_change:
        return None
    # Where the conduct of the first handler is the matter, a senior person may take the case (ASG-10).
    offers = bool(people) and user.has_perm(lanes.COORDINATE) and complaint.is_open
    offers_senior = offers and not lanes.is_senior(lanes.standing(complaint))
    values = {"complaint": complaint, "accused": people, "may_change": may_change, "offers_senior": offers_senior}
    return Panel("complaints/case/_accused.html", values, order=90)


class AccusedForm(forms.Form):
    """Those it is about now, each with a tick to take away, and one more person to add."""

    title = _("People complained about")
    button = _("Save")
    done = _("Saved. These people no longer see the case and hear nothing about it.")
    named = forms.ModelMultipleChoiceField(
        User.objects.none(),
        label=_("The complaint is about"),
        required=False,
        to_field_name="staff_number",
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Take the tick away from whom it does not concern; they then see the case again."),
    )
    person = PersonField(label=_("And about"), required=False, empty_label=_("Nobody else"))
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=LongText(3))

    def __init__(self, *args: Any, complaint: Complaint, user: User, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", "accused_%s")
        super().__init__(*args, **kwargs)
        self.complaint, self.user = complaint, user
        people = complaint.accused_staff.order_by("display_name")
        offer(self, "named", people)
        self.initial.setdefault("named", [person.staff_number for person in people])
        offer(self, "person", User.objects.filter(is_active=True).exclude(pk__in=people.values("pk")))
        if not people:
            del self.fields["named"]

    def save(self, *, at: datetime | None = None) -> None:
        """Change it; an error stands at its field. Raises NotAllowed, IllegalTransition."""
        values = self.cleaned_data
        people = [*values.get("named", ()), *filter(None, [values["person"]])]
        try:
            transitions.name_accused(self.complaint.pk, people=people, reason=values["reason"], by=self.user, at=at)
        except InvalidInput as error:
            self.add_error(error.field, str(error))

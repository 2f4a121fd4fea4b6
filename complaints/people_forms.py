"""What is typed on the pages about people."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts import people
from accounts.models import AccessKind, Department, User
from accounts.roles import PRIVILEGED, ROLES
from accounts.web import offer
from complaints.reference_forms import SettingForm

_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def role_choices() -> list[tuple[str, str]]:
    """Every role; those that two people give say so."""
    two = _("two people give it")
    return [(role.key, f"{role.name} · {two}" if role.key in PRIVILEGED else role.name) for role in ROLES]


def _reason(label: Any = _("Reason"), **kwargs: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=people.LONGEST_REASON, **kwargs)


class PeopleFilter(forms.Form):
    """Whom the list shows."""

    q = forms.CharField(label=_("Name or staff number"), max_length=80, required=False)
    role = forms.ChoiceField(label=_("Role"), required=False)
    department = forms.ModelChoiceField(
        Department.objects.none(), label=_("Department"), required=False, empty_label=_("All departments")
    )
    state = forms.ChoiceField(
        label=_("Accounts"), required=False, choices=[("", _("Open accounts")), ("closed", _("Closed accounts"))]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "department", Department.objects.order_by("path"))
        self.fields["role"].choices = [  # type: ignore[attr-defined]
            ("", _("All roles")),
            *((role.key, role.name) for role in ROLES),
        ]


class PersonForm(SettingForm):
    """What is known of a person."""

    name = forms.CharField(label=_("Name"), max_length=80)
    email = forms.EmailField(
        label=_("E-mail"),
        required=False,
        help_text=_("Links for a new password go there. Without an address messages are read in the system only."),
    )
    post = forms.CharField(label=_("Post"), max_length=80, required=False)
    frontline_since = forms.DateField(
        label=_("Front-line service since"),
        required=False,
        widget=_DAY,
        help_text=_("Who reviews needs three years of it."),
    )
    reason = _reason(
        _("Reason for another address"),
        required=False,
        help_text=_("Needed when the person decides over others: then a second person agrees to the address."),
    )

    def __init__(self, *args: Any, person: User | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if person:
            self.initial.update(
                name=person.display_name,
                email=person.email,
                post=person.post,
                frontline_since=person.frontline_since,
            )


class NewPersonForm(PersonForm):
    """A new person, with department and roles."""

    staff_number = forms.CharField(
        label=_("Staff number"), max_length=32, help_text=_("It is what the person signs in with, and never changes.")
    )
    department = forms.ModelChoiceField(
        Department.objects.none(), label=_("Department"), required=False, empty_label=_("None")
    )
    is_head = forms.BooleanField(label=_("Heads this department"), required=False)
    roles = forms.MultipleChoiceField(label=_("Roles"), required=False, widget=forms.CheckboxSelectMultiple)
    reason = _reason()
    field_order = (
        "staff_number",
        "name",
        "email",
        "post",
        "department",
        "is_head",
        "frontline_since",
        "roles",
        "reason",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "department", Department.objects.active().order_by("path"))
        self.fields["roles"].choices = role_choices()  # type: ignore[attr-defined]


class RolesForm(SettingForm):
    """The roles a person is to have."""

    roles = forms.MultipleChoiceField(label=_("Roles"), required=False, widget=forms.CheckboxSelectMultiple)
    reason = _reason()

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["roles"].choices = role_choices()  # type: ignore[attr-defined]
        self.initial["roles"] = sorted(people.roles_of(person))


class JoinForm(SettingForm):
    """A department the person belongs to from a day on."""

    department = forms.ModelChoiceField(Department.objects.none(), label=_("Department"), empty_label=_("Choose one"))
    since = forms.DateField(
        label=_("Since"),
        required=False,
        widget=_DAY,
        help_text=_("Empty: from now. An earlier day makes more reviews a conflict, never fewer."),
    )
    is_head = forms.BooleanField(label=_("Heads this department"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "department", Department.objects.active().order_by("path"))


class AccessForm(SettingForm):
    """One step about the account: close it, open it again, take password or second step away."""

    kind = forms.ChoiceField(
        label=_("What to do"),
        choices=[
            (AccessKind.PASSWORD, _("Take the password away, for a new one")),
            (AccessKind.SECOND_STEP, _("Remove the second step of the sign-in: the telephone is lost")),
            (AccessKind.CLOSED, _("Close the account")),
            (AccessKind.OPENED, _("Open the account again")),
        ],
        widget=forms.RadioSelect,
    )
    reason = _reason()

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        unfit = {AccessKind.OPENED} if person.is_active else {AccessKind.PASSWORD, AccessKind.CLOSED}
        if not people.has_second_step(person):
            unfit.add(AccessKind.SECOND_STEP)
        field = self.fields["kind"]
        field.choices = [row for row in field.choices if row[0] not in unfit]  # type: ignore[attr-defined]

"""Forms of the other systems and their records (CASE-06…09)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.web import offer
from complaints import external
from complaints.choice_fields import LongText
from complaints.models import ExternalSystem
from complaints.reference_forms import SettingForm
from complaints.register_forms import BrowserMoment
from complaints.states import ExternalSystemKind


class SystemForm(SettingForm):
    """Another system. The token goes in and never comes out again."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    code = forms.SlugField(
        label=_("Identifier"), max_length=40,
        help_text=_("Lower-case letters, digits and hyphens; programs name the system by it. It never changes."),
    )  # fmt: skip
    name = forms.CharField(label=_("Name of the system"), max_length=80)
    kind = forms.ChoiceField(label=_("Kind of system"), choices=ExternalSystemKind.choices)
    lookup_url = forms.CharField(
        label=_("Look-up address"), max_length=300, required=False,
        help_text=_(
            "Where we ask for the facts of a record: https, with {reference} where its key belongs. "
            "Empty: the system only writes to us."
        ),
    )  # fmt: skip
    token = forms.CharField(
        label=_("Access token"), max_length=external.MAX_TOKEN, required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("Sent with every question and never shown again. Empty keeps the one that is stored."),
    )  # fmt: skip
    forget_token = forms.BooleanField(label=_("Remove the stored token"), required=False)
    page_url = forms.CharField(
        label=_("Address of its page for people"), max_length=300, required=False,
        help_text=_("Where a member of staff reads the record; {reference} stands for its key."),
    )  # fmt: skip
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, *args: Any, system: ExternalSystem | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if system is None:
            del self.fields["forget_token"], self.fields["seen"]
            return
        del self.fields["code"]
        if not system.token:
            del self.fields["forget_token"]
        for name in ("name", "kind", "lookup_url", "page_url", "is_active"):
            self.initial.setdefault(name, getattr(system, name))
        self.initial.setdefault("seen", external.stamp(system))


class SystemField(forms.ModelChoiceField):
    """A system in use, by its code."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(ExternalSystem.objects.none(), to_field_name="code", **kwargs)

    def label_from_instance(self, row: ExternalSystem) -> str:
        return f"{row.name} · {row.get_kind_display()}"


class RecordForm(SettingForm):
    """A record of another system, attached by its key."""

    system = SystemField(label=_("System"), empty_label=_("Choose a system"))
    reference = forms.CharField(
        label=_("Key of the record there"), max_length=120,
        help_text=_(
            "Customer, order, parcel or ticket number, or the name of the recording. No telephone or identity number."
        ),
    )  # fmt: skip
    what = forms.CharField(label=_("What it shows"), max_length=200, required=False)
    occurred_at = BrowserMoment(
        label=_("When it happened"), required=False, help_text=_("Needed for recordings and videos.")
    )
    sha256 = forms.CharField(
        label=_("SHA-256 of the original"), max_length=100, required=False,
        help_text=_("For recordings and videos: with it anybody can check later that the original is unchanged."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "system", ExternalSystem.objects.filter(is_active=True))


class RevealForm(SettingForm):
    """Why somebody wants to read the facts in clear."""

    reason = forms.CharField(label=_("Reason for looking"), min_length=4, max_length=200, widget=LongText(2))

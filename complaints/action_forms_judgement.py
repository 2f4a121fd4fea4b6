"""Forms of what is added or judged beside the way of a case: facts, validity, labels, belonging together."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.web import offer
from complaints import care, incidents
from complaints.action_form import ActionForm, choices_of
from complaints.choice_fields import CaseField, LongText, YesNo
from complaints.filters import DayField
from complaints.models import Incident, LinkKind
from complaints.states import CustomerTier, EmotionIntensity, SpecialGroup, Threat


def _named(query: QueryDict, *names: str) -> dict[str, Any]:
    """What the link beside a candidate filled in: numbers and the reason in words, no personal data."""
    return {name: query[name][:300] for name in names if name in query}


class RecordFacts(ActionForm):
    """What was learned since intake; what was told then stays as it was told (IN-20…33)."""

    action = "record_facts"
    intro = _("What was told at intake stays as it was told. Add here what you have learned since.")
    demand = forms.CharField(
        label=_("What the complainant asks for"), required=False, max_length=2000, widget=LongText(2)
    )
    true_need = forms.CharField(label=_("What lies behind the request"), required=False, widget=LongText(3))
    consequential_loss = forms.CharField(label=_("Losses that followed"), required=False, widget=LongText(2))
    product = forms.CharField(label=_("Product or service"), required=False, max_length=120)
    batch = forms.CharField(label=_("Batch"), required=False, max_length=60)
    business_step = forms.CharField(label=_("Business step"), required=False, max_length=120)
    place = forms.CharField(label=_("Place"), required=False, max_length=200)
    outlet = forms.CharField(label=_("Outlet or counter"), required=False, max_length=80)
    occurred_on = DayField(label=_("Date of the event"), required=False)
    persons_affected = forms.IntegerField(label=_("Persons or households affected"), min_value=1, max_value=10_000_000)
    amount = forms.DecimalField(
        label=_("Amount in dispute (yuan)"), required=False, min_value=0, max_digits=14, decimal_places=2
    )
    customer_tier = forms.ChoiceField(
        label=_("Customer tier"), required=False, choices=choices_of(CustomerTier, _("Not known"))
    )
    emotion_intensity = forms.TypedChoiceField(
        label=_("Intensity of emotion"), coerce=int, choices=EmotionIntensity.choices
    )
    special_groups = forms.MultipleChoiceField(
        label=_("Needs special care"),
        required=False,
        choices=SpecialGroup.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    threats = forms.MultipleChoiceField(
        label=_("Says they will turn to"),
        required=False,
        choices=Threat.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    has_injury = forms.BooleanField(label=_("Somebody was injured"), required=False)
    has_damage = forms.BooleanField(label=_("Property was damaged"), required=False)
    involves_minors = forms.BooleanField(label=_("Minors are involved"), required=False)
    has_privacy_leak = forms.BooleanField(label=_("Personal data leaked"), required=False)
    is_unmet_need = forms.BooleanField(
        label=_("Unmet special need"), required=False, help_text=_("Neither a defect nor a case to refuse.")
    )

    def prepare(self) -> None:
        if self.complaint.demand:
            del self.fields["demand"]
        # Without a consent only the intake desk knows of special groups; once it stands they change with it (SPG-01).
        if care.standing(self.complaint) is not None or not care.asks_for_consent(self.user):
            del self.fields["special_groups"]
        for name in self.fields:
            if name != "version":
                self.initial.setdefault(name, getattr(self.complaint, name))


class JudgeValidity(ActionForm):
    action = "judge_validity"
    in_dialog = True
    intro = _("Only valid complaints count as substantiated and are drawn for review.")
    verdict = YesNo(label=_("Is it a valid complaint?"), yes=_("Valid"), no=_("Not valid"))
    reason = forms.CharField(label=_("Reason"), max_length=300, widget=LongText(2))

    def arguments(self) -> dict[str, Any]:
        arguments = super().arguments()
        return arguments | {"is_valid": arguments.pop("verdict")}


class ProposeUnreasonable(ActionForm):
    """The earlier complaints of the person stand beside this form (SCR-08)."""

    action = "propose_unreasonable"
    danger = True
    intro = _("Nothing changes until a second person agrees. Read the person's earlier complaints first.")
    reason = forms.CharField(label=_("Why nobody could meet this demand"), widget=LongText())


class DecideUnreasonable(ActionForm):
    action = "decide_unreasonable"
    agree = YesNo(label=_("Do you agree with the label?"), yes=_("Agree"), no=_("Refuse"))
    reason = forms.CharField(label=_("Reason"), max_length=300, widget=LongText(2))


class Link(ActionForm):
    action = "link"
    other = CaseField(label=_("Number of the other case"))
    kind = forms.ChoiceField(label=_("How they belong together"), choices=LinkKind.choices, widget=forms.RadioSelect)
    reason = forms.CharField(label=_("Reason"), max_length=300, widget=LongText(2))

    @classmethod
    def initial_from(cls, query: QueryDict) -> dict[str, Any]:
        return _named(query, "other", "kind", "reason")


class Unlink(ActionForm):
    action = "unlink"
    in_dialog = True
    other = CaseField(label=_("Number of the other case"))
    reason = forms.CharField(label=_("Reason"), max_length=300, widget=LongText(2))

    @classmethod
    def initial_from(cls, query: QueryDict) -> dict[str, Any]:
        return _named(query, "other")


class Merge(ActionForm):
    action = "merge"
    intro = _("The case keeps its number. The reply to the other case answers it too; you can undo this.")
    primary = CaseField(label=_("Merge into case number"))
    reason = forms.CharField(label=_("Why these are one matter"), max_length=300, widget=LongText(2))

    @classmethod
    def initial_from(cls, query: QueryDict) -> dict[str, Any]:
        return _named(query, "primary", "reason")


class UndoMerge(ActionForm):
    action = "undo_merge"
    in_dialog = True
    intro = _("The case goes on where it stood; its clocks have run on meanwhile.")
    reason = forms.CharField(label=_("Reason"), max_length=300, widget=LongText(2))


class JoinIncident(ActionForm):
    action = "join_incident"
    incident = forms.ModelChoiceField(
        Incident.objects.none(), label=_("Incident"), to_field_name="number", empty_label=_("Choose one")
    )

    def prepare(self) -> None:
        offer(self, "incident", Incident.objects.filter(incidents.joinable(timezone.now())))

    @classmethod
    def initial_from(cls, query: QueryDict) -> dict[str, Any]:
        return _named(query, "incident")


class LeaveIncident(ActionForm):
    action = "leave_incident"
    in_dialog = True
    reason = forms.CharField(label=_("Reason"), max_length=300, widget=LongText(2))


class UndoImport(ActionForm):
    action = "undo_import"
    in_dialog = True
    danger = True
    intro = _("Possible while nobody has worked on the case. Its number and record stay.")
    reason = forms.CharField(label=_("Reason"), max_length=300, widget=LongText(2))

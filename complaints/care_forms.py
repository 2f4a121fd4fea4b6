"""The forms about care: the consent and its end, individual needs and what was found for them (SPG-01, SPG-05)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Department, User
from accounts.web import offer
from complaints import care
from complaints.choice_fields import DepartmentField, LongText
from complaints.models import Complaint
from complaints.record_forms import RecordForm
from complaints.states import NeedOutcome, SpecialGroup
from complaints.transitions import care as consents
from complaints.transitions import needs


class CareForm(RecordForm):
    """`relation`: the records of the case the form is about one of; "" for a form about the case."""

    relation: ClassVar[str] = ""

    @classmethod
    def allows(cls, user: User, complaint: Complaint) -> bool:
        """Whether the person may open the form; the rule asks again."""
        return care.may_record(user, complaint)


class GiveConsent(CareForm):
    kind = "care_consent"
    title = _("Record the consent to note a special need")
    special_groups = forms.MultipleChoiceField(
        label=_("Needs special care"), choices=SpecialGroup.choices, required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    needs = forms.CharField(
        label=_("Help needed"), max_length=consents.NEEDS, required=False, widget=LongText(3),
        help_text=_("Kept encrypted; whoever wants to read it gives a reason, which goes into the record."),
    )  # fmt: skip
    given_how = forms.CharField(
        label=_("How the consent was given"), max_length=consents.HOW,
        help_text=_("For example: said so on the phone after we had explained who sees it."),
    )  # fmt: skip

    def prepare(self) -> None:
        # What was noted before somebody asked is offered for the question, to the desk that asks.
        if care.standing(self.complaint) is None and care.asks_for_consent(self.user):
            self.initial.setdefault("special_groups", self.complaint.special_groups)

    def write(self, at: datetime | None) -> Any:
        values = self.cleaned_data
        return consents.record_consent(
            self.complaint.pk,
            by=self.user,
            groups=values["special_groups"],
            needs=values["needs"],
            given_how=values["given_how"],
            at=at,
        )


class TakeBackConsent(CareForm):
    kind = "care_withdraw"
    title = _("The complainant takes the consent back")
    button = _("Erase what was noted")
    done = _("What was noted is erased.")
    reason = forms.CharField(
        label=_("How the complainant said so"), max_length=consents.REASON, widget=LongText(2),
        help_text=_("Do not repeat the need itself: this sentence stays in the record."),
    )  # fmt: skip

    def write(self, at: datetime | None) -> Any:
        return consents.withdraw_consent(self.complaint.pk, by=self.user, reason=self.cleaned_data["reason"], at=at)


class NeedForm(CareForm):
    @classmethod
    def allows(cls, user: User, complaint: Complaint) -> bool:
        return care.may_work_on_needs(user, complaint)


class RecordNeed(NeedForm):
    kind = "need"
    title = _("Record an individual need")
    need = forms.CharField(
        label=_("The need"), max_length=needs.TEXT, widget=LongText(3),
        help_text=_("What the ordinary service does not give this person. Without names and numbers."),
    )  # fmt: skip

    def write(self, at: datetime | None) -> Any:
        return needs.record_need(self.complaint.pk, by=self.user, need=self.cleaned_data["need"], at=at)


class SettleNeed(NeedForm):
    kind, relation = "need_settle", "special_needs"
    title = _("Say what was found for the need")
    outcome = forms.ChoiceField(
        label=_("Solution or alternative"), choices=NeedOutcome.choices, widget=forms.RadioSelect,
        help_text=_("A need is not refused: what cannot be done gets an alternative."),
    )  # fmt: skip
    solution = forms.CharField(label=_("Say what was found"), max_length=needs.TEXT, widget=LongText(3))

    @property
    def about(self) -> str:
        return self.row.need

    def write(self, at: datetime | None) -> Any:
        return needs.settle_need(self.row.pk, by=self.user, at=at, **self.cleaned_data)


class ForwardNeed(NeedForm):
    kind, relation = "need_forward", "special_needs"
    title = _("Pass the need on to product development")
    button = _("Pass on")
    done = _("Passed on; the heads of the department were told.")
    department = DepartmentField(
        label=_("Department"), help_text=_("It answers on its page of proposals; the answer is shown at the need.")
    )

    def prepare(self) -> None:
        offer(self, "department", Department.objects.handling())

    @property
    def about(self) -> str:
        return self.row.need

    def write(self, at: datetime | None) -> Any:
        return needs.forward_need(self.row.pk, by=self.user, department=self.cleaned_data["department"], at=at)


FORMS: dict[str, type[CareForm]] = {
    form.kind: form for form in (GiveConsent, TakeBackConsent, RecordNeed, SettleNeed, ForwardNeed)
}

"""Forms about quality, surveys, later calls and proposals; each ends in one rule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput
from accounts.models import Department, User
from accounts.web import offer
from complaints import quality, surveys
from complaints.action_forms_result import CallBack
from complaints.choice_fields import CaseField, DepartmentField, LongText, PersonField, YesNo
from complaints.filters import DayField
from complaints.models import Complaint, QualityStandard, SurveyCall
from complaints.states import ConsequenceKind, ContactOutcome, ProposalAbout
from complaints.transitions import follow_ups, proposals
from complaints.transitions import quality as rules


class QualityForm(forms.Form):
    """A form that shows a broken rule at the field it is about."""

    def show(self, error: InvalidInput) -> None:
        self.add_error(error.field if error.field in self.fields else None, str(error))


# --- The standard ---------------------------------------------------------------------------------
# Where the rule names a criterion that is only being added, its fault stands at these fields.
_ADDED = {
    "name_weight_": "new_name",
    "name_call_": "new_call_name",
    "weight_": "new_weight",
    "call_": "new_call_weight",
}


class StandardForm(QualityForm):
    """Names and weights of both lists of criteria, the pass mark and the rounds, as the next revision (QUA-01, QUA-06).

    A name left empty stays; checks made before show the names of the revision they were made by.
    """

    based_on = forms.IntegerField(widget=forms.HiddenInput)
    pass_mark = forms.IntegerField(label=_("Pass mark"), min_value=0, max_value=quality.MOST)
    most_rounds = forms.IntegerField(
        label=_("Rounds of rework before it is escalated"), min_value=1, max_value=quality.MOST_ROUNDS
    )
    note = forms.CharField(label=_("What changed and why"), max_length=200)
    new_name = forms.CharField(label=_("Name of the new criterion"), max_length=40, required=False)
    new_weight = forms.IntegerField(label=_("Weight"), min_value=0, max_value=quality.MOST, required=False)
    new_call_name = forms.CharField(label=_("Name of the new criterion"), max_length=40, required=False)
    new_call_weight = forms.IntegerField(label=_("Weight"), min_value=0, max_value=quality.MOST, required=False)

    def __init__(self, *args: Any, standard: QualityStandard, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.standard = standard
        self.initial.setdefault("based_on", standard.revision)
        for name in ("pass_mark", "most_rounds"):
            self.initial.setdefault(name, getattr(standard, name))
        for prefix, rows in (("weight", standard.criteria), ("call", standard.call_criteria)):
            for criterion in rows:
                code, name = criterion["code"], quality.label(criterion)
                self.fields[f"{prefix}_{code}"] = forms.IntegerField(
                    label=_("Weight of “%(name)s”") % {"name": name},
                    min_value=0,
                    max_value=quality.MOST,
                    initial=criterion["weight"],
                )
                self.fields[f"name_{prefix}_{code}"] = forms.CharField(
                    label=_("Name of the criterion"), max_length=40, required=False, initial=criterion["name"]
                )
                self.fields[f"english_{prefix}_{code}"] = forms.CharField(
                    label=_("Name in English"), max_length=80, required=False, initial=criterion.get("name_en", "")
                )

    def weights(self) -> Iterator[tuple[forms.BoundField, ...]]:
        """Name, English name and weight of each criterion for results."""
        return self._rows("weight", self.standard.criteria)

    def call_weights(self) -> Iterator[tuple[forms.BoundField, ...]]:
        """Name, English name and weight of each criterion for calls."""
        return self._rows("call", self.standard.call_criteria)

    def _rows(self, prefix: str, rows: list[quality.Criterion]) -> Iterator[tuple[forms.BoundField, ...]]:
        for criterion in rows:
            code = criterion["code"]
            yield self[f"name_{prefix}_{code}"], self[f"english_{prefix}_{code}"], self[f"{prefix}_{code}"]

    def show(self, error: InvalidInput) -> None:
        added = next((name for prefix, name in _ADDED.items() if error.field.startswith(prefix)), None)
        self.add_error(error.field if error.field in self.fields else added, str(error))

    def edited(self) -> dict[str, Any]:
        """The arguments of `quality.revise` as edited."""
        values = self.cleaned_data
        return {
            "criteria": self._list(self.standard.criteria, "weight", values["new_name"], values["new_weight"]),
            "call_criteria": self._list(
                self.standard.call_criteria, "call", values["new_call_name"], values["new_call_weight"]
            ),
            **{name: values[name] for name in ("pass_mark", "most_rounds", "note", "based_on")},
        }

    def _list(
        self, rows: list[quality.Criterion], prefix: str, new_name: str, new_weight: int | None
    ) -> list[quality.Criterion]:
        """One list of criteria with the weights as edited, and the new criterion where one was named."""
        criteria = [
            self._renamed(row, prefix) | {"weight": self.cleaned_data[f"{prefix}_{row['code']}"]} for row in rows
        ]
        if new_name.strip():
            taken = {row["code"] for row in criteria}
            code = next(f"own_{n}" for n in range(1, len(criteria) + 2) if f"own_{n}" not in taken)
            criteria.append({"code": code, "name": new_name.strip(), "name_en": "", "weight": new_weight or 0})
        return criteria

    def _renamed(self, row: quality.Criterion, prefix: str) -> quality.Criterion:
        """The criterion with the names as edited; a new name that was sent without its English one has none."""
        field = f"english_{prefix}_{row['code']}"
        name = " ".join(self.cleaned_data[f"name_{prefix}_{row['code']}"].split()) or row["name"]
        english = row.get("name_en", "") if name == row["name"] else ""
        if field in self.data:
            english = " ".join(self.cleaned_data[field].split())
        return {**row, "name": name, "name_en": english}


# --- Sampled calls --------------------------------------------------------------------------------
class ScoreForm(QualityForm):
    """Points for a call by the criteria in force (QUA-07)."""

    def __init__(self, *args: Any, standard: QualityStandard, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.codes = [criterion["code"] for criterion in quality.in_use(standard.call_criteria)]
        for criterion in quality.in_use(standard.call_criteria):
            self.fields[f"points_{criterion['code']}"] = forms.IntegerField(
                label=_("%(name)s (weight %(weight)s)")
                % {"name": quality.label(criterion), "weight": criterion["weight"]},
                min_value=0,
                max_value=quality.MOST,
            )
        self.fields["comment"] = forms.CharField(
            label=_("Remarks"), max_length=rules.TEXT, required=False, widget=LongText(4)
        )

    def arguments(self) -> dict[str, Any]:
        """The arguments of the rule."""
        values = self.cleaned_data
        return {"points": {code: values[f"points_{code}"] for code in self.codes}, "comment": values["comment"]}


# --- Praise and consequences ----------------------------------------------------------------------
class PraiseForm(QualityForm):
    department = DepartmentField(label=_("Department"))
    person = PersonField(label=_("Person"), required=False, empty_label=_("The department as a whole"))
    text = forms.CharField(label=_("What was praised"), max_length=rules.TEXT, widget=LongText(4))
    received_on = DayField(label=_("Received on"))
    complaint = CaseField(label=_("Case number"), required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "department", Department.objects.active().order_by("name"))
        offer(self, "person", User.objects.filter(is_active=True).exclude(pk=user.pk).order_by("display_name"))
        offer(self, "complaint", Complaint.objects.visible_to(user))


class ConsequenceForm(QualityForm):
    person = PersonField(label=_("Person"))
    kind = forms.ChoiceField(label=_("Kind"), choices=ConsequenceKind.choices)
    text = forms.CharField(label=_("What was decided"), max_length=rules.TEXT, widget=LongText(4))
    decided_on = DayField(label=_("Decided on"))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "person", User.objects.exclude(pk=user.pk).order_by("display_name"))


# --- Surveys --------------------------------------------------------------------------------------
class DrawForm(QualityForm):
    period = forms.CharField(label=_("Month"), max_length=7, help_text=_("A month that is over, written 2026-10."))
    percent = forms.IntegerField(
        label=_("Percent of the closed cases"),
        min_value=surveys.LEAST_PERCENT,
        max_value=surveys.MOST_PERCENT,
        initial=surveys.USUAL_PERCENT,
        help_text=_("Important cases are always called, besides these."),
    )


class SurveyForm(CallBack):
    """The questions of a call-back, asked for a survey; `call` is the call they are asked in."""

    call: SurveyCall

    def apply(self, *, at: datetime | None = None) -> SurveyCall | None:
        try:
            return rules.record_survey_call(self.call.pk, by=self.user, at=at, **self.arguments())
        except InvalidInput as error:
            self.add_error(error.field if error.field in self.fields else None, str(error))
            return None


# --- Later calls ----------------------------------------------------------------------------------
class FollowUpForm(QualityForm):
    outcome = forms.ChoiceField(
        label=_("Outcome of the call"),
        choices=ContactOutcome.choices,
        widget=forms.RadioSelect,
        initial=ContactOutcome.REACHED,
    )
    summary = forms.CharField(
        label=_("What was said"), max_length=follow_ups.TEXT, required=False, widget=LongText(4),
        help_text=_("May stay empty when nobody was reached."),
    )  # fmt: skip
    experience = forms.CharField(
        label=_("Later experience"), max_length=follow_ups.TEXT, required=False, widget=LongText(4),
        help_text=_("How it went since: is it really and lastingly solved?"),
    )  # fmt: skip
    recording_reference = forms.CharField(label=_("Recording"), max_length=120, required=False)


class CancelForm(QualityForm):
    reason = forms.CharField(
        label=_("Why the call is not made"), max_length=follow_ups.REASON, widget=LongText(2)
    )  # fmt: skip


# --- Proposals ------------------------------------------------------------------------------------
class ProposalForm(QualityForm):
    about = forms.ChoiceField(label=_("What it is about"), choices=ProposalAbout.choices)
    text = forms.CharField(
        label=_("What is proposed"), max_length=proposals.TEXT, widget=LongText(),
        help_text=_("Other departments read it: leave out names and numbers."),
    )  # fmt: skip


class JudgeForm(QualityForm):
    is_valuable = YesNo(label=_("Is it worth taking up?"))
    about = forms.ChoiceField(label=_("What it is about"), choices=ProposalAbout.choices)
    department = DepartmentField(
        label=_("Department that takes it up"), required=False, help_text=_("Needed for a valuable proposal.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "department", Department.objects.active().order_by("name"))


class AnswerForm(QualityForm):
    is_adopted = YesNo(label=_("Is it adopted?"), yes=_("Adopted"), no=_("Not adopted"))
    answer = forms.CharField(label=_("Why, and what is done"), max_length=proposals.TEXT, widget=LongText(4))

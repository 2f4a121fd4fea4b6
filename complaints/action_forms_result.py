"""Forms of the actions from the reply on: checks, clocks, call-back, closing."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from complaints import clocks
from complaints.action_form import ActionForm, choices_of
from complaints.choice_fields import LongText, YesNo
from complaints.states import (
    Channel,
    ContactOutcome,
    DeadlineState,
    DissatisfactionReason,
    LateReason,
    Milestone,
    PauseReason,
    Satisfaction,
)
from complaints.transitions.checks import REWORK_DAYS
from complaints.transitions.clock import MAX_PAUSE_DAYS

# How long a pause is approved for unless the person says otherwise.
PAUSE_DAYS = 10


# --- Reply and checks -----------------------------------------------------------------------
class SubmitForCheck(ActionForm):
    action = "submit_for_check"
    process = forms.CharField(label=_("What was done"), widget=LongText(10))
    result = forms.CharField(
        label=_("Result"),
        widget=LongText(10),
        help_text=_("Answer each point of the demand; give definite dates."),
    )
    legal_basis = forms.CharField(label=_("Legal basis"), max_length=300, required=False)

    def prepare(self) -> None:
        # A returned reply is corrected, not written anew.
        earlier = max(self.complaint.replies.all(), key=lambda reply: reply.round, default=None)
        if earlier:
            for name in ("process", "result", "legal_basis"):
                self.initial.setdefault(name, getattr(earlier, name))


class PassQuality(ActionForm):
    action = "pass_quality"
    lawful = YesNo(label=_("Does it conform to laws, policies and internal rules?"))
    meets_demand = YesNo(label=_("Does it meet the reasonable demand?"))
    comment = forms.CharField(label=_("Remark"), required=False, widget=LongText(3))


class ReturnForRework(ActionForm):
    action = "return_for_rework"
    danger = True
    comment = forms.CharField(label=_("What has to be corrected"), widget=LongText())
    days = forms.IntegerField(label=_("New limit in working days"), min_value=1, max_value=30, initial=REWORK_DAYS)


class PassLegal(ActionForm):
    action = "pass_legal"
    comment = forms.CharField(label=_("Legal opinion"), widget=LongText())


class ReturnFromLegal(ReturnForRework):
    action = "return_from_legal"
    comment = forms.CharField(label=_("Legal opinion: what has to be corrected"), widget=LongText())


# --- Clocks ---------------------------------------------------------------------------------
class RequestPause(ActionForm):
    action = "request_pause"
    in_dialog = True
    intro = _("Another person decides; until then the clock runs on.")
    reason = forms.ChoiceField(label=_("Reason"), choices=choices_of(PauseReason, _("Choose a reason")))
    evidence = forms.CharField(label=_("Evidence"), max_length=300, widget=LongText(2))


class ApprovePause(ActionForm):
    action = "approve_pause"
    in_dialog = True
    approve = YesNo(label=_("Decision"), yes=_("Agree"), no=_("Refuse"))
    days = forms.IntegerField(
        label=_("At most so many days"), min_value=1, max_value=MAX_PAUSE_DAYS, initial=PAUSE_DAYS, required=False
    )

    def arguments(self) -> dict[str, Any]:
        values = super().arguments()
        return {**values, "days": values["days"] or PAUSE_DAYS}


class Resume(ActionForm):
    action = "resume"
    in_dialog = True
    intro = _("The clocks run on from now; every due date moves by the working time of the pause.")


class RequestExtension(ActionForm):
    action = "request_extension"
    in_dialog = True
    intro = _("Another person decides; the complainant is told the reason and the new date.")
    milestone = forms.ChoiceField(label=_("Time limit"))
    reason = forms.CharField(label=_("Reason"), max_length=300, widget=LongText(2))

    def prepare(self) -> None:
        running = {row.milestone for row in self.complaint.deadlines.all() if row.state == DeadlineState.RUNNING}
        known = [(value, label) for value, label in Milestone.choices if value in running]
        milestone = cast(forms.ChoiceField, self.fields["milestone"])
        milestone.choices = known or [(str(Milestone.RESOLVE), Milestone.RESOLVE.label)]
        if Milestone.RESOLVE in running:
            self.initial.setdefault("milestone", str(Milestone.RESOLVE))


class ApproveExtension(ActionForm):
    action = "approve_extension"
    in_dialog = True
    approve = YesNo(label=_("Decision"), yes=_("Agree"), no=_("Refuse"))
    note = forms.CharField(label=_("Reason for the decision"), max_length=300, widget=LongText(2))


# --- After the reply ------------------------------------------------------------------------
class Rating(ActionForm):
    """What the complainant said about the result (FB-06…08)."""

    is_solved = YesNo(label=_("Is the problem solved?"), required=False)
    satisfaction = forms.ChoiceField(
        label=_("How satisfied with the result"), choices=Satisfaction.choices, widget=forms.RadioSelect
    )
    reason = forms.ChoiceField(
        label=_("Reason for being dissatisfied"),
        choices=choices_of(DissatisfactionReason, _("Only when dissatisfied")),
        required=False,
    )
    comment = forms.CharField(label=_("What the complainant said"), widget=LongText())


class CallBack(Rating):
    action = "call_back"
    outcome = forms.ChoiceField(
        label=_("Outcome of the call"),
        choices=ContactOutcome.choices,
        widget=forms.RadioSelect,
        initial=ContactOutcome.REACHED,
    )
    satisfaction = forms.ChoiceField(
        label=_("How satisfied with the result"), choices=Satisfaction.choices, widget=forms.RadioSelect, required=False
    )
    comment = forms.CharField(label=_("What the complainant said"), required=False, widget=LongText())
    questions_answered = forms.CharField(
        label=_("Questions raised and the answers given"), required=False, widget=LongText()
    )
    recording_reference = forms.CharField(label=_("Recording"), max_length=120, required=False)
    channel = forms.ChoiceField(label=_("Channel"), choices=Channel.choices, initial=Channel.PHONE, required=False)
    field_order = ("version", "outcome")

    def arguments(self) -> dict[str, Any]:
        values = super().arguments()
        return {**values, "channel": values["channel"] or Channel.PHONE}


class Rate(Rating):
    action = "rate"
    intro = _("For a rating the complainant gave unasked. Whoever handled the case never enters it.")


class Close(ActionForm):
    action = "close"
    is_systemic = YesNo(
        label=_("Is there a systemic cause?"), help_text=_("A systemic cause goes on the problem list.")
    )
    is_cured = YesNo(label=_("Is the problem cured for good?"), yes=_("Cured for good"), no=_("Only fixed for now"))
    late_reason = forms.ChoiceField(
        label=_("Why a limit was missed"), choices=choices_of(LateReason, _("Choose a reason"))
    )
    note = forms.CharField(label=_("Remark"), required=False, widget=LongText(3))

    def prepare(self) -> None:
        if not clocks.was_late(self.complaint):
            self.fields["late_reason"].required = False
            self.fields["late_reason"].widget = forms.HiddenInput()


class Reopen(ActionForm):
    action = "reopen"
    in_dialog = True
    danger = True
    intro = _("The case goes back to the lead department. The first closing date stays for the statistics.")
    reason = forms.CharField(label=_("Reason"), widget=LongText(3))
    days = forms.IntegerField(label=_("New limit in working days"), min_value=1, max_value=30, initial=REWORK_DAYS)


class Archive(ActionForm):
    action = "archive"
    in_dialog = True
    intro = _("Nothing can be added to an archived case, and departments no longer see it.")

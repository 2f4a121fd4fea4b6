"""Forms of the actions from the reply on: checks, clocks, call-back, closing."""

from __future__ import annotations

from copy import copy
from datetime import datetime
from functools import cached_property
from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from complaints import (
    archive,
    clocks,
    contradictions,
    office_terms,
    permissions,
    policy_terms,
    quality,
    record_differences,
    reopening,
    reply_letter,
    reply_suggestions,
    reply_templates,
)
from complaints.action_form import ActionForm, choices_of
from complaints.calendars import CalendarMissing
from complaints.choice_fields import LongText, YesNo
from complaints.clock_rules import Pause, StartsOn
from complaints.models import CauseExplanation, Complaint, Deadline, Reply, ReplyTemplate
from complaints.states import (
    Channel,
    ContactOutcome,
    DissatisfactionReason,
    LateReason,
    Milestone,
    ProposalAbout,
    RequestState,
    Satisfaction,
)


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
    differs_knowingly = forms.BooleanField(
        label=_("I compared what differs; it is right as it stands now"), required=False
    )
    # A form filled from a template shows that and not a draft kept on the device.
    is_prefilled = False

    @classmethod
    def initial_from(cls, query: QueryDict) -> dict[str, Any]:
        """The template or proposed text to start from: ?template=money-back, ?suggestion=case:TS-20261116-0001;
        ?explanation=1 adds the cause as it was explained."""
        return {name: query[name] for name in ("template", "suggestion", "explanation") if query.get(name)}

    def prepare(self) -> None:
        if self.initial.get("template"):
            self._fill(self.initial["template"])
        elif self.initial.get("suggestion"):
            self._start_from(self.initial["suggestion"])
        # A returned reply is corrected, not written anew.
        earlier = max(self.complaint.replies.all(), key=lambda reply: reply.round, default=None)
        if earlier:
            for name in ("process", "result", "legal_basis"):
                self.initial.setdefault(name, getattr(earlier, name))
        if self.initial.get("explanation") and self.explained is not None:
            begun = str(self.initial.get("process", "")).strip()
            if self.explained.cause not in begun:
                self.initial["process"] = f"{begun}\n\n{self.explained.cause}".strip()
            self.is_prefilled = True

    @cached_property
    def explained(self) -> CauseExplanation | None:
        """The cause as it was explained to the complainant last (COO-18)."""
        return max(self.complaint.explanations.all(), key=lambda row: (row.at, row.pk), default=None)

    def _fill(self, code: str) -> None:
        chosen = next((row for row in self.templates if row.code == code), None)
        if chosen is None:
            return
        values = reply_templates.values_for(self.complaint, at=timezone.now())
        for name in ("process", "result"):
            text = getattr(chosen, name)
            if text.strip():
                self.initial[name] = reply_templates.fill(text, values)
                self.is_prefilled = True

    def _start_from(self, key: str) -> None:
        """The text the author chose among those proposed (KB-05)."""
        chosen = reply_suggestions.find(key, self.complaint, self.user, at=timezone.now())
        if chosen is None:
            return
        self.initial["process"], self.initial["result"] = chosen.process, chosen.result
        self.is_prefilled = True

    @cached_property
    def templates(self) -> list[ReplyTemplate]:
        """The templates to choose from."""
        return reply_templates.offered(self.complaint)

    @cached_property
    def differences(self) -> list[tuple[Reply, contradictions.Difference]]:
        """What the text typed says otherwise than the replies sent before (COO-09)."""
        return reply_letter.differences(self.complaint, **self._typed()) if self.is_bound else []

    @cached_property
    def off_record(self) -> list[record_differences.RecordDifference]:
        """What the text typed says otherwise than the findings and the remedies decided (COO-09)."""
        return reply_letter.off_record(self.complaint, **self._typed()) if self.is_bound else []

    def _typed(self) -> dict[str, str]:
        return {name: str(self[name].data or "") for name in ("process", "result")}


def _rework_days() -> int:
    """What is offered as the new limit of a department (QUA-05)."""
    return office_terms.of("rework")


class Measured(ActionForm):
    """Points for each criterion of the quality standard in force (QUA-01, QUA-02).

    All or none of them; `is_scored` where there is no way without.
    """

    is_scored = False

    def prepare(self) -> None:
        standard = quality.current()
        self.pass_mark = standard.pass_mark
        self.points_of: dict[str, str] = {}
        for criterion in quality.in_use(standard.criteria):
            name = f"points_{criterion['code']}"
            self.points_of[name] = criterion["code"]
            self.fields[name] = forms.IntegerField(
                label=_("%(name)s (weight %(weight)s)")
                % {"name": quality.label(criterion), "weight": criterion["weight"]},
                min_value=0,
                max_value=quality.MOST,
                required=False,
            )

    @property
    def points_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.points_of]

    @property
    def other_fields(self) -> list[forms.BoundField]:
        return [field for field in self if field.name not in self.points_of]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        given = [name for name in self.points_of if values.get(name) is not None]
        if given or self.is_scored:
            for name in self.points_of:
                if values.get(name) is None and name not in self.errors:
                    self.add_error(name, _("Give 0 to 100 points."))
        return values

    def arguments(self) -> dict[str, Any]:
        values = super().arguments()
        points = {code: values.pop(name) for name, code in self.points_of.items()}
        return {**values, "points": points if None not in points.values() else None}


class PassQuality(Measured):
    action = "pass_quality"
    is_scored = True
    lawful = YesNo(label=_("Does it conform to laws, policies and internal rules?"))
    meets_demand = YesNo(label=_("Does it meet the reasonable demand?"))
    comment = forms.CharField(label=_("Remark"), required=False, widget=LongText(3))


class ReturnForRework(Measured):
    action = "return_for_rework"
    danger = True
    comment = forms.CharField(label=_("What has to be corrected"), widget=LongText())
    days = forms.IntegerField(label=_("New limit in working days"), min_value=1, max_value=30, initial=_rework_days)


class PassLegal(ActionForm):
    action = "pass_legal"
    comment = forms.CharField(label=_("Legal opinion"), widget=LongText())


class ReturnFromLegal(ActionForm):
    action = "return_from_legal"
    danger = True
    comment = forms.CharField(label=_("Legal opinion: what has to be corrected"), widget=LongText())
    days = forms.IntegerField(label=_("New limit in working days"), min_value=1, max_value=30, initial=_rework_days)


# --- Clocks ---------------------------------------------------------------------------------
class RequestPause(ActionForm):
    action = "request_pause"
    in_dialog = True
    intro = _("Another person decides; until then the clock runs on.")
    reason = forms.ChoiceField(label=_("Reason"))
    evidence = forms.CharField(label=_("Evidence"), max_length=300, widget=LongText(2))

    def prepare(self) -> None:
        """Offer the reasons the policy of the case lists (SLA-13)."""
        allowed = [(reason.value, reason.label) for reason in policy_terms.pause_reasons(self.complaint.policy)]
        cast(forms.ChoiceField, self.fields["reason"]).choices = [("", _("Choose a reason")), *allowed]


class ApprovePause(ActionForm):
    action = "approve_pause"
    in_dialog = True
    approve = YesNo(label=_("Decision"), yes=_("Agree"), no=_("Refuse"))
    days = forms.IntegerField(label=_("At most so many days"), required=False)

    def prepare(self) -> None:
        """Show what is asked, and offer as many days as the policy allows at once (SLA-13); the rule checks them."""
        asked = next((row for row in self.complaint.pauses.all() if row.state == RequestState.REQUESTED), None)
        if asked is not None:
            self.intro = _what_is_asked(asked.get_reason_display(), asked.evidence)
        most = policy_terms.pause_days(self.complaint.policy)
        self.fields["days"].widget.attrs.update(min=1, max=most)
        self.initial.setdefault("days", min(office_terms.of("pause"), most))


def _what_is_asked(what: Any, why: str) -> Any:
    """The request before the eyes of who decides on it."""
    return _("Asked for: %(what)s. “%(why)s”") % {"what": what, "why": why}


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
        """Offer the limits the policy extends; for any other the rule says why not (SLA-13)."""
        offered = {row.milestone: row for row in clocks.extendable(self.complaint)}
        milestone = cast(forms.ChoiceField, self.fields["milestone"])
        milestone.choices = Milestone.choices
        milestone.widget.choices = [(row.milestone, self._named(row)) for row in offered.values()]
        if Milestone.RESOLVE in offered:
            self.initial.setdefault("milestone", str(Milestone.RESOLVE))

    def _named(self, row: Deadline) -> str:
        """A limit with the day it is due and the day it could be extended to."""
        rule = clocks.rule_for(self.complaint, row.milestone)
        old, new = _dates(self.complaint, row, rule.extension_amount if rule else 0)
        values = {"limit": row.get_milestone_display(), "old": old, "new": new}
        if new in ("", old):
            return gettext("%(limit)s: due on %(old)s") % values
        return gettext("%(limit)s: due on %(old)s, longer until %(new)s") % values


def _dates(complaint: Complaint, limit: Deadline, amount: int) -> tuple[str, str]:
    """When a limit is due, and when it would be with so much more; '' where the calendar ends before that."""
    longer = copy(limit)
    longer.extra_amount += amount
    return _moment(limit.due_at), _due(complaint, longer, clocks.pauses_of(complaint))


def _due(complaint: Complaint, limit: Deadline, pauses: list[Pause]) -> str:
    try:
        due = clocks.compute(limit, clocks.working_calendar(complaint.policy.slots), pauses).at
    except CalendarMissing:
        due = None
    return _moment(due) if due else ""


def _if_begun_anew(complaint: Complaint) -> Any:
    """The date of the handling, the one a new start now would bring, and whether that takes time away; '' for none."""
    limit = next((row for row in clocks.resettable(complaint) if row.milestone == Milestone.RESOLVE), None)
    if limit is None or limit.assignment_id is not None:
        return ""
    anew = copy(limit)
    anew.started_at, anew.extra_amount, anew.starts_on = timezone.now(), 0, StartsOn.NEW_FACTS
    old, new = _moment(limit.due_at), _due(complaint, anew, [])
    words = gettext("It is due on %(old)s; if you agree, on %(new)s.") if new else gettext("It is due on %(old)s.")
    earlier = gettext("The new date is earlier than the one that stands.") if new and new < old else ""
    return f"{words % {'old': old, 'new': new}} {earlier}".strip()


def _moment(at: datetime) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}"


class ApproveExtension(ActionForm):
    action = "approve_extension"
    in_dialog = True
    approve = YesNo(label=_("Decision"), yes=_("Agree"), no=_("Refuse"))
    note = forms.CharField(label=_("Reason for the decision"), max_length=300, widget=LongText(2))

    def prepare(self) -> None:
        """Show which limit is to be longer, and why."""
        for asked in permissions.extensions_asked(self.complaint):
            limit = next((row for row in self.complaint.deadlines.all() if row.pk == asked.deadline_id), None)
            if limit is not None:
                old, new = _dates(self.complaint, limit, asked.amount)
                words = _("It is due on %(old)s; if you agree, on %(new)s.") if new else _("It is due on %(old)s.")
                what = _what_is_asked(limit.get_milestone_display(), asked.reason)
                self.intro = format_lazy("{} {}", what, words % {"old": old, "new": new})


class RequestReset(ActionForm):
    action = "request_reset"
    in_dialog = True
    intro = _(
        "Another person decides. The clocks the policy allows it for then begin anew; the complainant is told the new "
        "date."
    )
    facts = forms.CharField(label=_("New facts"), max_length=2000, widget=LongText(3))
    evidence = forms.CharField(label=_("Evidence"), max_length=300, widget=LongText(2))


class ApproveReset(ActionForm):
    action = "approve_reset"
    in_dialog = True
    approve = YesNo(label=_("Decision"), yes=_("Agree"), no=_("Refuse"))
    note = forms.CharField(label=_("Reason for the decision"), max_length=300, widget=LongText(2))

    def prepare(self) -> None:
        """Show the facts and their evidence before somebody decides on them."""
        asked = next((row for row in self.complaint.clock_resets.all() if row.state == RequestState.REQUESTED), None)
        if asked is not None:
            self.intro = format_lazy(
                "{} {}", _what_is_asked(asked.facts.rstrip("。."), asked.evidence), _if_begun_anew(self.complaint)
            )


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
    process_satisfaction = forms.ChoiceField(
        label=_("How satisfied with the handling"), choices=choices_of(Satisfaction, _("Not asked")), required=False
    )
    comment = forms.CharField(label=_("What the complainant said"), widget=LongText())
    proposal = forms.CharField(
        label=_("What the complainant proposes to do better"), required=False, max_length=2000, widget=LongText(3),
        help_text=_("Goes on the list of proposals; leave out names and numbers."),
    )  # fmt: skip
    proposal_about = forms.ChoiceField(label=_("The proposal is about"), choices=ProposalAbout.choices, required=False)

    def arguments(self) -> dict[str, Any]:
        values = super().arguments()
        return {**values, "proposal_about": values["proposal_about"] or ProposalAbout.PROCESS}


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
    # Left out only when nobody was reached, or where the answer before makes the question idle.
    asked_when_reached = ("is_solved", "satisfaction", "reason")

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
    ground = forms.ChoiceField(label=_("Reason of the policy"), required=False)
    reason = forms.CharField(label=_("Reason"), widget=LongText(3))
    days = forms.IntegerField(
        label=_("New limit in working days"), min_value=1, max_value=30, initial=_rework_days, required=False
    )

    def prepare(self) -> None:
        """Ask only for what the policy of the case leaves open (complaints/reopening.py)."""
        rules = self.complaint.policy.reopening
        ground = cast(forms.ChoiceField, self.fields["ground"])
        offered = rules.get("reasons", ())
        ground.choices = [("", _("Choose a reason")), *((code, reopening.label(code)) for code in offered)]
        ground.required = bool(offered)
        if not offered:
            ground.widget = forms.HiddenInput()
        if rules.get("clocks"):
            self.fields["days"].widget = forms.HiddenInput()

    @cached_property
    def window(self) -> list[str]:
        """What the policy allows, in words."""
        return reopening.told(self.complaint)

    def arguments(self) -> dict[str, Any]:
        values = super().arguments()
        return {**values, "days": values["days"] or None}


class Archive(ActionForm):
    action = "archive"
    in_dialog = True
    intro = _("Nothing can be added to an archived case, and departments no longer see it.")
    explanation = forms.CharField(
        label=_("Why documents are missing"), max_length=500, required=False, widget=LongText(3)
    )

    def prepare(self) -> None:
        # Asked only where the file lacks something (ARC-12).
        if not archive.missing(self.complaint):
            self.fields["explanation"].widget = forms.HiddenInput()

"""One form per kind of record about the risk of a case; each ends in a function of transitions."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.moments import MomentField
from accounts.web import offer
from complaints import notify, transitions
from complaints.choice_fields import CaseField, LongText, PersonField
from complaints.filters import DayField
from complaints.models import Complaint, SettlementStep, TeamRole
from complaints.record_forms import RecordForm
from complaints.transitions.risk import MEASURES, PERMISSION


def _moment() -> forms.DateTimeInput:
    return forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


def _money(label: Any, **kwargs: Any) -> forms.DecimalField:
    return forms.DecimalField(label=label, min_value=0, max_digits=14, decimal_places=2, required=False, **kwargs)


class RiskForm(RecordForm):
    """The fields are the arguments of one transition, on the case or on the record the form is about."""

    transition: ClassVar[str]
    permission: ClassVar[str] = PERMISSION
    # A record of an archived case, too.
    in_archive: ClassVar[bool] = False

    def write(self, at: datetime | None) -> Any:
        target = self.complaint if self.row is None else self.row
        return getattr(transitions, self.transition)(target.pk, by=self.user, at=at, **self.cleaned_data)


class JoinTeam(RiskForm):
    kind, transition = "risk_team", "join_team"
    title = _("Take somebody into the joint team")
    user = PersonField(label=_("Who joins"))  # type: ignore[assignment]  # a declared field
    role = forms.ChoiceField(label=_("Speaks for"), choices=TeamRole.choices)

    def prepare(self) -> None:
        people = notify.holders_of(PERMISSION) | notify.holders_of("complaints.view_all")
        offer(self, "user", User.objects.filter(Q(pk__in=people.values("pk"))).order_by("display_name"))


class LeaveTeam(RiskForm):
    kind, transition = "risk_team_leave", "leave_team"
    title = _("End the part in the joint team")
    button = _("End it today")

    @property
    def about(self) -> str:
        return self.row.user.display_name


class Meeting(RiskForm):
    kind, transition = "risk_meeting", "add_meeting"
    title = _("Record a risk meeting")
    held_at = MomentField(label=_("Held at"), widget=_moment())
    participants = forms.CharField(label=_("Who took part"), max_length=300)
    strategy = forms.CharField(label=_("How we respond"), max_length=5000, widget=LongText())


class MediaPlanForm(RiskForm):
    kind, transition = "media_plan", "add_media_plan"
    title = _("Agree on a media plan")
    spokesperson = forms.CharField(label=_("Spokesperson"), max_length=80)
    wording = forms.CharField(label=_("Agreed wording"), max_length=5000, widget=LongText())
    release_channel = forms.CharField(label=_("Released through"), max_length=120)


class Settlement(RiskForm):
    kind, transition = "settlement", "add_settlement_step"
    title = _("Record a step towards a settlement")
    step = forms.ChoiceField(label=_("Step taken"), choices=SettlementStep.Kind.choices, widget=forms.RadioSelect)
    amount = _money(_("Amount in yuan"), help_text=_("Nobody offers or agrees to more than the authority covers."))
    text = forms.CharField(label=_("What was said"), max_length=5000, widget=LongText(3))


class LawsuitForm(RiskForm):
    kind, transition = "lawsuit", "add_lawsuit"
    title = _("Record a lawsuit")
    court = forms.CharField(label=_("Court"), max_length=120)
    docket = forms.CharField(label=_("Docket number"), max_length=80, required=False)
    filed_on = DayField(label=_("Filed on"))


class Judgment(RiskForm):
    kind, transition = "judgment", "record_judgment"
    title = _("Record the judgment")
    judgment = forms.CharField(label=_("Judgment"), max_length=5000, widget=LongText())
    judged_on = DayField(label=_("Judged on"))
    compensation = _money(_("Compensation in yuan"))
    legal_cost = _money(_("Legal cost in yuan"))

    def prepare(self) -> None:
        for name in self.fields:
            self.initial.setdefault(name, getattr(self.row, name))

    @property
    def about(self) -> str:
        return self.row.court


class PlaceHold(RiskForm):
    kind, transition, in_archive = "hold", "place_hold", True
    title = _("Place a legal hold")
    button = _("Place the hold")
    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        widget=LongText(2),
        help_text=_("While it stands, nothing of the case is archived or destroyed."),
    )


class ReleaseHold(RiskForm):
    kind, transition, in_archive = "hold_release", "release_hold", True
    title = _("Release the legal hold")
    button = _("Release the hold")
    reason = forms.CharField(label=_("Reason"), max_length=300, widget=LongText(2))


class Measure(RiskForm):
    kind, transition, permission = "interim_measure", "add_interim_measure", MEASURES
    title = _("Record an interim measure")
    measure = forms.CharField(
        label=_("Measure taken"),
        max_length=200,
        help_text=_("For example suspended from duty. Only legal, compliance and management read it."),
    )
    person = PersonField(label=_("Person concerned"), required=False, empty_label=_("Nobody in person"))
    from_on = DayField(label=_("First day"))
    until_on = DayField(label=_("Last day"), required=False)

    def prepare(self) -> None:
        offer(self, "person", User.objects.filter(is_active=True).exclude(pk=self.user.pk))


class EndMeasure(RiskForm):
    kind, transition, permission = "interim_measure_end", "end_interim_measure", MEASURES
    title = _("End the interim measure")
    until_on = DayField(label=_("Last day"))

    @property
    def about(self) -> str:
        return self.row.measure


FORMS: dict[str, type[RiskForm]] = {
    form.kind: form
    for form in (
        JoinTeam,
        LeaveTeam,
        Meeting,
        MediaPlanForm,
        Settlement,
        LawsuitForm,
        Judgment,
        PlaceHold,
        ReleaseHold,
        Measure,
        EndMeasure,
    )
}


# --- Public opinion and drills ------------------------------------------------------------------------
class SignalForm(forms.Form):
    source = forms.CharField(label=_("Source"), max_length=80, help_text=_("For example Weibo, a forum, a newspaper."))
    link = forms.URLField(label=_("Link to the post"), max_length=500, required=False, assume_scheme="https")
    text = forms.CharField(label=_("What is said"), max_length=10_000, widget=LongText())
    seen_at = MomentField(label=_("Seen at"), required=False, widget=_moment(), help_text=_("Empty means now."))
    complaint = CaseField(label=_("Case it is about"), required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "complaint", Complaint.objects.visible_to(user))


class SignalAnswer(forms.Form):
    response = forms.CharField(
        label=_("Our response"),
        max_length=10_000,
        widget=LongText(3),
        help_text=_("Response, clarification or guidance. The first entry stops the clock."),
    )


class SignalLink(forms.Form):
    complaint = CaseField(label=_("Case it is about"))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "complaint", Complaint.objects.visible_to(user))


class DrillForm(forms.Form):
    held_on = DayField(label=_("Held on"))
    scenario = forms.CharField(label=_("Scenario"), max_length=5000, widget=LongText(3))
    participants = forms.CharField(label=_("Who took part"), max_length=300)
    findings = forms.CharField(label=_("Findings"), max_length=5000, widget=LongText())

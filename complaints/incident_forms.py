"""One form per record of the response to an incident; each ends in a rule (INC-02…06, INC-09…20)."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput
from accounts.models import Department, DepartmentKind, User
from accounts.moments import MomentField
from accounts.web import offer
from complaints import incidents
from complaints.action_form import choices_of
from complaints.choice_fields import CaseField, DepartmentField, LongText, PersonField
from complaints.models import (
    AfterAction,
    Bulletin,
    CallOut,
    Complaint,
    HomeHelp,
    ImprovementAction,
    Incident,
    IncidentResponse,
    OpinionSignal,
)
from complaints.states import (
    BulletinKind,
    CallOutKind,
    IncidentKind,
    Satisfaction,
)
from complaints.transitions import bulletins, handling
from complaints.transitions import incidents as rules

# The newest signals that can be chosen from.
MOST_SIGNALS = 100


class _Moment(forms.DateTimeInput):
    def __init__(self) -> None:
        super().__init__(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class _Day(forms.DateInput):
    def __init__(self) -> None:
        super().__init__(attrs={"type": "date"}, format="%Y-%m-%d")


def _staff() -> Any:
    return User.objects.filter(is_active=True, memberships__until=None).distinct().order_by("display_name", "pk")


class ResponseForm(forms.Form):
    """What one record needs. `row` is the record the form is about, `response` the response it belongs to."""

    title: ClassVar[Any]
    button: ClassVar[Any] = _("Save")
    done: ClassVar[Any] = _("Saved.")
    about: ClassVar[Any] = ""
    permission: ClassVar[str] = incidents.MANAGE
    # The table of the record, where the form is about one; None for a form about the response.
    table: ClassVar[Any] = None
    # The page that shows the record.
    page: ClassVar[str] = "incident_response"

    def __init__(
        self,
        *args: Any,
        incident: Incident,
        response: IncidentResponse | None,
        user: User,
        row: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.incident, self.response, self.user, self.row = incident, response, user, row
        self.prepare()

    def prepare(self) -> None:
        """Fill choices and initial values from the response or the record."""

    def fill(self, source: Any) -> None:
        """Take the initial values of all fields from a record."""
        for name in self.fields:
            self.initial.setdefault(name, getattr(source, name, None))

    def require(self) -> None:
        """Look before the form opens whether it could be sent at all. Raises NotAllowed, IllegalTransition."""

    def write(self) -> Any:
        """Call the rule with the fields as its arguments."""
        raise NotImplementedError

    def save(self) -> Any:
        """The record, or None with the error at its field. Raises NotAllowed, StaleVersion, IllegalTransition."""
        try:
            return self.write()
        except InvalidInput as error:
            self.add_error(error.field if error.field in self.fields else None, str(error))
            return None


class VersionedForm(ResponseForm):
    """A form that replaces what stands; refused when somebody else changed it meanwhile."""

    version = forms.IntegerField(
        widget=forms.HiddenInput, error_messages={"required": _("This form is out of date; open it again.")}
    )

    def prepare(self) -> None:
        self.fill(self.row if self.row is not None else self.response)


# --- Declaring ----------------------------------------------------------------------------------------
class Declare(ResponseForm):
    """The beginning of a response; where it starts from a case, with a name for the incident (INC-02)."""

    title = _("Declare an incident")
    button = _("Start the response")
    done = _("The response has begun.")
    about = _("Everybody who leads responses is told at once, and the clocks run from the beginning.")
    name = forms.CharField(label=_("Name of the incident"), max_length=120)
    place = forms.CharField(label=_("Place"), max_length=200, required=False)
    kind = forms.ChoiceField(label=_("Kind of incident"), choices=choices_of(IncidentKind))
    started_at = MomentField(label=_("Began at"), widget=_Moment())
    is_high_level = forms.BooleanField(
        label=_("High-level emergency"),
        required=False,
        help_text=_("For defects of whole batches and events that reach many people."),
    )
    # The case the incident starts from; None for an incident that stands.
    case: Complaint | None = None

    def prepare(self) -> None:
        if self.incident.pk is not None:
            del self.fields["name"], self.fields["place"]

    def write(self) -> IncidentResponse:
        data = dict(self.cleaned_data)
        if self.case is None:
            return rules.declare_response(self.incident.pk, by=self.user, **data)
        return rules.declare_from_case(self.case.pk, title=data.pop("name"), by=self.user, **data)


# --- Survey and call-outs -----------------------------------------------------------------------------
class Survey(VersionedForm):
    title = _("Survey on site")
    location = forms.CharField(label=_("Where exactly"), max_length=rules.PLACE)
    cause = forms.CharField(
        label=_("Cause"), max_length=rules.TEXT, required=False, widget=LongText(3),
        help_text=_("Leave it empty while it is not known."),
    )  # fmt: skip
    extent = forms.CharField(label=_("Extent of the impact"), max_length=rules.TEXT, widget=LongText(3))
    households = forms.IntegerField(label=_("Households affected"), min_value=0, required=False)

    def write(self) -> IncidentResponse:
        return rules.record_survey(self.incident.pk, by=self.user, **self.cleaned_data)


class CallOutForm(ResponseForm):
    title = _("Log a call-out")
    kind = forms.ChoiceField(label=_("What was called out"), choices=choices_of(CallOutKind))
    person = PersonField(
        label=_("Person"), required=False, empty_label=_("Nobody in particular"),
        help_text=_("Somebody named here is told at once."),
    )  # fmt: skip
    what = forms.CharField(label=_("Who or what"), max_length=rules.SHORT)
    people = forms.IntegerField(label=_("How many people"), min_value=1, max_value=1000, initial=1)
    called_at = MomentField(label=_("Called at"), widget=_Moment())
    note = forms.CharField(label=_("Note"), max_length=rules.PLACE, required=False)

    def prepare(self) -> None:
        offer(self, "person", _staff())
        self.initial.setdefault("called_at", timezone.now())

    def write(self) -> CallOut:
        return rules.call_out(self.incident.pk, by=self.user, **self.cleaned_data)


class FollowCallOut(ResponseForm):
    title = _("There, and until when")
    table = CallOut
    arrived_at = MomentField(label=_("There at"), widget=_Moment(), required=False)
    until = MomentField(label=_("Until"), widget=_Moment(), required=False)

    def prepare(self) -> None:
        self.fill(self.row)

    def write(self) -> CallOut:
        return rules.follow_call_out(self.row.pk, by=self.user, **self.cleaned_data)


# --- Bulletins ----------------------------------------------------------------------------------------
class Rhythm(VersionedForm):
    title = _("Time between bulletins")
    about = _("The time of the next bulletin moves with it.")
    bulletin_hours = forms.IntegerField(
        label=_("Hours between bulletins"), min_value=bulletins.LEAST_HOURS, max_value=bulletins.MOST_HOURS
    )

    def write(self) -> IncidentResponse:
        return bulletins.set_rhythm(self.incident.pk, by=self.user, **self.cleaned_data)


class _BulletinParts(ResponseForm):
    about = _(
        "Everybody can read a bulletin: no names, addresses or numbers of complainants. Somebody else releases it."
    )
    kind = forms.ChoiceField(
        label=_("Kind of bulletin"),
        choices=[(BulletinKind.PROGRESS, _("First notice or bulletin")), (BulletinKind.CLOSING, _("Closing notice"))],
    )
    progress = forms.CharField(label=_("How far we are"), max_length=rules.TEXT, widget=LongText(4))
    expected_recovery_at = MomentField(
        label=_("Service expected back at"), widget=_Moment(), required=False,
        help_text=_("Left empty, an interruption says that it is not known yet."),
    )  # fmt: skip
    supply = forms.CharField(
        label=_("Where supply is available meanwhile"), max_length=rules.TEXT, required=False, widget=LongText(2),
        help_text=_("Needed while the service is interrupted; where there is none, say so."),
    )  # fmt: skip
    contact = forms.CharField(label=_("Whom to turn to"), max_length=rules.SHORT)
    no_advance_notice = forms.CharField(
        label=_("Why no advance notice was possible"), max_length=rules.TEXT, required=False, widget=LongText(2)
    )
    after_care = forms.CharField(
        label=_("What people should do now"), max_length=rules.TEXT, required=False, widget=LongText(2),
        help_text=_("Needed in the closing notice, e.g. let the water run until it is clear."),
    )  # fmt: skip


class WriteBulletin(_BulletinParts):
    title = _("Write a bulletin")
    button = _("Save the draft")

    def prepare(self) -> None:
        last = Bulletin.objects.filter(incident=self.incident).order_by("-number").first()
        if last is not None:
            if self.response is not None and self.response.recovered_at is None:
                self.initial.setdefault("supply", last.supply)
            self.initial.setdefault("contact", last.contact)

    def require(self) -> None:
        bulletins.require_writable(self.incident)

    def write(self) -> Bulletin:
        return bulletins.write_bulletin(self.incident.pk, by=self.user, **self.cleaned_data)


class EditBulletin(_BulletinParts, VersionedForm):
    title = _("Change the draft")
    button = _("Save the draft")
    table = Bulletin

    def prepare(self) -> None:
        self.initial.setdefault(
            "kind", BulletinKind.CLOSING if self.row.kind == BulletinKind.CLOSING else BulletinKind.PROGRESS
        )
        self.fill(self.row)

    def require(self) -> None:
        bulletins.require_editable(self.row, self.incident)

    def write(self) -> Bulletin:
        return bulletins.edit_bulletin(self.row.pk, by=self.user, **self.cleaned_data)


class ReleaseBulletin(VersionedForm):
    title = _("Release the bulletin")
    button = _("Release")
    done = _("The bulletin is released.")
    about = _("It becomes public as it stands. The next one is due from this moment on.")
    permission = incidents.RELEASE
    table = Bulletin

    def require(self) -> None:
        bulletins.require_releasable(self.row, self.incident, by=self.user)

    def write(self) -> Bulletin:
        return bulletins.release_bulletin(self.row.pk, by=self.user, **self.cleaned_data)


class WithdrawBulletin(VersionedForm):
    title = _("Withdraw the bulletin")
    button = _("Withdraw")
    done = _("The bulletin is withdrawn; write the correction as a new one.")
    permission = incidents.RELEASE
    table = Bulletin
    reason = forms.CharField(label=_("Reason"), max_length=rules.PLACE, widget=LongText(2))

    def require(self) -> None:
        bulletins.require_released(self.row)

    def write(self) -> Bulletin:
        return bulletins.withdraw_bulletin(self.row.pk, by=self.user, **self.cleaned_data)


# --- Recovery and after care --------------------------------------------------------------------------
class Recovery(VersionedForm):
    title = _("The service is back")
    recovered_at = MomentField(label=_("Service back at"), widget=_Moment())

    def write(self) -> IncidentResponse:
        return rules.record_recovery(self.incident.pk, by=self.user, **self.cleaned_data)


class AfterCare(VersionedForm):
    title = _("After care")
    about = _("Until this day new cases can join the incident even when it is closed.")
    page = "incident_afterwards"
    after_care = forms.CharField(label=_("What people should do now"), max_length=rules.TEXT, widget=LongText(3))
    after_care_contact = forms.CharField(label=_("Contact for problems that follow"), max_length=rules.SHORT)
    after_care_until = forms.DateField(label=_("After care until"), widget=_Day())

    def write(self) -> IncidentResponse:
        return rules.plan_after_care(self.incident.pk, by=self.user, **self.cleaned_data)


# --- Afterwards ---------------------------------------------------------------------------------------
class Feedback(ResponseForm):
    title = _("Feedback of somebody concerned")
    about = _("What was told to an independent caller; complainants also answer on their own tracking page.")
    page = "incident_afterwards"
    satisfaction = forms.ChoiceField(label=_("Satisfaction"), choices=choices_of(Satisfaction))
    comment = forms.CharField(
        label=_("In their words"), max_length=rules.TEXT, required=False, widget=LongText(3),
        help_text=_("Without names and numbers."),
    )  # fmt: skip

    def write(self) -> Any:
        return rules.add_feedback(self.incident.pk, by=self.user, **self.cleaned_data)


class SignalField(forms.ModelChoiceField):
    """Something said in public, by source and first words."""

    def label_from_instance(self, row: OpinionSignal) -> str:
        return f"{timezone.localtime(row.seen_at):%m-%d %H:%M} {row.source} {row.text[:40]}"


class LinkSignal(ResponseForm):
    title = _("Link something said in public")
    page = "incident_afterwards"
    signal = SignalField(OpinionSignal.objects.none(), label=_("What was said"), empty_label=_("Choose one"))

    def prepare(self) -> None:
        newest = OpinionSignal.objects.filter(incident=None).values("pk")[:MOST_SIGNALS]
        offer(self, "signal", OpinionSignal.objects.filter(pk__in=list(newest.values_list("pk", flat=True))))

    def write(self) -> OpinionSignal:
        return rules.link_signal_to_incident(self.incident.pk, by=self.user, **self.cleaned_data)


def _section(label: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=rules.TEXT, widget=LongText(3))


class WriteAfterAction(ResponseForm):
    title = _("After-action review")
    page = "incident_afterwards"
    based_on = forms.IntegerField(widget=forms.HiddenInput)
    initial_response = _section(_("First response"))
    information = _section(_("Information"))
    care = _section(_("Care for those concerned"))
    recovery = _section(_("Recovery"))
    result = _section(_("Result"))
    lessons = _section(_("Lessons"))

    def prepare(self) -> None:
        last = AfterAction.objects.filter(incident=self.incident).first()
        self.initial.setdefault("based_on", last.revision if last else 0)
        if last is not None:
            self.fill(last)
        said = incidents.rate_of(self.incident)
        if said.answers:
            words = gettext("%(percent)s of %(n)s answers satisfied or basically satisfied")
            self.fields["result"].help_text = words % {"percent": said.percent, "n": said.answers}

    def write(self) -> AfterAction:
        return rules.write_after_action(self.incident.pk, by=self.user, **self.cleaned_data)


class Improvement(ResponseForm):
    title = _("Improvement from the incident")
    page = "incident_afterwards"
    what = forms.CharField(label=_("Measure"), max_length=rules.TEXT, widget=LongText(3))
    department = DepartmentField(label=_("Department"))
    owner = PersonField(label=_("Owner"), required=False, empty_label=_("Nobody in particular"))
    due_on = forms.DateField(label=_("Due on"), widget=_Day())
    acceptance_test = forms.CharField(
        label=_("How it will be verified"), max_length=rules.TEXT, required=False, widget=LongText(2)
    )

    def prepare(self) -> None:
        offer(self, "department", Department.objects.filter(is_active=True, kind=DepartmentKind.HANDLING))
        offer(self, "owner", _staff())

    def write(self) -> ImprovementAction:
        return rules.add_incident_improvement(self.incident.pk, by=self.user, **self.cleaned_data)


class ReportImprovement(ResponseForm):
    title = _("Report progress")
    page = "incident_afterwards"
    table = ImprovementAction
    percent = forms.IntegerField(
        label=_("Done in percent"),
        min_value=0,
        max_value=100,
        help_text=_("100 means done; somebody else verifies it."),
    )
    note = forms.CharField(label=_("Note"), max_length=300, required=False)

    def write(self) -> ImprovementAction:
        return handling.report_improvement(self.row.pk, by=self.user, **self.cleaned_data)


class VerifyImprovement(ResponseForm):
    title = _("Verify the improvement")
    button = _("It is really there")
    page = "incident_afterwards"
    table = ImprovementAction

    def write(self) -> ImprovementAction:
        return handling.verify_improvement(self.row.pk, by=self.user)


# --- Help at home -------------------------------------------------------------------------------------
class ListForHelp(ResponseForm):
    title = _("List somebody for help at home")
    page = "incident_help"
    name = forms.CharField(label=_("Name"), max_length=80)
    phone = forms.CharField(label=_("Phone"), max_length=40, required=False)
    address = forms.CharField(label=_("Address"), max_length=rules.SHORT)
    need = forms.CharField(
        label=_("What is needed"), max_length=rules.SHORT, help_text=_("Without the name, e.g. two buckets of water.")
    )
    owner = PersonField(label=_("Who goes there"), required=False, empty_label=_("Nobody yet"))
    due_at = MomentField(label=_("There by"), widget=_Moment())
    complaint = CaseField(label=_("Case, where there is one"), required=False)

    def prepare(self) -> None:
        offer(self, "owner", _staff())
        offer(self, "complaint", Complaint.objects.visible_to(self.user))

    def write(self) -> HomeHelp:
        return rules.list_for_help(self.incident.pk, by=self.user, **self.cleaned_data)


class GiveHelp(ResponseForm):
    title = _("Say who goes there")
    about = _("Who goes there is told; the name and address can then be read on the page of the visit.")
    page = "incident_help"
    table = HomeHelp
    owner = PersonField(label=_("Who goes there"), empty_label=_("Choose one"))

    def prepare(self) -> None:
        offer(self, "owner", _staff())
        self.fill(self.row)

    def write(self) -> HomeHelp:
        return rules.give_help(self.row.pk, by=self.user, **self.cleaned_data)


class FinishHelp(ResponseForm):
    title = _("The visit is done")
    page = "incident_help"
    table = HomeHelp
    # Who has the task may say so without leading the response; the rule asks.
    permission = ""
    result = forms.CharField(label=_("What was done"), max_length=rules.PLACE, widget=LongText(2))

    def write(self) -> HomeHelp:
        return rules.finish_help(self.row.pk, by=self.user, **self.cleaned_data)


FORMS: dict[str, type[ResponseForm]] = {
    "survey": Survey,
    "call-out": CallOutForm,
    "call-out-follow": FollowCallOut,
    "rhythm": Rhythm,
    "bulletin": WriteBulletin,
    "bulletin-edit": EditBulletin,
    "bulletin-release": ReleaseBulletin,
    "bulletin-withdraw": WithdrawBulletin,
    "recovery": Recovery,
    "after-care": AfterCare,
    "feedback": Feedback,
    "signal": LinkSignal,
    "after-action": WriteAfterAction,
    "improvement": Improvement,
    "improvement-report": ReportImprovement,
    "improvement-verify": VerifyImprovement,
    "help-add": ListForHelp,
    "help-give": GiveHelp,
    "help-done": FinishHelp,
}

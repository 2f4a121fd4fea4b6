"""One form per record about the coordination of a case; each ends in a rule (COO-01, COO-02, COO-07, COO-14)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, cast

from django import forms
from django.conf import settings
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Department, DepartmentKind, User
from accounts.moments import MomentField
from accounts.web import offer
from complaints import case_files, coordination, transitions
from complaints.choice_fields import DepartmentField, LongText, PersonField
from complaints.models import Attachment, CaseTask, Complaint, Contact, Meeting, PartyStatement
from complaints.record_forms import FileChoice, RecordForm
from complaints.states import ContactOutcome, MeetingKind, PartyKind, TaskKind
from complaints.transitions import coordination as rules
from complaints.transitions import explanations


def _day() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def _moment() -> forms.DateTimeInput:
    return forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class PeopleField(forms.ModelMultipleChoiceField):
    """Members of staff by staff number, each with a tick."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            User.objects.none(), to_field_name="staff_number", widget=forms.CheckboxSelectMultiple, **kwargs
        )

    def label_from_instance(self, user: User) -> str:
        return f"{user.display_name} · {user.post}" if user.post else user.display_name


class CoordinationForm(RecordForm):
    """The fields are the arguments of one rule, on the case or on the record the form is about."""

    rule: ClassVar[str]
    # The relation of the case that holds the record the form is about; "" for a form about the case.
    relation: ClassVar[str] = ""

    @classmethod
    def allows(cls, user: User, complaint: Complaint, row: Any) -> bool:
        """Whether the person may open the form; the rule asks again."""
        return rules.may_coordinate(user, complaint)

    def write(self, at: datetime | None) -> Any:
        target = self.complaint if self.row is None else self.row
        return getattr(rules, self.rule)(target.pk, by=self.user, at=at, **self.cleaned_data)


class ReasonForm(CoordinationForm):
    """Something ends without its result; the record says why."""

    reason = forms.CharField(label=_("Reason"), max_length=rules.REASON, widget=LongText(2))


# --- Contact with the department ----------------------------------------------------------------------
class LogContact(CoordinationForm):
    """A note for everybody on the case, headed by the department it is about (COO-01)."""

    kind = "department_contact"
    title = _("Note a contact with the department")
    department = DepartmentField(label=_("Department"))
    text = forms.CharField(
        label=_("Progress and difficulties"), max_length=9000, widget=LongText(),
        help_text=_("What was said, and what follows."),
    )  # fmt: skip

    @classmethod
    def allows(cls, user: User, complaint: Complaint, row: Any) -> bool:
        return coordination.may_log_contact(user, complaint)

    def prepare(self) -> None:
        rows = [task for task in self.complaint.assignments.all() if task.is_current]
        offer(self, "department", Department.objects.filter(pk__in=[task.department_id for task in rows]))
        if self.complaint.lead_department:
            self.initial.setdefault("department", self.complaint.lead_department.code)

    def write(self, at: datetime | None) -> Any:
        with translation.override(settings.LANGUAGE_CODE):
            heading = gettext("Contact with %(department)s") % {"department": self.cleaned_data["department"].name}
        return transitions.add_note(
            self.complaint.pk, by=self.user, text=f"{heading}\n{self.cleaned_data['text']}", at=at
        )


# --- Promises -----------------------------------------------------------------------------------------
class MakePromise(CoordinationForm):
    kind, rule = "promise", "make_promise"
    title = _("Record a promise to the complainant")
    text = forms.CharField(label=_("What was promised"), max_length=rules.TEXT, widget=LongText(3))
    due_at = MomentField(
        label=_("To be kept until"),
        widget=_moment(),
        help_text=_("If it is not kept by then, handler and coordinator are told."),
    )


class KeepPromise(CoordinationForm):
    kind, rule, relation = "promise_keep", "keep_promise", "promises"
    title = _("The promise was kept")
    button = _("It was kept")


class EndPromise(ReasonForm):
    kind, rule, relation = "promise_end", "end_promise", "promises"
    title = _("The promise no longer holds")


# --- Statements ---------------------------------------------------------------------------------------
class AskParty(CoordinationForm):
    kind, rule = "statement", "ask_party"
    title = _("Ask somebody outside for a statement")
    party_kind = forms.ChoiceField(label=_("Kind of party"), choices=PartyKind.choices)
    party = forms.CharField(label=_("Name of the party"), max_length=rules.SHORT)
    question = forms.CharField(label=_("What they are asked"), max_length=rules.TEXT, widget=LongText(4))
    due_on = forms.DateField(label=_("Answer by"), widget=_day())


class ReceiveStatement(CoordinationForm):
    kind, rule, relation = "statement_receive", "receive_statement", "party_statements"
    title = _("File the statement")
    answer = forms.CharField(label=_("What they stated"), max_length=rules.LONG, widget=LongText())
    evidence = FileChoice(
        Attachment.objects.none(),
        label=_("Evidence"),
        required=False,
        empty_label=_("No file"),
        help_text=_("Add the file to the case first; then it can be chosen here."),
    )

    def prepare(self) -> None:
        rows = Attachment.objects.filter(complaint=self.complaint).select_related("file")
        cast(FileChoice, self.fields["evidence"]).names = case_files.withheld_from(self.user, self.complaint, rows)
        offer(self, "evidence", rows)

    @property
    def about(self) -> str:
        row: PartyStatement = self.row
        return f"{row.party}\n{row.question}"


class WaiveStatement(ReasonForm):
    kind, rule, relation = "statement_waive", "waive_statement", "party_statements"
    title = _("Go on without the statement")

    @property
    def about(self) -> str:
        return self.row.party


# --- Meetings -----------------------------------------------------------------------------------------
class CallMeeting(CoordinationForm):
    kind, rule = "meeting", "call_meeting"
    title = _("Call a meeting")
    button = _("Call the meeting")
    done = _("The meeting is called; who takes part was told.")
    meeting_kind = forms.ChoiceField(
        label=_("Kind of meeting"),
        choices=MeetingKind.choices,
        initial=MeetingKind.MEETING,
        widget=forms.RadioSelect,
        help_text=_("A temporary group meets as often as a difficult case needs it; call each meeting here."),
    )
    subject = forms.CharField(label=_("Subject of the meeting"), max_length=rules.SHORT)
    planned_at = MomentField(label=_("When"), widget=_moment())
    place = forms.CharField(label=_("Where"), max_length=rules.SHORT, required=False)
    agenda = forms.CharField(label=_("Agenda"), max_length=rules.TEXT, widget=LongText(4))
    participants = PeopleField(
        label=_("Who takes part"), help_text=_("You take part yourself. Only people who can open the case are listed.")
    )
    guests = forms.CharField(
        label=_("Others who take part"), max_length=rules.REASON, required=False,
        help_text=_("People without access to the case, by name and organisation. They are not told by the system."),
    )  # fmt: skip

    def prepare(self) -> None:
        offer(self, "participants", coordination.candidates(self.complaint).exclude(pk=self.user.pk))


class Minutes(CoordinationForm):
    kind, rule, relation = "meeting_minutes", "record_minutes", "meetings"
    title = _("Write the minutes")
    held_at = MomentField(label=_("Held at"), required=False, widget=_moment(), help_text=_("Empty means as planned."))
    minutes = forms.CharField(label=_("Minutes"), max_length=rules.LONG, widget=LongText(8))
    decisions = forms.CharField(
        label=_("Decisions"), max_length=rules.TEXT, required=False, widget=LongText(4),
        help_text=_("One decision a line. Each can then become a task with a department, a person and a day."),
    )  # fmt: skip

    @classmethod
    def allows(cls, user: User, complaint: Complaint, row: Meeting) -> bool:
        return row.participants.filter(pk=user.pk).exists()

    @property
    def about(self) -> str:
        return self.row.title


class CancelMeeting(ReasonForm):
    kind, rule, relation = "meeting_cancel", "cancel_meeting", "meetings"
    title = _("Call the meeting off")
    button = _("Call it off")
    done = _("The meeting is called off; who would have come was told.")

    @property
    def about(self) -> str:
        return self.row.title


# --- Tasks --------------------------------------------------------------------------------------------
class GiveTask(CoordinationForm):
    kind, rule = "case_task", "give_task"
    title = _("Give a task")
    button = _("Give the task")
    task_kind = forms.ChoiceField(
        label=_("Kind of task"),
        choices=[(kind, kind.label) for kind in (TaskKind.VISIT, TaskKind.OTHER)],
        initial=TaskKind.OTHER,
        widget=forms.RadioSelect,
    )
    what = forms.CharField(label=_("What is to be done"), max_length=rules.TEXT, widget=LongText(3))
    department = DepartmentField(
        label=_("Department"), help_text=_("Departments that have the case now, and the office.")
    )
    owner = PersonField(label=_("Person in charge"), required=False, empty_label=_("Whoever the department chooses"))
    due_on = forms.DateField(label=_("Done by"), widget=_day())

    def prepare(self) -> None:
        having = [task.department_id for task in self.complaint.assignments.all() if task.is_current]
        units = Department.objects.active().filter(Q(pk__in=having) | Q(kind=DepartmentKind.OFFICE))
        members = coordination.candidates(self.complaint).filter(
            memberships__department__in=units, memberships__until=None
        )
        offer(self, "department", units.order_by("name"))
        offer(self, "owner", User.objects.filter(pk__in=members.values("pk")).order_by("display_name"))


class TaskFromMeeting(GiveTask):
    kind, rule, relation = "meeting_task", "task_from_meeting", "meetings"
    title = _("Make a decision a task")
    task_kind = None  # type: ignore[assignment]  # it is a decision

    @classmethod
    def allows(cls, user: User, complaint: Complaint, row: Meeting) -> bool:
        return rules.may_coordinate(user, complaint) or row.participants.filter(pk=user.pk).exists()

    @property
    def about(self) -> str:
        return self.row.title


class SetReplyDay(CoordinationForm):
    """The day of a reply owed to another body that had named none (IN-11)."""

    kind, rule, relation = "case_task_day", "set_reply_day", "tasks"
    title = _("Add the day of the reply")
    due_at = MomentField(label=_("Reply due"), widget=_moment(), help_text=_("Until when that body expects our reply."))

    @classmethod
    def allows(cls, user: User, complaint: Complaint, row: CaseTask) -> bool:
        return rules.may_finish(user, row)


class FinishTask(CoordinationForm):
    kind, rule, relation = "case_task_done", "finish_task", "tasks"
    title = _("Report the task done")
    button = _("It is done")
    result = forms.CharField(label=_("Result of the task"), max_length=rules.TEXT, widget=LongText(3))

    @classmethod
    def allows(cls, user: User, complaint: Complaint, row: CaseTask) -> bool:
        return rules.may_finish(user, row)


# --- The cause, and the head in person ---------------------------------------------------------------
class ContactChoice(forms.ModelChoiceField):
    """A contact of the case by when and how it was."""

    def label_from_instance(self, contact: Contact) -> str:
        when = timezone.localtime(contact.at).strftime("%m-%d %H:%M")
        return f"{when} · {contact.get_channel_display()} · {contact.get_purpose_display()}"


class ExplainCause(CoordinationForm):
    """The cause as the complainant was told it (COO-18)."""

    kind = "explanation"
    title = _("Record the explanation of the cause")
    cause = forms.CharField(
        label=_("Cause as it was explained"), max_length=explanations.TEXT, widget=LongText(),
        help_text=_("Truthfully and in plain words. It can be taken into the reply."),
    )  # fmt: skip
    contact = ContactChoice(
        Contact.objects.none(),
        label=_("Told in which contact"),
        required=False,
        empty_label=_("In writing, with the reply"),
    )

    def prepare(self) -> None:
        offer(self, "contact", self.complaint.communications.filter(outcome=ContactOutcome.REACHED).order_by("-at"))

    def write(self, at: datetime | None) -> Any:
        return explanations.explain_cause(self.complaint.pk, by=self.user, at=at, **self.cleaned_data)


class AskHead(CoordinationForm):
    """One press: the head of the department rings (COO-17)."""

    kind = "head_call"
    title = _("Ask the head to ring in person")
    button = _("Ask the head to ring")
    done = _("The head of the department has the task.")

    def write(self, at: datetime | None) -> Any:
        return explanations.ask_head(self.complaint.pk, by=self.user, at=at)


FORMS: dict[str, type[CoordinationForm]] = {
    form.kind: form
    for form in (
        LogContact,
        MakePromise,
        KeepPromise,
        EndPromise,
        AskParty,
        ReceiveStatement,
        WaiveStatement,
        CallMeeting,
        Minutes,
        CancelMeeting,
        GiveTask,
        TaskFromMeeting,
        SetReplyDay,
        FinishTask,
        ExplainCause,
        AskHead,
    )
}

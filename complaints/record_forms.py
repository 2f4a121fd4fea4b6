"""One form per kind of record that is added to a case; each ends in a function of transitions.

`FORMS[kind](data, files, complaint=complaint, user=user, row=row)`; when valid, `save(at=None)` adds
the record. `row` is the record a form is about (a point of the complaint, an improvement, a question).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, cast

from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput
from accounts.models import Department, User
from accounts.moments import MomentField
from accounts.web import offer
from complaints import care, case_files, files, notices, previews, reply_letter, tracking, transitions
from complaints.choice_fields import DepartmentField, LongText, PersonField, YesNo
from complaints.models import Attachment, Complaint
from complaints.models.people import ContactKind
from complaints.states import (
    Audience,
    Channel,
    ContactDirection,
    ContactOutcome,
    ContactPurpose,
    EvidenceKind,
    FindingResult,
    InvestigationKind,
    QuestionKind,
    RemedyKind,
)
from complaints.timeline_words import DATA_WORDS
from complaints.transitions import people

_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
_MOMENT = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class RecordForm(forms.Form):
    """What one record needs; a broken rule about a field is shown at that field."""

    kind: ClassVar[str]
    title: ClassVar[Any]
    button: ClassVar[Any] = _("Save")
    done: ClassVar[Any] = _("Saved.")

    def __init__(self, *args: Any, complaint: Complaint, user: User, row: Any = None, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", f"{self.kind}_%s")
        super().__init__(*args, **kwargs)
        self.complaint = complaint
        self.user = user
        self.row = row
        self.prepare()

    def prepare(self) -> None:
        """Fill choices and initial values from the case."""

    @property
    def about(self) -> str:
        """The words of the record the form is about, or ''."""
        return getattr(self.row, "text", "") or getattr(self.row, "what", "")

    def write(self, at: datetime | None) -> Any:
        """Call the transition."""
        raise NotImplementedError

    def save(self, *, at: datetime | None = None) -> Any:
        """Add the record. Returns it, or None with the error at its field. Raises NotAllowed, IllegalTransition."""
        try:
            return self.write(at)
        except InvalidInput as error:
            self.add_error(error.field if error.field in self.fields else None, str(error))
            return None


class NoteForm(RecordForm):
    kind = "note"
    title = _("Write a note")
    button = _("Save the note")
    done = _("The note was saved.")
    text = forms.CharField(label=_("Write a note"), max_length=10_000, widget=LongText(3))
    audience = forms.ChoiceField(
        label=_("Who may read it"),
        choices=[(Audience.CASE, Audience.CASE.label), (Audience.OFFICE, Audience.OFFICE.label)],
        required=False,
    )

    def prepare(self) -> None:
        # Only the office chooses; what a department writes is for everybody on the case.
        if not self.user.has_perm("complaints.view_all"):
            del self.fields["audience"]

    def write(self, at: datetime | None) -> Any:
        audience = self.cleaned_data.get("audience") or Audience.CASE
        return transitions.add_note(
            self.complaint.pk, by=self.user, text=self.cleaned_data["text"], audience=audience, at=at
        )


class ContactForm(RecordForm):
    kind = "contact"
    title = _("Record a communication")
    done = _("The communication was recorded.")
    direction = forms.ChoiceField(
        label=_("Direction"), choices=ContactDirection.choices, widget=forms.RadioSelect, initial=ContactDirection.OUT
    )
    channel = forms.ChoiceField(label=_("Channel"), choices=Channel.choices, initial=Channel.PHONE)
    # A call-back is an action of its own, done by somebody independent (QUA-08).
    purpose = forms.ChoiceField(
        label=_("Purpose"), choices=[pair for pair in ContactPurpose.choices if pair[0] != ContactPurpose.CALL_BACK]
    )
    outcome = forms.ChoiceField(
        label=_("Outcome"), choices=ContactOutcome.choices, widget=forms.RadioSelect, initial=ContactOutcome.REACHED
    )
    summary = forms.CharField(
        label=_("What was said"),
        required=False,
        widget=LongText(),
        help_text=_("May stay empty when nobody was reached."),
    )
    contacted_at = MomentField(label=_("When"), required=False, widget=_MOMENT, help_text=_("Empty means now."))
    recording_reference = forms.CharField(
        label=_("Number of the recording or of the registered letter"), max_length=120, required=False
    )

    def prepare(self) -> None:
        """A reply or notice yet to be told is what comes next, on the way the complaint came (FB-01, SCR-03)."""
        notice = notices.waits_to_be_told(self.complaint)
        if notice is not None:
            self.initial.setdefault("purpose", notices.purpose_of(notice))
            self.initial.setdefault("channel", self.complaint.channel)
        if reply_letter.waits_to_be_told(self.complaint) is not None:
            self.initial.setdefault("purpose", ContactPurpose.REPLY)
            self.initial.setdefault("channel", self.complaint.channel)
        if self.complaint.channel == Channel.LETTER:
            self.fields["outcome"].help_text = _("A letter that was posted counts as reached; say when and how.")

    def write(self, at: datetime | None) -> Any:
        return transitions.add_contact(self.complaint.pk, by=self.user, at=at, **self.cleaned_data)


class ContactPointForm(RecordForm):
    kind = "contact_point"
    title = _("Add a number or address of the complainant")
    done = _("It was added; what was given before stays.")
    contact_kind = forms.ChoiceField(
        label=_("What it is"),
        choices=[(kind, kind.label) for kind in people.KINDS],
        widget=forms.RadioSelect,
        initial=ContactKind.PHONE,
    )
    value = forms.CharField(
        label=_("Number or address"), max_length=people.LIMIT, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    is_preferred = forms.BooleanField(
        label=_("Use this one from now on"),
        required=False,
        help_text=_("Also where the one given before was misheard or no longer holds."),
    )

    def write(self, at: datetime | None) -> Any:
        values = {**self.cleaned_data, "kind": self.cleaned_data["contact_kind"]}
        del values["contact_kind"]
        return transitions.add_contact_point(self.complaint.pk, by=self.user, at=at, **values)


class AccessCodeForm(RecordForm):
    kind = "access_code"
    title = _("Give a new access code")
    button = _("Give a new code")
    done = _("A new code is on its way; the old one works no longer.")
    way = forms.ChoiceField(label=_("How it reaches the complainant"), widget=forms.RadioSelect)
    checked = forms.CharField(
        label=_("How you made sure who asks"),
        max_length=tracking.LONGEST_CHECK,
        help_text=_("For example: called back the number on the case; identity card shown at the counter."),
    )

    def prepare(self) -> None:
        offered = tracking.ways(self.complaint)
        field = self.fields["way"]
        field.choices = [(way, way.label) for way in offered]  # type: ignore[attr-defined]
        field.initial = next(iter(offered), None)
        if not offered:
            field.help_text = _("The case holds neither address nor number, so no code can be given.")

    def write(self, at: datetime | None) -> Any:
        return tracking.give_code(self.complaint.pk, by=self.user, at=at, **self.cleaned_data)


class AttachmentForm(RecordForm):
    kind = "attachment"
    title = _("Add a file")
    button = _("Add the file")
    done = _("The file was added.")
    files = forms.FileField(label=_("File"))  # type: ignore[assignment]  # a declared field
    evidence_kind = forms.ChoiceField(
        label=_("Kind of evidence"),
        choices=[choice for choice in EvidenceKind.choices if choice[0] != EvidenceKind.COMPLAINANT],
    )
    source = forms.CharField(label=_("Where it comes from"), max_length=120)

    def write(self, at: datetime | None) -> Any:
        at = at or timezone.now()
        upload, values = self.cleaned_data["files"], self.cleaned_data
        stored = files.store(upload, at=at)
        return transitions.add_attachment(
            self.complaint.pk,
            by=self.user,
            file=stored,
            name=files.clean_name(upload.name, stored.content_type),
            evidence_kind=values["evidence_kind"],
            source=values["source"],
            at=at,
        )


class CopyForm(RecordForm):
    """The copy of a file that departments work with while the identity is withheld (AZ-07)."""

    kind = "copy"
    title = _("Make a copy for departments")
    button = _("Add the copy")
    done = _("Departments can open the copy now; the original stays with the office.")
    files = forms.FileField(  # type: ignore[assignment]  # a declared field
        label=_("Copy without anything that tells who complained"), required=False
    )
    is_neutral = forms.BooleanField(label=_("I looked: nothing in this copy tells who complained"))

    def prepare(self) -> None:
        if previews.has_preview(self.row.file):
            self.fields["files"].help_text = _(
                "Leave it empty when the picture itself tells nothing: it is painted anew."
            )

    @property
    def about(self) -> str:
        return self.row.name

    def write(self, at: datetime | None) -> Any:
        at = at or timezone.now()
        upload = self.cleaned_data["files"]
        if upload is None:
            picture = previews.render(self.row.file)
            if picture is None:
                raise InvalidInput(
                    "files", _("No copy can be made of this kind of file; choose one you made yourself.")
                )
            upload = SimpleUploadedFile("copy.jpg", picture)
        stored = files.store(upload, at=at)
        return transitions.add_copy(self.row.pk, by=self.user, file=stored, at=at)


class FileChoice(forms.ModelChoiceField):
    """A file of the case by its name, or by what stands for a name that is withheld."""

    names: dict[int, str]

    def label_from_instance(self, attachment: Attachment) -> str:
        return self.names.get(attachment.pk, attachment.name)


class StepForm(RecordForm):
    kind = "step"
    title = _("Record an investigation step")
    investigated = forms.ChoiceField(label=_("Kind of step"), choices=InvestigationKind.choices)
    summary = forms.CharField(label=_("What was checked and found"), widget=LongText())
    evidence = FileChoice(
        Attachment.objects.none(),
        label=_("Evidence"),
        required=False,
        empty_label=_("No file"),
        help_text=_("A technical inspection needs its report: choose it here, or add it below."),
    )
    files = forms.FileField(label=_("Add a report"), required=False)  # type: ignore[assignment]  # a declared field

    def prepare(self) -> None:
        rows = self.complaint.attachments.all()
        cast(FileChoice, self.fields["evidence"]).names = case_files.withheld_from(self.user, self.complaint, rows)
        offer(self, "evidence", rows)

    @transaction.atomic
    def write(self, at: datetime | None) -> Any:
        at, values = at or timezone.now(), self.cleaned_data
        evidence = values["evidence"]
        if values["files"]:
            inspected = values["investigated"] == InvestigationKind.INSPECTION
            stored = files.store(values["files"], at=at)
            evidence = transitions.add_attachment(
                self.complaint.pk,
                by=self.user,
                file=stored,
                name=files.clean_name(values["files"].name, stored.content_type),
                evidence_kind=EvidenceKind.TEST_REPORT if inspected else EvidenceKind.OTHER,
                source=str(InvestigationKind(values["investigated"]).label),
                at=at,
            )
        return transitions.add_investigation_step(
            self.complaint.pk,
            by=self.user,
            kind=values["investigated"],
            summary=values["summary"],
            evidence=evidence,
            at=at,
        )


class AllegationForm(RecordForm):
    kind = "allegation"
    title = _("Note a point of the complaint")
    text = forms.CharField(label=_("One point that gets its own finding"), widget=LongText(3))

    def write(self, at: datetime | None) -> Any:
        return transitions.add_allegation(self.complaint.pk, by=self.user, text=self.cleaned_data["text"], at=at)


class FindingForm(RecordForm):
    kind = "finding"
    title = _("Record the finding")
    finding = forms.ChoiceField(label=_("Finding"), choices=FindingResult.choices, widget=forms.RadioSelect)
    reason = forms.CharField(label=_("Reason and evidence"), widget=LongText())

    def prepare(self) -> None:
        self.initial.setdefault("finding", self.row.finding)
        self.initial.setdefault("reason", self.row.finding_reason)

    def write(self, at: datetime | None) -> Any:
        return transitions.set_finding(self.row.pk, by=self.user, at=at, **self.cleaned_data)


class ResponsibilityForm(RecordForm):
    kind = "responsibility"
    title = _("Record the responsibility")
    department = DepartmentField(label=_("Department"))
    post = forms.CharField(label=_("Post"), max_length=80, required=False)
    person = PersonField(label=_("Person (stays inside)"), required=False, empty_label=_("Nobody in person"))
    summary = forms.CharField(label=_("What the responsibility is"), widget=LongText(3))

    def prepare(self) -> None:
        offer(self, "department", Department.objects.active())
        offer(self, "person", User.objects.filter(is_active=True))

    def write(self, at: datetime | None) -> Any:
        return transitions.add_responsibility(self.complaint.pk, by=self.user, at=at, **self.cleaned_data)


class RemedyForm(RecordForm):
    kind = "remedy"
    title = _("Record a remedy")
    remedy = forms.ChoiceField(label=_("Kind of remedy"), choices=RemedyKind.choices)
    description = forms.CharField(label=_("What the complainant gets"), widget=LongText(3))
    amount = forms.DecimalField(label=_("Amount in yuan"), max_digits=12, decimal_places=2, required=False)
    is_owed = YesNo(label=_("Is it owed?"), yes=_("Owed"), no=_("Goodwill"))
    due_on = forms.DateField(label=_("Done by"), required=False, widget=_DAY)

    def write(self, at: datetime | None) -> Any:
        values = dict(self.cleaned_data)
        return transitions.add_remedy(self.complaint.pk, by=self.user, at=at, kind=values.pop("remedy"), **values)


class ImprovementForm(RecordForm):
    kind = "improvement"
    title = _("Record an improvement")
    what = forms.CharField(label=_("What will be improved"), widget=LongText(3))
    department = DepartmentField(label=_("Responsible department"))
    post = forms.CharField(label=_("Responsible post"), max_length=80)
    due_on = forms.DateField(label=_("Done by"), widget=_DAY)
    acceptance_test = forms.CharField(label=_("How it will be verified"), required=False, widget=LongText(2))

    def prepare(self) -> None:
        offer(self, "department", Department.objects.handling())
        if self.complaint.lead_department:
            self.initial.setdefault("department", self.complaint.lead_department.code)

    def write(self, at: datetime | None) -> Any:
        return transitions.add_improvement(self.complaint.pk, by=self.user, at=at, **self.cleaned_data)


class ImprovementReportForm(RecordForm):
    kind = "improvement_report"
    title = _("Report progress")
    percent = forms.IntegerField(
        label=_("Done, in percent"),
        min_value=0,
        max_value=100,
        help_text=_("100 means done; another person then verifies it."),
    )
    note = forms.CharField(label=_("Progress so far"), max_length=300, widget=LongText(2))

    def prepare(self) -> None:
        self.initial.setdefault("percent", self.row.percent)

    def write(self, at: datetime | None) -> Any:
        return transitions.report_improvement(self.row.pk, by=self.user, at=at, **self.cleaned_data)


class ImprovementVerifyForm(RecordForm):
    kind = "improvement_verify"
    title = _("Verify the improvement")
    button = _("It is really there")
    done = _("The improvement is verified.")

    def write(self, at: datetime | None) -> Any:
        return transitions.verify_improvement(self.row.pk, by=self.user, at=at)


class QuestionForm(RecordForm):
    kind = "question_add"
    title = _("The complainant asked again")
    question = forms.ChoiceField(label=_("Kind"), choices=QuestionKind.choices, widget=forms.RadioSelect)
    channel = forms.ChoiceField(label=_("Channel"), choices=Channel.choices, initial=Channel.PHONE)
    text = forms.CharField(label=_("What the complainant asked"), max_length=5000, widget=LongText())

    def write(self, at: datetime | None) -> Any:
        values = self.cleaned_data
        return transitions.add_question(
            self.complaint.pk,
            by=self.user,
            kind=values["question"],
            text=values["text"],
            channel=values["channel"],
            at=at,
        )


class AnswerForm(RecordForm):
    kind = "question_answer"
    title = _("Answer the question")
    answer = forms.CharField(label=_("Answer given"), widget=LongText())
    clearly = YesNo(label=_("Was the answer clear?"))

    def prepare(self) -> None:
        self.initial.setdefault("answer", self.row.answer)

    def write(self, at: datetime | None) -> Any:
        return transitions.answer_question(self.row.pk, by=self.user, at=at, **self.cleaned_data)


class OutstandingForm(RecordForm):
    """Something the complainant still owed: it came, or it is no longer needed (IN-37)."""

    kind = "outstanding"
    title = _("Settle an outstanding item")
    outcome = forms.ChoiceField(
        label=_("What became of it"),
        choices=[("received", _("Received")), ("waived", _("No longer needed"))],
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(label=_("Why it is no longer needed"), max_length=200, required=False, widget=LongText(2))

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("outcome") == "waived" and not values.get("reason") and "reason" not in self.errors:
            self.add_error("reason", _("Give the reason."))
        return values

    def write(self, at: datetime | None) -> Any:
        waived = self.cleaned_data["reason"] if self.cleaned_data["outcome"] == "waived" else ""
        return transitions.settle_outstanding(self.row.pk, by=self.user, waived_reason=waived, at=at)


FORMS: dict[str, type[RecordForm]] = {
    form.kind: form
    for form in (
        NoteForm,
        ContactForm,
        ContactPointForm,
        AttachmentForm,
        CopyForm,
        StepForm,
        AllegationForm,
        FindingForm,
        ResponsibilityForm,
        RemedyForm,
        ImprovementForm,
        ImprovementReportForm,
        ImprovementVerifyForm,
        QuestionForm,
        AnswerForm,
        OutstandingForm,
    )
}


class RevealForm(forms.Form):
    """Why and which data of the complainant somebody wants to read in clear (AZ-06)."""

    reason = forms.CharField(label=_("Reason for looking"), min_length=4, max_length=200, widget=LongText(2))
    fields_shown = forms.MultipleChoiceField(label=_("Which data"), widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, complaint: Complaint, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", "reveal_%s")
        super().__init__(*args, **kwargs)
        given = {"name"} if complaint.complainant.name else set()
        given |= {point.kind for point in complaint.complainant.contacts.all()}
        consent = care.standing(complaint)
        given |= {"needs"} if consent and consent.needs else set()
        shown = cast(forms.MultipleChoiceField, self.fields["fields_shown"])
        shown.choices = [(key, label) for key, label in DATA_WORDS.items() if key in given]

"""Forms of the records beside the seven steps: requests for material, visits, the outcome against the evidence."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput
from accounts.models import Department, User
from accounts.moments import MomentField
from accounts.web import offer
from complaints import files
from complaints.choice_fields import LongText
from complaints.public_forms import MultipleFiles
from review import checks, materials
from review.forms import yes_no
from review.models import MaterialRequest, ReviewCase
from review.states import CheckPlace


class SideForm(forms.Form):
    """What every record carries: the version seen. `write` runs the rule."""

    kind: ClassVar[str]
    title: ClassVar[Any]
    button: ClassVar[Any]
    intro: ClassVar[Any] = ""

    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, review: ReviewCase, user: User, row: MaterialRequest | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.review, self.user, self.row = review, user, row
        self.initial.setdefault("version", review.version)
        self.prepare()

    def prepare(self) -> None:
        """Fill choices from the review."""

    def write(self, at: datetime) -> Any:
        """Run the rule with the cleaned values."""
        raise NotImplementedError

    def apply(self) -> bool:
        """Do it; a broken rule that names a field becomes its error. Raises the other domain errors."""
        try:
            self.write(timezone.now())
        except InvalidInput as error:
            self.add_error(error.field if error.field in self.fields else None, str(error))
            return False
        return True


_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class RequestForm(SideForm):
    kind = "material"
    title = _("Ask a department for its original records")
    button = _("Ask for the records")
    intro = _(
        "The department reads the number of the case, what is asked for and until when. It does not read why, nor "
        "who asks; write nothing about the review here."
    )
    department = forms.ModelChoiceField(
        label=_("Department that handled the case"),
        queryset=Department.objects.none(),
        to_field_name="code",
        empty_label=_("Choose a department"),
    )
    what = forms.CharField(
        label=_("Which records"),
        widget=LongText(4),
        max_length=materials.TEXT,
        help_text=_("For example call recordings, chat logs, work orders, internal approvals."),
    )
    due_on = forms.DateField(label=_("Until the end of"), widget=_DAY)

    def prepare(self) -> None:
        offer(self, "department", materials.departments_of(self.review))

    def write(self, at: datetime) -> Any:
        return materials.request(self.review.pk, by=self.user, at=at, **self.cleaned_data)


class SettleForm(SideForm):
    kind = "settle"
    title = _("Settle a request for records")
    button = _("Save")
    decision = forms.ChoiceField(
        label=_("Decision"),
        choices=[
            ("accept", _("What was delivered is what was asked for")),
            ("again", _("Something is missing: ask again")),
            ("waive", _("Go on without these records")),
        ],
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(
        label=_("What is missing, or why it is done without"),
        required=False,
        widget=LongText(3),
        max_length=materials.REASON,
        help_text=_("The department reads what is missing when it is asked again."),
    )
    due_on = forms.DateField(label=_("New date, when it is asked again"), required=False, widget=_DAY)

    def write(self, at: datetime) -> Any:
        assert self.row is not None
        values = self.cleaned_data
        common = {"by": self.user, "version": values["version"], "at": at}
        if values["decision"] == "accept":
            return materials.accept(self.row.pk, **common)
        if values["decision"] == "again":
            return materials.ask_again(self.row.pk, reason=values["reason"], due_on=values["due_on"], **common)
        return materials.waive(self.row.pk, reason=values["reason"], **common)


class VisitForm(SideForm):
    kind = "visit"
    title = _("Record a talk with the complainant or a visit on site")
    button = _("Record it")
    place = forms.ChoiceField(label=_("Kind"), choices=CheckPlace.choices, widget=forms.RadioSelect)
    done_at = MomentField(
        label=_("When"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    where = forms.CharField(label=_("Where, or by which way"), max_length=checks.WHERE)
    present = forms.CharField(label=_("Who was present"), max_length=checks.WHERE, required=False)
    reached = yes_no(_("Was the person reached, or the place entered?"))
    found = forms.CharField(label=_("What was found"), widget=LongText(5), max_length=checks.TEXT)
    evidence = forms.FileField(label=_("Evidence: photo, recording, signed record"), required=False)

    def write(self, at: datetime) -> Any:
        values = dict(self.cleaned_data)
        upload = values.pop("evidence")
        if upload:
            values["file"] = _stored(upload, "evidence", at=at)
            values["name"] = files.clean_name(upload.name, values["file"].content_type)
        return checks.record_visit(self.review.pk, by=self.user, at=at, **values)


class OutcomeForm(SideForm):
    kind = "outcome"
    title = _("Hold the recorded outcome against the evidence")
    button = _("Record the comparison")
    intro = _("The report cannot be submitted before this was done at least once.")
    recorded = forms.CharField(label=_("What the record says"), widget=LongText(3), max_length=checks.TEXT)
    source = forms.ChoiceField(label=_("Primary evidence"), choices=[])
    evidence = forms.CharField(label=_("What the evidence says"), widget=LongText(4), max_length=checks.TEXT)
    agrees = yes_no(_("Do record and evidence agree?"))
    explanation = forms.CharField(
        label=_("What follows from it, where they do not agree"),
        required=False,
        widget=LongText(3),
        max_length=checks.TEXT,
    )

    def prepare(self) -> None:
        choices = [(item.code, item.label) for item in checks.sources(self.review)]
        self.fields["source"].choices = [  # type: ignore[attr-defined]  # a choice field
            *choices,
            (checks.NO_EVIDENCE, _("There is no primary evidence")),
        ]
        self.initial.setdefault("recorded", checks.recorded_outcome(self.review.complaint))

    def write(self, at: datetime) -> Any:
        return checks.check_outcome(self.review.pk, by=self.user, at=at, **self.cleaned_data)


FORMS: dict[str, type[SideForm]] = {form.kind: form for form in (RequestForm, SettleForm, VisitForm, OutcomeForm)}


class DeliverForm(forms.Form):
    """What the department delivers; there is no way to refuse (REV-16)."""

    answer = forms.CharField(
        label=_("What is delivered, and where the originals are"), widget=LongText(5), max_length=materials.TEXT
    )
    files = MultipleFiles(label=_("Files"), required=False)  # type: ignore[assignment]  # a declared field

    def deliver(self, row: MaterialRequest, user: User) -> bool:
        """Store the files and deliver. False with the error at its field. Raises the other domain errors."""
        at = timezone.now()
        try:
            given = []
            for upload in self.cleaned_data["files"][: materials.MOST_FILES + 1]:
                stored = files.store(upload, at=at)
                given.append((stored, files.clean_name(upload.name, stored.content_type)))
            materials.deliver(row.pk, answer=self.cleaned_data["answer"], files=given, by=user, at=at)
        except InvalidInput as error:
            self.add_error(error.field if error.field in self.fields else "files", str(error))
            return False
        return True


def _stored(upload: Any, name: str, *, at: datetime) -> Any:
    """Store an upload; its error belongs to the field `name`."""
    try:
        return files.store(upload, at=at)
    except InvalidInput as error:
        raise InvalidInput(name, str(error)) from None

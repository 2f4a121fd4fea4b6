"""One form per action of a review; pages and API end in the same transition."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput
from accounts.models import Department, User
from accounts.web import offer
from complaints.models import Allegation
from complaints.states import Channel
from review import duty, group, independence, refusal, transitions
from review.models import ReviewCase
from review.states import MOVES, ApplicationReason, Comparison, Conclusion, MaterialKind, TriggerKind

_YES_NO = [("true", _("Yes")), ("false", _("No"))]


def yes_no(label: Any) -> forms.TypedChoiceField:
    """A question that has to be answered."""
    return forms.TypedChoiceField(
        label=label, choices=_YES_NO, coerce=lambda value: value == "true", widget=forms.RadioSelect
    )


class Lines(forms.Textarea):
    def __init__(self, rows: int = 4) -> None:
        super().__init__(attrs={"rows": rows})


class ReviewForm(forms.Form):
    """What every action carries: the version seen. `apply` runs the transition."""

    action: ClassVar[str]
    intro: ClassVar[Any] = ""
    danger: ClassVar[bool] = False

    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, review: ReviewCase, user: User, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", f"{self.action}_%s")
        super().__init__(*args, **kwargs)
        self.review, self.user = review, user
        self.initial.setdefault("version", review.version)
        self.prepare()

    def prepare(self) -> None:
        """Fill choices from the review."""

    @property
    def label(self) -> Any:
        return MOVES[self.action].label

    @property
    def sends_letter(self) -> bool:
        """Whether the complainant gets a letter that can be read before it is sent."""
        return False

    def letter(self) -> str:
        """That letter as it would be sent now."""
        return ""

    def apply(self, *, at: datetime | None = None) -> Any:
        """Do it; a broken rule that names a field becomes its error. Raises the other domain errors."""
        try:
            return transitions.ACTIONS[self.action](self.review.pk, by=self.user, at=at, **self.cleaned_data)
        except InvalidInput as error:
            self.add_error(error.field if error.field in self.fields else None, str(error))
            return None


class _Screening(ReviewForm):
    within_responsibility = yes_no(_("Is the matter within our responsibility?"))
    measures_exhausted = yes_no(_("Were all standard measures already used?"))
    demand_reasonable = yes_no(_("Is the demand reasonable?"))
    reason = forms.CharField(label=_("Reason"), widget=Lines())


class SetUp(_Screening):
    action = "set_up"


class Refuse(_Screening):
    action = "refuse"
    danger = True

    @property
    def intro(self) -> Any:  # type: ignore[override]  # who did not ask is not answered
        if self.sends_letter:
            return _("The complainant gets a notice with your reason, the rules and where else to turn.")
        return _("Nobody applied for this review, so nobody is written to.")

    @property
    def sends_letter(self) -> bool:
        return self.review.triggers.filter(kind=TriggerKind.APPLICATION).exists()

    def letter(self) -> str:
        """The notice as it would be sent. Raises IllegalTransition where the answers do not allow one."""
        answers = {name: value for name, value in self.cleaned_data.items() if name != "version"}
        questions = ("within_responsibility", "measures_exhausted", "demand_reasonable")
        transitions.check_refusable(*(answers[name] for name in questions))
        return refusal.preview(self.review.complaint, at=timezone.now(), **answers)


class _WithLoad:
    """Members with their work, so that the head sees who is least busy (REV-11)."""

    loads: ClassVar[dict[int, duty.Load]] = {}

    def label_from_instance(self, user: User) -> str:
        load = self.loads.get(user.pk, duty.Load())
        return gettext("%(name)s (%(open)s open, %(done)s done in 90 days)") % {
            "name": user.display_name,
            "open": load.open,
            "done": load.done,
        }


class _Author(_WithLoad, forms.ModelChoiceField):
    pass


class _Members(_WithLoad, forms.ModelMultipleChoiceField):
    pass


class AssignReviewers(ReviewForm):
    action = "assign_reviewers"
    intro = _("Proposed are those on duty and free of conflict who have the least open work; the choice is yours.")
    author = _Author(
        label=_("Writes the report"),
        queryset=User.objects.none(),
        to_field_name="staff_number",
        empty_label=_("Choose a reviewer"),
    )
    members = _Members(
        label=_("Further members"),
        queryset=User.objects.none(),
        to_field_name="staff_number",
        widget=forms.CheckboxSelectMultiple,
    )

    reason = forms.CharField(
        label=_("Why not those who are less busy"), required=False, widget=Lines(2), max_length=300
    )

    def prepare(self) -> None:
        now = timezone.now()
        people = duty.free(self.review, at=now)
        free = independence.candidates().filter(pk__in=[user.pk for user, _load in people])
        for name in ("author", "members"):
            offer(self, name, free)
            self.fields[name].loads = {user.pk: load for user, load in people}  # type: ignore[attr-defined]
        if group.is_in_force():
            proposed = [user.staff_number for user, _load in people[: independence.QUORUM]]
            self.initial.setdefault("author", proposed[0] if proposed else None)
            self.initial.setdefault("members", proposed[1:])

    def clean_members(self) -> list[User]:
        return list(self.cleaned_data["members"])


class Collect(ReviewForm):
    action = "collect"
    intro = _("The system gathers the five kinds of records from the case; what is missing has to be explained.")


class ExplainGap(ReviewForm):
    action = "explain_gap"
    kind = forms.ChoiceField(label=_("Kind of records"), choices=MaterialKind.choices)
    reason = forms.CharField(label=_("Why it is missing, and what was done to get it"), widget=Lines(3), max_length=300)


class StartVerification(ReviewForm):
    action = "start_verification"


class _Allegations(forms.ModelChoiceField):
    """The allegations of the case with what was found on them first."""

    def label_from_instance(self, allegation: Allegation) -> str:
        return " · ".join(filter(None, [allegation.text[:80], str(allegation.get_finding_display())]))


class RecordFinding(ReviewForm):
    action = "record_finding"
    allegation = _Allegations(
        label=_("Allegation"),
        queryset=Allegation.objects.none(),
        required=False,
        empty_label=_("another point, named below"),
    )
    subject = forms.CharField(
        label=_("Point"), max_length=120, required=False, help_text=_("May stay empty where an allegation is chosen.")
    )
    original = forms.CharField(
        label=_("First handling"),
        required=False,
        widget=Lines(3),
        help_text=_("Left empty, the first finding on the allegation is taken from the record."),
    )
    found = forms.CharField(label=_("Found by the review"), widget=Lines(3))
    comparison = forms.ChoiceField(label=_("Judgement"), choices=Comparison.choices, widget=forms.RadioSelect)

    def prepare(self) -> None:
        own = self.review.complaint.allegations.all()
        if own:
            offer(self, "allegation", own)
        else:
            del self.fields["allegation"]
            for name in ("subject", "original"):
                self.fields[name].help_text = ""
            self.fields["subject"].required = True


class SubmitReport(ReviewForm):
    action = "submit_report"
    report = forms.CharField(label=_("Report: conclusion first, then reasons"), widget=Lines(10), max_length=20_000)
    conclusion = forms.ChoiceField(label=_("Conclusion"), choices=Conclusion.choices, widget=forms.RadioSelect)
    acceptable_to_user = yes_no(_("If I were the complainant, could I accept this handling?"))
    remedy = forms.CharField(label=_("Further remedy"), required=False, widget=Lines(2), max_length=2000)
    systemic_cause = forms.CharField(label=_("Systemic cause"), required=False, widget=Lines(2), max_length=2000)


class GiveOpinion(ReviewForm):
    action = "give_opinion"
    intro = _("Nobody sees your opinion before every member has given one. It cannot be changed.")
    verdict = forms.ChoiceField(label=_("Your conclusion"), choices=Conclusion.choices, widget=forms.RadioSelect)
    text = forms.CharField(label=_("Reasons"), widget=Lines(), max_length=5000)


class ReturnReport(ReviewForm):
    action = "return_report"
    danger = True
    reason = forms.CharField(label=_("What has to be corrected"), widget=Lines(), max_length=2000)


class Finalise(ReviewForm):
    action = "finalise"
    intro = _(
        "Signing makes the conclusion final. A changed result reopens the case; the department sees it from now on."
    )


class Notify(ReviewForm):
    action = "notify"
    intro = _("The complainant is told the conclusion, the reasons and the rectifications on the original channel.")


class AddRectification(ReviewForm):
    action = "add_rectification"
    what = forms.CharField(label=_("Rectification"), widget=Lines(2), max_length=1000)
    department = forms.ModelChoiceField(
        label=_("Responsible department"),
        queryset=Department.objects.none(),
        to_field_name="code",
        empty_label=_("Choose a department"),
    )
    post = forms.CharField(label=_("Responsible post"), required=False, max_length=80)
    due_on = forms.DateField(label=_("Due on"), widget=forms.DateInput({"type": "date"}))
    acceptance_test = forms.CharField(label=_("How it will be verified"), widget=Lines(2), max_length=1000)

    def prepare(self) -> None:
        offer(self, "department", Department.objects.active().exclude(kind="technical"))


class CloseReview(ReviewForm):
    action = "close"


FORMS: dict[str, type[ReviewForm]] = {
    form.action: form
    for form in (
        SetUp,
        Refuse,
        AssignReviewers,
        Collect,
        ExplainGap,
        StartVerification,
        RecordFinding,
        SubmitReport,
        GiveOpinion,
        ReturnReport,
        Finalise,
        Notify,
        AddRectification,
        CloseReview,
    )
}


class ApplicationForm(forms.Form):
    """The complainant's application on the tracking page (REV-18, REV-19)."""

    reasons = forms.MultipleChoiceField(
        label=_("Why are you not satisfied?"),
        choices=ApplicationReason.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one reason.")},
    )
    text = forms.CharField(
        label=_("In your own words"),
        widget=Lines(4),
        max_length=5000,
        error_messages={"required": _("Say in your own words why you are not satisfied.")},
    )


class StaffApplicationForm(ApplicationForm):
    """The same, written down for a complainant who rang, wrote or came (FB-19)."""

    channel = forms.ChoiceField(label=_("How the complainant applied"), choices=Channel.choices, initial=Channel.PHONE)
    field_order = ("channel",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reasons"].label = _("Why the complainant is not satisfied")
        self.fields["text"].label = _("In the complainant's own words")
        self.fields["text"].error_messages["required"] = _("Write down what the complainant says.")


class ConflictForm(forms.Form):
    """“I am not impartial about this case.”"""

    reason = forms.CharField(label=_("What connects you with the matter"), max_length=200)


class CommitForm(forms.Form):
    """Fix the share of the month before it ends."""

    percent = forms.IntegerField(label=_("Share in percent"), min_value=10, max_value=15, initial=12)

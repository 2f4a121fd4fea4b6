"""Forms of the transfer meetings and of resolutions; each ends in one rule (IMP-10, AN-30)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Department
from accounts.web import offer
from analytics import meetings, permissions, problems, resolutions, unversioned
from analytics.models import Problem, Resolution, TransferMeeting
from analytics.periods import month_of, parse
from analytics.problem_forms import RuleForm, day
from analytics.supplier_forms import periods_over
from complaints import notify
from complaints.choice_fields import DepartmentField, LongText, PersonField
from complaints.coordination_forms import PeopleField
from complaints.register_forms import BrowserMoment

PROBLEMS_OFFERED = 30


class AgendaField(forms.ModelMultipleChoiceField):
    """Problems of the list, each with a tick."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(Problem.objects.none(), to_field_name="number", widget=forms.CheckboxSelectMultiple, **kwargs)

    def label_from_instance(self, problem: Problem) -> str:
        return f"{problem.number} · {problem.title}"


class MeetingForm(RuleForm):
    """The plan of a meeting; `row` is the one to change."""

    title = _("Call a meeting")
    button = _("Call the meeting")
    done = _("The participants are told.")
    renamed = {"title": "name", "chosen": "problems"}
    name = forms.CharField(label=_("Title"), max_length=meetings.TITLE)
    planned_at = BrowserMoment(label=_("When"))
    period = forms.TypedChoiceField(label=_("Period of the figures"), coerce=parse)
    participants = PeopleField(
        label=_("Who takes part"), help_text=_("The heads of departments and whoever keeps the problem list.")
    )
    guests = forms.CharField(label=_("Other participants"), max_length=meetings.GUESTS, required=False)
    problems = AgendaField(label=_("Problems on the agenda"), required=False)

    def prepare(self) -> None:
        now = timezone.now()
        found = [month_of(now), *periods_over(now)]
        self.fields["period"].choices = [  # type: ignore[attr-defined]  # a choice field
            (period.code, period.label) for period in found
        ]
        self.initial.setdefault("period", month_of(now).previous.code)
        invited = Q(memberships__is_head=True, memberships__until=None)
        invited |= Q(pk__in=notify.holders_of(problems.MANAGE).values("pk"))
        if isinstance(self.row, TransferMeeting):
            invited |= Q(pk__in=self.row.participants.values("pk"))
        people = notify.holders_of(permissions.SEE).filter(invited)
        offer(self, "participants", people.distinct().order_by("display_name"))
        ranked = Problem.objects.filter(state__in=problems.UNSETTLED).order_by("-score", "-pk")
        offered = list(ranked.values_list("pk", flat=True)[:PROBLEMS_OFFERED])
        if isinstance(self.row, TransferMeeting):
            offered += self.row.problems.values_list("pk", flat=True)
            self._fill(self.row)
        offer(self, "problems", Problem.objects.filter(pk__in=offered).order_by("-score", "-pk"))

    def _fill(self, old: TransferMeeting) -> None:
        self.initial.update({name: getattr(old, name) for name in ("planned_at", "period", "guests")})
        self.initial["name"] = old.title
        self.initial["participants"] = list(old.participants.values_list("staff_number", flat=True))
        self.initial["problems"] = list(old.problems.values_list("number", flat=True))
        self.fields["seen"] = forms.CharField(widget=forms.HiddenInput)
        self.initial["seen"] = unversioned.mark(old, *meetings.FIELDS)

    def write(self) -> TransferMeeting:
        values = dict(self.cleaned_data)
        told = {"title": values.pop("name"), "chosen": values.pop("problems"), "by": self.user}
        if isinstance(self.row, TransferMeeting):
            return meetings.change(self.row.pk, **told, **values)
        return meetings.plan(**told, **values)


class ChangeMeetingForm(MeetingForm):
    title = _("Change the meeting")
    button = _("Save")


class MinutesForm(RuleForm):
    title = _("Write the minutes")
    button = _("The meeting was held")
    done = _("The minutes are written; record the resolutions now.")
    minutes = forms.CharField(label=_("Minutes"), max_length=meetings.MINUTES, widget=LongText(10))

    def write(self) -> TransferMeeting:
        return meetings.hold(self.row.pk, by=self.user, **self.cleaned_data)


class ResolutionForm(RuleForm):
    """A decision on a report or of a meeting; `row` is either."""

    title = _("Record a decision")
    button = _("Record it")
    done = _("Recorded; whoever carries it out is told.")
    text = forms.CharField(label=_("What was decided"), max_length=resolutions.TEXT, widget=LongText(3))
    department = DepartmentField(label=_("Department"), required=False, empty_label=_("None"))
    owner = PersonField(label=_("Responsible"), required=False, empty_label=_("The heads of the department"))
    due_on = day(_("Due on"))

    def prepare(self) -> None:
        offer(self, "department", Department.objects.active().order_by("name"))
        offer(self, "owner", notify.holders_of(permissions.SEE).order_by("display_name"))

    def write(self) -> Resolution:
        about = "meeting" if isinstance(self.row, TransferMeeting) else "report"
        return resolutions.decide(**{about: self.row}, by=self.user, **self.cleaned_data)


class DoneForm(RuleForm):
    title = _("Report it done")
    button = _("It is done")
    result = forms.CharField(label=_("What was done"), max_length=resolutions.RESULT, widget=LongText(3))

    def write(self) -> Resolution:
        return resolutions.finish(self.row.pk, by=self.user, **self.cleaned_data)

"""Forms of what goes upstream and of employees' suggestions; each ends in one rule (IMP-11, IMP-20)."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Department
from accounts.web import offer
from analytics import ideas, problems, upstream
from analytics.models import Problem, StaffIdea, UpstreamItem
from analytics.problem_forms import ProblemField, RuleForm, day
from complaints.choice_fields import CaseField, DepartmentField, LongText, YesNo
from complaints.models import Complaint


def unsettled() -> forms.ModelChoiceField:
    """Choose a problem of the list, or none."""
    return ProblemField(label=_("Problem on the list"), required=False, empty_label=_("None"))


class SendForm(RuleForm):
    """What a department should know, from a problem or a case."""

    title = _("Send upstream")
    button = _("Send it")
    done = _("The heads of the department are told.")
    problem = unsettled()
    case = CaseField(label=_("Case"), required=False, help_text=_("Its number, such as HY-20261116-0001."))
    text = forms.CharField(
        label=_("What they should know"), max_length=upstream.TEXT, widget=LongText(5),
        help_text=_("About the product or the process. No names of people who complained."),
    )  # fmt: skip
    department = DepartmentField(label=_("Owner of the product or the process"))
    due_on = day(_("Answer by"))

    def prepare(self) -> None:
        offer(self, "problem", Problem.objects.filter(state__in=problems.UNSETTLED).order_by("-score", "-pk"))
        offer(self, "case", Complaint.objects.visible_to(self.user))
        offer(self, "department", Department.objects.active().order_by("name"))

    def write(self) -> UpstreamItem:
        return upstream.send(by=self.user, **self.cleaned_data)


class UpstreamAnswerForm(RuleForm):
    title = _("Answer for your department")
    button = _("Answer")
    is_adopted = YesNo(label=_("Does something change because of it?"))
    text = forms.CharField(label=_("What changes, or why nothing"), max_length=upstream.ANSWER, widget=LongText(4))

    def write(self) -> UpstreamItem:
        return upstream.answer(self.row.pk, by=self.user, **self.cleaned_data)


class IdeaForm(RuleForm):
    title = _("Make a suggestion")
    button = _("Suggest it")
    done = _("Thank you. You are told when it is answered.")
    about = forms.ChoiceField(label=_("What it is about"), choices=[("", _("Choose one")), *ideas.ABOUT.items()])
    text = forms.CharField(label=_("What you suggest"), max_length=ideas.TEXT, widget=LongText(4))

    def write(self) -> StaffIdea:
        return ideas.suggest(by=self.user, **self.cleaned_data)


class IdeaAnswerForm(RuleForm):
    title = _("Answer a suggestion")
    button = _("Answer")
    is_adopted = YesNo(label=_("Is it taken up?"))
    text = forms.CharField(label=_("Answer"), max_length=ideas.ANSWER, widget=LongText(4))
    problem = unsettled()

    def prepare(self) -> None:
        offer(self, "problem", Problem.objects.filter(state__in=problems.UNSETTLED).order_by("-score", "-pk"))

    def write(self) -> StaffIdea:
        return ideas.answer(self.row.pk, by=self.user, **self.cleaned_data)

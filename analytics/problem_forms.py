"""Forms of the problem list, the workshop, the projects and the replication; each ends in one rule."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput
from accounts.models import Department, User
from accounts.web import offer
from analytics import adoptions, causes, permissions, problem_feed, problem_rules, problems, projects
from analytics.figures import FIGURES
from analytics.models import Adoption, CauseAnalysis, Problem, Project
from analytics.periods import Period, month_of, parse
from analytics.states import CauseCode, ImprovementKind, ProblemSourceKind
from complaints import notify
from complaints.choice_fields import CaseField, CategoryField, DepartmentField, LongText, PersonField, YesNo
from complaints.coordination_forms import PeopleField
from complaints.models import Complaint, Dimension


def day(label: Any, **kwargs: Any) -> forms.DateField:
    """A day of the calendar."""
    return forms.DateField(label=label, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **kwargs)


class MonthField(forms.TypedChoiceField):
    """One of the last months that are over, the latest first."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(coerce=parse, **kwargs)

    def offer(self, now: datetime) -> None:
        """Let the field choose among the months that are over now."""
        months = reversed(month_of(now).previous.last_months(projects.MOST_MONTHS))
        self.choices = [("", _("Choose a month")), *((month.code, month.label) for month in months)]


class RuleForm(forms.Form):
    """The fields of one rule; a broken rule about a field is shown at that field."""

    title: ClassVar[Any]
    button: ClassVar[Any] = _("Save")
    done: ClassVar[Any] = _("Saved.")
    # Field of the rule → field of the form, where they differ.
    renamed: ClassVar[dict[str, str]] = {"title": "name"}

    def __init__(self, *args: Any, user: User, row: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.row = user, row
        if "version" in self.fields and row is not None:
            self.initial.setdefault("version", row.version)
        self.prepare()

    def prepare(self) -> None:
        """Fill choices and initial values."""

    def write(self) -> Any:
        """Call the rule."""
        raise NotImplementedError

    def save(self) -> Any:
        """What the rule gives, or None with the error at its field. Raises NotAllowed, IllegalTransition."""
        try:
            return self.write()
        except InvalidInput as error:
            field = self.renamed.get(error.field, error.field)
            self.add_error(field if field in self.fields else None, str(error))
            return None


# --- Problems ---------------------------------------------------------------------------------------
class EnterForm(RuleForm):
    """A problem somebody saw, with the case or the report that showed it."""

    title = _("Enter a problem")
    button = _("Put on the list")
    done = _("The problem is on the list.")
    name = forms.CharField(label=_("Problem in one line"), max_length=problem_rules.TITLE)
    description = forms.CharField(label=_("What is wrong"), max_length=problem_rules.TEXT, widget=LongText(5))
    category = CategoryField(Dimension.CATEGORY, label=_("Category"), required=False)
    department = DepartmentField(label=_("Department"), required=False, empty_label=_("Several or none"))
    is_major = forms.BooleanField(
        label=_("Major problem"), required=False, help_text=_("A major problem needs an improvement project.")
    )
    case = CaseField(
        label=_("Case that showed it"), required=False, help_text=_("Its number, such as HY-20261116-0001.")
    )
    reference = forms.RegexField(
        r"^\d{4}-(?:\d{2}|Q[1-4])$",
        label=_("Report that showed it"),
        required=False,
        help_text=_("Its period, such as 2026-10 or 2026-Q3."),
    )

    def prepare(self) -> None:
        offer(self, "department", Department.objects.active().order_by("name"))
        if "case" in self.fields:
            offer(self, "case", Complaint.objects.visible_to(self.user))

    def write(self) -> Problem:
        values = dict(self.cleaned_data)
        return problem_rules.enter(title=values.pop("name"), by=self.user, **values)


class EditForm(EnterForm):
    """The words and the place of a problem."""

    title = _("Change the problem")
    button = _("Save")
    done = _("Saved.")
    case = None  # type: ignore[assignment]  # sources are added on the page of the problem
    reference = None  # type: ignore[assignment]
    version = forms.IntegerField(widget=forms.HiddenInput)

    def prepare(self) -> None:
        super().prepare()
        self.initial.update(
            {
                "name": self.row.title,
                "description": self.row.description,
                "category": self.row.category and self.row.category.code,
                "department": self.row.department and self.row.department.code,
                "is_major": self.row.is_major,
            }
        )

    def write(self) -> Problem:
        values = dict(self.cleaned_data)
        return problem_rules.edit(self.row.pk, title=values.pop("name"), by=self.user, **values)


class CaseSourceForm(RuleForm):
    """A case that shows the problem."""

    title = _("Add a case")
    button = _("Add the case")
    done = _("The case is a source of the problem.")
    case = CaseField(label=_("Number of the case"))
    note = forms.CharField(label=_("What it shows"), required=False, max_length=problem_rules.NOTE)

    def prepare(self) -> None:
        offer(self, "case", Complaint.objects.visible_to(self.user))

    def write(self) -> Any:
        return problem_rules.add_case(self.row.pk, by=self.user, **self.cleaned_data)


class ProblemField(forms.ModelChoiceField):
    """A problem of the list by its number."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("empty_label", _("Choose a problem"))
        super().__init__(Problem.objects.none(), to_field_name="number", **kwargs)

    def label_from_instance(self, problem: Problem) -> str:
        return f"{problem.number} · {problem.title}"


class JoinForm(RuleForm):
    """The problem a case belongs to; `row` is the case."""

    title = _("Add to a problem")
    button = _("Add to the problem")
    done = _("The case is a source of the problem.")
    renamed = {"case": "problem"}
    problem = ProblemField(label=_("Problem on the list"))
    note = forms.CharField(label=_("What it shows"), required=False, max_length=problem_rules.NOTE)

    def prepare(self) -> None:
        offer(self, "problem", Problem.objects.filter(state__in=problems.UNSETTLED).order_by("-score", "-pk"))

    def write(self) -> Any:
        values = self.cleaned_data
        return problem_rules.add_case(values["problem"].pk, case=self.row, note=values["note"], by=self.user)


class _ReasonForm(RuleForm):
    rule: ClassVar[str]
    reason = forms.CharField(label=_("Reason"), max_length=problem_rules.REASON, widget=LongText(3))
    version = forms.IntegerField(widget=forms.HiddenInput)

    def write(self) -> Problem:
        return getattr(problem_rules, self.rule)(self.row.pk, by=self.user, **self.cleaned_data)


class SettleForm(_ReasonForm):
    title, rule = _("Settle the problem"), "settle"
    button = _("It is settled")
    reason = forms.CharField(
        label=_("What settled it"), max_length=problem_rules.REASON, widget=LongText(3),
        help_text=_("One project at least was verified and none is under way."),
    )  # fmt: skip


class SetAsideForm(_ReasonForm):
    title, rule = _("Set the problem aside"), "set_aside"
    button = _("Set aside")


class ReopenForm(_ReasonForm):
    title, rule = _("Take the problem up again"), "reopen"
    button = _("Take up again")


DECISIONS: dict[str, type[_ReasonForm]] = {"settle": SettleForm, "set-aside": SetAsideForm, "reopen": ReopenForm}


class ProposalForm(RuleForm):
    """What becomes of a proposal; `row` is the candidate."""

    title = _("Decide on the candidate")
    button = _("Decide")
    NEW, MERGE, ASIDE = "new", "merge", "aside"
    choice = forms.ChoiceField(
        label=_("What becomes of the candidate"),
        choices=[(NEW, _("A new problem")), (MERGE, _("Part of a problem on the list")), (ASIDE, _("Nothing"))],
        widget=forms.RadioSelect,
        initial=NEW,
    )
    problem = ProblemField(label=_("Problem on the list"), required=False)
    name = forms.CharField(label=_("Problem in one line"), max_length=problem_rules.TITLE, required=False)
    description = forms.CharField(
        label=_("What is wrong"), max_length=problem_rules.TEXT, widget=LongText(4), required=False
    )
    is_major = forms.BooleanField(
        label=_("Major problem"), required=False, help_text=_("A major problem needs an improvement project.")
    )
    reason = forms.CharField(
        label=_("Why nothing follows"), max_length=problem_rules.REASON, widget=LongText(2), required=False
    )

    def prepare(self) -> None:
        offer(self, "problem", problem_feed.similar(self.row))
        self.initial.setdefault("name", self.row.title[: problem_rules.TITLE])
        if self.row.kind != ProblemSourceKind.CASE:
            self.initial.setdefault("description", self.row.text)

    def write(self) -> Problem:
        values, kind, key = self.cleaned_data, self.row.kind, self.row.key
        if values["choice"] == self.MERGE:
            if values["problem"] is None:
                raise InvalidInput("problem", _("Choose the problem it belongs to."))
            return problem_feed.merge(kind, key, problem_id=values["problem"].pk, by=self.user)
        if values["choice"] == self.ASIDE:
            return problem_feed.leave_out(kind, key, reason=values["reason"], by=self.user)
        told = {"title": values["name"], "description": values["description"], "is_major": values["is_major"]}
        return problem_feed.take_up(kind, key, by=self.user, **told)


# --- The workshop -----------------------------------------------------------------------------------
class AnalysisForm(RuleForm):
    """A workshop: who, the whys, the fishbone, what follows. `row`: the problem, or the analysis to change."""

    title = _("Root-cause workshop")
    held_on = day(_("Day of the workshop"))
    participants = PeopleField(
        label=_("Who took part"),
        required=False,
        help_text=_("The department of the problem and the complaints office."),
    )
    guests = forms.CharField(label=_("Others who took part"), required=False, max_length=causes.GUESTS)
    root_cause = forms.ChoiceField(label=_("Root cause"), choices=[("", _("Choose one")), *CauseCode.choices])
    conclusion = forms.CharField(
        label=_("Conclusion"), max_length=causes.CONCLUSION, widget=LongText(4),
        help_text=_("What follows, and what a project has to change."),
    )  # fmt: skip

    def prepare(self) -> None:
        for place in range(1, causes.WHYS + 1):
            self.fields[f"why_{place}"] = forms.CharField(
                label=_("Why %(n)s") % {"n": place}, max_length=causes.WHY_LENGTH, required=False
            )
        for bone, label in causes.BONES.items():
            self.fields[f"bone_{bone}"] = forms.CharField(label=label, required=False, widget=LongText(3))
        old = self.row if isinstance(self.row, CauseAnalysis) else None
        problem = old.problem if old else self.row
        people = Q(memberships__department=problem.department_id) if problem.department_id else Q(pk__in=[])
        keepers = notify.holders_of(problems.MANAGE).values("pk")
        if old:
            people |= Q(pk__in=old.participants.values("pk"))
            self.fields["version"] = forms.IntegerField(widget=forms.HiddenInput)
            self.initial.update(
                {name: getattr(old, name) for name in ("held_on", "guests", "root_cause", "conclusion")}
            )
            self.initial.update({"version": old.version})
            self.initial["participants"] = list(old.participants.values_list("staff_number", flat=True))
            self.initial.update({f"why_{place}": text for place, text in enumerate(old.whys, 1)})
            self.initial.update({f"bone_{bone}": "\n".join(texts) for bone, texts in old.fishbone.items()})
        else:
            self.initial.setdefault("held_on", timezone.localdate())
        rows = User.objects.filter(people | Q(pk__in=keepers), is_active=True).distinct().order_by("display_name")
        offer(self, "participants", rows)

    @property
    def whys(self) -> list[forms.BoundField]:
        return [self[f"why_{place}"] for place in range(1, causes.WHYS + 1)]

    @property
    def bones(self) -> list[forms.BoundField]:
        return [self[f"bone_{bone}"] for bone in causes.BONES]

    def write(self) -> CauseAnalysis:
        values = dict(self.cleaned_data)
        whys = [values.pop(f"why_{place}") for place in range(1, causes.WHYS + 1)]
        bones = {bone: values.pop(f"bone_{bone}").splitlines() for bone in causes.BONES}
        if isinstance(self.row, CauseAnalysis):
            return causes.revise(self.row.pk, whys=whys, fishbone=bones, by=self.user, **values)
        return causes.record(self.row.pk, whys=whys, fishbone=bones, by=self.user, **values)


# --- Projects ---------------------------------------------------------------------------------------
class ProjectForm(RuleForm):
    """The plan of a project. `row`: the problem it is for, or the project to change."""

    title = _("Improvement project")
    name = forms.CharField(label=_("Project"), max_length=projects.TITLE)
    kind = forms.ChoiceField(label=_("Kind of improvement"), choices=[("", _("Choose one")), *ImprovementKind.choices])
    chain = forms.MultipleChoiceField(
        label=_("Where something changes"),
        choices=list(projects.CHAIN.items()),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose where something changes.")},
    )
    goal = forms.CharField(label=_("What will be different"), max_length=projects.TEXT, widget=LongText(3))
    acceptance = forms.CharField(
        label=_("Acceptance criteria"), max_length=projects.TEXT, widget=LongText(3),
        help_text=_("By what another person will judge that it is done."),
    )  # fmt: skip
    department = DepartmentField(label=_("Department"))
    owner = PersonField(label=_("Responsible"))
    starts_on = day(_("Begins on"))
    due_on = day(_("Due on"))
    report_every_days = forms.IntegerField(
        label=_("Days between progress reports"),
        initial=14,
        min_value=projects.EVERY_DAYS[0],
        max_value=projects.EVERY_DAYS[1],
    )
    indicator = forms.ChoiceField(
        label=_("Indicator"),
        help_text=_("Counted for the category and the department of the problem, as on the page of figures."),
    )
    before_from = MonthField(label=_("Before: from"))
    before_until = MonthField(label=_("Before: until"))

    def prepare(self) -> None:
        now = timezone.now()
        self.fields["indicator"].choices = [  # type: ignore[attr-defined]  # a ChoiceField
            ("", _("Choose one")), *((key, figure.name) for key, figure in FIGURES.items())
        ]  # fmt: skip
        for name in ("before_from", "before_until"):
            field = self.fields[name]
            assert isinstance(field, MonthField)
            field.offer(now)
        offer(self, "department", Department.objects.active().order_by("name"))
        offer(self, "owner", notify.holders_of(permissions.SEE).order_by("display_name"))
        if isinstance(self.row, Project):
            self.fields["version"] = forms.IntegerField(widget=forms.HiddenInput)
            self._fill(self.row)
        else:
            month = month_of(now).previous
            self.initial.setdefault("department", self.row.department and self.row.department.code)
            self.initial.setdefault("starts_on", timezone.localdate(now))
            self.initial.setdefault("before_from", month.last_months(3)[0].code)
            self.initial.setdefault("before_until", month.code)

    def _fill(self, old: Project) -> None:
        names = ("kind", "chain", "goal", "acceptance", "starts_on", "due_on", "report_every_days", "indicator")
        self.initial.update({name: getattr(old, name) for name in names})
        self.initial.update({"name": old.title, "department": old.department.code, "owner": old.owner.staff_number})
        self.initial.update({"version": old.version})
        for name, moment in (("before_from", old.before_from), ("before_until", old.before_until)):
            self.initial[name] = f"{moment:%Y-%m}" if moment else ""

    def write(self) -> Project:
        values = dict(self.cleaned_data)
        plan = {"title": values.pop("name"), "before": (values.pop("before_from"), values.pop("before_until"))}
        rule = projects.change if isinstance(self.row, Project) else projects.start
        return rule(self.row.pk, by=self.user, **plan, **values)


class ProgressForm(RuleForm):
    title = _("Report progress")
    percent = forms.IntegerField(label=_("Done so far, in percent"), min_value=0, max_value=99)
    text = forms.CharField(label=_("Progress"), max_length=projects.TEXT, widget=LongText(4))

    def prepare(self) -> None:
        self.initial.setdefault("percent", min(self.row.percent, 99))

    def write(self) -> Any:
        return projects.report(self.row.pk, by=self.user, **self.cleaned_data)


class FinishForm(RuleForm):
    title = _("Report the project as done")
    button = _("It is done")
    done = _("Reported as done; another person verifies it.")
    text = forms.CharField(label=_("What was done"), max_length=projects.TEXT, widget=LongText(4))
    version = forms.IntegerField(widget=forms.HiddenInput)

    def write(self) -> Any:
        return projects.finish(self.row.pk, by=self.user, **self.cleaned_data)


class VerifyForm(RuleForm):
    """Whether the criteria are met, and over which months the effect is measured."""

    title = _("Verify the project")
    button = _("Decide")
    is_met = YesNo(label=_("Are the acceptance criteria met?"))
    after_from = MonthField(label=_("After: from"), required=False, help_text=_("Months that are over."))
    after_until = MonthField(label=_("After: until"), required=False)
    note = forms.CharField(label=_("How the criteria are met, or not"), max_length=projects.NOTE, widget=LongText(3))
    version = forms.IntegerField(widget=forms.HiddenInput)

    def prepare(self) -> None:
        now = timezone.now()
        for name in ("after_from", "after_until"):
            field = self.fields[name]
            assert isinstance(field, MonthField)
            field.offer(now)
            self.initial.setdefault(name, month_of(now).previous.code)

    def write(self) -> Any:
        values = self.cleaned_data
        told = {"note": values["note"], "version": values["version"], "by": self.user}
        if not values["is_met"]:
            return projects.send_back(self.row.pk, **told)
        first, last = (self._month(name) for name in ("after_from", "after_until"))
        return projects.verify(self.row.pk, after=(first, last), **told)

    def _month(self, name: str) -> Period:
        month = self.cleaned_data[name]
        if not isinstance(month, Period):
            raise InvalidInput(name, _("Choose a month."))
        return month


class GiveUpForm(RuleForm):
    title = _("Give the project up")
    button = _("Give up")
    note = forms.CharField(label=_("Reason"), max_length=projects.NOTE, widget=LongText(3))
    version = forms.IntegerField(widget=forms.HiddenInput)

    def write(self) -> Any:
        return projects.give_up(self.row.pk, by=self.user, **self.cleaned_data)


class AskForm(RuleForm):
    """Which departments are asked to take the improvement over."""

    title = _("Ask departments to take it over")
    button = _("Ask them")
    done = _("The heads of the departments are told.")
    departments = forms.ModelMultipleChoiceField(
        Department.objects.none(),
        label=_("Departments"),
        to_field_name="code",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose a department that was not asked yet.")},
    )
    due_on = day(_("Answer by"))

    def prepare(self) -> None:
        rows = Department.objects.handling().exclude(pk=self.row.department_id)
        offer(self, "departments", rows.exclude(pk__in=self.row.adoptions.values("department")).order_by("name"))

    def write(self) -> Any:
        return adoptions.ask(self.row.pk, by=self.user, **self.cleaned_data)


class AnswerForm(RuleForm):
    """The answer of a department that was asked."""

    title = _("Answer for your department")
    button = _("Answer")
    is_adopted = YesNo(label=_("Does your department take it over?"))
    text = forms.CharField(label=_("What your department does, or why not"), max_length=adoptions.ANSWER,
                           widget=LongText(3))  # fmt: skip

    def write(self) -> Adoption:
        return adoptions.answer(self.row.pk, by=self.user, **self.cleaned_data)


STEPS: dict[str, type[RuleForm]] = {
    "report": ProgressForm,
    "done": FinishForm,
    "verify": VerifyForm,
    "give-up": GiveUpForm,
    "adoption": AskForm,
}

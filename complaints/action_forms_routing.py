"""Forms of the actions up to the handling: screening, classification, assignment."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Department
from accounts.web import offer
from complaints import notify
from complaints.action_form import ActionForm, choices_of
from complaints.choice_fields import CategoryField, DepartmentField, LongText, PersonField, with_loads
from complaints.models import ExternalBody
from complaints.states import Complexity, RefusalGround, RiskGrade, Severity


# --- Screening ------------------------------------------------------------------------------
class RequestInformation(ActionForm):
    action = "request_information"
    intro = _("The complainant gets the list at once, and the clocks stand still until the answer comes.")
    items = forms.CharField(
        label=_("What is missing"), widget=LongText(), help_text=_("List everything in one go, one item per line.")
    )


class ReceiveInformation(ActionForm):
    action = "receive_information"
    intro = _("The clocks run on from now.")
    answer = forms.CharField(label=_("What was supplied"), widget=LongText())


class Dimensions(ActionForm):
    """The independent dimensions of a case (CLS-01)."""

    category = CategoryField("category", label=_("Category"))
    nature = CategoryField("nature", label=_("Nature"), required=False)
    kind = CategoryField("kind", label=_("Type of complaint"), required=False)
    severity = forms.ChoiceField(label=_("Severity"), choices=Severity.choices)
    complexity = forms.ChoiceField(
        label=_("Complexity"), choices=Complexity.choices, help_text=_("The handling limit depends on it.")
    )

    def prepare(self) -> None:
        for name in ("category", "nature", "kind"):
            chosen = getattr(self.complaint, name)
            self.initial.setdefault(name, chosen.code if chosen else None)
        self.initial.setdefault("severity", self.complaint.severity)
        self.initial.setdefault("complexity", self.complaint.complexity)


class Accept(Dimensions):
    action = "accept"
    rule = forms.CharField(label=_("Rule the decision relies on"), max_length=300, widget=LongText(2))
    field_order = ("version", "rule")

    def prepare(self) -> None:
        super().prepare()
        basis = self.complaint.policy.legal_basis or self.complaint.policy.label
        self.initial.setdefault(
            "rule", str(_("Within the scope of acceptance; time limits: %(policy)s") % {"policy": basis})
        )


class Classify(Dimensions):
    action = "classify"
    category = CategoryField("category", label=_("Category"), required=False)


class Refuse(ActionForm):
    action = "refuse"
    danger = True
    intro = _("The complainant gets a notice with the ground, the reason and where to turn instead.")
    ground = forms.ChoiceField(label=_("Ground"), choices=choices_of(RefusalGround, _("Choose a ground")))
    reason = forms.CharField(label=_("Reason, in words for the complainant"), widget=LongText())
    body = forms.ModelChoiceField(
        ExternalBody.objects.filter(is_active=True),
        label=_("Body that is responsible"),
        required=False,
        empty_label=_("None of these"),
    )
    suggestion = forms.CharField(label=_("What the complainant can do"), required=False, widget=LongText(2))


class Rescreen(ActionForm):
    action = "rescreen"
    in_dialog = True
    reason = forms.CharField(label=_("Reason"), widget=LongText(3))


class Withdraw(ActionForm):
    action = "withdraw"
    in_dialog = True
    danger = True
    intro = _("The record stays; the handling ends today.")
    reason = forms.CharField(label=_("How and why the complainant withdrew"), widget=LongText(3))


class GradeRisk(ActionForm):
    action = "grade_risk"
    in_dialog = True
    intro = _("High risk makes the legal check unavoidable.")
    grade = forms.ChoiceField(label=_("Grade"), choices=RiskGrade.choices, widget=forms.RadioSelect)
    reason = forms.CharField(label=_("Reason"), max_length=300, widget=LongText(2))

    def prepare(self) -> None:
        self.initial.setdefault("grade", self.complaint.risk_grade)


# --- Assignment -----------------------------------------------------------------------------
class Assign(ActionForm):
    action = "assign"
    department = DepartmentField(label=_("Lead department"))
    supporting = forms.ModelMultipleChoiceField(
        Department.objects.none(),
        label=_("Supporting departments"),
        required=False,
        to_field_name="code",
        widget=forms.CheckboxSelectMultiple,
    )
    handler = PersonField(label=_("Handler"), required=False, empty_label=_("The department decides"))
    task = forms.CharField(label=_("What the department has to do, and by when"), widget=LongText())

    def prepare(self) -> None:
        offer(self, "department", with_loads(Department.objects.handling()))
        offer(self, "supporting", Department.objects.handling())
        offer(self, "handler", notify.holders_of("complaints.handle_complaint"))
        suggested = self.complaint.category.default_department_id if self.complaint.category else None
        if suggested:
            self.initial.setdefault(
                "department", Department.objects.filter(pk=suggested).values_list("code", flat=True).first()
            )
        self.initial.setdefault("task", self.complaint.demand)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        department, supporting, handler = values.get("department"), values.get("supporting"), values.get("handler")
        if department and supporting and department in supporting:
            self.add_error("supporting", _("This is already the lead department."))
        if department and handler and not handler.memberships.current().filter(department=department).exists():
            self.add_error("handler", _("Choose a handler of the lead department."))
        return values

    def arguments(self) -> dict[str, Any]:
        return {**super().arguments(), "supporting": list(self.cleaned_data["supporting"])}


class Reassign(ActionForm):
    action = "reassign"
    intro = _("The department that has the case now will no longer see it.")
    department = DepartmentField(label=_("New lead department"))
    reason = forms.CharField(label=_("Reason"), widget=LongText(2))
    task = forms.CharField(label=_("What the department has to do, and by when"), required=False, widget=LongText())
    designate = forms.BooleanField(label=_("Designate: the new department cannot return the case"), required=False)

    def prepare(self) -> None:
        offer(
            self, "department", with_loads(Department.objects.handling().exclude(pk=self.complaint.lead_department_id))
        )


class AddSupporting(ActionForm):
    action = "add_supporting"
    department = DepartmentField(label=_("Supporting department"))
    task = forms.CharField(label=_("What the department has to do, and by when"), widget=LongText())

    def prepare(self) -> None:
        working = [row.department_id for row in self.complaint.assignments.all() if row.is_current]
        offer(self, "department", with_loads(Department.objects.handling().exclude(pk__in=working)))


class RequestReturn(ActionForm):
    action = "request_return"
    in_dialog = True
    intro = _("The complaints office decides. Once a case is designated it cannot be returned again.")
    reason = forms.CharField(label=_("Why the case is not yours"), max_length=300, widget=LongText(3))


class GrantReturn(ActionForm):
    action = "grant_return"
    in_dialog = True
    intro = _("The case goes back to be assigned anew.")
    note = forms.CharField(label=_("Remark"), max_length=300, required=False, widget=LongText(2))


class RefuseReturn(ActionForm):
    action = "refuse_return"
    in_dialog = True
    danger = True
    intro = _("The case stays with the department by designation; it cannot be returned again.")
    note = forms.CharField(label=_("Reason"), max_length=300, widget=LongText(2))


class Start(ActionForm):
    action = "start"
    in_dialog = True
    intro = _("You confirm that your department has received the case; from now on you are responsible for it.")


class HandOver(ActionForm):
    action = "hand_over"
    handler = PersonField(label=_("New handler"))
    reason = forms.CharField(label=_("Reason"), widget=LongText(2))

    def prepare(self) -> None:
        lead = [row.department_id for row in self.complaint.assignments.all() if row.is_current and row.role == "lead"]
        people = notify.members_with("complaints.handle_complaint", lead)
        offer(self, "handler", people.exclude(pk=self.complaint.handler_id or 0))


class FinishSupporting(ActionForm):
    action = "finish_supporting"
    result = forms.CharField(label=_("Result of your task"), widget=LongText())

"""Forms of the actions between acceptance and handling: risk and assignment."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Department
from accounts.web import offer
from complaints import clocks, notify, suggestion_hints, task_clocks
from complaints.action_form import ActionForm
from complaints.choice_fields import DepartmentField, LongText, PersonField, with_loads
from complaints.clock_rules import Unit
from complaints.clock_texts import format_moment
from complaints.policy_forms import UNITS
from complaints.states import AssignmentState, Milestone, RiskGrade


# --- Risk ----------------------------------------------------------------------------------
class GradeRisk(ActionForm):
    action = "grade_risk"
    in_dialog = True
    intro = _("High risk makes the legal check unavoidable.")
    grade = forms.ChoiceField(label=_("Grade"), choices=RiskGrade.choices, widget=forms.RadioSelect)
    reason = forms.CharField(label=_("Reason"), max_length=300, widget=LongText(2))

    def prepare(self) -> None:
        self.initial.setdefault("grade", self.complaint.risk_grade)


# --- Assignment -----------------------------------------------------------------------------
class Timed(ActionForm):
    """What gives a department a task, with a limit of its own where the policy's should not hold (SLA-04)."""

    limit = forms.IntegerField(
        label=_("Limit for the department"), required=False, min_value=1, max_value=task_clocks.MOST_UNITS
    )

    def prepare(self) -> None:
        rule = clocks.rule_for(self.complaint, Milestone.TASK)
        unit = UNITS[Unit(rule.unit)] if rule else UNITS[Unit.WORKING_DAYS]
        self.fields["limit"].help_text = (
            _("In %(unit)s from now. Left empty, the policy gives %(amount)s, at most what the case has left.")
            % {"unit": unit, "amount": rule.amount}
            if rule
            else _("In %(unit)s from now. Left empty, only the limit of the case counts.") % {"unit": unit}
        )


class Assign(Timed):
    action = "assign"
    field_order = ("version", "department", "supporting", "handler", "task", "limit")
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
        super().prepare()
        offer(self, "department", with_loads(Department.objects.handling()))
        offer(self, "supporting", Department.objects.handling())
        offer(self, "handler", notify.holders_of("complaints.handle_complaint"))
        suggestion_hints.offer_department(self, self.complaint)
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


class Reassign(Timed):
    action = "reassign"
    field_order = ("version", "department", "reason", "task", "limit", "designate")
    intro = _("The department that has the case now will no longer see it.")
    department = DepartmentField(label=_("New lead department"))
    reason = forms.CharField(label=_("Reason"), widget=LongText(2))
    task = forms.CharField(label=_("What the department has to do, and by when"), required=False, widget=LongText())
    designate = forms.BooleanField(label=_("Designate: the new department cannot return the case"), required=False)

    def prepare(self) -> None:
        super().prepare()
        offer(
            self, "department", with_loads(Department.objects.handling().exclude(pk=self.complaint.lead_department_id))
        )


class AddSupporting(Timed):
    action = "add_supporting"
    field_order = ("version", "department", "task", "limit")
    department = DepartmentField(label=_("Supporting department"))
    task = forms.CharField(label=_("What the department has to do, and by when"), widget=LongText())

    def prepare(self) -> None:
        super().prepare()
        working = [row.department_id for row in self.complaint.assignments.all() if row.is_current]
        offer(self, "department", with_loads(Department.objects.handling().exclude(pk__in=working)))


class RequestReturn(ActionForm):
    action = "request_return"
    in_dialog = True
    intro = _("The complaints office decides. Once a case is designated it cannot be returned again.")
    reason = forms.CharField(label=_("Why the case is not yours"), max_length=300, widget=LongText(3))

    def prepare(self) -> None:
        lead = next((row for row in self.complaint.assignments.all() if row.is_current and row.role == "lead"), None)
        until = task_clocks.return_until(lead, self.complaint) if lead else None
        if until:
            self.fields["reason"].help_text = _("This can be asked for until %(moment)s.") % {
                "moment": format_moment(until, gettext)
            }


class DecideReturn(ActionForm):
    """A decision on a return, with what the department wrote before the eyes of who decides (ASG-06)."""

    def prepare(self) -> None:
        asked = next(
            (row for row in self.complaint.assignments.all() if row.state == AssignmentState.RETURN_REQUESTED), None
        )
        if asked is not None:
            self.intro = _("%(name)s: “%(reason)s” %(intro)s") % {
                "name": asked.department.name,
                "reason": asked.return_reason,
                "intro": self.intro,
            }


class GrantReturn(DecideReturn):
    action = "grant_return"
    in_dialog = True
    intro = _("The case goes back to be assigned anew.")
    note = forms.CharField(label=_("Remark"), max_length=300, required=False, widget=LongText(2))


class RefuseReturn(DecideReturn):
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
        taken = {self.complaint.handler_id or 0, self.complaint.complainant.staff_user_id or 0}
        taken |= set(self.complaint.accused_staff.values_list("pk", flat=True))
        offer(self, "handler", people.exclude(pk__in=taken))


class ReceiveTask(ActionForm):
    action = "receive_task"
    in_dialog = True
    intro = _("You confirm that your department has received its task; from now on you are responsible for it.")


class FinishSupporting(ActionForm):
    action = "finish_supporting"
    result = forms.CharField(label=_("Result of your task"), widget=LongText())

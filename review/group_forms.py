"""Forms of the review group: the register, turns of duty, the plan, the report to the top, the two standards."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Department, User
from accounts.web import offer
from complaints import notify
from complaints.choice_fields import DepartmentField, LongText, PersonField
from complaints.models import Category, Dimension
from complaints.states import RiskGrade
from review import group, major, plans, step_limits, top_reports, weights
from review.models import GroupMember, LimitStandard, MajorStandard, ReviewCase, ReviewPlan, WeightStandard
from review.states import CertificateKind, GroupRole, Stratum


def day(label: Any, **kwargs: Any) -> forms.DateField:
    """A day of the calendar."""
    return forms.DateField(label=label, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **kwargs)


class CertificateForm(forms.Form):
    """Condition 2: an internal certificate or an external training, with its validity."""

    certificate_kind = forms.ChoiceField(label=_("Kind of certificate"), choices=CertificateKind.choices)
    certificate = forms.CharField(label=_("Certificate or training"), max_length=120)
    certificate_until = day(_("Valid until"))


class EnterForm(CertificateForm):
    """A person with the conditions they meet."""

    user = PersonField(label=_("Member of the review group"))
    role = forms.ChoiceField(label=_("Part in the group"), choices=GroupRole.choices, initial=GroupRole.MEMBER)
    lent_by = DepartmentField(
        label=_("Lent by"),
        required=False,
        empty_label=_("nobody: belongs to the review group"),
        help_text=_("The person judges no case of this department."),
    )
    experience_since = day(_("Front-line service or complaint handling since"))
    experience_note = forms.CharField(label=_("Where"), required=False, max_length=200)
    assessment = forms.CharField(
        label=_("Assessment by the head"),
        required=False,
        widget=LongText(4),
        max_length=2000,
        help_text=_("Careful, patient, hears what is not said? In words, no points; not about yourself."),
    )
    field_order = (
        "user", "role", "lent_by", "experience_since", "experience_note", "certificate_kind", "certificate",
        "certificate_until", "assessment",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        entered = GroupMember.objects.filter(ended_at=None).values("user")
        people = notify.holders_of(group.JUDGE).exclude(pk__in=entered).order_by("staff_number")
        offer(self, "user", people)
        offer(self, "lent_by", Department.objects.active().filter(kind="handling").order_by("name"))


class _OfMember(forms.Form):
    """A change of one entry, with the version seen."""

    name = ""
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, member: GroupMember, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", f"{self.name}_%s")
        super().__init__(*args, **kwargs)
        self.initial.setdefault("version", member.version)


class RenewForm(_OfMember, CertificateForm):
    """The certificate was renewed, or another one got."""

    name = "renew"

    def __init__(self, *args: Any, member: GroupMember, **kwargs: Any) -> None:
        super().__init__(*args, member=member, **kwargs)
        self.initial.setdefault("certificate_kind", member.certificate_kind)
        self.initial.setdefault("certificate", member.certificate)


class AssessForm(_OfMember):
    """Condition 3, in the head's words."""

    name = "assess"
    assessment = forms.CharField(label=_("Assessment by the head"), widget=LongText(5), max_length=2000)

    def __init__(self, *args: Any, member: GroupMember, **kwargs: Any) -> None:
        super().__init__(*args, member=member, **kwargs)
        self.initial.setdefault("assessment", member.assessment)


class TurnForm(_OfMember):
    """One turn of duty."""

    name = "turn"
    since = day(_("On duty from"))
    until = day(_("Until"), help_text=_("Both days included."))


class EndForm(_OfMember):
    """The membership ends."""

    name = "end"
    reason = forms.CharField(label=_("Reason"), max_length=200)


class PlanForm(forms.Form):
    """The plan of a month as its next revision."""

    based_on = forms.IntegerField(widget=forms.HiddenInput)
    text = forms.CharField(label=_("Plan"), widget=LongText(6), max_length=plans.LONGEST_TEXT)
    focus = forms.ModelMultipleChoiceField(
        label=_("Focus"),
        queryset=Category.objects.none(),
        to_field_name="code",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Categories the reviews look at first this month."),
    )
    capacity = forms.IntegerField(
        label=_("Reviews the group can do"), required=False, min_value=0, max_value=plans.MOST_REVIEWS
    )

    def __init__(self, *args: Any, plan: ReviewPlan | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        top = Category.objects.filter(dimension=Dimension.CATEGORY, is_active=True, parent=None)
        offer(self, "focus", top.order_by("name"))
        self.initial.setdefault("based_on", plan.revision if plan else 0)
        if plan:
            focus = [row.code for row in plan.focus.all()]
            self.initial.update(text=plan.text, capacity=plan.capacity, focus=focus)


class ReviewsField(forms.ModelMultipleChoiceField):
    """Reviews by number, with the case each is about."""

    def label_from_instance(self, review: ReviewCase) -> str:
        return f"{review.number} · {review.get_conclusion_display()} · {review.complaint.subject}"


class ReportForm(forms.Form):
    """A rectification plan put to top management."""

    title = forms.CharField(label=_("Title"), max_length=120)
    text = forms.CharField(
        label=_("Rectification plan"),
        widget=LongText(8),
        max_length=top_reports.LONGEST_TEXT,
        help_text=_("What went wrong, what will be put right, by whom and until when, and what you need for it."),
    )
    reviews = ReviewsField(
        label=_("About these reviews"),
        queryset=ReviewCase.objects.none(),
        to_field_name="number",
        widget=forms.CheckboxSelectMultiple,
    )
    to = PersonField(label=_("Put to"))

    OFFERED = 30

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        changed = top_reports.final_reviews(user).exclude(conclusion="uphold").order_by("-pk")
        newest = list(changed.values_list("pk", flat=True)[: self.OFFERED])
        offer(self, "reviews", top_reports.final_reviews(user).filter(pk__in=newest).order_by("-pk"))
        offer(self, "to", top_reports.receivers(user))


class DecisionForm(forms.Form):
    """What top management decided on a plan."""

    decision = forms.CharField(label=_("Your decision"), widget=LongText(4), max_length=top_reports.LONGEST_TEXT)


class MajorForm(forms.Form):
    """The conditions of a major complaint as the next revision; an empty one does not count."""

    based_on = forms.IntegerField(widget=forms.HiddenInput)
    risk_grade = forms.ChoiceField(
        label=_("Risk at least"),
        required=False,
        choices=[("", _("does not count")), *[pair for pair in RiskGrade.choices if pair[0] != RiskGrade.ORDINARY]],
    )
    amount = forms.DecimalField(
        label=_("Amount from (yuan)"), required=False, min_value=0, max_digits=12, decimal_places=2
    )
    persons = forms.IntegerField(label=_("Persons affected from"), required=False, min_value=0, max_value=1_000_000)
    in_media = forms.BooleanField(
        label=_("The media are involved"),
        required=False,
        help_text=_("Something was said in public about the case, or a media plan was agreed on."),
    )
    note = forms.CharField(label=_("What changed and why"), max_length=200)

    def __init__(self, *args: Any, standard: MajorStandard, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {
            "based_on": standard.revision,
            "risk_grade": standard.risk_grade,
            "amount": standard.amount,
            "persons": standard.persons,
            "in_media": standard.media,
        }

    def conditions(self) -> major.Conditions:
        """The conditions as edited."""
        values = self.cleaned_data
        return major.Conditions(values["risk_grade"], values["amount"], values["persons"], values["in_media"])


class WeightsForm(forms.Form):
    """A weight for every stratum as the next revision."""

    based_on = forms.IntegerField(widget=forms.HiddenInput)
    note = forms.CharField(label=_("What changed and why"), max_length=200)

    def __init__(self, *args: Any, standard: WeightStandard, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("based_on", standard.revision)
        known = weights.weights_of(standard)
        for value, label in Stratum.choices:
            self.fields[value] = forms.DecimalField(
                label=label,
                min_value=weights.LEAST,
                max_value=weights.MOST,
                max_digits=6,
                decimal_places=3,
                initial=f"{known[value].normalize():f}",
            )

    def numbers(self) -> list[forms.BoundField]:
        """The fields of the weights."""
        return [self[value] for value in Stratum.values]

    def weights(self) -> dict[str, Any]:
        """The weights as edited."""
        return {value: self.cleaned_data[value] for value in Stratum.values}


class LimitsForm(forms.Form):
    """Working days for each step as the next revision."""

    based_on = forms.IntegerField(widget=forms.HiddenInput)
    note = forms.CharField(label=_("What changed and why"), max_length=200)

    def __init__(self, *args: Any, standard: LimitStandard, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("based_on", standard.revision)
        known = step_limits.own_of(standard)
        for step in step_limits.STEPS:
            fixed = step_limits.FIXED.get(step)
            told = _("Empty: by the service policy of the case. At most %(most)s; the earlier date holds.")
            self.fields[step.value] = forms.IntegerField(
                label=step.label,
                required=fixed is None,
                min_value=step_limits.LEAST,
                max_value=fixed or step_limits.MOST,
                initial=known[step],
                help_text=told % {"most": fixed} if fixed else "",
            )

    def numbers(self) -> list[forms.BoundField]:
        """The fields of the limits."""
        return [self[step.value] for step in step_limits.STEPS]

    def limits(self) -> dict[str, int | None]:
        """The limits as edited; None leaves a step to the service policy."""
        return {step.value: self.cleaned_data[step.value] for step in step_limits.STEPS}

"""Forms of the settings an organisation edits itself: values, rules of scope, other bodies, notice templates."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput
from accounts.models import Department, DepartmentKind
from accounts.web import offer
from complaints.choice_fields import CategoryField, DepartmentField, LongText
from complaints.models import AcceptanceRule, Category, Complaint, Dimension, ExternalBody
from complaints.states import NoticeKind
from complaints.transitions.reference import REQUIRABLE

_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
# The English wording stands behind the Chinese one: 户号 | Customer number
BAR = "|"
MAX_ENTRIES = 20


class PairsField(forms.CharField):
    """Lines of "Chinese | English"; the English part may be left out. Cleans to [{"text", "text_en"}]."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=4000, widget=LongText(4), **kwargs)

    def clean(self, value: Any) -> list[dict[str, str]]:  # type: ignore[override]  # lines become entries
        found = []
        for line in super().clean(value).replace("｜", BAR).splitlines():
            text, _bar, english = (part.strip() for part in line.partition(BAR))
            if text:
                found.append({"text": text, "text_en": english})
        texts = [entry["text"] for entry in found]
        if len(found) > MAX_ENTRIES or any(len(text) > 200 for text in texts):
            raise forms.ValidationError(
                _("At most %(count)s lines of 200 characters.") % {"count": MAX_ENTRIES}, code="max_length"
            )
        if len(set(texts)) < len(texts):
            raise forms.ValidationError(_("The same line stands here twice."), code="unique")
        return found


def pairs_text(entries: list[dict[str, Any]]) -> str:
    """How entries stand in a PairsField."""
    return "\n".join(
        f"{entry['text']} {BAR} {entry['text_en']}" if entry.get("text_en") else entry["text"] for entry in entries
    )


class SettingForm(forms.Form):
    """A form whose broken rules are shown at their fields."""

    def show(self, error: InvalidInput) -> None:
        self.add_error(error.field if error.field in self.fields else None, str(error))


class CategoryForm(SettingForm):
    """One value of a dimension. Without `category` it is a new one and has an identifier to fill in."""

    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)
    code = forms.SlugField(
        label=_("Identifier"),
        max_length=60,
        help_text=_("Lower-case letters, digits and hyphens. It never changes, since figures name the value by it."),
    )
    name = forms.CharField(label=_("Label"), max_length=80)
    name_en = forms.CharField(label=_("English name"), max_length=80, required=False)
    hint = forms.CharField(label=_("Examples shown to the public"), max_length=120, required=False)
    hint_en = forms.CharField(label=_("Examples in English"), max_length=120, required=False)
    parent = forms.ModelChoiceField(
        Category.objects.none(),
        label=_("Belongs to"),
        required=False,
        to_field_name="code",
        empty_label=_("Stands on top"),
    )
    default_department = DepartmentField(label=_("Usual department"), required=False, empty_label=_("None"))
    prompts = PairsField(
        label=_("What to ask"), help_text=_("One question per line; an English wording may follow after a bar |.")
    )
    essential = PairsField(
        label=_("Materials needed before acceptance"), help_text=_("One per line. Without them a complaint waits.")
    )
    later = PairsField(label=_("Materials that may come later"), help_text=_("One per line."))
    required_fields = forms.MultipleChoiceField(
        label=_("Fields that must be filled"), required=False, widget=forms.CheckboxSelectMultiple
    )
    is_soft = forms.BooleanField(label=_("About service, not about function"), required=False)
    is_public = forms.BooleanField(label=_("Offered to the public"), required=False, initial=True)
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, *args: Any, dimension: str, category: Category | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.category = category
        tops = Category.objects.filter(dimension=dimension, parent=None).exclude(pk=category.pk if category else 0)
        offer(self, "parent", tops)
        offer(self, "default_department", Department.objects.handling())
        names = {name: Complaint._meta.get_field(name).verbose_name for name in REQUIRABLE}  # type: ignore[union-attr]
        self.fields["required_fields"].choices = list(names.items())  # type: ignore[attr-defined]
        if category:
            del self.fields["code"]
            self._start_from(category)
        if dimension != Dimension.CATEGORY:
            for name in ("default_department", "prompts", "essential", "later", "required_fields", "is_public"):
                del self.fields[name]

    def _start_from(self, category: Category) -> None:
        for name in ("name", "name_en", "hint", "hint_en", "required_fields", "is_soft", "is_public", "is_active"):
            self.initial.setdefault(name, getattr(category, name))
        self.initial.setdefault("parent", category.parent.code if category.parent else None)
        department = category.default_department
        self.initial.setdefault("default_department", department.code if department else None)
        self.initial.setdefault("prompts", pairs_text(category.prompts))
        groups: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
        for entry in category.materials:
            groups[bool(entry.get("is_essential"))].append(entry)
        self.initial.setdefault("essential", pairs_text(groups[True]))
        self.initial.setdefault("later", pairs_text(groups[False]))
        self.initial["seen"] = category.revisions.count()

    def clean_code(self) -> str:
        return self.cleaned_data["code"].lower()

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        essential = {entry["text"] for entry in values.get("essential", [])}
        if essential & {entry["text"] for entry in values.get("later", [])}:
            self.add_error("later", _("A material stands in both lists."))
        return values

    def values(self) -> dict[str, Any]:
        """The arguments of the transition."""
        values = dict(self.cleaned_data)
        if "essential" in values:
            essential = [{**entry, "is_essential": True} for entry in values.pop("essential")]
            values["materials"] = essential + [{**entry, "is_essential": False} for entry in values.pop("later")]
        seen = values.pop("seen", None)
        return {**values, "seen": seen} if self.category else values


class LegalReferenceForm(SettingForm):
    """The law of a legal-risk type from a day on (CLS-09)."""

    statutes = forms.CharField(label=_("Statutes"), max_length=1000, widget=LongText(2))
    reputation = forms.CharField(label=_("Risk to reputation"), max_length=1000, required=False, widget=LongText(2))
    valid_from = forms.DateField(label=_("Valid from"), widget=_DAY)


class RuleForm(SettingForm):
    """A rule that decides on scope (SCR-02)."""

    code = forms.SlugField(label=_("Identifier"), max_length=60)
    text = forms.CharField(label=_("The rule, as it stands in the notice"), max_length=200, widget=LongText(2))
    in_scope = forms.TypedChoiceField(
        label=_("What follows from it"),
        choices=[("true", _("Ours: accept")), ("false", _("Not ours: do not accept"))],
        coerce=lambda value: value == "true",
        widget=forms.RadioSelect,
    )
    category = CategoryField("category", label=_("Only for"), required=False, empty_label=_("Every category"))
    body = forms.ModelChoiceField(
        ExternalBody.objects.filter(is_active=True),
        label=_("Body that is responsible"),
        required=False,
        empty_label=_("None of these"),
    )
    order = forms.IntegerField(label=_("Place in the list"), min_value=0, max_value=9999, initial=100)
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, *args: Any, rule: AcceptanceRule | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rule = rule
        if rule:
            del self.fields["code"]
            for name in ("text", "order", "is_active"):
                self.initial.setdefault(name, getattr(rule, name))
            self.initial.setdefault("in_scope", "true" if rule.in_scope else "false")
            self.initial.setdefault("category", rule.category.code if rule.category else None)
            self.initial.setdefault("body", rule.body_id)

    def clean_code(self) -> str:
        code = self.cleaned_data["code"].lower()
        if AcceptanceRule.objects.filter(code=code).exists():
            raise forms.ValidationError(_("Another rule has this identifier; choose one of its own."))
        return code


class BodyForm(SettingForm):
    """Another body that complainants are directed to (SCR-04)."""

    name = forms.CharField(label=_("Label"), max_length=120)
    responsible_for = forms.CharField(label=_("Responsible for"), max_length=200)
    phone = forms.CharField(label=_("Phone"), max_length=60, required=False)
    website = forms.URLField(label=_("Website"), max_length=200, required=False, assume_scheme="https")
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, *args: Any, body: ExternalBody | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.body = body
        if body:
            for name in self.fields:
                self.initial.setdefault(name, getattr(body, name))

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        if ExternalBody.objects.filter(name=name).exclude(pk=self.body.pk if self.body else 0).exists():
            raise forms.ValidationError(_("This body is in the directory already."))
        return name


class DepartmentForm(SettingForm):
    """A unit of the organisation."""

    code = forms.SlugField(
        label=_("Identifier"),
        max_length=40,
        help_text=_("Lower-case letters, digits and hyphens. It never changes, since figures name the value by it."),
    )
    name = forms.CharField(label=_("Department"), max_length=80)
    name_en = forms.CharField(label=_("English name"), max_length=80, required=False)
    kind = forms.ChoiceField(label=_("Kind"), choices=DepartmentKind.choices)
    parent = forms.ModelChoiceField(
        Department.objects.none(), label=_("Belongs to"), required=False, empty_label=_("Stands on top")
    )
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, *args: Any, department: Department | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "parent", Department.objects.active().order_by("path"))
        if department:
            # Its place is in the path of every department below it, and its code in every figure.
            del self.fields["code"], self.fields["parent"]
            self.initial.update({name: getattr(department, name) for name in self.fields})


class NoticeTemplateForm(SettingForm):
    """An organisation's own DOCX for one kind of notice (SCR-10)."""

    document = forms.FileField(
        label=_("Word document (.docx)"), widget=forms.FileInput(attrs={"accept": ".docx"}), max_length=200
    )

    def __init__(self, *args: Any, kind: NoticeKind, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", f"{kind}_%s")
        super().__init__(*args, **kwargs)
        self.kind = kind


class PrintedNameForm(SettingForm):
    """Why somebody wants the name of the complainant in clear on a notice (AZ-06)."""

    reason = forms.CharField(label=_("Reason for looking"), min_length=4, max_length=200, widget=LongText(2))

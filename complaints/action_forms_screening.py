"""Forms of screening and classification: is it ours, is it complete, what is it about (SCR, CLS)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from django import forms
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from accounts.web import offer
from complaints import category_words, information_requests, office_terms, policy_terms, suggestion_hints
from complaints.action_form import ActionForm, choices_of
from complaints.category_words import said
from complaints.choice_fields import CategoryField, LongText
from complaints.models import AcceptanceRule, Category, Dimension, ExternalBody
from complaints.states import Complexity, PauseReason, RefusalGround, Severity

_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def _code(value: Any) -> str:
    """An identifier that came with an address or form, fit to be looked up."""
    return str(value or "").replace("\x00", "")[:60]


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


class MaterialsField(forms.MultipleChoiceField):
    """Which materials of the category have not come yet. A value is the material's own text."""

    default_error_messages = {"invalid_choice": _("The list of materials has changed. Tick again what is missing.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=forms.CheckboxSelectMultiple, **kwargs)

    def offer(self, category: Category | None) -> None:
        self.materials = list(category.materials) if category else []
        self.choices = [(entry["text"], said(entry)) for entry in self.materials]

    def essential(self, chosen: list[str]) -> list[str]:
        """Those of the chosen materials without which the complaint cannot be accepted."""
        return [entry["text"] for entry in self.materials if entry.get("is_essential") and entry["text"] in chosen]


# --- Completeness ---------------------------------------------------------------------------
class RequestInformation(ActionForm):
    """One request for everything: what the category asks for and what else is missing (SCR-06, IN-36)."""

    action = "request_information"
    intro = _("The complainant gets the list at once, and the clocks stand still until the answer comes.")
    missing = MaterialsField(label=_("Materials of this category that are missing"))
    items = forms.CharField(
        label=_("What is missing"), widget=LongText(), help_text=_("List everything in one go, one item per line.")
    )
    due_on = forms.DateField(
        label=_("Answer wanted by"),
        required=False,
        widget=_DAY,
        help_text=_("The complainant reads this day. When it has passed, you are told and go on without the answer."),
    )

    @classmethod
    def initial_from(cls, query: QueryDict) -> dict[str, Any]:
        return {"missing": query.getlist("missing")}

    def prepare(self) -> None:
        if PauseReason.INFORMATION not in policy_terms.pause_reasons(self.complaint.policy):
            self.intro = _("The complainant gets the list at once. By the policy of this case the clocks run on.")
        self.initial.setdefault("due_on", information_requests.usual_day(self.complaint, now=timezone.now()))
        field = cast(MaterialsField, self.fields["missing"])
        field.offer(self.complaint.category)
        if field.materials:
            self.fields["items"].required = False
            self.fields["items"].label = _("What else is missing")
        else:
            del self.fields["missing"]

    def arguments(self) -> dict[str, Any]:
        values = super().arguments()
        values["items"] = "\n".join([*values.pop("missing", []), *lines(values["items"])])
        day = values.pop("due_on")
        values["due_at"] = information_requests.end_of(day) if day else None
        return values


class ReceiveInformation(ActionForm):
    action = "receive_information"
    intro = _("The clocks run on from now.")
    answer = forms.CharField(label=_("What was supplied"), widget=LongText())


# --- Classification -------------------------------------------------------------------------
class Dimensions(ActionForm):
    """The independent dimensions of a case (CLS-01)."""

    category = CategoryField("category", label=_("Category"))
    nature = CategoryField("nature", label=_("Nature"), required=False)
    kind = CategoryField("kind", label=_("Type of complaint"), required=False)
    legal = CategoryField("legal", label=_("Legal risk"), required=False)
    emotions = forms.ModelMultipleChoiceField(
        Category.objects.none(),
        label=_("What the complainant feels"),
        required=False,
        to_field_name="code",
        widget=forms.CheckboxSelectMultiple,
    )
    # A page without a tick takes every emotion away; a program that does not name them leaves them.
    emotions_shown = forms.BooleanField(required=False, initial=True, widget=forms.HiddenInput)
    severity = forms.ChoiceField(label=_("Severity"), choices=Severity.choices)
    complexity = forms.ChoiceField(
        label=_("Complexity"), choices=Complexity.choices, help_text=_("The handling limit depends on it.")
    )

    def prepare(self) -> None:
        suggestion_hints.offer_category(self, self.complaint)
        for name, column in (("category", "category"), ("nature", "nature"), ("kind", "kind"), ("legal", "legal_type")):
            chosen = getattr(self.complaint, column)
            self.initial.setdefault(name, chosen.code if chosen else None)
        offer(self, "emotions", Category.objects.filter(dimension=Dimension.EMOTION, is_active=True))
        self.initial.setdefault("emotions", [row.code for row in self.complaint.emotions.all()])
        self.initial.setdefault("severity", self.complaint.severity)
        self.initial.setdefault("complexity", self.complaint.complexity)

    def arguments(self) -> dict[str, Any]:
        values = super().arguments()
        shown = values.pop("emotions_shown") or "emotions" in self.data
        # "Not chosen" takes a value away; what a program does not name stays as it is.
        cleared = [name for name in ("nature", "kind", "legal") if name in self.data and values[name] is None]
        return {**values, "emotions": list(values["emotions"]) if shown else None, "cleared": cleared}


class Classify(Dimensions):
    action = "classify"
    category = CategoryField("category", label=_("Category"), required=False)


# --- The decision ---------------------------------------------------------------------------
class RuleField(forms.ModelChoiceField):
    """A rule of the organisation that decides on scope, by its code."""

    def __init__(self, *, in_scope: bool, **kwargs: Any) -> None:
        self.in_scope = in_scope
        kwargs.setdefault("empty_label", _("In other words"))
        super().__init__(AcceptanceRule.objects.none(), to_field_name="code", required=False, **kwargs)

    def offer(self, category: Category | None) -> QuerySet[AcceptanceRule]:
        """The rules for this category, for the one above it, and for every category."""
        above = [category.pk, category.parent_id] if category else []
        self.queryset = AcceptanceRule.objects.filter(
            Q(category=None) | Q(category__in=[pk for pk in above if pk]), is_active=True, in_scope=self.in_scope
        )
        return self.queryset


def _together(known: AcceptanceRule | None, own: str) -> str:
    """The rule chosen and what was written to it, as one text."""
    return "；".join(part for part in (known.text if known else "", own) if part)


def _reload(field: forms.Field, form: ActionForm, part: str) -> None:
    """Fetch a part of the page anew when the field changes; only the field itself is sent, no text."""
    field.widget.attrs |= {
        "hx-get": reverse("complaints:action", args=[form.complaint.number, form.action]),
        "hx-trigger": "change",
        "hx-target": f"#{part}",
        "hx-select": f"#{part}",
        "hx-swap": "outerHTML",
    }


class Accept(Dimensions):
    """Accept, with the rule relied on and what may still come (SCR-02, SCR-05, IN-36, IN-37)."""

    action = "accept"
    known_rule = RuleField(in_scope=True, label=_("Rule the decision relies on"))
    rule = forms.CharField(label=_("The rule in other words"), max_length=300, required=False, widget=LongText(2))
    missing = MaterialsField(
        label=_("Not supplied yet"), help_text=_("Tick what is missing. What is not essential may come later.")
    )
    outstanding = forms.CharField(
        label=_("What else may come later"),
        required=False,
        max_length=1000,
        widget=LongText(2),
        help_text=_("One item per line."),
    )
    outstanding_due = forms.DateField(label=_("Later means by"), required=False, widget=_DAY)
    # The category whose materials stood on the page.
    materials_of = forms.CharField(required=False, max_length=60, widget=forms.HiddenInput)
    field_order = ("version", "known_rule", "rule", "category")

    @classmethod
    def initial_from(cls, query: QueryDict) -> dict[str, Any]:
        return {"category": query["category"]} if "category" in query else {}

    def prepare(self) -> None:
        super().prepare()
        rules = cast(RuleField, self.fields["known_rule"]).offer(self.shown_category)
        first = rules.first()
        self.initial.setdefault("known_rule", first.code if first else None)
        if first is None:
            self._name_policy()
        cast(MaterialsField, self.fields["missing"]).offer(self.shown_category)
        days = timedelta(days=office_terms.of("outstanding"))
        self.initial.setdefault("outstanding_due", timezone.localdate() + days)
        _reload(self.fields["category"], self, "materials")

    def _name_policy(self) -> None:
        basis = self.complaint.policy.legal_basis or self.complaint.policy.label
        self.initial.setdefault(
            "rule", str(_("Within the scope of acceptance; time limits: %(policy)s") % {"policy": basis})
        )

    @cached_property
    def shown_category(self) -> Category | None:
        """The category chosen on the page, or that of the case."""
        code = self.data.get("category") if self.is_bound else self.initial.get("category")
        return Category.objects.filter(dimension=Dimension.CATEGORY, code=_code(code)).first()

    @property
    def unfilled(self) -> list[str]:
        """What complaints of the shown category need and this one lacks; it goes into the facts first (SCR-05)."""
        return category_words.field_labels(category_words.unfilled(self.complaint, self.shown_category))

    @property
    def materials(self) -> list[dict[str, Any]]:
        """What the shown category asks for."""
        return cast(MaterialsField, self.fields["missing"]).materials

    @property
    def material_hints(self) -> dict[str, Any]:
        """The words below each material: whether the complaint waits for it."""
        return {entry["text"]: _("essential") for entry in self.materials if entry.get("is_essential")}

    @property
    def essential_missing(self) -> list[str]:
        """Ticked materials that have to come first; the page offers one request for everything."""
        if not self.is_bound:
            return []
        field = cast(MaterialsField, self.fields["missing"])
        return field.essential(self["missing"].value() or [])

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not (values.get("known_rule") or values.get("rule")) and "rule" not in self.errors:
            self.add_error("rule", _("Name the rule or duty the decision relies on."))
        category = values.get("category")
        shown = values.get("materials_of", "")
        if category and category.materials and "materials_of" in self.data and shown != category.code:
            if "missing" in self.errors:
                del self.errors["missing"]
            self.add_error("missing", _("This category asks for these materials: tick what is missing, then accept."))
        elif self.essential_missing:
            self.add_error("missing", _("An essential item is missing. Ask for everything in one go first."))
        owed = [*values.get("missing", []), *lines(values.get("outstanding", ""))]
        day = values.get("outstanding_due")
        if owed and not day and "outstanding_due" not in self.errors:
            self.add_error("outstanding_due", _("Say until when the outstanding items are needed."))
        elif owed and day and day < timezone.localdate():
            self.add_error("outstanding_due", _("Choose today or a later day."))
        return values

    def arguments(self) -> dict[str, Any]:
        values = super().arguments()
        values.pop("materials_of")
        values["rule"] = _together(values.pop("known_rule"), values["rule"])
        values["outstanding"] = [*values.pop("missing"), *lines(values["outstanding"])]
        return values


class Refuse(ActionForm):
    """Do not accept; a known rule brings the ground and the body that is responsible (SCR-02…04)."""

    action = "refuse"
    danger = True
    intro = _("The complainant gets a notice with the ground, the reason and where to turn instead.")
    known_rule = RuleField(in_scope=False, label=_("Rule the decision relies on"))
    ground = forms.ChoiceField(
        label=_("Ground"), choices=choices_of(RefusalGround, _("Choose a ground")), required=False
    )
    body = forms.ModelChoiceField(
        ExternalBody.objects.filter(is_active=True),
        label=_("Body that is responsible"),
        required=False,
        empty_label=_("None of these"),
    )
    rule = forms.CharField(label=_("The rule in other words"), max_length=300, required=False, widget=LongText(2))
    reason = forms.CharField(label=_("Reason, in words for the complainant"), required=False, widget=LongText())
    suggestion = forms.CharField(label=_("What the complainant can do"), required=False, widget=LongText(2))

    @classmethod
    def initial_from(cls, query: QueryDict) -> dict[str, Any]:
        return {"known_rule": query["known_rule"]} if "known_rule" in query else {}

    def prepare(self) -> None:
        rules = cast(RuleField, self.fields["known_rule"]).offer(self.complaint.category)
        _reload(self.fields["known_rule"], self, "directs")
        rule = rules.filter(code=_code(self.initial.get("known_rule"))).first()
        if rule:
            self.initial.update({"ground": RefusalGround.OUT_OF_SCOPE, "body": rule.body_id})

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        rule = values.get("known_rule")
        if rule:
            values["ground"] = values.get("ground") or RefusalGround.OUT_OF_SCOPE
            values["body"] = values.get("body") or rule.body
            values["reason"] = values.get("reason") or rule.text
        if self.complaint.is_unmet_need:
            # CLS-16: neither rejected nor counted as a failure.
            self.add_error(None, _("This is marked as an unmet special need, which is not refused. Accept it."))
        if not values.get("ground") and "ground" not in self.errors:
            self.add_error("ground", _("Choose the ground for not accepting."))
        named = rule or values.get("rule") or self.errors.keys() & {"known_rule", "rule"}
        if values.get("ground") == RefusalGround.OUT_OF_SCOPE and not named:
            self.add_error("rule", _("Name the rule or duty the decision relies on."))
        if not values.get("reason") and "reason" not in self.errors:
            self.add_error("reason", _("Explain the reason to the complainant."))
        return values

    def arguments(self) -> dict[str, Any]:
        values = super().arguments()
        values["rule"] = _together(values.pop("known_rule"), values["rule"])
        return values


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

"""The steps of the public complaint form and the forms of the tracking page (IN-06, IN-16…26).

What was typed stays as it was typed: text is refused with a sentence, never altered (PI-16).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput
from accounts.web import offer
from complaints import challenge, file_types, identity, transitions
from complaints.models import Category
from complaints.models.classification import Dimension
from complaints.models.people import ContactKind
from complaints.states import Channel, DissatisfactionReason, QuestionKind, Satisfaction
from complaints.transitions.intake import MAX_NARRATIVE, check_text

SUBJECT_LENGTH = 40
FORMS_OF_ADDRESS: list[tuple[str, Any]] = [("mr", _("Mr")), ("ms", _("Ms"))]
WAYS_TO_CONTACT: list[tuple[str, Any]] = [(ContactKind.PHONE, _("By phone")), (ContactKind.EMAIL, _("By e-mail"))]
_SENTENCE_END = re.compile(r"(?<=[。！？；!?;])")
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")


class PlainText(forms.CharField):
    """Text kept exactly as given, or refused with a sentence; blank means nothing that can be seen."""

    def __init__(self, *, limit: int, lines: int = 1, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"rows": lines}) if lines > 1 else forms.TextInput()
        super().__init__(strip=lines == 1, widget=widget, **kwargs)
        self.limit = limit
        self.validators = []  # the checks below say the same in words that help

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        if not any(char.isprintable() and not char.isspace() for char in text.replace("\x00", "x")):
            return ""
        try:
            check_text("text", text, limit=self.limit)
        except InvalidInput as error:
            raise ValidationError(str(error)) from error
        if "\ufffd" in text:
            raise ValidationError(_("This text holds characters that cannot be read. Remove them and try again."))
        return text


class LenientDate(forms.DateField):
    """A date from the browser's own control or as people write it: 2026年11月15日, 2026/11/15."""

    def to_python(self, value: Any) -> date | None:
        if isinstance(value, str):
            found = _DATE.fullmatch(translation_table(value).strip())
            value = "-".join(found.groups()) if found else value
        return super().to_python(value)


def translation_table(value: str) -> str:
    """Full-width digits and signs as ASCII."""
    return "".join(chr(ord(char) - 0xFEE0) if "！" <= char <= "～" else char for char in value)


class MultipleFiles(forms.FileField):
    """Any number of files; each is checked where it is stored (complaints.files)."""

    class Input(forms.ClearableFileInput):
        allow_multiple_selected = True

    def __init__(self, **kwargs: Any) -> None:
        # The words of static/js/file-field.js; without it the browser shows its own.
        attrs = {
            "multiple": True,
            "accept": file_types.ACCEPT,
            "data-file-button": _("Choose files or take a photo"),
        }
        super().__init__(widget=self.Input(attrs=attrs), **kwargs)

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        return list(data or [])


class CategoryForm(forms.Form):
    """Step 1: what it is about."""

    category = forms.ModelChoiceField(
        queryset=Category.objects.none(),
        to_field_name="code",
        label=_("Category"),
        widget=forms.RadioSelect,
        empty_label=None,
        error_messages={"required": _("Choose a category. If none fits, choose the last one.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = Category.objects.filter(dimension=Dimension.CATEGORY, parent=None, is_active=True, is_public=True)
        offer(self, "category", offered)
        self.hints = {category.code: category.public_hint for category in offered}


class DetailsForm(forms.Form):
    """Step 2: what happened, when, and what the person asks for."""

    narrative = PlainText(
        label=_("What happened"),
        limit=MAX_NARRATIVE,
        lines=6,
        error_messages={"required": _("Tell us what happened.")},
    )
    occurred_on = LenientDate(
        label=_("On which day"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": _("Fill in the day."), "invalid": _("Write the day like 2026-11-15.")},
    )
    demand = PlainText(label=_("What you would like to happen"), limit=2000, lines=2, required=False)
    place = PlainText(label=_("Where it happened"), limit=200, required=False)
    product = PlainText(label=_("Which product or service"), limit=120, required=False)
    amount = forms.DecimalField(
        label=_("Amount in dispute (yuan)"),
        required=False,
        min_value=0,
        max_digits=14,
        decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        error_messages={
            **dict.fromkeys(("invalid", "max_decimal_places"), _("Write the amount in digits, for example 128.50.")),
            **dict.fromkeys(
                ("min_value", "max_digits", "max_whole_digits"), _("Check the amount; it cannot be right.")
            ),
        },
    )
    about_office = forms.BooleanField(label=_("It is about the complaints office itself"), required=False)
    files = MultipleFiles(label=_("Photos, recordings, receipts"), required=False)  # type: ignore[assignment]  # a field
    MORE = ("place", "product", "amount")

    def clean_occurred_on(self) -> date:
        day = self.cleaned_data["occurred_on"]
        if day > timezone.localdate():
            raise ValidationError(_("This date is in the future; give the day it happened."))
        if day.year < 1950:
            raise ValidationError(_("Write the day like 2026-11-15."))
        return day

    @property
    def more_is_open(self) -> bool:
        """Whether something stands in the fields that are folded away at first."""
        return any(self[name].value() or self[name].errors for name in self.MORE)


class ContactForm(forms.Form):
    """Step 3: how to reach the person, and what has to be minded. A phone or an e-mail is enough."""

    name = PlainText(
        label=_("What may we call you"),
        limit=80,
        error_messages={"required": _("Tell us what to call you; a surname is enough.")},
    )
    form_of_address = forms.ChoiceField(
        label=_("Form of address"), choices=FORMS_OF_ADDRESS, required=False, widget=forms.RadioSelect
    )
    phone = PlainText(label=_("Phone number"), limit=40, required=False)
    email = forms.EmailField(
        label=_("E-mail address"),
        required=False,
        max_length=200,
        error_messages={"invalid": _("This is not an e-mail address; check it.")},
    )
    preferred_contact = forms.ChoiceField(
        label=_("How would you like us to contact you"),
        choices=WAYS_TO_CONTACT,
        required=False,
        widget=forms.RadioSelect,
    )
    contact_note = PlainText(label=_("When it suits you"), limit=120, required=False)
    needs_care = forms.BooleanField(label=_("I need some help"), required=False)
    care_note = PlainText(label=_("What kind of help"), limit=200, required=False)
    care_consent = forms.BooleanField(
        label=_("You may note this and show it to whoever deals with my complaint"), required=False
    )
    is_confidential = forms.BooleanField(
        label=_("Do not tell the department complained about who I am"), required=False
    )

    def clean_phone(self) -> str:
        phone = self.cleaned_data["phone"]
        if phone and not identity.plausible_phone(phone):
            raise ValidationError(_("This is not a phone number that can be dialled; check the digits."))
        return phone

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("care_consent") and not (data.get("needs_care") or data.get("care_note")):
            self.add_error("care_note", _("Tell us which help you need, or take the tick below away."))
        given = {name: bool(self[name].value()) for name in ("phone", "email")}
        if not any(given.values()):
            self.add_error("phone", _("Give a phone number or an e-mail address, so that we can answer you."))
        elif data.get("preferred_contact") == ContactKind.EMAIL and not given["email"]:
            self.add_error("email", _("You want to be contacted by e-mail; give your address."))
        elif data.get("preferred_contact") == ContactKind.PHONE and not given["phone"]:
            self.add_error("phone", _("You want to be called; give your number."))
        return data


class ChallengeForm(forms.Form):
    """The question before filing when very many are being filed (PI-10); its words are the label."""

    question = forms.CharField(widget=forms.HiddenInput, required=False)
    answer = PlainText(label="", limit=40)

    @classmethod
    def ask(cls, question: challenge.Question, *, problem: str = "") -> ChallengeForm:
        """The form with a new question; `problem` stands at the answer."""
        values = {"question": question.token}
        form = cls(values) if problem else cls(initial=values)
        form.fields["answer"].label = question.text
        if problem:
            form.full_clean()
            form.errors["answer"] = form.error_class([problem])
        return form


STEPS: dict[str, type[forms.Form]] = {"category": CategoryForm, "details": DetailsForm, "contact": ContactForm}


def raw_values(form: forms.Form) -> dict[str, str]:
    """What stands in a form, as typed, without files: this is what a draft keeps."""
    return {name: str(form[name].value() or "") for name in form.fields if name != "files"}


def bound(answers: Mapping[str, Mapping[str, str]]) -> dict[str, forms.Form]:
    """Every step filled with a draft's answers, ready to be validated."""
    return {step: form_class(data=dict(answers.get(step, {}))) for step, form_class in STEPS.items()}


def initial(values: Mapping[str, str], form_class: type[forms.Form]) -> dict[str, Any]:
    """A draft's answers as the initial values of a step: a check box is ticked by any value but none."""
    return {
        name: values[name] not in ("", "False") if isinstance(field, forms.BooleanField) else values[name]
        for name, field in form_class.base_fields.items()
        if name in values
    }


def filing(steps: Mapping[str, forms.Form], *, at: datetime) -> transitions.Filing:
    """The filing that the valid steps describe."""
    details, contact = steps["details"].cleaned_data, steps["contact"].cleaned_data
    care = contact["care_note"]
    if contact["needs_care"] and not care:
        with translation.override(settings.LANGUAGE_CODE):
            care = str(_("Asked for help; find out which"))
    return transitions.Filing(
        subject=subject_of(details["narrative"]),
        channel=Channel.WEB,
        received_at=at,
        category=steps["category"].cleaned_data["category"],
        **{name: details[name] for name in ("narrative", "occurred_on", "demand", "place", "product", "amount")},
        **{
            name: contact[name]
            for name in ("name", "form_of_address", "phone", "email", "preferred_contact", "contact_note")
        },
        needs_care=care,
        care_given_how=_consent(contact["care_consent"] and bool(care)),
        is_confidential=contact["is_confidential"],
    )


def _consent(given: bool) -> str:
    """How the consent was given, as the record keeps it; "" for none (SPG-01)."""
    with translation.override(settings.LANGUAGE_CODE):
        return str(_("Ticked on the public form")) if given else ""


def subject_of(narrative: str) -> str:
    """The first sentence of the story, shortened: the name of the case in lists."""
    text = " ".join(narrative.split())
    first = next(part for part in _SENTENCE_END.split(text) if part.strip())
    first = first.strip().rstrip("。；;") or first.strip()
    return first if len(first) <= SUBJECT_LENGTH else f"{first[: SUBJECT_LENGTH - 1]}…"


# --- Tracking -------------------------------------------------------------------------------
class TrackForm(forms.Form):
    """Case number and access code; both are checked for shape here and together in the look-up."""

    NO_NUMBER = _("A case number looks like HY-20261120-0023; check it on the receipt.")
    NO_CODE = _("The access code has 16 letters and digits; check it on the receipt.")
    SHAPE = ("max_length", "null_characters_not_allowed")
    number = forms.CharField(
        label=_("Case number"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocapitalize": "characters", "spellcheck": "false"}),
        error_messages={
            "required": _("Write the case number; it begins with HY."),
            **dict.fromkeys(SHAPE, NO_NUMBER),
        },
    )
    code = forms.CharField(
        label=_("Access code"),
        max_length=60,
        widget=forms.TextInput(attrs={"autocapitalize": "characters", "spellcheck": "false"}),
        error_messages={
            "required": _("Write the access code from your receipt."),
            **dict.fromkeys(SHAPE, NO_CODE),
        },
    )


class SupplementForm(forms.Form):
    """Something new about an open case: facts, a question or a reminder, with files."""

    SUPPLEMENT = "supplement"
    kind = forms.ChoiceField(
        label=_("What would you like to do"),
        choices=[
            (SUPPLEMENT, _("Add information")),
            (QuestionKind.SUBSTANTIVE, _("Ask a question")),
            (QuestionKind.REMINDER, _("Remind us")),
        ],
        initial=SUPPLEMENT,
        widget=forms.RadioSelect,
    )
    text = PlainText(label=_("What you want to say"), limit=5000, lines=4, required=False)
    files = MultipleFiles(label=_("Photos, recordings, receipts"), required=False)  # type: ignore[assignment]  # a field

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.has_error("text") and not data.get("text") and not data.get("files"):
            self.add_error("text", _("Write something, or choose a file."))
        elif not data.get("text") and data.get("kind") not in (None, self.SUPPLEMENT) and not self.has_error("text"):
            self.add_error("text", _("Write your question."))
        return data


class QuestionForm(forms.Form):
    """A question about a case that is over."""

    text = PlainText(
        label=_("Your question"), limit=5000, lines=4, error_messages={"required": _("Write your question.")}
    )


class AnswerForm(forms.Form):
    """The answer to what the office asked for."""

    text = PlainText(
        label=_("Your answer"),
        limit=5000,
        lines=4,
        error_messages={"required": _("Write your answer, or say which files you add.")},
    )
    files = MultipleFiles(label=_("Photos, recordings, receipts"), required=False)  # type: ignore[assignment]  # a field


class WithdrawForm(forms.Form):
    """Why the complaint is taken back; nobody has to say."""

    reason = PlainText(label=_("Reason"), limit=300, required=False)


class IncidentRatingForm(forms.Form):
    """How the incident was handled that a case belongs to (INC-16)."""

    satisfaction = forms.ChoiceField(
        label=_("Are you satisfied with how the incident was handled"),
        choices=Satisfaction.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose how satisfied you are.")},
    )
    comment = PlainText(label=_("Anything else"), limit=2000, lines=3, required=False)


class RatingForm(forms.Form):
    """Satisfaction in three levels, with a coded reason when dissatisfied (FB-06, FB-07)."""

    satisfaction = forms.ChoiceField(
        label=_("Are you satisfied with the result"),
        choices=Satisfaction.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose how satisfied you are.")},
    )
    is_solved = forms.TypedChoiceField(
        label=_("Is the problem solved"),
        choices=[("yes", _("Yes, it is solved")), ("no", _("No, not yet"))],
        coerce=lambda value: value == "yes",
        empty_value=None,
        required=False,
        widget=forms.RadioSelect,
    )
    reason = forms.ChoiceField(
        label=_("If you are dissatisfied: the main reason"),
        choices=DissatisfactionReason.choices,
        required=False,
        widget=forms.RadioSelect,
    )
    process_satisfaction = forms.ChoiceField(
        label=_("Are you satisfied with how we dealt with it"),
        choices=Satisfaction.choices,
        required=False,
        widget=forms.RadioSelect,
    )
    comment = PlainText(label=_("Anything else"), limit=2000, lines=3, required=False)
    proposal = PlainText(label=_("What should we do better"), limit=2000, lines=3, required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        dissatisfied = data.get("satisfaction") == Satisfaction.DISSATISFIED
        if dissatisfied and not data.get("reason"):
            self.add_error("reason", _("Choose the reason for being dissatisfied."))
        if not dissatisfied:
            data["reason"] = ""
        return data

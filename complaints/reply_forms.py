"""The form of a reply template."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from complaints.choice_fields import CategoryField, LongText
from complaints.models import Dimension, ReplyTemplate
from complaints.reference_forms import SettingForm
from complaints.reply_templates import MAX_LENGTH


class TemplateForm(SettingForm):
    """A template. Without `template` it is a new one and has an identifier to fill in."""

    code = forms.SlugField(
        label=_("Identifier"), max_length=55, help_text=_("Lower-case letters, digits and hyphens; it never changes.")
    )
    name = forms.CharField(label=_("Name of the template"), max_length=120)
    category = CategoryField(Dimension.CATEGORY, label=_("Only for"), required=False, empty_label=_("Every category"))
    process = forms.CharField(label=_("What was done"), max_length=MAX_LENGTH, required=False, widget=LongText(8))
    result = forms.CharField(label=_("Result"), max_length=MAX_LENGTH, required=False, widget=LongText(10))

    def __init__(self, *args: Any, template: ReplyTemplate | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if template is not None:
            del self.fields["code"]
            for name in ("name", "process", "result"):
                self.initial.setdefault(name, getattr(template, name))
            self.initial.setdefault("category", template.category.code if template.category else "")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for name in ("process", "result"):
            # A browser sends line ends of its own; the text is compared with what was stored.
            values[name] = values.get(name, "").replace("\r\n", "\n")
        return values

"""What a template needs to know about a bound form field to render it accessibly.

The control is tied to its hint and its errors by id (aria-describedby), marked invalid when
it has errors, and dressed in the class its kind of widget has in the style sheets.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.safestring import SafeString

_CLASSES = {
    "checkbox": "check",
    "switch": "switch",
    "select": "select",
    "textarea": "textarea",
    "file": "input input-file",
}


class FieldView:
    """A bound field as the component form_field.html sees it."""

    def __init__(
        self,
        field: BoundField,
        *,
        label: str = "",
        hint: str | bool = "",
        optional: bool | None = None,
        cards: bool = False,
        option_hints: dict | None = None,
        switch: bool = False,
        cls: str = "",
        attrs: dict[str, Any] | None = None,
    ) -> None:
        self.field = field
        self.label = label or field.label
        if hint is False:
            field.help_text = ""  # or Django ties the control to a help text that is not shown
        self.hint = hint or field.help_text
        self.cards = cards
        self.cls = cls
        self.attrs = attrs or {}
        self._option_hints = {str(value): text for value, text in (option_hints or {}).items()}
        self.kind = "switch" if switch else _kind(field.field.widget)
        self.errors = [str(error) for error in field.errors]
        self.optional = self._is_optional() if optional is None else optional

    def _is_optional(self) -> bool:
        return (
            not self.field.field.required and not self.field.field.disabled and self.kind not in ("checkbox", "switch")
        )

    @property
    def is_group(self) -> bool:
        """Several controls with one question: radios and lists of check boxes."""
        return self.kind in ("radios", "checkboxes")

    @property
    def id(self) -> str:
        return self.field.id_for_label or self.field.auto_id

    @property
    def hint_id(self) -> str:
        return f"{self.field.auto_id}_hint"

    @property
    def error_id(self) -> str:
        return f"{self.field.auto_id}_error"

    @property
    def focus_id(self) -> str:
        """The id of the control that takes the focus: for a group its first option."""
        return f"{self.field.auto_id}_0" if self.is_group else self.id

    @property
    def described_by(self) -> str:
        ids = [self.hint_id] if self.hint else []
        if self.errors:
            ids.append(self.error_id)
        return " ".join(ids)

    @property
    def control(self) -> SafeString:
        attrs: dict[str, Any] = {**self.attrs, "class": f"{_CLASSES.get(self.kind, 'input')} {self.cls}".strip()}
        # False leaves the attribute out: a form field must not describe itself by Django's own ids.
        attrs["aria-describedby"] = self.described_by or False
        attrs["aria-invalid"] = "true" if self.errors else False
        if self.kind == "switch":
            attrs["role"] = "switch"
        return self.field.as_widget(attrs=attrs)

    @property
    def options(self) -> Iterable[dict[str, Any]]:
        """The options of a group, in order. A choice without a value (---------) is left out of radios."""
        cls = "radio" if self.kind == "radios" else "check"
        for option in self.field.subwidgets:
            value = str(option.data["value"])
            if self.kind == "radios" and not value:
                continue
            option.data["attrs"] = {**option.data["attrs"], "class": cls}
            option.data["attrs"].pop("aria-describedby", None)
            option.data["wrap_label"] = False
            yield {
                "control": option.tag(),
                "id": option.id_for_label,
                "label": option.choice_label,
                "hint": self._option_hints.get(value, ""),
            }


def _kind(widget: forms.Widget) -> str:
    # CheckboxSelectMultiple is a kind of RadioSelect, so it comes first.
    if isinstance(widget, forms.CheckboxSelectMultiple):
        return "checkboxes"
    if isinstance(widget, forms.RadioSelect):
        return "radios"
    if isinstance(widget, forms.CheckboxInput):
        return "checkbox"
    if isinstance(widget, forms.Select | forms.SelectMultiple):
        return "select"
    if isinstance(widget, forms.Textarea):
        return "textarea"
    if isinstance(widget, forms.FileInput):
        return "file"
    return "text"

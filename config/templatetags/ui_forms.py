"""The form components: a field with everything that belongs to it, and the list of errors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template
from django.forms import BoundField
from django.forms.utils import ErrorList
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.formfields import FieldView

register = template.Library()


@register.inclusion_tag("components/form_field.html")
def form_field(
    field: BoundField,
    label: str = "",
    hint: str | bool = "",
    optional: bool | None = None,
    cards: bool = False,
    option_hints: dict | None = None,
    switch: bool = False,
    hide_label: bool = False,
    cls: str = "",
    placeholder: str | bool | None = None,
    autocomplete: str = "",
    inputmode: str = "",
    rows: int | None = None,
    autofocus: bool = False,
    link_url: str = "",
    link_label: str = "",
) -> dict:
    """A bound form field: label, hint, error and control, tied together for assistive technology.

    `hint` defaults to the field's help text; False shows none.
    `optional` defaults to "not required" and writes （选填）. `cards` shows radios and check boxes
    as large choices for the public, with `option_hints` (value → small text) below each.
    `cls` goes on the control; `placeholder=False` removes one set by a third-party form.
    """
    attrs: dict[str, Any] = {"autocomplete": autocomplete, "inputmode": inputmode, "rows": rows, "autofocus": autofocus}
    attrs = {name: value for name, value in attrs.items() if value}
    if placeholder is not None:
        attrs["placeholder"] = placeholder
    view = FieldView(
        field,
        label=label,
        hint=hint,
        optional=optional,
        cards=cards,
        option_hints=option_hints or {},
        switch=switch,
        cls=cls,
        attrs=attrs,
    )
    return {"view": view, "hide_label": hide_label, "link_url": link_url, "link_label": link_label}


@register.inclusion_tag("components/error_summary.html")
def error_summary(*forms: Any) -> dict:
    """All errors of one or several forms or formsets, each linked to its field; nothing when there are none."""
    entries: list[dict[str, str]] = []
    for form in forms:
        if form is not None and form.is_bound:
            entries.extend(_form_errors(form))
    title = ngettext("%(count)s thing needs to be changed", "%(count)s things need to be changed", len(entries))
    return {"entries": entries, "title": title % {"count": len(entries)}}


def _form_errors(form: Any) -> Iterable[dict[str, str]]:
    if hasattr(form, "forms"):
        yield from _texts(form.non_form_errors())
        for each in form.forms:
            yield from _form_errors(each)
        return
    yield from _texts(form.non_field_errors())
    for field in form:
        if field.is_hidden:
            yield from _texts(field.errors)
            continue
        for text in field.errors:
            yield {
                "text": _("%(label)s: %(error)s") % {"label": str(field.label).rstrip("?？"), "error": text},
                "target": FieldView(field).focus_id,
            }


def _texts(errors: ErrorList) -> Iterable[dict[str, str]]:
    for text in errors:
        yield {"text": str(text), "target": ""}

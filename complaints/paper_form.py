"""The registration form on paper: the twin of the web form, field by field, with version and date (IN-15).

Whoever adds, drops or reorders a field of the web form raises VERSION with it; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from complaints.public_forms import STEPS

VERSION = "1.1"
VALID_FROM = date(2026, 11, 22)
# The fields of this version, in the order of the web form.
FIELDS: dict[str, tuple[str, ...]] = {
    "category": ("category",),
    "details": ("narrative", "occurred_on", "demand", "place", "product", "amount", "about_office", "files"),
    "contact": (
        "name",
        "form_of_address",
        "phone",
        "email",
        "preferred_contact",
        "contact_note",
        "needs_care",
        "care_note",
        "care_consent",
        "is_confidential",
    ),
}
_HEADINGS: dict[str, Promise] = {
    "category": _("What it is about"),
    "details": _("What happened"),
    "contact": _("How we reach you"),
}
# How many lines a long answer gets on the sheet.
_LINES = {"narrative": 9, "demand": 3}


@dataclass(frozen=True)
class Entry:
    """A field on paper: ruled lines to write on, or boxes to tick."""

    name: str
    label: str
    lines: list[int]
    boxes: list[str]


def entries(form: forms.Form, names: tuple[str, ...]) -> list[Entry]:
    """The fields of one step as they stand on the sheet."""
    found = []
    for name in names:
        field = form.fields[name]
        boxes: list[str] = []
        if isinstance(field, forms.BooleanField):
            boxes = [str(field.label)]
        elif isinstance(field, forms.ChoiceField):
            boxes = [str(label) for value, label in cast(Any, field.choices) if value != ""]
        label = "" if isinstance(field, forms.BooleanField) else str(field.label)
        found.append(Entry(name, label, [] if boxes else list(range(_LINES.get(name, 1))), boxes))
    return found


@require_safe
def paper_form(request: HttpRequest) -> HttpResponse:
    """The form to print, in large print on A4; the same for every reader, without anything about a person."""
    sections: list[tuple[Any, list[Entry]]] = [
        (_HEADINGS[step], entries(STEPS[step](), names)) for step, names in FIELDS.items()
    ]
    context = {"sections": sections, "version": VERSION, "valid_from": VALID_FROM}
    return render(request, "public/paper_form.html", context)

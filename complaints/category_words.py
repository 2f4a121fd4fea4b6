"""What a category asks for, in the reader's language: questions, materials, fields (IN-25, IN-36, SCR-05)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import get_language

from complaints.models import Category, Complaint


def said(entry: dict[str, Any]) -> str:
    """A question or material in the active language; Chinese where there is no English."""
    text = str(entry.get("text", ""))
    return str(entry.get("text_en") or text) if get_language() == "en" else text


def questions(category: Category | None) -> list[str]:
    """What to ask whoever complains about this."""
    return [text for text in map(said, _of_nearest(category, "prompts")) if text]


def materials(category: Category | None) -> list[str]:
    """What belongs to a complaint about this, the essential first."""
    found = sorted(_of_nearest(category, "materials"), key=lambda entry: not entry.get("is_essential"))
    return [text for text in map(said, found) if text]


def _of_nearest(category: Category | None, field: str) -> list[dict[str, Any]]:
    """What a category says, or the one above it: who chooses more exactly shall not be asked less."""
    while category:
        if found := getattr(category, field):
            return found
        category = category.parent
    return []


def unfilled(complaint: Complaint, category: Category | None) -> list[str]:
    """Fields that complaints of this category need and this one lacks, by name; an amount of 0 is filled (SCR-05)."""
    return [
        name for name in (category.required_fields if category else []) if getattr(complaint, name, None) in ("", None)
    ]


def field_labels(names: list[str]) -> list[str]:
    """What these fields of a complaint are called."""
    return [str(getattr(Complaint._meta.get_field(name), "verbose_name", name)) for name in names]

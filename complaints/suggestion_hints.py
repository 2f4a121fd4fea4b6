"""How a proposal is shown: beside the field it is about, with its confidence and what it rests on (CLS-14)."""

from __future__ import annotations

from typing import Any

from django.forms import Form
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from complaints.models import Complaint, Suggestion, SuggestionOf
from complaints.suggestions import BY_CATEGORY, BY_MODEL, BY_PAST_CASES, Proposal

Shown = Suggestion | Proposal


def grounds(found: Shown) -> str:
    """What a proposal rests on, in words; the words of the complaint where a model named it."""
    if found.of == SuggestionOf.CATEGORY:
        return _because_of(found.reasons)
    if found.rule:
        return _("by the routing rule “%(name)s”") % {"name": found.rule.name}
    if found.reasons[:1] == [BY_MODEL]:
        return _because_of(found.reasons[1:])
    if found.reasons[:1] == [BY_CATEGORY]:
        return _("the usual department of this category")
    if found.reasons[:1] == [BY_PAST_CASES]:
        _kind, times, total = found.reasons
        return _("%(times)s of the last %(total)s cases of this category went there") % {
            "times": times,
            "total": total,
        }
    return ""


def _because_of(words: list[str]) -> str:
    return _("because of the words: %(words)s") % {"words": "、".join(words)} if words else ""


def context(found: Shown | None) -> dict[str, Any]:
    """The values of complaints/suggestion.html; `name` is empty where the system abstained."""
    if found is None:
        return {"name": ""}
    name = found.category.label if found.category else found.department.name if found.department else ""
    return {"name": name, "percent": round(100 * found.confidence), "grounds": grounds(found)}


def stored(complaint: Complaint, of: SuggestionOf) -> Suggestion | None:
    """What was proposed for a case, or None where nothing was or the system abstained. One query."""
    rows = Suggestion.objects.select_related("category", "department", "rule__person")
    found = rows.filter(complaint=complaint, of=of).first()
    return found if found and (found.category or found.department) else None


def offer_category(form: Form, complaint: Complaint) -> None:
    """Show the proposed category at the field, and choose it where nobody chose one yet."""
    found = stored(complaint, SuggestionOf.CATEGORY)
    if found is None or found.category is None:
        return
    _hint(form, "category", found)
    if complaint.category is None and found.category.is_active:
        form.initial.setdefault("category", found.category.code)


def offer_department(form: Form, complaint: Complaint) -> None:
    """Show the proposed department at the field and choose it, with the person the rule names.

    Not once a department has returned the case: the proposal would be the same again.
    """
    if complaint.return_rounds:
        return
    found = stored(complaint, SuggestionOf.DEPARTMENT)
    if found is None or found.department is None or not found.department.is_active:
        return
    _hint(form, "department", found)
    form.initial.setdefault("department", found.department.code)
    person = found.rule.person if found.rule else None
    if person and person.is_active and "handler" in form.fields:
        form.initial.setdefault("handler", person.staff_number)


def _hint(form: Form, name: str, found: Suggestion) -> None:
    # Rendered to safe HTML: the names and words in it are escaped by the template.
    form.fields[name].help_text = render_to_string("complaints/suggestion.html", context(found))

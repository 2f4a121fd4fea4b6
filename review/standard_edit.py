"""Editing a standard that is kept as revisions: first see what the change would do, then store it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms

from accounts.errors import InvalidInput, StaleVersion
from accounts.web import StaffRequest


@dataclass
class Outcome:
    """What came of a request: the stored revision, or the effect to look at first, or why neither."""

    status: int = 200
    problem: str = ""
    stored: Any = None
    effect: Any = None


def run(
    request: StaffRequest,
    form: forms.Form,
    *,
    edited: Callable[[], Any],
    revise: Callable[..., Any],
    effect: Callable[[Any], Any],
) -> Outcome:
    """Store what the form says when it was sent to be saved, else show its effect; faults stand at their fields."""
    if not form.is_bound:
        return Outcome()
    if not form.is_valid():
        return Outcome(status=422)
    try:
        values = edited()
        if "save" not in request.POST:
            return Outcome(effect=effect(values))
        told = {name: form.cleaned_data[name] for name in ("note", "based_on")}
        return Outcome(stored=revise(values, by=request.user, **told))
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return Outcome(status=422)
    except StaleVersion as error:
        return Outcome(status=409, problem=str(error))

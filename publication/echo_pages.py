"""What the pages about the echo of publications share: doing what a form asks, one way to say why not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms

from accounts.errors import IllegalTransition, InvalidInput, StaleVersion

PAGE_SIZE = 50


def settle(form: forms.Form, act: Callable[..., Any]) -> tuple[int, str]:
    """Do what the filled form asks, and how it went: 302 done, 422 wrong input, 409 with the reason.

    NotAllowed passes through.
    """
    if not form.is_valid():
        return 422, ""
    try:
        act(**form.cleaned_data)
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return 422, ""
    except (IllegalTransition, StaleVersion) as error:
        return 409, str(error)
    return 302, ""

"""What the fields of the forms say."""

from __future__ import annotations

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from complaints import choice_fields


def messages(field: forms.Field, value: str) -> list[str]:
    with pytest.raises(ValidationError) as refused:
        field.run_validators(value)
    return refused.value.messages


def test_the_sentences_worded_here_are_those_the_fields_say():
    """Else the catalogue would word sentences nobody reads."""
    said = {*messages(forms.CharField(), "a\0"), *messages(forms.SlugField(), "a b")}
    assert said == {gettext(text) for text in choice_fields.WORDED_HERE}

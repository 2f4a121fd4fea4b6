"""Words before a number that decide what it is."""

from __future__ import annotations

from publication.redaction.lexicon import KEEP_NUMBER
from publication.redaction.normalise import View

_LOOK_BACK = 20


def is_reference_number(view: View, start: int) -> bool:
    """Whether an order, document or case number begins at ``start``: those stay readable."""
    return KEEP_NUMBER.search(view.text[max(0, start - _LOOK_BACK) : start]) is not None


def digits_only(text: str) -> str:
    return "".join(char for char in text if char.isdigit())

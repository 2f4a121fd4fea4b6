"""Texts of a result cut to a length, at the end of a sentence where one is near."""

from __future__ import annotations

import re

_SENTENCE = re.compile(r"[^。！？；\n]+[。！？；]?")
ELLIPSIS = "…"


def sentences(text: str) -> list[str]:
    """The sentences of a plain text with their full stops; marks of list items are left out."""
    found = (re.sub(r"^[-–—•·●]\s*", "", part.strip()) for part in _SENTENCE.findall(text))
    return [part for part in found if part]


def cut(text: str, most: int | None) -> str:
    """The text, or its first sentences, in at most `most` characters; a sentence broken off ends in “…”.

    None leaves it whole.
    """
    text = text.strip()
    if most is None or len(text) <= most:
        return text
    head = text[: most - 1]
    end = max(head.rfind(mark) for mark in "。！？；")
    if end + 1 >= most // 2:
        return head[: end + 1]
    return head.rstrip("，、：,: ") + ELLIPSIS


def lines(texts: list[str], most: int | None) -> list[str]:
    """As many lines as `most` characters hold together; what does not fit is cut, the rest left out."""
    if most is None:
        return list(texts)
    found, left = [], most
    for text in texts:
        if left < 8:
            break
        found.append(cut(text, left))
        left -= len(found[-1])
    return found

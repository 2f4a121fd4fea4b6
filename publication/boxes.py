"""Boxes proposed for a page of a PDF: where its text names somebody (PUB-21)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.utils.translation import gettext_noop

from publication import content, masking
from publication.models import Publication
from publication.redaction import Span, leaks
from publication.rendering import Box, Character

# Left free around the characters, in fractions of the page.
MARGIN = 0.004
# Why a copy that could be made cannot be published; kept with the file and shown in the language of the reader.
SHOWS = gettext_noop("Its text still shows what identifies somebody. Take over the proposed boxes.")


@dataclass(frozen=True)
class Proposal:
    """A box and the kind of what stands under it; the words themselves are not repeated."""

    box: Box
    kind: str

    @property
    def percent(self) -> dict[str, str]:
        """The box in percent of the page, for the drawing."""
        return {name: f"{self.box[name] * 100:.2f}" for name in ("x", "y", "width", "height")}

    @property
    def value(self) -> str:
        """What the form sends when the box is taken over: four percentages."""
        return ",".join(self.percent.values())


def proposed(publication: Publication, page: int, text: list[Character], drawn: Iterable[Box]) -> list[Proposal]:
    """A box for every line of every place the redaction engine finds, unless one covers it already."""
    spans = content.suggest(_words(text), content.known_of(publication), masking.rows_for(publication))
    return list(_open(page, text, spans, drawn))


def shows_somebody(publication: Publication, page: int, text: list[Character], drawn: Iterable[Box]) -> bool:
    """Whether something no box covers would stop a text from being posted (PUB-19).

    A landline may be the office's of the letterhead: whether it is, the person who looks at the copy sees.
    """
    found = leaks(_words(text), content.known_of(publication))
    spans = [span for span in found if span.source != "pattern" or span.type not in content.OFFICE_NUMBER]
    return any(True for _each in _open(page, text, spans, drawn))


def _words(text: list[Character]) -> str:
    return "".join(character.character for character in text)


def _open(page: int, text: list[Character], spans: Iterable[Span], drawn: Iterable[Box]) -> Iterator[Proposal]:
    """A box for every line of every span, unless a drawn one covers it."""
    here = [box for box in drawn if box["page"] == page]
    for span in spans:
        for line in _lines(text[span.start : span.end]):
            box = _around(page, line)
            if not any(_covers(other, box) for other in here):
                yield Proposal(box, span.type)


def _lines(characters: Iterable[Character]) -> Iterator[list[Character]]:
    """The visible characters, cut where the next one does not stand on the same line."""
    line: list[Character] = []
    for character in characters:
        if not character.character.strip() or not (character.width or character.height):
            continue
        if line and abs(_middle(character) - _middle(line[-1])) > max(character.height, line[-1].height):
            yield line
            line = []
        line.append(character)
    if line:
        yield line


def _middle(character: Character) -> float:
    return character.y + character.height / 2


def _around(page: int, line: list[Character]) -> Box:
    left = max(min(each.x for each in line) - MARGIN, 0)
    top = max(min(each.y for each in line) - MARGIN, 0)
    right = min(max(each.x + each.width for each in line) + MARGIN, 1)
    bottom = min(max(each.y + each.height for each in line) + MARGIN, 1)
    return {"page": page, "x": left, "y": top, "width": right - left, "height": bottom - top}


def _covers(outer: Box, inner: Box) -> bool:
    slack = MARGIN
    return (
        outer["x"] <= inner["x"] + slack
        and outer["y"] <= inner["y"] + slack
        and outer["x"] + outer["width"] >= inner["x"] + inner["width"] - slack
        and outer["y"] + outer["height"] >= inner["y"] + inner["height"] - slack
    )

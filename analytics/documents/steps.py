"""Progress of a long rendering: one step per section, one for writing the file."""

from collections.abc import Callable, Iterator
from pathlib import Path

from django.utils.translation import gettext as _

from .snapshot import ReportSnapshot, Section


class TemplateUnfit(ValueError):
    """A Word template that cannot be filled; the text says why."""


OnStep = Callable[[int, int, str], None]
Target = str | Path


def sections_in_steps(snapshot: ReportSnapshot, on_step: OnStep | None) -> Iterator[tuple[int, Section]]:
    """Walk the sections, announcing each before work on it starts, and the writing of the file after the last."""
    total = len(snapshot.sections) + 1
    for index, section in enumerate(snapshot.sections):
        if on_step:
            on_step(index + 1, total, section.heading)
        yield index, section
    if on_step:
        on_step(total, total, _("Writing the file"))

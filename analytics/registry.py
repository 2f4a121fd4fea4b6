"""What a figure is: its entry in the registry, its value, and how many are computed at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from analytics import source_names
from analytics.cells import Cells, Group, Source
from analytics.facts import joined
from analytics.periods import Period
from analytics.scope import Scope

# Fewer than this many cases could be recognised; such cells do not leave the office.
SMALL = 5


class Unit(StrEnum):
    CASES = "cases"
    RATIO = "ratio"
    DAYS = "working_days"
    HOURS = "hours"


UNIT_LABELS: dict[Unit, Promise] = {
    # Cases, reminders, improvements: the definition of the figure says which.
    Unit.CASES: pgettext_lazy("unit", "count"),
    Unit.RATIO: _("percent"),
    Unit.DAYS: _("working days"),
    Unit.HOURS: _("hours"),
}


@dataclass(frozen=True)
class Value:
    """A figure: `part` of `of` for a rate, `of` cases behind an average; None where nothing was counted."""

    value: float | int | None
    part: int | None = None
    of: int | None = None
    hidden: bool = False

    def outside(self) -> Value:
        """The value as it may leave the office: nothing that rests on 1 to 4 cases."""
        size = self.of if self.of is not None else self.value
        return Value(None, hidden=True) if size and size < SMALL else self

    def to_dict(self) -> dict[str, Any]:
        known = {"value": self.value, "part": self.part, "of": self.of}
        return {
            **{name: n for name, n in known.items() if name == "value" or n is not None},
            **({"suppressed": True} if self.hidden else {}),
        }


@dataclass(frozen=True)
class Figure:
    """The registry entry of one figure; calling it computes it. `rising` says whether more is better."""

    key: str
    name: Promise
    unit: Unit
    definition: Promise
    source: Source
    read: Callable[[Counter], Value]
    rising: bool | None

    # A template that names a figure wants its entry, not a computation.
    do_not_call_in_templates: ClassVar[bool] = True

    def __call__(self, period: Period, scope: Scope) -> Value:
        return self.read(self.source([period], scope, ()).total(period))

    @property
    def explained(self) -> str:
        """Definition, unit and what is left out, then where it comes from."""
        return joined(str(self.definition), str(source_names.WORDS[self.source]))

    def headed(self, unit: str) -> str:
        """The name with this unit, unless it stands in the name already."""
        name = str(self.name)
        return name if unit in name else gettext("%(figure)s (%(unit)s)") % {"figure": name, "unit": unit}

    def by(self, axis: str, period: Period, scope: Scope) -> dict[Group, Value]:
        """The figure per group of an axis."""
        return {
            group: self.read(counts) for group, counts in self.source([period], scope, (axis,)).by(axis, period).items()
        }


FIGURES: dict[str, Figure] = {}


def figure(
    name: Promise, unit: Unit, source: Source, definition: Promise, *, rising: bool | None = None
) -> Callable[[Callable[[Counter], Value]], Figure]:
    """Register the function below as a figure under its own name."""

    def register(read: Callable[[Counter], Value]) -> Figure:
        FIGURES[read.__name__] = Figure(read.__name__, name, unit, definition, source, read, rising)
        return FIGURES[read.__name__]

    return register


def ratio(part: int, of: int) -> Value:
    return Value(part / of if of else None, part, of)


class Computed:
    """Sources already read: figures of any period and group in them without another query."""

    def __init__(self, cells: dict[Source, Cells]) -> None:
        self.cells = cells

    def value(self, figure: Figure, period: Period) -> Value:
        return figure.read(self.cells[figure.source].total(period))

    def by(self, figure: Figure, axis: str, period: Period) -> dict[Group, Value]:
        return {group: figure.read(counts) for group, counts in self.cells[figure.source].by(axis, period).items()}


def compute(
    figures: Iterable[Figure],
    periods: Sequence[Period],
    scope: Scope,
    axes: Mapping[Source, Sequence[str]] | None = None,
) -> Computed:
    """Read the sources of these figures for consecutive periods, one query each, grouped by their axes."""
    axes = axes or {}
    wanted = dict.fromkeys(figure.source for figure in figures)
    return Computed({source: source(periods, scope, axes.get(source, ())) for source in wanted})

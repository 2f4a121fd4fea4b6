"""Charts as SVG strings, drawn from plain figures (AN-04, AN-07, AN-31).

The same functions serve the page and the documents: on a page colours are CSS variables, so the dark theme follows by
itself; in a document they are literal. Every chart carries a title and one sentence stating its finding.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.safestring import SafeString

from .bars import before_after, pareto, satisfaction_bar, share_bars
from .canvas import PaletteName, Points
from .causes import fishbone, why_chain
from .lines import ControlLimits, control_chart, control_limits, heat_levels, sparkline
from .numbers import show

__all__ = [
    "KINDS",
    "ControlLimits",
    "PaletteName",
    "Points",
    "before_after",
    "control_chart",
    "control_limits",
    "draw",
    "fishbone",
    "heat_levels",
    "pareto",
    "satisfaction_bar",
    "share_bars",
    "show",
    "sparkline",
    "why_chain",
]

KINDS: dict[str, Callable[..., SafeString]] = {
    "control": control_chart,
    "pareto": pareto,
    "shares": share_bars,
    "satisfaction": satisfaction_bar,
    "before_after": before_after,
}


def draw(kind: str, data: Mapping[str, Any], *, title: str, finding: str, palette: PaletteName = "page") -> SafeString:
    """Draw the chart a frozen report describes. Raises ValueError for an unknown kind or unfit data."""
    if kind not in KINDS:
        raise ValueError(f"unknown chart kind {kind!r}")
    try:
        return KINDS[kind](**data, title=title, finding=finding, palette=palette)
    except TypeError as error:
        raise ValueError(f"data of a {kind} chart: {error}") from error

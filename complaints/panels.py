"""Slots on the case page and the tracking page that the apps above fill (architecture, The house).

An app above registers a function in its `AppConfig.ready()`; complaints knows none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from accounts.models import User
from complaints.models import Complaint


@dataclass(frozen=True)
class Panel:
    """One box: a template and its context. `order` sorts within a slot.

    `is_way_on`: who is not satisfied with the answer is led here (FB-19).
    """

    template: str
    context: dict[str, Any] = field(default_factory=dict)
    order: int = 100
    is_way_on: bool = False


# (complaint, user) → panel or None
CasePanel = Callable[[Complaint, User], Panel | None]
# (complaint) → panel or None, for the complainant
TrackPanel = Callable[[Complaint], Panel | None]

_case_panels: list[CasePanel] = []
_track_panels: list[TrackPanel] = []


def register_case_panel(function: CasePanel) -> CasePanel:
    """Offer a box on the case page."""
    _case_panels.append(function)
    return function


def register_track_panel(function: TrackPanel) -> TrackPanel:
    """Offer a box on the complainant's tracking page; it may show only what the complainant may know."""
    _track_panels.append(function)
    return function


def case_panels(complaint: Complaint, user: User) -> list[Panel]:
    return _sorted(function(complaint, user) for function in _case_panels)


def track_panels(complaint: Complaint) -> list[Panel]:
    return _sorted(function(complaint) for function in _track_panels)


def _sorted(panels) -> list[Panel]:
    return sorted((panel for panel in panels if panel is not None), key=lambda panel: panel.order)

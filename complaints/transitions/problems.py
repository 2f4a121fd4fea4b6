"""What a case learns of the problem list: that it was put on it (IMP-07)."""

from __future__ import annotations

from datetime import datetime

from accounts.models import User
from complaints.models import CaseEvent, Complaint
from complaints.transitions import core


def note_problem(complaint: Complaint, problem: str, *, by: User, at: datetime) -> CaseEvent:
    """Write down that the case is a source of a problem, by its number. The caller holds the case."""
    return core.add_event(complaint, "problem_linked", by=by, at=at, reference=f"problem:{problem}")

"""Who needs care, and whether they allowed that it is noted and shown to those who handle the case (SPG-01, SPG-05).

Without a standing consent nobody but the intake desk learns that something was noted: the desk then asks.
The writes stand in complaints.transitions.care and complaints.transitions.needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from accounts.models import User
from complaints import permissions
from complaints.models import CareConsent, Complaint, SpecialNeed
from complaints.panels import Panel, register_track_panel
from complaints.states import ENDED, SpecialGroup

# Who takes complaints in, and so asks for a consent that is missing.
INTAKE = ("complaints.register_complaint", "complaints.screen_complaint")
RECORD = ("complaints.record_for_complainant", "complaints.record_contact", "complaints.register_complaint")


@dataclass(frozen=True)
class Marker:
    """What stands on the case: the groups the consent names, or that it is still to be asked for."""

    groups: tuple[str, ...]
    has_needs: bool
    is_consented: bool


def standing(complaint: Complaint) -> CareConsent | None:
    """The consent that holds now; no query on a case whose records were loaded."""
    return next((row for row in complaint.care_consents.all() if row.withdrawn_at is None), None)


def marker(complaint: Complaint, user: User) -> Marker | None:
    """The care marker as this person sees it; None for nothing (SPG-01)."""
    consent = standing(complaint)
    if consent is not None:
        return Marker(group_labels(consent.groups), bool(consent.needs), True)
    if not (complaint.special_groups or complaint.complainant.needs_care) or not asks_for_consent(user):
        return None
    return Marker((), False, False)


def asks_for_consent(user: User) -> bool:
    """Whether the person works at the intake desk."""
    return any(user.has_perm(name) for name in INTAKE)


def may_record(user: User, complaint: Complaint) -> bool:
    """Whether the person writes down what the complainant says about care."""
    if not user.is_active or not any(user.has_perm(name) for name in RECORD):
        return False
    return user.has_perm("complaints.view_all") or permissions.holds_case(user, complaint)


def group_labels(groups: list[str]) -> tuple[str, ...]:
    """The groups in words, in the order of the list."""
    return tuple(str(SpecialGroup(code).label) for code in SpecialGroup.values if code in groups)


def open_needs(complaint: Complaint) -> list[SpecialNeed]:
    """The individual needs nothing was found for yet; they keep the case open (SPG-05)."""
    return [row for row in complaint.special_needs.all() if not row.outcome]


def badge(complaint: Complaint, user: User) -> dict[str, Any]:
    """What the head of the case page shows; no query on a case whose records were loaded."""
    return {"marker": marker(complaint, user), "open_needs": len(open_needs(complaint))}


def may_work_on_needs(user: User, complaint: Complaint) -> bool:
    """Whether the person records and settles individual needs: the office, or who has the case."""
    if not user.is_active or not user.has_perm("complaints.write_note") or complaint.status in ENDED:
        return False
    return user.has_perm("complaints.view_all") or permissions.holds_case(user, complaint)


@register_track_panel
def track_panel(complaint: Complaint) -> Panel | None:
    """What the complainant allowed to be noted, with the way to take it back (SPG-01)."""
    consent = complaint.care_consents.filter(withdrawn_at=None).first()
    if consent is None:
        return None
    values = {"groups": group_labels(consent.groups), "needs": consent.needs, "given_at": consent.given_at}
    return Panel("public/track/care_panel.html", values, order=80)

"""Who may do what on a case (guarantees, role × action matrix). Pages, API and transitions ask here.

Rules read the records of a case through its relations, so a page that loaded them with the case asks
nothing more; a transition works on a case it has just locked, so there they are read anew.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.models import User
from complaints.models import Assignment, CaseEvent, Complaint, Contact, Extension, Meeting
from complaints.states import MOVES, AssignmentRole, RequestState

# Actions of the handling department; the lead department does them, a supporting one only its own task.
_LEAD_ONLY = {"start", "hand_over", "request_return", "submit_for_check"}
_DEPARTMENT = {*_LEAD_ONLY, "receive_task", "finish_supporting"}


def refusal(user: User, action: str, complaint: Complaint) -> str:
    """Why `user` may not do `action` on this case; '' when they may. The status is not looked at."""
    move = MOVES[action]
    if not user.is_active or not user.has_perm(move.permission):
        return _("Your role does not allow this.")
    rule = _RULES.get(action)
    return rule(user, complaint) if rule else ""


def can(user: User, action: str, complaint: Complaint) -> bool:
    return not refusal(user, action, complaint)


def holds_case(user: User, complaint: Complaint, *, role: str | None = None) -> bool:
    """One of the user's departments has the case now (as `role`, when given)."""
    rows = [row for row in complaint.assignments.all() if row.is_current and row.department_id in user.department_ids]
    return any(role in (None, row.role) for row in rows)


def handled_case(user: User, complaint: Complaint) -> bool:
    """The user, or a department the user belongs or belonged to at handling time, had the case."""
    rows = complaint.assignments.all()
    if any(row.department_id in user.department_ids or row.handler_id == user.pk for row in rows):
        return True
    for row in rows:
        end = max(row.ended_at or complaint.closed_at or complaint.status_since, row.assigned_at)
        for item in user.all_memberships:
            overlaps = item.since <= end and (item.until is None or item.until > row.assigned_at)
            if item.department_id == row.department_id and overlaps:
                return True
    return False


def latest_drafter(complaint: Complaint) -> int | None:
    """Who wrote the current reply."""
    newest = max(complaint.replies.all(), key=lambda reply: reply.round, default=None)
    return newest.drafted_by_id if newest else None


def extensions_asked(complaint: Complaint) -> list[Extension]:
    """The extensions that wait for a decision; from the loaded clocks where the case has them."""
    if "deadlines" not in getattr(complaint, "_prefetched_objects_cache", {}):
        return list(Extension.objects.filter(deadline__complaint=complaint, state=RequestState.REQUESTED))
    asked = [row for deadline in complaint.deadlines.all() for row in deadline.extensions.all()]
    return [row for row in asked if row.state == RequestState.REQUESTED]


def _lead(user: User, complaint: Complaint) -> str:
    if holds_case(user, complaint, role=AssignmentRole.LEAD):
        return ""
    return _("Only the lead department of the case may do this.")


def _draft(user: User, complaint: Complaint) -> str:
    # The office may draft on any case it sees; a department only as the lead (matrix, draft).
    if user.has_perm("complaints.view_all"):
        return ""
    return _lead(user, complaint)


def _supporting(user: User, complaint: Complaint) -> str:
    if holds_case(user, complaint, role=AssignmentRole.SUPPORTING):
        return ""
    return _("Your department has no supporting task on this case.")


def _request_clock(user: User, complaint: Complaint) -> str:
    if user.has_perm("complaints.view_all") or holds_case(user, complaint):
        return ""
    return _("Only the department that has the case may ask for this.")


def _quality(user: User, complaint: Complaint) -> str:
    if latest_drafter(complaint) == user.pk:
        return _("You drafted this reply; another person checks it.")
    if handled_case(user, complaint):
        return _("Your department handled this case; somebody from outside checks it.")
    return ""


def _legal(user: User, complaint: Complaint) -> str:
    if latest_drafter(complaint) == user.pk or handled_case(user, complaint):
        return _("You took part in handling this case; another counsel decides.")
    return ""


def _independent_caller(user: User, complaint: Complaint) -> str:
    # A merged case was handled and answered in the one it is merged into.
    for case in filter(None, (complaint, complaint.merged_into)):
        if latest_drafter(case) == user.pk or case.handler_id == user.pk or handled_case(user, case):
            return _("You took part in handling this case; somebody independent calls back.")
    return ""


def _close(user: User, complaint: Complaint) -> str:
    if latest_drafter(complaint) == user.pk:
        return _("You drafted the reply; another person closes the case.")
    if any(row.by_id == user.pk and row.satisfaction for row in complaint.callbacks.all()):
        return _("You entered the satisfaction; another person closes the case.")
    return ""


def _approve_pause(user: User, complaint: Complaint) -> str:
    if any(row.state == RequestState.REQUESTED and row.requested_by_id == user.pk for row in complaint.pauses.all()):
        return _("You asked for this pause; another person decides.")
    return ""


def _approve_extension(user: User, complaint: Complaint) -> str:
    if any(row.requested_by_id == user.pk for row in extensions_asked(complaint)):
        return _("You asked for this extension; another person decides.")
    return ""


def _approve_reset(user: User, complaint: Complaint) -> str:
    rows = complaint.clock_resets.all()
    if any(row.state == RequestState.REQUESTED and row.requested_by_id == user.pk for row in rows):
        return _("You asked for this new start; another person decides.")
    return ""


def _adjudicate(user: User, complaint: Complaint) -> str:
    if any(row.is_current and row.return_requested_by_id == user.pk for row in complaint.assignments.all()):
        return _("You asked for the return; another person decides.")
    return ""


def _second_look(user: User, complaint: Complaint) -> str:
    if any(row.decided_at is None and row.proposed_by_id == user.pk for row in complaint.unreasonable_labels.all()):
        return _("You proposed this; another person decides.")
    return ""


_RULES = {
    **dict.fromkeys(_LEAD_ONLY, _lead),
    "submit_for_check": _draft,
    "receive_task": _supporting,
    "finish_supporting": _supporting,
    "request_pause": _request_clock,
    "request_extension": _request_clock,
    "request_reset": _request_clock,
    "resume": _request_clock,
    "pass_quality": _quality,
    "return_for_rework": _quality,
    "pass_legal": _legal,
    "return_from_legal": _legal,
    "call_back": _independent_caller,
    "rate": _independent_caller,
    "close": _close,
    "decide_unreasonable": _second_look,
    "approve_pause": _approve_pause,
    "approve_extension": _approve_extension,
    "approve_reset": _approve_reset,
    "grant_return": _adjudicate,
    "refuse_return": _adjudicate,
}


def reveal_refusal(user: User, complaint: Complaint) -> str:
    """Why the user may not read identity and contact in clear; '' when they may (matrix, ident)."""
    if not user.has_perm("complaints.reveal_identity"):
        return _("Your role does not allow this.")
    if complaint.is_confidential and not user.has_perm("complaints.view_all"):
        return _("The complainant asked the office to withhold the identity from departments.")
    return ""


def may_add(user: User, permission: str, complaint: Complaint) -> bool:
    """Notes, contacts, evidence: additive records for whoever sees the case and has the permission."""
    return user.is_active and user.has_perm(permission)


def took_part(complaint: Complaint) -> set[int]:
    """Everybody who acted on the case or sat in a meeting held on it, for independence rules above (RI-01, REV-05).

    Acts of a review are not handling.
    """
    acts = (
        CaseEvent.objects.filter(complaint=complaint, audience="case")
        .exclude(actor=None)
        .exclude(kind__startswith="review_")
    )
    people = set(acts.values_list("actor", flat=True))
    people |= set(
        Assignment.objects.filter(complaint=complaint).exclude(handler=None).values_list("handler", flat=True)
    )
    people |= set(Contact.objects.filter(complaint=complaint).exclude(by=None).values_list("by", flat=True))
    sat = Meeting.participants.through.objects.filter(
        meeting__complaint=complaint, meeting__held_at__isnull=False, meeting__cancelled_reason=""
    )
    people |= set(sat.values_list("user", flat=True))
    people |= set(complaint.accused_staff.values_list("pk", flat=True))
    if complaint.complainant.staff_user_id:
        people.add(complaint.complainant.staff_user_id)
    return people

"""The next case of the department, or the next one to screen, for whoever is free (ASG-04, ASG-13)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.utils.translation import gettext_lazy as _

from accounts.errors import NotAllowed
from accounts.models import User
from complaints.models import Assignment, CaseEvent, CaseLane, Complaint
from complaints.states import AssignmentState, Lane, Status
from complaints.transitions import core
from complaints.transitions.assignment import start

# A second press within this time is the same press.
SAME_PRESS = timedelta(seconds=3)


@transaction.atomic
def take_next(*, by: User, at: datetime | None = None) -> Complaint | None:
    """Take over the case of the own department that nobody has and that is due first; None when none is left.

    Cases on the fast lane come before all others (ASG-11); those one senior person has throughout are handed out
    by that person only (ASG-09). Left out: what the person may not see (about or from them), what they asked to
    give back, and what waits for the decision on a return. Two people at the same moment get two cases; one person
    pressing twice gets one. Raises NotAllowed.
    """
    at = core.moment(at)
    just_taken = _press("complaints.handle_complaint", "start", by=by, at=at)
    if just_taken:
        return just_taken
    tasks = Assignment.objects.filter(complaint=OuterRef("pk"))
    lanes = CaseLane.objects.filter(complaint=OuterRef("pk"), ended_at=None)
    waiting = (
        Complaint.objects.visible_to(by)
        .filter(status=Status.ASSIGNED, handler=None, lead_department__in=by.department_ids)
        .exclude(Exists(tasks.filter(return_requested_by=by)))
        .exclude(Exists(tasks.filter(is_current=True, state=AssignmentState.RETURN_REQUESTED)))
        .exclude(Exists(lanes.filter(lane=Lane.SENIOR)))
        .order_by(Exists(lanes.filter(lane=Lane.FAST)).desc(), F("next_due_at").asc(nulls_last=True), "pk")
    )
    case = waiting.select_for_update(skip_locked=True, of=("self",)).only("pk").first()
    return start(case.pk, by=by, at=at) if case else None


@transaction.atomic
def take_next_screening(*, by: User, at: datetime | None = None) -> Complaint | None:
    """Take the registered case that nobody has in hand and that is due first, to decide on it; None when none is
    left. It is then among the person's own work until it is decided; the others are offered other cases.

    Left out is what the person may not see. Two people at the same moment get two cases; one person pressing twice
    gets one. Raises NotAllowed.
    """
    at = core.moment(at)
    just_taken = _press("complaints.screen_complaint", "screening_taken", by=by, at=at)
    if just_taken:
        return just_taken
    waiting = (
        Complaint.objects.visible_to(by)
        .filter(status=Status.REGISTERED, coordinator=None)
        .order_by(F("next_due_at").asc(nulls_last=True), "pk")
    )
    case = waiting.select_for_update(skip_locked=True, of=("self",)).only("pk").first()
    if case is None:
        return None
    complaint = core.lock(case.pk)
    complaint.coordinator = by
    complaint.save(update_fields=["coordinator"])
    core.add_event(complaint, "screening_taken", by=by, at=at)
    return complaint


def _press(permission: str, kind: str, *, by: User, at: datetime) -> Complaint | None:
    """What the same person took a moment ago by the same button. Raises NotAllowed."""
    if not by.is_active or not by.has_perm(permission):
        raise NotAllowed(_("Your role does not allow this."))
    # Makes the same person's presses wait for each other; nobody else waits.
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    taken = CaseEvent.objects.filter(kind=kind, actor=by, at__gt=at - SAME_PRESS, at__lte=at).order_by("-at").first()
    return Complaint.objects.get(pk=taken.complaint_id) if taken else None

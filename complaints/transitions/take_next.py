"""The next case of the department for whoever is free (ASG-04, ASG-13)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.utils.translation import gettext_lazy as _

from accounts.errors import NotAllowed
from accounts.models import User
from complaints.models import Assignment, CaseEvent, Complaint
from complaints.states import AssignmentState, Status
from complaints.transitions import core
from complaints.transitions.assignment import start

# A second press within this time is the same press.
SAME_PRESS = timedelta(seconds=3)


@transaction.atomic
def take_next(*, by: User, at: datetime | None = None) -> Complaint | None:
    """Take over the case of the own department that nobody has and that is due first; None when none is left.

    Left out: what the person may not see (about or from them), what they asked to give back, and what waits for
    the decision on a return. Two people at the same moment get two cases; one person pressing twice gets one.
    Raises NotAllowed.
    """
    at = core.moment(at)
    if not by.is_active or not by.has_perm("complaints.handle_complaint"):
        raise NotAllowed(_("Your role does not allow this."))
    # Makes the same person's presses wait for each other; nobody else waits.
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    just_taken = (
        CaseEvent.objects.filter(kind="start", actor=by, at__gt=at - SAME_PRESS, at__lte=at).order_by("-at").first()
    )
    if just_taken:
        return Complaint.objects.get(pk=just_taken.complaint_id)
    tasks = Assignment.objects.filter(complaint=OuterRef("pk"))
    waiting = (
        Complaint.objects.visible_to(by)
        .filter(status=Status.ASSIGNED, handler=None, lead_department__in=by.department_ids)
        .exclude(Exists(tasks.filter(return_requested_by=by)))
        .exclude(Exists(tasks.filter(is_current=True, state=AssignmentState.RETURN_REQUESTED)))
        .order_by(F("next_due_at").asc(nulls_last=True), "pk")
    )
    case = waiting.select_for_update(skip_locked=True, of=("self",)).only("pk").first()
    return start(case.pk, by=by, at=at) if case else None

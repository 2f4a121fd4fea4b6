"""Whom a complaint is about: those persons lose sight of the case at once (PI-18, S7, RI-01)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import DepartmentKind, Membership, User
from complaints import notify
from complaints.models import Assignment, CaseTeamMember, Complaint, TeamRole
from complaints.states import Audience, Status
from complaints.transitions import core, risk
from complaints.transitions.intake import check_text

# Either of these, on a case the person sees: the office that screens, or management.
PERMISSIONS = ("complaints.screen_complaint", notify.MANAGEMENT)


def may_name(user: User) -> bool:
    """Whether the role may say whom a complaint is about."""
    return any(user.has_perm(name) for name in PERMISSIONS)


@transaction.atomic
def name_accused(
    complaint_id: int, *, people: Iterable[User], reason: str, by: User, at: datetime | None = None
) -> Complaint:
    """Make `people` the persons the complaint is about; whoever stood there before and does not now sees it again.

    They no longer see the case, get no message about it, and what they held on it becomes free. Raises
    InvalidInput when nothing changes, NotAllowed, IllegalTransition.
    """
    at = core.moment(at)
    complaint = core.lock(complaint_id)
    if not may_name(by) or not Complaint.objects.visible_to(by).filter(pk=complaint.pk).exists():
        raise NotAllowed(_("Your role does not allow this."))
    if complaint.status == Status.ARCHIVED:
        raise IllegalTransition(_("The case is archived; nothing can be added."))
    core.require("reason", reason, _("Say why."))
    check_text("reason", reason, limit=500)
    before, named = set(complaint.accused_staff.all()), set(people)
    if before == named:
        raise InvalidInput("person", _("Nothing was changed."))
    complaint.accused_staff.set(named)
    _free_from(complaint, named, at=at)
    changes = [_names("+", named - before), _names("−", before - named), reason]
    core.add_event(
        complaint, "accused_named", by=by, at=at, note="；".join(filter(None, changes)), audience=Audience.OFFICE
    )
    return complaint


def _names(sign: str, people: Iterable[User]) -> str:
    names = "、".join(sorted(person.display_name for person in people))
    return f"{sign}{names}" if names else ""


def _free_from(complaint: Complaint, named: set[User], *, at: datetime) -> None:
    """Take the case out of these persons' hands; a department that loses its handler is told."""
    keys = {person.pk for person in named}
    if complaint.coordinator_id in keys:
        complaint.coordinator = None
    if complaint.handler_id in keys:
        complaint.handler = None
    complaint.save(update_fields=["coordinator", "handler"])
    for row in Assignment.objects.filter(complaint=complaint, is_current=True, handler__in=keys):
        Assignment.objects.filter(pk=row.pk).update(handler=None)
        notify.tell(
            notify.members_with("complaints.handle_complaint", [row.department_id]),
            "assigned",
            complaint=complaint,
            dedupe=f"freed:{row.pk}:{at:%Y%m%d%H%M%S}",
        )


@transaction.atomic
def route_past_office(complaint_id: int, *, at: datetime) -> bool:
    """A complaint about the complaints office itself goes to management, and the office does not see it.

    Nobody in the office is named by the complainant, so all of its people are kept out until management
    has said whom it concerns (`name_accused`). False, and nothing is hidden, when no manager could take it
    up: a case that nobody sees would be worse.
    """
    complaint = core.lock(complaint_id)
    managers = _let_in(complaint, at=at)
    if not managers:
        return False
    complaint.accused_staff.set(_office().exclude(pk__in=[person.pk for person in managers]))
    core.add_event(complaint, "accused_named", by=None, at=at, audience=Audience.OFFICE)
    notify.tell(managers, "about_office", complaint=complaint, dedupe=f"about_office:{complaint.pk}")
    return True


def _office() -> QuerySet[User]:
    """Everybody who belongs to a complaints office now."""
    own = Membership.objects.current().filter(department__kind=DepartmentKind.OFFICE)
    return User.objects.filter(is_active=True, pk__in=own.values("user"))


def _let_in(complaint: Complaint, *, at: datetime) -> list[User]:
    """The managers, each in the joint team of the case where it takes that to see it (RISK-23)."""
    seeing = []
    for manager in notify.managers(complaint):
        if not Complaint.objects.visible_to(manager).filter(pk=complaint.pk).exists():
            if not manager.has_perm(risk.PERMISSION):
                continue
            CaseTeamMember.objects.create(
                complaint=complaint, user=manager, role=TeamRole.COMPLIANCE, since=at, added_by=manager
            )
        seeing.append(manager)
    return seeing

"""Who stands in for whom: absences, and whom a pressing message reaches too (SLA-12, SLA-13, PI-18)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput, NotAllowed
from accounts.models import User
from complaints.models import Complaint, Substitution

LEAD = "complaints.lead_department"
FOR_ALL = "complaints.adjudicate_return"
LONGEST = timedelta(days=366)
# What a pressing message asks its reader to do: a substitute holds whatever of this the absent person holds.
DUTIES = (
    "complaints.handle_complaint",
    "complaints.screen_complaint",
    "complaints.assign_complaint",
    "complaints.check_quality",
    "complaints.check_legal",
    "complaints.manage_risk",
    "complaints.verify_ledger",
    "analytics.approve_report",
)


# --- Entering an absence --------------------------------------------------------------------
def people_of(user: User) -> QuerySet[User]:
    """Whose absence `user` may enter: their own; a head's people; everybody's for coordinators."""
    people = User.objects.filter(is_active=True)
    if user.has_perm(FOR_ALL):
        return people
    led = user.headed_department_ids() if user.has_perm(LEAD) else []
    return people.filter(
        Q(pk=user.pk) | Q(pk__in=_members(led).values("pk")),
    )


def _members(department_ids: Iterable[int]) -> QuerySet[User]:
    return User.objects.filter(
        is_active=True, memberships__department__in=list(department_ids), memberships__until__isnull=True
    )


def candidates(user: User) -> QuerySet[User]:
    """Who can stand in for `user`: a colleague of the department with the same duties.

    Left out are those whom an open case of the person is about or comes from.
    """
    # Imported here: notify asks this module whom else to tell.
    from complaints import notify

    rows = User.objects.filter(pk__in=_members(user.department_ids).values("pk")).exclude(pk=user.pk)
    for duty in DUTIES:
        if user.has_perm(duty):
            rows = rows.filter(pk__in=notify.holders_of(duty).values("pk"))
    cases = Complaint.objects.open().filter(Q(handler=user) | Q(coordinator=user))
    accused = cases.filter(accused_staff__isnull=False).values("accused_staff")
    own = cases.filter(complainant__staff_user__isnull=False).values("complainant__staff_user")
    return rows.exclude(pk__in=accused).exclude(pk__in=own).order_by("staff_number")


@transaction.atomic
def add(
    *,
    user: User,
    substitute: User,
    since: datetime,
    until: datetime,
    reason: str = "",
    by: User,
    at: datetime | None = None,
) -> Substitution:
    """Enter that somebody is away from `since` until `until` and who stands in.

    Raises NotAllowed for somebody else's absence without the right to it, InvalidInput for a time that is
    over, reversed, longer than a year or entered already, and for a substitute who cannot do the work.
    """
    at = at or timezone.now()
    user = User.objects.select_for_update().get(pk=user.pk)
    if not people_of(by).filter(pk=user.pk).exists():
        raise NotAllowed(_("You may enter absences of your own people only."))
    if until <= since:
        raise InvalidInput("until", _("The end is before the beginning; correct one of them."))
    if until <= at:
        raise InvalidInput("until", _("This time is over; give one that lasts still."))
    if until - since > LONGEST:
        raise InvalidInput("until", _("An absence is entered for at most a year."))
    if going(at).filter(user=user, since__lt=until, until__gt=since).exists():
        raise InvalidInput("since", _("An absence is entered for this time already; end that one first."))
    if not candidates(user).filter(pk=substitute.pk).exists():
        raise InvalidInput(
            "substitute", _("This person cannot stand in: choose somebody of the department with the same duties.")
        )
    return Substitution.objects.create(
        user=user, substitute=substitute, since=since, until=until, reason=reason[:200], by=by, at=at
    )


@transaction.atomic
def end(pk: int, *, by: User, at: datetime | None = None) -> bool:
    """End an absence now; False when it had ended. Raises NotAllowed, Substitution.DoesNotExist."""
    at = at or timezone.now()
    row = Substitution.objects.select_for_update().get(pk=pk)
    if not people_of(by).filter(pk=row.user_id).exists():
        raise NotAllowed(_("You may enter absences of your own people only."))
    if row.ended_at is not None or row.until <= at:
        return False
    row.ended_at = at
    row.save(update_fields=["ended_at"])
    return True


def going(at: datetime) -> QuerySet[Substitution]:
    """Absences that last or are still to come."""
    return Substitution.objects.filter(until__gt=at, ended_at=None)


# --- Whom else to tell ----------------------------------------------------------------------
def stand_ins(people: Iterable[int], *, at: datetime) -> dict[int, int]:
    """Who stands in now for each of these people who is away: key of the person → key of the substitute.

    A substitute who is away in turn passes it on; where that leads back or nowhere, nobody stands in.
    """
    wanted = set(people)
    away = {row.user_id: row.substitute_id for row in going(at).filter(since__lte=at).order_by("-pk")}
    found = {}
    for person in wanted & away.keys():
        seen, last = {person}, away[person]
        while last in away and last not in seen:
            seen.add(last)
            last = away[last]
        if last not in seen:
            found[person] = last
    return found

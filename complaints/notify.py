"""Messages to named people: a row first, delivered by a task, found again by a sweep (SLA-13, I7).

Rows carry kinds and numbers; the words are built when shown or mailed, in the reader's language.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import QuerySet
from django.utils import timezone

from accounts import after_commit
from accounts.models import User
from complaints import chat, substitutes, tasks
from complaints.messages import PRESSING
from complaints.models import Complaint, MailPreference, Notification
from complaints.states import MailRhythm

# Who stands above the complaints office, and hears of what it should not decide itself.
MANAGEMENT = "analytics.approve_report"
RISK = "complaints.manage_risk"
SCREENING = "complaints.screen_complaint"


def tell(
    recipients: Iterable[User],
    kind: str,
    *,
    dedupe: str,
    complaint: Complaint | None = None,
    url: str = "",
    by_email: bool = True,
    **params: Any,
) -> int:
    """One message per recipient and `dedupe` key, however often this is called. Returns how many are new.

    Whom a case is about or comes from hears nothing about it; when nobody else is left, management does (PI-18).
    What presses also reaches who stands in for a recipient that is away, and the office's chat groups.
    """
    now = timezone.now()
    people = {user.pk: user for user in recipients if user.is_active}
    if complaint and people:
        people = _unconcerned(people, complaint)
    absent = _stand_ins(people, complaint, at=now) if people and kind in PRESSING else {}
    mailed = _mailed_at_once(people, kind) if by_email else set()
    rows = [
        Notification(
            recipient=user,
            complaint=complaint,
            kind=kind,
            params={**params, "instead_of": absent[user.pk]} if user.pk in absent else params,
            url=url or (f"/desk/cases/{complaint.number}/" if complaint else ""),
            dedupe_key=f"{dedupe}:{user.pk}",
            by_email=user.pk in mailed,
        )
        for user in people.values()
    ]
    keys = [row.dedupe_key for row in rows]
    known = set(Notification.objects.filter(dedupe_key__in=keys).values_list("dedupe_key", flat=True))
    new = [row for row in rows if row.dedupe_key not in known]
    Notification.objects.bulk_create(new, ignore_conflicts=True)
    if new:
        after_commit.enqueue(tasks.deliver_notifications)
        chat.queue(new[0], dedupe=dedupe, now=now)
    return len(new)


def _stand_ins(people: dict[int, User], complaint: Complaint | None, *, at: datetime) -> dict[int, int]:
    """Add to `people` who stands in for them; whom the case is about or comes from stands in for nobody.

    Returns for whom: key of the substitute → key of the person who is away.
    """
    found = {sub: person for person, sub in substitutes.stand_ins(people, at=at).items() if sub not in people}
    if not found:
        return {}
    left_out = concerned(complaint) if complaint else set()
    added = User.objects.in_bulk([pk for pk in found if pk not in left_out])
    people.update({pk: user for pk, user in added.items() if user.is_active})
    return {pk: person for pk, person in found.items() if pk in people}


def _mailed_at_once(people: dict[int, User], kind: str) -> set[int]:
    """Who gets an e-mail now: whoever has an address and did not choose otherwise, and everybody when it presses."""
    reachable = {pk for pk, user in people.items() if user.email}
    if kind in PRESSING or not reachable:
        return reachable
    others = MailPreference.objects.filter(user__in=reachable).exclude(rhythm=MailRhythm.AT_ONCE)
    return reachable - set(others.values_list("pk", flat=True))


def _unconcerned(people: dict[int, User], complaint: Complaint) -> dict[int, User]:
    left_out = concerned(complaint)
    if not left_out & people.keys():
        return people
    rest = {pk: user for pk, user in people.items() if pk not in left_out}
    return rest or {user.pk: user for user in managers(complaint)}


def concerned(complaint: Complaint) -> set[int]:
    """The members of staff a case is about or comes from."""
    accused = set(complaint.accused_staff.values_list("pk", flat=True))
    return accused | {pk for pk in (complaint.complainant.staff_user_id,) if pk}


def managers(complaint: Complaint) -> QuerySet[User]:
    """Management, save whom the case is about or comes from."""
    return holders_of(MANAGEMENT).exclude(pk__in=concerned(complaint))


def risk_people(complaint: Complaint) -> QuerySet[User]:
    """Who works on legal and reputational risk, save whom the case is about or comes from."""
    return holders_of(RISK).exclude(pk__in=concerned(complaint))


def keepers(complaint: Complaint) -> list[User]:
    """Who has the case in hand: its coordinator and handler; when it has none, everybody who screens."""
    keys = [pk for pk in (complaint.coordinator_id, complaint.handler_id) if pk]
    return list(User.objects.filter(pk__in=keys, is_active=True)) or list(holders_of(SCREENING))


def tell_complainant(complaint: Complaint, kind: str, *, dedupe: str) -> None:
    """E-mail the complainant that there is news; the text holds the case number only (AP-06, PI-15)."""
    if not complaint.complainant.contact("email"):
        return
    Notification.objects.get_or_create(
        dedupe_key=f"{dedupe}:complainant",
        defaults={
            "complaint": complaint,
            "kind": kind,
            "params": {"number": complaint.number},
            "to_complainant": True,
            "by_email": True,
        },
    )
    after_commit.enqueue(tasks.deliver_notifications)


def holders_of(permission: str) -> QuerySet[User]:
    """Active users who have a permission through their roles."""
    app, codename = permission.split(".")
    rows = Permission.objects.filter(content_type__app_label=app, codename=codename)
    return User.objects.filter(groups__permissions__in=rows, is_active=True).distinct()


def heads_of(department_ids: Iterable[int]) -> QuerySet[User]:
    """Who heads these departments now."""
    return User.objects.filter(
        is_active=True,
        memberships__department__in=list(department_ids),
        memberships__is_head=True,
        memberships__until__isnull=True,
    ).distinct()


def members_with(permission: str, department_ids: Iterable[int]) -> QuerySet[User]:
    """Holders of a permission who belong to these departments now."""
    return (
        holders_of(permission)
        .filter(memberships__department__in=list(department_ids), memberships__until__isnull=True)
        .distinct()
    )

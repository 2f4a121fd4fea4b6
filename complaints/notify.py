"""Messages to named people: a row first, delivered by a task, found again by a sweep (SLA-13, I7).

Rows carry kinds and numbers; the words are built when shown or mailed, in the reader's language.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import QuerySet
from django.utils import timezone

from accounts import after_commit
from accounts.models import User
from complaints import chat, sms, substitutes, tasks
from complaints.messages import AT_ONCE
from complaints.models import Complaint, MailPreference, Notification
from complaints.states import MailRhythm

# Who stands above the complaints office, and hears of what it should not decide itself.
MANAGEMENT = "analytics.approve_report"
RISK = "complaints.manage_risk"
SCREENING = "complaints.screen_complaint"


@dataclass(frozen=True)
class Message:
    """One thing to tell some people; `dedupe` is its key without the recipient."""

    recipients: Iterable[User]
    kind: str
    dedupe: str
    complaint: Complaint | None = None
    url: str = ""
    by_email: bool = True
    params: dict[str, Any] = field(default_factory=dict)


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
    return tell_all([Message(recipients, kind, dedupe, complaint, url, by_email, params)])


def tell_all(messages: Collection[Message]) -> int:
    """What `tell` does for one message, for many at the price of one. Returns how many rows are new."""
    now = timezone.now()
    left_out = _concerned_of({m.complaint.pk: m.complaint for m in messages if m.complaint}.values())
    told = [(message, _people(message, left_out)) for message in messages]
    pressing = [(message, people) for message, people in told if people and message.kind in AT_ONCE]
    absent = _add_stand_ins(pressing, left_out, at=now)
    mailed = _mailed_at_once([(m.kind, people) for m, people in told if m.by_email])
    rows = {
        f"{message.dedupe}:{user.pk}": (message, Notification(
            recipient=user,
            complaint=message.complaint,
            kind=message.kind,
            params=message.params | absent.get((message.dedupe, user.pk), {}),
            url=message.url or (f"/desk/cases/{message.complaint.number}/" if message.complaint else ""),
            dedupe_key=f"{message.dedupe}:{user.pk}",
            by_email=message.by_email and (message.kind, user.pk) in mailed,
        ))
        for message, people in told
        for user in people.values()
    }  # fmt: skip
    known = set(Notification.objects.filter(dedupe_key__in=list(rows)).values_list("dedupe_key", flat=True))
    new = [pair for key, pair in rows.items() if key not in known]
    Notification.objects.bulk_create([row for _message, row in new], ignore_conflicts=True)
    if new:
        after_commit.enqueue(tasks.deliver_notifications)
    for message, row in {message.dedupe: (message, row) for message, row in reversed(new)}.values():
        chat.queue(row, dedupe=message.dedupe, now=now)
    return len(new)


def _people(message: Message, left_out: dict[int, set[int]]) -> dict[int, User]:
    people = {user.pk: user for user in message.recipients if user.is_active}
    complaint = message.complaint
    if complaint is None or not left_out[complaint.pk] & people.keys():
        return people
    rest = {pk: user for pk, user in people.items() if pk not in left_out[complaint.pk]}
    return rest or {user.pk: user for user in managers(complaint)}


def _add_stand_ins(
    told: list[tuple[Message, dict[int, User]]], left_out: dict[int, set[int]], *, at: datetime
) -> dict[tuple[str, int], dict[str, int]]:
    """Add to the people of each message who stands in for them; whom the case is about or comes from does for nobody.

    Returns for whom: key of the message and of the substitute → what the message says of it.
    """
    away = substitutes.stand_ins({pk for _message, people in told for pk in people}, at=at) if told else {}
    if not away:
        return {}
    added = User.objects.filter(is_active=True).in_bulk(set(away.values()))
    absent = {}
    for message, people in told:
        barred = left_out[message.complaint.pk] if message.complaint else set()
        found = {away[person]: person for person in people if person in away}
        for substitute in (found.keys() & added.keys()) - people.keys() - barred:
            people[substitute] = added[substitute]
            absent[message.dedupe, substitute] = {"instead_of": found[substitute]}
    return absent


def _mailed_at_once(told: list[tuple[str, dict[int, User]]]) -> set[tuple[str, int]]:
    """Who gets an e-mail now: whoever has an address and did not choose otherwise, and everybody when it presses."""
    reachable = {(kind, pk) for kind, people in told for pk, user in people.items() if user.email}
    asked = {pk for kind, pk in reachable if kind not in AT_ONCE}
    if not asked:
        return reachable
    others = MailPreference.objects.filter(user__in=asked).exclude(rhythm=MailRhythm.AT_ONCE)
    later = set(others.values_list("user", flat=True))
    return {(kind, pk) for kind, pk in reachable if kind in AT_ONCE or pk not in later}


def concerned(complaint: Complaint) -> set[int]:
    """The members of staff a case is about or comes from."""
    return _concerned_of([complaint])[complaint.pk]


def _concerned_of(complaints: Iterable[Complaint]) -> dict[int, set[int]]:
    """The same for many cases, each under its key; read anew whatever was loaded with them."""
    found = {case.pk: {pk for pk in (case.complainant.staff_user_id,) if pk} for case in complaints}
    accused = Complaint.accused_staff.through.objects.filter(complaint__in=list(found))
    for complaint_id, user_id in accused.values_list("complaint", "user"):
        found[complaint_id].add(user_id)
    return found


def managers(complaint: Complaint) -> QuerySet[User]:
    """Management, save whom the case is about or comes from."""
    return holders_of(MANAGEMENT).exclude(pk__in=concerned(complaint))


def risk_people(complaint: Complaint) -> QuerySet[User]:
    """Who works on legal and reputational risk, save whom the case is about or comes from."""
    return holders_of(RISK).exclude(pk__in=concerned(complaint))


def keepers(complaint: Complaint) -> list[User]:
    """Who has the case in hand: its coordinator and handler; when it has none, everybody who screens.

    A merged case is in the hand of the coordinator of the one it is worked on in: who handles that one may not see it.
    """
    if complaint.merged_into:
        having = [complaint.merged_into.coordinator_id or complaint.coordinator_id]
    else:
        having = [complaint.coordinator_id, complaint.handler_id]
    keys = [pk for pk in having if pk]
    return list(User.objects.filter(pk__in=keys, is_active=True)) or list(holders_of(SCREENING))


def tell_complainant(complaint: Complaint, kind: str, *, dedupe: str) -> None:
    """Tell the complainant by e-mail, else by short message, that there is news (CASE-10, COO-04).

    The text holds the case number only (AP-06, PI-15).
    """
    if not complaint.complainant.contact("email") and not sms.number_of(complaint.complainant):
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

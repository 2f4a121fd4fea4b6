"""The work queue of a member of staff: views with their counts, orders, and the page itself (ASG-13).

Everything starts from `Complaint.objects.visible_to(user)`, so counts, search and paging are those of
a world in which the other cases do not exist (AZ-03). Views of open cases are ordered by due time and
answered by the partial indexes on (…, next_due_at, id); the whole register is ordered by receipt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import caches
from django.db.models import Count, Exists, F, OuterRef, Q, Value
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from complaints import clocks, keyset
from complaints.calendars import CalendarMissing
from complaints.models import Assignment, Complaint, Notification
from complaints.querysets import ComplaintQuerySet
from complaints.states import OPEN, AssignmentRole, Status

PAGE_SIZE = 50
COUNT_SECONDS = 60

DUE = keyset.Order(
    segments=(
        keyset.Segment(Q(next_due_at__isnull=False), "next_due_at"),
        keyset.Segment(Q(next_due_at__isnull=True), None),
    ),
    whole=(F("next_due_at").asc(nulls_last=True), "pk"),
)
RECEIVED = keyset.Order(segments=(keyset.Segment(Q(), "received_at", descending=True),), whole=("-received_at", "-pk"))
ORDERS = {"due": DUE, "received": RECEIVED}

# Whoever holds the permission takes the next case of the pool; it is part of "my work" until somebody does.
_POOLS = (
    ("complaints.screen_complaint", Status.REGISTERED),
    ("complaints.check_quality", Status.QUALITY_CHECK),
    ("complaints.check_legal", Status.LEGAL_CHECK),
)

Narrow = Callable[[ComplaintQuerySet, User, datetime], ComplaintQuerySet]


@dataclass(frozen=True)
class View:
    """One tab of the queue. `tone` colours a count that calls for action."""

    key: str
    label: Promise
    narrow: Narrow
    empty: Promise
    tone: str = ""
    order: str = "due"


def _mine(cases: ComplaintQuerySet, user: User, now: datetime) -> ComplaintQuerySet:
    turn = Q(handler=user) | Q(coordinator=user)
    for permission, status in _POOLS:
        if user.has_perm(permission):
            turn |= Q(status=status)
    if user.has_perm("complaints.handle_complaint"):
        turn |= Q(status=Status.ASSIGNED, handler=None, lead_department__in=user.department_ids)
    return cases.open().filter(turn)


def _soon(cases: ComplaintQuerySet, user: User, now: datetime) -> ComplaintQuerySet:
    calendar = clocks.working_calendar()
    try:
        limit = calendar.add_working_time(now, calendar.day_length)
    except CalendarMissing:
        return cases.none()
    return cases.due_before(at=now, until=limit).filter(is_paused=False)


def _overdue(cases: ComplaintQuerySet, user: User, now: datetime) -> ComplaintQuerySet:
    return cases.overdue(at=now).filter(is_paused=False)


def _awaiting(cases: ComplaintQuerySet, user: User, now: datetime) -> ComplaintQuerySet:
    return cases.filter(status=Status.AWAITING_INFORMATION)


def _joint(cases: ComplaintQuerySet, user: User, now: datetime) -> ComplaintQuerySet:
    helpers = Assignment.objects.filter(complaint=OuterRef("pk"), is_current=True, role=AssignmentRole.SUPPORTING)
    return cases.open().filter(Exists(helpers))


def _high_risk(cases: ComplaintQuerySet, user: User, now: datetime) -> ComplaintQuerySet:
    return cases.open().filter(risk_grade="high")


def _unassigned(cases: ComplaintQuerySet, user: User, now: datetime) -> ComplaintQuerySet:
    return cases.filter(status=Status.ACCEPTED)


def _all(cases: ComplaintQuerySet, user: User, now: datetime) -> ComplaintQuerySet:
    return cases


def _closed(cases: ComplaintQuerySet, user: User, now: datetime) -> ComplaintQuerySet:
    return cases.filter(status__in=[str(Status.CLOSED), str(Status.ARCHIVED)])


VIEWS: dict[str, View] = {
    view.key: view
    for view in (
        View("mine", _("My work"), _mine, _("Nothing waits for you.")),
        View("soon", _("Due soon"), _soon, _("No case is due within one working day."), "is-warn"),
        View("overdue", _("Overdue"), _overdue, _("No case is overdue."), "is-bad"),
        View("awaiting", _("Information wanted"), _awaiting, _("No complainant owes us information.")),
        View("joint", _("Several departments"), _joint, _("No case is with several departments.")),
        View("high", _("High risk cases"), _high_risk, _("No open case is of high risk.")),
        View("unassigned", _("To assign"), _unassigned, _("Every accepted case is assigned.")),
        View("all", _("All cases"), _all, _("There is no case yet."), order="received"),
        View("closed", _("Closed cases"), _closed, _("No case is closed yet."), order="received"),
    )
}


def view_of(key: str) -> View:
    """The view of this name; an unknown one is "my work"."""
    return VIEWS.get(key, VIEWS["mine"])


def orders_of(view: View, statuses: list[str]) -> list[str]:
    """The orders a view offers. The whole register can be ordered by due time only while the filter
    keeps to open cases: only they are in the due-time indexes."""
    open_only = view.order == "due" or (bool(statuses) and set(statuses) <= {str(status) for status in OPEN})
    return ["due", "received"] if open_only else ["received"]


@dataclass(frozen=True)
class Counts:
    """Cases per view at a moment; at most a minute old."""

    numbers: dict[str, int]
    at: datetime


def counts(user: User) -> Counts:
    """How many cases each view holds for this person: one query, kept for a minute."""
    key = f"queue-counts:{user.pk}"
    found = caches["local"].get(key)
    if found is None:
        now = timezone.now()
        scope = Complaint.objects.visible_to(user)
        parts = [
            view.narrow(scope, user, now)
            .order_by()
            .annotate(view=Value(view.key))
            .values("view")
            .annotate(n=Count("pk"))
            .values_list("view", "n")
            for view in VIEWS.values()
        ]
        rows = dict(parts[0].union(*parts[1:], all=True))
        found = Counts({key: rows.get(key, 0) for key in VIEWS}, now)
        caches["local"].set(key, found, COUNT_SECONDS)
    return found


def forget_counts(user: User) -> None:
    """Count again on the next page, after the person has just changed the queue."""
    caches["local"].delete(f"queue-counts:{user.pk}")


def my_work(user: User) -> int:
    """The number beside "workbench" in the navigation."""
    return counts(user).numbers["mine"]


def unread_notifications(user: User) -> int:
    """The number on the bell (partial index notification_unread)."""
    return user.notifications.filter(read_at=None).count()


def rows(cases: ComplaintQuerySet, user: User) -> ComplaintQuerySet:
    """The cases as the queue shows them, with whether there is unread news for this person."""
    news = Notification.objects.filter(recipient=user, read_at=None, complaint=OuterRef("pk"))
    return cases.for_list().annotate(has_news=Exists(news))

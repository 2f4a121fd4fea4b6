"""The work queue of a member of staff: views with their counts, orders, and the page itself (ASG-13).

Everything starts from `Complaint.objects.visible_to(user)`, so counts, search and paging are those of
a world in which the other cases do not exist (AZ-03). Views of open cases are ordered by due time and
answered by the partial indexes on (…, next_due_at, id); the whole register is ordered by receipt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

from django.core.cache import caches
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from complaints import clocks, keyset, selectors
from complaints.calendars import CalendarMissing
from complaints.models import Assignment, CaseLane, Complaint, Deadline, Notification, ServicePolicy
from complaints.querysets import ComplaintQuerySet
from complaints.states import OPEN, AssignmentRole, Status

PAGE_SIZE = 50
COUNT_SECONDS = 60
# Views that hold closed cases grow with the years; they are counted up to here.
MOST_COUNTED = 10_000

DUE = keyset.Order(
    segments=(
        keyset.Segment(Q(next_due_at__isnull=False), "next_due_at"),
        keyset.Segment(Q(next_due_at__isnull=True), None),
    ),
    whole=(F("next_due_at").asc(nulls_last=True), "pk"),
)
RECEIVED = keyset.Order(segments=(keyset.Segment(Q(), "received_at", descending=True),), whole=("-received_at", "-pk"))
ORDERS = {"due": DUE, "received": RECEIVED}

# What a row shows of its own case.
SHOWN = (
    "number", "subject", "status", "channel", "risk_grade", "is_repeat", "next_due_at", "is_paused", "pause_reason",
    "received_at", "version", "lead_department", "category", "calendar_missing",
)  # fmt: skip

# Whoever holds the permission takes the next case of the pool; it is part of "my work" until somebody does.
_POOLS = (
    ("complaints.screen_complaint", Status.REGISTERED),
    ("complaints.check_quality", Status.QUALITY_CHECK),
    ("complaints.check_legal", Status.LEGAL_CHECK),
)

Narrow = Callable[[ComplaintQuerySet, User, datetime], ComplaintQuerySet]
Parts = Callable[[User], list[Q]]


@dataclass(frozen=True)
class View:
    """One tab of the queue: the cases of `narrow` that meet one of `parts`. `tone` colours a count that
    calls for action."""

    key: str
    label: Promise
    narrow: Narrow
    empty: Promise
    tone: str = ""
    order: str = "due"
    parts: Parts = lambda user: []


def _my_parts(user: User) -> list[Q]:
    """Why a case is this person's work; each reason is answered by an index of its own."""
    is_open = Q(status__in=[str(status) for status in OPEN])
    pools = [Q(status=status) for permission, status in _POOLS if user.has_perm(permission)]
    if user.has_perm("complaints.handle_complaint"):
        pools.append(Q(status=Status.ASSIGNED, handler=None, lead_department__in=user.department_ids))
    return [Q(handler=user) & is_open, Q(coordinator=user) & is_open, *pools]


def _soon(cases: ComplaintQuerySet, user: User, now: datetime) -> ComplaintQuerySet:
    calendar = clocks.working_calendar()
    try:
        limit = calendar.add_working_time(now, selectors.soon(calendar))
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
        View("mine", _("My work"), _all, _("Nothing waits for you."), parts=_my_parts),
        View("soon", _("Due soon"), _soon, _("No case is due soon."), "is-warn"),
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
    """Cases per view at a moment, at most a minute old; one more than MOST_COUNTED stands for "more"."""

    numbers: dict[str, int]
    at: datetime


def counts(user: User) -> Counts:
    """How many cases each view holds for this person: one query, kept for a minute."""
    key = f"queue-counts:{user.pk}"
    found = caches["local"].get(key)
    if found is None:
        now = timezone.now()
        found = Counts(dict.fromkeys(VIEWS, 0) | _count(user, now), now)
        caches["local"].set(key, found, COUNT_SECONDS)
    return found


def _count(user: User, now: datetime) -> dict[str, int]:
    """One statement for all views; a view that can hold nothing is left out."""
    arms, values = [], []
    for view in VIEWS.values():
        cases = view.narrow(Complaint.objects.visible_to(user), user, now)
        if parts := view.parts(user):
            cases = cases.filter(reduce(or_, parts))
        limit = None if view.order == "due" else MOST_COUNTED + 1
        try:
            sql, parameters = cases.order_by().values("pk")[:limit].query.sql_with_params()
        except EmptyResultSet:
            continue
        arms.append(f"SELECT %s, COUNT(*) FROM ({sql}) AS cases")  # noqa: S608 - made by the ORM
        values += [view.key, *parameters]
    if not arms:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(arms), values)
        return dict(cursor.fetchall())


def forget_counts(user: User) -> None:
    """Count again on the next page, after the person has just changed the queue."""
    caches["local"].delete(f"queue-counts:{user.pk}")


def my_work(user: User) -> int:
    """The number beside "workbench" in the navigation."""
    return counts(user).numbers["mine"]


def unread_notifications(user: User) -> int:
    """The number on the bell (partial index notification_unread)."""
    return user.notifications.filter(read_at=None).count()


def rows(cases: QuerySet, user: User) -> QuerySet:
    """The cases as the queue shows them, with who has each, the office hours of its policy and whether there
    is unread news for this person.

    No table is joined: planning a join of seven takes longer than fetching a page. Names of departments
    and categories come from `references`.
    """
    news = Notification.objects.filter(recipient=user, read_at=None, complaint=OuterRef("pk"))
    person = User.objects.filter(pk=Coalesce(OuterRef("handler"), OuterRef("coordinator"))).order_by()
    policy = ServicePolicy.objects.filter(pk=OuterRef("policy")).order_by()
    lane = CaseLane.objects.filter(complaint=OuterRef("pk"), ended_at=None).order_by()
    found = cases.only(*SHOWN).annotate(
        has_news=Exists(news),
        who=Subquery(person.values("display_name")),
        slots=Subquery(policy.values("slots")),
        on_lane=Subquery(lane.values("lane")),
    )
    return found if user.has_perm("complaints.view_all") else found.annotate(own_due=_own_due(user))


def _own_due(user: User) -> Subquery:
    """When the departments of the person have to be done with their own task (SLA-04)."""
    own = Deadline.objects.running().filter(complaint=OuterRef("pk"), assignment__department__in=user.department_ids)
    return Subquery(own.order_by("due_at").values("due_at")[:1])

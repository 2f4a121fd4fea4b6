"""Who may not judge a review, computed from history; nobody can take a conflict back (REV-05, RI-01…05).

A person is in conflict when they took part in the case or supervised it, stood in for somebody who did, are named in
it or filed it, declared it, or belong now, or belonged while it was handled, to a department that touched it. Cases
that were merged were handled as one: who is in conflict with the one is in conflict with the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone

from accounts.models import Membership, User
from complaints import permissions as case_permissions
from complaints.models import Assignment, CaseEvent, Complaint, Merge, Substitution
from complaints.states import Audience
from review import group
from review.models import DeclaredConflict, GroupMember, ReviewCase, ReviewConflict, ReviewerAssignment
from review.querysets import ReviewQuerySet
from review.states import GroupRole

# Who judges together at least: the author of the report and one more.
QUORUM = 2
# Acts that only read the file, or say how long it is kept.
_READING = (
    "consultation_requested",
    "consultation_decided",
    "dossier_exported",
    "retention_extended",
    "destruction_stopped",
)


@dataclass(frozen=True)
class Conflict:
    """One reason why a person may not judge; `reason` is a stable code, `detail` names the department."""

    user_id: int
    reason: str
    detail: str = ""


def candidates() -> QuerySet[User]:
    """Everybody who could review: holders of the permission, active."""
    from complaints import notify

    return notify.holders_of("review.review_case").order_by("staff_number")


def handled_together(complaint: Complaint) -> list[Complaint]:
    """The case and every case it was ever merged with, also where the merge was undone (RI-04)."""
    merges = Merge.objects.filter(Q(primary=complaint) | Q(merged=complaint)).values_list("primary", "merged")
    others = {pk for pair in merges for pk in pair} - {complaint.pk}
    rows = Complaint.objects.select_related("complainant").filter(pk__in=others).order_by("pk")
    return [complaint, *rows] if others else [complaint]


def acted(complaint: Complaint) -> set[int]:
    """Everybody who worked on the case, also in what only the office reads: lawsuits, consequences (RI-01); and whoever
    coordinates it, also before their first act."""
    inside = CaseEvent.objects.filter(complaint=complaint, audience=Audience.OFFICE).exclude(actor=None)
    people = case_permissions.took_part(complaint) | set(
        inside.exclude(kind__in=_READING).values_list("actor", flat=True)
    )
    return people | ({complaint.coordinator_id} if complaint.coordinator_id else set())


def stood_in(complaint: Complaint, people: set[int], *, at: datetime) -> set[int]:
    """Who stood in, while the case was being handled, for one of these people or for one of their substitutes."""
    end = complaint.closed_at or at
    over = (
        Q(until__lte=complaint.registered_at) | Q(ended_at__lte=complaint.registered_at) | Q(ended_at__lte=F("since"))
    )
    rows = Substitution.objects.filter(since__lte=end).exclude(over)
    found: set[int] = set()
    asked = people
    while asked:
        substitutes = set(rows.filter(user__in=asked).values_list("substitute", flat=True))
        asked = substitutes - found - people
        found |= asked
    return found


def touching_departments(
    parts: list[tuple[Complaint, set[int]]], *, at: datetime
) -> dict[int, tuple[datetime, datetime]]:
    """Departments that handled the cases or whose people acted on them → the span of their part.

    `parts` names for each case who acted on it.
    """
    spans: dict[int, tuple[datetime, datetime]] = {}

    def extend(department_id: int, start: datetime, end: datetime) -> None:
        known = spans.get(department_id, (start, end))
        spans[department_id] = (min(known[0], start), max(known[1], end))

    for complaint, people in parts:
        end_of_case = complaint.closed_at or at
        for row in Assignment.objects.filter(complaint=complaint):
            extend(row.department_id, row.assigned_at, max(row.ended_at or end_of_case, row.assigned_at))
        acting = Membership.objects.overlapping(complaint.registered_at, end_of_case).filter(user__in=people)
        for membership in acting.filter(department__kind__in=["handling", "office"]):
            extend(membership.department_id, complaint.registered_at, end_of_case)
    return spans


def conflicts(complaint: Complaint, users: QuerySet[User], *, at: datetime) -> list[Conflict]:
    """Every reason why any of `users` may not judge the case, as of `at`."""
    found: list[Conflict] = []
    ids = set(users.values_list("pk", flat=True))
    cases = handled_together(complaint)
    named = Complaint.accused_staff.through.objects.filter(complaint__in=cases)
    accused = set(named.values_list("user", flat=True))
    complainants = {case.complainant.staff_user_id for case in cases if case.complainant.staff_user_id}
    for pk in ids & complainants:
        found.append(Conflict(pk, "complainant"))
    for pk in ids & accused:
        found.append(Conflict(pk, "accused"))
    parts = [(case, acted(case)) for case in cases]
    for pk in ids & (set().union(*(people for _case, people in parts)) - accused - complainants):
        found.append(Conflict(pk, "took_part"))
    for case, people in parts:
        for pk in ids & stood_in(case, people, at=at):
            found.append(Conflict(pk, "stood_in"))
    for declared in DeclaredConflict.objects.filter(complaint__in=cases, user__in=ids):
        found.append(Conflict(declared.user_id, "declared", declared.reason))
    spans = touching_departments(parts, at=at)
    lent = GroupMember.objects.filter(ended_at=None, user__in=ids, lent_by__in=spans).select_related("lent_by")
    for entry in lent:  # whoever is lent goes back there
        found.append(Conflict(entry.user_id, "department_now", entry.lent_by.name if entry.lent_by else ""))
    for membership in Membership.objects.filter(user__in=ids, department__in=spans).select_related("department"):
        start, end = spans[membership.department_id]
        now = membership.until is None or membership.until > at
        then = membership.since <= end and (membership.until is None or membership.until >= start)
        if now or then:
            found.append(
                Conflict(membership.user_id, "department_now" if now else "department_then", membership.department.name)
            )
    return found


def refresh(review: ReviewCase, *, at: datetime) -> set[int]:
    """Store newly found conflicts and void the assignments they hit; returns everybody in conflict.

    Called when a review opens and whenever somebody is assigned, opens the file, opines or decides.
    """
    complaint = Complaint.objects.select_related("complainant").get(pk=review.complaint_id)
    rows = conflicts(complaint, candidates(), at=at)
    ReviewConflict.objects.bulk_create(
        (
            ReviewConflict(review=review, user_id=row.user_id, reason=row.reason, detail=row.detail[:200], at=at)
            for row in rows
        ),
        ignore_conflicts=True,
    )
    blocked = set(ReviewConflict.objects.filter(review=review).values_list("user_id", flat=True))
    for assignment in ReviewerAssignment.objects.filter(review=review, is_void=False, reviewer__in=blocked):
        assignment.is_void = True
        assignment.void_reason = next((row.reason for row in rows if row.user_id == assignment.reviewer_id), "conflict")
        assignment.save(update_fields=["is_void", "void_reason"])
    return blocked


def short_of_members() -> ReviewQuerySet:
    """Open reviews that fewer members than a quorum are free to judge, by number (RI-06)."""
    people = set(group.able(candidates(), at=timezone.now()).values_list("pk", flat=True))
    blocked = Count("conflicts__user", filter=Q(conflicts__user__in=people), distinct=True)
    rows = ReviewCase.objects.open().annotate(blocked=blocked).filter(blocked__gt=len(people) - QUORUM)
    return rows.order_by("number")


def order_of_heads(*, at: datetime) -> list[User]:
    """The head, then the deputies, then the longest-serving: the first without a conflict leads a review (RI-05).

    Where the register is kept, only who may judge by it leads.
    """
    from complaints import notify

    longest = F("frontline_since").asc(nulls_last=True)
    people = list(candidates().order_by(longest, "staff_number"))
    heads = set(notify.holders_of("review.lead_review").values_list("pk", flat=True))
    roles = group.standing(at=at)
    if roles is not None:
        people = [person for person in people if person.pk in roles]

    def rank(person: User) -> tuple[int, str]:
        role = (roles or {}).get(person.pk)
        if role == GroupRole.LEADER:
            return 0, ""
        if person.pk in heads:
            return 1, person.staff_number
        return (2, "") if role == GroupRole.DEPUTY else (3, "")

    return sorted(people, key=rank)


def acting_head(review: ReviewCase, *, at: datetime | None = None) -> User | None:
    """Who leads this review: the first in the order of heads without a conflict (RI-05).

    None when nobody is free: a person in conflict never fills in (RI-06).
    """
    blocked = set(ReviewConflict.objects.filter(review=review).values_list("user", flat=True))
    people = order_of_heads(at=at or timezone.now())
    return next((person for person in people if person.pk not in blocked), None)

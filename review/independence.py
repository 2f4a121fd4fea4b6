"""Who may not judge a review, computed from history; nobody can take a conflict back (REV-05, RI-01…05).

A person is in conflict when they took part in the case, are named in it or filed it, declared it, or
belong now, or belonged while it was handled, to a department that touched it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from accounts.models import Membership, User
from complaints import permissions as case_permissions
from complaints.models import Assignment, Complaint
from review.models import DeclaredConflict, ReviewCase, ReviewConflict, ReviewerAssignment


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


def touching_departments(complaint: Complaint, *, at: datetime) -> dict[int, tuple[datetime, datetime]]:
    """Departments that handled the case or whose people acted on it → the span of their part."""
    spans: dict[int, tuple[datetime, datetime]] = {}

    def extend(department_id: int, start: datetime, end: datetime) -> None:
        known = spans.get(department_id, (start, end))
        spans[department_id] = (min(known[0], start), max(known[1], end))

    end_of_case = complaint.closed_at or at
    for row in Assignment.objects.filter(complaint=complaint):
        extend(row.department_id, row.assigned_at, max(row.ended_at or end_of_case, row.assigned_at))
    acting = Membership.objects.overlapping(complaint.registered_at, end_of_case).filter(
        user__in=case_permissions.took_part(complaint)
    )
    for membership in acting.filter(department__kind__in=["handling", "office"]):
        extend(membership.department_id, complaint.registered_at, end_of_case)
    return spans


def conflicts(complaint: Complaint, users: QuerySet[User], *, at: datetime) -> list[Conflict]:
    """Every reason why any of `users` may not judge the case, as of `at`."""
    found: list[Conflict] = []
    ids = set(users.values_list("pk", flat=True))
    accused = set(complaint.accused_staff.values_list("pk", flat=True))
    if complaint.complainant.staff_user_id in ids:
        found.append(Conflict(complaint.complainant.staff_user_id, "complainant"))
    for pk in ids & accused:
        found.append(Conflict(pk, "accused"))
    for pk in ids & (case_permissions.took_part(complaint) - accused - {complaint.complainant.staff_user_id}):
        found.append(Conflict(pk, "took_part"))
    for declared in DeclaredConflict.objects.filter(complaint=complaint, user__in=ids):
        found.append(Conflict(declared.user_id, "declared", declared.reason))
    spans = touching_departments(complaint, at=at)
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


def acting_head(review: ReviewCase) -> User | None:
    """Who leads this review: the head, or without an unconflicted head the longest-serving free member (RI-05)."""
    from complaints import notify

    blocked = ReviewConflict.objects.filter(review=review).values("user")
    head = notify.holders_of("review.lead_review").exclude(pk__in=blocked).order_by("staff_number").first()
    return head or candidates().exclude(pk__in=blocked).order_by("frontline_since", "staff_number").first()

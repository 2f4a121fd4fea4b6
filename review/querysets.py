from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from review.states import OPEN_REVIEW

if TYPE_CHECKING:
    from accounts.models import User


def handled_by(user: User) -> Exists:
    """The case was in a department while the user belonged to it, or is with one the user belongs to now.

    The stored conflicts are from when the review was last opened; this holds for who has moved or joined since.
    """
    from complaints.models import Assignment

    belonged = Q(department__memberships__user=user) & (
        Q(department__memberships__until=None)
        | Q(department__memberships__until__gt=Now())
        | Q(department__memberships__until__gte=F("assigned_at"), department__memberships__since__lte=F("end"))
    )
    end = Coalesce("ended_at", "complaint__closed_at", Now())
    return Exists(Assignment.objects.annotate(end=end).filter(belonged, complaint=OuterRef("complaint")))


def _led_by(user: User) -> Q:
    """The reviews this member leads: everybody who would lead before them is in conflict (RI-05)."""
    from review import independence
    from review.models import ReviewConflict

    order = [person.pk for person in independence.order_of_heads(at=timezone.now())]
    if user.pk not in order:
        return Q(pk__in=[])
    led = Q(pk__isnull=False)
    for other in order[: order.index(user.pk)]:
        led &= Q(Exists(ReviewConflict.objects.filter(review=OuterRef("pk"), user=other)))
    return led


class ReviewQuerySet(models.QuerySet):
    def open(self) -> ReviewQuerySet:
        return self.filter(status__in=[str(status) for status in OPEN_REVIEW])

    def visible_to(self, user: User) -> ReviewQuerySet:
        """The review group sees what it may judge: never a case the user or the user's departments
        touched (REV-05, RI-01…04), and members only what is unassigned, assigned to them or led by them (RI-05)."""
        if not user.is_active or not (user.has_perm("review.review_case") or user.has_perm("review.view_sample")):
            return self.none()
        scope = self.exclude(conflicts__user=user).exclude(handled_by(user))
        if user.has_perm("review.lead_review") or not user.has_perm("review.review_case"):
            return scope
        own = Q(assignments__reviewer=user, assignments__is_void=False) | Q(status="requested")
        return scope.filter(own | _led_by(user)).distinct()

    def for_list(self) -> ReviewQuerySet:
        from review.models import ReviewerAssignment

        assignments = ReviewerAssignment.objects.select_related("reviewer")
        return self.select_related("complaint", "complaint__lead_department").prefetch_related(
            "triggers", models.Prefetch("assignments", queryset=assignments)
        )

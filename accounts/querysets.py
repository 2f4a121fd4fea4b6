from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone


class DepartmentQuerySet(models.QuerySet):
    def active(self) -> DepartmentQuerySet:
        return self.filter(is_active=True)

    def handling(self) -> DepartmentQuerySet:
        return self.filter(is_active=True, kind="handling")

    def within(self, paths: list[str]) -> DepartmentQuerySet:
        """The departments at or below the given paths."""
        condition = Q(pk__in=[])
        for path in paths:
            condition |= Q(path__startswith=path)
        return self.filter(condition)


class MembershipQuerySet(models.QuerySet):
    def current(self, *, at: datetime | None = None) -> MembershipQuerySet:
        """Memberships in force at `at` (now when not given)."""
        at = at or timezone.now()
        return self.filter(Q(until__isnull=True) | Q(until__gt=at), since__lte=at)

    def overlapping(self, start: datetime, end: datetime) -> MembershipQuerySet:
        """Memberships that were in force at any moment of [start, end]."""
        return self.filter(Q(until__isnull=True) | Q(until__gt=start), since__lte=end)

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from accounts.models import User


class PublicationQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> PublicationQuerySet:
        """Staff who compose, check or approve publications see them; others do not."""
        if user.is_active and user.has_perm("publication.view_publications"):
            return self
        return self.none()

    def for_list(self) -> PublicationQuerySet:
        return self.select_related("complaint", "author", "department", "category")


class PublishedResultQuerySet(models.QuerySet):
    def served(self, *, at: datetime) -> PublishedResultQuerySet:
        """What the public may read at this moment."""
        return self.filter(
            Q(published_until__isnull=True) | Q(published_until__gt=at), published_at__lte=at, withdrawn_at__isnull=True
        )

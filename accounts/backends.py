"""Where permissions come from."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.db.models import QuerySet


class RolesBackend(ModelBackend):
    """Permissions come from roles alone (COM-17): nobody holds one by a row of their own, so none is asked for."""

    def _get_user_permissions(self, user_obj: Any) -> QuerySet[Permission]:
        return Permission.objects.none()

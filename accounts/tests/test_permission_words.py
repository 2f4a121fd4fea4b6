"""The names of permissions reach the translators (COM-17, A11Y: one language per page)."""

import pytest
from django.contrib.auth.models import Permission

from accounts.permission_words import PERMISSION_WORDS
from accounts.roles import ROLES

pytestmark = pytest.mark.django_db


def test_every_permission_of_a_role_is_among_the_words():
    wanted = {name for role in ROLES for name in role.permissions}
    shown = {
        row.name
        for row in Permission.objects.select_related("content_type")
        if f"{row.content_type.app_label}.{row.codename}" in wanted
    }
    assert shown - set(PERMISSION_WORDS) == set()

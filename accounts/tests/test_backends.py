"""Permissions come from roles alone (COM-17)."""

import pytest
from django.contrib.auth.models import Permission

pytestmark = pytest.mark.django_db


def test_a_permission_given_to_one_person_has_no_effect(cast):
    reviewer = cast.reviewer
    reviewer.user_permissions.add(Permission.objects.get(codename="close_complaint"))
    assert reviewer.has_perm("review.review_case")
    assert not reviewer.has_perm("complaints.close_complaint")


def test_rights_cost_one_query(cast, django_assert_num_queries):
    coordinator = type(cast.coordinator).objects.get(pk=cast.coordinator.pk)
    with django_assert_num_queries(1):
        assert coordinator.has_perm("complaints.close_complaint")
        assert not coordinator.has_perm("review.review_case")

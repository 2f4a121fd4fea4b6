"""Keys of the contact data can be replaced without losing a value or a match (DL-07)."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from accounts.checks import key_problem
from complaints import identity
from complaints.models import Complainant, ContactPoint
from complaints.tests.factories import registered

pytestmark = pytest.mark.django_db


def test_after_dropping_the_oldest_key_everything_is_read_and_matched(cast, settings):
    registered()
    assert key_problem() == ""
    old, new = settings.FIELD_KEYS, Fernet.generate_key().decode()
    before = ContactPoint.objects.get(kind="phone").match_hash
    settings.FIELD_KEYS = [new, *old]
    call_command("rotate_field_keys", "--drop-oldest")
    settings.FIELD_KEYS = [new]
    point = ContactPoint.objects.get(kind="phone")
    assert (point.value, Complainant.objects.get().name) == ("13800002417", "张桂芳")
    assert point.match_hash == identity.match_hash("phone", "138 0000 2417") != before
    assert key_problem() == ""


def test_without_dropping_the_matches_stay(cast, settings):
    registered()
    before = ContactPoint.objects.get(kind="phone").match_hash
    settings.FIELD_KEYS = [Fernet.generate_key().decode(), *settings.FIELD_KEYS]
    call_command("rotate_field_keys")
    assert ContactPoint.objects.get(kind="phone").match_hash == before


def test_a_missing_key_changes_nothing(cast, settings):
    registered()
    old, others = settings.FIELD_KEYS, [Fernet.generate_key().decode() for _key in range(2)]
    settings.FIELD_KEYS = others
    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("rotate_field_keys")
    settings.FIELD_KEYS = old
    assert Complainant.objects.get().name == "张桂芳"
    with pytest.raises(CommandError, match="one key only"):
        call_command("rotate_field_keys", "--drop-oldest")

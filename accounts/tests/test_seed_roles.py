"""Accounts for trials (contract, seed_roles)."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import Department, User
from accounts.roles import ROLES

pytestmark = pytest.mark.django_db


def seed(capsys) -> list[dict]:
    call_command("seed_roles", "--json")
    return json.loads(capsys.readouterr().out)["users"]


def test_every_role_is_there_and_whoever_checks_is_two(capsys):
    users = seed(capsys)
    roles = Counter(role for user in users for role in user["roles"])
    assert set(roles) == {role.key for role in ROLES}
    assert all(
        roles[key] >= 2
        for key in ("quality_checker", "legal_counsel", "reviewer", "publication_checker", "head_of_review")
    )
    handling = {code for user in users if user["roles"] == ["case_handler"] for code in user["departments"]}
    assert handling == {"water", "roads"} == set(Department.objects.handling().values_list("code", flat=True))
    assert set(users[0]) == {"staff_number", "name", "roles", "departments", "password", "token"}


def test_password_and_token_work(capsys):
    one = next(user for user in seed(capsys) if user["roles"] == ["department_head"])
    account = User.objects.get(staff_number=one["staff_number"])
    assert account.check_password(one["password"])
    assert account.headed_department_ids() == [Department.objects.get(code=one["departments"][0]).pk]
    assert Client().get("/api/v1/complaints/", headers={"authorization": f"Token {one['token']}"}).status_code == 200


def test_running_again_changes_nothing(capsys):
    first = seed(capsys)
    User.objects.filter(staff_number=first[0]["staff_number"]).update(password="!", is_active=False)
    assert seed(capsys) == first
    assert User.objects.get(staff_number=first[0]["staff_number"]).check_password(first[0]["password"])
    assert User.objects.count() == len(first)


def test_production_refuses(settings):
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="production") as caught:
        call_command("seed_roles", "--json")
    assert caught.value.returncode == 1
    assert not User.objects.exists()

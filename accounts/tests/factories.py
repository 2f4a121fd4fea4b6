"""Plain functions that make people and departments for tests."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts import tokens
from accounts.models import Department, DepartmentKind, Membership, User

SHANGHAI = ZoneInfo("Asia/Shanghai")
# Of every member of staff in tests, as it is typed and as it is stored.
TYPED = "correct-horse-battery"
PASSWORD = make_password(TYPED, hasher="md5")
LONG_AGO = datetime(2020, 1, 6, 9, tzinfo=SHANGHAI)


def department(
    code: str, name: str = "", kind: str = DepartmentKind.HANDLING, parent: Department | None = None
) -> Department:
    """Get or make a department."""
    return Department.objects.get_or_create(code=code, defaults={"name": name or code, "kind": kind, "parent": parent})[
        0
    ]


def sign_in_anew(client: Client, person: User) -> None:
    """Signed in, and the password given once more, as whoever configures the system has to."""
    client.force_login(person)
    answer = client.post(reverse("account_reauthenticate"), {"password": TYPED, "next": "/desk/settings/"})
    assert answer["Location"] == "/desk/settings/"


def token(user: User) -> str:
    """A token for the API, in place of the person's earlier one."""
    return tokens.issue(user, days=30)


def user(
    staff_number: str,
    *roles: str,
    departments: list[Department] | None = None,
    head: bool = False,
    since: datetime = LONG_AGO,
    **fields,
) -> User:
    """A member of staff with these roles, belonging to these departments since long ago."""
    made = User.objects.create_user(
        staff_number, password=TYPED, display_name=fields.pop("display_name", staff_number), **fields
    )
    made.groups.set(Group.objects.filter(name__in=roles))
    for unit in departments or []:
        Membership.objects.create(user=made, department=unit, since=since, is_head=head)
    return made

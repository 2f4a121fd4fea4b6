"""One account per role and department, for tests and trials (docs/operations.md)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction

from accounts import tokens
from accounts.management.base import SHANGHAI, ActionCommand, Failed
from accounts.models import Department, DepartmentKind, Membership, User
from accounts.roles import ROLE_BY_KEY

SINCE = datetime(2020, 1, 6, 9, tzinfo=SHANGHAI)
ROOT = ("org", "公共服务投诉受理中心", DepartmentKind.MANAGEMENT)
DEPARTMENTS = (
    ("office", "投诉办", DepartmentKind.OFFICE),
    ("water", "供水集团", DepartmentKind.HANDLING),
    ("roads", "城管局", DepartmentKind.HANDLING),
    ("review", "投诉复查组", DepartmentKind.REVIEW),
    ("legal", "法务部", DepartmentKind.LEGAL),
    ("press", "公示编辑部", DepartmentKind.PUBLICITY),
)
# role, department, how many: whoever checks is two, so that nobody has to check themselves.
ACCOUNTS = (
    ("intake_officer", "office", 2),
    ("coordinator", "office", 2),
    ("quality_checker", "office", 2),
    ("case_handler", "water", 2),
    ("department_head", "water", 1),
    ("case_handler", "roads", 2),
    ("department_head", "roads", 1),
    ("legal_counsel", "legal", 2),
    ("compliance_officer", "legal", 1),
    ("press_officer", "press", 1),
    ("reviewer", "review", 3),
    ("head_of_review", "review", 2),
    ("publisher", "press", 2),
    ("publication_checker", "press", 2),
    ("manager", "org", 1),
    ("auditor", "org", 1),
    ("administrator", None, 1),
)


class Command(ActionCommand):
    help = "Makes one account per role and department with password and API token. Not in production."

    def run(self, **options: Any) -> dict[str, Any]:
        if settings.PRODUCTION:
            raise Failed(
                "Test accounts are refused in production (HUIYIN_ENV=production); create people in the settings."
            )
        with transaction.atomic():
            departments = _departments()
            return {
                "users": [
                    _account(role, departments.get(place) if place else None, number)
                    for role, place, count in ACCOUNTS
                    for number in range(1, count + 1)
                ]
            }

    def show(self, result: dict[str, Any]) -> None:
        for user in result["users"]:
            self.stdout.write(f"{user['staff_number']:<24} {user['password']:<18} {user['name']}")


def _departments() -> dict[str, Department]:
    code, name, kind = ROOT
    root = Department.objects.get_or_create(code=code, defaults={"name": name, "kind": kind})[0]
    made = {code: root}
    for code, name, kind in DEPARTMENTS:
        made[code] = Department.objects.get_or_create(code=code, defaults={"name": name, "kind": kind, "parent": root})[
            0
        ]
    return made


def _account(role: str, department: Department | None, number: int) -> dict[str, Any]:
    place = f"-{department.code}" if department and department.kind == DepartmentKind.HANDLING else ""
    staff_number = f"{role}{place}-{number}"
    name = f"{department.name if place and department else ''}{ROLE_BY_KEY[role].name_zh}{number}"
    password = _password(staff_number)
    user = User.objects.filter(staff_number=staff_number).first()
    if user is None:
        user = User.objects.create_user(staff_number, password, display_name=name, is_demo=True)
    elif not user.check_password(password) or not user.is_active:
        user.set_password(password)
        user.is_active = True
        user.save(update_fields=["password", "is_active"])
    user.groups.set([Group.objects.get(name=role)])
    if department and not user.memberships.filter(department=department, until=None).exists():
        Membership.objects.create(user=user, department=department, since=SINCE, is_head=role == "department_head")
    return {
        "staff_number": staff_number,
        "name": user.display_name,
        "roles": [role],
        "departments": [department.code] if department else [],
        "password": password,
        "token": _token(user),
    }


def _password(staff_number: str) -> str:
    return _secret(staff_number)[:16]


def _token(user: User) -> str:
    token = _secret(f"token:{user.staff_number}")
    tokens.keep(user, token)
    return token


def _secret(what: str) -> str:
    """The same on every run, and nothing that could be guessed without this installation's SECRET_KEY."""
    digest = hmac.new(settings.SECRET_KEY.encode(), f"seed_roles:{what}".encode(), hashlib.sha256).digest()
    return base64.b32encode(digest).decode().lower().rstrip("=")

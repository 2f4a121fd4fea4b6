"""The fixed cast: one person per duty, two handling departments, two of each checking role."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group

from accounts.models import Membership, User
from accounts.tests.factories import LONG_AGO, PASSWORD, department

# Attribute, name, kind; all below the organisation itself.
DEPARTMENTS = (
    ("office", "office", "投诉办", "office"),
    ("water", "water", "供水集团", "handling"),
    ("roads", "roads", "城管局", "handling"),
    ("review_group", "review", "投诉复查组", "review"),
    ("legal_department", "legal", "法务部", "legal"),
    ("press", "press", "公示编辑部", "publicity"),
)
# Attribute, staff number, role, department, name; who has an address for e-mail stands below.
PEOPLE = (
    ("intake", "A001", "intake_officer", "office", "林若溪"),
    ("intake2", "A002", "intake_officer", "office", "陈嘉怡"),
    ("coordinator", "A003", "coordinator", "office", "周明远"),
    ("coordinator2", "A004", "coordinator", "office", "何秋实"),
    ("checker", "A005", "quality_checker", "office", "高磊"),
    ("checker2", "A006", "quality_checker", "office", "唐婉"),
    ("water_handler", "W001", "case_handler", "water", "赵启明"),
    ("water_handler2", "W002", "case_handler", "water", "吴越"),
    ("water_head", "W003", "department_head", "water", "郑工"),
    ("roads_handler", "R001", "case_handler", "roads", "许岩"),
    ("counsel", "L001", "legal_counsel", "legal_department", "梁静怡"),
    ("counsel2", "L002", "legal_counsel", "legal_department", "宋立群"),
    ("reviewer", "F001", "reviewer", "review_group", "沈知行"),
    ("reviewer2", "F002", "reviewer", "review_group", "许雯"),
    ("head_of_review", "F003", "head_of_review", "review_group", "何建国"),
    ("publisher", "P001", "publisher", "press", "冯凯"),
    ("publisher2", "P002", "publisher", "press", "陆芸"),
    ("publication_checker", "P003", "publication_checker", "press", "罗晴"),
    ("publication_checker2", "P004", "publication_checker", "press", "章宁"),
    ("manager", "M001", "manager", "root", "王一鸣"),
    ("auditor", "U001", "auditor", "root", "郭颖"),
    ("administrator", "S001", "administrator", "", "罗平"),
)
READ_MAIL = {"A001", "A003", "W001", "W003", "L001", "M001"}
HEADS = {"W003"}


@pytest.fixture
def cast(db) -> SimpleNamespace:
    """Everybody a case meets, e.g. `cast.water_handler`, and the departments `cast.water`, `cast.roads`.

    The people are written in bulk: nearly every test begins with them.
    """
    root = department("org", "望澜市公共服务投诉受理中心", "management")
    units = {attribute: department(code, name, kind, root) for attribute, code, name, kind in DEPARTMENTS}
    units["root"] = root
    people = {
        attribute: User(
            staff_number=number,
            display_name=name,
            email=f"{number.lower()}@example.cn" if number in READ_MAIL else "",
            password=PASSWORD,
        )
        for attribute, number, _role, _unit, name in PEOPLE
    }
    User.objects.bulk_create(people.values())
    roles = {group.name: group.pk for group in Group.objects.all()}
    User.groups.through.objects.bulk_create(
        User.groups.through(user=people[attribute], group_id=roles[role]) for attribute, _, role, _, _ in PEOPLE
    )
    Membership.objects.bulk_create(
        Membership(user=people[attribute], department=units[unit], since=LONG_AGO, is_head=number in HEADS)
        for attribute, number, _role, unit, _name in PEOPLE
        if unit
    )
    return SimpleNamespace(**units, **people)

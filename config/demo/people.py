"""Departments and staff of the demo organisation; all invented."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import date, datetime

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group

from accounts.models import Certificate, Department, DepartmentKind, Membership, User
from accounts.roles import ROLE_BY_KEY

# code, name, kind
DEPARTMENTS = [
    ("office", "投诉办", "Complaints Office", DepartmentKind.OFFICE),
    ("water", "供水集团", "Water Supply Group", DepartmentKind.HANDLING),
    ("heat", "热力公司", "Heating Company", DepartmentKind.HANDLING),
    ("post", "邮政管理处", "Postal Administration", DepartmentKind.HANDLING),
    ("service-centre", "政务服务中心", "Government Service Centre", DepartmentKind.HANDLING),
    ("market", "市场监管局", "Market Regulation Bureau", DepartmentKind.HANDLING),
    ("education", "教育局", "Education Bureau", DepartmentKind.HANDLING),
    ("health", "卫健委", "Health Commission", DepartmentKind.HANDLING),
    ("housing", "住建局", "Housing and Construction Bureau", DepartmentKind.HANDLING),
    ("review-group", "投诉复查组", "Review Group", DepartmentKind.REVIEW),
    ("legal", "法务部", "Legal Department", DepartmentKind.LEGAL),
    ("publicity", "公示编辑部", "Publication Office", DepartmentKind.PUBLICITY),
]

# staff number, name, role, department, post
STAFF = [
    ("WL0217", "林若溪", "intake_officer", "office", "受理一组"),
    ("WL0218", "许岩", "intake_officer", "office", "受理二组"),
    ("WL0301", "周明远", "coordinator", "office", "督办组长"),
    ("WL0302", "陈嘉怡", "coordinator", "office", "督办员"),
    ("WL0311", "高磊", "quality_checker", "office", "质检员"),
    ("WL0312", "唐婉", "quality_checker", "office", "质检员"),
    ("GS0101", "赵启明", "case_handler", "water", "客服部"),
    ("GS0102", "吴越", "case_handler", "water", "管网运行部"),
    ("GS0100", "郑海", "department_head", "water", "客服部主任"),
    ("RL0101", "孙佳", "case_handler", "heat", "客服中心"),
    ("RL0100", "马骁", "department_head", "heat", "客服中心主任"),
    ("YZ0101", "宋立群", "case_handler", "post", "市场监督科"),
    ("YZ0100", "白雪松", "department_head", "post", "市场监督科科长"),
    ("ZW0101", "罗晴", "case_handler", "service-centre", "窗口管理科"),
    ("ZW0100", "韩冰", "department_head", "service-centre", "窗口管理科科长"),
    ("SC0101", "曹阳", "case_handler", "market", "消保科"),
    ("SC0100", "丁一", "department_head", "market", "消保科科长"),
    ("JY0101", "章宁", "case_handler", "education", "民办教育科"),
    ("JY0100", "方舟", "department_head", "education", "民办教育科科长"),
    ("WJ0101", "江月", "case_handler", "health", "医政科"),
    ("WJ0100", "冉清", "department_head", "health", "医政科科长"),
    ("ZJ0101", "郭颖", "case_handler", "housing", "物业科"),
    ("ZJ0100", "石磊", "department_head", "housing", "物业科科长"),
    ("FC0001", "何建国", "head_of_review", "review-group", "复查组长"),
    ("FC0002", "沈知行", "reviewer", "review-group", "复查员"),
    ("FC0003", "许雯", "reviewer", "review-group", "复查员"),
    ("FC0004", "傅安", "reviewer", "review-group", "复查员"),
    ("FC0005", "骆宁", "reviewer", "review-group", "复查员（热力公司借调）"),
    ("FC0006", "尹川", "reviewer", "review-group", "复查员（邮政管理处借调）"),
    ("FW0001", "梁静怡", "legal_counsel", "legal", "法务"),
    ("FW0002", "卢凯", "legal_counsel", "legal", "法务"),
    ("HG0001", "严谨", "compliance_officer", "legal", "合规专员"),
    ("GX0001", "温晓", "press_officer", "publicity", "公关专员"),
    ("GB0001", "冯凯", "publisher", "publicity", "公示编辑"),
    ("GB0002", "陆芸", "publisher", "publicity", "公示编辑"),
    ("GB0003", "叶青", "publication_checker", "publicity", "核对员"),
    ("GB0004", "秦朗", "publication_checker", "publicity", "核对员"),
    ("GL0001", "王一鸣", "manager", "root", "主任"),
    ("GL0002", "顾清", "manager", "root", "副主任"),
    ("SJ0001", "苏白", "auditor", "root", "内审员"),
    ("XT0001", "罗平", "administrator", "root", "系统管理员"),
]


@dataclass
class People:
    """The staff by number and by role, and the departments by code."""

    password: str
    users: dict[str, User] = field(default_factory=dict)
    departments: dict[str, Department] = field(default_factory=dict)

    def role(self, name: str, department: str = "") -> list[User]:
        """The members with this role, of one department when given."""
        return [
            self.users[number]
            for number, _name, role, unit, _post in STAFF
            if role == name and (not department or unit == department)
        ]


def create(*, since: datetime) -> People:
    """Make departments and accounts, marked as demo. They share one random password, new at every seeding."""
    people = People(password=f"huiyin-{secrets.token_hex(4)}")
    # Hashed once: a full-cost hash for each of the accounts would take longer than the story.
    hashed = make_password(people.password)
    root = Department.objects.create(code="root", name="望澜市公共服务投诉受理中心", kind=DepartmentKind.MANAGEMENT)
    people.departments["root"] = root
    for code, name, name_en, kind in DEPARTMENTS:
        people.departments[code] = Department.objects.create(
            code=code, name=name, name_en=name_en, kind=kind, parent=root
        )
    groups = {group.name: group for group in Group.objects.filter(name__in=ROLE_BY_KEY)}
    for number, name, role, unit, post in STAFF:
        user = User.objects.create(
            staff_number=number,
            password=hashed,
            display_name=name,
            post=post,
            email=f"{number.lower()}@example.cn",
            frontline_since=date(2015, 3, 2),
            is_demo=True,
        )
        user.groups.add(groups[role])
        if role != "administrator":
            Membership.objects.create(
                user=user,
                department=people.departments[unit],
                since=since,
                is_head=role in ("department_head", "head_of_review", "manager"),
            )
        if role in ("reviewer", "head_of_review"):
            Certificate.objects.create(
                user=user, name="服务质量认证", valid_from=date(2025, 1, 1), valid_until=date(2028, 12, 31)
            )
        people.users[number] = user
    return people


def accounts(people: People) -> list[dict[str, str]]:
    """What bin/serve prints: one line per demo account."""
    return [
        {"staff_number": number, "name": name, "role": ROLE_BY_KEY[role].name_zh, "password": people.password}
        for number, name, role, _unit, _post in STAFF
    ]

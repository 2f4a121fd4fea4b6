"""The fixed cast: one person per duty, two handling departments, two of each checking role."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from accounts.tests.factories import department, user


@pytest.fixture
def cast(db) -> SimpleNamespace:
    """Everybody a case meets, e.g. `cast.water_handler`, and the departments `cast.water`, `cast.roads`."""
    root = department("org", "望澜市公共服务投诉受理中心", "management")
    office = department("office", "投诉办", "office", root)
    water = department("water", "供水集团", "handling", root)
    roads = department("roads", "城管局", "handling", root)
    group = department("review", "投诉复查组", "review", root)
    legal = department("legal", "法务部", "legal", root)
    press = department("press", "公示编辑部", "publicity", root)
    return SimpleNamespace(
        root=root,
        office=office,
        water=water,
        roads=roads,
        review_group=group,
        legal_department=legal,
        press=press,
        intake=user("A001", "intake_officer", departments=[office], display_name="林若溪", email="a001@example.cn"),
        intake2=user("A002", "intake_officer", departments=[office], display_name="陈嘉怡"),
        coordinator=user("A003", "coordinator", departments=[office], display_name="周明远", email="a003@example.cn"),
        coordinator2=user("A004", "coordinator", departments=[office], display_name="何秋实"),
        checker=user("A005", "quality_checker", departments=[office], display_name="高磊"),
        checker2=user("A006", "quality_checker", departments=[office], display_name="唐婉"),
        water_handler=user("W001", "case_handler", departments=[water], display_name="赵启明", email="w001@example.cn"),
        water_handler2=user("W002", "case_handler", departments=[water], display_name="吴越"),
        water_head=user(
            "W003", "department_head", departments=[water], head=True, display_name="郑工", email="w003@example.cn"
        ),
        roads_handler=user("R001", "case_handler", departments=[roads], display_name="许岩"),
        counsel=user("L001", "legal_counsel", departments=[legal], display_name="梁静怡", email="l001@example.cn"),
        counsel2=user("L002", "legal_counsel", departments=[legal], display_name="宋立群"),
        reviewer=user("F001", "reviewer", departments=[group], display_name="沈知行"),
        reviewer2=user("F002", "reviewer", departments=[group], display_name="许雯"),
        head_of_review=user("F003", "head_of_review", departments=[group], display_name="何建国"),
        publisher=user("P001", "publisher", departments=[press], display_name="冯凯"),
        publisher2=user("P002", "publisher", departments=[press], display_name="陆芸"),
        publication_checker=user("P003", "publication_checker", departments=[press], display_name="罗晴"),
        publication_checker2=user("P004", "publication_checker", departments=[press], display_name="章宁"),
        manager=user("M001", "manager", departments=[root], display_name="王一鸣", email="m001@example.cn"),
        auditor=user("U001", "auditor", departments=[root], display_name="郭颖"),
        administrator=user("S001", "administrator", display_name="罗平"),
    )

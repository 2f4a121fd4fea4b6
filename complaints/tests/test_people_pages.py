"""The pages about people, departments and the security log (COM-04, COM-17, AT-06, AU-09)."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from accounts import people, security
from accounts.models import AccessState, Department, SecurityEvent, User
from accounts.tests.factories import TYPED, sign_in_anew
from complaints.models import Notification
from complaints.security_words import KINDS
from complaints.tests.factories import Story

NEW = {"staff_number": "N001", "name": "新来的", "roles": ["intake_officer"], "reason": "新入职"}


@pytest.fixture
def manager(client, cast):
    sign_in_anew(client, cast.manager)
    return client


def at(name: str, *args: object) -> str:
    return reverse(f"complaints:{name}", args=args)


def words(html: bytes) -> str:
    return re.sub(r"<[^>]*>|\s+", " ", html.decode())


# --- Who may ------------------------------------------------------------------------------------------
def test_au_09_the_password_is_asked_for_once_more_and_nothing_typed_is_lost(client, cast):
    client.force_login(cast.manager)
    assert client.get(at("people")).status_code == 200
    asked = client.post(at("person_new"), NEW)
    assert asked["Location"].startswith(reverse("account_reauthenticate"))
    assert not User.objects.filter(staff_number="N001").exists()
    done = client.post(asked["Location"], {"password": TYPED, "next": at("person_new")})
    assert done["Location"] == at("person", User.objects.get(staff_number="N001").pk)


def test_a_refused_form_after_the_password_is_sent_to_its_own_page(client, cast):
    client.force_login(cast.manager)
    asked = client.post(at("person_new"), NEW | {"reason": ""})
    page = client.post(asked["Location"], {"password": TYPED, "next": at("person_new")})
    assert page.status_code == 422
    assert f'action="{at("person_new")}"' in page.content.decode()


def test_az_the_pages_are_for_whoever_manages_users(client, cast):
    for person in (cast.coordinator, cast.auditor, cast.head_of_review):
        client.force_login(person)
        assert client.get(at("people")).status_code == 403
        assert client.get(at("person", cast.intake.pk)).status_code == 403
        assert client.post(at("person_roles", cast.intake.pk), {"roles": ["manager"]}).status_code == 403


# --- Pages --------------------------------------------------------------------------------------------
def test_the_list_finds_people_and_costs_the_same_for_all(manager, cast, django_assert_num_queries):
    assert "林若溪" in words(manager.get(at("people"), {"q": "a001"}).content)
    found = words(manager.get(at("people"), {"role": "case_handler", "department": cast.roads.pk}).content)
    assert ("许岩" in found, "赵启明" in found) == (True, False)
    assert "没有符合条件的人员" in words(manager.get(at("people"), {"state": "closed"}).content)
    manager.get(at("people"))
    with django_assert_num_queries(10):
        manager.get(at("people"))
    with django_assert_num_queries(10):
        manager.get(at("people"), {"q": "A001"})


@pytest.mark.parametrize(
    "wrong", [{"q": "a\x00b"}, {"department": "9" * 30}, {"department": "x"}, {"role": "emperor"}, {"state": "gone"}]
)
def test_a_search_that_cannot_be_is_answered_at_its_field(manager, wrong):
    answer = manager.get(at("people"), wrong)
    assert (answer.status_code, set(answer.context["form"].errors)) == (422, set(wrong))


def test_com_04_a_far_reaching_role_from_proposal_to_decision(manager, cast, client):
    page = at("person", cast.intake.pk)
    sent = {"roles": ["intake_officer", "coordinator"], "reason": "提任督办"}
    assert manager.post(at("person_roles", cast.intake.pk), sent)["Location"] == page
    change = cast.intake.access_changes.get()
    shown = words(manager.get(page).content)
    assert ("等待另一人批准" in shown, "提任督办" in shown, "撤回" in shown) == (True, True, True)
    told = Notification.objects.filter(kind="access_waits", url=page)
    assert {row.recipient for row in told} == {cast.administrator}
    assert manager.post(at("access_change", change.pk), {"step": "approve"}).status_code == 403  # the proposer
    assert people.roles_of(cast.intake) == {"intake_officer"}
    sign_in_anew(client, cast.administrator)
    assert "提任督办" in words(client.get(at("people")).content)
    client.post(at("access_change", change.pk), {"step": "approve"})
    assert people.roles_of(cast.intake) == {"intake_officer", "coordinator"}
    assert Notification.objects.filter(kind="access_decided", recipient=cast.manager).exists()
    assert Notification.objects.filter(kind="access_done", recipient=cast.intake).exists()


def test_what_is_wrong_stands_at_the_field_with_what_was_typed(manager, cast):
    answer = manager.post(
        at("person_correct", cast.intake.pk), {"name": "林若溪", "email": "kein-email", "post": "组长"}
    )
    assert answer.status_code == 422
    assert ("kein-email" in answer.content.decode(), "组长" in answer.content.decode()) == (True, True)
    same = manager.post(at("person_roles", cast.intake.pk), {"roles": ["intake_officer"], "reason": "无"})
    assert (same.status_code, "没有变化" in words(same.content)) == (422, True)
    bad = manager.post(at("person_join", cast.intake.pk), {"department": cast.water.pk, "since": "0001-01-01"})
    assert bad.status_code == 422
    assert cast.intake.memberships.count() == 1


def test_the_link_for_a_password_is_shown_once_and_is_kept_by_no_cache(manager, cast):
    people.ask_password(cast.intake.pk, reason="忘记密码", by=cast.manager)
    answer = manager.post(at("person_link", cast.intake.pk))
    assert "/accounts/password/reset/key/" in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert "/accounts/password/reset/key/" not in manager.get(at("person", cast.intake.pk)).content.decode()


def test_who_closes_an_account_is_told_of_the_cases_in_hand(manager, cast):
    Story(cast).accept().assign().start()
    assert "手上有 1 件在办案件" in words(manager.get(at("person", cast.water_handler.pk)).content)
    manager.post(at("person_access", cast.water_handler.pk), {"kind": "closed", "reason": "离职"})
    cast.water_handler.refresh_from_db()
    assert not cast.water_handler.is_active
    assert cast.water_handler.access_changes.get().state == AccessState.DONE


def test_one_sees_oneself_and_changes_nothing_of_it(manager, cast):
    shown = manager.get(at("person", cast.manager.pk)).content.decode()
    assert "这是你自己" in shown
    assert at("person_roles", cast.manager.pk) not in shown
    refused = manager.post(at("person_join", cast.manager.pk), {"department": cast.water.pk})
    assert refused.status_code == 403
    assert cast.manager.memberships.count() == 1


# --- Departments --------------------------------------------------------------------------------------
def test_departments_are_entered_changed_and_closed_once_empty(client, cast):
    client.force_login(cast.coordinator)
    values = {"name": "园林局", "name_en": "Parks Bureau", "kind": "handling", "is_active": "on"}
    added = client.post(at("department_add"), values | {"code": "parks", "parent": cast.root.pk})
    assert added["Location"] == at("departments")
    parks = Department.objects.get(code="parks")
    assert parks.path == f"{cast.root.path}parks/"
    assert "园林局" in words(client.get(at("departments")).content)
    taken = client.post(at("department_add"), values | {"code": "PARKS", "name": "另一个"})
    assert (taken.status_code, "该标识已被使用" in words(taken.content)) == (422, True)
    twice = client.post(at("department_add"), values | {"code": "parks2"})
    assert "已有同名部门" in words(twice.content)
    closed = {name: value for name, value in values.items() if name != "is_active"}
    Story(cast).accept().assign()
    busy = client.post(at("department", cast.water.pk), closed | {"name": "供水集团", "name_en": ""})
    assert "还有 1 件在办案件" in words(busy.content)
    full = client.post(at("department", cast.roads.pk), closed | {"name": "城管局", "name_en": ""})
    assert "还有 1 人属于该部门" in words(full.content)
    assert client.post(at("department", parks.pk), closed)["Location"] == at("departments")
    parks.refresh_from_db()
    assert not parks.is_active
    assert SecurityEvent.objects.filter(kind="department_saved", subject="parks", user=cast.coordinator).count() == 2


# --- The security log ---------------------------------------------------------------------------------
def test_at_06_auditors_read_the_log_filtered_and_page_by_page(client, cast, django_assert_num_queries):
    people.close(cast.intake.pk, reason="离职", by=cast.manager)
    for number in range(60):
        security.record("refused", user=cast.intake2, subject=f"page{number}")
    client.force_login(cast.auditor)
    log = at("security_log")
    first = client.get(log)
    assert words(first.content).count("无权限，被拒绝") > 40
    second = client.get(log + first.context["next_url"])
    assert "page0" in words(second.content)
    one = words(client.get(log, {"kind": "account_closed", "person": "m001"}).content)
    assert ("停用账号" in one, "林若溪" in one, "page1" in one) == (True, True, False)
    wrong = client.get(log, {"since": "2026-12-02", "until": "2026-12-01"})
    assert (wrong.status_code, "截止日期早于起始日期" in words(wrong.content)) == (422, True)
    assert client.get(log, {"since": "0001-01-01", "until": "9999-12-31", "after": "x"}).status_code in (200, 422)
    with django_assert_num_queries(5):
        client.get(log)
    client.force_login(cast.manager)
    assert client.get(log).status_code == 403


def test_the_log_says_every_kind_in_words(cast):
    """What the product records is read by people who know no code."""
    for kind in ("sign_in", "roles_changed", "membership_begun", "policy_revised", "masking_approved"):
        assert re.search("[一-鿿]", str(KINDS[kind]))

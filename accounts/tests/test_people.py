"""Who enters people, gives them rights and takes them away (COM-04, COM-17, matrix row 50)."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import people, takedowns, tokens
from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import AccessChange, AccessState, SecurityEvent, User
from accounts.roles import PRIVILEGED, ROLE_BY_KEY

WHY = "新入职"


def entered(cast, **changes) -> User:
    values = {"staff_number": "N001", "name": "新来的", "department": cast.office, "reason": WHY, "by": cast.manager}
    return people.enter(**values | changes)


# --- Entering -------------------------------------------------------------------------------------------
def test_com_17_a_person_is_entered_with_department_and_ordinary_roles_at_once(cast):
    person = entered(cast, roles=["intake_officer"], is_head=True)
    assert people.roles_of(person) == {"intake_officer"}
    row = person.memberships.get()
    assert (row.department, row.is_head, row.until) == (cast.office, True, None)
    assert not person.has_usable_password()
    assert SecurityEvent.objects.filter(kind="person_entered", user=cast.manager, subject=f"user:{person.pk}").exists()


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("staff_number", {"staff_number": "N 01"}),
        ("staff_number", {"staff_number": "a001"}),  # taken, in capitals
        ("name", {"name": " "}),
        ("name", {"name": "长" * 81}),
        ("email", {"email": "no-address"}),
        ("frontline_since", {"frontline_since": timezone.localdate() + timedelta(days=1)}),
        ("roles", {"roles": ["emperor"]}),
        ("reason", {"reason": ""}),
        ("reason", {"reason": "长" * 301}),
    ],
)
def test_what_is_wrong_is_named_and_nobody_is_entered(cast, field, wrong):
    known = User.objects.count()
    with pytest.raises(InvalidInput) as refused:
        entered(cast, **wrong)
    assert refused.value.field == field
    assert User.objects.count() == known


def test_az_only_who_manages_users_enters_people(cast):
    for by in (cast.coordinator, cast.auditor, cast.water_head):
        with pytest.raises(NotAllowed):
            entered(cast, by=by)


# --- Roles ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", sorted(PRIVILEGED))
def test_com_04_far_reaching_roles_wait_for_a_second_person(cast, role):
    person = entered(cast, roles=["intake_officer", role])
    assert people.roles_of(person) == {"intake_officer"}
    change = person.access_changes.get(state=AccessState.PROPOSED)
    for by in (cast.manager, person):
        with pytest.raises(NotAllowed):
            people.decide(change.pk, approve=True, by=by)
    people.decide(change.pk, approve=True, by=cast.administrator)
    assert people.roles_of(person) == {"intake_officer", role}
    with pytest.raises(IllegalTransition):
        people.decide(change.pk, approve=False, by=cast.administrator)


def test_com_04_who_is_proposed_for_a_role_does_not_decide_although_they_manage_users(cast):
    change = people.set_roles(cast.administrator.pk, roles=["administrator", "auditor"], reason=WHY, by=cast.manager)
    with pytest.raises(NotAllowed):
        people.decide(change.pk, approve=True, by=cast.administrator)


def test_com_04_what_is_declined_or_taken_back_changes_nothing(cast):
    person = entered(cast, roles=["publisher"])
    people.decide(person.access_changes.get().pk, approve=False, by=cast.administrator)
    again = people.set_roles(person.pk, roles=["publisher"], reason=WHY, by=cast.manager)
    with pytest.raises(NotAllowed):
        people.take_back(again.pk, by=cast.administrator)
    people.take_back(again.pk, by=cast.manager)
    assert people.roles_of(person) == set()
    assert list(person.access_changes.order_by("pk").values_list("state", flat=True)) == ["declined", "withdrawn"]


def test_roles_are_taken_away_at_once_and_the_rest_waits(cast):
    person = entered(cast, roles=["intake_officer"])
    people.set_roles(person.pk, roles=["case_handler", "coordinator"], reason="转岗", by=cast.manager)
    assert people.roles_of(person) == {"case_handler"}
    with pytest.raises(IllegalTransition):  # one change at a time
        people.set_roles(person.pk, roles=["case_handler", "publisher"], reason=WHY, by=cast.manager)
    with pytest.raises(InvalidInput):
        people.set_roles(person.pk, roles=["case_handler"], reason=WHY, by=cast.manager)


def test_az_nobody_changes_their_own_rights(cast):
    row = cast.manager.memberships.get()
    for own in (
        lambda: people.set_roles(cast.manager.pk, roles=["manager", "auditor"], reason=WHY, by=cast.manager),
        lambda: people.close(cast.manager.pk, reason=WHY, by=cast.manager),
        lambda: people.ask_password(cast.manager.pk, reason=WHY, by=cast.manager),
        lambda: people.join(cast.manager.pk, department=cast.water, by=cast.manager),
        lambda: people.leave(row.pk, by=cast.manager),
        lambda: people.lead(row.pk, is_head=True, by=cast.manager),
        lambda: people.password_link(cast.manager, by=cast.manager),
    ):
        with pytest.raises(NotAllowed):
            own()
    assert not AccessChange.objects.exists()


def test_az_the_database_refuses_one_person_for_two(cast):
    change = people.set_roles(cast.water_handler.pk, roles=["auditor"], reason=WHY, by=cast.manager)
    for values in (
        {"decided_by": cast.manager},
        {"decided_by": cast.water_handler},
        {"proposed_by": cast.water_handler},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            AccessChange.objects.filter(pk=change.pk).update(**values)


def test_somebody_who_gives_roles_is_always_left(cast):
    """However many try: the last one keeps the role and the account."""
    people.close(cast.administrator.pk, reason="离职", by=cast.manager)
    other = entered(cast, staff_number="N002")
    other.groups.set(cast.manager.groups.all())
    people.set_roles(cast.manager.pk, roles=[], reason="转岗", by=other)
    cast.manager.groups.set(other.groups.all())
    User.objects.filter(pk=cast.manager.pk).update(is_active=False)  # closed meanwhile by somebody else
    for last in (
        lambda: people.close(other.pk, reason=WHY, by=User.objects.get(pk=cast.manager.pk)),
        lambda: people.set_roles(other.pk, roles=[], reason=WHY, by=User.objects.get(pk=cast.manager.pk)),
    ):
        with pytest.raises(NotAllowed):
            last()
    with pytest.raises(IllegalTransition):  # the one who presses was read while still active
        people.close(other.pk, reason=WHY, by=cast.manager)
    assert people.roles_of(other) == {"manager"}


# --- Sign-in --------------------------------------------------------------------------------------------
def test_az_02_a_closed_account_works_no_longer_at_the_next_request(cast, client):
    token = tokens.issue(cast.intake, days=30)
    client.force_login(cast.intake)
    assert client.get("/desk/queue/").status_code == 200
    people.close(cast.intake.pk, reason="离职", by=cast.manager)
    assert client.get("/desk/queue/").status_code == 302
    assert client.get("/api/v1/complaints/", headers={"Authorization": f"Token {token}"}).status_code == 401
    people.reopen(cast.intake.pk, reason="返聘", by=cast.manager)
    cast.intake.refresh_from_db()
    assert cast.intake.is_active
    assert tokens.current(cast.intake) is None


def test_a_new_password_by_link_once_and_the_old_one_is_dead(cast, client):
    cast.intake.set_password("old-word-2026")
    cast.intake.save()
    with pytest.raises(IllegalTransition):
        people.password_link(cast.intake, by=cast.manager)
    people.ask_password(cast.intake.pk, reason="忘记密码", by=cast.manager)
    cast.intake.refresh_from_db()
    assert not client.login(username=cast.intake.staff_number, password="old-word-2026")
    link = people.password_link(cast.intake, by=cast.manager)
    page = client.get(link, follow=True)
    new = {"password1": "quite-new-word-2026", "password2": "quite-new-word-2026"}
    client.post(page.redirect_chain[-1][0], new)
    cast.intake.refresh_from_db()
    assert cast.intake.check_password("quite-new-word-2026")
    again = {"password1": "another-word-2026", "password2": "another-word-2026"}
    assert "这个链接已失效" in client.get(link, follow=True).content.decode()
    client.post(link, again)
    cast.intake.refresh_from_db()
    assert cast.intake.check_password("quite-new-word-2026")


@pytest.mark.parametrize("step", ["ask_password", "ask_second_step", "reopen", "address"])
def test_com_04_one_person_alone_cannot_sign_in_as_another_who_decides(cast, step):
    """Else whoever manages users could take a second person's account and be both."""
    Authenticator.objects.create(user=cast.counsel, type=Authenticator.Type.TOTP, data={"secret": "x"})
    old = cast.counsel.email
    if step == "reopen":
        people.close(cast.counsel.pk, reason=WHY, by=cast.manager)
    if step == "address":
        known = {"name": cast.counsel.display_name, "post": "", "frontline_since": None}
        with pytest.raises(InvalidInput):
            people.correct(cast.counsel.pk, email="mine@example.cn", by=cast.manager, **known)
        change = people.correct(cast.counsel.pk, email="mine@example.cn", reason=WHY, by=cast.manager, **known)
    else:
        change = getattr(people, step)(cast.counsel.pk, reason=WHY, by=cast.manager)
    person = User.objects.get(pk=cast.counsel.pk)
    assert change.state == AccessState.PROPOSED
    assert (person.has_usable_password(), person.email, people.has_second_step(person)) == (
        cast.counsel.has_usable_password(), old, True,
    )  # fmt: skip
    assert person.is_active == (step != "reopen")
    people.decide(change.pk, approve=True, by=cast.administrator)
    person.refresh_from_db()
    assert {
        "ask_password": not person.has_usable_password(),
        "ask_second_step": not people.has_second_step(person),
        "reopen": person.is_active,
        "address": person.email == "mine@example.cn",
    }[step]


def test_the_address_of_an_ordinary_member_is_corrected_at_once(cast):
    changed = people.correct(
        cast.intake.pk, name="林若溪", email="new@example.cn", post="受理二组", frontline_since=None, by=cast.manager
    )
    cast.intake.refresh_from_db()
    assert (changed, cast.intake.email, cast.intake.post) == (None, "new@example.cn", "受理二组")


# --- Departments ----------------------------------------------------------------------------------------
def test_ri_03_who_moves_leaves_one_department_and_joins_another_and_the_past_stays(cast):
    before = cast.water_handler.memberships.get()
    people.leave(before.pk, by=cast.manager)
    people.join(cast.water_handler.pk, department=cast.roads, by=cast.manager)
    person = User.objects.get(pk=cast.water_handler.pk)
    before.refresh_from_db()
    assert before.until is not None
    assert person.department_ids == [cast.roads.pk]
    with pytest.raises(IllegalTransition):
        people.leave(before.pk, by=cast.manager)
    with pytest.raises(InvalidInput):
        people.join(person.pk, department=cast.roads, by=cast.manager)


def test_ri_03_a_member_becomes_head_from_now_on(cast):
    before = cast.water_handler.memberships.get()
    row = people.lead(before.pk, is_head=True, by=cast.manager)
    before.refresh_from_db()
    assert (before.is_head, before.until, row.is_head, row.since) == (False, row.since, True, before.until)
    with pytest.raises(IllegalTransition):
        people.lead(row.pk, is_head=True, by=cast.manager)
    row.refresh_from_db()
    assert row.until is None


@pytest.mark.parametrize("days", [1, -40000])
def test_ri_03_a_membership_begins_on_a_day_that_can_be(cast, days):
    since = timezone.localdate() + timedelta(days=days)
    with pytest.raises(InvalidInput) as refused:
        people.join(cast.water_handler.pk, department=cast.roads, since=since, by=cast.manager)
    assert refused.value.field == "since"


# --- After a restore ------------------------------------------------------------------------------------
@pytest.mark.parametrize("what", ["close", "ask_password", "roles"])
def test_dl_04_what_was_taken_away_after_a_backup_is_taken_away_again(cast, what, django_capture_on_commit_callbacks):
    """And only that: what somebody gave back since then, or another person with the same key, is left alone."""
    cast.intake.set_password("old-word-2026")
    cast.intake.save()
    known = User.objects.filter(pk=cast.intake.pk).values("is_active", "password").get()
    with django_capture_on_commit_callbacks(execute=True):
        if what == "roles":
            people.set_roles(cast.intake.pk, roles=["case_handler"], reason="转岗", by=cast.manager)
        else:
            getattr(people, what)(cast.intake.pk, reason="离职", by=cast.manager)
    entry = next(one for one in reversed(takedowns.read().entries) if one.what == takedowns.What.ACCESS)
    assert people.taken_away()[-1] == entry
    assert not people.take_away_again(entry)  # the database knows it
    changes = list(AccessChange.objects.values())
    AccessChange.objects.all().delete()
    User.objects.filter(pk=cast.intake.pk).update(**known)  # as the backup knew it
    cast.intake.groups.set(cast.intake2.groups.all())
    assert people.is_back(entry)
    assert people.take_away_again(entry)
    assert not people.take_away_again(entry)
    person = User.objects.get(pk=cast.intake.pk)
    assert {
        "close": not person.is_active,
        "ask_password": not person.has_usable_password(),
        "roles": "intake_officer" not in people.roles_of(person),
    }[what]
    User.objects.filter(pk=cast.intake.pk).update(**known, created_at=entry.at + timedelta(hours=1))
    cast.intake.groups.set(cast.intake2.groups.all())
    assert not people.is_back(entry)
    User.objects.filter(pk=cast.intake.pk).update(created_at=entry.at - timedelta(days=1))
    AccessChange.objects.create(**changes[-1] | {"id": None, "proposed_at": entry.at + timedelta(minutes=1)})
    assert not people.is_back(entry)


# --- The first people -----------------------------------------------------------------------------------
def test_the_first_administrators_are_entered_on_the_server(cast, client):
    out = StringIO()
    call_command(
        "enter_person", "N009", "首任管理员", role=["administrator"], department="office", json=True, stdout=out
    )
    person = User.objects.get(staff_number="N009")
    assert people.roles_of(person) == {"administrator"}
    assert client.get(json.loads(out.getvalue())["link"], follow=True).status_code == 200
    assert person.access_changes.get().proposed_by is None
    with pytest.raises(CommandError):
        call_command("enter_person", "N009", "再来一次", stdout=out)
    with pytest.raises(CommandError, match="office"):
        call_command("enter_person", "N010", "某人", department="nowhere", stdout=out)
    person.set_password("once-2026-words")
    person.save()
    call_command("enter_person", "N009", again=True, stdout=out)
    person.refresh_from_db()
    assert not person.has_usable_password()


def test_every_role_is_either_given_by_one_or_by_two():
    assert set(ROLE_BY_KEY) > PRIVILEGED
    for key, role in ROLE_BY_KEY.items():
        if people.PERMISSION in role.permissions or "accounts.configure_system" in role.permissions:
            assert key in PRIVILEGED

"""A person's own page: data, API token, sign-ins (AT-06)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken

from accounts.models import SecurityEvent, User

URL = "/accounts/profile/"


def test_anonymous_visitor_is_sent_to_sign_in(client, db):
    assert client.get(URL)["Location"] == "/accounts/login/?next=/accounts/profile/"
    assert client.post(f"{URL}token/").status_code == 302


def test_profile_shows_own_data_department_and_roles(client, cast):
    client.force_login(cast.water_head)
    html = client.get(URL).content.decode()
    for text in ("郑工", "W003", "w003@example.cn", "供水集团", "部门负责人"):
        assert text in html
    assert "赵启明" not in html
    assert "/accounts/password/change/" in html
    assert "/accounts/2fa/" in html


def test_the_administrator_has_a_profile_too(client, cast):
    client.force_login(cast.administrator)
    assert client.get(URL).status_code == 200


def api(token: str) -> int:
    """What a program gets that shows this token."""
    return Client().get("/api/v1/complaints/", headers={"authorization": f"Token {token}"}).status_code


def shown_token(response) -> str:
    return re.search(r"<code[^>]*>([0-9a-f]{64})</code>", response.content.decode())[1]


def test_ap_04_a_token_is_shown_once_replaced_and_revoked(client, cast):
    client.force_login(cast.intake)
    first = client.post(f"{URL}token/", {"days": "90"})
    token = shown_token(first)
    assert first["Cache-Control"] == "no-store"
    assert api(token) == 200
    assert token not in client.get(URL).content.decode()
    replaced = shown_token(client.post(f"{URL}token/", {"days": "30"}))
    assert (api(token), api(replaced)) == (401, 200)
    assert client.post(f"{URL}token/revoke/")["Location"] == URL
    assert api(replaced) == 401
    kinds = list(
        SecurityEvent.objects.filter(user=cast.intake)
        .exclude(kind="sign_in")
        .order_by("pk")
        .values_list("kind", flat=True)
    )
    assert kinds == ["token_created", "token_created", "token_revoked"]
    assert token not in str(list(SecurityEvent.objects.values_list("detail", "subject")))


def test_ap_04_a_token_is_stored_as_a_hash_and_runs_out(client, cast):
    client.force_login(cast.intake)
    token = shown_token(client.post(f"{URL}token/", {"days": "30"}))
    [row] = AuthToken.objects.values()
    assert token not in str(row)
    assert timedelta(days=29) < row["expiry"] - timezone.now() < timedelta(days=31)
    day = timezone.localdate(row["expiry"])
    assert f"{day.year} 年 {day.month} 月 {day.day} 日前有效" in client.get(URL).content.decode()
    AuthToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    assert api(token) == 401


def test_ap_04_a_token_ends_with_its_owner(client, cast):
    client.force_login(cast.intake)
    token = shown_token(client.post(f"{URL}token/", {"days": "30"}))
    User.objects.filter(pk=cast.intake.pk).update(is_active=False)
    assert api(token) == 401


@pytest.mark.parametrize("days", ["", "0", "31", "9999999", "x", "３０", "-30"])
def test_ap_04_another_lifetime_is_refused_and_the_old_token_stays(client, cast, days):
    client.force_login(cast.intake)
    token = shown_token(client.post(f"{URL}token/", {"days": "30"}))
    response = client.post(f"{URL}token/", {"days": days}, follow=True)
    assert "请选择令牌的有效期" in response.content.decode()
    assert api(token) == 200


@pytest.mark.parametrize("token", ["x", "0" * 64, "\u00e4" * 10, "a b", "-" * 4000])
def test_ap_04_what_is_no_token_is_refused_alike(db, token):
    assert api(token) == 401


def test_a_token_is_made_by_post_only_and_for_oneself(client, cast):
    client.force_login(cast.intake)
    assert client.get(f"{URL}token/").status_code == 405
    client.post(f"{URL}token/", {"user": cast.coordinator.pk, "days": "30"})
    assert list(AuthToken.objects.values_list("user", flat=True)) == [cast.intake.pk]


def test_sign_ins_are_recorded_and_shown_to_the_person(client, cast):
    sent = {"login": "A001", "password": "correct-horse-battery"}
    client.post("/accounts/login/", {**sent, "password": "wrong"}, REMOTE_ADDR="203.0.113.9")
    assert SecurityEvent.objects.filter(kind="sign_in_failed").count() == 1
    client.post("/accounts/login/", sent, REMOTE_ADDR="203.0.113.7")
    assert SecurityEvent.objects.filter(kind="sign_in", user=cast.intake).count() == 1
    html = client.get(URL).content.decode()
    assert "203.0.113.7" in html
    assert "203.0.113.9" not in html

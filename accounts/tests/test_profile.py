"""A person's own page: data, API token, sign-ins (AT-06)."""

from __future__ import annotations

import re

from rest_framework.authtoken.models import Token

from accounts.models import SecurityEvent

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


def test_a_token_is_shown_once_replaced_and_revoked(client, cast):
    client.force_login(cast.intake)
    first = client.post(f"{URL}token/")
    token = Token.objects.get(user=cast.intake)
    assert re.search(rf"<code[^>]*>{token.key}</code>", first.content.decode())
    assert first["Cache-Control"] == "no-store"
    assert token.key not in client.get(URL).content.decode()
    client.post(f"{URL}token/")
    replaced = Token.objects.get(user=cast.intake)
    assert replaced.key != token.key
    assert client.post(f"{URL}token/revoke/")["Location"] == URL
    assert not Token.objects.filter(user=cast.intake).exists()
    kinds = list(
        SecurityEvent.objects.filter(user=cast.intake)
        .exclude(kind="sign_in")
        .order_by("pk")
        .values_list("kind", flat=True)
    )
    assert kinds == ["token_created", "token_created", "token_revoked"]
    assert token.key not in str(list(SecurityEvent.objects.values_list("detail", "subject")))


def test_a_token_is_made_by_post_only_and_for_oneself(client, cast):
    client.force_login(cast.intake)
    assert client.get(f"{URL}token/").status_code == 405
    client.post(f"{URL}token/", {"user": cast.coordinator.pk})
    assert list(Token.objects.values_list("user", flat=True)) == [cast.intake.pk]


def test_sign_ins_are_recorded_and_shown_to_the_person(client, cast):
    sent = {"login": "A001", "password": "correct-horse-battery"}
    client.post("/accounts/login/", {**sent, "password": "wrong"}, REMOTE_ADDR="203.0.113.9")
    assert SecurityEvent.objects.filter(kind="sign_in_failed").count() == 1
    client.post("/accounts/login/", sent, REMOTE_ADDR="203.0.113.7")
    assert SecurityEvent.objects.filter(kind="sign_in", user=cast.intake).count() == 1
    html = client.get(URL).content.decode()
    assert "203.0.113.7" in html
    assert "203.0.113.9" not in html

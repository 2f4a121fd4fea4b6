"""Signing in with a second step (AT-06): the code of the authenticator, a wrong one, a recovery code."""

from __future__ import annotations

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)

CODE = "/accounts/2fa/authenticate/"


@pytest.fixture
def secret(cast) -> str:
    """The intake officer has an authenticator."""
    made = generate_totp_secret()
    TOTP.activate(cast.intake, made)
    return made


def current(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


@pytest.fixture
def asked(client, secret):
    """Password given; the code is asked for."""
    response = client.post("/accounts/login/", {"login": "A001", "password": "correct-horse-battery"})
    assert response["Location"] == CODE
    return client


def signed_in(client) -> bool:
    return client.get("/accounts/profile/").status_code == 200


def test_a_password_alone_does_not_open_the_desk(asked):
    assert not signed_in(asked)


def test_a_wrong_code_is_refused_in_plain_words(asked):
    response = asked.post(CODE, {"code": "000000"})
    assert "验证码不对" in response.content.decode()
    assert not signed_in(asked)


def test_the_right_code_opens_the_desk(asked, secret):
    assert asked.post(CODE, {"code": current(secret)}).status_code == 302
    assert signed_in(asked)


def test_a_recovery_code_works_once(asked, cast, client):
    code = RecoveryCodes.activate(cast.intake).get_unused_codes()[0]
    asked.post(CODE, {"code": code})
    assert signed_in(asked)
    client.logout()
    client.post("/accounts/login/", {"login": "A001", "password": "correct-horse-battery"})
    client.post(CODE, {"code": code})
    assert not signed_in(client)

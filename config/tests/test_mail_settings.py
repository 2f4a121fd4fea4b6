"""The variables about e-mail: read once, wrong ones named at start, no secret shown (IN-08, SC-01)."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.settings import environment
from config.settings.mail import address_of, default_sender, parse_imap


@pytest.fixture
def read(monkeypatch, tmp_path):
    """Reads the environment with these variables changed."""
    monkeypatch.setenv("HUIYIN_DATA", str(tmp_path))
    for name in ("HUIYIN_MAIL_FROM", "HUIYIN_MAIL_REPLY_TO", "HUIYIN_IMAP_URL", "HUIYIN_MAIL_INTAKE"):
        monkeypatch.delenv(name, raising=False)

    def work(**changes):
        for name, value in changes.items():
            monkeypatch.setenv(name, value)
        return environment.read()

    return work


def test_addresses_follow_from_the_public_address(read):
    found = read(HUIYIN_PUBLIC_URL="https://tousu.example.cn")
    assert (found.mail_from, found.mail_reply_to) == ("huiyin@tousu.example.cn", "reply+TOKEN@tousu.example.cn")
    assert (found.imap, found.mail_intake) == (None, "automatic")
    assert default_sender("http://127.0.0.1:8000") == default_sender("http://[::1]:8000") == "huiyin@localhost"


def test_given_addresses_are_used(read):
    found = read(HUIYIN_MAIL_FROM="投诉受理中心 <tousu@example.cn>", HUIYIN_MAIL_INTAKE="clerk")
    assert address_of(found.mail_from) == "tousu@example.cn"
    assert (found.mail_reply_to, found.mail_intake) == ("reply+TOKEN@example.cn", "clerk")


def test_the_mailbox_is_read_from_its_url():
    account = parse_imap("imaps://tousu%40example.cn:p%40ss%2Fword@imap.example.cn/Eingang/2026")
    assert (account.host, account.port, account.user, account.password, account.folder) == (
        "imap.example.cn",
        993,
        "tousu@example.cn",
        "p@ss/word",
        "Eingang/2026",
    )
    assert "p@ss" not in repr(account) + account.name


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HUIYIN_IMAP_URL", "http://user:geheim@imap.example.cn"),
        ("HUIYIN_IMAP_URL", "imap://user:geheim@imap.example.cn"),
        ("HUIYIN_IMAP_URL", "imaps://user:geheim@imap.example.cn:x"),
        ("HUIYIN_IMAP_URL", "imaps://:geheim@imap.example.cn"),
        ("HUIYIN_MAIL_FROM", "tousu"),
        ("HUIYIN_MAIL_FROM", "a@example.cn\nBcc: b@example.cn"),
        ("HUIYIN_MAIL_REPLY_TO", "Office <reply+TOKEN@example.cn>"),
        ("HUIYIN_MAIL_REPLY_TO", "a-very-long-local-part+TOKEN@example.cn"),
        ("HUIYIN_MAIL_INTAKE", "sometimes"),
    ],
)
def test_sc_01_a_wrong_value_stops_the_start_and_shows_no_password(read, variable, value):
    with pytest.raises(ImproperlyConfigured, match=f"^{variable}") as error:
        read(**{variable: value})
    assert "geheim" not in str(error.value)

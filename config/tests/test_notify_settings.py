"""HUIYIN_NOTIFY_URLS: the chat groups that hear what presses (CASE-10, AP-05)."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.settings import environment

DINGTALK = "dingtalk://geheimgeheim1234567890"


@pytest.mark.parametrize(
    ("value", "count"),
    [
        ("", 0),
        (DINGTALK, 1),
        (f"{DINGTALK} {DINGTALK}", 1),
        (f"{DINGTALK}, jsons://hook.example.cn/a\n feishu://geheimgeheim wecombot://geheimgeheim", 4),
    ],
)
def test_addresses_stand_beside_each_other(monkeypatch, value, count):
    monkeypatch.setenv("HUIYIN_NOTIFY_URLS", value)
    assert len(environment.read().notify_urls) == count


@pytest.mark.parametrize(
    "wrong",
    [
        "https://hook.example.cn/geheim",
        "mailto://geheim@example.cn",
        "geheim",
        "json://",
        "dbus://geheim",
        "json://[geheim",
    ],
)
def test_a_wrong_address_stops_the_start_by_its_position_and_is_not_shown(monkeypatch, wrong):
    monkeypatch.setenv("HUIYIN_NOTIFY_URLS", f"{DINGTALK} {wrong}")
    with pytest.raises(ImproperlyConfigured, match="HUIYIN_NOTIFY_URLS: address 2 of 2") as refused:
        environment.read()
    assert "geheim" not in str(refused.value)


def test_hosts_of_the_own_network(monkeypatch):
    monkeypatch.setenv("HUIYIN_NOTIFY_INTERNAL", "Chat.Intern 10.2.0.7")
    assert environment.read().notify_internal == {"chat.intern", "10.2.0.7"}

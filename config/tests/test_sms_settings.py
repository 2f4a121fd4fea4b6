"""HUIYIN_SMS_URL: where short messages are handed over (RISK-28)."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.settings import environment


@pytest.mark.parametrize(
    "url", ["", "https://sms.example.cn/send?token=abc", "https://sms.example.cn:8443/", "http://127.0.0.1:8080/send"]
)
def test_the_address_of_the_gateway(monkeypatch, url):
    monkeypatch.setenv("HUIYIN_SMS_URL", url)
    assert environment.read().sms == url


@pytest.mark.parametrize(
    "url",
    [
        "sms.example.cn",
        "http://sms.example.cn/geheim",
        "ftp://127.0.0.1/geheim",
        "https://",
        "https://user:geheim@sms.example.cn/",
        "https://sms.example.cn:geheim/",
        "https://sms.example.cn/ge heim",
        "https://sms.example.cn/密钥geheim",
        "https://[::1/geheim",
    ],
)
def test_a_wrong_address_of_the_gateway_stops_the_start_without_showing_it(monkeypatch, url):
    monkeypatch.setenv("HUIYIN_SMS_URL", url)
    with pytest.raises(ImproperlyConfigured, match="HUIYIN_SMS_URL") as refused:
        environment.read()
    assert "geheim" not in str(refused.value)

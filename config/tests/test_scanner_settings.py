"""HUIYIN_SCANNER_URL: where the virus scanner listens (FL-09)."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.settings import environment


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("clamd://127.0.0.1:3310", ("127.0.0.1", 3310)),
        ("clamd:///run/clamav/clamd.ctl", "/run/clamav/clamd.ctl"),
        ("", None),
    ],
)
def test_the_address_of_the_scanner(monkeypatch, url, address):
    monkeypatch.setenv("HUIYIN_SCANNER_URL", url)
    assert environment.read().scanner == address


@pytest.mark.parametrize(
    "url", ["127.0.0.1:3310", "clamd://127.0.0.1", "clamd://127.0.0.1:x", "http://a:1", "clamd://"]
)
def test_a_wrong_address_of_the_scanner_stops_the_start(monkeypatch, url):
    monkeypatch.setenv("HUIYIN_SCANNER_URL", url)
    with pytest.raises(ImproperlyConfigured, match="HUIYIN_SCANNER_URL"):
        environment.read()

"""Every URL declares who may reach it, and means it (AZ-14)."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from config import policies

SAMPLES = {
    "number": "HY-20261116-0001",
    "pk": 1,
    "n": 1,
    "size": "a4",
    "action": "accept",
    "period": "2026-10",
    "key": "summary",
    "format": "pdf",
    "code": "house_default",
    "limit": "reply",
    "order": 1,
    "revision": 1,
    "year": 2026,
    "token": "abc",
    "span_id": 1,
    "attachment_id": 1,
    "page": "gate",
    "public_id": "0123456789abcdef",
    "uidb36": "1",
    "kind": "acceptance",
    "dimension": "category",
    "step": "details",
    "profile": "standard",
}
OPEN_TO_ALL = {policies.PUBLIC, policies.DRAFT, policies.FILE_OR_SIGNED_IN}
GUARDED = sorted({url.name: url for url in policies.walk() if url.policy not in OPEN_TO_ALL}.items())


def test_every_url_has_a_policy():
    assert [url.pattern for url in policies.undeclared()] == []


def test_no_policy_is_left_of_a_url_that_is_gone():
    assert policies.POLICIES.keys() - {url.name for url in policies.walk()} == set()


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "url"), GUARDED, ids=[name for name, _url in GUARDED])
def test_a_visitor_who_has_not_signed_in_reaches_nothing(name, url):
    """Guarded pages lead to the sign-in page or to the tracking page; the API answers 401."""
    wanted = {part.split(":")[-1].rstrip(">") for part in url.pattern.split("<")[1:] for part in [part.split(">")[0]]}
    address = reverse(name, kwargs={key: SAMPLES[key] for key in wanted})
    for method in ("get", "post"):
        response = getattr(Client(), method)(address)
        if response.status_code == 302:
            assert response["Location"].startswith(("/accounts/login/", "/accounts/2fa/authenticate/", "/track/"))
        else:
            assert response.status_code in (401, 403, 404, 405)


def test_a_url_without_a_policy_is_named(capsys, monkeypatch):
    monkeypatch.delitem(policies.POLICIES, "complaints:queue")
    with pytest.raises(CommandError, match="desk/queue/") as caught:
        call_command("show_policies", "--json")
    assert caught.value.returncode == 1
    assert json.loads(capsys.readouterr().out)["undeclared"] == ["desk/queue/"]


def test_the_list_is_printed(capsys):
    call_command("show_policies", "--json")
    urls = {url["name"]: url["policy"] for url in json.loads(capsys.readouterr().out)["urls"]}
    assert urls["healthz"] == "public"
    assert urls["complaints:queue"] == "complaints.use_desk"

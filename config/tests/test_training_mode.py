"""Help inside the product and the training mode (KB-15)."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from urllib.parse import unquote

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory
from django.urls import reverse

from accounts.roles import ROLES
from config import help_pages
from config.context import site
from config.settings import environment
from tests.services import ROOT, django_environment


# --- Help -------------------------------------------------------------------------------------------
def test_kb_15_every_page_of_help_is_safe_and_every_section_linked_exists():
    for name in (help_pages.START, *help_pages.names()):
        body = str(help_pages.page(name).body)
        assert not re.search(r"<(script|img|iframe|style)|javascript:| on\w+=", body)
        assert ".md" not in "".join(re.findall(r'href="([^"]*)"', body))
    for _path, name, heading in help_pages.SECTIONS:
        assert help_pages.anchor_of(heading) in dict(help_pages.page(name).headings), (name, heading)


def test_kb_15_html_in_a_text_is_shown_and_not_run(tmp_path, monkeypatch):
    text = '# x\n\n<script>alert(1)</script>\n\n[a](javascript:alert(1)) ![b](http://x/y.png) <b onclick="x">c</b>\n'
    (tmp_path / "evil.md").write_text(text, encoding="utf-8")
    monkeypatch.setattr(help_pages, "FOLDER", tmp_path)
    help_pages.names.cache_clear()
    try:
        body = str(help_pages.page("evil").body)
    finally:
        help_pages.names.cache_clear()
        help_pages.page.cache_clear()
    assert "<script" not in body
    assert "<b " not in body
    assert "href" not in body
    assert "<img" not in body


@pytest.mark.django_db
def test_kb_15_each_staff_page_leads_to_its_section(client, cast):
    client.force_login(cast.intake)
    text = client.get(reverse("complaints:knowledge")).content.decode()
    link = re.search(r'href="(/desk/help/[^"]*)"', text)
    assert link
    assert unquote(link[1]) == "/desk/help/coordinator/#知识库"
    page = client.get("/desk/help/coordinator/")
    assert 'id="知识库"' in page.content.decode()
    assert client.get("/desk/help/").status_code == 200
    assert client.get("/desk/help/nobody/").status_code == 404
    client.logout()
    assert client.get("/desk/help/").status_code == 302


def test_kb_15_on_a_case_the_page_is_the_one_of_the_role():
    known = {name for _permission, name in help_pages.ROLES}
    assert known <= help_pages.names()
    for role in ROLES:
        found = next((name for permission, name in help_pages.ROLES if permission in role.permissions), "")
        assert found or role.key in ("compliance_officer", "press_officer"), role.key


@pytest.mark.django_db
def test_kb_18_20_the_help_says_what_comes_first_and_where_staff_find_help_for_themselves(client, cast, settings):
    client.force_login(cast.water_handler)
    settings.SUPPORT_URL = ""
    page = client.get("/desk/help/").content.decode()
    assert "客户第一" in page
    assert "照顾好自己" in page
    assert "care.example.cn" not in page
    settings.SUPPORT_URL = "https://care.example.cn/"
    for address in ("/desk/help/", "/desk/help/case-handler/"):
        page = client.get(address).content.decode()
        assert 'href="https://care.example.cn/" rel="noopener noreferrer" target="_blank"' in page


@pytest.mark.parametrize("url", ["http://care.example.cn/", "https://u:p@care.cn/", "javascript:alert(1)", "https://"])
def test_kb_18_a_wrong_address_for_support_stops_the_start(monkeypatch, url):
    monkeypatch.setenv("HUIYIN_SUPPORT_URL", url)
    with pytest.raises(ImproperlyConfigured, match="HUIYIN_SUPPORT_URL"):
        environment.read()


# --- Training ---------------------------------------------------------------------------------------
@pytest.fixture
def practice(monkeypatch, tmp_path):
    for name in ("DATABASE_URL", "REDIS_URL", "HUIYIN_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setenv("HUIYIN_TRAINING", "1")
    return tmp_path


def test_kb_15_training_has_its_own_data_and_sends_nothing(practice, monkeypatch):
    for name, value in {
        "EMAIL_URL": "smtp+tls://u:p@mail.example.cn:587",
        "HUIYIN_SMS_URL": "https://sms.example.cn/send",
        "HUIYIN_NOTIFY_URLS": "jsons://hook.example.cn/x",
        "HUIYIN_IMAP_URL": "imaps://u:p@imap.example.cn:993/INBOX",
        "HUIYIN_ASSISTANT_URL": "https://assistant.example.cn/",
    }.items():
        monkeypatch.setenv(name, value)
    env = environment.read()
    assert env.training
    assert env.data == practice / "var-training"
    assert str(practice / "var-training") in str(env.database["NAME"])
    assert env.email["EMAIL_BACKEND"].endswith("console.EmailBackend")
    assert (env.sms, env.notify_urls, env.imap, env.assistant) == ("", [], None, "")


@pytest.mark.parametrize(
    ("name", "value"),
    [("DATABASE_URL", "postgres://u:p@db/x"), ("REDIS_URL", "redis://127.0.0.1/0"), ("HUIYIN_ENV", "production"),
     ("HUIYIN_STORAGE_URL", "file:///srv/files"), ("HUIYIN_TRAINING", "yes")],
)  # fmt: skip
def test_kb_15_training_does_not_start_on_the_data_of_work(practice, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=r"HUIYIN_TRAINING"):
        environment.read()


@pytest.mark.parametrize("url", ["http://assistant.example.cn/", "https://u:p@a.cn/", "ftp://a.cn/", "https://a.cn:x/"])
def test_kb_08_a_wrong_assistant_stops_the_start_without_its_address(monkeypatch, url):
    monkeypatch.setenv("HUIYIN_ASSISTANT_URL", url)
    with pytest.raises(ImproperlyConfigured, match="HUIYIN_ASSISTANT_URL") as refused:
        environment.read()
    assert url not in str(refused.value)


def test_kb_15_the_banner_says_that_nothing_is_real(settings, rf: RequestFactory):
    assert not site(rf.get("/"))["is_training"]
    settings.TRAINING = True
    assert site(rf.get("/"))["is_training"]


@pytest.mark.django_db
def test_kb_15_the_banner_stands_on_both_sides(client, cast, settings):
    settings.TRAINING = True
    assert "training-bar" in client.get(reverse("public:help")).content.decode()
    client.force_login(cast.intake)
    assert "training-bar" in client.get("/desk/help/").content.decode()
    settings.TRAINING = False
    assert "training-bar" not in client.get("/desk/help/").content.decode()


@pytest.mark.parametrize(
    ("state", "options", "says"),
    [({"demo": "loaded"}, ["--training"], "holds work"), ({"training": "yes"}, [], "is for training")],
)
def test_kb_15_a_folder_is_for_practice_or_for_work(tmp_path, state, options, says):
    (tmp_path / "serve.json").write_text(json.dumps(state), encoding="utf-8")
    (tmp_path / "huiyin.sqlite3").touch()
    ended = subprocess.run(
        [sys.executable, ROOT / "bin" / "serve", "--port", "0", "--no-demo", *options],
        cwd=ROOT,
        env=django_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode
    assert says in ended.stderr + ended.stdout

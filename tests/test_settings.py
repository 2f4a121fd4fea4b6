"""A bad setting stops the start and is named (SC-01); a good one is taken as written."""

import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.settings import environment
from tests.services import ROOT, django_environment

FIELD_KEY = "dGVzdC1maWVsZC1rZXktb2YtaHVpeWluLTMyLWJ5dGU="
GOOD = {
    "HUIYIN_ENV": "production",
    "SECRET_KEY": "Zq3vR8mK1wT6yB0nH5cJ9xL2pD7sF4gA-uE_iO-QvWzXkMbNrTyUhGjPd",
    "HUIYIN_FIELD_KEYS": FIELD_KEY,
    "ALLOWED_HOSTS": "tousu.example.cn",
    "DATABASE_URL": "postgres://huiyin:mP4-tz9Qw@127.0.0.1:5432/huiyin",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
}
ABSENT = ("DEBUG", "EMAIL_URL", "HUIYIN_SITE", "HUIYIN_PUBLIC_URL", "HUIYIN_TRUSTED_PROXIES")


@pytest.fixture
def production(monkeypatch, tmp_path):
    """The environment of a correct production site; returns a function that changes it and reads it."""
    for name in ABSENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HUIYIN_DATA", str(tmp_path))
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)

    def read(**changes):
        for name, value in changes.items():
            monkeypatch.delenv(name) if value is None else monkeypatch.setenv(name, value)
        return environment.read()

    return read


def test_a_complete_production_environment_is_taken_as_written(production, tmp_path):
    read = production()
    assert (read.production, read.demo_allowed, read.site, read.data) == (True, False, "all", tmp_path)
    assert read.secret_key == GOOD["SECRET_KEY"]
    assert read.field_keys == [FIELD_KEY]
    assert read.allowed_hosts == ["tousu.example.cn"]
    assert (read.database["ENGINE"], read.database["NAME"]) == ("django.db.backends.postgresql", "huiyin")
    assert read.redis_url == GOOD["REDIS_URL"]
    assert read.public_base_url == "https://tousu.example.cn"
    assert read.trusted_proxies == 1


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DEBUG", "1"),
        ("DEBUG", "True"),
        ("SECRET_KEY", None),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "a" * 80),
        ("SECRET_KEY", "django-insecure-" + GOOD["SECRET_KEY"]),
        ("HUIYIN_FIELD_KEYS", None),
        ("HUIYIN_FIELD_KEYS", "not-a-key"),
        ("HUIYIN_FIELD_KEYS", f"{FIELD_KEY},not-a-key"),
        ("ALLOWED_HOSTS", None),
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", "tousu.example.cn,*"),
        ("DATABASE_URL", None),
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "sqlite:////var/lib/huiyin/huiyin.sqlite3"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "mysql://huiyin:mP4-tz9Qw@127.0.0.1/huiyin"),
        ("DATABASE_URL", "postgres://huiyin:mP4-tz9Qw@127.0.0.1:port/huiyin"),
        ("DATABASE_URL", "postgres://huiyin:mP4-tz9Qw@127.0.0.1:5432/"),
        ("DATABASE_URL", "postgres://postgres:postgres@127.0.0.1:5432/huiyin"),
        ("DATABASE_URL", "postgres://clerk:Clerk@127.0.0.1:5432/huiyin"),
        ("DATABASE_URL", "postgres://clerk:changeme@127.0.0.1:5432/huiyin"),
        ("REDIS_URL", None),
        ("REDIS_URL", "127.0.0.1:6379"),
        ("EMAIL_URL", "mail.example.cn"),
        ("HUIYIN_ENV", "prod"),
        ("HUIYIN_SITE", "internet"),
        ("HUIYIN_PUBLIC_URL", "tousu.example.cn"),
        ("HUIYIN_TRUSTED_PROXIES", "one"),
        ("HUIYIN_TRUSTED_PROXIES", "-1"),
    ],
)
def test_sc01_a_bad_production_setting_is_refused_by_name(production, variable, value):
    with pytest.raises(ImproperlyConfigured, match=f"^{variable}"):
        production(**{variable: value})


def test_a_database_without_password_may_use_the_peer_rule_of_a_socket(production):
    assert production(DATABASE_URL="postgres://huiyin@/huiyin?host=/run/postgresql").database["PASSWORD"] == ""


def test_sc01_the_process_itself_refuses_to_start_and_says_why(tmp_path):
    """Not only the reader: what an operator starts ends with the variable's name on its last line."""
    bad = {**GOOD, "ALLOWED_HOSTS": "*"}
    ended = subprocess.run(
        [sys.executable, "-c", "import config.wsgi"],
        cwd=ROOT,
        env=django_environment(tmp_path, **bad),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert ended.stderr.strip().splitlines()[-1] == (
        "django.core.exceptions.ImproperlyConfigured: "
        "ALLOWED_HOSTS must list the host names of this site; * is refused in production."
    )


def test_development_needs_no_settings_and_keeps_its_secrets(monkeypatch, tmp_path):
    for name in (*GOOD, *ABSENT):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HUIYIN_DATA", str(tmp_path))
    first, second = environment.read(), environment.read()
    assert first == second
    assert (first.production, first.demo_allowed, first.trusted_proxies) == (False, True, 0)
    assert len(first.secret_key) >= 50
    assert first.database["NAME"] == str(tmp_path / "huiyin.sqlite3")
    assert first.email["EMAIL_FILE_PATH"] == str(tmp_path / "mail")
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600

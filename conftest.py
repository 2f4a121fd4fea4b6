"""Fixtures and guards of every test: no network, real databases, one browser.

What a test may rely on: caches are empty, mail goes to `mailoutbox`, passwords hash fast
(tests/settings.py), nothing but this machine can be reached (SC-09).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import caches
from django.db.backends.sqlite3.base import DatabaseOperations
from hypothesis import settings as hypothesis_settings

from tests import services
from tests import settings as test_settings

pytest_plugins = ["tests.cast", "tests.databases"]

# How long an example takes says more about the machine than about the code; bench/ measures.
hypothesis_settings.register_profile("huiyin", deadline=None)
hypothesis_settings.load_profile("huiyin")

ROOT = Path(__file__).resolve().parent
GROUPS = ("postgres", "redis", "browser", "scanner", "data")


# --- Guards -------------------------------------------------------------------------------
class OutboundBlocked(RuntimeError):
    """A test tried to leave this machine."""


def _refuse_outbound(event: str, args: tuple) -> None:
    """Audit hook: sockets and name look-ups may only go to this machine (SC-09)."""
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = args[1]
        host = address[0] if isinstance(address, tuple) else None  # a str is a Unix socket
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = args[0]
    else:
        return
    if host and not services.is_this_machine(host):
        raise OutboundBlocked(f"{event}: tests may not reach {host!r}")


sys.addaudithook(_refuse_outbound)


_plain_flush = DatabaseOperations.execute_sql_flush


def _flush_past_triggers(self: DatabaseOperations, sql_list: list[str]) -> None:
    """Empty the tables after a transactional test although append-only triggers refuse DELETE.

    PostgreSQL needs nothing: TRUNCATE does not fire row triggers.
    """
    with self.connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%RAISE(%'")
        triggers = cursor.fetchall()
        for name, _ in triggers:
            cursor.execute(f"DROP TRIGGER {self.quote_name(name)}")
        try:
            _plain_flush(self, sql_list)
        finally:
            for _, sql in triggers:
                cursor.execute(sql)


DatabaseOperations.execute_sql_flush = _flush_past_triggers


# --- Groups: what needs a service, and what was counted -------------------------------------
@pytest.hookimpl(tryfirst=True)  # markers must stand before -m is applied
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs a service. The round on PostgreSQL repeats only what touches the database."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if {"page", "browser"} & fixtures or ROOT / "e2e" in item.path.parents:
            item.add_marker("browser")
        if "redis_url" in fixtures:
            item.add_marker("redis")
        if "clamd" in fixtures:
            item.add_marker("scanner")
        if "shared_data" in fixtures:
            item.add_marker("data")
        if test_settings.ON_SQLITE and item.get_closest_marker("postgres"):
            item.add_marker(pytest.mark.skip(reason="only makes sense on PostgreSQL: bin/test --postgres"))
        groups = [group for group in GROUPS if item.get_closest_marker(group)]
        item.user_properties.append(("groups", groups))
    if not test_settings.ON_SQLITE:
        config.hook.pytest_deselected(items=[item for item in items if not _uses_database(item)])
        items[:] = [item for item in items if _uses_database(item)]


def _uses_database(item: pytest.Item) -> bool:
    return bool(
        item.get_closest_marker("django_db") or {"db", "transactional_db"} & set(getattr(item, "fixturenames", ()))
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("redis"):
        _need("redis", services.find_redis(), "redis-server is not installed")
    if item.get_closest_marker("scanner"):
        _need("scanner", services.find_clamd(), "clamd is not installed")
    if item.get_closest_marker("browser"):
        _need("browser", services.find_chromium(), "Chromium is not installed")


def _need(group: str, found: object, reason: str) -> None:
    """Skip where a service is missing; fail where HUIYIN_REQUIRE names it."""
    if found:
        return
    if group in services.required_groups():
        pytest.fail(f"HUIYIN_REQUIRE names {group}, but {reason}", pytrace=False)
    pytest.skip(reason)


class Tally:
    """Counts outcomes per group and leaves them as JSON for bin/test."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.outcomes: dict[str, tuple[str, list[str]]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        outcome = "failed" if report.failed else "skipped" if report.skipped else "passed"
        known, _ = self.outcomes.get(report.nodeid, ("", []))
        if report.when == "call" or outcome != "passed":
            outcome = "failed" if "failed" in (known, outcome) else outcome
            self.outcomes[report.nodeid] = (outcome, dict(report.user_properties).get("groups", []))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.outcomes[f"collecting {report.nodeid}"] = ("failed", [])

    def pytest_sessionfinish(self) -> None:
        counts: dict[str, Counter] = {group: Counter() for group in ("all", *GROUPS)}
        for outcome, groups in self.outcomes.values():
            for group in ("all", *groups):
                counts[group][outcome] += 1
        self.path.write_text(json.dumps(counts), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    path = os.environ.get("HUIYIN_TEST_TALLY")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Tally(path))


# --- Fixtures -----------------------------------------------------------------------------
@pytest.fixture(autouse=True)
def _no_anchors_of_other_tests():
    """A test's events go with its database, the anchors of the ledger that it wrote to the folder would stay."""
    yield
    shutil.rmtree(Path(settings.DATA_DIR) / "anchors", ignore_errors=True)


@pytest.fixture(autouse=True)
def _empty_caches():
    """Every test starts with empty caches and leaves none behind."""
    for name in ("default", "local"):
        caches[name].clear()
    yield
    for name in ("default", "local"):
        caches[name].clear()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real texts and series that is never part of the project."""
    path = services.find_data()
    _need("data", path, "there is no collection of texts beside the checkout")
    return path


@pytest.fixture(scope="session")
def redis_url():
    """A real, empty Redis for this run."""
    with services.redis_server() as url:
        yield url


@pytest.fixture(scope="session")
def browser():
    """Chromium, started once per run."""
    from playwright.sync_api import sync_playwright

    # Playwright's loop lives in this thread; Django would take every query for an async one.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=services.find_chromium(), args=services.CHROMIUM_ARGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    """A fresh desktop window in Chinese, without cookies."""
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, locale="zh-CN", timezone_id="Asia/Shanghai", service_workers="block"
    )
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()

"""Around every page: language, cookies, caching, request and error ids, messages, log lines."""

from __future__ import annotations

import json
import logging
import re
from http.cookies import SimpleCookie

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_out
from django.db.utils import OperationalError
from django.http import HttpResponse
from django.test import Client, RequestFactory

from config import api, logs, middleware, nav
from config.tests.urls import SECRET

ERROR_ID = re.compile(r"E-\d{8}-\d{6}-[0-9A-F]{4}")


@pytest.fixture(autouse=True)
def _pages(settings):
    settings.ROOT_URLCONF = "config.tests.urls"
    settings.LOGIN_REDIRECT_URL = "/desk/queue/"


@pytest.fixture
def browser() -> Client:
    return Client(raise_request_exception=False)


# --- Public pages: same bytes for everybody -------------------------------------------------
def test_public_page_sets_no_cookie_and_varies_by_nothing_personal(browser):
    """PUB: reading pages can be cached for everybody."""
    first = browser.get("/", headers={"Accept-Language": "en"})
    other = Client()
    other.cookies = SimpleCookie({"huiyin_language": "en", "huiyin_theme": "dark", "huiyin_text": "large"})
    second = other.get("/", headers={"Accept-Language": "de"})
    assert first.content == second.content
    assert first.cookies == {}
    assert "Vary" not in first.headers
    assert first.headers["Content-Language"] == "zh-Hans"
    assert '<html lang="zh-Hans" data-theme="light" class="public">' in first.content.decode()


def test_public_language_and_text_size_travel_in_the_address(browser):
    html = browser.get("/complain/?lang=en&text=large&page=2&kind=a&kind=b").content.decode()
    assert '<html lang="en" data-theme="light" data-text="large" class="public">' in html
    assert 'href="/track/?lang=en&amp;text=large"' in html
    assert 'href="?page=2&amp;kind=a&amp;kind=b&amp;text=large" hreflang="zh-Hans"' in html
    assert 'href="?page=2&amp;kind=a&amp;kind=b&amp;lang=en"' in html  # back to normal text
    assert 'aria-pressed="true"' in html
    assert '<a href="/complain/?lang=en&amp;text=large" aria-current="page">' in html


def test_staff_language_comes_from_the_cookie_and_never_from_the_browser(browser):
    page = browser.get("/desk/queue/?lang=en", headers={"Accept-Language": "en"})
    assert page.headers["Content-Language"] == "zh-Hans"
    browser.cookies["huiyin_language"] = "en"
    assert browser.get("/desk/queue/").headers["Content-Language"] == "en"
    assert browser.get("/").headers["Content-Language"] == "zh-Hans"


def test_bases_have_one_main_a_skip_link_and_distinct_landmarks(browser):
    for path in ("/", "/desk/queue/"):
        html = browser.get(path).content.decode()
        assert html.count("<main ") == 1
        assert '<a class="skip" href="#main">' in html
        names = re.findall(r'<nav [^>]*aria-label="([^"]+)"', html)
        assert len(names) == len(set(names))


# --- Preferences ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "field", "value", "cookie"),
    [
        ("/preferences/language/", "language", "en", "huiyin_language"),
        ("/preferences/theme/", "theme", "dark", "huiyin_theme"),
        ("/preferences/text/", "text", "large", "huiyin_text"),
    ],
)
def test_choice_is_kept_in_a_cookie_and_leads_back(browser, path, field, value, cookie):
    answer = browser.post(path, {field: value, "next": "/desk/queue/?view=all"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/desk/queue/?view=all")
    kept = answer.cookies[cookie]
    assert (kept.value, kept["httponly"], kept["samesite"], kept["max-age"]) == (value, True, "Lax", 31536000)


def test_unknown_choice_sets_nothing(browser):
    answer = browser.post("/preferences/theme/", {"theme": "<b>", "next": "/desk/queue/"})
    assert answer.cookies == {}
    assert browser.get("/preferences/theme/").status_code == 405


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/x", "javascript:alert(1)", "\\\\evil"])
def test_foreign_return_address_is_refused(browser, target):
    answer = browser.post("/preferences/theme/", {"theme": "dark", "next": target})
    assert answer.headers["Location"] == "/"


# --- Private pages ------------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["/desk/queue/", "/accounts/login/", "/track/", "/complain/", "/desk/nowhere/"])
def test_private_pages_are_kept_by_no_cache(browser, path):
    """S16, PI-08, AU-11."""
    assert browser.get(path).headers["Cache-Control"] == "no-store"


def test_public_reading_pages_may_be_cached(browser):
    assert "Cache-Control" not in browser.get("/").headers


def test_signing_out_clears_what_the_browser_kept():
    """AU-11."""

    def sign_out(request):
        user_logged_out.send(sender=None, request=request, user=None)
        return HttpResponse()

    request = RequestFactory().post("/accounts/logout/")
    answer = middleware.PrivatePages(sign_out)(request)
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert "Clear-Site-Data" not in middleware.PrivatePages(lambda r: HttpResponse())(RequestFactory().get("/desk/"))


# --- Failures -----------------------------------------------------------------------------------
def test_crash_shows_an_error_id_that_is_in_the_log_and_nothing_else(browser, caplog):
    """I17."""
    with caplog.at_level(logging.ERROR, logger="huiyin.errors"):
        page = browser.get("/crash/")
    html = page.content.decode()
    shown = ERROR_ID.search(html).group()
    assert page.status_code == 500
    assert [shown in record.getMessage() for record in caplog.records if record.name == "huiyin.errors"] == [True]
    assert shown.endswith(page.headers["X-Request-Id"][:4].upper())
    assert SECRET not in html
    assert "RuntimeError" not in html


def test_api_failure_is_json_with_the_same_id(browser):
    answer = browser.get("/api/v1/crash/")
    assert answer.status_code == 500
    body = answer.json()
    assert body["code"] == "error"
    assert ERROR_ID.fullmatch(body["error_id"])
    assert browser.get("/api/v1/nothing/").json()["code"] == "not_found"


@pytest.mark.parametrize("path", ["/nowhere/", "/desk/nowhere/"])
def test_missing_page_is_a_public_looking_404(browser, path):
    page = browser.get(path)
    assert page.status_code == 404
    html = page.content.decode()
    assert 'class="public"' in html
    assert ('name="q"' in html) == (path == "/nowhere/")  # the archive search is for the public
    assert page.cookies == {}


def test_refusal_gives_its_reason(browser):
    page = browser.get("/desk/not-allowed/")
    assert page.status_code == 403
    assert "Only the head of review may do this." in page.content.decode()


def test_form_without_token_is_explained():
    strict = Client(enforce_csrf_checks=True)
    page = strict.post("/preferences/theme/", {"theme": "dark"})
    assert page.status_code == 403
    assert ERROR_ID.search(page.content.decode())
    assert page.cookies == {}


def test_a_form_that_holds_too_much_says_so_and_what_to_do(browser, settings):
    """Reloading the page, the mend of a damaged form, would lead to the same refusal."""
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    browser.cookies["huiyin_language"] = "en"
    page = browser.post("/preferences/text/", {"text": "x" * 2000})
    assert page.status_code == 400
    words = page.content.decode()
    assert "That was too much at once" in words
    assert "shorten the text or attach it as a file" in words
    assert "reload the page" not in words


def test_broken_rule_becomes_a_message_on_the_page_one_came_from(browser):
    answer = browser.post("/desk/rule/", headers={"Referer": "http://testserver/desk/figures/?month=10"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/desk/figures/?month=10")
    assert "This case is closed." in browser.get("/desk/figures/").content.decode()


@pytest.mark.parametrize("referer", ["", "https://evil.example/desk/queue/"])
def test_broken_rule_without_own_referrer_leads_to_the_workbench(browser, referer):
    answer = browser.post("/desk/rule/", headers={"Referer": referer})
    assert answer.headers["Location"] == "/desk/queue/"


def test_broken_rule_in_htmx_loads_the_page_anew(browser):
    answer = browser.post("/desk/rule/", headers={"HX-Request": "true", "Referer": "http://testserver/desk/figures/"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (200, "/desk/figures/")


def test_page_that_breaks_a_rule_itself_does_not_redirect_to_itself(browser):
    page = browser.get("/desk/rule/", headers={"Referer": "http://testserver/desk/rule/"})
    assert page.status_code == 500


@pytest.mark.parametrize("path", ["/desk/locked/", "/desk/deadlocked/"])
def test_row_held_by_somebody_else_is_a_503_to_try_again(browser, path):
    page = browser.post(path)
    assert (page.status_code, page.headers["Retry-After"]) == (503, "5")


@pytest.mark.parametrize("path", ["/desk/database-down/", "/api/v1/database-down/"])
def test_fi_e_a_database_out_of_reach_is_a_503_that_says_what_to_do(browser, path):
    """A 500 would read as a fault that trying again does not mend; what the database said stays inside."""
    answer = browser.post(path)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert ERROR_ID.search(answer.content.decode())
    assert "could not connect" not in answer.content.decode()


@pytest.mark.parametrize(
    ("said", "code"),
    [("deadlock detected", "busy"), ("could not write block 12 in file base/1: No space left on device", None)],
)
def test_fi_e_only_what_somebody_else_holds_is_called_so_to_programs(said, code):
    """None: passed on, and answered like every database out of reach."""
    answer = api.exception_handler(OperationalError(said), {"request": None})
    assert (answer.data["code"] if answer else None) == code


# --- Navigation -----------------------------------------------------------------------------------
class Person(AnonymousUser):
    """Someone with the given permissions and no database row."""

    def __init__(self, *permissions: str) -> None:
        self.permissions = permissions

    def has_perm(self, perm, obj=None) -> bool:
        return perm in self.permissions


def keys(person: Person, path: str = "/desk/queue/", query: dict | None = None) -> dict[str, bool]:
    groups = nav.staff_groups(person, path, query or {}, nav.NavCounts(person))
    return {link.key: link.current for group in groups for link in group["links"]}


def test_navigation_shows_what_is_permitted_and_served():
    assert keys(Person()) == {}
    assert keys(Person("complaints.view_department")) == {"workbench": True, "cases": False}
    everything = Person("complaints.view_all", "analytics.view_figures", "review.review_case")
    assert set(keys(everything)) == {"workbench", "cases", "figures"}  # the test site serves no reviews


def test_whoever_has_no_main_link_finds_the_others_in_the_bar_of_a_phone(monkeypatch):
    """An administrator has the settings alone; the bar at the bottom shows what is not secondary."""
    monkeypatch.setattr(nav, "lenient", lambda name, query="": f"/{name}/")  # the test site has no settings
    person = Person("accounts.configure_system")
    (group,) = nav.staff_groups(person, "/desk/settings/", {}, nav.NavCounts(person))
    assert [link.key for link in group["links"]] == ["settings"]
    assert group["secondary"] is False
    both = Person("complaints.view_all", "accounts.configure_system")
    assert [group["secondary"] for group in nav.staff_groups(both, "/", {}, nav.NavCounts(both))] == [False, True]


def test_navigation_marks_one_current_page():
    person = Person("complaints.view_all", "analytics.view_figures")
    assert keys(person, query={"view": "all"}) == {"workbench": False, "cases": True, "figures": False}
    assert keys(person, "/desk/cases/HY-20261120-0042/")["cases"] is True
    assert keys(person, "/desk/figures/") == {"workbench": False, "cases": False, "figures": True}


def test_navigation_count_is_computed_once_and_only_when_read(monkeypatch):
    monkeypatch.setattr(nav, "_counts", {})
    asked = []
    nav.register_count("workbench", lambda user: asked.append(user) or 23)
    person = Person("complaints.view_all")
    groups = nav.staff_groups(person, "/desk/queue/", {}, nav.NavCounts(person))
    assert asked == []
    workbench, cases = groups[0]["links"]
    assert (workbench.count, workbench.count, cases.count) == (23, 23, None)
    assert asked == [person]
    with pytest.raises(ValueError, match="has a count already"):
        nav.register_count("workbench", lambda user: 1)
    with pytest.raises(ValueError, match="No navigation link"):
        nav.register_count("nonsense", lambda user: 1)


# --- Log lines ---------------------------------------------------------------------------------------
def line(message: str, exc_info=None) -> str:
    record = logging.LogRecord("huiyin.test", logging.INFO, __file__, 1, message, None, exc_info)
    logs.RequestIdFilter().filter(record)
    return logs.JsonFormatter().format(record)


def test_log_line_is_one_json_object():
    token = logs.request_id.set("abc")
    try:
        entry = json.loads(line("case 42 moved"))
    finally:
        logs.request_id.reset(token)
    assert set(entry) == {"at", "level", "logger", "message", "request_id"}
    assert (entry["level"], entry["logger"], entry["request_id"]) == ("INFO", "huiyin.test", "abc")
    assert json.loads(line("outside a request"))["request_id"] == "-"


def test_log_line_cannot_be_forged_or_reordered():
    message = "a\nb\x1b[31m red\u202e reversed\u2028 new\u200b\x9b1m 中文"
    text = line(message)
    assert "\n" not in text
    assert not re.search("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]", text)
    assert "中文" in text
    assert json.loads(text)["message"] == message


def test_log_of_an_exception_names_places_but_no_values():
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as cause:
            raise RuntimeError(SECRET) from cause
    except RuntimeError as error:
        text = line("failed", (type(error), error, error.__traceback__))
    assert "13800000417" not in text
    chain = json.loads(text)["exception"]
    assert [link["type"] for link in chain] == ["builtins.RuntimeError", "builtins.KeyError"]
    assert re.fullmatch(r"config/tests/test_web\.py:\d+", chain[0]["at"][-1])

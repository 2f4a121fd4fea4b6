"""The queue and the registration form in a real browser: keyboard, htmx, accessibility (WCAG 2.2 AA)."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client

from accounts import people
from complaints.models import Complaint
from complaints.tests.factories import Story

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}


@pytest.fixture
def sign_in(page, live_server):
    """Sign somebody in and open a page of the desk."""

    def open_as(person, path: str):
        client = Client()
        client.force_login(person)
        page.context.add_cookies(
            [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
        )
        page.goto(live_server.url + path)
        return page

    return open_as


def violations(page) -> list[str]:
    return [item["id"] for item in Axe().run(page, options=RULES).response["violations"]]


def theme(page, live_server, name: str) -> None:
    page.context.add_cookies([{"name": "huiyin_theme", "value": name, "url": live_server.url}])


def test_the_queue_by_keyboard(cast, sign_in):
    """J, K, X, P and / work; the preview follows; Escape clears the selection."""
    first, second = Story(cast).accept(), Story(cast).accept()
    numbers = list(Complaint.objects.order_by("next_due_at", "pk").values_list("number", flat=True))
    assert {first.case.number, second.case.number} == set(numbers)
    page = sign_in(cast.coordinator, "/desk/queue/?view=unassigned")
    chosen = page.locator('[data-row][aria-selected="true"]')
    page.locator(f'#preview:has-text("{numbers[0]}") .kv').wait_for()
    page.keyboard.press("j")
    assert numbers[1] in chosen.inner_text()
    page.locator(f'#preview:has-text("{numbers[1]}") .kv').wait_for()
    page.keyboard.press("x")
    assert page.locator("[data-bulk-count]").inner_text() == "1"
    page.keyboard.press("k")
    assert numbers[0] in chosen.inner_text()
    page.keyboard.press("Escape")
    assert page.locator("[data-bulk-bar]").is_hidden()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "q"


@pytest.mark.parametrize(("width", "colours"), [(1440, "light"), (1440, "dark"), (390, "light")])
def test_the_queue_is_accessible(cast, sign_in, live_server, width, colours):
    story = Story(cast).accept().assign().start().high_risk("2026-11-16 11:30")
    Story(cast).accept()
    page = sign_in(cast.coordinator, "/desk/queue/?view=all")
    theme(page, live_server, colours)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{live_server.url}/desk/queue/?view=all&status=in_progress&preview={story.case.number}")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.locator("[data-preview-close]").click()
    page.locator(".menu-filter summary").first.click()
    assert page.locator(".menu-filter[open] input").first.is_visible()
    assert violations(page) == []


@pytest.mark.parametrize(("width", "colours"), [(1440, "dark"), (390, "light")])
def test_registration_shows_earlier_complaints_while_typing_and_is_accessible(
    cast, sign_in, live_server, width, colours
):
    """IN-01, IN-27: without leaving the field; the click then registers at once."""
    earlier = Story(cast).case
    page = sign_in(cast.intake, "/desk/register/")
    theme(page, live_server, colours)
    page.set_viewport_size({"width": width, "height": 900})
    page.reload()
    assert violations(page) == []
    page.click('a[href="?channel=phone"]')
    page.locator("[name=phone]").press_sequentially("13800002417")
    page.locator(f'#earlier:has-text("{earlier.number}")').wait_for()
    assert violations(page) == []
    page.fill("[name=subject]", "又停水了")
    page.fill("[name=narrative]", "今天早上又停水。")
    page.click("form[enctype] .btn-primary")
    page.wait_for_url("**/receipts/**")
    assert violations(page) == []
    assert Complaint.objects.latest("pk").subject == "又停水了"


def test_in_01_a_call_is_taken_down_without_the_mouse(cast, sign_in):
    """The number is typed at once, Enter goes on, the caller's cases stand there, Ctrl and Enter register."""
    earlier = Story(cast).case
    page = sign_in(cast.intake, "/desk/register/?channel=phone")
    page.keyboard.type("13800002417")
    page.locator(f'#earlier:has-text("{earlier.number}")').wait_for()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.name") == "email"
    for _tries in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "subject":
            break
    page.keyboard.type("又停水了")
    page.keyboard.press("Enter")
    page.keyboard.type("今天早上又停水。")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/receipts/**")
    made = Complaint.objects.latest("pk")
    assert (made.subject, made.narrative, made.channel) == ("又停水了", "今天早上又停水。", "phone")


def test_in_27_the_keyboard_stays_on_an_earlier_case_while_the_list_is_read_anew(cast, sign_in):
    """Leaving the number reads the list once more; the link that has the focus keeps it."""
    number = Story(cast).case.number
    page = sign_in(cast.intake, "/desk/register/?channel=phone")
    page.keyboard.type("13800002417")
    page.locator(f'#earlier:has-text("{number}")').wait_for()
    held: list = []
    page.route("**/register/earlier/", lambda route: held.append(route))
    for _key in range(2):
        page.keyboard.press("Tab")
    page.wait_for_function("document.activeElement.closest('#earlier')")
    page.evaluate("document.querySelector('#earlier a').dataset.old = '1'")
    assert held
    for route in held:
        route.continue_()
    page.locator("#earlier a:not([data-old])").wait_for()
    assert page.evaluate("document.activeElement.closest('#earlier') !== null")


def test_without_javascript_queue_and_preview_work(cast, browser, live_server):
    story = Story(cast).accept()
    client = Client()
    client.force_login(cast.coordinator)
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    page.goto(live_server.url + "/desk/queue/?view=unassigned")
    page.click("[data-row-preview]")
    assert story.case.number in page.locator("#preview").inner_text()
    page.click(".menu-filter summary")
    page.check('.menu-filter[open] input[value="accepted"]')
    page.click(".menu-filter[open] .btn-primary")
    assert page.locator("[data-row]").count() == 1
    page.check("[data-select]")
    page.click("#bulk .btn:first-of-type")
    page.select_option("[name=department]", str(cast.water.pk))
    page.fill("[name=task]", "查明原因")
    page.click("main form .btn-primary")
    assert story.case.lead_department == cast.water
    context.close()


@pytest.mark.parametrize(("width", "colours"), [(1440, "dark"), (390, "light")])
def test_the_pages_of_people_and_of_the_security_log_are_accessible(cast, sign_in, live_server, width, colours):
    people.set_roles(cast.intake.pk, roles=["intake_officer", "coordinator"], reason="提任督办", by=cast.manager)
    page = sign_in(cast.administrator, "/desk/people/")
    theme(page, live_server, colours)
    page.set_viewport_size({"width": width, "height": 900})
    for path in (
        "/desk/people/",
        "/desk/people/new/",
        f"/desk/people/{cast.intake.pk}/",
        "/desk/security-log/",
        "/desk/settings/departments/",
    ):
        page.goto(live_server.url + path)
        assert (path, violations(page)) == (path, [])
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path

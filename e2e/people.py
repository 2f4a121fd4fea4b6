"""The people of the walk: one browser context each, and what they do in their window.

`Office.turn(who)` lends a person's window for a while. Whoever has an account signs in through the
page the first time. When the turn ends, the browser's console must have stayed silent.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Expect, Locator, Page, Response

WAIT = 30_000  # milliseconds; a loaded machine is no failure
WIDTHS = {"citizen": 390}  # the complainant holds a telephone, everybody else sits at a desk
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}
MAIN_BUTTON = ".btn-primary:visible, .btn-danger-solid:visible"

expect = Expect()  # our own: the patience of other tests stays as it is
expect.set_options(timeout=WAIT)


class Window:
    """One browser window: opens, fills, submits and reads like a person."""

    def __init__(self, page: Page, site: str) -> None:
        self.page = page
        self.site = site
        self.problems: list[str] = []
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.problems.append(f"{page.url}: {error}"))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.problems.append(f"{self.page.url}: {message.text}")

    # --- Going somewhere ----------------------------------------------------------------------
    def open(self, path: str) -> None:
        self._answered(self.page.goto(self.site + path))

    def follow(self, link: str | Locator) -> None:
        """Click a link (a selector within the page, or a locator) and arrive."""
        target = self.page.locator(f"{link}:visible").first if isinstance(link, str) else link
        with self.page.expect_navigation() as arrived:
            target.click()
        self._answered(arrived.value)

    def _answered(self, response: Response | None) -> None:
        assert response is not None
        assert response.status == 200, f"{response.status} at {self.page.url}: {self.text()[:2000]}"

    # --- Doing something ----------------------------------------------------------------------
    def submit(self, form: str | Locator, *, button: str = MAIN_BUTTON, **fields: object) -> None:
        """Fill the fields of a form by name and press its button. A form with errors is a failure."""
        box = self.page.locator(f"{form}:visible") if isinstance(form, str) else form
        expect(box).to_have_count(1)
        self.enter(box, **fields)
        with self.page.expect_navigation() as arrived:
            box.locator(button).first.click()
        self._answered(arrived.value)

    def enter(self, box: Locator, **fields: object) -> None:
        """Each value into the field of that name, whatever kind of field it is."""
        for name, value in fields.items():
            found = box.locator(f'[name="{name}"]:not([type=hidden])')
            kind = found.first.evaluate("field => field.type")
            if kind in ("radio", "checkbox"):
                box.locator(f'[name="{name}"][value="{value}"]').check()
            elif kind == "select-one":
                found.select_option(str(value))
            else:
                found.fill(str(value))

    # --- Reading --------------------------------------------------------------------------------
    def text(self) -> str:
        return self.page.locator("body").inner_text()

    def shows(self, *words: str, within: str = "body") -> None:
        for word in words:
            expect(self.page.locator(within).first).to_contain_text(word)

    def says(self, *words: str) -> None:
        """The messages after something was done."""
        self.shows(*words, within=".toasts")

    def has_no(self, link: str) -> None:
        """The person is not offered this."""
        expect(self.page.locator(link)).to_have_count(0)

    def number_in_address(self, pattern: str) -> str:
        """The part of the present address that the pattern's group finds."""
        found = re.search(pattern, self.page.url)
        assert found, self.page.url
        return found[1]

    def is_accessible(self) -> None:
        """Axe finds nothing (WCAG 2.2 AA), and nothing has to be scrolled sideways."""
        found = Axe().run(self.page, options=RULES).response["violations"]
        assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found] == [], self.page.url
        assert self.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")

    def save(self, link: str, folder: Path) -> Path:
        """Download what a link offers."""
        with self.page.expect_download() as arrived:
            self.page.locator(link).first.click()
        kept = folder / arrived.value.suggested_filename
        arrived.value.save_as(kept)
        return kept


class Office:
    """Everybody who takes part, by staff number; anybody else is somebody of the public."""

    def __init__(self, browser: Browser, site: str, passwords: dict[str, str]) -> None:
        self.browser = browser
        self.site = site
        self.passwords = passwords
        self.contexts: dict[str, BrowserContext] = {}

    @contextlib.contextmanager
    def turn(self, who: str) -> Iterator[Window]:
        """This person's window, signed in; at the end of the turn nothing may stand in its console."""
        is_new = who not in self.contexts
        if is_new:
            self.contexts[who] = self._context(WIDTHS.get(who, 1440))
        page = self.contexts[who].new_page()
        window = Window(page, self.site)
        if is_new and who in self.passwords:
            self._sign_in(window, who)
        yield window
        assert window.problems == []
        page.close()

    def _context(self, width: int) -> BrowserContext:
        context = self.browser.new_context(
            viewport={"width": width, "height": 900},
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            service_workers="block",
        )
        context.set_default_timeout(WAIT)
        return context

    def _sign_in(self, window: Window, who: str) -> None:
        window.open("/desk/")
        window.submit("form:has([name=password])", login=who, password=self.passwords[who])
        expect(window.page).to_have_url(re.compile(r"/desk/"))

    def close(self) -> None:
        for context in self.contexts.values():
            context.close()

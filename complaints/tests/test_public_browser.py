"""Filing and following a complaint in a real browser: without JavaScript, with it, and by axe (WCAG 2.2 AA)."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from complaints.models import Complaint, IntakeDraft
from complaints.tests.public_flow import png
from tests.services import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("config.urls_public")]
PICTURE = {"name": "公告栏.png", "mimeType": "image/png", "buffer": png().read()}


@pytest.fixture
def plain_page(browser):
    """A small window without JavaScript."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def walk(page, site: str, look=lambda name: None) -> tuple[str, str]:
    """File a complaint with a file and look it up, in Chinese; `look` is called on every page."""
    page.goto(f"{site}/complain/")
    look("category")
    page.locator("form .btn-primary").click()
    look("category with an error")
    page.get_by_label("水、电、气、暖").check()
    page.locator("form .btn-primary").click()
    page.locator("#id_narrative").fill("停水两天了，家里有老人。")
    page.locator("#id_files").set_input_files(PICTURE)
    page.locator("button[formaction*=upload]").click()
    look("details with a file")
    assert page.locator("#id_narrative").input_value() == "停水两天了，家里有老人。"
    page.locator("form .btn-primary").click()
    look("details with an error")
    page.locator("#id_occurred_on").fill("2025-11-15")
    page.locator("form .btn-primary").click()
    page.locator("form .btn-primary").click()
    look("contact with errors")
    page.locator("#id_name").fill("王先生")
    page.locator("#id_phone").fill("138 0000 0417")
    page.locator("form .btn-primary").click()
    look("check")
    page.locator("form .btn-primary").click()
    look("receipt")
    number, code = page.locator(".receipt-no").all_inner_texts()
    page.locator("main a.btn-primary").click()
    look("track")
    page.locator("#id_number").fill(number)
    page.locator("#id_code").fill("0" * 16)
    page.locator("form .btn-primary").click()
    look("track with an error")
    page.locator("#id_code").fill(code.lower())
    page.locator("form .btn-primary").click()
    look("case")
    assert "停水两天了" in page.locator("h1").inner_text()
    page.locator("input[value=reminder]").check()
    page.locator("#id_text").fill("什么时候来水")
    page.locator("#supplement .btn-primary").click()
    look("case with a message")
    page.locator("a[href*=withdraw]").click()
    look("withdraw")
    page.goto(f"{site}/track/case/code/")
    look("code")
    page.goto(f"{site}/help/")
    look("help")
    return number, code


def check_case(number: str) -> None:
    case = Complaint.objects.get()
    assert case.number == number
    assert case.narrative == "停水两天了，家里有老人。"
    assert [row.name for row in case.attachments.all()] == ["公告栏.png"]
    assert [row.text for row in case.questions.all()] == ["什么时候来水"]


def test_filing_and_following_works_without_javascript(live_server, plain_page):
    number, _code = walk(plain_page, live_server.url)
    check_case(number)


@pytest.mark.parametrize("width", [390, 1440])
def test_filing_and_following_with_javascript_has_no_accessibility_findings(live_server, page, width):
    """WCAG 2.2 AA on every step, and nothing wider than the window."""
    page.set_viewport_size({"width": width, "height": 900})
    page.set_default_timeout(20_000)
    axe, problems = Axe(), []

    def look(name: str) -> None:
        found = axe.run(page).response["violations"]
        problems.extend((name, row["id"], [node["target"] for node in row["nodes"]]) for row in found)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            problems.append((name, "wider than the window", []))

    number, _code = walk(page, live_server.url, look)
    assert problems == []
    check_case(number)


def test_file_field_speaks_the_language_of_the_page(live_server, page):
    """The browser's own words may be in another language; the upload button waits for a file (IN-23)."""
    page.set_default_timeout(20_000)
    page.goto(f"{live_server.url}/complain/")
    page.get_by_label("水、电、气、暖").check()
    page.locator("form .btn-primary").click()
    upload = page.locator("button[formaction*=upload]")
    assert page.locator("label.file-button").inner_text() == "选择文件或拍照"
    assert upload.is_hidden()
    page.get_by_label("照片、录音、单据").set_input_files(PICTURE)
    assert page.locator("output.file-names").inner_text() == "公告栏.png"
    assert upload.is_visible()


def test_clearing_and_going_back_shows_no_receipt(live_server, page):
    """PI-08: the browser's back button does not bring the receipt back."""
    page.set_default_timeout(20_000)
    number, code = walk(page, live_server.url)
    page.goto(f"{live_server.url}/complain/done/")
    assert number in page.content()
    with page.expect_navigation():
        page.locator("form[action*=clear] button").click()
    page.go_back()
    assert code not in page.content()
    assert page.evaluate("Object.keys(localStorage).length") == 0


def to_contact(page, site: str) -> None:
    """The first two steps."""
    page.goto(f"{site}/complain/")
    page.get_by_label("水、电、气、暖").check()
    page.locator("form .btn-primary").click()
    page.locator("#id_narrative").fill("停水两天了。")
    page.locator("#id_occurred_on").fill("2025-11-15")
    page.locator("form .btn-primary").click()


def test_what_was_typed_survives_leaving_the_page_without_sending_it(page, live_server):
    """IN-06: with JavaScript a step is kept on the server when the page is left; nothing stays on the device."""
    to_contact(page, live_server.url)
    page.locator("#id_phone").fill("138 0000 0417")
    page.locator("[data-keep-status]").wait_for()  # three seconds after the last key
    page.locator("#id_name").fill("王先生")
    before = IntakeDraft.objects.get().answers
    page.goto(f"{live_server.url}/help/")  # kept on leaving, by a request that the next page does not wait for
    wait_for(lambda: IntakeDraft.objects.get().answers != before, "what was typed last to be kept")
    page.goto(f"{live_server.url}/complain/contact/")
    assert page.locator("#id_phone").input_value() == "138 0000 0417"
    assert page.locator("#id_name").input_value() == "王先生"
    assert "138" not in page.evaluate("JSON.stringify(localStorage)")


def test_what_was_typed_survives_going_back_without_javascript(plain_page, live_server):
    """IN-06."""
    to_contact(plain_page, live_server.url)
    plain_page.locator("#id_phone").fill("138 0000 0417")
    plain_page.locator("button[name=back]").click()
    assert plain_page.locator("#id_narrative").input_value() == "停水两天了。"
    plain_page.locator("form .btn-primary").click()
    assert plain_page.locator("#id_phone").input_value() == "138 0000 0417"


def test_pi_10_the_question_is_answered_without_javascript_and_passes_axe(plain_page, page, live_server, settings):
    """A labelled field in the flow of the page; in Chinese, answered in Chinese."""
    settings.CHALLENGE_PER_ADDRESS = 0
    for each in (plain_page, page):
        to_contact(each, live_server.url)
        each.locator("#id_name").fill("王先生")
        each.locator("#id_phone").fill("138 0000 0417")
        each.locator("form .btn-primary").click()
    found = Axe().run(page)
    assert found.response["violations"] == [], found.generate_report()
    label = plain_page.locator("label[for=id_answer]").inner_text()
    words = "零一二三四五六七八九"
    first, second = (words.index(char) for char in label if char in words[2:])
    plus = "加" in label or "plus" in label
    answer = first + second if plus else first - second
    plain_page.locator("#id_answer").fill(str(answer))
    plain_page.locator("form .btn-primary").click()
    plain_page.locator(".receipt-no").first.wait_for()
    assert Complaint.objects.count() == 1

"""The manager asks for last month's report and opens what the worker wrote (AN-19, AN-20)."""

from __future__ import annotations

from pathlib import Path

from docx import Document
from openpyxl import load_workbook
from playwright.sync_api import expect
from pypdf import PdfReader

from e2e.story import Story

READY = 120_000  # milliseconds for figures, charts and three documents on a loaded machine


def report(story: Story, folder: Path) -> None:
    """The worker builds it while the page tells how far it is; each of the three documents opens."""
    with story.office.turn("manager-1") as manager:
        page = manager.page
        manager.open("/desk/reports/")
        offered = page.locator("[name=period] option").first  # the month before this one
        period, label = offered.get_attribute("value"), offered.inner_text()
        assert period
        manager.is_accessible()
        manager.submit("main form:has([name=period])", period=period, edition="data")
        manager.says("报告正在生成，完成后通知你。")
        manager.shows(label, within="h1")
        expect(page.locator(".report-card[aria-busy]")).to_have_count(0, timeout=READY)
        manager.has_no("form[action$='/rebuild/']")  # it did not fail
        for kind in ("docx", "xlsx", "pdf"):
            wait_for_document(manager, kind)
        manager.shows(label, "草稿", within="main")
        manager.is_accessible()
        files = {kind: manager.save(f"a[href$='/{kind}/']", folder) for kind in ("docx", "xlsx", "pdf")}
    assert {path.name for path in files.values()} == {f"{period}-data-r1.{kind}" for kind in files}
    assert label in "\n".join(paragraph.text for paragraph in Document(str(files["docx"])).paragraphs)
    assert len(load_workbook(files["xlsx"]).sheetnames) > 1
    assert label.replace(" ", "") in "".join(page.extract_text() for page in PdfReader(files["pdf"]).pages).replace(
        " ", ""
    )


def wait_for_document(manager, kind: str) -> None:
    """The documents follow the draft; the page says that they are being written."""
    link = manager.page.locator(f"a[href$='/{kind}/']")
    for _ in range(60):
        if link.count():
            return
        manager.page.wait_for_timeout(1000)
        manager.page.reload()
    expect(link).to_have_count(1)

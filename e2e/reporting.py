"""The manager asks for last month's report and opens what the worker wrote (AN-19, AN-20)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from docx import Document
from openpyxl import load_workbook
from pypdf import PdfReader

from e2e.people import expect
from e2e.story import NAME, PHONE, Story, last_month

TITLE = "%s投诉工作总结"
ONE = "%s共受理投诉1件"
READY = 120_000  # milliseconds for figures, charts and three documents on a loaded machine


def old_register(folder: Path) -> Path:
    """What the office brings along from before: one complaint of last month."""
    path = folder / "register.csv"
    month = last_month()
    lines = [
        "投诉编号,主题,投诉内容,投诉时间,答复意见,答复时间",
        f"2026-77,路灯不亮,小区门口路灯整夜不亮。,{month}-16 09:30,已更换灯具。,{month}-18 15:00",
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def report(story: Story, folder: Path) -> None:
    """The worker builds it while the page tells how far it is; each of the three documents opens."""
    with story.office.turn("manager-1") as manager:
        page = manager.page
        manager.open("/desk/reports/")
        period = last_month()
        label = page.locator(f"[name=period] option[value='{period}']").inner_text()
        manager.is_accessible()
        manager.submit("main form:has([name=period])", period=period, edition="data")
        manager.says("报告正在生成，完成后通知你。")
        manager.shows(label, within="h1")
        # The card asks by itself every two seconds; nobody reloads the page.
        expect(page.locator(".report-card[aria-busy]")).to_have_count(0, timeout=READY)
        manager.has_no("form[action$='/rebuild/']")  # it did not fail
        files = {kind: manager.save(f"a[href$='/{kind}/']", folder) for kind in ("docx", "xlsx", "pdf")}
        manager.open("/desk/reports/")
        manager.follow(page.get_by_role("link", name=label).first)
        manager.shows("草稿", within="main")
        manager.is_accessible()
    assert {path.name for path in files.values()} == {f"{period}-data-r1.{kind}" for kind in files}
    words = {kind: re.sub(r"\s", "", "".join(text_of(path))) for kind, path in files.items()}
    month = label.replace(" ", "")
    for kind, text in words.items():
        assert TITLE % month in text, kind
        assert ONE % month in text, kind
        assert not re.search(f"{NAME}|{PHONE}", text), kind


def text_of(path: Path) -> Iterator[str]:
    """The words of a document, each read with the library for its format."""
    if path.suffix == ".docx":
        yield from (paragraph.text for paragraph in Document(str(path)).paragraphs)
    elif path.suffix == ".pdf":
        yield from (page.extract_text() for page in PdfReader(path).pages)
    else:
        rows = (row for sheet in load_workbook(path).worksheets for row in sheet.iter_rows(values_only=True))
        yield from (str(value) for row in rows for value in row if value is not None)

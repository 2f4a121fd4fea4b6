"""Walks the public form and the tracking page as a visitor does."""

from __future__ import annotations

from html.parser import HTMLParser
from io import BytesIO

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from complaints import drafts
from complaints.models import Complaint

CATEGORY = {"category": "utilities"}
DETAILS = {
    "narrative": "11 月 15 日早上 7 点左右开始停水。热线打了 5 次，每次都说在抢修。",
    "occurred_on": "2025-11-15",
    "demand": "说明为什么反复停水",
}
CONTACT = {"name": "王先生", "phone": "138 0000 0417"}


def write(client: Client, details: dict | None = None, contact: dict | None = None) -> None:
    """Fill in steps 1 to 3; every step must be taken."""
    for path, data in (
        ("/complain/", CATEGORY),
        ("/complain/details/", {**DETAILS, **(details or {})}),
        ("/complain/contact/", {**CONTACT, **(contact or {})}),
    ):
        response = client.post(path, data)
        assert response.status_code == 302, response.content.decode()


def file(client: Client, details: dict | None = None, contact: dict | None = None) -> drafts.KeptReceipt:
    """File a complaint from the first step to the receipt."""
    write(client, details, contact)
    response = client.post("/complain/check/")
    assert response.headers["Location"] == "/complain/done/"
    return receipt_of(client)


def receipt_of(client: Client) -> drafts.KeptReceipt:
    draft = drafts.find(client.cookies[drafts.COOKIE].value)
    assert draft is not None
    receipt = drafts.receipt(draft)
    assert receipt is not None
    return receipt


def open_case(client: Client, complaint: Complaint, code: str):
    """Enter number and code."""
    return client.post("/track/", {"number": complaint.number, "code": code})


def png(name: str = "公告栏.png", size: tuple[int, int] = (8, 8)) -> SimpleUploadedFile:
    out = BytesIO()
    Image.new("RGB", size, "white").save(out, "PNG")
    return SimpleUploadedFile(name, out.getvalue(), content_type="text/html")


class Elements(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

"""PI-09 in what leaves the house: posters, briefing, article, public pages, feeds and open data hold it as text."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from django.utils import timezone
from lxml import etree

from complaints.table_files import safe_cell
from complaints.tests.test_hostile_text import became_markup, packs, text_of_pdf
from publication import briefing, posters, wechat
from publication.tests.factories import published

pytestmark = [pytest.mark.django_db, pytest.mark.urls("config.urls")]
# Data for search engines, and what the head of a page says of it.
LINKED_DATA = re.compile(r'<script type="application/ld\+json">(.*?)</script>', re.S)
SAID_OF_IT = re.compile(r'<meta (?:name|property)="[\w:]+" content="[^"<>]*">')


def body_of(page: str) -> str:
    """A page without these, which are made sure to be data."""
    for data in LINKED_DATA.findall(page):
        assert "<" not in data
        json.loads(data)
    return SAID_OF_IT.sub("", LINKED_DATA.sub("", page))


@pytest.mark.parametrize("pack", packs())
def test_pi_09_sheets_pages_feeds_and_open_data_hold_it_as_text(client, pack):
    found = published(title=pack, subject=pack, cause=pack, summary=pack, result=pack)
    wanted = "".join(pack.split())
    for content in (posters.render(found, "a4", at=timezone.now()), briefing.render(found, at=timezone.now())):
        assert wanted in text_of_pdf(content)
    article = wechat.article(found, at=timezone.now())
    assert became_markup(f"<html><body>{article.html}</body></html>") == []
    for path in (f"/results/{found.public_id}/", "/"):
        assert became_markup(body_of(client.get(path).content.decode())) == [], path
    for path in ("/feed.atom", "/feed.rss"):
        tree = etree.fromstring(client.get(path).content)
        assert not [node for node in tree.iter() if "zqxjkv" in f"{node.tag}{node.attrib}".lower()], path
    table = client.get("/open-data/results.csv").getvalue().decode("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(table)) for cell in row]
    assert safe_cell(pack) in cells
    assert not [cell for cell in cells if cell[:1] in "=+-@" and "zqxjkv" in cell]

"""Posters, the briefing, the article and the film: one page each, from the posted text and nothing else."""

from __future__ import annotations

import io
import json
import re

import pytest
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader

from publication import briefing, leak_scan, posters, transitions, typeset, wechat
from publication.models import Publication, PublishedResult
from publication.tests.factories import IMPROVEMENT, TEXTS, draft, posted, published

pytestmark = pytest.mark.django_db
PAPER = {"a4": (595, 842), "a4-large": (595, 842), "a3": (842, 1191)}


def pdf(content: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(content))


def words(content: bytes) -> str:
    return re.sub(r"\s", "", "".join(page.extract_text() for page in pdf(content).pages))


def sheet_url(publication: Publication, name: str) -> str:
    return reverse("publication:channel_file", args=[publication.number, *name.split(".")])


def long_result() -> PublishedResult:
    texts = {name: TEXTS[name] * 30 for name in ("cause", "investigation", "responsibility", "result")}
    measures = [dict(IMPROVEMENT, what="更换老旧管道" * 12) for _ in range(15)]
    return published(title="很长的标题" * 16, subject="柳桥三村居民" * 20, improvements=measures, **texts)


@pytest.mark.parametrize("size", PAPER)
def test_pub_24_33_a_poster_is_one_page_of_its_paper_with_its_fonts_and_neutral_data(size):
    found = published()
    reader = pdf(posters.render(found, size, at=timezone.now()))
    assert len(reader.pages) == 1
    box = reader.pages[0].mediabox
    assert (round(box.width), round(box.height)) == PAPER[size]
    assert reader.metadata is not None
    assert reader.metadata.title == f"投诉处理结果公示 {found.publication_number}"
    assert set(reader.metadata) <= {"/Title", "/Author", "/Creator", "/CreationDate", "/ModDate"}
    text = words(posters.render(found, size, at=timezone.now()))
    for part in (found.title, found.subject, "更换1.8公里老旧管道", "2999年3月31日", found.publication_number):
        assert re.sub(r"\s", "", part) in text
    assert f"/results/{found.public_id}/" in text
    assert "篇幅有限" not in text
    assert re.search(rb"/FontFile2|/FontFile3", posters.render(found, size, at=timezone.now()))


@pytest.mark.parametrize("size", PAPER)
def test_pub_24_a_long_text_is_shortened_and_says_where_the_whole_stands(size):
    found = long_result()
    content = posters.render(found, size, at=timezone.now())
    assert len(pdf(content).pages) == 1
    text = words(content)
    assert "篇幅有限" in text
    assert f"/results/{found.public_id}/" in text
    assert "8800" in text


def test_pub_24_the_code_on_the_poster_leads_to_the_public_page_and_tells_the_channel():
    found = published()
    address = typeset.public_address(found)
    assert address.endswith(f"/results/{found.public_id}/")
    content = typeset.content(posters.sheet(found, "a4", at=timezone.now()), found, posters.PAPERS["a4"])
    assert content["target"] == f"{address}?c=notice-board"


def test_pub_29_the_briefing_is_one_page_of_points_and_answers():
    found = published()
    content = briefing.render(found, at=timezone.now())
    text = words(content)
    assert len(pdf(content).pages) == 1
    assert "方言" in text
    assert re.sub(r"\s", "", found.summary) in text
    questions = briefing.questions(found, at=timezone.now(), most=90, measures=4)
    assert "2999" in questions[0][1]
    assert len(questions) == 5
    assert len(pdf(briefing.render(long_result(), at=timezone.now())).pages) == 1


def test_pub_25_the_wechat_article_is_clean_html_of_a_size_the_editor_takes():
    found = long_result()
    PublishedResult.objects.filter(pk=found.pk).update(summary="<script>alert(1)</script>" + "说" * 200)
    found.refresh_from_db()
    article = wechat.article(found, at=timezone.now())
    assert len(article.title) <= 64
    assert len(article.summary) <= 120
    assert not re.search(r"<(script|img|link|style|iframe)|\son\w+=|class=|url\(", article.html)
    assert "&lt;script&gt;" in article.html
    assert re.sub(r"\s", "", found.cause[-20:]) in re.sub(r"\s", "", article.html)
    assert set(re.findall(r"https?://[^\s<\"]+", article.html)) == {f"{typeset.public_address(found)}?c=wechat"}


def test_pub_26_a_film_gets_a_first_script_scene_by_scene():
    script = briefing.script(published(), at=timezone.now())
    assert script.count("第") >= 5
    assert "打热线问不到几点来水" in script


def test_pub_33_every_channel_is_previewed_from_what_would_be_posted_and_marked(client, cast):
    """Before posting staff see exactly the masked text, without a code; checkers see it too, others get 404."""
    publication = draft(cast, cause="投诉人张桂芳反映停水。")
    client.force_login(cast.publication_checker)
    html = client.get(reverse("publication:channels_of", args=[publication.number])).content.decode()
    for name in ("poster-a4.png", "poster-a3.png", "poster-a4-large.png", "briefing.png", "wechat.html"):
        assert name in html
    for name in ("poster-a4-large.pdf", "briefing.pdf"):
        answer = client.get(sheet_url(publication, name))
        text = words(answer.content)
        assert "张桂芳" not in text
        assert "公示后这里是二维码" in text
        assert answer["Cache-Control"] == "no-store"
    article = client.get(sheet_url(publication, "wechat.html"))
    assert "张桂芳" not in article.content.decode()
    assert "预览" in article.content.decode()
    picture = client.get(sheet_url(publication, "poster-a4.png"))
    assert picture.content.startswith(b"\x89PNG")
    missing = sheet_url(publication, "poster-a5.pdf")
    assert client.get(missing).status_code == 404
    client.force_login(cast.water_handler)
    assert client.get(reverse("publication:channels_of", args=[publication.number])).status_code == 404


def test_pub_24_a_poster_of_a_posted_result_is_made_from_the_snapshot(client, cast):
    """Not from the draft behind it; a result that was taken down gives no sheet any more."""
    publication = draft(cast)
    result = posted(publication, cast)
    PublishedResult.objects.filter(pk=result.pk).update(cause="公众读到的这一句。")
    client.force_login(cast.publisher)
    address = sheet_url(publication, "poster-a4.pdf")
    text = words(client.get(address).content)
    assert "公众读到的这一句" in text
    assert result.public_id in text
    transitions.take_down(publication.pk, by=cast.publisher, reason="更正")
    assert client.get(address).status_code == 404


def test_pub_24_every_sheet_is_searched_before_posting(cast):
    """A name that stands only on a poster would be found: the last look reads every word of every channel."""
    found = published(subject="张桂芳")
    places = {
        place: content.decode() for surface in leak_scan.SURFACES for place, content in surface(found, timezone.now())
    }
    for place in ("posters", "briefing", "WeChat article", "film script"):
        assert place in places
    assert "张桂芳" in places["posters"]
    assert json.loads(places["briefing"])["title"] == found.title

"""Feeds and sitemaps keep to their specifications, whatever the texts in them (PUB-25, EX-01).

The grammars beside this file are RELAX NG: what a feed must have is required, what it may not have twice stands once,
every date and every address is of its form.
"""

from __future__ import annotations

from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.utils import timezone
from lxml import etree

from complaints.tests.factories import Story
from publication import statements
from publication.models import PublishedBulletin, PublishedResult
from publication.tests.factories import published
from publication.tests.test_statements import TEXTS, posted

pytestmark = pytest.mark.django_db
SITE = "https://results.example"
NS = {"a": "http://www.w3.org/2005/Atom", "s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
# Markup, the end of a CDATA section, a letter outside the first plane, one that turns the line round, and two that
# XML has no way to write.
HOSTILE = "停水 <b>30</b> 小时 & ]]> <script>alert(1)</script> 🚰 \u202e倒写\u202c \x0b\ufffe"
GRAMMARS = Path(__file__).parent / "grammars"
ATOM, RSS, SITEMAP = (etree.RelaxNG(file=str(GRAMMARS / f"{name}.rng")) for name in ("atom", "rss", "sitemap"))
PARTS = ("/", "/statements/", "/incidents/")


@pytest.fixture
def _public(cast, settings):
    """Two of everything, one of them with a hostile text, and one result that is gone."""
    settings.PUBLIC_BASE_URL = SITE
    now = timezone.now()
    published(1, title=HOSTILE, summary=HOSTILE, category=f"水 & {HOSTILE[-1]}电")
    published(2, category="", department="", summary="", updated_at=now - timedelta(hours=3))
    published(3, withdrawn_at=now)
    for words in ("停水", "停水 <b>再次</b> & 说明"):
        story = Story(cast).accept().assign().start()
        posted(statements.draft([story.pk], by=cast.coordinator, **TEXTS | {"title": words}), cast)
    for number in (1, 2):
        PublishedBulletin.objects.create(
            incident_public_id="0123456789abcdef",
            bulletin_id=number,
            number=number,
            title=HOSTILE,
            progress=HOSTILE,
            released_at=now - timedelta(hours=3 - number),
        )


def fetched(client, path: str, media: str) -> etree._Element:
    answer = client.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (200, f"{media}; charset=utf-8")
    content = answer.content if not answer.streaming else b"".join(answer.streaming_content)
    assert content.startswith((b'<?xml version="1.0" encoding="utf-8"?>', b"<?xml version='1.0' encoding='utf-8'?>"))
    return etree.fromstring(content)


@pytest.mark.usefixtures("_public")
@pytest.mark.parametrize("lang", ["", "?lang=en"])
@pytest.mark.parametrize("part", PARTS)
def test_pub_25_atom_by_rfc_4287(client, part, lang):
    root = fetched(client, f"{part}feed.atom{lang}", "application/atom+xml")
    ATOM.assertValid(root)
    assert root.xpath("string(a:link[@rel='self']/@href)", namespaces=NS) == f"{SITE}{part}feed.atom"
    ids = root.xpath("a:entry/a:id/text()", namespaces=NS)
    assert len(ids) == len(set(ids)) == 2  # section 4.1.1: what is another entry has another id
    assert root.findtext("a:id", namespaces=NS) not in ids
    for one in (root, *root.findall("a:entry", NS)):  # section 4.1.1: one way to the same thing, not several
        rels = one.xpath("a:link/@rel", namespaces=NS)
        assert sorted(rels) == (["alternate", "self"] if one is root else ["alternate"])
    assert {urlsplit(one).netloc for one in root.xpath("//@href")} == {"results.example"}
    newest = max(root.xpath("a:entry/a:published/text()", namespaces=NS))
    assert root.findtext("a:entry/a:published", namespaces=NS) == newest


@pytest.mark.usefixtures("_public")
@pytest.mark.parametrize("part", PARTS)
def test_pub_25_rss_by_its_specification(client, part):
    root = fetched(client, f"{part}feed.rss", "application/rss+xml")
    RSS.assertValid(root)
    items = root.findall("channel/item")
    assert len({item.findtext("guid") for item in items}) == len(items) == 2
    moments = [parsedate_to_datetime(item.findtext("pubDate")) for item in items]
    assert moments == sorted(moments, reverse=True)
    # A guid says of itself that it is an address that lasts; so it opens.
    for item in items:
        place = urlsplit(item.findtext("guid"))
        page = client.get(place.path)
        assert page.status_code == 200
        assert not place.fragment or f'id="{place.fragment}"' in page.content.decode()


@pytest.mark.usefixtures("_public")
@pytest.mark.parametrize("part", PARTS)
def test_pub_25_a_sitemap_by_its_schema(client, part):
    root = fetched(client, f"{part}sitemap.xml", "application/xml")
    SITEMAP.assertValid(root)
    places = root.xpath("s:url/s:loc/text()", namespaces=NS)
    assert places[0] == f"{SITE}{part}"
    assert [client.get(urlsplit(place).path).status_code for place in places] == [200] * len(places)
    gone = PublishedResult.objects.get(publication_number="GS-202611-0003")
    assert not [place for place in places if gone.public_id in place]


@pytest.mark.usefixtures("_public")
def test_pr_12_what_is_hostile_reaches_a_reader_as_the_words_it_is(client):
    said = "停水 <b>30</b> 小时 & ]]> <script>alert(1)</script> 🚰 \u202e倒写\u202c "
    atom = fetched(client, "/feed.atom", "application/atom+xml")
    entry = next(row for row in atom.findall("a:entry", NS) if "<b>" in row.findtext("a:title", namespaces=NS))
    assert entry.findtext("a:title", namespaces=NS) == said
    # A summary is HTML by its own word: read as that, it is the same words again and no element.
    summary = etree.HTML(f"<p>{entry.findtext('a:summary', namespaces=NS)}</p>").find("body/p")
    assert (len(summary), summary.text) == (0, said)


@pytest.mark.parametrize(
    ("rules", "document"),
    [
        (ATOM, "<feed xmlns='http://www.w3.org/2005/Atom' xml:lang='zh'><title>无</title></feed>"),
        (RSS, "<rss version='2.0'><channel><title>无</title><link>https://results.example/</link></channel></rss>"),
        (
            SITEMAP,
            "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'><url><loc>/results/</loc></url></urlset>",
        ),
    ],
)
def test_the_rules_find_what_is_wrong(rules, document):
    assert not rules.validate(etree.fromstring(document))

"""The public results: the same bytes for everybody, from the snapshot only, gone when they are taken down."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from django.core.cache import caches
from django.test import Client
from django.utils import timezone

from accounts import departments
from accounts.models import Department
from complaints import table_files
from complaints.tests.factories import at
from publication import open_data
from publication.models import PublishedResult
from publication.results import Filters, narrowed
from publication.tests.factories import IMPROVEMENT, TEXTS, days_ago, draft, published

pytestmark = pytest.mark.django_db
ATOM = "{http://www.w3.org/2005/Atom}"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
LISTS = (
    "/",
    "/feed.atom",
    "/feed.rss",
    "/open-data/results.csv",
    "/open-data/results.json",
    "/sitemap.xml",
    "/api/v1/results/",
)


def body(response) -> str:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return content.decode()


def titles(html: str) -> list[str]:
    return re.findall(r'<h3 lang="zh-Hans"><a href="[^"]+">([^<]+)</a>', html)


def address(result: PublishedResult) -> str:
    return f"/results/{result.public_id}/"


# --- The list (PUB-40) ------------------------------------------------------------------------


def test_pub_40_newest_first_with_question_answer_and_progress(client):
    published(
        1,
        title="停水三十小时",
        published_at=days_ago(3),
        improvements=[IMPROVEMENT | {"state": "verified", "done_on": "2026-11-01"}, IMPROVEMENT],
    )
    published(2, title="暖气不热", published_at=days_ago(2))
    html = body(client.get("/"))
    assert titles(html) == ["暖气不热", "停水三十小时"]
    assert TEXTS["cause"] in html
    assert TEXTS["summary"] in html
    assert re.search(r"2 项改进，完成 1 项|2 improvements, 1 done", html)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("停水", ["停水"]),
        ("水", ["停水"]),
        ("暖气", ["暖气"]),
        ("没有的词", []),
        ("%%%", []),
        ("\x00", ["暖气", "停水"]),
    ],
)
def test_pub_40_search_finds_words_of_two_characters(client, query, expected):
    texts = dict.fromkeys(TEXTS, "。")
    published(1, **texts | {"title": "停水"}, category="其他", department="供热公司", published_at=days_ago(2))
    published(2, **texts | {"title": "暖气"}, category="其他", department="供热公司")
    assert titles(body(client.get("/", {"q": query}))) == expected


def test_pub_40_filters_narrow_and_count_beside_each_other(client):
    published(1, title="甲", department="水务", department_code="water", published_at=days_ago(3))
    published(2, title="乙", department="热力", department_code="heat", published_at=days_ago(2))
    published(
        3,
        title="丙",
        department="热力",
        department_code="heat",
        category="窗口",
        category_code="desk",
        published_at=days_ago(1),
    )
    html = body(client.get("/?category=water&department=heat&department=unknown"))
    assert titles(html) == ["乙"]
    # Each filter counts beside the others, not beside itself: what a further choice would find stands there.
    counts = re.findall(r'name="(\w+)" value="([a-z]+)"[^>]*>[^<]+<span>(\d+)</span>', html)
    assert sorted(counts) == [
        ("category", "desk", "1"),
        ("category", "water", "1"),
        ("department", "heat", "1"),
        ("department", "water", "1"),
    ]
    assert titles(body(client.get("/?category=desk"))) == ["丙"]
    month = timezone.localtime(days_ago(1)).strftime("%Y-%m")
    assert "丙" in titles(body(client.get(f"/?month={month}")))
    empty = body(client.get("/?month=2001-02"))
    assert titles(empty) == []
    assert re.search(rf'<option value="{month}"[^>]*>[^<]*[1-3]', empty)  # the month that has some can still be chosen


def test_pub_40_a_month_begins_and_ends_at_midnight(client):
    edges = {"十月": "2026-10-31 23:59", "十一月": "2026-11-01 00:00", "十二月": "2026-12-01 00:00"}
    for number, (title, moment) in enumerate(edges.items(), 1):
        published(number, title=title, published_at=at(moment), published_until=None)
    for month, title in (("2026-11", "十一月"), ("2026-12", "十二月")):
        found = narrowed(Filters(month=month), at=at("2027-01-05 12:00"))
        assert [row.title for row in found] == [title]


def test_paging_shows_every_result_once_and_names_no_row(client):
    """PR-07: positions are public ids, never row numbers."""
    results = [published(n, title=f"第{n}件", published_at=days_ago(n), published_until=None) for n in range(1, 46)]
    seen, url = [], "/"
    while url:
        html = body(client.get(url))
        seen += titles(html)
        following = re.search(r'href="(\?after=[0-9a-f]{16})" rel="next"', html)
        url = "/" + following[1] if following else ""
    assert seen == [f"第{n}件" for n in range(1, 46)]
    last = body(client.get(f"/?before={results[20].public_id}"))
    assert titles(last) == seen[:20]


def test_the_place_in_the_list_stands_beside_the_links_to_other_pages(client):
    """PUB-40: from both directions, within a filter, also where several were published at the same moment."""
    moment = days_ago(3)
    results = [published(n, title=f"第{n}件", published_at=moment) for n in range(1, 46)]
    published(46, title="别的", category_code="heating", category="供热", published_at=days_ago(1))
    newest_first = results[::-1]

    def place(address: str) -> str:
        found = re.search(r'<nav class="row row-wrap pub-pager".*?<span[^>]*>([^<]*)</span>', body(client.get(address)))
        return "-".join(re.findall(r"\d+", found[1])) if found else ""

    assert place("/") == "1-20-46"
    assert place("/?category=water") == "1-20-45"
    assert place(f"/?category=water&after={newest_first[19].public_id}") == "21-40-45"
    assert place(f"/?category=water&after={newest_first[39].public_id}") == "41-45-45"
    assert place(f"/?category=water&before={newest_first[40].public_id}") == "21-40-45"
    assert place("/?category=heating") == ""


@pytest.mark.parametrize(
    ("cause", "shown"),
    [("停水三十小时。", False), ("停水三十小时", False), ("停水三十小时，没有人通知", True), ("", False)],
)
def test_what_was_reported_is_not_said_twice(client, cause, shown):
    """PUB-40: left out of the list where the title says the same; the result itself keeps all six parts."""
    result = published(1, title="停水三十小时", cause=cause)
    html = body(client.get("/"))
    assert bool(re.search(r"<dt>(反映|They reported)</dt>", html)) is shown
    assert re.search(r'<dt class="ans">', html)
    if cause:
        assert html.count("停水三十小时") == (2 if shown else 1)
        assert cause in body(client.get(address(result)))


def test_a_position_that_never_was_shows_the_first_page(client):
    published(1)
    for position in ("0" * 16, "-1", "zz", "1-2-3"):
        assert titles(body(client.get("/", {"after": position}))) == [TEXTS["title"]]


def test_the_number_of_a_notice_leads_to_it(client):
    result = published(7)
    assert client.get("/?q=gs-202611-0007&lang=en")["Location"] == f"{address(result)}?lang=en"
    assert client.get("/?q=GS-202611-9999").status_code == 200


def test_figures_come_from_this_years_results(client):
    late = IMPROVEMENT | {"state": "done", "done_on": "2026-05-02", "due_on": "2026-05-01"}
    punctual = IMPROVEMENT | {"state": "verified", "done_on": "2026-05-01", "due_on": "2026-05-01"}
    published(1, improvements=[late, punctual, IMPROVEMENT], published_at=timezone.now())
    published(2, published_at=timezone.now(), withdrawn_at=timezone.now())
    published(3, published_at=days_ago(500), published_until=None)
    html = body(client.get("/"))
    assert re.findall(r'<div class="figure"><b>([^<]+)<', html) == ["1", "1", "2", "50.0%"]
    assert "/ 3" in html


# --- One result -------------------------------------------------------------------------------


def test_pub_03_08_detail_shows_six_elements_plan_and_signature_dates(client):
    """PUB-43: each improvement stands there with its date, done, late or to come."""
    result = published(
        1,
        improvements=[
            IMPROVEMENT,
            IMPROVEMENT | {"what": "短信通知", "state": "done", "done_on": "2026-10-20"},
            IMPROVEMENT | {"what": "补发通知", "due_on": "2026-01-05"},
        ],
    )
    html = body(client.get(address(result)))
    order = [html.index(TEXTS[name][:12]) for name in ("subject", "cause", "investigation", "responsibility", "result")]
    assert order == sorted(order)
    assert html.count('<span class="elem-no"') == 6
    assert "<li>第一次通知居民，是在停水之后。</li>" in html
    assert [value in html for value in ('datetime="2999-03-31"', 'datetime="2026-10-20"', 'datetime="2026-01-05"')] == [
        True
    ] * 3
    assert re.search("还没有完成|not done yet", html)
    assert 'aria-valuenow="22"' in html
    assert [f'datetime="2026-11-{day}"' in html for day in (18, 19, 20)] == [True] * 3


def test_detail_describes_itself_to_search_engines(client, settings):
    settings.PUBLIC_BASE_URL = "https://results.example"
    result = published(1)
    html = body(client.get(address(result), headers={"host": "testserver"}))
    url = f"https://results.example{address(result)}"
    assert f'<link rel="canonical" href="{url}">' in html
    assert f'<meta property="og:url" content="{url}">' in html
    data = json.loads(re.search(r'<script type="application/ld\+json">(.+?)</script>', html)[1])
    assert (data["headline"], data["url"], data["identifier"]) == (TEXTS["title"], url, "GS-202611-0001")
    assert "testserver" not in html


HOSTILE = "\"'></script><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7|add:7 }}&amp;'\""


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict]] = []
        self.comments: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_comment(self, data):
        self.comments.append(data)


@pytest.mark.parametrize("path", ["/", "{detail}", "{detail}poster/"])
def test_pr_12_markup_in_a_text_stays_text(client, path):
    result = published(
        1,
        **dict.fromkeys(TEXTS, HOSTILE[:80]),
        improvements=[IMPROVEMENT | {"what": HOSTILE, "note": HOSTILE, "post": HOSTILE}],
        department=HOSTILE[:80],
        category=HOSTILE[:80],
    )
    html = body(client.get(path.format(detail=address(result))))
    page = _Elements()
    page.feed(html)
    assert page.comments == []
    assert [
        attrs
        for tag, attrs in page.found
        if tag == "img" or any(name.startswith("on") or name == "style" for name in attrs)
    ] == []
    # What stands in an attribute is the whole text: no quote ends it.
    said = {attrs["property"]: attrs["content"] for tag, attrs in page.found if tag == "meta" and "property" in attrs}
    assert path != "{detail}" or said["og:title"] == HOSTILE[:80]
    assert {attrs.get("type") for tag, attrs in page.found if tag == "script"} <= {"module", "application/ld+json"}
    assert not any(
        "alert" in str(value) for _tag, attrs in page.found for name, value in attrs.items() if name.startswith("data-")
    )


def test_pr_12_markup_in_a_text_stays_text_for_feed_readers(client):
    published(1, **dict.fromkeys(TEXTS, "<b>粗</b>\x0b"))
    entry = ElementTree.fromstring(body(client.get("/feed.atom"))).find(f"{ATOM}entry")
    assert entry.find(f"{ATOM}summary").text == "&lt;b&gt;粗&lt;/b&gt;"
    assert entry.find(f"{ATOM}title").text == "<b>粗</b>"


def test_english_and_large_text_travel_in_the_address(client):
    """SPG-04: large text on every page from here on."""
    result = published(1)
    html = body(client.get(f"{address(result)}?lang=en&text=large"))
    assert '<html lang="en" data-theme="light" data-text="large" class="public">' in html
    assert "How we investigated" in html
    assert "Water and heating" in html
    assert f'<h1 lang="zh-Hans">{TEXTS["title"]}</h1>' in html
    assert 'href="/?lang=en&amp;text=large"' in html
    assert f'href="{address(result)}?lang=en"' in body(client.get("/?lang=en"))


@pytest.mark.parametrize(
    ("size", "shown"), [("a4", "a4"), ("a3", "a3"), ("a4-large", "a4-large"), ("", "a4"), ("x", "a4")]
)
def test_pub_24_33_poster_for_the_notice_board(client, size, shown):
    """SPG-04: in large print as well."""
    result = published(1)
    html = body(client.get(f"{address(result)}poster/", {"size": size}))
    assert f'data-size="{shown}"' in html
    assert TEXTS["responsibility"] in html
    assert '<svg class="qr"' in html
    # The names of the elements fit their narrow column, in large print too; the code stands right above its words.
    assert "<h2>反映什么</h2>" in html
    assert "反映了什么" not in html
    assert "</svg>扫码看进度" in html


# --- Gone (PR-06, FI-V) ------------------------------------------------------------------------


@pytest.mark.parametrize("change", [{"withdrawn_at": "now"}, {"published_until": "past"}])
def test_pr_06_a_result_that_is_gone_is_gone_everywhere(client, change):
    result = published(1)
    kept = published(2, **dict.fromkeys(TEXTS, "别的事。"))
    assert TEXTS["title"] in body(client.get("/?q=柳桥"))
    moments = {"now": timezone.now(), "past": timezone.now() - timedelta(minutes=1)}
    PublishedResult.objects.filter(pk=result.pk).update(**{name: moments[value] for name, value in change.items()})
    here = address(result)
    pages = [here, *(f"{here}{part}" for part in ("poster/", "comments/", "reports/", "files/0123456789abcdef"))]
    pages += [f"{here}?lang=en", f"{here}?text=large", f"{here}poster/?size=a3", f"/api/v1/results/{result.public_id}/"]
    for path in pages:
        answer = client.get(path, headers={"If-None-Match": "*"})
        text = body(answer)
        assert answer.status_code == 410
        assert "max-age=60" in answer["Cache-Control"]
        assert not [value for value in TEXTS.values() if value in text]
        assert ("published_until" in change) == bool(re.search(r"公示期已于|term ended", text))
    for path in (*LISTS, "/?q=柳桥", "/?category=water", "/api/v1/results/?q=柳桥"):
        text = body(client.get(path))
        assert TEXTS["title"] not in text
        assert result.public_id not in text
    assert kept.public_id in body(client.get("/sitemap.xml"))
    assert client.get(f"{here}comment/").status_code == client.post(f"{here}helpful/", {"helpful": "yes"}).status_code
    assert client.post(f"{here}helpful/", {"helpful": "yes"}).status_code == 410


def test_the_reason_of_a_withdrawal_is_never_told(client):
    result = published(1, withdrawn_at=timezone.now())
    assert client.get(address(result)).status_code == 410
    assert client.get(f"/?q={result.publication_number}")["Location"] == address(result)


@pytest.mark.parametrize(
    "path",
    [
        "/results/0000000000000000/",
        "/results/0000000000000000/poster/",
        "/results/1/",
        "/results/GS-202611-0001/",
        "/api/v1/results/0000000000000000/",
        "/api/v1/results/1/",
    ],
)
def test_what_never_was_is_not_found(client, path):
    published(1)
    assert client.get(path).status_code == 404


# --- Caching, cookies, same bytes (matrix, pub_list) -----------------------------------------------


@pytest.mark.parametrize("path", [*LISTS, "/robots.txt", "{detail}", "{detail}poster/", "/api/v1{detail}"])
def test_everybody_gets_the_same_bytes_and_no_cookie(client, cast, path):
    path = path.format(detail=address(published(1)))
    signed_in = Client()
    signed_in.force_login(cast.publisher)
    odd = {
        "HX-Request": "true",
        "Accept": "application/json",
        "Accept-Language": "en",
        "X-HTTP-Method-Override": "DELETE",
    }
    first, second, third = client.get(path), signed_in.get(path), client.get(path, headers=odd)
    assert body(first) == body(second) == body(third)
    assert (first.status_code, first.cookies, second.cookies) == (200, {}, {})
    assert first["Cache-Control"] == "public, max-age=60"
    assert "Cookie" not in first.get("Vary", "")
    assert first["X-Robots-Tag"] in ("noarchive", "noindex")
    assert client.head(path).status_code == 200
    assert "csrfmiddlewaretoken" not in body(client.get(path))


@pytest.mark.parametrize("path", [*LISTS, "{detail}", "{detail}poster/", "/api/v1{detail}"])
def test_a_page_the_reader_has_costs_one_query(client, path, django_assert_num_queries):
    path = path.format(detail=address(published(1)))
    first = client.get(path)
    with django_assert_num_queries(1):
        again = client.get(path, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (again["ETag"], again["Cache-Control"]) == (first["ETag"], "public, max-age=60")


def test_the_numbers_beside_the_list_are_counted_once_until_it_changes(client, django_assert_num_queries):
    first = published(1)
    client.get("/")
    with django_assert_num_queries(2):  # the state, and the rows of the page
        again = body(client.get("/"))
    PublishedResult.objects.filter(pk=first.pk).update(withdrawn_at=timezone.now())
    assert (first.title in again, first.title in body(client.get("/"))) == (True, False)
    published(2, category_code="roads", category="道路")
    page = body(client.get("/"))
    assert ("道路" in page, first.category in page) == (True, False)


def test_a_result_stored_late_with_an_earlier_moment_is_a_change(client):
    """Posting takes a while; another posting that began later may be over before."""
    published(1, published_at=days_ago(1))
    tag = client.get("/")["ETag"]
    published(2, published_at=days_ago(2))
    assert client.get("/", headers={"If-None-Match": tag}).status_code == 200


def test_if_modified_since_is_answered_by_the_last_change(client):
    result = published(1)
    path = address(result)
    modified = client.get(path)["Last-Modified"]
    assert client.get(path, headers={"If-Modified-Since": modified}).status_code == 304
    PublishedResult.objects.filter(pk=result.pk).update(updated_at=timezone.now())
    assert client.get(path, headers={"If-Modified-Since": modified}).status_code == 200
    # Too fresh: a whole second could not tell this change from the next one.
    assert "Last-Modified" not in client.get(path)


def test_every_change_is_a_new_tag(client):
    result = published(1)
    seen = {client.get(path)["ETag"] for path in ("/", "/?lang=en", address(result))}
    PublishedResult.objects.filter(pk=result.pk).update(updated_at=timezone.now())
    seen |= {client.get(path)["ETag"] for path in ("/", address(result))}
    published(2)
    seen.add(client.get("/")["ETag"])
    PublishedResult.objects.filter(publication_number="GS-202611-0002").update(published_until=days_ago(0))
    seen.add(client.get("/")["ETag"])
    assert len(seen) == 7


@pytest.mark.parametrize(("path", "queries"), [("/", 7), ("/?q=停水&category=water", 7), ("/api/v1/results/", 4)])
def test_lists_cost_the_same_for_one_and_three_rows(client, path, queries, django_assert_num_queries):
    client.get(path)  # what the banner says of incidents is remembered for a moment
    published(1)
    with django_assert_num_queries(queries):
        client.get(path)
    published(2)
    published(3)
    with django_assert_num_queries(queries):
        assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/", "/feed.atom", "/results/0000000000000000/", "/robots.txt"])
@pytest.mark.parametrize("method", ["put", "delete", "patch", "options"])
def test_results_are_only_read(client, path, method):
    assert getattr(client, method)(path).status_code == 405


def test_two_worlds_that_differ_by_a_draft_look_the_same(client, cast):
    """AZ-03: a draft leaves no trace in any public byte."""
    result = published(1)
    paths = [*LISTS, "/robots.txt", address(result), "/?q=柳桥", "/?q=GS-202611-0002", "/results/0000000000000000/"]
    clean = re.compile(r"E-\d{8}-\d{6}-[0-9A-F]{4}")
    before = [clean.sub("", body(client.get(path))) for path in paths]
    draft(cast)
    assert [clean.sub("", body(client.get(path))) for path in paths] == before


# --- For programs ---------------------------------------------------------------------------------


def test_feed_is_valid_atom(client, settings):
    settings.PUBLIC_BASE_URL = "https://results.example"
    result = published(1)
    answer = client.get("/feed.atom")
    assert answer["Content-Type"] == "application/atom+xml; charset=utf-8"
    feed = ElementTree.fromstring(body(answer))
    assert feed.tag == f"{ATOM}feed"
    assert all(feed.find(f"{ATOM}{name}") is not None for name in ("id", "title", "updated", "author"))
    assert {link.get("rel"): link.get("href") for link in feed.findall(f"{ATOM}link")}[
        "self"
    ] == "https://results.example/feed.atom"
    (entry,) = feed.findall(f"{ATOM}entry")
    assert entry.find(f"{ATOM}id").text == f"https://results.example{address(result)}"
    assert entry.find(f"{ATOM}updated").text == result.updated_at.isoformat()


def test_pub_25_the_same_results_are_there_as_rss(client, settings):
    """For readers that know RSS 2.0 only; kept and answered like the Atom feed."""
    settings.PUBLIC_BASE_URL = "https://results.example"
    result = published(1, title="停水 <b>30</b> 小时 & 未告知")
    published(2, withdrawn_at=timezone.now())
    answer = client.get("/feed.rss")
    assert answer["Content-Type"] == "application/rss+xml; charset=utf-8"
    assert answer["Cache-Control"] == "public, max-age=60"
    root = ElementTree.fromstring(body(answer))
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    channel = root.find("channel")
    assert [bool(channel.findtext(name)) for name in ("title", "link", "description", "lastBuildDate")] == [True] * 4
    assert channel.find(f"{ATOM}link").get("href") == "https://results.example/feed.rss"
    (item,) = channel.findall("item")
    assert item.findtext("title") == result.title
    assert item.findtext("link") == item.findtext("guid") == f"https://results.example{address(result)}"
    assert parsedate_to_datetime(item.findtext("pubDate")) == result.published_at.replace(microsecond=0)
    assert client.get("/feed.rss", headers={"If-None-Match": answer["ETag"]}).status_code == 304
    for other in ("/statements/feed.rss", "/incidents/feed.rss"):
        feed = ElementTree.fromstring(body(client.get(other)))
        assert feed.find("channel").find(f"{ATOM}link").get("href") == f"https://results.example{other}"
    assert 'type="application/rss+xml"' in body(client.get("/"))


def test_sitemap_lists_what_is_served(client, settings):
    settings.PUBLIC_BASE_URL = "https://results.example"
    result = published(1)
    published(2, withdrawn_at=timezone.now())
    root = ElementTree.fromstring(body(client.get("/sitemap.xml")))
    assert [row.text for row in root.iter(f"{SITEMAP}loc")] == [
        "https://results.example/",
        f"https://results.example{address(result)}",
    ]
    assert "Sitemap: https://results.example/sitemap.xml" in body(client.get("/robots.txt"))


def test_ex_01_csv_opens_in_spreadsheets_without_formulas(client):
    published(
        1,
        title='=HYPERLINK("http://x")',
        cause="＝1+1",
        result=" @SUM(A1)",
        responsibility="-5",
        subject='第一行\n"第二行"',
    )
    text = body(client.get("/open-data/results.csv"))
    assert text.startswith("\ufeffnumber,url,title")
    (row,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert list(row) == list(open_data.FIELDS)
    assert (row["title"], row["cause"], row["result"]) == ('\'=HYPERLINK("http://x")', "'＝1+1", "' @SUM(A1)")
    assert (row["responsibility"], row["subject"]) == ("-5", '第一行\n"第二行"')
    assert (row["improvements_total"], row["improvements_done"], row["signed_on"]) == (
        "1",
        "0",
        "2026-11-18 2026-11-19 2026-11-20",
    )


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=1", "'=1"),
        ("+8613800002417", "'+8613800002417"),
        ("-5", "-5"),
        ("-5.25", "-5.25"),
        ("-1+2", "'-1+2"),
        ("@x", "'@x"),
        ("\t=1", "'\t=1"),
        ("\rx", "'\rx"),
        ("\u3000＋1", "'\u3000＋1"),
        ("－x", "'－x"),
        ("＠x", "'＠x"),
        ("停水 = 30", "停水 = 30"),
        ("", ""),
        (3, 3),
    ],
)
def test_ex_01_cells(cell, safe):
    assert table_files.safe_cell(cell) == safe


def test_open_data_json_describes_its_fields(client):
    result = published(1)
    published(2, title="第二件", published_at=days_ago(2))
    data = json.loads(body(client.get("/open-data/results.json")))
    assert [row["title"] for row in data["results"]] == [TEXTS["title"], "第二件"]
    first = data["results"][0]
    assert set(first) == set(data["fields"])
    assert set(first["improvements"][0]) == set(data["fields"]["improvements"])
    assert (first["number"], first["content_hash"]) == ("GS-202611-0001", result.content_hash)
    assert first["url"].endswith(address(result))


def test_pub_25_39_the_first_page_leads_to_the_schema_and_a_result_to_the_volunteers(client):
    result = published(1)
    for page, target in (("/", "/open-data/schema.json"), (address(result), "/volunteers/")):
        assert f'href="{target}"' in body(client.get(page))
        assert client.get(target).status_code == 200
    assert 'href="/volunteers/?lang=en"' in body(client.get(f"{address(result)}?lang=en"))


def test_open_data_json_is_json_when_nothing_is_published(client):
    assert json.loads(body(client.get("/open-data/results.json")))["results"] == []


def test_api_lists_with_the_same_filters_and_pages(client):
    for number in range(1, 23):
        published(
            number,
            title=f"第{number}件",
            published_at=days_ago(number),
            category_code="desk" if number == 22 else "water",
        )
    first = client.get("/api/v1/results/?category=water").json()
    assert (first["count"], len(first["results"])) == (21, 20)
    second = client.get(first["next"].removeprefix("http://127.0.0.1:8000")).json()
    assert ([row["title"] for row in second["results"]], second["next"]) == (["第21件"], None)
    assert client.get("/api/v1/results/?format=csv").status_code == 404


def test_pr_07_public_ids_are_random_and_say_nothing_about_the_case(client):
    results = [published(number) for number in range(1, 30)]
    ids = [result.public_id for result in results]
    assert len(set(ids)) == 29
    assert ids != sorted(ids)
    assert all(re.fullmatch("[0-9a-f]{16}", public_id) for public_id in ids)
    assert {"pk", "id", "complaint"}.isdisjoint(client.get("/open-data/results.csv") and open_data.FIELDS)


# --- In a browser ---------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("query", ["", "?lang=en", "?text=large"])
@pytest.mark.parametrize("width", [390, 1440])
def test_pages_are_accessible_and_fit(live_server, page, width, query):
    """WCAG 2.2 AA by axe, no sideways scrolling, no script error, no cookie (SPG-04)."""
    from axe_playwright_python.sync_playwright import Axe

    result = published(
        1,
        improvements=[
            IMPROVEMENT,
            IMPROVEMENT | {"state": "done", "done_on": "2026-10-20"},
            IMPROVEMENT | {"due_on": "2026-01-05"},
        ],
    )
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.set_viewport_size({"width": width, "height": 900})
    for path in ("/", address(result), "/results/0000000000000000/"):
        page.goto(f"{live_server.url}{path}{query}")
        found = Axe().run(page).response["violations"]
        assert [(row["id"], row["nodes"][0]["html"]) for row in found] == []
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert [text for text in problems if "404" not in text] == []
    assert page.context.cookies() == []


@pytest.mark.django_db(transaction=True)
def test_filters_work_without_scripts_on_a_small_screen(live_server, browser):
    published(1, title="甲")
    published(2, title="乙", category="窗口办事", category_code="desk", published_at=days_ago(2))
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(live_server.url)
    page.locator("details.filters > summary").click()
    page.locator('input[name="category"][value="desk"]').check()
    page.locator("details.filters form button[type=submit]").click()
    assert page.url == f"{live_server.url}/?category=desk&month="
    assert page.locator("article.result h3").all_inner_texts() == ["乙"]
    context.close()


def test_pub_40_english_pages_name_departments_in_english_where_they_have_such_a_name(client, cast):
    """Otherwise the Chinese name stands and says that it is Chinese; a new name makes a kept page old."""
    result = published()
    here = f"{address(result)}?lang=en"
    kept = client.get("/?lang=en")
    assert '<span lang="zh-Hans">供水集团</span>' in body(kept)
    assert '<span lang="zh-Hans">供水集团</span> <span lang="zh-Hans">管网运行部' in body(client.get(here))
    departments.name_in_english({Department.objects.get(name="供水集团").pk: "Water Group"}, by=cast.coordinator)
    caches["local"].clear()
    listed = client.get("/?lang=en", headers={"If-None-Match": kept["ETag"]})
    assert listed.status_code == 200
    assert "Water Group" in body(listed)
    assert "供水集团" not in body(client.get(here)).split("elem-no")[-1]
    assert "Water Group" in body(client.get(f"{address(result)}poster/?size=a3&lang=en"))
    assert "Water Group" not in body(client.get("/"))
    assert "Water Group" in body(client.get("/?lang=en&department=water"))

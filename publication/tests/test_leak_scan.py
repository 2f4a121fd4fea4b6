"""The last look before posting: every byte that would go out is searched (PUB-19, PR-04, PR-05, PR-09)."""

from __future__ import annotations

import logging
import zlib
from io import BytesIO

import pytest
from PIL import Image

from accounts.errors import InvalidInput
from publication import leak_scan, transitions
from publication.models import Publication, PublishedFile, PublishedResult
from publication.redaction import Known
from publication.tests.factories import approved, days_ago, draft, published

NAME, PHONE = "张桂芳", "13800004719"
KNOWN = Known(
    names=[NAME], phones=[PHONE], ids=[], emails=[], addresses=["柳桥三村5幢201室"], plates=[], accounts=[], wechat=[]
)


def jpeg(**extra) -> bytes:
    out = BytesIO()
    Image.new("RGB", (60, 40), (200, 30, 30)).save(out, "JPEG", **extra)
    return out.getvalue()


def exif(text: str) -> Image.Exif:
    made = Image.Exif()
    made[0x9C9C] = text.encode("utf-16-le")  # the comment that Windows writes
    return made


def pdf(**extra) -> bytes:
    out = BytesIO()
    Image.new("RGB", (60, 40)).save(out, "PDF", **extra)
    return out.getvalue()


HIDING = {
    "EXIF": jpeg(exif=exif(NAME)),
    "comment": jpeg(comment=NAME.encode()),
    "XMP": jpeg(xmp=f"<x>{NAME}</x>".encode()),
    "behind the end": jpeg() + NAME.encode(),
    "author of a PDF": pdf(author=NAME),
    "stream of a PDF": pdf() + b"9 0 obj<< >>stream\n" + zlib.compress(f"<x>{NAME}</x>".encode()) + b"\nendstream",
}


@pytest.mark.parametrize("place", HIDING)
def test_pub_19_text_hidden_in_a_copy_is_found(place):
    """PR-05: EXIF, comments, XMP, what follows the end of a picture, data and streams of a PDF."""
    assert NAME in "".join(leak_scan.texts_of(HIDING[place]))


def test_clean_copies_say_nothing():
    for content in (jpeg(), pdf(creationDate=None, modDate=None)):
        assert not leak_scan.leaks("\n".join(leak_scan.texts_of(content)), KNOWN)


@pytest.mark.parametrize(
    "hidden",
    [
        f'<p title="{NAME}">',
        f"<!-- {NAME} -->",
        "<p>&#24352;&#26690;&#33459;</p>",
        "<a href='/?q=%E5%BC%A0%E6%A1%82%E8%8A%B3'>x</a>",
        '{"a": "\\u5f20\\u6842\\u82b3"}',
        "<b>张</b><b>桂</b><b>芳</b>",
        "<p>１３８ 0000 4719</p>",
        "<p>138<i>0000</i>4719</p>",
    ],
)
def test_pr_09_every_spelling_and_every_place_in_a_page_is_read(hidden):
    assert leak_scan.leaks(leak_scan.reading(hidden.encode()), KNOWN)


@pytest.mark.django_db
def test_a_clean_result_passes_whatever_the_page_says_about_the_office():
    assert leak_scan.scan(published(), KNOWN, at=days_ago(0)) == []


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["title", "summary", "cause", "improvement"])
def test_pub_19_a_name_in_any_text_is_found_in_what_is_posted(field):
    result = published(**{field: f"居民{NAME}反映停水。"})
    places = {hit.place for hit in leak_scan.scan(result, KNOWN, at=days_ago(0))}
    assert {"JSON", "CSV"} <= places
    assert {"page zh-hans", "page en"} <= places


@pytest.mark.django_db
def test_the_number_of_the_case_is_found():
    result = published(cause="案件 HY-20261116-0001 停水。")
    hits = leak_scan.scan(result, KNOWN, never=["HY-20261116-0001"], at=days_ago(0))
    assert {hit.kind for hit in hits} == {"case"}


@pytest.mark.django_db
def test_pub_19_a_hit_stops_the_posting_names_the_place_and_leaves_nothing(cast, caplog, monkeypatch):
    """A renderer of another channel that lets a name through keeps the result off every channel."""
    publication = approved(draft(cast), cast)
    name = publication.complaint.complainant.name

    def careless(result, at):
        yield "wechat", f"<section>{name}</section>".encode() if result.title else b""

    monkeypatch.setattr(leak_scan, "SURFACES", [*leak_scan.SURFACES, careless])
    with caplog.at_level(logging.ERROR), pytest.raises(InvalidInput) as refused:
        transitions.publish(publication.pk, by=cast.publisher2)
    assert "wechat" in str(refused.value)
    assert name not in str(refused.value)
    assert name not in caplog.text
    [record] = [record for record in caplog.records if record.name == "huiyin.publication"]
    assert (record.places, record.kinds) == (["wechat"], ["person"])
    assert not PublishedResult.objects.exists()
    assert not PublishedFile.objects.exists()
    assert Publication.objects.get().status == "approved"
    monkeypatch.undo()
    assert transitions.publish(publication.pk, by=cast.publisher2).title


def test_several_dates_of_a_page_are_not_read_as_one_number():
    """Dates in attributes follow each other in the reading; together they have the digits of an identity number."""
    dates = b"".join(b'<time datetime="%s"></time>' % day for day in (b"5", b"2026-12-01", b"2026-12"))
    assert not leak_scan.leaks(leak_scan.reading(b"<p>" + dates), Known())
    assert leak_scan.leaks(leak_scan.reading(dates + b'<b title="138 0000 2417">'), Known())


def test_digits_in_a_random_address_are_no_telephone_number(monkeypatch):
    """Found by chance once in three hundred addresses; the same digits anywhere else still stop the posting."""
    result = PublishedResult(publication_number="GS-202611-0001", improvements=[])

    def page(href: str):
        def surface(of, at):
            yield "page", f'<a href="{href}"></a>'.encode() if of is result else b""

        return [surface]

    for href, kinds in (
        ("/results/0034991023a837cf/files/90bc17559837396a", []),
        ("/elsewhere/17559837396", ["phone"]),
    ):
        monkeypatch.setattr(leak_scan, "SURFACES", page(href))
        assert [hit.kind for hit in leak_scan.scan(result, Known(), at=days_ago(0))] == kinds

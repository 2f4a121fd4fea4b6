"""Attachments of a publication: chosen, blacked out, copied, looked at by a second person, posted (PUB-19, PUB-21)."""

from __future__ import annotations

import zlib
from io import BytesIO
from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from PIL import Image, PngImagePlugin
from pypdf import PdfReader, PdfWriter

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from complaints import files
from complaints import transitions as case_transitions
from complaints.models import Attachment, CaseEvent, Complaint, ScanState, StoredFile
from complaints.states import EvidenceKind
from complaints.tests.factories import Story, at
from complaints.tests.test_uploads_measured import pages
from publication import attachments, content, rendering, transitions
from publication.models import Publication, PublicationFile, PublishedFile, PublishedResult, SignOff
from publication.states import PublicationStatus, RenderState
from publication.tests.factories import closed_story, draft

pytestmark = pytest.mark.django_db
WHEN = at("2026-11-17 09:00")
WORDS = {"title": "物流节点记录", "description": "抢修车辆到达时间的照片"}
TOP = {"x": 0.1, "y": 0.1, "width": 0.4, "height": 0.3}
PHONE = "13800004719"


def pdf(*lines: str, info: str = "", pages: int = 1) -> bytes:
    """A PDF with a text layer and something said about itself, written by hand."""
    text = "BT /F1 18 Tf 72 720 Td " + " ".join(f"({line}) Tj 0 -30 Td" for line in lines) + " ET"
    kids = " ".join(f"{6 + number} 0 R" for number in range(pages))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>",
        f"<< /Title ({info}) /Author ({info}) >>",
        f"<< /Length {len(text)} >>\nstream\n{text}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
    objects += [f"{page} /Resources << /Font << /F1 5 0 R >> >> >>"] * pages
    made, places = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(made))
        made += f"{number} 0 obj\n{each}\nendobj\n".encode()
    table = b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    end = f"trailer << /Size {len(objects) + 1} /Root 1 0 R /Info 3 0 R >>\nstartxref\n{len(made)}\n%%EOF\n"
    return made + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode() + table + end.encode()


def without_font(text: str, *, encoding: str = "UniGB-UCS2-H", ordering: str = "GB1") -> bytes:
    """A PDF that names STSong-Light and does not bring it, as offices of the country make them."""
    shown = f"BT /F1 24 Tf 72 720 Td <{text.encode('utf-16-be').hex()}> Tj ET"
    font, used = "/Type /Font /BaseFont /STSong-Light", "/Resources << /Font << /F1 5 0 R >> >>"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R " + used + " >>",
        f"<< /Length {len(shown)} >>\nstream\n{shown}\nendstream",
        f"<< {font} /Subtype /Type0 /Encoding /{encoding} /DescendantFonts [6 0 R] >>",
        f"<< {font} /Subtype /CIDFontType0 /DW 1000 /FontDescriptor 7 0 R "
        f"/CIDSystemInfo << /Registry (Adobe) /Ordering ({ordering}) /Supplement 4 >> >>",
        "<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox [-25 -254 1000 880] /ItalicAngle 0 "
        "/Ascent 880 /Descent -120 /CapHeight 880 /StemV 93 >>",
    ]
    body = "".join(f"{number} 0 obj\n{each}\nendobj\n" for number, each in enumerate(objects, 1))
    return f"%PDF-1.4\n{body}trailer << /Root 1 0 R /Size 8 >>\n%%EOF\n".encode()


def with_picture(side: int) -> bytes:
    """A PDF of one picture that says it has `side` points each way."""
    data = zlib.compress(b"\0" * 9000)
    content = b"q 500 0 0 500 0 0 cm /I Do Q"
    size = b"/Width %d /Height %d /ColorSpace /DeviceRGB /BitsPerComponent 8" % (side, side)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /XObject << /I 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /XObject /Subtype /Image %s /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream"
        % (size, len(data), data),
    ]
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % each for each in enumerate(objects, 1))
    return b"%PDF-1.4\n" + body + b"trailer << /Root 1 0 R /Size 6 >>\n%%EOF\n"


def photo(colour: tuple[int, int, int] = (200, 30, 30)) -> bytes:
    """A picture that says who took it."""
    exif = Image.Exif()
    exif[0x013B] = "张桂芳"
    out = BytesIO()
    Image.new("RGB", (400, 300), colour).save(out, "JPEG", exif=exif, comment=PHONE.encode())
    return out.getvalue()


def attach(story: Story, original: bytes, name: str = "photo.jpg", **changes) -> Attachment:
    stored = files.store(SimpleUploadedFile(name, original), at=WHEN, kind=changes.pop("kind", ""))
    row = case_transitions.add_attachment(
        story.pk, by=None, file=stored, name=name, evidence_kind=EvidenceKind.COMPLAINANT, at=WHEN
    )
    Attachment.objects.filter(pk=row.pk).update(**changes)
    return row


@pytest.fixture
def story(cast) -> Story:
    return closed_story(cast)


@pytest.fixture
def publication(cast, story) -> Publication:
    return draft(cast, story)


def choose(publication: Publication, cast: SimpleNamespace, source: Attachment, **words) -> PublicationFile:
    """Chosen by the publisher, with its copy made."""
    row = attachments.add(publication.pk, by=cast.publisher, source_id=source.pk, **WORDS | words)
    attachments.render(row.pk)
    return PublicationFile.objects.get(pk=row.pk)


def seen(row: PublicationFile, by) -> PublicationFile:
    return transitions.see_file(row.publication_id, by=by, file_id=row.pk, sha256=row.rendered_id)


def to_masking(publication: Publication, cast: SimpleNamespace) -> None:
    transitions.submit(publication.pk, by=cast.publisher)
    transitions.first_check(publication.pk, by=cast.publication_checker)
    transitions.second_check(publication.pk, by=cast.publication_checker2)


def posted(publication: Publication, cast: SimpleNamespace, *rows: PublicationFile) -> PublishedResult:
    to_masking(publication, cast)
    for row in rows:
        seen(row, cast.counsel)
    transitions.pass_masking(publication.pk, by=cast.counsel)
    return transitions.publish(publication.pk, by=cast.publisher2)


def bytes_of(row: PublicationFile) -> bytes:
    assert row.rendered is not None
    with files.open_file(row.rendered) as opened:
        return opened.read()


def page(client: Client, user, name: str, *args):
    client.force_login(user)
    return client.get(reverse(f"publication:{name}", args=args))


# --- Copies ---------------------------------------------------------------------------------------
HIDDEN = "ZXHIDDENWORD"


def with_place() -> bytes:
    """A photograph that knows where it was taken, with a profile, a comment and something behind its end."""
    exif = Image.Exif()
    exif[0x010E] = HIDDEN
    place = exif.get_ifd(0x8825)
    place[1], place[2], place[3], place[4] = "N", (31.0, 14.0, 5.0), "E", (121.0, 28.0, 3.0)
    place[29] = HIDDEN
    out = BytesIO()
    picture = Image.new("RGB", (400, 300), (9, 90, 180))
    picture.save(out, "JPEG", exif=exif, comment=HIDDEN.encode(), icc_profile=HIDDEN.encode() * 20)
    return out.getvalue() + HIDDEN.encode()


def with_words() -> bytes:
    """A see-through PNG with text chunks, one of them packed."""
    told = PngImagePlugin.PngInfo()
    told.add_text("Author", HIDDEN)
    told.add_text("Comment", HIDDEN, zip=True)
    told.add_itxt("XML:com.adobe.xmp", f"<x>{HIDDEN}</x>")
    out = BytesIO()
    Image.new("RGBA", (300, 300), (9, 90, 180, 90)).save(out, "PNG", pnginfo=told)
    return out.getvalue() + HIDDEN.encode()


def with_attachment(*, is_locked: bool = False) -> bytes:
    """A PDF with a file inside it, words about itself and a text layer; locked against changes only when asked."""
    writer = PdfWriter()
    writer.append(BytesIO(pdf(HIDDEN)))
    writer.add_attachment(f"{HIDDEN}.txt", HIDDEN.encode())
    writer.add_metadata({"/Author": HIDDEN})
    if is_locked:
        writer.encrypt("", "owner")
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "original"),
    [
        ("a.jpg", with_place),
        ("a.png", with_words),
        ("a.pdf", with_attachment),
        ("b.pdf", lambda: with_attachment(is_locked=True)),
    ],
)
def test_pr_05_nothing_of_the_original_but_its_pixels_is_published(publication, cast, story, name, original):
    row = choose(publication, cast, attach(story, original(), name))
    assert (row.state, row.problem) == (RenderState.READY, "")
    copy = bytes_of(row)
    assert HIDDEN.encode() not in copy
    if copy.startswith(b"%PDF"):
        reader = PdfReader(BytesIO(copy))
        assert [each.extract_text() for each in reader.pages] == [""]
        assert not reader.metadata
        assert not reader.attachments
        assert all("/Annots" not in each for each in reader.pages)
    else:
        picture = Image.open(BytesIO(copy))
        assert not picture.getexif()
        assert not {"icc_profile", "comment", "exif", "xmp"} & set(picture.info)
        assert copy.endswith(b"\xff\xd9")


def test_pub_21_a_photo_becomes_pixels_with_the_box_burned_in(publication, cast, story):
    row = choose(publication, cast, attach(story, photo()))
    assert (row.state, row.pages) == (RenderState.READY, 1)
    plain = bytes_of(row)
    assert "张桂芳".encode() not in plain
    assert PHONE.encode() not in plain
    attachments.draw(publication.pk, by=cast.publisher, file_id=row.pk, page=1, boxes=[TOP])
    attachments.render(row.pk)
    picture = Image.open(BytesIO(bytes_of(PublicationFile.objects.get())))
    assert max(picture.getpixel((picture.width // 4, picture.height // 4))) < 30
    assert picture.getpixel((picture.width * 3 // 4, picture.height * 3 // 4))[0] > 150
    assert not picture.getexif()


def test_pr_05_a_pdf_becomes_pages_without_text_and_without_words_about_itself(publication, cast, story):
    original = pdf(f"Call {PHONE}", "second line", info="ZXCANARY", pages=2)
    row = choose(publication, cast, attach(story, original, "记录.pdf"))
    copy = bytes_of(row)
    assert (row.state, row.pages, copy[:5]) == (RenderState.READY, 2, b"%PDF-")
    assert "".join(rendering.told_by(copy)) == ""
    assert "ZXCANARY" in "".join(rendering.told_by(original))
    assert PHONE in "".join(rendering.told_by(original))
    assert b"ZXCANARY" not in copy
    attachments.draw(publication.pk, by=cast.publisher, file_id=row.pk, page=2, boxes=[TOP])
    attachments.render(row.pk)
    changed = PublicationFile.objects.get()
    assert changed.rendered is not None
    first, second = (Image.open(BytesIO(rendering.page(changed.rendered, number))) for number in (1, 2))
    spot = (first.width // 4, first.height // 3)
    assert (min(first.getpixel(spot)) > 200, max(second.getpixel(spot)) < 30) == (True, True)


def test_pub_21_chinese_whose_font_the_pdf_does_not_bring_stays_readable_and_its_box_covers_it(
    client, publication, cast, story
):
    """A gap where words stood would look like a redaction; a box without height would cover nothing."""
    row = choose(publication, cast, attach(story, without_font("处罚决定书 张桂芳"), "决定书.pdf"))
    assert row.rendered is not None
    picture = Image.open(BytesIO(rendering.page(row.rendered, 1))).convert("L")
    name = [each for each in rendering.words(row.source.file, 1) if each.character in "张桂芳"]
    assert len(name) == 3
    for each in name:
        left, top = each.x * picture.width, each.y * picture.height
        place = (left, top, left + each.width * picture.width, top + each.height * picture.height)
        ink = picture.crop(tuple(map(round, place))).getextrema()
        assert ink[0] < 80
        assert ink[1] > 200
    html = page(client, cast.publisher, "file", publication.number, row.pk).content.decode()
    left, top, width, height = map(float, html.split('name="take" value="', 1)[1].split('"', 1)[0].split(","))
    assert height > 2  # percent of the page: a line of 24 points
    box = {"x": left / 100, "y": top / 100, "width": width / 100, "height": height / 100}
    attachments.draw(publication.pk, by=cast.publisher, file_id=row.pk, page=1, boxes=[box])
    attachments.render(row.pk)
    copy = PublicationFile.objects.get().rendered
    assert copy is not None
    black = Image.open(BytesIO(rendering.page(copy, 1))).convert("L")
    assert max(black.crop(tuple(map(round, place))).getextrema()) < 40


def test_pub_21_a_flat_character_is_covered_with_the_height_of_its_line(story):
    """A box of nothing but the stroke of 一 would leave what stands above and below it beside a longer name."""
    source = attach(story, without_font("一"), "a.pdf")
    [stroke] = rendering.words(source.file, 1)
    assert stroke.height > 0.02  # of the page: 24 points of 842 are 0.0285


@pytest.mark.parametrize(
    "original",
    [without_font("处\ue000罚"), without_font("ABC", encoding="Identity-H", ordering="Identity")],
    ids=["a character no font has", "glyphs of a font that is not there"],
)
def test_pub_21_words_that_cannot_be_drawn_make_the_document_unpublishable(publication, cast, story, original):
    row = choose(publication, cast, attach(story, original, "a.pdf"))
    assert (row.state, row.problem, row.rendered) == (RenderState.IMPOSSIBLE, rendering.NO_FONT, None)
    with pytest.raises(InvalidInput) as refused:
        transitions.submit(publication.pk, by=cast.publisher)
    assert refused.value.field == "files"


def test_the_same_boxes_give_the_same_bytes(publication, cast, story):
    row = choose(publication, cast, attach(story, pdf("one"), "a.pdf"))
    first = row.rendered_id
    attachments.draw(publication.pk, by=cast.publisher, file_id=row.pk, page=1, boxes=[TOP])
    attachments.render(row.pk)
    assert PublicationFile.objects.get().rendered_id != first
    attachments.draw(publication.pk, by=cast.publisher, file_id=row.pk, page=1, boxes=[])
    attachments.render(row.pk)
    assert PublicationFile.objects.get().rendered_id == first


@pytest.mark.parametrize(
    ("original", "kind", "why"),
    [
        (b"%PDF-1.7\n" + b"1" * 300, "application/pdf", rendering.UNREADABLE),
        (pdf("x", pages=21), "application/pdf", rendering.TOO_LONG),
        (pages(10_000), "application/pdf", rendering.TOO_LONG),
        (b"PK\x03\x04" + b"0" * 60, "application/vnd.openxmlformats-officedocument.wordprocessingml.document", ""),
        (b"\xff\xd8\xff\xe0" + b"0" * 60, "image/jpeg", rendering.UNREADABLE),
    ],
)
def test_pub_21_what_cannot_be_rendered_cannot_be_published(publication, cast, story, original, kind, why):
    """FL-04: ten thousand pages are counted by the confined program and not painted."""
    row = choose(publication, cast, attach(story, original, "附件", kind=kind))
    assert (row.state, row.problem) == (RenderState.IMPOSSIBLE, why or rendering.NOT_A_KIND)
    with pytest.raises(InvalidInput) as refused:
        transitions.submit(publication.pk, by=cast.publisher)
    assert refused.value.field == "files"
    attachments.remove(publication.pk, by=cast.publisher, file_id=row.pk)
    transitions.submit(publication.pk, by=cast.publisher)


@pytest.mark.parametrize("limits", [{"MEGABYTES": 20}, {"SECONDS": 0}, {}])
def test_fl_10_a_bomb_is_stopped_by_its_limits(publication, cast, story, monkeypatch, limits):
    """A document that asks for too much memory, time or points cannot be published; it is no fault of the program."""
    for name, limit in limits.items():
        monkeypatch.setattr(rendering, name, limit)
    original = pdf("x") if limits else with_picture(40_000)
    row = choose(publication, cast, attach(story, original, "a.pdf"))
    assert (row.state, row.problem) == (RenderState.IMPOSSIBLE, rendering.UNREADABLE)


def test_a_copy_made_with_old_boxes_is_not_kept(publication, cast, story, monkeypatch):
    row = choose(publication, cast, attach(story, photo()))
    attachments.draw(publication.pk, by=cast.publisher, file_id=row.pk, page=1, boxes=[TOP])
    make = rendering.copy

    def slowly(stored, boxes):
        made = make(stored, boxes)
        PublicationFile.objects.update(boxes=[])
        return made

    monkeypatch.setattr(rendering, "copy", slowly)
    assert attachments.render(row.pk) is False
    assert PublicationFile.objects.get().state == RenderState.WAITING
    monkeypatch.undo()
    Publication.objects.update(updated_at=WHEN)
    assert attachments.render_waiting() == {"rendered": 1}
    assert attachments.render_waiting() == {"rendered": 0}


# --- Choosing -------------------------------------------------------------------------------------
def test_fl_09_only_a_clean_file_can_be_chosen(publication, cast, story, settings):
    settings.SCANNER = "clamd://127.0.0.1:1"
    row = attach(story, photo())
    for state in (ScanState.WAITING, ScanState.INFECTED, ScanState.TOO_LARGE, ScanState.UNCHECKED):
        StoredFile.objects.filter(pk=row.file_id).update(scan_state=state)
        with pytest.raises(InvalidInput) as refused:
            attachments.add(publication.pk, by=cast.publisher, source_id=row.pk, **WORDS)
        assert refused.value.field == "source"
    StoredFile.objects.filter(pk=row.file_id).update(scan_state=ScanState.CLEAN)
    attachments.add(publication.pk, by=cast.publisher, source_id=row.pk, **WORDS)


def test_az_07_a_confidential_original_is_never_chosen(client, publication, cast, story):
    original = attach(story, photo(), "zhang.jpg")
    Complaint.objects.update(is_confidential=True)
    assert "zhang.jpg" not in page(client, cast.publisher, "files", publication.number).content.decode()
    with pytest.raises(InvalidInput):
        attachments.add(publication.pk, by=cast.publisher, source_id=original.pk, **WORDS)
    copy = attach(story, photo((1, 2, 3)), "copy-1.jpg", copy_of=original)
    attachments.add(publication.pk, by=cast.publisher, source_id=copy.pk, **WORDS)


def test_files_of_another_case_and_files_chosen_twice_are_refused(publication, cast, story):
    foreign = attach(Story(cast), photo())
    own = attach(story, photo())
    with pytest.raises(InvalidInput):
        attachments.add(publication.pk, by=cast.publisher, source_id=foreign.pk, **WORDS)
    attachments.add(publication.pk, by=cast.publisher, source_id=own.pk, **WORDS)
    with pytest.raises(InvalidInput):
        attachments.add(publication.pk, by=cast.publisher, source_id=own.pk, **WORDS)
    assert PublicationFile.objects.count() == 1


def test_pub_19_title_and_description_are_masked(publication, cast, story):
    name = publication.complaint.complainant.name
    row = choose(publication, cast, attach(story, photo()), title=f"{name}家的照片", description=f"电话 {PHONE}")
    assert name not in row.title
    assert PHONE not in row.description
    with pytest.raises(InvalidInput) as refused:
        attachments.describe(publication.pk, by=cast.publisher, file_id=row.pk, title=" ", description="x")
    assert refused.value.field == "title"


# --- Signatures -----------------------------------------------------------------------------------
def test_pr_02_any_change_of_a_file_voids_the_signatures(publication, cast, story):
    row = choose(publication, cast, attach(story, photo()))
    second = attach(story, photo((9, 9, 9)), "b.jpg")
    changes = (
        lambda: attachments.draw(publication.pk, by=cast.publisher, file_id=row.pk, page=1, boxes=[TOP]),
        lambda: attachments.describe(publication.pk, by=cast.publisher, file_id=row.pk, title="别", description="样"),
        lambda: attachments.add(publication.pk, by=cast.publisher, source_id=second.pk, **WORDS),
        lambda: attachments.remove(publication.pk, by=cast.publisher, file_id=row.pk),
    )
    hashes = {content.content_hash(publication)}
    for change in changes:
        transitions.submit(publication.pk, by=cast.publisher)
        transitions.first_check(publication.pk, by=cast.publication_checker)
        change()
        for waiting in PublicationFile.objects.filter(state=RenderState.WAITING):
            attachments.render(waiting.pk)
        publication = Publication.objects.get(pk=publication.pk)
        assert (publication.status, publication.first_checker, publication.signed_hash) == ("draft", None, "")
        hashes.add(content.content_hash(publication))
    assert len(hashes) == 5


def test_pub_21_masking_is_signed_only_after_a_second_person_looked(publication, cast, story):
    row = choose(publication, cast, attach(story, photo()))
    to_masking(publication, cast)
    with pytest.raises(InvalidInput) as refused:
        transitions.pass_masking(publication.pk, by=cast.counsel)
    assert refused.value.field == "files"
    for author in (cast.publisher, cast.water_handler):
        with pytest.raises(NotAllowed):
            seen(row, author)
    with pytest.raises(StaleVersion):
        transitions.see_file(publication.pk, by=cast.publication_checker, file_id=row.pk, sha256="0" * 64)
    with pytest.raises(IntegrityError), transaction.atomic():
        PublicationFile.objects.update(looked_at_by=cast.publisher)
    seen(row, cast.publication_checker)
    transitions.pass_masking(publication.pk, by=cast.counsel)
    assert CaseEvent.objects.filter(kind="publication_file_seen", audience="office").count() == 1


def test_whoever_drew_boxes_does_not_look(publication, cast, story):
    row = choose(publication, cast, attach(story, photo()))
    attachments.draw(publication.pk, by=cast.publisher2, file_id=row.pk, page=1, boxes=[TOP])
    attachments.render(row.pk)
    row.refresh_from_db()
    transitions.submit(publication.pk, by=cast.publisher)
    with pytest.raises(NotAllowed):
        seen(row, cast.publisher2)


# --- What the public gets -------------------------------------------------------------------------
def test_pub_21_the_public_loads_the_copy_and_never_the_original(client, publication, cast, story):
    row = choose(publication, cast, attach(story, photo(), "张桂芳.jpg"))
    result = posted(publication, cast, row)
    shown = PublishedFile.objects.get()
    address = f"/results/{result.public_id}/files/{shown.public_id}"
    html = Client().get(f"/results/{result.public_id}/").content.decode()
    assert f'src="{address}" alt="{WORDS["description"]}"' in html
    answer = Client().get(address)
    assert b"".join(answer.streaming_content) == bytes_of(row)
    assert answer["Content-Type"] == "image/jpeg"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert answer["Cache-Control"] == "public, max-age=60"
    assert answer["Content-Disposition"] == f'inline; filename="{publication.number}-1.jpg"'
    assert not answer.cookies
    assert Client().get(address, headers={"If-None-Match": answer["ETag"]}).status_code == 304
    original = row.source.file.sha256
    for path in (
        f"/results/{result.public_id}/files/{original}",
        f"/results/{result.public_id}/files/{original[:16]}",
        f"/results/{'0' * 16}/files/{shown.public_id}",
        f"/files/{original}",
    ):
        assert Client().get(path).status_code == 404
    transitions.take_down(publication.pk, by=cast.manager, reason="泄露")
    assert Client().get(address).status_code == 410
    assert Client().get(address, headers={"If-None-Match": answer["ETag"]}).status_code == 410


def test_pub_19_a_copy_that_cannot_be_searched_is_not_posted(publication, cast, story, monkeypatch):
    row = choose(publication, cast, attach(story, pdf("one"), "a.pdf"))
    monkeypatch.setattr(rendering, "MEGABYTES", 20)
    with pytest.raises(InvalidInput) as refused:
        posted(publication, cast, row)
    assert refused.value.field == "files"
    assert not PublishedResult.objects.exists()


def test_a_pdf_is_offered_under_a_neutral_name(publication, cast, story):
    row = choose(publication, cast, attach(story, pdf("one", pages=3), "张桂芳的水样.pdf"))
    result = posted(publication, cast, row)
    html = Client().get(f"/results/{result.public_id}/?lang=en").content.decode()
    assert "3 pages" in html
    answer = Client().get(f"/results/{result.public_id}/files/{PublishedFile.objects.get().public_id}")
    assert answer["Content-Disposition"] == f'attachment; filename="{publication.number}-1.pdf"'
    answer.close()


def test_the_page_of_a_result_with_files_reads_public_tables_only(publication, cast, story, django_assert_num_queries):
    row = choose(publication, cast, attach(story, photo()))
    result = posted(publication, cast, row)
    file_id = PublishedFile.objects.get().public_id
    with django_assert_num_queries(1) as seen_queries:
        Client().get(f"/results/{result.public_id}/files/{file_id}").close()
    assert "publication_publicationfile" not in str(seen_queries.captured_queries)
    assert "complaints_" not in str(seen_queries.captured_queries)


# --- The desk -------------------------------------------------------------------------------------
def test_files_are_chosen_blacked_out_by_numbers_and_confirmed_on_pages(client, publication, cast, story):
    """PUB-21 without a script: numbers in a table draw the box."""
    source = attach(story, photo(), "现场.jpg")
    client.force_login(cast.publisher)
    here = reverse("publication:files", args=[publication.number])
    assert "现场.jpg" in client.get(here).content.decode()
    version = Publication.objects.get().version
    bad = client.post(here, {"version": version, "source": source.pk, "title": "", "description": "x"})
    assert bad.status_code == 422
    added = client.post(here, {"version": version, "source": source.pk} | WORDS)
    row = PublicationFile.objects.get()
    assert added["Location"] == reverse("publication:file", args=[publication.number, row.pk])
    stale = client.post(
        reverse("publication:file_words", args=[publication.number, row.pk]), {"version": version} | WORDS
    )
    assert stale.status_code == 409
    attachments.render(row.pk)
    assert client.get(reverse("publication:file_original", args=[publication.number, row.pk, 1])).status_code == 200
    assert client.get(reverse("publication:file_original", args=[publication.number, row.pk, 2])).status_code == 404
    numbers = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "0", "page": "1"}
    numbers |= {"form-0-x": "10", "form-0-y": "10", "form-0-width": "40", "form-0-height": ""}
    boxes = reverse("publication:file_boxes", args=[publication.number, row.pk])
    version = Publication.objects.get().version
    half = client.post(boxes, numbers | {"version": version})
    assert half.status_code == 422
    drawn = client.post(boxes, numbers | {"version": version, "form-0-height": "30"})
    assert drawn.status_code == 302
    row.refresh_from_db()
    assert row.boxes == [{"page": 1, **TOP}]
    attachments.render(row.pk)
    to_masking(publication, cast)
    look = reverse("publication:file_look", args=[publication.number, row.pk])
    row.refresh_from_db()
    refused = client.post(look, {"sha256": row.rendered_id, "seen": "on"})
    assert refused.status_code == 403
    client.force_login(cast.counsel)
    shown = client.get(reverse("publication:action", args=[publication.number, "pass_masking"])).content.decode()
    assert reverse("publication:file_copy", args=[publication.number, row.pk, 1]) in shown
    assert client.get(reverse("publication:file_copy", args=[publication.number, row.pk, 1])).status_code == 200
    assert client.get(reverse("publication:file", args=[publication.number, row.pk])).status_code == 403
    assert client.get(reverse("publication:file_original", args=[publication.number, row.pk, 1])).status_code == 403
    sign = reverse("publication:action", args=[publication.number, "pass_masking"])
    now = Publication.objects.get()
    early = client.post(sign, {"version": now.version, "content_hash": content.content_hash(now)})
    assert early.status_code == 422
    assert f"「{WORDS['title']}」" in early.content.decode()
    assert client.post(look, {"sha256": row.rendered_id}).status_code == 422
    assert client.post(look, {"sha256": "0" * 64, "seen": "on"}).status_code == 409
    assert client.post(look, {"sha256": row.rendered_id, "seen": "on"}).status_code == 302
    row.refresh_from_db()
    assert row.looked_at_by == cast.counsel


def test_pub_21_boxes_are_proposed_where_the_text_of_a_pdf_names_somebody(client, publication, cast, story):
    row = choose(publication, cast, attach(story, pdf(f"Call {PHONE} now"), "a.pdf"))
    html = page(client, cast.publisher, "file", publication.number, row.pk).content.decode()
    proposal = html.split('name="take" value="', 1)[1].split('"', 1)[0]
    left, top, width, height = (float(number) / 100 for number in proposal.split(","))
    version = Publication.objects.get().version
    sent = {"version": version, "page": "1", "form-TOTAL_FORMS": "0", "form-INITIAL_FORMS": "0", "take": proposal}
    client.post(reverse("publication:file_boxes", args=[publication.number, row.pk]), sent)
    attachments.render(row.pk)
    row = PublicationFile.objects.get()
    assert row.rendered is not None
    picture = Image.open(BytesIO(rendering.page(row.rendered, 1)))
    middle = (int((left + width / 2) * picture.width), int((top + height / 2) * picture.height))
    assert max(picture.getpixel(middle)) < 40
    assert 'name="take"' not in page(client, cast.publisher, "file", publication.number, row.pk).content.decode()


@pytest.mark.parametrize(
    ("words", "blocks"),
    [
        (f"Call {PHONE} now", True),
        ("Card 6222021234567890128", True),
        ("zhang@example.cn", True),
        ("Office 0571-85120000", False),
        ("Nothing to hide", False),
    ],
)
def test_pub_19_a_document_whose_text_shows_somebody_is_not_submitted(publication, cast, story, words, blocks):
    """The text is gone from the copy, so its scan finds nothing: the places no box covers are looked for before."""
    row = choose(publication, cast, attach(story, pdf("first page", words), "a.pdf"))
    assert (row.state, bool(row.problem)) == (RenderState.READY, blocks)
    if blocks:
        with pytest.raises(InvalidInput) as refused:
            transitions.submit(publication.pk, by=cast.publisher)
        assert refused.value.field == "files"
        whole = {"x": 0.0, "y": 0.0, "width": 1.0, "height": 1.0}
        attachments.draw(publication.pk, by=cast.publisher, file_id=row.pk, page=1, boxes=[whole])
        attachments.render(row.pk)
    assert transitions.submit(publication.pk, by=cast.publisher).status == "first_check"


def test_strangers_to_publications_see_no_file(client, publication, cast, story):
    row = choose(publication, cast, attach(story, photo()))
    names = ("file", "file_look"), ("file_original", "file_copy")
    for user in (cast.intake, cast.water_handler, cast.administrator):
        for name in names[0]:
            assert page(client, user, name, publication.number, row.pk).status_code == 404
        for name in names[1]:
            assert page(client, user, name, publication.number, row.pk, 1).status_code == 404


def test_files_of_a_posted_publication_stay_as_they_are(publication, cast, story):
    row = choose(publication, cast, attach(story, photo()))
    posted(publication, cast, row)
    with pytest.raises(IllegalTransition):
        attachments.remove(publication.pk, by=cast.publisher, file_id=row.pk)
    assert SignOff.objects.count() == 3
    assert Publication.objects.get().status == PublicationStatus.POSTED
